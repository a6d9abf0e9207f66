/* The bytes of a store may be anyone's, or the disk's. Property: every reader of rows ends with a status, what it
 * accepts it writes again as it was, and a block that it accepts is one that can be shown. */
#include <stdlib.h>

#include "local/db_record.h"
#include "store/block_rows.h"

static void records(struct slice in)
{
    struct state_account account;
    struct fan_u256 value;
    struct state_point point;
    struct trie_node_key node;
    uint8_t space[DB_ACCOUNT_MAX];
    enum db_kind kind;
    struct slice key, row = in;

    if (!db_account_decode(in, &account)) assert(slice_eq(db_account_encode(&account, space), in));
    if (!db_slot_decode(in, &value)) assert(slice_eq(db_slot_encode(&value, space), in));
    if (!db_version_decode(in, 7, &point)) assert(slice_eq(db_version_encode(&point, space), in));
    if (!db_node_key_decode(in, &node)) assert(slice_eq(db_node_key(&node, space), in));
    while (row.len && !db_journal_next(&row, &kind, &key)) assert(key.len && key.len <= DB_KEY_MAX);
}

/* Three rows: their lengths in two bytes each, in front. */
static void block(struct slice in)
{
    struct slice rows[3];
    struct fan_error err = {{0}};
    struct block *b;
    struct buf again[4];
    struct json_writer w;
    enum fan_status s;

    if (in.len < 4) return;
    rows[0] = slice_first(slice_from(in, 4), min_u64((size_t)in.at[0] << 8 | in.at[1], in.len - 4));
    in = slice_of(in.at, in.len);
    rows[1] = slice_from(in, 4 + rows[0].len);
    rows[1] = slice_first(rows[1], min_u64((size_t)in.at[2] << 8 | in.at[3], rows[1].len));
    rows[2] = slice_from(in, 4 + rows[0].len + rows[1].len);
    s = store_block_decode(rows[0], rows[1], rows[2], &b, &err);
    assert(!s == !err.text[0]);
    if (s) return;
    for (size_t i = 0; i < 4; i++) buf_init(&again[i], 0);
    store_block_encode(b, &again[0], &again[1], &again[2]);
    for (size_t i = 0; i < 3; i++) assert(slice_eq(buf_peek(&again[i]), rows[i]));
    w = json_writer_of(&again[3]);
    block_put_receipts_json(b, &w);
    assert(again[3].len);
    for (size_t i = 0; i < 4; i++) buf_fini(&again[i]);
    block_unref(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    records(slice_of(data, size));
    block(slice_of(data, size));
    return 0;
}
