#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "evm/world.h"

/* Returns slot 0. */
#define READ "60005460005260206000f3"

static struct evm_outcome *call(struct world *w, const struct evm_tx *tx, uint64_t timeout_ms, struct evm_result *r)
{
    struct evm_call_options options = {.deadline_ms = timeout_ms ? clock_monotonic_ms() + timeout_ms : 0};

    return evm_call(&w->env, &w->reader, tx, &options, r, NULL, NULL);
}

static void as_eth_call(struct world *w)
{
    w->env.no_base_fee = w->env.no_nonce_check = w->env.no_eoa_check = w->env.no_block_gas_limit = 1;
}

TEST(a_call_returns_and_forgets, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 50);
    struct evm_result r;
    uint64_t used = 0;

    world_init(&w, FORK_OSAKA);
    (void)world_contract(&w, 50, "600054600101600055" READ); /* counts, then reads */
    for (int i = 0; i < 3; i++) {
        struct evm_outcome *o = call(&w, &tx, i == 2 ? 5000 : 0, &r);

        REQUIRE(t, o);
        CHECK_EQ(t, r.status, EVM_SUCCESS);
        REQUIRE(t, r.output_len == 32);
        CHECK_EQ(t, r.output[31], 1); /* each time from the beginning */
        CHECK_EQ(t, r.diff.account_count, 0);
        if (i) CHECK_EQ(t, r.gas_used, used); /* a deadline costs no gas */
        used = r.gas_used;
        evm_outcome_free(o);
    }
}

TEST(a_refund_is_told_beside_the_peak, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 50);
    struct evm_result r;
    struct evm_outcome *o;
    struct fan_address at;

    world_init(&w, FORK_OSAKA);
    at = world_contract(&w, 50, "600060005500");
    world_set_slot(world_find(&w, &at), u256_of(0), u256_of(1));
    o = call(&w, &tx, 0, &r);
    REQUIRE(t, o);
    CHECK_EQ(t, r.gas_spent_max, 21000 + 6 + 5000);
    CHECK_EQ(t, r.gas_refunded, 4800);
    CHECK_EQ(t, r.gas_used, r.gas_spent_max - r.gas_refunded);
    evm_outcome_free(o);
}

TEST(what_a_call_need_not_obey, t)
{
    struct world w;
    struct evm_tx tx = world_tx(77, 50);
    struct evm_result r;
    struct evm_outcome *o;

    world_init(&w, FORK_OSAKA);
    as_eth_call(&w);
    (void)world_contract(&w, 50, "4860005260206000f3"); /* BASEFEE */
    tx.gas_price_wei = u256_of(0);
    tx.gas_limit = 50000000; /* above the block's and EIP-7825's */
    world_set_code(world_find(&w, &tx.sender), test_hex("00"));
    o = call(&w, &tx, 0, &r);
    REQUIRE(t, o);
    CHECK_EQ(t, r.status, EVM_SUCCESS);
    REQUIRE(t, r.output_len == 32);
    CHECK_EQ(t, get_be64(r.output + 24), 0); /* who pays nothing sees no base fee, as in geth */
    evm_outcome_free(o);
    tx.gas_price_wei = u256_of(GWEI);
    o = call(&w, &tx, 0, &r);
    REQUIRE(t, o && r.output_len == 32);
    CHECK_EQ(t, get_be64(r.output + 24), GWEI);
    evm_outcome_free(o);

    tx.sender = world_address(99); /* owns nothing */
    tx.value_wei = u256_of(5);
    o = call(&w, &tx, 0, &r);
    CHECK_EQ(t, r.status, EVM_INVALID);
    CHECK_EQ(t, r.invalid, EVM_INVALID_FUNDS);
    evm_outcome_free(o);
    w.env.no_balance_check = 1;
    o = call(&w, &tx, 0, &r);
    CHECK_EQ(t, r.status, EVM_SUCCESS);
    evm_outcome_free(o);
}

TEST(a_larger_code_size_is_a_rule_of_the_environment, t)
{
    struct world w;
    struct evm_tx tx = world_create_tx(0, test_hex("6160016000f3")); /* 24,577 bytes of zeros */
    struct evm_result r;

    world_init(&w, FORK_OSAKA);
    as_eth_call(&w);
    tx.gas_limit = 10000000;
    for (int wide = 0; wide <= 1; wide++) {
        struct evm_outcome *o;

        w.env.code_size_max = wide ? 30000 : 0;
        o = call(&w, &tx, 0, &r);
        REQUIRE(t, o);
        CHECK_EQ(t, r.status, wide ? EVM_SUCCESS : EVM_HALT);
        CHECK_EQ(t, r.output_len, wide ? 24577 : 0);
        evm_outcome_free(o);
    }
}

TEST(whatever_never_ends_is_ended, t)
{
    static const char *const endless[] = {
        "5b600056",                   /* jumps back */
        "5b5f5f5f5f5f305af150600056", /* calls itself, over and over */
        "5f5f5f5f5f305af150"
        "5f5f5f5f5f305af150"
        "5f5f5f5f5f305af150", /* a tree of frames without one jump */
    };
    for (size_t i = 0; i < COUNT_OF(endless); i++) {
        struct world w;
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r;
        struct evm_outcome *o;
        uint64_t began = clock_monotonic_ms();

        world_init(&w, FORK_OSAKA);
        as_eth_call(&w);
        (void)world_contract(&w, 50, endless[i]);
        tx.gas_price_wei = u256_of(0);
        tx.gas_limit = UINT64_MAX / 2;
        o = call(&w, &tx, 100, &r);
        REQUIRE(t, o);
        CHECK_EQ(t, r.status, EVM_TIMEOUT);
        CHECK(t, clock_monotonic_ms() - began >= 100);
        evm_outcome_free(o);
    }
}

TEST(a_deadline_that_has_passed_ends_a_call_at_once, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 50);
    struct evm_result r;
    struct evm_call_options options = {.deadline_ms = 1};
    struct evm_outcome *o;

    world_init(&w, FORK_OSAKA);
    w.fails = true; /* nothing is read any more */
    o = evm_call(&w.env, &w.reader, &tx, &options, &r, NULL, NULL);
    REQUIRE(t, o);
    CHECK_EQ(t, r.status, EVM_TIMEOUT);
    evm_outcome_free(o);
}

/* A brief call ends by what it does, so where it ends is the same on every machine. */
TEST(a_brief_call_ends_before_it_takes_long, t)
{
    static const struct {
        const char *code;
        enum evm_status status;
    } row[] = {
        {READ, EVM_SUCCESS},
        {"5f5ffd", EVM_REVERT},
        {"5b600056", EVM_TIMEOUT},                             /* jumps back */
        {"5f5f5f5f5f305af1505f5f5f5f5f305af150", EVM_TIMEOUT}, /* a tree of frames */
        {"3330146010575f5f5f5f5f305af150005b601056",
         EVM_TIMEOUT},                   /* calls what never ends; its failure could be survived */
        {"6120005f2000", EVM_SUCCESS},   /* hashes 8,192 bytes */
        {"6120015f2000", EVM_TIMEOUT},   /* and one more */
        {"6120015f5f3700", EVM_TIMEOUT}, /* copies them: call data, code, memory, another's code */
        {"6120015f5f3900", EVM_TIMEOUT},
        {"6120015f5f5e00", EVM_TIMEOUT},
        {"6120015f5f303c00", EVM_TIMEOUT},
        {"6120015fa000", EVM_TIMEOUT},                          /* LOG0 */
        {"6120015f5ff000", EVM_TIMEOUT},                        /* CREATE */
        {"5f5f5f5f60045afa00", EVM_SUCCESS},                    /* the precompile that copies */
        {"5f5f61200160045afa5f5f5f61200160045afa00", EVM_HALT}, /* stack too short: an error is an error */
        {"5f5f6120015f60045afa00", EVM_TIMEOUT},                /* the same with 8,193 bytes */
        {"5f5f5f5f60055afa00", EVM_TIMEOUT},                    /* modular exponentiation */
        {"5f5f5f5f60085afa00", EVM_TIMEOUT},                    /* pairings */
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct evm_call_options brief = {.brief_gas = 100000};
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r, whole;
        struct evm_outcome *o;
        struct world w;

        world_init(&w, FORK_OSAKA);
        as_eth_call(&w);
        (void)world_contract(&w, 50, row[i].code);
        tx.gas_price_wei = u256_of(0);
        tx.gas_limit = 10000000;
        o = evm_call(&w.env, &w.reader, &tx, &brief, &r, NULL, NULL);
        REQUIRE(t, o);
        if (r.status != row[i].status)
            test_fail(t, __FILE__, __LINE__, "code %s ended with %u, not %u", row[i].code, r.status, row[i].status);
        if (r.status != EVM_TIMEOUT) {
            struct evm_outcome *again = call(&w, &tx, 0, &whole);

            CHECK_EQ(t, whole.status, r.status);
            CHECK_EQ(t, whole.gas_used, r.gas_used); /* what looks costs no gas */
            evm_outcome_free(again);
        }
        evm_outcome_free(o);
    }
}

TEST(a_brief_call_ends_where_a_frame_has_spent_its_gas, t)
{
    for (size_t reads = 40; reads <= 60; reads += 20) { /* 2,100 gas each: 84,000, or 126,000 */
        struct evm_call_options brief = {.brief_gas = 100000};
        struct evm_tx tx = world_tx(0, 50);
        char code[60 * 8 + 1] = "";
        struct evm_result r;
        struct evm_outcome *o;
        struct world w;

        for (size_t i = 0; i < reads; i++) (void)sprintf(code + 8 * i, "60%02zx5450", i); /* straight on, no jump */
        world_init(&w, FORK_OSAKA);
        as_eth_call(&w);
        (void)world_contract(&w, 50, code);
        tx.gas_price_wei = u256_of(0);
        tx.gas_limit = 10000000;
        o = evm_call(&w.env, &w.reader, &tx, &brief, &r, NULL, NULL);
        REQUIRE(t, o);
        CHECK_EQ(t, r.status, reads == 40 ? EVM_SUCCESS : EVM_TIMEOUT);
        evm_outcome_free(o);
    }
}

/* What the environment says: chain, number, time, beneficiary, base fee, gas limit, blob fee, randomness. */
#define SHOW                                                                                                           \
    "465f524360205242604052416060524860805245"                                                                         \
    "60a0524a60c0524460e0526101005ff3"

/* A thread's brief calls share a machine: none may see anything of those before it. A call that is not brief has its
 * own. */
TEST(a_brief_call_is_like_the_first_of_its_thread, t)
{
    static const struct {
        enum fork fork;
        const char *code;
        uint64_t value;
    } row[] = {
        {FORK_OSAKA, SHOW, 0},
        {FORK_OSAKA, SHOW, 0},                               /* another number, time, beneficiary, fee */
        {FORK_OSAKA, "5f5460015f55" READ, 0},                /* writes storage */
        {FORK_OSAKA, "5f5c60015f5d5f5260205ff3", 0},         /* and transient storage */
        {FORK_OSAKA, "5f5c60015f5d5f5260205ff3", 0},         /* which was zero again */
        {FORK_OSAKA, "60aa315060bb31505a5f5260205ff3", 0},   /* makes accounts warm */
        {FORK_OSAKA, "60aa315060bb31505a5f5260205ff3", 0},   /* which were cold again */
        {FORK_OSAKA, "60015f5260205ffd", 0},                 /* reverts */
        {FORK_OSAKA, "fe", 0},                               /* halts */
        {FORK_OSAKA, SHOW, 1},                               /* cannot be paid: does not run */
        {FORK_OSAKA, "60ff61fff0525f5160205260405ff3", 0},   /* 64 KiB of memory */
        {FORK_OSAKA, "60ff620ffff0525f5160205260405ff3", 0}, /* more than is kept */
        {FORK_OSAKA, "3d5f525960205260406000f3", 0},         /* no return data, no memory */
        {FORK_OSAKA,
         "36600414601357"
         "5f5f366001015f5f305af150"
         "5b5a5f5260205ff3",
         0}, /* four frames below the first */
        {FORK_OSAKA,
         "36600a14601357"
         "5f5f366001015f5f305af150"
         "5b5a5f5260205ff3",
         0}, /* ten: more than are kept */
        {FORK_OSAKA, SHOW, 0},
        {FORK_OSAKA, "6001600155ff", 0},        /* stack too short after a write */
        {FORK_LONDON, "4341015f5260205ff3", 0}, /* another fork's rules */
        {FORK_LONDON, "5f5260205ff3", 0},       /* PUSH0 does not exist there */
        {FORK_CONSTANTINOPLE, "6001600055600260005560005460005260206000f3", 0},
        {FORK_OSAKA, "6001600055600260005560005460005260206000f3", 0},
        {FORK_OSAKA, "5b600056", 0}, /* ends as no brief one */
        {FORK_OSAKA, SHOW, 0},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct evm_call_options brief = {.brief_gas = 100000};
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r, whole;
        struct evm_outcome *o, *alone;
        struct world w;

        world_init(&w, row[i].fork);
        as_eth_call(&w);
        (void)world_contract(&w, 50, row[i].code);
        w.env.number += i;
        w.env.timestamp += 12 * i;
        w.env.beneficiary = world_address(60 + (unsigned)i);
        w.env.gas_limit += i;
        w.env.has_blob_base_fee = i % 2;
        w.env.blob_base_fee_wei = u256_of(i);
        w.env.prev_randao.bytes[0] = (uint8_t)i;
        tx.gas_price_wei = u256_of(i % 3 ? 0 : 10 * GWEI);
        tx.gas_limit = 300000;
        if (row[i].value) {
            tx.sender = world_address(99); /* owns nothing */
            tx.value_wei = u256_of(row[i].value);
        }
        o = evm_call(&w.env, &w.reader, &tx, &brief, &r, NULL, NULL);
        REQUIRE(t, o);
        if (r.status != EVM_TIMEOUT) {
            alone = call(&w, &tx, 0, &whole);
            REQUIRE(t, alone);
            if (r.status != whole.status || r.gas_used != whole.gas_used || r.output_len != whole.output_len ||
                (r.output_len && memcmp(r.output, whole.output, r.output_len) != 0))
                test_fail(t, __FILE__, __LINE__, "row %zu: status %u and %u, gas %llu and %llu", i, r.status,
                          whole.status, (unsigned long long)r.gas_used, (unsigned long long)whole.gas_used);
            evm_outcome_free(alone);
        }
        evm_outcome_free(o);
    }
}

TEST(a_reader_that_fails_ends_the_call, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 50);
    struct evm_result r;
    struct evm_outcome *o;

    world_init(&w, FORK_OSAKA);
    (void)world_contract(&w, 50, READ);
    w.storage_fails = true;
    o = call(&w, &tx, 5000, &r);
    REQUIRE(t, o);
    CHECK_EQ(t, r.status, EVM_STATE_ERROR);
    evm_outcome_free(o);
}

TEST(block_hashes_are_asked_of_the_reader, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 50);
    struct evm_result r;
    struct evm_outcome *o;

    world_init(&w, FORK_OSAKA);
    (void)world_contract(&w, 50, "60634060005260206000f3"); /* BLOCKHASH(99) */
    o = call(&w, &tx, 0, &r);
    REQUIRE(t, o && r.output_len == 32);
    CHECK_EQ(t, r.output[0], 0xbb);
    CHECK_EQ(t, r.output[31], 99);
    evm_outcome_free(o);
}

TEST(the_access_list_names_what_was_touched, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 50);
    struct evm_call_options options = {.want_access_list = 1};
    struct evm_result r;
    const struct evm_access *access;
    size_t count;
    struct evm_outcome *o;
    struct fan_address at51 = world_address(0x51), at50 = world_address(50);

    world_init(&w, FORK_OSAKA);
    /* Slots 2 and 1 of its own, the balance of 0x51, the precompile at 4. */
    (void)world_contract(&w, 50,
                         "60025460015473aa00000000000000000000000000000000000051316000600060006000600060045af100");
    o = evm_call(&w.env, &w.reader, &tx, &options, &r, &access, &count);
    REQUIRE(t, o);
    CHECK_EQ(t, r.status, EVM_SUCCESS);
    REQUIRE(t, count == 2);
    CHECK_SLICE(t, slice_of(&access[0].address, 20), slice_of(&at50, 20));
    REQUIRE(t, access[0].slot_count == 2);
    CHECK_EQ(t, access[0].slots[0].bytes[31], 1);
    CHECK_EQ(t, access[0].slots[1].bytes[31], 2);
    CHECK_SLICE(t, slice_of(&access[1].address, 20), slice_of(&at51, 20));
    CHECK_EQ(t, access[1].slot_count, 0);
    evm_outcome_free(o);
}

/* ---- precompiles ---- */

#define ZERO16 "00000000000000000000000000000000"
#define G1_X   "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
#define G1_Y   "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"

TEST(precompiles_compute, t)
{
    static const struct {
        uint64_t at;
        enum fork since;
        const char *in, *out;
    } row[] = {
        {2, FORK_FRONTIER, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {3, FORK_FRONTIER, "", "0000000000000000000000009c1185a5c5e9fc54612808977ee8f548b2258d31"},
        {4, FORK_FRONTIER, "0102", "0102"},
        {5, FORK_BYZANTIUM, /* 3^2 mod 5 */
         "0000000000000000000000000000000000000000000000000000000000000001"
         "0000000000000000000000000000000000000000000000000000000000000001"
         "0000000000000000000000000000000000000000000000000000000000000001"
         "030205",
         "04"},
        {6, FORK_BYZANTIUM, ZERO32 ZERO32 ZERO32 ZERO32, ZERO32 ZERO32},
        {8, FORK_BYZANTIUM, "", "0000000000000000000000000000000000000000000000000000000000000001"},
        {9, FORK_ISTANBUL, /* EIP-152, test vector 5 */
         "0000000c48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5d182e6ad7f520e511f6c3e2b8c68059b"
         "6bbd41fbabd9831f79217e1319cde05b616263" ZERO32 ZERO32 ZERO32 ZERO16 "00000000000000000000000000"
         "03000000000000000000000000000000"
         "01",
         "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf19"
         "25ab92386edd4009923"},
        {10, FORK_CANCUN, /* EIP-4844: the constant polynomial 1 at 5 */
         "01cf478a431837728dcec3461f4f53b8749cdc4e03496dcaed459dea82b82eb8"
         "0000000000000000000000000000000000000000000000000000000000000005"
         "0000000000000000000000000000000000000000000000000000000000000001"
         "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
         "c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
         "0000000000000000000000000000000000000000000000000000000000001000"
         "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001"},
        {11, FORK_PRAGUE, /* EIP-2537: G1 plus infinity */
         ZERO16 G1_X ZERO16 G1_Y ZERO32 ZERO32 ZERO32 ZERO32, ZERO16 G1_X ZERO16 G1_Y},
        {256, FORK_OSAKA, /* EIP-7951: a signature over P-256 */
         "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d"
         "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac"
         "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60"
         "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3"
         "7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e",
         "0000000000000000000000000000000000000000000000000000000000000001"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        for (int there = 0; there <= 1; there++) {
            struct world w;
            struct evm_tx tx = world_tx(0, 0);
            struct slice in = test_hex(row[i].in);
            struct evm_result r;
            struct evm_outcome *o;

            if (!there && row[i].since == FORK_FRONTIER) continue;
            world_init(&w, there ? FORK_OSAKA : (enum fork)(row[i].since - 1));
            memset(&tx.to, 0, sizeof tx.to);
            put_be64(row[i].at, tx.to.bytes + 12);
            tx.data = in.at;
            tx.data_len = in.len;
            tx.gas_limit = 500000;
            o = call(&w, &tx, 0, &r);
            REQUIRE(t, o);
            CHECK_EQ(t, r.status, EVM_SUCCESS);
            CHECK_SLICE(t, slice_of(r.output, r.output_len), there ? test_hex(row[i].out) : slice_of(NULL, 0));
            evm_outcome_free(o);
        }
    }
}

TEST(a_precompile_that_fails_is_a_halt, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 0);
    struct slice in = test_hex("00");
    struct evm_result r;
    struct evm_outcome *o;

    world_init(&w, FORK_OSAKA);
    memset(&tx.to, 0, sizeof tx.to);
    tx.to.bytes[19] = 10;
    tx.data = in.at;
    tx.data_len = in.len;
    o = call(&w, &tx, 0, &r);
    REQUIRE(t, o);
    CHECK_EQ(t, r.status, EVM_HALT);
    CHECK(t, *r.text);
    evm_outcome_free(o);
}

/* ---- threads ---- */

enum { THREADS = 4, CALLS = 200 };

struct caller {
    struct world w;
    uint64_t value;
    size_t wrong;
};

static void *keep_calling(void *arg)
{
    struct caller *c = arg;

    for (int i = 0; i < CALLS; i++) {
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r;
        struct evm_outcome *o = call(&c->w, &tx, 60000, &r);

        if (!o || r.status != EVM_SUCCESS || r.output_len != 32 || get_be64(r.output + 24) != c->value) c->wrong++;
        evm_outcome_free(o);
    }
    return NULL;
}

TEST(calls_run_on_many_threads_at_once, t)
{
    static struct caller callers[THREADS];
    pthread_t threads[THREADS];

    for (uint64_t i = 0; i < THREADS; i++) {
        struct caller *c = &callers[i];
        struct fan_address at;

        world_init(&c->w, FORK_OSAKA);
        at = world_contract(&c->w, 50, READ);
        c->value = 1000 + i;
        world_set_slot(world_find(&c->w, &at), u256_of(0), u256_of(c->value));
        REQUIRE(t, pthread_create(&threads[i], NULL, keep_calling, c) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_EQ(t, callers[i].wrong, 0);
    }
}
