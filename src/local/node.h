/* node: the inside of struct local, for the files of this folder.
 *
 * Who owns what: `config`, `genesis` and the accounts never change; `index`, `state` and the pool's table by hash have
 * their own locks and serve any thread; `sync` has a lock of its own; everything else belongs to the writer.
 *
 * Whatever moves the head goes through head_move() (head.c): a sealed block, an import, a reorg, a revert. So there is
 * one place that keeps the promise that what an event names can be read before anybody hears of it. */
#ifndef LOCAL_NODE_H
#define LOCAL_NODE_H

#include <pthread.h>

#include "local/blocks.h"
#include "local/exec.h"
#include "local/intake.h"
#include "local/keep.h"
#include "local/local.h"
#include "local/pool.h"
#include "local/sidecars.h"
#include "local/state.h"

enum { REORG_BLOCKS_MAX = 128 };

/* What has just come into the pool, and wants its block at once. */
struct come {
    struct chain_submission *const *of;
    size_t count;
    struct chain_submission *broken; /* the one on which making the block failed; NULL: none of them */
};

/* What the next block is to be like, beyond what follows from its parent. */
struct seal_plan {
    uint64_t timestamp;
    struct come *come; /* an instant block, see builder_instant(); NULL: what pays most comes first */
    bool only_given;   /* the block holds these, in this order, and nothing from the pool */
    const struct chain_reorg_tx *given;
    size_t given_count;
    bool has_base_fee, has_prev_randao;
    uint64_t base_fee_wei;
    struct fan_hash prev_randao;
};

struct snapshot {
    uint64_t id, version, number, arrivals;
    int64_t time_offset_s;
};

struct rules {
    struct chain_config config;
    struct rules *before; /* those it replaced */
};

/* What is counted beside the chain's own (metrics.def). */
struct local_stats {
#include "base/metric_fields.def"

#include "local/metrics.def"
};

struct local {
    struct chain chain; /* first: the door */
    struct local_stats stats;
    /* The rules; what is there never changes, but a reset to another ground puts others in their place. All that ever
     * were stay, since readers hold no count. */
    _Atomic(struct rules *) rules;
    struct local_ground ground;
    struct fan_address *accounts;
    uint8_t (*secrets)[32];
    size_t account_count;
    struct local_sink sink;
    uint64_t (*wall_s)(void *ctx);
    void *wall_ctx;
    uint64_t priority_fee_wei;
    bool dev, clock_from_genesis, impersonate_all_first, block_per_transaction;
    uint64_t block_txs_max, history_blocks;
    uint64_t epoch_blocks;
    uint8_t extra_data[32];
    size_t extra_data_len;

    struct blocks index;
    struct state_db *state;
    struct keep *keep; /* NULL: all in memory */
    struct pool pool;

    /* The writer and its queue. Whoever holds the place is the writer: its thread while it works, another for the
     * moment of a short block or two (submit_all()). */
    struct mailbox box;
    pthread_mutex_t place;
    struct letter *taken, **taken_end; /* out of the box and not run yet: before what is in it. The place's holder's */
    int wake_fd;
    pthread_t thread;
    bool started;
    _Atomic bool stopping;

    pthread_mutex_t sync_lock;
    struct chain_sync sync;
    bool importing;                   /* the writer's: nothing is sealed meanwhile, what is sent waits in the pool */
    _Atomic uint64_t imported_number; /* the head after the last import: safe and finalized never fall behind it */

    /* The writer's. */
    bool automine;
    uint64_t interval_ms, due_ns;
    struct fan_address coinbase;
    uint64_t gas_limit; /* 0: as the parent's */
    int64_t time_offset_s;
    uint64_t next_timestamp; /* 0: none set */
    bool has_timestamp_interval;
    uint64_t timestamp_interval_s;
    struct fan_address coinbase_first; /* as it was opened with: where a reset goes back to */
    uint64_t gas_limit_first;
    bool has_next_base_fee, has_next_prev_randao;
    uint64_t next_base_fee_wei;
    struct fan_hash next_prev_randao;
    uint64_t
        turns; /* how often the chain turned back: goes into prevRandao, so that a block made again is another one */
    struct snapshot *snapshots;
    size_t snapshot_count, snapshot_cap;
    uint64_t snapshot_ids;
    struct sidecars sidecars;
    struct map impersonated; /* a set of addresses */
    bool impersonate_all;
    struct built pending; /* what would be sealed now; block NULL: not built */
    struct state_view *pending_parent;
    uint64_t pending_changes; /* the pool's count when it was built */
    uint64_t pending_timestamp;
};

static inline struct local *local_of(struct chain *c)
{
    return (struct local *)(void *)c;
}

static inline const struct chain_config *config_of(const struct local *l)
{
    struct local *unconst = (struct local *)(uintptr_t)l; /* clang loads no atomic that is const */

    return &atomic_load_explicit(&unconst->rules, memory_order_acquire)->config;
}

extern const struct chain_ops LOCAL_OPS;         /* ops.c */
extern const struct chain_dev_ops LOCAL_DEV_OPS; /* dev.c */

/* ---- local.c ---- */
/* Any thread: the writer looks at its box. */
void local_wake(struct local *l);
/* Whoever has the writer's place: tells how many transactions wait. */
void local_count_pool(struct local *l);

/* ---- genesis_build.c ---- */
/* An empty state; on a fork it lies over the other node's. */
FAN_MUST_CHECK enum fan_status genesis_open_state(struct chain_remote *remote, uint64_t history_blocks, struct state_db **out);
/* Block 0 and its state, or on a fork the other node's block and the accounts over its state, in the place of all that
 * was there: blocks, state and rules change as one; into the store where there is one. Nothing changed on failure. */
FAN_MUST_CHECK enum fan_status genesis_build(struct local *l, const struct genesis *g, struct chain_remote *remote,
                                             struct fan_error *err);

/* The same for other ground, from scratch, with nothing of l changed yet. */
struct ground {
    struct state_db *state;
    struct block *block; /* a reference */
    struct rules *rules;
};
FAN_MUST_CHECK enum fan_status genesis_prepare(const struct genesis *g, struct chain_remote *remote,
                                               uint64_t history_blocks, struct ground *out, struct fan_error *err);
void ground_fini(struct ground *g); /* zeroed is fine */
/* Rules with another chain id. */
FAN_MUST_CHECK enum fan_status rules_replace(struct local *l, const struct chain_config *config);

/* ---- reopen.c ---- */
/* State, keeper and head from the store; a store without a chain leaves the index empty. */
FAN_MUST_CHECK enum fan_status reopen(struct local *l, const struct local_options *o, struct fan_error *err);

/* ---- head.c ---- */
/* Makes the chain end in `added` above block `keep`: blocks behind keep leave, the state goes back to `version` (0: the
 * last one of block keep), then each of added is committed. Publishes, lets the pool follow, announces what became
 * executable. Nothing changed on failure, except that a commit which fails after a rewind leaves the shorter chain,
 * which is then published. sealed: tell the sink. */
FAN_MUST_CHECK enum fan_status head_move(struct local *l, uint64_t keep, uint64_t version, const struct built *added,
                                         size_t count, bool sealed, struct fan_error *err);
/* The writer's own look at the head; borrowed until the head moves. */
struct block *head_peek(struct local *l);
/* The account after the head as the pool and the builder need it; false when it could not be read. */
bool head_account(struct local *l, const struct fan_address *a, uint64_t *nonce, struct fan_u256 *balance);
/* An edit of the state from outside, committed on top of the head; the pool follows. */
FAN_MUST_CHECK enum fan_status head_edit(struct local *l, enum fan_status (*edit)(void *ctx, struct state_builder *b),
                                         void *ctx);
/* Publishes the pending event of each executable transaction that had none yet, senders in order of arrival. */
void head_announce(struct local *l);

/* ---- builder.c ---- */
/* The time the next block would bear now. */
uint64_t builder_timestamp(struct local *l);
/* Takes what was set for the next block alone (timestamp, base fee, prevRandao) out of l and into a plan. */
struct seal_plan builder_take_plan(struct local *l);
/* The clock as at the start: the system's, or as far behind it as the first block was made to be. */
void builder_set_clock(struct local *l);
/* Executes a block of the pool's transactions on a parent. fresh: the blocks between the canonical chain and the
 * parent, oldest first, the parent the last of them. Transactions that can never run are dropped from the pool when
 * `drop` is set. */
FAN_MUST_CHECK enum fan_status builder_build(struct local *l, const struct block *parent,
                                             struct state_view *parent_view, struct block *const *fresh,
                                             size_t fresh_count, const struct seal_plan *plan, bool drop,
                                             struct built *out, struct fan_error *err);
/* Builds on the head and makes it the head. */
FAN_MUST_CHECK enum fan_status builder_seal(struct local *l, const struct seal_plan *plan, struct fan_error *err);
/* Seals at once what waits, as when automine is switched on, until nothing fits any more. */
FAN_MUST_CHECK enum fan_status builder_automine(struct local *l, struct fan_error *err);
/* The same because these have come, which are in the pool: a block takes the next transaction of each sender, in order of
 * arrival (l->block_per_transaction: one in all). One that cannot run leaves the pool, and its submission says why; the
 * others have their block nevertheless. FAN_OK but where what failed was no single transaction. */
FAN_MUST_CHECK enum fan_status builder_instant(struct local *l, struct chain_submission *const *come, size_t count,
                                               struct fan_error *err);
/* The block that would be sealed now, made again only when something changed. Borrowed: l->pending. */
FAN_MUST_CHECK enum fan_status builder_pending(struct local *l, struct fan_error *err);
void builder_forget_pending(struct local *l);
/* A block that nobody waits for could not be made: counted and traced, since there is no caller to tell. */
void builder_count_failure(struct local *l);

/* ---- pool_check.c ---- */
/* May this transaction wait here? Else FAN_EREJECTED with geth's words. unsigned_sender: impersonated, no signature to
 * check. */
FAN_MUST_CHECK enum fan_status pool_check(struct local *l, const struct tx *tx, bool unsigned_sender,
                                          struct fan_u256 *out_cost, uint64_t *out_nonce, struct fan_u256 *out_balance,
                                          struct fan_error *err);
/* ---- submit.c ---- */
FAN_MUST_CHECK enum fan_status submit(struct local *l, const struct tx *tx, bool unsigned_sender,
                                      struct fan_hash *out_hash, struct fan_error *err);
/* As chain_ops.submit_all. */
void submit_all(struct local *l, struct chain_submission *const *s, size_t count);
/* Whoever has the writer's place: runs the letters that have come, and submissions that follow one another together.
 * Returns whether there were any. */
bool submit_run_letters(struct local *l);

/* ---- call.c ---- */
struct chain_state {
    struct local *local;
    struct state_db *db; /* a reference: a reset to another fork may replace it */
    struct state_view *view;
    struct block *pending; /* the state is that of a block not yet sealed: this one; NULL otherwise */
};
/* The environment and the transaction of a call; what is absent is filled in. `at` is the block the state is of. */
void call_env(const struct chain_state *s, const struct block *at, const struct chain_call *call, struct evm_env *env);
void call_tx(const struct chain_state *s, const struct chain_call *call, const struct evm_env *env, struct tx *out);
/* What came out, copied into the arena, since all that `from` points to dies soon. */
FAN_MUST_CHECK enum fan_status call_take_result(struct exec_reader *reader, const struct evm_env *env,
                                                const struct evm_tx *tx, const struct evm_result *from, struct arena *a,
                                                struct chain_call_result *out, struct fan_error *err);
enum fan_status call_run(struct chain_state *s, const struct block *at, const struct chain_call *call, bool want_access,
                         struct arena *a, struct chain_call_result *out, struct fan_error *err);

/* ---- trace.c ---- */
enum fan_status trace_run(struct chain_state *s, const struct block *b, const struct chain_trace *how, struct arena *a,
                          struct chain_call_result *out, struct fan_error *err);

/* ---- simulate.c ---- */
enum fan_status simulate_run(struct chain_state *s, const struct block *base, const struct chain_simulation *sim,
                             enum chain_sim_refusal *out_why, struct fan_error *err);

/* ---- fees.c ---- */
void fees_suggest(struct chain *c, struct chain_fees *out);
/* ---- logs.c ---- */
enum fan_status logs_scan(struct chain *c, const struct filter *f, uint64_t from, uint64_t to, size_t count_max,
                          enum fan_status (*each)(void *ctx, const struct log *l), void *ctx, uint64_t *out_fits);
enum fan_status logs_next(struct chain *c, const struct filter *f, const struct block *at, uint64_t to,
                          struct block **out);

/* ---- import.c: a run of blocks, one by one. The writer's. */
struct import {
    struct local *local;
    struct intake *in;
    struct local_import_watch watch;
    struct local_import_progress progress;
    uint64_t from; /* the head when it began */
    bool begun;    /* the file could be opened, and watchers know that we sync */
};
void import_begin(struct import *i, struct local *l, struct intake *in, const struct local_import_watch *watch);
/* FAN_OK: one more; FAN_ENOTFOUND: that was all; else why it ends, in err too. */
FAN_MUST_CHECK enum fan_status import_one(struct import *i, struct fan_error *err);
void import_end(struct import *i, struct local_import_result *out); /* closes the intake */

/* ---- dev_turn.c: what turns the chain back ---- */
uint64_t turn_snapshot(struct chain *c);
bool turn_revert(struct chain *c, uint64_t id);
enum fan_status turn_reorg(struct chain *c, uint64_t depth, const struct chain_reorg_tx *txs, size_t count,
                           struct fan_error *err); /* dev_reorg.c */
/* Can so many blocks be taken back? */
FAN_MUST_CHECK enum fan_status turn_check_depth(struct local *l, uint64_t depth, struct fan_error *err);
/* dev.c: seals an impersonated sender's transaction with a signature that no key made. */
FAN_MUST_CHECK enum fan_status dev_sign_as_sender(struct tx *tx, struct arena *a);
enum fan_status turn_rollback(struct chain *c, uint64_t depth, struct fan_error *err);
enum fan_status turn_reset(struct chain *c, struct fan_error *err);
enum fan_status turn_reset_onto(struct chain *c, struct chain_remote *remote, struct fan_error *err);

/* ---- dev_dump.c: chain/dev.h ---- */
enum fan_status dump_walk(struct chain *c, enum fan_status (*each)(void *ctx, const struct genesis_account *account),
                          void *ctx);
enum fan_status dump_load(struct chain *c, const struct genesis_account *accounts, size_t count);

#endif
