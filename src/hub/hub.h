/* hub: who wants what, and getting it to them.
 *
 *                      ┌─ mailbox ─► shard 0 ─► conns of worker 0
 *   chain_event ──►hub─┤
 *                      └─ mailbox ─► shard N ─► conns of worker N
 *
 * Each worker has a shard: the subscriptions of its own connections, its filter index, its polling filters. The writer
 * wakes each worker once per event; frames are encoded once per process (lazily, by the first shard that needs them,
 * then shared) and every connection sends the same head and tail around its own id.
 *
 * Order on one connection for one change of head: removed logs (newest block first, highest index first, removed:true),
 * then for each new block, oldest first: header, logs by index, receipts.
 *
 * Not here: bytes and budgets of a connection (conn/), filters' grammar (eth/filter.h), RPC parameters (api/).
 * Spec: geth's eth_subscribe; design promises 1 to 5 and 7. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "chain/chain.h"
#include "conn/conn.h"

struct hub;       /* one per process: a watcher of the chain */
struct hub_shard; /* one per worker */

enum hub_kind {
    HUB_NEW_HEADS,
    HUB_LOGS,
    HUB_PENDING_HASHES,
    HUB_PENDING_BODIES,
    HUB_SYNCING,
    HUB_RECEIPTS,
    HUB_KIND_COUNT
};

struct hub_options {
    size_t subscriptions_max;   /* per connection [100] */
    uint64_t filter_timeout_ms; /* polling filters unused for so long go [300,000] */
    size_t filters_max;         /* polling filters in the process [10,000] */
    uint64_t resume_blocks_max; /* how far back a subscription may resume [10,000] */
};

/* worker_mailboxes[i] belongs to worker i. Adds itself to the chain's watchers, so it comes before the writer starts.
 */
FAN_MUST_CHECK enum fan_status hub_new(struct chain *chain, const struct hub_options *options,
                                       struct mailbox *const *worker_mailboxes, size_t worker_count, struct hub **out);
void hub_free(struct hub *h); /* after all shards and the writer have stopped, before the chain goes; NULL is fine */

/* Worker's thread, all of these. */
FAN_MUST_CHECK enum fan_status hub_shard_new(struct hub *h, uint32_t worker, struct conn_set *conns,
                                             struct hub_shard **out);
/* Worker's thread, when the writer has ended and before the mailbox (the loop) goes: runs the letters that still lie in
 * it. */
void hub_shard_free(struct hub_shard *s);

/* Makes a subscription live and writes its id (34 characters, 0x and 32 hex digits, no NUL). filter: for HUB_LOGS,
 * copied; NULL for all. FAN_ELIMIT: the connection has as many as it may. FAN_ENOMEM.
 *
 * What it gets: every event published after this call, and none that was published before, also where such a one is
 * still on its way to this worker. So a client that reads the chain when it has the id has everything up to some event
 * from that and everything after it from here. HUB_SYNCING begins with a notification of the state this worker knows,
 * then gets its changes. The caller holds the connection (call_hold) until the reply with the id has left. */
FAN_MUST_CHECK enum fan_status hub_subscribe(struct hub_shard *s, struct conn *c, enum hub_kind kind,
                                             const struct filter *filter, char out_id[FRAME_ID_LEN]);
/* Where a client left its stream: its next block, or what it saw last. */
struct hub_resume {
    bool by_hash;
    uint64_t from_block;
    struct fan_hash block_hash; /* by_hash: the last block it saw, canonical or not */
    bool has_log_index;         /* HUB_LOGS: it saw that block up to this log; else the whole block */
    uint64_t log_index;
};

/* The same for HUB_NEW_HEADS and HUB_LOGS, but first comes what lies between there and now (resume.h): one stream, in
 * order, without hole or duplicate. FAN_EINVAL: it cannot be resumed there; err says why, for -32602. */
FAN_MUST_CHECK enum fan_status hub_subscribe_from(struct hub_shard *s, struct conn *c, enum hub_kind kind,
                                                  const struct filter *filter, const struct hub_resume *from,
                                                  char out_id[FRAME_ID_LEN], struct fan_error *err);
/* conn_handler.room: the connection takes more history. */
void hub_room(struct hub_shard *s, struct conn *c);
/* False: no such id on this connection. Afterwards nothing more comes for it, held notifications included. */
bool hub_unsubscribe(struct hub_shard *s, struct conn *c, struct slice id);
/* The connection ended. */
void hub_forget(struct hub_shard *s, struct conn *c);

/* Polling filters belong to the process, not to a connection: any worker may ask for any id. They live under one lock
 * in the hub, off the hot path. */
enum hub_poll_kind { HUB_POLL_LOGS, HUB_POLL_BLOCKS, HUB_POLL_PENDING_HASHES, HUB_POLL_PENDING_BODIES };
FAN_MUST_CHECK enum fan_status hub_poll_new(struct hub *h, enum hub_poll_kind kind, const struct filter *filter,
                                            struct slice range_json, char out_id[FRAME_ID_LEN]);
bool hub_poll_drop(struct hub *h, struct slice id);
/* Appends the JSON array of what came since the last call. FAN_ENOTFOUND: no such filter. */
FAN_MUST_CHECK enum fan_status hub_poll_changes(struct hub *h, struct slice id, struct json_writer *w);
/* A log filter's criteria, copied into the arena, for eth_getFilterLogs; range_json is what hub_poll_new was given.
 * FAN_EINVAL: not a log filter. */
FAN_MUST_CHECK enum fan_status hub_poll_filter(struct hub *h, struct slice id, struct arena *a, struct filter *out,
                                               struct slice *out_range_json);

/* What is counted (metrics.def): the worker counts, any thread may read. */
struct hub_stats {
#include "base/metric_fields.def"

#include "hub/metrics.def"
};
extern const struct metric_table hub_metrics;
uint64_t hub_stats_notifications(const struct hub_stats *s); /* of all kinds */
const struct hub_stats *hub_shard_stats(const struct hub_shard *s);

#endif
