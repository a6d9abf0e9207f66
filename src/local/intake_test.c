/* Blocks that come through the intake's thread, and an import that others watch and wait beside. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "local/node.h"
#include "local/test_chain.h"

enum { BLOCKS = 150 };

/* The RLP of a chain's blocks 1 … head. */
static void export_all(struct test *t, struct test_chain *tc, struct buf *out)
{
    struct block *head = tc_head(tc);

    buf_init(out, 0);
    for (uint64_t n = 1; n <= head->header.number; n++) {
        struct block *b;

        REQUIRE(t, tc->chain->ops->block_by_number(tc->chain, n, &b) == FAN_OK);
        block_put(b, out);
        block_unref(b);
    }
    block_unref(head);
}

static void make_blocks(struct test *t, struct test_chain *tc, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tx tx = tc_transfer(tc, 0, 1, i);

        tc_must_send(t, tc, &tx, 0);
    }
}

static void temporary(char path[64], struct slice bytes)
{
    int fd;

    (void)strcpy(path, "/tmp/intake_test.XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len || close(fd)) abort();
}

TEST(a_file_comes_through_the_thread_block_by_block, t)
{
    struct test_chain *from = tc_open(t), *to = tc_open(t);
    struct local_import_result result;
    struct fan_error err = {{0}};
    struct buf rlp;
    char path[64];

    make_blocks(t, from, BLOCKS);
    export_all(t, from, &rlp);
    temporary(path, buf_peek(&rlp));
    if (local_import(to->local, path, &result, &err)) test_fail(t, __FILE__, __LINE__, "%s", err.text);
    CHECK_EQ(t, result.blocks, BLOCKS);
    CHECK_EQ(t, result.head_number, BLOCKS);
    CHECK_EQ(t, result.gas, BLOCKS * 21000);
    CHECK_EQ(t, local_import(to->local, path, &result, &err), FAN_OK); /* all are passed by */
    CHECK_EQ(t, result.blocks, 0);
    (void)unlink(path);
    buf_fini(&rlp);
    tc_close(t, from);
    tc_close(t, to);
}

static bool after_ten(void *ctx)
{
    return ++*(size_t *)ctx == 10;
}

TEST(an_import_that_is_stopped_keeps_what_it_has_and_goes_on, t)
{
    struct test_chain *from = tc_open(t), *to = tc_open(t);
    size_t asked = 0;
    struct local_import_watch watch = {.ctx = &asked, .stop = after_ten};
    struct local_import_result result;
    struct fan_error err = {{0}};
    struct buf rlp;
    char path[64];

    make_blocks(t, from, 30);
    export_all(t, from, &rlp);
    temporary(path, buf_peek(&rlp));
    CHECK_EQ(t, local_import_watched(to->local, path, &watch, &result, &err), FAN_ECLOSED);
    CHECK_STR(t, slice_str(err.text), "interrupted after block 10");
    CHECK_EQ(t, result.head_number, 10);
    CHECK_EQ(t, local_import(to->local, path, &result, &err), FAN_OK);
    CHECK_EQ(t, result.blocks, 20);
    CHECK_EQ(t, result.head_number, 30);
    (void)unlink(path);
    buf_fini(&rlp);
    tc_close(t, from);
    tc_close(t, to);
}

struct ending {
    _Atomic bool done;
    enum fan_status status;
    struct local_import_result result;
};

static void ended(void *ctx, enum fan_status s, const struct local_import_result *result, const struct fan_error *err)
{
    struct ending *e = ctx;

    (void)err;
    e->status = s;
    e->result = *result;
    atomic_store(&e->done, true);
}

/* Other threads read and ask for logs while the writer imports. */
static void *read_along(void *ctx)
{
    struct test_chain *tc = ctx;
    struct filter any = {0};
    uint64_t last = 0;

    while (last < BLOCKS) {
        uint64_t head = atomic_load(&tc->chain->head_number), fits;
        struct block *b, *at = NULL;

        if (head < last) return tc;
        last = head;
        if (tc->chain->ops->block_by_number(tc->chain, head, &b)) return tc;
        if (tc->chain->ops->logs_next(tc->chain, &any, NULL, head, &at)) return tc;
        block_unref(at);
        block_unref(b);
        if (tc->chain->ops->logs(tc->chain, &any, 0, head, 10, NULL, NULL, &fits)) return tc;
    }
    return NULL;
}

TEST(clients_read_while_the_writer_imports, t)
{
    struct test_chain *from = tc_open(t), *to = tc_open(t);
    struct ending e = {.done = false};
    const struct local_import_watch watch = {.ctx = &e};
    pthread_t readers[2];
    struct buf rlp;
    char path[64];
    size_t syncing = 0;

    make_blocks(t, from, BLOCKS);
    export_all(t, from, &rlp);
    temporary(path, buf_peek(&rlp));
    REQUIRE(t, local_start(to->local) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(readers); i++) REQUIRE(t, pthread_create(&readers[i], NULL, read_along, to) == 0);
    REQUIRE(t, local_import_start(to->local, path, &watch, ended) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        void *fault;

        (void)pthread_join(readers[i], &fault);
        CHECK(t, !fault);
    }
    while (!atomic_load(&e.done)) (void)usleep(1000);
    local_stop(to->local);
    CHECK_EQ(t, e.status, FAN_OK);
    CHECK_EQ(t, e.result.blocks, BLOCKS);
    for (size_t i = 0; i < to->event_count; i++) syncing += to->events[i]->kind == CHAIN_EVENT_SYNCING;
    CHECK_EQ(t, syncing, 2); /* it does, and then no more */
    (void)unlink(path);
    buf_fini(&rlp);
    tc_close(t, from);
    tc_close(t, to);
}

/* AddressSanitizer takes the stack of a thread that was cancelled for overrun; without it test/cli/behaviour.test.cjs and this
 * test run. */
#ifndef FANATICO_SANITIZED
TEST(a_chain_that_stops_does_not_wait_for_a_pipe_that_nobody_writes_to, t)
{
    struct test_chain *tc = tc_open(t);
    struct ending e = {.done = false};
    const struct local_import_watch watch = {.ctx = &e};
    char path[64];
    uint64_t began;

    (void)snprintf(path, sizeof path, "/tmp/intake_test.pipe.%ld", (long)getpid());
    REQUIRE(t, mkfifo(path, 0600) == 0);
    REQUIRE(t, local_start(tc->local) == FAN_OK);
    REQUIRE(t, local_import_start(tc->local, path, &watch, ended) == FAN_OK);
    (void)usleep(50000);
    began = clock_monotonic_ms();
    local_stop(tc->local);
    CHECK(t, clock_monotonic_ms() - began < 5000);
    CHECK(t, atomic_load(&e.done));
    CHECK_EQ(t, e.status, FAN_ECLOSED);
    (void)unlink(path);
    tc_close(t, tc);
}
#endif
