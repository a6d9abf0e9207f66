/* wheel: timers by deadline, arming and cancelling in O(1). Inside net/ only.
 *
 * Five levels of 64 slots; a slot of level n spans 64^n milliseconds. A timer lies in the slot of its deadline at the
 * lowest level that reaches that far, and moves down a level when time comes to its slot, so each is touched at most
 * five times. */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include "net/loop.h"

enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 5 };

struct wheel {
    uint64_t now_ms;
    uint64_t occupied[WHEEL_LEVELS];                    /* a bit per slot; may be set for one that was emptied */
    struct loop_timer slots[WHEEL_LEVELS][WHEEL_SLOTS]; /* rings, of which these are the heads */
    struct loop_timer due;
    size_t count;
};

void wheel_init(struct wheel *w, uint64_t now_ms);
void wheel_arm(struct wheel *w, struct loop_timer *t, uint64_t deadline_ms);
void wheel_cancel(struct wheel *w, struct loop_timer *t);
/* Moves on to now_ms and runs what is due. */
void wheel_advance(struct wheel *w, uint64_t now_ms);
/* When wheel_advance() should next be called: at the earliest deadline or before it. UINT64_MAX: nothing is armed. */
uint64_t wheel_next_ms(const struct wheel *w);

#endif
