#include <inttypes.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "local/check.h"
#include "local/db_base.h"
#include "local/db_record.h"
#include "local/state_view.h"
#include "store/block_rows.h"

#define WRONG(...) return fan_error_set(err, FAN_EFORMAT, __VA_ARGS__)

/* ---- the head's state, built anew from accounts, slots and code ---- */

struct rebuild {
    const struct state_view *view;
    struct state_builder *builder;
    struct genesis_slot *slots; /* of one account */
    size_t count, cap;
    enum fan_status status;
    struct check_count *out;
};

static bool take_slot(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct rebuild *r = ctx;

    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        struct genesis_slot *wide = realloc(r->slots, cap * sizeof *wide);

        if (!wide) r->status = FAN_ENOMEM;
        if (!wide) return false;
        r->slots = wide;
        r->cap = cap;
    }
    r->slots[r->count++] = (struct genesis_slot){*slot, *value};
    return true;
}

static bool take_account(void *ctx, const struct fan_address *address, const struct state_account *account)
{
    struct rebuild *r = ctx;
    struct genesis_account whole = {.address = *address, .balance_wei = account->balance_wei, .nonce = account->nonce};
    struct arena_home home;
    struct arena a;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    r->count = 0;
    s = state_view_code(r->view, &account->code_hash, &a, &whole.code);
    if (!s) s = state_view_walk_slots(r->view, address, take_slot, r);
    if (!s) s = r->status;
    if (!s) {
        whole.slots = r->slots;
        whole.slot_count = r->count;
        s = state_builder_add_genesis(r->builder, &whole, 1);
    }
    arena_home_fini(&home);
    r->out->accounts++;
    r->out->slots += r->count;
    r->status = s;
    return !s;
}

/* What was built anew against what is stored: accounts with their storage roots, then node by node. */
static enum fan_status compare_accounts(const struct state_view *view, const struct state_diff *d,
                                        struct fan_error *err)
{
    const void *key;
    void *value;

    for (size_t at = 0; map_next(&d->accounts, &at, &key, &value);) {
        const struct state_account_change *c = value;
        struct fan_address address;
        struct state_account stored;
        char text[43];
        enum fan_status s;

        memcpy(&address, key, sizeof address);
        s = state_view_account(view, &address, &stored);
        if (s) return s;
        hex_write_checksum(&address, text);
        if (!hash_eq(&stored.storage_root, &c->new_value.storage_root))
            WRONG("account %s: its storage root does not follow from its slots", text);
        if (!hash_eq(&stored.code_hash, &c->new_value.code_hash))
            WRONG("account %s: its code is another one", text);
    }
    return FAN_OK;
}

static enum fan_status compare_nodes(struct store *store, const struct state_diff *d, struct check_count *out,
                                     struct fan_error *err)
{
    const void *key;
    void *value;
    uint64_t stored;
    struct store_txn *t;
    enum fan_status s = store_read_begin(store, &t);

    if (s) return s;
    for (size_t at = 0; !s && map_next(&d->nodes, &at, &key, &value);) {
        uint8_t space[DB_NODE_KEY_MAX];
        struct trie_node_key node;
        struct slice there;

        memcpy(&node, key, sizeof node);
        if (!*(struct state_blob **)value) continue;
        s = store_get(t, STORE_NODES, db_node_key(&node, space), &there);
        if (s == FAN_ENOTFOUND) s = fan_error_set(err, FAN_EFORMAT, "a trie node that the state needs is missing");
        if (!s && !slice_eq(there, state_blob_peek(*(struct state_blob **)value)))
            s = fan_error_set(err, FAN_EFORMAT, "a trie node is not what the state makes of it");
        out->nodes++;
    }
    if (!s) s = store_count(t, STORE_NODES, &stored);
    store_read_end(t);
    if (!s && stored != out->nodes)
        WRONG("%" PRIu64 " trie nodes are stored, but the state has %" PRIu64, stored, out->nodes);
    return s;
}

static enum fan_status rebuild(struct store *store, const struct state_view *view, struct check_count *out,
                               struct fan_error *err)
{
    struct rebuild r = {.view = view, .out = out};
    struct state_db *empty = NULL;
    struct state_view *nothing = NULL;
    struct state_diff *d = NULL;
    enum fan_status s = state_db_new(&(struct state_options){0}, &empty);

    if (!s) s = state_db_head(empty, &nothing);
    if (!s) s = state_builder_new(nothing, &r.builder);
    if (!s) s = state_view_walk_accounts(view, take_account, &r);
    if (!s) s = r.status;
    if (!s) {
        s = state_builder_finish(r.builder, state_view_point(view)->number, &d);
        if (!s) r.builder = NULL;
    }
    if (!s) s = compare_accounts(view, d, err);
    if (!s && !hash_eq(&state_diff_point(d)->root, &state_view_point(view)->root))
        s = fan_error_set(err, FAN_EFORMAT, "the head's state root does not follow from its accounts");
    if (!s) s = compare_nodes(store, d, out, err);
    if (s == FAN_ENOTFOUND) s = fan_error_set(err, FAN_EFORMAT, "the code of an account is missing");
    state_diff_unref(d);
    state_builder_free(r.builder);
    state_view_unref(nothing);
    state_db_unref(empty);
    free(r.slots);
    return s;
}

/* One of the versions with the head's number has the root its header names; later ones are edits from outside. */
static enum fan_status check_head_root(struct store_txn *t, struct fan_error *err)
{
    uint64_t oldest = 0, newest = 0, number = 0;
    struct fan_hash hash;
    struct header h;
    enum fan_status s = store_head_number(t, &number);

    if (!s) s = store_hash_at(t, number, &hash);
    if (!s) s = store_header_get(t, number, &hash, &h);
    if (!s) s = db_range(t, &oldest, &newest);
    for (uint64_t v = newest; !s && v >= oldest; v--) {
        struct state_point p;

        s = db_point(t, v, &p);
        if (!s && p.number != number) break;
        if (!s && hash_eq(&p.root, &h.state_root)) return FAN_OK;
        if (!v) break;
    }
    return s ? s : fan_error_set(err, FAN_EFORMAT, "the state ends elsewhere than at block %" PRIu64, number);
}

static enum fan_status check_codes(struct store_txn *t, struct check_count *out, struct fan_error *err)
{
    struct store_cursor *c;
    struct slice key, value;
    enum fan_status s = store_cursor_open(t, STORE_CODES, &c);

    if (s) return s;
    for (s = store_cursor_first(c, &key, &value); !s; s = store_cursor_next(c, &key, &value)) {
        struct fan_hash hash = keccak256(value);

        out->codes++;
        if (slice_eq(key, slice_of(hash.bytes, 32))) continue;
        s = fan_error_set(err, FAN_EFORMAT, "a piece of code is not the one its hash names");
        break;
    }
    store_cursor_close(c);
    return s == FAN_ENOTFOUND ? FAN_OK : s;
}

enum fan_status check_state(struct store *store, struct check_count *out, struct fan_error *err)
{
    struct state_base base;
    struct state_db *db = NULL;
    struct state_view *view = NULL;
    struct store_txn *t;
    enum fan_status s = store_read_begin(store, &t);

    if (s) return s;
    s = check_head_root(t, err);
    if (!s) s = check_codes(t, out, err);
    store_read_end(t);
    if (!s) s = db_base_open(store, &base, NULL);
    if (s) return s;
    s = state_db_open(base, &(struct state_options){0}, &db);
    if (s) {
        base.ops->close(base.ctx);
        return s;
    }
    s = state_db_head(db, &view);
    if (!s) s = rebuild(store, view, out, err);
    state_view_unref(view);
    state_db_unref(db);
    return s;
}
