/* test_server: workers for the hub's tests: a loop, a conn_set and a shard each, and the few commands that stand for
 * RPC here. */
#ifndef HUB_TEST_SERVER_H
#define HUB_TEST_SERVER_H

#include <fcntl.h>

#include "hub/test_client.h"
#include "net/loop.h"

enum { TEST_WORKERS_MAX = 8 };

struct test_worker {
    struct loop *loop;
    struct conn_set *conns;
    struct hub_shard *shard;
    pthread_t thread;
};

struct test_server {
    struct test_chain chain;
    struct hub *hub;
    struct conn_totals *totals;
    struct test_worker workers[TEST_WORKERS_MAX];
    size_t worker_count;
    bool running;
};

/* A command with an argument: the text behind its first word, or NULL. */
static inline const char *test_argument(const char *text, const char *command)
{
    size_t len = strlen(command);

    return strncmp(text, command, len) == 0 ? text + len : NULL;
}

/* "from heads N", "from heads HASH", "from logs N", "from logs HASH [INDEX]": the last word but one is 64 digits for a
 * hash. Answers with the id, or with the words of the refusal. */
static inline void test_answer_from(struct test_worker *w, struct conn *c, const char *text, struct buf *out)
{
    enum hub_kind kind = strncmp(text, "heads ", 6) == 0 ? HUB_NEW_HEADS : HUB_LOGS;
    const char *at = strchr(text, ' ') + 1;
    struct hub_resume from = {.by_hash = strlen(at) >= 64};
    struct fan_error err = {0};
    char id[FRAME_ID_LEN];

    if (!from.by_hash) {
        from.from_block = strtoull(at, NULL, 10);
    } else {
        for (size_t i = 0; i < 32; i++) {
            const char digits[3] = {at[2 * i], at[2 * i + 1], 0};

            from.block_hash.bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
        }
        from.has_log_index = at[64] == ' ';
        if (from.has_log_index) from.log_index = strtoull(at + 65, NULL, 10);
    }
    if (hub_subscribe_from(w->shard, c, kind, NULL, &from, id, &err))
        buf_put_str(out, err.text);
    else
        buf_put(out, slice_of(id, sizeof id));
}

/* heads | logs | logs N (address N) | hashes | bodies | syncing | receipts | un ID | brief (syncing, and unsubscribed
 * at once, its first word still held). Answers with the id, "true", "false" or "limit". */
static inline void test_answer(struct test_worker *w, struct conn *c, const char *text, struct buf *out)
{
    struct fan_address address = {{0}};
    struct filter by_address = {.addresses = &address, .address_count = 1};
    const struct filter *filter = NULL;
    const char *argument = test_argument(text, "un ");
    enum hub_kind kind = HUB_LOGS;
    char id[FRAME_ID_LEN];
    enum fan_status s;

    if (strncmp(text, "from ", 5) == 0) {
        test_answer_from(w, c, text + 5, out);
        return;
    }
    if (argument) {
        buf_put_str(out, hub_unsubscribe(w->shard, c, slice_str(argument)) ? "true" : "false");
        return;
    }
    if (strcmp(text, "heads") == 0) kind = HUB_NEW_HEADS;
    if (strcmp(text, "hashes") == 0) kind = HUB_PENDING_HASHES;
    if (strcmp(text, "bodies") == 0) kind = HUB_PENDING_BODIES;
    if (strcmp(text, "syncing") == 0) kind = HUB_SYNCING;
    if (strcmp(text, "receipts") == 0) kind = HUB_RECEIPTS;
    if ((argument = test_argument(text, "logs ")) != NULL) {
        address.bytes[19] = (uint8_t)strtoul(argument, NULL, 10);
        filter = &by_address;
    }
    if (strcmp(text, "brief") == 0) kind = HUB_SYNCING;
    s = hub_subscribe(w->shard, c, kind, filter, id);
    if (!s && strcmp(text, "brief") == 0)
        buf_put_str(out, hub_unsubscribe(w->shard, c, slice_of(id, sizeof id)) ? "true" : "false");
    else if (s)
        buf_put_str(out, s == FAN_ELIMIT ? "limit" : "failed");
    else
        buf_put(out, slice_of(id, sizeof id));
}

static inline void test_message(void *ctx, struct conn *c, struct slice body)
{
    struct buf out;
    char text[128];
    size_t len = body.len < sizeof text ? body.len : sizeof text - 1;

    memcpy(text, body.at, len);
    text[len] = 0;
    buf_init(&out, 0);
    conn_hold(c);
    test_answer(ctx, c, text, &out);
    conn_reply(c, &out);
    conn_release(c);
    buf_fini(&out);
}

static inline void test_closed(void *ctx, struct conn *c)
{
    struct test_worker *w = ctx;

    hub_forget(w->shard, c);
}

static inline void test_room(void *ctx, struct conn *c)
{
    struct test_worker *w = ctx;

    hub_room(w->shard, c);
}

/* A server on a chain that can be read, through these. options and conn_options: NULL for the defaults. */
static inline bool
test_server_init_on(struct test_server *s, size_t workers, const struct hub_options *options,
                    const struct conn_options *conn_options, enum fan_status (*head)(struct chain *, struct block **),
                    enum fan_status (*by_number)(struct chain *, uint64_t, struct block **),
                    enum fan_status (*by_hash)(struct chain *, const struct fan_hash *, bool *, struct block **))
{
    struct mailbox *boxes[TEST_WORKERS_MAX];

    *s = (struct test_server){.worker_count = workers};
    test_chain_init(&s->chain);
    s->chain.ops.head = head;
    s->chain.ops.block_by_number = by_number;
    s->chain.ops.block_by_hash = by_hash;
    s->totals = conn_totals_new(NULL);
    for (size_t i = 0; i < workers; i++) {
        if (loop_new(NULL, &s->workers[i].loop)) return false;
        boxes[i] = loop_mailbox(s->workers[i].loop);
    }
    if (hub_new(&s->chain.chain, options, boxes, workers, &s->hub)) return false;
    for (uint32_t i = 0; i < workers; i++) {
        struct test_worker *w = &s->workers[i];
        const struct conn_handler handler = {.ctx = w, .message = test_message, .closed = test_closed, .room = test_room};

        if (conn_set_new(w->loop, i, conn_options, &handler, s->totals, &w->conns)) return false;
        if (hub_shard_new(s->hub, i, w->conns, &w->shard)) return false;
    }
    return true;
}

static inline bool test_server_init(struct test_server *s, size_t workers, const struct hub_options *options,
                                    const struct conn_options *conn_options)
{
    return test_server_init_on(s, workers, options, conn_options, NULL, NULL, NULL);
}

static inline void *test_worker_main(void *arg)
{
    struct test_worker *w = arg;

    loop_run(w->loop);
    return NULL;
}

static inline void test_server_start(struct test_server *s)
{
    s->running = true;
    for (size_t i = 0; i < s->worker_count; i++)
        if (pthread_create(&s->workers[i].thread, NULL, test_worker_main, &s->workers[i])) abort();
}

/* Ends the loops, so that shards may be read from the caller's thread. */
static inline void test_server_stop(struct test_server *s)
{
    for (size_t i = 0; s->running && i < s->worker_count; i++) {
        loop_stop(s->workers[i].loop);
        (void)pthread_join(s->workers[i].thread, NULL);
    }
    s->running = false;
}

static inline void test_server_fini(struct test_server *s)
{
    test_server_stop(s);
    for (size_t i = 0; i < s->worker_count; i++) {
        conn_set_free(s->workers[i].conns);
        hub_shard_free(s->workers[i].shard);
        loop_free(s->workers[i].loop);
    }
    hub_free(s->hub);
    conn_totals_free(s->totals);
}

/* A new socketpair: one end to the worker, by a letter when its loop runs; the other to the caller. */
struct test_adoption {
    struct letter letter;
    struct conn_set *conns;
    int fd;
};

static inline void test_adopt(struct letter *l)
{
    struct test_adoption *a = CONTAINER_OF(l, struct test_adoption, letter);

    conn_set_adopt(a->conns, a->fd, CONN_ACCEPTS_BOTH);
    free(a);
}

static inline int test_server_connect(struct test_server *s, size_t worker)
{
    struct test_adoption *a = malloc(sizeof *a);
    int fds[2];

    if (!a || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) abort();
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK)) abort();
    *a = (struct test_adoption){{NULL, test_adopt}, s->workers[worker].conns, fds[0]};
    mailbox_post(loop_mailbox(s->workers[worker].loop), &a->letter);
    return fds[1];
}

/* Without threads: lets every worker come to rest. */
static inline void test_server_settle(struct test_server *s)
{
    for (int turn = 0; turn < 4; turn++)
        for (size_t i = 0; i < s->worker_count; i++) loop_turn(s->workers[i].loop, 0);
}

#endif
