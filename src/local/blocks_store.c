#include "local/blocks_store.h"

/* ---- the cache ---- */

static struct block *cached(struct blocks *x, uint64_t number, uint64_t *out_generation)
{
    struct block *b;

    (void)pthread_mutex_lock(&x->cache_lock);
    *out_generation = x->generation;
    b = x->cache[number % BLOCKS_CACHED];
    b = b && b->header.number == number ? block_ref(b) : NULL;
    (void)pthread_mutex_unlock(&x->cache_lock);
    return b;
}

static void remember(struct blocks *x, struct block *b, uint64_t generation)
{
    struct block **slot = &x->cache[b->header.number % BLOCKS_CACHED], *old = NULL;

    (void)pthread_mutex_lock(&x->cache_lock);
    if (x->generation == generation) {
        old = *slot;
        *slot = block_ref(b);
    }
    (void)pthread_mutex_unlock(&x->cache_lock);
    block_unref(old);
}

/* ---- reading ---- */

static enum fan_status read_at(struct store_txn *t, uint64_t number, struct block **out, struct fan_error *err)
{
    struct fan_hash hash;
    enum fan_status s = store_hash_at(t, number, &hash);

    if (s) return s;
    s = store_block_get(t, number, &hash, out, err);
    return s == FAN_ENOTFOUND ? fan_error_set(err, FAN_EFORMAT, "its rows are missing") : s;
}

enum fan_status blocks_store_at(struct blocks *x, uint64_t number, struct block **out)
{
    uint64_t generation;
    struct block *b;
    struct store_txn *t;
    enum fan_status s;

    if (!x->store) return FAN_ENOTFOUND;
    b = cached(x, number, &generation);
    if (b) {
        *out = b;
        return FAN_OK;
    }
    s = store_read_begin(x->store, &t);
    if (s) return s;
    s = read_at(t, number, &b, NULL);
    store_read_end(t);
    if (s) return s;
    remember(x, b, generation);
    *out = b;
    return FAN_OK;
}

enum fan_status blocks_store_hash(struct blocks *x, uint64_t number, struct fan_hash *out)
{
    struct store_txn *t;
    enum fan_status s;

    if (!x->store) return FAN_ENOTFOUND;
    s = store_read_begin(x->store, &t);
    if (s) return s;
    s = store_hash_at(t, number, out);
    store_read_end(t);
    return s;
}

static enum fan_status read_by_hash(struct store_txn *t, const struct fan_hash *hash, bool *out_canonical,
                                    struct block **out)
{
    struct fan_hash there;
    uint64_t number;
    enum fan_status s = store_number_of(t, hash, &number);

    if (s) return s;
    s = store_hash_at(t, number, &there);
    if (s && s != FAN_ENOTFOUND) return s;
    *out_canonical = !s && memcmp(&there, hash, sizeof there) == 0;
    return store_block_get(t, number, hash, out, NULL);
}

enum fan_status blocks_store_by_hash(struct blocks *x, const struct fan_hash *hash, bool *out_canonical,
                                     struct block **out)
{
    struct store_txn *t;
    enum fan_status s;

    if (!x->store) return FAN_ENOTFOUND;
    s = store_read_begin(x->store, &t);
    if (s) return s;
    s = read_by_hash(t, hash, out_canonical, out);
    store_read_end(t);
    return s;
}

enum fan_status blocks_store_by_tx(struct blocks *x, const struct fan_hash *hash, struct block **out, size_t *out_index)
{
    uint64_t number, index;
    struct store_txn *t;
    struct block *b;
    enum fan_status s;

    if (!x->store) return FAN_ENOTFOUND;
    s = store_read_begin(x->store, &t);
    if (s) return s;
    s = store_tx_place(t, hash, &number, &index);
    if (!s) s = read_at(t, number, &b, NULL);
    store_read_end(t);
    if (s) return s;
    if (index >= b->tx_count || memcmp(&b->txs[index].hash, hash, sizeof *hash) != 0) {
        block_unref(b);
        return FAN_EFORMAT;
    }
    *out = b;
    *out_index = (size_t)index;
    return FAN_OK;
}

enum fan_status blocks_store_head(struct blocks *x, struct block **out, struct fan_error *err)
{
    struct fan_error why = {""};
    uint64_t number = 0;
    struct store_txn *t;
    enum fan_status s = store_read_begin(x->store, &t);

    if (s) return fan_error_set(err, s, "%s: it cannot be read: %s", store_dir(x->store), fan_status_text(s));
    s = store_head_number(t, &number);
    if (!s) s = read_at(t, number, out, &why);
    store_read_end(t);
    if (s == FAN_ENOTFOUND) return s;
    if (s)
        return fan_error_set(err, s, "%s: block %llu cannot be read: %s", store_dir(x->store),
                             (unsigned long long)number, why.text[0] ? why.text : fan_status_text(s));
    return FAN_OK;
}
