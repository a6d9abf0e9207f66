#include "local/blocks.h"

#include <stdlib.h>

enum fan_status blocks_init(struct blocks *x)
{
    pthread_rwlockattr_t attr;
    int failed;

    memset(x, 0, sizeof *x);
    map_init(&x->by_hash, sizeof(struct fan_hash), sizeof(struct block *));
    map_init(&x->by_tx, sizeof(struct fan_hash), sizeof(struct block_place));
    log_memory_init(&x->logs);
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
    map_fini(&x->by_hash);
    map_fini(&x->by_tx);
    log_memory_fini(&x->logs);
    log_postings_fini(&x->coming);
    log_postings_fini(&x->going);
    free(x->canonical);
    chain_remote_unref(x->remote);
    (void)pthread_rwlock_destroy(&x->lock);
    memset(x, 0, sizeof *x);
}

static void read_lock(struct blocks *x)
{
    (void)pthread_rwlock_rdlock(&x->lock);
}

void blocks_lock(struct blocks *x)
{
    (void)pthread_rwlock_wrlock(&x->lock);
}

void blocks_unlock(struct blocks *x)
{
    (void)pthread_rwlock_unlock(&x->lock);
}

struct block *blocks_peek(const struct blocks *x, uint64_t number)
{
    assert(blocks_has(x, number));
    return x->canonical[number - x->first];
}

static bool is_canonical(const struct blocks *x, const struct block *b)
{
    return blocks_has(x, b->header.number) && blocks_peek(x, b->header.number) == b;
}

struct block *blocks_head(struct blocks *x)
{
    struct block *b;

    read_lock(x);
    b = x->count ? block_ref(x->canonical[x->count - 1]) : NULL;
    blocks_unlock(x);
    return b;
}

struct block *blocks_by_number(struct blocks *x, uint64_t number)
{
    struct block *b;

    read_lock(x);
    b = blocks_has(x, number) ? block_ref(blocks_peek(x, number)) : NULL;
    blocks_unlock(x);
    return b;
}

struct block *blocks_by_hash(struct blocks *x, const struct fan_hash *hash, bool *out_canonical)
{
    struct block **slot, *b = NULL;

    read_lock(x);
    slot = map_get(&x->by_hash, hash);
    if (slot) {
        b = block_ref(*slot);
        *out_canonical = is_canonical(x, b);
    }
    blocks_unlock(x);
    return b;
}

struct block *blocks_by_tx(struct blocks *x, const struct fan_hash *hash, size_t *out_index)
{
    struct block_place *place;
    struct block *b = NULL;

    read_lock(x);
    place = map_get(&x->by_tx, hash);
    if (place) {
        b = block_ref(blocks_peek(x, place->number));
        *out_index = (size_t)place->index;
    }
    blocks_unlock(x);
    return b;
}

bool blocks_hash_at(struct blocks *x, uint64_t number, struct fan_hash *out)
{
    bool there;

    read_lock(x);
    there = blocks_has(x, number);
    if (there) *out = blocks_peek(x, number)->hash;
    blocks_unlock(x);
    return there;
}

struct chain_remote *blocks_remote(struct blocks *x)
{
    struct chain_remote *r;

    read_lock(x);
    r = x->remote ? chain_remote_ref(x->remote) : NULL;
    blocks_unlock(x);
    return r;
}

enum fan_status blocks_ancestor_hash(struct blocks *x, uint64_t number, struct fan_hash *out)
{
    struct chain_remote *r;
    enum fan_status s;

    if (blocks_hash_at(x, number, out)) return FAN_OK;
    r = blocks_remote(x);
    if (!r) return FAN_ENOTFOUND;
    s = r->ops->block_hash(r, number, out); /* above the fork: FAN_ENOTFOUND */
    chain_remote_unref(r);
    return s;
}

size_t blocks_range(struct blocks *x, uint64_t number, size_t count, struct block **out)
{
    size_t n = 0;

    read_lock(x);
    for (; n < count && blocks_has(x, number); n++, number++) out[n] = block_ref(blocks_peek(x, number));
    blocks_unlock(x);
    return n;
}

static bool reserve_locked(struct blocks *x, size_t blocks, size_t txs)
{
    if (!map_reserve(&x->by_hash, blocks) || !map_reserve(&x->by_tx, txs)) return false;
    if (x->count + blocks > x->cap) {
        size_t cap = x->cap ? x->cap * 2 : 64;
        struct block **wide;

        while (cap < x->count + blocks) cap *= 2;
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
    for (uint64_t n = keep; n < blocks_end(x); n++) log_postings_add(&x->going, blocks_peek(x, n));
    for (size_t i = 0; i < count; i++) log_postings_add(&x->coming, added[i]);
}

bool blocks_prepare(struct blocks *x, uint64_t keep, struct block *const *added, size_t count)
{
    size_t txs = 0;
    bool done;

    for (size_t i = 0; i < count; i++) txs += added[i]->tx_count;
    prepare_logs(x, keep, added, count);
    blocks_lock(x);
    done = reserve_locked(x, count, txs);
    blocks_unlock(x);
    return done;
}

/* The block leaves the chain; it stays readable by hash for a while. */
static void orphan(struct blocks *x, struct block *b)
{
    struct fan_hash *place = &x->orphans[x->orphan_count % INDEX_ORPHANS_MAX];

    for (size_t i = 0; i < b->tx_count; i++) {
        struct block_place *at = map_get(&x->by_tx, &b->txs[i].hash);

        if (at && at->number == b->header.number) (void)map_delete(&x->by_tx, &b->txs[i].hash);
    }
    if (x->orphan_count >= INDEX_ORPHANS_MAX) {
        struct block **slot = map_get(&x->by_hash, place);

        /* The same block may have become canonical again, or have been orphaned twice: then it is not ours to drop. */
        if (slot && !is_canonical(x, *slot)) {
            struct block *old = *slot;

            (void)map_delete(&x->by_hash, place);
            block_unref(old);
        }
    }
    *place = b->hash;
    x->orphan_count++;
}

void blocks_switch(struct blocks *x, uint64_t keep, struct block *const *added, size_t count)
{
    uint64_t end = blocks_end(x);

    assert(keep >= x->first && keep <= end && x->cap >= keep - x->first + count);
    if (keep < end) log_memory_remove(&x->logs, &x->going, keep);
    log_memory_add(&x->logs, &x->coming, keep + count);
    while (blocks_end(x) > keep) {
        x->count--;
        orphan(x, x->canonical[x->count]);
    }
    for (size_t i = 0; i < count; i++) {
        struct block *b = added[i];
        struct block **slot;
        bool fresh;

        assert(b->header.number == blocks_end(x));
        slot = map_put(&x->by_hash, &b->hash, &fresh);
        if (!fresh) block_unref(*slot); /* the very same block, built again after a rewind */
        *slot = block_ref(b);
        x->canonical[x->count++] = b;
        for (size_t t = 0; t < b->tx_count; t++) {
            struct block_place *place = map_put(&x->by_tx, &b->txs[t].hash, NULL);

            *place = (struct block_place){.number = b->header.number, .index = t};
        }
    }
}

void blocks_begin(struct blocks *x, struct chain_remote *remote)
{
    assert(!x->count);
    if (remote) chain_remote_ref(remote);
    chain_remote_unref(x->remote);
    x->remote = remote;
    x->first = remote ? remote->block->header.number : 0;
}
