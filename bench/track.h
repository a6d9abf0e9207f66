/* track: what every subscription must have received, and did.
 *
 * A notification has a place in its stream: newHeads its number, a log its block's number and its index there, a
 * pending transaction the order in which its hash first came to anyone. All subscriptions of a run have the same
 * stream, so each must see every place once, one after the other, from the place at which the run began; whatever else
 * happens is a fault and counted. One thread. */
#ifndef BENCH_TRACK_H
#define BENCH_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum track_kind { TRACK_HEADS, TRACK_LOGS, TRACK_PENDING };

struct track_options {
    enum track_kind kind;
    uint64_t logs_per_event; /* TRACK_LOGS: each event is a block with so many logs */
    bool skip_empty; /* TRACK_HEADS: a block without transactions is nobody's order; its place must be seen all the same
                      */
};

struct track_faults {
    uint64_t holes, duplicates, disorders, lost, strange; /* lost connections; what is no notification of ours */
};

struct track_id {
    uint64_t hash; /* of the subscription's id; 0: an empty place */
    uint64_t next; /* the place it must see next; UINT64_MAX: its first is still to come */
};

/* The subscriptions of one connection: open addressing, a power of two of places. */
struct track_set {
    struct track_id *ids;
    size_t cap, count;
};

void track_init(struct track_options options);
const struct track_faults *track_peek_faults(void);
struct track_faults *track_faults(void);

void track_add(struct track_set *s, const char *id, size_t len);

/* Reads a notification. Returns false when the text is none. *out_event: which event of the run it belongs to,
 * counted from 0; UINT64_MAX when it is a fault or nobody's order, and does not count. */
bool track_read(struct track_set *s, const char *text, size_t len, uint64_t *out_event);

/* Blocks that nobody had ordered. */
uint64_t track_unasked(void);

/* Adds to the holes what a subscription lacks of so many events. */
void track_end(const struct track_set *s, uint64_t events);

#endif
