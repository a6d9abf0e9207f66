/* Development controls: turning the chain back, time, edits, impersonation. */
#include "local/test_chain.h"

static void mine(struct test *t, struct test_chain *tc, uint64_t count)
{
    if (tc->chain->dev->mine(tc->chain, count, 0, NULL)) test_fail(t, __FILE__, __LINE__, "mine");
}

static void send_transfers(struct test *t, struct test_chain *tc, uint64_t first_nonce, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct tx tx = tc_transfer(tc, 0, 1, first_nonce + i);

        tc_must_send(t, tc, &tx, 0);
    }
}

TEST(revert_goes_back_and_says_what_was_removed, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    uint64_t first, second;
    struct block *b = NULL;
    struct fan_hash gone;
    size_t at;

    send_transfers(t, tc, 0, 2);
    first = dev->snapshot(tc->chain);
    send_transfers(t, tc, 2, 2);
    second = dev->snapshot(tc->chain);
    CHECK_EQ(t, second, first + 1);
    send_transfers(t, tc, 4, 1);
    b = tc_head(tc);
    gone = b->txs[0].hash;
    block_unref(b);
    tc_forget_events(tc);
    CHECK(t, dev->revert(tc->chain, first));
    REQUIRE(t, tc->event_count == 1);
    CHECK_EQ(t, tc->events[0]->kind, CHAIN_EVENT_HEAD);
    CHECK_EQ(t, tc->events[0]->added_count, 0);
    REQUIRE(t, tc->events[0]->removed_count == 3);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(t, tc->events[0]->removed[i]->header.number, 5 - i);
    CHECK_EQ(t, tc->events[0]->head->header.number, 2);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 2);
    CHECK_EQ(t, tc_account(t, tc, &tc->accounts[0]).nonce, 2);
    CHECK_EQ(t, tc->chain->ops->tx_by_hash(tc->chain, &gone, &b, &at), FAN_ENOTFOUND);
    CHECK(t, !dev->revert(tc->chain, second)); /* later ones go with it */
    CHECK(t, !dev->revert(tc->chain, first));  /* and it is used up */
    CHECK(t, !dev->revert(tc->chain, 77));
    send_transfers(t, tc, 2, 1);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 3);
    tc_close(t, tc);
}

TEST(removed_blocks_stay_readable_by_hash_but_not_canonical, t)
{
    struct test_chain *tc = tc_open(t);
    struct block *old, *again = NULL;
    struct chain_state *s;
    bool canonical = true;

    send_transfers(t, tc, 0, 3);
    old = tc_head(tc);
    CHECK_EQ(t, tc->chain->dev->rollback(tc->chain, 2, NULL), FAN_OK);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 1);
    CHECK_EQ(t, tc->chain->ops->block_by_hash(tc->chain, &old->hash, &canonical, &again), FAN_OK);
    CHECK(t, again == old && !canonical);
    CHECK_EQ(t, tc->chain->ops->state_open(tc->chain, old, &s), FAN_ESTALE);
    block_unref(again);
    block_unref(old);
    CHECK_EQ(t, tc->chain->dev->rollback(tc->chain, 5, NULL), FAN_EINVAL);
    tc_close(t, tc);
}

static void check_reorg(struct test *t, uint64_t depth)
{
    struct test_chain *tc = tc_open(t);
    struct chain_event *e;
    struct fan_error err = {{0}};

    send_transfers(t, tc, 0, depth + 2);
    tc_forget_events(tc);
    if (tc->chain->dev->reorg(tc->chain, depth, NULL, 0, &err)) test_fail(t, __FILE__, __LINE__, "reorg: %s", err.text);
    REQUIRE(t, tc->event_count == 1);
    e = tc->events[0];
    REQUIRE(t, e->removed_count == depth && e->added_count == depth);
    for (size_t i = 0; i < depth; i++) {
        CHECK_EQ(t, e->removed[i]->header.number, depth + 2 - i);
        CHECK_EQ(t, e->added[i]->header.number, 3 + i);
        CHECK(t, e->added[i]->has_receipts);
        CHECK(t, memcmp(&e->added[i]->hash, &e->removed[depth - 1 - i]->hash, 32) != 0);
    }
    CHECK_EQ(t, e->added[0]->tx_count, depth); /* all that had been in the old blocks */
    CHECK_EQ(t, tc_account(t, tc, &tc->accounts[0]).nonce, depth + 2);
    send_transfers(t, tc, depth + 2, 1);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), depth + 3);
    tc_close(t, tc);
}

TEST(reorgs_of_several_depths, t)
{
    static const uint64_t depth[] = {1, 2, 7, 30, 128};

    for (size_t i = 0; i < COUNT_OF(depth); i++) check_reorg(t, depth[i]);
}

TEST(a_reorg_too_deep_is_refused_and_changes_nothing, t)
{
    struct test_chain *tc = tc_open(t);
    struct block *before, *after;
    struct fan_error err = {{0}};

    mine(t, tc, 130);
    before = tc_head(tc);
    CHECK_EQ(t, tc->chain->dev->reorg(tc->chain, 131, NULL, 0, &err), FAN_EINVAL);
    CHECK_EQ(t, tc->chain->dev->reorg(tc->chain, 129, NULL, 0, &err), FAN_ELIMIT);
    after = tc_head(tc);
    CHECK(t, before == after);
    block_unref(before);
    block_unref(after);
    tc_close(t, tc);
}

TEST(time_goes_as_told, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    struct fan_error err = {{0}};
    struct block *b;
    static const struct {
        uint64_t wall, expected;
    } row[] = {{1700000000, 1700000000}, {1700000000, 1700000001}, {1700000050, 1700000050}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        tc->wall_s = row[i].wall;
        mine(t, tc, 1);
        b = tc_head(tc);
        CHECK_EQ(t, b->header.timestamp, row[i].expected);
        block_unref(b);
    }
    CHECK_EQ(t, dev->increase_time(tc->chain, 3600), 3600);
    CHECK_EQ(t, dev->increase_time(tc->chain, 400), 4000);
    mine(t, tc, 1);
    b = tc_head(tc);
    CHECK_EQ(t, b->header.timestamp, 1700004050);
    block_unref(b);
    CHECK_EQ(t, dev->set_next_timestamp(tc->chain, 1700004050, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text),
              "Timestamp 1700004050 is lower than or equal to previous block's timestamp 1700004050");
    CHECK_EQ(t, dev->set_next_timestamp(tc->chain, 1800000000, &err), FAN_OK);
    mine(t, tc, 1);
    tc->wall_s += 10;
    mine(t, tc, 1);
    b = tc_head(tc);
    CHECK_EQ(t, b->header.timestamp, 1800000010); /* time goes on from there */
    block_unref(b);
    CHECK_EQ(t, dev->mine(tc->chain, 3, 60, NULL), FAN_OK);
    b = tc_head(tc);
    CHECK_EQ(t, b->header.timestamp, 1800000011 + 120);
    block_unref(b);
    dev->set_time(tc->chain, 1900000000);
    CHECK_EQ(t, dev->mine_at(tc->chain, 0, NULL), FAN_OK);
    b = tc_head(tc);
    CHECK_EQ(t, b->header.timestamp, 1900000000);
    block_unref(b);
    tc_close(t, tc);
}

TEST(edits_of_the_state_are_seen_by_reads_and_by_the_next_block, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    struct fan_address who = {{0xaa}};
    struct fan_u256 wei = u256_of(123456789), slot = u256_of(5), value = u256_of(77), read;
    struct chain_account a;
    struct chain_state *s;
    struct block *head;

    CHECK_EQ(t, dev->set_balance(tc->chain, &who, &wei), FAN_OK);
    CHECK_EQ(t, dev->set_nonce(tc->chain, &who, 9, NULL), FAN_OK);
    CHECK_EQ(t, dev->set_code(tc->chain, &who, test_hex("60006000f3")), FAN_OK);
    CHECK_EQ(t, dev->set_slot(tc->chain, &who, &slot, &value), FAN_OK);
    for (int round = 0; round < 2; round++) { /* on the head it was done on, and one block later */
        a = tc_account(t, tc, &who);
        CHECK(t, u256_eq(&a.balance_wei, &wei));
        CHECK_EQ(t, a.nonce, 9);
        head = tc_head(tc);
        CHECK_EQ(t, tc->chain->ops->state_open(tc->chain, head, &s), FAN_OK);
        CHECK_EQ(t, tc->chain->ops->slot(s, &who, &slot, &read), FAN_OK);
        CHECK_EQ(t, read.limb[0], 77);
        if (round) { /* its root is the header's again */
            struct chain_proof proof;

            CHECK_EQ(t, tc->chain->ops->proof(s, &who, &slot, 1, &tc->a, &proof), FAN_OK);
            CHECK(t, proof.account_node_count > 0 && proof.slots[0].node_count > 0);
            CHECK_EQ(t, proof.slots[0].value.limb[0], 77);
        }
        tc->chain->ops->state_close(tc->chain, s);
        block_unref(head);
        mine(t, tc, 1);
    }
    CHECK_EQ(t, tc->event_count, 2); /* edits announce nothing */
    tc_close(t, tc);
}

/* Edits before the first block are undone too: the state is the genesis file's. */
TEST(reset_goes_back_to_the_genesis, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    struct fan_address who = {{0xbb}}, coinbase = {{8}};
    struct fan_u256 wei = u256_of(5);
    struct fan_error err = {{0}};
    struct fan_hash first;
    struct block *b;
    uint64_t id;

    b = tc_head(tc);
    first = b->hash;
    block_unref(b);
    for (int round = 0; round < 2; round++) {
        CHECK_EQ(t, dev->set_balance(tc->chain, &who, &wei), FAN_OK);
        mine(t, tc, 3);
        dev->set_coinbase(tc->chain, &coinbase);
        (void)dev->increase_time(tc->chain, 100000);
        CHECK_EQ(t, dev->impersonate(tc->chain, &who, true), FAN_OK);
        id = dev->snapshot(tc->chain);
        CHECK_EQ(t, dev->reset(tc->chain, &err), FAN_OK);
        b = tc_head(tc);
        CHECK_EQ(t, b->header.number, 0);
        CHECK_SLICE(t, slice_of(&b->hash, 32), slice_of(&first, 32));
        block_unref(b);
        CHECK(t, !tc_account(t, tc, &who).exists);
        CHECK(t, !dev->may_impersonate(tc->chain, &who));
        CHECK(t, !dev->revert(tc->chain, id));
        CHECK_EQ(t, dev->increase_time(tc->chain, 0), 0);
        CHECK_EQ(t, dev->reset(tc->chain, &err), FAN_OK); /* where there is nothing to undo */
    }
    mine(t, tc, 1);
    b = tc_head(tc);
    CHECK_EQ(t, b->header.number, 1);
    CHECK(t, memcmp(&b->header.beneficiary, &coinbase, sizeof coinbase) != 0);
    block_unref(b);
    tc_close(t, tc);
}

TEST(timestamps_at_an_interval, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    uint64_t seconds = 1000, before;
    struct block *b;

    CHECK(t, !dev->set_timestamp_interval(tc->chain, NULL));
    CHECK(t, !dev->set_timestamp_interval(tc->chain, &seconds));
    mine(t, tc, 1);
    b = tc_head(tc);
    before = b->header.timestamp;
    block_unref(b);
    mine(t, tc, 2);
    b = tc_head(tc);
    CHECK_EQ(t, b->header.timestamp, before + 2000);
    block_unref(b);
    seconds = 0; /* a block is never as old as its parent */
    CHECK(t, dev->set_timestamp_interval(tc->chain, &seconds));
    mine(t, tc, 1);
    b = tc_head(tc);
    CHECK_EQ(t, b->header.timestamp, before + 2001);
    block_unref(b);
    CHECK(t, dev->set_timestamp_interval(tc->chain, NULL));
    tc_close(t, tc);
}

struct found_account {
    struct fan_address address;
    struct genesis_slot slots[2];
    uint8_t code[3];
    struct genesis_account copy;
    size_t accounts, before;
};

static enum fan_status find_account(void *ctx, const struct genesis_account *account)
{
    struct found_account *f = ctx;

    f->accounts++;
    if (memcmp(&account->address, &f->address, sizeof f->address) != 0) return FAN_OK;
    if (account->slot_count != COUNT_OF(f->slots) || account->code.len != sizeof f->code) return FAN_EFORMAT;
    memcpy(f->slots, account->slots, sizeof f->slots);
    memcpy(f->code, account->code.at, sizeof f->code);
    f->copy = *account;
    f->copy.slots = f->slots;
    f->copy.code = slice_of(f->code, sizeof f->code);
    return FAN_OK;
}

/* What was walked on one chain and laid over another is the same account, storage root and all. */
TEST(a_walked_account_can_be_loaded, t)
{
    struct test_chain *one = tc_open(t), *two = tc_open(t);
    struct found_account f = {.address = {{0xdd}}}, none = {.address = {{0xde}}};
    struct fan_u256 wei = u256_of(7), slot = u256_of(3), value = u256_of(4);
    struct chain_account was, is;
    struct fan_error err = {{0}};

    CHECK_EQ(t, one->chain->dev->set_balance(one->chain, &f.address, &wei), FAN_OK);
    CHECK_EQ(t, one->chain->dev->set_nonce(one->chain, &f.address, 9, &err), FAN_OK);
    CHECK_EQ(t, one->chain->dev->set_code(one->chain, &f.address, SLICE("\x60\x00\x00")), FAN_OK);
    CHECK_EQ(t, one->chain->dev->set_slot(one->chain, &f.address, &slot, &value), FAN_OK);
    CHECK_EQ(t, one->chain->dev->set_slot(one->chain, &f.address, &value, &slot), FAN_OK);
    CHECK_EQ(t, one->chain->dev->walk_state(one->chain, find_account, &f), FAN_OK);
    CHECK_EQ(t, two->chain->dev->walk_state(two->chain, find_account, &none), FAN_OK);
    CHECK_EQ(t, f.accounts, none.accounts + 1);
    CHECK_EQ(t, two->chain->dev->load_state(two->chain, &f.copy, 1), FAN_OK);
    was = tc_account(t, one, &f.address);
    is = tc_account(t, two, &f.address);
    CHECK_EQ(t, is.nonce, 9);
    CHECK_SLICE(t, slice_of(&is.storage_root, 32), slice_of(&was.storage_root, 32));
    CHECK_SLICE(t, slice_of(&is.code_hash, 32), slice_of(&was.code_hash, 32));
    CHECK(t, u256_eq(&is.balance_wei, &was.balance_wei));
    tc_close(t, one);
    tc_close(t, two);
}

TEST(impersonation_sends_without_a_key, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    struct fan_address who = {{0xbb}};
    struct fan_u256 wei = u256_of(TC_ETHER);
    struct fan_error err = {{0}};
    struct fan_hash hash, root;
    struct block *b;
    struct tx tx = tc_transfer(tc, 0, 1, 0);

    tx.sender = who;
    CHECK_EQ(t, dev->set_balance(tc->chain, &who, &wei), FAN_OK);
    CHECK_EQ(t, dev->submit_unsigned(tc->chain, &tx, &hash, &err), FAN_EREJECTED);
    CHECK_EQ(t, dev->impersonate(tc->chain, &who, true), FAN_OK);
    CHECK(t, dev->may_impersonate(tc->chain, &who));
    CHECK_EQ(t, dev->submit_unsigned(tc->chain, &tx, &hash, &err), FAN_OK);
    b = tc_head(tc);
    REQUIRE(t, b->tx_count == 1);
    CHECK_SLICE(t, slice_of(&b->txs[0].hash, 32), slice_of(&hash, 32));
    CHECK_SLICE(t, slice_of(&b->txs[0].sender, 20), slice_of(&who, 20));
    CHECK_EQ(t, block_transactions_root(b->txs, 1, &root), FAN_OK);
    CHECK_SLICE(t, slice_of(&root, 32), slice_of(&b->header.transactions_root, 32));
    block_unref(b);
    CHECK_EQ(t, tc_account(t, tc, &who).nonce, 1);
    CHECK_EQ(t, dev->impersonate(tc->chain, &who, false), FAN_OK);
    tx.nonce = 1;
    CHECK_EQ(t, dev->submit_unsigned(tc->chain, &tx, &hash, &err), FAN_EREJECTED);
    dev->auto_impersonate(tc->chain, true);
    tx.type = TX_LEGACY;
    CHECK_EQ(t, dev->submit_unsigned(tc->chain, &tx, &hash, &err), FAN_OK);
    tc_close(t, tc);
}

TEST(a_contract_may_send_when_impersonated, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    struct fan_address who = {{0xcc}};
    struct fan_u256 wei = u256_of(TC_ETHER);
    struct fan_error err = {{0}};
    struct fan_hash hash;
    struct tx tx = tc_transfer(tc, 0, 1, 0);

    tx.sender = who;
    CHECK_EQ(t, dev->set_balance(tc->chain, &who, &wei), FAN_OK);
    CHECK_EQ(t, dev->set_code(tc->chain, &who, test_hex("00")), FAN_OK);
    CHECK_EQ(t, dev->impersonate(tc->chain, &who, true), FAN_OK);
    if (dev->submit_unsigned(tc->chain, &tx, &hash, &err)) test_fail(t, __FILE__, __LINE__, "%s", err.text);
    CHECK_EQ(t, tc_account(t, tc, &who).nonce, 1);
    CHECK_EQ(t, dev->set_code(tc->chain, &tc->accounts[0], test_hex("0000")), FAN_OK);
    tx = tc_transfer(tc, 0, 1, 0); /* with a signature EIP-3607 holds */
    CHECK_EQ(t, tc_send(t, tc, &tx, 0, &err), FAN_EREJECTED);
    CHECK(t, strncmp(err.text, "sender not an eoa: address 0x", 29) == 0 && strstr(err.text, ", len(code): 2"));
    tc_close(t, tc);
}

TEST(automine_off_and_on_again, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;

    CHECK(t, dev->automine(tc->chain));
    dev->set_automine(tc->chain, false);
    send_transfers(t, tc, 0, 3);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 0);
    dev->set_automine(tc->chain, true);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 1); /* what waited, in one block */
    CHECK_EQ(t, tc_account(t, tc, &tc->accounts[0]).nonce, 3);
    tc_close(t, tc);
}

TEST(dropped_transactions_never_come, t)
{
    struct test_chain *tc = tc_open_with(t, &(struct local_options){.no_automine = true}, (enum fork)FORK_NEWEST);
    struct tx a = tc_transfer(tc, 0, 1, 0), b = tc_transfer(tc, 1, 2, 0);
    struct block *head;

    tc_must_send(t, tc, &a, 0);
    tc_must_send(t, tc, &b, 1);
    CHECK(t, tc->chain->dev->drop_tx(tc->chain, &a.hash));
    CHECK(t, !tc->chain->dev->drop_tx(tc->chain, &a.hash));
    mine(t, tc, 1);
    head = tc_head(tc);
    CHECK_EQ(t, head->tx_count, 1);
    block_unref(head);
    a = tc_transfer(tc, 0, 1, 0);
    tc_must_send(t, tc, &a, 0);
    tc->chain->dev->drop_all(tc->chain);
    mine(t, tc, 1);
    head = tc_head(tc);
    CHECK_EQ(t, head->tx_count, 0);
    block_unref(head);
    tc_close(t, tc);
}

TEST(what_is_set_for_the_next_block_is_in_it_and_not_in_the_one_after, t)
{
    struct test_chain *tc = tc_open(t);
    const struct chain_dev_ops *dev = tc->chain->dev;
    struct fan_hash randao = {{7}};
    struct fan_address coinbase = {{8}};
    struct block *b;

    dev->set_prev_randao(tc->chain, &randao);
    dev->set_coinbase(tc->chain, &coinbase);
    dev->set_gas_limit(tc->chain, 12000000);
    CHECK_EQ(t, dev->set_next_base_fee(tc->chain, 5), FAN_OK);
    mine(t, tc, 1);
    b = tc_head(tc);
    CHECK_SLICE(t, slice_of(&b->header.mix_hash, 32), slice_of(&randao, 32));
    CHECK_SLICE(t, slice_of(&b->header.beneficiary, 20), slice_of(&coinbase, 20));
    CHECK_EQ(t, b->header.gas_limit, 12000000);
    CHECK_EQ(t, b->header.base_fee_wei, 5);
    block_unref(b);
    mine(t, tc, 1);
    b = tc_head(tc);
    CHECK(t, memcmp(&b->header.mix_hash, &randao, 32) != 0);
    CHECK_EQ(t, b->header.gas_limit, 12000000);
    block_unref(b);
    tc_close(t, tc);
}
