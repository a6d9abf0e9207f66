/* blocks_store: the blocks that are not in memory, read from the store, and a small cache of them.
 *
 * Polling clients ask for the same old blocks again, and the scans of many go over the same range; a block costs some
 * decoding each time. The cache holds canonical blocks by number; when blocks leave the chain, all of it goes, and a
 * block that was being read meanwhile does not enter it.
 * Thread: any; not under blocks_lock(). Each call is one read transaction. FAN_ENOTFOUND: none, or there is no store.
 */
#ifndef LOCAL_BLOCKS_STORE_H
#define LOCAL_BLOCKS_STORE_H

#include "local/blocks.h"

FAN_MUST_CHECK enum fan_status blocks_store_at(struct blocks *x, uint64_t number, struct block **out);
FAN_MUST_CHECK enum fan_status blocks_store_hash(struct blocks *x, uint64_t number, struct fan_hash *out);
FAN_MUST_CHECK enum fan_status blocks_store_by_hash(struct blocks *x, const struct fan_hash *hash, bool *out_canonical,
                                                    struct block **out);
FAN_MUST_CHECK enum fan_status blocks_store_by_tx(struct blocks *x, const struct fan_hash *hash, struct block **out,
                                                  size_t *out_index);
FAN_MUST_CHECK enum fan_status blocks_store_head(struct blocks *x, struct block **out, struct fan_error *err);

#endif
