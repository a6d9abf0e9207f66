#include "local/keep.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "local/keep_write.h"
#include "local/state_base.h"
#include "local/state_diff.h"

enum {
    BATCH_MAX = 64,  /* changes in one transaction */
    RETRY_MS = 1000, /* after a failure */
    ROOM = KEEP_QUEUE_MAX / 2
};

struct keep {
    struct keep_options o;
    struct state_db *state;
    struct blocks *blocks;
    bool behind; /* the writer's */

    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct built queue[KEEP_QUEUE_MAX]; /* a ring; counted references */
    size_t first, count;
    bool stopping;
    bool failing, closed;
    struct fan_error why; /* while failing */
};

void built_fini(struct built *b)
{
    block_unref(b->block);
    state_diff_unref(b->diff);
    *b = (struct built){0};
}

/* ---- the keeper's thread ---- */

/* The oldest of what waits; they stay in the queue, which only this thread takes from. */
static size_t peek_batch(struct keep *k, struct built *out)
{
    size_t n = min_u64(k->count, BATCH_MAX);

    for (size_t i = 0; i < n; i++) out[i] = k->queue[(k->first + i) % KEEP_QUEUE_MAX];
    return n;
}

static void drop_batch(struct keep *k, size_t n)
{
    for (size_t i = 0; i < n; i++) built_fini(&k->queue[(k->first + i) % KEEP_QUEUE_MAX]);
    k->first = (k->first + n) % KEEP_QUEUE_MAX;
    k->count -= n;
}

/* Once when it begins, once when it is over; and when it has become worse. */
static void tell(struct keep *k, bool failed_before, enum fan_status s, const char *text)
{
    bool over = s == FAN_ECLOSED && !k->closed;

    if (over) k->closed = true;
    if (!k->o.trouble) return;
    if (s ? over || !failed_before : failed_before) k->o.trouble(k->o.ctx, s ? text : NULL, over);
}

/* The number behind the newest block of the batch; 0 where it has none. */
static uint64_t numbers_end(const struct built *batch, size_t n)
{
    while (n--)
        if (batch[n].block) return batch[n].block->header.number + 1;
    return 0;
}

static enum fan_status write_batch(struct keep *k, const struct built *batch, size_t n, struct fan_error *err)
{
    struct keep_change c = {.added = batch, .count = n, .history_blocks = k->o.history_blocks};
    struct state_point head;
    enum fan_status s = keep_write(k->o.store, &c, &head, err);

    if (s) return s;
    state_db_folded(k->state, head.version);
    if (numbers_end(batch, n)) blocks_durable(k->blocks, numbers_end(batch, n));
    return FAN_OK;
}

static void wait_a_while(struct keep *k)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RETRY_MS / 1000;
    (void)pthread_cond_timedwait(&k->changed, &k->lock, &until);
}

/* One batch, the lock held before and after. False: it could not be written. */
static bool run_batch(struct keep *k)
{
    struct built batch[BATCH_MAX];
    size_t n = peek_batch(k, batch);
    bool failed_before = k->failing;
    struct fan_error err = {""};
    enum fan_status s;

    (void)pthread_mutex_unlock(&k->lock);
    s = write_batch(k, batch, n, &err);
    tell(k, failed_before, s, err.text);
    (void)pthread_mutex_lock(&k->lock);
    k->failing = s != FAN_OK;
    if (s)
        k->why = err;
    else
        drop_batch(k, n);
    (void)pthread_cond_broadcast(&k->changed);
    return !s;
}

static void *keeper(void *ctx)
{
    struct keep *k = ctx;

    (void)pthread_mutex_lock(&k->lock);
    for (;;) {
        if (k->count) {
            if (run_batch(k)) continue;
            if (k->stopping) break; /* what could not be written now never will be */
            wait_a_while(k);
        } else if (k->stopping) {
            break;
        } else {
            (void)pthread_cond_wait(&k->changed, &k->lock);
        }
    }
    (void)pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* ---- life ---- */

static enum fan_status start(struct keep *k)
{
    if (k->started) return FAN_OK;
    if (pthread_create(&k->thread, NULL, keeper, k)) return FAN_ESYSTEM;
    (void)pthread_setname_np(k->thread, "keeper");
    k->started = true;
    return FAN_OK;
}

enum fan_status keep_open(const struct keep_options *o, struct state_db *state, struct blocks *blocks,
                          struct keep **out)
{
    struct keep *k = calloc(1, sizeof *k);
    enum fan_status s = FAN_OK;

    if (!k) return FAN_ENOMEM;
    k->o = *o;
    k->state = state;
    k->blocks = blocks;
    k->behind = o->behind;
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_cond_init(&k->changed, NULL);
    if (o->behind) s = start(k);
    if (s)
        keep_close(k);
    else
        *out = k;
    return s;
}

struct store *keep_store(const struct keep *k)
{
    return k->o.store;
}

void keep_close(struct keep *k)
{
    if (!k) return;
    if (k->started) {
        (void)pthread_mutex_lock(&k->lock);
        k->stopping = true;
        (void)pthread_cond_broadcast(&k->changed);
        (void)pthread_mutex_unlock(&k->lock);
        (void)pthread_join(k->thread, NULL);
    }
    drop_batch(k, k->count);
    (void)pthread_cond_destroy(&k->changed);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

/* ---- the writer's ---- */

static enum fan_status write_now(struct keep *k, struct keep_change *c, struct fan_error *err)
{
    struct state_point head;
    struct fan_error why = {""};
    enum fan_status s;

    c->history_blocks = k->o.history_blocks;
    s = keep_write(k->o.store, c, &head, &why);
    if (s != FAN_ENOTFOUND) { /* which says something of what was asked for, and nothing of the store */
        tell(k, k->failing, s, why.text);
        k->failing = s != FAN_OK;
    }
    if (s) return fan_error_set(err, s, "%s", why.text);
    state_db_adopt(k->state, &head);
    blocks_durable(k->blocks, head.number + 1);
    return FAN_OK;
}

enum fan_status keep_genesis(struct keep *k, struct slice genesis_json, const struct built *genesis,
                             struct fan_error *err)
{
    struct keep_change c = {.added = genesis, .count = 1, .genesis_json = genesis_json};

    return write_now(k, &c, err);
}

/* Waits until at most `left` changes wait. FAN_EIO: they cannot be written. */
static enum fan_status wait_for_room(struct keep *k, size_t left, struct fan_error *err)
{
    enum fan_status s = FAN_OK;

    (void)pthread_mutex_lock(&k->lock);
    while (k->count > left && !k->failing) (void)pthread_cond_wait(&k->changed, &k->lock);
    if (k->count > left) s = fan_error_set(err, FAN_EIO, "%s", k->why.text);
    (void)pthread_mutex_unlock(&k->lock);
    return s;
}

enum fan_status keep_sync(struct keep *k, struct fan_error *err)
{
    return k->started ? wait_for_room(k, 0, err) : FAN_OK;
}

static enum fan_status push(struct keep *k, const struct built *b)
{
    enum fan_status s = state_db_append(k->state, b->diff);

    if (s) return s;
    (void)pthread_mutex_lock(&k->lock);
    k->queue[(k->first + k->count++) % KEEP_QUEUE_MAX] =
        (struct built){b->block ? block_ref(b->block) : NULL, state_diff_ref(b->diff)};
    (void)pthread_cond_broadcast(&k->changed);
    (void)pthread_mutex_unlock(&k->lock);
    return FAN_OK;
}

/* Behind: what fits into the queue cannot fail any more, and nothing of it is pushed before all of it fits. */
static enum fan_status push_all(struct keep *k, const struct built *added, size_t count, struct fan_error *err)
{
    enum fan_status s = wait_for_room(k, ROOM, err);

    for (size_t i = 0; i < count && !s; i++) s = push(k, &added[i]);
    return s;
}

enum fan_status keep_turn(struct keep *k, uint64_t keep, uint64_t version, bool back, const struct built *added,
                          size_t count, struct fan_error *err)
{
    struct keep_change c = {.back = back, .keep = keep, .version = version, .added = added, .count = count};
    enum fan_status s;

    if (!back && k->behind && count <= KEEP_QUEUE_MAX - ROOM) return push_all(k, added, count, err);
    s = keep_sync(k, err);
    return s ? s : write_now(k, &c, err);
}

enum fan_status keep_behind(struct keep *k, bool behind, struct fan_error *err)
{
    enum fan_status s = behind ? start(k) : keep_sync(k, err);

    if (!s) k->behind = behind;
    return s;
}

enum fan_status keep_imported(struct keep *k, uint64_t number, struct fan_error *err)
{
    enum fan_status s = keep_behind(k, k->o.behind, err);
    struct store_txn *t;

    if (!s) s = keep_sync(k, err);
    while (!s) {
        s = store_write_begin(k->o.store, &t);
        if (s) return fan_error_set(err, s, "%s: it cannot be written", store_dir(k->o.store));
        s = store_meta_put_u64(t, STORE_META_IMPORT, number);
        s = s ? store_write_abort(t, err) : store_write_commit(t, err);
        if (s != FAN_EAGAIN) return s;
        s = FAN_OK; /* the map was too small, and has grown */
    }
    return s;
}
