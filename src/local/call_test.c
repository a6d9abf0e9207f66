/* Calls: overrides, access lists, deadlines, the pending state; and blob transactions from pool to receipt. */
#include "base/clock.h"
#include "local/test_chain.h"

/* SLOAD(calldata[0]) ++ BALANCE(self) ++ NUMBER ++ TIMESTAMP */
#define PROBE "5f35545f524760205243604052426060526080 5ff3"

struct probe {
    struct test_chain *tc;
    struct fan_address at;
    struct block *head;
    struct chain_state *state;
    struct chain_call call;
    uint8_t word[32];
};

static void probe_open(struct test *t, struct probe *p)
{
    struct fan_u256 slot = u256_of(3), value = u256_of(33), wei = u256_of(500);

    memset(p, 0, sizeof *p);
    p->tc = tc_open(t);
    p->at.bytes[0] = 0xab;
    CHECK_EQ(t, p->tc->chain->dev->set_code(p->tc->chain, &p->at, test_hex(PROBE)), FAN_OK);
    CHECK_EQ(t, p->tc->chain->dev->set_slot(p->tc->chain, &p->at, &slot, &value), FAN_OK);
    CHECK_EQ(t, p->tc->chain->dev->set_balance(p->tc->chain, &p->at, &wei), FAN_OK);
    CHECK_EQ(t, p->tc->chain->dev->mine(p->tc->chain, 1, 0, NULL), FAN_OK);
    p->head = tc_head(p->tc);
    if (p->tc->chain->ops->state_open(p->tc->chain, p->head, &p->state)) test_fail(t, __FILE__, __LINE__, "state_open");
    p->word[31] = 3;
    p->call = (struct chain_call){.tx = tc_transfer(p->tc, 0, 1, 0), .gas_max = 1000000};
    p->call.tx.to = p->at;
    p->call.tx.value_wei = u256_of(0);
    p->call.tx.data = slice_of(p->word, 32);
}

static void probe_close(struct test *t, struct probe *p)
{
    p->tc->chain->ops->state_close(p->tc->chain, p->state);
    block_unref(p->head);
    tc_close(t, p->tc);
}

/* Runs the call and checks the four words it answers. */
static void probe_expect(struct test *t, struct probe *p, uint64_t slot, uint64_t balance, uint64_t number,
                         uint64_t timestamp)
{
    struct chain_call_result r;
    uint64_t expected[4] = {slot, balance, number, timestamp};

    if (p->tc->chain->ops->call(p->state, p->head, &p->call, false, &p->tc->a, &r, NULL)) {
        test_fail(t, __FILE__, __LINE__, "call");
        return;
    }
    CHECK_EQ(t, r.status, CHAIN_CALL_SUCCESS);
    REQUIRE(t, r.output.len == 128);
    for (size_t i = 0; i < 4; i++) CHECK_EQ(t, get_be64(r.output.at + 32 * i + 24), expected[i]);
}

TEST(overrides_hold_for_one_call_and_leave_nothing, t)
{
    struct probe p;
    uint64_t time;
    struct chain_slot slots[] = {{.slot = {{9, 0, 0, 0}}, .value = {{99, 0, 0, 0}}}};
    struct chain_override o;

    probe_open(t, &p);
    time = p.head->header.timestamp;
    probe_expect(t, &p, 33, 500, 1, time);
    o = (struct chain_override){.address = p.at, .has_balance = true, .balance_wei = u256_of(7)};
    p.call.overrides = &o;
    p.call.override_count = 1;
    probe_expect(t, &p, 33, 7, 1, time);
    o = (struct chain_override){.address = p.at, .slots = slots, .slot_count = 1}; /* stateDiff: laid over */
    probe_expect(t, &p, 33, 500, 1, time);
    p.word[31] = 9;
    probe_expect(t, &p, 99, 500, 1, time);
    o.has_state = true; /* state: instead of all there was */
    probe_expect(t, &p, 99, 500, 1, time);
    p.word[31] = 3;
    probe_expect(t, &p, 0, 500, 1, time);
    p.call.override_count = 0;
    p.call.has_number = p.call.has_timestamp = true;
    p.call.number = 77;
    p.call.timestamp = 1234567;
    probe_expect(t, &p, 33, 500, 77, 1234567);
    p.call.has_number = p.call.has_timestamp = false;
    probe_expect(t, &p, 33, 500, 1, time);
    probe_close(t, &p);
}

TEST(what_a_call_touched_is_its_access_list, t)
{
    struct probe p;
    struct chain_call_result r;

    probe_open(t, &p);
    CHECK_EQ(t, p.tc->chain->ops->call(p.state, p.head, &p.call, true, &p.tc->a, &r, NULL), FAN_OK);
    REQUIRE(t, r.access_count == 1);
    CHECK_SLICE(t, slice_of(&r.access[0].address, 20), slice_of(&p.at, 20));
    REQUIRE(t, r.access[0].slot_count == 1);
    CHECK_EQ(t, r.access[0].slots[0].bytes[31], 3);
    probe_close(t, &p);
}

TEST(a_deadline_ends_a_call, t)
{
    struct probe p;
    struct chain_override o;
    struct chain_call_result r;
    uint64_t began = clock_monotonic_ms();

    probe_open(t, &p);
    o = (struct chain_override){.address = p.at, .has_code = true, .code = test_hex("5b5f56")}; /* for ever */
    p.call.overrides = &o;
    p.call.override_count = 1;
    p.call.gas_max = UINT64_MAX / 4;
    p.call.deadline_ms = began + 100;
    CHECK_EQ(t, p.tc->chain->ops->call(p.state, p.head, &p.call, false, &p.tc->a, &r, NULL), FAN_OK);
    CHECK_EQ(t, r.status, CHAIN_CALL_TIMEOUT);
    CHECK(t, clock_monotonic_ms() >= began + 100);
    probe_close(t, &p);
}

TEST(a_call_on_the_pending_state_runs_in_the_next_block, t)
{
    struct probe p;

    probe_open(t, &p);
    p.tc->chain->ops->state_close(p.tc->chain, p.state);
    REQUIRE(t, p.tc->chain->ops->pending_state_open(p.tc->chain, &p.state) == FAN_OK);
    probe_expect(t, &p, 33, 500, 2, p.head->header.timestamp + 1);
    probe_close(t, &p);
}

/* ---- blobs: the zero polynomial's commitment and proofs are the point at infinity, so no prover is needed ---- */

enum { BLOB_LEN = 131072, CELLS = 128 };

static struct tx blob_tx(struct test_chain *tc, uint8_t version)
{
    struct tx tx = tc_transfer(tc, 0, 1, 0);
    struct tx_sidecar *s = ARENA_NEW(&tc->a, struct tx_sidecar);
    size_t proofs = version ? CELLS : 1;
    uint8_t *blob = arena_alloc(&tc->a, BLOB_LEN), *commitment = arena_alloc(&tc->a, 48),
            *proof = arena_alloc(&tc->a, proofs * 48);
    struct fan_hash *hash = ARENA_NEW(&tc->a, struct fan_hash);

    commitment[0] = 0xc0;
    for (size_t i = 0; i < proofs; i++) proof[i * 48] = 0xc0;
    memcpy(hash, test_hex("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014").at, 32);
    *s = (struct tx_sidecar){.version = version,
                             .blobs = slice_of(blob, BLOB_LEN),
                             .commitments = slice_of(commitment, 48),
                             .proofs = slice_of(proof, proofs * 48),
                             .blob_count = 1};
    tx.type = TX_BLOB;
    tx.blob_fee_max_wei = u256_of(10);
    tx.blob_hashes = hash;
    tx.blob_count = 1;
    tx.sidecar = s;
    return tx;
}

TEST(blob_transactions_are_verified_and_counted, t)
{
    for (uint8_t version = 0; version < 2; version++) {
        struct test_chain *tc = tc_open(t);
        struct tx tx = blob_tx(tc, version);
        struct block *b;
        struct fan_error err = {{0}};

        tc_must_send(t, tc, &tx, 0);
        b = tc_head(tc);
        REQUIRE(t, b->tx_count == 1);
        CHECK_EQ(t, b->header.blob_gas_used, BLOB_LEN);
        CHECK_EQ(t, b->receipts[0].blob_gas_used, BLOB_LEN);
        CHECK_EQ(t, b->receipts[0].blob_gas_price_wei, 1);
        CHECK(t, b->txs[0].sidecar == NULL && b->txs[0].blob_count == 1);
        block_unref(b);
        CHECK(t, tc->events[0]->pending->tx.sidecar != NULL); /* what waits keeps it */

        tx = blob_tx(tc, version);
        tx.nonce = 1;
        ((uint8_t *)(uintptr_t)tx.sidecar->blobs.at)[31] = 1; /* another polynomial, the same proof */
        CHECK_EQ(t, tc_send(t, tc, &tx, 0, &err), FAN_EREJECTED);
        CHECK(t, strncmp(err.text, "KZG verification error", 22) == 0);
        tx = blob_tx(tc, version);
        tx.nonce = 1;
        ((struct fan_hash *)(uintptr_t)tx.blob_hashes)->bytes[5] ^= 1;
        CHECK_EQ(t, tc_send(t, tc, &tx, 0, &err), FAN_EREJECTED);
        tx = blob_tx(tc, version);
        tx.nonce = 1;
        tx.blob_fee_max_wei = u256_of(0);
        CHECK_EQ(t, tc_send(t, tc, &tx, 0, &err), FAN_EREJECTED);
        CHECK_EQ(t, atomic_load(&tc->chain->head_number), 1);
        tc_close(t, tc);
    }
}
