#include <stdlib.h>

#include "codec/rlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes again what was read. Returns false when something was wrong. */
static bool copy(struct rlp *r, struct buf *out, unsigned depth)
{
    while (rlp_more(r)) {
        if (rlp_peek_is_list(r) && depth < 64) {
            struct rlp inside = rlp_enter(r);
            size_t begin = rlp_list_begin(out);

            if (!copy(&inside, out, depth + 1)) return false;
            rlp_leave(r, &inside);
            rlp_list_end(out, begin);
        } else if (rlp_peek_is_list(r)) {
            rlp_put_raw(out, rlp_raw(r));
        } else {
            rlp_put_bytes(out, rlp_bytes(r));
        }
    }
    return !r->failed;
}

/* Property: there is one encoding of each value. So whatever the reader accepts, the writer writes back byte for byte.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rlp r = rlp_of(slice_of(data, size));
    struct buf out;

    buf_init(&out, 0);
    if (copy(&r, &out, 0)) {
        assert(!out.failed);
        assert(slice_eq(buf_peek(&out), slice_of(data, size)));
    }
    buf_reset(&out);
    r = rlp_of(slice_of(data, size));
    {
        uint64_t v = rlp_u64(&r);

        if (!rlp_end(&r)) {
            rlp_put_u64(&out, v);
            assert(slice_eq(buf_peek(&out), slice_of(data, size)));
        }
    }
    buf_reset(&out);
    r = rlp_of(slice_of(data, size));
    {
        struct fan_u256 v = rlp_u256(&r);

        if (!rlp_end(&r)) {
            rlp_put_u256(&out, &v);
            assert(slice_eq(buf_peek(&out), slice_of(data, size)));
        }
    }
    buf_fini(&out);
    return 0;
}
