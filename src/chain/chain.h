/* chain: the one door to Ethereum data.
 *
 * Who stands behind it (a chain we execute, other nodes, a host program) fills a struct chain_ops; hub/, rpc/ and api/ see only these
 * functions. Reading is for any thread: what comes out is immutable and counted. Writing is for the writer, one thread with a
 * queue (chain_write): it alone submits, seals, moves the head, and publishes. (For a short block another thread may take
 * its place: submit_all. "Writer's thread" means whichever is the writer then.)
 *
 *                    chain_write(letter)             watcher->event()
 *   any thread ─────────────────────────► writer ─────────────────────► hub's mailboxes
 *   any thread ── chain_head, _block…, _state… (snapshots, no queue)
 *
 * Promise: before an event reaches a watcher, everything it names can be read through these functions, by number and by hash.
 *
 * Not here: subscriptions (hub/), development controls (chain/dev.h), JSON (api/). */
#ifndef CHAIN_CHAIN_H
#define CHAIN_CHAIN_H

#include <stdatomic.h>

#include "base/mailbox.h"
#include "base/metric.h"
#include "eth/block.h"
#include "eth/filter.h"

/* ---- events ---- */

/* A transaction that waits, immutable and counted; it owns what tx points to. */
struct pending_tx {
    struct ref ref;
    struct arena_home memory;
    struct tx tx;      /* sender known */
    struct slice json; /* its members as a host gave them, the hash among them; then of tx only the hash means something */
};
/* A deep copy of tx, sidecar included, with one reference. tx must be sealed and know its sender. NULL: out of memory. */
struct pending_tx *pending_tx_new(const struct tx *tx);
/* One that a host announced: its hash, and the members of its JSON (copied). NULL: out of memory. */
struct pending_tx *pending_tx_of_host(const struct fan_hash *hash, struct slice json);
void pending_tx_put_json(const struct pending_tx *p, struct json_writer *w); /* geth's pending form */
struct pending_tx *pending_tx_ref(struct pending_tx *p); /* any thread; returns p */
void pending_tx_unref(struct pending_tx *p);             /* any thread; NULL is fine */
/* A deep copy into an arena, as a block or a pending_tx keeps one. FAN_ENOMEM; *out is then undefined. */
FAN_MUST_CHECK enum fan_status chain_tx_copy(const struct tx *tx, bool with_sidecar, struct arena *a, struct tx *out);

enum chain_event_kind { CHAIN_EVENT_HEAD, CHAIN_EVENT_PENDING, CHAIN_EVENT_SYNCING, CHAIN_EVENT_LOGS };

struct chain_sync {
    bool syncing;
    uint64_t starting_block, current_block, highest_block;
};

/* One change, immutable and counted, published once for all. */
struct chain_event {
    struct ref ref;
    enum chain_event_kind kind;
    uint64_t sequence;       /* counts events of this chain, from 1, without holes */
    uint64_t published_ns;   /* monotonic */
    /* HEAD: the canonical chain lost removed[] (newest first) and gained added[] (oldest first); either may be empty, not both.
     * Every block has its receipts. */
    struct block **removed;
    size_t removed_count;
    struct block **added;
    size_t added_count;
    struct block *head;      /* afterwards */
    /* LOGS: a host told logs of a canonical block after the block (chain/host.h). added[0] is that block with these logs
     * alone, whole is it with all it had before and these behind them, head is the head with all its logs. */
    struct block *whole;
    struct pending_tx *pending;
    struct chain_sync sync;
};
/* References on all blocks are taken. NULL: out of memory. */
struct chain_event *chain_event_head_new(struct block *const *removed, size_t removed_count, struct block *const *added, size_t added_count,
                                         struct block *head);
struct chain_event *chain_event_logs_new(struct block *late, struct block *whole, struct block *head);
struct chain_event *chain_event_pending_new(struct pending_tx *p);
struct chain_event *chain_event_syncing_new(const struct chain_sync *s);
struct chain_event *chain_event_ref(struct chain_event *e); /* any thread */
void chain_event_unref(struct chain_event *e);              /* any thread; NULL is fine */

struct chain_watcher {
    void *ctx;
    /* Writer's thread, in order of sequence. Must not block; takes a reference to keep the event. */
    void (*event)(void *ctx, struct chain_event *e);
    struct chain_watcher *next;
};

/* ---- reading state ---- */

/* The state after one block (or the pending one), from chain_state_open(). One thread at a time. */
struct chain_state;

struct chain_account {
    bool exists;
    uint64_t nonce;
    struct fan_u256 balance_wei;
    struct fan_hash code_hash, storage_root;
};

struct chain_slot {
    struct fan_u256 slot, value;
};

struct chain_slot_proof {
    struct fan_u256 value;
    const struct slice *nodes; /* RLP, root first */
    size_t node_count;
};

struct chain_proof {
    struct chain_account account;
    const struct slice *account_nodes; /* RLP, root first */
    size_t account_node_count;
    const struct chain_slot_proof *slots; /* one for each slot asked */
};

/* What differs from the state for the length of one call (geth's stateOverride). */
struct chain_override {
    struct fan_address address;
    bool has_balance, has_nonce, has_code, has_state, has_moved_to; /* has_state: slots replace all storage, else they are laid over it */
    struct fan_u256 balance_wei;
    uint64_t nonce;
    struct slice code;
    struct fan_address moved_to;       /* movePrecompileToAddress */
    const struct chain_slot *slots;
    size_t slot_count;
};

/* eth_call's and eth_estimateGas's request. Absent fields are as geth fills them. */
struct chain_call {
    struct tx tx;                      /* sender, to, value, data, fees, access list …; no signature */
    bool has_gas, has_fee;             /* without a fee the base fee is not asked for */
    uint64_t gas_max;                  /* cap of the server */
    uint64_t deadline_ms;              /* monotonic; 0: none */
    const atomic_bool *stop;           /* once true, from any thread, it is TIMEOUT; NULL: nobody stops it */
    bool tell_console;                 /* whoever prints console.log hears of it, once (eth_call) */
    uint64_t brief_gas;                /* instead of the deadline, TIMEOUT by what the call does (evm.h); 0: not brief */
    const struct chain_override *overrides;
    size_t override_count;
    bool has_number, has_timestamp, has_gas_limit, has_base_fee, has_beneficiary, has_prev_randao; /* block overrides */
    uint64_t number, timestamp, gas_limit, base_fee_wei;
    struct fan_address beneficiary;
    struct fan_hash prev_randao;
    bool has_blob_base_fee;
    struct fan_u256 blob_base_fee_wei;
};

enum chain_call_status {
    CHAIN_CALL_SUCCESS,
    CHAIN_CALL_REVERT,
    CHAIN_CALL_HALT,
    CHAIN_CALL_INVALID,
    CHAIN_CALL_TIMEOUT,
    CHAIN_CALL_TOO_LARGE /* a trace that does not fit */
};

struct chain_call_result {
    enum chain_call_status status;
    struct slice output;               /* return or revert data; in the call's arena */
    uint64_t gas_used, gas_spent_max;
    struct slice text;                 /* HALT, INVALID: geth's words */
    const struct tx_access *access;    /* when an access list was asked for */
    size_t access_count;
};

/* ---- traces ---- */

/* geth's tracers: the struct logger, callTracer, flatCallTracer, prestateTracer, 4byteTracer, noopTracer, muxTracer. */
enum chain_tracer {
    CHAIN_TRACE_STEPS,
    CHAIN_TRACE_CALLS,
    CHAIN_TRACE_FLAT_CALLS,
    CHAIN_TRACE_PRESTATE,
    CHAIN_TRACE_FOUR_BYTE,
    CHAIN_TRACE_NOOP,
    CHAIN_TRACE_MUX
};

/* What a tracer shall tell; the fields are evm_trace_config's (evm/evm.h), which has their meaning. */
struct chain_tracer_config {
    enum chain_tracer tracer;
    bool with_memory, no_stack, no_storage, with_return_data; /* STEPS; no_storage also PRESTATE */
    bool only_top_call, with_log;                             /* CALLS */
    bool parity_errors, parity, with_precompiles;             /* FLAT_CALLS */
    bool diff, no_code, with_empty;                           /* PRESTATE */
    uint64_t limit;                                           /* STEPS, bytes; 0: none */
    struct slice name;                                        /* as a part of MUX */
    const struct chain_tracer_config *parts;                  /* MUX */
    size_t part_count;
};

/* What to trace, and who takes the traces. */
struct chain_trace {
    struct chain_tracer_config config;
    uint64_t timeout_ms; /* for each transaction; 0: none. Those that are replayed have it together */
    const atomic_bool *stop; /* as a call's; instead of its call's own */
    size_t size_max;     /* of what a tracer keeps, in bytes of its text, roughly; 0: no limit */
    size_t replay;       /* so many transactions of the block run first, untraced */
    size_t count;        /* so many that follow are traced; with a call none is */
    const struct chain_call *call; /* traced instead of transactions; NULL: none */
    bool within;                   /* the call runs inside the block, behind the replayed transactions: s is the parent's state */
    struct chain_state **out_after; /* the state that the call left goes there, opened, once it has run (up to HALT); NULL: nowhere */
    void *ctx;
    bool (*begin)(void *ctx, size_t index);           /* a transaction's trace follows; may be NULL */
    bool (*put)(void *ctx, struct slice json);        /* a piece of it, as it is made; false: no more */
    bool (*end)(void *ctx, size_t index);             /* it was whole; may be NULL */
};

/* ---- simulations (eth_simulateV1) ---- */

struct chain_sim_call {
    struct tx tx; /* without a signature; what is absent is filled in: the sender's nonce, the gas the block has left */
    bool has_nonce, has_gas;
};

struct chain_sim_block {
    struct chain_call terms; /* its overrides of state and block; number and timestamp are always there */
    struct fan_hash beacon_root;
    const struct withdrawal *withdrawals;
    size_t withdrawal_count;
    struct chain_sim_call *calls;
    size_t call_count;
};

struct chain_sim_result {
    enum chain_call_status status; /* SUCCESS, REVERT or HALT */
    bool gas_capped;               /* by gas_max, below what was asked for */
    struct slice output, text;     /* text: why it halted */
    uint64_t gas_used, gas_spent_max;
    struct log *logs; /* with the block's number and hash, the transaction's, and their indices */
    size_t log_count;
};

/* Why no answer came. */
enum chain_sim_refusal {
    CHAIN_SIM_FINE,
    CHAIN_SIM_NONCE_LOW,
    CHAIN_SIM_NONCE_HIGH,
    CHAIN_SIM_FEE_LOW,
    CHAIN_SIM_INTRINSIC_GAS,
    CHAIN_SIM_FUNDS,
    CHAIN_SIM_BLOCK_GAS,
    CHAIN_SIM_SENDER_CODE,
    CHAIN_SIM_INITCODE,
    CHAIN_SIM_FEES_UNFIT, /* a tip above its cap */
    CHAIN_SIM_OTHER,
    CHAIN_SIM_TIMEOUT,
    CHAIN_SIM_TOO_LARGE
};

struct chain_simulation {
    const struct chain_sim_block *blocks; /* numbers and timestamps ascend */
    size_t block_count;
    bool trace_transfers, validation;
    uint64_t gas_max;     /* of all calls together; 0: no limit */
    uint64_t deadline_ms; /* monotonic; 0: none */
    const atomic_bool *stop; /* as a call's */
    size_t size_max;      /* of what one call's logs may take, roughly; 0: no limit */
    void *ctx;
    /* Each block once it is whole, on the caller's thread; false: no more. */
    bool (*block)(void *ctx, const struct block *b, const struct chain_sim_result *results);
};

/* ---- the pool ---- */

struct chain_fees {
    uint64_t gas_price_wei, priority_fee_wei; /* suggestions: eth_gasPrice, eth_maxPriorityFeePerGas */
    uint64_t blob_base_fee_wei;               /* of the next block */
    uint64_t next_base_fee_wei;
};

struct chain;

struct chain_remote; /* chain/remote.h */

/* A transaction on its way into the pool and, where blocks come at once, into one. */
struct chain_submission {
    const struct tx *tx; /* sender known; borrowed until done() */
    /* Writer's thread: the outcome is there, as submit gives it, and *s the sender's again. */
    void (*done)(struct chain_submission *s);
    enum fan_status status;
    struct fan_hash hash;
    struct fan_error err;
    /* The chain's. */
    struct chain *chain;
    struct letter letter;
};

/* What stands behind the door. NULL entries answer FAN_EUNSUPPORTED. */
struct chain_ops {
    /* Any thread. Each gives out a reference. */
    enum fan_status (*head)(struct chain *c, struct block **out);
    enum fan_status (*finalized)(struct chain *c, struct block **out_safe, struct block **out_finalized);
    enum fan_status (*block_by_number)(struct chain *c, uint64_t number, struct block **out);
    enum fan_status (*block_by_hash)(struct chain *c, const struct fan_hash *hash, bool *out_canonical, struct block **out);
    enum fan_status (*tx_by_hash)(struct chain *c, const struct fan_hash *hash, struct block **out, size_t *out_index);
    enum fan_status (*pending_by_hash)(struct chain *c, const struct fan_hash *hash, struct pending_tx **out);
    /* Logs of canonical blocks from … to that match, in order; at most count_max, beyond it FAN_ELIMIT with *out_fits the last block whose logs all fit.
     * each() is called on the caller's thread; the log is borrowed. */
    enum fan_status (*logs)(struct chain *c, const struct filter *f, uint64_t from, uint64_t to, size_t count_max,
                            enum fan_status (*each)(void *ctx, const struct log *l), void *ctx, uint64_t *out_fits);
    /* For who walks up the chain looking for logs: the next canonical block above `at` (NULL: from the first on), at most
     * number `to`, that may hold a match; where none does, the last one looked at, so that the walk gets on. All between
     * it and `at` hold none. FAN_ENOTFOUND: nothing is above; FAN_ESTALE: `at` is not canonical. NULL: ask block by block. */
    enum fan_status (*logs_next)(struct chain *c, const struct filter *f, const struct block *at, uint64_t to, struct block **out);
    enum fan_status (*state_open)(struct chain *c, const struct block *at, struct chain_state **out); /* FAN_ENOTFOUND: pruned; FAN_ESTALE */
    void (*state_close)(struct chain *c, struct chain_state *s);
    enum fan_status (*account)(struct chain_state *s, const struct fan_address *a, struct chain_account *out);
    enum fan_status (*slot)(struct chain_state *s, const struct fan_address *a, const struct fan_u256 *slot, struct fan_u256 *out);
    enum fan_status (*code)(struct chain_state *s, const struct fan_hash *code_hash, struct arena *a, struct slice *out);
    /* Everything there is, in order of address (of slot); false from each() ends the walk with FAN_OK. FAN_EUNSUPPORTED:
     * on a fork, since the other node does not tell what it has. */
    enum fan_status (*walk_accounts)(struct chain_state *s, bool (*each)(void *ctx, const struct fan_address *a, const struct chain_account *account), void *ctx);
    enum fan_status (*walk_slots)(struct chain_state *s, const struct fan_address *a, bool (*each)(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value), void *ctx);
    enum fan_status (*proof)(struct chain_state *s, const struct fan_address *a, const struct fan_u256 *slots, size_t slot_count, struct arena *arena,
                             struct chain_proof *out);
    /* Executes on the state and forgets the changes. `at` is the block the state is of; pending: as if in the block after it. */
    enum fan_status (*call)(struct chain_state *s, const struct block *at, const struct chain_call *call, bool want_access, struct arena *a,
                            struct chain_call_result *out, struct fan_error *err);
    /* Executes transactions of block b, or a call in it, on the state s and tells of them through `how`. s is the
     * parent's state, but for a call that is not `within`: the state it runs on. out->status says how it
     * ended; what was put is whole only when that is SUCCESS, REVERT or HALT (the last transaction's; those before
     * were told by end()). The block's own transactions must have known senders. */
    enum fan_status (*trace)(struct chain_state *s, const struct block *b, const struct chain_trace *how, struct arena *a,
                             struct chain_call_result *out, struct fan_error *err);
    /* Executes blocks on top of `base`, whose state is s, and forgets them. FAN_EREJECTED: *out_why and err say why. */
    enum fan_status (*simulate)(struct chain_state *s, const struct block *base, const struct chain_simulation *sim,
                                enum chain_sim_refusal *out_why, struct fan_error *err);
    void (*fees)(struct chain *c, struct chain_fees *out);
    void (*sync)(struct chain *c, struct chain_sync *out);
    const struct chain_config *(*config)(struct chain *c);
    /* Any thread. The node this chain is forked from, a reference; NULL: it is no fork. Block `remote->block` and all before
     * it are that node's to tell, and reading state may wait for the network: not on a worker's loop. NULL entry: never. */
    struct chain_remote *(*remote)(struct chain *c);
    /* Any thread. What submit does, for several in their order, on the writer or right here: where the writer is idle and
     * nothing can take long, the caller takes its place. Each is the chain's until its done() is called, perhaps before
     * this returns. Where blocks come at once, transactions of different senders that wait together share one. */
    void (*submit_all)(struct chain *c, struct chain_submission *const *s, size_t count);
    /* Any thread. What this kind of chain counts beside struct chain_stats: each of its tables and the struct it is of.
     * NULL entry: nothing. */
    void (*metrics)(struct chain *c, void (*each)(void *ctx, const struct metric_table *t, const void *stats), void *ctx);

    /* Writer's thread. */
    /* Puts a transaction into the pool (sender known; copied) and, where blocks come at once, seals it. FAN_EREJECTED with geth's words in err.
     * *out_hash is its hash. When it returns FAN_OK after an instant block, that block can be read and was published. */
    enum fan_status (*submit)(struct chain *c, const struct tx *tx, struct fan_hash *out_hash, struct fan_error *err);
    uint64_t (*pending_nonce)(struct chain *c, const struct fan_address *a);
    /* The block that would be sealed now, with receipts; a reference; the header's hash counts as unknown to clients. */
    enum fan_status (*pending_block)(struct chain *c, struct block **out);
    enum fan_status (*pending_state_open)(struct chain *c, struct chain_state **out);
    /* Every waiting transaction, executable ones first by sender and nonce; each() borrows. */
    void (*pool_walk)(struct chain *c, void (*each)(void *ctx, const struct pending_tx *p, bool executable), void *ctx);
};

struct chain_dev_ops; /* chain/dev.h */

/* What is counted: whoever publishes counts, any thread may read. */
struct chain_stats {
#include "base/metric_fields.def"

#include "chain/metrics.def"
};
extern const struct metric_table chain_metrics;

/* The implementation embeds this as its first member. */
struct chain {
    const struct chain_ops *ops;
    const struct chain_dev_ops *dev;   /* NULL: no development methods */
    struct chain_watcher *watchers;    /* changed only while the writer does not run */
    struct mailbox *writer;            /* the writer's queue */
    _Atomic uint64_t head_number;      /* for eth_blockNumber: stored before the event is published */
    _Atomic bool forked;               /* ops->remote() has an answer */
    uint64_t sequence;                 /* writer's */
    struct chain_stats stats;
};

/* Before the writer starts. The watcher stays until chain_unwatch(). */
void chain_watch(struct chain *c, struct chain_watcher *w);
/* Before the writer starts, or once it has stopped. One that does not watch is fine. */
void chain_unwatch(struct chain *c, struct chain_watcher *w);
/* Any thread: runs the letter on the writer, in order of arrival. */
void chain_write(struct chain *c, struct letter *l);
/* The head as it is before the first event. Before the writer starts. */
void chain_count_head(struct chain *c, const struct block *head);
/* Writer's thread: stamps the event, tells every watcher, drops the caller's reference. NULL is ignored. */
void chain_publish(struct chain *c, struct chain_event *e);

#endif
