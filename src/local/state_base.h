/* state_base: what lies below the diffs, behind functions, so that memory and LMDB can both be it.
 *
 * A base holds the newest version folded into it and, for as far back as history is kept, what each value was before:
 * flat tables of accounts, slots, code and path-keyed trie nodes, and old values by version. mem_base.h keeps for each
 * key a list of (version, value); a store with sorted keys keeps the newest value in one table and, in another, (key,
 * version) → value before it, and answers "at version v" with the first such entry above v.
 *
 * Reading: read_begin() fixes one consistent picture for the calling thread (a lock held for reading, a read
 * transaction), read_end() lets go of it. In between, the lookups below answer for any version from read->oldest to
 * read->newest. Many threads at once. Writing: apply, rewind and prune belong to the writer and are all or nothing;
 * readers see the picture before or the one after. */
#ifndef LOCAL_STATE_BASE_H
#define LOCAL_STATE_BASE_H

#include "local/state_diff.h"

struct state_read {
    uint64_t oldest, newest; /* versions that can be asked for */
    void *txn;               /* the base's own */
};

struct state_base_ops {
    FAN_MUST_CHECK enum fan_status (*read_begin)(void *ctx, struct state_read *out);
    void (*read_end)(void *ctx, struct state_read *r);

    /* Lookups; the version lies in oldest … newest. What is absent is FAN_OK with the empty value. */
    FAN_MUST_CHECK enum fan_status (*point)(void *ctx, struct state_read *r, uint64_t version, struct state_point *out);
    FAN_MUST_CHECK enum fan_status (*account)(void *ctx, struct state_read *r, uint64_t version,
                                              const struct fan_address *address, struct state_account *out);
    FAN_MUST_CHECK enum fan_status (*slot)(void *ctx, struct state_read *r, uint64_t version,
                                           const struct state_slot_key *key, struct fan_u256 *out);
    FAN_MUST_CHECK enum fan_status (*node)(void *ctx, struct state_read *r, uint64_t version,
                                           const struct trie_node_key *key, struct arena *a, struct slice *out);
    /* FAN_ENOTFOUND for code nobody added. */
    FAN_MUST_CHECK enum fan_status (*code)(void *ctx, struct state_read *r, const struct fan_hash *hash,
                                           struct arena *a, struct slice *out);
    /* The last version of a block; FAN_ENOTFOUND when none from oldest to newest has that number. */
    FAN_MUST_CHECK enum fan_status (*find)(void *ctx, struct state_read *r, uint64_t number, struct state_point *out);
    /* Does the slot's value at that version have to be fetched from another machine? NULL: none ever has. */
    bool (*slot_is_far)(void *ctx, struct state_read *r, uint64_t version, const struct state_slot_key *key);
    /* Every address, every slot of an address, that any kept version may have; in no order, the array in the arena. */
    FAN_MUST_CHECK enum fan_status (*addresses)(void *ctx, struct state_read *r, struct arena *a,
                                                struct fan_address **out, size_t *out_count);
    FAN_MUST_CHECK enum fan_status (*slots)(void *ctx, struct state_read *r, const struct fan_address *address,
                                            struct arena *a, struct fan_u256 **out, size_t *out_count);

    /* Writer. The diff's version is newest + 1. */
    FAN_MUST_CHECK enum fan_status (*apply)(void *ctx, const struct state_diff *diff);
    /* Writer. Makes `version`, from oldest to newest, the newest. */
    FAN_MUST_CHECK enum fan_status (*rewind)(void *ctx, uint64_t version);
    /* Writer. Forgets what was before `version`, from oldest to newest, which becomes the oldest. */
    FAN_MUST_CHECK enum fan_status (*prune)(void *ctx, uint64_t version);
    void (*close)(void *ctx);
};

struct state_base {
    const struct state_base_ops *ops;
    void *ctx;
};

/* A db over any base, which it closes in the end; its newest version is the head. On failure the base is still the
 * caller's. */
FAN_MUST_CHECK enum fan_status state_db_open(struct state_base base, const struct state_options *options,
                                             struct state_db **out);

/* ---- where somebody else writes the base, a block and its state as one (keep.h) ----
 * Then commit and rewind are not called, but these. */
/* Writer. The base's newest version is `head` now, which becomes the db's; no diff stays in front. Cannot fail. */
void state_db_adopt(struct state_db *db, const struct state_point *head);
/* Writer. As commit, but folds nothing. FAN_ELIMIT: STATE_DIFFS_BEHIND diffs stand in front. */
FAN_MUST_CHECK enum fan_status state_db_append(struct state_db *db, struct state_diff *diff);
/* Any thread. The base has taken the diffs up to this version. */
void state_db_folded(struct state_db *db, uint64_t version);

#endif
