/* Promises 1, 3 and 4 with threads: three workers, a publisher that reorganises, and clients that subscribe and
 * unsubscribe all the while.
 *
 * The publisher writes down what each stream must hold: headers, all logs, and the logs of each of four addresses, in
 * order. A client's subscription must be a piece of its stream without a hole, a duplicate or a disorder: it begins no
 * earlier than what had been published before it was asked for, no later than what was begun after its id had arrived,
 * and goes to the end. `make` runs this under TSan too. */
#include "base/test.h"
#include "hub/test_server.h"

enum {
    WORKERS = 3,
    CLIENTS = 9,
    EVENTS = 1500,
    ADDRESSES = 4,
    STREAMS = 2 + ADDRESSES, /* heads, all logs, logs of address 0 … 3 */
    ITEMS_MAX = EVENTS * 32,
    SLOTS = 6,
    DEPTH = 8
};

struct stream {
    uint64_t *items;         /* heads: the serial; logs: the topic × 2 + removed */
    size_t begun, published; /* written down before, and counted after publishing */
};

static struct stream streams[STREAMS];
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool publisher_done;
static atomic_size_t faults, checked;

static void fault(const char *what, size_t client, uint64_t got, uint64_t expected)
{
    if (atomic_fetch_add(&faults, 1) < 20)
        (void)printf("client %zu: %s (got %llu, expected %llu)\n", client, what, (unsigned long long)got,
                     (unsigned long long)expected);
}

/* ---- the publisher ---- */

static void write_down(size_t stream, uint64_t item)
{
    struct stream *s = &streams[stream];

    if (s->begun == ITEMS_MAX) abort();
    s->items[s->begun++] = item;
}

static void write_down_logs(const struct block *b, bool removed)
{
    for (size_t i = 0; i < b->log_count; i++) {
        const struct log *l = &b->logs[removed ? b->log_count - 1 - i : i];
        uint64_t item = get_be64(l->topics[0].bytes + 24) * 2 + removed;

        write_down(1, item);
        write_down(2 + l->address.bytes[19], item);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

struct publisher {
    struct test_chain *chain;
    uint64_t random, serial;
    struct block *branch[DEPTH]; /* the newest canonical blocks, oldest first; ours */
    size_t depth;
    uint64_t number;
};

static struct block *next_block(struct publisher *p)
{
    struct block *b = test_block(++p->number, 0, next_random(&p->random) % (ADDRESSES + 1));

    test_block_number(b, ++p->serial);
    if (p->depth == DEPTH) {
        block_unref(p->branch[0]);
        memmove(p->branch, p->branch + 1, (DEPTH - 1) * sizeof p->branch[0]);
        p->depth--;
    }
    p->branch[p->depth++] = block_ref(b);
    return b;
}

/* Usually one block; at times a reorg of up to three, which may end shorter or longer than it began. */
static void publish_change(struct publisher *p)
{
    struct block *removed[3], *added[4];
    size_t removed_count = 0, added_count = 1;

    if (next_random(&p->random) % 5 == 0) {
        while (removed_count < 1 + next_random(&p->random) % 3 && p->depth > 1) {
            removed[removed_count++] = p->branch[--p->depth];
            p->number--;
        }
        added_count = next_random(&p->random) % 5;
        if (!removed_count && !added_count) added_count = 1;
    }
    for (size_t i = 0; i < added_count; i++) added[i] = next_block(p);
    (void)pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < removed_count; i++) write_down_logs(removed[i], true);
    for (size_t i = 0; i < added_count; i++) {
        write_down(0, added[i]->header.timestamp);
        write_down_logs(added[i], false);
    }
    (void)pthread_mutex_unlock(&streams_lock);
    test_publish(p->chain, removed, removed_count, added, added_count);
    (void)pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS; i++) streams[i].published = streams[i].begun;
    (void)pthread_mutex_unlock(&streams_lock);
}

static void *publisher_main(void *arg)
{
    struct publisher p = {.chain = arg, .random = 0x5eed};

    for (size_t i = 0; i < EVENTS; i++) {
        publish_change(&p);
        if (i % 16 == 0) (void)usleep(1000);
    }
    while (p.depth) block_unref(p.branch[--p.depth]);
    atomic_store(&publisher_done, true);
    return NULL;
}

/* ---- a client ---- */

struct slot {
    char id[FRAME_ID_LEN + 1]; /* empty: free */
    size_t stream;
    size_t from, to; /* where it may begin: from ≤ first ≤ to */
    size_t at;       /* the item it must be told next, once begun */
    bool begun;
};

struct watcher {
    struct client *client;
    size_t index;
    uint64_t random;
    struct slot slots[SLOTS];
    pthread_t thread;
};

/* The number in hex that follows `key`, its last 16 digits. */
static uint64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    uint64_t value = 0;

    if (!at) return UINT64_MAX;
    for (at += strlen(key); (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f'); at++)
        value = value << 4 | (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    return value;
}

static void check_item(struct watcher *w, struct slot *s, uint64_t item)
{
    const struct stream *stream = &streams[s->stream];

    (void)pthread_mutex_lock(&streams_lock);
    if (!s->begun) {
        for (s->at = s->from; s->at < stream->begun && stream->items[s->at] != item;) s->at++;
        if (s->at > s->to) fault("begins too late or with something old", w->index, s->at, s->to);
        s->begun = true;
    }
    if (s->at >= stream->begun || stream->items[s->at] != item)
        fault("a hole, a duplicate or a disorder", w->index, item, s->at < stream->begun ? stream->items[s->at] : 0);
    s->at++;
    (void)pthread_mutex_unlock(&streams_lock);
    atomic_fetch_add(&checked, 1);
}

static void check_notification(struct watcher *w, const char *text)
{
    const char *id = strstr(text, "\"subscription\":\"");
    uint64_t item;

    for (size_t i = 0; id && i < SLOTS; i++) {
        struct slot *s = &w->slots[i];

        if (!s->id[0] || strncmp(id + strlen("\"subscription\":\""), s->id, FRAME_ID_LEN) != 0) continue;
        if (s->stream == 0)
            item = number_after(text, "\"timestamp\":\"0x");
        else
            item = number_after(text, "\"topics\":[\"0x") * 2 + (strstr(text, "\"removed\":true") != NULL);
        check_item(w, s, item);
        return;
    }
    fault("a notification for an id it does not have", w->index, 0, 0);
}

/* Sends a command and reads until its answer; notifications on the way are checked. */
static const char *ask(struct watcher *w, const char *command)
{
    client_send(w->client, command);
    while (client_next(w->client, 20000)) {
        if (w->client->text[0] != '{') return w->client->text;
        check_notification(w, w->client->text);
    }
    fault("no answer", w->index, w->client->ended, w->client->close_code);
    return "";
}

static void subscribe(struct watcher *w, struct slot *s)
{
    static const char *const commands[STREAMS] = {"heads", "logs", "logs 0", "logs 1", "logs 2", "logs 3"};
    size_t stream = next_random(&w->random) % STREAMS;
    const char *id;

    (void)pthread_mutex_lock(&streams_lock);
    s->from = streams[stream].published;
    (void)pthread_mutex_unlock(&streams_lock);
    s->stream = stream;
    s->begun = false;
    id = ask(w, commands[stream]);
    if (strlen(id) != FRAME_ID_LEN) {
        fault("no id", w->index, 0, 0);
        return;
    }
    memcpy(s->id, id, sizeof s->id);
    (void)pthread_mutex_lock(&streams_lock);
    s->to = streams[stream].begun;
    (void)pthread_mutex_unlock(&streams_lock);
}

static void unsubscribe(struct watcher *w, struct slot *s)
{
    char command[64];

    (void)snprintf(command, sizeof command, "un %s", s->id);
    if (strcmp(ask(w, command), "true") != 0) fault("unsubscribe", w->index, 0, 0);
    s->id[0] = 0; /* from here on nothing may come for it */
}

static bool complete(const struct watcher *w)
{
    bool all = true;

    (void)pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *s = &w->slots[i];

        if (s->id[0] && (s->begun ? s->at : s->to) < streams[s->stream].begun) all = false;
    }
    (void)pthread_mutex_unlock(&streams_lock);
    return all;
}

static void *watcher_main(void *arg)
{
    struct watcher *w = arg;

    if (!client_upgraded(w->client, 20000)) fault("no upgrade", w->index, 0, 0);
    while (!atomic_load(&publisher_done) && !w->client->ended) {
        struct slot *s = &w->slots[next_random(&w->random) % SLOTS];
        size_t read = next_random(&w->random) % 200;

        if (s->id[0])
            unsubscribe(w, s);
        else
            subscribe(w, s);
        while (read-- && client_next(w->client, 5)) check_notification(w, w->client->text);
    }
    while (!complete(w) && client_next(w->client, 20000)) check_notification(w, w->client->text);
    if (!complete(w)) fault("the end is missing", w->index, w->client->ended, w->client->close_code);
    if (client_next(w->client, 50)) fault("something after the end", w->index, 0, 0);
    return NULL;
}

TEST(every_subscriber_gets_every_event_once_and_in_order, t)
{
    static struct client clients[CLIENTS];
    static struct watcher watchers[CLIENTS];
    struct test_server s;
    pthread_t publisher;
    uint64_t encoded = 0;

    for (size_t i = 0; i < STREAMS; i++) {
        streams[i].items = calloc(ITEMS_MAX, sizeof *streams[i].items);
        REQUIRE(t, streams[i].items);
    }
    REQUIRE(t, test_server_init(&s, WORKERS, NULL, NULL));
    test_server_start(&s);
    for (size_t i = 0; i < CLIENTS; i++) {
        client_init(&clients[i], test_server_connect(&s, i % WORKERS));
        watchers[i] = (struct watcher){.client = &clients[i], .index = i, .random = i + 1};
        REQUIRE(t, !pthread_create(&watchers[i].thread, NULL, watcher_main, &watchers[i]));
    }
    (void)usleep(20000);
    REQUIRE(t, !pthread_create(&publisher, NULL, publisher_main, &s.chain));
    (void)pthread_join(publisher, NULL);
    for (size_t i = 0; i < CLIENTS; i++) (void)pthread_join(watchers[i].thread, NULL);
    test_server_stop(&s);
    for (size_t i = 0; i < WORKERS; i++) encoded += counter_get(&hub_shard_stats(s.workers[i].shard)->frames_encoded);
    (void)printf("%zu notifications checked, %llu frames\n", atomic_load(&checked), (unsigned long long)encoded);
    CHECK_EQ(t, atomic_load(&faults), 0);
    CHECK(t, atomic_load(&checked) > EVENTS);
    CHECK(t, encoded <= streams[0].begun + streams[1].begun);
    for (size_t i = 0; i < CLIENTS; i++) client_fini(&clients[i]);
    test_server_fini(&s);
    for (size_t i = 0; i < STREAMS; i++) free(streams[i].items);
}
