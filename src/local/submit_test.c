/* Who shares a block: transactions of different senders that wait together, and nobody else. Driven on the test's own
 * thread: what is put into the box waits there until submit_run_letters(). */
#include <pthread.h>

#include "base/clock.h"
#include "local/node.h"
#include "local/test_chain.h"

enum { MANY = 8 };

/* Submissions and the order in which they were answered. */
struct sent {
    struct chain_submission s;
    struct tx tx;
    size_t place; /* from 1; 0: not answered */
    uint64_t head; /* when it was */
};

static size_t answered;

static void note(struct chain_submission *s)
{
    struct sent *x = CONTAINER_OF(s, struct sent, s);

    x->place = ++answered;
    x->head = atomic_load(&s->chain->head_number);
}

static void no_letter(struct letter *l)
{
    (void)l;
}

static struct letter before[2] = {{.run = no_letter}, {.run = no_letter}};

/* Submissions of these, each signed by its sender; nothing is answered yet. */
static void sign(struct test *t, struct test_chain *tc, struct sent *sent, const struct tx *txs, size_t count,
                 struct chain_submission **all)
{
    answered = 0;
    for (size_t i = 0; i < count; i++) {
        sent[i] = (struct sent){.tx = txs[i], .s.done = note};
        sent[i].s.tx = &sent[i].tx;
        for (unsigned from = 0; from < TC_ACCOUNTS; from++)
            if (memcmp(&sent[i].tx.sender, &tc->accounts[from], sizeof tc->accounts[from]) == 0)
                tc_sign(t, tc, &sent[i].tx, from);
        all[i] = &sent[i].s;
    }
}

/* Puts transfers of these senders into the box, behind a letter that keeps them from being run here. */
static void put(struct test *t, struct test_chain *tc, struct sent *sent, const struct tx *txs, size_t count)
{
    static size_t turn;
    struct chain_submission *all[MANY];

    sign(t, tc, sent, txs, count, all);
    chain_write(tc->chain, &before[turn++ % 2]);
    tc->chain->ops->submit_all(tc->chain, all, count);
}

static void put_and_run(struct test *t, struct test_chain *tc, struct sent *sent, const struct tx *txs, size_t count)
{
    put(t, tc, sent, txs, count);
    CHECK_EQ(t, answered, 0);
    CHECK(t, submit_run_letters(tc->local));
    CHECK_EQ(t, answered, count);
    for (size_t i = 0; i < count; i++) CHECK_EQ(t, sent[i].place, i + 1);
}

static struct block *block_at(struct test_chain *tc, uint64_t number)
{
    struct block *b = NULL;

    if (tc->chain->ops->block_by_number(tc->chain, number, &b)) abort();
    return b;
}

/* Where a transaction is: its block's number, 0 when it is in none. */
static uint64_t place_of(struct test_chain *tc, const struct tx *tx, size_t *out_index)
{
    struct block *b = NULL;
    uint64_t number;

    if (tc->chain->ops->tx_by_hash(tc->chain, &tx->hash, &b, out_index)) return 0;
    number = b->header.number;
    block_unref(b);
    return number;
}

#define CHECK_PLACE(t, tc, tx, number, index)                                                                          \
    do {                                                                                                               \
        size_t at_ = 99;                                                                                               \
        CHECK_EQ(t, place_of(tc, tx, &at_), number);                                                                   \
        CHECK_EQ(t, at_, index);                                                                                       \
    } while (0)

TEST(several_senders_that_wait_together_share_a_block_in_order_of_arrival, t)
{
    struct test_chain *tc = tc_open(t);
    struct sent sent[4];
    struct tx txs[4];
    struct block *b;

    for (unsigned i = 0; i < 4; i++) {
        txs[i] = tc_transfer(tc, 3 - i, i, 0);
        txs[i].priority_fee_wei = u256_of(i * (uint64_t)TC_GWEI); /* the last pays most, and is last nevertheless */
        txs[i].gas_price_wei = u256_of(9 * (uint64_t)TC_GWEI);
    }
    put_and_run(t, tc, sent, txs, 4);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 1);
    b = block_at(tc, 1);
    REQUIRE(t, b->tx_count == 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQ(t, sent[i].s.status, FAN_OK);
        CHECK_SLICE(t, slice_of(&sent[i].s.hash, 32), slice_of(&sent[i].tx.hash, 32));
        CHECK_SLICE(t, slice_of(&b->txs[i].hash, 32), slice_of(&sent[i].tx.hash, 32));
        CHECK_EQ(t, b->receipts[i].cumulative_gas_used, 21000 * (i + 1));
        CHECK_EQ(t, sent[i].head, 1); /* nobody is answered before the block is there */
    }
    CHECK_EQ(t, b->header.gas_used, 84000);
    block_unref(b);
    REQUIRE(t, tc->event_count == 5); /* each as pending, in that order, then one head */
    for (size_t i = 0; i < 4; i++)
        CHECK_SLICE(t, slice_of(&tc->events[i]->pending->tx.hash, 32), slice_of(&sent[i].tx.hash, 32));
    CHECK_EQ(t, tc->events[4]->added_count, 1);
    tc_close(t, tc);
}

TEST(a_sender_shares_no_block_with_himself, t)
{
    struct test_chain *tc = tc_open(t);
    struct sent sent[6];
    const struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 0, 1, 1), tc_transfer(tc, 1, 0, 0),
                             tc_transfer(tc, 0, 1, 2), tc_transfer(tc, 1, 0, 1), tc_transfer(tc, 2, 0, 0)};

    put_and_run(t, tc, sent, txs, 6);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 3);
    CHECK_PLACE(t, tc, &sent[0].tx, 1, 0);
    CHECK_PLACE(t, tc, &sent[1].tx, 2, 0);
    CHECK_PLACE(t, tc, &sent[2].tx, 2, 1);
    CHECK_PLACE(t, tc, &sent[3].tx, 3, 0);
    CHECK_PLACE(t, tc, &sent[4].tx, 3, 1);
    CHECK_PLACE(t, tc, &sent[5].tx, 3, 2);
    tc_close(t, tc);
}

TEST(a_lone_sender_has_a_block_for_each_also_behind_a_gap, t)
{
    struct test_chain *tc = tc_open(t);
    struct sent sent[4];
    const struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 0, 1, 2), tc_transfer(tc, 0, 1, 3),
                             tc_transfer(tc, 0, 1, 1)};

    put_and_run(t, tc, sent, txs, 4);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 4);
    CHECK_PLACE(t, tc, &sent[0].tx, 1, 0);
    CHECK_PLACE(t, tc, &sent[3].tx, 2, 0);
    CHECK_PLACE(t, tc, &sent[1].tx, 3, 0);
    CHECK_PLACE(t, tc, &sent[2].tx, 4, 0);
    CHECK(t, sent[1].head == 1 && sent[3].head == 4); /* what waits for a nonce is answered, and waits */
    tc_close(t, tc);
}

TEST(a_block_for_each_transaction_where_that_is_asked_for, t)
{
    struct test_chain *tc =
        tc_open_with(t, &(struct local_options){.block_per_transaction = true}, (enum fork)FORK_NEWEST);
    struct sent sent[4];
    const struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0), tc_transfer(tc, 2, 0, 0),
                             tc_transfer(tc, 0, 1, 1)};

    put_and_run(t, tc, sent, txs, 4);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_PLACE(t, tc, &sent[i].tx, i + 1, 0);
        CHECK_EQ(t, sent[i].head, i + 1);
    }
    tc_close(t, tc);
}

TEST(one_that_is_refused_harms_no_other, t)
{
    struct test_chain *tc = tc_open(t);
    struct tx first = tc_transfer(tc, 1, 0, 0);
    struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0), tc_transfer(tc, 2, 0, 7),
                       tc_transfer(tc, 3, 0, 0)};
    struct sent sent[4];

    tc_must_send(t, tc, &first, 1);
    txs[1].value_wei = u256_of(2);
    put_and_run(t, tc, sent, txs, 4);
    CHECK_EQ(t, sent[0].s.status, FAN_OK);
    CHECK_EQ(t, sent[1].s.status, FAN_EREJECTED);
    CHECK(t, strstr(sent[1].s.err.text, "nonce too low") != NULL);
    CHECK_EQ(t, sent[2].s.status, FAN_OK); /* it waits for those before it */
    CHECK_EQ(t, sent[3].s.status, FAN_OK);
    CHECK_PLACE(t, tc, &sent[0].tx, 2, 0);
    CHECK_PLACE(t, tc, &sent[3].tx, 3, 0); /* the refusal was a second look, behind the first one's block */
    CHECK_EQ(t, tc->local->pool.tx_count, 1);
    tc_close(t, tc);
}

/* PUSH1 0 PUSH1 0 REVERT, and one log: LOG0 of nothing. */
static const uint8_t REVERTS[] = {0x60, 0, 0x60, 0, 0xfd}, LOGS[] = {0x60, 0, 0x60, 0, 0xa0, 0x60, 0, 0x60, 0, 0xa0};

TEST(reverts_and_logs_are_numbered_through_the_block, t)
{
    struct test_chain *tc = tc_open(t);
    const struct fan_address reverts = {{0xee, 1}}, logs = {{0xee, 2}};
    struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0), tc_transfer(tc, 2, 0, 0)};
    struct sent sent[3];
    struct block *b;

    REQUIRE(t, !tc->chain->dev->set_code(tc->chain, &reverts, slice_of(REVERTS, sizeof REVERTS)));
    REQUIRE(t, !tc->chain->dev->set_code(tc->chain, &logs, slice_of(LOGS, sizeof LOGS)));
    for (size_t i = 0; i < 3; i++) {
        txs[i].to = i == 1 ? reverts : logs;
        txs[i].gas_limit = 60000;
    }
    put_and_run(t, tc, sent, txs, 3);
    b = block_at(tc, 1);
    REQUIRE(t, b->tx_count == 3 && b->log_count == 4);
    CHECK(t, b->receipts[0].status && !b->receipts[1].status && b->receipts[2].status);
    CHECK_EQ(t, sent[1].s.status, FAN_OK); /* it has its receipt */
    CHECK(t, b->receipts[0].logs == b->logs && b->receipts[2].logs == b->logs + 2 && !b->receipts[1].log_count);
    for (size_t i = 0; i < 4; i++) CHECK_EQ(t, b->logs[i].index, i);
    CHECK_EQ(t, b->receipts[2].cumulative_gas_used, b->header.gas_used);
    CHECK_EQ(t, b->receipts[1].cumulative_gas_used, b->receipts[0].gas_used + b->receipts[1].gas_used);
    block_unref(b);
    tc_close(t, tc);
}

/* Whoever is funded by the one before finds the money there, as if each had been sent alone. */
TEST(what_the_one_before_gives_can_be_spent, t)
{
    struct test_chain *tc = tc_open(t);
    uint8_t secret[32] = {[31] = 99};
    struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0), tc_transfer(tc, 2, 0, 0)};
    struct sent sent[3];

    REQUIRE(t, !sign_address(secret, &txs[0].to));
    txs[0].value_wei = u256_of(TC_ETHER);
    txs[1].sender = txs[0].to;
    REQUIRE(t, !tx_sign(&txs[1], secret, &tc->a));
    put_and_run(t, tc, sent, txs, 3);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(t, sent[i].s.status, FAN_OK);
    CHECK_PLACE(t, tc, &sent[0].tx, 1, 0);
    CHECK_PLACE(t, tc, &sent[1].tx, 2, 0);
    CHECK_PLACE(t, tc, &sent[2].tx, 2, 1);
    tc_close(t, tc);
}

TEST(what_does_not_fit_into_the_block_comes_into_the_next, t)
{
    struct test_chain *tc = tc_open(t);
    const struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0), tc_transfer(tc, 2, 0, 0),
                             tc_transfer(tc, 3, 0, 0)};
    struct sent sent[4];
    struct block *b;

    tc->chain->dev->set_gas_limit(tc->chain, 50000);
    REQUIRE(t, !tc->chain->dev->set_next_timestamp(tc->chain, 1800000000, NULL));
    put_and_run(t, tc, sent, txs, 4);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 2);
    CHECK_PLACE(t, tc, &sent[0].tx, 1, 0);
    CHECK_PLACE(t, tc, &sent[1].tx, 1, 1);
    CHECK_PLACE(t, tc, &sent[2].tx, 2, 0);
    CHECK_PLACE(t, tc, &sent[3].tx, 2, 1);
    b = block_at(tc, 1); /* what was set for the next block is the first one's */
    CHECK_EQ(t, b->header.timestamp, 1800000000);
    block_unref(b);
    b = block_at(tc, 2);
    CHECK_EQ(t, b->header.timestamp, 1800000001);
    block_unref(b);
    tc_close(t, tc);
}

/* A letter that notes how high the chain was. */
struct look {
    struct letter letter;
    struct chain *chain;
    uint64_t head;
};

static void look(struct letter *l)
{
    struct look *x = CONTAINER_OF(l, struct look, letter);

    x->head = atomic_load(&x->chain->head_number);
}

TEST(whatever_else_is_asked_keeps_its_place_between_them, t)
{
    struct test_chain *tc = tc_open(t);
    struct look looks[2] = {{{.run = look}, tc->chain, 99}, {{.run = look}, tc->chain, 99}};
    const struct tx a[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0)}, b[] = {tc_transfer(tc, 2, 0, 0)};
    struct sent first[2], second[1];

    put(t, tc, first, a, 2);
    chain_write(tc->chain, &looks[0].letter);
    put(t, tc, second, b, 1);
    chain_write(tc->chain, &looks[1].letter);
    CHECK(t, submit_run_letters(tc->local));
    CHECK(t, looks[0].head == 1 && looks[1].head == 2);
    CHECK_PLACE(t, tc, &first[1].tx, 1, 1);
    CHECK_PLACE(t, tc, &second[0].tx, 2, 0);
    CHECK(t, !submit_run_letters(tc->local));
    tc_close(t, tc);
}

TEST(without_automine_they_wait_and_are_answered, t)
{
    struct test_chain *tc = tc_open_with(t, &(struct local_options){.no_automine = true}, (enum fork)FORK_NEWEST);
    const struct tx txs[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0), tc_transfer(tc, 0, 1, 1)};
    struct sent sent[3];

    put_and_run(t, tc, sent, txs, 3);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 0);
    CHECK_EQ(t, tc->event_count, 3);
    REQUIRE(t, !tc->chain->dev->mine(tc->chain, 1, 0, NULL));
    CHECK_PLACE(t, tc, &sent[2].tx, 1, 2); /* a block that is asked for takes all there is */
    tc_close(t, tc);
}

/* ---- here, on the thread that sends ---- */

static size_t send_here(struct test *t, struct test_chain *tc, struct sent *sent, const struct tx *txs, size_t count)
{
    struct chain_submission *all[MANY];

    sign(t, tc, sent, txs, count, all);
    tc->chain->ops->submit_all(tc->chain, all, count);
    return answered;
}

TEST(who_takes_the_writer_s_place_waits_for_nothing_and_makes_short_blocks, t)
{
    struct test_chain *tc = tc_open(t);
    const struct tx pair[] = {tc_transfer(tc, 0, 1, 0), tc_transfer(tc, 1, 0, 0)};
    struct tx one = tc_transfer(tc, 0, 1, 1), late = tc_transfer(tc, 0, 1, 3);
    struct sent sent[2], waits[4];

    CHECK_EQ(t, send_here(t, tc, sent, pair, 2), 2);
    CHECK_PLACE(t, tc, &sent[1].tx, 1, 1);
    one.gas_limit = 100001; /* too long for a worker */
    CHECK_EQ(t, send_here(t, tc, &waits[0], &one, 1), 0);
    CHECK(t, submit_run_letters(tc->local));
    CHECK_PLACE(t, tc, &waits[0].tx, 2, 0);
    one = tc_transfer(tc, 0, 1, 2);
    chain_write(tc->chain, &before[0]); /* something else was first */
    CHECK_EQ(t, send_here(t, tc, &waits[0], &one, 1), 0);
    CHECK_EQ(t, send_here(t, tc, &waits[1], &late, 1), 0); /* and now this is */
    CHECK(t, submit_run_letters(tc->local));
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 4);
    one = tc_transfer(tc, 0, 1, 5); /* a gap: it waits, and what follows might bring it along */
    CHECK_EQ(t, send_here(t, tc, &waits[2], &one, 1), 1);
    one = tc_transfer(tc, 1, 0, 1);
    CHECK_EQ(t, send_here(t, tc, &waits[3], &one, 1), 0);
    CHECK(t, submit_run_letters(tc->local));
    CHECK_PLACE(t, tc, &waits[3].tx, 5, 0);
    tc_close(t, tc);
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 60 };

struct client {
    struct test *t;
    struct test_chain *tc;
    unsigned from;
    struct chain_submission s;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool is_done;
};

static void tell(struct chain_submission *s)
{
    struct client *c = CONTAINER_OF(s, struct client, s);

    (void)pthread_mutex_lock(&c->lock);
    c->is_done = true;
    (void)pthread_cond_signal(&c->told);
    (void)pthread_mutex_unlock(&c->lock);
}

/* One sender who awaits each answer, and now and then asks for something that is not short. */
static void *send_all(void *ctx)
{
    struct client *c = ctx;
    struct arena_home home;
    uint64_t seen = 0;

    arena_home_init(&home, 0);
    for (uint64_t nonce = 0; nonce < EACH; nonce++) {
        struct tx tx = tc_transfer(c->tc, c->from, (c->from + 1) % TC_ACCOUNTS, nonce);
        struct chain_submission *s = &c->s;
        struct arena a = arena_of(&home);

        if (nonce % 16 == c->from) tx.gas_limit = 200000;
        if (tx_sign(&tx, c->tc->secrets[c->from], &a)) abort();
        *s = (struct chain_submission){.tx = &tx, .done = tell};
        c->is_done = false;
        c->tc->chain->ops->submit_all(c->tc->chain, &s, 1);
        (void)pthread_mutex_lock(&c->lock);
        while (!c->is_done) (void)pthread_cond_wait(&c->told, &c->lock);
        (void)pthread_mutex_unlock(&c->lock);
        if (s->status) test_fail(c->t, __FILE__, __LINE__, "submit: %s", s->err.text);
        if (atomic_load(&c->tc->chain->head_number) <= seen) test_fail(c->t, __FILE__, __LINE__, "no block");
        seen = place_of(c->tc, &tx, &(size_t){0});
        if (!seen) test_fail(c->t, __FILE__, __LINE__, "answered before its block was there");
        arena_home_reset(&home);
    }
    arena_home_fini(&home);
    return NULL;
}

/* Under TSan: whoever holds the place is the writer, and no letter is left behind by all of them. */
TEST(many_send_at_once_here_or_through_the_writer, t)
{
    struct test_chain *tc = tc_open(t);
    struct client clients[THREADS];
    pthread_t threads[THREADS];
    uint64_t next[TC_ACCOUNTS] = {0}, head;
    size_t count = 0;

    REQUIRE(t, local_start(tc->local) == FAN_OK);
    for (unsigned i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.t = t, .tc = tc, .from = i};
        (void)pthread_mutex_init(&clients[i].lock, NULL);
        (void)pthread_cond_init(&clients[i].told, NULL);
        REQUIRE(t, pthread_create(&threads[i], NULL, send_all, &clients[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        (void)pthread_mutex_destroy(&clients[i].lock);
        (void)pthread_cond_destroy(&clients[i].told);
    }
    local_stop(tc->local);
    head = atomic_load(&tc->chain->head_number);
    CHECK(t, head >= EACH && head <= THREADS * EACH);
    for (uint64_t n = 1; n <= head; n++) {
        struct block *b = block_at(tc, n);
        bool had[TC_ACCOUNTS] = {0};

        CHECK(t, b->tx_count >= 1 && b->tx_count <= THREADS);
        for (size_t i = 0; i < b->tx_count; i++) {
            unsigned from = 0;

            while (memcmp(&b->txs[i].sender, &tc->accounts[from], sizeof tc->accounts[from]) != 0) from++;
            CHECK(t, !had[from]);
            had[from] = true;
            CHECK_EQ(t, b->txs[i].nonce, next[from]++);
            count++;
        }
        block_unref(b);
    }
    CHECK_EQ(t, count, THREADS * EACH);
    tc_close(t, tc);
}
