#include "net/wheel.h"

#include "base/test.h"

struct probe {
    struct loop_timer timer;
    struct wheel *wheel;
    uint64_t fired_ms;
    size_t fires;
    struct probe *cancels; /* cancelled when this one fires */
    uint64_t again_ms;     /* armed again so much later, once */
};

static void fire(struct loop_timer *t)
{
    struct probe *p = CONTAINER_OF(t, struct probe, timer);

    p->fired_ms = p->wheel->now_ms;
    p->fires++;
    if (p->cancels) wheel_cancel(p->wheel, &p->cancels->timer);
    if (p->again_ms) wheel_arm(p->wheel, t, p->wheel->now_ms + p->again_ms);
    p->again_ms = 0;
}

static struct probe probe_of(struct wheel *w)
{
    return (struct probe){.timer = {.fire = fire}, .wheel = w};
}

/* As the loop does: sleep until the wheel says, then advance. */
static void run_until(struct wheel *w, uint64_t end_ms)
{
    while (wheel_next_ms(w) <= end_ms) {
        uint64_t next = wheel_next_ms(w);

        assert(next > w->now_ms);
        wheel_advance(w, next);
    }
    wheel_advance(w, end_ms);
}

/* Both sides of each level's edge, from times of every alignment. */
TEST(a_timer_fires_at_its_millisecond, t)
{
    static const uint64_t distances[] = {1,    2,     63,     64,     65,     127,      4095,     4096,
                                         4097, 30000, 262143, 262144, 262145, 16777216, 16777217, 999999999};
    static const uint64_t starts[] = {0, 1, 63, 64, 4095, 4096, 123456789, 16777215};

    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        for (size_t j = 0; j < COUNT_OF(distances); j++) {
            struct wheel w;
            struct probe p = probe_of(&w);

            wheel_init(&w, starts[i]);
            wheel_arm(&w, &p.timer, starts[i] + distances[j]);
            run_until(&w, starts[i] + distances[j] - 1);
            CHECK_EQ(t, p.fires, 0);
            run_until(&w, starts[i] + distances[j] + 5);
            CHECK_EQ(t, p.fires, 1);
            CHECK_EQ(t, p.fired_ms, starts[i] + distances[j]);
            CHECK(t, !loop_timer_armed(&p.timer));
            CHECK_EQ(t, wheel_next_ms(&w), UINT64_MAX);
        }
    }
}

TEST(a_late_turn_fires_all_that_is_due_and_nothing_else, t)
{
    enum { COUNT = 2000 };
    static struct probe probes[COUNT];
    struct wheel w;
    size_t fired = 0;

    wheel_init(&w, 777);
    for (size_t i = 0; i < COUNT; i++) {
        probes[i] = probe_of(&w);
        wheel_arm(&w, &probes[i].timer, 777 + 1 + i * 37);
    }
    wheel_advance(&w, 777 + 1 + 999 * 37);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_EQ(t, probes[i].fires, i <= 999);
        fired += probes[i].fires;
    }
    CHECK_EQ(t, fired, 1000);
    CHECK_EQ(t, w.count, 1000);
    for (size_t i = 1000; i < COUNT; i++) wheel_cancel(&w, &probes[i].timer);
    CHECK_EQ(t, wheel_next_ms(&w), UINT64_MAX);
}

TEST(who_fires_may_cancel_one_that_is_due_and_arm_itself_again, t)
{
    struct wheel w;
    struct probe first, second;

    wheel_init(&w, 0);
    first = probe_of(&w);
    second = probe_of(&w);
    first.cancels = &second;
    first.again_ms = 10;
    wheel_arm(&w, &first.timer, 5);
    wheel_arm(&w, &second.timer, 5);
    wheel_advance(&w, 8);
    CHECK_EQ(t, first.fires, 1);
    CHECK_EQ(t, second.fires, 0);
    first.cancels = NULL;
    wheel_advance(&w, 17);
    CHECK_EQ(t, first.fires, 1);
    wheel_advance(&w, 18);
    CHECK_EQ(t, first.fires, 2);
}

TEST(an_armed_timer_moves_and_one_in_the_past_fires_next, t)
{
    struct wheel w;
    struct probe p;

    wheel_init(&w, 1000);
    p = probe_of(&w);
    wheel_arm(&w, &p.timer, 1010);
    wheel_arm(&w, &p.timer, 500000);
    run_until(&w, 2000);
    CHECK_EQ(t, p.fires, 0);
    wheel_arm(&w, &p.timer, 3);
    CHECK_EQ(t, w.count, 1);
    wheel_advance(&w, 2001);
    CHECK_EQ(t, p.fires, 1);
}
