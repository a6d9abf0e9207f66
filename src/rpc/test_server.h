/* test_server: a server of calls for tests, and a client on the other end of a TCP connection.
 *
 * A worker's loop and a writer's, each on a thread of its own, the pool that rpc has, and connections over loopback:
 * what is asked goes the way it goes in the node. Which methods there are is the test's. */
#ifndef RPC_TEST_SERVER_H
#define RPC_TEST_SERVER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
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

static inline void post_to_writer(void *ctx, struct letter *l)
{
    struct server *s = ctx;

    mailbox_post(loop_mailbox(s->writer), l);
}

static inline void on_message(void *ctx, struct conn *c, struct slice body)
{
    struct server *s = ctx;

    rpc_message(s->worker, c, body);
}

static inline void on_closed(void *ctx, struct conn *c)
{
    (void)ctx;
    (void)c;
}

static inline void *loop_main(void *arg)
{
    loop_run(arg);
    return NULL;
}

static inline void turn_end(struct loop_hook *self)
{
    rpc_worker_turn_end(CONTAINER_OF(self, struct server, turn_end)->worker);
}

static inline bool server_init_with(struct server *s, const struct rpc_method *rows, size_t count,
                                    const struct rpc_options *options, const struct rpc_method *fallback,
                                    const struct conn_options *conns)
{
    const struct rpc_method *tables[] = {rows};
    const size_t counts[] = {count};
    const struct conn_handler handler = {.ctx = s, .message = on_message, .closed = on_closed};

    *s = (struct server){.totals = conn_totals_new(NULL)};
    if (loop_new(NULL, &s->loop) || loop_new(NULL, &s->writer)) return false;
    if (rpc_new(tables, counts, 1, fallback, options, post_to_writer, s, NULL, &s->rpc)) return false;
    if (conn_set_new(s->loop, 0, conns, &handler, s->totals, &s->conns)) return false;
    if (rpc_worker_new(s->rpc, s->conns, loop_mailbox(s->loop), s, &s->worker)) return false;
    s->turn_end.run = turn_end;
    loop_hook_add(s->loop, &s->turn_end);
    return !pthread_create(&s->threads[0], NULL, loop_main, s->loop) &&
           !pthread_create(&s->threads[1], NULL, loop_main, s->writer);
}

static inline void server_fini(struct server *s)
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

static inline bool server_init(struct server *s, const struct rpc_method *rows, size_t count,
                               const struct rpc_options *options, const struct rpc_method *fallback)
{
    return server_init_with(s, rows, count, options, fallback, &(struct conn_options){0});
}

struct adoption {
    struct letter letter;
    struct conn_set *conns;
    int fd;
};

static inline void adopt(struct letter *l)
{
    struct adoption *a = CONTAINER_OF(l, struct adoption, letter);

    conn_set_adopt(a->conns, a->fd, CONN_ACCEPTS_BOTH);
    free(a);
}

/* A TCP connection over loopback; returns the client's end. */
static inline int server_connect(struct server *s)
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

static inline bool read_exactly(int fd, char *into, size_t len)
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
static inline bool read_head(int fd, char *head, size_t cap)
{
    for (size_t len = 0; len + 1 < cap; len++) {
        if (!read_exactly(fd, head + len, 1)) return false;
        head[len + 1] = 0;
        if (len >= 3 && memcmp(head + len - 3, "\r\n\r\n", 4) == 0) return true;
    }
    return false;
}

/* Posts a body and gives the answer's, NUL-terminated; kept until the next call. */
static inline const char *post_with(int fd, const char *headers, const char *body)
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

static inline const char *post(int fd, const char *body)
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

static inline bool websocket_init(struct websocket *w, int fd)
{
    char head[1024];

    *w = (struct websocket){.fd = fd};
    ws_parser_init(&w->parser, (struct ws_parser_options){.client = true});
    (void)dprintf(fd, "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    return read_head(fd, head, sizeof head) && strncmp(head, "HTTP/1.1 101", 12) == 0;
}

static inline void websocket_send(struct websocket *w, const char *text)
{
    static const uint8_t mask[WS_MASK_LEN] = {9, 8, 7, 6};
    struct buf frame;

    buf_init(&frame, 0);
    ws_put_masked_frame(&frame, WS_TEXT, true, slice_str(text), mask);
    if (write(w->fd, frame.at, frame.len) != (ssize_t)frame.len) abort();
    buf_fini(&frame);
}

static inline struct slice websocket_next(struct websocket *w)
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

static inline void websocket_fini(struct websocket *w)
{
    ws_parser_fini(&w->parser);
    (void)close(w->fd);
}

#endif
