/* block: one block with its transactions, ommers, withdrawals, and (once executed) its receipts and logs.
 *
 * Immutable once published and counted: whoever keeps it takes a reference, from any thread. It owns an arena that all
 * its pointers lead into. What a chain announces, what the ring holds and what RPC reads is this one object.
 *
 * Not here: state (local/), which block is canonical (chain/).
 * Spec: Yellow Paper section 4.3; EIP-4895 (withdrawals), 7685 (requests). */
#ifndef ETH_BLOCK_H
#define ETH_BLOCK_H

#include "base/ref.h"
#include "eth/header.h"
#include "eth/receipt.h"

struct withdrawal {
    uint64_t index, validator_index;
    struct fan_address address;
    uint64_t amount_gwei;
};

struct block {
    struct ref ref;
    struct arena_home memory;
    struct header header;
    struct fan_hash hash;
    struct slice header_json; /* the members of newHeads as a host gave them (chain/host.h); empty: made from header */
    struct tx *txs; /* with senders, once recovered */
    size_t tx_count;
    const struct header *ommers;
    size_t ommer_count;
    const struct withdrawal *withdrawals; /* from Shanghai on */
    size_t withdrawal_count;
    bool has_receipts; /* executed: receipts[tx_count], logs in order */
    struct receipt *receipts;
    struct log *logs; /* all logs of the block, by index; receipts point into this */
    size_t log_count;
    uint64_t size;                    /* of the RLP encoding */
    struct fan_u256 total_difficulty; /* 0 where nobody knows */
};

/* An empty block with one reference, to be filled by whoever builds it before anyone else sees it. NULL: out of memory.
 */
struct block *block_new(void);
struct block *block_ref(struct block *b); /* any thread */
void block_unref(struct block *b);        /* any thread; NULL is fine */

/* Decodes one block ([header, txs, ommers, withdrawals]) from the front of r; copies what it keeps. */
FAN_MUST_CHECK enum fan_status block_decode(struct rlp *r, struct block **out, struct fan_error *err);
void block_put(const struct block *b, struct buf *out); /* the same, encoded */
/* The items behind the header, without a list around them: transactions, ommers and, from Shanghai on, withdrawals. */
void block_put_body(const struct block *b, struct buf *out);
void withdrawal_put(const struct withdrawal *w, struct buf *out);
/* Recovers every sender that is not known yet. FAN_EREJECTED names the transaction's index. */
FAN_MUST_CHECK enum fan_status block_recover_senders(struct block *b, bool low_s, struct fan_error *err);
/* Fills what follows from the rest: the block's hash and size; for each receipt type, gas_used (from the cumulative
 * ones), effective gas price, blob gas used, the address of a creation (also of a failed one, as geth has it; the
 * sender must be known), and in its logs hashes, numbers and indices. The blob gas price is not its to know. After
 * header and receipts are final; may be called again. */
void block_finish(struct block *b);

/* Roots (ordered tries keyed by RLP(index)) and hashes over the parts. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status block_transactions_root(const struct tx *txs, size_t count, struct fan_hash *out);
FAN_MUST_CHECK enum fan_status block_receipts_root(const struct receipt *receipts, size_t count, struct fan_hash *out);
FAN_MUST_CHECK enum fan_status block_withdrawals_root(const struct withdrawal *w, size_t count, struct fan_hash *out);
FAN_MUST_CHECK enum fan_status block_ommers_hash(const struct header *ommers, size_t count, struct fan_hash *out);
/* EIP-7685: sha256 over the sha256 of each request list. */
struct fan_hash block_requests_hash(const struct slice *requests, size_t count);

/* Where transaction `index` stands. */
struct tx_place block_tx_place(const struct block *b, size_t index);
/* geth's eth_getBlockBy*: whole transactions or hashes. */
void block_put_json(const struct block *b, bool full_txs, struct json_writer *w);
/* The array of all receipts, as eth_getBlockReceipts and the transactionReceipts subscription give it. */
void block_put_receipts_json(const struct block *b, struct json_writer *w);

#endif
