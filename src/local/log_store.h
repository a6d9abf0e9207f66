/* log_store: the lists of log_index.h in the store, written in the transaction of the block they are of.
 *
 * A row for each entry of a list: key is the list's (8 bytes), then the log's number (8), value nothing; so the order
 * of the rows is the order of each list, and what a block added is taken out again row by row when it leaves the chain.
 * The word STORE_META_LOGS is the first block of which every log is in the lists: a store that a program without an
 * index wrote has none, and gets one that begins with the next block. Thread: the transaction's. */
#ifndef LOCAL_LOG_STORE_H
#define LOCAL_LOG_STORE_H

#include "local/log_index.h"
#include "store/store.h"

/* The block's, which becomes the highest. */
FAN_MUST_CHECK enum fan_status log_store_put(struct store_txn *t, const struct block *b);
/* Those of the canonical blocks from `number` on, before they leave the chain (block_rows.h). */
FAN_MUST_CHECK enum fan_status log_store_remove(struct store_txn *t, uint64_t number);
/* From which block on the index is whole; UINT64_MAX: there is none. */
FAN_MUST_CHECK enum fan_status log_store_first(struct store_txn *t, uint64_t *out);

/* Is every log of the canonical block in the lists, where the index has the block? Adds how many rows that are to
 * *rows. FAN_EFORMAT: one is missing. */
FAN_MUST_CHECK enum fan_status log_store_check(struct store_txn *t, const struct block *b, uint64_t *rows);

/* A reader's lists. */
struct log_store {
    struct store_txn *txn;
    struct store_cursor *cursor;
};
FAN_MUST_CHECK enum fan_status log_store_open(struct store *s, struct log_store *out);
void log_store_close(struct log_store *l); /* zeroed is fine */
struct log_lists log_store_lists(struct log_store *l);

#endif
