/* One connection: the handshake and frames of WebSocket, and what HTTP says about going on. */
#include "upstream/link.h"

#include "base/clock.h"
#include "upstream/test_node.h"

static struct test_node node;

struct linked {
    struct arena_home memory;
    struct url url;
    struct link *link;
    struct link_reply reply;
    struct fan_error err;
    bool refused;
    enum fan_status status;
};

static void linked_init(struct linked *l, const char *scheme)
{
    char text[64];
    struct arena a;

    *l = (struct linked){0};
    (void)snprintf(text, sizeof text, "%s://127.0.0.1:%u/path?q", scheme, node.port);
    arena_home_init(&l->memory, 0);
    a = arena_of(&l->memory);
    if (url_parse(text, &a, &l->url, &l->err)) abort();
    {
        const struct link_options o = {
            .url = &l->url, .extra = SLICE("X-Key: 7\r\n"), .body_len_max = 1000, .halt_fd = -1};

        l->status = link_open(&o, clock_monotonic_ms() + 20000, &l->link, &l->refused, &l->err);
    }
}

static void linked_fini(struct linked *l)
{
    link_close(l->link);
    arena_home_fini(&l->memory);
}

static enum fan_status ask(struct linked *l, const char *request, uint64_t id, uint64_t ms)
{
    return l->status = link_call(l->link, slice_str(request), id, clock_monotonic_ms() + ms, &l->reply, &l->err);
}

static void start(bool websocket, const char *handshake, struct test_node_step a, struct test_node_step b)
{
    node = (struct test_node){.websocket = websocket, .handshake = handshake, .steps = {a, b}};
    test_node_start(&node);
}

#define NONE     ((struct test_node_step){0})
#define FIN_TEXT "\x81"

TEST(over_a_websocket_the_answer_is_the_one_with_the_id, t)
{
    struct linked l;

    start(true, NULL,
          (struct test_node_step){
              .expects = "{\"id\":5}",
              .bare = true, /* a notification, an answer to somebody else, no JSON, then ours in two frames */
              .says = FIN_TEXT "\x11{\"method\":\"news\"}" FIN_TEXT "\x08{\"id\":4}" FIN_TEXT "\x05"
                               "hello"
                               "\x01\x06{\"id\":"
                               "\x80\x0d"
                               "5,\"result\":1}"},
          (struct test_node_step){.expects = "{\"id\":6}", .says = "{\"id\":$ID,\"result\":2}"});
    linked_init(&l, "ws");
    REQUIRE(t, !l.status);
    CHECK_EQ(t, ask(&l, "{\"id\":5}", 5, 20000), FAN_OK);
    CHECK_STR(t, l.reply.body, "{\"id\":5,\"result\":1}");
    CHECK(t, l.reply.keep && l.reply.status == 200 && !link_is_stale(l.link));
    CHECK_EQ(t, ask(&l, "{\"id\":6}", 6, 20000), FAN_OK);
    CHECK_STR(t, l.reply.body, "{\"id\":6,\"result\":2}");
    linked_fini(&l);
    test_node_stop(&node, t);
    CHECK(t, strstr(node.heads, "GET /path?q HTTP/1.1\r\n") == node.heads);
    CHECK(t, strstr(node.heads, "\r\nX-Key: 7\r\n") != NULL);
}

TEST(a_ping_gets_its_pong_while_the_answer_is_awaited, t)
{
    struct linked l;

    start(true, NULL,
          (struct test_node_step){.bare = true, .says = "\x89\x02hi" FIN_TEXT "\x14{\"id\":9,\"result\":[]}"}, NONE);
    linked_init(&l, "ws");
    REQUIRE(t, !l.status);
    CHECK_EQ(t, ask(&l, "{\"id\":9}", 9, 20000), FAN_OK);
    for (int i = 0; i < 10000 && atomic_load(&node.at) < 1000; i++) (void)poll(NULL, 0, 1);
    CHECK_EQ(t, atomic_load(&node.at), 1001); /* see test_node_frames() */
    linked_fini(&l);
    test_node_stop(&node, t);
}

TEST(a_websocket_that_ends_or_errs_says_how, t)
{
    static const struct {
        struct test_node_step step;
        enum fan_status status;
        const char *words;
    } row[] = {
        {{.bare = true,
          .says = "\x88\x08\x03\xf1"
                  "enough"},
         FAN_EIO,
         "closed: 1009 enough"},
        {{.then = NODE_CLOSES, .bare = true, .says = "\x81"}, FAN_EIO, "broke off"},
        {{.bare = true, .says = "\x83\x01x"}, FAN_EFORMAT, "WebSocket"}, /* an opcode that nobody has */
        {{.bare = true, .says = "\x81\x7e\x04\x04xxxxxxxx"},
         FAN_EFORMAT,
         "WebSocket"}, /* 1,028 bytes, beyond the limit */
        {{.then = NODE_HANGS}, FAN_ETIMEOUT, ""},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct linked l;

        start(true, NULL, row[i].step, NONE);
        linked_init(&l, "ws");
        REQUIRE(t, !l.status);
        if (ask(&l, "{\"id\":1}", 1, row[i].status == FAN_ETIMEOUT ? 30 : 20000) != row[i].status ||
            !strstr(l.err.text, row[i].words))
            test_fail(t, __FILE__, __LINE__, "row %zu: %d, %s", i, l.status, l.err.text);
        linked_fini(&l);
        test_node_stop(&node, t);
    }
}

TEST(a_handshake_that_is_declined_or_wrong_is_told, t)
{
    static const struct {
        const char *handshake;
        enum fan_status status;
        const char *words;
    } row[] = {
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", FAN_EREJECTED, "HTTP status 401"},
        {"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", FAN_EIO, "HTTP status 429"},
        {"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", FAN_EIO, "HTTP status 502"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FAN_EREJECTED, "HTTP status 200"},
        {"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
         "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         FAN_EFORMAT, "wrong key"},
        {"220 mail ready\r\n\r\n", FAN_EFORMAT, "HTTP"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct linked l;

        start(true, row[i].handshake, (struct test_node_step){.says = "", .again = true}, NONE);
        linked_init(&l, "ws");
        if (l.status != row[i].status || !strstr(l.err.text, row[i].words))
            test_fail(t, __FILE__, __LINE__, "row %zu: %d, %s", i, l.status, l.err.text);
        CHECK(t, !l.link && !l.refused);
        linked_fini(&l);
        test_node_stop(&node, t);
    }
}

TEST(over_http_the_answer_says_whether_the_connection_goes_on, t)
{
    static const struct {
        const char *answer;
        unsigned status;
        bool keep;
    } row[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, true},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", 200, false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, false},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, true},
        {"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}", 503, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more than was asked for", 200, false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct linked l;

        start(false, NULL, (struct test_node_step){.expects = "{\"q\":1}", .bare = true, .says = row[i].answer}, NONE);
        linked_init(&l, "http");
        REQUIRE(t, !l.status);
        CHECK_EQ(t, ask(&l, "{\"q\":1}", 1, 20000), FAN_OK);
        CHECK_STR(t, l.reply.body, "{}");
        CHECK_EQ(t, l.reply.status, row[i].status);
        if (i + 1 < COUNT_OF(row))
            CHECK_EQ(t, l.reply.keep, row[i].keep); /* the last's rest may come later: then it is stale */
        else
            CHECK(t, !l.reply.keep || link_is_stale(l.link));
        CHECK_EQ(t, l.reply.has_retry_after ? l.reply.retry_after_s : 0, row[i].status == 503 ? 7 : 0);
        linked_fini(&l);
        test_node_stop(&node, t);
    }
}

TEST(a_link_whose_other_side_has_ended_is_stale, t)
{
    struct linked l;

    start(false, NULL, (struct test_node_step){.says = "{}", .then = NODE_CLOSES}, NONE);
    linked_init(&l, "http");
    REQUIRE(t, !l.status);
    CHECK(t, !link_is_stale(l.link));
    CHECK_EQ(t, ask(&l, "{}", 1, 20000), FAN_OK);
    for (int i = 0; i < 10000 && !link_is_stale(l.link); i++) (void)poll(NULL, 0, 1);
    CHECK(t, link_is_stale(l.link));
    linked_fini(&l);
    test_node_stop(&node, t);
    linked_init(&l, "http"); /* and where nobody listens any more */
    CHECK_EQ(t, l.status, FAN_EIO);
    CHECK(t, l.refused);
    linked_fini(&l);
}
