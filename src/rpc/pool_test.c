#include "rpc/pool.h"

#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "base/test.h"

struct job {
    struct letter letter;
    atomic_size_t *ran;
    pthread_mutex_t *gate; /* held by the test while the job must wait */
};

static void job_run(struct letter *l)
{
    struct job *j = CONTAINER_OF(l, struct job, letter);

    if (j->gate) {
        (void)pthread_mutex_lock(j->gate);
        (void)pthread_mutex_unlock(j->gate);
    }
    atomic_fetch_add(j->ran, 1);
}

static size_t abandoned_count;

static void abandon(struct letter *l)
{
    (void)l;
    abandoned_count++;
}

TEST(every_job_runs_once_on_any_thread, t)
{
    enum { JOBS = 2000 };
    static struct job jobs[JOBS];
    atomic_size_t ran = 0;
    struct call_pool *p;

    REQUIRE(t, !call_pool_new(4, JOBS, &p));
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.letter.run = job_run, .ran = &ran};
        CHECK(t, call_pool_submit(p, &jobs[i].letter));
    }
    while (atomic_load(&ran) < JOBS) (void)sched_yield();
    call_pool_stop(p, abandon);
    call_pool_free(p);
    CHECK_EQ(t, ran, JOBS);
    CHECK_EQ(t, abandoned_count, 0);
}

TEST(a_full_queue_refuses_and_stopping_abandons_what_waits, t)
{
    enum { WAITING = 3 };
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    atomic_size_t ran = 0;
    struct job running = {.letter.run = job_run, .ran = &ran, .gate = &gate}, jobs[WAITING + 1];
    size_t taken = 0;
    struct call_pool *p;

    abandoned_count = 0;
    REQUIRE(t, !call_pool_new(1, WAITING, &p));
    (void)pthread_mutex_lock(&gate);
    REQUIRE(t, call_pool_submit(p, &running.letter));
    for (size_t i = 0; i <= WAITING; i++) {
        jobs[i] = (struct job){.letter.run = job_run, .ran = &ran, .gate = &gate};
        if (call_pool_submit(p, &jobs[i].letter)) taken++;
    }
    /* The thread may not have taken the first one yet, so two or three of the others found room; never all. */
    CHECK(t, taken == WAITING || taken == WAITING - 1);
    (void)pthread_mutex_unlock(&gate);
    call_pool_stop(p, abandon);
    call_pool_free(p);
    CHECK_EQ(t, atomic_load(&ran) + abandoned_count, taken + 1);
}

/* Delayed letters run in the order of their times, none before its own, and what is still not due when the pool stops
 * is handed back. */
TEST(what_waits_for_its_time_comes_then, t)
{
    enum { LATER = 4 };
    struct job jobs[LATER], never;
    struct call_delay delays[LATER], never_delay;
    struct call_pool *p;
    atomic_size_t ran = 0;
    uint64_t start = clock_monotonic_ms();

    abandoned_count = 0;
    REQUIRE(t, !call_pool_new(1, 100, &p));
    never = (struct job){.letter.run = job_run, .ran = &ran};
    CHECK(t, call_pool_submit_later(p, &never_delay, &never.letter, start + 3600000));
    for (size_t i = 0; i < LATER; i++) {
        jobs[i] = (struct job){.letter.run = job_run, .ran = &ran};
        CHECK(t, call_pool_submit_later(p, &delays[i], &jobs[i].letter, start + 20 + 10 * (LATER - i)));
    }
    while (atomic_load(&ran) < LATER) sched_yield();
    CHECK(t, clock_monotonic_ms() >= start + 20 + 10 * LATER);
    call_pool_stop(p, abandon);
    call_pool_free(p);
    CHECK_EQ(t, atomic_load(&ran), LATER);
    CHECK_EQ(t, abandoned_count, 1);
}
