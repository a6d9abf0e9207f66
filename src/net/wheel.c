#include "net/wheel.h"

static void ring_init(struct loop_timer *head)
{
    head->next = head->prev = head;
}

static void ring_push(struct loop_timer *head, struct loop_timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

static void ring_remove(struct loop_timer *t)
{
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

/* All of `from` goes behind what `to` has. */
static void ring_splice(struct loop_timer *to, struct loop_timer *from)
{
    if (from->next == from) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    ring_init(from);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    w->now_ms = now_ms;
    w->count = 0;
    ring_init(&w->due);
    for (size_t level = 0; level < WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (size_t slot = 0; slot < WHEEL_SLOTS; slot++) ring_init(&w->slots[level][slot]);
    }
}

/* A deadline that has come counts as the next tick's: its slot is the next that advancing looks at. */
static void put(struct wheel *w, struct loop_timer *t)
{
    const uint64_t reach = (UINT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS)) - 1;
    uint64_t deadline = max_u64(t->deadline_ms, w->now_ms + 1), distance = min_u64(deadline - w->now_ms, reach);
    unsigned level = (unsigned)(63 - __builtin_clzll(distance)) / WHEEL_BITS;
    unsigned slot = (unsigned)((w->now_ms + distance) >> (WHEEL_BITS * level)) % WHEEL_SLOTS;

    if (t->deadline_ms > w->now_ms + reach) t->deadline_ms = w->now_ms + reach;
    ring_push(&w->slots[level][slot], t);
    w->occupied[level] |= UINT64_C(1) << slot;
}

void wheel_arm(struct wheel *w, struct loop_timer *t, uint64_t deadline_ms)
{
    assert(t->fire);
    if (t->next) wheel_cancel(w, t);
    t->deadline_ms = deadline_ms;
    put(w, t);
    w->count++;
}

void wheel_cancel(struct wheel *w, struct loop_timer *t)
{
    if (!t->next) return;
    ring_remove(t);
    w->count--;
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
    struct loop_timer passed;

    if (now_ms <= w->now_ms) return;
    ring_init(&passed);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t from = w->now_ms >> (WHEEL_BITS * level), to = now_ms >> (WHEEL_BITS * level);

        if (from == to) break; /* then no higher level has moved either */
        if (to - from > WHEEL_SLOTS) from = to - WHEEL_SLOTS;
        while (from++ < to) {
            unsigned slot = (unsigned)(from % WHEEL_SLOTS);

            if (!(w->occupied[level] >> slot & 1)) continue;
            w->occupied[level] &= ~(UINT64_C(1) << slot);
            ring_splice(&passed, &w->slots[level][slot]);
        }
    }
    w->now_ms = now_ms;
    while (passed.next != &passed) {
        struct loop_timer *t = passed.next;

        ring_remove(t);
        if (t->deadline_ms <= now_ms)
            ring_push(&w->due, t);
        else
            put(w, t);
    }
    /* One by one from the ring's front: whoever fires may cancel or free those behind it. */
    while (w->due.next != &w->due) {
        struct loop_timer *t = w->due.next;

        wheel_cancel(w, t);
        t->fire(t);
    }
}

uint64_t wheel_next_ms(const struct wheel *w)
{
    uint64_t next = UINT64_MAX;

    if (!w->count) return next;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t at = w->now_ms >> (WHEEL_BITS * level), bits = w->occupied[level];
        unsigned first = (unsigned)((at + 1) % WHEEL_SLOTS);

        if (!bits) continue;
        if (first) bits = bits >> first | bits << (WHEEL_SLOTS - first);
        next = min_u64(next, (at + 1 + (unsigned)__builtin_ctzll(bits)) << (WHEEL_BITS * level));
    }
    return next;
}
