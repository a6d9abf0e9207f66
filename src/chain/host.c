#include "chain/host.h"

#include <pthread.h>
#include <stdlib.h>

#include "chain/host_kept.h"
#include "chain/host_read.h"
#include "chain/host_waiting.h"
#include "codec/hex.h"

enum { HISTORY = 1024, WAITING_LOGS_MAX = 100000, WAITING_BYTES_MAX = 64 << 20 };

struct host {
    struct chain chain; /* first: the door */
    struct chain_config config;
    struct host_options options;
    pthread_mutex_t lock; /* over all that follows; announcements hold it until their event is published */
    struct kept kept;
    struct waiting waiting;
    struct chain_sync sync;
    struct host_stats stats; /* waiting_logs is the list's own */
};

static struct host *host_of(struct chain *c)
{
    return (struct host *)(void *)c;
}

static void lock(struct host *h)
{
    (void)pthread_mutex_lock(&h->lock);
}

static void unlock(struct host *h)
{
    (void)pthread_mutex_unlock(&h->lock);
}

/* ---- blocks ---- */

static enum fan_status refuse(struct fan_error *err, const struct block *b, const struct fan_hash *hash,
                              const char *why)
{
    char text[64];

    hex_encode(slice_of(hash->bytes, sizeof hash->bytes), text);
    return fan_error_set(err, FAN_EINVAL, "block %llu: parentHash: 0x%.64s %s", (unsigned long long)b->header.number,
                         text, why);
}

/* The branch that b ends, from the first block above the canonical chain on, oldest first. */
struct branch {
    struct block *blocks[KEPT_ORPHANS + 1];
    size_t count;
    uint64_t keep;    /* number of the canonical block it stands on */
    bool begins_anew; /* it stands on nothing that is known */
};

static enum fan_status find_branch(struct host *h, struct block *b, struct branch *out, struct fan_error *err)
{
    struct block *at = b;
    size_t i = COUNT_OF(out->blocks);

    for (;;) {
        const struct fan_hash *parent_hash = &at->header.parent_hash;
        bool is_canonical;
        struct block *parent = kept_by_hash(&h->kept, parent_hash, &is_canonical);

        out->blocks[--i] = at;
        if (!parent) {
            if (at == b && (!h->kept.count || b->header.number > h->kept.head + 1)) {
                out->begins_anew = true;
                break;
            }
            return refuse(err, b, parent_hash, "is not known; announce that block first, or move the head back");
        }
        if (parent->header.number + 1 != at->header.number)
            return refuse(err, b, parent_hash, "has another number than the one before");
        out->keep = parent->header.number;
        if (is_canonical) break;
        if (!i) return refuse(err, b, parent_hash, "lies too far from the chain");
        at = parent;
    }
    out->count = COUNT_OF(out->blocks) - i;
    memmove(out->blocks, out->blocks + i, out->count * sizeof(struct block *));
    return FAN_OK;
}

/* The chain ends in the branch from now on. The event is made first: after that nothing can fail. */
static enum fan_status move(struct host *h, const struct branch *to, struct fan_error *err)
{
    uint64_t keep = to->begins_anew ? h->kept.head : to->keep;
    size_t removed_count = h->kept.count ? (size_t)(h->kept.head - keep) : 0;
    struct block **removed = malloc((removed_count + 1) * sizeof(struct block *));
    struct chain_event *e = NULL;

    if (removed && kept_reserve(&h->kept, to->count)) {
        for (size_t i = 0; i < removed_count; i++) removed[i] = kept_by_number(&h->kept, h->kept.head - i);
        e = chain_event_head_new(removed, removed_count, to->blocks, to->count,
                                 to->count ? to->blocks[to->count - 1] : kept_by_number(&h->kept, keep));
    }
    free(removed);
    if (!e) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (to->begins_anew && h->kept.count) { /* the host skipped some: what lies below cannot be joined to this */
        h->stats.gaps++;
        while (h->kept.count) kept_pop(&h->kept);
    }
    for (size_t i = 0; i < removed_count; i++) kept_pop(&h->kept);
    for (size_t i = 0; i < to->count; i++) kept_push(&h->kept, to->blocks[i]);
    atomic_store(&h->chain.head_number, h->kept.head);
    chain_publish(&h->chain, e);
    return FAN_OK;
}

static enum fan_status announce_block(struct host *h, struct block *b, struct fan_error *err)
{
    struct branch branch = {0};
    struct block *whole;
    bool is_canonical;
    enum fan_status s;

    if (kept_by_hash(&h->kept, &b->hash, &is_canonical) && is_canonical) {
        h->stats.repeated++;
        return FAN_OK;
    }
    s = find_branch(h, b, &branch, err);
    if (s) return s;
    whole = waiting_join(&h->waiting, b);
    if (!whole) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    branch.blocks[branch.count - 1] = whole;
    s = move(h, &branch, err);
    if (!s) {
        h->stats.blocks++;
        h->stats.logs += whole->log_count;
        h->stats.abandoned_logs += waiting_after(&h->waiting, b, h->kept.head, h->stats.blocks);
    }
    block_unref(whole);
    return s;
}

enum fan_status host_announce_block(struct host *h, struct slice json, struct fan_error *err)
{
    struct block *b;
    enum fan_status s = host_read_block(json, &b, err);

    if (s) return s;
    lock(h);
    s = announce_block(h, b, err);
    unlock(h);
    block_unref(b);
    return s;
}

enum fan_status host_move_head(struct host *h, const struct fan_hash *hash, struct fan_error *err)
{
    struct branch branch = {0};
    bool is_canonical = false;
    struct block *b;
    enum fan_status s = FAN_OK;

    lock(h);
    b = kept_by_hash(&h->kept, hash, &is_canonical);
    if (!b || !is_canonical) {
        s = fan_error_set(err, FAN_ENOTFOUND, "head: no block of that hash is in the chain");
    } else if (b->header.number != h->kept.head) {
        branch.keep = b->header.number;
        s = move(h, &branch, err);
    }
    unlock(h);
    return s;
}

/* ---- logs ---- */

/* Logs from `at` on that belong to the same block as the first of them. */
static size_t run_of(const struct host_log_place *places, size_t at, size_t count)
{
    size_t end = at + 1;

    while (
        end < count && places[end].has_hash == places[at].has_hash &&
        (places[at].has_hash ? hash_eq(&places[end].hash, &places[at].hash) : places[end].number == places[at].number))
        end++;
    return end - at;
}

/* What is to be done with a run of logs; found for all runs before any is told. */
struct run {
    size_t at, count;
    struct block *of;         /* the canonical block they belong to, borrowed; NULL: they wait */
    struct waiting_run *wait; /* made for those that wait */
    struct block *whole;      /* for those that are told: the block with them */
    struct chain_event *e;    /* and its event; NULL: all were known */
    size_t repeated;
};

static enum fan_status prepare_late(struct host *h, struct run *r, const struct block *all)
{
    /* Field by field: its count of references changes meanwhile, on the threads of those who read it. */
    const struct block bare = {.header = r->of->header,
                               .hash = r->of->hash,
                               .has_receipts = r->of->has_receipts,
                               .header_json = r->of->header_json};
    struct block *late;
    struct arena a, whole_a;
    struct map set;
    bool is_new;
    enum fan_status s = FAN_OK;

    log_set_init(&set);
    late = host_copy_block(&bare, r->count, &a);
    r->whole = host_copy_block(r->of, r->count, &whole_a);
    if (!late || !r->whole) s = FAN_ENOMEM;
    for (size_t i = 0; !s && i < r->of->log_count; i++) s = log_set_add(&set, &r->of->logs[i], &is_new);
    for (size_t i = 0; !s && i < r->count; i++) {
        const struct log *l = &all->logs[r->at + i];

        s = log_set_add(&set, l, &is_new);
        if (s) break;
        if (!is_new) {
            r->repeated++;
            continue;
        }
        s = host_put_log(r->whole, &whole_a, l);
        if (!s) s = host_put_log(late, &a, l);
    }
    map_fini(&set);
    if (!s && late->log_count) {
        struct block *head = kept_head(&h->kept);

        r->e = chain_event_logs_new(late, r->whole, r->of == head ? r->whole : head);
        if (!r->e) s = FAN_ENOMEM;
    }
    block_unref(late);
    return s;
}

/* Where a run belongs. */
static enum fan_status place_run(struct host *h, struct run *r, const struct host_log_place *place,
                                 struct fan_error *err)
{
    bool is_canonical;

    if (place->has_hash) {
        r->of = kept_by_hash(&h->kept, &place->hash, &is_canonical);
        if (r->of && !is_canonical)
            return fan_error_set(err, FAN_EINVAL, "logs[%zu]: blockHash: that block was removed from the chain", r->at);
        if (r->of && place->has_number && place->number != r->of->header.number)
            return fan_error_set(err, FAN_EINVAL, "logs[%zu]: blockNumber: the block of that hash has number %llu",
                                 r->at, (unsigned long long)r->of->header.number);
        return FAN_OK;
    }
    r->of = kept_by_number(&h->kept, place->number);
    if (!r->of && h->kept.count && place->number <= h->kept.head)
        return fan_error_set(err, FAN_EINVAL, "logs[%zu]: blockNumber: block %llu is not kept any more", r->at,
                             (unsigned long long)place->number);
    return FAN_OK;
}

static void run_drop(struct run *r)
{
    chain_event_unref(r->e);
    block_unref(r->whole);
    waiting_run_free(r->wait);
}

static void run_do(struct host *h, struct run *r)
{
    h->stats.repeated += r->repeated;
    if (r->wait) {
        waiting_add(&h->waiting, r->wait, h->stats.blocks);
        r->wait = NULL;
    } else if (r->e) {
        h->stats.logs += r->e->added[0]->log_count;
        kept_replace(&h->kept, r->whole);
        chain_publish(&h->chain, r->e);
        r->e = NULL;
    }
}

/* Whether the last run's block has an earlier one: the last would build on what that one has not left yet. */
static bool is_repeated(const struct run *runs, size_t last)
{
    for (size_t i = 0; runs[last].of && i < last; i++)
        if (runs[i].of == runs[last].of) return true;
    return false;
}

static enum fan_status announce_logs(struct host *h, const struct block *all, const struct host_log_place *places,
                                     struct fan_error *err)
{
    struct run *runs = calloc(all->log_count + 1, sizeof *runs);
    size_t count = 0, logs = h->waiting.log_count, bytes = h->waiting.bytes;
    enum fan_status s = runs ? FAN_OK : FAN_ENOMEM;

    for (size_t at = 0; !s && at < all->log_count; at += runs[count++].count) {
        struct run *r = &runs[count];

        r->at = at;
        r->count = run_of(places, at, all->log_count);
        s = place_run(h, r, &places[at], err);
        if (!s && is_repeated(runs, count))
            s = fan_error_set(err, FAN_EINVAL, "logs[%zu]: the logs of one block must follow one another", at);
        if (s) break;
        if (r->of) {
            s = prepare_late(h, r, all);
            continue;
        }
        r->wait = waiting_run_new(&places[at], &all->logs[at], r->count);
        if (!r->wait) {
            s = FAN_ENOMEM;
            break;
        }
        logs += r->count;
        bytes += r->wait->bytes;
    }
    if (s == FAN_ENOMEM) (void)fan_error_set(err, s, "out of memory");
    if (!s && (logs > h->options.waiting_logs_max || bytes > h->options.waiting_bytes_max))
        s = fan_error_set(err, FAN_ELIMIT, "logs: %llu logs wait for blocks that were not announced, no more are taken",
                          (unsigned long long)h->waiting.log_count);
    for (size_t i = 0; !s && i < count; i++) run_do(h, &runs[i]);
    for (size_t i = 0; runs && i < all->log_count; i++) run_drop(&runs[i]);
    free(runs);
    return s;
}

enum fan_status host_announce_logs(struct host *h, struct slice json, struct fan_error *err)
{
    const struct host_log_place *places;
    struct block *all;
    enum fan_status s = host_read_logs(json, &all, &places, err);

    if (s) return s;
    lock(h);
    s = announce_logs(h, all, places, err);
    unlock(h);
    block_unref(all);
    return s;
}

/* ---- the rest ---- */

enum fan_status host_announce_pending(struct host *h, struct slice json, struct fan_error *err)
{
    struct pending_tx *p;
    struct chain_event *e;
    enum fan_status s = host_read_pending(json, &p, err);

    if (s) return s;
    e = chain_event_pending_new(p);
    pending_tx_unref(p);
    if (!e) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    lock(h);
    h->stats.pending++;
    chain_publish(&h->chain, e);
    unlock(h);
    return FAN_OK;
}

enum fan_status host_announce_syncing(struct host *h, struct slice json, struct fan_error *err)
{
    struct chain_sync sync;
    struct chain_event *e;
    enum fan_status s = host_read_syncing(json, &sync, err);

    if (s) return s;
    e = chain_event_syncing_new(&sync);
    if (!e) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    lock(h);
    h->sync = sync;
    chain_publish(&h->chain, e);
    unlock(h);
    return FAN_OK;
}

/* ---- the door ---- */

static enum fan_status op_head(struct chain *c, struct block **out)
{
    struct host *h = host_of(c);
    struct block *b;

    lock(h);
    b = kept_head(&h->kept);
    if (b) *out = block_ref(b);
    unlock(h);
    return b ? FAN_OK : FAN_ENOTFOUND;
}

static enum fan_status op_block_by_number(struct chain *c, uint64_t number, struct block **out)
{
    struct host *h = host_of(c);
    struct block *b;

    lock(h);
    b = kept_by_number(&h->kept, number);
    if (b) *out = block_ref(b);
    unlock(h);
    return b ? FAN_OK : FAN_ENOTFOUND;
}

static enum fan_status op_block_by_hash(struct chain *c, const struct fan_hash *hash, bool *out_canonical,
                                        struct block **out)
{
    struct host *h = host_of(c);
    struct block *b;

    lock(h);
    b = kept_by_hash(&h->kept, hash, out_canonical);
    if (b) *out = block_ref(b);
    unlock(h);
    return b ? FAN_OK : FAN_ENOTFOUND;
}

static void op_sync(struct chain *c, struct chain_sync *out)
{
    struct host *h = host_of(c);

    lock(h);
    *out = h->sync;
    unlock(h);
}

static const struct chain_config *op_config(struct chain *c)
{
    return &host_of(c)->config;
}

static const struct chain_ops ops = {
    .head = op_head,
    .block_by_number = op_block_by_number,
    .block_by_hash = op_block_by_hash,
    .sync = op_sync,
    .config = op_config,
    .metrics = host_metrics,
};

/* ---- lifecycle ---- */

enum fan_status host_new(const struct host_options *options, struct host **out)
{
    struct host *h = calloc(1, sizeof *h);

    if (!h) return FAN_ENOMEM;
    if (options) h->options = *options;
    if (!h->options.chain_id) h->options.chain_id = 1;
    if (!h->options.history) h->options.history = HISTORY;
    if (!h->options.waiting_logs_max) h->options.waiting_logs_max = WAITING_LOGS_MAX;
    if (!h->options.waiting_bytes_max) h->options.waiting_bytes_max = WAITING_BYTES_MAX;
    if (kept_init(&h->kept, h->options.history) || pthread_mutex_init(&h->lock, NULL)) {
        kept_fini(&h->kept);
        free(h);
        return FAN_ENOMEM;
    }
    waiting_init(&h->waiting);
    h->config.chain_id = h->options.chain_id;
    h->chain.ops = &ops;
    *out = h;
    return FAN_OK;
}

void host_free(struct host *h)
{
    if (!h) return;
    waiting_fini(&h->waiting);
    kept_fini(&h->kept);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

struct chain *host_chain(struct host *h)
{
    return &h->chain;
}

void host_stats(struct host *h, struct host_stats *out)
{
    lock(h);
    *out = h->stats;
    out->waiting_logs = h->waiting.log_count;
    unlock(h);
}
