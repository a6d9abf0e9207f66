/* Budgets in allocations and bytes.
 *
 * An event costs some allocations (the event, its frames, a share of each for a worker), a notification none.
 * So eight times the subscribers must not cost one allocation more, once the pools are warm. Sanitizers keep malloc for
 * themselves; the release and cov builds count. */
#include <malloc.h>

#include "base/test.h"
#include "hub/test_server.h"

#ifndef FANATICO_SANITIZED
static atomic_bool counting;
static atomic_size_t allocations;

static void count_one(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed)) atomic_fetch_add(&allocations, 1);
}

/* glibc's own, behind the names we take over. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    count_one();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    count_one();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    count_one();
    return __libc_realloc(old, size);
}

enum { CLIENTS_MAX = 64, SUBSCRIPTIONS = 10, WARM = 30, COUNTED = 20 };

/* Allocations of COUNTED events, each of which sends every client a header for each of its subscriptions and one log.
 * deflate: the clients agreed on compression, with windows of all sizes. */
static size_t cost(struct test *t, size_t client_count, bool deflate)
{
    static struct client clients[CLIENTS_MAX];
    struct test_server s;
    size_t spent = 0;

    if (!test_server_init(&s, 1, NULL, NULL)) test_fail(t, __FILE__, __LINE__, "no server");
    for (size_t i = 0; i < client_count; i++) {
        client_init_deflate(&clients[i], test_server_connect(&s, 0), deflate ? 8 + i % 8 : 0);
        test_server_settle(&s);
        if (!client_upgraded(&clients[i], 1000)) test_fail(t, __FILE__, __LINE__, "no upgrade");
        for (size_t j = 0; j < SUBSCRIPTIONS; j++) client_send(&clients[i], j ? "heads" : "logs 1");
        test_server_settle(&s);
    }
    for (uint64_t n = 1; n <= WARM + COUNTED; n++) {
        struct block *b = test_block(n, 0, 2);

        atomic_store(&allocations, 0);
        atomic_store(&counting, n > WARM);
        test_publish(&s.chain, NULL, 0, &b, 1);
        test_server_settle(&s);
        atomic_store(&counting, false);
        spent += n > WARM ? atomic_load(&allocations) : 0;
        for (size_t i = 0; i < client_count; i++)
            while (client_next(&clients[i], 0)) continue;
    }
    CHECK_EQ(t, hub_stats_notifications(hub_shard_stats(s.workers[0].shard)),
             (WARM + COUNTED) * SUBSCRIPTIONS * client_count);
    for (size_t i = 0; i < client_count; i++) {
        CHECK_EQ(t, clients[i].compressed > 0, deflate);
        client_fini(&clients[i]);
    }
    test_server_fini(&s);
    return spent;
}

static void few_and_many_cost_the_same(struct test *t, bool deflate)
{
    size_t few = cost(t, CLIENTS_MAX / 8, deflate), many = cost(t, CLIENTS_MAX, deflate);

    (void)printf("%zu allocations for %d events with %d subscriptions, %zu with %d\n", few, COUNTED,
                 CLIENTS_MAX / 8 * SUBSCRIPTIONS, many, CLIENTS_MAX * SUBSCRIPTIONS);
    CHECK(t, few > 0);
    CHECK_EQ(t, many, few);
}

/* A client's second to hundredth subscription, with all that their asking left behind: blocks of replies, slabs. */
static void further_subscriptions(struct test *t)
{
    static struct client clients[100];
    enum { FURTHER = 99 };
    struct test_server s;
    size_t before = 0, after;

    REQUIRE(t, test_server_init(&s, 1, NULL, NULL));
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        client_init(&clients[i], test_server_connect(&s, 0));
        test_server_settle(&s);
        REQUIRE(t, client_upgraded(&clients[i], 1000));
        client_send(&clients[i], "heads");
    }
    test_server_settle(&s);
    before = mallinfo2().uordblks;
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        for (size_t j = 0; j < FURTHER; j++) client_send(&clients[i], "heads");
        test_server_settle(&s);
    }
    after = mallinfo2().uordblks;
    (void)printf("%.1f bytes for each further subscription\n",
                 (double)(after - before) / (COUNT_OF(clients) * FURTHER));
    CHECK_EQ(t, counter_get(&hub_shard_stats(s.workers[0].shard)->subscriptions[HUB_NEW_HEADS]),
             COUNT_OF(clients) * (FURTHER + 1));
    CHECK(t, after - before <= COUNT_OF(clients) * FURTHER * 64);
    for (size_t i = 0; i < COUNT_OF(clients); i++) client_fini(&clients[i]);
    test_server_fini(&s);
}
#else
static void further_subscriptions(struct test *t)
{
    SKIP(t, "the sanitizer owns malloc: counted in the other builds");
}

static void few_and_many_cost_the_same(struct test *t, bool deflate)
{
    (void)deflate;
    SKIP(t, "the sanitizer owns malloc: counted in the other builds");
}
#endif

TEST(a_notification_allocates_nothing, t)
{
    few_and_many_cost_the_same(t, false);
}

/* The same where the payloads are compressed: once for each of the eight windows, however many share them. */
TEST(a_compressed_notification_allocates_nothing, t)
{
    few_and_many_cost_the_same(t, true);
}

TEST(a_further_subscription_costs_at_most_64_bytes, t)
{
    further_subscriptions(t);
}
