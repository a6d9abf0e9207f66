/* A chain out of its store: what it began with, and where it stands. */
#include "codec/keccak.h"
#include "local/db_base.h"
#include "local/node.h"

static enum fan_status open_state(struct local *l, struct store *store, struct fan_error *err)
{
    struct state_base base;
    struct fan_error why = {""};
    enum fan_status s = db_base_open(store, &base, &why);

    if (why.text[0]) return fan_error_set(err, s, "%s", why.text); /* a new one could not be written */
    if (!s) {
        s = state_db_open(base, &(struct state_options){0}, &l->state);
        if (s) base.ops->close(base.ctx);
    }
    return s ? fan_error_set(err, s, "%s: the state cannot be read: %s", store_dir(store), fan_status_text(s)) : FAN_OK;
}

/* Blocks and state are written as one, so they stand at one block. */
static enum fan_status check_head(struct local *l, struct store *store, struct fan_error *err)
{
    uint64_t block = head_peek(l)->header.number, state = state_db_point(l->state).number;

    if (block == state) return FAN_OK;
    return fan_error_set(err, FAN_EFORMAT, "%s is damaged: its blocks end with %llu and its state with %llu",
                         store_dir(store), (unsigned long long)block, (unsigned long long)state);
}

enum fan_status reopen(struct local *l, const struct local_options *o, struct fan_error *err)
{
    struct keep_options keep = {.store = o->store,
                                .behind = o->behind,
                                .history_blocks = o->history_blocks,
                                .trouble = o->sink.trouble,
                                .ctx = o->sink.ctx};
    uint64_t imported;
    struct store_txn *t;
    enum fan_status s = open_state(l, o->store, err);

    l->index.store = o->store;
    if (!s) s = keep_open(&keep, l->state, &l->index, &l->keep);
    if (!s) s = blocks_load(&l->index, err);
    if (s == FAN_ENOTFOUND) return FAN_OK; /* an empty store: the genesis comes next */
    if (!s) s = check_head(l, o->store, err);
    if (s) return s;
    atomic_store(&l->chain.head_number, head_peek(l)->header.number);
    if (store_read_begin(o->store, &t) == FAN_OK) {
        if (store_meta_u64(t, STORE_META_IMPORT, &imported) == FAN_OK) atomic_store(&l->imported_number, imported);
        store_read_end(t);
    }
    return FAN_OK;
}

enum fan_status local_stored_genesis(struct store *store, struct arena *a, struct genesis *out, struct fan_error *err)
{
    struct store_txn *t;
    struct slice text = {0};
    struct fan_error why = {""};
    enum fan_status s = store_read_begin(store, &t);

    if (s) return fan_error_set(err, s, "%s: it cannot be read: %s", store_dir(store), fan_status_text(s));
    s = store_get(t, STORE_META, slice_str(STORE_META_GENESIS), &text);
    if (!s) {
        text = arena_dup(a, text);
        if (!text.at) s = FAN_ENOMEM;
    }
    store_read_end(t);
    if (s == FAN_ENOTFOUND) return fan_error_set(err, s, "%s holds no chain", store_dir(store));
    if (!s) s = genesis_parse(text, a, out, &why);
    return s ? fan_error_set(err, s, "%s: its genesis cannot be read: %s", store_dir(store), why.text) : FAN_OK;
}

enum fan_status local_genesis_hash(const struct genesis *g, struct fan_hash *out, struct fan_error *err)
{
    struct ground ground;
    enum fan_status s = genesis_prepare(g, NULL, 0, &ground, err);

    if (s) return s;
    *out = ground.block->hash;
    ground_fini(&ground);
    return FAN_OK;
}
