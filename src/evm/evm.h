/* evm: the border between C and the Rust leaf that executes transactions.
 *
 * The leaf (src/evm/leaf, on revm and alloy-evm) knows no store, no socket and no RPC. It is
 * given a block's environment and a reader of state, executes transactions one after the
 * other, and gives back, for each, a result and what it changed. C computes roots, receipts and
 * headers from that. Nothing unwinds across this border: a panic becomes EVM_FAULT.
 *
 * Every struct below is laid out identically in leaf/src/abi.rs; evm_abi_difference() compares the sizes and
 * offsets that both sides report. All pointers are borrowed: what C passes in must hold until the
 * call returns; what the leaf gives out holds until the next call on the same evm_block, or
 * until evm_outcome_free() for evm_call().
 * Thread: an evm_block belongs to one thread at a time. evm_call() may run on many threads at once;
 * the reader's functions are then called on that same thread.
 * Spec: Yellow Paper section 9; the EIPs of each fork (eth/fork.h). */
#ifndef EVM_EVM_H
#define EVM_EVM_H

#include <stdatomic.h>

#include "base/slice.h"
#include "eth/fork.h"

/* ---- state in ---- */

struct evm_account {
    uint8_t exists; /* 0: no such account; the other fields are then ignored */
    uint64_t nonce;
    struct fan_u256 balance_wei;
    struct fan_hash code_hash; /* keccak of the empty string for an account without code */
    uint8_t has_storage;       /* a slot is not 0: nothing is created over it (EIP-7610) */
};

/* Each returns 0, or 1 to end the execution with EVM_STATE_ERROR (the reader remembers why). */
struct evm_state_reader {
    void *ctx;
    int (*account)(void *ctx, const struct fan_address *address, struct evm_account *out);
    int (*storage)(void *ctx, const struct fan_address *address, const struct fan_u256 *slot,
                   struct fan_u256 *out_value);
    /* The code stays valid until the execution ends (the block, or the call). */
    int (*code)(void *ctx, const struct fan_hash *code_hash, const uint8_t **out_code, size_t *out_len);
    int (*block_hash)(void *ctx, uint64_t number, struct fan_hash *out); /* zero when out of reach */
};

/* ---- the block a transaction runs in ---- */

/* A precompile that is not where it was: covered by an account (is_moved 0), or moved to another address. */
struct evm_precompile_move {
    struct fan_address from;
    uint8_t is_moved;
    struct fan_address to;
};

struct evm_env {
    uint32_t fork; /* enum fork */
    uint64_t chain_id;
    uint64_t number, timestamp, gas_limit, base_fee_wei;
    struct fan_address beneficiary;
    struct fan_u256 difficulty;  /* before the Merge */
    struct fan_hash prev_randao; /* after it */
    uint64_t excess_blob_gas;    /* from Cancun */
    struct blob_params blob;
    struct fan_address deposit_contract; /* from Prague, EIP-6110 */
    uint8_t dao_move;                    /* this very block moves the DAO's balances */
    /* Rules that eth_call and development methods switch off; 0 for blocks. */
    uint8_t no_base_fee;      /* gas price may be below the base fee; in evm_call(), code then sees none at price 0 */
    uint8_t no_balance_check; /* sender need not be able to pay */
    uint8_t no_nonce_check;
    uint8_t no_eoa_check;       /* sender may have code: impersonation, EIP-3607 */
    uint8_t no_block_gas_limit; /* gas may exceed gas_limit, and EIP-7825's cap */
    uint64_t code_size_max;     /* 0: the fork's own */
    uint8_t has_blob_base_fee;  /* the next is meant; else it follows from excess_blob_gas */
    struct fan_u256 blob_base_fee_wei;
    const struct evm_precompile_move *moves; /* borrowed while the block, or the call, is opened */
    size_t move_count;
};

struct evm_access { /* EIP-2930 */
    struct fan_address address;
    const struct fan_hash *slots;
    size_t slot_count;
};

struct evm_authorization { /* EIP-7702; the leaf recovers the authority */
    struct fan_u256 chain_id;
    struct fan_address address;
    uint64_t nonce;
    uint8_t y_parity;
    struct fan_u256 r, s;
};

/* A transaction whose sender is known already: recovered, or impersonated. */
struct evm_tx {
    uint8_t type;         /* 0 … 4 */
    uint8_t is_create;    /* `to` is then ignored */
    uint8_t has_chain_id; /* 0 for legacy transactions before EIP-155 */
    struct fan_address sender, to;
    uint64_t nonce, gas_limit;
    struct fan_u256 value_wei;
    struct fan_u256 gas_price_wei;    /* type 0 and 1; maxFeePerGas from type 2 on */
    struct fan_u256 priority_fee_wei; /* from type 2 on */
    struct fan_u256 blob_fee_max_wei; /* type 3 */
    uint64_t chain_id;
    const uint8_t *data;
    size_t data_len;
    const struct evm_access *access;
    size_t access_count;
    const struct fan_hash *blob_hashes;
    size_t blob_count;
    const struct evm_authorization *authorizations;
    size_t authorization_count;
};

/* ---- what came out ---- */

enum evm_status {
    EVM_SUCCESS,     /* status 1 */
    EVM_REVERT,      /* status 0, output is the revert data */
    EVM_HALT,        /* status 0, all gas used; `text` says why: "out of gas", "invalid opcode: …" as geth words it */
    EVM_INVALID,     /* not executable in this block; nothing changed. `invalid` says why, `text` adds detail */
    EVM_STATE_ERROR, /* the reader failed; nothing changed */
    EVM_TIMEOUT,     /* evm_call(), evm_block_trace(), and behind evm_block_until() */
    EVM_FAULT,       /* the leaf panicked or ran into its own error; `text` says where. The block must be closed */
    EVM_STOPPED      /* evm_block_trace() only: the trace is too large, or put() wanted no more; nothing changed */
};

/* Why a transaction is EVM_INVALID. The words for people are made in C, as geth words them; `text` is "minimum needed
 * N" for INTRINSIC_GAS and FLOOR_GAS. */
enum evm_invalid {
    EVM_INVALID_OTHER, /* `text` alone says it; also a deposit event no block may hold (EIP-6110) */
    EVM_INVALID_NONCE_TOO_LOW,
    EVM_INVALID_NONCE_TOO_HIGH,
    EVM_INVALID_NONCE_MAX,
    EVM_INVALID_FUNDS,
    EVM_INVALID_FEE_BELOW_BASE,
    EVM_INVALID_TIP_ABOVE_FEE,
    EVM_INVALID_GAS_LIMIT_BLOCK, /* more gas than the block has left */
    EVM_INVALID_GAS_LIMIT_CAP,   /* EIP-7825 */
    EVM_INVALID_INTRINSIC_GAS,
    EVM_INVALID_FLOOR_GAS, /* EIP-7623 */
    EVM_INVALID_SENDER_HAS_CODE,
    EVM_INVALID_INITCODE_SIZE,
    EVM_INVALID_CHAIN_ID,
    EVM_INVALID_TYPE,       /* not in this fork */
    EVM_INVALID_BLOB_FEE,   /* below the block's blob base fee */
    EVM_INVALID_BLOB_COUNT, /* more than a transaction may have, or than the block has left */
    EVM_INVALID_BLOB_EMPTY,
    EVM_INVALID_BLOB_CREATE,
    EVM_INVALID_BLOB_VERSION,
    EVM_INVALID_AUTH_EMPTY,
    EVM_INVALID_AUTH_CREATE
};

struct evm_log {
    struct fan_address address;
    const struct fan_hash *topics;
    size_t topic_count;
    const uint8_t *data;
    size_t data_len;
};

struct evm_slot_change {
    struct fan_u256 slot, old_value, new_value;
};

/* One account that differs from before: the diff holds no account and no slot that ended as it began. */
struct evm_account_change {
    struct fan_address address;
    uint8_t existed, exists; /* before, after */
    /* All its storage from before, if it had any, is gone; `slots` then holds only what is non-zero since. Set whenever
     * an account that existed is deleted or created anew, never for one that did not exist. */
    uint8_t storage_wiped;
    uint64_t old_nonce, new_nonce;
    struct fan_u256 old_balance_wei, new_balance_wei;
    struct fan_hash old_code_hash, new_code_hash;
    const uint8_t *new_code; /* NULL when the code hash did not change, or changed to that of no code */
    size_t new_code_len;
    const struct evm_slot_change *slots; /* sorted by slot */
    size_t slot_count;
};

struct evm_diff {
    const struct evm_account_change *accounts; /* sorted by address */
    size_t account_count;
};

struct evm_result {
    uint32_t status;   /* enum evm_status */
    uint32_t invalid;  /* enum evm_invalid, when EVM_INVALID */
    uint64_t gas_used; /* after refunds; what the receipt counts */
    uint64_t gas_refunded;
    uint64_t gas_spent_max; /* before refunds (the peak): a lower bound for estimates */
    const uint8_t *output;  /* return data, revert data, or the deployed code */
    size_t output_len;
    uint8_t created; /* a contract was deployed at `contract` */
    struct fan_address contract;
    const struct evm_log *logs;
    size_t log_count;
    struct evm_diff diff; /* of this transaction alone; empty unless wanted */
    const char *text;     /* NUL-terminated; "" when there is nothing to say */
};

/* ---- executing a block ---- */

struct evm_block;

/* Starts a block on the reader's state. NULL when the leaf failed. What the reader's ctx points to must outlive the
 * block. (Memory that Rust cannot get ends the process, here and below.) */
struct evm_block *evm_block_open(const struct evm_env *env, const struct evm_state_reader *reader);
void evm_block_close(struct evm_block *b); /* NULL is fine; forgets everything */

/* What a fork does before the first transaction: EIP-4788's beacon root and EIP-2935's parent hash
 * (each only where its contract has code), the DAO's move of balances. Either hash may be NULL before its fork.
 * Returns an enum evm_status, like all that follow: EVM_SUCCESS; EVM_STATE_ERROR, and nothing changed; or EVM_FAULT,
 * after which only evm_block_close() does anything. */
uint32_t evm_block_begin(struct evm_block *b, const struct fan_hash *parent_hash,
                         const struct fan_hash *parent_beacon_root);

/* Executes one transaction on top of what the block holds so far. An EVM_INVALID one leaves the block as it was.
 * want_diff: fill out->diff. */
void evm_block_execute(struct evm_block *b, const struct evm_tx *tx, int want_diff, struct evm_result *out);

/* Adds to a balance outside any transaction: withdrawals (EIP-4895), mining rewards. An amount of 0 still touches. */
uint32_t evm_block_credit(struct evm_block *b, const struct fan_address *address, const struct fan_u256 *amount_wei);

/* What a fork does after the last transaction: the system calls of EIP-7002 and EIP-7251. `deposits` are
 * read by the leaf from the logs of the transactions executed so far (EIP-6110). out_requests gets, in order of type,
 * each non-empty request list as type byte ++ data (EIP-7685); *out_count is 0 before Prague. EVM_FAULT, with the
 * reason in *out_text, also when a request contract has no code or fails: both EIPs then call the block invalid. */
struct evm_bytes {
    const uint8_t *at;
    size_t len;
};
uint32_t evm_block_requests(struct evm_block *b, const struct evm_bytes **out_requests, size_t *out_count,
                            const char **out_text);

/* From now on its transactions end with EVM_TIMEOUT, as evm_call() does, and change nothing then: for whoever executes
 * transactions again that a reader asked for. A traced one has a deadline of its own. */
void evm_block_until(struct evm_block *b, uint64_t deadline_ms, const atomic_bool *stop);

/* All that the block changed, merged; borrowed until the block closes or changes again. */
uint32_t evm_block_diff(struct evm_block *b, struct evm_diff *out);

/* Takes back to a mark: undoing the last transactions while a block is being built. A mark may be used again until the
 * block is taken back behind it. */
uint32_t evm_block_mark(struct evm_block *b, size_t *out_mark);
uint32_t evm_block_rewind(struct evm_block *b, size_t mark);

/* ---- traces ---- */

/* geth's tracers by what they tell: the struct logger, callTracer, flatCallTracer, prestateTracer, 4byteTracer,
 * noopTracer, muxTracer. */
enum evm_tracer {
    EVM_TRACE_STEPS,
    EVM_TRACE_CALLS,
    EVM_TRACE_FLAT_CALLS,
    EVM_TRACE_PRESTATE,
    EVM_TRACE_FOUR_BYTE,
    EVM_TRACE_NOOP,
    EVM_TRACE_MUX,
    EVM_TRACE_TRANSFERS /* no text: the result's logs hold ether's moves too, as eth_simulateV1 tells them */
};

struct evm_trace_config {
    uint32_t tracer;                                             /* enum evm_tracer; nothing else */
    uint8_t with_memory, no_stack, no_storage, with_return_data; /* STEPS; no_storage also PRESTATE */
    uint8_t only_top_call, with_log;                             /* CALLS */
    uint8_t parity_errors, parity, with_precompiles; /* FLAT_CALLS; parity: as OpenEthereum's trace module tells them,
                                                        gas the frame's own, the result of a failure null */
    uint8_t diff, no_code, with_empty;                           /* PRESTATE */
    uint64_t limit;      /* STEPS: once so many bytes of steps are written, no further step is; 0: none */
    const uint8_t *name; /* what the result is called in MUX's; UTF-8 */
    size_t name_len;
    const struct evm_trace_config *parts; /* MUX: what it is made of; the struct logger cannot be a part */
    size_t part_count;
};

struct evm_trace {
    struct evm_trace_config config;
    uint64_t deadline_ms;    /* monotonic; 0: none */
    const atomic_bool *stop; /* as evm_call_options has it */
    size_t size_max;      /* of what is kept until the end, in bytes of its text, roughly; 0: no limit */
    uint8_t want_diff;    /* fill out->diff */
    uint8_t is_call;      /* as evm_call() does, let code see no base fee where the call names no price */
    struct fan_hash block_hash, tx_hash; /* FLAT_CALLS says them; zero: null */
    uint64_t block_number, tx_index;
    void *ctx;
    /* Takes a piece of the trace's JSON, some tens of kilobytes; other than 0: no more. On the caller's thread. The
     * struct logger's pieces come while the transaction runs, in this order: structLogs, gas, failed, returnValue. */
    int (*put)(void *ctx, const uint8_t *at, size_t len);
};

/* Executes one transaction like evm_block_execute(), in the block's state, and tells of it. What has been put is one
 * whole JSON value only when the status is EVM_SUCCESS, EVM_REVERT or EVM_HALT; else nothing changed in the block.
 * Costs several times an execution, and memory by the tracer: STEPS keeps only the storage it has seen. */
void evm_block_trace(struct evm_block *b, const struct evm_tx *tx, const struct evm_trace *how, struct evm_result *out);

/* ---- calls that change nothing ---- */

struct evm_outcome; /* owns what a result points to */

/* Executes tx on the reader's state and forgets the changes. deadline_ms (monotonic clock; 0: none) ends it
 * with EVM_TIMEOUT: some hundreds of microseconds late, or by what a single step takes. A precompile under way is let
 * finish; one whose price says that it takes longer than is left is not begun. *out_access, if wanted, is the access list that the call
 * touched (EIP-2930; sorted; sender, target, precompiles and authorities only where slots of theirs were touched).
 * Never NULL: a failure of the leaf is EVM_FAULT. */
struct evm_call_options {
    uint64_t deadline_ms;
    const atomic_bool *stop; /* once true, from any thread, it ends with EVM_TIMEOUT; NULL: nobody stops it */
    /* Not 0: the call is one that must not take long, and ends with EVM_TIMEOUT, instead of by the clock, where a frame
     * has spent so much gas, or before a step that could take long by itself (8 KiB to hash or to copy, a precompile but
     * the first four). Code goes on for as much as it has between two jumps, state reads, frames. */
    uint64_t brief_gas;
    uint8_t want_access_list;
};
struct evm_outcome *evm_call(const struct evm_env *env, const struct evm_state_reader *reader, const struct evm_tx *tx,
                             const struct evm_call_options *options, struct evm_result *out,
                             const struct evm_access **out_access, size_t *out_access_count);
void evm_outcome_free(struct evm_outcome *o);

/* ---- blobs (EIP-4844, EIP-7594) ---- */

/* Loads the trusted setup and warms its tables, which takes a while: once, off-thread, at start. */
void evm_blob_warm(void);
/* Checks a sidecar against its versioned hashes. version 0: one proof for each blob; version 1: 128 cell proofs for
 * each. Blobs are 131,072 bytes, commitments and proofs 48. Returns 0, or 1 with *out_text (static) saying what does
 * not fit. */
int evm_blob_verify(uint8_t version, const uint8_t *blobs, size_t blob_count, const uint8_t *commitments,
                    const uint8_t *proofs, size_t proof_count, const struct fan_hash *versioned_hashes,
                    const char **out_text);

/* Is there a precompile at this address under the rules of the fork? */
uint8_t evm_is_precompile(uint32_t fork, const struct fan_address *address);

/* ---- the border itself ---- */

/* Sizes, offsets and the numbers of the enums as the leaf sees them, in the order of evm/abi.def; returns how many. */
size_t evm_abi_layout(const size_t **out);
/* Compares that with C's own (abi.c). NULL when both sides agree, or what differs first, static. Any thread; for the
 * start of a program and for the tests. */
const char *evm_abi_difference(void);

#endif
