#include <inttypes.h>

#include "local/check.h"
#include "local/db_base.h"
#include "local/db_record.h"

enum { PAGE = 256 }; /* versions in one read transaction */

#define WRONG(...) return fan_error_set(err, FAN_EFORMAT, __VA_ARGS__)

static enum fan_status check_row(struct store_txn *t, uint64_t version, struct slice row, struct check_count *out,
                                 struct fan_error *err)
{
    while (row.len) {
        uint8_t space[DB_OLD_KEY_MAX];
        enum db_kind kind;
        struct slice key, old;
        enum fan_status s = db_journal_next(&row, &kind, &key);

        if (s) WRONG("version %" PRIu64 ": its journal is damaged", version);
        if (kind == DB_CODE) continue;
        s = store_get(t, STORE_OLD, db_old_key(kind, key, version, space), &old);
        if (s == FAN_ENOTFOUND) WRONG("version %" PRIu64 ": a value from before it is missing", version);
        if (s) return s;
        out->old_values++;
    }
    return FAN_OK;
}

static enum fan_status check_version(struct store_txn *t, uint64_t version, struct check_count *out,
                                     struct fan_error *err)
{
    struct state_point p, before;
    enum fan_status s = db_point(t, version, &p);

    if (!s) s = db_point(t, version - 1, &before);
    if (s) return s == FAN_EFORMAT ? fan_error_set(err, s, "version %" PRIu64 " is missing", version) : s;
    if (p.number < before.number || p.number > before.number + 1)
        WRONG("version %" PRIu64 ": block %" PRIu64 " follows block %" PRIu64, version, p.number, before.number);
    for (uint32_t chunk = 0; !s; chunk++) {
        uint8_t key[12];
        struct slice row;

        put_be64(version, key);
        for (unsigned i = 0; i < 4; i++) key[8 + i] = (uint8_t)(chunk >> (24 - 8 * i));
        s = store_get(t, STORE_JOURNAL, slice_of(key, sizeof key), &row);
        if (!s) s = check_row(t, version, row, out, err);
    }
    out->versions++;
    return s == FAN_ENOTFOUND ? FAN_OK : s;
}

static enum fan_status check_ends(struct store_txn *t, uint64_t oldest, uint64_t newest, struct check_count *out,
                                  struct fan_error *err)
{
    struct state_point first, last, found;
    uint64_t versions, olds, points;
    enum fan_status s = db_point(t, oldest, &first);

    if (!s) s = db_point(t, newest, &last);
    if (!s) s = store_count(t, STORE_VERSIONS, &versions);
    if (!s) s = store_count(t, STORE_OLD, &olds);
    if (!s) s = store_count(t, STORE_POINTS, &points);
    if (s) return s;
    if (versions != newest - oldest + 1)
        WRONG("%" PRIu64 " versions, but %" PRIu64 " to %" PRIu64 " are kept", versions, oldest, newest);
    if (olds != out->old_values) WRONG("%" PRIu64 " old values, but the journals name %" PRIu64, olds, out->old_values);
    if (points != last.number - first.number + 1)
        WRONG("%" PRIu64 " blocks lead to their states, not %" PRIu64, points, last.number - first.number + 1);
    s = db_find(t, last.number, &found);
    if (!s && found.version != newest)
        WRONG("block %" PRIu64 " leads to version %" PRIu64 ", not to the newest", last.number, found.version);
    return s;
}

/* From the newest back, since each stands on the one after it. */
static enum fan_status check_values(struct store *store, uint64_t oldest, uint64_t newest, struct fan_error *err)
{
    struct state_base base;
    enum fan_status s = db_base_open(store, &base, NULL);

    if (s) return s;
    for (uint64_t v = newest; !s && v > oldest;) {
        struct state_read read;

        s = base.ops->read_begin(base.ctx, &read);
        if (s) break;
        for (size_t i = 0; i < PAGE && !s && v > oldest; i++, v--) s = check_past(base, &read, v, err);
        base.ops->read_end(base.ctx, &read);
    }
    base.ops->close(base.ctx);
    return s;
}

enum fan_status check_history(struct store *store, struct check_count *out, struct fan_error *err)
{
    uint64_t oldest = 0, newest = 0;
    struct store_txn *t;
    enum fan_status s = store_read_begin(store, &t);

    if (s) return s;
    s = db_range(t, &oldest, &newest);
    store_read_end(t);
    for (uint64_t v = oldest + 1; !s && v <= newest;) {
        s = store_read_begin(store, &t);
        if (s) return s;
        for (size_t i = 0; i < PAGE && !s && v <= newest; i++, v++) s = check_version(t, v, out, err);
        store_read_end(t);
    }
    if (s) return s;
    s = store_read_begin(store, &t);
    if (s) return s;
    s = check_ends(t, oldest, newest, out, err);
    store_read_end(t);
    return s ? s : check_values(store, oldest, newest, err);
}

enum fan_status check_store(struct store *store, void (*progress)(void *ctx, uint64_t block, uint64_t head), void *ctx,
                            struct check_count *out, struct fan_error *err)
{
    struct check_count count = {0};
    struct fan_error why = {""};
    const char *part = "the blocks";
    enum fan_status s = check_blocks(store, progress, ctx, &count, &why);

    if (s == FAN_ENOTFOUND) return fan_error_set(err, s, "%s holds no chain", store_dir(store));
    if (!s) {
        part = "the state";
        s = check_state(store, &count, &why);
    }
    if (!s) {
        part = "the history";
        s = check_history(store, &count, &why);
    }
    *out = count;
    if (s && !why.text[0]) return fan_error_set(err, s, "%s: %s", part, fan_status_text(s));
    return s ? fan_error_set(err, s, "%s", why.text) : FAN_OK;
}
