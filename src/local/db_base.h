/* db_base: a state's base in the store.
 *
 * The newest value of each account, slot and trie node lies in a flat table. Beside it lies, for each version that
 * changed a key, what the value was *before*: "at version v" is the first old value of a version above v, or the flat
 * one. A journal names the keys of each version, which is all that going back (rewind) and forgetting (prune) need.
 *
 * As a base (state_base.h) each of apply, rewind and prune is a write transaction of its own. Whoever makes more
 * durable as one, a block with its state, calls the functions on a transaction below and then tells the db above
 * (state_db_adopt()).
 *
 * Thread: reading any; each lookup is one read transaction of the store. Writing: the store's one writer. */
#ifndef LOCAL_DB_BASE_H
#define LOCAL_DB_BASE_H

#include "local/state_base.h"
#include "store/store.h"

/* The base over a store, which it borrows; an empty store becomes one at version 0. */
FAN_MUST_CHECK enum fan_status db_base_open(struct store *store, struct state_base *out, struct fan_error *err);

/* ---- within a transaction of the store. FAN_EFORMAT: what is stored contradicts itself ---- */
FAN_MUST_CHECK enum fan_status db_range(struct store_txn *t, uint64_t *out_oldest, uint64_t *out_newest);
FAN_MUST_CHECK enum fan_status db_point(struct store_txn *t, uint64_t version, struct state_point *out);
FAN_MUST_CHECK enum fan_status db_find(struct store_txn *t, uint64_t number, struct state_point *out);
/* The diff's version is newest + 1. */
FAN_MUST_CHECK enum fan_status db_apply(struct store_txn *t, const struct state_diff *d);
FAN_MUST_CHECK enum fan_status db_rewind(struct store_txn *t, uint64_t version);
/* At most `steps` versions are forgotten; the rest by the next call. */
FAN_MUST_CHECK enum fan_status db_prune(struct store_txn *t, uint64_t version, uint64_t steps);

#endif
