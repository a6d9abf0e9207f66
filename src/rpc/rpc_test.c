/* Messages over real connections: a worker's loop, a writer's and the pool, each on its threads; the client sits on the
 * other end of a TCP connection. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "conn/share.h"
#include "net/loop.h"
#include "rpc/rpc.h"
#include "wire/ws.h"

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

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

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

static atomic_size_t at_gate;

static void wait_at_gate(struct call *c)
{
    atomic_fetch_add(&at_gate, 1);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    json_put_text(call_result(c), "passed");
    call_finish(c);
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

static const struct rpc_method methods[] = {
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

/* ---- the server ---- */

struct server {
    struct loop *loop, *writer;
    struct loop_hook turn_end;
    struct conn_set *conns;
    struct conn_totals *totals;
    struct rpc *rpc;
    struct rpc_worker *worker;
    pthread_t threads[2];
};

static void post_to_writer(void *ctx, struct letter *l)
{
    struct server *s = ctx;

    mailbox_post(loop_mailbox(s->writer), l);
}

static void on_message(void *ctx, struct conn *c, struct slice body)
{
    struct server *s = ctx;

    rpc_message(s->worker, c, body);
}

static void on_closed(void *ctx, struct conn *c)
{
    (void)ctx;
    (void)c;
}

static void *loop_main(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void turn_end(struct loop_hook *self)
{
    rpc_worker_turn_end(CONTAINER_OF(self, struct server, turn_end)->worker);
}

static bool server_init(struct server *s, const struct rpc_options *options, const struct rpc_method *fallback)
{
    const struct rpc_method *tables[] = {methods};
    const size_t counts[] = {COUNT_OF(methods)};
    const struct conn_handler handler = {.ctx = s, .message = on_message, .closed = on_closed};
    const struct conn_options conns = {0};

    *s = (struct server){.totals = conn_totals_new(NULL)};
    atomic_store(&counter, 0);
    if (loop_new(NULL, &s->loop) || loop_new(NULL, &s->writer)) return false;
    if (rpc_new(tables, counts, 1, fallback, options, post_to_writer, s, NULL, &s->rpc)) return false;
    if (conn_set_new(s->loop, 0, &conns, &handler, s->totals, &s->conns)) return false;
    if (rpc_worker_new(s->rpc, s->conns, loop_mailbox(s->loop), s, &s->worker)) return false;
    s->turn_end.run = turn_end;
    loop_hook_add(s->loop, &s->turn_end);
    return !pthread_create(&s->threads[0], NULL, loop_main, s->loop) &&
           !pthread_create(&s->threads[1], NULL, loop_main, s->writer);
}

static void server_fini(struct server *s)
{
    loop_stop(s->loop);
    loop_stop(s->writer);
    (void)pthread_join(s->threads[0], NULL);
    (void)pthread_join(s->threads[1], NULL);
    rpc_free(s->rpc);
    loop_free(s->writer); /* runs what is left in its box */
    rpc_worker_free(s->worker);
    conn_set_free(s->conns);
    loop_free(s->loop);
    conn_totals_free(s->totals);
}

struct adoption {
    struct letter letter;
    struct conn_set *conns;
    int fd;
};

static void adopt(struct letter *l)
{
    struct adoption *a = CONTAINER_OF(l, struct adoption, letter);

    conn_set_adopt(a->conns, a->fd, CONN_ACCEPTS_BOTH);
    free(a);
}

/* A TCP connection over loopback; returns the client's end. */
static int server_connect(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct adoption *a = malloc(sizeof *a);
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

    if (!a || bind(listener, (struct sockaddr *)&address, len) || listen(listener, 1) ||
        getsockname(listener, (struct sockaddr *)&address, &len) || connect(client, (struct sockaddr *)&address, len))
        abort();
    *a = (struct adoption){{NULL, adopt}, s->conns, accept4(listener, NULL, NULL, SOCK_NONBLOCK)};
    if (a->fd < 0) abort();
    (void)close(listener);
    mailbox_post(loop_mailbox(s->loop), &a->letter);
    return client;
}

/* ---- the client ---- */

static bool read_exactly(int fd, char *into, size_t len)
{
    while (len) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, 20000) == 1 ? read(fd, into, len) : 0;

        if (n <= 0) return false;
        into += n;
        len -= (size_t)n;
    }
    return true;
}

/* The head of a response, up to and with the blank line, NUL-terminated. */
static bool read_head(int fd, char *head, size_t cap)
{
    for (size_t len = 0; len + 1 < cap; len++) {
        if (!read_exactly(fd, head + len, 1)) return false;
        head[len + 1] = 0;
        if (len >= 3 && memcmp(head + len - 3, "\r\n\r\n", 4) == 0) return true;
    }
    return false;
}

/* Posts a body and gives the answer's, NUL-terminated; kept until the next call. */
static const char *post_with(int fd, const char *headers, const char *body)
{
    static char head[4096], reply[4 << 20];
    const char *at;
    size_t len;

    (void)dprintf(
        fd, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
        headers, strlen(body), body);
    if (!read_head(fd, head, sizeof head)) return "(no answer)";
    at = strcasestr(head, "content-length:");
    len = at ? strtoul(at + 15, NULL, 10) : 0;
    if (strncmp(head, "HTTP/1.1 200", 12) != 0 || len >= sizeof reply || !read_exactly(fd, reply, len))
        return "(bad answer)";
    reply[len] = 0;
    return reply;
}

static const char *post(int fd, const char *body)
{
    return post_with(fd, "", body);
}

#define CHECK_REPLY(t, fd, body, expected) CHECK_STR(t, slice_str(post(fd, body)), expected)

struct websocket {
    int fd;
    struct ws_parser parser;
    uint8_t in[65536];
    size_t at, len;
};

static bool websocket_init(struct websocket *w, int fd)
{
    char head[1024];

    *w = (struct websocket){.fd = fd};
    ws_parser_init(&w->parser, (struct ws_parser_options){.client = true});
    (void)dprintf(fd, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    return read_head(fd, head, sizeof head) && strncmp(head, "HTTP/1.1 101", 12) == 0;
}

static void websocket_send(struct websocket *w, const char *text)
{
    static const uint8_t mask[WS_MASK_LEN] = {9, 8, 7, 6};
    struct buf frame;

    buf_init(&frame, 0);
    ws_put_masked_frame(&frame, WS_TEXT, true, slice_str(text), mask);
    if (write(w->fd, frame.at, frame.len) != (ssize_t)frame.len) abort();
    buf_fini(&frame);
}

static struct slice websocket_next(struct websocket *w)
{
    for (;;) {
        struct ws_event e;
        size_t taken;

        if (w->at == w->len) {
            struct pollfd p = {.fd = w->fd, .events = POLLIN};
            ssize_t n = poll(&p, 1, 20000) == 1 ? read(w->fd, w->in, sizeof w->in) : 0;

            if (n <= 0) return SLICE("(ended)");
            w->at = 0;
            w->len = (size_t)n;
        }
        switch (ws_parser_feed(&w->parser, w->in + w->at, w->len - w->at, &taken, &e)) {
        case WS_GOT_MESSAGE:
            w->at += taken;
            return e.bytes;
        case WS_GOT_CLOSE:
            return SLICE("(closed)");
        case WS_REFUSES:
            return SLICE("(refused)");
        default:
            w->at += taken;
        }
    }
}

static void websocket_fini(struct websocket *w)
{
    ws_parser_fini(&w->parser);
    (void)close(w->fd);
}

/* ---- tests ---- */

TEST(a_call_is_answered_wherever_it_runs, t)
{
    struct server s;
    int fd;

    REQUIRE(t, server_init(&s, NULL, NULL));
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

    REQUIRE(t, server_init(&s, NULL, NULL));
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

    REQUIRE(t, server_init(&s, NULL, NULL));
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

    REQUIRE(t, server_init(&s, NULL, NULL));
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

TEST(items_of_a_batch_run_in_order_wherever_they_run, t)
{
    struct server s;
    char body[40000] = "[", expected[60000] = "[";
    int fd;

    REQUIRE(t, server_init(&s, NULL, NULL));
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

    REQUIRE(t, server_init(&s, NULL, NULL));
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

    REQUIRE(t, server_init(&s, &options, NULL));
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

        REQUIRE(t, server_init(&s, &options, NULL));
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

    REQUIRE(t, server_init(&s, NULL, &fallback));
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

    REQUIRE(t, server_init(&s, NULL, NULL));
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

    REQUIRE(t, server_init(&s, &options, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    (void)pthread_mutex_lock(&gate);
    for (int i = 0; i < 5; i++) websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\"}");
    /* One runs, one waits, at least three find no room. */
    CHECK_STR(t, websocket_next(&w),
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"server is busy\"}}");
    (void)pthread_mutex_unlock(&gate);
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

    REQUIRE(t, server_init(&s, &options, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    atomic_store(&released, 0);
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_carry\",\"params\":[false]}");
    CHECK_STR(t, websocket_next(&w), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}");
    CHECK_EQ(t, atomic_load(&released), 1);
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t_carry\",\"params\":[true]}");
    CHECK_STR(t, websocket_next(&w), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":null}");
    CHECK_EQ(t, atomic_load(&released), 1);
    (void)pthread_mutex_lock(&gate);
    atomic_store(&at_gate, 0);
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"t_gate\"}");
    while (atomic_load(&at_gate) == 0) (void)sched_yield();
    /* One runs; the next one fills the queue. */
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"t_gate\"}");
    websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"t_carry\",\"params\":[true]}");
    CHECK_STR(t, websocket_next(&w),
              "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32000,\"message\":\"server is busy\"}}");
    CHECK_EQ(t, atomic_load(&released), 2);
    (void)pthread_mutex_unlock(&gate);
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

    REQUIRE(t, server_init(&s, NULL, NULL));
    REQUIRE(t, websocket_init(&w, server_connect(&s)));
    (void)pthread_mutex_lock(&gate);
    for (int i = 0; i < 4; i++) websocket_send(&w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\"}");
    (void)usleep(20000);
    websocket_fini(&w);
    (void)usleep(20000);
    (void)pthread_mutex_unlock(&gate);
    fd = server_connect(&s);
    CHECK_REPLY(t, fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_gate\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"passed\"}");
    (void)dprintf(fd,
                  "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\r\n"
                  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t_trip\"}");
    server_fini(&s);
    (void)close(fd);
}
