/* test_client: a WebSocket client over one end of a socketpair, and workers that serve the other end: real loops, real
 * connections.
 *
 * Messages are commands of the tests' own ("heads", "logs 2", "un 0x…"), so that the hub is tested without the rooms
 * above it; the server's half is below, the rules are the hub's contract: hold, subscribe, reply, release. */
#ifndef HUB_TEST_CLIENT_H
#define HUB_TEST_CLIENT_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hub/test_chain.h"
#include "wire/ws.h"

/* ---- the client ---- */

struct client {
    int fd;
    struct ws_parser parser;
    uint8_t in[65536];
    size_t in_at, in_len;
    char text[65536];    /* the last message, NUL-terminated */
    uint16_t close_code; /* of a close frame that came */
    bool ended;
    size_t compressed; /* messages that came so */
};

static inline void client_write(struct client *c, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(c->fd, bytes.at, bytes.len);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            c->ended = true;
            return;
        }
        bytes = slice_from(bytes, (size_t)n);
    }
}

static inline void client_send(struct client *c, const char *command)
{
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};
    struct buf frame;

    buf_init(&frame, 0);
    ws_put_masked_frame(&frame, WS_TEXT, true, slice_str(command), mask);
    client_write(c, buf_peek(&frame));
    buf_fini(&frame);
}

/* More bytes, or none within the time. */
static inline bool client_fill(struct client *c, int wait_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    ssize_t n;

    if (c->ended || poll(&p, 1, wait_ms) <= 0) return false;
    n = read(c->fd, c->in, sizeof c->in);
    if (n <= 0) {
        c->ended = true;
        return false;
    }
    c->in_at = 0;
    c->in_len = (size_t)n;
    return true;
}

/* The next message into c->text. False: none within the time, or the connection has ended. */
static inline bool client_next(struct client *c, int wait_ms)
{
    for (;;) {
        struct ws_event e;
        size_t taken;
        enum ws_event_kind kind;

        if (c->in_at == c->in_len && !client_fill(c, wait_ms)) return false;
        kind = ws_parser_feed(&c->parser, c->in + c->in_at, c->in_len - c->in_at, &taken, &e);
        c->in_at += taken;
        if (kind == WS_GOT_MESSAGE) {
            size_t len = e.bytes.len < sizeof c->text ? e.bytes.len : sizeof c->text - 1;

            memcpy(c->text, e.bytes.at, len);
            c->text[len] = 0;
            c->compressed += e.compressed;
            return true;
        }
        if (kind == WS_GOT_CLOSE) c->close_code = e.code;
        if (kind == WS_GOT_CLOSE || kind == WS_REFUSES) {
            c->ended = true;
            return false;
        }
    }
}

/* The same with an offer of permessage-deflate in which the server has a window of 2^bits bytes; 0: none is made. */
static inline void client_init_deflate(struct client *c, int fd, unsigned bits)
{
    char offer[128] = "";

    *c = (struct client){.fd = fd};
    ws_parser_init(&c->parser, (struct ws_parser_options){.client = true, .deflate = bits != 0});
    client_write(c, SLICE("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"));
    if (bits)
        (void)snprintf(offer, sizeof offer,
                       "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=%u\r\n", bits);
    client_write(c, slice_str(offer));
    client_write(c, SLICE("\r\n"));
}

/* Sends the opening handshake; its answer is read by client_upgraded(), when the server has had its turn. */
static inline void client_init(struct client *c, int fd)
{
    client_init_deflate(c, fd, 0);
}

static inline bool client_upgraded(struct client *c, int wait_ms)
{
    char head[1024];
    size_t len = 0;

    while (len < sizeof head) { /* byte by byte, so that no frame behind it is eaten */
        struct pollfd p = {.fd = c->fd, .events = POLLIN};

        if (poll(&p, 1, wait_ms) <= 0 || read(c->fd, head + len, 1) != 1) return false;
        len++;
        if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) return memcmp(head, "HTTP/1.1 101", 12) == 0;
    }
    return false;
}

static inline void client_fini(struct client *c)
{
    ws_parser_fini(&c->parser);
    (void)close(c->fd);
}

#endif
