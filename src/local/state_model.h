/* state_model: for tests only. A small world of plain arrays that random blocks change, the EVM's diffs that lead from
 * one such world to the next, and its state root from scratch. */
#ifndef LOCAL_STATE_MODEL_H
#define LOCAL_STATE_MODEL_H

#include "base/test.h"
#include "codec/u256.h"
#include "local/state_diff.h"
#include "local/trie_model.h"

enum { WORLD_ACCOUNTS = 24, WORLD_SLOTS = 12, WORLD_CODES = 5 };

struct world_account {
    bool exists;
    uint64_t nonce, balance;
    uint8_t code; /* 0: none; else its only byte, thrice */
    uint64_t slots[WORLD_SLOTS];
};

struct world {
    struct world_account a[WORLD_ACCOUNTS];
};

static uint64_t world_rng_state = 1;

static inline uint64_t world_rng(void) /* xorshift64*: the same run for the same seed */
{
    world_rng_state ^= world_rng_state >> 12;
    world_rng_state ^= world_rng_state << 25;
    world_rng_state ^= world_rng_state >> 27;
    return world_rng_state * 0x2545f4914f6cdd1du;
}

/* Sorted like their index. */
static inline struct fan_address world_address(size_t i)
{
    struct fan_address a = {{0}};

    a.bytes[0] = (uint8_t)(i * 7);
    a.bytes[19] = (uint8_t)i;
    return a;
}

static inline struct fan_u256 world_slot(size_t i)
{
    struct fan_u256 s = {{i, 0, 0, i % 3 ? 0 : i}};

    return s;
}

/* Small ones are embedded in their parent, wide ones are not. */
static inline struct fan_u256 world_value(uint64_t v)
{
    struct fan_u256 value = {{v, 0, 0, v % 2 ? v : 0}};

    return value;
}

static inline struct slice world_code(uint8_t code)
{
    static const uint8_t codes[WORLD_CODES][3] = {{0}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3}, {4, 4, 4}};

    return code ? slice_of(codes[code], 3) : slice_of(NULL, 0);
}

static inline bool world_is_empty(const struct world_account *a)
{
    if (a->nonce || a->balance || a->code) return false;
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        if (a->slots[i]) return false;
    return true;
}

static inline struct fan_hash world_storage_root(const struct world_account *w)
{
    struct model_item items[WORLD_SLOTS];
    struct arena_home home;
    struct arena a;
    struct fan_hash root;
    size_t count = 0;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    for (size_t i = 0; i < WORLD_SLOTS; i++) {
        struct fan_u256 slot = world_slot(i), value = world_value(w->slots[i]);
        struct fan_hash key;
        struct buf rlp;
        uint8_t be[32];

        if (!w->slots[i]) continue;
        u256_to_be(&slot, be);
        key = keccak256(slice_of(be, 32));
        buf_init(&rlp, 0);
        rlp_put_u256(&rlp, &value);
        items[count++] = model_item_of(slice_of(&key, 32), arena_dup(&a, buf_peek(&rlp)));
        buf_fini(&rlp);
    }
    root = model_root(items, count, &a, NULL);
    arena_home_fini(&home);
    return root;
}

/* The leaf of an account, empty for one that is not there. */
static inline struct slice world_leaf(const struct world_account *w, struct arena *a)
{
    struct fan_hash storage = world_storage_root(w), code = keccak256(world_code(w->code));
    struct fan_u256 balance = u256_of(w->balance);
    struct slice leaf;
    struct buf rlp;
    size_t list;

    if (!w->exists) return slice_of(NULL, 0);
    buf_init(&rlp, 0);
    list = rlp_list_begin(&rlp);
    rlp_put_u64(&rlp, w->nonce);
    rlp_put_u256(&rlp, &balance);
    rlp_put_hash(&rlp, &storage);
    rlp_put_hash(&rlp, &code);
    rlp_list_end(&rlp, list);
    leaf = arena_dup(a, buf_peek(&rlp));
    buf_fini(&rlp);
    return leaf;
}

static inline struct fan_hash world_root(const struct world *w)
{
    struct model_item items[WORLD_ACCOUNTS];
    struct arena_home home;
    struct arena a;
    struct fan_hash root;
    size_t count = 0;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    for (size_t i = 0; i < WORLD_ACCOUNTS; i++) {
        struct fan_address address = world_address(i);
        struct fan_hash key = keccak256(slice_of(&address, sizeof address));

        if (w->a[i].exists) items[count++] = model_item_of(slice_of(&key, 32), world_leaf(&w->a[i], &a));
    }
    root = model_root(items, count, &a, NULL);
    arena_home_fini(&home);
    return root;
}

/* ---- the EVM's part: a random transaction, and what it changed ---- */

struct world_tx {
    struct evm_diff diff;
    struct evm_account_change accounts[WORLD_ACCOUNTS];
    struct evm_slot_change slots[WORLD_ACCOUNTS][WORLD_SLOTS];
};

static inline void world_change_slots(const struct world_account *before, struct world_account *now,
                                      struct evm_account_change *c, struct evm_slot_change *slots)
{
    for (size_t i = 0; i < WORLD_SLOTS; i++) {
        if (world_rng() % 3 == 0) now->slots[i] = world_rng() % 2 ? world_rng() % 200 : 0;
        if (c->storage_wiped ? !now->slots[i] : now->slots[i] == before->slots[i]) continue;
        slots[c->slot_count++] =
            (struct evm_slot_change){world_slot(i), world_value(before->slots[i]), world_value(now->slots[i])};
    }
    c->slots = slots;
}

/* Changes w as a transaction might, and describes it in tx. */
static inline void world_transact(struct world *w, struct world_tx *tx)
{
    size_t count = 0;

    for (size_t i = 0; i < WORLD_ACCOUNTS; i++) {
        struct world_account before = w->a[i], *now = &w->a[i];
        struct evm_account_change *c = &tx->accounts[count];
        uint64_t dice = world_rng() % 16;

        if (dice > 5) continue;
        *c = (struct evm_account_change){.address = world_address(i), .existed = before.exists};
        c->old_nonce = before.nonce;
        c->old_balance_wei = u256_of(before.balance);
        c->old_code_hash = keccak256(world_code(before.code));
        if (dice == 0) { /* destroyed; perhaps made again in the same block */
            if (!before.exists) continue;
            *now = (struct world_account){0};
            c->storage_wiped = 1;
        }
        if (dice || world_rng() % 2) {
            now->exists = true;
            now->nonce = before.nonce + 1;
            now->balance = world_rng() % 1000;
            if (world_rng() % 4 == 0) now->code = (uint8_t)(world_rng() % WORLD_CODES);
            if (dice < 3) world_change_slots(&before, now, c, tx->slots[count]);
        }
        c->exists = now->exists;
        c->new_nonce = now->nonce;
        c->new_balance_wei = u256_of(now->balance);
        c->new_code_hash = keccak256(world_code(now->code));
        if (now->code != before.code && now->code) {
            c->new_code = world_code(now->code).at;
            c->new_code_len = world_code(now->code).len;
        }
        count++;
    }
    tx->diff = (struct evm_diff){tx->accounts, count};
}

/* ---- a chain for tests that count ---- */

/* One version that gives account 1 the balance `token`, and slot 0 and its nonce as well. */
static inline enum fan_status commit_token(struct state_db *db, uint64_t number, uint64_t token)
{
    struct fan_address address = world_address(1);
    struct fan_u256 value = u256_of(token), slot = u256_of(0);
    struct state_view *parent;
    struct state_builder *b;
    struct state_diff *d;
    enum fan_status s = state_db_head(db, &parent);

    if (s) return s;
    s = state_builder_new(parent, &b);
    state_view_unref(parent);
    if (s) return s;
    s = state_builder_set_balance(b, &address, &value);
    if (!s) s = state_builder_set_nonce(b, &address, token);
    if (!s) s = state_builder_set_slot(b, &address, &slot, &value);
    if (!s) s = state_builder_finish(b, number, &d);
    if (s) {
        state_builder_free(b);
        return s;
    }
    s = state_db_commit(db, d);
    state_diff_unref(d);
    return s;
}

#endif
