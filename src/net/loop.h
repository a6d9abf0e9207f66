/* loop: one thread's epoll, timers and mailbox.
 *
 *   turn:  epoll_wait ─► ready() of each fd ─► timers ─► letters ─► end-of-turn hook
 *
 * The loop sleeps until a descriptor is ready, a timer is due, or a letter came; letters wake it by an eventfd, once, however many follow.
 * At the end of each turn the hook runs: connections flush what the turn has put into their outboxes, so that all a turn produced for one
 * client leaves in one send.
 *
 * Thread: everything is for the loop's thread, except loop_stop() and mailbox_post() to its mailbox.
 * Not here: what a descriptor means (conn/, net/listen.h). */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/mailbox.h"
#include "net/os.h"
#include "net/timer.h"

struct loop;

/* A descriptor the loop watches; part of the object it serves. */
struct loop_fd {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT …, level-triggered */
    void (*ready)(struct loop_fd *self, uint32_t events); /* may remove itself or any other */
};

/* os NULL: the kernel. FAN_ESYSTEM or FAN_ENOMEM leave nothing behind. */
FAN_MUST_CHECK enum fan_status loop_new(const struct os *os, struct loop **out);
void loop_free(struct loop *l); /* NULL is fine; descriptors still added are the caller's */

/* Runs turns until loop_stop(). */
void loop_run(struct loop *l);
/* One turn, sleeping at most timeout_ms. For tests and simulations. */
void loop_turn(struct loop *l, uint64_t timeout_ms);
void loop_stop(struct loop *l); /* any thread; also before loop_run() */

struct mailbox *loop_mailbox(struct loop *l); /* the address holds as long as the loop */
const struct os *loop_os(const struct loop *l);
uint64_t loop_now_ms(const struct loop *l); /* taken once a turn */

FAN_MUST_CHECK enum fan_status loop_add(struct loop *l, struct loop_fd *f);
/* Changes what it waits for; no system call where nothing changes. */
void loop_watch(struct loop *l, struct loop_fd *f, uint32_t events);
/* Its ready() is not called any more, not even for events of this turn. Before the descriptor is closed. */
void loop_remove(struct loop *l, struct loop_fd *f);

void loop_timer(struct loop *l, struct timer *t, uint64_t delay_ms); /* arms or moves */
void loop_timer_cancel(struct loop *l, struct timer *t);

/* Called at the end of each turn, in the order given; at most LOOP_HOOKS_MAX. */
enum { LOOP_HOOKS_MAX = 4 };
void loop_at_turn_end(struct loop *l, void (*hook)(void *ctx), void *ctx);

#endif
