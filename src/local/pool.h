/* pool: transactions that wait for a block.
 *
 * Each sender has its transactions in order of nonce. Those that follow the account's nonce without a gap are
 * *executable*; what comes behind a gap is *queued*. A transaction with the same sender and nonce replaces the older
 * one when it pays enough more. Which transactions may come in at all is pool_check.c's business.
 *
 * Thread: the writer's, all but pool_get(), which any thread may call: the table by hash alone is behind a lock.
 * Spec: geth's core/txpool for limits and words. */
#ifndef LOCAL_POOL_H
#define LOCAL_POOL_H

#include <pthread.h>

#include "base/map.h"
#include "local/local.h"

struct pool_tx {
    struct pending_tx *pending; /* one reference */
    struct fan_u256 cost_wei;   /* all the sender may have to pay */
    uint64_t arrival;           /* counts from 1 */
    bool announced;             /* its pending event was published */
};

struct pool_sender {
    struct fan_address address;
    uint64_t nonce; /* the account's, after the head */
    struct fan_u256 balance_wei;
    struct pool_tx *txs; /* by nonce */
    size_t count, cap;
    size_t executable; /* so many of them follow the account's nonce without a gap */
};

struct pool {
    struct local_pool_limits limits;
    struct pool_sender **senders; /* in no order */
    size_t sender_count, sender_cap;
    struct map by_sender; /* address → struct pool_sender * */
    pthread_mutex_t lock; /* of by_hash */
    struct map by_hash;   /* hash → struct pending_tx *, borrowed from the senders' lists */
    size_t tx_count, executable_count;
    bool by_arrival; /* the cursor goes by arrival alone */
    uint64_t arrivals;
    uint64_t changes; /* counts every change, so that others know when what they derived is old */
};

FAN_MUST_CHECK enum fan_status pool_init(struct pool *p, const struct local_pool_limits *limits);
void pool_fini(struct pool *p); /* zeroed is fine */

/* A reference, or NULL. Any thread. */
struct pending_tx *pool_get(struct pool *p, const struct fan_hash *hash);

/* The sender's entry, or NULL when none of its transactions waits. Borrowed until the pool next changes. */
struct pool_sender *pool_sender_of(const struct pool *p, const struct fan_address *address);
/* Where nonce stands in the sender's list, or would go; true when it is there. */
bool pool_find(const struct pool_sender *s, uint64_t nonce, size_t *out_at);
/* The first nonce from the account's on that no waiting transaction has. */
uint64_t pool_next_nonce(const struct pool_sender *s);

/* Puts a checked transaction in (pool_check.c) and takes the reference on success; nonce and balance are the sender's
 * account. Replaces what has the same nonce when that pays less by the bump: else FAN_EREJECTED "replacement
 * transaction underpriced". A full pool drops its cheapest last-in-line transaction, or refuses this one. */
FAN_MUST_CHECK enum fan_status pool_put(struct pool *p, struct pending_tx *tx, const struct fan_u256 *cost_wei,
                                        uint64_t nonce, const struct fan_u256 *balance_wei, struct fan_error *err);
bool pool_drop(struct pool *p, const struct fan_hash *hash); /* false: not there */
void pool_drop_all(struct pool *p);
/* Drops what arrived after a mark (struct pool.arrivals at that time). */
void pool_drop_after(struct pool *p, uint64_t arrival);
/* The accounts changed: asks for each sender's nonce and balance, drops what was mined or can no longer be paid. */
void pool_reset(struct pool *p,
                bool (*account)(void *ctx, const struct fan_address *a, uint64_t *nonce, struct fan_u256 *balance),
                void *ctx);

/* ---- in the order a builder wants them: highest effective tip first, each sender by nonce ---- */
struct pool_cursor {
    const struct pool *pool;
    uint64_t base_fee_wei;
    struct pool_head {
        struct pool_sender *sender;
        size_t at;
        struct fan_u256 tip_wei;
    } * heap;
    size_t count;
};
/* FAN_ENOMEM. The pool must not change while the cursor is used. */
FAN_MUST_CHECK enum fan_status pool_cursor_init(struct pool_cursor *c, const struct pool *p, uint64_t base_fee_wei);
void pool_cursor_fini(struct pool_cursor *c);
struct pool_tx *pool_cursor_peek(struct pool_cursor *c); /* NULL: no more */
void pool_cursor_next(struct pool_cursor *c); /* on to the next; the sender's next nonce comes up when its turn is */
void pool_cursor_skip_sender(struct pool_cursor *c); /* nothing more of this sender */

#endif
