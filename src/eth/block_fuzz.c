/* A stranger's bytes as a block, as an import file brings them. Property: what decodes encodes to the same bytes, of
 * the length that was counted; its roots and its JSON can be made. */
#include "base/slice.h"
#include "eth/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rlp r = rlp_of(slice_of(data, size));
    struct fan_error err = {{0}};

    while (rlp_more(&r)) {
        struct slice before = r.rest;
        struct fan_hash root;
        struct json_writer w;
        struct block *b;
        struct buf out;

        if (block_decode(&r, &b, &err)) {
            assert(err.text[0]);
            break;
        }
        buf_init(&out, 0);
        block_put(b, &out);
        assert(out.failed || slice_eq(buf_peek(&out), slice_first(before, before.len - r.rest.len)));
        assert(out.failed || out.len == b->size);
        if (block_transactions_root(b->txs, b->tx_count, &root) ||
            block_withdrawals_root(b->withdrawals, b->withdrawal_count, &root) ||
            block_ommers_hash(b->ommers, b->ommer_count, &root))
            assert(out.failed);
        buf_reset(&out);
        w = json_writer_of(&out);
        block_put_json(b, !block_recover_senders(b, true, NULL), &w);
        buf_fini(&out);
        block_unref(b);
    }
    return 0;
}
