/* A chain whose disk fails at the Nth write, whose memory runs out at the Nth allocation, whose LMDB refuses the Nth
 * call, for every N, while blocks are made and the chain is turned back: what was refused is not there, what was
 * announced is, and after opening again the store is sound and the chain goes on. */
#include <stdio.h>

#include "local/check.h"
#include "local/keep_write.h"
#include "local/node.h"
#include "local/test_chain.h"
#include "store/test_calls.h"
#include "store/test_disk.h"

/* What fails: one of these at a time. */
enum fault { FAULT_DISK, FAULT_MEMORY, FAULT_LMDB };

/* Memory and LMDB fail where a change is made durable, and nowhere else. */
enum fan_status __real_keep_write(struct store *store, const struct keep_change *c, struct state_point *out_head,
                                  struct fan_error *err); /* NOLINT(bugprone-reserved-identifier): the linker's name */
enum fan_status __wrap_keep_write(struct store *store, const struct keep_change *c, struct state_point *out_head,
                                  struct fan_error *err); /* NOLINT(bugprone-reserved-identifier) */

enum fan_status __wrap_keep_write(struct store *store, const struct keep_change *c, struct state_point *out_head,
                                  struct fan_error *err) /* NOLINT(bugprone-reserved-identifier) */
{
    enum fan_status s;

    calls_arm(true);
    s = __real_keep_write(store, c, out_head, err);
    calls_arm(false);
    return s;
}

/* From now on, counted from 1, the Nth fails; 0: none. */
static void fail_at(enum fault fault, long n, int with)
{
    calls = 0;
    fails_with = with;
    fails_at = fault == FAULT_DISK ? n : 0;
    memory_calls.count = lmdb_calls.count = 0;
    memory_calls.fails_at = fault == FAULT_MEMORY ? n : 0;
    lmdb_calls.fails_at = fault == FAULT_LMDB ? n : 0;
    lmdb_fails_with = with;
}

static long count_of(enum fault fault)
{
    return fault == FAULT_DISK ? calls : fault == FAULT_MEMORY ? memory_calls.count : lmdb_calls.count;
}

enum { BLOCKS = 5 };

struct broken {
    struct test *t;
    char dir[64];
    struct store *store;
    struct test_chain *tc;
    bool behind;
    _Atomic bool over; /* the trouble was for good; told by the keeper's thread too */
    _Atomic unsigned told;
};

static void trouble(void *ctx, const char *text, bool over)
{
    struct broken *b = ctx;

    if (text) b->told++;
    if (over) b->over = true;
}

static bool begin(struct broken *b)
{
    const struct store_options options = {.map_bytes = 4 << 20};
    struct fan_error err = {""};

    if (store_open(b->dir, &options, &b->store, &err)) {
        test_fail(b->t, __FILE__, __LINE__, "%s", err.text);
        return false;
    }
    b->tc = tc_open_with(
        b->t, &(struct local_options){.store = b->store, .behind = b->behind, .sink = {.ctx = b, .trouble = trouble}},
        (enum fork)FORK_NEWEST);
    return true;
}

static void end(struct broken *b)
{
    b->tc->unread = 0; /* where the store has given up, what was announced can no longer be read */
    tc_close(b->t, b->tc);
    store_close(b->store);
}

/* Blocks by transfers and by the clock, then one taken back and made anew. Failures are what this is about. */
static void work(struct broken *b)
{
    struct test_chain *tc = b->tc;

    for (uint64_t i = 0; i < BLOCKS; i++) {
        struct tx tx = tc_transfer(tc, 0, 1, i);
        struct fan_error err;

        if (tc_send(b->t, tc, &tx, 0, &err)) break;
    }
    if (tc->chain->dev->mine(tc->chain, 2, 1, NULL)) return;
    if (tc->chain->dev->rollback(tc->chain, 2, NULL)) return;
    if (tc->chain->dev->mine(tc->chain, 1, 1, NULL)) return;
}

/* The blocks of the chain as it stands, by number. */
static uint64_t hashes(struct test *t, struct test_chain *tc, struct fan_hash out[16])
{
    struct local *l = (struct local *)(void *)tc->chain;
    uint64_t head = head_peek(l)->header.number;

    for (uint64_t n = 0; n <= head && n < 16; n++) CHECK_EQ(t, blocks_hash_at(&l->index, n, &out[n]), FAN_OK);
    return head;
}

/* False once there are fewer calls than that. */
static bool one_fault(struct test *t, enum fault fault, bool behind, long n, int with)
{
    struct broken b = {.t = t, .dir = "/tmp/fanatico-broken-XXXXXX", .behind = behind};
    static const char *const files[] = {"chain/data.mdb", "chain/lock.mdb", "LOCK", "chain", ""};
    struct fan_hash told[16], found[16];
    struct check_count count;
    struct fan_error err = {""};
    uint64_t head, kept;
    bool reached;

    if (!mkdtemp(b.dir) || !begin(&b)) return false;
    fail_at(fault, n, with);
    work(&b);
    if (behind) (void)!keep_sync(((struct local *)(void *)b.tc->chain)->keep, &err);
    head = hashes(t, b.tc, told);
    reached = count_of(fault) >= n;
    fail_at(fault, 0, 0);
    if (reached) CHECK(t, b.told);
    end(&b);
    if (!begin(&b)) return false;
    kept = hashes(t, b.tc, found);
    /* At once: exactly what memory had. Behind: nothing else, and all of it where the disk came back. */
    if (behind && b.over ? kept > head : kept != head)
        test_fail(t, __FILE__, __LINE__, "fault %d, call %ld failing with %d: head %" PRIu64 ", kept %" PRIu64, fault,
                  n, with, head, kept);
    for (uint64_t i = 0; i <= kept && i <= head; i++) CHECK_SLICE(t, slice_of(&found[i], 32), slice_of(&told[i], 32));
    CHECK_EQ(t, b.tc->chain->dev->mine(b.tc->chain, 1, 1, NULL), FAN_OK);
    CHECK_EQ(t, keep_sync(((struct local *)(void *)b.tc->chain)->keep, &err), FAN_OK);
    if (check_store(b.store, NULL, NULL, &count, &err))
        test_fail(t, __FILE__, __LINE__, "fault %d, call %ld failing with %d: %s", fault, n, with, err.text);
    end(&b);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", b.dir, files[i]);
        (void)remove(path);
    }
    return reached;
}

TEST(whichever_write_fails_the_chain_is_what_was_announced, t)
{
    static const int ways[] = {EIO, ENOSPC, 0};

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        long n = 1;

        while (n < 300 && one_fault(t, FAULT_DISK, false, n, ways[i])) n++;
        CHECK(t, n > 20 && n < 300);
    }
}

TEST(behind_whichever_write_fails_nothing_but_the_end_is_lost, t)
{
    long n = 1;

    while (n < 300 && one_fault(t, FAULT_DISK, true, n, ENOSPC)) n++;
    CHECK(t, n > 3 && n < 300);
}

TEST(wherever_memory_runs_out_the_chain_is_what_was_announced, t)
{
    long n = 1;

    while (n < 5000 && one_fault(t, FAULT_MEMORY, false, n, 0)) n++;
    CHECK(t, n > 20 && n < 5000);
}

TEST(whichever_call_lmdb_refuses_the_chain_is_what_was_announced, t)
{
    static const int ways[] = {ENOMEM, MDB_CORRUPTED};

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        long n = 1;

        while (n < 5000 && one_fault(t, FAULT_LMDB, false, n, ways[i])) n++;
        CHECK(t, n > 20 && n < 5000);
    }
}
