/* check: does what the store holds fit together? Every block with its parent, roots and indexes; the head's state,
 * whose root and trie are computed again from accounts and slots alone; the history, whose old values, taken back
 * version by version, make the roots and the trie nodes that were.
 *
 * Reads alone, a page of work per read transaction; nobody else has the store open (store_open() saw to that). Memory:
 * about a kilobyte an account, since the trie is built anew.
 * Thread: the caller's. */
#ifndef LOCAL_CHECK_H
#define LOCAL_CHECK_H

#include "local/state_base.h"
#include "store/store.h"

struct check_count {
    uint64_t blocks, txs, logs, orphans;
    uint64_t accounts, slots, codes, nodes;
    uint64_t versions, old_values;
};

/* FAN_OK: it fits, and *out says how much was looked at. FAN_EFORMAT: it does not; err names the first thing that is
 * wrong. FAN_ENOTFOUND: no chain. FAN_EIO, FAN_ENOMEM: it could not be read to the end. progress (may be NULL) is told
 * now and then how many blocks are done. */
FAN_MUST_CHECK enum fan_status check_store(struct store *store,
                                           void (*progress)(void *ctx, uint64_t block, uint64_t head), void *ctx,
                                           struct check_count *out, struct fan_error *err);

/* ---- its parts ---- */
FAN_MUST_CHECK enum fan_status check_blocks(struct store *store,
                                            void (*progress)(void *ctx, uint64_t block, uint64_t head), void *ctx,
                                            struct check_count *out, struct fan_error *err);
FAN_MUST_CHECK enum fan_status check_state(struct store *store, struct check_count *out, struct fan_error *err);
FAN_MUST_CHECK enum fan_status check_history(struct store *store, struct check_count *out, struct fan_error *err);
/* The old values of one version, above the oldest that is kept; those of later ones have been checked. */
FAN_MUST_CHECK enum fan_status check_past(struct state_base base, struct state_read *read, uint64_t version,
                                          struct fan_error *err);

#endif
