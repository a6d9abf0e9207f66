/* What turns a development chain back: snapshots and their revert, rollback, resets. Reorgs are in dev_reorg.c. */
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

enum fan_status turn_check_depth(struct local *l, uint64_t depth, struct fan_error *err)
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
    enum fan_status s = turn_check_depth(l, depth, err);

    if (s || !depth) return s;
    return head_move(l, head_peek(l)->header.number - depth, 0, NULL, 0, false, err);
}

static void forget_settings(struct local *l)
{
    l->snapshot_count = 0;
    builder_set_clock(l);
    l->next_timestamp = 0;
    l->has_timestamp_interval = l->has_next_base_fee = l->has_next_prev_randao = false;
    l->impersonate_all = l->impersonate_all_first;
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
