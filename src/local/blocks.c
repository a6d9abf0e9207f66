#include "local/blocks.h"

#include <stdlib.h>

#include "local/blocks_store.h"

enum fan_status blocks_init(struct blocks *x)
{
    pthread_rwlockattr_t attr;
    int failed;

    memset(x, 0, sizeof *x);
    map_init(&x->by_hash, sizeof(struct fan_hash), sizeof(struct block *));
    map_init(&x->by_tx, sizeof(struct fan_hash), sizeof(struct block_place));
    log_memory_init(&x->logs);
    (void)pthread_mutex_init(&x->cache_lock, NULL);
    if (pthread_rwlockattr_init(&attr)) return FAN_ESYSTEM;
    /* A stream of readers must not keep the writer waiting: glibc's default prefers readers. */
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    failed = pthread_rwlock_init(&x->lock, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    return failed ? FAN_ESYSTEM : FAN_OK;
}

void blocks_fini(struct blocks *x)
{
    void *value;

    if (!x->by_hash.key_len) return;
    for (size_t at = 0; map_next(&x->by_hash, &at, NULL, &value);) block_unref(*(struct block **)value);
    for (size_t i = 0; i < BLOCKS_CACHED; i++) block_unref(x->cache[i]);
    map_fini(&x->by_hash);
    map_fini(&x->by_tx);
    log_memory_fini(&x->logs);
    log_postings_fini(&x->coming);
    log_postings_fini(&x->going);
    block_unref(x->stay);
    free(x->canonical);
    chain_remote_unref(x->remote);
    (void)pthread_rwlock_destroy(&x->lock);
    (void)pthread_mutex_destroy(&x->cache_lock);
    memset(x, 0, sizeof *x);
}

void blocks_hold(struct blocks *x)
{
    (void)pthread_rwlock_rdlock(&x->lock);
}

void blocks_release(struct blocks *x)
{
    (void)pthread_rwlock_unlock(&x->lock);
}

void blocks_lock(struct blocks *x)
{
    (void)pthread_rwlock_wrlock(&x->lock);
}

void blocks_unlock(struct blocks *x)
{
    (void)pthread_rwlock_unlock(&x->lock);
}

/* ---- reading ---- */

struct block *blocks_peek(const struct blocks *x)
{
    return blocks_at(x, blocks_end(x) - 1);
}

static size_t held(const struct blocks *x)
{
    return (size_t)(blocks_end(x) - x->low);
}

struct block *blocks_head(struct blocks *x)
{
    struct block *b;

    blocks_hold(x);
    b = held(x) ? block_ref(blocks_peek(x)) : NULL;
    blocks_release(x);
    return b;
}

enum fan_status blocks_by_number(struct blocks *x, uint64_t number, struct block **out)
{
    struct block *b;
    bool older;

    blocks_hold(x);
    b = blocks_at(x, number);
    if (b) *out = block_ref(b);
    older = number < x->low;
    blocks_release(x);
    if (b) return FAN_OK;
    return older ? blocks_store_at(x, number, out) : FAN_ENOTFOUND;
}

enum fan_status blocks_by_hash(struct blocks *x, const struct fan_hash *hash, bool *out_canonical, struct block **out)
{
    struct block **slot;

    blocks_hold(x);
    slot = map_get(&x->by_hash, hash);
    if (slot) {
        *out = block_ref(*slot);
        *out_canonical = blocks_at(x, (*slot)->header.number) == *slot;
    }
    blocks_release(x);
    return slot ? FAN_OK : blocks_store_by_hash(x, hash, out_canonical, out);
}

enum fan_status blocks_by_tx(struct blocks *x, const struct fan_hash *hash, struct block **out, size_t *out_index)
{
    struct block_place *place;

    blocks_hold(x);
    place = map_get(&x->by_tx, hash);
    if (place) {
        *out = block_ref(blocks_at(x, place->number));
        *out_index = (size_t)place->index;
    }
    blocks_release(x);
    return place ? FAN_OK : blocks_store_by_tx(x, hash, out, out_index);
}

enum fan_status blocks_hash_at(struct blocks *x, uint64_t number, struct fan_hash *out)
{
    struct block *b;
    bool older;

    blocks_hold(x);
    b = blocks_at(x, number);
    if (b) *out = b->hash;
    older = number < x->low;
    blocks_release(x);
    if (b) return FAN_OK;
    return older ? blocks_store_hash(x, number, out) : FAN_ENOTFOUND;
}

struct chain_remote *blocks_remote(struct blocks *x)
{
    struct chain_remote *r;

    blocks_hold(x);
    r = x->remote ? chain_remote_ref(x->remote) : NULL;
    blocks_release(x);
    return r;
}

uint64_t blocks_first(struct blocks *x)
{
    uint64_t first;

    blocks_hold(x);
    first = x->first;
    blocks_release(x);
    return first;
}

enum fan_status blocks_ancestor_hash(struct blocks *x, uint64_t number, struct fan_hash *out)
{
    struct chain_remote *r;
    enum fan_status s = blocks_hash_at(x, number, out);

    if (s != FAN_ENOTFOUND) return s;
    r = blocks_remote(x);
    if (!r) return FAN_ENOTFOUND;
    s = r->ops->block_hash(r, number, out); /* above the fork: FAN_ENOTFOUND */
    chain_remote_unref(r);
    return s;
}

enum fan_status blocks_range(struct blocks *x, uint64_t number, size_t count, struct block **out, size_t *out_count)
{
    size_t n = 0;
    uint64_t low;
    enum fan_status s = FAN_OK;

    blocks_hold(x);
    low = x->low;
    blocks_release(x);
    for (; n < count && number < low && !s; n += !s, number += !s) s = blocks_store_at(x, number, &out[n]);
    if (s == FAN_ENOTFOUND) s = FAN_ESTALE; /* it was there a moment ago: the chain turned */
    blocks_hold(x);
    for (; n < count && !s && blocks_at(x, number); n++, number++) out[n] = block_ref(blocks_at(x, number));
    if (!s && n < count && number < x->low) s = FAN_ESTALE; /* it left memory in between; asked again, it comes */
    blocks_release(x);
    if (s)
        while (n) block_unref(out[--n]);
    else
        *out_count = n;
    return s;
}

enum fan_status blocks_is_canonical(struct blocks *x, const struct block *b)
{
    struct block *here = blocks_at(x, b->header.number);
    struct fan_hash hash;
    enum fan_status s;

    if (here) return memcmp(&here->hash, &b->hash, sizeof b->hash) == 0 ? FAN_OK : FAN_ESTALE;
    if (b->header.number >= x->low) return FAN_ESTALE;
    s = blocks_store_hash(x, b->header.number, &hash);
    if (s) return s == FAN_ENOTFOUND ? FAN_ESTALE : s;
    return memcmp(&hash, &b->hash, sizeof hash) == 0 ? FAN_OK : FAN_ESTALE;
}

/* ---- the writer ---- */

static bool reserve_locked(struct blocks *x, size_t blocks, size_t txs)
{
    blocks++; /* the one that stays may have to come into memory */
    if (!map_reserve(&x->by_hash, blocks) || !map_reserve(&x->by_tx, txs)) return false;
    if (x->start && x->start + held(x) + blocks > x->cap) {
        memmove(x->canonical, x->canonical + x->start, held(x) * sizeof(struct block *));
        x->start = 0;
    }
    if (held(x) + blocks > x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 64;
        struct block **wide;

        while (cap < held(x) + blocks) cap *= 2;
        wide = realloc(x->canonical, cap * sizeof *wide);
        if (!wide) return false;
        x->canonical = wide;
        x->cap = cap;
    }
    return true;
}

/* Hashing what the log index is to learn takes longer than all else, and readers need not wait for it. */
static void prepare_logs(struct blocks *x, uint64_t keep, struct block *const *added, size_t count)
{
    x->coming.count = x->going.count = 0;
    x->coming.failed = x->going.failed = false;
    if (x->store) return;
    for (uint64_t n = keep; n < blocks_end(x); n++) log_postings_add(&x->going, blocks_at(x, n));
    for (size_t i = 0; i < count; i++) log_postings_add(&x->coming, added[i]);
}

/* Where the chain turns back behind all that is in memory, its new head is fetched. */
static bool prepare_stay(struct blocks *x, uint64_t keep)
{
    block_unref(x->stay);
    x->stay = NULL;
    if (keep == x->first || keep > x->low) return true;
    return blocks_store_at(x, keep - 1, &x->stay) == FAN_OK;
}

bool blocks_prepare(struct blocks *x, uint64_t keep, struct block *const *added, size_t count)
{
    size_t txs = 0;
    bool done;

    if (!prepare_stay(x, keep)) return false;
    for (size_t i = 0; i < count; i++) txs += added[i]->tx_count;
    if (x->stay) txs += x->stay->tx_count;
    prepare_logs(x, keep, added, count);
    blocks_lock(x);
    done = reserve_locked(x, count, txs);
    blocks_unlock(x);
    return done;
}

static void forget_txs(struct blocks *x, const struct block *b)
{
    for (size_t i = 0; i < b->tx_count; i++) {
        struct block_place *place = map_get(&x->by_tx, &b->txs[i].hash);

        if (place && place->number == b->header.number) (void)map_delete(&x->by_tx, &b->txs[i].hash);
    }
}

static void forget_hash(struct blocks *x, const struct fan_hash *hash)
{
    struct block **slot = map_get(&x->by_hash, hash), *b;

    if (!slot) return;
    b = *slot;
    (void)map_delete(&x->by_hash, hash);
    block_unref(b);
}

/* The block leaves the chain; it stays readable by hash for a while. */
static void orphan(struct blocks *x, struct block *b)
{
    struct fan_hash *place = &x->orphans[x->orphan_count % INDEX_ORPHANS_MAX];

    forget_txs(x, b);
    if (x->orphan_count >= INDEX_ORPHANS_MAX) {
        struct block **slot = map_get(&x->by_hash, place);

        /* The same block may have become canonical again, or have been orphaned twice: then it is not ours to drop. */
        if (slot && blocks_at(x, (*slot)->header.number) != *slot) forget_hash(x, place);
    }
    *place = b->hash;
    x->orphan_count++;
}

static void add(struct blocks *x, struct block *b)
{
    struct block **slot;
    bool fresh;

    assert(b->header.number == blocks_end(x) && x->start + held(x) < x->cap);
    slot = map_put(&x->by_hash, &b->hash, &fresh);
    if (!fresh) block_unref(*slot); /* the very same block, built again after a rewind */
    *slot = block_ref(b);
    x->canonical[x->start + held(x)] = b;
    x->count++;
    x->bytes += b->memory.bytes;
    for (size_t t = 0; t < b->tx_count; t++) {
        struct block_place *place = map_put(&x->by_tx, &b->txs[t].hash, NULL);

        *place = (struct block_place){.number = b->header.number, .index = t};
    }
}

/* What the store has and nobody has asked for lately need not be here; the head stays. */
static void evict(struct blocks *x)
{
    uint64_t durable = atomic_load(&x->durable);

    while (x->store && held(x) > 1 && x->low < durable && (held(x) > BLOCKS_RECENT || x->bytes > BLOCKS_RECENT_BYTES)) {
        struct block *b = x->canonical[x->start];

        x->start++;
        x->low++;
        x->bytes -= b->memory.bytes;
        forget_txs(x, b);
        forget_hash(x, &b->hash);
    }
}

/* Nothing of the chain that was is remembered from before. */
static void turned(struct blocks *x)
{
    (void)pthread_mutex_lock(&x->cache_lock);
    x->generation++;
    for (size_t i = 0; i < BLOCKS_CACHED; i++) {
        block_unref(x->cache[i]);
        x->cache[i] = NULL;
    }
    (void)pthread_mutex_unlock(&x->cache_lock);
}

void blocks_switch(struct blocks *x, uint64_t keep, struct block *const *added, size_t count)
{
    assert(keep >= x->first && keep <= blocks_end(x) && (keep > x->low || x->stay || keep == x->first));
    if (keep < blocks_end(x)) turned(x);
    if (!x->store) {
        if (keep < blocks_end(x)) log_memory_remove(&x->logs, &x->going, keep);
        log_memory_add(&x->logs, &x->coming, keep + count);
    }
    while (held(x) && blocks_end(x) > keep) {
        struct block *b = blocks_peek(x);

        x->count--;
        x->bytes -= b->memory.bytes;
        orphan(x, b);
    }
    if (x->stay) { /* all that was in memory is gone */
        x->low = keep - 1;
        x->count = keep - 1 - x->first;
        add(x, x->stay);
        block_unref(x->stay);
        x->stay = NULL;
    }
    for (size_t i = 0; i < count; i++) add(x, added[i]);
    evict(x);
}

void blocks_durable(struct blocks *x, uint64_t below)
{
    atomic_store(&x->durable, below);
}

enum fan_status blocks_load(struct blocks *x, struct fan_error *err)
{
    struct block *head;
    enum fan_status s = blocks_store_head(x, &head, err);

    if (s) return s;
    blocks_lock(x);
    s = reserve_locked(x, 1, head->tx_count) ? FAN_OK : fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (!s) {
        x->low = head->header.number;
        x->count = x->low;
        add(x, head);
        blocks_durable(x, blocks_end(x));
    }
    blocks_unlock(x);
    block_unref(head);
    return s;
}

void blocks_begin(struct blocks *x, struct chain_remote *remote)
{
    assert(!x->count);
    if (remote) chain_remote_ref(remote);
    chain_remote_unref(x->remote);
    x->remote = remote;
    x->low = x->first = remote ? remote->block->header.number : 0;
}

void blocks_restart(struct blocks *x, struct chain_remote *remote, struct block *first)
{
    assert(!x->store);
    turned(x);
    while (held(x)) {
        struct block *b = blocks_peek(x);

        x->count--;
        x->bytes -= b->memory.bytes;
        orphan(x, b);
    }
    log_memory_fini(&x->logs);
    log_memory_init(&x->logs);
    x->start = 0;
    blocks_begin(x, remote);
    assert(first->header.number == x->first);
    blocks_switch(x, x->first, &first, 1);
}
