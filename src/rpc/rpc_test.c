/* Messages over real connections: a worker's loop, a writer's and the pool, each on its threads; the client sits on the
 * other end of a TCP connection. */
#include <sched.h>

#include "rpc/test_gate.h"
#include "rpc/test_server.h"

enum { REPLY_LEN_MAX = 100000 };

/* ---- methods ---- */

static atomic_size_t counter;

static void echo(struct call *c)
{
    json_put_raw(call_result(c), json_raw(call_param(c, 0)));
    call_finish(c);
}

static void nothing(struct call *c)
{
    call_finish(c);
}

static void count(struct call *c)
{
    atomic_fetch_add(&counter, 1);
    json_put_number(call_result(c), atomic_load(&counter));
    call_finish(c);
}

/* As many bytes as the parameter says. */
static void large(struct call *c)
{
    uint64_t len = 0;
    char *text;

    if (json_read_number_u64(call_param(c, 0), &len)) len = 0;
    text = arena_alloc(call_arena(c), len + 1);
    memset(text, 'x', len);
    json_put_str(call_result(c), slice_of(text, len));
    call_finish(c);
}

static void fail(struct call *c)
{
    json_put_raw(call_result(c), SLICE("{\"half\":")); /* what was written is dropped */
    call_fail_data(c, 3, SLICE("\"0x08c379a0\""), "execution reverted: %s", "no \"luck\"");
}

static void fail_status(struct call *c)
{
    const struct fan_error err = {.text = "address is too short"};

    call_fail_status(c, FAN_EINVAL, &err);
}

static void fail_long(struct call *c)
{
    char text[5000];

    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = 0;
    call_fail(c, -32000, "%s", text);
}

/* inline → pool → writer → inline, each adding its thread's name. What a call carries lies in its arena: a call that is
 * dropped on the way has nobody to free anything. */
static void trip_say(struct call *c, const char *what)
{
    call_set_state(c, arena_printf(call_arena(c), "%s%s", (const char *)call_state(c), what));
}

static void trip_end(struct call *c)
{
    trip_say(c, call_conn(c) && call_worker_app(c) ? " home" : " lost");
    json_put_text(call_result(c), call_state(c));
    call_finish(c);
}

static void trip_writer(struct call *c)
{
    trip_say(c, " writer");
    call_continue(c, RPC_INLINE, trip_end);
}

static void trip_pool(struct call *c)
{
    trip_say(c, " pool");
    call_continue(c, RPC_WRITER, trip_writer);
}

static void trip(struct call *c)
{
    call_set_state(c, arena_printf(call_arena(c), "inline"));
    call_continue(c, RPC_POOL, trip_pool);
}

static void *finish_there(void *arg)
{
    json_put_text(call_result(arg), "from afar");
    call_finish(arg);
    return NULL;
}

/* Finished by another thread before the method has returned. */
static void afar(struct call *c)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, finish_there, c)) abort();
    (void)pthread_join(thread, NULL);
}

/* As a subscription does: something for the client that must not overtake the reply. */
static void subscribe(struct call *c)
{
    struct frame *f;
    struct frame_share *share;

    call_hold(c);
    call_hold(c); /* once per message is enough, twice does no harm */
    if (frame_new_text(SLICE("{\"notification\":\""), SLICE("\"}"), &f)) abort();
    share = frame_share_new(f);
    conn_notify(call_conn(c), share, (const uint8_t *)"0x11111111111111111111111111111111");
    frame_share_unref(share);
    json_put_text(call_result(c), "subscribed");
    call_finish(c);
}

static atomic_size_t released;

static void release_one(void *state)
{
    atomic_fetch_add((atomic_size_t *)state, 1);
}

static void keep(struct call *c)
{
    call_set_state(c, NULL);
    call_set_release(c, NULL);
    call_finish(c);
}

/* Holds something on its way to the pool: true takes it back there, false leaves it to the call's end. */
static void carry(struct call *c)
{
    call_set_state(c, &released);
    call_set_release(c, release_one);
    call_continue(c, RPC_POOL, json_is(call_param(c, 0), JSON_TRUE) ? keep : call_finish);
}

/* Where it runs, once so many milliseconds are over. */
static void brief(struct call *c)
{
    uint64_t ms = 0, begin = clock_monotonic_ns();

    if (json_read_number_u64(call_param(c, 0), &ms)) ms = 0;
    while (clock_monotonic_ns() - begin < ms * 1000000) sched_yield();
    json_put_text(call_result(c), call_where(c) == RPC_INLINE ? "inline" : "pool");
    call_finish(c);
}

/* Begins where there is time and goes on on the pool, from its beginning. */
static void brief_no_more(struct call *c)
{
    if (call_where(c) == RPC_INLINE)
        call_continue(c, RPC_POOL, brief_no_more);
    else
        brief(c);
}

/* Answers with how many it was together with and its place among them; what asks for it, on the writer. */
static void gathered_on_writer(struct call *c)
{
    json_put_text(call_result(c), "writer");
    call_finish(c);
}

static void together(struct call *const *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct call *c = calls[i];

        if (call_state(c)) {
            call_continue(c, RPC_WRITER, gathered_on_writer);
            continue;
        }
        json_put_text(call_result(c), arena_printf(call_arena(c), "%zu of %zu", i + 1, count));
        call_finish(c);
    }
}

static void gather(struct call *c)
{
    call_set_state(c, call_param(c, 0).doc ? c : NULL);
    call_gather(c, together);
}

static const struct rpc_method methods[] = {
    {"t_gather", RPC_INLINE, RPC_GATHERS, gather},
    {"t_brief", RPC_BRIEF, 0, brief},
    {"t_briefNoMore", RPC_BRIEF, 0, brief_no_more},
    {"t_echo", RPC_INLINE, 0, echo},
    {"t_echoPool", RPC_POOL, 0, echo},
    {"t_echoWriter", RPC_WRITER, 0, echo},
    {"t_nothing", RPC_INLINE, 0, nothing},
    {"t_count", RPC_INLINE, 0, count},
    {"t_countPool", RPC_POOL, 0, count},
    {"t_large", RPC_INLINE, 0, large},
    {"t_fail", RPC_POOL, 0, fail},
    {"t_failStatus", RPC_INLINE, 0, fail_status},
    {"t_failLong", RPC_INLINE, 0, fail_long},
    {"t_trip", RPC_INLINE, 0, trip},
    {"t_afar", RPC_INLINE, 0, afar},
    {"t_develop", RPC_INLINE, RPC_DEVELOPMENT, nothing},
    {"t_subscribe", RPC_INLINE, RPC_NOTIFIES, subscribe},
    {"t_gate", RPC_POOL, 0, wait_at_gate},
    {"t_carry", RPC_INLINE, 0, carry},
};
/* The server with these methods. */
static bool start(struct server *s, const struct rpc_options *options, const struct rpc_method *fallback)
{
    atomic_store(&counter, 0);
    return server_init(s, methods, COUNT_OF(methods), options, fallback);
}

/* ---- tests ---- */

TEST(a_call_is_answered_wherever_it_runs, t)
{
    struct server s;
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    fd = server_connect(&s);
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_echo\",\"params\":[{\"a\":[1.50,null]}]}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":[1.50,null]}}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":\"x\\u00e9\",\"method\":\"t_echoPool\",\"params\":[\"p\"]}",
                "{\"jsonrpc\":\"2.0\",\"id\":\"x\\u00e9\",\"result\":\"p\"}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1.10,\"method\":\"t_echoWriter\",\"params\":[true]}",
                "{\"jsonrpc\":\"2.0\",\"id\":1.10,\"result\":true}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"t_nothing\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":null}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"t_trip\",\"params\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":\"inline pool writer home\"}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t_afar\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"from afar\"}");
    (void)close(fd);
    server_fini(&s);
}

TEST(errors_carry_code_phrase_and_data, t)
{
    struct server s;
    const char *text;
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    fd = server_connect(&s);
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_fail\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":3,\"message\":\"execution reverted: no "
                "\\\"luck\\\"\",\"data\":\"0x08c379a0\"}}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_failStatus\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"Invalid params: address is too "
                "short\"}}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_none\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found: the method "
                "t_none does not exist/is not "
                "available\"}}");
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_subscribe\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found: "
                "notifications not supported\"}}");
    text = post(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_failLong\"}");
    CHECK_EQ(t, strspn(strstr(text, "yyy") ? strstr(text, "yyy") : "", "y"), 4999);
    CHECK(t, strstr(post(fd, "{"), "\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error: "));
    CHECK(t, strstr(post(fd, "[]"), "\"id\":null,\"error\":{\"code\":-32600,"));
    CHECK(t, strstr(post(fd, "{\"jsonrpc\":\"2.0\",\"id\":7}"), "\"id\":7,\"error\":{\"code\":-32600,"));
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_echo\",\"params\":[3]}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":3}");
    (void)close(fd);
    server_fini(&s);
}

/* What kills two well-known nodes, and other bodies nobody expects. */
TEST(strange_batches_are_answered_item_by_item, t)
{
    struct server s;
    const char *text;
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    fd = server_connect(&s);
    text = post(fd, "[null]");
    CHECK(t, text[0] == '[' && strstr(text, "\"id\":null,\"error\":{\"code\":-32600,"));
    text = post(fd, "[[],[[]],7,\"x\",{},{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"t_echoPool\",\"params\":[\"in the "
                    "middle\"]},null]");
    CHECK(t, text[0] == '[' && text[strlen(text) - 1] == ']');
    CHECK(t, strstr(text, ",{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"in the middle\"},") != NULL);
    text = post(fd, "null");
    CHECK(t, text[0] == '{' && strstr(text, "-32600"));
    text = post(fd, "\"eth_blockNumber\"");
    CHECK(t, text[0] == '{' && strstr(text, "-32600"));
    (void)close(fd);
    server_fini(&s);
}

/* All items of a batch that can be answered at once are, in one turn of the loop. */
TEST(a_brief_method_runs_inline_until_its_turn_has_no_time_left, t)
{
    struct server s;
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    fd = server_connect(&s);
    for (int again = 0; again < 2; again++) {
        CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_brief\",\"params\":[0]}",
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"inline\"}");
        CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t_briefNoMore\"}",
                    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"pool\"}");
        CHECK_REPLY(t, fd,
                    "[{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"t_brief\",\"params\":[2]},"
                    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"t_brief\",\"params\":[0]}]",
                    "[{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"inline\"},"
                    "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":\"pool\"}]");
    }
    (void)close(fd);
    server_fini(&s);
}

/* Messages that come in one piece are of one turn of the loop. */
TEST(what_gathers_goes_on_together_before_anything_else_begins, t)
{
    static const struct {
        const char *method, *params, *result;
    } row[] = {{"t_gather", "[]", "1 of 3"},       {"t_gather", "[1]", "writer"}, {"t_gather", "[]", "3 of 3"},
               {"t_echo", "[\"echo\"]", "echo"},   {"t_gather", "[]", "1 of 1"},  {"t_echoPool", "[\"pool\"]", "pool"},
               {"t_gather", "[]", "1 of 2"},       {"t_gather", "[]", "2 of 2"}};
    static const uint8_t mask[WS_MASK_LEN] = {9, 8, 7, 6};
    struct buf frames;
    struct websocket w;
    struct server s;
    char text[256], seen[COUNT_OF(row)] = {0};

    REQUIRE(t, start(&s, NULL, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    buf_init(&frames, 0);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        (void)snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"%s\",\"params\":%s}", i,
                       row[i].method, row[i].params);
        ws_put_masked_frame(&frames, WS_TEXT, true, slice_str(text), mask);
    }
    CHECK_EQ(t, write(w.fd, frames.at, frames.len), (ssize_t)frames.len);
    for (size_t n = 0; n < COUNT_OF(row); n++) {
        struct slice reply = websocket_next(&w);
        size_t id = reply.len > 22 ? (size_t)(reply.at[22] - '0') : COUNT_OF(row);

        REQUIRE(t, id < COUNT_OF(row) && !seen[id]);
        seen[id] = 1;
        (void)snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":\"%s\"}", id, row[id].result);
        CHECK_STR(t, reply, text);
    }
    buf_fini(&frames);
    websocket_fini(&w);
    server_fini(&s);
}

/* Sixteen go on together; what comes behind them in the turn begins anew. */
TEST(more_than_gather_at_once_are_answered_too, t)
{
    static const uint8_t mask[WS_MASK_LEN] = {9, 8, 7, 6};
    struct buf frames;
    struct websocket w;
    struct server s;
    size_t full = 0;

    REQUIRE(t, start(&s, NULL, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    buf_init(&frames, 0);
    for (size_t i = 0; i < 20; i++)
        ws_put_masked_frame(&frames, WS_TEXT, true, SLICE("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gather\",\"params\":[]}"), mask);
    CHECK_EQ(t, write(w.fd, frames.at, frames.len), (ssize_t)frames.len);
    for (size_t n = 0; n < 20; n++) {
        struct slice reply = websocket_next(&w);

        REQUIRE(t, reply.len > 40);
        full += memmem(reply.at, reply.len, " of 16\"", 7) != NULL;
    }
    CHECK_EQ(t, full, 16);
    buf_fini(&frames);
    websocket_fini(&w);
    server_fini(&s);
}

/* A batch has one item at work: each gathers alone, more of them than a worker gathers at once and than a turn begins. */
TEST(items_of_a_batch_gather_one_after_the_other, t)
{
    char body[20000] = "[", expected[20000] = "[";
    struct server s;
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    fd = server_connect(&s);
    for (int i = 0; i < 150; i++) {
        bool writer = i % 11 == 10;

        (void)sprintf(body + strlen(body), "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"t_gather\",\"params\":[%s]}",
                      i ? "," : "", i, writer ? "1" : "");
        (void)sprintf(expected + strlen(expected), "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":\"%s\"}", i ? "," : "", i,
                      writer ? "writer" : "1 of 1");
    }
    (void)strcat(body, "]");
    (void)strcat(expected, "]");
    CHECK_REPLY(t, fd, body, expected);
    (void)close(fd);
    server_fini(&s);
}

TEST(items_of_a_batch_run_in_order_wherever_they_run, t)
{
    struct server s;
    char body[40000] = "[", expected[60000] = "[";
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    fd = server_connect(&s);
    for (int i = 0; i < 300; i++) { /* more than one turn of the loop */
        (void)sprintf(body + strlen(body), "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}", i ? "," : "", i,
                      i % 7 ? "t_count" : "t_countPool");
        (void)sprintf(expected + strlen(expected), "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%d}", i ? "," : "", i,
                      i + 1);
    }
    (void)strcat(body, "]");
    (void)strcat(expected, "]");
    CHECK_REPLY(t, fd, body, expected);
    (void)close(fd);
    server_fini(&s);
}

TEST(notifications_are_carried_out_and_not_answered, t)
{
    struct server s;
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    fd = server_connect(&s);
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"t_count\"}", "");
    CHECK_REPLY(t, fd, "[{\"jsonrpc\":\"2.0\",\"method\":\"t_countPool\"},{\"jsonrpc\":\"2.0\",\"method\":\"t_none\"}]",
                "");
    CHECK_REPLY(t, fd,
                "[{\"jsonrpc\":\"2.0\",\"method\":\"t_count\"},{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_count\"}]",
                "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":4}]");
    (void)close(fd);
    server_fini(&s);
}

TEST(a_reply_that_is_too_large_is_an_error_and_the_json_stays_whole, t)
{
    const struct rpc_options options = {.reply_len_max = REPLY_LEN_MAX};
    struct server s;
    const char *text;
    int fd;

    REQUIRE(t, start(&s, &options, NULL));
    fd = server_connect(&s);
    CHECK(t, strlen(post(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_large\",\"params\":[99964]}")) ==
                 REPLY_LEN_MAX);
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_large\",\"params\":[99965]}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32003,\"message\":\"response too large\"}}");
    text = post(
        fd, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_large\",\"params\":[60000]},"
            "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t_large\",\"params\":[60000]},"
            "{\"jsonrpc\":\"2.0\",\"method\":\"t_count\"},{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"t_count\"},null]");
    CHECK(t,
          strstr(text,
                 "x\"},{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32003,\"message\":\"response too large\"}},"
                 "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32003,\"message\":\"response too large\"}},"
                 "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32003,\"message\":\"response too large\"}}]"));
    CHECK_EQ(t, atomic_load(&counter), 0); /* what cannot be answered is not begun */
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"t_echo\",\"params\":[1]}",
                "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":1}");
    (void)close(fd);
    server_fini(&s);
}

TEST(development_methods_answer_whom_the_option_names, t)
{
    static const struct {
        enum rpc_dev_methods option;
        bool local, forwarded;
    } row[] = {{RPC_DEV_LOOPBACK, true, false}, {RPC_DEV_ALL, true, true}, {RPC_DEV_NONE, false, false}};
    const char *request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_develop\"}";

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const struct rpc_options options = {.dev_methods = row[i].option};
        struct server s;
        int fd;

        REQUIRE(t, start(&s, &options, NULL));
        fd = server_connect(&s);
        CHECK(t, !strstr(post(fd, request), "-32601") == row[i].local);
        CHECK(t, !strstr(post_with(fd, "X-Forwarded-For: 203.0.113.7\r\n", request), "-32601") == row[i].forwarded);
        (void)close(fd);
        server_fini(&s);
    }
}

TEST(a_method_without_a_row_goes_to_the_fallback, t)
{
    static const struct rpc_method fallback = {"*", RPC_INLINE, 0, echo};
    struct server s;
    int fd;

    REQUIRE(t, start(&s, NULL, &fallback));
    fd = server_connect(&s);
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"other_thing\",\"params\":[\"there\"]}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"there\"}");
    (void)close(fd);
    server_fini(&s);
}

/* Promise 1: what an item causes waits for the reply of its message, also inside a batch with slow items behind it. */
TEST(a_notification_never_overtakes_the_reply, t)
{
    const char *notification = "{\"notification\":\"0x11111111111111111111111111111111\"}";
    static struct websocket w;
    struct server s;

    REQUIRE(t, start(&s, NULL, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_subscribe\"}");
    CHECK_STR(t, websocket_next(&w), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"subscribed\"}");
    CHECK_STR(t, websocket_next(&w), notification);
    websocket_send(&w, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t_subscribe\"},{\"jsonrpc\":\"2.0\",\"id\":3,"
                       "\"method\":\"t_trip\"},"
                       "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"t_subscribe\"}]");
    CHECK_STR(t, websocket_next(&w),
              "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"subscribed\"},"
              "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"inline pool writer home\"},"
              "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":\"subscribed\"}]");
    CHECK_STR(t, websocket_next(&w), notification);
    CHECK_STR(t, websocket_next(&w), notification);
    websocket_fini(&w);
    server_fini(&s);
}

TEST(a_full_pool_says_so, t)
{
    const struct rpc_options options = {.pool_threads = 1, .pool_queue_max = 1};
    static struct websocket w;
    struct server s;
    size_t busy = 0, passed = 0;

    REQUIRE(t, start(&s, &options, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    gate_close();
    for (int i = 0; i < 5; i++) websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\"}");
    /* One runs, one waits, at least three find no room. */
    CHECK_STR(t, websocket_next(&w),
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"server is busy\"}}");
    gate_open();
    for (int i = 0; i < 4; i++) {
        struct slice text = websocket_next(&w);

        if (text.len > 60 && memmem(text.at, text.len, "busy", 4))
            busy++;
        else if (memmem(text.at, text.len, "passed", 6))
            passed++;
    }
    CHECK_EQ(t, busy + passed, 4);
    CHECK(t, passed >= 1);
    websocket_fini(&w);
    server_fini(&s);
}

/* A method that ended well, one that took its state back, and one that the full pool turned away. */
TEST(what_a_call_carries_is_released_once_however_it_ends, t)
{
    const struct rpc_options options = {.pool_threads = 1, .pool_queue_max = 1};
    static struct websocket w;
    struct server s;

    REQUIRE(t, start(&s, &options, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    atomic_store(&released, 0);
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_carry\",\"params\":[false]}");
    CHECK_STR(t, websocket_next(&w), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}");
    CHECK_EQ(t, atomic_load(&released), 1);
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t_carry\",\"params\":[true]}");
    CHECK_STR(t, websocket_next(&w), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":null}");
    CHECK_EQ(t, atomic_load(&released), 1);
    gate_close();
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"t_gate\"}");
    gate_await(1);
    /* One runs; the next one fills the queue. */
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"t_gate\"}");
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"t_carry\",\"params\":[true]}");
    CHECK_STR(t, websocket_next(&w),
              "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32000,\"message\":\"server is busy\"}}");
    CHECK_EQ(t, atomic_load(&released), 2);
    gate_open();
    websocket_fini(&w);
    server_fini(&s);
}

/* The client hangs up while its calls are out; the server stops while others are. Nothing leaks, nothing crashes (ASan
 * watches). */
TEST(a_client_or_a_server_may_go_while_calls_are_out, t)
{
    static struct websocket w;
    struct server s;
    int fd;

    REQUIRE(t, start(&s, NULL, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    gate_close();
    for (int i = 0; i < 4; i++) websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\"}");
    (void)usleep(20000);
    websocket_fini(&w);
    (void)usleep(20000);
    gate_open();
    fd = server_connect(&s);
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"passed\"}");
    (void)dprintf(fd,
                  "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\r\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_trip\"}");
    server_fini(&s);
    (void)close(fd);
}
