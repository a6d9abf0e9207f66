#include "conn/clients.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/test.h"

static struct address who(const char *text)
{
    struct address a = {0};

    if (!address_parse(slice_str(text), &a)) abort();
    return a;
}

static struct client *enter(struct clients *c, const char *text, uint64_t now_ms)
{
    struct address a = who(text);
    bool failed;
    struct client *found = clients_enter(c, &a, now_ms, &failed);

    assert(found && !failed);
    return found;
}

static unsigned asks(const struct clients *c, struct client *a, uint64_t now_ms, unsigned times)
{
    unsigned yes = 0;
    uint64_t wait_s;

    while (times--) yes += client_ask(c, a, now_ms, &wait_s);
    return yes;
}

/* One customer is one account: an IPv4 address however it came, an IPv6 address with its /64. */
TEST(who_is_one_client, t)
{
    static const struct {
        const char *a, *b;
        bool same;
    } row[] = {
        {"1.2.3.4:5", "1.2.3.4:6", true},
        {"1.2.3.4", "::ffff:1.2.3.4", true},
        {"1.2.3.4", "1.2.3.5", false},
        {"2001:db8::1", "2001:db8::ffff:1", true},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
        {"::1", "::2", true},
        {"::1", "127.0.0.1", false},
    };
    struct clients *c;

    REQUIRE(t, clients_new(&(struct clients_options){.connections_max = 1}, &c) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct client *a = enter(c, row[i].a, 0), *b = enter(c, row[i].b, 0);
        struct address address = who(row[i].b);

        CHECK_EQ(t, a == b, row[i].same);
        CHECK_EQ(t, client_is(a, &address), row[i].same);
        client_connect(a);
        CHECK(t, !client_crowds(c, a));
        client_connect(b);
        CHECK_EQ(t, client_crowds(c, a), row[i].same);
        clients_leave(c, a, true, 0);
        clients_leave(c, b, true, 0);
    }
    CHECK_EQ(t, clients_count(c), 0);
    clients_free(c);
}

TEST(a_unix_socket_has_no_account, t)
{
    struct address local = {.kind = ADDRESS_LOCAL};
    struct clients *c;
    bool failed;

    REQUIRE(t, clients_new(&(struct clients_options){.connections_max = 1}, &c) == FAN_OK);
    CHECK(t, clients_enter(c, &local, 0, &failed) == NULL);
    CHECK(t, !failed && client_is(NULL, &local));
    clients_leave(c, NULL, false, 0);
    clients_free(c);
}

/* 10 a second, 30 at once: thirty now, then one each 100 ms, and never more than thirty saved up. */
TEST(a_bucket_gives_what_it_has_and_fills_with_time, t)
{
    struct clients *c;
    struct client *a;
    uint64_t wait_s = 0;

    REQUIRE(t, clients_new(&(struct clients_options){.per_second = 10, .burst = 30}, &c) == FAN_OK);
    a = enter(c, "1.2.3.4", 1000);
    CHECK_EQ(t, asks(c, a, 1000, 100), 30);
    CHECK_EQ(t, asks(c, a, 1099, 1), 0);
    CHECK_EQ(t, asks(c, a, 1100, 5), 1);
    CHECK_EQ(t, asks(c, a, 2100, 50), 10);
    CHECK(t, !client_ask(c, a, 2100, &wait_s));
    CHECK_EQ(t, wait_s, 1);
    CHECK_EQ(t, asks(c, a, 1000000, 100), 30);
    /* A batch pays afterwards, and its client waits for what it overdrew: 100 more at 10 a second. */
    client_pay(c, a, 100, 1000000);
    CHECK(t, !client_ask(c, a, 1000000, &wait_s));
    CHECK_EQ(t, wait_s, 11);
    CHECK_EQ(t, asks(c, a, 1010000, 5), 0);
    CHECK_EQ(t, asks(c, a, 1010100, 5), 1);
    clients_leave(c, a, false, 1010100);
    clients_free(c);
}

TEST(limits_that_are_off_refuse_nobody, t)
{
    struct clients *c;
    struct client *a, *b;

    REQUIRE(t, clients_new(&(struct clients_options){.connections_max = 1}, &c) == FAN_OK);
    a = enter(c, "1.2.3.4", 0);
    CHECK_EQ(t, asks(c, a, 0, 100000), 100000);
    clients_leave(c, a, false, 0);
    clients_free(c);
    REQUIRE(t, clients_new(&(struct clients_options){.per_second = 1}, &c) == FAN_OK);
    a = enter(c, "1.2.3.4", 0);
    b = enter(c, "1.2.3.4", 0);
    CHECK(t, a == b && !client_crowds(c, a));
    CHECK_EQ(t, asks(c, a, 0, 100), 10); /* ten seconds' worth */
    clients_leave(c, a, false, 0);
    clients_leave(c, b, false, 0);
    clients_free(c);
}

/* Whoever goes away and comes back finds his debts; once they are over he is forgotten. */
TEST(going_away_buys_nothing, t)
{
    struct clients *c;
    struct client *a;

    REQUIRE(t, clients_new(&(struct clients_options){.per_second = 1, .burst = 5}, &c) == FAN_OK);
    a = enter(c, "1.2.3.4", 0);
    CHECK_EQ(t, asks(c, a, 0, 10), 5);
    clients_leave(c, a, false, 0);
    CHECK_EQ(t, clients_count(c), 1);
    a = enter(c, "1.2.3.4", 10);
    CHECK_EQ(t, asks(c, a, 10, 10), 0);
    clients_leave(c, a, false, 10);
    a = enter(c, "1.2.3.4", 5000);
    CHECK_EQ(t, asks(c, a, 5000, 10), 5);
    clients_leave(c, a, false, 10000);
    CHECK_EQ(t, clients_count(c), 0); /* nothing owed, nothing kept */
    clients_free(c);
}

/* A flood of addresses, each in debt: memory holds the newest of them, and no more than so many. */
TEST(a_flood_of_addresses_is_bounded, t)
{
    enum { IDLE = 640, FLOOD = 20000 };
    struct clients *c;

    REQUIRE(t, clients_new(&(struct clients_options){.per_second = 1, .burst = 5, .idle_max = IDLE}, &c) == FAN_OK);
    for (unsigned i = 0; i < FLOOD; i++) {
        struct address a = address_of_v4((const uint8_t[4]){10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, 1);
        struct client *found;
        bool failed;

        found = clients_enter(c, &a, 0, &failed);
        CHECK_EQ(t, asks(c, found, 0, 6), 5);
        clients_leave(c, found, false, 0);
        CHECK(t, clients_count(c) <= IDLE);
    }
    CHECK(t, clients_count(c) > IDLE / 2);
    clients_free(c);
}

/* Two threads with one client: not one token more than there are. */
struct asker {
    struct clients *c;
    unsigned yes;
};

static void *ask_many(void *arg)
{
    struct asker *a = arg;

    for (int i = 0; i < 2000; i++) {
        struct client *found = enter(a->c, i % 2 ? "1.2.3.4" : "4.3.2.1", 0);

        a->yes += i % 2 && asks(a->c, found, 0, 1);
        clients_leave(a->c, found, false, 0);
    }
    return NULL;
}

TEST(workers_share_an_account, t)
{
    struct clients *c;
    struct asker asker[2];
    pthread_t thread[2];
    struct client *stays;

    REQUIRE(t, clients_new(&(struct clients_options){.per_second = 1, .burst = 500}, &c) == FAN_OK);
    stays = enter(c, "1.2.3.4", 0);
    for (int i = 0; i < 2; i++) {
        asker[i] = (struct asker){.c = c};
        REQUIRE(t, pthread_create(&thread[i], NULL, ask_many, &asker[i]) == 0);
    }
    for (int i = 0; i < 2; i++) (void)pthread_join(thread[i], NULL);
    CHECK_EQ(t, asker[0].yes + asker[1].yes, 500);
    clients_leave(c, stays, false, 0);
    CHECK_EQ(t, clients_count(c), 1);
    clients_free(c);
}

/* Twice the limit and more is a flood; twice the largest that can be asked for is none. */
TEST(no_limit_is_too_large_to_be_doubled, t)
{
    struct clients *c;
    struct client *a;

    REQUIRE(t, clients_new(&(struct clients_options){.connections_max = UINT64_MAX / 2 + 1}, &c) == FAN_OK);
    a = enter(c, "1.2.3.4", 0);
    for (int i = 0; i < 40; i++) client_connect(a);
    CHECK(t, !client_crowds(c, a) && !client_floods(c, a));
    for (int i = 0; i < 40; i++) clients_leave(c, enter(c, "1.2.3.4", 0), true, 0);
    clients_leave(c, a, false, 0);
    clients_free(c);
}
