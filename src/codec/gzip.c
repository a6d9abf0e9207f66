#include "codec/gzip.h"

#include <zlib.h>

#include "base/buf.h"

enum { GZIP = 15 + 16, PIECE = 16384 };

bool gzip_is(struct slice bytes)
{
    return slice_starts(bytes, SLICE("\x1f\x8b"));
}

/* One piece after the other until the packed bytes are through. */
static enum fan_status unpack(z_stream *z, size_t len_max, struct buf *out)
{
    uint8_t piece[PIECE];
    int code = Z_OK;

    while (z->avail_in || code == Z_OK) {
        z->next_out = piece;
        z->avail_out = sizeof piece;
        code = inflate(z, Z_NO_FLUSH);
        buf_put(out, slice_of(piece, sizeof piece - z->avail_out));
        if (out->failed) return out->failed;
        if (out->len > len_max) return FAN_ELIMIT;
        if (code == Z_MEM_ERROR) return FAN_ENOMEM;
        if (code != Z_OK && code != Z_STREAM_END)
            return FAN_EFORMAT; /* Z_BUF_ERROR: nothing left in the middle of a member */
        if (code == Z_STREAM_END && z->avail_in) (void)inflateReset(z); /* another member follows */
    }
    return FAN_OK;
}

enum fan_status gzip_unpack(struct slice packed, size_t len_max, struct arena *a, struct slice *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.at, .avail_in = (uInt)packed.len};
    struct slice kept;
    struct buf b;
    enum fan_status s;

    if (packed.len > UINT32_MAX) return FAN_ELIMIT;
    if (inflateInit2(&z, GZIP) != Z_OK) return FAN_ENOMEM;
    buf_init(&b, 0);
    s = unpack(&z, len_max, &b);
    (void)inflateEnd(&z);
    if (!s) {
        kept = b.len ? arena_dup(a, buf_peek(&b)) : slice_of(NULL, 0);
        if (b.len && !kept.at)
            s = FAN_ENOMEM;
        else
            *out = kept;
    }
    buf_fini(&b);
    return s;
}
