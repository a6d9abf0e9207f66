/* hooks: what a host tells its subscribers.
 *
 * Five facts: a block, logs, a pending transaction, syncing, and a head that moved back. Each is told as a struct or as
 * JSON text. What you give is what subscribers get, under geth's names and in geth's order of keys; a key that you do
 * not give is absent there too, and keys that geth does not have are passed by.
 *
 * Any thread, at any time between fan_server_start() and fan_server_stop(); announcements take turns, so two threads
 * that tell one chain agree on an order among themselves. When a hook returns FAN_OK, the event is on its way to every
 * subscriber; nothing waits for a slow one. What is known already (a block announced twice, a log with the same
 * transaction and logIndex) is passed over and counted as repeated, so several processes may feed one server.
 *
 * Reorgs: announce a block whose parent is not the head. Subscribers get the removed blocks' logs, newest first,
 * `removed: true`, and then the new block. A block whose parent was never announced is refused, unless its number shows
 * that some were skipped: then the chain begins anew there, and a gap is counted.
 *
 * Logs wait for their block: until it is announced, or 128 further blocks are, after which they are given up and
 * counted as abandoned; at most 100,000 wait, and 64 MiB.
 *
 * Errors, all of these functions: FAN_EFORMAT, a key or a value does not fit, err names it ("block: parentHash: is
 * missing"); FAN_EINVAL, it contradicts what was announced before, or a pointer is NULL; FAN_ELIMIT, too many logs wait
 * for their blocks; FAN_ECLOSED, the server is not running, or not in this process; FAN_ENOMEM. On any failure nobody
 * was told anything. */
#ifndef FANATICO_HOOKS_H
#define FANATICO_HOOKS_H

#include "fanatico/fanatico.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which of a block's fields are given beside hash, parent_hash and number. */
enum fan_block_given {
    FAN_BLOCK_OMMERS_HASH = 1 << 0,
    FAN_BLOCK_BENEFICIARY = 1 << 1,
    FAN_BLOCK_STATE_ROOT = 1 << 2,
    FAN_BLOCK_TRANSACTIONS_ROOT = 1 << 3,
    FAN_BLOCK_RECEIPTS_ROOT = 1 << 4,
    FAN_BLOCK_LOGS_BLOOM = 1 << 5,
    FAN_BLOCK_DIFFICULTY = 1 << 6,
    FAN_BLOCK_GAS_LIMIT = 1 << 7,
    FAN_BLOCK_GAS_USED = 1 << 8,
    FAN_BLOCK_TIMESTAMP = 1 << 9,
    FAN_BLOCK_EXTRA_DATA = 1 << 10,
    FAN_BLOCK_MIX_HASH = 1 << 11,
    FAN_BLOCK_NONCE = 1 << 12,
    FAN_BLOCK_BASE_FEE = 1 << 13,
    FAN_BLOCK_WITHDRAWALS_ROOT = 1 << 14,
    FAN_BLOCK_BLOB_GAS_USED = 1 << 15,
    FAN_BLOCK_EXCESS_BLOB_GAS = 1 << 16,
    FAN_BLOCK_PARENT_BEACON_ROOT = 1 << 17,
    FAN_BLOCK_REQUESTS_HASH = 1 << 18
};

/* A block's header (Yellow Paper, section 4.3; the forks' EIPs for the later fields). Borrowed until the hook returns.
 */
struct fan_block {
    struct fan_hash hash, parent_hash;
    uint64_t number; /* height */
    uint32_t given;  /* of enum fan_block_given; what is not given is not read */
    struct fan_hash ommers_hash;
    struct fan_address beneficiary; /* "miner" */
    struct fan_hash state_root, transactions_root, receipts_root;
    const uint8_t *logs_bloom; /* 256 bytes */
    struct fan_u256 difficulty;
    uint64_t gas_limit, gas_used;
    uint64_t timestamp; /* Unix seconds */
    const uint8_t *extra_data;
    size_t extra_data_len;    /* at most 1 MiB */
    struct fan_hash mix_hash; /* prevRandao since the Merge */
    uint8_t nonce[8];
    struct fan_u256 base_fee_wei; /* per gas, EIP-1559 */
    struct fan_hash withdrawals_root;
    uint64_t blob_gas_used, excess_blob_gas;
    struct fan_hash parent_beacon_root, requests_hash;
};

enum fan_log_given {
    FAN_LOG_BLOCK_HASH = 1 << 0,
    FAN_LOG_BLOCK_NUMBER = 1 << 1,
    FAN_LOG_BLOCK_TIMESTAMP = 1 << 2,
    FAN_LOG_TRANSACTION_HASH = 1 << 3,
    FAN_LOG_TRANSACTION_INDEX = 1 << 4,
    FAN_LOG_INDEX = 1 << 5
};

/* A log (Yellow Paper, section 4.3.1). Borrowed until the hook returns. Its block may be announced before or after it;
 * of block_hash and block_number at least one is given. */
struct fan_log {
    struct fan_address address;
    const struct fan_hash *topics;
    size_t topic_count; /* at most 4 */
    const uint8_t *data;
    size_t data_len;
    uint32_t given; /* of enum fan_log_given */
    struct fan_hash block_hash;
    uint64_t block_number, block_timestamp;
    struct fan_hash transaction_hash;
    uint64_t transaction_index;
    uint64_t index; /* within the block, from 0 */
};

struct fan_syncing {
    bool syncing; /* false: the numbers mean nothing */
    uint64_t starting_block, current_block, highest_block;
};

/* The block becomes the head. Shape: geth's header. Borrowed until it returns. Source: eth_subscribe "newHeads". */
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_block(fan_server *server, const struct fan_block *block,
                                                                struct fan_error *err);
/* All of them, or none: one that does not fit refuses the others too. The logs of one block follow one another. logs
 * may be NULL where count is 0. Borrowed until it returns. Source: eth_subscribe "logs". */
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_logs(fan_server *server, const struct fan_log *logs,
                                                               size_t count, struct fan_error *err);
/* A transaction has come that is in no block. Not remembered: one that is announced twice is told twice. Source:
 * eth_subscribe "newPendingTransactions". */
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_pending(fan_server *server, const struct fan_hash *tx_hash,
                                                                  struct fan_error *err);
/* The state from now on; whoever subscribes later hears it at once. Source: eth_subscribe "syncing" and eth_syncing. */
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_syncing(fan_server *server, const struct fan_syncing *state,
                                                                  struct fan_error *err);
/* The block of that hash, canonical and kept, becomes the head; what stood above it is removed. FAN_ENOTFOUND. */
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_move_head(fan_server *server, const struct fan_hash *hash,
                                                           struct fan_error *err);

/* The same as JSON text, `len` bytes, borrowed. A number may be a JSON number or a QUANTITY, bytes are DATA with or
 * without 0x.
 *   block    {"hash": …, "parentHash": …, "number": …, and geth's other header keys}
 *   logs     [{"address": …, "topics": [ … ], "data": …, "blockNumber": …, …}], or one object
 *   pending  "0x…" (the hash), or the transaction's object with its hash
 *   syncing  false, or {"startingBlock": …, "currentBlock": …, "highestBlock": …} */
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_block_json(fan_server *server, const char *json, size_t len,
                                                                     struct fan_error *err);
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_logs_json(fan_server *server, const char *json, size_t len,
                                                                    struct fan_error *err);
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_pending_json(fan_server *server, const char *json, size_t len,
                                                                       struct fan_error *err);
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_announce_syncing_json(fan_server *server, const char *json, size_t len,
                                                                       struct fan_error *err);
/* One line of the format that `fanatico ws` reads: {"hook": "on_new_block", "arg": …}; the hooks are on_new_block,
 * on_logs, on_pending_transaction and on_syncing. */
FAN_API FAN_MUST_CHECK enum fan_status fan_chain_hook_json(fan_server *server, const char *json, size_t len,
                                                           struct fan_error *err);

#ifdef __cplusplus
}
#endif

#endif
