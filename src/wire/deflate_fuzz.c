#include <stdlib.h>

#include "wire/deflate.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 8192 };

static enum inflate_result inflate_in_two(struct slice in, size_t cut, struct buf *out)
{
    struct inflater *i = inflater_new();
    enum inflate_result result;

    assert(i);
    buf_init(out, 0);
    result = inflater_feed(i, slice_first(in, cut), LIMIT, out);
    if (!result) result = inflater_feed(i, slice_from(in, cut), LIMIT, out);
    if (!result) result = inflater_end(i, LIMIT, out);
    inflater_free(i);
    assert(out->len <= LIMIT + 1 && (out->len > LIMIT) == (result == INFLATE_TOO_LONG));
    return result;
}

/* Foreign bytes: wherever they are cut, they inflate to the same, or are wrong behind the same bytes. */
static void inflate_foreign(struct slice in, size_t cut)
{
    struct buf whole, parts;
    enum inflate_result result = inflate_in_two(in, in.len, &whole);

    assert(inflate_in_two(in, cut, &parts) == result);
    assert(slice_eq(buf_peek(&whole), buf_peek(&parts)));
    buf_fini(&whole);
    buf_fini(&parts);
}

/* Our own bytes: the form of a frame whose tail they are inflates to the frame. */
static void inflate_own(struct slice tail, unsigned bits)
{
    static const char id[] = "0x0123456789abcdef0123456789abcdef";
    struct deflater *d = deflater_new();
    struct frame *f, *form;
    struct buf wire, back;
    bool fresh;

    if (!d || frame_new_text(SLICE("text:"), tail, &f)) abort();
    form = frame_deflated(f, bits, d, &fresh);
    if (form != f) {
        size_t header = (frame_peek_head(form).at[1] & 127) == 126 ? 4 : 2;
        enum inflate_result result;

        buf_init(&wire, 0);
        buf_put(&wire, slice_from(frame_peek_head(form), header));
        buf_put(&wire, slice_of(id, FRAME_ID_LEN));
        buf_put(&wire, frame_peek_tail(form));
        result = inflate_in_two(buf_peek(&wire), wire.len / 2, &back);
        assert(result == INFLATE_OK &&
               (back.len == 5 + FRAME_ID_LEN + tail.len && memcmp(back.at + 5 + FRAME_ID_LEN, tail.at, tail.len) == 0 &&
                memcmp(back.at + 5, id, FRAME_ID_LEN) == 0));
        buf_fini(&wire);
        buf_fini(&back);
    }
    frame_unref(f);
    deflater_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in;

    if (size < 3) return 0;
    in = slice_of(data + 2, size - 2);
    inflate_foreign(in, data[0] % in.len);
    if (data[1] & 1 && in.len < LIMIT / 2) inflate_own(in, DEFLATE_BITS_MIN + data[1] / 2 % DEFLATE_BITS_COUNT);
    return 0;
}
