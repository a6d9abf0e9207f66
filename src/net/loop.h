/* loop: one thread's turn of the world: sockets that are ready, timers that are due, letters from other threads.
 *
 *            ┌──────────────────────────────────────────────────────────────┐
 *            ▼                                                              │
 *   epoll_wait (until the next timer) ─► ready fds ─► due timers ─► letters ─► end-of-turn hooks
 *
 * Fds, timers and hooks are parts of the objects that use them (intrusive), so watching and arming allocate nothing and
 * cannot run out of memory. Every callback may remove, cancel or free any of them, its own included.
 *
 * Timers live in a wheel of five levels of 64 slots, a millisecond to the tick: arming and cancelling are O(1),
 * whatever the count. They fire at their deadline or up to a millisecond later, in no order among those due together; a
 * deadline more than 12 days away fires early, at 12 days.
 *
 * Not here: what is read from a socket (conn/), how the kernel is called (net/os.h), how letters are kept
 * (base/mailbox.h). Thread: the loop's own, but for loop_stop() and posting to the mailbox. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/mailbox.h"

struct os;
struct loop;

/* A file descriptor being watched. The owner keeps it in place until loop_fd_remove(). */
struct loop_fd {
    void (*ready)(struct loop_fd *self, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP … */
    int fd;
    uint32_t events; /* watched for */
};

/* Zeroed: not armed. The owner keeps it in place while armed. */
struct loop_timer {
    struct loop_timer *next, *prev; /* NULL: not armed */
    uint64_t deadline_ms;
    void (*fire)(struct loop_timer *self); /* once for each arming; it is disarmed by then */
};

struct loop_hook {
    struct loop_hook *next;
    void (*run)(struct loop_hook *self);
};

/* os: NULL for the real one; must outlive the loop. */
FAN_MUST_CHECK enum fan_status loop_new(const struct os *os, struct loop **out);
/* Whatever was watched or armed must have gone; letters still in the mailbox are run. NULL is fine. */
void loop_free(struct loop *l);

/* Turns until loop_stop(), which may have come before. */
void loop_run(struct loop *l);
/* One turn, waiting at most wait_ms_max for something to happen (-1: no limit). For tests, simulations and hosts with a
 * loop of their own. */
void loop_turn(struct loop *l, int wait_ms_max);
/* Any thread, also a signal handler: the turn under way is the last. */
void loop_stop(struct loop *l);
/* Any thread may post to it; letters run on the loop's thread. Lives as long as the loop. */
struct mailbox *loop_mailbox(struct loop *l);
const struct os *loop_os(const struct loop *l);

/* Monotonic milliseconds, as of the beginning of this turn's callbacks. */
uint64_t loop_now_ms(const struct loop *l);

/* Watches w->fd for `events`, level-triggered; ready and fd must be set. FAN_ESYSTEM (errno says why), FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status loop_fd_add(struct loop *l, struct loop_fd *w, uint32_t events);
/* Does nothing where the events are the same already. */
void loop_fd_change(struct loop *l, struct loop_fd *w, uint32_t events);
/* Stops watching; before close(). What is ready in this very turn is not reported any more. */
void loop_fd_remove(struct loop *l, struct loop_fd *w);

/* Arms, or moves an armed timer to another deadline. One in the past fires in the next turn. fire must be set. */
void loop_timer_arm(struct loop *l, struct loop_timer *t, uint64_t deadline_ms);
void loop_timer_cancel(struct loop *l, struct loop_timer *t); /* not armed: nothing happens */
static inline bool loop_timer_armed(const struct loop_timer *t)
{
    return t->next != NULL;
}

/* Runs at the end of every turn, in the order they were added, until removed. */
void loop_hook_add(struct loop *l, struct loop_hook *h);
void loop_hook_remove(struct loop *l, struct loop_hook *h);

#endif
