#include "local/pool.h"

#include <stdlib.h>

#include "codec/u256.h"

enum fan_status pool_init(struct pool *p, const struct local_pool_limits *limits)
{
    memset(p, 0, sizeof *p);
    p->limits = *limits;
    if (!p->limits.executable_per_account) p->limits.executable_per_account = 16;
    if (!p->limits.executable_max) p->limits.executable_max = 5120;
    if (!p->limits.queued_per_account) p->limits.queued_per_account = 64;
    if (!p->limits.queued_max) p->limits.queued_max = 1024;
    if (!p->limits.blobs_per_account) p->limits.blobs_per_account = 16;
    if (!p->limits.bytes_max) p->limits.bytes_max = 131072;
    if (!p->limits.price_bump_percent) p->limits.price_bump_percent = 10;
    map_init(&p->by_sender, sizeof(struct fan_address), sizeof(struct pool_sender *));
    map_init(&p->by_hash, sizeof(struct fan_hash), sizeof(struct pending_tx *));
    return pthread_mutex_init(&p->lock, NULL) ? FAN_ESYSTEM : FAN_OK;
}

void pool_fini(struct pool *p)
{
    if (!p->by_hash.key_len) return;
    pool_drop_all(p);
    map_fini(&p->by_sender);
    map_fini(&p->by_hash);
    free(p->senders);
    (void)pthread_mutex_destroy(&p->lock);
    memset(p, 0, sizeof *p);
}

struct pending_tx *pool_get(struct pool *p, const struct fan_hash *hash)
{
    struct pending_tx **slot, *tx = NULL;

    (void)pthread_mutex_lock(&p->lock);
    slot = map_get(&p->by_hash, hash);
    if (slot) tx = pending_tx_ref(*slot);
    (void)pthread_mutex_unlock(&p->lock);
    return tx;
}

struct pool_sender *pool_sender_of(const struct pool *p, const struct fan_address *address)
{
    struct pool_sender **slot = map_get(&p->by_sender, address);

    return slot ? *slot : NULL;
}

static uint64_t nonce_at(const struct pool_sender *s, size_t at)
{
    return s->txs[at].pending->tx.nonce;
}

bool pool_find(const struct pool_sender *s, uint64_t nonce, size_t *out_at)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (nonce_at(s, middle) < nonce)
            low = middle + 1;
        else
            high = middle;
    }
    *out_at = low;
    return low < s->count && nonce_at(s, low) == nonce;
}

uint64_t pool_next_nonce(const struct pool_sender *s)
{
    return s->nonce + s->executable;
}

static void count_executable(struct pool *p, struct pool_sender *s)
{
    size_t n = 0;

    while (n < s->count && nonce_at(s, n) == s->nonce + n) n++;
    p->executable_count = p->executable_count - s->executable + n;
    s->executable = n;
}

static void forget_sender(struct pool *p, struct pool_sender *s)
{
    size_t i = 0;

    while (p->senders[i] != s) i++;
    p->senders[i] = p->senders[--p->sender_count];
    (void)map_delete(&p->by_sender, &s->address);
    free(s->txs);
    free(s);
}

/* Takes one transaction out of a sender's list; the list may then be empty. */
static void take_out(struct pool *p, struct pool_sender *s, size_t at)
{
    struct pending_tx *tx = s->txs[at].pending;

    (void)pthread_mutex_lock(&p->lock);
    (void)map_delete(&p->by_hash, &tx->tx.hash);
    (void)pthread_mutex_unlock(&p->lock);
    memmove(s->txs + at, s->txs + at + 1, (s->count - at - 1) * sizeof *s->txs);
    s->count--;
    p->tx_count--;
    p->changes++;
    pending_tx_unref(tx);
}

/* After taking out: the sender's entry stays only while something waits. */
static void settle(struct pool *p, struct pool_sender *s)
{
    count_executable(p, s);
    if (!s->count) forget_sender(p, s);
}

bool pool_drop(struct pool *p, const struct fan_hash *hash)
{
    struct pending_tx **slot = map_get(&p->by_hash, hash);
    struct pool_sender *s;
    size_t at;

    if (!slot) return false;
    s = pool_sender_of(p, &(*slot)->tx.sender);
    if (!pool_find(s, (*slot)->tx.nonce, &at)) return false;
    take_out(p, s, at);
    settle(p, s);
    return true;
}

void pool_drop_all(struct pool *p)
{
    while (p->sender_count) {
        struct pool_sender *s = p->senders[p->sender_count - 1];

        while (s->count) take_out(p, s, s->count - 1);
        settle(p, s);
    }
}

void pool_drop_after(struct pool *p, uint64_t arrival)
{
    for (size_t i = p->sender_count; i > 0; i--) {
        struct pool_sender *s = p->senders[i - 1];

        for (size_t at = s->count; at > 0; at--)
            if (s->txs[at - 1].arrival > arrival) take_out(p, s, at - 1);
        settle(p, s);
    }
}

void pool_reset(struct pool *p,
                bool (*account)(void *ctx, const struct fan_address *a, uint64_t *nonce, struct fan_u256 *balance),
                void *ctx)
{
    for (size_t i = p->sender_count; i > 0;
         i--) { /* backwards: a forgotten sender is replaced by the last one, which was seen */
        struct pool_sender *s = p->senders[i - 1];

        if (!account(ctx, &s->address, &s->nonce, &s->balance_wei)) continue;
        while (s->count && nonce_at(s, 0) < s->nonce) take_out(p, s, 0);
        for (size_t at = s->count; at > 0; at--)
            if (u256_cmp(&s->txs[at - 1].cost_wei, &s->balance_wei) > 0) take_out(p, s, at - 1);
        settle(p, s);
    }
}

/* ---- coming in ---- */

/* a > b by at least `percent` in a hundred? */
static bool pays_more(const struct fan_u256 *a, const struct fan_u256 *b, unsigned percent)
{
    struct fan_u256 least, hundred;

    if (!u256_mul_u64(b, 100 + percent, &least)) return false;
    if (!u256_mul_u64(a, 100, &hundred)) return true;
    return u256_cmp(&hundred, &least) >= 0 && u256_cmp(a, b) > 0;
}

static bool may_replace(const struct pool *p, const struct tx *old, const struct tx *new)
{
    bool blobs = old->type == TX_BLOB || new->type == TX_BLOB;
    unsigned percent = blobs ? 100 : p->limits.price_bump_percent;

    return pays_more(&new->gas_price_wei, &old->gas_price_wei, percent) &&
           pays_more(&new->priority_fee_wei, &old->priority_fee_wei, percent) &&
           (new->type != TX_BLOB || old->type != TX_BLOB ||
            pays_more(&new->blob_fee_max_wei, &old->blob_fee_max_wei, percent));
}

/* The last transaction in line of the sender that pays least and has more than its share, so that dropping it leaves no
 * gap. */
static struct pool_sender *cheapest(const struct pool *p)
{
    struct pool_sender *least = NULL;

    for (size_t i = 0; i < p->sender_count; i++) {
        struct pool_sender *s = p->senders[i];

        if (s->count == s->executable && s->executable <= p->limits.executable_per_account) continue;
        if (!least || u256_cmp(&s->txs[s->count - 1].pending->tx.priority_fee_wei,
                               &least->txs[least->count - 1].pending->tx.priority_fee_wei) < 0)
            least = s;
    }
    return least;
}

static enum fan_status make_room(struct pool *p, const struct tx *tx, struct fan_error *err)
{
    struct pool_sender *s;

    if (p->tx_count < p->limits.executable_max + p->limits.queued_max) return FAN_OK;
    s = cheapest(p);
    if (!s || memcmp(&s->address, &tx->sender, sizeof s->address) == 0)
        return fan_error_set(err, FAN_EREJECTED, "txpool is full");
    if (u256_cmp(&s->txs[s->count - 1].pending->tx.priority_fee_wei, &tx->priority_fee_wei) >= 0)
        return fan_error_set(err, FAN_EREJECTED, "transaction underpriced");
    take_out(p, s, s->count - 1);
    settle(p, s);
    return FAN_OK;
}

static struct pool_sender *sender_new(struct pool *p, const struct fan_address *address)
{
    struct pool_sender *s, **slot;

    if (p->sender_count == p->sender_cap) {
        size_t cap = p->sender_cap ? p->sender_cap * 2 : 16;
        struct pool_sender **wide = realloc(p->senders, cap * sizeof *wide);

        if (!wide) return NULL;
        p->senders = wide;
        p->sender_cap = cap;
    }
    s = calloc(1, sizeof *s);
    slot = s ? map_put(&p->by_sender, address, NULL) : NULL;
    if (!slot) {
        free(s);
        return NULL;
    }
    s->address = *address;
    *slot = s;
    p->senders[p->sender_count++] = s;
    return s;
}

static enum fan_status check_queue(const struct pool *p, const struct pool_sender *s, uint64_t account_nonce,
                                   const struct tx *tx, struct fan_error *err)
{
    uint64_t next = s ? pool_next_nonce(s) : account_nonce;
    size_t queued = s ? s->count - s->executable : 0;

    if (tx->nonce <= next) return FAN_OK;
    if (queued >= p->limits.queued_per_account)
        return fan_error_set(err, FAN_EREJECTED, "account limit exceeded: pooled %zu txs", s->count);
    if (p->tx_count - p->executable_count >= p->limits.queued_max)
        return fan_error_set(err, FAN_EREJECTED, "txpool is full");
    return FAN_OK;
}

/* The entry of the hash table under its lock; false when memory ran out. */
static bool publish_hash(struct pool *p, struct pending_tx *tx)
{
    struct pending_tx **slot;

    (void)pthread_mutex_lock(&p->lock);
    slot = map_put(&p->by_hash, &tx->tx.hash, NULL);
    if (slot) *slot = tx;
    (void)pthread_mutex_unlock(&p->lock);
    return slot != NULL;
}

enum fan_status pool_put(struct pool *p, struct pending_tx *tx, const struct fan_u256 *cost_wei, uint64_t nonce,
                         const struct fan_u256 *balance_wei, struct fan_error *err)
{
    struct pool_sender *s = pool_sender_of(p, &tx->tx.sender);
    size_t at = 0;
    enum fan_status status;

    if (s && pool_find(s, tx->tx.nonce, &at)) {
        if (!may_replace(p, &s->txs[at].pending->tx, &tx->tx))
            return fan_error_set(err, FAN_EREJECTED, "replacement transaction underpriced");
    } else {
        status = check_queue(p, s, nonce, &tx->tx, err);
        if (!status) status = make_room(p, &tx->tx, err);
        if (status) return status;
    }
    if (!s) s = sender_new(p, &tx->tx.sender);
    if (!s) return FAN_ENOMEM;
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        struct pool_tx *wide = realloc(s->txs, cap * sizeof *wide);

        if (wide) s->txs = wide;
        if (wide) s->cap = cap;
    }
    if (s->count == s->cap || !publish_hash(p, tx)) {
        if (!s->count) forget_sender(p, s);
        return FAN_ENOMEM;
    }
    if (pool_find(s, tx->tx.nonce, &at)) take_out(p, s, at);
    memmove(s->txs + at + 1, s->txs + at, (s->count - at) * sizeof *s->txs);
    s->txs[at] = (struct pool_tx){.pending = tx, .cost_wei = *cost_wei, .arrival = ++p->arrivals};
    s->count++;
    p->tx_count++;
    p->changes++;
    s->nonce = nonce;
    s->balance_wei = *balance_wei;
    count_executable(p, s);
    return FAN_OK;
}

/* ---- the builder's order: a heap of senders by the tip of their next transaction ---- */

/* Effective tip: what the coinbase gets per gas; zero where the fee does not reach the base fee (the builder then skips
 * it). */
static struct fan_u256 tip_of(const struct tx *tx, uint64_t base_fee_wei)
{
    struct fan_u256 price = tx_effective_gas_price(tx, base_fee_wei), base = u256_of(base_fee_wei), tip;

    return u256_sub(&price, &base, &tip) ? tip : u256_of(0);
}

/* Does a come before b? The earlier arrival wins a tie. */
static bool before(const struct pool_cursor *c, const struct pool_head *a, const struct pool_head *b)
{
    int order = c->pool->by_arrival ? 0 : u256_cmp(&a->tip_wei, &b->tip_wei);

    return order ? order > 0 : a->sender->txs[a->at].arrival < b->sender->txs[b->at].arrival;
}

static void sift_down(struct pool_cursor *c, size_t i)
{
    for (;;) {
        size_t best = i, left = 2 * i + 1, right = left + 1;
        struct pool_head swap;

        if (left < c->count && before(c, &c->heap[left], &c->heap[best])) best = left;
        if (right < c->count && before(c, &c->heap[right], &c->heap[best])) best = right;
        if (best == i) return;
        swap = c->heap[i];
        c->heap[i] = c->heap[best];
        c->heap[best] = swap;
        i = best;
    }
}

enum fan_status pool_cursor_init(struct pool_cursor *c, const struct pool *p, uint64_t base_fee_wei)
{
    memset(c, 0, sizeof *c);
    c->pool = p;
    c->base_fee_wei = base_fee_wei;
    if (!p->sender_count) return FAN_OK;
    c->heap = calloc(p->sender_count, sizeof *c->heap);
    if (!c->heap) return FAN_ENOMEM;
    for (size_t i = 0; i < p->sender_count; i++) {
        struct pool_sender *s = p->senders[i];

        if (s->executable)
            c->heap[c->count++] =
                (struct pool_head){.sender = s, .tip_wei = tip_of(&s->txs[0].pending->tx, base_fee_wei)};
    }
    for (size_t i = c->count / 2; i > 0; i--) sift_down(c, i - 1);
    return FAN_OK;
}

void pool_cursor_fini(struct pool_cursor *c)
{
    free(c->heap);
    memset(c, 0, sizeof *c);
}

struct pool_tx *pool_cursor_peek(struct pool_cursor *c)
{
    return c->count ? &c->heap[0].sender->txs[c->heap[0].at] : NULL;
}

void pool_cursor_skip_sender(struct pool_cursor *c)
{
    c->heap[0] = c->heap[--c->count];
    sift_down(c, 0);
}

void pool_cursor_next(struct pool_cursor *c)
{
    struct pool_head *h = &c->heap[0];

    if (++h->at >= h->sender->executable) {
        pool_cursor_skip_sender(c);
        return;
    }
    h->tip_wei = tip_of(&h->sender->txs[h->at].pending->tx, c->base_fee_wei);
    sift_down(c, 0);
}
