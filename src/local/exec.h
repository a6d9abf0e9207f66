/* exec: running transactions against a state, for whoever needs it: the builder, the import, a call.
 *
 * A struct exec_reader shows a state view (and, for calls, what overrides lay over it) to the EVM, which asks by
 * callbacks. A struct run is one block under execution: it opens the EVM's block, executes transactions one by one,
 * keeps their receipts and logs in the block's arena, and ends by computing everything a header says about them. The
 * builder then writes these values into its header; the import compares them with the header it was given.
 *
 * Thread: whoever owns the object. Spec: Yellow Paper section 11; EIP-4895, 7685, 4844; EIP-649 and 1234 for rewards.
 */
#ifndef LOCAL_EXEC_H
#define LOCAL_EXEC_H

#include "chain/chain.h"
#include "evm/evm.h"
#include "local/blocks.h"
#include "local/local.h"
#include "local/state.h"

/* ---- the state as the EVM sees it ---- */
struct exec_reader {
    struct evm_state_reader reader;
    const struct state_view *view;
    struct blocks *index;       /* for BLOCKHASH */
    struct block *const *fresh; /* blocks above the canonical ones that count as ancestors, oldest first */
    size_t fresh_count;
    const struct chain_override *overrides;
    size_t override_count;
    const struct fan_hash *code_hashes; /* of the overrides that have code; parallel to overrides */
    struct arena_home memory;           /* code handed to the EVM */
    struct arena arena;
    enum fan_status failed; /* why a callback answered 1 */
    bool console_seen;      /* somebody asked for the account that console.log calls */
    /* Before the first transaction the system contracts of EIP-4788 and 2935 overwrite slots of their rings. On a fork
     * their old values are far, and nobody can see them any more in this block: 0 is as good. */
    bool begins;
    struct {
        struct fan_address address;
        struct fan_u256 slot;
    } assumed[4];
    size_t assumed_count;
};

/* Borrows all it is given. reader.ctx points to r: it must not move afterwards. */
void exec_reader_init(struct exec_reader *r, const struct state_view *view, struct blocks *index);
/* Lays overrides over the view; borrowed. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status exec_reader_override(struct exec_reader *r, const struct chain_override *overrides,
                                                    size_t count);
/* In the place of a fork: geth's eth_createAccessList knows of none to move or cover. */
#define EXEC_NO_PRECOMPILES UINT32_MAX
/* What overrides do to precompiles: an account at such an address covers it, or it moves. The moves live in the arena.
 * FAN_EREJECTED in geth's words where that does not fit. */
FAN_MUST_CHECK enum fan_status exec_moves(uint32_t fork, const struct chain_override *overrides, size_t count,
                                          struct arena *a, const struct evm_precompile_move **out, size_t *out_count,
                                          struct fan_error *err);
void exec_reader_fini(struct exec_reader *r);
/* Words for an execution that ended because a read failed with s; returns s. */
enum fan_status exec_unreadable(enum fan_status s, struct fan_error *err);

/* The environment of a block with this header under the chain's rules; all checks on. */
void exec_env(const struct chain_config *c, const struct header *h, struct evm_env *out);
/* tx in the EVM's layout; pointers are borrowed from tx, the access list is laid out in the arena. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status exec_tx(const struct tx *tx, struct arena *a, struct evm_tx *out);
/* geth's words for a transaction that cannot run. sender may be NULL when its account is unknown. */
void exec_invalid_words(enum evm_invalid why, const struct evm_tx *tx, const struct evm_env *env,
                        const struct evm_account *sender, const char *text, struct fan_error *out);

/* ---- one block ---- */
struct run {
    struct block *block; /* borrowed; its header's number, time, limits … are set; filled by run_finish() */
    const struct chain_config *config;
    enum fork fork;
    struct state_view *parent;
    struct evm_env env;
    struct evm_block *evm;
    struct exec_reader reader;
    struct arena arena; /* the block's */
    struct arena_home scratch;
    struct receipt *receipts; /* on the heap while they grow */
    size_t count, cap;
    struct log *logs;
    size_t log_count, log_cap;
    uint64_t gas_used, blob_gas_used, blob_gas_price_wei;
    struct state_builder *roots; /* before Byzantium: the state after each transaction */
    struct evm_trace *trace;     /* who looks on, as eth_simulateV1 wants it; NULL: nobody */
    const struct local_sink *console; /* who hears of console.log, where nobody looks on; NULL: nobody */
    /* Sees each result before its receipt is kept, and may give it other logs; NULL: nobody. */
    enum fan_status (*result)(void *ctx, struct evm_result *result);
    void *result_ctx;
};

/* Of a block's environment what no header says: a simulation's. */
struct run_more {
    const struct fan_u256 *blob_base_fee_wei; /* NULL: as the header has it */
    const struct evm_precompile_move *moves;
    size_t move_count;
};

/* Rules that are off. */
enum run_terms {
    RUN_STRICT = 0,
    RUN_ANY_SENDER = 1, /* senders may have code (EIP-3607), for impersonated ones */
    RUN_LENIENT = 2,    /* neither nonces nor the base fee count */
    RUN_ANY_GAS = 4     /* a transaction's gas has no cap of its own (EIP-7825) */
};

/* What a header says about what was executed. */
struct run_outcome {
    struct fan_hash state_root, receipts_root, requests_hash;
    struct bloom bloom;
    uint64_t gas_used, blob_gas_used;
};

/* Opens a block on its parent's state and runs what comes before the first transaction. `index` and fresh blocks answer
 * BLOCKHASH. terms: of enum run_terms; more: NULL, or what the header does not say. On failure only
 * run_close() may follow. */
FAN_MUST_CHECK enum fan_status run_open(struct run *r, struct block *block, const struct chain_config *config,
                                        struct state_view *parent, struct blocks *index, struct block *const *fresh,
                                        size_t fresh_count, unsigned terms, const struct run_more *more,
                                        struct fan_error *err);
/* Executes one transaction; on FAN_OK its receipt is kept. FAN_EREJECTED: it cannot run here, nothing changed, *out_why
 * says why and err has geth's words. */
FAN_MUST_CHECK enum fan_status run_tx(struct run *r, const struct tx *tx, enum evm_invalid *out_why,
                                      struct fan_error *err);
/* Withdrawals of the block, requests, rewards; gives the block its receipts and logs. On FAN_OK the caller owns the
 * diff. */
FAN_MUST_CHECK enum fan_status run_finish(struct run *r, struct run_outcome *out, struct state_diff **out_diff,
                                          struct fan_error *err);
/* run_finish() for a block that is made here: gives it these transactions (copied), writes what came out into its
 * header, and completes it. */
FAN_MUST_CHECK enum fan_status run_seal(struct run *r, const struct tx *txs, size_t count, const struct block *parent,
                                        struct state_diff **out_diff, struct fan_error *err);
void run_close(struct run *r); /* zeroed is fine */

#endif
