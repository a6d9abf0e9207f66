/* Reorgs made to order (anvil_reorg): the last blocks go, and as many others come. Without transactions of their own
 * the new blocks take those of the old ones, which go back into the pool as in a reorg between nodes; with them they
 * hold exactly those, as in anvil. */
#include <inttypes.h>
#include <stdlib.h>

#include "codec/u256.h"
#include "local/node.h"

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

/* ---- transactions that were given ---- */

static uint64_t used_before(const struct chain_reorg_tx *txs, size_t at)
{
    uint64_t used = 0;

    for (size_t i = 0; i < at; i++)
        used += memcmp(&txs[i].tx.sender, &txs[at].tx.sender, sizeof txs[at].tx.sender) == 0;
    return used;
}

/* What was given unsigned gets its nonce and signature. txs stand in the order of their blocks. */
static enum fan_status sign_given(struct local *l, struct state_view *fork, struct chain_reorg_tx *txs, size_t count,
                                  struct arena *a, struct fan_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct tx *tx = &txs[i].tx;
        const uint8_t *secret;
        struct fan_u256 balance;
        enum fan_status s;

        if (txs[i].is_signed) continue;
        if (!txs[i].has_nonce) {
            if (!account_in_view(fork, &tx->sender, &tx->nonce, &balance)) return FAN_EIO;
            tx->nonce += used_before(txs, i);
        }
        secret = l->chain.dev->secret_of(&l->chain, &tx->sender);
        if (!secret && !l->chain.dev->may_impersonate(&l->chain, &tx->sender))
            return fan_error_set(err, FAN_EREJECTED, "No Signer available");
        s = secret ? tx_sign(tx, secret, a) : dev_sign_as_sender(tx, a);
        if (s) return s;
    }
    return FAN_OK;
}

static int by_block(const void *a, const void *b)
{
    const struct chain_reorg_tx *x = a, *y = b;

    if (x->block != y->block) return x->block < y->block ? -1 : 1;
    return x->position < y->position ? -1 : 1;
}

/* The new branch: as many blocks as went, the pool's transactions in the first (or those that
 * were given, where they are wanted, and no other), the timestamps of the old ones. */
struct branch {
    struct built built[REORG_BLOCKS_MAX];
    struct block *blocks[REORG_BLOCKS_MAX];
    size_t count;
    const struct chain_reorg_tx *given; /* in the order of their blocks */
    size_t given_count, left;
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
        plan.only_given = br->given_count != 0;
        while (plan.given_count < br->left && br->given[plan.given_count].block == br->count) plan.given_count++;
        plan.given = br->given;
        s = builder_build(l, parent, *view, br->blocks, br->count, &plan, false, b, err);
    }
    block_unref(old);
    block_unref(parent);
    if (s) return s;
    if (plan.given_count) br->given += plan.given_count;
    br->left -= plan.given_count;
    br->blocks[br->count++] = b->block;
    s = state_view_after(*view, b->diff, &after);
    if (s) return s;
    state_view_unref(*view);
    *view = after;
    return FAN_OK;
}

static enum fan_status reorg(struct local *l, uint64_t keep, uint64_t depth, struct branch *br, struct fan_error *err)
{
    struct state_view *view = NULL, *fork = NULL;
    struct chain_reorg_tx *given = NULL;
    struct arena_home home;
    struct arena a;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    l->turns++; /* the new blocks must differ from the old ones even where all else is the same */
    s = state_db_at(l->state, keep, &fork);
    if (!s && br->given_count) {
        given = ARENA_ARRAY(&a, br->given_count, struct chain_reorg_tx);
        if (given) memcpy(given, br->given, br->given_count * sizeof *given);
        for (size_t i = 0; given && i < br->given_count; i++) given[i].position = i;
        if (given) qsort(given, br->given_count, sizeof *given, by_block);
        br->given = given;
        s = given ? sign_given(l, fork, given, br->given_count, &a, err) : FAN_ENOMEM;
    } else if (!s) {
        pool_reset(&l->pool, account_in_view, fork);
        s = put_back(l, fork, keep);
    }
    if (!s) view = state_view_ref(fork);
    while (!s && br->count < depth) {
        s = grow_branch(l, br, keep, &view, err);
        if (!s && !br->given_count && br->count < depth)
            pool_reset(&l->pool, account_in_view, view); /* what is in this block leaves the pool */
    }
    if (!s)
        s = head_move(l, keep, 0, br->built, br->count, true, err);
    else
        pool_reset(&l->pool, account_at_head, l);
    state_view_unref(view);
    state_view_unref(fork);
    arena_home_fini(&home);
    return s;
}

enum fan_status turn_reorg(struct chain *c, uint64_t depth, const struct chain_reorg_tx *txs, size_t count,
                           struct fan_error *err)
{
    struct local *l = local_of(c);
    uint64_t keep = head_peek(l)->header.number - depth;
    enum fan_status s = turn_check_depth(l, depth, err);
    struct branch *br;

    for (size_t i = 0; !s && i < count; i++)
        if (txs[i].block >= depth)
            s = fan_error_set(err, FAN_EINVAL,
                              "Block number for reorg tx will exceed the reorged chain height. Block number %" PRIu64
                              " must not exceed (depth-1) %" PRIu64,
                              txs[i].block, depth - 1);
    if (s || !depth) return s;
    br = calloc(1, sizeof *br);
    if (!br) return FAN_ENOMEM;
    br->given = txs;
    br->given_count = br->left = count;
    s = reorg(l, keep, depth, br, err);
    for (size_t i = 0; i < br->count; i++) built_fini(&br->built[i]);
    free(br);
    return s;
}
