#include "bench/ws_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "bench/kit.h"
#include "wire/deflate.h"
#include "wire/ws.h"

enum {
    IN_LEN = 1 << 20,
    PATIENCE_MS = 30000,
    STALLED_BUFFER = 4096,
    FIN = 0x80 /* in the first byte of a frame: the message ends with it */
};

static struct {
    struct ws_client_options options;
    int epoll;
    SSL_CTX *tls;
    struct inflater *inflater;
    struct buf inflated;
} net;

static uint8_t in[2 * IN_LEN];

/* ---- bytes ---- */

/* As send() and recv() do, through TLS where it is spoken. */
static ssize_t tls_result(struct ws_client *c, int result)
{
    int why;

    if (result > 0) return result;
    why = SSL_get_error(c->tls, result);
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

static ssize_t write_some(struct ws_client *c, struct slice s)
{
    if (!c->tls) return send(c->fd, s.at, s.len, MSG_NOSIGNAL);
    return tls_result(c, SSL_write(c->tls, s.at, (int)s.len));
}

static ssize_t read_some(struct ws_client *c, uint8_t *into, size_t max)
{
    if (!c->tls) return recv(c->fd, into, max, 0);
    return tls_result(c, SSL_read(c->tls, into, (int)max));
}

/* ---- sending ---- */

void ws_client_send(struct ws_client *c, struct buf *b)
{
    struct slice s = buf_peek(b);

    if (b->failed) die("out of memory");
    while (s.len) {
        ssize_t n = write_some(c, s);

        if (n < 0 && errno == EAGAIN) {
            (void)usleep(100);
            continue;
        }
        if (n < 0) die("send: %s", strerror(errno));
        s = slice_of(s.at + n, s.len - (size_t)n);
    }
}

void ws_client_put_call(struct buf *out, uint64_t id, const char *method, const char *params)
{
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};
    char text[1024];
    int len = snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"%s\",\"params\":%s}",
                       id, method, params);

    if (len < 0 || (size_t)len >= sizeof text) die("parameters too long");
    ws_put_masked_frame(out, WS_TEXT, true, slice_of(text, (size_t)len), mask);
}

/* ---- receiving ---- */

static void lose(struct ws_client *c)
{
    if (!c->stalled) track_faults()->lost++;
    (void)close(c->fd);
    c->fd = -1;
}

static struct slice inflated(struct slice payload)
{
    if (!net.inflater) net.inflater = inflater_new();
    if (!net.inflater) die("out of memory");
    inflater_reset(net.inflater);
    buf_reset(&net.inflated);
    if (inflater_feed(net.inflater, payload, IN_LEN, &net.inflated) ||
        inflater_end(net.inflater, IN_LEN, &net.inflated))
        die("a message that does not inflate");
    return buf_peek(&net.inflated);
}

static void got_message(struct ws_client *c, struct slice text, bool compressed, size_t wire_len, uint64_t now_ns)
{
    if (compressed) text = inflated(text);
    net.options.text(c, (const char *)text.at, text.len, wire_len, now_ns);
}

static void got_fragment(struct ws_client *c, uint8_t first_byte, struct slice payload, size_t wire_len,
                         uint64_t now_ns)
{
    if ((first_byte & 0x0f) == WS_TEXT) {
        buf_reset(&c->fragments);
        c->fragments_wire = 0;
        c->fragments_compressed = first_byte & WS_RSV1;
    }
    buf_put(&c->fragments, payload);
    c->fragments_wire += wire_len;
    if (c->fragments.failed) die("out of memory");
    if (first_byte & FIN) got_message(c, buf_peek(&c->fragments), c->fragments_compressed, c->fragments_wire, now_ns);
}

/* Who does not answer is taken for dead in the middle of a run. */
static void answer_ping(struct ws_client *c, struct slice payload)
{
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};
    struct buf out;

    buf_init(&out, 0);
    ws_put_masked_frame(&out, WS_PONG, true, payload, mask);
    ws_client_send(c, &out);
    buf_fini(&out);
}

static void got_frame(struct ws_client *c, uint8_t first_byte, struct slice payload, size_t wire_len, uint64_t now_ns)
{
    switch (first_byte & 0x0f) {
    case WS_TEXT:
        if (first_byte & FIN) {
            got_message(c, payload, first_byte & WS_RSV1, wire_len, now_ns);
            return;
        }
        got_fragment(c, first_byte, payload, wire_len, now_ns);
        return;
    case WS_CONTINUATION:
        got_fragment(c, first_byte, payload, wire_len, now_ns);
        return;
    case WS_PING:
        answer_ping(c, payload);
        return;
    case WS_CLOSE:
        (void)fprintf(stderr, "bench: closed: %.*s\n", (int)payload.len - 2, (const char *)payload.at + 2);
        return;
    default:
        return;
    }
}

/* Reads whole frames; returns how many bytes they took. */
static size_t read_frames(struct ws_client *c, uint8_t *at, size_t len, uint64_t now_ns)
{
    size_t done = 0;

    while (len - done >= 2) {
        const uint8_t *h = at + done;
        uint64_t payload = h[1];
        size_t header = payload < 126 ? 2 : payload == 126 ? 4 : 10;

        if (len - done < header) break;
        if (header > 2) {
            payload = 0;
            for (size_t i = 2; i < header; i++) payload = payload << 8 | h[i];
        }
        if (len - done - header < payload) {
            if (payload > IN_LEN - 16) die("a message of %" PRIu64 " bytes", payload);
            break;
        }
        got_frame(c, h[0], slice_of(h + header, payload), header + payload, now_ns);
        done += header + payload;
    }
    return done;
}

/* Bytes that have come, behind those of the frame that was not whole: what they hold is told. */
static void take_in(struct ws_client *c, size_t got)
{
    uint64_t now_ns = clock_monotonic_ns();
    size_t len = c->part_len + got, done = 0;

    if (!c->upgraded) {
        const uint8_t *end = memmem(in, len, "\r\n\r\n", 4);

        if (end) {
            if (memcmp(in, "HTTP/1.1 101", 12) != 0) die("no WebSocket: %.*s", (int)(end - in), (const char *)in);
            c->upgraded = true;
            net.options.upgraded(c);
            done = (size_t)(end + 4 - in);
        }
    }
    if (c->upgraded) done += read_frames(c, in + done, len - done, now_ns);
    c->part_len = len - done;
    if (!c->part_len) return;
    c->part = realloc(c->part, c->part_len);
    if (!c->part) die("out of memory");
    memcpy(c->part, in + done, c->part_len);
}

static void receive(struct ws_client *c)
{
    do {
        ssize_t n;

        if (c->fd < 0) return;
        memcpy(in, c->part, c->part_len);
        n = read_some(c, in + c->part_len, IN_LEN);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            lose(c);
            return;
        }
        take_in(c, (size_t)n);
    } while (c->tls); /* what OpenSSL has read already, epoll does not tell */
}

bool ws_clients_turn(int timeout_ms)
{
    struct epoll_event events[512];
    int count = epoll_wait(net.epoll, events, 512, timeout_ms);

    for (int i = 0; i < count; i++) receive(events[i].data.ptr);
    return count > 0;
}

/* ---- connecting ---- */

static void shake_hands(struct ws_client *c)
{
    c->tls = SSL_new(net.tls);
    if (!c->tls || !SSL_set_fd(c->tls, c->fd)) die("TLS: out of memory");
    for (int result; (result = SSL_connect(c->tls)) != 1;) {
        int why = SSL_get_error(c->tls, result);
        struct pollfd p = {.fd = c->fd, .events = why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};

        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) die("TLS: no handshake");
        if (poll(&p, 1, PATIENCE_MS) <= 0) die("TLS: the handshake takes too long");
    }
}

void ws_client_open(struct ws_client *c)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    struct buf request;

    c->fd = connect_to(net.options.port, c->stalled ? STALLED_BUFFER : 0);
    if (net.tls) shake_hands(c);
    buf_init(&request, 0);
    buf_put_str(&request, head);
    if (net.options.deflate) buf_put_str(&request, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    buf_put_str(&request, "\r\n");
    if (epoll_ctl(net.epoll, EPOLL_CTL_ADD, c->fd, &e)) die("epoll_ctl: %s", strerror(errno));
    ws_client_send(c, &request);
    buf_fini(&request);
}

void ws_client_ignore(struct ws_client *c)
{
    if (c->fd >= 0) (void)epoll_ctl(net.epoll, EPOLL_CTL_DEL, c->fd, NULL);
}

void ws_clients_init(struct ws_client_options options)
{
    net.options = options;
    net.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (net.epoll < 0) die("epoll: %s", strerror(errno));
    if (!options.tls) return;
    net.tls = SSL_CTX_new(TLS_client_method());
    if (!net.tls) die("TLS: out of memory");
    (void)SSL_CTX_set_mode(net.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(net.tls, 1);
    SSL_CTX_set_default_read_buffer_len(net.tls, 64 * 1024); /* as many records a read as plain bytes a recv() */
}
