/* A stream that resumes is complete and says nothing twice, whatever the chain did and does. */
#include "base/test.h"
#include "hub/shard.h"
#include "hub/test_model.h"

struct bench {
    struct model *model;
    struct test_server server;
    struct client client;
};

/* The chain first, since the hub asks for its head. */
static bool begin(struct bench *b, const struct hub_options *options, const struct conn_options *conn_options)
{
    b->model = model_new();
    if (!test_server_init_on(&b->server, 1, options, conn_options, model_head, model_by_number, model_by_hash))
        return false;
    b->model->door = &b->server.chain;
    return true;
}

static bool come(struct bench *b)
{
    client_init(&b->client, test_server_connect(&b->server, 0));
    test_server_settle(&b->server);
    return client_upgraded(&b->client, 1000);
}

static void end(struct bench *b)
{
    test_server_fini(&b->server);
    model_free(b->model);
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

static void tell_all(struct bench *b)
{
    while (b->model->pending_count) model_tell(b->model);
}

static void grow(struct bench *b, size_t blocks)
{
    for (; blocks; blocks--) {
        model_grow(b->model, 0, 1, 2); /* two logs */
        tell_all(b);
    }
}

static void command(char out[160], const char *kind, const struct fan_hash *hash)
{
    size_t len = (size_t)snprintf(out, 160, "from %s ", kind);

    for (size_t i = 0; i < 32; i++) len += (size_t)snprintf(out + len, 160 - len, "%02x", hash->bytes[i]);
}

TEST(the_history_comes_behind_the_id_and_then_what_is_new, t)
{
    struct bench b;
    char id[FRAME_ID_LEN + 1];

    REQUIRE(t, begin(&b, NULL, NULL) && come(&b));
    grow(&b, 4);
    memcpy(id, ask(&b, "from heads 2"), sizeof id);
    REQUIRE(t, is_id(id));
    for (int n = 2; n <= 4; n++) {
        char number[32];

        (void)snprintf(number, sizeof number, "\"number\":\"0x%d\"", n);
        CHECK(t, strstr(next(&b), number) && strstr(b.client.text, id));
    }
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    grow(&b, 1);
    CHECK(t, strstr(next(&b), "\"number\":\"0x5\"") && strstr(b.client.text, id));
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    CHECK(t, is_id(ask(&b, "from logs 5")));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x0\"") && strstr(b.client.text, "\"removed\":false"));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x1\"") != NULL);
    CHECK(t, is_id(ask(&b, "from heads 6"))); /* nothing yet: the block that comes next */
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    client_fini(&b.client);
    end(&b);
}

TEST(from_zero_begins_with_genesis, t)
{
    struct bench b;

    REQUIRE(t, begin(&b, NULL, NULL) && come(&b));
    CHECK(t, is_id(ask(&b, "from heads 0")));
    CHECK(t, strstr(next(&b), "\"number\":\"0x0\"") != NULL);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    client_fini(&b.client);
    end(&b);
}

TEST(after_a_log_comes_the_next_one, t)
{
    struct bench b;
    char text[160];

    REQUIRE(t, begin(&b, NULL, NULL) && come(&b));
    grow(&b, 2);
    command(text, "logs", &b.model->canonical[1]->hash);
    (void)snprintf(text + strlen(text), 8, " 0");
    CHECK(t, is_id(ask(&b, text)));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x1\"") && strstr(b.client.text, "\"blockNumber\":\"0x1\""));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x0\"") && strstr(b.client.text, "\"blockNumber\":\"0x2\""));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x1\"") != NULL);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    client_fini(&b.client);
    end(&b);
}

TEST(what_was_orphaned_comes_as_removed_as_far_as_it_was_seen, t)
{
    struct bench b;
    struct fan_hash seen;
    char text[160];

    REQUIRE(t, begin(&b, NULL, NULL) && come(&b));
    grow(&b, 3);
    seen = b.model->canonical[3]->hash;
    model_grow(b.model, 2, 1, 1);
    tell_all(&b);
    command(text, "logs", &seen);
    (void)snprintf(text + strlen(text), 8, " 0"); /* of block 3 only its first log */
    CHECK(t, is_id(ask(&b, text)));
    CHECK(t, strstr(next(&b), "\"blockNumber\":\"0x3\"") && strstr(b.client.text, "\"logIndex\":\"0x0\"") &&
                 strstr(b.client.text, "\"removed\":true"));
    CHECK(t, strstr(next(&b), "\"blockNumber\":\"0x2\"") && strstr(b.client.text, "\"logIndex\":\"0x1\"") &&
                 strstr(b.client.text, "\"removed\":true"));
    CHECK(t, strstr(next(&b), "\"logIndex\":\"0x0\"") && strstr(b.client.text, "\"removed\":true"));
    CHECK(t, strstr(next(&b), "\"blockNumber\":\"0x2\"") && strstr(b.client.text, "\"removed\":false"));
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    client_fini(&b.client);
    end(&b);
}

TEST(where_nothing_can_be_resumed_the_words_say_why, t)
{
    const struct hub_options options = {.resume_blocks_max = 10};
    struct fan_hash unknown = test_block_hash(999, 0), seen;
    struct bench b;
    char text[160];

    REQUIRE(t, begin(&b, &options, NULL) && come(&b));
    grow(&b, 20);
    CHECK(t, strstr(ask(&b, "from heads 10"), "begins 11 blocks back, at most 10") != NULL);
    CHECK(t, strstr(ask(&b, "from heads 22"), "beyond the head, 20") != NULL);
    CHECK(t, strstr(ask(&b, "from logs 18446744073709551615"), "beyond the head") != NULL);
    command(text, "heads", &unknown);
    CHECK(t, strstr(ask(&b, text), "unknown block 0xb1") != NULL);
    command(text, "heads", &b.model->canonical[9]->hash);
    CHECK(t, strstr(ask(&b, text), "begins 11 blocks back") != NULL);
    command(text, "logs", &b.model->canonical[19]->hash);
    (void)snprintf(text + strlen(text), 8, " 2");
    CHECK(t, strstr(ask(&b, text), "resume.logIndex: 2, but the block has 2 logs") != NULL);
    seen = b.model->canonical[20]->hash;
    model_grow(b.model, 3, 1, 1);
    tell_all(&b);
    b.model->forgotten = model_serial(&seen);
    command(text, "logs", &seen);
    CHECK(t, strstr(ask(&b, text), "not kept any more") != NULL);
    CHECK_EQ(t, counter_get(&hub_shard_stats(b.server.workers[0].shard)->subscriptions[HUB_LOGS]), 0);
    command(text, "heads", &b.model->canonical[10]->hash); /* the limit itself */
    CHECK(t, is_id(ask(&b, text)));
    client_fini(&b.client);
    end(&b);
}

TEST(a_reader_who_stops_in_the_middle_is_not_slow_and_costs_little, t)
{
    const struct conn_options conn = {.notify_bytes_max = 4096,
                                      .notify_age_max_ms = 20,
                                      .http_idle_timeout_ms = 60,
                                      .ping_interval_ms = 50,
                                      .ping_timeout_ms = 50};
    struct bench b;
    struct reader r;
    struct hub_shard *shard;
    size_t told;

    REQUIRE(t, begin(&b, NULL, &conn) && come(&b));
    shard = b.server.workers[0].shard;
    for (int i = 0; i < 2000; i++) {
        model_grow(b.model, 0, 1, 4);
        tell_all(&b);
    }
    reader_init(&r, false);
    client_send(&b.client, "from logs 0");
    for (int i = 0; i < 40; i++) { /* four times every patience that there is */
        test_server_settle(&b.server);
        (void)usleep(10000);
    }
    told = hub_stats_notifications(hub_shard_stats(shard));
    CHECK(t, told > 0 && told < 1500); /* what the socket holds, and 64 KiB */
    CHECK_EQ(t, counter_get(&conn_set_stats(b.server.workers[0].conns)->slow_closed[CONN_SLOW_MEMORY]), 0);
    model_grow(b.model, 40, 3, 0123); /* while it waits, also under its feet */
    tell_all(&b);
    REQUIRE(t, is_id(next(&b)));
    while (strcmp(next(&b), "(nothing)") != 0) reader_take(&r, b.client.text);
    CHECK(t, !r.fault && !b.client.ended);
    CHECK(t, reader_agrees(&r, b.model));
    CHECK_EQ(t, counter_get(&conn_set_stats(b.server.workers[0].conns)->slow_closed[CONN_SLOW_MEMORY]), 0);
    free(r.items);
    client_fini(&b.client);
    end(&b);
}

TEST(unsubscribing_ends_the_history, t)
{
    struct bench b;
    char id[FRAME_ID_LEN + 1], text[64];
    struct hub_shard *shard;
    size_t told, came = 0;

    REQUIRE(t, begin(&b, NULL, NULL) && come(&b));
    shard = b.server.workers[0].shard;
    for (int i = 0; i < 2000; i++) {
        model_grow(b.model, 0, 1, 4);
        tell_all(&b);
    }
    memcpy(id, ask(&b, "from logs 0"), sizeof id);
    (void)snprintf(text, sizeof text, "un %s", id);
    client_send(&b.client, text);
    for (;;) {
        const char *got = next(&b);

        if (strcmp(got, "true") == 0 || strcmp(got, "(nothing)") == 0) break;
        came++;
    }
    CHECK(t, strcmp(b.client.text, "true") == 0);
    told = hub_stats_notifications(hub_shard_stats(shard));
    CHECK(t, came > 0 && came == told && told < 7000);
    grow(&b, 3);
    CHECK(t, strcmp(next(&b), "(nothing)") == 0);
    CHECK(t, shard->resumes.head == NULL); /* nobody resumes, nothing is kept */
    client_fini(&b.client);
    end(&b);
}

TEST(a_way_back_that_is_lost_ends_the_connection_with_a_reason, t)
{
    struct bench b;

    REQUIRE(t, begin(&b, NULL, NULL) && come(&b));
    for (int i = 0; i < 1500; i++) {
        model_grow(b.model, 0, 1, 4);
        tell_all(&b);
    }
    REQUIRE(t, is_id(ask(&b, "from logs 0")));
    test_server_settle(&b.server); /* somewhere in the middle, the socket is full */
    for (int i = 0; i < 25; i++) model_change(b.model, 59, NULL, 0), tell_all(&b);
    model_grow(b.model, 0, 3, 0);
    tell_all(&b);
    b.model->forgotten = b.model->block_count;
    while (strcmp(next(&b), "(nothing)") != 0) {
    }
    CHECK(t, b.client.ended);
    CHECK_EQ(t, b.client.close_code, 1011);
    client_fini(&b.client);
    end(&b);
}

TEST(several_histories_on_one_connection_take_turns, t)
{
    struct bench b;
    char id[3][FRAME_ID_LEN + 1];
    struct reader r[3];
    size_t left = 3;

    REQUIRE(t, begin(&b, NULL, NULL) && come(&b));
    for (int i = 0; i < 600; i++) {
        model_grow(b.model, 0, 1, 3);
        tell_all(&b);
    }
    for (size_t i = 0; i < left; i++) {
        reader_init(&r[i], i == 2);
        client_send(&b.client, i == 2 ? "from heads 0" : "from logs 0");
    }
    for (size_t ids = 0;;) {
        const char *text = next(&b);

        if (strcmp(text, "(nothing)") == 0) break;
        if (is_id(text)) {
            memcpy(id[ids++], text, sizeof id[0]);
            continue;
        }
        for (size_t i = 0; i < ids; i++)
            if (strstr(text, id[i])) reader_take(&r[i], text);
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK(t, r[i].fault == NULL && reader_agrees(&r[i], b.model));
        free(r[i].items);
    }
    client_fini(&b.client);
    end(&b);
}

/* ---- anything, in any order ---- */

static void read_some(struct bench *b, struct reader *r, size_t most, bool *have_id)
{
    while (most-- && client_next(&b->client, 0)) {
        if (is_id(b->client.text))
            *have_id = true;
        else if (!*have_id)
            r->fault = "a notification before the id";
        else
            reader_take(r, b->client.text);
    }
}

static const char *random_run(uint64_t seed, size_t *reconnects)
{
    uint64_t random = seed;
    bool heads = model_random(&random) & 1, again = !heads && model_random(&random) & 1, have_id = false;
    struct bench b;
    struct reader r;
    struct fan_hash base;
    char text[160];
    const char *fault;

    if (!begin(&b, NULL, NULL)) return "no memory";
    if (seed >> 8 & 1) b.server.chain.ops.logs_next = model_logs_next; /* a chain with an index, or one without */
    for (uint64_t i = model_random(&random) % 30; i; i--) {
        model_turn(b.model, &random, false);
        tell_all(&b);
    }
    reader_init(&r, heads);
    reader_see(&r, b.model, b.model->height); /* as who has asked for everything up to the head */
    base = b.model->canonical[b.model->height - 1]->hash;
    for (int life = 0; life < 12 && !r.fault; life++) {
        if (!come(&b)) r.fault = "no connection";
        if (!heads && !r.count) base = b.model->canonical[0]->hash; /* everything was taken back */
        reader_command(&r, &base, text);
        client_send(&b.client, text);
        have_id = false;
        for (uint64_t i = model_random(&random) % 40; i && !r.fault; i--) {
            uint64_t what = model_random(&random);

            if (what & 3) model_turn(b.model, &random, again);
            for (uint64_t n = what >> 2 & 3; n; n--) model_tell(b.model);
            if (what >> 8 & 1) loop_turn(b.server.workers[0].loop, 0);
            if (what >> 9 & 1) test_server_settle(&b.server);
            read_some(&b, &r, what >> 10 & 15, &have_id);
        }
        if (life < 11) {
            client_fini(&b.client); /* what lies in the socket is lost */
            (*reconnects)++;
        }
    }
    tell_all(&b);
    model_grow(b.model, 0, 1, 1); /* headers do not say when the head went back; the next one does */
    tell_all(&b);
    for (int i = 0; i < 20; i++) {
        test_server_settle(&b.server);
        read_some(&b, &r, SIZE_MAX, &have_id);
    }
    fault = r.fault ? r.fault : !have_id ? "no id" : !reader_agrees(&r, b.model) ? "not what the chain holds" : NULL;
    if (!fault && b.server.workers[0].shard->resumes.head) fault = "it never went live";
    client_fini(&b.client);
    free(r.items);
    end(&b);
    return fault;
}

TEST(killed_at_random_moments_under_random_reorgs_nothing_is_lost_or_told_twice, t)
{
    const char *given = getenv("SEED"), *runs = getenv("RUNS");
    uint64_t first = given ? strtoull(given, NULL, 0) : 0x5eed0001, count = runs ? strtoull(runs, NULL, 0) : 300;
    size_t reconnects = 0;

    for (uint64_t seed = first; seed < first + (given ? 1 : count); seed++) {
        const char *fault = random_run(seed * 0x9e3779b97f4a7c15ull | 1, &reconnects);

        if (!fault) continue;
        test_fail(t, __FILE__, __LINE__, "%s (again with SEED=%#llx)", fault, (unsigned long long)seed);
        return;
    }
    CHECK(t, given || reconnects == 11 * count);
}

/* ---- threads: the chain turns while readers come and go ---- */

enum { THREADS_TURNS = 3000, THREADS_READERS = 4 };

struct thread_run {
    struct bench *bench;
    atomic_bool done;
    atomic_size_t faults, lives;
};

static struct thread_run *run_now;

static void *writer_main(void *arg)
{
    struct thread_run *run = arg;
    uint64_t random = 0x1234567;

    for (int i = 0; i < THREADS_TURNS; i++) {
        model_turn(run->bench->model, &random, true);
        tell_all(run->bench);
        if (i % 4 == 0) (void)usleep(200);
    }
    atomic_store(&run->done, true);
    return NULL;
}

static void *reader_main(void *arg)
{
    struct thread_run *run = run_now;
    size_t index = (size_t)(uintptr_t)arg;
    uint64_t random = 77 + index;
    struct client client;
    struct reader r;
    bool last = false;

    reader_init(&r, false);
    while (!last && !r.fault) {
        struct fan_hash genesis = test_block_hash(0, 0);
        char text[160];
        size_t most = model_random(&random) % 400;

        last = atomic_load(&run->done);
        client_init(&client, test_server_connect(&run->bench->server, index % 2));
        if (!client_upgraded(&client, 10000)) r.fault = "no connection";
        reader_command(&r, &genesis, text);
        client_send(&client, text);
        if (!client_next(&client, 10000) || !is_id(client.text)) r.fault = "no id";
        while ((last || most--) && !r.fault && client_next(&client, last ? 1000 : 20)) reader_take(&r, client.text);
        client_fini(&client);
        atomic_fetch_add(&run->lives, 1);
    }
    if (!reader_agrees(&r, run->bench->model)) {
        (void)printf("reader %zu: %s\n", index, r.fault ? r.fault : "not what the chain holds");
        atomic_fetch_add(&run->faults, 1);
    }
    free(r.items);
    return NULL;
}

TEST(readers_come_and_go_while_the_chain_turns_on_another_thread, t)
{
    struct thread_run run = {0};
    struct bench b;
    pthread_t writer, readers[THREADS_READERS];

    b.model = model_new();
    REQUIRE(t, test_server_init_on(&b.server, 2, NULL, NULL, model_head, model_by_number, model_by_hash));
    b.server.chain.ops.logs_next = model_logs_next;
    b.model->door = &b.server.chain;
    run.bench = &b;
    run_now = &run;
    test_server_start(&b.server);
    REQUIRE(t, pthread_create(&writer, NULL, writer_main, &run) == 0);
    for (size_t i = 0; i < THREADS_READERS; i++)
        REQUIRE(t, pthread_create(&readers[i], NULL, reader_main, (void *)(uintptr_t)i) == 0);
    for (size_t i = 0; i < THREADS_READERS; i++) (void)pthread_join(readers[i], NULL);
    (void)pthread_join(writer, NULL);
    test_server_stop(&b.server);
    CHECK_EQ(t, atomic_load(&run.faults), 0);
    CHECK(t, atomic_load(&run.lives) > THREADS_READERS);
    end(&b);
}
