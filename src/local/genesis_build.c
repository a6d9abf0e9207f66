#include "codec/keccak.h"
#include "local/node.h"

/* The allocation's state, with its root. */
static enum fan_status build_state(struct local *l, const struct genesis *g, struct state_diff **out)
{
    struct state_view *empty;
    struct state_builder *b = NULL;
    enum fan_status s = state_db_head(l->state, &empty);

    if (s) return s;
    s = state_builder_new(empty, &b);
    if (!s) s = state_builder_add_genesis(b, g->accounts, g->account_count);
    if (!s) s = state_builder_finish(b, 0, out);
    if (s) state_builder_free(b);
    state_view_unref(empty);
    return s;
}

static enum fan_status fill_block(struct block *b, const struct genesis *g, const struct fan_hash *state_root)
{
    struct arena a = arena_of(&b->memory);
    struct header *h = &b->header;

    *h = g->header;
    h->number = 0;
    h->extent = header_extent_of(fork_at(&g->config, 0, h->timestamp));
    h->ommers_hash = KECCAK_EMPTY_LIST;
    h->state_root = *state_root;
    h->transactions_root = h->receipts_root = KECCAK_EMPTY_TRIE;
    if (h->extent >= HEADER_SHANGHAI) h->withdrawals_root = KECCAK_EMPTY_TRIE;
    if (h->extent >= HEADER_PRAGUE) h->requests_hash = block_requests_hash(NULL, 0);
    b->txs = ARENA_ARRAY(&a, 0, struct tx);
    b->receipts = ARENA_ARRAY(&a, 0, struct receipt);
    b->logs = ARENA_ARRAY(&a, 0, struct log);
    if (!b->txs || !b->receipts || !b->logs) return FAN_ENOMEM;
    b->has_receipts = true;
    b->total_difficulty = h->difficulty;
    block_finish(b);
    return FAN_OK;
}

enum fan_status genesis_build(struct local *l, const struct genesis *g, struct fan_error *err)
{
    struct state_diff *diff = NULL;
    struct block *b = NULL;
    enum fan_status s = build_state(l, g, &diff);

    if (s) return fan_error_set(err, s, "genesis: the state could not be built: %s", fan_status_text(s));
    b = block_new();
    s = b ? fill_block(b, g, &state_diff_point(diff)->root) : FAN_ENOMEM;
    if (!s) s = blocks_prepare(&l->index, 0, &b, 1) ? FAN_OK : FAN_ENOMEM;
    if (!s) s = state_db_commit(l->state, diff);
    if (!s) {
        blocks_lock(&l->index);
        blocks_switch(&l->index, 0, &b, 1);
        blocks_unlock(&l->index);
    }
    block_unref(b);
    state_diff_unref(diff);
    return s;
}
