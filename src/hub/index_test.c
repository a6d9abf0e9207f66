#include "hub/index_check.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/test.h"

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

TEST(index_finds_what_a_scan_finds, t)
{
    uint64_t seed = clock_monotonic_ns() | 1, state = seed;
    size_t matched = 0;

    (void)printf("seed 0x%llx\n", (unsigned long long)seed);
    for (size_t round = 0; round < 200; round++) {
        uint8_t bytes[8000];

        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(next_random(&state) >> 32);
        matched += check_run(slice_of(bytes, sizeof bytes));
    }
    CHECK(t, matched > 10000);
}

static struct fan_hash number_hash(uint64_t n)
{
    struct fan_hash h = {{0}};

    put_be64(n, h.bytes + 24);
    return h;
}

/* Wallets that watch one token, each for its own name in topic 2: the case that an index by address alone reads whole.
 */
static uint64_t looked_at_among(struct test *t, size_t wallets)
{
    struct fan_address token = {{1}};
    struct fan_hash transfer = number_hash(7), topics[3] = {transfer, number_hash(1), number_hash(0)};
    struct log log = {.address = token, .topics = topics, .topic_count = 3};
    struct index_entry *const *found;
    struct filter_index ix;
    uint64_t looked_at;

    index_init(&ix);
    for (size_t i = 0; i < wallets; i++) {
        struct fan_hash name = number_hash(i / 10); /* ten filters match each log: they differ in topic 1 */
        struct fan_hash other[2] = {number_hash(1), number_hash(1000 + i % 10)};
        struct filter f = {.addresses = &token, .address_count = 1, .position_count = 3};
        struct index_entry *e;

        f.topics[0].any_of = &transfer;
        f.topics[1].any_of = other;
        f.topics[2].any_of = &name;
        f.topics[0].count = f.topics[2].count = 1;
        f.topics[1].count = 2;
        if (index_add(&ix, &f, &e)) test_fail(t, __FILE__, __LINE__, "index_add");
    }
    CHECK_EQ(t, index_count(&ix), wallets);
    CHECK_EQ(t, index_match(&ix, &log, &found), 10);
    looked_at = ix.looked_at;
    index_fini(&ix);
    return looked_at;
}

TEST(the_cost_of_a_log_follows_its_matches, t)
{
    CHECK_EQ(t, looked_at_among(t, 100), 10);
    CHECK_EQ(t, looked_at_among(t, 100000), 10);
}

TEST(equal_filters_share_an_entry, t)
{
    struct fan_address a = {{9}};
    struct filter f = {.addresses = &a, .address_count = 1};
    struct index_entry *first, *second, *all, *null;
    struct filter everything = {0};
    struct filter_index ix;

    index_init(&ix);
    REQUIRE(t, !index_add(&ix, &f, &first));
    REQUIRE(t, !index_add(&ix, &f, &second));
    CHECK(t, first == second);
    CHECK_EQ(t, first->uses, 2);
    REQUIRE(t, !index_add(&ix, &everything, &all));
    REQUIRE(t, !index_add(&ix, NULL, &null));
    CHECK(t, all == null && all != first);
    CHECK_EQ(t, index_count(&ix), 2);
    index_remove(&ix, first);
    CHECK_EQ(t, index_count(&ix), 2);
    index_remove(&ix, second);
    CHECK_EQ(t, index_count(&ix), 1);
    index_fini(&ix);
}

/* 1000 addresses × 1000 topics would be a million keys; one position is then left to the filter itself. */
TEST(alternatives_do_not_multiply_without_bound, t)
{
    static struct fan_address addresses[1000];
    static struct fan_hash topics[1000];
    struct filter f = {.addresses = addresses, .address_count = 1000, .position_count = 1};
    struct log log = {.topics = &topics[999], .topic_count = 1};
    struct index_entry *e, *const *found;
    struct fan_hash other = number_hash(5000);
    struct filter_index ix;

    for (size_t i = 0; i < 1000; i++) {
        put_be64(i, addresses[i].bytes + 12);
        topics[i] = number_hash(i);
    }
    f.topics[0].any_of = topics;
    f.topics[0].count = 1000;
    log.address = addresses[500];
    index_init(&ix);
    REQUIRE(t, !index_add(&ix, &f, &e));
    CHECK(t, e->posting_count <= INDEX_KEYS_MAX);
    CHECK_EQ(t, index_match(&ix, &log, &found), 1);
    log.topics = &other;
    CHECK_EQ(t, index_match(&ix, &log, &found), 0);
    index_remove(&ix, e);
    CHECK_EQ(t, ix.postings.count, 0);
    index_fini(&ix);
}
