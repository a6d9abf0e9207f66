#include "base/test.h"
#include "wire/json_stream_trace.h"

/* The values of a text that comes in pieces of `step`, each behind a bar, and how it ends. */
static void read_all(struct slice in, size_t step, size_t len_max, struct buf *out)
{
    struct json_stream s;
    enum json_stream_event e = JSON_STREAM_NEEDS_MORE;

    json_stream_init(&s, len_max);
    while (in.len) {
        struct slice piece = slice_first(in, in.len < step ? in.len : step), value;
        size_t taken;

        in = slice_from(in, piece.len);
        do {
            e = json_stream_feed(&s, piece, &taken, &value);
            piece = slice_from(piece, taken);
            if (e != JSON_STREAM_GOT_VALUE) break;
            buf_put_byte(out, '|');
            buf_put(out, value);
        } while (piece.len);
    }
    if (e == JSON_STREAM_BROKEN) buf_put_str(out, "!");
    if (e == JSON_STREAM_TOO_LONG) buf_put_str(out, "#");
    json_stream_fini(&s);
}

/* Every way to write values one after the other, cut at every so many bytes. */
TEST(values_end_where_they_end, t)
{
    static const char *const row[][2] = {
        {"{\"a\":1}", "|{\"a\":1}"},
        {"{}{}", "|{}|{}"},
        {" {} \r\n\t[1,2] \n", "|{}|[1,2]"},
        {"[{\"a\":[{}]},[]]{", "|[{\"a\":[{}]},[]]"},
        {"{\"}\":\"]{[\"}{}", "|{\"}\":\"]{[\"}|{}"},
        {"{\"a\\\"}\":\"\\\\\"}[]", "|{\"a\\\"}\":\"\\\\\"}|[]"},
        {"1 2\nnull true", "|1|2|null"}, /* a word ends with the byte behind it */
        {"1{}2[]3\"x\"4 ", "|1|{}|2|[]|3|\"x\"|4"},
        {"\"a b\"\"\\\"\"", "|\"a b\"|\"\\\"\""},
        {"", ""},
        {"   ", ""},
        {"{\"a\"", ""},
        {"{\"a\":}", "|{\"a\":}"}, /* no JSON, but its end can be told: the parser says what is wrong */
        {"{}}", "|{}!"},
        {"{]{}", "!"},
        {"[}", "!"},
        {"[{]}", "!"},
        {"]", "!"},
        {",{}", "!"},
        {":", "!"},
        {"{},{}", "|{}!"},
        {"1,2", "|1!"},
        {"1]", "|1!"},
        {"hello", "!"},
        {"\xef\xbb\xbf{}", "!"},
        {"GET / HTTP/1.1\r\n", "!"},
        {"{}x{}", "|{}!"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++)
        for (size_t step = 1; step <= strlen(row[i][0]) + 1; step++) {
            struct buf got;

            buf_init(&got, 0);
            read_all(slice_str(row[i][0]), step, 1000, &got);
            CHECK_STR(t, buf_peek(&got), row[i][1]);
            buf_fini(&got);
        }
}

TEST(a_value_at_its_limit_and_one_byte_past, t)
{
    static const char *const row[][2] = {{"[12345678]", "|[12345678]"},         {"[123456789]", "#"},
                                         {"1234567890 ", "|1234567890"},        {"12345678901", "#"},
                                         {"    [12345678]    ", "|[12345678]"}, {"{}[123456789]{}", "|{}#"}};

    for (size_t i = 0; i < COUNT_OF(row); i++)
        for (size_t step = 1; step < 20; step++) {
            struct buf got;

            buf_init(&got, 0);
            read_all(slice_str(row[i][0]), step, 10, &got);
            CHECK_STR(t, buf_peek(&got), row[i][1]);
            buf_fini(&got);
        }
}

/* Deeper than brackets are told apart, a value still ends where its brackets do. */
TEST(a_deep_value_ends, t)
{
    enum { DEEP = 1000 };
    uint8_t text[2 * DEEP + 2];
    struct json_stream_trace whole;

    memset(text, '[', DEEP);
    memset(text + DEEP, ']', DEEP);
    memcpy(text + 2 * DEEP, "{}", 2);
    whole = json_stream_trace_run(slice_of(text, sizeof text), sizeof text, 1, sizeof text);
    CHECK_EQ(t, whole.values, 2);
    CHECK_EQ(t, json_stream_trace_run(slice_of(text, sizeof text), 0, 7, sizeof text).hash, whole.hash);
}

/* What is announced costs nothing: memory follows the bytes. */
TEST(memory_follows_the_bytes, t)
{
    struct json_stream s;
    struct slice value;
    size_t taken;

    json_stream_init(&s, 5 << 20);
    CHECK_EQ(t, json_stream_feed(&s, SLICE("{\"a\":\""), &taken, &value), JSON_STREAM_NEEDS_MORE);
    CHECK(t, s.held.cap <= 256);
    CHECK_EQ(t, json_stream_feed(&s, SLICE("\"}"), &taken, &value), JSON_STREAM_GOT_VALUE);
    CHECK_STR(t, value, "{\"a\":\"\"}");
    json_stream_trim(&s);
    CHECK(t, !s.held.at);
    CHECK_EQ(t, json_stream_feed(&s, SLICE("[]"), &taken, &value), JSON_STREAM_GOT_VALUE);
    CHECK(t, !s.held.at); /* it lay whole in the bytes */
    json_stream_fini(&s);
}
