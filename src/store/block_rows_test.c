#include "store/block_rows.h"

#include "base/test.h"

/* A block of Shanghai with nothing in it: three lists behind its header, so that the border of the rows can move. */
static bool rows_of_empty_block(struct buf rows[3])
{
    struct block *b = block_new();

    for (size_t i = 0; i < 3; i++) buf_init(&rows[i], 0);
    if (!b) return false;
    b->header.extent = HEADER_SHANGHAI;
    b->has_receipts = true;
    store_block_encode(b, &rows[0], &rows[1], &rows[2]);
    block_unref(b);
    return !rows[0].failed && !rows[1].failed && !rows[2].failed;
}

/* Header and body are decoded as one. Each way to part the same bytes between the two rows but the right one is damage,
 * and has to be told: keys and scans of headers rely on what lies in which. */
TEST(what_lies_on_the_wrong_side_between_header_and_body_is_damage, t)
{
    struct buf rows[3], both;
    size_t accepted = 0;

    buf_init(&both, 0);
    CHECK(t, rows_of_empty_block(rows));
    buf_put(&both, buf_peek(&rows[0]));
    buf_put(&both, buf_peek(&rows[1]));
    CHECK_EQ(t, both.failed, 0);
    CHECK_EQ(t, rows[1].len, 3);
    for (size_t at = 0; at <= both.len; at++) {
        struct fan_error err = {{0}};
        struct block *b = NULL;
        struct slice all = buf_peek(&both);
        enum fan_status s = store_block_decode(slice_first(all, at), slice_from(all, at), buf_peek(&rows[2]), &b, &err);

        CHECK_EQ(t, s, at == rows[0].len ? FAN_OK : FAN_EFORMAT);
        CHECK(t, !s || strncmp(err.text, "header: ", 8) == 0);
        accepted += !s;
        block_unref(b);
    }
    CHECK_EQ(t, accepted, 1);
    for (size_t i = 0; i < 3; i++) buf_fini(&rows[i]);
    buf_fini(&both);
}
