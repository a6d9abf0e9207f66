/* index: every block we have, by number and by hash, and where each transaction stands.
 *
 * Any thread reads; only the writer changes, under one read-write lock that is held for a few probes at a time. Where
 * the chain turns back, blocks and state must change as one for those who look from outside: the writer then holds
 * blocks_lock() while it rewinds the state, and state_open (read.c) opens its view under the same lock. Blocks that
 * were removed stay readable by hash until INDEX_ORPHANS_MAX younger ones were removed after them. Every block handed
 * out is a reference. */
#ifndef LOCAL_BLOCKS_H
#define LOCAL_BLOCKS_H

#include <pthread.h>

#include "base/map.h"
#include "chain/remote.h"
#include "local/log_memory.h"

enum { INDEX_ORPHANS_MAX = 256 };

struct blocks {
    pthread_rwlock_t lock;
    struct block **canonical; /* by number, from `first` without holes */
    size_t count, cap;
    uint64_t first;              /* 0; on a fork the block it begins at */
    struct chain_remote *remote; /* a fork's: what lies before is its to tell; a reference, or NULL */
    struct map by_hash;                         /* hash → struct block *, one reference each, orphans included */
    struct map by_tx;                           /* hash → struct block_place, canonical ones only */
    struct fan_hash orphans[INDEX_ORPHANS_MAX]; /* a ring, oldest at orphan_count % max once full */
    size_t orphan_count;
    struct log_memory logs;                     /* of the canonical blocks */
    struct log_postings_of_block coming, going; /* the writer's: for the switch that was prepared */
};

struct block_place {
    uint64_t number;
    uint64_t index;
};

FAN_MUST_CHECK enum fan_status blocks_init(struct blocks *x);
void blocks_fini(struct blocks *x); /* zeroed is fine */

/* ---- any thread ---- */
struct block *blocks_head(struct blocks *x);                                                      /* NULL while empty */
struct block *blocks_by_number(struct blocks *x, uint64_t number);                                /* NULL: none */
struct block *blocks_by_hash(struct blocks *x, const struct fan_hash *hash, bool *out_canonical); /* NULL: none */
struct block *blocks_by_tx(struct blocks *x, const struct fan_hash *hash, size_t *out_index);     /* NULL: none */
bool blocks_hash_at(struct blocks *x, uint64_t number, struct fan_hash *out);                     /* false: none */
struct chain_remote *blocks_remote(struct blocks *x); /* a reference; NULL: no fork */
/* The same as blocks_hash_at() for BLOCKHASH, also before a fork, where it may wait for the network. FAN_ENOTFOUND,
 * FAN_EREMOTE. */
FAN_MUST_CHECK enum fan_status blocks_ancestor_hash(struct blocks *x, uint64_t number, struct fan_hash *out);
/* Up to count blocks from number on, as one moment has them; returns how many were written to out. */
size_t blocks_range(struct blocks *x, uint64_t number, size_t count, struct block **out);

/* ---- any thread: blocks_find.c ---- */
/* How far a search for logs has come. One that begins at block N has at = log_number(N, 0), the rest zero. */
struct blocks_search {
    uint64_t at; /* the log number to go on with */
    bool seen;   /* something lies behind it: */
    uint64_t seen_number;
    struct fan_hash seen_hash; /* the block it stands in or behind; while that is canonical, all before it is too */
};
/* The next blocks up to number `to` that may have a log the query wants, at most *count, as one moment has them; *count
 * is then how many. The search has ended when s->at lies beyond `to` or the head, which *out_ended says. An empty
 * result is no end: one call only looks so far. FAN_ESTALE: the chain turned since the last call. */
FAN_MUST_CHECK enum fan_status blocks_find(struct blocks *x, struct log_query *q, struct blocks_search *s, uint64_t to,
                                           struct block **out, size_t *count, bool *out_ended);
/* As logs_next in chain/chain.h. */
FAN_MUST_CHECK enum fan_status blocks_find_next(struct blocks *x, struct log_query *q, const struct block *at,
                                                uint64_t to, struct block **out);

/* ---- any thread under the lock; the writer ---- */
/* The canonical block of a number that is there. Borrowed. */
struct block *blocks_peek(const struct blocks *x, uint64_t number);
static inline bool blocks_has(const struct blocks *x, uint64_t number)
{
    return number >= x->first && number - x->first < x->count;
}
/* Behind the last one. */
static inline uint64_t blocks_end(const struct blocks *x)
{
    return x->first + x->count;
}

/* ---- the writer ---- */
/* Makes room, so that the next blocks_switch() with these cannot fail, and does what of it needs no lock. Takes the
 * lock. */
FAN_MUST_CHECK bool blocks_prepare(struct blocks *x, uint64_t keep, struct block *const *added, size_t count);
void blocks_lock(struct blocks *x);
void blocks_unlock(struct blocks *x);
/* Forgets canonical blocks from number `keep` on (they become orphans) and adds these, oldest first; takes its own
 * references. Prepared with the same keep and with these or more; under blocks_lock(). */
void blocks_switch(struct blocks *x, uint64_t keep, struct block *const *added, size_t count);
/* While empty: the chain begins at the remote's block (NULL: at 0). Takes a reference. Under the lock once others
 * read. */
void blocks_begin(struct blocks *x, struct chain_remote *remote);

#endif
