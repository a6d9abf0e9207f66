/* deflate: the compression of WebSocket messages, both ways, for permessage-deflate. zlib is included here and nowhere
 * else.
 *
 * No context is taken over in either direction: each message, and each tail of a shared frame, is compressed with an
 * empty window, and so its bytes are right for every connection that agreed on the same window size. A message's
 * compressed form ends with an empty stored block whose last four bytes, 00 00 ff ff, do not travel (section 7.2.1).
 *
 * A deflater is a worker's: one compressor for each window size that somebody asked for, made when it first is. An
 * inflater belongs to the one message that it reads, in pieces as they come: its output grows as bytes arrive and stops
 * one byte beyond the limit, so a bomb costs no more than an honest message of that length.
 *
 * Not here: who agreed on what (wire/deflate_terms.h), RSV1 and fragments (wire/ws_parse.c), what is worth compressing
 * (wire/frame.c, conn/websocket.c). Spec: RFC 7692 section 7.2, RFC 1951. */
#ifndef WIRE_DEFLATE_H
#define WIRE_DEFLATE_H

#include "base/buf.h"

enum {
    DEFLATE_BITS_MIN = 8, /* of a window: 2^8 to 2^15 bytes */
    DEFLATE_BITS_MAX = 15,
    DEFLATE_BITS_COUNT = DEFLATE_BITS_MAX - DEFLATE_BITS_MIN + 1,
    DEFLATE_LEN_MIN = 256 /* shorter ones gain too little for what both sides spend */
};

/* ---- writing ---- */

struct deflater;

/* A few bytes until the first run. NULL: out of memory. */
struct deflater *deflater_new(void);
void deflater_free(struct deflater *d); /* NULL is fine */
/* The compressed form of `in` for a window of 2^bits bytes that is empty at first; it ends at a whole byte, without
 * 00 00 ff ff. *out is borrowed until the next run. At 8 bits, which zlib cannot do, nothing refers back at all, so any
 * window is wide enough. FAN_ENOMEM: *out is untouched. Allocates nothing once it has met bits and a length like this.
 */
FAN_MUST_CHECK enum fan_status deflater_run(struct deflater *d, unsigned bits, struct slice in, struct slice *out);

/* Is so much saved that the receiver's work is worth it? An eighth at least. */
static inline bool deflate_pays(size_t plain_len, size_t deflated_len)
{
    return deflated_len <= plain_len - plain_len / 8;
}

/* A stored block (RFC 1951 section 3.2.4) is these bytes and then `len` bytes as they are; the block before it must
 * have ended at a whole byte. */
enum { DEFLATE_STORED_HEADER_LEN = 5, DEFLATE_STORED_LEN_MAX = 65535 };
static inline void deflate_stored_header(size_t len, uint8_t out[DEFLATE_STORED_HEADER_LEN])
{
    assert(len <= DEFLATE_STORED_LEN_MAX);
    out[0] = 0; /* not the last; type 0; filled up to the byte */
    out[1] = (uint8_t)len;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)~out[1];
    out[4] = (uint8_t)~out[2];
}

/* ---- reading ---- */

enum inflate_result {
    INFLATE_OK,
    INFLATE_TOO_LONG, /* the message is longer than allowed */
    INFLATE_BAD,      /* no deflate data, or cut off */
    INFLATE_NO_MEMORY
};

struct inflater;

/* At the beginning of a message, whatever the window of its sender: about 7 KiB, and 32 more with the first output.
 * NULL: out of memory. */
struct inflater *inflater_new(void);
void inflater_free(struct inflater *i); /* NULL is fine */
/* At the beginning of another message. */
void inflater_reset(struct inflater *i);
/* Appends what these bytes of the message inflate to. out holds what came before; it grows to len_max + 1 bytes at
 * most, and that is INFLATE_TOO_LONG. After anything but INFLATE_OK the message is lost; what stands in out came before
 * the fault. The result for a stream is the same however it is cut into pieces. */
FAN_MUST_CHECK enum inflate_result inflater_feed(struct inflater *i, struct slice in, size_t len_max, struct buf *out);
/* The message has no more bytes. INFLATE_BAD: it ends within a block. */
FAN_MUST_CHECK enum inflate_result inflater_end(struct inflater *i, size_t len_max, struct buf *out);

#endif
