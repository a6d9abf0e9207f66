/* frame: one event, encoded once, that many connections send.
 *
 * A block arrives once and may leave ten thousand times. The hub therefore encodes it
 * once; connections write the same head and tail, and only the 34 bytes of the
 * subscription's id between them differ. A frame never changes after frame_new(),
 * and that is what makes it safe to share between workers.
 *
 *   81 7e 01 2c {"jsonrpc":"2.0",…"subscription":"  0x0123…(34 bytes)  ","result":{…}}}
 *   └── head: WebSocket header and text ───────┘ └──── the hole ────┘ └── tail ────────┘
 *
 * The header can stand in the shared head because the id's width is fixed, so the length of the message is known. A
 * frame without a hole is whole in its head; its tail is empty.
 *
 * For those who agreed on permessage-deflate a frame has compressed forms, one for each window size in use, made when
 * the first of them needs it and kept as long as the frame. Each is a frame of this same kind: the id stands in a
 * stored block, which deflate copies as it is, and only the tail behind it is compressed, with a window that is empty
 * at first, so that nothing refers back over bytes that differ (docs/design/006-shared-deflate.md).
 *
 *   c1 7e 00 f0  00 69 00 96 ff {"jsonrpc":…"subscription":"  0x0123…  compressed tail
 *   └─ RSV1 ──┘  └─ stored ───┘ └── text ──────────────────┘
 *
 * For those who read JSON from a socket without frames there is one more form: the text alone, with a line feed behind.
 *
 * Not here: how far each connection has written (conn/outbox.h), who receives it (hub/hub.h).
 * Spec: RFC 6455 section 5.2 (layout), section 5.1 (a server never masks); RFC 7692 section 7.2.1. */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/slice.h"

/* "0x" and 32 hex digits; the quotes around it belong to head and tail. */
enum { FRAME_ID_LEN = 34 };

struct deflater;
struct frame;

/* Joins head and tail around a hole for the id; the bytes are copied. On FAN_OK the
 * caller owns one reference in *out_frame. On FAN_ENOMEM *out_frame is untouched. */
FAN_MUST_CHECK enum fan_status frame_new(struct slice head, struct slice tail, struct frame **out_frame);
/* The same for the text of a message: the header of one unfragmented text frame is put in front of head. */
FAN_MUST_CHECK enum fan_status frame_new_text(struct slice head, struct slice tail, struct frame **out_frame);
/* Bytes that leave as they are, without a hole. */
FAN_MUST_CHECK enum fan_status frame_new_plain(struct slice bytes, struct frame **out_frame);

struct frame *frame_ref(struct frame *f); /* once per worker, any thread; returns f */
void frame_unref(struct frame *f);        /* any thread; NULL is fine */

/* The form of a text frame for a window of 2^bits bytes (8 to 15), borrowed from f; f itself where compressing does not
 * pay: a short tail, a frame that is no text, no memory. The first caller for these bits compresses, with its d; others
 * wait for it, as long as their own work would have taken at most. *out_fresh: this call did. Any thread with a
 * reference. */
struct frame *frame_deflated(struct frame *f, unsigned bits, struct deflater *d, bool *out_fresh);

/* The form of a text frame for a stream of JSON values: no header, a line feed at the end; borrowed from f. NULL: out
 * of memory. f must be a text frame. Any thread with a reference. */
struct frame *frame_line(struct frame *f);

/* For whoever counts the memory of output that waits: each worker says once when the frame begins to wait there, and
 * once when it waits no more. True for the first to begin and the last to end. Any thread with a reference. */
bool frame_wait_begin(struct frame *f);
bool frame_wait_end(struct frame *f);

/* Any thread that holds a reference; borrowed as long as it does. */
struct slice frame_peek_head(const struct frame *f);
struct slice frame_peek_tail(const struct frame *f); /* empty without a hole */
bool frame_has_hole(const struct frame *f);
size_t frame_len(const struct frame *f); /* what one recipient gets, the id included */

#endif
