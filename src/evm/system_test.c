#include "evm/world.h"

static const struct fan_hash parent_hash = {{0x11}}, beacon_root = {{0x22}};

TEST(the_beacon_root_and_the_parent_are_stored, t)
{
    const struct fan_address beacon = world_address_hex("000f3df6d732807ef1319fb7b8bb8522d0beac02");
    const struct fan_address history = world_address_hex("0000f90827f1c53a10cb7a02335b175320002935");
    struct fan_u256 slot, value;
    struct fan_hash bytes;
    struct world w;
    struct evm_block *b;
    struct evm_diff d;

    world_init(&w, FORK_PRAGUE);
    world_add_contracts(&w, FORK_NEWEST);
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, evm_block_begin(b, &parent_hash, &beacon_root), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
    CHECK_EQ(t, d.account_count, 2); /* neither the system address nor the beneficiary */
    world_apply(t, &w, &d);
    evm_block_close(b);
    slot = u256_of(w.env.timestamp % 8191);
    value = world_slot(world_find(&w, &beacon), &slot);
    CHECK_EQ(t, value.limb[0], w.env.timestamp);
    slot = u256_of(w.env.timestamp % 8191 + 8191);
    value = world_slot(world_find(&w, &beacon), &slot);
    u256_to_be(&value, bytes.bytes);
    CHECK_SLICE(t, slice_of(&bytes, 32), slice_of(&beacon_root, 32));
    slot = u256_of(w.env.number - 1);
    value = world_slot(world_find(&w, &history), &slot);
    u256_to_be(&value, bytes.bytes);
    CHECK_SLICE(t, slice_of(&bytes, 32), slice_of(&parent_hash, 32));
}

TEST(where_there_is_no_contract_nothing_is_stored, t)
{
    static const enum fork forks[] = {FORK_SHANGHAI, FORK_CANCUN, FORK_PRAGUE, FORK_OSAKA};
    for (size_t i = 0; i < COUNT_OF(forks); i++) {
        struct world w;
        struct evm_block *b;
        struct evm_diff d;

        world_init(&w, forks[i]);
        if (forks[i] == FORK_SHANGHAI) world_add_contracts(&w, FORK_NEWEST); /* there, but not yet called */
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, evm_block_begin(b, &parent_hash, forks[i] == FORK_SHANGHAI ? NULL : &beacon_root), EVM_SUCCESS);
        CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
        CHECK_EQ(t, d.account_count, 0);
        evm_block_close(b);
    }
}

TEST(a_reader_that_fails_leaves_no_half_of_it, t)
{
    struct world w;
    struct evm_block *b;
    struct evm_diff d;

    world_init(&w, FORK_PRAGUE);
    world_add_contracts(&w, FORK_NEWEST);
    w.storage_fails = true;
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, evm_block_begin(b, &parent_hash, &beacon_root), EVM_STATE_ERROR);
    CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
    CHECK_EQ(t, d.account_count, 0);
    w.storage_fails = false;
    CHECK_EQ(t, evm_block_begin(b, &parent_hash, &beacon_root), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
    CHECK_EQ(t, d.account_count, 2);
    evm_block_close(b);
}

/* ---- requests ---- */

TEST(before_prague_there_are_no_requests, t)
{
    struct world w;
    struct evm_block *b;
    const struct evm_bytes *requests;
    const char *text;
    size_t count = 9;

    world_init(&w, FORK_CANCUN);
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, evm_block_requests(b, &requests, &count, &text), EVM_SUCCESS);
    CHECK_EQ(t, count, 0);
    evm_block_close(b);
}

TEST(a_missing_request_contract_makes_the_block_invalid, t)
{
    struct world w;
    struct evm_block *b;
    const struct evm_bytes *requests;
    const char *text;
    size_t count = 9;
    struct evm_tx tx = world_tx(0, 2);
    struct evm_result r;

    world_init(&w, FORK_PRAGUE);
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, evm_block_requests(b, &requests, &count, &text), EVM_FAULT);
    CHECK_EQ(t, count, 0);
    CHECK(t, slice_starts(slice_str(text), SLICE("empty system contract: no code at 0x")));
    evm_block_execute(b, &tx, 1, &r); /* now it only waits to be closed */
    CHECK_EQ(t, r.status, EVM_FAULT);
    evm_block_close(b);
}

TEST(queued_requests_come_behind_their_type, t)
{
    struct world w;
    struct evm_block *b;
    const struct evm_bytes *requests;
    const char *text;
    size_t count;
    uint8_t ask[96];
    struct evm_tx tx = world_tx(0, 0);
    struct evm_result r;

    memset(ask, 0x33, sizeof ask);
    world_init(&w, FORK_PRAGUE);
    world_add_contracts(&w, FORK_NEWEST);
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, evm_block_begin(b, &parent_hash, &beacon_root), EVM_SUCCESS);
    tx.to = world_address_hex("00000961ef480eb55e80d19ad83579a64c007002");
    tx.data = ask;
    tx.data_len = 56; /* EIP-7002: key and amount */
    tx.value_wei = u256_of(1);
    tx.gas_limit = 300000;
    evm_block_execute(b, &tx, 0, &r);
    CHECK_EQ(t, r.status, EVM_SUCCESS);
    CHECK_EQ(t, r.diff.account_count, 0); /* not wanted */
    tx.nonce = 1;
    tx.to = world_address_hex("0000bbddc7ce488642fb579f8b00f3a590007251");
    tx.data_len = 96; /* EIP-7251: two keys */
    evm_block_execute(b, &tx, 0, &r);
    CHECK_EQ(t, r.status, EVM_SUCCESS);
    CHECK_EQ(t, evm_block_requests(b, &requests, &count, &text), EVM_SUCCESS);
    REQUIRE(t, count == 2);
    CHECK_EQ(t, requests[0].len, 1 + 76);
    CHECK_EQ(t, requests[0].at[0], 1);
    CHECK_SLICE(t, slice_of(requests[0].at + 1, 20), slice_of(&tx.sender, 20));
    CHECK_EQ(t, requests[1].len, 1 + 116);
    CHECK_EQ(t, requests[1].at[0], 2);
    CHECK_SLICE(t, slice_of(requests[1].at + 21, 96), slice_of(ask, 96));
    evm_block_close(b);

    b = evm_block_open(&w.env, &w.reader); /* an empty queue is no list at all */
    CHECK_EQ(t, evm_block_requests(b, &requests, &count, &text), EVM_SUCCESS);
    CHECK_EQ(t, count, 0);
    evm_block_close(b);
}

/* Code that stands as the EIPs have it is not executed where its effect is known. A byte behind its end makes it other
 * code that does the same. */
static void make_known_code_other(struct world *w)
{
    static const char *const known[] = {
        "000f3df6d732807ef1319fb7b8bb8522d0beac02", "0000f90827f1c53a10cb7a02335b175320002935",
        "00000961ef480eb55e80d19ad83579a64c007002", "0000bbddc7ce488642fb579f8b00f3a590007251"};

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const struct fan_address at = world_address_hex(known[i]);
        struct world_account *a = world_find(w, &at);

        assert(a->code_len < sizeof a->code);
        a->code[a->code_len++] = 0;
    }
}

/* What a block's own calls leave: its diff is applied to the world. The number of request lists. */
static size_t run_own_calls(struct test *t, struct world *w, const struct fan_hash *parent, const struct fan_hash *root)
{
    struct evm_block *b = evm_block_open(&w->env, &w->reader);
    const struct evm_bytes *requests;
    const char *text;
    size_t count = 99;
    struct evm_diff d;

    CHECK_EQ(t, evm_block_begin(b, parent, root), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_requests(b, &requests, &count, &text), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
    world_apply(t, w, &d);
    evm_block_close(b);
    return count;
}

static void check_same_storage(struct test *t, const struct world *a, const struct world *b)
{
    REQUIRE(t, a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < a->accounts[i].slot_count; k++) {
            struct fan_u256 other = world_slot(&b->accounts[i], &a->accounts[i].slots[k].slot);

            CHECK(t, u256_eq(&a->accounts[i].slots[k].value, &other));
        }
    }
}

TEST(written_straight_away_or_executed_the_storage_is_the_same, t)
{
    static const uint64_t number[] = {1, 2, 8191, 8192, 8193, 20000};
    static const uint64_t held[4] = {1, 2, 1, 2}; /* excess, count, head, tail: one request waits */
    static const struct fan_u256 inhibited = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    static const struct fan_hash roots[] = {{{0}}, {{0x77}}};
    const struct fan_address queue = world_address_hex("00000961ef480eb55e80d19ad83579a64c007002");

    for (size_t n = 0; n < COUNT_OF(number); n++) {
        for (unsigned holds = 0; holds < 32;
             holds++) { /* which of the four; 16: the excess is that of the deployment */
            struct world straight, executed, *both[] = {&straight, &executed};
            size_t lists[2];

            if ((holds & 12) == 4) continue; /* no head without a tail */
            for (size_t k = 0; k < 2; k++) {
                struct world *w = both[k];

                world_init(w, FORK_PRAGUE);
                world_add_contracts(w, FORK_NEWEST);
                if (k) make_known_code_other(w);
                for (unsigned slot = 0; slot < 4; slot++) {
                    struct fan_u256 value = slot == 0 && holds & 16 ? inhibited : u256_of(held[slot]);

                    if (holds >> slot & 1) world_set_slot(world_find(w, &queue), u256_of(slot), value);
                }
                w->env.number = number[n];
                w->env.timestamp = 1700000000 + number[n] * 7;
                lists[k] = run_own_calls(t, w, &parent_hash, &roots[n % 2]);
                w->env.number++; /* and over what the first left, a root of zero among it */
                w->env.timestamp += n % 3 ? 8191 : 1;
                lists[k] += run_own_calls(t, w, &beacon_root, &roots[(n + 1) % 2]);
            }
            CHECK_EQ(t, lists[0], lists[1]);
            check_same_storage(t, &straight, &executed);
            check_same_storage(t, &executed, &straight);
        }
    }
}

/* The deposit contract's event: five byte strings, ABI-encoded. */
static void deposit_event(uint8_t data[576])
{
    static const size_t offset[5] = {160, 256, 320, 384, 512}, len[5] = {48, 32, 8, 96, 8};

    memset(data, 0, 576);
    for (size_t i = 0; i < 5; i++) {
        put_be64(offset[i], data + i * 32 + 24);
        put_be64(len[i], data + offset[i] + 24);
        memset(data + offset[i] + 32, (int)i + 1, len[i]);
    }
}

TEST(deposits_are_read_from_logs_and_forgotten_on_rewind, t)
{
    struct world w;
    struct evm_block *b;
    const struct evm_bytes *requests;
    const char *text;
    size_t count, mark;
    uint8_t event[576];
    struct evm_tx tx = world_tx(0, 0xdd);
    struct evm_result r;

    world_init(&w, FORK_PRAGUE);
    world_add_contracts(&w, FORK_NEWEST);
    /* Logs its calldata under the event's topic. */
    (void)world_contract(&w, 0xdd,
                         "365f5f377f649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5365fa100");
    deposit_event(event);
    tx.data = event;
    tx.data_len = sizeof event;
    b = evm_block_open(&w.env, &w.reader);
    evm_block_execute(b, &tx, 0, &r);
    CHECK_EQ(t, r.status, EVM_SUCCESS);
    CHECK_EQ(t, evm_block_mark(b, &mark), EVM_SUCCESS);
    tx.nonce = 1;
    evm_block_execute(b, &tx, 0, &r);
    CHECK_EQ(t, r.status, EVM_SUCCESS);
    tx.nonce = 2;
    event[31]++;
    evm_block_execute(b, &tx, 0, &r); /* no block may hold a deposit laid out otherwise */
    CHECK_EQ(t, r.status, EVM_INVALID);
    CHECK_EQ(t, r.invalid, EVM_INVALID_OTHER);
    event[31]--;
    CHECK_EQ(t, evm_block_rewind(b, mark), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_requests(b, &requests, &count, &text), EVM_SUCCESS);
    REQUIRE(t, count == 1);
    CHECK_EQ(t, requests[0].len, 1 + 192);
    CHECK_EQ(t, requests[0].at[0], 0);
    CHECK_SLICE(t, slice_of(requests[0].at + 1, 48), slice_of(event + 192, 48));
    CHECK_EQ(t, requests[0].at[192], 5);
    evm_block_close(b);
}

/* ---- the DAO ---- */

TEST(the_dao_pays_back, t)
{
    const struct fan_address dao = world_address_hex("d4fe7bc31cedb7bfb8a345f31e668033056b2728");
    const struct fan_address refund = world_address_hex("bf4ed7b27f1d666546e30d74d50d173d20bca754");
    for (int move = 0; move <= 1; move++) {
        struct world w;
        struct evm_block *b;
        struct evm_diff d;

        world_init(&w, FORK_DAO);
        world_add(&w, dao)->balance_wei = u256_of(123);
        w.env.dao_move = (uint8_t)move;
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, evm_block_begin(b, &parent_hash, NULL), EVM_SUCCESS);
        CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
        CHECK_EQ(t, d.account_count,
                 move ? 117 : 0); /* 116 accounts, and who is paid; before EIP-161 each of them exists then */
        if (move) {
            REQUIRE(t, world_change(&d, refund) && world_change(&d, dao));
            CHECK_EQ(t, world_change(&d, refund)->new_balance_wei.limb[0], 123);
            CHECK(t, u256_is_zero(&world_change(&d, dao)->new_balance_wei));
        }
        world_apply(t, &w, &d);
        evm_block_close(b);
    }
}
