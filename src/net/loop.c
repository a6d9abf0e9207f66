#include "net/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, SLEEP_MAX_MS = 1000 };

struct loop {
    const struct os *os;
    int epoll;
    struct loop_fd wake; /* the eventfd behind the mailbox */
    struct mailbox mailbox;
    struct timer_wheel timers;
    uint64_t now_ms;
    atomic_bool stopping;
    struct epoll_event events[EVENTS_MAX]; /* of the turn under way */
    int event_at, event_count;
    struct {
        void (*run)(void *ctx);
        void *ctx;
    } hooks[LOOP_HOOKS_MAX];
    size_t hook_count;
};

static void wake(void *ctx)
{
    struct loop *l = ctx;
    uint64_t one = 1;

    if (write(l->wake.fd, &one, sizeof one) < 0) return; /* full: it is awake already */
}

static void woken(struct loop_fd *self, uint32_t events)
{
    uint64_t count;

    (void)events;
    if (read(self->fd, &count, sizeof count) < 0) return; /* somebody else's wake-up took it */
}

enum fan_status loop_new(const struct os *os, struct loop **out)
{
    struct loop *l = calloc(1, sizeof *l);
    enum fan_status s;

    if (!l) return FAN_ENOMEM;
    l->os = os ? os : &os_kernel;
    l->wake.fd = -1;
    l->epoll = l->os->epoll_create();
    l->now_ms = l->os->now_ms();
    timer_wheel_init(&l->timers, l->now_ms);
    mailbox_init(&l->mailbox, wake, l);
    if (l->epoll < 0) {
        loop_free(l);
        return FAN_ESYSTEM;
    }
    l->wake = (struct loop_fd){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .events = EPOLLIN, .ready = woken};
    s = l->wake.fd < 0 ? FAN_ESYSTEM : loop_add(l, &l->wake);
    if (s) {
        loop_free(l);
        return s;
    }
    *out = l;
    return FAN_OK;
}

void loop_free(struct loop *l)
{
    if (!l) return;
    if (l->wake.fd >= 0) (void)close(l->wake.fd);
    if (l->epoll >= 0) (void)l->os->close(l->epoll);
    free(l);
}

void loop_turn(struct loop *l, uint64_t timeout_ms)
{
    uint64_t sleep_ms = timer_sleep_ms(&l->timers, l->os->now_ms(), timeout_ms);

    if (!mailbox_empty(&l->mailbox)) sleep_ms = 0;
    l->event_count = l->os->epoll_wait(l->epoll, l->events, EVENTS_MAX, (int)sleep_ms);
    l->now_ms = l->os->now_ms();
    for (l->event_at = 0; l->event_at < l->event_count; l->event_at++) {
        struct loop_fd *f = l->events[l->event_at].data.ptr;

        if (f) f->ready(f, l->events[l->event_at].events);
    }
    l->event_count = 0;
    timer_turn(&l->timers, l->now_ms);
    (void)mailbox_run(&l->mailbox);
    for (size_t i = 0; i < l->hook_count; i++) l->hooks[i].run(l->hooks[i].ctx);
}

void loop_run(struct loop *l)
{
    while (!atomic_load_explicit(&l->stopping, memory_order_acquire)) loop_turn(l, SLEEP_MAX_MS);
}

void loop_stop(struct loop *l)
{
    atomic_store_explicit(&l->stopping, true, memory_order_release);
    wake(l);
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

enum fan_status loop_add(struct loop *l, struct loop_fd *f)
{
    struct epoll_event e = {.events = f->events, .data.ptr = f};

    if (l->os->epoll_ctl(l->epoll, EPOLL_CTL_ADD, f->fd, &e) == 0) return FAN_OK;
    return errno == ENOMEM || errno == ENOSPC ? FAN_ENOMEM : FAN_ESYSTEM;
}

void loop_watch(struct loop *l, struct loop_fd *f, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = f};

    if (f->events == events) return;
    f->events = events;
    (void)l->os->epoll_ctl(l->epoll, EPOLL_CTL_MOD, f->fd, &e); /* fails only for a descriptor that is not there */
}

void loop_remove(struct loop *l, struct loop_fd *f)
{
    struct epoll_event unused = {0};

    (void)l->os->epoll_ctl(l->epoll, EPOLL_CTL_DEL, f->fd, &unused);
    for (int i = l->event_at; i < l->event_count; i++)
        if (l->events[i].data.ptr == f) l->events[i].data.ptr = NULL;
}

void loop_timer(struct loop *l, struct timer *t, uint64_t delay_ms)
{
    timer_arm(&l->timers, t, l->now_ms, delay_ms);
}

void loop_timer_cancel(struct loop *l, struct timer *t)
{
    timer_cancel(&l->timers, t);
}

void loop_at_turn_end(struct loop *l, void (*hook)(void *ctx), void *ctx)
{
    assert(l->hook_count < LOOP_HOOKS_MAX);
    l->hooks[l->hook_count].run = hook;
    l->hooks[l->hook_count++].ctx = ctx;
}
