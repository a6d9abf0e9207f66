#include "evm/world.h"

/* Calldata's first word into slot 0. */
#define STORE "6000356000550000"
/* Reverts with Error("nope"). */
#define REVERT_NOPE                                                                                                    \
    "6064600c60003960646000fd"                                                                                         \
    "08c379a00000000000000000000000000000000000000000000000000000000000000020"                                         \
    "0000000000000000000000000000000000000000000000000000000000000004"                                                 \
    "6e6f706500000000000000000000000000000000000000000000000000000000"
/* LOG2 with 32 bytes of data. */
#define LOG_TWO "602a600052600260016020 6000a2 00"
/* Everything to world_address(7). */
#define DESTRUCT "73aa00000000000000000000000000000000000007ff"

struct fixture {
    struct world w;
    struct evm_block *b;
    struct evm_result r;
};

static void open_block(struct test *t, struct fixture *f)
{
    const struct fan_hash parent = {{1}}, beacon = {{2}};

    f->b = evm_block_open(&f->w.env, &f->w.reader);
    CHECK_EQ(t, evm_block_begin(f->b, &parent, &beacon), EVM_SUCCESS);
}

/* The world's reader points into the fixture, so it is made where it stays. */
static void fixture_init(struct fixture *f, enum fork fork)
{
    world_init(&f->w, fork);
    f->b = NULL;
}

static uint32_t execute(struct fixture *f, const struct evm_tx *tx)
{
    evm_block_execute(f->b, tx, 1, &f->r);
    return f->r.status;
}

/* The merged diff into the world, the block closed. */
static void seal(struct test *t, struct fixture *f)
{
    struct evm_diff d;

    CHECK_EQ(t, evm_block_diff(f->b, &d), EVM_SUCCESS);
    world_apply(t, &f->w, &d);
    evm_block_close(f->b);
    f->b = NULL;
}

static size_t diff_count(struct test *t, struct fixture *f)
{
    struct evm_diff d;

    CHECK_EQ(t, evm_block_diff(f->b, &d), EVM_SUCCESS);
    return d.account_count;
}

static struct fan_u256 wei(uint64_t v)
{
    return u256_of(v);
}

TEST(a_transfer_moves_value_and_pays_for_itself, t)
{
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct evm_tx tx = world_tx(0, 2);
    const struct evm_account_change *c;
    struct fan_u256 left;

    open_block(t, &f);
    tx.value_wei = wei(ETHER);
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    CHECK_EQ(t, f.r.gas_used, 21000);
    CHECK_EQ(t, f.r.gas_refunded, 0);
    CHECK_EQ(t, f.r.log_count, 0);
    CHECK_STR(t, slice_str(f.r.text), "");
    CHECK_EQ(t, f.r.diff.account_count, 3); /* sender, receiver, who gets the tip */
    c = world_change(&f.r.diff, world_address(1));
    REQUIRE(t, c);
    CHECK_EQ(t, c->new_nonce, 1);
    (void)u256_sub(&c->old_balance_wei, &c->new_balance_wei, &left);
    CHECK_EQ(t, left.limb[0], ETHER + 21000 * 2 * GWEI);
    c = world_change(&f.r.diff, world_address(2));
    REQUIRE(t, c);
    CHECK_EQ(t, c->existed, 0);
    CHECK_EQ(t, c->exists, 1);
    CHECK_EQ(t, c->new_balance_wei.limb[0], ETHER);
    c = world_change(&f.r.diff, f.w.env.beneficiary);
    REQUIRE(t, c);
    CHECK_EQ(t, c->new_balance_wei.limb[0], 21000 * GWEI); /* the base fee is burnt */
    seal(t, &f);
    CHECK_EQ(t, world_find(&f.w, &tx.sender)->nonce, 1);
}

TEST(a_deploy_returns_its_address_and_code, t)
{
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct slice init = test_hex("6008600c60003960086000f3" STORE);
    struct evm_tx tx = world_create_tx(0, init), use;
    const struct evm_account_change *c;
    uint8_t word[32] = {[31] = 9};

    open_block(t, &f);
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    CHECK_EQ(t, f.r.created, 1);
    CHECK_SLICE(t, slice_of(f.r.output, f.r.output_len), test_hex(STORE));
    c = world_change(&f.r.diff, f.r.contract);
    REQUIRE(t, c);
    CHECK_EQ(t, c->new_nonce, 1);
    CHECK_SLICE(t, slice_of(c->new_code, c->new_code_len), test_hex(STORE));
    CHECK_EQ(t, c->storage_wiped, 0);
    use = world_tx(1, 0);
    use.to = f.r.contract;
    use.data = word;
    use.data_len = sizeof word;
    CHECK_EQ(t, execute(&f, &use), EVM_SUCCESS); /* sees the code of the transaction before */
    c = world_change(&f.r.diff, use.to);
    REQUIRE(t, c);
    CHECK(t, c->new_code == NULL);
    REQUIRE(t, c->slot_count == 1);
    CHECK_EQ(t, c->slots[0].new_value.limb[0], 9);
    seal(t, &f);
    CHECK_EQ(t, world_find(&f.w, &use.to)->slots[0].value.limb[0], 9);
}

TEST(a_revert_gives_its_data_and_keeps_nothing_but_the_fee, t)
{
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct evm_tx tx = world_tx(0, 50);

    (void)world_contract(&f.w, 50, REVERT_NOPE);
    open_block(t, &f);
    CHECK_EQ(t, execute(&f, &tx), EVM_REVERT);
    CHECK_EQ(t, f.r.output_len, 100);
    CHECK_SLICE(t, slice_of(f.r.output + 68, 4), SLICE("nope"));
    CHECK_STR(t, slice_str(f.r.text), "execution reverted");
    CHECK(t, f.r.gas_used > 21000 && f.r.gas_used < tx.gas_limit);
    CHECK_EQ(t, f.r.diff.account_count, 2); /* sender and beneficiary */
    evm_block_close(f.b);
}

TEST(logs_come_with_topics_and_data, t)
{
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct evm_tx tx = world_tx(0, 50);
    struct fan_address at = world_contract(&f.w, 50, LOG_TWO);

    open_block(t, &f);
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    REQUIRE(t, f.r.log_count == 1);
    CHECK_SLICE(t, slice_of(&f.r.logs[0].address, 20), slice_of(&at, 20));
    REQUIRE(t, f.r.logs[0].topic_count == 2);
    CHECK_EQ(t, f.r.logs[0].topics[0].bytes[31], 1);
    CHECK_EQ(t, f.r.logs[0].topics[1].bytes[31], 2);
    CHECK_EQ(t, f.r.logs[0].data_len, 32);
    CHECK_EQ(t, f.r.logs[0].data[31], 0x2a);
    evm_block_close(f.b);
}

TEST(a_halt_takes_all_gas_and_is_worded_as_geth_words_it, t)
{
    static const struct {
        const char *code, *words;
    } row[] = {
        {"fe", "invalid opcode: INVALID"},
        {"0c", "invalid opcode: opcode 0xc not defined"},
        {"01", "stack underflow (0 <=> 2)"},
        {"600191", "stack underflow (1 <=> 3)"},
        {"600456", "invalid jump destination"},
        {"5b600056", "out of gas"},
        {"60016000fd60016000f3", ""}, /* a revert, no halt */
        {"6001600160013e", "return data out of bounds"},
        {"600160ff60020a52", "gas uint64 overflow"}, /* memory at 2^255 */
        {"5b5f600056", "stack limit reached 1024 (1023)"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fixture f;
        fixture_init(&f, FORK_OSAKA);
        struct evm_tx tx = world_tx(0, 50);
        uint32_t status;

        (void)world_contract(&f.w, 50, row[i].code);
        open_block(t, &f);
        status = execute(&f, &tx);
        if (*row[i].words) {
            CHECK_EQ(t, status, EVM_HALT);
            CHECK_EQ(t, f.r.gas_used, tx.gas_limit);
            CHECK_STR(t, slice_str(f.r.text), row[i].words);
        } else {
            CHECK_EQ(t, status, EVM_REVERT);
        }
        CHECK_EQ(t, f.r.diff.account_count, 2);
        evm_block_close(f.b);
    }
}

TEST(a_creation_that_halts_says_why, t)
{
    static const struct {
        const char *init, *words;
        uint64_t gas;
    } row[] = {
        {"60ef60005360016000f3", "invalid code: must not begin with 0xef", 500000},
        {"6160016000f3", "max code size exceeded", 6000000},
        {"6110006000f3", "contract creation code storage out of gas", 100000},
        {"fe", "invalid opcode: INVALID", 500000},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fixture f;
        fixture_init(&f, FORK_CANCUN);
        struct evm_tx tx = world_create_tx(0, test_hex(row[i].init));

        tx.gas_limit = row[i].gas;
        open_block(t, &f);
        CHECK_EQ(t, execute(&f, &tx), EVM_HALT);
        CHECK_STR(t, slice_str(f.r.text), row[i].words);
        CHECK_EQ(t, f.r.created, 0);
        evm_block_close(f.b);
    }
}

/* EIP-7610: storage alone keeps an address from being created over, and nothing of the account changes. */
TEST(nothing_is_created_over_storage, t)
{
    for (uint64_t value = 0; value < 2; value++) {
        struct fixture f;
        fixture_init(&f, FORK_OSAKA);
        struct slice init = test_hex("6008600c60003960086000f3" STORE);
        struct evm_tx tx = world_create_tx(0, init);
        struct world_account *there;
        struct fan_address at;

        open_block(t, &f);
        CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
        at = f.r.contract;
        evm_block_close(f.b);
        there = world_add(&f.w, at);
        there->balance_wei = u256_of(5);
        world_set_slot(there, u256_of(1), u256_of(value));
        open_block(t, &f);
        CHECK_EQ(t, execute(&f, &tx), value ? EVM_HALT : EVM_SUCCESS);
        if (value) {
            CHECK_STR(t, slice_str(f.r.text), "contract address collision");
            CHECK_EQ(t, f.r.gas_used, tx.gas_limit);
            CHECK(t, !world_change(&f.r.diff, at));
        }
        evm_block_close(f.b);
    }
}

/* What one transaction's halt was about says nothing about the next one's. */
TEST(words_belong_to_their_transaction, t)
{
    struct fixture f;
    fixture_init(&f, FORK_CANCUN);
    struct evm_tx tx = world_create_tx(0, test_hex("6110006000f3"));

    (void)world_contract(&f.w, 50, "5b600056");
    tx.gas_limit = 100000;
    open_block(t, &f);
    CHECK_EQ(t, execute(&f, &tx), EVM_HALT);
    CHECK_STR(t, slice_str(f.r.text), "contract creation code storage out of gas");
    tx = world_tx(1, 50);
    CHECK_EQ(t, execute(&f, &tx), EVM_HALT);
    CHECK_STR(t, slice_str(f.r.text), "out of gas");
    evm_block_close(f.b);
}

/* Each row spoils a good transaction in one way. */
TEST(an_invalid_transaction_says_why_and_leaves_the_block_alone, t)
{
    static const struct fan_hash good_hash = {{1}}, bad_hash = {{2}};
    static const struct fan_hash many[7] = {{{1}}, {{1}}, {{1}}, {{1}}, {{1}}, {{1}}, {{1}}};
    static const struct evm_authorization auth = {.nonce = 1};
    static uint8_t big[49153], zeros[40000];
    memset(zeros, 1, sizeof zeros);
    for (int i = EVM_INVALID_OTHER + 1; i <= EVM_INVALID_AUTH_CREATE; i++) {
        struct fixture f;
        fixture_init(&f, FORK_OSAKA);
        struct evm_tx tx = world_tx(0, 2);
        struct world_account *sender = world_find(&f.w, &tx.sender);

        tx.priority_fee_wei = u256_of(GWEI);
        switch ((enum evm_invalid)i) {
        case EVM_INVALID_NONCE_TOO_LOW:
            sender->nonce = 5;
            break;
        case EVM_INVALID_NONCE_TOO_HIGH:
            tx.nonce = 5;
            break;
        case EVM_INVALID_NONCE_MAX:
            tx.nonce = sender->nonce = UINT64_MAX;
            break;
        case EVM_INVALID_FUNDS:
            (void)u256_mul_u64(&sender->balance_wei, 2, &tx.value_wei);
            break;
        case EVM_INVALID_FEE_BELOW_BASE:
            tx.gas_price_wei = u256_of(GWEI - 1);
            break;
        case EVM_INVALID_TIP_ABOVE_FEE:
            tx.type = 2, tx.has_chain_id = 1, tx.chain_id = 1337, tx.priority_fee_wei = u256_of(3 * GWEI);
            break;
        case EVM_INVALID_GAS_LIMIT_BLOCK:
            f.w.env.gas_limit = 99999;
            break;
        case EVM_INVALID_GAS_LIMIT_CAP:
            tx.gas_limit = 16777217;
            break;
        case EVM_INVALID_INTRINSIC_GAS:
            tx.gas_limit = 20999;
            break;
        case EVM_INVALID_FLOOR_GAS:
            tx.data = zeros, tx.data_len = 4000, tx.gas_limit = 21000 + 4000 * 16 + 100;
            break;
        case EVM_INVALID_SENDER_HAS_CODE:
            world_set_code(sender, test_hex("00"));
            break;
        case EVM_INVALID_INITCODE_SIZE:
            tx.is_create = 1, tx.data = big, tx.data_len = sizeof big, tx.gas_limit = 5000000;
            break;
        case EVM_INVALID_CHAIN_ID:
            tx.has_chain_id = 1, tx.chain_id = 1;
            break;
        case EVM_INVALID_TYPE:
            tx.type = 5, tx.has_chain_id = 1, tx.chain_id = 1337;
            break;
        case EVM_INVALID_BLOB_FEE:
        case EVM_INVALID_BLOB_COUNT:
        case EVM_INVALID_BLOB_EMPTY:
        case EVM_INVALID_BLOB_CREATE:
        case EVM_INVALID_BLOB_VERSION:
            tx.type = 3, tx.has_chain_id = 1, tx.chain_id = 1337;
            tx.blob_hashes = &good_hash;
            tx.blob_count = 1;
            tx.blob_fee_max_wei = u256_of(GWEI);
            if (i == EVM_INVALID_BLOB_FEE) tx.blob_fee_max_wei = u256_of(0);
            if (i == EVM_INVALID_BLOB_COUNT) tx.blob_hashes = many, tx.blob_count = 7;
            if (i == EVM_INVALID_BLOB_EMPTY) tx.blob_count = 0;
            if (i == EVM_INVALID_BLOB_CREATE) tx.is_create = 1;
            if (i == EVM_INVALID_BLOB_VERSION) tx.blob_hashes = &bad_hash;
            break;
        case EVM_INVALID_AUTH_EMPTY:
            tx.type = 4, tx.has_chain_id = 1, tx.chain_id = 1337;
            break;
        case EVM_INVALID_AUTH_CREATE:
            tx.type = 4, tx.has_chain_id = 1, tx.chain_id = 1337, tx.is_create = 1;
            tx.authorizations = &auth;
            tx.authorization_count = 1;
            break;
        case EVM_INVALID_OTHER:
            break;
        }
        f.b = evm_block_open(&f.w.env, &f.w.reader);
        CHECK_EQ(t, execute(&f, &tx), EVM_INVALID);
        CHECK_EQ(t, f.r.invalid, i);
        if (i == EVM_INVALID_INTRINSIC_GAS) CHECK_STR(t, slice_str(f.r.text), "minimum needed 21000");
        if (i == EVM_INVALID_FLOOR_GAS) CHECK_STR(t, slice_str(f.r.text), "minimum needed 181000");
        CHECK_EQ(t, f.r.diff.account_count, 0);
        CHECK_EQ(t, diff_count(t, &f), 0);
        evm_block_close(f.b);
    }
}

TEST(types_begin_with_their_forks, t)
{
    static const struct {
        uint8_t type;
        enum fork before;
    } row[] = {{1, FORK_MUIR_GLACIER}, {2, FORK_BERLIN}, {3, FORK_SHANGHAI}, {4, FORK_CANCUN}};
    static const struct fan_hash hash = {{1}};
    static const struct evm_authorization auth = {.nonce = 1};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fixture f;
        fixture_init(&f, row[i].before);
        struct evm_tx tx = world_tx(0, 2);

        tx.type = row[i].type;
        tx.has_chain_id = 1;
        tx.chain_id = 1337;
        tx.blob_hashes = &hash;
        tx.blob_count = row[i].type == 3;
        tx.blob_fee_max_wei = u256_of(GWEI);
        tx.authorizations = &auth;
        tx.authorization_count = row[i].type == 4;
        open_block(t, &f);
        CHECK_EQ(t, execute(&f, &tx), EVM_INVALID);
        CHECK_EQ(t, f.r.invalid, EVM_INVALID_TYPE);
        evm_block_close(f.b);
        f.w.env.fork++;
        if (row[i].before == FORK_BERLIN) f.w.env.base_fee_wei = GWEI;
        open_block(t, &f);
        CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
        CHECK_STR(t, slice_str(f.r.text), "");
        evm_block_close(f.b);
    }
}

TEST(a_block_has_room_for_so_much_gas_and_so_many_blobs, t)
{
    static const struct fan_hash hashes[6] = {{{1}}, {{1}}, {{1}}, {{1}}, {{1}}, {{1}}};
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct evm_tx tx = world_tx(0, 2);
    size_t mark;

    f.w.env.gas_limit = 120000;
    open_block(t, &f);
    tx.type = 3, tx.has_chain_id = 1, tx.chain_id = 1337;
    tx.blob_hashes = hashes;
    tx.blob_count = 4;
    tx.blob_fee_max_wei = u256_of(GWEI);
    CHECK_EQ(t, evm_block_mark(f.b, &mark), EVM_SUCCESS);
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    tx.nonce = 1;
    CHECK_EQ(t, execute(&f, &tx), EVM_INVALID); /* 99,000 gas are left */
    CHECK_EQ(t, f.r.invalid, EVM_INVALID_GAS_LIMIT_BLOCK);
    tx.gas_limit = 99000;
    CHECK_EQ(t, execute(&f, &tx), EVM_INVALID);
    CHECK_EQ(t, f.r.invalid, EVM_INVALID_BLOB_COUNT);
    tx.blob_count = 2;
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_rewind(f.b, mark), EVM_SUCCESS); /* all of it comes back */
    tx.nonce = 0;
    tx.gas_limit = 120000;
    tx.blob_count = 6;
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    evm_block_close(f.b);
}

TEST(a_rewind_takes_back_what_came_after_the_mark, t)
{
    struct fixture f;
    fixture_init(&f, FORK_SHANGHAI);
    struct evm_tx store = world_tx(0, 50), destroy = world_tx(1, 51);
    uint8_t word[32] = {[31] = 1};
    struct evm_diff d;
    size_t first, second;
    struct world_account *doomed;

    (void)world_contract(&f.w, 50, STORE);
    (void)world_contract(&f.w, 51, DESTRUCT);
    doomed = world_find(&f.w, &destroy.to);
    world_set_slot(doomed, u256_of(3), u256_of(4));
    doomed->balance_wei = u256_of(77);
    open_block(t, &f);
    store.data = word;
    store.data_len = sizeof word;
    CHECK_EQ(t, execute(&f, &store), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_mark(f.b, &first), EVM_SUCCESS);
    CHECK_EQ(t, execute(&f, &destroy), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_mark(f.b, &second), EVM_SUCCESS);
    store.nonce = 2;
    word[31] = 2;
    CHECK_EQ(t, execute(&f, &store), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_rewind(f.b, second), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_diff(f.b, &d), EVM_SUCCESS);
    REQUIRE(t, world_change(&d, store.to));
    CHECK_EQ(t, world_change(&d, store.to)->slots[0].new_value.limb[0], 1);
    REQUIRE(t, world_change(&d, destroy.to));
    CHECK_EQ(t, world_change(&d, destroy.to)->exists, 0);
    CHECK_EQ(t, evm_block_rewind(f.b, first), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_diff(f.b, &d), EVM_SUCCESS);
    CHECK(t, world_change(&d, destroy.to) == NULL);
    CHECK(t, world_change(&d, world_address(7)) == NULL);
    CHECK_EQ(t, evm_block_rewind(f.b, first), EVM_SUCCESS); /* again */
    CHECK_EQ(t, execute(&f, &destroy), EVM_SUCCESS);
    seal(t, &f);
    CHECK_EQ(t, world_find(&f.w, &store.to)->slots[0].value.limb[0], 1);
    CHECK_EQ(t, world_find(&f.w, &destroy.to)->exists, 0);
}

TEST(what_ends_as_it_began_is_in_no_diff, t)
{
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct evm_tx tx = world_tx(0, 50);
    uint8_t word[32] = {[31] = 5};
    struct fan_address at = world_contract(&f.w, 50, STORE),
                       reader = world_contract(&f.w, 51, "60005460015473aa000000000000000000000000000000000000323100");
    struct evm_diff d;

    open_block(t, &f);
    tx.data = word;
    tx.data_len = sizeof word;
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    CHECK(t, world_change(&f.r.diff, at) != NULL);
    tx.nonce = 1;
    word[31] = 0;
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    CHECK(t, world_change(&f.r.diff, at) != NULL); /* in this transaction it changed back … */
    tx.nonce = 2;
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS); /* 0 over 0 */
    CHECK(t, world_change(&f.r.diff, at) == NULL);
    tx.nonce = 3;
    tx.to = reader;
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    CHECK_EQ(t, f.r.diff.account_count, 2);
    CHECK_EQ(t, evm_block_diff(f.b, &d), EVM_SUCCESS);
    CHECK(t, world_change(&d, at) == NULL); /* … and in the block it did not change */
    CHECK_EQ(t, d.account_count, 2);
    evm_block_close(f.b);
}

TEST(a_reader_that_fails_ends_only_that_transaction, t)
{
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct evm_tx tx = world_tx(0, 50);
    struct fan_address who = world_address(1);
    struct fan_u256 one = u256_of(1);

    (void)world_contract(&f.w, 50, "6000546001016000550000");
    open_block(t, &f);
    f.w.fails = true;
    CHECK_EQ(t, execute(&f, &tx), EVM_STATE_ERROR);
    CHECK_EQ(t, evm_block_credit(f.b, &who, &one), EVM_STATE_ERROR);
    f.w.fails = false;
    f.w.code_fails = true;
    CHECK_EQ(t, execute(&f, &tx), EVM_STATE_ERROR);
    f.w.code_fails = false;
    f.w.storage_fails = true;
    CHECK_EQ(t, execute(&f, &tx), EVM_STATE_ERROR);
    f.w.storage_fails = false;
    CHECK_EQ(t, diff_count(t, &f), 0);
    CHECK_EQ(t, execute(&f, &tx), EVM_SUCCESS);
    evm_block_close(f.b);
}

TEST(a_credit_adds_outside_any_transaction, t)
{
    struct fixture f;
    fixture_init(&f, FORK_OSAKA);
    struct fan_address fresh = world_address(9), hollow = world_address(10), none = world_address(11);
    struct fan_u256 some = u256_of(5), nothing = u256_of(0);
    struct evm_diff d;

    (void)world_add(&f.w, hollow); /* empty, but there */
    open_block(t, &f);
    CHECK_EQ(t, evm_block_credit(f.b, &fresh, &some), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_credit(f.b, &fresh, &some), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_credit(f.b, &hollow, &nothing), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_credit(f.b, &none, &nothing), EVM_SUCCESS);
    CHECK_EQ(t, evm_block_diff(f.b, &d), EVM_SUCCESS);
    CHECK_EQ(t, d.account_count, 2);
    REQUIRE(t, world_change(&d, fresh) && world_change(&d, hollow));
    CHECK_EQ(t, world_change(&d, fresh)->new_balance_wei.limb[0], 10);
    CHECK_EQ(t, world_change(&d, hollow)->exists, 0); /* EIP-161: touched and empty */
    seal(t, &f);
}

TEST(closing_nothing_is_fine, t)
{
    (void)t;
    evm_block_close(NULL);
    evm_outcome_free(NULL);
}
