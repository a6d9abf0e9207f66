/* A version into the store, out of it again, and the forgetting of old ones. */
#include <stdlib.h>

#include "local/db_base.h"
#include "local/db_record.h"

/* ---- the journal ---- */

struct journal {
    struct store_txn *txn;
    uint64_t version;
    uint32_t chunk;
    size_t len;
    uint8_t row[DB_CHUNK_MAX];
    struct buf old; /* a value on its way from one table to another */
};

static struct slice chunk_key(uint64_t version, uint32_t chunk, uint8_t out[12])
{
    put_be64(version, out);
    for (unsigned i = 0; i < 4; i++) out[8 + i] = (uint8_t)(chunk >> (24 - 8 * i));
    return slice_of(out, 12);
}

static enum fan_status journal_flush(struct journal *j)
{
    uint8_t key[12];
    enum fan_status s;

    if (!j->len) return FAN_OK;
    s = store_put(j->txn, STORE_JOURNAL, chunk_key(j->version, j->chunk, key), slice_of(j->row, j->len));
    j->chunk++;
    j->len = 0;
    return s;
}

static enum fan_status journal_add(struct journal *j, enum db_kind kind, struct slice key)
{
    if (j->len + 2 + key.len > sizeof j->row) {
        enum fan_status s = journal_flush(j);

        if (s) return s;
    }
    j->row[j->len] = (uint8_t)kind;
    j->row[j->len + 1] = (uint8_t)key.len;
    memcpy(j->row + j->len + 2, key.at, key.len);
    j->len += 2 + key.len;
    return FAN_OK;
}

/* ---- one version in ---- */

static enum store_table flat_of(enum db_kind kind)
{
    return kind == DB_ACCOUNT ? STORE_ACCOUNTS : kind == DB_SLOT ? STORE_SLOTS : STORE_NODES;
}

static enum fan_status put_flat(struct store_txn *t, enum db_kind kind, struct slice key, struct slice value)
{
    return value.len ? store_put(t, flat_of(kind), key, value) : store_delete(t, flat_of(kind), key);
}

/* The key's new value; what it was goes to the old ones first. */
static enum fan_status change(struct journal *j, enum db_kind kind, struct slice key, struct slice value)
{
    uint8_t space[DB_OLD_KEY_MAX];
    struct slice old = {0};
    enum fan_status s = store_get(j->txn, flat_of(kind), key, &old);

    if (s == FAN_ENOTFOUND) {
        old = slice_of(NULL, 0);
        s = FAN_OK;
    }
    if (s || slice_eq(old, value)) return s;
    buf_reset(&j->old);
    buf_put(&j->old, old); /* the next change may move what was lent */
    if (j->old.failed) return j->old.failed;
    s = store_put(j->txn, STORE_OLD, db_old_key(kind, key, j->version, space), buf_peek(&j->old));
    if (!s) s = journal_add(j, kind, key);
    return s ? s : put_flat(j->txn, kind, key, value);
}

static enum fan_status apply_accounts(struct journal *j, const struct state_diff *d)
{
    const void *key;
    void *value;
    enum fan_status s = FAN_OK;

    for (size_t at = 0; !s && map_next(&d->accounts, &at, &key, &value);) {
        uint8_t space[DB_ACCOUNT_MAX];
        const struct state_account_change *c = value;

        s = change(j, DB_ACCOUNT, slice_of(key, 20), db_account_encode(&c->new_value, space));
    }
    for (size_t at = 0; !s && map_next(&d->slots, &at, &key, &value);) {
        uint8_t space[32];
        const struct state_slot_change *c = value;

        s = change(j, DB_SLOT, slice_of(key, sizeof(struct state_slot_key)), db_slot_encode(&c->new_value, space));
    }
    return s;
}

static enum fan_status apply_blobs(struct journal *j, const struct state_diff *d)
{
    const void *key;
    void *value;
    enum fan_status s = FAN_OK;

    for (size_t at = 0; !s && map_next(&d->nodes, &at, &key, &value);) {
        uint8_t space[DB_NODE_KEY_MAX];
        struct trie_node_key node;

        memcpy(&node, key, sizeof node);
        s = change(j, DB_NODE, db_node_key(&node, space), state_blob_peek(*(struct state_blob **)value));
    }
    for (size_t at = 0; !s && map_next(&d->codes, &at, &key, &value);) {
        struct slice hash = slice_of(key, 32), there;

        /* The same code may have come by an earlier version, which then is the one that takes it away again. */
        s = store_get(j->txn, STORE_CODES, hash, &there);
        if (s != FAN_ENOTFOUND) continue;
        s = store_put(j->txn, STORE_CODES, hash, state_blob_peek(*(struct state_blob **)value));
        if (!s) s = journal_add(j, DB_CODE, hash);
    }
    return s;
}

static enum fan_status put_range(struct store_txn *t, uint64_t oldest, uint64_t newest)
{
    uint8_t range[16];

    put_be64(oldest, range);
    put_be64(newest, range + 8);
    return store_put(t, STORE_META, slice_str(STORE_META_STATE), slice_of(range, 16));
}

static enum fan_status put_point(struct store_txn *t, const struct state_point *p)
{
    uint8_t version[8], number[8], value[DB_VERSION_LEN];
    enum fan_status s;

    put_be64(p->version, version);
    put_be64(p->number, number);
    s = store_put(t, STORE_VERSIONS, slice_of(version, 8), db_version_encode(p, value));
    return s ? s : store_put(t, STORE_POINTS, slice_of(number, 8), slice_of(version, 8));
}

enum fan_status db_apply(struct store_txn *t, const struct state_diff *d)
{
    struct journal j = {.txn = t, .version = d->point.version};
    uint64_t oldest, newest;
    enum fan_status s = db_range(t, &oldest, &newest);

    if (s) return s;
    if (d->point.version != newest + 1) return FAN_EINTERNAL;
    buf_init(&j.old, 0);
    s = apply_accounts(&j, d);
    if (!s) s = apply_blobs(&j, d);
    if (!s) s = journal_flush(&j);
    buf_fini(&j.old);
    if (!s) s = put_point(t, &d->point);
    return s ? s : put_range(t, oldest, newest + 1);
}

/* ---- out again, or forgotten ---- */

/* Takes the version's old values out of the store: into the flat tables (back), or away. */
static enum fan_status undo_key(struct store_txn *t, uint64_t version, bool back, enum db_kind kind, struct slice key,
                                struct buf *value)
{
    uint8_t space[DB_OLD_KEY_MAX];
    struct slice old_key, old;
    enum fan_status s;

    if (kind == DB_CODE) return back ? store_delete(t, STORE_CODES, key) : FAN_OK;
    old_key = db_old_key(kind, key, version, space);
    if (back) {
        s = store_get(t, STORE_OLD, old_key, &old);
        if (s) return s == FAN_ENOTFOUND ? FAN_EFORMAT : s;
        buf_reset(value);
        buf_put(value, old);
        if (value->failed) return value->failed;
        s = put_flat(t, kind, key, buf_peek(value));
        if (s) return s;
    }
    return store_delete(t, STORE_OLD, old_key);
}

static enum fan_status undo_row(struct store_txn *t, uint64_t version, bool back, struct slice row, struct buf *value)
{
    enum fan_status s = FAN_OK;

    while (!s && row.len) {
        enum db_kind kind;
        struct slice key;

        s = db_journal_next(&row, &kind, &key);
        if (!s) s = undo_key(t, version, back, kind, key, value);
    }
    return s;
}

/* Every row of the version's journal, which goes too. */
static enum fan_status undo_version(struct store_txn *t, uint64_t version, bool back)
{
    struct buf row, value;
    enum fan_status s = FAN_OK;

    buf_init(&row, 0);
    buf_init(&value, 0);
    for (uint32_t chunk = 0; !s; chunk++) {
        uint8_t space[12];
        struct slice key = chunk_key(version, chunk, space), there;

        s = store_get(t, STORE_JOURNAL, key, &there);
        if (s) break;
        buf_reset(&row);
        buf_put(&row, there);
        s = row.failed ? row.failed : undo_row(t, version, back, buf_peek(&row), &value);
        if (!s) s = store_delete(t, STORE_JOURNAL, key);
    }
    buf_fini(&value);
    buf_fini(&row);
    return s == FAN_ENOTFOUND ? FAN_OK : s;
}

enum fan_status db_rewind(struct store_txn *t, uint64_t version)
{
    uint64_t oldest, newest;
    struct state_point target, p;
    enum fan_status s = db_range(t, &oldest, &newest);

    if (s) return s;
    if (version < oldest || version > newest) return FAN_ENOTFOUND;
    s = db_point(t, version, &target);
    for (uint64_t v = newest; v > version && !s; v--) {
        uint8_t key[8], number[8];

        s = db_point(t, v, &p);
        if (!s) s = undo_version(t, v, true);
        put_be64(v, key);
        if (!s) s = store_delete(t, STORE_VERSIONS, slice_of(key, 8));
        put_be64(p.number, number);
        if (!s && p.number > target.number) s = store_delete(t, STORE_POINTS, slice_of(number, 8));
    }
    if (!s) s = put_point(t, &target);
    return s ? s : put_range(t, oldest, version);
}

enum fan_status db_prune(struct store_txn *t, uint64_t version, uint64_t steps)
{
    uint64_t oldest, newest;
    enum fan_status s = db_range(t, &oldest, &newest);

    if (s) return s;
    if (version > newest) return FAN_ENOTFOUND;
    for (; oldest < version && steps && !s; oldest++, steps--) {
        struct state_point gone, next;
        uint8_t key[8];

        s = db_point(t, oldest, &gone);
        if (!s) s = db_point(t, oldest + 1, &next);
        if (!s) s = undo_version(t, oldest + 1, false);
        put_be64(oldest, key);
        if (!s) s = store_delete(t, STORE_VERSIONS, slice_of(key, 8));
        put_be64(gone.number, key);
        if (!s && next.number != gone.number) s = store_delete(t, STORE_POINTS, slice_of(key, 8));
    }
    return s ? s : put_range(t, oldest, newest);
}
