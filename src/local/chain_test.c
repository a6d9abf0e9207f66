/* A development chain driven through the door: transactions, blocks, events, reads. */
#include "codec/keccak.h"
#include "local/test_chain.h"

TEST(a_transfer_is_mined_at_once_and_can_be_read, t)
{
    struct test_chain *tc = tc_open(t);
    struct tx tx = tc_transfer(tc, 0, 1, 0);
    struct block *b = NULL;
    struct chain_account to;
    struct fan_u256 expected = u256_of(TC_ETHER), one = u256_of(1);
    size_t at = 9;

    tc_must_send(t, tc, &tx, 0);
    REQUIRE(t, tc->event_count == 2);
    CHECK_EQ(t, tc->events[0]->kind, CHAIN_EVENT_PENDING);
    CHECK_EQ(t, tc->events[1]->kind, CHAIN_EVENT_HEAD);
    CHECK_EQ(t, tc->events[0]->sequence, 1);
    CHECK_EQ(t, tc->events[1]->sequence, 2);
    CHECK_EQ(t, tc->chain->ops->tx_by_hash(tc->chain, &tx.hash, &b, &at), FAN_OK);
    REQUIRE(t, b != NULL);
    CHECK_EQ(t, at, 0);
    CHECK_EQ(t, b->header.number, 1);
    CHECK_EQ(t, b->header.timestamp, 1700000000);
    CHECK_EQ(t, b->header.gas_used, 21000);
    CHECK_EQ(t, b->receipts[0].status, 1);
    CHECK_EQ(t, b->receipts[0].gas_used, 21000);
    CHECK_EQ(t, b->header.base_fee_wei, 875000000);
    CHECK_EQ(t, b->receipts[0].effective_gas_price_wei.limb[0], 1875000000);
    block_unref(b);
    to = tc_account(t, tc, &tc->accounts[1]);
    (void)u256_mul_u64(&expected, 10000, &expected);
    (void)u256_add(&expected, &one, &expected);
    CHECK(t, u256_eq(&to.balance_wei, &expected));
    CHECK_EQ(t, tc_account(t, tc, &tc->accounts[0]).nonce, 1);
    CHECK_EQ(t, tc->chain->ops->pending_nonce(tc->chain, &tc->accounts[0]), 1);
    tc_close(t, tc);
}

/* Runtime code: LOG1(topic 0x…07) of calldata's first word, then returns what slot 0 holds; SSTORE(0, word) before. The
 * init code copies it. All by hand, so that no compiler is needed. */
static struct slice counter_init(void)
{
    return test_hex("601d600c600039601d6000f3" /* codecopy 29 bytes from 12, return them */
                    "600035805f55805f52600760205fa15f545f5260205ff3000000"); /* runtime, padded */
}

static struct fan_address deploy(struct test *t, struct test_chain *tc, uint64_t nonce)
{
    struct tx tx = tc_transfer(tc, 0, 1, nonce);

    tx.has_to = false;
    memset(&tx.to, 0, sizeof tx.to);
    tx.value_wei = u256_of(0);
    tx.gas_limit = 300000;
    tx.data = counter_init();
    tc_must_send(t, tc, &tx, 0);
    return tx_create_address(&tc->accounts[0], nonce);
}

static enum fan_status count_log(void *ctx, const struct log *l)
{
    (void)l;
    ++*(size_t *)ctx;
    return FAN_OK;
}

TEST(deploy_call_and_logs, t)
{
    struct test_chain *tc = tc_open(t);
    struct fan_address contract = deploy(t, tc, 0);
    struct chain_account account = tc_account(t, tc, &contract);
    struct tx tx = tc_transfer(tc, 0, 1, 1);
    struct block *head;
    struct chain_state *state;
    uint8_t word[32] = {[31] = 42};
    struct filter any = {0}, other = {0};
    size_t found = 0;
    uint64_t fits = 0;
    struct chain_call call = {0};
    struct chain_call_result result;
    struct fan_u256 value, zero = u256_of(0);

    CHECK(t, account.exists && memcmp(&account.code_hash, &KECCAK_EMPTY, 32) != 0);
    for (uint64_t i = 0; i < 3; i++) {
        tx = tc_transfer(tc, 0, 1, 1 + i);
        tx.to = contract;
        tx.value_wei = zero;
        tx.gas_limit = 100000;
        tx.data = slice_of(word, 32);
        tc_must_send(t, tc, &tx, 0);
    }
    head = tc_head(tc);
    CHECK_EQ(t, head->header.number, 4);
    CHECK_EQ(t, head->log_count, 1);
    CHECK_EQ(t, head->receipts[0].log_count, 1);
    REQUIRE(t, head->log_count == 1);
    CHECK_SLICE(t, head->logs[0].data, slice_of(word, 32));
    CHECK_EQ(t, head->logs[0].topics[0].bytes[31], 7);
    CHECK_EQ(t, head->logs[0].block_number, 4);
    CHECK_SLICE(t, slice_of(&head->logs[0].tx_hash, 32), slice_of(&tx.hash, 32));
    CHECK_EQ(t, tc->chain->ops->logs(tc->chain, &any, 0, 100, 10, count_log, &found, &fits), FAN_OK);
    CHECK_EQ(t, found, 3);
    other.addresses = &tc->accounts[0];
    other.address_count = 1;
    found = 0;
    CHECK_EQ(t, tc->chain->ops->logs(tc->chain, &other, 0, 100, 10, count_log, &found, &fits), FAN_OK);
    CHECK_EQ(t, found, 0);
    CHECK_EQ(t, tc->chain->ops->logs(tc->chain, &any, 0, 100, 2, count_log, &found, &fits), FAN_ELIMIT);
    CHECK_EQ(t, fits, 3);

    CHECK_EQ(t, tc->chain->ops->state_open(tc->chain, head, &state), FAN_OK);
    CHECK_EQ(t, tc->chain->ops->slot(state, &contract, &zero, &value), FAN_OK);
    CHECK_EQ(t, value.limb[0], 42);
    word[31] = 99;
    call.tx = tx;
    call.tx.data = slice_of(word, 32);
    call.gas_max = 50000000;
    CHECK_EQ(t, tc->chain->ops->call(state, head, &call, false, &tc->a, &result, NULL), FAN_OK);
    CHECK_EQ(t, result.status, CHAIN_CALL_SUCCESS);
    CHECK_SLICE(t, result.output, slice_of(word, 32));
    CHECK_EQ(t, tc->chain->ops->slot(state, &contract, &zero, &value), FAN_OK);
    CHECK_EQ(t, value.limb[0], 42); /* the call left nothing behind */
    {                               /* with the code overridden: PUSH1 5, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN */
        struct chain_override o = {.address = contract, .has_code = true, .code = test_hex("60055f5260205ff3")};

        call.overrides = &o;
        call.override_count = 1;
        CHECK_EQ(t, tc->chain->ops->call(state, head, &call, false, &tc->a, &result, NULL), FAN_OK);
        CHECK_EQ(t, result.output.len, 32);
        CHECK_EQ(t, result.output.at[31], 5);
    }
    { /* reverting code: PUSH0 PUSH0 REVERT */
        struct chain_override o = {.address = contract, .has_code = true, .code = test_hex("5f5ffd")};

        call.overrides = &o;
        CHECK_EQ(t, tc->chain->ops->call(state, head, &call, false, &tc->a, &result, NULL), FAN_OK);
        CHECK_EQ(t, result.status, CHAIN_CALL_REVERT);
    }
    { /* for ever: JUMPDEST PUSH0 JUMP; either gas or time ends it */
        struct chain_override o = {.address = contract, .has_code = true, .code = test_hex("5b5f56")};

        call.overrides = &o;
        CHECK_EQ(t, tc->chain->ops->call(state, head, &call, false, &tc->a, &result, NULL), FAN_OK);
        CHECK_EQ(t, result.status, CHAIN_CALL_HALT);
        CHECK_STR(t, result.text, "out of gas");
    }
    call.override_count = 0;
    call.tx.value_wei = (struct fan_u256){{0, 0, 1, 0}};
    CHECK_EQ(t, tc->chain->ops->call(state, head, &call, false, &tc->a, &result, NULL), FAN_OK);
    CHECK_EQ(t, result.status, CHAIN_CALL_INVALID);
    CHECK(t, slice_starts(result.text, SLICE("insufficient funds for gas * price + value: address 0x")));
    call.tx.value_wei = u256_of(0);
    call.has_gas = true;
    call.tx.gas_limit = 1; /* words as geth's state transition has them, which are not its pool's */
    CHECK_EQ(t, tc->chain->ops->call(state, head, &call, false, &tc->a, &result, NULL), FAN_OK);
    CHECK_STR(t, result.text, "intrinsic gas too low: have 1, want 21140");
    tc->chain->ops->state_close(tc->chain, state);
    block_unref(head);
    tc_close(t, tc);
}

TEST(history_answers_at_every_height, t)
{
    struct test_chain *tc = tc_open(t);

    for (uint64_t n = 0; n < 40; n++) {
        struct tx tx = tc_transfer(tc, 0, 1, n);

        tc_must_send(t, tc, &tx, 0);
    }
    for (uint64_t n = 0; n <= 40; n++) {
        struct block *b = NULL;
        struct chain_state *s;
        struct chain_account a;

        CHECK_EQ(t, tc->chain->ops->block_by_number(tc->chain, n, &b), FAN_OK);
        CHECK_EQ(t, tc->chain->ops->state_open(tc->chain, b, &s), FAN_OK);
        CHECK_EQ(t, tc->chain->ops->account(s, &tc->accounts[0], &a), FAN_OK);
        CHECK_EQ(t, a.nonce, n);
        tc->chain->ops->state_close(tc->chain, s);
        block_unref(b);
    }
    tc_close(t, tc);
}

/* What is sealed here, an import elsewhere must accept: same genesis, the blocks' RLP. */
TEST(our_own_blocks_pass_our_import, t)
{
    static const enum fork forks[] = {FORK_OSAKA, FORK_PRAGUE, FORK_CANCUN, FORK_SHANGHAI, FORK_PARIS};

    for (size_t f = 0; f < COUNT_OF(forks); f++) {
        struct test_chain *tc = tc_open_with(t, &(struct local_options){0}, forks[f]), *other;
        struct buf rlp;
        struct local_import_result result;
        struct fan_error err = {{0}};
        struct block *b = NULL, *head;

        for (uint64_t n = 0; n < 5; n++) {
            struct tx tx = tc_transfer(tc, 0, 1, n);

            tc_must_send(t, tc, &tx, 0);
        }
        if (forks[f] >= FORK_SHANGHAI) (void)deploy(t, tc, 5);
        CHECK_EQ(t, tc->chain->dev->mine(tc->chain, 3, 12, NULL), FAN_OK);
        buf_init(&rlp, 0);
        for (uint64_t n = 1; tc->chain->ops->block_by_number(tc->chain, n, &b) == FAN_OK; n++) {
            block_put(b, &rlp);
            block_unref(b);
        }
        other = tc_open_with(t, &(struct local_options){0}, forks[f]);
        if (local_import_bytes(other->local, buf_peek(&rlp), &result, &err))
            test_fail(t, __FILE__, __LINE__, "%s: %s", fork_name(forks[f]), err.text);
        head = tc_head(tc);
        b = tc_head(other);
        CHECK_SLICE(t, slice_of(&b->hash, 32), slice_of(&head->hash, 32));
        block_unref(b);
        block_unref(head);
        buf_fini(&rlp);
        tc_close(t, other);
        tc_close(t, tc);
    }
}

TEST(pending_block_and_state_hold_what_waits, t)
{
    struct test_chain *tc = tc_open_with(t, &(struct local_options){.no_automine = true}, (enum fork)FORK_NEWEST);
    struct tx tx = tc_transfer(tc, 0, 1, 0), later = tc_transfer(tc, 0, 1, 2);
    struct block *pending = NULL, *head;
    struct chain_state *s;
    struct chain_account a;
    struct pending_tx *p = NULL;

    tc_must_send(t, tc, &tx, 0);
    tc_must_send(t, tc, &later, 0);
    CHECK_EQ(t, tc->event_count, 1); /* the one behind the gap is not announced */
    CHECK_EQ(t, tc->chain->ops->pending_nonce(tc->chain, &tc->accounts[0]), 1);
    CHECK_EQ(t, tc->chain->ops->pending_by_hash(tc->chain, &later.hash, &p), FAN_OK);
    pending_tx_unref(p);
    CHECK_EQ(t, tc->chain->ops->pending_block(tc->chain, &pending), FAN_OK);
    CHECK_EQ(t, pending->tx_count, 1);
    CHECK_EQ(t, pending->header.number, 1);
    CHECK(t, pending->has_receipts);
    CHECK_EQ(t, tc->chain->ops->pending_state_open(tc->chain, &s), FAN_OK);
    CHECK_EQ(t, tc->chain->ops->account(s, &tc->accounts[0], &a), FAN_OK);
    CHECK_EQ(t, a.nonce, 1);
    tc->chain->ops->state_close(tc->chain, s);
    CHECK_EQ(t, tc_account(t, tc, &tc->accounts[0]).nonce, 0);
    block_unref(pending);
    CHECK_EQ(t, tc->chain->dev->mine(tc->chain, 1, 0, NULL), FAN_OK);
    head = tc_head(tc);
    CHECK_EQ(t, head->tx_count, 1);
    block_unref(head);
    tx = tc_transfer(tc, 0, 2, 1); /* closes the gap: both are announced, in order of nonce */
    tc_forget_events(tc);
    tc_must_send(t, tc, &tx, 0);
    CHECK_EQ(t, tc->event_count, 2);
    CHECK_EQ(t, tc->events[0]->pending->tx.nonce, 1);
    CHECK_EQ(t, tc->events[1]->pending->tx.nonce, 2);
    CHECK_EQ(t, tc->chain->ops->pending_nonce(tc->chain, &tc->accounts[0]), 3);
    tc_close(t, tc);
}

TEST(blocks_are_ordered_by_tip_then_nonce, t)
{
    struct test_chain *tc = tc_open_with(t, &(struct local_options){.no_automine = true}, (enum fork)FORK_NEWEST);
    static const struct {
        unsigned from;
        uint64_t nonce, tip_gwei;
    } row[] = {{0, 0, 1}, {0, 1, 9}, {1, 0, 5}, {2, 0, 3}, {2, 1, 7}, {3, 0, 5}};
    static const size_t expected[] = {2, 5, 3, 4, 0, 1}; /* 1's and 3's tips are equal: the earlier arrival first */
    struct tx tx[COUNT_OF(row)];
    struct block *b;

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        tx[i] = tc_transfer(tc, row[i].from, 1, row[i].nonce);
        tx[i].priority_fee_wei = u256_of(row[i].tip_gwei * TC_GWEI);
        tx[i].gas_price_wei = u256_of(20 * (uint64_t)TC_GWEI);
        tc_must_send(t, tc, &tx[i], row[i].from);
    }
    CHECK_EQ(t, tc->chain->dev->mine(tc->chain, 1, 0, NULL), FAN_OK);
    b = tc_head(tc);
    REQUIRE(t, b->tx_count == COUNT_OF(row));
    for (size_t i = 0; i < COUNT_OF(row); i++)
        CHECK_SLICE(t, slice_of(&b->txs[i].hash, 32), slice_of(&tx[expected[i]].hash, 32));
    block_unref(b);
    tc_close(t, tc);
}

TEST(fees_follow_recent_tips, t)
{
    struct test_chain *tc = tc_open(t);
    struct chain_fees fees;
    struct tx tx;

    tc->chain->ops->fees(tc->chain, &fees);
    CHECK_EQ(t, fees.priority_fee_wei, TC_GWEI);
    CHECK_EQ(t, fees.next_base_fee_wei, 875000000);
    CHECK_EQ(t, fees.gas_price_wei, 2 * (uint64_t)TC_GWEI);
    CHECK_EQ(t, fees.blob_base_fee_wei, 1);
    for (uint64_t n = 0; n < 4; n++) {
        tx = tc_transfer(tc, 0, 1, n);
        tx.priority_fee_wei = u256_of((n + 2) * TC_GWEI);
        tx.gas_price_wei = u256_of(9 * (uint64_t)TC_GWEI);
        tc_must_send(t, tc, &tx, 0);
    }
    tc->chain->ops->fees(tc->chain, &fees);
    CHECK_EQ(t, fees.priority_fee_wei, 3 * (uint64_t)TC_GWEI); /* of 2, 3, 4, 5: place (4-1)·60/100 = 1 */
    tc_close(t, tc);
}
