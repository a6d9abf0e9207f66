/* test_rig: a worker in one thread, and raw clients on loopback sockets. For the tests of conn/ only.
 *
 * Every helper that waits turns the loop meanwhile, so a test is a straight line. The handler records what it is given
 * and answers as the test says. */
#ifndef CONN_TEST_RIG_H
#define CONN_TEST_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "conn/parts.h"
#include "net/listen.h"

/* What a client has read so far. */
struct rig_in {
    struct buf bytes;
    bool ended, reset;
};

enum rig_answer { RIG_ECHO, RIG_LATER, RIG_SILENT, RIG_CLOSE };

struct rig {
    struct loop *loop;
    struct conn_set *set;
    struct conn_totals *totals;
    int listening;
    uint16_t port;
    enum rig_answer answer;
    struct conn_id last; /* who sent the last message */
    bool loopback;       /* as the last message's peer */
    size_t messages, closed;
    char body[4096]; /* the last message, cut */
    /* Most tests have one client, of rig_open_ws() or rig_open_ipc(); rig_fini() ends it. */
    int fd;
    struct rig_in in;
};

static inline void rig_answer_now(struct rig *r, struct conn *c, struct slice text)
{
    struct buf reply;

    (void)r;
    buf_init(&reply, 0);
    buf_put(&reply, text);
    conn_reply(c, &reply);
    assert(reply.len == 0);
    buf_fini(&reply);
}

static inline void rig_message(void *ctx, struct conn *c, struct slice body)
{
    struct rig *r = ctx;
    size_t len = body.len < sizeof r->body - 1 ? body.len : sizeof r->body - 1;

    r->messages++;
    r->last = conn_id_of(c);
    r->loopback = conn_peer_of(c)->loopback;
    memcpy(r->body, body.at, len);
    r->body[len] = '\0';
    if (r->answer == RIG_ECHO) rig_answer_now(r, c, body);
    if (r->answer == RIG_CLOSE) conn_close(c, WS_CLOSE_POLICY, "not you");
}

static inline void rig_closed(void *ctx, struct conn *c)
{
    struct rig *r = ctx;

    assert(conn_find(r->set, conn_id_of(c)) == c);
    r->closed++;
}

static inline bool rig_route(void *ctx, struct conn *c, struct slice path)
{
    (void)ctx;
    if (!path.len) {
        conn_respond_with(c, 200, SLICE("text/html"), SLICE("X-More: yes\r\n"), SLICE("<p>page"));
        return true;
    }
    if (!slice_eq_str(path, "/metrics")) return false;
    conn_respond(c, 200, SLICE("text/plain"), SLICE("up 1\n"));
    return true;
}

static inline void rig_open(struct rig *r, struct conn_options options)
{
    const struct conn_handler handler = {.ctx = r, .message = rig_message, .closed = rig_closed, .route = rig_route};
    struct fan_error err = {""};
    enum fan_status s;

    *r = (struct rig){.fd = -1};
    r->totals = conn_totals_new(&options);
    s = loop_new(NULL, &r->loop);
    assert(!s && r->totals);
    s = conn_set_new(r->loop, 3, &options, &handler, r->totals, &r->set);
    assert(!s);
    s = listen_open(&(struct listen_options){.host = "127.0.0.1"}, 1, &r->listening, &r->port, &err);
    assert(!s);
}

static inline void rig_turn(struct rig *r, int turns)
{
    while (turns-- > 0) loop_turn(r->loop, 1);
}

/* The one client goes, and the server hears of it. */
static inline void rig_hang_up(struct rig *r)
{
    (void)close(r->fd);
    r->fd = -1;
    rig_turn(r, 5);
}

/* What was counted must have been uncounted. */
static inline void rig_fini(struct rig *r, struct test *t)
{
    if (r->fd >= 0) (void)close(r->fd);
    buf_fini(&r->in.bytes);
    conn_set_free(r->set);
    for (size_t i = 0; i < CONN_KIND_COUNT; i++) CHECK_EQ(t, atomic_load(&r->totals->open[i]), 0);
    CHECK_EQ(t, atomic_load(&r->totals->output_bytes), 0);
    CHECK_EQ(t, atomic_load(&r->totals->input_bytes), 0);
    loop_free(r->loop);
    conn_totals_free(r->totals);
    (void)close(r->listening);
}

/* rcvbuf: 0 for the kernel's choice; small for a slow reader. */
static inline int rig_connect(struct rig *r, enum conn_accepts accepts, int rcvbuf)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

    if (rcvbuf) (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) abort();
    do accepted = accept4(r->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (accepted < 0);
    if (rcvbuf) (void)setsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &rcvbuf, sizeof rcvbuf);
    conn_set_adopt(r->set, accepted, accepts);
    return fd;
}

static inline void rig_send(struct rig *r, int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0)
            bytes = slice_from(bytes, (size_t)n);
        else if (n < 0 && errno != EAGAIN)
            return;
        rig_turn(r, 1);
    }
    rig_turn(r, 2);
}

static inline void rig_send_str(struct rig *r, int fd, const char *text)
{
    rig_send(r, fd, slice_str(text));
}

/* Reads until `enough` bytes are there, or the end, or 3 s have passed. */
static inline void rig_read(struct rig *r, int fd, struct rig_in *in, size_t enough)
{
    uint64_t until = clock_monotonic_ms() + 3000;

    while (in->bytes.len < enough && !in->ended && clock_monotonic_ms() < until) {
        uint8_t some[16384];
        ssize_t n = recv(fd, some, sizeof some, MSG_DONTWAIT);

        if (n > 0)
            buf_put(&in->bytes, slice_of(some, (size_t)n));
        else if (n == 0)
            in->ended = true;
        else if (errno != EAGAIN)
            in->ended = in->reset = true;
        if (n <= 0) rig_turn(r, 1);
    }
}

/* Reads on until the text has come; false: it did not. */
static inline bool rig_sees(struct rig *r, int fd, struct rig_in *in, const char *text)
{
    for (;;) {
        size_t before = in->bytes.len;

        if (in->bytes.len && memmem(in->bytes.at, in->bytes.len, text, strlen(text))) return true;
        if (in->ended) return false;
        rig_read(r, fd, in, before + 1);
        if (in->bytes.len == before) return false;
    }
}

/* Nothing comes for a while. */
static inline bool rig_quiet(struct rig *r, int fd)
{
    uint8_t byte;

    rig_turn(r, 10);
    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

#define RIG_UPGRADE_WITH(headers)                                                                                      \
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" headers "\r\n"
#define RIG_UPGRADE RIG_UPGRADE_WITH("")

/* A WebSocket, its handshake (which may differ from RIG_UPGRADE in its headers) read; -1 when it was refused. */
static inline int rig_ws_by(struct rig *r, const char *handshake, int rcvbuf)
{
    int fd = rig_connect(r, CONN_ACCEPTS_WEBSOCKET, rcvbuf);
    struct rig_in in = {0};
    bool yes;

    rig_send_str(r, fd, handshake);
    yes = rig_sees(r, fd, &in, "\r\n\r\n") && memmem(in.bytes.at, in.bytes.len, " 101 ", 5);
    buf_fini(&in.bytes);
    if (yes) return fd;
    (void)close(fd);
    return -1;
}

static inline int rig_ws(struct rig *r, int rcvbuf)
{
    return rig_ws_by(r, RIG_UPGRADE, rcvbuf);
}

/* A rig whose one client is a WebSocket. */
static inline void rig_open_ws(struct rig *r, struct conn_options options, int rcvbuf)
{
    rig_open(r, options);
    r->fd = rig_ws(r, rcvbuf);
    if (r->fd < 0) abort();
}

/* A client on a Unix socket. */
static inline int rig_ipc(struct rig *r)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) abort();
    conn_set_adopt(r->set, pair[1], CONN_ACCEPTS_IPC);
    return pair[0];
}

/* A rig whose one client is on a Unix socket. Returns its connection. */
static inline struct conn *rig_open_ipc(struct rig *r, struct conn_options options)
{
    rig_open(r, options);
    r->fd = rig_ipc(r);
    return conn_at_slot(r->set, 0);
}

static inline void rig_frame(struct rig *r, int fd, enum ws_opcode opcode, bool fin, struct slice payload)
{
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};
    struct buf out;

    buf_init(&out, 0);
    ws_put_masked_frame(&out, opcode, fin, payload, mask);
    rig_send(r, fd, buf_peek(&out));
    buf_fini(&out);
}

/* The next whole frame from the server. False: none came. payload is the caller's to free. */
static inline bool rig_next_frame(struct rig *r, int fd, struct rig_in *in, uint8_t *out_first, struct buf *payload)
{
    size_t header = 2, len;

    rig_read(r, fd, in, 2);
    if (in->bytes.len < 2) return false;
    len = in->bytes.at[1];
    if (len >= 126) {
        header = len == 126 ? 4 : 10;
        rig_read(r, fd, in, header);
        if (in->bytes.len < header) return false;
        len = 0;
        for (size_t i = 2; i < header; i++) len = len << 8 | in->bytes.at[i];
    }
    rig_read(r, fd, in, header + len);
    if (in->bytes.len < header + len) return false;
    *out_first = in->bytes.at[0];
    buf_reset(payload);
    buf_put(payload, slice_of(in->bytes.at + header, len));
    in->bytes.len -= header + len;
    memmove(in->bytes.at, in->bytes.at + header + len, in->bytes.len);
    return true;
}

/* The next frame is this one. */
static inline void rig_expect(struct rig *r, struct test *t, int fd, struct rig_in *in, enum ws_opcode opcode,
                              struct slice payload)
{
    struct buf got = {0};
    uint8_t first = 0;

    CHECK(t, rig_next_frame(r, fd, in, &first, &got));
    CHECK_EQ(t, first, 0x80u | opcode);
    CHECK_SLICE(t, buf_peek(&got), payload);
    buf_fini(&got);
}

/* The next frame is a close with this code. */
static inline void rig_expect_close(struct rig *r, struct test *t, int fd, struct rig_in *in, unsigned code)
{
    struct buf got = {0};
    uint8_t first = 0;

    CHECK(t, rig_next_frame(r, fd, in, &first, &got));
    CHECK_EQ(t, first, 0x80u | WS_CLOSE);
    CHECK(t, got.len >= 2);
    if (got.len >= 2) CHECK_EQ(t, (unsigned)got.at[0] << 8 | got.at[1], code);
    buf_fini(&got);
}

/* A notification that many connections share. */
static inline struct frame_share *share_of(size_t tail_len)
{
    uint8_t *tail = malloc(tail_len + 1);
    struct frame *f;
    struct frame_share *s;

    assert(tail);
    memset(tail, 't', tail_len);
    if (frame_new_text(SLICE("<"), slice_of(tail, tail_len), &f)) abort();
    free(tail);
    s = frame_share_new(f);
    assert(s);
    return s;
}

static const uint8_t ID_A[FRAME_ID_LEN + 1] = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                         ID_B[FRAME_ID_LEN + 1] = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/* The one connection of this rig, after it sent a message. */
static inline struct conn *peer_of(struct rig *r, int fd)
{
    rig_frame(r, fd, WS_TEXT, true, SLICE("who"));
    return conn_find(r->set, r->last);
}

#endif
