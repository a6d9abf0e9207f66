#include "local/keep_write.h"

#include "local/db_base.h"
#include "local/log_store.h"
#include "local/state_diff.h"
#include "store/block_rows.h"

enum { PRUNE_STEPS = 64 }; /* versions forgotten in one transaction: a block makes one, so it catches up */

static enum fan_status turn_back(struct store_txn *t, const struct keep_change *c)
{
    struct state_point to = {.version = c->version};
    enum fan_status s = c->version ? FAN_OK : db_find(t, c->keep, &to);

    if (!s) s = db_rewind(t, to.version);
    if (!s) s = log_store_remove(t, c->keep + 1);
    return s ? s : store_blocks_remove(t, c->keep + 1);
}

static enum fan_status forget(struct store_txn *t, const struct keep_change *c)
{
    struct state_point p;
    uint64_t oldest, newest;
    enum fan_status s = db_range(t, &oldest, &newest);

    if (!s) s = db_point(t, newest, &p);
    if (s || !c->history_blocks || p.number < c->history_blocks) return s;
    s = db_find(t, p.number - c->history_blocks, &p);
    if (s) return s == FAN_ENOTFOUND ? FAN_OK : s; /* forgotten already */
    return p.version > oldest ? db_prune(t, p.version, PRUNE_STEPS) : FAN_OK;
}

static enum fan_status write_all(struct store_txn *t, const struct keep_change *c)
{
    enum fan_status s = FAN_OK;

    if (c->genesis_json.len) s = store_put(t, STORE_META, slice_str(STORE_META_GENESIS), c->genesis_json);
    if (!s && c->back) s = turn_back(t, c);
    for (size_t i = 0; i < c->count && !s; i++) {
        s = db_apply(t, c->added[i].diff);
        if (!s && c->added[i].block) s = store_block_put(t, c->added[i].block);
        if (!s && c->added[i].block) s = log_store_put(t, c->added[i].block);
    }
    return s ? s : forget(t, c);
}

static enum fan_status read_head(struct store_txn *t, struct state_point *out)
{
    uint64_t oldest, newest;
    enum fan_status s = db_range(t, &oldest, &newest);

    return s ? s : db_point(t, newest, out);
}

static enum fan_status write_once(struct store *store, const struct keep_change *c, struct state_point *out_head,
                                  struct fan_error *err)
{
    struct state_point head;
    struct store_txn *t;
    enum fan_status s = store_write_begin(store, &t), why;

    if (s)
        return fan_error_set(err, s, "%s: it cannot be written%s", store_dir(store),
                             s == FAN_ECLOSED ? " any more, since a write failed; start again to go on" : "");
    s = write_all(t, c);
    if (!s) s = read_head(t, &head);
    if (!s) {
        s = store_write_commit(t, err);
        if (!s) *out_head = head;
        return s;
    }
    why = store_write_abort(t, err);
    if (why) return why;
    if (s == FAN_ENOTFOUND)
        return fan_error_set(err, s, "the state of block %llu is no longer kept", (unsigned long long)c->keep);
    return fan_error_set(err, s, "%s: it cannot be written: %s", store_dir(store), fan_status_text(s));
}

enum fan_status keep_write(struct store *store, const struct keep_change *c, struct state_point *out_head,
                           struct fan_error *err)
{
    enum fan_status s;

    do {
        s = write_once(store, c, out_head, err);
    } while (s == FAN_EAGAIN); /* the map was too small, and has grown */
    return s;
}
