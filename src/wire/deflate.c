#include "wire/deflate.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

/* Measured on a header of 1,651 bytes and a log of 640: level 3 is within 1 % of level 9 for headers and as good for
 * logs, at half its time; a memLevel of 5 keeps what each reset clears at 8 KiB. docs/design/006-shared-deflate.md. */
enum { LEVEL = 3, MEM_LEVEL = 5, TRAILER_LEN = 4, ROOM_MIN = 512, ROOM_MAX = 64 * 1024 };

static const uint8_t trailer[TRAILER_LEN] = {0x00, 0x00, 0xff, 0xff};

/* zlib's memory comes from where ours does, so that tests can make it fail. */
static void *zlib_alloc(void *opaque, uInt count, uInt size)
{
    (void)opaque;
    return malloc((size_t)count * size);
}

static void zlib_free(void *opaque, void *at)
{
    (void)opaque;
    free(at);
}

/* ---- writing ---- */

struct deflater {
    z_stream *streams[DEFLATE_BITS_COUNT];
    struct buf out;
};

struct deflater *deflater_new(void)
{
    struct deflater *d = calloc(1, sizeof *d);

    if (d) buf_init(&d->out, 0);
    return d;
}

void deflater_free(struct deflater *d)
{
    if (!d) return;
    for (size_t i = 0; i < COUNT_OF(d->streams); i++) {
        if (!d->streams[i]) continue;
        (void)deflateEnd(d->streams[i]);
        free(d->streams[i]);
    }
    buf_fini(&d->out);
    free(d);
}

/* The compressor for that window, with nothing in it. */
static z_stream *stream_for(struct deflater *d, unsigned bits)
{
    z_stream **place = &d->streams[bits - DEFLATE_BITS_MIN];
    int status;

    assert(bits >= DEFLATE_BITS_MIN && bits <= DEFLATE_BITS_MAX);
    if (*place) {
        (void)deflateReset(*place);
        return *place;
    }
    *place = calloc(1, sizeof **place);
    if (!*place) return NULL;
    (*place)->zalloc = zlib_alloc;
    (*place)->zfree = zlib_free;
    /* zlib has no window of 2^8 bytes. Codes alone, without references, are right in any. */
    status = bits == DEFLATE_BITS_MIN
                 ? deflateInit2(*place, LEVEL, Z_DEFLATED, -(DEFLATE_BITS_MIN + 1), MEM_LEVEL, Z_HUFFMAN_ONLY)
                 : deflateInit2(*place, LEVEL, Z_DEFLATED, -(int)bits, MEM_LEVEL, Z_DEFAULT_STRATEGY);
    if (status == Z_OK) return *place;
    free(*place);
    *place = NULL;
    return NULL;
}

enum fan_status deflater_run(struct deflater *d, unsigned bits, struct slice in, struct slice *out)
{
    z_stream *z = stream_for(d, bits);

    if (!z || in.len > UINT32_MAX / 2) return FAN_ENOMEM;
    buf_reset(&d->out);
    z->next_in = in.at;
    z->avail_in = (uInt)in.len;
    do { /* a flush is complete when it leaves room */
        if (!buf_reserve(&d->out, deflateBound(z, z->avail_in) + TRAILER_LEN)) return FAN_ENOMEM;
        z->next_out = d->out.at + d->out.len;
        z->avail_out = (uInt)(d->out.cap - d->out.len);
        if (deflate(z, Z_SYNC_FLUSH) == Z_STREAM_ERROR) return FAN_ENOMEM;
        d->out.len = d->out.cap - z->avail_out;
    } while (z->avail_out == 0);
    assert(d->out.len > TRAILER_LEN && memcmp(d->out.at + d->out.len - TRAILER_LEN, trailer, TRAILER_LEN) == 0);
    *out = slice_of(d->out.at, d->out.len - TRAILER_LEN);
    return FAN_OK;
}

/* ---- reading ---- */

struct inflater {
    z_stream z;
    bool begun; /* some byte of the message has come */
    bool ended; /* the last byte ended a block that called itself the last */
};

struct inflater *inflater_new(void)
{
    struct inflater *i = calloc(1, sizeof *i);

    if (i) {
        i->z.zalloc = zlib_alloc;
        i->z.zfree = zlib_free;
    }
    if (i && inflateInit2(&i->z, -DEFLATE_BITS_MAX) == Z_OK) return i;
    free(i);
    return NULL;
}

void inflater_free(struct inflater *i)
{
    if (!i) return;
    (void)inflateEnd(&i->z);
    free(i);
}

void inflater_reset(struct inflater *i)
{
    (void)inflateReset(&i->z);
    i->begun = i->ended = false;
}

/* Room for the next output: what the input may become, one byte beyond the limit at most. */
static bool make_room(const struct inflater *i, size_t len_max, struct buf *out)
{
    size_t room = (size_t)i->z.avail_in * 4, left = len_max + 1 - out->len;

    room = room < ROOM_MIN ? ROOM_MIN : room > ROOM_MAX ? ROOM_MAX : room;
    return buf_reserve(out, room < left ? room : left);
}

enum inflate_result inflater_feed(struct inflater *i, struct slice in, size_t len_max, struct buf *out)
{
    z_stream *z = &i->z;
    bool more = in.len > 0; /* input, or output that found no room */

    assert(in.len <= UINT32_MAX && out->len <= len_max);
    i->begun |= in.len > 0;
    z->next_in = in.at;
    z->avail_in = (uInt)in.len;
    while (more) {
        size_t left = len_max + 1 - out->len, room;
        int status;

        if (!make_room(i, len_max, out)) return INFLATE_NO_MEMORY;
        room = out->cap - out->len;
        if (room > left) room = left;
        if (room > UINT32_MAX) room = UINT32_MAX;
        /* A sender may call a block the last and go on behind it, at the next byte and with the same window (RFC 7692
         * section 7.2.3.4). */
        if (i->ended) (void)inflateResetKeep(z);
        i->ended = false;
        z->next_out = out->at + out->len;
        z->avail_out = (uInt)room;
        status = inflate(z, Z_SYNC_FLUSH);
        out->len += room - z->avail_out;
        if (out->len > len_max) return INFLATE_TOO_LONG; /* whatever came behind it */
        if (status == Z_MEM_ERROR) return INFLATE_NO_MEMORY;
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return INFLATE_BAD;
        i->ended = status == Z_STREAM_END;
        more = z->avail_in > 0 || (z->avail_out == 0 && !i->ended);
    }
    return INFLATE_OK;
}

enum inflate_result inflater_end(struct inflater *i, size_t len_max, struct buf *out)
{
    enum { AT_BLOCK_END = 128, BITS_LEFT = 63 }; /* of data_type (zlib.h) */
    enum inflate_result result;

    /* A message without a byte, and one whose last block said so, are whole as they are. */
    if (!i->begun || i->ended) return INFLATE_OK;
    result = inflater_feed(i, slice_of(trailer, sizeof trailer), len_max, out);
    if (result) return result;
    return i->ended || (i->z.data_type & (AT_BLOCK_END | BITS_LEFT)) == AT_BLOCK_END ? INFLATE_OK : INFLATE_BAD;
}
