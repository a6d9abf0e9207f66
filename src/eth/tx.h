/* tx: a transaction of any of the five types, its encodings, hash and sender.
 *
 * A struct tx is plain data whose pointers lead into an arena (or into a block that owns one). tx_decode()
 * reads both the form inside blocks and the network form with a blob sidecar behind it. A decoded
 * transaction knows its hash and its canonical encoding; its sender is recovered on demand, since that costs 40 µs.
 * Spec: EIP-2718 (envelope), 155 (legacy replay protection), 2930, 1559, 4844, 7594 (sidecar version 1), 7702; Yellow
 * Paper appendix F (signatures; low s from Homestead on, EIP-2). */
#ifndef ETH_TX_H
#define ETH_TX_H

#include "codec/json.h"
#include "codec/rlp.h"

enum tx_type { TX_LEGACY = 0, TX_ACCESS_LIST = 1, TX_DYNAMIC_FEE = 2, TX_BLOB = 3, TX_SET_CODE = 4 };

struct tx_access {
    struct fan_address address;
    const struct fan_hash *slots;
    size_t slot_count;
};

struct tx_authorization { /* EIP-7702 */
    struct fan_u256 chain_id;
    struct fan_address address;
    uint64_t nonce;
    uint8_t y_parity;
    struct fan_u256 r, s;
};

/* What travels beside a blob transaction and never enters a block. */
struct tx_sidecar {
    uint8_t version;          /* 0: a proof per blob (EIP-4844); 1: 128 cell proofs per blob (EIP-7594) */
    struct slice blobs;       /* blob_count × 131,072 bytes */
    struct slice commitments; /* × 48 */
    struct slice proofs;      /* × 48, or × 128 × 48 */
    size_t blob_count;
};

struct tx {
    enum tx_type type;
    bool has_to;       /* false: contract creation */
    bool has_chain_id; /* false for legacy transactions from before EIP-155 */
    struct fan_address to;
    uint64_t chain_id, nonce, gas_limit;
    struct fan_u256 value_wei;
    struct fan_u256 gas_price_wei;    /* types 0 and 1; maxFeePerGas from type 2 on */
    struct fan_u256 priority_fee_wei; /* maxPriorityFeePerGas; equals gas_price_wei for types 0 and 1 */
    struct fan_u256 blob_fee_max_wei; /* type 3 */
    struct slice data;
    const struct tx_access *access;
    size_t access_count;
    const struct fan_hash *blob_hashes;
    size_t blob_count;
    const struct tx_authorization *authorizations;
    size_t authorization_count;
    struct fan_u256 v, r, s;          /* v as it stands in the encoding: 27, 28, 35+, or the parity */
    const struct tx_sidecar *sidecar; /* NULL unless decoded from the network form with one */

    struct fan_hash hash; /* keccak of encoded */
    struct slice encoded; /* as inside a block: EIP-2718 bytes, or the RLP list of a legacy one; never with a sidecar */
    bool has_sender;      /* filled by tx_recover(), or set by whoever knows (impersonation) */
    struct fan_address sender;
};

/* The bytes of eth_sendRawTransaction, or of a transaction in a block body (typed: without the string header around
 * it). What is kept points into `bytes`, which must live as long as *out, or into the arena. FAN_EFORMAT with err in
 * words. Does not look at the signature. */
FAN_MUST_CHECK enum fan_status tx_decode(struct slice bytes, struct arena *a, struct tx *out, struct fan_error *err);
/* An item of a block body: a list (legacy) or a string that holds a typed one. */
FAN_MUST_CHECK enum fan_status tx_decode_item(struct rlp *r, struct arena *a, struct tx *out, struct fan_error *err);
/* Encodes from the fields, signature included, sets encoded and hash. */
FAN_MUST_CHECK enum fan_status tx_seal(struct tx *tx, struct arena *a);
/* The network form with the sidecar (type 3), or `encoded` for all others. */
FAN_MUST_CHECK enum fan_status tx_encode_network(const struct tx *tx, struct arena *a, struct slice *out);
/* Appends the form inside a block body: the list, or the string that holds the envelope. */
void tx_put_item(const struct tx *tx, struct buf *b);

/* The hash that is signed, from the fields. All zero when its encoding found no memory; tx_recover() and tx_sign() say
 * so. */
struct fan_hash tx_signing_hash(const struct tx *tx);
/* Sets sender and has_sender. FAN_EFORMAT when the signature is no signature (r, s out of range, s high with low_s, v
 * of another chain form). */
FAN_MUST_CHECK enum fan_status tx_recover(struct tx *tx, bool low_s);
/* Signs with a secret key (RFC 6979), sets v r s, sender, then tx_seal(). */
FAN_MUST_CHECK enum fan_status tx_sign(struct tx *tx, const uint8_t secret[32], struct arena *a);

/* Wei per gas paid in a block of that base fee: min(max fee, base fee + tip). */
struct fan_u256 tx_effective_gas_price(const struct tx *tx, uint64_t base_fee_wei);
/* Intrinsic gas of a transaction under a fork, EIP-7623's floor in *out_floor (0 before Prague). */
uint64_t tx_intrinsic_gas(const struct tx *tx, unsigned fork, uint64_t *out_floor);
/* The address a creation by sender with nonce yields. */
struct fan_address tx_create_address(const struct fan_address *sender, uint64_t nonce);

/* Where a mined transaction stands; all NULL/absent for a pending one. */
struct tx_place {
    struct fan_hash block_hash;
    uint64_t block_number, block_timestamp, base_fee_wei;
    uint64_t index;
};
/* The RPC form, as geth answers eth_getTransactionByHash; place NULL: pending (nulls where geth has nulls). The sender
 * must be known. */
void tx_put_json(const struct tx *tx, const struct tx_place *place, struct json_writer *w);

#endif
