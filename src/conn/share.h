/* share: a worker's own count on a shared frame.
 *
 * Fan-out takes one atomic reference per worker; inside the worker, each outbox entry counts in this plain integer. A
 * share never leaves its worker. */
#ifndef CONN_SHARE_H
#define CONN_SHARE_H

#include "wire/deflate.h"
#include "wire/frame.h"

struct frame_share {
    struct frame *frame; /* one reference */
    size_t count;        /* outbox entries and holders in this worker */
    size_t queued;       /* outbox entries and packed items alone: the first and the last move the process's count of
                            waiting bytes */
    uint64_t number;     /* in the worker's journal (pack.h); 0: nothing packed waits for it */
    struct frame_share *deflated[DEFLATE_BITS_COUNT]; /* of the frame's compressed forms, one count each; itself,
                                                         uncounted: where compressing does not pay */
    struct frame_share *line;                         /* of its form without frames, one count */
};

/* Takes over the caller's reference on f; count starts at 1, the caller's. NULL: out of memory (the reference is
 * released). */
struct frame_share *frame_share_new(struct frame *f);
void frame_share_ref(struct frame_share *s);
/* The share of the frame's form for a window of 2^bits bytes, borrowed from s; s itself where there is none.
 * *out_fresh: this call compressed the frame, for all workers. */
struct frame_share *frame_share_deflated(struct frame_share *s, unsigned bits, struct deflater *d, bool *out_fresh);
/* The share of the frame's form for a stream of JSON values, borrowed from s. NULL: out of memory. */
struct frame_share *frame_share_line(struct frame_share *s);
void frame_share_unref(struct frame_share *s); /* NULL is fine */

#endif
