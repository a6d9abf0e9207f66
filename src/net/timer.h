/* timer: a wheel of deadlines, each armed, moved and cancelled in constant time.
 *
 * A server arms a timer or two for every connection and nearly all are cancelled or moved before they fire, so the wheel is hashed: a
 * timer hangs in the slot of its due tick, and one that lies further ahead than the wheel turns is passed over until its round comes.
 * A tick is TIMER_TICK_MS; timers fire at their time or up to a tick later, never before.
 *
 * Thread: its loop's. A timer is part of the object it serves (intrusive) and must be cancelled before that goes. */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include "base/base.h"

enum { TIMER_TICK_MS = 8, TIMER_SLOTS = 2048 };

struct timer {
    struct timer *next, **link; /* link NULL: not armed */
    uint64_t due_tick;
    void (*fire)(struct timer *self); /* may arm it again, and may arm or cancel any other */
};

struct timer_wheel {
    struct timer *slots[TIMER_SLOTS];
    uint64_t tick; /* the last one turned to */
    size_t count;
};

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms);
/* Fires at now + delay or a tick later; an armed timer is moved. */
void timer_arm(struct timer_wheel *w, struct timer *t, uint64_t now_ms, uint64_t delay_ms);
void timer_cancel(struct timer_wheel *w, struct timer *t); /* one that is not armed is fine */
static inline bool timer_is_armed(const struct timer *t)
{
    return t->link != NULL;
}
/* Fires all that is due by now. */
void timer_turn(struct timer_wheel *w, uint64_t now_ms);
/* How long the loop may sleep: until the next slot that holds a timer, at most limit_ms. */
uint64_t timer_sleep_ms(const struct timer_wheel *w, uint64_t now_ms, uint64_t limit_ms);

#endif
