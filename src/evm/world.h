/* world: a small state in plain arrays for the EVM's tests, with its reader, and the shorthand to run a transaction on
 * it.
 *
 * Diffs can be applied, so that a test sees the block that follows, and every old value in a diff is held against what
 * the world has. */
#ifndef EVM_WORLD_H
#define EVM_WORLD_H

#include "base/test.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "evm/evm.h"

enum { WORLD_ACCOUNTS = 200, WORLD_SLOTS = 16, WORLD_CODE_MAX = 1024 };
#define GWEI  UINT64_C(1000000000)
#define ETHER UINT64_C(1000000000000000000)

struct world_account {
    struct fan_address address;
    bool exists;
    uint64_t nonce;
    struct fan_u256 balance_wei;
    uint8_t code[WORLD_CODE_MAX];
    size_t code_len;
    struct {
        struct fan_u256 slot, value;
    } slots[WORLD_SLOTS];
    size_t slot_count;
};

struct world {
    struct world_account accounts[WORLD_ACCOUNTS];
    size_t count;
    bool fails;                     /* every read answers 1 */
    bool code_fails, storage_fails; /* or some do */
    struct evm_state_reader reader;
    struct evm_env env;
};

static inline struct fan_address world_address(uint64_t n)
{
    struct fan_address a = {{0}};

    a.bytes[0] = 0xaa;
    put_be64(n, a.bytes + 12);
    return a;
}

static inline struct world_account *world_find(struct world *w, const struct fan_address *address)
{
    for (size_t i = 0; i < w->count; i++)
        if (memcmp(&w->accounts[i].address, address, sizeof *address) == 0) return &w->accounts[i];
    return NULL;
}

static inline struct world_account *world_add(struct world *w, struct fan_address address)
{
    struct world_account *a = world_find(w, &address);

    if (!a) {
        assert(w->count < WORLD_ACCOUNTS);
        a = &w->accounts[w->count++];
        memset(a, 0, sizeof *a);
        a->address = address;
    }
    a->exists = true;
    return a;
}

static inline struct fan_hash world_code_hash(const struct world_account *a)
{
    return keccak256(slice_of(a->code, a->code_len));
}

static inline void world_set_code(struct world_account *a, struct slice code)
{
    assert(code.len <= sizeof a->code);
    if (code.len) memcpy(a->code, code.at, code.len);
    a->code_len = code.len;
}

/* A contract at world_address(n) with this code in hex and nonce 1. */
static inline struct fan_address world_contract(struct world *w, uint64_t n, const char *hex)
{
    struct world_account *a = world_add(w, world_address(n));

    a->nonce = 1;
    world_set_code(a, test_hex(hex));
    return a->address;
}

static inline struct fan_u256 world_slot(const struct world_account *a, const struct fan_u256 *slot)
{
    for (size_t i = 0; a && i < a->slot_count; i++)
        if (u256_eq(&a->slots[i].slot, slot)) return a->slots[i].value;
    return u256_of(0);
}

static inline void world_set_slot(struct world_account *a, struct fan_u256 slot, struct fan_u256 value)
{
    for (size_t i = 0; i < a->slot_count; i++)
        if (u256_eq(&a->slots[i].slot, &slot)) {
            a->slots[i].value = value;
            return;
        }
    assert(a->slot_count < WORLD_SLOTS);
    a->slots[a->slot_count].slot = slot;
    a->slots[a->slot_count++].value = value;
}

static inline int world_read_account(void *ctx, const struct fan_address *address, struct evm_account *out)
{
    struct world *w = ctx;
    const struct world_account *a = world_find(w, address);

    if (w->fails) return 1;
    memset(out, 0, sizeof *out);
    if (!a || !a->exists) return 0;
    *out = (struct evm_account){1, a->nonce, a->balance_wei, world_code_hash(a), 0};
    for (size_t i = 0; i < a->slot_count; i++)
        if (!u256_is_zero(&a->slots[i].value)) out->has_storage = 1;
    return 0;
}

static inline int world_read_storage(void *ctx, const struct fan_address *address, const struct fan_u256 *slot,
                                     struct fan_u256 *out)
{
    struct world *w = ctx;

    if (w->fails || w->storage_fails) return 1;
    *out = world_slot(world_find(w, address), slot);
    return 0;
}

static inline int world_read_code(void *ctx, const struct fan_hash *code_hash, const uint8_t **out, size_t *out_len)
{
    struct world *w = ctx;

    if (w->fails || w->code_fails) return 1;
    for (size_t i = 0; i < w->count; i++) {
        struct fan_hash hash = world_code_hash(&w->accounts[i]);

        if (memcmp(&hash, code_hash, sizeof hash) == 0) {
            *out = w->accounts[i].code;
            *out_len = w->accounts[i].code_len;
            return 0;
        }
    }
    return 1;
}

static inline int world_read_block_hash(void *ctx, uint64_t number, struct fan_hash *out)
{
    struct world *w = ctx;

    memset(out, 0, sizeof *out);
    put_be64(number, out->bytes + 24);
    out->bytes[0] = 0xbb;
    return w->fails;
}

/* Sender: world_address(1) with 100 ether and nonce 0. Blob limits are Cancun's. */
static inline void world_init(struct world *w, enum fork f)
{
    struct world_account *sender;
    struct fan_u256 wei = u256_of(ETHER);

    memset(w, 0, sizeof *w);
    w->reader =
        (struct evm_state_reader){w, world_read_account, world_read_storage, world_read_code, world_read_block_hash};
    w->env =
        (struct evm_env){.fork = f, .chain_id = 1337, .number = 100, .timestamp = 1700000000, .gas_limit = 30000000};
    w->env.blob = (struct blob_params){3, 6, 3338477};
    w->env.beneficiary = world_address(0xc0);
    w->env.deposit_contract = world_address(0xdd);
    if (f >= FORK_LONDON) w->env.base_fee_wei = GWEI;
    sender = world_add(w, world_address(1));
    (void)u256_mul_u64(&wei, 100, &sender->balance_wei);
}

static inline struct fan_address world_address_hex(const char *hex)
{
    struct fan_address a;

    memcpy(a.bytes, test_hex(hex).at, sizeof a.bytes);
    return a;
}

/* The contracts that a development chain's genesis holds at this fork. */
static inline void world_add_contracts(struct world *w, enum fork f)
{
    static const struct {
        enum fork since;
        const char *address, *code;
    } contracts[] = {
#define X(since, address, code) {since, address, code},
#include "eth/genesis_contracts.def"
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(contracts); i++) {
        struct world_account *a;

        if (contracts[i].since > f) continue;
        a = world_add(w, world_address_hex(contracts[i].address));
        a->nonce = 1;
        world_set_code(a, test_hex(contracts[i].code));
    }
}

/* From world_address(1): to world_address(n), 100,000 gas at 2 gwei, legacy without chain id. */
static inline struct evm_tx world_tx(uint64_t nonce, uint64_t to)
{
    return (struct evm_tx){.sender = world_address(1),
                           .to = world_address(to),
                           .nonce = nonce,
                           .gas_limit = 100000,
                           .gas_price_wei = u256_of(2 * GWEI)};
}

static inline struct evm_tx world_create_tx(uint64_t nonce, struct slice initcode)
{
    struct evm_tx tx = world_tx(nonce, 0);

    tx.is_create = 1;
    tx.data = initcode.at;
    tx.data_len = initcode.len;
    tx.gas_limit = 500000;
    return tx;
}

static inline const struct evm_account_change *world_change(const struct evm_diff *d, struct fan_address address)
{
    for (size_t i = 0; i < d->account_count; i++)
        if (memcmp(&d->accounts[i].address, &address, sizeof address) == 0) return &d->accounts[i];
    return NULL;
}

/* Applies a diff, after holding its promises: sorted, old values as they are, nothing in it that ended as it began. */
static inline void world_apply(struct test *t, struct world *w, const struct evm_diff *d)
{
    for (size_t i = 0; i < d->account_count; i++) {
        const struct evm_account_change *c = &d->accounts[i];
        struct world_account *a = world_find(w, &c->address);
        bool existed = a && a->exists;
        struct fan_hash none = keccak256(slice_of(NULL, 0)), hash = existed ? world_code_hash(a) : none;

        if (i) CHECK(t, memcmp(&d->accounts[i - 1].address, &c->address, sizeof c->address) < 0);
        CHECK_EQ(t, c->existed, existed);
        CHECK_EQ(t, c->old_nonce, existed ? a->nonce : 0);
        CHECK(t, existed ? u256_eq(&c->old_balance_wei, &a->balance_wei) : u256_is_zero(&c->old_balance_wei));
        CHECK_SLICE(t, slice_of(&c->old_code_hash, 32), slice_of(&hash, 32));
        CHECK(t, c->existed != c->exists || c->old_nonce != c->new_nonce ||
                     !u256_eq(&c->old_balance_wei, &c->new_balance_wei) ||
                     memcmp(&c->old_code_hash, &c->new_code_hash, 32) != 0 || c->slot_count || c->storage_wiped);
        if (!existed) CHECK_EQ(t, c->storage_wiped, 0);
        if (existed && !c->exists) CHECK_EQ(t, c->storage_wiped, 1);
        if (!c->exists) {
            CHECK_EQ(t, c->slot_count, 0);
            if (a) memset(a, 0, sizeof *a), a->address = c->address;
            continue;
        }
        a = world_add(w, c->address);
        if (c->storage_wiped) a->slot_count = 0;
        a->nonce = c->new_nonce;
        a->balance_wei = c->new_balance_wei;
        if (memcmp(&c->old_code_hash, &c->new_code_hash, 32) != 0) {
            world_set_code(a, slice_of(c->new_code, c->new_code_len));
            hash = world_code_hash(a);
            CHECK_SLICE(t, slice_of(&hash, 32), slice_of(&c->new_code_hash, 32));
        } else {
            CHECK(t, c->new_code == NULL);
        }
        for (size_t k = 0; k < c->slot_count; k++) {
            struct fan_u256 old = world_slot(a, &c->slots[k].slot);

            if (k) CHECK(t, u256_cmp(&c->slots[k - 1].slot, &c->slots[k].slot) < 0);
            if (c->storage_wiped) {
                CHECK(t, !u256_is_zero(&c->slots[k].new_value));
            } else {
                CHECK(t, u256_eq(&old, &c->slots[k].old_value));
                CHECK(t, !u256_eq(&c->slots[k].old_value, &c->slots[k].new_value));
            }
            world_set_slot(a, c->slots[k].slot, c->slots[k].new_value);
        }
    }
}

#endif
