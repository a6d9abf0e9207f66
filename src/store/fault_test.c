/* Every write that LMDB makes fails once, in each way a disk has: refused, full, cut short, lost in fsync; every call
 * of LMDB is refused once; memory runs out at every allocation. Whatever fails: a transaction is there whole or not at
 * all, as the commit said, now and after opening again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "store/store.h"
#include "store/test_calls.h"
#include "store/test_disk.h"

static const char *const files[] = {"chain/data.mdb", "chain/lock.mdb", "LOCK", "chain", ""};
static const struct store_options options = {.map_bytes = 4 << 20};

static enum fan_status put_generation(struct store *s, uint8_t generation)
{
    struct store_txn *t;
    enum fan_status status = store_write_begin(s, &t);
    uint8_t value[300];

    if (status) return status;
    memset(value, generation, sizeof value);
    for (unsigned i = 0; i < 60 && !status; i++) {
        uint8_t key[8];

        put_be64(i * 7919 % 1000, key);
        status = store_put(t, i % 2 ? STORE_SLOTS : STORE_NODES, slice_of(key, 8), slice_of(value, sizeof value));
    }
    return status ? store_write_abort(t, NULL) : store_write_commit(t, NULL);
}

/* The one generation that all values are of; 255: they are not, or it cannot be read. */
static uint8_t generation_of(struct store *s)
{
    static const enum store_table tables[] = {STORE_SLOTS, STORE_NODES};
    struct store_txn *t;
    unsigned found = 0;
    uint8_t seen = 0;

    if (store_read_begin(s, &t)) return 255;
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        struct store_cursor *c;
        struct slice key, value;
        enum fan_status status;

        if (store_cursor_open(t, tables[i], &c)) return 255;
        for (status = store_cursor_first(c, &key, &value); !status; status = store_cursor_next(c, &key, &value)) {
            if (found++ && value.at[0] != seen)
                seen = 255;
            else
                seen = value.at[0];
            for (size_t at = 1; at < value.len; at++)
                if (value.at[at] != value.at[0]) seen = 255;
        }
        store_cursor_close(c);
    }
    store_read_end(t);
    return found == 60 ? seen : 255;
}

static void remove_all(const char *dir)
{
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)remove(path);
    }
}

/* One change with the Nth write failing. Returns false once there are fewer writes than that. */
static bool one_fault(struct test *t, long n, int with)
{
    char dir[64] = "/tmp/fanatico-fault-XXXXXX";
    struct store *s = NULL;
    enum fan_status status;
    uint8_t now, later;
    bool reached;

    if (!mkdtemp(dir) || store_open(dir, &options, &s, NULL) || put_generation(s, 1)) {
        test_fail(t, __FILE__, __LINE__, "no store to begin with");
        return false;
    }
    calls = 0;
    fails_at = n;
    fails_with = with;
    status = put_generation(s, 2);
    reached = calls >= n;
    fails_at = 0;
    now = generation_of(s);
    if (status == FAN_ECLOSED && now == 255) now = 1; /* it may refuse readers too */
    if (now != (status ? 1 : 2))
        test_fail(t, __FILE__, __LINE__, "write %ld failing with %d: status %d, generation %u", n, with, status, now);
    if (status && status != FAN_ECLOSED) { /* refused and said so: the next may come through */
        enum fan_status again = put_generation(s, 3);

        now = generation_of(s);
        if (again ? now != 1 : now != 3)
            test_fail(t, __FILE__, __LINE__, "after write %ld failing with %d: status %d, generation %u", n, with,
                      again, now);
    }
    store_close(s);
    s = NULL;
    if (store_open(dir, &options, &s, NULL))
        test_fail(t, __FILE__, __LINE__, "write %ld failing with %d: it no longer opens", n, with);
    later = s ? generation_of(s) : 255;
    if (later != now)
        test_fail(t, __FILE__, __LINE__, "write %ld failing with %d: generation %u, opened again %u", n, with, now,
                  later);
    if (s) CHECK_EQ(t, put_generation(s, 4), FAN_OK);
    store_close(s);
    remove_all(dir);
    return reached;
}

TEST(whichever_write_fails_a_transaction_is_whole_or_not_there, t)
{
    static const int ways[] = {EIO, ENOSPC, EDQUOT, 0};

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        long n = 1;

        while (n < 100 && one_fault(t, n, ways[i])) n++;
        CHECK(t, n > 2 && n < 100); /* pages, fsync, the meta page at least */
    }
}

/* One change with the Nth call of that kind failing: false once there are fewer. */
static bool one_call(struct test *t, struct test_calls *kind, long n, int with)
{
    char dir[64] = "/tmp/fanatico-fault-XXXXXX";
    struct store *s = NULL;
    enum fan_status status;
    uint8_t now;
    bool reached;

    if (!mkdtemp(dir) || store_open(dir, &options, &s, NULL) || put_generation(s, 1)) {
        test_fail(t, __FILE__, __LINE__, "no store to begin with");
        return false;
    }
    lmdb_fails_with = with;
    kind->count = 0;
    kind->fails_at = n;
    calls_arm(true);
    status = put_generation(s, 2);
    calls_arm(false);
    reached = kind->count >= n;
    kind->fails_at = 0;
    now = generation_of(s);
    if (status == FAN_ECLOSED && now == 255) now = 1;
    if (now != (status ? 1 : 2) || (reached && !status))
        test_fail(t, __FILE__, __LINE__, "call %ld failing with %d: status %d, generation %u", n, with, status, now);
    store_close(s);
    if (store_open(dir, &options, &s, NULL)) {
        test_fail(t, __FILE__, __LINE__, "call %ld failing with %d: it no longer opens", n, with);
    } else {
        CHECK_EQ(t, generation_of(s), now);
        CHECK_EQ(t, put_generation(s, 4), FAN_OK);
        store_close(s);
    }
    remove_all(dir);
    return reached;
}

TEST(whichever_call_fails_a_transaction_is_whole_or_not_there, t)
{
    static const int ways[] = {ENOMEM, EIO, MDB_CORRUPTED, MDB_MAP_FULL};
    long n;

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        for (n = 1; n < 200 && one_call(t, &lmdb_calls, n, ways[i]);) n++;
        CHECK(t, n > 60 && n < 200);
    }
    for (n = 1; n < 200 && one_call(t, &memory_calls, n, 0);) n++;
    CHECK(t, n > 1 && n < 200);
}

TEST(a_store_for_which_memory_does_not_suffice_is_not_opened_and_nothing_is_kept, t)
{
    char dir[64] = "/tmp/fanatico-fault-XXXXXX";
    struct store *s = NULL;
    bool reached = true;
    long n = 1;

    REQUIRE(t, mkdtemp(dir) != NULL);
    for (; reached && n < 100; n++) {
        enum fan_status status;

        memory_calls.count = 0;
        memory_calls.fails_at = n;
        calls_arm(true);
        status = store_open(dir, &options, &s, NULL);
        calls_arm(false);
        reached = memory_calls.count >= n;
        memory_calls.fails_at = 0;
        CHECK_EQ(t, status, reached ? FAN_ENOMEM : FAN_OK);
        if (!status) store_close(s); /* what a failure left behind, the sanitizer would tell */
    }
    CHECK(t, n > 2 && n < 100);
    remove_all(dir);
}
