/* Whatever the filter and however the chain turned, the index answers what a plain look at every log answers. */
#include <stdio.h>
#include <stdlib.h>

#include <unistd.h>

#include "base/test.h"
#include "local/log_store.h"
#include "local/node.h"
#include "store/block_rows.h"

enum { ADDRESSES = 5, TOPICS = 7, BLOCKS_MAX = 300, ROUNDS = 60, QUERIES = 40, FOUND_MAX = 20000 };

static uint64_t state = 1;

static uint64_t rng(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct fan_address address_of(uint64_t i)
{
    struct fan_address a = {{0}};

    a.bytes[0] = (uint8_t)i;
    a.bytes[19] = (uint8_t)(i >> 8);
    return a;
}

static struct fan_hash topic_of(uint64_t i)
{
    struct fan_hash h = {{0}};

    memcpy(h.bytes + 24, &i, sizeof i);
    return h;
}

/* The transaction that every block with logs has: one that can be written and read again. */
static const struct tx *any_tx(void)
{
    static struct arena_home home;
    static struct tx tx;
    static const uint8_t secret[32] = {1};
    struct arena a;

    if (tx.has_sender) return &tx;
    arena_home_init(&home, 0);
    a = arena_of(&home);
    tx = (struct tx){.type = TX_LEGACY, .has_to = true, .has_chain_id = true, .chain_id = 1, .gas_limit = 21000};
    if (tx_sign(&tx, secret, &a) || !tx.has_sender) abort();
    return &tx;
}

/* A block on `parent` with so many logs, chosen from few values, so that they meet. */
static struct block *block_on(const struct block *parent, size_t logs)
{
    struct block *b = block_new();
    struct arena a;

    assert(b);
    a = arena_of(&b->memory);
    b->logs = ARENA_ARRAY(&a, logs, struct log);
    b->log_count = logs;
    b->has_receipts = true;
    b->header.number = parent ? parent->header.number + 1 : 0;
    if (parent) b->header.parent_hash = parent->hash;
    b->header.timestamp = rng(); /* makes each block its own */
    memset(&b->header.logs_bloom, 0, sizeof b->header.logs_bloom);
    for (size_t i = 0; i < logs; i++) {
        struct log *l = &b->logs[i];
        struct fan_hash *topics;

        l->address = address_of(rng() % ADDRESSES * (rng() % 3));
        l->topic_count = rng() % 5;
        topics = ARENA_ARRAY(&a, l->topic_count, struct fan_hash);
        for (size_t t = 0; t < l->topic_count; t++) topics[t] = topic_of(rng() % (rng() % 8 ? 3 : TOPICS));
        l->topics = topics;
        l->index = i;
        l->block_number = b->header.number;
        bloom_add(&b->header.logs_bloom, slice_of(l->address.bytes, 20));
        for (size_t t = 0; t < l->topic_count; t++) bloom_add(&b->header.logs_bloom, slice_of(topics[t].bytes, 32));
    }
    b->tx_count = logs ? 1 : 0;
    b->txs = ARENA_ARRAY(&a, 1, struct tx);
    b->receipts = ARENA_ARRAY(&a, 1, struct receipt);
    if (logs) {
        b->txs[0] = *any_tx();
        b->receipts[0] =
            (struct receipt){.status = 1, .logs = b->logs, .log_count = logs, .cumulative_gas_used = 21000};
    }
    block_finish(b);
    return b;
}

/* The canonical chain, whole: with a store, most of it is not in memory. */
static struct block *truth[16384];
static uint64_t truth_count;

static void forget_truth(uint64_t keep)
{
    while (truth_count > keep) block_unref(truth[--truth_count]);
}

/* As keep_write() does it, without a state; but the newest few blocks are not durable yet, now and then. */
static void write_down(struct blocks *x, uint64_t keep, struct block **added, size_t count)
{
    struct store_txn *t;
    uint64_t durable = atomic_load(&x->durable);
    enum fan_status s = store_write_begin(x->store, &t);

    if (!s && keep < durable) {
        s = log_store_remove(t, keep);
        if (!s) s = store_blocks_remove(t, keep);
        durable = keep;
    }
    for (uint64_t n = durable; !s && n < keep; n++) { /* those left over from before */
        s = store_block_put(t, blocks_at(x, n));
        if (!s) s = log_store_put(t, blocks_at(x, n));
    }
    if (!s) durable = keep;
    for (size_t i = 0; i < count && !s && (count - i > 5 || rng() % 2); i++, durable++) {
        s = store_block_put(t, added[i]);
        if (!s) s = log_store_put(t, added[i]);
    }
    if (!s) s = store_write_commit(t, NULL);
    if (s) {
        (void)printf("the store: %s\n", fan_status_text(s));
        abort();
    }
    blocks_durable(x, durable);
}

static void switch_to(struct blocks *x, uint64_t keep, struct block **added, size_t count)
{
    bool prepared = blocks_prepare(x, keep, added, count);

    assert(prepared);
    blocks_lock(x);
    if (x->store) write_down(x, keep, added, count);
    blocks_switch(x, keep, added, count);
    blocks_unlock(x);
    forget_truth(keep);
    for (size_t i = 0; i < count; i++) truth[truth_count++] = added[i];
    assert(truth_count < COUNT_OF(truth) - BLOCKS_MAX);
}

static void grow(struct blocks *x, uint64_t keep, size_t count)
{
    struct block *added[BLOCKS_MAX] = {NULL}, *parent = keep ? truth[keep - 1] : NULL;

    assert(count <= BLOCKS_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t logs = keep + i == 0 || rng() % 2 ? 0 : rng() % 30 == 0 ? 100 : rng() % 6;

        parent = added[i] = block_on(parent, logs);
    }
    switch_to(x, keep, added, count);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static int by_address(const void *a, const void *b)
{
    return memcmp(a, b, 20);
}

struct any_filter {
    struct filter f;
    struct fan_address addresses[8];
    struct fan_hash topics[4][8];
};

static size_t unique(void *at, size_t count, size_t size)
{
    uint8_t *bytes = at;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (n && memcmp(bytes + (n - 1) * size, bytes + i * size, size) == 0) continue;
        memmove(bytes + n * size, bytes + i * size, size);
        n++;
    }
    return n;
}

/* As filter_parse() leaves one: sorted, no duplicates; values that occur nowhere among them. */
static void random_filter(struct any_filter *any)
{
    *any = (struct any_filter){0};
    any->f.address_count = rng() % 3 ? 0 : 1 + rng() % 4;
    for (size_t i = 0; i < any->f.address_count; i++) any->addresses[i] = address_of(rng() % (2 * ADDRESSES));
    qsort(any->addresses, any->f.address_count, sizeof *any->addresses, by_address);
    any->f.address_count = unique(any->addresses, any->f.address_count, sizeof *any->addresses);
    any->f.addresses = any->addresses;
    any->f.position_count = rng() % 5;
    for (size_t p = 0; p < any->f.position_count; p++) {
        any->f.topics[p].count = rng() % 2 ? 0 : 1 + rng() % 3;
        for (size_t i = 0; i < any->f.topics[p].count; i++) any->topics[p][i] = topic_of(rng() % (TOPICS + 2));
        qsort(any->topics[p], any->f.topics[p].count, sizeof *any->topics[p], by_bytes);
        any->f.topics[p].count = unique(any->topics[p], any->f.topics[p].count, sizeof *any->topics[p]);
        any->f.topics[p].any_of = any->topics[p];
    }
}

/* Which logs: block and index. */
struct found {
    uint64_t logs[FOUND_MAX];
    size_t count;
};

static enum fan_status keep(void *ctx, const struct log *l)
{
    struct found *f = ctx;

    if (f->count == FOUND_MAX) return FAN_ELIMIT;
    f->logs[f->count++] = log_number(l->block_number, l->index);
    return FAN_OK;
}

/* Every log of every block, nothing clever. Returns as the limit demands. */
static enum fan_status plain(const struct filter *f, uint64_t from, uint64_t to, size_t max, struct found *out,
                             uint64_t *fits)
{
    out->count = 0;
    for (uint64_t n = from; n <= to && n < truth_count; n++) {
        size_t before = out->count;

        for (size_t i = 0; i < truth[n]->log_count; i++) {
            const struct log *l = &truth[n]->logs[i];

            if (filter_matches(f, &l->address, l->topics, l->topic_count)) out->logs[out->count++] = log_number(n, i);
        }
        if (out->count > max) {
            out->count = before;
            *fits = n - 1;
            return FAN_ELIMIT;
        }
    }
    return FAN_OK;
}

static void compare(struct test *t, struct local *l, struct found *a, struct found *b)
{
    struct any_filter any;
    uint64_t from = rng() % (truth_count + 2), to = from + rng() % (truth_count + 2), fits_a = 0, fits_b = 0;
    size_t max = rng() % 4 ? FOUND_MAX : rng() % 50;
    enum fan_status expected, got;

    random_filter(&any);
    if (rng() % 4 == 0) from = 0;
    if (rng() % 4 == 0) to = rng() % 2 ? UINT64_MAX : truth_count;
    expected = plain(&any.f, from, to, max, a, &fits_a);
    b->count = 0;
    got = logs_scan(&l->chain, &any.f, from, to, max, keep, b, &fits_b);
    CHECK_EQ(t, got, expected);
    CHECK_EQ(t, b->count, a->count);
    CHECK_EQ(t, fits_b, fits_a);
    CHECK(t, a->count != b->count || memcmp(a->logs, b->logs, a->count * sizeof *a->logs) == 0);
}

/* A walk up from somewhere: every block between two stops has no match, and the last stop is the end. */
static void walk(struct test *t, struct local *l)
{
    struct any_filter any;
    uint64_t to = rng() % (truth_count + 5), end = min_u64(to, truth_count - 1), next;
    struct block *at = rng() % 2 ? NULL : block_ref(truth[rng() % truth_count]), *b;
    enum fan_status s;

    random_filter(&any);
    next = at ? at->header.number + 1 : 0;
    while (!(s = logs_next(&l->chain, &any.f, at, to, &b))) {
        CHECK(t, b->header.number >= next && b->header.number <= end);
        for (; next < b->header.number; next++)
            for (size_t i = 0; i < truth[next]->log_count; i++) {
                const struct log *log = &truth[next]->logs[i];

                CHECK(t, !filter_matches(&any.f, &log->address, log->topics, log->topic_count));
            }
        next = b->header.number + 1;
        block_unref(at);
        at = b;
    }
    CHECK_EQ(t, s, FAN_ENOTFOUND);
    CHECK(t, next > end);
    block_unref(at);
}

TEST(a_block_that_has_gone_is_no_place_to_walk_on_from, t)
{
    struct local *l = calloc(1, sizeof *l);
    struct filter any = {0};
    struct block *old, *b;

    REQUIRE(t, l && blocks_init(&l->index) == FAN_OK);
    grow(&l->index, 0, 20);
    old = block_ref(truth[15]);
    grow(&l->index, 10, 0);
    CHECK_EQ(t, logs_next(&l->chain, &any, old, 30, &b), FAN_ESTALE);
    grow(&l->index, 10, 10);
    CHECK_EQ(t, logs_next(&l->chain, &any, old, 30, &b), FAN_ESTALE);
    block_unref(old);
    forget_truth(0);
    blocks_fini(&l->index);
    free(l);
}

/* Growth, reorgs, and now and then an index that has a gap. */
static void live(struct test *t, struct local *l, size_t rounds, size_t queries)
{
    static struct found a, b;
    size_t compared = 0, nonempty = 0;

    grow(&l->index, 0, 1);
    for (size_t round = 0; round < rounds; round++) {
        uint64_t head = truth_count;

        switch (rng() % 8) {
        case 0: /* the chain turns back */
            grow(&l->index, head - rng() % min_u64(head, 40), 0);
            break;
        case 1: /* a reorg */
            grow(&l->index, head - rng() % min_u64(head, 40), rng() % 60);
            break;
        case 2: /* memory ran out once: what is behind that is not indexed */
            if (rng() % 3 || l->index.store) break;
            l->index.coming.failed = true;
            log_memory_add(&l->index.logs, &l->index.coming, head);
            CHECK_EQ(t, l->index.logs.first, head);
            break;
        default:
            grow(&l->index, head, rng() % 80);
        }
        for (size_t i = 0; i < queries; i++, compared++) {
            compare(t, l, &a, &b);
            if (i % 8 == 0) walk(t, l);
            nonempty += b.count > 0;
        }
    }
    CHECK(t, nonempty > compared / 10); /* or this proves little */
}

TEST(the_index_answers_what_a_plain_scan_answers_through_growth_reorgs_and_gaps, t)
{
    struct local *l = calloc(1, sizeof *l);

    REQUIRE(t, l && blocks_init(&l->index) == FAN_OK);
    live(t, l, ROUNDS, QUERIES);
    forget_truth(0);
    blocks_fini(&l->index);
    free(l);
}

static uint64_t count_rows(struct store *s)
{
    struct store_txn *t;
    uint64_t n = UINT64_MAX;

    if (store_read_begin(s, &t)) return n;
    if (store_count(t, STORE_LOGS, &n)) n = UINT64_MAX;
    store_read_end(t);
    return n;
}

static void remove_dir(const char *dir)
{
    char command[200];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command)) abort();
}

/* The same with a store: lists in its tables, most blocks on disk, the newest few in neither. And when a store begins
 * its index late, what lies before is looked at block by block. */
TEST(the_index_in_the_store_answers_likewise, t)
{
    char dir[] = "/tmp/log_index_test.XXXXXX";
    struct local *l = calloc(1, sizeof *l);
    struct store_options fast = {.fast = true};
    struct store_txn *txn;
    struct fan_error err = {{0}};

    REQUIRE(t, l && mkdtemp(dir) && blocks_init(&l->index) == FAN_OK);
    if (store_open(dir, &fast, &l->index.store, &err)) {
        test_fail(t, __FILE__, __LINE__, "%s", err.text);
        return;
    }
    live(t, l, ROUNDS, QUERIES / 4);
    grow(&l->index, 1, 0);
    CHECK_EQ(t, count_rows(l->index.store), 0); /* all rows went with their blocks */
    grow(&l->index, 1, 250);
    CHECK(t, count_rows(l->index.store) > 300);
    REQUIRE(t, store_write_begin(l->index.store, &txn) == FAN_OK);
    CHECK_EQ(t, store_meta_put_u64(txn, STORE_META_LOGS, 150), FAN_OK);
    REQUIRE(t, store_write_commit(txn, NULL) == FAN_OK);
    {
        static struct found a, b;

        for (size_t i = 0; i < 50; i++) compare(t, l, &a, &b);
        for (size_t i = 0; i < 10; i++) walk(t, l);
    }
    forget_truth(0);
    store_close(l->index.store);
    l->index.store = NULL;
    blocks_fini(&l->index);
    free(l);
    remove_dir(dir);
}

TEST(lists_are_empty_again_when_every_block_has_left, t)
{
    struct blocks x;

    REQUIRE(t, blocks_init(&x) == FAN_OK);
    grow(&x, 0, 1);
    grow(&x, 1, 200);
    CHECK(t, x.logs.count > 300);
    grow(&x, 1, 0);
    CHECK_EQ(t, x.logs.count, 0);
    CHECK_EQ(t, x.logs.bytes, 0);
    CHECK_EQ(t, x.logs.lists.count, 0);
    CHECK_EQ(t, x.logs.first, 0);
    forget_truth(0);
    blocks_fini(&x);
}

/* Counts how often a list is looked into: the price of a query. */
static size_t looks;

static enum fan_status counted_seek(void *ctx, uint64_t key, uint64_t from, uint64_t *out)
{
    struct log_lists lists = log_memory_lists(ctx);

    looks++;
    return lists.seek(lists.ctx, key, from, out);
}

TEST(a_sparse_query_looks_as_often_as_it_has_matches_however_long_the_chain, t)
{
    enum { LOGS = 100000, RARE = 10 };
    struct log_memory m;
    struct log_postings_of_block p = {0};
    struct fan_address token = address_of(1);
    struct fan_hash transfer = topic_of(1), rare = topic_of(2), common = topic_of(3);
    struct filter f = {.addresses = &token,
                       .address_count = 1,
                       .topics = {{&transfer, 1}, {NULL, 0}, {&rare, 1}},
                       .position_count = 3};
    struct log_lists lists = {.ctx = &m, .seek = counted_seek};
    struct arena_home home;
    struct arena a;
    struct log_query q;
    uint64_t at = 0, found = 0;
    size_t steps = SIZE_MAX;

    log_memory_init(&m);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    p.at = malloc(4 * LOGS * sizeof *p.at);
    REQUIRE(t, p.at);
    p.cap = 4 * LOGS;
    for (uint64_t i = 0; i < LOGS; i++) {
        uint64_t number = log_number(1 + i / 10, i % 10);
        struct fan_hash third = i % (LOGS / RARE) == 7 ? rare : common, second = topic_of(1000 + i % 5000);

        p.at[p.count++] = (struct log_posting){log_key(0, slice_of(token.bytes, 20)), number};
        p.at[p.count++] = (struct log_posting){log_key(1, slice_of(transfer.bytes, 32)), number};
        p.at[p.count++] = (struct log_posting){log_key(2, slice_of(second.bytes, 32)), number};
        p.at[p.count++] = (struct log_posting){log_key(3, slice_of(third.bytes, 32)), number};
    }
    log_memory_add(&m, &p, LOGS);
    CHECK_EQ(t, m.count, 4 * LOGS);
    REQUIRE(t, log_query_init(&q, &f, &a) == FAN_OK);
    while (log_query_next(&q, &lists, at, log_number(LOGS, 0), &steps, &at) == FAN_OK) {
        found++;
        at++;
    }
    CHECK_EQ(t, found, RARE);
    CHECK(t, looks <= 6 * (RARE + 1)); /* three terms, twice at most for each match and the end */
    (void)printf("    %zu bytes of index for each of %d logs with three topics; %zu looks for %d matches\n",
                 log_memory_bytes(&m) / LOGS, LOGS, looks, RARE);
    log_postings_fini(&p);
    log_memory_fini(&m);
    arena_home_fini(&home);
}

TEST(a_question_that_may_look_only_so_often_says_where_to_go_on, t)
{
    struct blocks x;
    struct any_filter any = {0};
    struct arena_home home;
    struct arena a;
    struct log_query q;
    struct log_lists lists;
    uint64_t whole = 0, pieces = 0, at;
    size_t steps;
    enum fan_status s;

    REQUIRE(t, blocks_init(&x) == FAN_OK);
    grow(&x, 0, 250);
    lists = log_memory_lists(&x.logs);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    any.addresses[0] = address_of(1);
    any.topics[0][0] = topic_of(1);
    any.topics[1][0] = topic_of(2);
    any.f = (struct filter){.addresses = any.addresses, .address_count = 1, .position_count = 2};
    any.f.topics[0].any_of = any.topics[0];
    any.f.topics[1].any_of = any.topics[1];
    any.f.topics[0].count = any.f.topics[1].count = 1;
    REQUIRE(t, log_query_init(&q, &any.f, &a) == FAN_OK);
    steps = SIZE_MAX;
    for (at = 0; log_query_next(&q, &lists, at, log_number(250, 0), &steps, &at) == FAN_OK; at++) whole++;
    log_query_restart(&q);
    at = 0;
    do {
        log_query_restart(&q);
        steps = q.key_count + 1;
        s = log_query_next(&q, &lists, at, log_number(250, 0), &steps, &at);
        if (!s) {
            pieces++;
            at++;
        }
    } while (s == FAN_OK || s == FAN_ELIMIT);
    CHECK(t, whole > 0);
    CHECK_EQ(t, pieces, whole);
    forget_truth(0);
    arena_home_fini(&home);
    blocks_fini(&x);
}
