#include "eth/sign.h"
#include "evm/world.h"

/* Everything to world_address(7). */
#define DESTRUCT "73aa00000000000000000000000000000000000007ff"

static uint32_t execute(struct evm_block *b, const struct evm_tx *tx, struct evm_result *r)
{
    evm_block_execute(b, tx, 1, r);
    return r->status;
}

static void seal(struct test *t, struct world *w, struct evm_block *b)
{
    struct evm_diff d;

    CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
    world_apply(t, w, &d);
    evm_block_close(b);
}

/* ---- rules that changed ---- */

TEST(a_store_of_nothing_new_costs_what_its_fork_says, t)
{
    static const struct {
        enum fork fork;
        uint64_t store_gas;
    } row[] = {
        {FORK_FRONTIER, 5000},   {FORK_BYZANTIUM, 5000}, {FORK_CONSTANTINOPLE, 200}, /* EIP-1283 */
        {FORK_PETERSBURG, 5000}, {FORK_ISTANBUL, 800},   {FORK_BERLIN, 2200},        {FORK_OSAKA, 2200},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct world w;
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r;
        struct evm_block *b;

        world_init(&w, row[i].fork);
        (void)world_contract(&w, 50, "6000600055");
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
        CHECK_EQ(t, r.gas_used, 21000 + 6 + row[i].store_gas);
        CHECK(t, world_change(&r.diff, tx.to) == NULL);
        evm_block_close(b);
    }
}

TEST(opcodes_begin_with_their_forks, t)
{
    static const struct {
        enum fork before;
        const char *code, *words;
    } row[] = {
        {FORK_FRONTIER, "600060006000600060006000f4", "invalid opcode: DELEGATECALL"},
        {FORK_SPURIOUS, "60006000fd", "invalid opcode: REVERT"},
        {FORK_BYZANTIUM, "600160011b", "invalid opcode: SHL"},
        {FORK_PETERSBURG, "46", "invalid opcode: CHAINID"},
        {FORK_BERLIN, "48", "invalid opcode: BASEFEE"},
        {FORK_PARIS, "5f", "invalid opcode: PUSH0"},
        {FORK_SHANGHAI, "60005c", "invalid opcode: TLOAD"},
        {FORK_SHANGHAI, "600060006000 5e", "invalid opcode: MCOPY"},
        {FORK_PRAGUE, "60001e", "invalid opcode: CLZ"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        for (int after = 0; after <= 1; after++) {
            struct world w;
            struct evm_tx tx = world_tx(0, 50);
            struct evm_result r;
            struct evm_block *b;

            world_init(&w, (enum fork)((int)row[i].before + after));
            (void)world_contract(&w, 50, row[i].code);
            b = evm_block_open(&w.env, &w.reader);
            (void)execute(b, &tx, &r);
            if (after) {
                CHECK_EQ(t, r.status, row[i].before == FORK_SPURIOUS ? EVM_REVERT : EVM_SUCCESS);
            } else {
                CHECK_EQ(t, r.status, EVM_HALT);
                CHECK_STR(t, slice_str(r.text), row[i].words);
            }
            evm_block_close(b);
        }
    }
}

TEST(frontier_deploys_nothing_where_homestead_fails, t)
{
    for (int after = 0; after <= 1; after++) {
        struct world w;
        struct evm_tx tx = world_create_tx(0, test_hex("6110006000f3")); /* 4,096 bytes that cannot be paid for */
        struct evm_result r;
        struct evm_block *b;

        world_init(&w, after ? FORK_HOMESTEAD : FORK_FRONTIER);
        tx.gas_limit = 100000;
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, execute(b, &tx, &r), after ? EVM_HALT : EVM_SUCCESS);
        CHECK_EQ(t, r.created, !after);
        if (!after) {
            const struct evm_account_change *c = world_change(&r.diff, r.contract);

            REQUIRE(t, c);
            CHECK_EQ(t, c->exists, 1);
            CHECK_EQ(t, c->new_nonce, 0); /* EIP-161 made it 1 */
            CHECK_EQ(t, c->new_code_len, 0);
        }
        evm_block_close(b);
    }
}

TEST(a_touched_empty_account_exists_until_spurious_dragon, t)
{
    for (int after = 0; after <= 1; after++) {
        struct world w;
        struct evm_tx tx = world_tx(0, 2);
        struct evm_result r;
        struct evm_block *b;
        struct fan_address credited = world_address(12);
        struct fan_u256 nothing = u256_of(0);

        world_init(&w, after ? FORK_SPURIOUS : FORK_TANGERINE);
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
        CHECK_EQ(t, world_change(&r.diff, tx.to) != NULL, !after);
        CHECK_EQ(t, evm_block_credit(b, &credited, &nothing), EVM_SUCCESS);
        seal(t, &w, b);
        CHECK_EQ(t, world_find(&w, &tx.to) != NULL, !after);
        CHECK_EQ(t, world_find(&w, &credited) != NULL, !after);
    }
}

TEST(difficulty_becomes_randomness_at_the_merge, t)
{
    for (int after = 0; after <= 1; after++) {
        struct world w;
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r;
        struct evm_block *b;

        world_init(&w, after ? FORK_PARIS : FORK_GRAY_GLACIER);
        w.env.difficulty = u256_of(5);
        w.env.prev_randao.bytes[31] = 6;
        (void)world_contract(&w, 50, "4460005260206000f3");
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
        REQUIRE(t, r.output_len == 32);
        CHECK_EQ(t, r.output[31], after ? 6 : 5);
        evm_block_close(b);
    }
}

/* ---- self-destruction ---- */

static void add_doomed(struct world *w)
{
    struct fan_address at = world_contract(w, 60, DESTRUCT);
    struct world_account *a = world_find(w, &at);

    a->balance_wei = u256_of(1000);
    world_set_slot(a, u256_of(1), u256_of(11));
}

TEST(before_cancun_a_destroyed_contract_goes_with_its_storage, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 60);
    struct evm_result r;
    struct evm_block *b;
    const struct evm_account_change *c;

    world_init(&w, FORK_SHANGHAI);
    add_doomed(&w);
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
    c = world_change(&r.diff, tx.to);
    REQUIRE(t, c);
    CHECK_EQ(t, c->exists, 0);
    CHECK_EQ(t, c->storage_wiped, 1);
    CHECK_EQ(t, c->slot_count, 0);
    c = world_change(&r.diff, world_address(7));
    REQUIRE(t, c);
    CHECK_EQ(t, c->new_balance_wei.limb[0], 1000);
    seal(t, &w, b);
}

TEST(since_cancun_it_only_sends_its_balance, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 60);
    struct evm_result r;
    struct evm_block *b;
    const struct evm_account_change *c;

    world_init(&w, FORK_CANCUN);
    add_doomed(&w);
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
    c = world_change(&r.diff, tx.to);
    REQUIRE(t, c);
    CHECK_EQ(t, c->exists, 1);
    CHECK_EQ(t, c->storage_wiped, 0);
    CHECK(t, u256_is_zero(&c->new_balance_wei));
    CHECK(t, c->new_code == NULL);
    seal(t, &w, b);
}

TEST(created_and_destroyed_at_once_leaves_nothing, t)
{
    struct world w;
    struct evm_tx tx = world_create_tx(0, test_hex("60056005 55" DESTRUCT));
    struct evm_result r;
    struct evm_block *b;

    world_init(&w, FORK_CANCUN);
    tx.value_wei = u256_of(3);
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
    CHECK_EQ(t, r.diff.account_count, 3); /* sender, beneficiary, who got the 3 wei */
    CHECK(t, world_change(&r.diff, r.contract) == NULL);
    seal(t, &w, b);
}

/* The same address by CREATE2, destroyed and made again within one block: what it stored in its first life is gone. */
TEST(a_second_life_begins_with_empty_storage, t)
{
    struct world w;
    uint8_t data[32 + 64] = {0};
    struct slice init = test_hex("6001600155"
                                 "60166011600039 60166000f3" DESTRUCT); /* slot 1 = 1 */
    struct evm_tx make = world_tx(0, 0), destroy;
    struct evm_result r;
    struct evm_block *b;
    struct world_account *a;
    struct fan_address at;
    struct evm_diff d;
    const struct evm_account_change *c;

    world_init(&w, FORK_SHANGHAI);
    world_add_contracts(&w, FORK_FRONTIER);
    make.to = world_address_hex("4e59b44847b379578588920ca78fbf26c0b4956c");
    memcpy(data + 32, init.at, init.len);
    make.data = data;
    make.data_len = 32 + init.len;
    make.gas_limit = 200000;
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, execute(b, &make, &r), EVM_SUCCESS);
    REQUIRE(t, r.output_len == 20);
    memcpy(at.bytes, r.output, 20);
    seal(t, &w, b);
    a = world_find(&w, &at);
    REQUIRE(t, a);
    world_set_slot(a, u256_of(1), u256_of(5));
    world_set_slot(a, u256_of(2), u256_of(9));

    destroy = world_tx(1, 0);
    destroy.to = at;
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, execute(b, &destroy, &r), EVM_SUCCESS);
    make.nonce = 2;
    CHECK_EQ(t, execute(b, &make, &r), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_diff(b, &d), EVM_SUCCESS);
    c = world_change(&d, at);
    REQUIRE(t, c);
    CHECK_EQ(t, c->existed, 1);
    CHECK_EQ(t, c->exists, 1);
    CHECK_EQ(t, c->storage_wiped, 1);
    REQUIRE(t, c->slot_count == 1);
    CHECK_EQ(t, c->slots[0].slot.limb[0], 1);
    CHECK_EQ(t, c->slots[0].new_value.limb[0], 1);
    seal(t, &w, b);
    CHECK_EQ(t, world_find(&w, &at)->slot_count, 1);
}

/* ---- EIP-2930 ---- */

TEST(a_listed_slot_is_warm, t)
{
    struct fan_hash slot = {{0}};
    struct evm_access access = {world_address(50), &slot, 1};
    uint64_t used[2];

    for (int listed = 0; listed <= 1; listed++) {
        struct world w;
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r;
        struct evm_block *b;

        world_init(&w, FORK_OSAKA);
        (void)world_contract(&w, 50, "60005400");
        tx.type = 1, tx.has_chain_id = 1, tx.chain_id = 1337;
        tx.access = &access;
        tx.access_count = (size_t)listed;
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
        used[listed] = r.gas_used;
        evm_block_close(b);
    }
    CHECK_EQ(t, used[0], 21000 + 3 + 2100);
    CHECK_EQ(t, used[1], 21000 + 3 + 100 + 2400 + 1900);
}

/* ---- EIP-7702 ---- */

static struct evm_authorization authorize(struct test *t, const uint8_t secret[32], struct fan_address to,
                                          uint64_t nonce)
{
    uint8_t message[27] = {0x05, 0xd9, 0x82, 0x05, 0x39, 0x94}; /* 0x05 ++ rlp([1337, to, nonce < 128]) */
    struct evm_authorization a = {.chain_id = u256_of(1337), .address = to, .nonce = nonce};
    struct signature sig;
    struct fan_hash hash;

    memcpy(message + 6, to.bytes, 20);
    message[26] = nonce ? (uint8_t)nonce : 0x80;
    hash = keccak256(slice_of(message, sizeof message));
    CHECK_EQ(t, sign_hash(&hash, secret, &sig), FAN_OK);
    a.y_parity = sig.parity;
    a.r = u256_from_be(sig.r);
    a.s = u256_from_be(sig.s);
    return a;
}

TEST(an_authority_borrows_code_and_gives_it_back, t)
{
    static const uint8_t secret[32] = {[31] = 42};
    struct fan_address authority, nowhere = {{0}};
    struct world w;
    struct evm_tx tx = world_tx(0, 0);
    struct evm_authorization auth;
    struct evm_result r;
    struct evm_block *b;
    const struct evm_account_change *c;
    uint8_t word[32] = {[31] = 8}, code[23] = {0xef, 0x01, 0x00};
    struct fan_address library;

    REQUIRE(t, sign_address(secret, &authority) == FAN_OK);
    world_init(&w, FORK_PRAGUE);
    library = world_contract(&w, 50, "60003560005500");
    memcpy(code + 3, library.bytes, 20);
    tx.type = 4, tx.has_chain_id = 1, tx.chain_id = 1337;
    tx.to = authority;
    tx.data = word;
    tx.data_len = sizeof word;
    auth = authorize(t, secret, library, 0);
    tx.authorizations = &auth;
    tx.authorization_count = 1;
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
    c = world_change(&r.diff, authority);
    REQUIRE(t, c);
    CHECK_EQ(t, c->new_nonce, 1);
    CHECK_SLICE(t, slice_of(c->new_code, c->new_code_len), slice_of(code, sizeof code));
    REQUIRE(t, c->slot_count == 1); /* the library's code ran on the authority's storage */
    CHECK_EQ(t, c->slots[0].new_value.limb[0], 8);
    seal(t, &w, b);

    /* A spent authorization is passed over, not an error. */
    b = evm_block_open(&w.env, &w.reader);
    tx.nonce = 1;
    word[31] = 9;
    CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
    c = world_change(&r.diff, authority);
    REQUIRE(t, c);
    CHECK_EQ(t, c->new_nonce, 1);
    CHECK_EQ(t, c->slots[0].new_value.limb[0], 9);

    auth = authorize(t, secret, nowhere, 1);
    tx.nonce = 2;
    CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
    c = world_change(&r.diff, authority);
    REQUIRE(t, c);
    CHECK(t, c->new_code == NULL && c->new_code_len == 0);
    CHECK_EQ(t, c->slot_count, 0); /* no code: nothing ran */
    CHECK_EQ(t, c->storage_wiped, 0);
    seal(t, &w, b);
    CHECK_EQ(t, world_find(&w, &authority)->code_len, 0);
}

TEST(a_delegated_account_may_send, t)
{
    struct world w;
    struct evm_tx tx = world_tx(0, 2);
    struct evm_result r;
    struct evm_block *b;

    world_init(&w, FORK_PRAGUE);
    world_set_code(world_find(&w, &tx.sender), test_hex("ef0100aa00000000000000000000000000000000000050"));
    b = evm_block_open(&w.env, &w.reader);
    CHECK_EQ(t, execute(b, &tx, &r), EVM_SUCCESS);
    seal(t, &w, b);
}

/* Whoever deployed 23 bytes that begin with ef0100 before London has code whose first instruction is none. */
TEST(before_prague_code_of_a_delegation_s_shape_is_code, t)
{
    for (int after = 0; after <= 1; after++) {
        struct world w;
        struct evm_tx tx = world_tx(0, 50);
        struct evm_result r;
        struct evm_block *b;

        world_init(&w, after ? FORK_PRAGUE : FORK_CANCUN);
        (void)world_contract(&w, 50, "ef0100aa00000000000000000000000000000000000033");
        (void)world_contract(&w, 51, "00");
        b = evm_block_open(&w.env, &w.reader);
        CHECK_EQ(t, execute(b, &tx, &r), after ? EVM_SUCCESS : EVM_HALT);
        if (!after) CHECK_STR(t, slice_str(r.text), "invalid opcode: opcode 0xef not defined");
        evm_block_close(b);
    }
}
