#include "chain/host.h"

#include <stdio.h>

#include "base/test.h"

/* A watcher that writes down what it hears: "+12" a block, "-12" one removed, "l12:3" a log of 12 with index 3, "p" a
 * pending transaction, "s1" syncing. */
struct notes {
    struct chain_watcher watcher;
    struct host *host;
    char text[2000];
    struct chain_event *last;
};

static void put_logs(struct notes *n, const struct block *b, char sign)
{
    size_t len = strlen(n->text);

    for (size_t i = 0; i < b->log_count; i++) {
        size_t at = sign == '-' ? b->log_count - 1 - i : i;

        len += (size_t)snprintf(n->text + len, sizeof n->text - len, " l%c%llu:%llu", sign,
                                (unsigned long long)b->header.number, (unsigned long long)b->logs[at].index);
    }
}

static void on_event(void *ctx, struct chain_event *e)
{
    struct notes *n = ctx;
    char one[64];

    chain_event_unref(n->last);
    n->last = chain_event_ref(e);
    for (size_t i = 0; i < e->removed_count; i++) {
        (void)snprintf(one, sizeof one, " -%llu", (unsigned long long)e->removed[i]->header.number);
        strcat(n->text, one);
        put_logs(n, e->removed[i], '-');
    }
    for (size_t i = 0; i < e->added_count; i++) {
        if (e->kind == CHAIN_EVENT_HEAD) {
            (void)snprintf(one, sizeof one, " +%llu", (unsigned long long)e->added[i]->header.number);
            strcat(n->text, one);
        }
        put_logs(n, e->added[i], '+');
    }
    if (e->kind == CHAIN_EVENT_PENDING) strcat(n->text, " p");
    if (e->kind == CHAIN_EVENT_SYNCING) strcat(n->text, e->sync.syncing ? " s1" : " s0");
}

/* For events that are too long to be written down. */
static void keep_event(void *ctx, struct chain_event *e)
{
    struct notes *n = ctx;

    chain_event_unref(n->last);
    n->last = chain_event_ref(e);
}

static void notes_init(struct notes *n, struct test *t, const struct host_options *options)
{
    *n = (struct notes){.watcher = {.event = on_event}};
    n->watcher.ctx = n;
    CHECK_EQ(t, host_new(options, &n->host), FAN_OK);
    chain_watch(host_chain(n->host), &n->watcher);
}

static void notes_fini(struct notes *n)
{
    chain_event_unref(n->last);
    host_free(n->host);
}

/* A hash whose first byte tells the branch and whose last tells the number. */
static const char *hash_of(char branch, unsigned number, char out[67])
{
    (void)snprintf(out, 67, "0x%02x%060x%02x", (unsigned)branch, 0u, number);
    return out;
}

static enum fan_status block_on(struct notes *n, char branch, unsigned number, char parent_branch,
                                struct fan_error *err)
{
    char json[400], hash[67], parent[67];

    (void)snprintf(json, sizeof json, "{\"number\":%u,\"hash\":\"%s\",\"parentHash\":\"%s\"}", number,
                   hash_of(branch, number, hash), hash_of(parent_branch, number - 1, parent));
    return host_announce_block(n->host, slice_str(json), err);
}

static void block(struct notes *n, struct test *t, char branch, unsigned number, char parent_branch)
{
    struct fan_error err = {""};

    if (block_on(n, branch, number, parent_branch, &err))
        test_fail(t, __FILE__, __LINE__, "block %u: %s", number, err.text);
}

static enum fan_status log_of(struct notes *n, char branch, unsigned number, unsigned index, struct fan_error *err)
{
    char json[400], hash[67];

    (void)snprintf(json, sizeof json,
                   "[{\"address\":\"0x%040x\",\"topics\":[],\"blockHash\":\"%s\",\"blockNumber\":%u,\"logIndex\":%u}]",
                   7u, hash_of(branch, number, hash), number, index);
    return host_announce_logs(n->host, slice_str(json), err);
}

static void heard(struct notes *n, struct test *t, int line, const char *expected)
{
    const char *got = n->text[0] ? n->text + 1 : n->text;

    if (strcmp(got, expected) != 0) test_fail(t, __FILE__, line, "heard \"%s\", expected \"%s\"", got, expected);
    n->text[0] = 0;
}
#define HEARD(expected) heard(&n, t, __LINE__, expected)

TEST(blocks_grow_the_chain_and_repeats_are_passed_over, t)
{
    struct notes n;
    struct host_stats stats;
    struct block *b;

    notes_init(&n, t, NULL);
    block(&n, t, 'a', 10, 'a');
    block(&n, t, 'a', 11, 'a');
    block(&n, t, 'a', 11, 'a');
    block(&n, t, 'a', 10, 'a');
    HEARD("+10 +11");
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.blocks, 2);
    CHECK_EQ(t, stats.repeated, 2);
    CHECK_EQ(t, atomic_load(&host_chain(n.host)->head_number), 11);
    CHECK_EQ(t, host_chain(n.host)->ops->block_by_number(host_chain(n.host), 10, &b), FAN_OK);
    block_unref(b);
    CHECK_EQ(t, host_chain(n.host)->ops->block_by_number(host_chain(n.host), 12, &b), FAN_ENOTFOUND);
    notes_fini(&n);
}

TEST(a_block_beside_the_head_is_a_reorg_and_the_old_branch_may_come_back, t)
{
    struct notes n;

    notes_init(&n, t, NULL);
    for (unsigned i = 1; i <= 4; i++) block(&n, t, 'a', i, 'a');
    CHECK_EQ(t, log_of(&n, 'a', 3, 0, NULL), FAN_OK);
    CHECK_EQ(t, log_of(&n, 'a', 3, 1, NULL), FAN_OK);
    HEARD("+1 +2 +3 +4 l+3:0 l+3:1");
    block(&n, t, 'b', 3, 'a');
    HEARD("-4 -3 l-3:1 l-3:0 +3");
    block(&n, t, 'b', 4, 'b');
    block(&n, t, 'a', 5, 'a'); /* on the branch that was left: it comes back whole */
    HEARD("+4 -4 -3 +3 l+3:0 l+3:1 +4 +5");
    notes_fini(&n);
}

TEST(the_head_moves_back_and_the_next_block_follows_it, t)
{
    struct notes n;
    struct fan_hash hash = {{'a'}};
    struct fan_error err = {""};

    notes_init(&n, t, NULL);
    for (unsigned i = 1; i <= 4; i++) block(&n, t, 'a', i, 'a');
    n.text[0] = 0;
    hash.bytes[31] = 2;
    CHECK_EQ(t, host_move_head(n.host, &hash, &err), FAN_OK);
    HEARD("-4 -3");
    CHECK_EQ(t, host_move_head(n.host, &hash, &err), FAN_OK);
    HEARD("");
    hash.bytes[31] = 4;
    CHECK_EQ(t, host_move_head(n.host, &hash, &err), FAN_ENOTFOUND);
    block(&n, t, 'c', 3, 'a');
    HEARD("+3");
    notes_fini(&n);
}

TEST(a_block_that_hangs_in_the_air_is_refused_but_a_host_may_skip, t)
{
    struct notes n;
    struct fan_error err = {""};
    struct host_stats stats;

    notes_init(&n, t, NULL);
    block(&n, t, 'a', 1, 'a');
    block(&n, t, 'a', 2, 'a');
    CHECK_EQ(t, block_on(&n, 'b', 3, 'b', &err), FAN_EINVAL);
    CHECK(t, strstr(err.text, "block 3: parentHash: 0x62") != NULL && strstr(err.text, "not known") != NULL);
    CHECK_EQ(t, block_on(&n, 'b', 2, 'b', &err), FAN_EINVAL);
    HEARD("+1 +2");
    block(&n, t, 'a', 9, 'a');
    block(&n, t, 'a', 10, 'a');
    HEARD("+9 +10");
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.gaps, 1);
    CHECK_EQ(t,
             host_announce_block(
                 n.host,
                 SLICE("{\"number\":12,\"hash\":\"0x6100000000000000000000000000000000000000000000000000000000000077\","
                       "\"parentHash\":\"0x610000000000000000000000000000000000000000000000000000000000000a\"}"),
                 &err),
             FAN_EINVAL);
    CHECK(t, strstr(err.text, "another number") != NULL);
    notes_fini(&n);
}

TEST(logs_wait_for_their_block_or_follow_it_each_once, t)
{
    struct notes n;
    struct fan_error err = {""};
    struct host_stats stats;

    notes_init(&n, t, NULL);
    CHECK_EQ(t, log_of(&n, 'a', 5, 1, &err), FAN_OK);
    CHECK_EQ(t, log_of(&n, 'a', 5, 0, &err), FAN_OK);
    CHECK_EQ(t, log_of(&n, 'a', 5, 1, &err), FAN_OK); /* a second process tells it too */
    CHECK_EQ(t,
             host_announce_logs(
                 n.host, SLICE("{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":\"0x6\"}"),
                 &err),
             FAN_OK);
    HEARD("");
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.waiting_logs, 4);
    block(&n, t, 'a', 5, 'a');
    HEARD("+5 l+5:0 l+5:1");
    CHECK_EQ(t, log_of(&n, 'a', 5, 0, &err), FAN_OK);
    HEARD("");
    CHECK_EQ(t, log_of(&n, 'a', 5, 2, &err), FAN_OK);
    HEARD("l+5:2");
    CHECK_EQ(t, n.last->kind, CHAIN_EVENT_LOGS);
    CHECK_EQ(t, n.last->whole->log_count, 3);
    CHECK(t, n.last->head == n.last->whole);
    block(&n, t, 'a', 6, 'a');
    HEARD("+6 l+6:18446744073709551615");
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.waiting_logs, 0);
    CHECK_EQ(t, stats.logs, 4);
    notes_fini(&n);
}

/* logIndex orders them; those that have none come last, as they were told. */
TEST(logs_without_an_index_keep_their_order, t)
{
    static const char *const told[] = {
        "[{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":10},"
        "{\"address\":\"0x0000000000000000000000000000000000000002\",\"blockNumber\":10,\"logIndex\":5}]",
        "{\"address\":\"0x0000000000000000000000000000000000000003\",\"blockNumber\":10}",
        "[{\"address\":\"0x0000000000000000000000000000000000000004\",\"blockNumber\":10,\"logIndex\":1},"
        "{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":10}]"};
    static const uint8_t order[] = {4, 2, 1, 3, 1};
    struct fan_error err = {""};
    struct notes n;
    struct block *b;

    notes_init(&n, t, NULL);
    for (size_t i = 0; i < COUNT_OF(told); i++)
        CHECK_EQ(t, host_announce_logs(n.host, slice_str(told[i]), &err), FAN_OK);
    block(&n, t, 'a', 10, 'a');
    b = n.last->added[0];
    REQUIRE(t, b->log_count == COUNT_OF(order));
    for (size_t i = 0; i < COUNT_OF(order); i++) CHECK_EQ(t, b->logs[i].address.bytes[19], order[i]);
    notes_fini(&n);
}

/* Told twice before their block and once after it. Comparing each pair took seconds under the lock that readers want.
 */
TEST(many_logs_meet_their_block_each_once, t)
{
    enum { MANY = 40000 };
    struct notes n = {.watcher = {.event = keep_event}};
    struct fan_error err = {""};
    struct host_stats stats;
    struct buf text;

    n.watcher.ctx = &n;
    REQUIRE(t, host_new(&(struct host_options){.waiting_bytes_max = (size_t)1 << 30}, &n.host) == FAN_OK);
    chain_watch(host_chain(n.host), &n.watcher);
    buf_init(&text, 0);
    for (int i = MANY; i-- > 0;)
        buf_printf(&text, "%c{\"address\":\"0x%040x\",\"blockNumber\":10,\"logIndex\":%d}", i == MANY - 1 ? '[' : ',',
                   7u, i);
    buf_put_byte(&text, ']');
    for (int i = 0; i < 2; i++) CHECK_EQ(t, host_announce_logs(n.host, buf_peek(&text), &err), FAN_OK);
    block(&n, t, 'a', 10, 'a');
    REQUIRE(t, n.last && n.last->added[0]->log_count == MANY);
    for (size_t i = 0; i < MANY; i++) CHECK_EQ(t, n.last->added[0]->logs[i].index, i);
    CHECK_EQ(t, host_announce_logs(n.host, buf_peek(&text), &err), FAN_OK);
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.logs, MANY);
    CHECK_EQ(t, stats.repeated, MANY);
    CHECK_EQ(t, stats.waiting_logs, 0);
    buf_fini(&text);
    notes_fini(&n);
}

TEST(logs_whose_block_never_comes_are_given_up_and_bounded, t)
{
    const struct host_options few = {.waiting_logs_max = 2};
    struct notes n;
    struct fan_error err = {""};
    struct host_stats stats;

    notes_init(&n, t, &few);
    CHECK_EQ(t, log_of(&n, 'x', 3, 0, &err), FAN_OK);
    CHECK_EQ(t, log_of(&n, 'x', 3, 1, &err), FAN_OK);
    CHECK_EQ(t, log_of(&n, 'x', 3, 2, &err), FAN_ELIMIT);
    CHECK(t, strstr(err.text, "2 logs wait") != NULL);
    for (unsigned i = 1; i <= 132; i++) block(&n, t, 'a', i, 'a');
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.waiting_logs, 0);
    CHECK_EQ(t, stats.abandoned_logs, 2);
    CHECK_EQ(t, log_of(&n, 'x', 140, 0, &err), FAN_OK);
    notes_fini(&n);
}

TEST(logs_that_name_their_block_by_hash_alone_are_given_up_too, t)
{
    const struct host_options few = {.waiting_logs_max = 1};
    struct notes n;
    struct fan_error err = {""};
    struct host_stats stats;
    char json[300], hash[67];

    notes_init(&n, t, &few);
    (void)snprintf(json, sizeof json, "{\"address\":\"0x%040x\",\"blockHash\":\"%s\"}", 7u, hash_of('x', 3, hash));
    block(&n, t, 'a', 1, 'a');
    CHECK_EQ(t, host_announce_logs(n.host, slice_str(json), &err), FAN_OK);
    for (unsigned i = 2; i <= 129; i++) block(&n, t, 'a', i, 'a');
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.waiting_logs, 1); /* 128 blocks have come since */
    CHECK_EQ(t, host_announce_logs(n.host, slice_str(json), &err), FAN_ELIMIT);
    block(&n, t, 'a', 130, 'a');
    host_stats(n.host, &stats);
    CHECK_EQ(t, stats.waiting_logs, 0);
    CHECK_EQ(t, stats.abandoned_logs, 1);
    CHECK_EQ(t, host_announce_logs(n.host, slice_str(json), &err), FAN_OK);
    notes_fini(&n);
}

TEST(history_is_bounded_and_reorgs_reach_as_far_back, t)
{
    const struct host_options few = {.history = 4};
    struct notes n;
    struct fan_error err = {""};

    notes_init(&n, t, &few);
    for (unsigned i = 1; i <= 9; i++) block(&n, t, 'a', i, 'a');
    n.text[0] = 0;
    CHECK_EQ(t, block_on(&n, 'b', 6, 'a', &err), FAN_EINVAL); /* 5 has gone */
    block(&n, t, 'b', 7, 'a');
    HEARD("-9 -8 -7 +7");
    CHECK_EQ(
        t,
        host_announce_logs(
            n.host, SLICE("[{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":2}]"), &err),
        FAN_EINVAL);
    CHECK(t, strstr(err.text, "logs[0]: blockNumber: block 2 is not kept any more") != NULL);
    CHECK_EQ(t, log_of(&n, 'a', 8, 0, &err), FAN_EINVAL);
    CHECK(t, strstr(err.text, "was removed") != NULL);
    notes_fini(&n);
}

TEST(what_a_host_gives_is_what_subscribers_get, t)
{
    struct notes n;
    struct fan_error err = {""};

    notes_init(&n, t, NULL);
    CHECK_EQ(t,
             host_announce_block(
                 n.host,
                 SLICE("{\"extra\":1,\"hash\":\"AB00000000000000000000000000000000000000000000000000000000000000\","
                       "\"timestamp\":100000000,"
                       "\"parentHash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\","
                       "\"number\":\"0x0010\","
                       "\"difficulty\":123456789012345678901234567890,\"baseFeePerGas\":null,\"gasUsed\":21000}"),
                 &err),
             FAN_OK);
    CHECK_STR(t, n.last->added[0]->header_json,
              "\"parentHash\":\"0x0000000000000000000000000000000000000000000000000000000000000000\",\"difficulty\":"
              "\"0x18ee90ff6c373e0ee4e3f0ad2\","
              "\"number\":\"0x10\",\"gasUsed\":\"0x5208\",\"timestamp\":\"0x5f5e100\",\"baseFeePerGas\":null,"
              "\"hash\":\"0xab00000000000000000000000000000000000000000000000000000000000000\"");
    CHECK_EQ(t, n.last->added[0]->header.timestamp, 100000000);
    CHECK_EQ(
        t,
        host_announce_logs(
            n.host,
            SLICE(
                "[{\"data\":\"0x\",\"topics\":[\"0x1100000000000000000000000000000000000000000000000000000000000000\"],"
                "\"address\":\"0xABCDEF0000000000000000000000000000000001\",\"blockNumber\":16,\"removed\":false}]"),
            &err),
        FAN_OK);
    CHECK_STR(t, n.last->added[0]->logs[0].json,
              "\"address\":\"0xabcdef0000000000000000000000000000000001\",\"topics\":["
              "\"0x1100000000000000000000000000000000000000000000000000000000000000\"],"
              "\"data\":\"0x\",\"blockNumber\":\"0x10\"");
    CHECK_EQ(t,
             host_announce_pending(
                 n.host, SLICE("\"0x2200000000000000000000000000000000000000000000000000000000000000\""), &err),
             FAN_OK);
    CHECK_STR(t, n.last->pending->json,
              "\"hash\":\"0x2200000000000000000000000000000000000000000000000000000000000000\"");
    CHECK_EQ(
        t,
        host_announce_pending(
            n.host,
            SLICE(
                "{\"nonce\":\"0x1\",\"hash\":\"0x2300000000000000000000000000000000000000000000000000000000000000\"}"),
            &err),
        FAN_OK);
    CHECK_STR(t, n.last->pending->json,
              "\"hash\":\"0x2300000000000000000000000000000000000000000000000000000000000000\",\"nonce\":\"0x1\"");
    CHECK_EQ(
        t,
        host_announce_syncing(n.host, SLICE("{\"startingBlock\":\"0x1\",\"currentBlock\":5,\"highestBlock\":9}"), &err),
        FAN_OK);
    CHECK(t, n.last->sync.syncing && n.last->sync.current_block == 5);
    CHECK_EQ(t, host_announce_syncing(n.host, SLICE("false"), &err), FAN_OK);
    CHECK(t, !n.last->sync.syncing);
    notes_fini(&n);
}

#define HASH "\"0x0100000000000000000000000000000000000000000000000000000000000000\""

TEST(what_does_not_fit_is_named_and_changes_nothing, t)
{
    static const struct {
        enum fan_status (*announce)(struct host *h, struct slice json, struct fan_error *err);
        const char *json, *words;
    } row[] = {
        {host_announce_block, "{\"number\":1", "block: "},
        {host_announce_block, "[]", "block: an object was expected, not an array"},
        {host_announce_block, "{\"number\":1,\"parentHash\":" HASH "}", "block: hash: is missing"},
        {host_announce_block, "{\"number\":1,\"hash\":" HASH "}", "block: parentHash: is missing"},
        {host_announce_block, "{\"hash\":" HASH ",\"parentHash\":" HASH "}", "block: number: is missing"},
        {host_announce_block, "{\"hash\":null,\"number\":1,\"parentHash\":" HASH "}", "block: hash: is missing"},
        {host_announce_block, "{\"number\":1,\"hash\":\"0x12\",\"parentHash\":" HASH "}",
         "block: hash: 32 bytes in hexadecimal"},
        {host_announce_block, "{\"number\":-1,\"hash\":" HASH ",\"parentHash\":" HASH "}",
         "block: number: a whole number"},
        {host_announce_block, "{\"number\":1.5,\"hash\":" HASH ",\"parentHash\":" HASH "}",
         "block: number: a whole number"},
        {host_announce_block, "{\"number\":\"12\",\"hash\":" HASH ",\"parentHash\":" HASH "}",
         "block: number: a whole number"},
        {host_announce_block, "{\"number\":\"0x10000000000000000\",\"hash\":" HASH ",\"parentHash\":" HASH "}",
         "block: number: a number of at most 64 bits"},
        {host_announce_block, "{\"number\":1,\"miner\":\"0x12\",\"hash\":" HASH ",\"parentHash\":" HASH "}",
         "block: miner: 20 bytes"},
        {host_announce_block, "{\"number\":1,\"extraData\":5,\"hash\":" HASH ",\"parentHash\":" HASH "}",
         "block: extraData: bytes"},
        {host_announce_logs, "5", "logs: an array was expected, not a number"},
        {host_announce_logs, "[5]", "logs[0]: an object was expected, not a number"},
        {host_announce_logs, "[{\"blockNumber\":1}]", "logs[0]: address: is missing"},
        {host_announce_logs, "[{\"address\":\"0x0000000000000000000000000000000000000001\"}]",
         "logs[0]: blockNumber: is missing, and so is blockHash"},
        {host_announce_logs,
         "[{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":1,\"topics\":" HASH "}]",
         "logs[0]: topics: an array"},
        {host_announce_logs,
         "[{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":1,\"topics\":[" HASH "," HASH
         "," HASH "," HASH "," HASH "]}]",
         "at most four"},
        {host_announce_logs,
         "[{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":1,\"topics\":[\"0x1\"]}]",
         "logs[0]: topics: 32 bytes"},
        {host_announce_logs,
         "[{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":1,\"removed\":true}]",
         "logs[0]: removed: "},
        {host_announce_pending, "5", "pending transaction: its hash or its object was expected"},
        {host_announce_pending, "\"0x12\"", "pending transaction: hash: 32 bytes"},
        {host_announce_pending, "{}", "pending transaction: hash: is missing"},
        {host_announce_syncing, "true", "syncing: false or an object was expected"},
        {host_announce_syncing, "{\"syncing\":true}", "syncing: currentBlock: is missing"},
    };
    struct notes n;

    notes_init(&n, t, NULL);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fan_error err = {""};

        CHECK_EQ(t, row[i].announce(n.host, slice_str(row[i].json), &err), FAN_EFORMAT);
        if (!strstr(err.text, row[i].words)) test_fail(t, __FILE__, __LINE__, "%s: \"%s\"", row[i].json, err.text);
    }
    HEARD("");
    CHECK_EQ(t, log_of(&n, 'a', 1, 0, NULL), FAN_OK); /* of several logs, one wrong: none is taken */
    CHECK_EQ(
        t,
        host_announce_logs(
            n.host,
            SLICE("[{\"address\":\"0x0000000000000000000000000000000000000001\",\"blockNumber\":1,\"logIndex\":9},{}]"),
            NULL),
        FAN_EFORMAT);
    block(&n, t, 'a', 1, 'a');
    HEARD("+1 l+1:0");
    notes_fini(&n);
}
