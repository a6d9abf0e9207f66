/* pool: threads for what would hold a worker's loop up.
 *
 * A queue with a limit and a few threads that take from its front. Letters are part of what they carry, so that nothing
 * is allocated and only the limit can refuse. Thread: any may submit. */
#ifndef RPC_POOL_H
#define RPC_POOL_H

#include "base/mailbox.h"
#include "base/metric.h"

struct call_pool;

FAN_MUST_CHECK enum fan_status call_pool_new(size_t threads, size_t queue_max, struct call_pool **out);
/* Refuses from now on, lets what runs end, then hands every letter still waiting to abandoned(). Once. */
void call_pool_stop(struct call_pool *p, void (*abandoned)(struct letter *l));
void call_pool_free(struct call_pool *p); /* a stopped one; NULL is fine */
/* False: the queue is full, or the pool is being stopped; the letter is still the caller's. */
FAN_MUST_CHECK bool call_pool_submit(struct call_pool *p, struct letter *l);

/* What is counted (pool_metrics.def): under the pool's lock; any thread may read. */
struct call_pool_stats {
#include "base/metric_fields.def"

#include "rpc/pool_metrics.def"
};
extern const struct metric_table call_pool_metrics;
const struct call_pool_stats *call_pool_stats(const struct call_pool *p);

/* What waits for its time: part of what the letter carries. */
struct call_delay {
    struct call_delay *next;
    struct letter *letter;
    uint64_t due_ms; /* monotonic */
};
/* Submits l when it is due, behind what waits by then. It counts against the limit from now on. False as above. */
FAN_MUST_CHECK bool call_pool_submit_later(struct call_pool *p, struct call_delay *d, struct letter *l,
                                           uint64_t due_ms);

#endif
