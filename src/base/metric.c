#include "base/metric.h"

const uint64_t histogram_bound_ns[HISTOGRAM_BOUNDS] = {
    10000,    25000,    50000,     100000,    250000,    500000,     1000000,    2500000,    5000000,    10000000,
    25000000, 50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000};

void histogram_add(struct histogram *h, uint64_t ns, uint64_t times)
{
    size_t at = 0;

    /* The first bound that is not below it: halves of 16, 8 … of the bounds that are left. */
    for (size_t step = 16; step; step /= 2)
        if (at + step <= HISTOGRAM_BOUNDS && histogram_bound_ns[at + step - 1] < ns) at += step;
    counter_add(&h->bucket[at], times);
    counter_add(&h->sum_ns, ns * times);
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) count += counter_get(&h->bucket[i]);
    return count;
}

uint64_t histogram_quantile_ns(const struct histogram *h, double share)
{
    uint64_t count = histogram_count(h), below = 0;
    double rank = share * (double)count;

    if (!count) return 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        uint64_t here = counter_get(&h->bucket[i]), from = i ? histogram_bound_ns[i - 1] : 0;

        if (here && (double)(below + here) >= rank)
            return from + (uint64_t)((double)(histogram_bound_ns[i] - from) * (rank - (double)below) / (double)here);
        below += here;
    }
    return histogram_bound_ns[HISTOGRAM_BOUNDS - 1];
}

void metric_sum(const struct metric_table *t, void *sum, const void *stats)
{
    struct counter *to = sum;
    const struct counter *from = stats;

    for (size_t i = 0; i < t->size / sizeof *to; i++) counter_add(&to[i], counter_get(&from[i]));
}
