#include "base/test.h"
#include "codec/json.h"

struct fixture {
    struct arena_home home;
    struct arena arena;
    struct json root;
    struct fan_error err;
};

static enum fan_status parse(struct fixture *f, struct slice text)
{
    arena_home_init(&f->home, 0);
    f->arena = arena_of(&f->home);
    f->root = (struct json){0};
    f->err.text[0] = 0;
    return json_parse(text, 0, &f->arena, &f->root, &f->err);
}

static void done(struct fixture *f)
{
    arena_home_fini(&f->home);
}

static enum fan_status verdict(struct slice text)
{
    struct fixture f;
    enum fan_status s = parse(&f, text);

    done(&f);
    return s;
}

TEST(accepts_every_form_of_rfc_8259, t)
{
    static const char *const good[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-1",
        "10",
        "1.5",
        "-0.0",
        "1e5",
        "1E5",
        "1e+5",
        "1e-5",
        "1.25E-10",
        "0e0",
        "123456789012345678901234567890",
        "1e400",
        "\"\"",
        "\"a\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\xc3\xa9\"",
        "\"\xe2\x82\xac\"",
        "\"\xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "\"\xf4\x8f\xbf\xbf\"",
        "\"\xef\xbf\xbf\"",
        "[]",
        "[ ]",
        "[1]",
        "[1,2]",
        "[[]]",
        "[[],[[]]]",
        "{}",
        "{ }",
        "{\"a\":1}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"\":0}",
        "{\"a\":{\"b\":[{}]}}",
        " 1 ",
        "\t\r\n[\t\r\n1\t\r\n,\t\r\n2\t\r\n]\t\r\n",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "[null,true,false,\"x\",1]",
        "[\"12345678\",\"1234567\",\"123456789\"]",
    };

    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (verdict(slice_str(good[i]))) test_fail(t, __FILE__, __LINE__, "refused: %s", good[i]);
}

TEST(refuses_what_is_no_json, t)
{
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        "1.",
        ".5",
        "-.5",
        "1.e5",
        "1e",
        "1e+",
        "1E-",
        "0x1",
        "1_000",
        "1 2",
        "1,",
        "1a",
        "0.",
        "\"",
        "\"a",
        "'a'",
        "\"\\\"",
        "\"\\",
        "\"\\a\"",
        "\"\\x41\"",
        "\"\\u\"",
        "\"\\u00\"",
        "\"\\u00g0\"",
        "\"\\U0041\"",
        "\"\t\"",
        "\"\n\"",
        "\"\x1f\"",
        "a",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[,]",
        "[1 2]",
        "[1}",
        "[}",
        "[\"a\":1]",
        "[1,,2]",
        "[1]]",
        "[1],",
        "{",
        "}",
        "{a:1}",
        "{1:1}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1]",
        "{]",
        "{\"a\",\"b\"}",
        "{\"a\"::1}",
        "{\"a\":1}}",
        "{\"a\":1}{",
        "{null:1}",
        "//c\n1",
        "/**/1",
        "[1]#",
        "\xef\xbb\xbf"
        "1",
        "\"\x80\"",
        "\"\xbf\"",
        "\"\xc0\x80\"",
        "\"\xc1\xbf\"",
        "\"\xc3\"",
        "\"\xc3(\"",
        "\"\xe0\x80\x80\"",
        "\"\xe2\x82\"",
        "\"\xed\xa0\x80\"",
        "\"\xf0\x80\x80\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xff\"",
        "\xc3\xa9",
        "[1]\x00",
        "\f1",
        "\v1",
        "\xc2\xa0"
        "1",
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (verdict(slice_str(bad[i])) != FAN_EFORMAT && strcmp(bad[i], "[1]") != 0)
            test_fail(t, __FILE__, __LINE__, "row %zu not refused: %s", i, bad[i]);
    CHECK_EQ(t, verdict(SLICE("[1]\0")), FAN_EFORMAT);
    CHECK_EQ(t, verdict(SLICE("\"a\0b\"")), FAN_EFORMAT);
    CHECK_EQ(t, verdict(SLICE("\0")), FAN_EFORMAT);
}

TEST(says_where_and_why, t)
{
    struct fixture f;

    CHECK_EQ(t, parse(&f, SLICE("{\"a\":1,}")), FAN_EFORMAT);
    CHECK_STR(t, slice_str(f.err.text), "byte 7: a key in quotes was expected");
    done(&f);
    CHECK_EQ(t, parse(&f, SLICE("[1,2")), FAN_EFORMAT);
    CHECK_STR(t, slice_str(f.err.text), "byte 4: the text ends too early");
    done(&f);
    CHECK_EQ(t, parse(&f, SLICE("[1] x")), FAN_EFORMAT);
    CHECK_STR(t, slice_str(f.err.text), "byte 4: something follows the value");
    done(&f);
}

TEST(a_cut_text_is_never_whole, t)
{
    struct slice text = SLICE("{\"a\":[1,-2.5e+3,\"x\\u0041\xc3\xa9\",null,{\"b\":true}],\"c\":{}}");

    CHECK_EQ(t, verdict(text), FAN_OK);
    for (size_t len = 0; len < text.len; len++) CHECK_EQ(t, verdict(slice_first(text, len)), FAN_EFORMAT);
}

static void nested(struct buf *b, size_t depth)
{
    for (size_t i = 0; i < depth; i++) buf_put_str(b, i % 2 ? "{\"a\":" : "[");
    buf_put_str(b, "1");
    for (size_t i = depth; i-- > 0;) buf_put_str(b, i % 2 ? "}" : "]");
}

TEST(depth_has_a_limit, t)
{
    struct buf b;

    buf_init(&b, 0);
    nested(&b, JSON_DEPTH_MAX);
    CHECK_EQ(t, verdict(buf_peek(&b)), FAN_OK);
    buf_reset(&b);
    nested(&b, JSON_DEPTH_MAX + 1);
    CHECK_EQ(t, verdict(buf_peek(&b)), FAN_ELIMIT);
    buf_reset(&b);
    for (int i = 0; i < 100000; i++) buf_put_byte(&b, '[');
    CHECK_EQ(t, verdict(buf_peek(&b)), FAN_ELIMIT);
    buf_fini(&b);
}

TEST(values_are_found_without_copying, t)
{
    struct fixture f;
    struct slice text = SLICE("{\"id\": 1.10, \"s\":\"plain\", \"e\":\"a\\n\\u00e9\\ud83d\\ude00\\udc00\", "
                              "\"list\":[1,[2,3],{\"x\":null},true], \"o\":{}}");
    size_t count = 0;

    REQUIRE(t, parse(&f, text) == FAN_OK);
    CHECK(t, json_is(f.root, JSON_OBJECT));
    CHECK_EQ(t, json_count(f.root), 5);
    CHECK_STR(t, json_raw(json_get(f.root, "id")), "1.10");
    CHECK_STR(t, json_str_raw(json_get(f.root, "s")), "plain");
    CHECK(t, json_str(json_get(f.root, "s"), &f.arena).at > text.at &&
                 json_str(json_get(f.root, "s"), &f.arena).at < text.at + text.len);
    CHECK_STR(t, json_str(json_get(f.root, "e"), &f.arena), "a\n\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd");
    CHECK_STR(t, json_raw(json_get(f.root, "list")), "[1,[2,3],{\"x\":null},true]");
    CHECK_EQ(t, json_count(json_get(f.root, "list")), 4);
    CHECK_STR(t, json_raw(json_at(json_get(f.root, "list"), 0)), "1");
    CHECK_STR(t, json_raw(json_at(json_at(json_get(f.root, "list"), 1), 1)), "3");
    CHECK(t, json_is(json_get(json_at(json_get(f.root, "list"), 2), "x"), JSON_NULL));
    CHECK(t, json_is(json_at(json_get(f.root, "list"), 3), JSON_TRUE));
    CHECK(t, json_is(json_at(json_get(f.root, "list"), 4), JSON_MISSING));
    CHECK(t, json_is(json_first(json_get(f.root, "o")), JSON_MISSING));
    for (struct json v = json_first(f.root); !json_is(v, JSON_MISSING); v = json_next(v)) {
        static const char *const keys[] = {"id", "s", "e", "list", "o"};

        CHECK_STR(t, json_key(v), keys[count++]);
    }
    CHECK_EQ(t, count, 5);
    CHECK(t, json_is(json_next(f.root), JSON_MISSING));
    done(&f);
}

TEST(asking_the_wrong_kind_gives_missing, t)
{
    struct fixture f;
    struct json nothing = {0};

    REQUIRE(t, parse(&f, SLICE("[1,\"a\"]")) == FAN_OK);
    CHECK(t, json_is(json_get(f.root, "a"), JSON_MISSING));
    CHECK(t, json_is(json_get(json_get(json_at(f.root, 9), "a"), "b"), JSON_MISSING));
    CHECK(t, json_is(json_at(json_at(f.root, 0), 0), JSON_MISSING));
    CHECK(t, json_is(json_first(json_at(f.root, 1)), JSON_MISSING));
    CHECK_EQ(t, json_str(json_at(f.root, 0), &f.arena).len, 0);
    CHECK_EQ(t, json_count(json_at(f.root, 0)), 0);
    CHECK_EQ(t, json_key(json_at(f.root, 0)).len, 0);
    CHECK_EQ(t, json_raw(nothing).len, 0);
    CHECK(t, json_is(json_next(nothing), JSON_MISSING));
    CHECK(t, !json_str_is(nothing, ""));
    CHECK_STR(t, slice_str(json_kind_name(JSON_OBJECT)), "an object");
    done(&f);
}

TEST(the_last_of_equal_keys_counts_and_escapes_do_not_hide_it, t)
{
    struct fixture f;

    REQUIRE(t, parse(&f, SLICE("{\"to\":1,\"t\\u006f\":2,\"too\":3,\"x\":{\"to\":4}}")) == FAN_OK);
    CHECK_STR(t, json_raw(json_get(f.root, "to")), "2");
    CHECK_STR(t, json_raw(json_get(f.root, "too")), "3");
    CHECK(t, json_is(json_get(f.root, "t"), JSON_MISSING));
    done(&f);
    REQUIRE(t, parse(&f, SLICE("[\"a\\/b\",\"\"]")) == FAN_OK);
    CHECK(t, json_str_is(json_at(f.root, 0), "a/b"));
    CHECK(t, !json_str_is(json_at(f.root, 0), "a/"));
    CHECK(t, !json_str_is(json_at(f.root, 0), "a/bc"));
    CHECK(t, json_str_is(json_at(f.root, 1), ""));
    done(&f);
}

TEST(many_tokens_move_to_larger_arrays, t)
{
    struct fixture f;
    struct buf b;
    struct json v;
    size_t index = 0;

    buf_init(&b, 0);
    buf_put_str(&b, "[0");
    for (int i = 1; i < 5000; i++) buf_printf(&b, ",%d", i);
    buf_put_str(&b, "]");
    REQUIRE(t, parse(&f, buf_peek(&b)) == FAN_OK);
    for (v = json_first(f.root); !json_is(v, JSON_MISSING); v = json_next(v), index++) {
        uint64_t n = 0;

        CHECK_EQ(t, json_read_number_u64(v, &n), FAN_OK);
        CHECK_EQ(t, n, index);
    }
    CHECK_EQ(t, index, 5000);
    /* What is carved next does not lie on the tokens. */
    memset(arena_bytes(&f.arena, 4096), 0xff, 4096);
    CHECK_STR(t, json_raw(json_at(f.root, 4999)), "4999");
    done(&f);
    /* A second parse in the same arena starts behind the first one's tokens. */
    {
        struct json first, second;

        arena_home_init(&f.home, 0);
        f.arena = arena_of(&f.home);
        REQUIRE(t, json_parse(SLICE("[1,2]"), 0, &f.arena, &first, NULL) == FAN_OK);
        REQUIRE(t, json_parse(SLICE("[3,4]"), 0, &f.arena, &second, NULL) == FAN_OK);
        CHECK_STR(t, json_raw(json_at(first, 1)), "2");
        CHECK_STR(t, json_raw(json_at(second, 1)), "4");
        done(&f);
    }
    /* Out of memory is said, not suffered. */
    arena_home_init(&f.home, 8192);
    f.arena = arena_of(&f.home);
    CHECK_EQ(t, json_parse(buf_peek(&b), 0, &f.arena, &f.root, &f.err), FAN_ENOMEM);
    done(&f);
    buf_fini(&b);
}

TEST(hexadecimal_values_are_read_strictly, t)
{
    struct fixture f;
    uint64_t n = 7;
    struct fan_u256 big;
    struct fan_hash h;
    struct fan_address address;
    struct slice data;

    REQUIRE(t, parse(&f, SLICE("[\"0x10\",\"0x010\",16,\"0xffffffffffffffffff\","
                               "\"0x00000000000000000000000000000000000000000000000000000000000000ff\","
                               "\"0x52908400098527886e0f7030069857d2e4169ee7\",\"0xabc\",\"0x\",18446744073709551615,"
                               "18446744073709551616,1.0,-1]")) == FAN_OK);
    CHECK_EQ(t, json_read_u64(json_at(f.root, 0), &n), FAN_OK);
    CHECK_EQ(t, n, 16);
    CHECK_EQ(t, json_read_u64(json_at(f.root, 1), &n), FAN_EFORMAT);
    CHECK_EQ(t, json_read_u64(json_at(f.root, 2), &n), FAN_EFORMAT);
    CHECK_EQ(t, json_read_u64(json_at(f.root, 3), &n), FAN_ELIMIT);
    CHECK_EQ(t, json_read_u64(json_at(f.root, 99), &n), FAN_EFORMAT);
    CHECK_EQ(t, n, 16);
    CHECK_EQ(t, json_read_u256(json_at(f.root, 3), &big), FAN_OK);
    CHECK_EQ(t, big.limb[1], 0xff);
    CHECK_EQ(t, json_read_hash(json_at(f.root, 4), &h), FAN_OK);
    CHECK_EQ(t, h.bytes[31], 0xff);
    CHECK_EQ(t, json_read_hash(json_at(f.root, 5), &h), FAN_EFORMAT);
    CHECK_EQ(t, json_read_address(json_at(f.root, 5), &address), FAN_OK);
    CHECK_EQ(t, address.bytes[0], 0x52);
    CHECK_EQ(t, json_read_address(json_at(f.root, 4), &address), FAN_EFORMAT);
    CHECK_EQ(t, json_read_data(json_at(f.root, 6), 0, &f.arena, &data), FAN_EFORMAT);
    CHECK_EQ(t, json_read_data(json_at(f.root, 7), 0, &f.arena, &data), FAN_OK);
    CHECK_EQ(t, data.len, 0);
    CHECK_EQ(t, json_read_data(json_at(f.root, 5), 19, &f.arena, &data), FAN_ELIMIT);
    CHECK_EQ(t, json_read_data(json_at(f.root, 5), 20, &f.arena, &data), FAN_OK);
    CHECK_EQ(t, data.len, 20);
    CHECK_EQ(t, json_read_number_u64(json_at(f.root, 8), &n), FAN_OK);
    CHECK_EQ(t, n, UINT64_MAX);
    CHECK_EQ(t, json_read_number_u64(json_at(f.root, 9), &n), FAN_EFORMAT);
    CHECK_EQ(t, json_read_number_u64(json_at(f.root, 10), &n), FAN_EFORMAT);
    CHECK_EQ(t, json_read_number_u64(json_at(f.root, 11), &n), FAN_EFORMAT);
    done(&f);
}

TEST(the_writer_sets_its_own_commas, t)
{
    struct buf b;
    struct json_writer w;
    struct fan_hash h = {{0xab}};
    struct fan_address a = {{0xcd}};
    struct fan_u256 big = {{0, 1, 0, 0}};

    buf_init(&b, 0);
    w = json_writer_of(&b);
    json_begin_object(&w);
    json_put_key(&w, "a");
    json_begin_array(&w);
    json_put_null(&w);
    json_put_bool(&w, true);
    json_put_bool(&w, false);
    json_put_number(&w, 0);
    json_put_number(&w, UINT64_MAX);
    json_begin_array(&w);
    json_end_array(&w);
    json_begin_object(&w);
    json_end_object(&w);
    json_put_u64(&w, 0);
    json_put_u64(&w, 255);
    json_put_u256(&w, &big);
    json_put_data(&w, SLICE("\x01\xff"));
    json_put_data(&w, slice_of(NULL, 0));
    json_end_array(&w);
    json_put_key(&w, "h");
    json_put_hash(&w, &h);
    json_put_key(&w, "d");
    json_put_address(&w, &a);
    json_put_key(&w, "r");
    json_put_raw(&w, SLICE("1.10"));
    json_put_key(&w, "t");
    json_put_text(&w, "x");
    json_put_data_key(&w, SLICE("\x02"));
    json_put_bool(&w, true);
    json_end_object(&w);
    CHECK_EQ(t, b.failed, FAN_OK);
    CHECK_STR(t, buf_peek(&b),
              "{\"a\":[null,true,false,0,18446744073709551615,[],{},\"0x0\",\"0xff\",\"0x10000000000000000\","
              "\"0x01ff\",\"0x\"],"
              "\"h\":\"0xab00000000000000000000000000000000000000000000000000000000000000\",\"d\":"
              "\"0xcd00000000000000000000000000000000000000\",\"r\":1.10,\"t\":\"x\",\"0x02\":true}");
    buf_fini(&b);
}

TEST(strings_are_escaped_and_always_utf8, t)
{
    struct buf b;
    struct json_writer w;

    buf_init(&b, 0);
    w = json_writer_of(&b);
    json_put_str(&w, SLICE("a\"b\\c\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xff\xc3z\xed\xa0\x80"));
    CHECK_STR(t, buf_peek(&b),
              "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd"
              "\xef\xbf\xbd\"");
    CHECK_EQ(t, verdict(buf_peek(&b)), FAN_OK);
    buf_fini(&b);
}

TEST(a_full_buf_stops_the_writer_in_order, t)
{
    struct buf b;
    struct json_writer w;

    buf_init(&b, 20);
    w = json_writer_of(&b);
    json_begin_array(&w);
    for (int i = 0; i < 100; i++) json_put_u64(&w, UINT64_MAX);
    json_put_str(&w, SLICE("text"));
    json_end_array(&w);
    CHECK_EQ(t, b.failed, FAN_ELIMIT);
    CHECK(t, b.len <= 20);
    buf_fini(&b);
}
