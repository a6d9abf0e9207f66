/* The network: a struct os over memory. Descriptors are numbers with a meaning: an epoll, an eventfd and a listening
 * socket for each worker, then connections. Readiness is level-triggered, as the server uses it. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "sim.h"

enum { FD_EPOLL = 100, FD_EVENT = 200, FD_LISTEN = 300, FD_SOCKET = 1000, EVENTS_SCAN_MAX = 64 };

/* ---- bytes on their way ---- */

void bytes_put(struct sim_bytes *b, const void *from, size_t len)
{
    if (len == 0) return;
    if (b->from && b->from + b->len + len > b->cap) {
        memmove(b->at, b->at + b->from, b->len);
        b->from = 0;
    }
    if (b->len + len > b->cap) {
        bool armed = memory_arm(false);

        b->cap = 2 * (b->len + len) + 256;
        b->at = realloc(b->at, b->cap);
        if (!b->at) abort();
        (void)memory_arm(armed);
    }
    memcpy(b->at + b->from + b->len, from, len);
    b->len += len;
}

size_t bytes_take(struct sim_bytes *b, void *into, size_t len)
{
    if (len > b->len) len = b->len;
    if (into && len) memcpy(into, b->at + b->from, len);
    b->from += len;
    b->len -= len;
    if (b->len == 0) b->from = 0;
    return len;
}

void bytes_fini(struct sim_bytes *b)
{
    free(b->at);
    *b = (struct sim_bytes){0};
}

/* ---- faults ---- */

const struct sim_fault *fault_due(struct sim_world *w, enum sim_fault_kind kind)
{
    uint64_t nth = ++w->calls[kind];

    for (size_t i = 0; i < w->plan->fault_count; i++) {
        const struct sim_fault *f = &w->plan->faults[i];

        if (f->kind == kind && f->nth == nth && !f->off) return f;
    }
    return NULL;
}

/* The chain's thread goes on while a worker is in the kernel. */
static void others_run(struct sim_world *w)
{
    const struct sim_step *s = w->inside;

    if (!s || !w->in_server) return;
    w->inside = NULL;
    sim_do(w, s);
}

static struct sim_socket *socket_of(struct sim_world *w, int fd)
{
    struct sim_socket *s;

    assert(fd >= FD_SOCKET && (size_t)(fd - FD_SOCKET) < w->socket_count);
    s = &w->sockets[fd - FD_SOCKET];
    assert(s->state == SOCKET_TAKEN); /* used after close(), else */
    return s;
}

static bool reset_seen(struct sim_socket *s)
{
    return s->client_reset || s->hurt;
}

static void hurt(struct sim_socket *s)
{
    s->hurt = true;
    s->server_reset = true;
}

/* ---- sockets ---- */

static int os_accept4(void *ctx, int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    struct sim_world *w = ctx;

    (void)address, (void)len;
    assert(flags & SOCK_NONBLOCK);
    if (fault_due(w, FAULT_ACCEPT)) {
        errno = EMFILE;
        return -1;
    }
    for (size_t i = 0; i < w->socket_count; i++) {
        struct sim_socket *s = &w->sockets[i];

        if (s->state != SOCKET_WAITS || (int)s->worker != fd - FD_LISTEN) continue;
        s->state = SOCKET_TAKEN;
        return FD_SOCKET + (int)i;
    }
    errno = EAGAIN;
    return -1;
}

static ssize_t os_recv(void *ctx, int fd, void *into, size_t len, int flags)
{
    struct sim_world *w = ctx;
    struct sim_socket *s = socket_of(w, fd);
    const struct sim_fault *f;

    (void)flags;
    others_run(w);
    if (fault_due(w, FAULT_READ_RESET)) hurt(s);
    if (reset_seen(s)) {
        errno = ECONNRESET;
        return -1;
    }
    if (fault_due(w, FAULT_READ_AGAIN)) {
        errno = EAGAIN;
        return -1;
    }
    f = fault_due(w, FAULT_SHORT_READ);
    if (f && len > f->amount % 64 + 1) len = f->amount % 64 + 1;
    if (s->to_server.len) return (ssize_t)bytes_take(&s->to_server, into, len);
    if (s->client_fin) return 0;
    errno = EAGAIN;
    return -1;
}

/* As TCP: to a peer that has gone the first write still succeeds and brings the reset; both kinds of end happen. */
static ssize_t os_sendmsg(void *ctx, int fd, const struct msghdr *message, int flags)
{
    struct sim_world *w = ctx;
    struct sim_socket *s = socket_of(w, fd);
    size_t space, sent = 0;
    const struct sim_fault *f;

    assert(flags & MSG_NOSIGNAL && flags & MSG_DONTWAIT && !s->server_fin);
    others_run(w);
    if (fault_due(w, FAULT_WRITE_RESET)) hurt(s);
    if (reset_seen(s)) {
        errno = fd % 2 ? ECONNRESET : EPIPE;
        return -1;
    }
    if (fault_due(w, FAULT_WRITE_INTERRUPTED)) {
        errno = EINTR;
        return -1;
    }
    space = s->to_client.len < s->send_space ? s->send_space - s->to_client.len : 0;
    if (fault_due(w, FAULT_WRITE_AGAIN)) space = 0;
    f = fault_due(w, FAULT_SHORT_WRITE);
    if (f && space > f->amount) space = f->amount;
    for (size_t i = 0; i < message->msg_iovlen && sent < space; i++) {
        size_t part = message->msg_iov[i].iov_len < space - sent ? message->msg_iov[i].iov_len : space - sent;

        bytes_put(&s->to_client, message->msg_iov[i].iov_base, part);
        sent += part;
    }
    if (sent) return (ssize_t)sent;
    errno = EAGAIN;
    return -1;
}

static int os_shutdown(void *ctx, int fd, int how)
{
    struct sim_socket *s = socket_of(ctx, fd);

    assert(how == SHUT_WR);
    s->server_fin = true;
    return 0;
}

static int os_close(void *ctx, int fd)
{
    struct sim_world *w = ctx;
    struct sim_socket *s;

    if (fd < FD_LISTEN) return 0;
    if (fd < FD_SOCKET) { /* who still waited to be accepted is reset */
        for (size_t i = 0; i < w->socket_count; i++)
            if (w->sockets[i].state == SOCKET_WAITS && (int)w->sockets[i].worker == fd - FD_LISTEN)
                w->sockets[i].server_reset = w->sockets[i].hurt = true;
        return 0;
    }
    s = socket_of(w, fd);
    assert(!s->watched);
    /* What it had not read makes the kernel answer with a reset, and so does SO_LINGER 0. */
    if (s->linger_reset || s->to_server.len) s->server_reset = true;
    s->server_fin = true;
    s->state = SOCKET_CLOSED;
    return 0;
}

static int os_setsockopt(void *ctx, int fd, int level, int name, const void *value, socklen_t len)
{
    struct sim_socket *s = socket_of(ctx, fd);

    if (level == SOL_SOCKET && name == SO_LINGER) {
        assert(len == sizeof(struct linger));
        s->linger_reset = ((const struct linger *)value)->l_onoff && ((const struct linger *)value)->l_linger == 0;
    }
    return 0;
}

static int os_getpeername(void *ctx, int fd, struct sockaddr *address, socklen_t *len)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9)};

    (void)socket_of(ctx, fd);
    assert(*len >= sizeof in);
    memcpy(address, &in, sizeof in);
    *len = sizeof in;
    return 0;
}

/* ---- epoll ---- */

static int os_epoll_create1(void *ctx, int flags)
{
    struct sim_world *w = ctx;

    (void)flags;
    for (size_t i = 0; i < w->plan->workers; i++)
        if (!w->workers[i].loop) return FD_EPOLL + (int)i;
    abort();
}

static int os_eventfd(void *ctx, unsigned start, int flags)
{
    struct sim_world *w = ctx;

    (void)start, (void)flags;
    for (size_t i = 0; i < w->plan->workers; i++)
        if (!w->workers[i].loop) return FD_EVENT + (int)i;
    abort();
}

static ssize_t os_read(void *ctx, int fd, void *into, size_t len)
{
    struct sim_worker *worker = &((struct sim_world *)ctx)->workers[fd - FD_EVENT];

    assert(len == sizeof worker->event_count);
    memcpy(into, &worker->event_count, len);
    worker->event_count = 0;
    return (ssize_t)len;
}

static ssize_t os_write(void *ctx, int fd, const void *from, size_t len)
{
    uint64_t more;

    assert(len == sizeof more);
    memcpy(&more, from, len);
    ((struct sim_world *)ctx)->workers[fd - FD_EVENT].event_count += more;
    return (ssize_t)len;
}

static int os_epoll_ctl(void *ctx, int epoll, int op, int fd, struct epoll_event *event)
{
    struct sim_world *w = ctx;
    struct sim_worker *worker = &w->workers[epoll - FD_EPOLL];
    struct sim_socket *s;

    if (op == EPOLL_CTL_ADD && fault_due(w, FAULT_WATCH)) {
        if (fd >= FD_SOCKET) socket_of(w, fd)->hurt = true;
        errno = ENOMEM;
        return -1;
    }
    if (fd < FD_LISTEN) {
        worker->wake_watch = op == EPOLL_CTL_DEL ? (struct epoll_event){0} : *event;
        return 0;
    }
    if (fd < FD_SOCKET) {
        worker->listening = op != EPOLL_CTL_DEL;
        worker->listen_watch = op == EPOLL_CTL_DEL ? (struct epoll_event){0} : *event;
        return 0;
    }
    s = socket_of(w, fd);
    if (op != EPOLL_CTL_ADD && !s->watched) { /* its ADD had failed */
        errno = ENOENT;
        return -1;
    }
    assert((op == EPOLL_CTL_ADD) == !s->watched);
    s->watched = op != EPOLL_CTL_DEL;
    s->watch = s->watched ? *event : (struct epoll_event){0};
    return 0;
}

static uint32_t socket_events(const struct sim_socket *s)
{
    uint32_t events = 0, wanted = s->watch.events | EPOLLERR | EPOLLHUP;

    if (s->state != SOCKET_TAKEN || !s->watched) return 0;
    if (s->to_server.len || s->client_fin || s->client_reset || s->hurt) events |= EPOLLIN;
    /* The kernel says writable once a third is free. */
    if (s->to_client.len * 3 <= s->send_space * 2) events |= EPOLLOUT;
    if (s->client_reset || s->hurt) events |= EPOLLERR | EPOLLHUP | EPOLLOUT;
    if (s->client_fin && s->server_fin) events |= EPOLLHUP;
    return events & wanted;
}

static bool someone_waits(const struct sim_world *w, uint32_t worker)
{
    for (size_t i = 0; i < w->socket_count; i++)
        if (w->sockets[i].state == SOCKET_WAITS && w->sockets[i].worker == worker) return true;
    return false;
}

static size_t gather(struct sim_world *w, uint32_t worker, struct epoll_event *out, size_t most)
{
    struct sim_worker *k = &w->workers[worker];
    size_t count = 0, start = w->socket_count ? sim_mix(w->turns ^ w->plan->seed) % w->socket_count : 0;

    if (k->event_count && k->wake_watch.data.ptr && count < most) {
        out[count] = k->wake_watch;
        out[count++].events = EPOLLIN;
    }
    if (k->listening && k->listen_watch.events & EPOLLIN && someone_waits(w, worker) && count < most) {
        out[count] = k->listen_watch;
        out[count++].events = EPOLLIN;
    }
    for (size_t n = 0; n < w->socket_count && count < most; n++) {
        const struct sim_socket *s = &w->sockets[(start + n) % w->socket_count];
        uint32_t events = s->worker == worker ? socket_events(s) : 0;

        if (!events) continue;
        out[count] = s->watch;
        out[count++].events = events;
    }
    return count;
}

bool net_ready(struct sim_world *w, uint32_t worker)
{
    struct epoll_event one[1];

    return gather(w, worker, one, 1) > 0;
}

static int os_epoll_wait(void *ctx, int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    struct sim_world *w = ctx;
    uint32_t worker = (uint32_t)(epoll - FD_EPOLL);
    const struct sim_fault *f = fault_due(w, FAULT_PAUSE);
    size_t most = (size_t)count < EVENTS_SCAN_MAX ? (size_t)count : EVENTS_SCAN_MAX, got;

    if (f) {
        sim_say(w, "worker %u sleeps for %u ms", worker, f->amount);
        w->now_ms += f->amount;
    }
    others_run(w);
    got = gather(w, worker, events, most);
    /* What this turn does may arm timers: after a busy one it comes again and says then how long it would sleep. */
    w->workers[worker].wake_ms = got || f ? w->now_ms : timeout_ms < 0 ? UINT64_MAX : w->now_ms + (uint64_t)timeout_ms;
    return (int)got;
}

static uint64_t os_monotonic_ns(void *ctx)
{
    return ((const struct sim_world *)ctx)->now_ms * 1000000u;
}

static uint64_t os_wall_s(void *ctx)
{
    return 1700000000u + ((const struct sim_world *)ctx)->now_ms / 1000;
}

/* ---- the world's side ---- */

void net_init(struct sim_world *w)
{
    /* What opens a listening socket is not asked of us: the sockets are there. */
    w->os = (struct os){.ctx = w,
                        .setsockopt = os_setsockopt,
                        .getpeername = os_getpeername,
                        .accept4 = os_accept4,
                        .recv = os_recv,
                        .sendmsg = os_sendmsg,
                        .shutdown = os_shutdown,
                        .close = os_close,
                        .epoll_create1 = os_epoll_create1,
                        .epoll_ctl = os_epoll_ctl,
                        .epoll_wait = os_epoll_wait,
                        .eventfd = os_eventfd,
                        .read = os_read,
                        .write = os_write,
                        .monotonic_ns = os_monotonic_ns,
                        .wall_s = os_wall_s};
}

void net_fini(struct sim_world *w)
{
    for (size_t i = 0; i < w->socket_count; i++) {
        bytes_fini(&w->sockets[i].to_server);
        bytes_fini(&w->sockets[i].to_client);
    }
}

uint32_t net_connect(struct sim_world *w, uint32_t client, uint32_t worker, size_t send_space)
{
    uint32_t at = (uint32_t)w->socket_count;

    if (at == SIM_SOCKETS_MAX) return at;
    w->sockets[w->socket_count++] =
        (struct sim_socket){.state = SOCKET_WAITS, .worker = worker, .client = client, .send_space = send_space};
    return at;
}
