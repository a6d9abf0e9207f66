/* blocks: every block we have, by number and by hash, and where each transaction stands.
 *
 *                  low                      end
 *   canonical  ─────┼───────────────────────┼
 *     in the store  │  in memory (recent)   │        orphans: the last 256, in memory; in the store too
 *
 * Without a store everything is in memory. With one, the newest BLOCKS_RECENT blocks are, and all that are not durable
 * yet; older ones are read from the store when somebody asks, and a few of these are kept in a cache. So memory does
 * not grow with the chain.
 *
 * Any thread reads; only the writer changes, under one read-write lock that is held for a few probes at a time and
 * never while the store is read. Where the chain turns back, blocks and state must change as one for those who look
 * from outside: the writer then holds blocks_lock() while it rewinds the state, and op_state_open (ops.c) opens its
 * view under the same lock. Blocks that were removed stay readable by hash until INDEX_ORPHANS_MAX younger ones were
 * removed after them. Every block handed out is a reference. */
#ifndef LOCAL_BLOCKS_H
#define LOCAL_BLOCKS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "chain/remote.h"
#include "local/log_memory.h"
#include "store/block_rows.h"

enum { INDEX_ORPHANS_MAX = STORE_ORPHANS_MAX, BLOCKS_RECENT = 128, BLOCKS_CACHED = 32, BLOCKS_FIND_MAX = 64 };
#define BLOCKS_RECENT_BYTES ((size_t)64 << 20) /* of recent blocks, durable ones leave earlier */

struct blocks {
    pthread_rwlock_t lock;
    struct store *store;      /* NULL: all in memory; borrowed; set before the first block comes */
    struct block **canonical; /* canonical[start …] are the blocks low … blocks_end() - 1 */
    size_t start, cap;
    uint64_t first, count;                      /* where the chain begins: 0, or a fork's block; how many it has */
    uint64_t low;                               /* the lowest number in memory */
    struct chain_remote *remote;                /* a fork's: what lies before is its to tell; a reference, or NULL */
    size_t bytes;                               /* of those in memory */
    struct map by_hash;                         /* hash → struct block *, one reference each, orphans included */
    struct map by_tx;                           /* hash → struct block_place, canonical and in memory */
    struct fan_hash orphans[INDEX_ORPHANS_MAX]; /* a ring, oldest at orphan_count % max once full */
    size_t orphan_count;
    struct log_memory logs;                     /* of the canonical blocks, where there is no store */
    struct log_postings_of_block coming, going; /* the writer's: for the switch that was prepared */
    struct block *stay;                 /* likewise: the block that will be the head, where it is not in memory */
    _Atomic uint64_t durable;           /* blocks below this number are in the store */
    pthread_mutex_t cache_lock;         /* over the two below */
    uint64_t generation;                /* how often canonical blocks were removed */
    struct block *cache[BLOCKS_CACHED]; /* by number, canonical ones of this generation */
};

struct block_place {
    uint64_t number;
    uint64_t index;
};

FAN_MUST_CHECK enum fan_status blocks_init(struct blocks *x);
void blocks_fini(struct blocks *x); /* zeroed is fine */

/* ---- any thread ----
 * FAN_ENOTFOUND: none. FAN_EFORMAT, FAN_EIO, FAN_ENOMEM, FAN_ELIMIT: it could not be read from the store. */
struct block *blocks_head(struct blocks *x); /* NULL while empty */
FAN_MUST_CHECK enum fan_status blocks_by_number(struct blocks *x, uint64_t number, struct block **out);
FAN_MUST_CHECK enum fan_status blocks_by_hash(struct blocks *x, const struct fan_hash *hash, bool *out_canonical,
                                              struct block **out);
FAN_MUST_CHECK enum fan_status blocks_by_tx(struct blocks *x, const struct fan_hash *hash, struct block **out,
                                            size_t *out_index);
FAN_MUST_CHECK enum fan_status blocks_hash_at(struct blocks *x, uint64_t number, struct fan_hash *out);
struct chain_remote *blocks_remote(struct blocks *x); /* a reference; NULL: no fork */
uint64_t blocks_first(struct blocks *x);              /* the number of the block the chain begins with */
/* The same as blocks_hash_at() for BLOCKHASH, also before a fork, where it may wait for the network. FAN_EREMOTE too.
 */
FAN_MUST_CHECK enum fan_status blocks_ancestor_hash(struct blocks *x, uint64_t number, struct fan_hash *out);
/* Up to count blocks from number on; *out_count were written, fewer only where the chain ends. Those in memory are as
 * one moment has them; where the chain may turn in between, look at the parents. */
FAN_MUST_CHECK enum fan_status blocks_range(struct blocks *x, uint64_t number, size_t count, struct block **out,
                                            size_t *out_count);

/* ---- held, under blocks_lock(), or the writer ---- */
/* Behind the last one. */
static inline uint64_t blocks_end(const struct blocks *x)
{
    return x->first + x->count;
}
/* Is a block of that number on the chain, in memory or in the store? */
static inline bool blocks_has(const struct blocks *x, uint64_t number)
{
    return number >= x->first && number < blocks_end(x);
}
/* Canonical and in memory, or NULL. */
static inline struct block *blocks_at(const struct blocks *x, uint64_t number)
{
    return number >= x->low && number < blocks_end(x) ? x->canonical[x->start + (size_t)(number - x->low)] : NULL;
}

/* For who must hold still what they look at: between these two, the chain does not turn. */
void blocks_hold(struct blocks *x);
void blocks_release(struct blocks *x);
/* While held: is this the canonical block of its number? FAN_ESTALE: not, or no longer. */
FAN_MUST_CHECK enum fan_status blocks_is_canonical(struct blocks *x, const struct block *b);

/* ---- any thread: blocks_find.c ---- */
/* How far a search for logs has come. One that begins at block N has at = log_number(N, 0), the rest zero. */
struct blocks_search {
    uint64_t at; /* the log number to go on with */
    bool seen;   /* something lies behind it: */
    uint64_t seen_number;
    struct fan_hash seen_hash; /* the block it stands in or behind; while that is canonical, all before it is too */
};
/* The next blocks up to number `to` that may have a log the query wants, at most *count and BLOCKS_FIND_MAX, as one moment has them; *count
 * is then how many. The search has ended when s->at lies beyond `to` or the head, which *out_ended says. An empty
 * result is no end: one call only looks so far. FAN_ESTALE: the chain turned since the last call. */
FAN_MUST_CHECK enum fan_status blocks_find(struct blocks *x, struct log_query *q, struct blocks_search *s, uint64_t to,
                                           struct block **out, size_t *count, bool *out_ended);
/* As logs_next in chain/chain.h. */
FAN_MUST_CHECK enum fan_status blocks_find_next(struct blocks *x, struct log_query *q, const struct block *at,
                                                uint64_t to, struct block **out);

/* ---- the writer ---- */
/* Its own look at the head, borrowed until the head moves; there is one. */
struct block *blocks_peek(const struct blocks *x);
/* While empty: the chain begins at the remote's block (NULL: at 0). Takes a reference. Under the lock once others
 * read. */
void blocks_begin(struct blocks *x, struct chain_remote *remote);
/* The head of a chain that lies in the store, as the first block in memory. */
FAN_MUST_CHECK enum fan_status blocks_load(struct blocks *x, struct fan_error *err);
/* Makes room, so that the next blocks_switch() with these cannot fail, and does what of it needs no lock. Takes the
 * lock. */
FAN_MUST_CHECK bool blocks_prepare(struct blocks *x, uint64_t keep, struct block *const *added, size_t count);
void blocks_lock(struct blocks *x);
void blocks_unlock(struct blocks *x);
/* Forgets canonical blocks from number `keep` on (they become orphans) and adds these, oldest first; takes its own
 * references. Prepared with the same keep and with these or more; under blocks_lock(). */
void blocks_switch(struct blocks *x, uint64_t keep, struct block *const *added, size_t count);
/* The keeper, any thread: the store has all blocks below this number. */
void blocks_durable(struct blocks *x, uint64_t below);
/* Forgets the whole chain, whose blocks become orphans, and begins at `first`, which is the remote's block (NULL: block
 * 0). Takes references. One block was prepared; under blocks_lock(), without a store. */
void blocks_restart(struct blocks *x, struct chain_remote *remote, struct block *first);

#endif
