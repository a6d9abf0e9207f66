/* dev: what a development chain lets its user do to it (evm_*, anvil_*, hardhat_*).
 *
 * All on the writer's thread. Words in err are those that anvil or Hardhat use, since tools parse them.
 * Spec: anvil's and Hardhat Network's reference pages. */
#ifndef CHAIN_DEV_H
#define CHAIN_DEV_H

#include "chain/chain.h"
#include "eth/genesis.h"

/* A transaction that a reorg shall put into one of the new blocks. */
struct chain_reorg_tx {
    uint64_t block; /* which of the new ones, from 0 */
    struct tx tx;   /* its sender known; unsigned ones get nonce and signature */
    bool is_signed, has_nonce;
    size_t position; /* the chain's own */
};

struct chain_dev_ops {
    /* Seals `count` blocks, the first at the next timestamp, each further interval_s later. Their transactions come from the pool. */
    enum fan_status (*mine)(struct chain *c, uint64_t count, uint64_t interval_s, struct fan_error *err);
    /* One block at that timestamp (0: the next). */
    enum fan_status (*mine_at)(struct chain *c, uint64_t timestamp, struct fan_error *err);
    uint64_t (*snapshot)(struct chain *c);                     /* ids count from 1 */
    bool (*revert)(struct chain *c, uint64_t id);              /* false: no such snapshot; later ones go with it */
    /* Replaces the last `depth` blocks by as many new ones (anvil_reorg). Without txs the old transactions are put back into the pool unless dropped;
     * with txs the new blocks hold exactly those. FAN_EINVAL, FAN_ELIMIT, FAN_EREJECTED: nothing changed, err says why. */
    enum fan_status (*reorg)(struct chain *c, uint64_t depth, const struct chain_reorg_tx *txs, size_t count, struct fan_error *err);
    enum fan_status (*rollback)(struct chain *c, uint64_t depth, struct fan_error *err);
    /* Back to the genesis block and its state; the pool is emptied, and time, coinbase, fees and impersonation are as at the start. Snapshots are
     * gone. What blocks are sealed for (automine, interval) stays. */
    enum fan_status (*reset)(struct chain *c, struct fan_error *err);
    /* The same, on other ground: on top of another node's block, or (NULL) on a genesis of its own. Rules and chain id
     * follow. FAN_EUNSUPPORTED: this chain stays where it is. */
    enum fan_status (*reset_onto)(struct chain *c, struct chain_remote *remote, struct fan_error *err);
    /* Not the writer's: a thread that may wait for the network. Opens another node for reset_onto(). url NULL: the one
     * that was opened last; has_number false: at its latest block. */
    enum fan_status (*ground_open)(struct chain *c, const char *url, bool has_number, uint64_t number,
                                   struct chain_remote **out, struct fan_error *err);
    enum fan_status (*set_chain_id)(struct chain *c, uint64_t chain_id);
    int64_t (*increase_time)(struct chain *c, int64_t seconds); /* returns the total offset */
    enum fan_status (*set_next_timestamp)(struct chain *c, uint64_t timestamp, struct fan_error *err);
    void (*set_time)(struct chain *c, uint64_t timestamp);
    /* Each block's timestamp is its parent's and so many seconds; NULL: by the clock again. False: there was none before. */
    bool (*set_timestamp_interval)(struct chain *c, const uint64_t *seconds);
    void (*set_automine)(struct chain *c, bool on);
    bool (*automine)(struct chain *c);
    void (*set_interval)(struct chain *c, uint64_t milliseconds); /* 0: off */
    uint64_t (*interval)(struct chain *c);
    enum fan_status (*set_balance)(struct chain *c, const struct fan_address *a, const struct fan_u256 *wei);
    enum fan_status (*set_nonce)(struct chain *c, const struct fan_address *a, uint64_t nonce, struct fan_error *err);
    enum fan_status (*set_code)(struct chain *c, const struct fan_address *a, struct slice code);
    enum fan_status (*set_slot)(struct chain *c, const struct fan_address *a, const struct fan_u256 *slot, const struct fan_u256 *value);
    /* Every account of the head's state in order of address, with its code and slots; borrowed. each() ends the walk by a status other than FAN_OK,
     * which is then returned. */
    enum fan_status (*walk_state)(struct chain *c, enum fan_status (*each)(void *ctx, const struct genesis_account *account), void *ctx);
    /* Lays the accounts over the head's state as one edit: their balance, nonce, code and the slots named. All or nothing. */
    enum fan_status (*load_state)(struct chain *c, const struct genesis_account *accounts, size_t count);
    enum fan_status (*impersonate)(struct chain *c, const struct fan_address *a, bool on); /* FAN_ENOMEM: nothing changed */
    void (*auto_impersonate)(struct chain *c, bool on);
    bool (*may_impersonate)(struct chain *c, const struct fan_address *a);
    void (*set_coinbase)(struct chain *c, const struct fan_address *a);
    enum fan_status (*set_next_base_fee)(struct chain *c, uint64_t wei);
    void (*set_prev_randao)(struct chain *c, const struct fan_hash *value);
    void (*set_gas_limit)(struct chain *c, uint64_t gas);
    bool (*drop_tx)(struct chain *c, const struct fan_hash *hash);
    void (*drop_all)(struct chain *c);
    /* A transaction whose blobs are still kept and which stands in the chain: by its hash, or (tx NULL) by one of its
     * blobs' hashes, *out_index then. NULL: there is none. Borrowed. */
    const struct tx *(*blobs)(struct chain *c, const struct fan_hash *tx, const struct fan_hash *blob, size_t *out_index);
    /* The unlocked accounts, in order; secrets are 32 bytes each. */
    size_t (*accounts)(struct chain *c, const struct fan_address **out);
    const uint8_t *(*secret_of)(struct chain *c, const struct fan_address *a); /* NULL: not ours. Any thread: never changes */
    /* Puts in an unsigned transaction of an impersonated sender; otherwise as chain_ops.submit. */
    enum fan_status (*submit_unsigned)(struct chain *c, struct tx *tx, struct fan_hash *out_hash, struct fan_error *err);
};

#endif
