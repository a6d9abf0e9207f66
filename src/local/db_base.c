/* Reading the state out of the store, and the base's functions. */
#include "local/db_base.h"

#include <stdlib.h>

#include "local/db_record.h"
#include "local/state_build.h"

struct db_base {
    struct store *store;
};

/* ---- versions ---- */

static struct slice version_key(uint64_t version, uint8_t out[8])
{
    put_be64(version, out);
    return slice_of(out, 8);
}

enum fan_status db_range(struct store_txn *t, uint64_t *out_oldest, uint64_t *out_newest)
{
    struct slice value;
    enum fan_status s = store_get(t, STORE_META, slice_str(STORE_META_STATE), &value);

    if (s) return s;
    if (value.len != 16) return FAN_EFORMAT;
    *out_oldest = get_be64(value.at);
    *out_newest = get_be64(value.at + 8);
    return *out_oldest <= *out_newest ? FAN_OK : FAN_EFORMAT;
}

enum fan_status db_point(struct store_txn *t, uint64_t version, struct state_point *out)
{
    struct slice value;
    uint8_t key[8];
    enum fan_status s = store_get(t, STORE_VERSIONS, version_key(version, key), &value);

    if (s) return s == FAN_ENOTFOUND ? FAN_EFORMAT : s;
    return db_version_decode(value, version, out);
}

enum fan_status db_find(struct store_txn *t, uint64_t number, struct state_point *out)
{
    struct slice value;
    uint8_t key[8];
    enum fan_status s = store_get(t, STORE_POINTS, version_key(number, key), &value);

    if (s) return s;
    return value.len == 8 ? db_point(t, get_be64(value.at), out) : FAN_EFORMAT;
}

/* ---- values ---- */

/* The value of a key at a version; empty where there was none. Borrowed from the transaction. */
static enum fan_status value_at(struct state_read *r, uint64_t version, enum db_kind kind, enum store_table flat,
                                struct slice key, struct slice *out)
{
    struct store_txn *t = r->txn;
    enum fan_status s;

    if (version < r->newest) {
        uint8_t space[DB_OLD_KEY_MAX];
        struct slice from = db_old_key(kind, key, version + 1, space), found;
        struct store_cursor *c;

        s = store_cursor_open(t, STORE_OLD, &c);
        if (s) return s;
        s = store_cursor_seek(c, from, &found, out);
        store_cursor_close(c);
        if (s && s != FAN_ENOTFOUND) return s;
        if (!s && found.len == from.len && slice_starts(found, slice_first(from, from.len - 8))) return FAN_OK;
    }
    s = store_get(t, flat, key, out);
    if (s != FAN_ENOTFOUND) return s;
    *out = slice_of(NULL, 0);
    return FAN_OK;
}

static enum fan_status read_begin(void *ctx, struct state_read *out)
{
    struct db_base *b = ctx;
    struct store_txn *t;
    enum fan_status s = store_read_begin(b->store, &t);

    if (s) return s;
    *out = (struct state_read){.txn = t};
    s = db_range(t, &out->oldest, &out->newest);
    if (s) store_read_end(t);
    return s == FAN_ENOTFOUND ? FAN_EFORMAT : s;
}

static void read_end(void *ctx, struct state_read *r)
{
    (void)ctx;
    store_read_end(r->txn);
}

static enum fan_status read_point(void *ctx, struct state_read *r, uint64_t version, struct state_point *out)
{
    (void)ctx;
    return db_point(r->txn, version, out);
}

static enum fan_status read_account(void *ctx, struct state_read *r, uint64_t version,
                                    const struct fan_address *address, struct state_account *out)
{
    struct slice value;
    enum fan_status s = value_at(r, version, DB_ACCOUNT, STORE_ACCOUNTS, slice_of(address->bytes, 20), &value);

    (void)ctx;
    return s ? s : db_account_decode(value, out);
}

static enum fan_status read_slot(void *ctx, struct state_read *r, uint64_t version, const struct state_slot_key *key,
                                 struct fan_u256 *out)
{
    struct slice value;
    enum fan_status s = value_at(r, version, DB_SLOT, STORE_SLOTS, slice_of(key, sizeof *key), &value);

    (void)ctx;
    return s ? s : db_slot_decode(value, out);
}

static enum fan_status copy_out(struct slice value, struct arena *a, struct slice *out)
{
    struct slice copy = {0};

    if (value.len) {
        copy = arena_dup(a, value);
        if (!copy.at) return FAN_ENOMEM;
    }
    *out = copy;
    return FAN_OK;
}

static enum fan_status read_node(void *ctx, struct state_read *r, uint64_t version, const struct trie_node_key *key,
                                 struct arena *a, struct slice *out)
{
    uint8_t space[DB_NODE_KEY_MAX];
    struct slice value;
    enum fan_status s = value_at(r, version, DB_NODE, STORE_NODES, db_node_key(key, space), &value);

    (void)ctx;
    return s ? s : copy_out(value, a, out);
}

static enum fan_status read_code(void *ctx, struct state_read *r, const struct fan_hash *hash, struct arena *a,
                                 struct slice *out)
{
    struct slice value;
    enum fan_status s = store_get(r->txn, STORE_CODES, slice_of(hash->bytes, 32), &value);

    (void)ctx;
    return s ? s : copy_out(value, a, out);
}

static enum fan_status read_find(void *ctx, struct state_read *r, uint64_t number, struct state_point *out)
{
    struct state_point p;
    enum fan_status s = db_find(r->txn, number, &p);

    (void)ctx;
    if (s) return s;
    if (p.version < r->oldest) return FAN_ENOTFOUND;
    *out = p;
    return FAN_OK;
}

/* ---- lists: every key below a prefix, in the flat table and among the old values ---- */

struct list {
    uint8_t *items;
    size_t size, count, cap, skip; /* bytes of an item; bytes of the key in front of it */
};

static enum fan_status list_add(struct list *l, struct slice key)
{
    if (key.len < l->skip + l->size) return FAN_EFORMAT;
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 256;
        uint8_t *wide = realloc(l->items, cap * l->size);

        if (!wide) return FAN_ENOMEM;
        l->items = wide;
        l->cap = cap;
    }
    memcpy(l->items + l->count++ * l->size, key.at + l->skip, l->size);
    return FAN_OK;
}

static enum fan_status list_prefix(struct store_txn *t, enum store_table table, struct slice prefix, struct list *l)
{
    struct store_cursor *c;
    struct slice key;
    enum fan_status s = store_cursor_open(t, table, &c);

    if (s) return s;
    s = prefix.len ? store_cursor_seek(c, prefix, &key, NULL) : store_cursor_first(c, &key, NULL);
    while (!s && slice_starts(key, prefix)) {
        s = list_add(l, key);
        if (!s) s = store_cursor_next(c, &key, NULL);
    }
    store_cursor_close(c);
    return s == FAN_ENOTFOUND ? FAN_OK : s;
}

/* Both tables into one list; `flat` holds keys of `below` and then an item, `old` the same behind kind and length. */
static enum fan_status list_both(struct store_txn *t, enum store_table flat, enum db_kind kind, struct slice below,
                                 struct list *l)
{
    uint8_t prefix[2 + DB_KEY_MAX];
    enum fan_status s;

    l->skip = below.len;
    s = list_prefix(t, flat, below, l);
    if (s) return s;
    prefix[0] = (uint8_t)kind;
    prefix[1] = (uint8_t)(below.len + l->size);
    memcpy(prefix + 2, below.at, below.len);
    l->skip = 2 + below.len;
    return list_prefix(t, STORE_OLD, slice_of(prefix, 2 + below.len), l);
}

static enum fan_status read_addresses(void *ctx, struct state_read *r, struct arena *a, struct fan_address **out,
                                      size_t *out_count)
{
    struct list l = {.size = sizeof(struct fan_address)};
    enum fan_status s = list_both(r->txn, STORE_ACCOUNTS, DB_ACCOUNT, SLICE(""), &l);
    struct fan_address *addresses = s ? NULL : ARENA_ARRAY(a, l.count, struct fan_address);

    (void)ctx;
    if (!s && !addresses) s = FAN_ENOMEM;
    if (!s && l.count) memcpy(addresses, l.items, l.count * l.size);
    free(l.items);
    if (s) return s;
    *out = addresses;
    *out_count = l.count;
    return FAN_OK;
}

static enum fan_status read_slots(void *ctx, struct state_read *r, const struct fan_address *address, struct arena *a,
                                  struct fan_u256 **out, size_t *out_count)
{
    struct list l = {.size = 32};
    enum fan_status s = list_both(r->txn, STORE_SLOTS, DB_SLOT, slice_of(address->bytes, 20), &l);
    struct fan_u256 *slots = s ? NULL : ARENA_ARRAY(a, l.count, struct fan_u256);

    (void)ctx;
    if (!s && !slots) s = FAN_ENOMEM;
    for (size_t i = 0; i < l.count && !s; i++) slots[i] = u256_from_be(l.items + 32 * i);
    free(l.items);
    if (s) return s;
    *out = slots;
    *out_count = l.count;
    return FAN_OK;
}

/* ---- writing, each a transaction of its own ---- */

struct change {
    const struct state_diff *diff;
    uint64_t version;
};

static enum fan_status do_apply(struct store_txn *t, const struct change *c)
{
    return db_apply(t, c->diff);
}

static enum fan_status do_rewind(struct store_txn *t, const struct change *c)
{
    return db_rewind(t, c->version);
}

static enum fan_status do_prune(struct store_txn *t, const struct change *c)
{
    return db_prune(t, c->version, UINT64_MAX);
}

static enum fan_status alone(struct db_base *b, enum fan_status (*change)(struct store_txn *t, const struct change *c),
                             const struct change *c, struct fan_error *err)
{
    enum fan_status s;

    do {
        struct store_txn *t;

        s = store_write_begin(b->store, &t);
        if (s) return s;
        s = change(t, c);
        if (s) {
            enum fan_status why = store_write_abort(t, err);

            s = why ? why : s;
        } else {
            s = store_write_commit(t, err);
        }
    } while (s == FAN_EAGAIN); /* the map was too small, and has grown */
    return s;
}

static enum fan_status apply(void *ctx, const struct state_diff *d)
{
    return alone(ctx, do_apply, &(struct change){.diff = d}, NULL);
}

static enum fan_status rewind_to(void *ctx, uint64_t version)
{
    return alone(ctx, do_rewind, &(struct change){.version = version}, NULL);
}

static enum fan_status prune(void *ctx, uint64_t version)
{
    return alone(ctx, do_prune, &(struct change){.version = version}, NULL);
}

static void close_base(void *ctx)
{
    free(ctx);
}

static const struct state_base_ops ops = {
    .read_begin = read_begin,
    .read_end = read_end,
    .point = read_point,
    .account = read_account,
    .slot = read_slot,
    .node = read_node,
    .code = read_code,
    .find = read_find,
    .addresses = read_addresses,
    .slots = read_slots,
    .apply = apply,
    .rewind = rewind_to,
    .prune = prune,
    .close = close_base,
};

/* ---- opening ---- */

static enum fan_status put_version_zero(struct store_txn *t, const struct change *c)
{
    struct state_point zero = {.root = KECCAK_EMPTY_TRIE};
    uint8_t nought[16] = {0}, value[DB_VERSION_LEN];
    struct slice key = slice_of(nought, 8);
    enum fan_status s;

    (void)c;
    s = store_put(t, STORE_VERSIONS, key, db_version_encode(&zero, value));
    if (!s) s = store_put(t, STORE_POINTS, key, key);
    return s ? s : store_put(t, STORE_META, slice_str(STORE_META_STATE), slice_of(nought, 16));
}

/* Ids of versions are never used twice, also not by the process that opens the store again. */
static enum fan_status newest_id(struct store *store, uint64_t *out)
{
    uint64_t oldest, newest;
    struct state_point p;
    struct store_txn *t;
    enum fan_status s = store_read_begin(store, &t);

    if (s) return s;
    s = db_range(t, &oldest, &newest);
    if (!s) {
        s = db_point(t, newest, &p);
        if (!s) *out = p.id;
    }
    store_read_end(t);
    return s;
}

enum fan_status db_base_open(struct store *store, struct state_base *out, struct fan_error *err)
{
    struct db_base *b = calloc(1, sizeof *b);
    uint64_t id = 0;
    enum fan_status s;

    if (!b) return FAN_ENOMEM;
    b->store = store;
    s = newest_id(store, &id);
    if (s == FAN_ENOTFOUND) s = alone(b, put_version_zero, &(struct change){0}, err);
    if (s) {
        free(b);
        return s;
    }
    state_ids_above(id);
    *out = (struct state_base){&ops, b};
    return FAN_OK;
}
