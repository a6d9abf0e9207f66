#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

struct folder {
    char dir[64];
    struct store *s;
};

static bool make(struct test *t, struct folder *f)
{
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/fanatico-store-XXXXXX");
    f->s = NULL;
    if (mkdtemp(f->dir)) return true;
    test_fail(t, __FILE__, __LINE__, "mkdtemp: %s", strerror(errno));
    return false;
}

static enum fan_status reopen(struct folder *f, const struct store_options *o, struct fan_error *err)
{
    store_close(f->s);
    f->s = NULL;
    return store_open(f->dir, o, &f->s, err);
}

static void away(struct folder *f)
{
    static const char *const files[] = {"chain/data.mdb", "chain/lock.mdb", "LOCK", "chain", ""};

    store_close(f->s);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", f->dir, files[i]);
        (void)remove(path);
    }
}

static const struct store_options small = {.map_bytes = 1 << 20, .fast = true};

/* Puts count values of len bytes under "PREFIX%06u", in one transaction. */
static enum fan_status put_many(struct store *s, char prefix, unsigned count, size_t len, struct fan_error *err)
{
    uint8_t *value = calloc(1, len);
    enum fan_status status;

    do {
        struct store_txn *t;

        status = store_write_begin(s, &t);
        if (status) break;
        for (unsigned i = 0; i < count && !status; i++) {
            char key[16];

            (void)snprintf(key, sizeof key, "%c%06u", prefix, i);
            memset(value, (int)i, len);
            status = store_put(t, STORE_CODES, slice_str(key), slice_of(value, len));
        }
        status = status ? store_write_abort(t, err) : store_write_commit(t, err);
    } while (status == FAN_EAGAIN);
    free(value);
    return status;
}

/* How many of these are there, each as it was put; wrong ones fail the test. */
static unsigned count_many(struct test *t, struct store *s, char prefix, unsigned count, size_t len)
{
    struct store_txn *r;
    unsigned found = 0;

    if (store_read_begin(s, &r)) {
        test_fail(t, __FILE__, __LINE__, "it cannot be read");
        return 0;
    }
    for (unsigned i = 0; i < count; i++) {
        struct slice value;
        char key[16];
        bool right;

        (void)snprintf(key, sizeof key, "%c%06u", prefix, i);
        if (store_get(r, STORE_CODES, slice_str(key), &value)) continue;
        right = value.len == len;
        for (size_t at = 0; at < value.len && right; at++) right = value.at[at] == (uint8_t)i;
        CHECK(t, right);
        found++;
    }
    store_read_end(r);
    return found;
}

TEST(what_is_committed_is_there_after_reopening_and_what_is_aborted_is_not, t)
{
    struct folder f;
    struct store_txn *w, *r;
    struct slice value;
    uint64_t number;

    REQUIRE(t, make(t, &f) && reopen(&f, &small, NULL) == FAN_OK);
    REQUIRE(t, store_write_begin(f.s, &w) == FAN_OK);
    CHECK_EQ(t, store_put(w, STORE_SLOTS, SLICE("a"), SLICE("1")), FAN_OK);
    CHECK_EQ(t, store_meta_put_u64(w, STORE_META_IMPORT, 77), FAN_OK);
    CHECK_EQ(t, store_write_commit(w, NULL), FAN_OK);
    REQUIRE(t, store_read_begin(f.s, &r) == FAN_OK);
    REQUIRE(t, store_write_begin(f.s, &w) == FAN_OK);
    CHECK_EQ(t, store_put(w, STORE_SLOTS, SLICE("a"), SLICE("2")), FAN_OK);
    CHECK_EQ(t, store_delete(w, STORE_SLOTS, SLICE("never there")), FAN_OK);
    CHECK_EQ(t, store_get(r, STORE_SLOTS, SLICE("a"), &value), FAN_OK); /* the moment it was begun at */
    CHECK_STR(t, value, "1");
    CHECK_EQ(t, store_write_abort(w, NULL), FAN_OK);
    store_read_end(r);
    REQUIRE(t, reopen(&f, &small, NULL) == FAN_OK);
    REQUIRE(t, store_read_begin(f.s, &r) == FAN_OK);
    CHECK_EQ(t, store_get(r, STORE_SLOTS, SLICE("a"), &value), FAN_OK);
    CHECK_STR(t, value, "1");
    CHECK_EQ(t, store_get(r, STORE_SLOTS, SLICE("b"), &value), FAN_ENOTFOUND);
    CHECK_EQ(t, store_get(r, STORE_ACCOUNTS, SLICE("a"), &value), FAN_ENOTFOUND); /* tables do not mix */
    CHECK_EQ(t, store_meta_u64(r, STORE_META_IMPORT, &number), FAN_OK);
    CHECK_EQ(t, number, 77);
    store_read_end(r);
    away(&f);
}

TEST(cursors_walk_in_order_both_ways_and_delete_what_they_stand_on, t)
{
    static const char *const keys[] = {"b", "d", "a", "c"};
    struct folder f;
    struct store_txn *w;
    struct store_cursor *c;
    struct slice key, value;
    uint64_t count;

    REQUIRE(t, make(t, &f) && reopen(&f, &small, NULL) == FAN_OK);
    REQUIRE(t, store_write_begin(f.s, &w) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        CHECK_EQ(t, store_put(w, STORE_OLD, slice_str(keys[i]), slice_str(keys[i])), FAN_OK);
    REQUIRE(t, store_cursor_open(w, STORE_OLD, &c) == FAN_OK);
    CHECK_EQ(t, store_cursor_first(c, &key, &value), FAN_OK);
    CHECK_STR(t, key, "a");
    CHECK_EQ(t, store_cursor_next(c, &key, NULL), FAN_OK);
    CHECK_STR(t, key, "b");
    CHECK_EQ(t, store_cursor_delete(c), FAN_OK);
    CHECK_EQ(t, store_cursor_next(c, &key, NULL), FAN_OK);
    CHECK_STR(t, key, "c");
    CHECK_EQ(t, store_cursor_seek(c, SLICE("aa"), &key, &value), FAN_OK);
    CHECK_STR(t, value, "c");
    CHECK_EQ(t, store_cursor_last(c, &key, NULL), FAN_OK);
    CHECK_STR(t, key, "d");
    CHECK_EQ(t, store_cursor_next(c, &key, NULL), FAN_ENOTFOUND);
    CHECK_EQ(t, store_cursor_seek(c, SLICE("e"), &key, NULL), FAN_ENOTFOUND);
    store_cursor_close(c);
    CHECK_EQ(t, store_count(w, STORE_OLD, &count), FAN_OK);
    CHECK_EQ(t, count, 3);
    CHECK_EQ(t, store_write_commit(w, NULL), FAN_OK);
    away(&f);
}

TEST(the_map_grows_and_no_further_than_it_may, t)
{
    struct store_options o = {.map_bytes = 1 << 20, .map_bytes_max = 8 << 20, .fast = true};
    struct fan_error err = {""};
    struct folder f;

    REQUIRE(t, make(t, &f) && reopen(&f, &o, NULL) == FAN_OK);
    CHECK_EQ(t, put_many(f.s, 'a', 3000, 1000, &err), FAN_OK); /* 3 MB into a map of one */
    CHECK_EQ(t, count_many(t, f.s, 'a', 3000, 1000), 3000);
    CHECK_EQ(t, put_many(f.s, 'b', 20000, 1000, &err), FAN_EIO);
    CHECK(t, strstr(err.text, "the store is full (8 MiB)") != NULL);
    CHECK_EQ(t, count_many(t, f.s, 'a', 3000, 1000), 3000);
    CHECK_EQ(t, count_many(t, f.s, 'b', 20000, 1000), 0);
    CHECK_EQ(t, put_many(f.s, 'c', 10, 1000, &err), FAN_OK); /* what fits goes on fitting */
    away(&f);
}

TEST(a_second_process_is_told_who_has_it, t)
{
    struct fan_error err = {""};
    struct store *second = NULL;
    struct folder f;
    char words[32];

    REQUIRE(t, make(t, &f) && reopen(&f, &small, NULL) == FAN_OK);
    CHECK_EQ(t, store_open(f.dir, &small, &second, &err), FAN_EEXIST); /* flock() asks who opened, not which process */
    (void)snprintf(words, sizeof words, "by process %ld", (long)getpid());
    CHECK(t, strstr(err.text, words) != NULL);
    away(&f);
}

TEST(wrong_folders_are_told, t)
{
    const struct store_options existing = {.map_bytes = 1 << 20, .existing = true, .fast = true};
    struct fan_error err = {""};
    struct folder f;
    struct store_txn *w;
    char path[128];
    FILE *file;

    REQUIRE(t, make(t, &f));
    CHECK_EQ(t, store_open("/nowhere/at/all", &small, &f.s, &err), FAN_ENOTFOUND);
    CHECK(t, strstr(err.text, "/nowhere/at/all: no such folder") != NULL);
    CHECK_EQ(t, store_open("/dev/null", &small, &f.s, &err), FAN_EIO);
    CHECK(t, strstr(err.text, "/dev/null: not a folder") != NULL);
    CHECK_EQ(t, reopen(&f, &existing, &err), FAN_ENOTFOUND);
    CHECK(t, strstr(err.text, "holds no chain") != NULL);
    REQUIRE(t, reopen(&f, &small, &err) == FAN_OK);
    REQUIRE(t, store_write_begin(f.s, &w) == FAN_OK);
    CHECK_EQ(t, store_meta_put_u64(w, STORE_META_FORMAT, STORE_FORMAT + 1), FAN_OK);
    CHECK_EQ(t, store_write_commit(w, &err), FAN_OK);
    CHECK_EQ(t, reopen(&f, &small, &err), FAN_EUNSUPPORTED);
    CHECK(t, strstr(err.text, "was written by a newer version of Fanatico (format 2, this one knows 1)") != NULL);
    (void)snprintf(path, sizeof path, "%s/chain/data.mdb", f.dir);
    file = fopen(path, "w");
    REQUIRE(t, file != NULL);
    for (size_t i = 0; i < 20000; i++) (void)fputc('x', file);
    (void)fclose(file);
    CHECK_EQ(t, reopen(&f, &small, &err), FAN_EFORMAT);
    CHECK(t, strstr(err.text, "chain/data.mdb is not a chain of Fanatico's") != NULL);
    away(&f);
}

TEST(a_file_that_may_not_grow_refuses_whole_transactions_and_later_ones_come_through, t)
{
    struct rlimit before, tight;
    struct fan_error err = {""};
    struct folder f;

    REQUIRE(t, make(t, &f) && reopen(&f, &small, NULL) == FAN_OK);
    REQUIRE(t, put_many(f.s, 'a', 100, 1000, &err) == FAN_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    REQUIRE(t, getrlimit(RLIMIT_FSIZE, &before) == 0);
    tight = (struct rlimit){512 << 10, before.rlim_max};
    REQUIRE(t, setrlimit(RLIMIT_FSIZE, &tight) == 0);
    CHECK_EQ(t, put_many(f.s, 'b', 2000, 1000, &err), FAN_EIO);
    CHECK(t, strstr(err.text, "the file may not grow further") != NULL);
    CHECK_EQ(t, count_many(t, f.s, 'b', 2000, 1000), 0);
    CHECK_EQ(t, count_many(t, f.s, 'a', 100, 1000), 100);
    REQUIRE(t, setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK_EQ(t, put_many(f.s, 'c', 2000, 1000, &err), FAN_OK);
    REQUIRE(t, reopen(&f, &small, &err) == FAN_OK);
    CHECK_EQ(t, count_many(t, f.s, 'a', 100, 1000), 100);
    CHECK_EQ(t, count_many(t, f.s, 'b', 2000, 1000), 0);
    CHECK_EQ(t, count_many(t, f.s, 'c', 2000, 1000), 2000);
    away(&f);
}
