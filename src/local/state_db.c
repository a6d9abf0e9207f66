#include <pthread.h>
#include <stdlib.h>

#include "local/mem_base.h"
#include "local/state_view.h"

struct state_db {
    struct ref ref;
    struct state_base base;
    uint64_t history_blocks;
    pthread_mutex_t lock; /* over what follows: held to copy a few pointers, never while something is read */
    struct state_diff *diffs[STATE_DIFFS_BEHIND]; /* oldest first; counted */
    size_t count;
    struct state_point stand; /* the base's newest */
};

enum fan_status state_db_open(struct state_base base, const struct state_options *options, struct state_db **out)
{
    struct state_db *db = calloc(1, sizeof *db);
    struct state_read r;
    enum fan_status s;

    if (!db) return FAN_ENOMEM;
    ref_init(&db->ref);
    db->base = base;
    db->history_blocks = options ? options->history_blocks : 0;
    s = base.ops->read_begin(base.ctx, &r);
    if (!s) {
        s = base.ops->point(base.ctx, &r, r.newest, &db->stand);
        base.ops->read_end(base.ctx, &r);
    }
    if (!s && pthread_mutex_init(&db->lock, NULL) != 0) s = FAN_ESYSTEM;
    if (s) {
        free(db);
        return s;
    }
    *out = db;
    return FAN_OK;
}

enum fan_status state_db_new(const struct state_options *options, struct state_db **out)
{
    struct state_base base;
    enum fan_status s = mem_base_new(&base);

    if (s) return s;
    s = state_db_open(base, options, out);
    if (s) base.ops->close(base.ctx);
    return s;
}

struct state_db *state_db_ref(struct state_db *db)
{
    ref_get(&db->ref);
    return db;
}

void state_db_unref(struct state_db *db)
{
    if (!db || !ref_put(&db->ref)) return;
    for (size_t i = 0; i < db->count; i++) state_diff_unref(db->diffs[i]);
    (void)pthread_mutex_destroy(&db->lock);
    db->base.ops->close(db->base.ctx);
    free(db);
}

/* ---- views ---- */

static struct state_point head_locked(const struct state_db *db)
{
    return db->count ? db->diffs[db->count - 1]->point : db->stand;
}

struct state_point state_db_point(struct state_db *db)
{
    struct state_point head;

    (void)pthread_mutex_lock(&db->lock);
    head = head_locked(db);
    (void)pthread_mutex_unlock(&db->lock);
    return head;
}

/* A view through the oldest `count` diffs to the base. */
static struct state_view *view_locked(struct state_db *db, size_t count)
{
    struct state_view *v =
        state_view_new(db->base, count ? &db->diffs[count - 1]->point : &db->stand, &db->stand, count);

    for (size_t i = 0; v && i < count; i++) v->diffs[i] = state_diff_ref(db->diffs[count - 1 - i]);
    return v;
}

enum fan_status state_db_head(struct state_db *db, struct state_view **out)
{
    struct state_view *v;

    (void)pthread_mutex_lock(&db->lock);
    v = view_locked(db, db->count);
    (void)pthread_mutex_unlock(&db->lock);
    if (!v) return FAN_ENOMEM;
    *out = v;
    return FAN_OK;
}

static enum fan_status view_of_base(struct state_db *db, const struct state_point *point, struct state_view **out)
{
    struct state_view *v = state_view_new(db->base, point, point, 0);

    if (!v) return FAN_ENOMEM;
    *out = v;
    return FAN_OK;
}

/* The point of a version in the base. FAN_ENOTFOUND: none of that version is kept. */
static enum fan_status base_point(struct state_db *db, uint64_t version, struct state_point *out)
{
    struct state_read r;
    enum fan_status s = db->base.ops->read_begin(db->base.ctx, &r);

    if (s) return s;
    s = FAN_ENOTFOUND;
    if (version >= r.oldest && version <= r.newest) s = db->base.ops->point(db->base.ctx, &r, version, out);
    db->base.ops->read_end(db->base.ctx, &r);
    return s;
}

static enum fan_status base_find(struct state_db *db, uint64_t number, struct state_point *out)
{
    struct state_read r;
    enum fan_status s = db->base.ops->read_begin(db->base.ctx, &r);

    if (s) return s;
    s = db->base.ops->find(db->base.ctx, &r, number, out);
    db->base.ops->read_end(db->base.ctx, &r);
    return s;
}

enum fan_status state_db_at(struct state_db *db, uint64_t number, struct state_view **out)
{
    struct state_view *v = NULL;
    struct state_point point;
    size_t count;
    enum fan_status s;

    (void)pthread_mutex_lock(&db->lock);
    for (count = db->count; count && db->diffs[count - 1]->point.number != number;) count--;
    if (count) v = view_locked(db, count);
    (void)pthread_mutex_unlock(&db->lock);
    if (count) {
        if (!v) return FAN_ENOMEM;
        *out = v;
        return FAN_OK;
    }
    s = base_find(db, number, &point);
    return s ? s : view_of_base(db, &point, out);
}

enum fan_status state_db_at_point(struct state_db *db, const struct state_point *point, struct state_view **out)
{
    struct state_view *v = NULL;
    struct state_point there, stand;
    size_t count;
    enum fan_status s;

    (void)pthread_mutex_lock(&db->lock);
    stand = db->stand;
    for (count = db->count; count && db->diffs[count - 1]->point.id != point->id;) count--;
    if (count) v = view_locked(db, count);
    (void)pthread_mutex_unlock(&db->lock);
    if (count) {
        if (!v) return FAN_ENOMEM;
        *out = v;
        return FAN_OK;
    }
    if (point->version > stand.version) return FAN_ESTALE;
    s = base_point(db, point->version, &there);
    if (s) return s;
    return there.id == point->id ? view_of_base(db, &there, out) : FAN_ESTALE;
}

/* ---- the writer ---- */

static enum fan_status fold_oldest(struct state_db *db)
{
    struct state_diff *d = db->diffs[0]; /* only the writer changes the list, so it may look without the lock */
    enum fan_status s = db->base.ops->apply(db->base.ctx, d);

    if (s) return s;
    (void)pthread_mutex_lock(&db->lock);
    db->stand = d->point;
    db->count--;
    memmove(db->diffs, db->diffs + 1, db->count * sizeof(struct state_diff *));
    (void)pthread_mutex_unlock(&db->lock);
    state_diff_unref(d);
    return FAN_OK;
}

/* Lets go of blocks further below `number` than history goes. Where the oldest block to keep still lies in the diffs,
 * all of the base's history may go. A base that fails to prune only keeps more than it must, until the next commit asks
 * it again. */
static void prune(struct state_db *db, uint64_t number)
{
    struct state_point point;
    enum fan_status s;

    if (!db->history_blocks || number < db->history_blocks) return;
    s = base_find(db, number - db->history_blocks, &point);
    if (s && db->stand.number < number - db->history_blocks) {
        point = db->stand;
        s = FAN_OK;
    }
    if (!s) s = db->base.ops->prune(db->base.ctx, point.version);
    (void)s;
}

enum fan_status state_db_commit(struct state_db *db, struct state_diff *diff)
{
    struct state_point head = state_db_point(db);
    enum fan_status s;

    if (diff->parent.id != head.id || diff->parent.version != head.version) return FAN_ESTALE;
    if (db->count == STATE_DIFFS_MAX) {
        s = fold_oldest(db);
        if (s) return s;
    }
    (void)pthread_mutex_lock(&db->lock);
    db->diffs[db->count++] = state_diff_ref(diff);
    (void)pthread_mutex_unlock(&db->lock);
    prune(db, diff->point.number);
    return FAN_OK;
}

enum fan_status state_db_rewind(struct state_db *db, uint64_t version)
{
    struct state_diff *dropped[STATE_DIFFS_BEHIND];
    struct state_point stand = db->stand;
    size_t kept = db->count, count = 0;
    enum fan_status s;

    if (version > head_locked(db).version) return FAN_ENOTFOUND;
    if (version < stand.version) {
        s = base_point(db, version, &stand);
        if (!s) s = db->base.ops->rewind(db->base.ctx, version);
        if (s) return s;
        kept = 0;
    }
    while (kept && db->diffs[kept - 1]->point.version > version) kept--;
    (void)pthread_mutex_lock(&db->lock);
    db->stand = stand;
    while (db->count > kept) dropped[count++] = db->diffs[--db->count];
    (void)pthread_mutex_unlock(&db->lock);
    while (count) state_diff_unref(dropped[--count]);
    return FAN_OK;
}

enum fan_status state_db_rewind_to_block(struct state_db *db, uint64_t number)
{
    struct state_view *v;
    enum fan_status s = state_db_at(db, number, &v);

    if (s) return s;
    s = state_db_rewind(db, v->point.version);
    state_view_unref(v);
    return s;
}

/* ---- a base that somebody else writes ---- */

void state_db_adopt(struct state_db *db, const struct state_point *head)
{
    struct state_diff *dropped[STATE_DIFFS_BEHIND];
    size_t count = 0;

    (void)pthread_mutex_lock(&db->lock);
    db->stand = *head;
    while (db->count) dropped[count++] = db->diffs[--db->count];
    (void)pthread_mutex_unlock(&db->lock);
    while (count) state_diff_unref(dropped[--count]);
}

enum fan_status state_db_append(struct state_db *db, struct state_diff *diff)
{
    struct state_point head;
    enum fan_status s = FAN_OK;

    (void)pthread_mutex_lock(&db->lock);
    head = head_locked(db);
    if (diff->parent.id != head.id || diff->parent.version != head.version)
        s = FAN_ESTALE;
    else if (db->count == STATE_DIFFS_BEHIND)
        s = FAN_ELIMIT;
    else
        db->diffs[db->count++] = state_diff_ref(diff);
    (void)pthread_mutex_unlock(&db->lock);
    return s;
}

void state_db_folded(struct state_db *db, uint64_t version)
{
    struct state_diff *dropped[STATE_DIFFS_BEHIND];
    size_t count = 0;

    (void)pthread_mutex_lock(&db->lock);
    while (count < db->count && db->diffs[count]->point.version <= version) {
        dropped[count] = db->diffs[count];
        db->stand = db->diffs[count++]->point;
    }
    db->count -= count;
    memmove(db->diffs, db->diffs + count, db->count * sizeof(struct state_diff *));
    (void)pthread_mutex_unlock(&db->lock);
    while (count) state_diff_unref(dropped[--count]);
}
