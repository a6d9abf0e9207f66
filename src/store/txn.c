/* Transactions, single keys, cursors. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "store/parts.h"

enum { FREE_LEAST = 16 << 20 }; /* less is a full disk */

static MDB_val val(struct slice s)
{
    return (MDB_val){.mv_size = s.len, .mv_data = (void *)(uintptr_t)s.at};
}

static struct slice slice_of_val(const MDB_val *v)
{
    return slice_of(v->mv_data, v->mv_size);
}

/* ---- reading ---- */

static enum fan_status renew(struct store *s, struct store_txn *t)
{
    int rc = t->txn ? mdb_txn_renew(t->txn) : mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t->txn);

    return store_status(s, "it cannot be read", rc, NULL);
}

/* Gives back what begin took. */
static void leave(struct store *s, struct store_txn *idle)
{
    (void)pthread_mutex_lock(&s->lock);
    if (idle) {
        idle->next_idle = s->idle;
        s->idle = idle;
    }
    s->reading--;
    counter_set(&s->stats.readers, s->reading);
    if (!s->reading && s->growing) (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

enum fan_status store_read_begin(struct store *s, struct store_txn **out)
{
    struct store_txn *t;
    enum fan_status status;

    (void)pthread_mutex_lock(&s->lock);
    while (s->growing) (void)pthread_cond_wait(&s->changed, &s->lock);
    s->reading++;
    counter_set(&s->stats.readers, s->reading);
    t = s->idle;
    if (t) s->idle = t->next_idle;
    (void)pthread_mutex_unlock(&s->lock);
    if (!t) {
        t = calloc(1, sizeof *t);
        if (t) t->store = s;
    }
    status = t ? renew(s, t) : FAN_ENOMEM;
    if (status) {
        if (t && t->txn) mdb_txn_abort(t->txn);
        free(t);
        leave(s, NULL);
        return status;
    }
    *out = t;
    return FAN_OK;
}

void store_read_end(struct store_txn *t)
{
    if (!t) return;
    assert(!t->writes);
    mdb_txn_reset(t->txn);
    leave(t->store, t);
}

/* ---- writing ---- */

enum fan_status store_write_begin(struct store *s, struct store_txn **out)
{
    struct store_txn *t;
    int rc;

    if (s->options.read_only) return FAN_EINVAL;
    (void)pthread_mutex_lock(&s->lock);
    rc = s->poisoned ? MDB_PANIC : 0;
    (void)pthread_mutex_unlock(&s->lock);
    if (rc) return FAN_ECLOSED;
    t = calloc(1, sizeof *t);
    if (!t) return FAN_ENOMEM;
    *t = (struct store_txn){.store = s, .writes = true};
    rc = mdb_txn_begin(s->env, NULL, 0, &t->txn);
    if (rc) {
        free(t);
        return store_status(s, "it cannot be written", rc, NULL);
    }
    *out = t;
    return FAN_OK;
}

/* Which failures leave no doubt about what is on the disk, so that the next attempt may succeed. */
static bool is_plain(int rc)
{
    return rc == ENOSPC || rc == EDQUOT || rc == EFBIG || rc == ENOMEM || rc == MDB_MAP_FULL || rc == MDB_TXN_FULL ||
           rc == MDB_READERS_FULL;
}

/* LMDB answers EIO where a write was cut short, as the last one that fits on a full disk is. */
static int why_short(const struct store *s)
{
    struct statvfs disk;
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) return EFBIG;
    if (statvfs(s->dir, &disk) == 0 && disk.f_bavail * disk.f_frsize < FREE_LEAST) return ENOSPC;
    return EIO;
}

/* LMDB gives up where the page that ends a commit could not be written. */
static bool has_given_up(struct store *s)
{
    MDB_txn *probe;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &probe);

    if (!rc) mdb_txn_abort(probe);
    return rc == MDB_PANIC;
}

/* What a failed transaction means for its store. */
static enum fan_status outcome(struct store *s, int rc, struct fan_error *err)
{
    if (rc == MDB_MAP_FULL) return store_grow(s, err);
    if (rc == EIO) rc = why_short(s);
    /* An fsync that failed may be answered by success the next time, though the pages are lost (fsync(2), since Linux
     * 4.13): only reading the file anew tells what is there. */
    if (!is_plain(rc) || has_given_up(s)) {
        (void)pthread_mutex_lock(&s->lock);
        s->poisoned = true;
        (void)pthread_mutex_unlock(&s->lock);
        return fan_error_set(err, FAN_ECLOSED,
                             "%s: a write failed and what reached the disk is not known (%s); start again to go on",
                             s->dir, mdb_strerror(rc));
    }
    return store_status(s, "it cannot be written", rc, err);
}

static void count_commit(struct store *s, uint64_t took_ns, int rc)
{
    (void)pthread_mutex_lock(&s->lock);
    if (rc) {
        counter_add(&s->stats.commit_failures, 1);
    } else {
        histogram_add(&s->stats.commit, took_ns, 1);
        store_count_sizes(s);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

enum fan_status store_write_commit(struct store_txn *t, struct fan_error *err)
{
    struct store *s = t->store;
    uint64_t began_ns;
    int rc;

    assert(t->writes);
    if (t->failed) {
        count_commit(s, 0, t->failed);
        return store_write_abort(t, err);
    }
    began_ns = clock_monotonic_ns();
    rc = mdb_txn_commit(t->txn);
    free(t);
    count_commit(s, clock_monotonic_ns() - began_ns, rc);
    return rc ? outcome(s, rc, err) : FAN_OK;
}

enum fan_status store_write_abort(struct store_txn *t, struct fan_error *err)
{
    struct store *s;
    int failed;

    if (!t) return FAN_OK;
    s = t->store;
    failed = t->failed;
    mdb_txn_abort(t->txn);
    free(t);
    return failed ? outcome(s, failed, err) : FAN_OK;
}

/* The first failure of a write transaction is kept for its end; a reader's is told at once. */
static enum fan_status note(struct store_txn *t, int rc)
{
    if (rc && rc != MDB_NOTFOUND && t->writes && !t->failed) t->failed = rc;
    return store_status(t->store, "", rc, NULL);
}

enum fan_status store_get(struct store_txn *t, enum store_table table, struct slice key, struct slice *out)
{
    MDB_val k = val(key), v;
    int rc = mdb_get(t->txn, t->store->tables[table], &k, &v);

    if (!rc) *out = slice_of_val(&v);
    return note(t, rc);
}

enum fan_status store_put(struct store_txn *t, enum store_table table, struct slice key, struct slice value)
{
    MDB_val k = val(key), v = val(value);

    assert(t->writes && key.len && key.len <= STORE_KEY_MAX);
    return note(t, mdb_put(t->txn, t->store->tables[table], &k, &v, 0));
}

enum fan_status store_delete(struct store_txn *t, enum store_table table, struct slice key)
{
    MDB_val k = val(key);
    enum fan_status s;

    assert(t->writes);
    s = note(t, mdb_del(t->txn, t->store->tables[table], &k, NULL));
    return s == FAN_ENOTFOUND ? FAN_OK : s;
}

enum fan_status store_count(struct store_txn *t, enum store_table table, uint64_t *out)
{
    MDB_stat about;
    int rc = mdb_stat(t->txn, t->store->tables[table], &about);

    if (!rc) *out = about.ms_entries;
    return note(t, rc);
}

enum fan_status store_meta_u64(struct store_txn *t, const char *word, uint64_t *out)
{
    struct slice value = {0};
    enum fan_status s = store_get(t, STORE_META, slice_str(word), &value);

    if (s) return s;
    if (value.len != 8) return FAN_EFORMAT;
    *out = get_be64(value.at);
    return FAN_OK;
}

enum fan_status store_meta_put_u64(struct store_txn *t, const char *word, uint64_t value)
{
    uint8_t bytes[8];

    put_be64(value, bytes);
    return store_put(t, STORE_META, slice_str(word), slice_of(bytes, 8));
}

/* ---- cursors ---- */

struct store_cursor {
    struct store_txn *txn;
    MDB_cursor *cursor;
};

enum fan_status store_cursor_open(struct store_txn *t, enum store_table table, struct store_cursor **out)
{
    struct store_cursor *c = calloc(1, sizeof *c);
    int rc;

    if (!c) return FAN_ENOMEM;
    c->txn = t;
    rc = mdb_cursor_open(t->txn, t->store->tables[table], &c->cursor);
    if (rc)
        free(c);
    else
        *out = c;
    return note(t, rc);
}

void store_cursor_close(struct store_cursor *c)
{
    if (!c) return;
    mdb_cursor_close(c->cursor);
    free(c);
}

static enum fan_status step(struct store_cursor *c, MDB_cursor_op op, struct slice key, struct slice *out_key,
                            struct slice *out_value)
{
    MDB_val k = val(key), v;
    int rc = mdb_cursor_get(c->cursor, &k, &v, op);

    if (!rc) {
        *out_key = slice_of_val(&k);
        if (out_value) *out_value = slice_of_val(&v);
    }
    return note(c->txn, rc);
}

static const struct slice nothing = {NULL, 0};

enum fan_status store_cursor_first(struct store_cursor *c, struct slice *out_key, struct slice *out_value)
{
    return step(c, MDB_FIRST, nothing, out_key, out_value);
}

enum fan_status store_cursor_last(struct store_cursor *c, struct slice *out_key, struct slice *out_value)
{
    return step(c, MDB_LAST, nothing, out_key, out_value);
}

enum fan_status store_cursor_seek(struct store_cursor *c, struct slice key, struct slice *out_key,
                                  struct slice *out_value)
{
    return step(c, MDB_SET_RANGE, key, out_key, out_value);
}

enum fan_status store_cursor_next(struct store_cursor *c, struct slice *out_key, struct slice *out_value)
{
    return step(c, MDB_NEXT, nothing, out_key, out_value);
}

enum fan_status store_cursor_prev(struct store_cursor *c, struct slice *out_key, struct slice *out_value)
{
    return step(c, MDB_PREV, nothing, out_key, out_value);
}

enum fan_status store_cursor_delete(struct store_cursor *c)
{
    return note(c->txn, mdb_cursor_del(c->cursor, 0));
}
