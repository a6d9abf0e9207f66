/* The writer as a thread: letters, block time, readers beside it. Under TSan this is the test of who may touch what. */
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "local/test_chain.h"

/* A letter that runs a function on the writer and lets the sender wait for it. */
struct errand {
    struct letter letter;
    void (*run)(void *ctx);
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void errand_run(struct letter *l)
{
    struct errand *e = CONTAINER_OF(l, struct errand, letter);

    e->run(e->ctx);
    (void)pthread_mutex_lock(&e->lock);
    e->is_done = true;
    (void)pthread_cond_signal(&e->done);
    (void)pthread_mutex_unlock(&e->lock);
}

static void on_writer(struct chain *c, void (*run)(void *ctx), void *ctx)
{
    struct errand e = {.letter = {.run = errand_run}, .run = run, .ctx = ctx};

    (void)pthread_mutex_init(&e.lock, NULL);
    (void)pthread_cond_init(&e.done, NULL);
    chain_write(c, &e.letter);
    (void)pthread_mutex_lock(&e.lock);
    while (!e.is_done) (void)pthread_cond_wait(&e.done, &e.lock);
    (void)pthread_mutex_unlock(&e.lock);
    (void)pthread_mutex_destroy(&e.lock);
    (void)pthread_cond_destroy(&e.done);
}

struct work {
    struct test *t;
    struct test_chain *tc;
    uint64_t nonce, count;
    _Atomic bool stop;
    _Atomic uint64_t reads, wrong;
};

static void send_many(void *ctx)
{
    struct work *w = ctx;

    for (uint64_t i = 0; i < w->count; i++) {
        struct tx tx = tc_transfer(w->tc, 0, 1, w->nonce++);

        tc_must_send(w->t, w->tc, &tx, 0);
    }
}

static void turn_back(void *ctx)
{
    struct work *w = ctx;

    if (w->tc->chain->dev->reorg(w->tc->chain, 3, NULL, 0, NULL)) atomic_fetch_add(&w->wrong, 1);
    tc_forget_events(w->tc);
}

static enum fan_status ignore_log(void *ctx, const struct log *l)
{
    (void)ctx;
    (void)l;
    return FAN_OK;
}

/* Everything any thread may do, over and over; what is read must fit together. */
static void *reader(void *ctx)
{
    struct work *w = ctx;
    struct chain *c = w->tc->chain;
    struct arena_home home;

    arena_home_init(&home, 0);
    while (!atomic_load(&w->stop)) {
        struct block *head = NULL, *b = NULL, *safe = NULL, *finalized = NULL;
        struct chain_state *s;
        struct pending_tx *p;
        struct chain_fees fees;
        struct filter any = {0};
        uint64_t fits = 0, number = atomic_load(&c->head_number);
        enum fan_status status = c->ops->head(c, &head);

        if (status || head->header.number + 3 < number) atomic_fetch_add(&w->wrong, 1);
        status = c->ops->state_open(c, head, &s);
        if (!status) {
            struct chain_account a;
            struct arena arena = arena_of(&home);
            struct chain_call call = {.tx = tc_transfer(w->tc, 0, 1, 0), .gas_max = 100000};
            struct chain_call_result result;

            status = c->ops->account(s, &w->tc->accounts[0], &a);
            /* The account's nonce is the number of transactions up to this very block. */
            if (!status && a.nonce == 0 && head->header.number > 3) atomic_fetch_add(&w->wrong, 1);
            if (status && status != FAN_ESTALE) atomic_fetch_add(&w->wrong, 1);
            status = c->ops->call(s, head, &call, false, &arena, &result, NULL);
            if (status && status != FAN_ESTALE) atomic_fetch_add(&w->wrong, 1);
            c->ops->state_close(c, s);
            arena_home_reset(&home);
        } else if (status != FAN_ESTALE)
            atomic_fetch_add(&w->wrong, 1);
        if (head->tx_count) {
            size_t at;

            status = c->ops->tx_by_hash(c, &head->txs[0].hash, &b, &at);
            if (!status && memcmp(&b->txs[at].hash, &head->txs[0].hash, 32) != 0) atomic_fetch_add(&w->wrong, 1);
            block_unref(b);
            b = NULL;
            if (!c->ops->pending_by_hash(c, &head->txs[0].hash, &p)) pending_tx_unref(p);
        }
        if (!c->ops->block_by_number(c, number, &b) && b->header.number != number) atomic_fetch_add(&w->wrong, 1);
        block_unref(b);
        status = c->ops->finalized(c, &safe, &finalized);
        if (!status) {
            block_unref(safe);
            block_unref(finalized);
        }
        c->ops->fees(c, &fees);
        (void)c->ops->logs(c, &any, 0, head->header.number, 1000, ignore_log, NULL, &fits);
        block_unref(head);
        atomic_fetch_add(&w->reads, 1);
    }
    arena_home_fini(&home);
    return NULL;
}

TEST(readers_see_whole_blocks_while_the_writer_seals_and_turns_back, t)
{
    struct test_chain *tc = tc_open(t);
    struct work w = {.t = t, .tc = tc, .count = 5};
    pthread_t readers[3];

    REQUIRE(t, local_start(tc->local) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(readers); i++) REQUIRE(t, pthread_create(&readers[i], NULL, reader, &w) == 0);
    for (size_t round = 0; round < 40; round++) {
        on_writer(tc->chain, send_many, &w);
        if (round % 4 == 3) on_writer(tc->chain, turn_back, &w);
    }
    atomic_store(&w.stop, true);
    for (size_t i = 0; i < COUNT_OF(readers); i++) (void)pthread_join(readers[i], NULL);
    local_stop(tc->local);
    CHECK_EQ(t, atomic_load(&w.wrong), 0);
    CHECK(t, atomic_load(&w.reads) > 0);
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), 200);
    tc_close(t, tc);
}

TEST(block_time_seals_empty_blocks_too, t)
{
    struct test_chain *tc = tc_open_with(t, &(struct local_options){.block_time_ms = 20}, (enum fork)FORK_NEWEST);
    uint64_t until = clock_monotonic_ms() + 20000;

    CHECK(t, !tc->chain->dev->automine(tc->chain));
    REQUIRE(t, local_start(tc->local) == FAN_OK);
    while (atomic_load(&tc->chain->head_number) < 5 && clock_monotonic_ms() < until) usleep(1000);
    local_stop(tc->local);
    CHECK(t, atomic_load(&tc->chain->head_number) >= 5);
    tc_close(t, tc);
}

static void set_flag(struct letter *l)
{
    struct {
        struct letter letter;
        bool ran;
    } *flagged = (void *)l;

    flagged->ran = true;
}

TEST(letters_that_came_before_the_stop_are_run, t)
{
    struct test_chain *tc = tc_open(t);
    struct {
        struct letter letter;
        bool ran;
    } flagged[16] = {0};

    REQUIRE(t, local_start(tc->local) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(flagged); i++) {
        flagged[i].letter.run = set_flag;
        chain_write(tc->chain, &flagged[i].letter);
    }
    local_stop(tc->local);
    for (size_t i = 0; i < COUNT_OF(flagged); i++) CHECK(t, flagged[i].ran);
    local_stop(tc->local); /* once more does nothing */
    tc_close(t, tc);
}

/* Sealing must not slow down with the height; under sanitizers the count is smaller. */
TEST(ten_thousand_instant_blocks, t)
{
    struct test_chain *tc = tc_open(t);
#ifdef FANATICO_SANITIZED
    uint64_t blocks = 1000;
#else
    uint64_t blocks = 10000;
#endif
    struct tx *txs = calloc(blocks, sizeof *txs);
    struct block *b = NULL;
    size_t at = 0;

    REQUIRE(t, txs != NULL);
    for (uint64_t n = 0; n < blocks; n++) {
        txs[n] = tc_transfer(tc, 0, 1, n);
        tc_must_send(t, tc, &txs[n], 0);
        tc_forget_events(tc);
    }
    CHECK_EQ(t, atomic_load(&tc->chain->head_number), blocks);
    for (uint64_t n = 0; n < blocks; n += 97) {
        CHECK_EQ(t, tc->chain->ops->tx_by_hash(tc->chain, &txs[n].hash, &b, &at), FAN_OK);
        CHECK_EQ(t, b->header.number, n + 1);
        block_unref(b);
    }
    free(txs);
    tc_close(t, tc);
}
