#include "chain/host.h"

struct counts {
#include "base/metric_fields.def"

#include "chain/host_metrics.def"
};

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct counts
#include "base/metric_rows.def"

#include "chain/host_metrics.def"
};

void host_metrics(struct chain *c, void (*each)(void *ctx, const struct metric_table *t, const void *stats), void *ctx)
{
    static const struct metric_table table = {rows, COUNT_OF(rows), sizeof(struct counts)};
    struct counts counts = {0};
    struct host_stats s;

    host_stats((struct host *)(void *)c, &s); /* the chain is its first member */
    counter_set(&counts.blocks, s.blocks);
    counter_set(&counts.logs, s.logs);
    counter_set(&counts.pending, s.pending);
    counter_set(&counts.repeated, s.repeated);
    counter_set(&counts.gaps, s.gaps);
    counter_set(&counts.waiting_logs, s.waiting_logs);
    counter_set(&counts.abandoned_logs, s.abandoned_logs);
    each(ctx, &table, &counts);
}
