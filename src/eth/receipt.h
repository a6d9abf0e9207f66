/* receipt: what a transaction did, and the logs it left.
 *
 * Consensus fields and the derived ones the RPC adds. Pointers lead into the owner's arena (usually a block's).
 * Spec: Yellow Paper section 4.3.1; EIP-658 (status), 2718 (typed receipts); geth's types.Receipt for the JSON form. */
#ifndef ETH_RECEIPT_H
#define ETH_RECEIPT_H

#include "codec/bloom.h"
#include "eth/tx.h"

struct log {
    struct fan_address address;
    const struct fan_hash *topics;
    size_t topic_count; /* at most 4 */
    struct slice data;
    /* Derived: where it happened. */
    struct fan_hash block_hash, tx_hash;
    uint64_t block_number, block_timestamp, tx_index, index; /* index within the block */
    struct slice json; /* its members as a host gave them, without `removed` (chain/host.h); empty: made from the rest */
};

struct receipt {
    enum tx_type type;
    bool has_state_root; /* before Byzantium: state_root instead of status */
    struct fan_hash state_root;
    uint8_t status;
    uint64_t cumulative_gas_used;
    struct bloom logs_bloom;
    const struct log *logs;
    size_t log_count;
    /* Derived. */
    uint64_t gas_used;
    struct fan_u256 effective_gas_price_wei;
    bool has_contract;
    struct fan_address contract;
    uint64_t blob_gas_used; /* type 3 */
    uint64_t blob_gas_price_wei;
};

/* Bloom over the logs, from addresses and topics. */
void receipt_set_bloom(struct receipt *r);
/* Consensus form, as in the receipts trie: envelope for typed ones. */
void receipt_put(const struct receipt *r, struct buf *b);
/* geth's RPC form; tx must have its sender. */
void receipt_put_json(const struct receipt *r, const struct tx *tx, const struct tx_place *place,
                      struct json_writer *w);
/* geth's RPC form of a log, as in receipts, eth_getLogs and notifications (`removed` always there). */
void log_put_json(const struct log *l, bool removed, struct json_writer *w);

#endif
