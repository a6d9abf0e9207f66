/* index: every block we have, by number and by hash, and where each transaction stands.
 *
 * Any thread reads; only the writer changes, under one read-write lock that is held for a few probes at a time. Where the chain
 * turns back, blocks and state must change as one for those who look from outside: the writer then holds index_lock() while it
 * rewinds the state, and state_open (read.c) opens its view under the same lock.
 * Blocks that were removed stay readable by hash until INDEX_ORPHANS_MAX younger ones were removed after them.
 * Every block handed out is a reference. */
#ifndef LOCAL_INDEX_H
#define LOCAL_INDEX_H

#include <pthread.h>

#include "base/map.h"
#include "eth/block.h"

enum { INDEX_ORPHANS_MAX = 256 };

struct index {
    pthread_rwlock_t lock;
    struct block **canonical; /* by number, from 0 without holes */
    size_t count, cap;
    struct map by_hash;       /* hash → struct block *, one reference each, orphans included */
    struct map by_tx;         /* hash → struct index_place, canonical ones only */
    struct fan_hash orphans[INDEX_ORPHANS_MAX]; /* a ring, oldest at orphan_count % max once full */
    size_t orphan_count;
};

struct index_place {
    uint64_t number;
    uint64_t index;
};

FAN_MUST_CHECK enum fan_status index_init(struct index *x);
void index_fini(struct index *x); /* zeroed is fine */

/* ---- any thread ---- */
struct block *index_head(struct index *x); /* NULL while empty */
struct block *index_by_number(struct index *x, uint64_t number);                                  /* NULL: none */
struct block *index_by_hash(struct index *x, const struct fan_hash *hash, bool *out_canonical);   /* NULL: none */
struct block *index_by_tx(struct index *x, const struct fan_hash *hash, size_t *out_index);       /* NULL: none */
bool index_hash_at(struct index *x, uint64_t number, struct fan_hash *out); /* false: none */
/* Up to count blocks from number on, as one moment has them; returns how many were written to out. */
size_t index_range(struct index *x, uint64_t number, size_t count, struct block **out);

/* ---- the writer ---- */
/* Makes room, so that the next index_switch() with so many blocks and transactions cannot fail. Takes the lock. */
FAN_MUST_CHECK bool index_reserve(struct index *x, size_t blocks, size_t txs);
void index_lock(struct index *x);
void index_unlock(struct index *x);
/* Forgets canonical blocks from number `keep` on (they become orphans) and adds these, oldest first; takes its own references. Room was
 * reserved; under index_lock(). */
void index_switch(struct index *x, uint64_t keep, struct block *const *added, size_t count);

#endif
