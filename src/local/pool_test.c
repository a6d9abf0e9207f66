/* What the pool takes, refuses and replaces, and in which words. */
#include "local/test_chain.h"

/* Each row sends one transaction from account 0 into a chain whose account 0 has nonce 2, and expects these words
 * (NULL: taken). */
struct refusal {
    const char *name, *words;
    void (*shape)(struct test_chain *tc, struct tx *tx);
};

static void as_is(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    (void)tx;
}

static void low_nonce(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->nonce = 1;
}

static void other_chain(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->chain_id = 1;
}

static void poor(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->value_wei = (struct fan_u256){{0, 0x1000, 0, 0}};
}

static void overflowing(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->gas_price_wei = (struct fan_u256){{0, 0, 0, UINT64_MAX}};
}

static void little_gas(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->gas_limit = 20999;
}

static void below_floor(struct test_chain *tc, struct tx *tx)
{
    static uint8_t data[100];

    (void)tc;
    tx->data = slice_of(data, sizeof data); /* 100 zero bytes: 21400 intrinsic, 22000 by EIP-7623 */
    tx->gas_limit = 21999;
}

static void much_gas(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->gas_limit = (1 << 24) + 1;
}

static void tip_above_fee(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->priority_fee_wei = u256_of(3 * (uint64_t)TC_GWEI);
}

static void below_base_fee(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->gas_price_wei = tx->priority_fee_wei = u256_of(1000);
}

static void huge_data(struct test_chain *tc, struct tx *tx)
{
    uint8_t *data = arena_alloc(&tc->a, 131072);

    tx->data = slice_of(data, 131072);
    tx->gas_limit = 10000000;
}

static void huge_initcode(struct test_chain *tc, struct tx *tx)
{
    uint8_t *data = arena_alloc(&tc->a, 49153);

    tx->has_to = false;
    tx->data = slice_of(data, 49153);
    tx->gas_limit = 10000000;
}

static void no_sidecar(struct test_chain *tc, struct tx *tx)
{
    struct fan_hash *hash = ARENA_NEW(&tc->a, struct fan_hash);

    hash->bytes[0] = 1;
    tx->type = TX_BLOB;
    tx->blob_hashes = hash;
    tx->blob_count = 1;
    tx->blob_fee_max_wei = u256_of(100);
}

static void no_blobs(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->type = TX_BLOB;
    tx->blob_fee_max_wei = u256_of(100);
}

static void no_authorizations(struct test_chain *tc, struct tx *tx)
{
    (void)tc;
    tx->type = TX_SET_CODE;
    tx->gas_limit = 100000;
}

TEST(refusals_are_in_geths_words, t)
{
    static const struct refusal row[] = {
        {"as it is", NULL, as_is},
        {"nonce", "nonce too low: next nonce 2, tx nonce 1", low_nonce},
        {"chain id", "invalid sender: invalid chain id for signer: have 1 want 31337", other_chain},
        {"balance", "insufficient funds for gas * price + value: balance ", poor},
        {"price beyond all", "insufficient funds for gas * price + value", overflowing},
        {"intrinsic gas", "intrinsic gas too low: gas 20999, minimum needed 21000", little_gas},
        {"floor", "insufficient gas for floor data gas cost: gas 21999, minimum needed 22000", below_floor},
        {"EIP-7825", "transaction gas limit too high (cap: 16777216, tx: 16777217)", much_gas},
        {"tip", "max priority fee per gas higher than max fee per gas", tip_above_fee},
        {"base fee", "max fee per gas less than block base fee: address 0x", below_base_fee},
        {"size", "oversized data: transaction size ", huge_data},
        {"initcode", "max initcode size exceeded: code size 49153 limit 49152", huge_initcode},
        {"sidecar", "missing sidecar in blob transaction", no_sidecar},
        {"blobs", "blob transaction missing blob hashes", no_blobs},
        {"authorisations", "set code tx must have at least one authorization tuple", no_authorizations},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct test_chain *tc = tc_open(t);
        struct tx tx;
        struct fan_error err = {{0}};
        enum fan_status s;

        for (uint64_t n = 0; n < 2; n++) {
            tx = tc_transfer(tc, 0, 1, n);
            tc_must_send(t, tc, &tx, 0);
        }
        tx = tc_transfer(tc, 0, 1, 2);
        row[i].shape(tc, &tx);
        tc_forget_events(tc);
        s = tc_send(t, tc, &tx, 0, &err);
        if (row[i].words && (s != FAN_EREJECTED || strncmp(err.text, row[i].words, strlen(row[i].words)) != 0))
            test_fail(t, __FILE__, __LINE__, "%s: %s: %s", row[i].name, fan_status_text(s), err.text);
        if (!row[i].words)
            CHECK_EQ(t, s, FAN_OK);
        else
            CHECK_EQ(t, tc->event_count, 0);
        CHECK_EQ(t, atomic_load(&tc->chain->head_number), row[i].words ? 2 : 3);
        tc_close(t, tc);
    }
}

TEST(types_wait_for_their_fork, t)
{
    static const struct {
        enum fork newest;
        enum tx_type type;
        const char *words;
    } row[] = {
        {FORK_ISTANBUL, TX_ACCESS_LIST, "transaction type not supported: type 1 rejected, pool not yet in Berlin"},
        {FORK_BERLIN, TX_DYNAMIC_FEE, "transaction type not supported: type 2 rejected, pool not yet in London"},
        {FORK_SHANGHAI, TX_BLOB, "transaction type not supported: type 3 rejected, pool not yet in Cancun"},
        {FORK_CANCUN, TX_SET_CODE, "transaction type not supported: type 4 rejected, pool not yet in Prague"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct test_chain *tc = tc_open_with(t, &(struct local_options){0}, row[i].newest);
        struct tx tx = tc_transfer(tc, 0, 1, 0);
        struct fan_error err = {{0}};

        tx.type = row[i].type;
        CHECK_EQ(t, tc_send(t, tc, &tx, 0, &err), FAN_EREJECTED);
        CHECK_STR(t, slice_str(err.text), row[i].words);
        tc_close(t, tc);
    }
}

static struct test_chain *open_waiting(struct test *t, const struct local_pool_limits *limits)
{
    struct local_options o = {.no_automine = true};

    if (limits) o.pool = *limits;
    return tc_open_with(t, &o, (enum fork)FORK_NEWEST);
}

TEST(replacement_needs_ten_percent_on_both_prices, t)
{
    static const struct {
        uint64_t fee, tip;
        bool taken;
    } row[] = {{2000000000, 1000000000, false},
               {2200000000, 1099999999, false},
               {2199999999, 1100000000, false},
               {2200000000, 1100000000, true}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct test_chain *tc = open_waiting(t, NULL);
        struct tx first = tc_transfer(tc, 0, 1, 0), second = tc_transfer(tc, 0, 2, 0);
        struct fan_error err = {{0}};
        struct pending_tx *p = NULL;
        struct block *head;

        tc_must_send(t, tc, &first, 0);
        CHECK_EQ(t, tc_send(t, tc, &first, 0, &err), FAN_EREJECTED);
        CHECK_STR(t, slice_str(err.text), "already known");
        second.gas_price_wei = u256_of(row[i].fee);
        second.priority_fee_wei = u256_of(row[i].tip);
        CHECK_EQ(t, tc_send(t, tc, &second, 0, &err), row[i].taken ? FAN_OK : FAN_EREJECTED);
        if (!row[i].taken) CHECK_STR(t, slice_str(err.text), "replacement transaction underpriced");
        CHECK_EQ(t, tc->chain->ops->pending_by_hash(tc->chain, &first.hash, &p), row[i].taken ? FAN_ENOTFOUND : FAN_OK);
        pending_tx_unref(p);
        CHECK_EQ(t, tc->event_count, row[i].taken ? 2 : 1);
        CHECK_EQ(t, tc->chain->dev->mine(tc->chain, 1, 0, NULL), FAN_OK);
        head = tc_head(tc);
        REQUIRE(t, head->tx_count == 1);
        CHECK_SLICE(t, slice_of(&head->txs[0].hash, 32), slice_of(row[i].taken ? &second.hash : &first.hash, 32));
        block_unref(head);
        tc_close(t, tc);
    }
}

TEST(what_already_waits_counts_against_the_balance, t)
{
    struct test_chain *tc = open_waiting(t, NULL);
    struct tx tx = tc_transfer(tc, 0, 1, 0);
    struct fan_error err = {{0}};
    struct fan_u256 most = u256_of(TC_ETHER);

    (void)u256_mul_u64(&most, 6000, &most); /* of 10,000 */
    tx.value_wei = most;
    tc_must_send(t, tc, &tx, 0);
    tx = tc_transfer(tc, 0, 1, 1);
    tx.value_wei = most;
    CHECK_EQ(t, tc_send(t, tc, &tx, 0, &err), FAN_EREJECTED);
    CHECK_STR(t, slice_str(err.text),
              "insufficient funds for gas * price + value: balance 10000000000000000000000, queued cost "
              "6000000042000000000000, tx cost "
              "6000000042000000000000, overshot 2000000084000000000000");
    tc_close(t, tc);
}

TEST(limits_hold_and_the_cheapest_gives_way, t)
{
    struct test_chain *tc = open_waiting(
        t, &(struct local_pool_limits){
               .executable_per_account = 1, .executable_max = 4, .queued_max = 2, .queued_per_account = 2});
    struct fan_error err = {{0}};
    struct tx tx;
    struct pending_tx *p = NULL;
    struct fan_hash last;

    for (uint64_t n = 5; n < 7; n++) { /* behind a gap */
        tx = tc_transfer(tc, 0, 1, n);
        tc_must_send(t, tc, &tx, 0);
    }
    tx = tc_transfer(tc, 0, 1, 7);
    CHECK_EQ(t, tc_send(t, tc, &tx, 0, &err), FAN_EREJECTED);
    CHECK_STR(t, slice_str(err.text), "account limit exceeded: pooled 2 txs");
    tx = tc_transfer(tc, 1, 0, 7);
    CHECK_EQ(t, tc_send(t, tc, &tx, 1, &err), FAN_EREJECTED);
    CHECK_STR(t, slice_str(err.text), "txpool is full");
    for (uint64_t n = 0; n < 4; n++) {
        tx = tc_transfer(tc, 1, 0, n);
        tx.priority_fee_wei = u256_of(100);
        tc_must_send(t, tc, &tx, 1);
        last = tx.hash;
    }
    tx = tc_transfer(tc, 2, 0, 0);
    tx.priority_fee_wei = u256_of(50);
    CHECK_EQ(t, tc_send(t, tc, &tx, 2, &err), FAN_EREJECTED);
    CHECK_STR(t, slice_str(err.text), "transaction underpriced");
    tx = tc_transfer(tc, 2, 0, 0);
    tc_must_send(t, tc, &tx, 2); /* account 1 gives up the last of its four */
    CHECK_EQ(t, tc->chain->ops->pending_by_hash(tc->chain, &last, &p), FAN_ENOTFOUND);
    CHECK_EQ(t, tc->chain->ops->pending_nonce(tc->chain, &tc->accounts[1]), 3);
    tc_close(t, tc);
}

struct walked {
    size_t executable, queued;
    bool queued_first;
    uint64_t last_nonce;
};

static void walk(void *ctx, const struct pending_tx *p, bool executable)
{
    struct walked *w = ctx;

    if (executable && w->queued) w->queued_first = true;
    if (executable)
        w->executable++;
    else
        w->queued++;
    w->last_nonce = p->tx.nonce;
}

TEST(a_walk_shows_all_executable_ones_first, t)
{
    struct test_chain *tc = open_waiting(t, NULL);
    struct walked w = {0};

    for (unsigned from = 0; from < 3; from++)
        for (uint64_t n = 0; n < 3; n++) {
            struct tx tx = tc_transfer(tc, from, 3, n == 2 ? 9 : n);

            tc_must_send(t, tc, &tx, from);
        }
    tc->chain->ops->pool_walk(tc->chain, walk, &w);
    CHECK_EQ(t, w.executable, 6);
    CHECK_EQ(t, w.queued, 3);
    CHECK(t, !w.queued_first);
    CHECK_EQ(t, w.last_nonce, 9);
    tc_close(t, tc);
}

TEST(a_full_block_leaves_the_rest_waiting, t)
{
    struct test_chain *tc =
        tc_open_with(t, &(struct local_options){.no_automine = true, .gas_limit = 50000}, (enum fork)FORK_NEWEST);
    struct block *b;

    for (uint64_t n = 0; n < 3; n++) {
        struct tx tx = tc_transfer(tc, 0, 1, n);

        tc_must_send(t, tc, &tx, 0);
    }
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(t, tc->chain->dev->mine(tc->chain, 1, 0, NULL), FAN_OK);
        b = tc_head(tc);
        CHECK_EQ(t, b->tx_count, i ? 1 : 2);
        block_unref(b);
    }
    tc_close(t, tc);
}
