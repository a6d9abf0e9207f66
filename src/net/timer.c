#include "net/timer.h"

#include <string.h>

void timer_wheel_init(struct timer_wheel *w, uint64_t now_ms)
{
    memset(w, 0, sizeof *w);
    w->tick = now_ms / TIMER_TICK_MS;
}

static void unlink_timer(struct timer *t)
{
    *t->link = t->next;
    if (t->next) t->next->link = t->link;
    t->next = NULL;
    t->link = NULL;
}

static void link_timer(struct timer **list, struct timer *t)
{
    t->next = *list;
    if (t->next) t->next->link = &t->next;
    t->link = list;
    *list = t;
}

void timer_cancel(struct timer_wheel *w, struct timer *t)
{
    if (!t->link) return;
    unlink_timer(t);
    w->count--;
}

void timer_arm(struct timer_wheel *w, struct timer *t, uint64_t now_ms, uint64_t delay_ms)
{
    timer_cancel(w, t);
    t->due_tick = (now_ms + delay_ms + TIMER_TICK_MS - 1) / TIMER_TICK_MS;
    if (t->due_tick <= w->tick) t->due_tick = w->tick + 1; /* its slot has been turned past already */
    link_timer(&w->slots[t->due_tick % TIMER_SLOTS], t);
    w->count++;
}

/* Takes the due ones of a slot aside first, so that a timer armed by one that fires is not met in the same turn. */
static void turn_slot(struct timer_wheel *w, struct timer **slot)
{
    struct timer *due = NULL, *t = *slot;

    while (t) {
        struct timer *next = t->next;

        if (t->due_tick <= w->tick) {
            unlink_timer(t);
            link_timer(&due, t);
        }
        t = next;
    }
    while (due) {
        t = due;
        unlink_timer(t);
        w->count--;
        t->fire(t);
    }
}

void timer_turn(struct timer_wheel *w, uint64_t now_ms)
{
    uint64_t now = now_ms / TIMER_TICK_MS, first = w->tick + 1;

    if (now <= w->tick) return;
    if (now - w->tick > TIMER_SLOTS) first = now - TIMER_SLOTS + 1; /* slept for more than a round: each slot once */
    w->tick = now;
    for (uint64_t tick = first; tick <= now; tick++) turn_slot(w, &w->slots[tick % TIMER_SLOTS]);
}

uint64_t timer_sleep_ms(const struct timer_wheel *w, uint64_t now_ms, uint64_t limit_ms)
{
    if (!w->count) return limit_ms;
    for (uint64_t tick = w->tick + 1; tick <= w->tick + TIMER_SLOTS; tick++) {
        uint64_t at_ms = tick * TIMER_TICK_MS;

        if (at_ms >= now_ms + limit_ms) return limit_ms;
        if (w->slots[tick % TIMER_SLOTS]) return at_ms > now_ms ? at_ms - now_ms : 0;
    }
    return limit_ms;
}
