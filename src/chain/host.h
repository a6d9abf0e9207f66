/* host: a chain that a program tells us, hook by hook.
 *
 * The program (a node in another language, behind libfanatico or a socket) has the chain; we have its subscribers. It
 * announces blocks, logs, pending transactions and syncing as JSON; what it gives is what subscribers get, in geth's
 * order of keys, and a key it does not give is absent there too. Announcements may come from any thread and, since
 * several processes may feed one server, more than once: what is known already is passed over.
 *
 *   announce(block 12, parent is the head)        added [12]
 *   announce(block 12', parent is block 11)       removed [13, 12], added [12']        a reorg
 *   move_head(block 11)                           removed [13, 12]
 *   announce(logs of 12)  before block 12         they wait for it, and come with it, by logIndex
 *                         after it                they follow it as they are told (CHAIN_EVENT_LOGS)
 *
 * The last `history` blocks are kept with their logs: for resuming, for the removed logs of a reorg, and for finding
 * what an announcement means. A block whose parent is not among them is refused, unless the host evidently skipped
 * some: then history begins anew, and the gap is counted.
 *
 * Thread: any, all functions; announcements take turns under one lock, and when one returns, its event is on its way.
 * Not here: sockets and lines (app/), the host's own methods (rpc's fallback). Spec: geth's eth_subscribe for names
 * and order; the project's seed document for the hooks. */
#ifndef CHAIN_HOST_H
#define CHAIN_HOST_H

#include "chain/chain.h"

struct host;

/* Zero takes the default in brackets. */
struct host_options {
    uint64_t chain_id;        /* [1] */
    size_t history;           /* blocks kept [1,024] */
    size_t waiting_logs_max;  /* logs whose block has not come [100,000] */
    size_t waiting_bytes_max; /* and what they take [64 MiB] */
};

struct host_stats {
    uint64_t blocks, logs, pending; /* announced and told on */
    uint64_t repeated;              /* passed over, since they were known */
    uint64_t gaps;                  /* blocks whose parents the host never announced */
    uint64_t waiting_logs;          /* now */
    uint64_t abandoned_logs;        /* whose block never came */
};

FAN_MUST_CHECK enum fan_status host_new(const struct host_options *options, struct host **out);
void host_free(struct host *h); /* after the hub has gone; NULL is fine */
struct chain *host_chain(struct host *h);
void host_stats(struct host *h, struct host_stats *out);
/* The same for chain_ops.metrics; c is host_chain(). */
void host_metrics(struct chain *c, void (*each)(void *ctx, const struct metric_table *t, const void *stats), void *ctx);

/* Each takes JSON, borrowed until it returns. FAN_EFORMAT: not JSON, or a key that does not fit: err names it and says
 * why. FAN_EINVAL: it contradicts what is known: err says what. FAN_ELIMIT: too much waits already. FAN_ENOMEM. On any
 * failure nothing changed and nobody was told. */

/* An object: hash, parentHash and number are required; every other key of geth's header is taken, in either spelling
 * (QUANTITY or a whole number; DATA with or without 0x), and keys that are none of these are passed by. */
FAN_MUST_CHECK enum fan_status host_announce_block(struct host *h, struct slice json, struct fan_error *err);
/* An array of logs, or one log. address, and one of blockHash and blockNumber, are required. */
FAN_MUST_CHECK enum fan_status host_announce_logs(struct host *h, struct slice json, struct fan_error *err);
/* A string, the hash; or the transaction's object, whose hash is required. */
FAN_MUST_CHECK enum fan_status host_announce_pending(struct host *h, struct slice json, struct fan_error *err);
/* false, or the object of geth's eth_syncing: startingBlock, currentBlock, highestBlock. */
FAN_MUST_CHECK enum fan_status host_announce_syncing(struct host *h, struct slice json, struct fan_error *err);
/* Makes the canonical block of that hash the head: what stood above it is removed. */
FAN_MUST_CHECK enum fan_status host_move_head(struct host *h, const struct fan_hash *hash, struct fan_error *err);

#endif
