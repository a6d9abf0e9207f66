#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/test.h"
#include "hub/id.h"
#include "hub/test_chain.h"

struct bench {
    struct test_chain chain;
    struct hub *hub;
    struct buf out;
};

static bool begin(struct bench *b, const struct hub_options *options)
{
    test_chain_init(&b->chain);
    buf_init(&b->out, 0);
    return hub_new(&b->chain.chain, options, NULL, 0, &b->hub) == FAN_OK;
}

static void end(struct bench *b)
{
    hub_free(b->hub);
    buf_fini(&b->out);
}

/* What the filter has to say, NUL-terminated; "(gone)" when there is no such filter. */
static const char *changes(struct bench *b, const char id[FRAME_ID_LEN])
{
    struct json_writer w = json_writer_of(&b->out);
    enum fan_status s;

    buf_reset(&b->out);
    s = hub_poll_changes(b->hub, slice_of(id, FRAME_ID_LEN), &w);
    if (s) buf_put_str(&b->out, s == FAN_ENOTFOUND ? "(gone)" : "(failed)");
    buf_put_byte(&b->out, 0);
    return (const char *)b->out.at;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what)) count++;
    return count;
}

static const char *const block1 = "0xb100000000000000000000000000000000000000000000000000000000000001";
static const char *const block2 = "0xb100000000000000000000000000000000000000000000000000000000000002";

TEST(a_filter_reports_what_came_since_it_was_asked, t)
{
    struct bench b;
    char blocks[FRAME_ID_LEN], logs[FRAME_ID_LEN];
    struct fan_address second = {.bytes = {[19] = 1}};
    struct filter f = {.addresses = &second, .address_count = 1};
    const char *text;

    REQUIRE(t, begin(&b, NULL));
    test_publish_block(&b.chain, 0, 2); /* before both: never seen */
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), blocks));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_LOGS, &f, slice_of(NULL, 0), logs));
    CHECK(t, strcmp(changes(&b, blocks), "[]") == 0);
    test_publish_block(&b.chain, 1, 3);
    text = changes(&b, blocks);
    CHECK(t, strstr(text, block1) && count_of(text, "0x") == 1);
    CHECK(t, strcmp(changes(&b, blocks), "[]") == 0);
    test_publish_block(&b.chain, 2, 2);
    text = changes(&b, blocks);
    CHECK(t, strstr(text, block2) && count_of(text, "0x") == 1);
    text = changes(&b, logs); /* one matching log in each block, oldest first */
    CHECK_EQ(t, count_of(text, "\"removed\":false"), 2);
    CHECK_EQ(t, count_of(text, "\"logIndex\":\"0x1\""), 2);
    CHECK(t, strstr(text, "\"blockNumber\":\"0x1\"") < strstr(text, "\"blockNumber\":\"0x2\""));
    CHECK(t, strcmp(changes(&b, logs), "[]") == 0);
    CHECK(t, hub_poll_drop(b.hub, slice_of(logs, sizeof logs)));
    CHECK(t, !hub_poll_drop(b.hub, slice_of(logs, sizeof logs)));
    CHECK(t, strcmp(changes(&b, logs), "(gone)") == 0);
    CHECK(t, strcmp(changes(&b, "0x123456789012345678901234567890ZZ"), "(gone)") == 0);
    end(&b);
}

TEST(a_reorg_gives_removed_logs_before_the_new_ones, t)
{
    struct bench b;
    char blocks[FRAME_ID_LEN], logs[FRAME_ID_LEN];
    struct block *old[2], *fresh[1];
    const char *text;

    REQUIRE(t, begin(&b, NULL));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), blocks));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_LOGS, NULL, slice_of(NULL, 0), logs));
    old[0] = test_block(2, 0, 2);
    old[1] = test_block(1, 0, 1);
    fresh[0] = test_block(1, 1, 1);
    test_publish(&b.chain, old, 2, fresh, 1);
    text = changes(&b, blocks);
    CHECK_EQ(t, count_of(text, "0x"), 1);
    text = changes(&b, logs);
    CHECK_EQ(t, count_of(text, "\"removed\":true"), 3);
    CHECK_EQ(t, count_of(text, "\"removed\":false"), 1);
    /* block 2 log 1, block 2 log 0, block 1 log 0, then the new one */
    CHECK(t, strstr(text, "\"logIndex\":\"0x1\"") < strstr(text, "\"logIndex\":\"0x0\""));
    CHECK(t, strstr(text, "\"removed\":false") > strstr(text, "\"blockNumber\":\"0x1\""));
    old[0] = test_block(1, 1, 1); /* the head moves back without a new block */
    test_publish(&b.chain, old, 1, NULL, 0);
    CHECK(t, strcmp(changes(&b, blocks), "[]") == 0);
    CHECK_EQ(t, count_of(changes(&b, logs), "\"removed\":true"), 1);
    end(&b);
}

TEST(an_unused_filter_goes_and_the_number_of_filters_is_bounded, t)
{
    struct bench b;
    const struct hub_options options = {.filter_timeout_ms = 20, .filters_max = 2};
    char one[FRAME_ID_LEN], two[FRAME_ID_LEN], three[FRAME_ID_LEN];
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};

    REQUIRE(t, begin(&b, &options));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), one));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_PENDING_HASHES, NULL, slice_of(NULL, 0), two));
    CHECK_EQ(t, hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), three), FAN_ELIMIT);
    test_publish_block(&b.chain, 1, 1);
    (void)nanosleep(&pause, NULL);
    REQUIRE(t,
            !hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), three)); /* room again: both had expired */
    CHECK(t, strcmp(changes(&b, one), "(gone)") == 0);
    CHECK(t, strcmp(changes(&b, two), "(gone)") == 0);
    CHECK(t, strcmp(changes(&b, three), "[]") == 0);
    end(&b);
}

TEST(a_log_filter_gives_its_criteria_back, t)
{
    struct bench b;
    struct fan_address address = {{7}};
    struct filter f = {.addresses = &address, .address_count = 1}, got;
    struct arena_home home;
    struct arena a;
    struct slice range;
    char logs[FRAME_ID_LEN], blocks[FRAME_ID_LEN];

    arena_home_init(&home, 0);
    a = arena_of(&home);
    REQUIRE(t, begin(&b, NULL));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_LOGS, &f, SLICE("{\"fromBlock\":\"0x1\"}"), logs));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), blocks));
    REQUIRE(t, !hub_poll_filter(b.hub, slice_of(logs, sizeof logs), &a, &got, &range));
    CHECK_EQ(t, got.address_count, 1);
    CHECK(t, memcmp(got.addresses, &address, sizeof address) == 0);
    CHECK_STR(t, range, "{\"fromBlock\":\"0x1\"}");
    CHECK_EQ(t, hub_poll_filter(b.hub, slice_of(blocks, sizeof blocks), &a, &got, &range), FAN_EINVAL);
    end(&b);
    arena_home_fini(&home);
}

/* Filters at many places of one journal, read in a random order: each sees every block once. */
TEST(many_filters_share_a_journal, t)
{
    enum { FILTERS = 40, BLOCKS = 300 };
    struct bench b;
    char id[FILTERS][FRAME_ID_LEN];
    size_t seen[FILTERS] = {0}, since[FILTERS];
    uint64_t state = 0x9e3779b97f4a7c15u;

    REQUIRE(t, begin(&b, NULL));
    for (size_t n = 0; n < BLOCKS; n++) {
        if (n < FILTERS) {
            since[n] = n;
            REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), id[n]));
        }
        test_publish_block(&b.chain, n, 0);
        for (size_t i = 0; i < FILTERS && i <= n; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            if (state >> 60 == 0) seen[i] += count_of(changes(&b, id[i]), "0x");
        }
    }
    for (size_t i = 0; i < FILTERS; i++) {
        seen[i] += count_of(changes(&b, id[i]), "0x");
        CHECK_EQ(t, seen[i], BLOCKS - since[i]);
    }
    end(&b);
}

/* ---- threads: the writer appends, others poll, make and drop ---- */

enum { POLLERS = 4, THREAD_BLOCKS = 3000 };

struct poller {
    struct bench bench; /* its own buffer; the hub is shared */
    pthread_t thread;
    size_t wrong, seen;
    atomic_bool *done;
};

/* The numbers of all blocks in a reply, which must go up by one each. */
static void follow(struct poller *p, const char *text, uint64_t *next)
{
    for (const char *at = text; (at = strstr(at, "0xb1")) != NULL; at += 66) {
        uint64_t number = strtoull((const char[17]){at[50], at[51], at[52], at[53], at[54], at[55], at[56], at[57],
                                                    at[58], at[59], at[60], at[61], at[62], at[63], at[64], at[65], 0},
                                   NULL, 16);

        if (*next && number != *next) p->wrong++;
        *next = number + 1;
        p->seen++;
    }
}

static void *poller_main(void *arg)
{
    struct poller *p = arg;
    bool last = false;

    while (!last) {
        char id[FRAME_ID_LEN];
        uint64_t next = 0;

        last = atomic_load(p->done);
        if (hub_poll_new(p->bench.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), id)) p->wrong++;
        for (size_t i = 0; i < 50; i++) follow(p, changes(&p->bench, id), &next);
        if (!hub_poll_drop(p->bench.hub, slice_of(id, sizeof id))) p->wrong++;
    }
    return NULL;
}

TEST(filters_of_many_threads_miss_nothing, t)
{
    static struct poller pollers[POLLERS];
    char whole[FRAME_ID_LEN];
    struct bench b;
    atomic_bool done = false;

    REQUIRE(t, begin(&b, NULL));
    REQUIRE(t, !hub_poll_new(b.hub, HUB_POLL_BLOCKS, NULL, slice_of(NULL, 0), whole));
    for (size_t i = 0; i < POLLERS; i++) {
        pollers[i] = (struct poller){.bench.hub = b.hub, .done = &done};
        REQUIRE(t, !pthread_create(&pollers[i].thread, NULL, poller_main, &pollers[i]));
    }
    for (uint64_t n = 1; n <= THREAD_BLOCKS; n++) test_publish_block(&b.chain, n, 0);
    atomic_store(&done, true);
    for (size_t i = 0; i < POLLERS; i++) {
        (void)pthread_join(pollers[i].thread, NULL);
        CHECK_EQ(t, pollers[i].wrong, 0);
        buf_fini(&pollers[i].bench.out);
    }
    CHECK_EQ(t, count_of(changes(&b, whole), "0xb1"), THREAD_BLOCKS);
    end(&b);
}

TEST(ids_have_one_width_and_never_begin_with_zero, t)
{
    const struct hub_id known = {
        {0x10, 0x9a, 0xaf, 0xf0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x00, 0xff, 0x0a, 0xa0}};
    struct id_source ids = {.left = 0};
    uint8_t digits[FRAME_ID_LEN];

    id_write(&known, digits);
    CHECK_STR(t, slice_of(digits, sizeof digits), "0x109aaff00123456789abcdef00ff0aa0");
    for (size_t i = 0; i < 10000; i++) {
        struct hub_id id = id_next(&ids), back;
        uint8_t text[FRAME_ID_LEN];

        id_write(&id, text);
        if (text[0] != '0' || text[1] != 'x' || text[2] == '0') test_fail(t, __FILE__, __LINE__, "%.34s", text);
        CHECK(t, id_read(slice_of(text, sizeof text), &back) && id_eq(&id, &back));
    }
}
