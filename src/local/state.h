/* state: what every account holds, after every block that is kept.
 *
 *                    state_db
 *   ┌─────────────────────────────────────────┐
 *   │ base ◄── diff ◄── diff ◄── diff (head)  │ ◄── state_builder: the next diff, in the making
 *   │  └ earlier versions of each value       │
 *   └─────────────────────────────────────────┘
 *     state_view: its diffs, newest first, then the base at the version they stand on
 *
 * A *diff* is what one block changed: old and new accounts and slots, new code, changed trie nodes, the new state root.
 * It never changes once built, and is counted. The *base* (state_base.h) holds everything older: in memory here
 * (mem_base.h), LMDB behind the same functions. It keeps the earlier versions of each value too, so history,
 * eth_getProof of old blocks and rewinding need no re-execution. Beyond STATE_DIFFS_MAX diffs the oldest is folded into
 * the base.
 *
 * A *version* counts diffs: 0 is the empty state, 1 the genesis. Mostly a block is one version; edits from outside
 * (anvil_setBalance and its like) add versions with the head's block number. "The state of block N" is the last version
 * with that number, as in anvil: it includes edits made before N+1, and then its root is not the one in N's header.
 * Each version has an id that is never used twice, which is how a view notices that the version it stands on was
 * rewound and replaced: it then answers FAN_ESTALE, never a value of the other branch. An orphaned view goes on
 * answering as long as its own diffs and the version below them are there.
 *
 * Threads: views may be used by any number of threads at once, and no lock is held between two calls. What is marked
 * "writer" belongs to the one thread that changes the chain. Builders belong to their maker. */
#ifndef LOCAL_STATE_H
#define LOCAL_STATE_H

#include "eth/genesis.h"
#include "evm/evm.h"
#include "local/trie.h"

/* Diffs in front of the base. Each costs a lookup one more hash probe (measured in STATE.md). */
enum { STATE_DIFFS_MAX = 2 };
/* And so many where the base is written behind the head, on its own thread (keep.h). */
enum { STATE_DIFFS_BEHIND = 256 };

struct state_account {
    bool exists;      /* false: no such account; the other fields are then zero, KECCAK_EMPTY and KECCAK_EMPTY_TRIE */
    bool own_storage; /* made or emptied here: over a fork, none of its slots is the other node's (fork_base.h) */
    uint64_t nonce;
    struct fan_u256 balance_wei;
    struct fan_hash code_hash, storage_root;
};

/* A moment in the chain's history. */
struct state_point {
    uint64_t version;
    uint64_t id;          /* unique while the process lives; 0 only for version 0 */
    uint64_t number;      /* the block */
    struct fan_hash root; /* of the state there */
};

struct state_db;
struct state_view;
struct state_diff; /* its inside: local/state_diff.h */
struct state_builder;

/* ---- views: the state after one version. Any thread ----
 * Each lookup gives FAN_ESTALE (the view's branch was rewound away and cannot be answered), FAN_ENOTFOUND (history that
 * is no longer kept; for code also an unknown hash), FAN_EIO or FAN_ENOMEM; *out is written only on FAN_OK. What is
 * absent is FAN_OK with an empty value. */
struct state_view *state_view_ref(struct state_view *v);                /* returns v */
void state_view_unref(struct state_view *v);                            /* NULL is fine; the db must still live */
const struct state_point *state_view_point(const struct state_view *v); /* borrowed from the view */

FAN_MUST_CHECK enum fan_status state_view_account(const struct state_view *v, const struct fan_address *address,
                                                  struct state_account *out);
FAN_MUST_CHECK enum fan_status state_view_slot(const struct state_view *v, const struct fan_address *address,
                                               const struct fan_u256 *slot, struct fan_u256 *out);
/* Would that wait for another machine (a fork's)? False also where it cannot be told. */
bool state_view_slot_is_far(const struct state_view *v, const struct fan_address *address, const struct fan_u256 *slot);
/* The code is copied into the arena. KECCAK_EMPTY gives no bytes. */
FAN_MUST_CHECK enum fan_status state_view_code(const struct state_view *v, const struct fan_hash *code_hash,
                                               struct arena *a, struct slice *out);
/* A stored trie node, copied into the arena; len 0 when none is there. */
FAN_MUST_CHECK enum fan_status state_view_node(const struct state_view *v, const struct trie_node_key *key,
                                               struct arena *a, struct slice *out);
/* The view as a source of nodes; borrows the view. */
struct trie_reader state_view_trie(const struct state_view *v);

/* Everything there is, in order of address (of slot). The keys are listed first and looked up one by one, so no lock is
 * held while `each` runs; false from `each` ends the walk with FAN_OK. */
typedef bool (*state_each_account)(void *ctx, const struct fan_address *address, const struct state_account *account);
typedef bool (*state_each_slot)(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value);
FAN_MUST_CHECK enum fan_status state_view_walk_accounts(const struct state_view *v, state_each_account each, void *ctx);
FAN_MUST_CHECK enum fan_status state_view_walk_slots(const struct state_view *v, const struct fan_address *address,
                                                     state_each_slot each, void *ctx);

/* ---- builders: the next diff ----
 * After any failure a builder only accepts state_builder_free(). */
FAN_MUST_CHECK enum fan_status state_builder_new(struct state_view *parent,
                                                 struct state_builder **out); /* holds the parent */
void state_builder_free(struct state_builder *b);                             /* NULL is fine */

/* What transactions did, on top of what the builder holds. FAN_EINTERNAL, with err, when an account's or slot's old
 * value is not what the builder holds: the diff was made on another state. */
FAN_MUST_CHECK enum fan_status state_builder_add(struct state_builder *b, const struct evm_diff *diff,
                                                 struct fan_error *err);
/* geth's alloc. An account named there exists, even when all of it is zero; slots of value zero do not. */
FAN_MUST_CHECK enum fan_status state_builder_add_genesis(struct state_builder *b,
                                                         const struct genesis_account *accounts, size_t count);
/* Edits from outside. An account that ends with no nonce, balance, code and storage is not there (EIP-161). */
FAN_MUST_CHECK enum fan_status state_builder_set_balance(struct state_builder *b, const struct fan_address *address,
                                                         const struct fan_u256 *balance_wei);
FAN_MUST_CHECK enum fan_status state_builder_set_nonce(struct state_builder *b, const struct fan_address *address,
                                                       uint64_t nonce);
FAN_MUST_CHECK enum fan_status state_builder_set_code(struct state_builder *b, const struct fan_address *address,
                                                      struct slice code);
FAN_MUST_CHECK enum fan_status state_builder_set_slot(struct state_builder *b, const struct fan_address *address,
                                                      const struct fan_u256 *slot, const struct fan_u256 *value);

/* Whoever added what was added believed that this slot was 0, which nobody looked up (state_view_slot_is_far): it is
 * taken for the old value, and the slot is in the diff whatever becomes of it. Before the adding. */
FAN_MUST_CHECK enum fan_status state_builder_assume_zero(struct state_builder *b, const struct fan_address *address,
                                                         const struct fan_u256 *slot);

/* The state root of what has been added so far: the intermediate root in receipts before Byzantium. More may be added
 * afterwards; without such calls the root is computed once, in state_builder_finish(). */
FAN_MUST_CHECK enum fan_status state_builder_root(struct state_builder *b, struct fan_hash *out_root);
/* Ends building: the caller owns one reference to the diff of block `number`, not committed. The builder is freed on
 * success. */
FAN_MUST_CHECK enum fan_status state_builder_finish(struct state_builder *b, uint64_t number,
                                                    struct state_diff **out_diff);

/* All at once: what one block did to its parent's state. */
FAN_MUST_CHECK enum fan_status state_apply(struct state_view *parent, const struct evm_diff *diff, uint64_t number,
                                           struct state_diff **out_diff, struct fan_error *err);

/* ---- diffs ---- */
struct state_diff *state_diff_ref(struct state_diff *d);                /* any thread; returns d */
void state_diff_unref(struct state_diff *d);                            /* any thread; NULL is fine */
const struct state_point *state_diff_point(const struct state_diff *d); /* borrowed from the diff */

/* The state after a diff that is not (yet) committed; parent is the view it was built on. Holds both. */
FAN_MUST_CHECK enum fan_status state_view_after(struct state_view *parent, struct state_diff *diff,
                                                struct state_view **out);

/* ---- the db ---- */
struct state_options {
    uint64_t history_blocks; /* how many blocks below the head stay readable; 0: all */
};

/* An empty state (version 0) in memory, with one reference. The db must outlive its views. */
FAN_MUST_CHECK enum fan_status state_db_new(const struct state_options *options, struct state_db **out);
struct state_db *state_db_ref(struct state_db *db); /* any thread; returns db */
void state_db_unref(struct state_db *db);           /* any thread, whose views are gone; NULL is fine */

/* Any thread. The caller owns the view. */
FAN_MUST_CHECK enum fan_status state_db_head(struct state_db *db, struct state_view **out);
/* The state of block `number`. FAN_ENOTFOUND: above the head, or no longer kept. Any thread. */
FAN_MUST_CHECK enum fan_status state_db_at(struct state_db *db, uint64_t number, struct state_view **out);
/* The very version that was once seen: FAN_ESTALE when it was rewound away, FAN_ENOTFOUND when no longer kept. Any
 * thread. */
FAN_MUST_CHECK enum fan_status state_db_at_point(struct state_db *db, const struct state_point *point,
                                                 struct state_view **out);
struct state_point state_db_point(struct state_db *db); /* the head's. Any thread */

/* Writer. Makes a diff built on the head the new head; takes its own reference. FAN_ESTALE: it was built on something
 * else. Whatever the failure, the head is as before. */
FAN_MUST_CHECK enum fan_status state_db_commit(struct state_db *db, struct state_diff *diff);
/* Writer. Makes an earlier version the head again; what was later is gone. Remember state_db_point().version for
 * evm_snapshot. FAN_ENOTFOUND: later than the head, or no longer kept; nothing happened then. */
FAN_MUST_CHECK enum fan_status state_db_rewind(struct state_db *db, uint64_t version);
/* The same, to the last version of block `number`. */
FAN_MUST_CHECK enum fan_status state_db_rewind_to_block(struct state_db *db, uint64_t number);

#endif
