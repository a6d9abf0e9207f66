#include <stdio.h>
#include <stdlib.h>

#include "evm/world.h"

/* Calldata (slot, value) is stored; without calldata everything goes to world_address(7). */
#define RUNTIME "36601a5773aa00000000000000000000000000000000000007ff5b60203560003555"

enum { RUNTIME_LEN = 34, BLOCKS = 12, TXS = 12, LIVES = 3 };

static uint64_t seed = 0x5eed;

static uint64_t next_random(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void check_same(struct test *t, struct world *a, struct world *b)
{
    for (size_t i = 0; i < a->count; i++) {
        struct world_account *x = &a->accounts[i], *y = world_find(b, &x->address);

        if (!x->exists) {
            CHECK(t, !y || !y->exists);
            continue;
        }
        REQUIRE(t, y && y->exists);
        CHECK_EQ(t, x->nonce, y->nonce);
        CHECK(t, u256_eq(&x->balance_wei, &y->balance_wei));
        CHECK_SLICE(t, slice_of(x->code, x->code_len), slice_of(y->code, y->code_len));
        for (size_t k = 0; k < x->slot_count; k++) {
            struct fan_u256 value = world_slot(y, &x->slots[k].slot);

            CHECK(t, u256_eq(&x->slots[k].value, &value));
        }
    }
}

struct call_data {
    uint8_t bytes[160];
    size_t len;
};

/* A contract of LIVES possible ones: made by CREATE2, used, destroyed; or a plain transfer. */
static struct evm_tx random_tx(const struct fan_address *deployer, const struct fan_address *lives, uint64_t nonce,
                               struct call_data *d)
{
    struct evm_tx tx = world_tx(nonce, 100 + next_random(3));
    size_t life = next_random(LIVES);

    memset(d, 0, sizeof *d);
    tx.gas_limit = 300000;
    switch (next_random(4)) {
    case 0:
        tx.value_wei = u256_of(next_random(3));
        break;
    case 1: { /* salt ++ initcode: slot 1 = 1, then the runtime */
        struct slice init = test_hex("6001600155"
                                     "6022601160003960226000f3" RUNTIME);

        d->bytes[31] = (uint8_t)life;
        memcpy(d->bytes + 32, init.at, init.len);
        d->len = 32 + init.len;
        tx.to = *deployer;
        break;
    }
    case 2:
        d->bytes[31] = (uint8_t)next_random(3);
        d->bytes[63] = (uint8_t)next_random(3);
        d->len = 64;
        tx.to = lives[life];
        break;
    default:
        tx.value_wei = u256_of(1);
        tx.to = lives[life];
    }
    tx.data = d->bytes;
    tx.data_len = d->len;
    return tx;
}

static void run(struct test *t, enum fork fork)
{
    static struct world one, all; /* the same state, by each transaction's diff and by each block's */
    struct fan_address lives[LIVES], deployer;
    uint64_t nonce = 0;
    size_t destroyed = 0;

    world_init(&one, fork);
    world_add_contracts(&one, FORK_FRONTIER);
    deployer = world_address_hex("4e59b44847b379578588920ca78fbf26c0b4956c");
    for (size_t i = 0; i < LIVES; i++) {
        struct slice init = test_hex("6001600155"
                                     "6022601160003960226000f3" RUNTIME);
        struct fan_hash inner = keccak256(init);
        uint8_t mix[85] = {0xff};

        memcpy(mix + 1, deployer.bytes, 20);
        mix[52] = (uint8_t)i;
        memcpy(mix + 53, inner.bytes, 32);
        inner = keccak256(slice_of(mix, sizeof mix));
        memcpy(lives[i].bytes, inner.bytes + 12, 20);
    }
    all = one;
    all.reader.ctx = &all;
    for (int block = 0; block < BLOCKS; block++) {
        struct evm_block *b = evm_block_open(&all.env, &all.reader);
        struct evm_diff d;

        for (int i = 0; i < TXS; i++) {
            struct call_data data;
            struct evm_tx tx = random_tx(&deployer, lives, nonce, &data);
            struct evm_result r;
            size_t mark;

            CHECK_EQ(t, evm_block_mark(b, &mark), EVM_SUCCESS);
            evm_block_execute(b, &tx, 1, &r);
            REQUIRE(t, r.status <= EVM_HALT);
            if (next_random(4) == 0) {
                CHECK_EQ(t, evm_block_rewind(b, mark), EVM_SUCCESS);
                continue;
            }
            for (size_t k = 0; k < r.diff.account_count; k++) destroyed += !r.diff.accounts[k].exists;
            world_apply(t, &one, &r.diff);
            nonce++;
        }
        CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
        world_apply(t, &all, &d);
        evm_block_close(b);
        check_same(t, &one, &all);
        check_same(t, &all, &one);
        if (t->failed) return;
    }
    CHECK_EQ(t, destroyed > 0, fork < FORK_CANCUN); /* the run did what it is for */
}

TEST(a_blocks_diff_is_its_transactions_diffs_together, t)
{
    const char *given = getenv("SEED");

    if (given) seed = strtoull(given, NULL, 0) | 1;
    printf("     SEED=0x%llx\n", (unsigned long long)seed);
    for (int i = 0; i < 10 && !t->failed; i++) {
        run(t, FORK_SHANGHAI);
        if (!t->failed) run(t, FORK_OSAKA);
    }
}
