/* metric: numbers that one thread counts and any thread reads.
 *
 * A counter has one writer at a time: its worker, the chain's writer, or whoever holds the lock under which it stands.
 * So adding is a load, an addition and a store, all relaxed, and never a locked instruction; a reader may be a moment
 * behind and never sees half a number. What a process counts is the sum over its workers, made by the reader.
 *
 * Each folder lists what it counts in its own metrics.def, which makes the struct (metric_fields.def), the rows that
 * tell the world about it (metric_rows.def) and the documentation. app/ joins the tables.
 *
 *   FAMILY(COUNTER, name, help)       what follows belongs to fanatico_<name>; the help is a sentence's beginning
 *   COUNTER(field, labels)            only grows; labels are C text, "kind=\"logs\"", or ""
 *   GAUGE(field, labels)              goes up and down; of several workers the sum
 *   SECONDS(field, labels)            a counter of nanoseconds, shown in seconds
 *   HISTOGRAM(field, labels)          of durations, in the fixed buckets below
 *   ARRAY(field, count)               so many counters, of which COUNTER_AT and GAUGE_AT tell one each
 *   COUNTER_AT(field, index, labels), GAUGE_AT(field, index, labels)
 *
 * Every metrics.def ends with #include "base/metric_end.def".
 *
 * Labels are constants: no byte that a stranger sent is ever one, so nobody can make families grow or forge lines.
 *
 * Not here: how it is shown (app/metrics.h).
 * Spec: Prometheus text format 0.0.4 for what families and labels are. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdatomic.h>

#include "base/base.h"

struct counter {
    _Atomic uint64_t n;
};

static inline uint64_t counter_get(const struct counter *c)
{
    struct counter *unconst = (struct counter *)(uintptr_t)c; /* clang loads no atomic that is const */

    return atomic_load_explicit(&unconst->n, memory_order_relaxed);
}

static inline void counter_set(struct counter *c, uint64_t n)
{
    atomic_store_explicit(&c->n, n, memory_order_relaxed);
}

/* One writer at a time. */
static inline void counter_add(struct counter *c, uint64_t n)
{
    counter_set(c, counter_get(c) + n);
}

static inline void counter_sub(struct counter *c, uint64_t n)
{
    counter_set(c, counter_get(c) - n);
}

/* Durations: how many lie in each bucket (the last is what lies beyond all bounds), and their sum. */
enum { HISTOGRAM_BOUNDS = 19 };
extern const uint64_t histogram_bound_ns[HISTOGRAM_BOUNDS]; /* 10 µs, 25 µs, 50 µs … 10 s */

struct histogram {
    struct counter bucket[HISTOGRAM_BOUNDS + 1];
    struct counter sum_ns;
};

/* `times` observations of that length. One writer at a time. */
void histogram_add(struct histogram *h, uint64_t ns, uint64_t times);
uint64_t histogram_count(const struct histogram *h);
/* The length below which that share of the observations lies (0.5: the median), interpolated within its bucket; what
 * lies beyond all bounds counts as the last of them. 0 where there is none. */
uint64_t histogram_quantile_ns(const struct histogram *h, double share);

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_SECONDS, METRIC_HISTOGRAM };

/* Either a family (name not NULL), or one of the series of the family in front. */
struct metric_row {
    const char *name, *help, *labels;
    enum metric_kind kind; /* of a family: COUNTER, GAUGE or HISTOGRAM */
    size_t at;             /* of a series: in the folder's struct */
};

struct metric_table {
    const struct metric_row *rows;
    size_t count;
    size_t size; /* of the struct, which holds nothing but counters */
};

/* Adds one worker's struct to a sum. */
void metric_sum(const struct metric_table *t, void *sum, const void *stats);

#endif
