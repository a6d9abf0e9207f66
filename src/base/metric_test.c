#include "base/metric.h"

#include "base/test.h"

/* Both sides of every bound; a bound belongs to its own bucket (Prometheus: le). */
TEST(each_duration_lies_in_the_first_bucket_that_holds_it, t)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        struct histogram h = {0};

        if (i < HISTOGRAM_BOUNDS) histogram_add(&h, histogram_bound_ns[i], 3);
        if (i) histogram_add(&h, histogram_bound_ns[i - 1] + 1, 2);
        CHECK_EQ(t, counter_get(&h.bucket[i]), (i < HISTOGRAM_BOUNDS ? 3 : 0) + (i ? 2 : 0));
        CHECK_EQ(t, histogram_count(&h), counter_get(&h.bucket[i]));
    }
}

TEST(the_sum_counts_every_time, t)
{
    struct histogram h = {0};

    histogram_add(&h, 0, 1);
    histogram_add(&h, 1500, 4);
    histogram_add(&h, UINT64_C(60000000000), 1);
    CHECK_EQ(t, counter_get(&h.sum_ns), UINT64_C(60000006000));
    CHECK_EQ(t, counter_get(&h.bucket[HISTOGRAM_BOUNDS]), 1);
}

TEST(quantiles_lie_where_the_observations_do, t)
{
    struct histogram h = {0};

    CHECK_EQ(t, histogram_quantile_ns(&h, 0.5), 0);
    histogram_add(&h, 200000, 100); /* between 100 and 250 µs: taken as spread evenly there */
    CHECK_EQ(t, histogram_quantile_ns(&h, 0.5), 175000);
    CHECK_EQ(t, histogram_quantile_ns(&h, 1), 250000);
    histogram_add(&h, 3000000, 900);
    CHECK_EQ(t, histogram_quantile_ns(&h, 0.1), 250000);
    CHECK_EQ(t, histogram_quantile_ns(&h, 0.55), 3750000);
    histogram_add(&h, UINT64_C(90000000000), 1000);
    CHECK_EQ(t, histogram_quantile_ns(&h, 0.99), UINT64_C(10000000000));
}

struct two {
    struct counter a;
    struct histogram h;
    struct counter b[2];
};

TEST(a_sum_is_over_every_counter_of_the_struct, t)
{
    const struct metric_table table = {.size = sizeof(struct two)};
    struct two one = {.a = {1}, .b = {{2}, {3}}}, sum = {0};

    histogram_add(&one.h, 20000, 5);
    metric_sum(&table, &sum, &one);
    metric_sum(&table, &sum, &one);
    CHECK_EQ(t, counter_get(&sum.a), 2);
    CHECK_EQ(t, counter_get(&sum.b[1]), 6);
    CHECK_EQ(t, histogram_count(&sum.h), 10);
    CHECK_EQ(t, counter_get(&sum.h.sum_ns), 200000);
}
