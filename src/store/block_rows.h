/* block_rows: blocks in the store's tables, and out of them again.
 *
 * A block is three rows under (number, hash), so that a scan reads headers without bodies, and blocks that left the
 * chain can stay beside those that took their place:
 *
 *   headers   the header's RLP
 *   bodies    the RLP items that follow the header in a block: transactions, ommers, withdrawals
 *   outcomes  RLP [total difficulty, senders (20 bytes each), [receipt …]]
 *             receipt: [status or root, cumulative gas, blob gas price, [[address, [topic …], data] …]]
 *
 * Senders are kept because recovering one costs 40 µs, and because an impersonated one cannot be recovered. Blooms of
 * receipts and all that block_finish() derives are made again on reading.
 *
 * The canonical chain is (number → hash) and (transaction → number, index). The *orphans* that are kept are a queue of
 * at most STORE_ORPHANS_MAX, after which the oldest rows go.
 *
 * Thread: the transaction's. What is read was written by us and is believed, but checked as foreign bytes are: a
 * damaged row is FAN_EFORMAT and never a crash. */
#ifndef STORE_BLOCK_ROWS_H
#define STORE_BLOCK_ROWS_H

#include "eth/block.h"
#include "store/store.h"

enum { STORE_ORPHANS_MAX = 256 };

/* ---- writing ---- */
/* Puts an executed block on the chain: its three rows, its number and hash, its transactions. */
FAN_MUST_CHECK enum fan_status store_block_put(struct store_txn *t, const struct block *b);
/* Takes the canonical blocks from `number` on out of the chain; they stay readable by hash as orphans. */
FAN_MUST_CHECK enum fan_status store_blocks_remove(struct store_txn *t, uint64_t number);

/* ---- reading; FAN_ENOTFOUND where there is none ---- */
FAN_MUST_CHECK enum fan_status store_head_number(struct store_txn *t, uint64_t *out);
FAN_MUST_CHECK enum fan_status store_hash_at(struct store_txn *t, uint64_t number, struct fan_hash *out);
FAN_MUST_CHECK enum fan_status store_number_of(struct store_txn *t, const struct fan_hash *hash, uint64_t *out);
FAN_MUST_CHECK enum fan_status store_tx_place(struct store_txn *t, const struct fan_hash *hash, uint64_t *out_number,
                                              uint64_t *out_index);
/* The whole block, with one reference, finished as block_finish() says. FAN_EFORMAT: its rows are damaged; err says
 * which. */
FAN_MUST_CHECK enum fan_status store_block_get(struct store_txn *t, uint64_t number, const struct fan_hash *hash,
                                               struct block **out, struct fan_error *err);
/* Its header alone. */
FAN_MUST_CHECK enum fan_status store_header_get(struct store_txn *t, uint64_t number, const struct fan_hash *hash,
                                                struct header *out);

/* ---- the three rows as bytes, for who has them from elsewhere (fuzzing) ---- */
void store_block_encode(const struct block *b, struct buf *header, struct buf *body, struct buf *outcome);
FAN_MUST_CHECK enum fan_status store_block_decode(struct slice header, struct slice body, struct slice outcome,
                                                  struct block **out, struct fan_error *err);

#endif
