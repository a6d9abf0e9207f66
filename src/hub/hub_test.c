/* What each client is told, and in which order: real loops and connections, turned by hand on one thread. */
#include "base/test.h"
#include "hub/parts.h"
#include "hub/test_server.h"

struct bench {
    struct test_server server;
    struct client client;
};

static bool begin(struct bench *b, const struct hub_options *options)
{
    if (!test_server_init(&b->server, 1, options, NULL)) return false;
    client_init(&b->client, test_server_connect(&b->server, 0));
    test_server_settle(&b->server);
    return client_upgraded(&b->client, 1000);
}

static void end(struct bench *b)
{
    client_fini(&b->client);
    test_server_fini(&b->server);
}

static const char *next(struct bench *b)
{
    test_server_settle(&b->server);
    return client_next(&b->client, 0) ? b->client.text : "(nothing)";
}

static const char *ask(struct bench *b, const char *command)
{
    client_send(&b->client, command);
    return next(b);
}

static bool is_id(const char *text)
{
    return strlen(text) == FRAME_ID_LEN && text[0] == '0' && text[1] == 'x' && text[2] != '0';
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) count++;
    return count;
}

TEST(each_kind_says_what_it_should_and_in_order, t)
{
    static const char *const kinds[] = {"heads", "logs 1", "receipts", "syncing"};
    char id[COUNT_OF(kinds)][FRAME_ID_LEN + 1];
    struct bench b;
    const char *text;

    REQUIRE(t, begin(&b, NULL));
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        text = ask(&b, kinds[i]);
        REQUIRE(t, is_id(text));
        memcpy(id[i], text, sizeof id[i]);
    }
    text = next(&b); /* the state at once, behind the id */
    CHECK(t, strstr(text, id[3]) && strstr(text, "\"result\":false"));
    test_publish_block(&b.server.chain, 1, 3);
    text = next(&b);
    CHECK(t, strncmp(text, "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"",
                     70) == 0);
    CHECK(t, strstr(text, id[0]) && strstr(text, "\"number\":\"0x1\"") && strstr(text, "\"parentHash\":"));
    text = next(&b);
    CHECK(t, strstr(text, id[1]) && strstr(text, "\"logIndex\":\"0x1\"") && strstr(text, "\"removed\":false"));
    text = next(&b);
    CHECK(t, strstr(text, id[2]) && strstr(text, "\"result\":[{") && strstr(text, "\"logsBloom\":"));
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    test_publish_block(&b.server.chain, 2, 0); /* no transactions: a header and nothing else */
    CHECK(t, strstr(next(&b), id[0]) != NULL);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    end(&b);
}

TEST(a_reorg_is_told_as_promised, t)
{
    struct bench b;
    struct block *removed[2], *added[2];
    char heads[FRAME_ID_LEN + 1], logs[FRAME_ID_LEN + 1];

    REQUIRE(t, begin(&b, NULL));
    memcpy(heads, ask(&b, "heads"), sizeof heads);
    memcpy(logs, ask(&b, "logs"), sizeof logs);
    removed[0] = test_block(6, 0, 1);
    removed[1] = test_block(5, 0, 2);
    added[0] = test_block(5, 1, 1);
    added[1] = test_block(6, 1, 0);
    test_publish(&b.server.chain, removed, 2, added, 2);
    CHECK(t, strstr(next(&b), "\"blockNumber\":\"0x6\"") && strstr(b.client.text, "\"removed\":true"));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x1\"") && strstr(b.client.text, "\"removed\":true"));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x0\"") && strstr(b.client.text, "\"removed\":true"));
    CHECK(t, strstr(next(&b), heads) && strstr(b.client.text, "\"number\":\"0x5\""));
    CHECK(t, strstr(next(&b), logs) && strstr(b.client.text, "\"removed\":false"));
    CHECK(t, strstr(next(&b), heads) && strstr(b.client.text, "\"number\":\"0x6\""));
    removed[0] = test_block(6, 1, 2); /* the head moves back: removed logs, no header */
    test_publish(&b.server.chain, removed, 1, NULL, 0);
    CHECK(t, strstr(next(&b), "\"removed\":true") != NULL);
    CHECK(t, strstr(next(&b), "\"removed\":true") != NULL);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    end(&b);
}

TEST(syncing_tells_the_state_and_then_its_changes, t)
{
    const struct chain_sync on = {.syncing = true, .starting_block = 1, .current_block = 5, .highest_block = 9},
                            off = {0};
    struct bench b;

    REQUIRE(t, begin(&b, NULL));
    chain_publish(&b.server.chain.chain, chain_event_syncing_new(&on)); /* before anybody asks */
    test_server_settle(&b.server);
    REQUIRE(t, is_id(ask(&b, "syncing")));
    CHECK(t, strstr(next(&b), "\"result\":{\"syncing\":true,\"status\":{\"startingBlock\":\"0x1\",\"currentBlock\":"
                              "\"0x5\",\"highestBlock\":\"0x9\"}}"));
    chain_publish(&b.server.chain.chain, chain_event_syncing_new(&on)); /* no change */
    chain_publish(&b.server.chain.chain, chain_event_syncing_new(&off));
    CHECK(t, strstr(next(&b), "\"result\":false") != NULL);
    chain_publish(&b.server.chain.chain, chain_event_syncing_new(&off));
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    end(&b);
}

TEST(pending_transactions_come_as_hash_or_body, t)
{
    const struct tx tx = {.hash = {{0xab}}, .has_sender = true, .encoded = SLICE("\x01"), .nonce = 7};
    struct pending_tx *p = pending_tx_new(&tx);
    struct bench b;

    REQUIRE(t, p && begin(&b, NULL));
    REQUIRE(t, is_id(ask(&b, "hashes")));
    REQUIRE(t, is_id(ask(&b, "bodies")));
    chain_publish(&b.server.chain.chain, chain_event_pending_new(p));
    CHECK(t, strstr(next(&b), "\"result\":\"0xab00000000000000000000000000000000000000000000000000000000000000\"}}") !=
                 NULL);
    CHECK(t, strstr(next(&b), "\"result\":{") && strstr(b.client.text, "\"nonce\":\"0x7\""));
    pending_tx_unref(p);
    end(&b);
}

TEST(an_event_published_before_a_subscription_is_not_for_it, t)
{
    struct bench b;
    char first[FRAME_ID_LEN + 1];

    REQUIRE(t, begin(&b, NULL));
    memcpy(first, ask(&b, "heads"), sizeof first);
    client_send(&b.client, "heads"); /* waits in the socket, behind the event in the mailbox or in front of it */
    test_publish_block(&b.server.chain, 1, 0);
    (void)next(&b);
    if (is_id(b.client.text)) (void)next(&b);
    CHECK(t, strstr(b.client.text, first) != NULL);
    (void)next(&b);
    CHECK(t, is_id(b.client.text) || strcmp(b.client.text, "(nothing)") == 0 || strstr(b.client.text, first));
    while (strcmp(next(&b), "(nothing)") != 0) CHECK(t, is_id(b.client.text));
    test_publish_block(&b.server.chain, 2, 0); /* both, once each */
    CHECK(t, strstr(next(&b), "\"number\":\"0x2\"") != NULL);
    CHECK(t, strstr(next(&b), "\"number\":\"0x2\"") != NULL);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    end(&b);
}

TEST(after_unsubscribing_nothing_more_comes, t)
{
    struct bench b;
    char id[FRAME_ID_LEN + 1], command[64];

    REQUIRE(t, begin(&b, NULL));
    memcpy(id, ask(&b, "heads"), sizeof id);
    (void)snprintf(command, sizeof command, "un %s", id);
    CHECK(t, strcmp(ask(&b, command), "true") == 0);
    CHECK(t, strcmp(ask(&b, command), "false") == 0);
    CHECK(t, strcmp(ask(&b, "un 0x1"), "false") == 0);
    CHECK(t, strcmp(ask(&b, "brief"), "true") == 0); /* what was held for it goes with it */
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    test_publish_block(&b.server.chain, 1, 2);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    end(&b);
}

TEST(the_limit_is_per_connection_and_the_connection_stays, t)
{
    const struct hub_options options = {.subscriptions_max = 3};
    struct bench b;

    REQUIRE(t, begin(&b, &options));
    for (size_t i = 0; i < 3; i++) CHECK(t, is_id(ask(&b, i % 2 ? "logs" : "heads")));
    CHECK(t, strcmp(ask(&b, "heads"), "limit") == 0);
    CHECK(t, strcmp(ask(&b, "un 0x00000000000000000000000000000000"), "false") == 0);
    test_publish_block(&b.server.chain, 1, 1);
    for (size_t i = 0; i < 3; i++) CHECK_EQ(t, count_of(next(&b), "eth_subscription"), 1);
    end(&b);
}

TEST(what_a_closed_connection_had_is_forgotten, t)
{
    struct bench b;

    REQUIRE(t, begin(&b, NULL));
    for (size_t i = 0; i < 10; i++) CHECK(t, is_id(ask(&b, i % 2 ? "logs" : "heads")));
    CHECK_EQ(t, counter_get(&hub_shard_stats(b.server.workers[0].shard)->subscriptions[HUB_LOGS]), 5);
    (void)shutdown(b.client.fd, SHUT_RDWR);
    test_server_settle(&b.server);
    CHECK_EQ(t, counter_get(&hub_shard_stats(b.server.workers[0].shard)->subscriptions[HUB_LOGS]), 0);
    CHECK_EQ(t, counter_get(&hub_shard_stats(b.server.workers[0].shard)->subscriptions[HUB_NEW_HEADS]), 0);
    test_publish_block(&b.server.chain, 1, 1);
    test_server_settle(&b.server);
    CHECK_EQ(t, hub_stats_notifications(hub_shard_stats(b.server.workers[0].shard)), 0);
    end(&b);
}

/* A frame is encoded once, however many subscribers and workers there are, and what nobody wants is not encoded. */
TEST(frames_are_encoded_once_and_only_where_wanted, t)
{
    enum { CLIENTS = 6, WORKERS = 3 };
    struct test_server s;
    static struct client clients[CLIENTS];
    uint64_t encoded = 0, notified = 0;

    REQUIRE(t, test_server_init(&s, WORKERS, NULL, NULL));
    for (size_t i = 0; i < CLIENTS; i++) {
        client_init(&clients[i], test_server_connect(&s, i % WORKERS));
        test_server_settle(&s);
        REQUIRE(t, client_upgraded(&clients[i], 1000));
        client_send(&clients[i], "heads");
        client_send(&clients[i], "logs 1");
        test_server_settle(&s);
    }
    for (uint64_t n = 1; n <= 10; n++) test_publish_block(&s.chain, n, 4); /* of four logs, one is wanted */
    test_server_settle(&s);
    for (size_t i = 0; i < WORKERS; i++) {
        encoded += counter_get(&hub_shard_stats(s.workers[i].shard)->frames_encoded);
        notified += hub_stats_notifications(hub_shard_stats(s.workers[i].shard));
    }
    CHECK_EQ(t, encoded, 20);
    CHECK_EQ(t, notified, 20 * CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) client_fini(&clients[i]);
    test_server_fini(&s);
}

/* Promises 3 and 5: who does not read is closed, with what it had been sent whole and in order; who reads gets
 * everything. */
TEST(a_stalled_reader_costs_the_others_nothing, t)
{
    enum { CLIENTS = 6, BLOCKS = 1000 }; /* the even ones read */
    const struct conn_options small = {.notify_bytes_max = 64 * 1024};
    static struct client clients[CLIENTS];
    struct test_server s;
    char number[48];

    REQUIRE(t, test_server_init(&s, 1, NULL, &small));
    for (size_t i = 0; i < CLIENTS; i++) {
        client_init(&clients[i], test_server_connect(&s, 0));
        test_server_settle(&s);
        REQUIRE(t, client_upgraded(&clients[i], 1000));
        client_send(&clients[i], "heads");
        test_server_settle(&s);
        REQUIRE(t, client_next(&clients[i], 0) && is_id(clients[i].text));
    }
    for (uint64_t n = 1; n <= BLOCKS; n++) {
        test_publish_block(&s.chain, n, 0);
        test_server_settle(&s);
        (void)snprintf(number, sizeof number, "\"number\":\"0x%llx\"", (unsigned long long)n);
        for (size_t i = 0; i < CLIENTS; i += 2)
            if (!client_next(&clients[i], 0) || !strstr(clients[i].text, number))
                test_fail(t, __FILE__, __LINE__, "client %zu at %llu: %.60s", i, (unsigned long long)n,
                          clients[i].text);
    }
    CHECK_EQ(t, counter_get(&conn_set_stats(s.workers[0].conns)->slow_closed[CONN_SLOW_MEMORY]), CLIENTS / 2);
    CHECK_EQ(t, counter_get(&hub_shard_stats(s.workers[0].shard)->subscriptions[HUB_NEW_HEADS]), CLIENTS / 2);
    for (size_t i = 1; i < CLIENTS; i += 2) {
        uint64_t n = 1;

        for (;; n++) {
            (void)snprintf(number, sizeof number, "\"number\":\"0x%llx\"", (unsigned long long)n);
            test_server_settle(&s);
            if (!client_next(&clients[i], 0)) break;
            CHECK(t, strstr(clients[i].text, number) != NULL);
        }
        CHECK(t, n > 1 && n <= BLOCKS);
        CHECK_EQ(t, clients[i].close_code, WS_CLOSE_TRY_LATER);
    }
    for (size_t i = 0; i < CLIENTS; i++) client_fini(&clients[i]);
    test_server_fini(&s);
}

/* A worker that never comes by: its lane fills, and its clients are told so instead of missing something in silence. */
TEST(a_worker_that_is_overrun_ends_its_subscribers, t)
{
    const struct tx tx = {.hash = {{0xcd}}, .has_sender = true, .encoded = SLICE("\x01")};
    struct pending_tx *p = pending_tx_new(&tx);
    struct bench b;
    size_t got = 0;

    REQUIRE(t, p && begin(&b, NULL));
    REQUIRE(t, is_id(ask(&b, "hashes")));
    for (size_t n = 0; n < 10000; n++) chain_publish(&b.server.chain.chain, chain_event_pending_new(p));
    while (strcmp(next(&b), "(nothing)") != 0) got += strstr(b.client.text, "0xcd") != NULL;
    CHECK_EQ(t, got, LANE_SLOTS);
    CHECK_EQ(t, b.client.close_code, WS_CLOSE_INTERNAL);
    client_fini(&b.client); /* whoever comes again is served again */
    client_init(&b.client, test_server_connect(&b.server, 0));
    test_server_settle(&b.server);
    REQUIRE(t, client_upgraded(&b.client, 1000));
    REQUIRE(t, is_id(ask(&b, "hashes")));
    chain_publish(&b.server.chain.chain, chain_event_pending_new(p));
    CHECK(t, strstr(next(&b), "0xcd") != NULL);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    pending_tx_unref(p);
    end(&b);
}

static struct chain_sync sync_now;

static void tell_sync_now(struct chain *c, struct chain_sync *out)
{
    (void)c;
    *out = sync_now;
}

/* What an overrun worker lost may have been a change of syncing: who subscribes afterwards is told the state as it is.
 * Found by the simulation. */
TEST(an_overrun_worker_learns_the_state_of_syncing_anew, t)
{
    const struct tx tx = {.hash = {{0xcd}}, .has_sender = true, .encoded = SLICE("\x01")};
    struct pending_tx *p = pending_tx_new(&tx);
    struct bench b;

    sync_now = (struct chain_sync){0};
    REQUIRE(t, p && begin(&b, NULL));
    b.server.chain.ops.sync = tell_sync_now;
    REQUIRE(t, is_id(ask(&b, "hashes")));
    for (size_t n = 0; n <= LANE_SLOTS; n++) chain_publish(&b.server.chain.chain, chain_event_pending_new(p));
    sync_now = (struct chain_sync){.syncing = true, .current_block = 7};
    chain_publish(&b.server.chain.chain, chain_event_syncing_new(&sync_now)); /* lost */
    while (strcmp(next(&b), "(nothing)") != 0) continue;
    CHECK_EQ(t, b.client.close_code, WS_CLOSE_INTERNAL);
    client_fini(&b.client);
    client_init(&b.client, test_server_connect(&b.server, 0));
    test_server_settle(&b.server);
    REQUIRE(t, client_upgraded(&b.client, 1000));
    REQUIRE(t, is_id(ask(&b, "syncing")));
    CHECK(t, strstr(next(&b), "\"currentBlock\":\"0x7\"") != NULL);
    pending_tx_unref(p);
    end(&b);
}
