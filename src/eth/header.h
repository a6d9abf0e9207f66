/* header: a block's header in every fork's shape.
 *
 * The RLP list grew with the forks: base fee (London), withdrawals root (Shanghai), blob gas and the parent's beacon
 * root (Cancun), requests hash (Prague). `extent` says how many of these are there; decoding takes it from the list's
 * length. Spec: Yellow Paper section 4.3; EIP-1559, 4895, 4844, 4788, 7685. */
#ifndef ETH_HEADER_H
#define ETH_HEADER_H

#include "codec/bloom.h"
#include "codec/json.h"
#include "codec/rlp.h"
#include "eth/fork.h"

enum header_extent { HEADER_FRONTIER, HEADER_LONDON, HEADER_SHANGHAI, HEADER_CANCUN, HEADER_PRAGUE };

/* By the rules 32; a genesis of a clique chain holds 97 and 20 for each signer. Every block that is kept pays for it.
 */
enum { HEADER_EXTRA_MAX = 1024 };

struct header {
    struct fan_hash parent_hash, ommers_hash;
    struct fan_address beneficiary;
    struct fan_hash state_root, transactions_root, receipts_root;
    struct bloom logs_bloom;
    struct fan_u256 difficulty;
    uint64_t number, gas_limit, gas_used, timestamp;
    uint8_t extra_data[HEADER_EXTRA_MAX];
    size_t extra_data_len;
    struct fan_hash mix_hash; /* prevRandao after the Merge */
    uint8_t nonce[8];
    enum header_extent extent;
    uint64_t base_fee_wei;
    struct fan_hash withdrawals_root;
    uint64_t blob_gas_used, excess_blob_gas;
    struct fan_hash parent_beacon_root;
    struct fan_hash requests_hash;
};

enum header_extent header_extent_of(enum fork f);
void header_put(const struct header *h, struct buf *b);
FAN_MUST_CHECK enum fan_status header_decode(struct rlp *r, struct header *out, struct fan_error *err);
struct fan_hash header_hash(const struct header *h);
/* Length of the RLP encoding, its hash too where wanted (out_hash may be NULL). Takes no memory, cannot fail. */
size_t header_size(const struct header *h, struct fan_hash *out_hash);
/* geth's header keys in geth's order, and hash: the result of newHeads. Like geth it gives every key always, null where
 * the block's fork has no such field. Writes members, not the braces. */
void header_put_json_members(const struct header *h, const struct fan_hash *hash, struct json_writer *w);

/* EIP-1559: the base fee of the block after h; the initial 1 gwei where h is the last before London. */
uint64_t header_next_base_fee(const struct header *parent, bool parent_is_london);
/* Every rule that ties a header to its parent under config: parent's hash, number, time, gas limit's step, base fee,
 * blob gas, difficulty (zero is the Merge's mark, as in geth), extra data, which fields exist. Not the clock: whether a
 * time lies in the future is the caller's. FAN_EREJECTED with the rule in err ("invalid baseFee: have 7, want 8,
 * parentBaseFee …" as geth words it). */
FAN_MUST_CHECK enum fan_status header_check(const struct chain_config *c, const struct header *parent,
                                            const struct header *h, struct fan_error *err);
/* Proof-of-work difficulty of a child at `timestamp`, by the fork's formula with its bomb delay. */
struct fan_u256 header_difficulty(const struct chain_config *c, const struct header *parent, uint64_t timestamp);

#endif
