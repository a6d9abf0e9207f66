#include <stdlib.h>

#include "codec/keccak.h"
#include "local/fork_base.h"
#include "local/node.h"

enum fan_status genesis_open_state(struct chain_remote *remote, uint64_t history_blocks, struct state_db **out)
{
    struct state_options options = {.history_blocks = history_blocks};
    struct state_base base;
    enum fan_status s;

    if (!remote) return state_db_new(&options, out);
    s = fork_base_new(remote, &base);
    if (s) return s;
    s = state_db_open(base, &options, out);
    if (s) base.ops->close(base.ctx);
    return s;
}

/* On a fork an account keeps what it has over there, but for the balance it was promised. Where nobody lives, the
 * account is laid down whole (the CREATE2 deployer, the system contracts). The keys of the development accounts are
 * public knowledge, and on a live chain somebody has delegated them (EIP-7702) to code that sends all they get away:
 * that goes. */
static enum fan_status lay_account(struct state_builder *b, const struct state_view *below,
                                   const struct genesis_account *g, struct arena scratch)
{
    struct state_account there;
    struct slice code = {0};
    enum fan_status s = state_view_account(below, &g->address, &there);

    if (s) return s;
    if (g->code.len) return there.exists ? FAN_OK : state_builder_add_genesis(b, g, 1);
    s = state_view_code(below, &there.code_hash, &scratch, &code);
    if (!s && slice_starts(code, SLICE("\xef\x01\x00"))) s = state_builder_set_code(b, &g->address, (struct slice){0});
    return s ? s : state_builder_set_balance(b, &g->address, &g->balance_wei);
}

static enum fan_status lay_accounts(struct state_builder *b, const struct state_view *below, const struct genesis *g)
{
    struct arena_home home;
    enum fan_status s = FAN_OK;

    arena_home_init(&home, 0);
    for (size_t i = 0; i < g->account_count && !s; i++) s = lay_account(b, below, &g->accounts[i], arena_of(&home));
    arena_home_fini(&home);
    return s;
}

/* The allocation's state, with its root. */
static enum fan_status build_state(struct state_db *db, const struct genesis *g, const struct chain_remote *remote,
                                   struct state_diff **out)
{
    struct state_view *empty;
    struct state_builder *b = NULL;
    enum fan_status s = state_db_head(db, &empty);

    if (s) return s;
    s = state_builder_new(empty, &b);
    if (!s) s = remote ? lay_accounts(b, empty, g) : state_builder_add_genesis(b, g->accounts, g->account_count);
    if (!s) s = state_builder_finish(b, remote ? remote->block->header.number : 0, out);
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

void ground_fini(struct ground *g)
{
    state_db_unref(g->state);
    block_unref(g->block);
    free(g->rules);
    *g = (struct ground){0};
}

enum fan_status genesis_prepare(const struct genesis *g, struct chain_remote *remote, uint64_t history_blocks,
                                struct ground *out, struct fan_error *err)
{
    struct ground made = {.rules = calloc(1, sizeof *made.rules)};
    struct state_diff *diff = NULL;
    enum fan_status s = made.rules ? genesis_open_state(remote, history_blocks, &made.state) : FAN_ENOMEM;

    if (!s) s = build_state(made.state, g, remote, &diff);
    if (s == FAN_EREMOTE)
        (void)fan_error_set(err, s, "%s", chain_remote_noted()->text);
    else if (s)
        (void)fan_error_set(err, s, "genesis: the state could not be built: %s", fan_status_text(s));
    if (!s) {
        made.rules->config = g->config;
        made.block = remote ? block_ref(remote->block) : block_new();
        if (!made.block) s = FAN_ENOMEM;
    }
    if (!s && !remote) s = fill_block(made.block, g, &state_diff_point(diff)->root);
    if (!s) s = state_db_commit(made.state, diff);
    state_diff_unref(diff);
    if (s)
        ground_fini(&made);
    else
        *out = made;
    return s;
}

/* Readers may be at the old ones: they stay. */
static void rules_put(struct local *l, struct rules *r)
{
    r->before = atomic_load(&l->rules);
    atomic_store_explicit(&l->rules, r, memory_order_release);
}

enum fan_status rules_replace(struct local *l, const struct chain_config *config)
{
    struct rules *r = calloc(1, sizeof *r);

    if (!r) return FAN_ENOMEM;
    r->config = *config;
    rules_put(l, r);
    return FAN_OK;
}

static enum fan_status keep_first(struct local *l, const struct genesis *g, const struct built *first,
                                  struct fan_error *err)
{
    struct buf text;
    struct json_writer w;
    enum fan_status s;

    buf_init(&text, 0);
    w = json_writer_of(&text);
    genesis_put_json(g, &w);
    s = text.failed ? text.failed : keep_genesis(l->keep, buf_peek(&text), first, err);
    buf_fini(&text);
    return s;
}

/* In a store that has no chain yet. */
static enum fan_status begin_in_store(struct local *l, const struct genesis *g, struct fan_error *err)
{
    struct state_diff *diff = NULL;
    struct block *b = NULL;
    enum fan_status s = build_state(l->state, g, NULL, &diff);

    if (s) return fan_error_set(err, s, "genesis: the state could not be built: %s", fan_status_text(s));
    b = block_new();
    s = b ? fill_block(b, g, &state_diff_point(diff)->root) : FAN_ENOMEM;
    if (!s) s = blocks_prepare(&l->index, 0, &b, 1) ? FAN_OK : FAN_ENOMEM;
    if (!s) s = keep_first(l, g, &(struct built){b, diff}, err);
    if (!s) {
        blocks_lock(&l->index);
        blocks_switch(&l->index, 0, &b, 1);
        blocks_unlock(&l->index);
    }
    block_unref(b);
    state_diff_unref(diff);
    return s;
}

enum fan_status genesis_build(struct local *l, const struct genesis *g, struct chain_remote *remote,
                              struct fan_error *err)
{
    struct ground ground;
    struct state_db *before;
    enum fan_status s;

    if (l->keep) return begin_in_store(l, g, err);
    s = genesis_prepare(g, remote, l->history_blocks, &ground, err);
    if (s) return s;
    if (!blocks_prepare(&l->index, blocks_end(&l->index), &ground.block, 1)) {
        ground_fini(&ground);
        return FAN_ENOMEM;
    }
    blocks_lock(&l->index);
    blocks_restart(&l->index, remote, ground.block);
    before = l->state;
    l->state = ground.state;
    rules_put(l, ground.rules);
    atomic_store(&l->chain.head_number, ground.block->header.number);
    atomic_store(&l->chain.forked, remote != NULL);
    blocks_unlock(&l->index);
    block_unref(ground.block);
    state_db_unref(before);
    return FAN_OK;
}
