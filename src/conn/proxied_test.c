/* Whom a proxy speaks for, and who is believed. The rig's clients come from 127.0.0.1. */
#include "conn/test_rig.h"

struct seen {
    char client[ADDRESS_TEXT_MAX]; /* without its port, which is the kernel's choice where nobody named one */
    bool loopback, secure;
};

static struct network net_of(const char *text)
{
    struct network n;

    if (!network_parse(slice_str(text), &n)) abort();
    return n;
}

/* As the last message's connection is seen now. */
static struct seen look(struct rig *r, bool with_port)
{
    const struct conn *c = conn_find(r->set, r->last);
    struct seen s = {"gone", false, false};
    struct address a;

    if (!c) return s;
    a = conn_peer_of(c)->client;
    if (!with_port) a.port = 0;
    address_text(&a, s.client);
    s.loopback = conn_peer_of(c)->loopback;
    s.secure = conn_peer_of(c)->secure;
    return s;
}

#define POST_HEAD_REST " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1\r\n"
#define POST_HEAD      "POST /" POST_HEAD_REST
#define V2_OF_BOB                                                                                                      \
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01\xbb" /* 203.0.113.7:54321                \
                                                                                    */
#define V2_OF_LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"

/* One request with these headers, behind this beginning. */
static struct seen ask(struct rig *r, struct test *t, int fd, struct slice before, const char *headers)
{
    struct rig_in in = {0};
    struct buf out = {0};
    size_t messages = r->messages;

    buf_put(&out, before);
    buf_put_str(&out, POST_HEAD);
    buf_put_str(&out, headers);
    buf_put_str(&out, "\r\n1");
    rig_send(r, fd, buf_peek(&out));
    CHECK(t, rig_sees(r, fd, &in, "\r\n\r\n1"));
    CHECK_EQ(t, r->messages, messages + 1);
    buf_fini(&out);
    buf_fini(&in.bytes);
    return look(r, before.len != 0);
}

TEST(headers_are_believed_from_trusted_proxies_alone, t)
{
    static const struct {
        const char *trusted, *headers, *client;
        bool loopback, secure;
    } row[] = {
        {"127.0.0.0/8", "", "127.0.0.1", true, false},
        {"127.0.0.0/8", "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n", "203.0.113.7", false, true},
        {"127.0.0.0/8", "Forwarded: for=203.0.113.7;proto=https\r\n", "203.0.113.7", false, true},
        {"127.0.0.0/8", "X-Real-IP: 203.0.113.7\r\n", "127.0.0.1", false, false},
        {"127.0.0.0/8", "X-Forwarded-For: 127.0.0.1\r\n", "127.0.0.1", false, false}, /* said to be: not loopback */
        {"10.0.0.0/8", "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n", "127.0.0.1", false, false},
        {"10.0.0.0/8", "Forwarded: for=203.0.113.7\r\n", "127.0.0.1", false, false},
        {NULL, "X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.1", false, false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct network trusted = net_of(row[i].trusted ? row[i].trusted : "::1");
        struct rig r;
        struct seen s;
        int fd;

        rig_open(&r, (struct conn_options){.trusted_proxies = &trusted, .trusted_proxy_count = row[i].trusted != NULL});
        fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
        s = ask(&r, t, fd, SLICE(""), row[i].headers);
        CHECK_STR(t, slice_str(s.client), row[i].client);
        CHECK_EQ(t, s.loopback, row[i].loopback);
        CHECK_EQ(t, s.secure, row[i].secure);
        s = ask(&r, t, fd, SLICE(""), ""); /* the next request on that connection speaks for itself */
        CHECK_STR(t, slice_str(s.client), "127.0.0.1");
        CHECK(t, s.loopback);
        (void)close(fd);
        rig_fini(&r, t);
    }
}

TEST(a_websocket_keeps_the_client_of_its_handshake, t)
{
    struct network trusted = net_of("127.0.0.1");
    struct rig r;
    struct rig_in in = {0};
    struct seen s;
    int fd;

    rig_open(&r, (struct conn_options){.trusted_proxies = &trusted, .trusted_proxy_count = 1});
    fd = rig_connect(&r, CONN_ACCEPTS_WEBSOCKET, 0);
    rig_send_str(&r, fd,
                 "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                 "X-Forwarded-For: 203.0.113.7\r\n\r\n");
    CHECK(t, rig_sees(&r, fd, &in, "\r\n\r\n"));
    rig_frame(&r, fd, WS_TEXT, true, SLICE("who"));
    s = look(&r, false);
    CHECK_STR(t, slice_str(s.client), "203.0.113.7");
    CHECK(t, !s.loopback);
    (void)close(fd);
    buf_fini(&in.bytes);
    rig_fini(&r, t);
}

TEST(a_proxy_header_names_the_client, t)
{
    struct network trusted = net_of("127.0.0.1");
    const struct conn_options options = {.trusted_proxies = &trusted, .trusted_proxy_count = 1, .proxy_protocol = true};
    struct rig r;
    struct seen s;
    int fd;

    rig_open(&r, options);
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    s = ask(&r, t, fd, SLICE(V2_OF_BOB), "");
    CHECK_STR(t, slice_str(s.client), "203.0.113.7:54321");
    CHECK(t, !s.loopback);
    (void)ask(&r, t, fd, SLICE(""), ""); /* the header is the connection's, not the request's */
    s = look(&r, true);
    CHECK_STR(t, slice_str(s.client), "203.0.113.7:54321");
    /* Bob is no proxy of ours: what he says of others is nothing. */
    s = ask(&r, t, fd, SLICE(""), "X-Forwarded-For: 127.0.0.1\r\n");
    CHECK_STR(t, slice_str(s.client), "203.0.113.7");
    (void)close(fd);
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    s = ask(&r, t, fd, SLICE("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n"), "");
    CHECK_STR(t, slice_str(s.client), "[2001:db8::7]:4711");
    (void)close(fd);
    /* A health check speaks for itself, and is no loopback client either. */
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    s = ask(&r, t, fd, SLICE(V2_OF_LOCAL), "");
    CHECK(t, strncmp(s.client, "127.0.0.1:", 10) == 0);
    CHECK(t, !s.loopback);
    (void)close(fd);
    /* Behind two proxies: the nearer one brings the farther one, which names the client. */
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    s = ask(&r, t, fd, SLICE("PROXY TCP4 127.0.0.1 127.0.0.1 4711 443\r\n"), "X-Forwarded-For: 203.0.113.9\r\n");
    CHECK_STR(t, slice_str(s.client), "203.0.113.9");
    (void)close(fd);
    rig_fini(&r, t);
}

TEST(a_proxy_header_may_be_cut_anywhere, t)
{
    static const char bytes[] = V2_OF_BOB POST_HEAD "\r\n1";
    const size_t header_len = sizeof V2_OF_BOB - 1;
    struct network trusted = net_of("127.0.0.1");
    struct rig r;

    rig_open(&r, (struct conn_options){.trusted_proxies = &trusted, .trusted_proxy_count = 1, .proxy_protocol = true});
    for (size_t cut = 1; cut <= header_len + 1; cut++) {
        int fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
        struct rig_in in = {0};
        struct seen s;

        rig_send(&r, fd, slice_of(bytes, cut));
        if (cut > 3) rig_send(&r, fd, slice_of(bytes + cut, 2));
        rig_send(&r, fd, slice_of(bytes + cut + (cut > 3 ? 2 : 0), sizeof bytes - 1 - cut - (cut > 3 ? 2 : 0)));
        CHECK(t, rig_sees(&r, fd, &in, "\r\n\r\n1"));
        s = look(&r, true);
        CHECK_STR(t, slice_str(s.client), "203.0.113.7:54321");
        (void)close(fd);
        buf_fini(&in.bytes);
        rig_turn(&r, 2);
    }
    rig_fini(&r, t);
}

TEST(who_must_begin_with_a_proxy_header_and_does_not_is_dropped, t)
{
    struct network trusted = net_of("127.0.0.1"), other = net_of("10.0.0.0/8");
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_open(&r, (struct conn_options){.trusted_proxies = &trusted, .trusted_proxy_count = 1, .proxy_protocol = true});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, POST_HEAD "\r\n1");
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, in.ended);
    CHECK_EQ(t, in.bytes.len, 0);
    CHECK_EQ(t, r.messages, 0);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->proxy_refused), 1);
    (void)close(fd);
    rig_fini(&r, t);
    /* From anybody else it is no header but a malformed request. */
    in = (struct rig_in){0};
    rig_open(&r, (struct conn_options){.trusted_proxies = &other, .trusted_proxy_count = 1, .proxy_protocol = true});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send(&r, fd, SLICE(V2_OF_BOB POST_HEAD "\r\n1"));
    CHECK(t, rig_sees(&r, fd, &in, " 400 "));
    CHECK_EQ(t, r.messages, 0);
    (void)close(fd);
    buf_fini(&in.bytes);
    rig_fini(&r, t);
}

/* The header's time is the handshake's: a proxy's neighbour who sends half of one holds no connection. */
TEST(half_a_proxy_header_is_ended_in_time, t)
{
    struct network trusted = net_of("127.0.0.1");
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_open(&r, (struct conn_options){.trusted_proxies = &trusted,
                                       .trusted_proxy_count = 1,
                                       .proxy_protocol = true,
                                       .handshake_timeout_ms = 60});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send(&r, fd, SLICE("PROXY TCP4 1"));
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, in.ended);
    (void)close(fd);
    buf_fini(&in.bytes);
    rig_fini(&r, t);
}

TEST(a_prefix_does_not_hide_our_own_routes, t)
{
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_open(&r, (struct conn_options){.http_rpcprefix = "/"});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(t, rig_sees(&r, fd, &in, "up 1\n"));
    rig_send_str(&r, fd, "GET /else HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(t, rig_sees(&r, fd, &in, "Content-Length: 0\r\n"));
    rig_send_str(&r, fd, "POST /metrics" POST_HEAD_REST "\r\n1");
    CHECK(t, rig_sees(&r, fd, &in, "\r\n\r\n1"));
    (void)close(fd);
    buf_fini(&in.bytes);
    rig_fini(&r, t);
}

TEST(prefixes_move_json_rpc_and_the_upgrade, t)
{
    static const struct {
        const char *http, *ws, *path;
        bool upgrade, passes;
    } row[] = {
        {NULL, NULL, "/", false, true},           {NULL, NULL, "/ws", false, true},
        {NULL, NULL, "/rpc", false, false},       {NULL, NULL, "/", true, true},
        {NULL, NULL, "/ws", true, true},          {NULL, NULL, "/ws/", true, false},
        {"/rpc", NULL, "/rpc", false, true},      {"/rpc", NULL, "/rpc/v1", false, true},
        {"/rpc", NULL, "/", false, false},        {"/rpc", NULL, "/", true, true},
        {"/", NULL, "/what/ever", false, true},   {NULL, "/", "/what/ever", true, true},
        {NULL, "/stream", "/stream", true, true}, {NULL, "/stream", "/ws", true, false},
        {NULL, "/stream", "/ws", false, true},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct rig r;
        struct rig_in in = {0};
        char text[512];
        int fd;

        rig_open(&r, (struct conn_options){.http_rpcprefix = row[i].http, .ws_rpcprefix = row[i].ws});
        fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
        if (row[i].upgrade)
            (void)snprintf(text, sizeof text, "GET %s%s", row[i].path, &RIG_UPGRADE[strlen("GET /")]);
        else
            (void)snprintf(text, sizeof text, "POST %s%s\r\n1", row[i].path, &POST_HEAD[strlen("POST /")]);
        rig_send_str(&r, fd, text);
        CHECK(t, rig_sees(&r, fd, &in, !row[i].passes ? " 404 " : row[i].upgrade ? " 101 " : "\r\n\r\n1"));
        (void)close(fd);
        buf_fini(&in.bytes);
        rig_fini(&r, t);
    }
}
