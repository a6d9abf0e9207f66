/* test_chain: a development chain inside a test, driven on the test's own thread (the writer is not started), with
 * every event kept. */
#ifndef LOCAL_TEST_CHAIN_H
#define LOCAL_TEST_CHAIN_H

#include <stdlib.h>

#include "base/test.h"
#include "codec/u256.h"
#include "eth/sign.h"
#include "local/local.h"

enum { TC_ACCOUNTS = 4, TC_EVENTS_MAX = 4096 };
#define TC_ETHER 1000000000000000000u
#define TC_GWEI  1000000000u

struct test_chain {
    struct local *local;
    struct chain *chain;
    struct arena_home home;
    struct arena a;
    uint8_t secrets[TC_ACCOUNTS][32];
    struct fan_address accounts[TC_ACCOUNTS];
    struct chain_watcher watcher;
    struct chain_event *events[TC_EVENTS_MAX];
    size_t event_count, unread; /* of kind HEAD that named something unreadable */
    uint64_t wall_s;
};

/* Keeps each event, and checks the promise on the spot: what it names can be read. */
static void tc_event(void *ctx, struct chain_event *e)
{
    struct test_chain *tc = ctx;

    if (tc->event_count < TC_EVENTS_MAX) tc->events[tc->event_count++] = chain_event_ref(e);
    for (size_t i = 0; i < e->added_count; i++) {
        struct block *b = NULL;
        struct chain_state *state;
        bool canonical = false;

        if (tc->chain->ops->block_by_hash(tc->chain, &e->added[i]->hash, &canonical, &b) || !canonical) tc->unread++;
        block_unref(b);
        if (tc->chain->ops->state_open(tc->chain, e->added[i], &state))
            tc->unread++;
        else
            tc->chain->ops->state_close(tc->chain, state);
        for (size_t t = 0; t < e->added[i]->tx_count; t++) {
            size_t at;

            b = NULL;
            if (tc->chain->ops->tx_by_hash(tc->chain, &e->added[i]->txs[t].hash, &b, &at) || at != t) tc->unread++;
            block_unref(b);
        }
    }
    if (e->added_count && atomic_load(&tc->chain->head_number) < e->added[e->added_count - 1]->header.number)
        tc->unread++;
    if (e->pending) {
        struct pending_tx *p = NULL;

        if (tc->chain->ops->pending_by_hash(tc->chain, &e->pending->tx.hash, &p)) tc->unread++;
        pending_tx_unref(p);
    }
}

static inline uint64_t tc_wall(void *ctx)
{
    return ((struct test_chain *)ctx)->wall_s;
}

static inline struct test_chain *tc_open_with(struct test *t, const struct local_options *base, enum fork newest)
{
    struct test_chain *tc = calloc(1, sizeof *tc);
    struct genesis g;
    struct fan_u256 balance = u256_of(TC_ETHER);
    struct local_options o = *base;
    struct fan_error err = {{0}};

    assert(tc);
    arena_home_init(&tc->home, 0);
    tc->a = arena_of(&tc->home);
    tc->wall_s = 1700000000;
    (void)u256_mul_u64(&balance, 10000, &balance);
    for (uint32_t i = 0; i < TC_ACCOUNTS; i++) { /* any keys do; the mnemonic's would cost 2048 rounds of HMAC each */
        tc->secrets[i][31] = (uint8_t)(i + 1);
        if (sign_address(tc->secrets[i], &tc->accounts[i])) test_fail(t, __FILE__, __LINE__, "key %u", i);
    }
    if (genesis_dev(31337, newest, tc->accounts, TC_ACCOUNTS, &balance, 30000000, 1699999999, &tc->a, &g))
        test_fail(t, __FILE__, __LINE__, "genesis_dev");
    o.genesis = &g;
    o.dev = true;
    o.accounts = tc->accounts;
    o.secrets = (const uint8_t(*)[32])tc->secrets;
    o.account_count = TC_ACCOUNTS;
    o.wall_s = tc_wall;
    o.wall_ctx = tc;
    if (local_open(&o, &tc->local, &err)) {
        test_fail(t, __FILE__, __LINE__, "local_open: %s", err.text);
        abort();
    }
    tc->chain = local_chain(tc->local);
    tc->watcher = (struct chain_watcher){.ctx = tc, .event = tc_event};
    chain_watch(tc->chain, &tc->watcher);
    return tc;
}

static inline struct test_chain *tc_open(struct test *t)
{
    return tc_open_with(t, &(struct local_options){0}, (enum fork)FORK_NEWEST);
}

static inline void tc_forget_events(struct test_chain *tc)
{
    for (size_t i = 0; i < tc->event_count; i++) chain_event_unref(tc->events[i]);
    tc->event_count = 0;
}

static inline void tc_close(struct test *t, struct test_chain *tc)
{
    CHECK_EQ(t, tc->unread, 0);
    tc_forget_events(tc);
    local_close(tc->local);
    arena_home_fini(&tc->home);
    free(tc);
}

/* A transfer of 1 wei from account `from` to account `to`, 2 gwei, unsigned yet. */
static inline struct tx tc_transfer(struct test_chain *tc, unsigned from, unsigned to, uint64_t nonce)
{
    return (struct tx){.type = TX_DYNAMIC_FEE,
                       .has_to = true,
                       .has_chain_id = true,
                       .chain_id = 31337,
                       .to = tc->accounts[to],
                       .nonce = nonce,
                       .gas_limit = 21000,
                       .value_wei = u256_of(1),
                       .gas_price_wei = u256_of(2 * (uint64_t)TC_GWEI),
                       .priority_fee_wei = u256_of(TC_GWEI),
                       .sender = tc->accounts[from],
                       .has_sender = true};
}

static inline void tc_sign(struct test *t, struct test_chain *tc, struct tx *tx, unsigned from)
{
    if (tx_sign(tx, tc->secrets[from], &tc->a)) test_fail(t, __FILE__, __LINE__, "tx_sign");
}

/* Signs and submits. */
static inline enum fan_status tc_send(struct test *t, struct test_chain *tc, struct tx *tx, unsigned from,
                                      struct fan_error *err)
{
    struct fan_hash hash;
    enum fan_status s;

    tc_sign(t, tc, tx, from);
    s = tc->chain->ops->submit(tc->chain, tx, &hash, err);
    if (!s && memcmp(&hash, &tx->hash, sizeof hash) != 0) test_fail(t, __FILE__, __LINE__, "submit gave another hash");
    return s;
}

static inline void tc_must_send(struct test *t, struct test_chain *tc, struct tx *tx, unsigned from)
{
    struct fan_error err = {{0}};
    enum fan_status s = tc_send(t, tc, tx, from, &err);

    if (s) test_fail(t, __FILE__, __LINE__, "submit: %s: %s", fan_status_text(s), err.text);
}

/* The head; borrowed from nobody: unref it. */
static inline struct block *tc_head(struct test_chain *tc)
{
    struct block *b = NULL;

    if (tc->chain->ops->head(tc->chain, &b)) abort();
    return b;
}

static inline struct chain_account tc_account(struct test *t, struct test_chain *tc, const struct fan_address *a)
{
    struct block *head = tc_head(tc);
    struct chain_state *s;
    struct chain_account account = {0};

    if (tc->chain->ops->state_open(tc->chain, head, &s))
        test_fail(t, __FILE__, __LINE__, "state_open");
    else {
        if (tc->chain->ops->account(s, a, &account)) test_fail(t, __FILE__, __LINE__, "account");
        tc->chain->ops->state_close(tc->chain, s);
    }
    block_unref(head);
    return account;
}

#endif
