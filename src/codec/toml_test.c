#include <stdio.h>

#include "base/buf.h"
#include "base/test.h"
#include "codec/toml.h"

struct file {
    struct arena_home home;
    const struct toml_item *items;
    size_t count;
    struct fan_error err;
    enum fan_status status;
};

static struct file file_read(const char *text)
{
    struct file f = {.err = {""}};
    struct arena a;

    arena_home_init(&f.home, 0);
    a = arena_of(&f.home);
    f.status = toml_read(slice_str(text), &a, &f.items, &f.count, &f.err);
    return f;
}

TEST(tables_dots_and_inline_tables_are_one_key, t)
{
    static const char *const ways[] = {"ws.port = 8546",
                                       "[ws]\nport = 8546",
                                       "ws = { port = 8546 }",
                                       "\"ws\" . 'port' = 8546",
                                       "# a note\n\n [ ws ] # more\n\tport\t=\t8546 # why\r\n",
                                       "\xef\xbb\xbfws.port=8_546"};

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct file f = file_read(ways[i]);

        CHECK_EQ(t, f.status, FAN_OK);
        CHECK_EQ(t, f.count, 1);
        if (f.count == 1) {
            CHECK_STR(t, f.items[0].key, "ws.port");
            CHECK_STR(t, f.items[0].text, "8546");
            CHECK_EQ(t, f.items[0].kind, TOML_INTEGER);
        }
        arena_home_fini(&f.home);
    }
}

TEST(each_kind_of_value_says_what_it_should, t)
{
    static const struct {
        const char *written, *said;
        enum toml_kind kind;
    } row[] = {
        {"\"a b\"", "a b", TOML_STRING},
        {"''", "", TOML_STRING},
        {"\"\"", "", TOML_STRING},
        {"'C:\\dir'", "C:\\dir", TOML_STRING},
        {"\"t\\tq\\\"b\\\\u\\u00e9U\\U0001F600\"", "t\tq\"b\\u\xc3\xa9U\xf0\x9f\x98\x80", TOML_STRING},
        {"\"\"\"\none\ntwo\"\"\"", "one\ntwo", TOML_STRING},
        {"\"\"\"one \\\n   \n  two\"\"\"", "one two", TOML_STRING},
        {"'''\nit's\n'''", "it's\n", TOML_STRING},
        {"\"\"\"\"quoted\"\"\"\"\"", "\"quoted\"\"", TOML_STRING},
        {"0", "0", TOML_INTEGER},
        {"+7", "7", TOML_INTEGER},
        {"-12", "-12", TOML_INTEGER},
        {"0x1F", "31", TOML_INTEGER},
        {"0o17", "15", TOML_INTEGER},
        {"0b101", "5", TOML_INTEGER},
        {"18446744073709551615", "18446744073709551615", TOML_INTEGER},
        {"0.5", "0.5", TOML_FLOAT},
        {"1_0.2_5", "10.25", TOML_FLOAT},
        {"-1e3", "-1e3", TOML_FLOAT},
        {"6.02E+23", "6.02E+23", TOML_FLOAT},
        {"true", "true", TOML_BOOLEAN},
        {"false", "false", TOML_BOOLEAN},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char text[200];
        struct file f;

        (void)snprintf(text, sizeof text, "key = %s # end\nlast = 1\n", row[i].written);
        f = file_read(text);
        if (f.status) test_fail(t, __FILE__, __LINE__, "%s: %s", row[i].written, f.err.text);
        CHECK_EQ(t, f.count, 2);
        if (f.count == 2) {
            CHECK_STR(t, f.items[0].text, row[i].said);
            CHECK_EQ(t, f.items[0].kind, row[i].kind);
        }
        arena_home_fini(&f.home);
    }
}

TEST(arrays_hold_scalars_and_span_lines, t)
{
    struct file f = file_read("names = [\n  \"a\", # first\n  'b', 3,\n]\nnone = []\nafter = 1");

    CHECK_EQ(t, f.status, FAN_OK);
    REQUIRE(t, f.count == 3);
    CHECK_EQ(t, f.items[0].kind, TOML_ARRAY);
    REQUIRE(t, f.items[0].item_count == 3);
    CHECK_STR(t, f.items[0].items[0], "a");
    CHECK_STR(t, f.items[0].items[1], "b");
    CHECK_STR(t, f.items[0].items[2], "3");
    CHECK_EQ(t, f.items[1].item_count, 0);
    CHECK_EQ(t, f.items[2].line, 6);
    arena_home_fini(&f.home);
}

TEST(what_is_no_toml_is_told_with_its_line, t)
{
    static const struct {
        const char *text;
        size_t line;
    } row[] = {
        {"a = 1\nb", 2},
        {"a = 1\n= 2", 2},
        {"\na = ", 2},
        {"a = 1 b = 2", 1},
        {"a = \"x", 1},
        {"a = \"x\ny\"", 1},
        {"a = \"\\q\"", 1},
        {"a = \"\\ud800\"", 1},
        {"a = 01", 1},
        {"a = 1__0", 1},
        {"a = 1_", 1},
        {"a = .5", 1},
        {"a = 5.", 1},
        {"a = 1.e2", 1},
        {"a = 1e", 1},
        {"a = 0x", 1},
        {"a = inf", 1},
        {"a = nan", 1},
        {"a = 1979-05-27", 1},
        {"a = 07:32:00", 1},
        {"a = 1\na = 2", 2},
        {"a.b = 1\na = 2", 2},
        {"a = 1\n[a]\nb = 1", 3},
        {"[a]\n[b]\n[a]", 3},
        {"[[a]]", 1},
        {"[a\nb = 1", 1},
        {"a = [1, 2", 1},
        {"a = [1 2]", 1},
        {"a = [[1]]", 1},
        {"a = {b = 1,}", 1},
        {"a = {b = 1\n}", 1},
        {"a = \"\"\"x", 1},
        {"a = yes", 1},
        {"a = tru", 1},
        {"a = 99999999999999999999", 1},
        {"a = +", 1},
        {"a = \x01", 1},
        {"\"\"\"a\"\"\" = 1", 1},
        {"a = \"\\u0000\"", 1},
        {"a = 0.0.0", 1},
        {"a = \"\xff\"", 0},
        {"a = 1\rb = 2", 1},
        {"a = -0x10", 1},
        {"a = 00.5", 1},
        {"a. = 1", 1},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct file f = file_read(row[i].text);
        char line[40];

        (void)snprintf(line, sizeof line, row[i].line ? "line %zu: " : "the file is not UTF-8", row[i].line);
        if (!f.status)
            test_fail(t, __FILE__, __LINE__, "\"%s\" was taken", row[i].text);
        else if (strncmp(f.err.text, line, strlen(line)) != 0)
            test_fail(t, __FILE__, __LINE__, "\"%s\": %s", row[i].text, f.err.text);
        arena_home_fini(&f.home);
    }
}

TEST(a_file_of_strings_costs_what_it_holds, t)
{
    struct buf text;
    struct arena_home home;
    struct arena a;
    const struct toml_item *items;
    size_t count;

    buf_init(&text, 0);
    for (unsigned i = 0; i < TOML_ITEMS_MAX; i++)
        buf_printf(&text, "key%u = \"value of some length, so that a second copy would show\"\n", i);
    arena_home_init(&home,
                    1024 * 1024); /* the limit is the test: room for the rest of the file each time would be 35 MB */
    a = arena_of(&home);
    CHECK_EQ(t, toml_read(buf_peek(&text), &a, &items, &count, NULL), FAN_OK);
    CHECK_EQ(t, count, TOML_ITEMS_MAX);
    buf_put_str(&text, "more = 1\n");
    arena_home_fini(&home);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    CHECK_EQ(t, toml_read(buf_peek(&text), &a, &items, &count, NULL), FAN_ELIMIT);
    arena_home_fini(&home);
    buf_fini(&text);
}
