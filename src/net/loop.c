#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "net/os.h"
#include "net/wheel.h"

enum { EVENTS_MAX = 256 };

struct loop {
    const struct os *os;
    int epoll;
    struct loop_fd wake; /* an eventfd: letters, or the word to stop */
    struct mailbox mailbox;
    atomic_bool stopping;
    struct loop_hook *hooks;
    struct loop_hook *next_hook; /* while hooks run: the one that follows */
    /* What epoll reported and has not been told yet: removal looks here. */
    struct epoll_event events[EVENTS_MAX];
    int event_at, event_count;
    uint64_t now_ms; /* of this turn */
    struct wheel wheel;
};

static void wake(void *ctx)
{
    struct loop *l = ctx;
    const uint64_t one = 1;

    /* A full counter (EAGAIN) wakes as well as one more. */
    (void)!l->os->write(l->os->ctx, l->wake.fd, &one, sizeof one);
}

static void woken(struct loop_fd *self, uint32_t events)
{
    struct loop *l = CONTAINER_OF(self, struct loop, wake);
    uint64_t count;

    (void)events;
    (void)!l->os->read(l->os->ctx, self->fd, &count, sizeof count);
}

static uint64_t read_clock_ms(const struct loop *l)
{
    return l->os->monotonic_ns(l->os->ctx) / 1000000u;
}

enum fan_status loop_new(const struct os *os, struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    enum fan_status s;

    if (!l) return FAN_ENOMEM;
    l->os = os ? os : &OS_REAL;
    l->wake = (struct loop_fd){.ready = woken, .fd = -1};
    atomic_init(&l->stopping, false);
    mailbox_init(&l->mailbox, wake, l);
    l->now_ms = read_clock_ms(l);
    wheel_init(&l->wheel, l->now_ms);
    l->epoll = l->os->epoll_create1(l->os->ctx, EPOLL_CLOEXEC);
    if (l->epoll >= 0) l->wake.fd = l->os->eventfd(l->os->ctx, 0, EFD_CLOEXEC | EFD_NONBLOCK);
    s = l->wake.fd < 0 ? FAN_ESYSTEM : loop_fd_add(l, &l->wake, EPOLLIN);
    if (s) {
        if (l->wake.fd >= 0) l->os->close(l->os->ctx, l->wake.fd);
        if (l->epoll >= 0) l->os->close(l->os->ctx, l->epoll);
        free(l);
        return s;
    }
    *out = l;
    return FAN_OK;
}

void loop_free(struct loop *l)
{
    if (!l) return;
    while (mailbox_run(&l->mailbox)) {
    }
    l->os->close(l->os->ctx, l->wake.fd);
    l->os->close(l->os->ctx, l->epoll);
    free(l);
}

/* Rounded up: to wake before the deadline would only mean to wait again. */
static int wait_ms(const struct loop *l, int wait_ms_max)
{
    uint64_t next = wheel_next_ms(&l->wheel), now, most = wait_ms_max < 0 ? INT_MAX : (uint64_t)wait_ms_max;

    if (next == UINT64_MAX) return wait_ms_max;
    now = read_clock_ms(l);
    return next <= now ? 0 : (int)min_u64(next - now, most);
}

static void tell_ready(struct loop *l)
{
    while (l->event_at < l->event_count) {
        const struct epoll_event *e = &l->events[l->event_at++];
        struct loop_fd *w = e->data.ptr;

        if (w) w->ready(w, e->events);
    }
    l->event_at = l->event_count = 0;
}

void loop_turn(struct loop *l, int wait_ms_max)
{
    int count = l->os->epoll_wait(l->os->ctx, l->epoll, l->events, EVENTS_MAX, wait_ms(l, wait_ms_max));

    l->now_ms = read_clock_ms(l);
    l->event_at = 0;
    l->event_count = count > 0 ? count : 0; /* EINTR: an empty turn */
    tell_ready(l);
    wheel_advance(&l->wheel, l->now_ms);
    (void)mailbox_run(&l->mailbox);
    for (struct loop_hook *h = l->hooks; h; h = l->next_hook) {
        l->next_hook = h->next;
        h->run(h);
    }
}

void loop_run(struct loop *l)
{
    while (!atomic_load_explicit(&l->stopping, memory_order_acquire)) loop_turn(l, -1);
    atomic_store_explicit(&l->stopping, false, memory_order_relaxed);
}

void loop_stop(struct loop *l)
{
    int before = errno;

    atomic_store_explicit(&l->stopping, true, memory_order_release);
    wake(l);
    errno = before; /* a signal handler must not change it */
}

struct mailbox *loop_mailbox(struct loop *l)
{
    return &l->mailbox;
}

const struct os *loop_os(const struct loop *l)
{
    return l->os;
}

uint64_t loop_now_ms(const struct loop *l)
{
    return l->now_ms;
}

/* ---- descriptors ---- */

enum fan_status loop_fd_add(struct loop *l, struct loop_fd *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};

    if (l->os->epoll_ctl(l->os->ctx, l->epoll, EPOLL_CTL_ADD, w->fd, &e))
        return errno == ENOMEM ? FAN_ENOMEM : FAN_ESYSTEM;
    w->events = events;
    return FAN_OK;
}

void loop_fd_change(struct loop *l, struct loop_fd *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};

    if (w->events == events) return;
    w->events = events;
    (void)l->os->epoll_ctl(l->os->ctx, l->epoll, EPOLL_CTL_MOD, w->fd, &e);
}

void loop_fd_remove(struct loop *l, struct loop_fd *w)
{
    struct epoll_event unused = {0};

    (void)l->os->epoll_ctl(l->os->ctx, l->epoll, EPOLL_CTL_DEL, w->fd, &unused);
    w->events = 0;
    for (int i = l->event_at; i < l->event_count; i++)
        if (l->events[i].data.ptr == w) l->events[i].data.ptr = NULL;
}

/* ---- timers and hooks ---- */

void loop_timer_arm(struct loop *l, struct loop_timer *t, uint64_t deadline_ms)
{
    wheel_arm(&l->wheel, t, deadline_ms);
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
    wheel_cancel(&l->wheel, t);
}

void loop_hook_add(struct loop *l, struct loop_hook *h)
{
    struct loop_hook **link = &l->hooks;

    while (*link) link = &(*link)->next;
    h->next = NULL;
    *link = h;
}

void loop_hook_remove(struct loop *l, struct loop_hook *h)
{
    for (struct loop_hook **link = &l->hooks; *link; link = &(*link)->next) {
        if (*link != h) continue;
        *link = h->next;
        if (l->next_hook == h) l->next_hook = h->next;
        return;
    }
}
