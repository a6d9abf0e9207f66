#include "rpc/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

struct call_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct letter *first, *last;
    struct call_delay *later; /* the earliest first */
    size_t waiting, queue_max;
    bool stopping;
    struct call_pool_stats stats;
    size_t thread_count;
    pthread_t threads[];
};

static void append(struct call_pool *p, struct letter *l)
{
    l->next = NULL;
    if (p->first)
        p->last->next = l;
    else
        p->first = l;
    p->last = l;
}

/* Locked: waits for work, or until the next delayed letter is due. */
static void wait_for_work(struct call_pool *p)
{
    struct timespec due;

    if (!p->later) {
        (void)pthread_cond_wait(&p->work, &p->lock);
        return;
    }
    due.tv_sec = (time_t)(p->later->due_ms / 1000);
    due.tv_nsec = (long)(p->later->due_ms % 1000) * 1000000;
    (void)pthread_cond_timedwait(&p->work, &p->lock, &due);
}

static void move_due(struct call_pool *p)
{
    while (p->later && p->later->due_ms <= clock_monotonic_ms()) {
        struct letter *l = p->later->letter;

        p->later = p->later->next;
        append(p, l);
    }
}

static void count_waiting(struct call_pool *p)
{
    counter_set(&p->stats.waiting, p->waiting);
}

/* ran_ns: how long the letter before it ran; 0: none did. NULL: the pool is being stopped. */
static struct letter *take(struct call_pool *p, uint64_t ran_ns)
{
    struct letter *l = NULL;

    (void)pthread_mutex_lock(&p->lock);
    if (ran_ns) {
        histogram_add(&p->stats.run, ran_ns, 1);
        counter_sub(&p->stats.running, 1);
    }
    move_due(p);
    while (!p->stopping && !p->first) {
        wait_for_work(p);
        move_due(p);
    }
    if (!p->stopping) {
        l = p->first;
        p->first = l->next;
        p->waiting--;
        count_waiting(p);
        counter_add(&p->stats.running, 1);
        if (p->first) (void)pthread_cond_signal(&p->work); /* several may have become due at once */
    }
    (void)pthread_mutex_unlock(&p->lock);
    return l;
}

static void *thread_main(void *arg)
{
    struct call_pool *p = arg;
    uint64_t ran_ns = 0;
    struct letter *l;

    while ((l = take(p, ran_ns)) != NULL) {
        uint64_t began_ns = clock_monotonic_ns();

        l->run(l);
        ran_ns = max_u64(clock_monotonic_ns() - began_ns, 1);
    }
    return NULL;
}

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct call_pool_stats
#include "base/metric_rows.def"

#include "rpc/pool_metrics.def"
};

const struct metric_table call_pool_metrics = {rows, COUNT_OF(rows), sizeof(struct call_pool_stats)};

const struct call_pool_stats *call_pool_stats(const struct call_pool *p)
{
    return &p->stats;
}

enum fan_status call_pool_new(size_t threads, size_t queue_max, struct call_pool **out)
{
    struct call_pool *p = calloc(1, sizeof *p + threads * sizeof p->threads[0]);
    pthread_condattr_t monotonic;

    if (!p) return FAN_ENOMEM;
    p->queue_max = queue_max;
    (void)pthread_mutex_init(&p->lock, NULL); /* with default attributes these cannot fail on Linux */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->work, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    for (; p->thread_count < threads; p->thread_count++) {
        if (pthread_create(&p->threads[p->thread_count], NULL, thread_main, p)) {
            call_pool_stop(p, NULL); /* nothing waits yet */
            call_pool_free(p);
            return FAN_ESYSTEM;
        }
        (void)pthread_setname_np(p->threads[p->thread_count], "fan-call");
    }
    counter_set(&p->stats.threads, threads);
    *out = p;
    return FAN_OK;
}

bool call_pool_submit(struct call_pool *p, struct letter *l)
{
    bool taken = false;

    (void)pthread_mutex_lock(&p->lock);
    if (!p->stopping && p->waiting < p->queue_max) {
        append(p, l);
        p->waiting++;
        count_waiting(p);
        taken = true;
        (void)pthread_cond_signal(&p->work);
    } else {
        counter_add(&p->stats.refused, 1);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return taken;
}

bool call_pool_submit_later(struct call_pool *p, struct call_delay *d, struct letter *l, uint64_t due_ms)
{
    bool taken = false;

    (void)pthread_mutex_lock(&p->lock);
    if (!p->stopping && p->waiting < p->queue_max) {
        struct call_delay **at = &p->later;

        while (*at && (*at)->due_ms <= due_ms) at = &(*at)->next;
        *d = (struct call_delay){.next = *at, .letter = l, .due_ms = due_ms};
        *at = d;
        p->waiting++;
        count_waiting(p);
        taken = true;
        (void)pthread_cond_signal(&p->work); /* whoever waits longer than that must look again */
    } else {
        counter_add(&p->stats.refused, 1);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return taken;
}

void call_pool_stop(struct call_pool *p, void (*abandoned)(struct letter *l))
{
    (void)pthread_mutex_lock(&p->lock);
    p->stopping = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->thread_count; i++) (void)pthread_join(p->threads[i], NULL);
    p->thread_count = 0;
    while (p->first) {
        struct letter *l = p->first;

        p->first = l->next;
        abandoned(l);
    }
    while (p->later) {
        struct letter *l = p->later->letter;

        p->later = p->later->next;
        abandoned(l);
    }
}

void call_pool_free(struct call_pool *p)
{
    if (!p) return;
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
