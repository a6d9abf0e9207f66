#include "local/log_store.h"

#include <stdlib.h>

#include "store/block_rows.h"

enum { ROW_LEN = 16 };

static struct slice row(uint64_t key, uint64_t number, uint8_t out[ROW_LEN])
{
    put_be64(key, out);
    put_be64(number, out + 8);
    return slice_of(out, ROW_LEN);
}

enum fan_status log_store_first(struct store_txn *t, uint64_t *out)
{
    enum fan_status s = store_meta_u64(t, STORE_META_LOGS, out);

    if (s != FAN_ENOTFOUND) return s;
    *out = UINT64_MAX;
    return FAN_OK;
}

/* Rows that lie together are written together: each finds its page already there. */
static int by_row(const void *a, const void *b)
{
    const struct log_posting *x = a, *y = b;

    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static enum fan_status put_rows(struct store_txn *t, struct log_postings_of_block *p)
{
    enum fan_status s = FAN_OK;
    uint8_t bytes[ROW_LEN];

    qsort(p->at, p->count, sizeof *p->at, by_row);
    for (size_t i = 0; i < p->count && !s; i++)
        s = store_put(t, STORE_LOGS, row(p->at[i].key, p->at[i].number, bytes), slice_of(NULL, 0));
    return s;
}

enum fan_status log_store_put(struct store_txn *t, const struct block *b)
{
    struct log_postings_of_block p = {0};
    uint64_t first;
    enum fan_status s = log_store_first(t, &first);

    if (s) return s;
    log_postings_add(&p, b);
    if (p.failed) /* no memory, or a block that has no place in it: the index begins again behind it */
        s = store_meta_put_u64(t, STORE_META_LOGS, b->header.number + 1);
    else if (first > b->header.number)
        s = store_meta_put_u64(t, STORE_META_LOGS, b->header.number);
    if (!s && !p.failed && p.count) s = put_rows(t, &p);
    log_postings_fini(&p);
    return s;
}

static enum fan_status remove_one(struct store_txn *t, uint64_t number)
{
    struct log_postings_of_block p = {0};
    struct fan_hash hash;
    struct block *b;
    uint8_t bytes[ROW_LEN];
    enum fan_status s = store_hash_at(t, number, &hash);

    if (!s) s = store_block_get(t, number, &hash, &b, NULL);
    if (s) return s;
    log_postings_add(&p, b);
    block_unref(b);
    if (p.failed) s = FAN_ENOMEM; /* one that has no place in the index lies below its first block */
    for (size_t i = 0; i < p.count && !s; i++) s = store_delete(t, STORE_LOGS, row(p.at[i].key, p.at[i].number, bytes));
    log_postings_fini(&p);
    return s;
}

enum fan_status log_store_remove(struct store_txn *t, uint64_t number)
{
    uint64_t head, first;
    enum fan_status s = store_head_number(t, &head);

    if (!s) s = log_store_first(t, &first);
    for (uint64_t n = head; !s && n >= number && n >= first; n--) {
        s = remove_one(t, n);
        if (n == 0) break;
    }
    if (!s && first != UINT64_MAX && first > number) s = store_meta_put_u64(t, STORE_META_LOGS, number);
    return s;
}

enum fan_status log_store_check(struct store_txn *t, const struct block *b, uint64_t *rows)
{
    struct log_postings_of_block p = {0};
    struct slice value;
    uint64_t first;
    uint8_t bytes[ROW_LEN];
    enum fan_status s = log_store_first(t, &first);

    if (s || b->header.number < first) return s;
    log_postings_add(&p, b);
    if (p.failed) s = FAN_ENOMEM;
    for (size_t i = 0; i < p.count && !s; i++, ++*rows) {
        s = store_get(t, STORE_LOGS, row(p.at[i].key, p.at[i].number, bytes), &value);
        if (s == FAN_ENOTFOUND) s = FAN_EFORMAT;
    }
    log_postings_fini(&p);
    return s;
}

/* ---- reading ---- */

enum fan_status log_store_open(struct store *s, struct log_store *out)
{
    struct log_store l = {0};
    enum fan_status status = store_read_begin(s, &l.txn);

    if (!status) status = store_cursor_open(l.txn, STORE_LOGS, &l.cursor);
    if (status)
        log_store_close(&l);
    else
        *out = l;
    return status;
}

void log_store_close(struct log_store *l)
{
    store_cursor_close(l->cursor);
    store_read_end(l->txn);
    *l = (struct log_store){0};
}

static enum fan_status seek(void *ctx, uint64_t key, uint64_t from, uint64_t *out)
{
    struct log_store *l = ctx;
    uint8_t bytes[ROW_LEN];
    struct slice found;
    enum fan_status s = store_cursor_seek(l->cursor, row(key, from, bytes), &found, NULL);

    if (s) return s;
    if (found.len != ROW_LEN) return FAN_EFORMAT;
    if (get_be64(found.at) != key) return FAN_ENOTFOUND;
    *out = get_be64(found.at + 8);
    return FAN_OK;
}

struct log_lists log_store_lists(struct log_store *l)
{
    return (struct log_lists){.ctx = l, .seek = seek};
}
