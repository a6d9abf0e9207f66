#include "chain/host.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "chain/host_read.h"
#include "codec/hex.h"

enum {
    HISTORY = 1024,
    WAITING_LOGS_MAX = 100000,
    WAITING_BYTES_MAX = 64 << 20,
    WAITING_BLOCKS = 128, /* logs whose block is so far below the head, or does not come for so long, are given up */
    ORPHANS = 256         /* removed blocks that are still found by hash */
};

/* Logs of one block that has not come, in the order they were told. */
struct waiting {
    struct waiting *next;
    struct host_log_place place;
    struct block *logs; /* nothing but logs */
    size_t bytes;
    uint64_t since; /* stats.blocks when they were told */
};

struct host {
    struct chain chain; /* first: the door */
    struct chain_config config;
    struct host_options options;
    pthread_mutex_t lock; /* over all that follows; announcements hold it until their event is published */
    struct block **ring;  /* canonical blocks by number % history; each a reference */
    uint64_t first, head; /* numbers of those in the ring; meaningless while count is 0 */
    size_t count;
    struct map by_hash; /* hash → struct block *, the ring's and the orphans' */
    struct block *orphans[ORPHANS];
    size_t orphan_at;
    struct waiting *waiting, **waiting_end;
    size_t waiting_bytes;
    struct chain_sync sync;
    struct host_stats stats;
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

static bool hash_eq(const struct fan_hash *a, const struct fan_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- what is known (under the lock; borrowed) ---- */

static struct block **slot(const struct host *h, uint64_t number)
{
    return &h->ring[number % h->options.history];
}

static struct block *canonical(const struct host *h, uint64_t number)
{
    return h->count && number >= h->first && number <= h->head ? *slot(h, number) : NULL;
}

static struct block *known(const struct host *h, const struct fan_hash *hash, bool *out_canonical)
{
    struct block **found = map_get(&h->by_hash, hash), *there;

    if (!found) return NULL;
    there = canonical(h, (*found)->header.number);
    *out_canonical = there && hash_eq(&there->hash, hash);
    return *out_canonical ? there : *found;
}

static struct block *head_of(const struct host *h)
{
    return h->count ? *slot(h, h->head) : NULL;
}

/* ---- changing it (under the lock; cannot fail: room was reserved) ---- */

static void forget(struct host *h, struct block *b)
{
    (void)map_delete(&h->by_hash, &b->hash);
    block_unref(b);
}

static void orphan(struct host *h, struct block *b)
{
    struct block **place = &h->orphans[h->orphan_at++ % ORPHANS];

    if (*place) forget(h, *place);
    *place = b;
}

/* A block that comes back to the chain is no orphan any more. */
static void adopt(struct host *h, const struct block *b)
{
    for (size_t i = 0; i < ORPHANS; i++) {
        if (!h->orphans[i] || !hash_eq(&h->orphans[i]->hash, &b->hash)) continue;
        forget(h, h->orphans[i]);
        h->orphans[i] = NULL;
    }
}

static void pop(struct host *h)
{
    orphan(h, *slot(h, h->head));
    h->head--;
    h->count--;
}

static void push(struct host *h, struct block *b)
{
    struct block **value;

    adopt(h, b);
    if (h->count == h->options.history) {
        forget(h, *slot(h, h->first++));
        h->count--;
    }
    if (!h->count) h->first = b->header.number;
    h->head = b->header.number;
    h->count++;
    *slot(h, h->head) = block_ref(b);
    value = map_put(&h->by_hash, &b->hash, NULL);
    assert(value);
    *value = b;
}

/* The same block with more logs takes its place. */
static void replace(struct host *h, struct block *b)
{
    struct block **place = slot(h, b->header.number), **value = map_get(&h->by_hash, &b->hash);

    assert(value);
    *value = b;
    block_unref(*place);
    *place = block_ref(b);
}

/* ---- logs that wait for their block ---- */

static struct waiting **take_out(struct host *h, struct waiting **at)
{
    struct waiting *w = *at;

    *at = w->next;
    if (!w->next) h->waiting_end = at;
    h->waiting_bytes -= w->bytes;
    h->stats.waiting_logs -= w->logs->log_count;
    block_unref(w->logs);
    free(w);
    return at;
}

static bool waits_for(const struct waiting *w, const struct block *b)
{
    return w->place.has_hash ? hash_eq(&w->place.hash, &b->hash) : w->place.number == b->header.number;
}

static bool is_same_log(const struct log *a, const struct log *b)
{
    return a->index != HOST_NO_INDEX && a->index == b->index && hash_eq(&a->tx_hash, &b->tx_hash);
}

static bool has_log(const struct block *b, const struct log *l)
{
    for (size_t i = 0; i < b->log_count; i++)
        if (is_same_log(&b->logs[i], l)) return true;
    return false;
}

static int by_index(const void *a, const void *b)
{
    const struct log *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

/* The block with the logs that waited for it, by logIndex, each once. NULL: out of memory. */
static struct block *with_waiting(struct host *h, struct block *b)
{
    size_t count = 0;
    struct block *whole;
    struct arena a;

    for (const struct waiting *w = h->waiting; w; w = w->next)
        if (waits_for(w, b)) count += w->logs->log_count;
    if (!count) return block_ref(b);
    whole = host_copy_block(b, count, &a);
    if (!whole) return NULL;
    for (const struct waiting *w = h->waiting; w; w = w->next) {
        for (size_t i = 0; waits_for(w, b) && i < w->logs->log_count; i++) {
            if (has_log(whole, &w->logs->logs[i])) continue;
            if (host_put_log(whole, &a, &w->logs->logs[i])) {
                block_unref(whole);
                return NULL;
            }
        }
    }
    qsort(whole->logs, whole->log_count, sizeof *whole->logs, by_index);
    return whole;
}

/* Those that have met their block, and those that never will. */
static void waiting_after(struct host *h, const struct block *b)
{
    for (struct waiting **at = &h->waiting; *at;) {
        struct waiting *w = *at;
        bool late = w->place.has_number ? h->head > WAITING_BLOCKS && w->place.number < h->head - WAITING_BLOCKS
                                        : h->stats.blocks - w->since > WAITING_BLOCKS; /* a hash says not how far */

        if (waits_for(w, b)) {
            at = take_out(h, at);
        } else if (late) {
            h->stats.abandoned_logs += w->logs->log_count;
            at = take_out(h, at);
        } else {
            at = &w->next;
        }
    }
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
    struct block *blocks[ORPHANS + 1];
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
        struct block *parent = known(h, parent_hash, &is_canonical);

        out->blocks[--i] = at;
        if (!parent) {
            if (at == b && (!h->count || b->header.number > h->head + 1)) {
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
    uint64_t keep = to->begins_anew ? h->head : to->keep;
    size_t removed_count = h->count ? (size_t)(h->head - keep) : 0;
    struct block **removed = malloc((removed_count + 1) * sizeof(struct block *));
    struct chain_event *e = NULL;

    if (removed && map_reserve(&h->by_hash, to->count)) {
        for (size_t i = 0; i < removed_count; i++) removed[i] = *slot(h, h->head - i);
        e = chain_event_head_new(removed, removed_count, to->blocks, to->count,
                                 to->count ? to->blocks[to->count - 1] : *slot(h, keep));
    }
    free(removed);
    if (!e) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (to->begins_anew && h->count) { /* the host skipped some: what lies below cannot be joined to this */
        h->stats.gaps++;
        while (h->count) pop(h);
    }
    for (size_t i = 0; i < removed_count; i++) pop(h);
    for (size_t i = 0; i < to->count; i++) push(h, to->blocks[i]);
    atomic_store(&h->chain.head_number, h->head);
    chain_publish(&h->chain, e);
    return FAN_OK;
}

static enum fan_status announce_block(struct host *h, struct block *b, struct fan_error *err)
{
    struct branch branch = {0};
    struct block *whole;
    bool is_canonical;
    enum fan_status s;

    if (known(h, &b->hash, &is_canonical) && is_canonical) {
        h->stats.repeated++;
        return FAN_OK;
    }
    s = find_branch(h, b, &branch, err);
    if (s) return s;
    whole = with_waiting(h, b);
    if (!whole) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    branch.blocks[branch.count - 1] = whole;
    s = move(h, &branch, err);
    if (!s) {
        h->stats.blocks++;
        h->stats.logs += whole->log_count;
        waiting_after(h, b);
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
    b = known(h, hash, &is_canonical);
    if (!b || !is_canonical) {
        s = fan_error_set(err, FAN_ENOTFOUND, "head: no block of that hash is in the chain");
    } else if (b->header.number != h->head) {
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
    struct block *of;      /* the canonical block they belong to, borrowed; NULL: they wait */
    struct waiting *wait;  /* made for those that wait */
    struct block *whole;   /* for those that are told: the block with them */
    struct chain_event *e; /* and its event; NULL: all were known */
    size_t repeated;
};

static enum fan_status prepare_wait(struct run *r, const struct block *all, const struct host_log_place *places)
{
    const struct block nothing = {.header_json = SLICE("-")}; /* logs and nothing else */
    struct arena a;

    r->wait = calloc(1, sizeof *r->wait);
    if (!r->wait) return FAN_ENOMEM;
    r->wait->place = places[r->at];
    r->wait->logs = host_copy_block(&nothing, r->count, &a);
    if (!r->wait->logs) return FAN_ENOMEM;
    for (size_t i = 0; i < r->count; i++)
        if (host_put_log(r->wait->logs, &a, &all->logs[r->at + i])) return FAN_ENOMEM;
    r->wait->bytes = sizeof *r->wait + sizeof(struct block) + r->wait->logs->memory.bytes;
    return FAN_OK;
}

static enum fan_status prepare_late(struct host *h, struct run *r, const struct block *all)
{
    /* Field by field: its count of references changes meanwhile, on the threads of those who read it. */
    const struct block bare = {.header = r->of->header,
                               .hash = r->of->hash,
                               .has_receipts = r->of->has_receipts,
                               .header_json = r->of->header_json};
    struct block *late;
    struct arena a, whole_a;
    enum fan_status s = FAN_OK;

    late = host_copy_block(&bare, r->count, &a);
    r->whole = host_copy_block(r->of, r->count, &whole_a);
    if (!late || !r->whole) s = FAN_ENOMEM;
    for (size_t i = 0; !s && i < r->count; i++) {
        const struct log *l = &all->logs[r->at + i];

        if (has_log(r->whole, l)) {
            r->repeated++;
            continue;
        }
        s = host_put_log(r->whole, &whole_a, l);
        if (!s) s = host_put_log(late, &a, l);
    }
    if (!s && late->log_count) {
        r->e = chain_event_logs_new(late, r->whole, r->of->header.number == h->head ? r->whole : head_of(h));
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
        r->of = known(h, &place->hash, &is_canonical);
        if (r->of && !is_canonical)
            return fan_error_set(err, FAN_EINVAL, "logs[%zu]: blockHash: that block was removed from the chain", r->at);
        if (r->of && place->has_number && place->number != r->of->header.number)
            return fan_error_set(err, FAN_EINVAL, "logs[%zu]: blockNumber: the block of that hash has number %llu",
                                 r->at, (unsigned long long)r->of->header.number);
        return FAN_OK;
    }
    r->of = canonical(h, place->number);
    if (!r->of && h->count && place->number <= h->head)
        return fan_error_set(err, FAN_EINVAL, "logs[%zu]: blockNumber: block %llu is not kept any more", r->at,
                             (unsigned long long)place->number);
    return FAN_OK;
}

static void run_drop(struct run *r)
{
    chain_event_unref(r->e);
    block_unref(r->whole);
    if (!r->wait) return;
    block_unref(r->wait->logs);
    free(r->wait);
}

static void run_do(struct host *h, struct run *r)
{
    h->stats.repeated += r->repeated;
    if (r->wait) {
        r->wait->since = h->stats.blocks;
        r->wait->next = NULL;
        *h->waiting_end = r->wait;
        h->waiting_end = &r->wait->next;
        h->waiting_bytes += r->wait->bytes;
        h->stats.waiting_logs += r->count;
        r->wait = NULL;
    } else if (r->e) {
        h->stats.logs += r->e->added[0]->log_count;
        replace(h, r->whole);
        chain_publish(&h->chain, r->e);
        r->e = NULL;
    }
}

static enum fan_status announce_logs(struct host *h, const struct block *all, const struct host_log_place *places,
                                     struct fan_error *err)
{
    struct run *runs = calloc(all->log_count + 1, sizeof *runs);
    size_t count = 0, logs = h->stats.waiting_logs, bytes = h->waiting_bytes;
    enum fan_status s = runs ? FAN_OK : FAN_ENOMEM;

    for (size_t at = 0; !s && at < all->log_count; at += runs[count++].count) {
        struct run *r = &runs[count];

        r->at = at;
        r->count = run_of(places, at, all->log_count);
        s = place_run(h, r, &places[at], err);
        for (size_t i = 0; !s && r->of && i < count;
             i++) /* one block in two runs: the second builds on what the first leaves */
            if (runs[i].of == r->of)
                s = fan_error_set(err, FAN_EINVAL, "logs[%zu]: the logs of one block must follow one another", at);
        if (s) break;
        s = r->of ? prepare_late(h, r, all) : prepare_wait(r, all, places);
        if (!s && r->wait) {
            logs += r->count;
            bytes += r->wait->bytes;
        }
    }
    if (s == FAN_ENOMEM) (void)fan_error_set(err, s, "out of memory");
    if (!s && (logs > h->options.waiting_logs_max || bytes > h->options.waiting_bytes_max))
        s = fan_error_set(err, FAN_ELIMIT, "logs: %llu logs wait for blocks that were not announced, no more are taken",
                          (unsigned long long)h->stats.waiting_logs);
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
    b = head_of(h);
    if (b) *out = block_ref(b);
    unlock(h);
    return b ? FAN_OK : FAN_ENOTFOUND;
}

static enum fan_status op_block_by_number(struct chain *c, uint64_t number, struct block **out)
{
    struct host *h = host_of(c);
    struct block *b;

    lock(h);
    b = canonical(h, number);
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
    b = known(h, hash, out_canonical);
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
    h->ring = calloc(h->options.history, sizeof(struct block *));
    if (!h->ring || pthread_mutex_init(&h->lock, NULL)) {
        free(h->ring);
        free(h);
        return FAN_ENOMEM;
    }
    map_init(&h->by_hash, sizeof(struct fan_hash), sizeof(struct block *));
    h->waiting_end = &h->waiting;
    h->config.chain_id = h->options.chain_id;
    h->chain.ops = &ops;
    *out = h;
    return FAN_OK;
}

void host_free(struct host *h)
{
    if (!h) return;
    while (h->waiting) (void)take_out(h, &h->waiting);
    for (uint64_t i = 0; i < h->count; i++) block_unref(*slot(h, h->first + i));
    for (size_t i = 0; i < ORPHANS; i++) block_unref(h->orphans[i]);
    map_fini(&h->by_hash);
    free(h->ring);
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
    unlock(h);
}
