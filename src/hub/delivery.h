/* delivery: one event on its way to the workers, with the frames it becomes.
 *
 * Made once per event on the writer's thread, counted once per worker, immutable but for the frames, which appear as
 * workers ask for them: the first that has a subscriber for a log encodes it, all others share the bytes. What nobody
 * wants is never encoded.
 *
 *   frames of a head   for each removed block [log 0 … log n-1], then for each added block [header] [log 0 … log n-1]
 * [receipts]
 *   frames of late logs    [log 0 … log n-1]
 *
 * Reading a frame that is there costs one atomic load. Encoding takes the delivery's lock, so that a frame is encoded
 * once per process also when all workers wake at the same moment: a worker waits there at most as long as the encoding
 * it would have done itself. Thread: any. */
#ifndef HUB_DELIVERY_H
#define HUB_DELIVERY_H

#include <pthread.h>

#include "chain/chain.h"
#include "wire/frame.h"

/* What a frame says. */
enum delivery_form {
    DELIVERY_HEADER,       /* of a struct block */
    DELIVERY_LOG,          /* a struct log */
    DELIVERY_LOG_REMOVED,  /* a struct log */
    DELIVERY_RECEIPTS,     /* of a struct block */
    DELIVERY_PENDING_HASH, /* of a struct pending_tx; index 0 */
    DELIVERY_PENDING_BODY, /* of a struct pending_tx; index 1 */
    DELIVERY_SYNCING       /* a struct chain_sync; index 0 */
};

/* Where the encoder writes before the frame copies it: a worker's, warm after the first events. */
struct delivery_scratch {
    struct buf result, tail;
};

struct delivery {
    struct ref ref;
    struct chain_event *event;
    pthread_mutex_t encoding;
    size_t frame_count;
    _Atomic(struct frame *) frames[];
};

/* Takes its own reference on the event. NULL: out of memory. */
struct delivery *delivery_new(struct chain_event *e);
struct delivery *delivery_ref(struct delivery *d);
void delivery_unref(struct delivery *d); /* NULL is fine */

/* The frame at that place (see the drawing), borrowed from the delivery: `what` in that form. *out_fresh: this call
 * encoded it. NULL: out of memory. */
struct frame *delivery_frame(struct delivery *d, size_t index, enum delivery_form form, const void *what,
                             struct delivery_scratch *s, bool *out_fresh);

/* A frame outside an event, for one reader: the caller owns the reference. NULL: out of memory. */
struct frame *delivery_frame_of(enum delivery_form form, const void *what, struct delivery_scratch *s);
/* A syncing frame outside an event, for a new subscriber: the caller owns the reference. NULL: out of memory. */
struct frame *delivery_syncing_frame(const struct chain_sync *sync, struct delivery_scratch *s);

#endif
