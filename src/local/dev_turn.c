/* What turns a development chain back: snapshots and their revert, rollback, and reorgs made to order. */
#include <inttypes.h>
#include <stdlib.h>

#include "codec/u256.h"
#include "local/node.h"

uint64_t turn_snapshot(struct chain *c)
{
    struct local *l = local_of(c);

    if (l->snapshot_count == l->snapshot_cap) {
        size_t cap = l->snapshot_cap ? l->snapshot_cap * 2 : 16;
        struct snapshot *wide = realloc(l->snapshots, cap * sizeof *wide);

        if (!wide) return 0; /* an id that no revert knows */
        l->snapshots = wide;
        l->snapshot_cap = cap;
    }
    l->snapshots[l->snapshot_count++] = (struct snapshot){.id = ++l->snapshot_ids,
                                                          .version = state_db_point(l->state).version,
                                                          .number = head_peek(l)->header.number,
                                                          .arrivals = l->pool.arrivals,
                                                          .time_offset_s = l->time_offset_s};
    return l->snapshot_ids;
}

bool turn_revert(struct chain *c, uint64_t id)
{
    struct local *l = local_of(c);
    size_t at = 0;
    struct snapshot s;

    while (at < l->snapshot_count && l->snapshots[at].id != id) at++;
    if (at == l->snapshot_count) return false;
    s = l->snapshots[at];
    pool_drop_after(&l->pool, s.arrivals);
    if (head_move(l, s.number, s.version, NULL, 0, false, NULL)) return false;
    l->snapshot_count = at; /* it and all later ones are used up */
    l->time_offset_s = s.time_offset_s;
    l->next_timestamp = 0;
    l->has_next_base_fee = l->has_next_prev_randao = false;
    return true;
}

static enum fan_status check_depth(struct local *l, uint64_t depth, struct fan_error *err)
{
    uint64_t head = head_peek(l)->header.number - l->index.first;

    if (depth > head)
        return fan_error_set(err, FAN_EINVAL, "depth %" PRIu64 " is larger than the chain of %" PRIu64 " blocks", depth,
                             head);
    if (depth > REORG_BLOCKS_MAX)
        return fan_error_set(err, FAN_ELIMIT, "depth %" PRIu64 " exceeds the limit of %d blocks", depth,
                             REORG_BLOCKS_MAX);
    return FAN_OK;
}

enum fan_status turn_rollback(struct chain *c, uint64_t depth, struct fan_error *err)
{
    struct local *l = local_of(c);
    enum fan_status s = check_depth(l, depth, err);

    if (s || !depth) return s;
    return head_move(l, head_peek(l)->header.number - depth, 0, NULL, 0, false, err);
}

static void forget_settings(struct local *l)
{
    l->snapshot_count = 0;
    l->time_offset_s = 0;
    l->next_timestamp = 0;
    l->has_timestamp_interval = l->has_next_base_fee = l->has_next_prev_randao = l->impersonate_all = false;
    l->coinbase = l->coinbase_first;
    l->gas_limit = l->gas_limit_first;
    map_clear(&l->impersonated);
    builder_forget_pending(l);
}

enum fan_status turn_reset(struct chain *c, struct fan_error *err)
{
    struct local *l = local_of(c);
    enum fan_status s;

    pool_drop_all(&l->pool);
    s = head_move(l, l->index.first, 1, NULL, 0, false, err); /* version 1 is the genesis before anybody edited it */
    if (!s) forget_settings(l);
    return s;
}

/* What the watchers are told: all blocks but the one it began with are gone. NULL in *out: there were none. */
static enum fan_status all_gone(struct local *l, struct block *head, struct chain_event **out)
{
    size_t count = (size_t)(blocks_end(&l->index) - l->index.first - 1);
    struct block **removed = malloc((count + 1) * sizeof *removed);

    *out = NULL;
    if (!removed) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) removed[i] = blocks_at(&l->index, blocks_end(&l->index) - 1 - i);
    if (count) *out = chain_event_head_new(removed, count, NULL, 0, head);
    free(removed);
    return count && !*out ? FAN_ENOMEM : FAN_OK;
}

enum fan_status turn_reset_onto(struct chain *c, struct chain_remote *remote, struct fan_error *err)
{
    struct local *l = local_of(c);
    struct chain_event *e = NULL;
    struct arena_home home;
    struct genesis g;
    struct arena a;
    enum fan_status s;

    if (!l->ground.genesis || l->keep) return fan_error_set(err, FAN_EUNSUPPORTED, "this chain stays where it is");
    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = l->ground.genesis(l->ground.ctx, remote, &a, &g, err);
    if (!s) s = all_gone(l, head_peek(l), &e);
    if (!s) {
        builder_forget_pending(l);
        pool_drop_all(&l->pool);
        s = genesis_build(l, &g, remote, err);
    }
    arena_home_fini(&home);
    if (s) {
        chain_event_unref(e);
        return s;
    }
    if (e) {
        block_unref(e->head);
        e->head = block_ref(head_peek(l));
    }
    forget_settings(l);
    l->turns++;
    atomic_store(&l->imported_number, 0);
    chain_publish(&l->chain, e);
    return FAN_OK;
}

/* ---- reorg ---- */

static bool account_in_view(void *ctx, const struct fan_address *a, uint64_t *nonce, struct fan_u256 *balance)
{
    struct state_account account;

    if (state_view_account(ctx, a, &account)) return false;
    *nonce = account.nonce;
    *balance = account.balance_wei;
    return true;
}

static bool account_at_head(void *ctx, const struct fan_address *a, uint64_t *nonce, struct fan_u256 *balance)
{
    return head_account(ctx, a, nonce, balance);
}

/* What a sender may have to pay, as the pool counts it; these were in blocks once, so it fits. */
static struct fan_u256 cost_of(const struct tx *tx)
{
    struct fan_u256 cost, blobs;

    (void)u256_mul_u64(&tx->gas_price_wei, tx->gas_limit, &cost);
    (void)u256_mul_u64(&tx->blob_fee_max_wei, tx->blob_count * 131072, &blobs);
    (void)u256_add(&cost, &blobs, &cost);
    (void)u256_add(&cost, &tx->value_wei, &cost);
    return cost;
}

static enum fan_status put_back_one(struct local *l, struct state_view *fork, const struct tx *tx)
{
    struct fan_u256 balance, cost = cost_of(tx);
    struct pending_tx *p;
    struct pool_sender *sender;
    uint64_t nonce;
    size_t at;

    if (map_get(&l->pool.by_hash, &tx->hash)) return FAN_OK;
    if (!account_in_view(fork, &tx->sender, &nonce, &balance)) return FAN_EIO;
    p = pending_tx_new(tx);
    if (!p) return FAN_ENOMEM;
    if (pool_put(&l->pool, p, &cost, nonce, &balance, NULL)) {
        pending_tx_unref(p);
        return FAN_OK;
    }
    sender = pool_sender_of(&l->pool, &tx->sender);
    if (pool_find(sender, tx->nonce, &at)) sender->txs[at].announced = true; /* it was, when it first came */
    return FAN_OK;
}

/* Puts the transactions of the blocks behind `keep` back into the pool, as they stood before. A sender whose nonce is
 * taken by a waiting replacement, or a pool that is full, loses the old one: it is then as if it had been dropped. */
static enum fan_status put_back(struct local *l, struct state_view *fork, uint64_t keep)
{
    enum fan_status s = FAN_OK;

    for (uint64_t n = keep + 1, head = head_peek(l)->header.number; n <= head && !s; n++) {
        struct block *b;

        s = blocks_by_number(&l->index, n, &b);
        if (s) return s;
        for (size_t i = 0; i < b->tx_count && !s; i++) s = put_back_one(l, fork, &b->txs[i]);
        block_unref(b);
    }
    return s;
}

/* The new branch: as many blocks as went, the pool's transactions in the first, the timestamps of the old ones. */
struct branch {
    struct built built[REORG_BLOCKS_MAX];
    struct block *blocks[REORG_BLOCKS_MAX];
    size_t count;
};

static enum fan_status grow_branch(struct local *l, struct branch *br, uint64_t keep, struct state_view **view,
                                   struct fan_error *err)
{
    struct block *parent = NULL, *old = NULL;
    struct seal_plan plan = {0};
    struct built *b = &br->built[br->count];
    struct state_view *after;
    enum fan_status s = FAN_OK;

    if (br->count)
        parent = block_ref(br->blocks[br->count - 1]);
    else
        s = blocks_by_number(&l->index, keep, &parent);
    if (!s) s = blocks_by_number(&l->index, keep + 1 + br->count, &old);
    if (!s) {
        plan.timestamp = max_u64(old->header.timestamp, parent->header.timestamp + 1);
        s = builder_build(l, parent, *view, br->blocks, br->count, &plan, false, NULL, NULL, b, err);
    }
    block_unref(old);
    block_unref(parent);
    if (s) return s;
    br->blocks[br->count++] = b->block;
    s = state_view_after(*view, b->diff, &after);
    if (s) return s;
    state_view_unref(*view);
    *view = after;
    return FAN_OK;
}

enum fan_status turn_reorg(struct chain *c, uint64_t depth, struct fan_error *err)
{
    struct local *l = local_of(c);
    uint64_t keep = head_peek(l)->header.number - depth;
    struct branch *br;
    struct state_view *view = NULL, *fork = NULL;
    enum fan_status s = check_depth(l, depth, err);

    if (s || !depth) return s;
    br = calloc(1, sizeof *br);
    if (!br) return FAN_ENOMEM;
    l->turns++; /* the new blocks must differ from the old ones even where all else is the same */
    s = state_db_at(l->state, keep, &fork);
    if (!s) pool_reset(&l->pool, account_in_view, fork);
    if (!s) s = put_back(l, fork, keep);
    if (!s) view = state_view_ref(fork);
    while (!s && br->count < depth) {
        s = grow_branch(l, br, keep, &view, err);
        if (!s && br->count < depth)
            pool_reset(&l->pool, account_in_view, view); /* what is in this block leaves the pool */
    }
    if (!s)
        s = head_move(l, keep, 0, br->built, br->count, true, err);
    else
        pool_reset(&l->pool, account_at_head, l);
    state_view_unref(view);
    state_view_unref(fork);
    for (size_t i = 0; i < br->count; i++) built_fini(&br->built[i]);
    free(br);
    return s;
}
