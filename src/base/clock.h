/* clock: two times. Monotonic for timers and ages, wall for block timestamps.
 * The loop's view of time goes through net/os.h, so that a simulation can turn it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000u;
}

static inline uint64_t clock_wall_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec;
}

/* Times from outside are cut here, at some thirty years: a moment and a few of them together are a moment still. */
#define CLOCK_MS_MAX 1000000000000u

#endif
