/* Where the rows of a block lie, and what leads to them. */
#include "store/block_rows.h"

#include <stdlib.h>

enum { KEY_LEN = 40 };

struct key {
    uint8_t bytes[KEY_LEN];
};

static struct slice key_of(uint64_t number, const struct fan_hash *hash, struct key *out)
{
    put_be64(number, out->bytes);
    memcpy(out->bytes + 8, hash->bytes, 32);
    return slice_of(out->bytes, KEY_LEN);
}

static struct slice hash_slice(const struct fan_hash *h)
{
    return slice_of(h->bytes, sizeof h->bytes);
}

static struct slice number_key(uint64_t number, uint8_t out[8])
{
    put_be64(number, out);
    return slice_of(out, 8);
}

/* ---- writing ---- */

static enum fan_status put_rows(struct store_txn *t, const struct block *b, struct buf rows[3])
{
    static const enum store_table tables[3] = {STORE_HEADERS, STORE_BODIES, STORE_OUTCOMES};
    struct key key;
    struct slice k = key_of(b->header.number, &b->hash, &key);
    enum fan_status s = FAN_OK;

    store_block_encode(b, &rows[0], &rows[1], &rows[2]);
    for (size_t i = 0; i < 3 && !s; i++)
        s = rows[i].failed ? rows[i].failed : store_put(t, tables[i], k, buf_peek(&rows[i]));
    return s;
}

static enum fan_status put_tx_places(struct store_txn *t, const struct block *b)
{
    uint8_t place[12];
    enum fan_status s = FAN_OK;

    put_be64(b->header.number, place);
    for (size_t i = 0; i < b->tx_count && !s; i++) {
        for (unsigned at = 0; at < 4; at++) place[8 + at] = (uint8_t)(i >> (24 - 8 * at));
        s = store_put(t, STORE_TXS, hash_slice(&b->txs[i].hash), slice_of(place, sizeof place));
    }
    return s;
}

enum fan_status store_block_put(struct store_txn *t, const struct block *b)
{
    struct buf rows[3];
    uint8_t number[8];
    struct slice n = number_key(b->header.number, number);
    enum fan_status s;

    for (size_t i = 0; i < 3; i++) buf_init(&rows[i], 0);
    s = put_rows(t, b, rows);
    if (!s) s = store_put(t, STORE_NUMBERS, n, hash_slice(&b->hash));
    if (!s) s = store_put(t, STORE_HASHES, hash_slice(&b->hash), n);
    if (!s) s = put_tx_places(t, b);
    for (size_t i = 0; i < 3; i++) buf_fini(&rows[i]);
    return s;
}

/* Every row of an orphan goes, unless the very same block came back to the chain. */
static enum fan_status drop_orphan(struct store_txn *t, struct slice key)
{
    struct fan_hash hash, canonical;
    uint64_t number = get_be64(key.at);
    struct key copy;
    struct slice k;
    enum fan_status s;

    memcpy(hash.bytes, key.at + 8, 32);
    s = store_hash_at(t, number, &canonical);
    if (s && s != FAN_ENOTFOUND) return s;
    if (!s && memcmp(&hash, &canonical, sizeof hash) == 0) return FAN_OK;
    k = key_of(number, &hash, &copy);
    s = store_delete(t, STORE_HEADERS, k);
    if (!s) s = store_delete(t, STORE_BODIES, k);
    if (!s) s = store_delete(t, STORE_OUTCOMES, k);
    return s ? s : store_delete(t, STORE_HASHES, hash_slice(&hash));
}

/* Adds one to the queue of orphans, and takes the oldest out of it when it is full. */
static enum fan_status push_orphan(struct store_txn *t, uint64_t number, const struct fan_hash *hash)
{
    struct store_cursor *c;
    struct slice key, value;
    uint64_t last = 0, count;
    struct key row;
    uint8_t at[8];
    enum fan_status s = store_count(t, STORE_ORPHANS, &count);

    if (!s) s = store_cursor_open(t, STORE_ORPHANS, &c);
    if (s) return s;
    s = store_cursor_last(c, &key, &value);
    if (!s) last = get_be64(key.at);
    if (s == FAN_ENOTFOUND) s = FAN_OK;
    if (!s && count >= STORE_ORPHANS_MAX) {
        s = store_cursor_first(c, &key, &value);
        if (!s) s = value.len == KEY_LEN ? drop_orphan(t, value) : FAN_EFORMAT;
        if (!s) s = store_cursor_delete(c);
    }
    store_cursor_close(c);
    return s ? s : store_put(t, STORE_ORPHANS, number_key(last + 1, at), key_of(number, hash, &row));
}

static enum fan_status remove_one(struct store_txn *t, uint64_t number, const struct fan_hash *hash)
{
    struct block *b;
    uint8_t at[8];
    enum fan_status s = store_block_get(t, number, hash, &b, NULL);

    if (s) return s == FAN_ENOTFOUND ? FAN_EFORMAT : s;
    for (size_t i = 0; i < b->tx_count && !s; i++) s = store_delete(t, STORE_TXS, hash_slice(&b->txs[i].hash));
    block_unref(b);
    if (!s) s = store_delete(t, STORE_NUMBERS, number_key(number, at));
    return s ? s : push_orphan(t, number, hash);
}

enum fan_status store_blocks_remove(struct store_txn *t, uint64_t number)
{
    for (;;) {
        struct fan_hash hash;
        uint64_t head;
        enum fan_status s = store_head_number(t, &head);

        if (s == FAN_ENOTFOUND || (!s && head < number)) return FAN_OK;
        if (!s) s = store_hash_at(t, head, &hash);
        if (!s) s = remove_one(t, head, &hash);
        if (s) return s;
    }
}

/* ---- reading ---- */

enum fan_status store_head_number(struct store_txn *t, uint64_t *out)
{
    struct store_cursor *c;
    struct slice key;
    enum fan_status s = store_cursor_open(t, STORE_NUMBERS, &c);

    if (s) return s;
    s = store_cursor_last(c, &key, NULL);
    if (!s && key.len != 8) s = FAN_EFORMAT;
    if (!s) *out = get_be64(key.at);
    store_cursor_close(c);
    return s;
}

enum fan_status store_hash_at(struct store_txn *t, uint64_t number, struct fan_hash *out)
{
    uint8_t at[8];
    struct slice value;
    enum fan_status s = store_get(t, STORE_NUMBERS, number_key(number, at), &value);

    if (s) return s;
    if (value.len != 32) return FAN_EFORMAT;
    memcpy(out->bytes, value.at, 32);
    return FAN_OK;
}

enum fan_status store_number_of(struct store_txn *t, const struct fan_hash *hash, uint64_t *out)
{
    struct slice value;
    enum fan_status s = store_get(t, STORE_HASHES, hash_slice(hash), &value);

    if (s) return s;
    if (value.len != 8) return FAN_EFORMAT;
    *out = get_be64(value.at);
    return FAN_OK;
}

enum fan_status store_tx_place(struct store_txn *t, const struct fan_hash *hash, uint64_t *out_number,
                               uint64_t *out_index)
{
    struct slice value;
    enum fan_status s = store_get(t, STORE_TXS, hash_slice(hash), &value);

    if (s) return s;
    if (value.len != 12) return FAN_EFORMAT;
    *out_number = get_be64(value.at);
    *out_index = (uint64_t)value.at[8] << 24 | (uint64_t)value.at[9] << 16 | (uint64_t)value.at[10] << 8 | value.at[11];
    return FAN_OK;
}

enum fan_status store_block_get(struct store_txn *t, uint64_t number, const struct fan_hash *hash, struct block **out,
                                struct fan_error *err)
{
    struct slice header, body, outcome, k;
    struct key key;
    struct block *b;
    enum fan_status s;

    k = key_of(number, hash, &key);
    s = store_get(t, STORE_HEADERS, k, &header);
    if (!s) s = store_get(t, STORE_BODIES, k, &body);
    if (!s) s = store_get(t, STORE_OUTCOMES, k, &outcome);
    if (!s) s = store_block_decode(header, body, outcome, &b, err);
    if (s) return s;
    if (b->header.number != number || memcmp(&b->hash, hash, sizeof *hash) != 0) {
        block_unref(b);
        return fan_error_set(err, FAN_EFORMAT, "another block's rows lie in its place");
    }
    *out = b;
    return FAN_OK;
}

enum fan_status store_header_get(struct store_txn *t, uint64_t number, const struct fan_hash *hash, struct header *out)
{
    struct key key;
    struct slice bytes;
    struct rlp r;
    enum fan_status s = store_get(t, STORE_HEADERS, key_of(number, hash, &key), &bytes);

    if (s) return s;
    r = rlp_of(bytes);
    s = header_decode(&r, out, NULL);
    return s ? s : rlp_end(&r);
}
