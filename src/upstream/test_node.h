/* test_node: another node on a loopback port, that answers by a script. For the tests of upstream/ only.
 *
 * A script is a list of steps, one for each request that comes, whatever connection brings it: what must be in it, and
 * the bytes that go back. Connections are served by one thread, all at once. Over HTTP the bytes are a whole response,
 * over WebSocket whole frames, but for what put_body() and put_text() wrap. "$ID" in them is the request's id.
 * A node that answers any number of requests alike has one step with `again`. */
#ifndef UPSTREAM_TEST_NODE_H
#define UPSTREAM_TEST_NODE_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"
#include "wire/ws.h"

enum { TEST_NODE_STEPS = 32, TEST_NODE_CONNS = 64 };

enum test_node_then {
    NODE_KEEPS,  /* the connection waits for the next request */
    NODE_CLOSES, /* FIN behind the bytes */
    NODE_HANGS   /* no bytes, and nothing more on this connection */
};

struct test_node_step {
    const char *expects; /* NULL: anything */
    const char *says;    /* see above; NULL: nothing */
    bool bare;           /* the bytes as they are; else they are the body of a 200, or a text frame */
    bool again;          /* this step for all that follows */
    enum test_node_then then;
};

struct test_node {
    struct test_node_step steps[TEST_NODE_STEPS];
    size_t count;
    bool websocket;
    const char *handshake; /* NULL: the right one; else these bytes */

    int listener, stop[2];
    uint16_t port;
    pthread_t thread;
    atomic_size_t at, connections; /* requests and connections so far */
    char unexpected[2000];         /* a request that its step did not expect; read after test_node_stop() */
    char heads[4000];              /* of the first request on each connection, likewise */
    struct {
        int fd;
        bool upgraded;
        struct ws_parser ws;
        size_t len;
        char in[1 << 16];
    } conns[TEST_NODE_CONNS];
};

static inline void test_node_write(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0) return; /* whoever has gone: part of what is tested */
        bytes += n;
        len -= (size_t)n;
    }
}

static inline void test_node_drop(struct test_node *n, size_t i)
{
    (void)close(n->conns[i].fd);
    ws_parser_fini(&n->conns[i].ws);
    n->conns[i].fd = -1;
}

/* Puts the text with the id where "$ID" stands. */
static inline void test_node_put(struct buf *out, const char *text, const char *request)
{
    const char *id = strstr(request, "\"id\":"), *at;
    size_t id_len = id ? strcspn(id + 5, ",}") : 0;

    while ((at = strstr(text, "$ID")) != NULL) {
        buf_put(out, slice_of(text, (size_t)(at - text)));
        buf_put(out, slice_of(id ? id + 5 : "", id_len));
        text = at + 3;
    }
    buf_put_str(out, text);
}

/* A whole request (its head too, over HTTP) has come on connection i. */
static inline void test_node_answer(struct test_node *n, size_t i, const char *request)
{
    size_t at = atomic_load(&n->at);
    const struct test_node_step *s = &n->steps[at < n->count ? at : n->count - 1];
    struct buf body = {0}, out = {0};

    atomic_fetch_add(&n->at, 1);
    if ((at >= n->count && !s->again) || (s->expects && !strstr(request, s->expects)))
        (void)snprintf(n->unexpected, sizeof n->unexpected, "request %zu: %s", at, request);
    if (s->says && s->then != NODE_HANGS) test_node_put(&body, s->says, request);
    if (s->bare)
        buf_put(&out, buf_peek(&body));
    else if (n->websocket)
        ws_put_frame(&out, WS_TEXT, buf_peek(&body));
    else
        buf_printf(&out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                   body.len, (int)body.len, (const char *)body.at);
    if (s->then != NODE_HANGS) test_node_write(n->conns[i].fd, (const char *)out.at, out.len);
    if (s->then == NODE_CLOSES) test_node_drop(n, i);
    buf_fini(&body);
    buf_fini(&out);
}

static inline void test_node_upgrade(struct test_node *n, size_t i, const char *head)
{
    const char *key = strcasestr(head, "sec-websocket-key: ");
    char accept[WS_ACCEPT_LEN], reply[300];

    ws_accept_key(key ? slice_of(key + 19, strcspn(key + 19, "\r")) : slice_of("", 0), accept);
    (void)snprintf(reply, sizeof reply,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: %.*s\r\n\r\n",
                   WS_ACCEPT_LEN, accept);
    test_node_write(n->conns[i].fd, n->handshake ? n->handshake : reply, strlen(n->handshake ? n->handshake : reply));
    n->conns[i].upgraded = true;
}

/* One request from the front of what came over HTTP, or the handshake. False: it is not whole yet. */
static inline bool test_node_http(struct test_node *n, size_t i)
{
    char *in = n->conns[i].in, *end, *length;
    size_t whole;

    in[n->conns[i].len] = 0;
    end = strstr(in, "\r\n\r\n");
    if (!end) return false;
    length = strcasestr(in, "content-length: ");
    whole = (size_t)(end + 4 - in) + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
    if (n->conns[i].len < whole) return false;
    {
        char request[8000];
        size_t len = strlen(n->heads);

        (void)snprintf(request, sizeof request, "%.*s", (int)whole, in);
        (void)snprintf(n->heads + len, sizeof n->heads - len, "%.*s", (int)(end + 4 - in), in);
        n->conns[i].len -= whole;
        memmove(in, in + whole, n->conns[i].len);
        if (n->websocket)
            test_node_upgrade(n, i, request);
        else
            test_node_answer(n, i, request);
    }
    return n->conns[i].fd >= 0 && n->conns[i].len;
}

static inline void test_node_frames(struct test_node *n, size_t i)
{
    size_t from = 0;

    while (from < n->conns[i].len && n->conns[i].fd >= 0) {
        struct ws_event e;
        size_t taken = 0;

        if (ws_parser_feed(&n->conns[i].ws, (uint8_t *)n->conns[i].in + from, n->conns[i].len - from, &taken, &e) ==
            WS_GOT_MESSAGE) {
            char request[8000];

            (void)snprintf(request, sizeof request, "%.*s", (int)e.bytes.len, (const char *)e.bytes.at);
            test_node_answer(n, i, request);
        } else if (e.kind == WS_GOT_PONG) {
            atomic_fetch_add(&n->at, 1000); /* a pong is what a ping wants: seen in the count */
        }
        from += taken;
    }
    n->conns[i].len = 0;
}

static inline void test_node_read(struct test_node *n, size_t i)
{
    ssize_t got = read(n->conns[i].fd, n->conns[i].in + n->conns[i].len, sizeof n->conns[i].in - n->conns[i].len - 1);

    if (got <= 0) {
        test_node_drop(n, i);
        return;
    }
    n->conns[i].len += (size_t)got;
    if (n->conns[i].upgraded)
        test_node_frames(n, i);
    else
        while (test_node_http(n, i)) continue;
}

static inline void *test_node_run(void *arg)
{
    struct test_node *n = arg;

    for (;;) {
        struct pollfd p[TEST_NODE_CONNS + 2] = {{.fd = n->listener, .events = POLLIN},
                                                {.fd = n->stop[0], .events = POLLIN}};

        for (size_t i = 0; i < TEST_NODE_CONNS; i++) p[i + 2] = (struct pollfd){.fd = n->conns[i].fd, .events = POLLIN};
        (void)poll(p, COUNT_OF(p), -1);
        if (p[1].revents) return NULL;
        for (size_t i = 0; i < TEST_NODE_CONNS; i++)
            if (p[i + 2].revents) test_node_read(n, i);
        for (size_t i = 0; p[0].revents && i < TEST_NODE_CONNS; i++) {
            if (n->conns[i].fd >= 0) continue;
            n->conns[i].fd = accept(n->listener, NULL, NULL);
            n->conns[i].len = 0;
            n->conns[i].upgraded = false;
            ws_parser_init(&n->conns[i].ws, (struct ws_parser_options){0});
            atomic_fetch_add(&n->connections, 1);
            break;
        }
    }
}

/* Large: keep it in static memory. steps and websocket are set; begins to serve. */
static inline void test_node_start(struct test_node *n)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    for (n->count = 0; n->count < TEST_NODE_STEPS; n->count++) {
        const struct test_node_step *s = &n->steps[n->count];

        if (!s->expects && !s->says && s->then == NODE_KEEPS && !s->again) break;
    }
    assert(n->count);
    n->unexpected[0] = n->heads[0] = 0;
    atomic_store(&n->at, 0);
    atomic_store(&n->connections, 0);
    for (size_t i = 0; i < TEST_NODE_CONNS; i++) n->conns[i].fd = -1;
    n->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(n->listener, (struct sockaddr *)&a, len) || listen(n->listener, 64) ||
        getsockname(n->listener, (struct sockaddr *)&a, &len) || pipe(n->stop) ||
        pthread_create(&n->thread, NULL, test_node_run, n))
        abort();
    n->port = ntohs(a.sin_port);
}

/* Ends it; afterwards nobody listens on its port. Every step must have been used, and met what it expects. */
static inline void test_node_stop(struct test_node *n, struct test *t)
{
    if (write(n->stop[1], "x", 1) != 1) abort();
    (void)pthread_join(n->thread, NULL);
    for (size_t i = 0; i < TEST_NODE_CONNS; i++)
        if (n->conns[i].fd >= 0) test_node_drop(n, i);
    (void)close(n->listener);
    (void)close(n->stop[0]);
    (void)close(n->stop[1]);
    if (n->unexpected[0]) test_fail(t, __FILE__, __LINE__, "not expected: %s", n->unexpected);
    if (!n->steps[n->count - 1].again) CHECK_EQ(t, atomic_load(&n->at) % 1000, n->count);
}

#endif
