/* The functions of chain/chain.h for a chain we execute. Those that any thread may call read the blocks, the state db
 * and the pool's table by hash, which guard themselves; the others are the writer's. */
#include <stdlib.h>

#include "local/node.h"
#include "local/proof.h"

static enum fan_status op_head(struct chain *c, struct block **out)
{
    struct block *head = blocks_head(&local_of(c)->index);

    if (!head) return FAN_ENOTFOUND;
    *out = head;
    return FAN_OK;
}

static enum fan_status op_finalized(struct chain *c, struct block **out_safe, struct block **out_finalized)
{
    struct local *l = local_of(c);
    struct block *head = blocks_head(&l->index), *safe, *finalized;
    uint64_t epoch = l->epoch_blocks, number = head->header.number,
             imported = min_u64(atomic_load(&l->imported_number), number);
    enum fan_status s;

    imported = max_u64(imported, blocks_first(&l->index)); /* what lies before a fork is the other node's */
    block_unref(head);
    s = blocks_by_number(&l->index, max_u64(imported, number > epoch ? number - epoch : 0), &safe);
    if (s) return s == FAN_ENOTFOUND ? FAN_ESTALE : s; /* the chain turned back in between */
    s = blocks_by_number(&l->index, max_u64(imported, number > 2 * epoch ? number - 2 * epoch : 0), &finalized);
    if (s) {
        block_unref(safe);
        return s == FAN_ENOTFOUND ? FAN_ESTALE : s;
    }
    *out_safe = safe;
    *out_finalized = finalized;
    return FAN_OK;
}

static enum fan_status op_block_by_number(struct chain *c, uint64_t number, struct block **out)
{
    return blocks_by_number(&local_of(c)->index, number, out);
}

static enum fan_status op_block_by_hash(struct chain *c, const struct fan_hash *hash, bool *out_canonical,
                                        struct block **out)
{
    return blocks_by_hash(&local_of(c)->index, hash, out_canonical, out);
}

static enum fan_status op_tx_by_hash(struct chain *c, const struct fan_hash *hash, struct block **out,
                                     size_t *out_index)
{
    return blocks_by_tx(&local_of(c)->index, hash, out, out_index);
}

static enum fan_status op_pending_by_hash(struct chain *c, const struct fan_hash *hash, struct pending_tx **out)
{
    struct pending_tx *tx = pool_get(&local_of(c)->pool, hash);

    if (!tx) return FAN_ENOTFOUND;
    *out = tx;
    return FAN_OK;
}

/* ---- state ---- */

static struct chain_state *state_new(struct local *l)
{
    struct chain_state *s = calloc(1, sizeof *s);

    if (s) s->local = l;
    return s;
}

static enum fan_status op_state_open(struct chain *c, const struct block *at, struct chain_state **out)
{
    struct local *l = local_of(c);
    struct chain_state *state = state_new(l);
    enum fan_status s;

    if (!state) return FAN_ENOMEM;
    blocks_hold(&l->index); /* so that block and state are of one moment (blocks.h) */
    s = blocks_is_canonical(&l->index, at);
    if (!s) s = state_db_at(l->state, at->header.number, &state->view);
    if (!s) state->db = state_db_ref(l->state);
    blocks_release(&l->index);
    if (s)
        free(state);
    else
        *out = state;
    return s;
}

static void op_state_close(struct chain *c, struct chain_state *s)
{
    (void)c;
    if (!s) return;
    state_view_unref(s->view);
    state_db_unref(s->db);
    block_unref(s->pending);
    free(s);
}

static void account_out(const struct state_account *from, struct chain_account *out)
{
    *out = (struct chain_account){.exists = from->exists,
                                  .nonce = from->nonce,
                                  .balance_wei = from->balance_wei,
                                  .code_hash = from->code_hash,
                                  .storage_root = from->storage_root};
}

static enum fan_status op_account(struct chain_state *s, const struct fan_address *a, struct chain_account *out)
{
    struct state_account account;
    enum fan_status status = state_view_account(s->view, a, &account);

    if (!status) account_out(&account, out);
    return status;
}

static enum fan_status op_slot(struct chain_state *s, const struct fan_address *a, const struct fan_u256 *slot,
                               struct fan_u256 *out)
{
    return state_view_slot(s->view, a, slot, out);
}

static enum fan_status op_code(struct chain_state *s, const struct fan_hash *code_hash, struct arena *a,
                               struct slice *out)
{
    return state_view_code(s->view, code_hash, a, out);
}

struct account_walk {
    bool (*each)(void *ctx, const struct fan_address *a, const struct chain_account *account);
    void *ctx;
};

static bool hand_on(void *ctx, const struct fan_address *address, const struct state_account *account)
{
    const struct account_walk *w = ctx;
    struct chain_account out;

    account_out(account, &out);
    return w->each(w->ctx, address, &out);
}

static bool is_fork(struct local *l)
{
    return atomic_load_explicit(&l->chain.forked, memory_order_acquire);
}

static enum fan_status
op_walk_accounts(struct chain_state *s,
                 bool (*each)(void *ctx, const struct fan_address *a, const struct chain_account *account), void *ctx)
{
    if (is_fork(s->local)) return FAN_EUNSUPPORTED;
    return state_view_walk_accounts(s->view, hand_on, &(struct account_walk){each, ctx});
}

static enum fan_status op_walk_slots(struct chain_state *s, const struct fan_address *a,
                                     bool (*each)(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value),
                                     void *ctx)
{
    if (is_fork(s->local)) return FAN_EUNSUPPORTED;
    return state_view_walk_slots(s->view, a, each, ctx);
}

static enum fan_status op_proof(struct chain_state *s, const struct fan_address *a, const struct fan_u256 *slots,
                                size_t slot_count, struct arena *arena, struct chain_proof *out)
{
    struct proof p;
    struct chain_slot_proof *made;
    enum fan_status status = proof_make(s->view, a, slots, slot_count, arena, &p);

    if (status) return status;
    made = ARENA_ARRAY(arena, slot_count, struct chain_slot_proof);
    if (!made) return FAN_ENOMEM;
    for (size_t i = 0; i < slot_count; i++)
        made[i] = (struct chain_slot_proof){p.slots[i].value, p.slots[i].nodes, p.slots[i].node_count};
    account_out(&p.account, &out->account);
    out->account_nodes = p.nodes;
    out->account_node_count = p.node_count;
    out->slots = made;
    return FAN_OK;
}

static void op_sync(struct chain *c, struct chain_sync *out)
{
    struct local *l = local_of(c);

    (void)pthread_mutex_lock(&l->sync_lock);
    *out = l->sync;
    (void)pthread_mutex_unlock(&l->sync_lock);
}

static struct chain_remote *op_remote(struct chain *c)
{
    return blocks_remote(&local_of(c)->index);
}

static const struct chain_config *op_config(struct chain *c)
{
    return config_of(local_of(c));
}

/* ---- the writer's ---- */

static enum fan_status op_submit(struct chain *c, const struct tx *tx, struct fan_hash *out_hash, struct fan_error *err)
{
    return submit(local_of(c), tx, false, out_hash, err);
}

static void op_submit_all(struct chain *c, struct chain_submission *const *s, size_t count)
{
    submit_all(local_of(c), s, count);
}

static uint64_t op_pending_nonce(struct chain *c, const struct fan_address *a)
{
    struct local *l = local_of(c);
    const struct pool_sender *s = pool_sender_of(&l->pool, a);
    struct fan_u256 balance;
    uint64_t nonce = 0;

    if (s) return pool_next_nonce(s);
    return head_account(l, a, &nonce, &balance) ? nonce : 0;
}

static enum fan_status op_pending_block(struct chain *c, struct block **out)
{
    struct local *l = local_of(c);
    enum fan_status s = builder_pending(l, NULL);

    if (!s) *out = block_ref(l->pending.block);
    return s;
}

static enum fan_status op_pending_state_open(struct chain *c, struct chain_state **out)
{
    struct local *l = local_of(c);
    struct chain_state *state;
    enum fan_status s = builder_pending(l, NULL);

    if (s) return s;
    state = state_new(l);
    if (!state) return FAN_ENOMEM;
    s = state_view_after(l->pending_parent, l->pending.diff, &state->view);
    if (s) {
        free(state);
        return s;
    }
    state->db = state_db_ref(l->state);
    state->pending = block_ref(l->pending.block);
    *out = state;
    return FAN_OK;
}

static int by_address(const void *a, const void *b)
{
    const struct pool_sender *const *x = a, *const *y = b;

    return memcmp(&(*x)->address, &(*y)->address, sizeof(struct fan_address));
}

static void op_pool_walk(struct chain *c, void (*each)(void *ctx, const struct pending_tx *p, bool executable),
                         void *ctx)
{
    struct pool *p = &local_of(c)->pool;

    if (p->sender_count)
        qsort(p->senders, p->sender_count, sizeof *p->senders, by_address); /* their order means nothing to the pool */
    for (size_t i = 0; i < p->sender_count; i++)
        for (size_t at = 0; at < p->senders[i]->executable; at++) each(ctx, p->senders[i]->txs[at].pending, true);
    for (size_t i = 0; i < p->sender_count; i++)
        for (size_t at = p->senders[i]->executable; at < p->senders[i]->count; at++)
            each(ctx, p->senders[i]->txs[at].pending, false);
}

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct local_stats
#include "base/metric_rows.def"

#include "local/metrics.def"
};

static void op_metrics(struct chain *c, void (*each)(void *ctx, const struct metric_table *t, const void *stats),
                       void *ctx)
{
    static const struct metric_table table = {rows, COUNT_OF(rows), sizeof(struct local_stats)};
    struct local *l = local_of(c);

    each(ctx, &table, &l->stats);
    if (l->keep) each(ctx, &store_metrics, store_stats(keep_store(l->keep)));
}

const struct chain_ops LOCAL_OPS = {
    .head = op_head,
    .finalized = op_finalized,
    .block_by_number = op_block_by_number,
    .block_by_hash = op_block_by_hash,
    .tx_by_hash = op_tx_by_hash,
    .pending_by_hash = op_pending_by_hash,
    .logs = logs_scan,
    .logs_next = logs_next,
    .state_open = op_state_open,
    .state_close = op_state_close,
    .account = op_account,
    .slot = op_slot,
    .code = op_code,
    .walk_accounts = op_walk_accounts,
    .walk_slots = op_walk_slots,
    .proof = op_proof,
    .call = call_run,
    .trace = trace_run,
    .simulate = simulate_run,
    .fees = fees_suggest,
    .sync = op_sync,
    .config = op_config,
    .remote = op_remote,
    .metrics = op_metrics,
    .submit = op_submit,
    .submit_all = op_submit_all,
    .pending_nonce = op_pending_nonce,
    .pending_block = op_pending_block,
    .pending_state_open = op_pending_state_open,
    .pool_walk = op_pool_walk,
};
