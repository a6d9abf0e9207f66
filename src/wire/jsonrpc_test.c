#include "base/test.h"
#include "wire/jsonrpc.h"

struct fixture {
    struct arena_home home;
    struct arena arena;
    struct jsonrpc_message m;
};

static enum fan_status parse(struct fixture *f, struct slice body)
{
    arena_home_init(&f->home, 0);
    f->arena = arena_of(&f->home);
    return jsonrpc_parse(body, NULL, &f->arena, &f->m);
}

static void done(struct fixture *f)
{
    arena_home_fini(&f->home);
}

TEST(a_good_request_is_taken_apart, t)
{
    struct fixture f;
    struct jsonrpc_request *r;

    REQUIRE(
        t,
        parse(&f,
              SLICE("{\"jsonrpc\":\"2.0\",\"method\":\"eth_getBalance\",\"params\":[\"0x1\",\"latest\"],\"id\":7}")) ==
            FAN_OK);
    CHECK_EQ(t, f.m.error.code, 0);
    CHECK(t, !f.m.batch);
    REQUIRE(t, f.m.count == 1);
    r = &f.m.items[0];
    CHECK_EQ(t, r->error.code, 0);
    CHECK_STR(t, r->id, "7");
    CHECK_STR(t, r->method, "eth_getBalance");
    CHECK_EQ(t, json_count(r->params), 2);
    CHECK(t, !jsonrpc_is_notification(r));
    done(&f);
}

/* Ids come back in the bytes they were sent in; a missing one is a notification. */
TEST(ids_keep_their_bytes, t)
{
    static const char *const ids[] = {"0",
                                      "-1",
                                      "1.10",
                                      "1e400",
                                      "\"\"",
                                      "\"a\\u0062\\n\"",
                                      "\"\xc3\xa9\"",
                                      "null",
                                      "123456789012345678901234567890"};
    struct fixture f;
    struct buf b;

    buf_init(&b, 0);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        buf_reset(&b);
        buf_printf(&b, "{\"id\" : %s ,\"jsonrpc\":\"2.0\",\"method\":\"m\"}", ids[i]);
        REQUIRE(t, parse(&f, buf_peek(&b)) == FAN_OK);
        CHECK_EQ(t, f.m.items[0].error.code, 0);
        CHECK_STR(t, f.m.items[0].id, ids[i]);
        CHECK(t, !jsonrpc_is_notification(&f.m.items[0]));
        done(&f);
    }
    for (size_t len = 254; len <= 255; len++) { /* with the quotes 256, then 257 */
        buf_reset(&b);
        buf_put_str(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"");
        for (size_t i = 0; i < len; i++) buf_put_byte(&b, 'x');
        buf_put_str(&b, "\"}");
        REQUIRE(t, parse(&f, buf_peek(&b)) == FAN_OK);
        CHECK_EQ(t, (unsigned)-f.m.items[0].error.code, len == 254 ? 0 : 32600);
        CHECK_EQ(t, f.m.items[0].id.len, len == 254 ? 256 : 4);
        done(&f);
    }
    buf_fini(&b);
    REQUIRE(t, parse(&f, SLICE("{\"jsonrpc\":\"2.0\",\"method\":\"m\"}")) == FAN_OK);
    CHECK_EQ(t, f.m.items[0].error.code, 0);
    CHECK(t, jsonrpc_is_notification(&f.m.items[0]));
    done(&f);
}

TEST(what_is_wrong_with_an_item_is_said_under_its_id, t)
{
    static const struct {
        const char *text, *id, *message;
    } row[] = {
        {"{}", "null", "Invalid request: jsonrpc must be \"2.0\""},
        {"1", "null", "Invalid request: a request is an object"},
        {"null", "null", "Invalid request: a request is an object"},
        {"\"x\"", "null", "Invalid request: a request is an object"},
        {"{\"jsonrpc\":\"1.0\",\"method\":\"m\",\"id\":1}", "1", "Invalid request: jsonrpc must be \"2.0\""},
        {"{\"jsonrpc\":2.0,\"method\":\"m\",\"id\":1}", "1", "Invalid request: jsonrpc must be \"2.0\""},
        {"{\"method\":\"m\",\"id\":1}", "1", "Invalid request: jsonrpc must be \"2.0\""},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\"}", "\"a\"", "Invalid request: method is missing"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}", "1", "Invalid request: method is missing"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", "1",
         "Invalid request: method must be a string that is not empty"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", "1",
         "Invalid request: method must be a string that is not empty"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":null}", "1",
         "Invalid request: method must be a string that is not empty"},
        {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"m\"}", "null",
         "Invalid request: id must be a string, a number or null"},
        {"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"m\"}", "null",
         "Invalid request: id must be a string, a number or null"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"m\"}", "null",
         "Invalid request: id must be a string, a number or null"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":1}", "1",
         "Invalid request: params must be an array or an object"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":\"x\"}", "1",
         "Invalid request: params must be an array or an object"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":false}", "1",
         "Invalid request: params must be an array or an object"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":1}", "null",
         "Invalid request: params must be an array or an object"},
        {"{\"method\":\"m\"}", "null", "Invalid request: jsonrpc must be \"2.0\""},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fixture f;

        REQUIRE(t, parse(&f, slice_str(row[i].text)) == FAN_OK);
        CHECK_EQ(t, f.m.error.code, 0);
        REQUIRE(t, f.m.count == 1);
        CHECK_EQ(t, (unsigned)-f.m.items[0].error.code, 32600);
        CHECK_STR(t, f.m.items[0].error.message, row[i].message);
        CHECK_STR(t, f.m.items[0].id, row[i].id);
        done(&f);
    }
}

TEST(params_may_be_an_array_an_object_null_or_absent, t)
{
    static const struct {
        const char *text;
        enum json_kind kind;
    } row[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]}", JSON_ARRAY},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{}}", JSON_OBJECT},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}", JSON_MISSING},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}", JSON_MISSING},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u006d\",\"extra\":[{}]}", JSON_MISSING},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fixture f;

        REQUIRE(t, parse(&f, slice_str(row[i].text)) == FAN_OK);
        CHECK_EQ(t, f.m.items[0].error.code, 0);
        CHECK_EQ(t, json_kind(f.m.items[0].params), row[i].kind);
        CHECK_STR(t, f.m.items[0].method, "m");
        done(&f);
    }
}

TEST(a_bad_item_leaves_the_others_of_a_batch_alone, t)
{
    struct fixture f;

    REQUIRE(t, parse(&f, SLICE("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}, null, 2, "
                               "{\"jsonrpc\":\"2.0\",\"method\":\"b\"}, [], {\"id\":9}]")) == FAN_OK);
    CHECK_EQ(t, f.m.error.code, 0);
    CHECK(t, f.m.batch);
    REQUIRE(t, f.m.count == 6);
    CHECK_EQ(t, f.m.items[0].error.code, 0);
    CHECK_STR(t, f.m.items[0].method, "a");
    for (size_t i = 1; i < 6; i++) {
        if (i == 3) continue;
        CHECK_EQ(t, (unsigned)-f.m.items[i].error.code, 32600);
        CHECK_STR(t, f.m.items[i].id, i == 5 ? "9" : "null");
    }
    CHECK_EQ(t, f.m.items[3].error.code, 0);
    CHECK(t, jsonrpc_is_notification(&f.m.items[3]));
    done(&f);
    REQUIRE(t, parse(&f, SLICE("[null]")) == FAN_OK);
    REQUIRE(t, f.m.count == 1);
    CHECK(t, f.m.batch);
    CHECK_STR(t, f.m.items[0].id, "null");
    done(&f);
}

TEST(what_is_wrong_with_the_whole_message_is_one_error, t)
{
    static const struct {
        const char *text, *message;
        int code;
    } row[] = {
        {"", "Parse error: byte 0: the text ends too early", -32700},
        {"{\"jsonrpc\"", "Parse error: byte 10: the text ends too early", -32700},
        {"[1,]", "Parse error: byte 3: a value was expected", -32700},
        {"{}x", "Parse error: byte 2: something follows the value", -32700},
        {"{}{}", "Parse error: byte 2: something follows the value", -32700},
        {"[]", "Invalid request: the batch is empty", -32600},
    };
    struct fixture f;
    struct buf b;

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        REQUIRE(t, parse(&f, slice_str(row[i].text)) == FAN_OK);
        CHECK_EQ(t, (unsigned)-f.m.error.code, (unsigned)-row[i].code);
        CHECK_STR(t, f.m.error.message, row[i].message);
        CHECK_EQ(t, f.m.count, 0);
        done(&f);
    }
    buf_init(&b, 0);
    for (size_t depth = 64; depth <= 65; depth++) {
        buf_reset(&b);
        for (size_t i = 0; i < depth; i++) buf_put_byte(&b, '[');
        for (size_t i = 0; i < depth; i++) buf_put_byte(&b, ']');
        REQUIRE(t, parse(&f, buf_peek(&b)) == FAN_OK);
        CHECK_EQ(t, (unsigned)-f.m.error.code, depth == 64 ? 0 : 32600);
        if (depth == 65) CHECK_STR(t, f.m.error.message, "Invalid request: byte 64: nested too deep");
        done(&f);
    }
    for (size_t count = 1000; count <= 1001; count++) {
        buf_reset(&b);
        buf_put_byte(&b, '[');
        for (size_t i = 0; i < count; i++) buf_put_str(&b, i ? ",1" : "1");
        buf_put_byte(&b, ']');
        REQUIRE(t, parse(&f, buf_peek(&b)) == FAN_OK);
        CHECK_EQ(t, f.m.count, count == 1000 ? 1000 : 0);
        if (count == 1001)
            CHECK_STR(t, f.m.error.message, "Invalid request: the batch has 1001 items, at most 1000 are taken");
        done(&f);
    }
    buf_fini(&b);
}

TEST(limits_can_be_set, t)
{
    struct jsonrpc_limits limits = {.batch_max = 1, .id_len_max = 1, .depth_max = 2};
    struct fixture f;

    arena_home_init(&f.home, 0);
    f.arena = arena_of(&f.home);
    REQUIRE(t, jsonrpc_parse(SLICE("[1,2]"), &limits, &f.arena, &f.m) == FAN_OK);
    CHECK_EQ(t, (unsigned)-f.m.error.code, 32600);
    REQUIRE(t, jsonrpc_parse(SLICE("[[[]]]"), &limits, &f.arena, &f.m) == FAN_OK);
    CHECK_EQ(t, (unsigned)-f.m.error.code, 32600);
    REQUIRE(t, jsonrpc_parse(SLICE("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":12}"), &limits, &f.arena, &f.m) ==
                   FAN_OK);
    CHECK_STR(t, f.m.items[0].error.message, "Invalid request: id is too long");
    done(&f);
    arena_home_init(&f.home, 64);
    f.arena = arena_of(&f.home);
    CHECK_EQ(t, jsonrpc_parse(SLICE("[1,2]"), NULL, &f.arena, &f.m), FAN_ENOMEM);
    done(&f);
}

TEST(replies_are_written_as_clients_read_them, t)
{
    struct buf b;

    buf_init(&b, 0);
    jsonrpc_put_result(&b, SLICE("1.10"), SLICE("\"0x1\""));
    CHECK_STR(t, buf_peek(&b), "{\"jsonrpc\":\"2.0\",\"id\":1.10,\"result\":\"0x1\"}");
    buf_reset(&b);
    jsonrpc_put_error(&b, slice_of(NULL, 0), JSONRPC_METHOD_NOT_FOUND, SLICE("no \"such\" method"), slice_of(NULL, 0));
    CHECK_STR(t, buf_peek(&b),
              "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"no \\\"such\\\" method\"}}");
    buf_reset(&b);
    jsonrpc_put_error(&b, SLICE("\"a\""), 3, SLICE("execution reverted"), SLICE("\"0x08c379a0\""));
    CHECK_STR(t, buf_peek(&b),
              "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":3,\"message\":\"execution "
              "reverted\",\"data\":\"0x08c379a0\"}}");
    buf_reset(&b);
    buf_put(&b, JSONRPC_NOTIFICATION_HEAD);
    buf_put_str(&b, "0x1");
    jsonrpc_put_notification_tail(&b, SLICE("{}"));
    CHECK_STR(
        t, buf_peek(&b),
        "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x1\",\"result\":{}}}");
    buf_fini(&b);
}
