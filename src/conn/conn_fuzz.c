/* A peer chooses its bytes, where they are cut, and how much of ours it takes. Property: whatever it chooses, every
 * message gets its reply or the connection ends, the handler hears of the end exactly once, and nothing stays counted.
 *
 * The network is a struct os: recv() gives the input's bytes in pieces, sendmsg() takes what the input allows, and the
 * clock moves by itself. */
#include <errno.h>
#include <stdlib.h>

#include "conn/conn.h"
#include "net/loop.h"
#include "net/os.h"

enum { SOCKET = 1000, TURNS_MAX = 400 };

static struct world {
    struct slice in;
    struct os os;
    uint64_t now_ms;
    struct epoll_event watched;
    bool open, watching;
    unsigned seed;
    size_t closed, messages;
    struct conn_set *set;
} world;

static unsigned choose(unsigned below)
{
    world.seed = world.seed * 1103515245u + 12345u;
    return (world.seed >> 16) % below;
}

static ssize_t fake_recv(void *ctx, int fd, void *into, size_t len, int flags)
{
    size_t piece = 1 + choose(700);

    (void)ctx, (void)fd, (void)flags;
    if (world.in.len == 0) return 0;
    if (piece > world.in.len) piece = world.in.len;
    if (piece > len) piece = len;
    memcpy(into, world.in.at, piece);
    world.in = slice_from(world.in, piece);
    return (ssize_t)piece;
}

static ssize_t fake_sendmsg(void *ctx, int fd, const struct msghdr *message, int flags)
{
    size_t len = 0, take;

    (void)ctx, (void)fd, (void)flags;
    for (size_t i = 0; i < message->msg_iovlen; i++) len += message->msg_iov[i].iov_len;
    assert(len > 0);
    take = choose(4) ? len : choose((unsigned)(len < 1000 ? len : 1000) + 1);
    errno = choose(50) ? EAGAIN : ECONNRESET;
    return take ? (ssize_t)take : -1;
}

static int fake_epoll_ctl(void *ctx, int epoll, int op, int fd, struct epoll_event *event)
{
    if (fd != SOCKET) return OS_REAL.epoll_ctl(ctx, epoll, op, fd, event);
    world.watching = op != EPOLL_CTL_DEL;
    if (world.watching) world.watched = *event;
    return 0;
}

static int fake_epoll_wait(void *ctx, int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    (void)ctx, (void)epoll, (void)count;
    world.now_ms += timeout_ms > 0 ? (uint64_t)timeout_ms : 0;
    if (!world.watching || !(world.watched.events & (EPOLLIN | EPOLLOUT)) || choose(5) == 0) return 0;
    events[0] = world.watched;
    return 1;
}

static int fake_setsockopt(void *ctx, int fd, int level, int name, const void *value, socklen_t len)
{
    (void)ctx, (void)fd, (void)level, (void)name, (void)value, (void)len;
    return 0;
}

static int fake_shutdown(void *ctx, int fd, int how)
{
    (void)ctx, (void)fd, (void)how;
    return 0;
}

static int fake_close(void *ctx, int fd)
{
    if (fd != SOCKET) return OS_REAL.close(ctx, fd);
    assert(world.open);
    world.open = false;
    return 0;
}

static uint64_t fake_monotonic_ns(void *ctx)
{
    (void)ctx;
    return world.now_ms * 1000000u;
}

static void message(void *ctx, struct conn *c, struct slice body)
{
    struct buf reply;

    (void)ctx;
    world.messages++;
    buf_init(&reply, 0);
    buf_put(&reply, body);
    conn_reply(c, &reply);
    buf_fini(&reply);
    if (choose(40) == 0) conn_close(c, 1000, "enough");
}

static void closed(void *ctx, struct conn *c)
{
    (void)ctx;
    assert(conn_find(world.set, conn_id_of(c)) == c);
    world.closed++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct conn_handler handler = {.message = message, .closed = closed};
    const struct conn_options options = {.message_len_max = 5000, .deflate_piece_len = 700};
    struct conn_totals *totals = conn_totals_new(NULL);
    struct loop *loop;

    if (size < 2) {
        conn_totals_free(totals);
        return 0;
    }
    world = (struct world){.in = slice_of(data + 2, size - 2), .open = true, .seed = (unsigned)data[0] << 8 | data[1]};
    world.os = OS_REAL;
    world.os.recv = fake_recv;
    world.os.sendmsg = fake_sendmsg;
    world.os.epoll_ctl = fake_epoll_ctl;
    world.os.epoll_wait = fake_epoll_wait;
    world.os.setsockopt = fake_setsockopt;
    world.os.shutdown = fake_shutdown;
    world.os.close = fake_close;
    world.os.monotonic_ns = fake_monotonic_ns;
    if (!totals || loop_new(&world.os, &loop)) abort();
    if (conn_set_new(loop, 0, &options, &handler, totals, &world.set)) abort();
    /* What begins like JSON comes through a Unix socket: as HTTP it would be over with its first byte. */
    conn_set_adopt(world.set, SOCKET,
                   size > 2 && (data[2] == '{' || data[2] == '[') ? CONN_ACCEPTS_IPC : CONN_ACCEPTS_BOTH);
    for (int i = 0; i < TURNS_MAX && world.open; i++) loop_turn(loop, -1);
    conn_set_free(world.set);
    assert(!world.open && world.closed == 1);
    loop_free(loop);
    conn_totals_free(totals);
    return 0;
}
