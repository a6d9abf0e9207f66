#include <stdlib.h>

#include "base/trace.h"
#include "local/node.h"

struct block *head_peek(struct local *l)
{
    return blocks_peek(&l->index); /* only the writer changes it, and this is the writer */
}

bool head_account(struct local *l, const struct fan_address *a, uint64_t *nonce, struct fan_u256 *balance)
{
    struct state_view *view;
    struct state_account account;
    enum fan_status s = state_db_head(l->state, &view);

    if (s) return false;
    s = state_view_account(view, a, &account);
    state_view_unref(view);
    if (s) return false;
    *nonce = account.nonce;
    *balance = account.balance_wei;
    return true;
}

static bool account_of(void *ctx, const struct fan_address *a, uint64_t *nonce, struct fan_u256 *balance)
{
    return head_account(ctx, a, nonce, balance);
}

/* The executable transaction that came first and was not announced, or NULL. */
static struct pool_tx *next_unannounced(const struct pool *p)
{
    struct pool_tx *first = NULL;

    for (size_t i = 0; i < p->sender_count; i++) {
        struct pool_sender *s = p->senders[i];

        for (size_t at = 0; at < s->executable; at++) {
            if (s->txs[at].announced) continue;
            if (!first || s->txs[at].arrival < first->arrival) first = &s->txs[at];
            break; /* those behind it wait for it, so that a sender's come by nonce */
        }
    }
    return first;
}

void head_announce(struct local *l)
{
    struct pool_tx *tx;

    while ((tx = next_unannounced(&l->pool)) != NULL) {
        struct chain_event *e = chain_event_pending_new(tx->pending);

        if (!e) return; /* no memory now: it stays unannounced and comes with the next change */
        tx->announced = true;
        chain_publish(&l->chain, e);
    }
}

/* Snapshots that lie on what was cut off are gone; versions count on from where the cut was. */
static void forget_later_snapshots(struct local *l, uint64_t version)
{
    while (l->snapshot_count && l->snapshots[l->snapshot_count - 1].version > version) l->snapshot_count--;
}

/* How far a move of the state came. */
struct progress {
    bool rewound;
    uint64_t rewound_version;
    size_t committed;
};

static enum fan_status move_in_memory(struct local *l, uint64_t keep, uint64_t version, bool back,
                                      const struct built *added, size_t count, struct progress *out)
{
    enum fan_status s = FAN_OK;

    if (back) {
        s = version ? state_db_rewind(l->state, version) : state_db_rewind_to_block(l->state, keep);
        if (s) return s;
        out->rewound = true;
        out->rewound_version = state_db_point(l->state).version;
    }
    for (; out->committed < count; out->committed++) {
        s = state_db_commit(l->state, added[out->committed].diff);
        if (s) break;
    }
    return s;
}

static enum fan_status move_state(struct local *l, uint64_t keep, uint64_t version, bool back,
                                  const struct built *added, size_t count, struct progress *out, struct fan_error *err)
{
    enum fan_status s;

    *out = (struct progress){0};
    if (!l->keep) {
        s = move_in_memory(l, keep, version, back, added, count, out);
        return s ? fan_error_set(err, s, "the state could not be moved: %s", fan_status_text(s)) : FAN_OK;
    }
    s = keep_turn(l->keep, keep, version, back, added, count, err);
    if (s) return s;
    *out = (struct progress){.rewound = back, .committed = count};
    out->rewound_version = state_db_point(l->state).version - count; /* each of added is one version */
    return FAN_OK;
}

/* Before the pool lets go of them. */
static void keep_sidecars(struct local *l, const struct built *added, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < added[i].block->tx_count; t++) {
            struct pending_tx *p =
                added[i].block->txs[t].type == TX_BLOB ? pool_get(&l->pool, &added[i].block->txs[t].hash) : NULL;

            if (p) sidecars_add(&l->sidecars, p);
            pending_tx_unref(p);
        }
}

static void tell_sink(struct local *l, const struct built *added, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < added[i].block->tx_count && l->sink.transaction; t++)
            l->sink.transaction(l->sink.ctx, added[i].block, t);
        if (l->sink.sealed) l->sink.sealed(l->sink.ctx, added[i].block);
    }
}

enum fan_status head_move(struct local *l, uint64_t keep, uint64_t version, const struct built *added, size_t count,
                          bool sealed, struct fan_error *err)
{
    uint64_t head = head_peek(l)->header.number;
    size_t removed_count = (size_t)(head - keep);
    bool back = removed_count > 0 || version;
    struct block **blocks = malloc((removed_count + count + 1) * sizeof *blocks); /* removed, then added */
    struct chain_event *e = NULL;
    struct block *stay = NULL; /* the block `keep` */
    struct progress done;
    size_t got = 0;
    enum fan_status s;

    assert(keep <= head);
    if (!blocks) return FAN_ENOMEM;
    for (; got < removed_count; got++) {
        s = blocks_by_number(&l->index, head - got, &blocks[got]);
        if (s) goto out;
    }
    for (size_t i = 0; i < count; i++) blocks[removed_count + i] = added[i].block;
    s = blocks_by_number(&l->index, keep, &stay);
    if (s) goto out;
    s = FAN_ENOMEM;
    if (!blocks_prepare(&l->index, keep + 1, blocks + removed_count, count)) goto out;
    if (removed_count + count) { /* made before anything changes: an event that cannot be made would be one lost */
        e = chain_event_head_new(blocks, removed_count, blocks + removed_count, count,
                                 count ? added[count - 1].block : stay);
        if (!e) goto out;
    }
    if (back)
        blocks_lock(
            &l->index); /* going back, blocks and state change as one; growth needs no lock: N's state stays N's */
    s = move_state(l, keep, version, back, added, count, &done, err);
    if (!back) blocks_lock(&l->index);
    if (done.rewound || done.committed) blocks_switch(&l->index, keep + 1, blocks + removed_count, done.committed);
    blocks_unlock(&l->index);
    if (s) {
        if (!done.rewound && !done.committed) goto out;
        chain_event_unref(e); /* the chain is shorter than was meant: that is what watchers must hear */
        e = chain_event_head_new(blocks, removed_count, blocks + removed_count, done.committed, head_peek(l));
    }
    builder_forget_pending(l);
    if (done.rewound) {
        l->turns++;
        forget_later_snapshots(l, done.rewound_version);
        if (atomic_load(&l->imported_number) > keep) atomic_store(&l->imported_number, keep);
    }
    if (sealed && l->dev) keep_sidecars(l, added, done.committed);
    pool_reset(&l->pool, account_of, l);
    atomic_store(&l->chain.head_number, head_peek(l)->header.number);
    TRACE(local, head, head_peek(l)->header.number, removed_count);
    chain_publish(&l->chain, e);
    e = NULL;
    head_announce(l);
    if (sealed) tell_sink(l, added, done.committed);
out:
    chain_event_unref(e);
    block_unref(stay);
    while (got) block_unref(blocks[--got]);
    free(blocks);
    return s;
}

enum fan_status head_edit(struct local *l, enum fan_status (*edit)(void *ctx, struct state_builder *b), void *ctx)
{
    struct state_view *view;
    struct state_builder *b = NULL;
    struct state_diff *diff = NULL;
    enum fan_status s = state_db_head(l->state, &view);

    if (s) return s;
    s = state_builder_new(view, &b);
    if (!s) s = edit(ctx, b);
    if (!s) s = state_builder_finish(b, head_peek(l)->header.number, &diff);
    if (s)
        state_builder_free(b);
    else if (l->keep)
        s = keep_turn(l->keep, head_peek(l)->header.number, 0, false, &(struct built){.diff = diff}, 1, NULL);
    else
        s = state_db_commit(l->state, diff);
    state_diff_unref(diff);
    state_view_unref(view);
    if (s) return s;
    builder_forget_pending(l);
    pool_reset(&l->pool, account_of, l);
    head_announce(l);
    return FAN_OK;
}
