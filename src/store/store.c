/* Opening: the folder, its lock, the environment, the tables, the format. And the map's growth. */
#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/parts.h"

#ifdef FANATICO_SANITIZED
#define MAP_FIRST ((size_t)64 << 20) /* the sanitizers' shadow cannot cover a terabyte */
#else
#define MAP_FIRST ((size_t)1 << 40)
#endif
#define MAP_LEAST ((size_t)1 << 30)

static const char *const names[] = {
#define X(name, text) text,
    STORE_TABLES(X)
#undef X
};

enum fan_status store_status(const struct store *s, const char *what, int rc, struct fan_error *err)
{
    switch (rc) {
    case MDB_SUCCESS:
        return FAN_OK;
    case MDB_NOTFOUND:
        return FAN_ENOTFOUND;
    case ENOMEM:
        return fan_error_set(err, FAN_ENOMEM, "%s: %s: out of memory", s->dir, what);
    case MDB_READERS_FULL:
        return fan_error_set(err, FAN_ELIMIT, "%s: %s: too many readers at once", s->dir, what);
    case MDB_PANIC:
        return fan_error_set(err, FAN_ECLOSED, "%s: %s: an earlier write failed; restart to go on", s->dir, what);
    case MDB_INVALID:
        return fan_error_set(err, FAN_EFORMAT, "%s: chain/data.mdb is not a chain of Fanatico's", s->dir);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return fan_error_set(err, FAN_EFORMAT, "%s: %s: chain/data.mdb is damaged (%s)", s->dir, what,
                             mdb_strerror(rc));
    case ENOSPC:
        return fan_error_set(err, FAN_EIO, "%s: %s: no space left on the disk", s->dir, what);
    case EDQUOT:
        return fan_error_set(err, FAN_EIO, "%s: %s: the disk quota is used up", s->dir, what);
    case EFBIG:
        return fan_error_set(err, FAN_EIO, "%s: %s: the file may not grow further", s->dir, what);
    case EROFS:
    case EACCES:
    case EPERM:
        return fan_error_set(err, FAN_EIO, "%s: %s: it cannot be written (%s)", s->dir, what, strerror(rc));
    default:
        return fan_error_set(err, FAN_EIO, "%s: %s: %s", s->dir, what, mdb_strerror(rc));
    }
}

/* ---- opening ---- */

static enum fan_status check_dir(const char *dir, const struct store_options *o, struct fan_error *err)
{
    struct stat about;

    if (stat(dir, &about)) {
        if (errno == ENOENT) return fan_error_set(err, FAN_ENOTFOUND, "%s: no such folder", dir);
        return fan_error_set(err, FAN_EIO, "%s: %s", dir, strerror(errno));
    }
    if (!S_ISDIR(about.st_mode)) return fan_error_set(err, FAN_EIO, "%s: not a folder", dir);
    if (!o->read_only && access(dir, W_OK))
        return fan_error_set(err, FAN_EIO, "%s: it cannot be written (%s)", dir, strerror(errno));
    return FAN_OK;
}

/* The largest map the system grants, from the one wished for down. */
static int open_env(struct store *s, const char *path)
{
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD | (s->options.fast ? MDB_NOSYNC : 0);
    size_t bytes = s->options.map_bytes ? s->options.map_bytes : MAP_FIRST;

    for (;; bytes /= 2) {
        int rc = mdb_env_create(&s->env);

        if (rc) return rc;
        s->map_bytes = bytes;
        rc = mdb_env_set_mapsize(s->env, bytes);
        if (!rc) rc = mdb_env_set_maxdbs(s->env, STORE_TABLE_COUNT);
        if (!rc) rc = mdb_env_set_maxreaders(s->env, STORE_READERS_MAX);
        if (!rc) rc = mdb_env_open(s->env, path, flags, 0644);
        if (!rc) return 0;
        mdb_env_close(s->env);
        s->env = NULL;
        if (rc != ENOMEM || bytes / 2 < MAP_LEAST || s->options.map_bytes) return rc;
    }
}

static int open_tables(struct store *s)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, s->options.read_only ? MDB_RDONLY : 0, &txn);

    if (rc) return rc;
    for (size_t i = 0; i < STORE_TABLE_COUNT && !rc; i++)
        rc = mdb_dbi_open(txn, names[i], s->options.read_only ? 0 : MDB_CREATE, &s->tables[i]);
    if (!rc) return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

static enum fan_status read_format(struct store *s, uint64_t *out, struct fan_error *err)
{
    struct store_txn *t;
    enum fan_status status = store_read_begin(s, &t);

    if (status) return fan_error_set(err, status, "%s: it cannot be read: %s", s->dir, fan_status_text(status));
    status = store_meta_u64(t, STORE_META_FORMAT, out);
    store_read_end(t);
    if (status == FAN_EFORMAT) return fan_error_set(err, status, "%s: its format version is damaged", s->dir);
    return status;
}

static enum fan_status check_format(struct store *s, struct fan_error *err)
{
    struct store_txn *t;
    uint64_t format;
    enum fan_status status = read_format(s, &format, err);

    if (!status && format > STORE_FORMAT)
        return fan_error_set(err, FAN_EUNSUPPORTED,
                             "%s was written by a newer version of Fanatico (format %llu, this one knows %d)", s->dir,
                             (unsigned long long)format, STORE_FORMAT);
    if (!status && format < STORE_FORMAT)
        return fan_error_set(err, FAN_EUNSUPPORTED, "%s has format %llu, which this version no longer reads (%d)",
                             s->dir, (unsigned long long)format, STORE_FORMAT);
    if (status != FAN_ENOTFOUND) return status;
    if (s->options.existing) return fan_error_set(err, FAN_ENOTFOUND, "%s holds no chain", s->dir);
    status = store_write_begin(s, &t);
    if (status) return fan_error_set(err, status, "%s: it cannot be written", s->dir);
    status = store_meta_put_u64(t, STORE_META_FORMAT, STORE_FORMAT);
    if (!status) return store_write_commit(t, err);
    return store_write_abort(t, err);
}

static enum fan_status open_in(struct store *s, struct fan_error *err)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/chain", s->dir), rc;

    if (len < 0 || (size_t)len >= sizeof path - 16)
        return fan_error_set(err, FAN_EIO, "%.200s…: the path is too long", s->dir);
    if (s->options.existing) {
        struct stat about;

        if (stat(path, &about)) return fan_error_set(err, FAN_ENOTFOUND, "%s holds no chain", s->dir);
    } else if (mkdir(path, 0755) && errno != EEXIST) {
        return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    }
    rc = open_env(s, path);
    if (!rc) rc = open_tables(s);
    if (rc == MDB_NOTFOUND) return fan_error_set(err, FAN_ENOTFOUND, "%s holds no chain", s->dir);
    if (rc) return store_status(s, "it cannot be opened", rc, err);
    return check_format(s, err);
}

enum fan_status store_open(const char *dir, const struct store_options *options, struct store **out,
                           struct fan_error *err)
{
    struct store *s;
    enum fan_status status = check_dir(dir, options, err);

    if (status) return status;
    s = calloc(1, sizeof *s);
    if (!s) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    s->options = *options;
    s->options.existing = options->existing || options->read_only;
    s->lock_fd = -1;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    s->dir = strdup(dir);
    if (!s->dir)
        status = fan_error_set(err, FAN_ENOMEM, "out of memory");
    else
        status = store_lock(dir, &s->lock_fd, err);
    if (!status) status = open_in(s, err);
    if (status) {
        store_close(s);
        return status;
    }
    store_count_sizes(s);
    *out = s;
    return FAN_OK;
}

void store_close(struct store *s)
{
    if (!s) return;
    assert(!s->reading);
    while (s->idle) {
        struct store_txn *t = s->idle;

        s->idle = t->next_idle;
        mdb_txn_abort(t->txn);
        free(t);
    }
    if (s->env) mdb_env_close(s->env);
    if (s->lock_fd >= 0) (void)close(s->lock_fd);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->dir);
    free(s);
}

const char *store_dir(const struct store *s)
{
    return s->dir;
}

/* ---- what is counted ---- */

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct store_stats
#include "base/metric_rows.def"

#include "store/metrics.def"
};

const struct metric_table store_metrics = {rows, COUNT_OF(rows), sizeof(struct store_stats)};

const struct store_stats *store_stats(const struct store *s)
{
    return &s->stats;
}

void store_count_sizes(struct store *s)
{
    MDB_envinfo about;
    MDB_stat pages;

    if (mdb_env_info(s->env, &about) || mdb_env_stat(s->env, &pages)) return;
    counter_set(&s->stats.used_bytes, (about.me_last_pgno + 1) * pages.ms_psize);
    counter_set(&s->stats.map_bytes, about.me_mapsize);
}

/* ---- growth ---- */

enum fan_status store_grow(struct store *s, struct fan_error *err)
{
    size_t wider = s->map_bytes * 2;
    int rc = 0;

    if (wider < s->map_bytes || (s->options.map_bytes_max && wider > s->options.map_bytes_max))
        return fan_error_set(err, FAN_EIO, "%s: the store is full (%zu MiB)", s->dir, s->map_bytes >> 20);
    (void)pthread_mutex_lock(&s->lock);
    s->growing = true;
    while (s->reading) (void)pthread_cond_wait(&s->changed, &s->lock);
    rc = mdb_env_set_mapsize(s->env, wider);
    if (!rc) s->map_bytes = wider;
    s->growing = false;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    if (rc) return store_status(s, "the map cannot grow", rc, err);
    return FAN_EAGAIN;
}
