/* parts: what the files of hub/ share: the hub, the lanes from the writer to its workers, and the polling filters.
 *
 * A lane is a ring with one writer and one reader, and a letter that is in the worker's mailbox whenever the ring may
 * hold something:
 *
 *   writer: slots[put] = delivery, put++, post the letter unless it is posted
 *   worker: the letter runs; posted = false, then take until the ring is empty
 *
 * A worker that sleeps is woken once; one that is behind finds several events at one waking. A ring that is full (a
 * worker that has not come by for LANE_SLOTS events) is not waited for and nothing is dropped in silence: the lane is
 * `overrun`, its worker closes all connections that had subscriptions, and their clients see an end instead of a hole.
 *
 * Interest: a worker without subscribers of a kind is not woken for it. A subscription first shows its interest and
 * then reads the hub's sequence; the writer first stores the sequence and then reads the interest (both sequentially
 * consistent). So an event is either delivered, or older than the subscription by the number the subscription has read,
 * and then it is not owed.
 *
 * Not here: a worker's subscriptions (shard.c). */
#ifndef HUB_PARTS_H
#define HUB_PARTS_H

#include "hub/delivery.h"
#include "hub/hub.h"
#include "hub/id.h"

enum { LANE_SLOTS = 8192 }; /* a power of two; pointers only */

struct lane {
    struct letter letter;
    struct hub *hub;
    struct mailbox *box;
    struct hub_shard *shard; /* the worker's; NULL before and after */
    atomic_bool posted, overrun;
    _Atomic uint32_t interest;   /* bit n: events of enum chain_event_kind n */
    _Atomic uint64_t put, taken; /* writer's, worker's */
    struct delivery **slots;
};

struct poll_set;

struct hub {
    struct chain *chain;
    struct chain_watcher watcher;
    struct hub_options options;
    _Atomic uint64_t sequence;    /* of the newest event; stored before it goes into the lanes */
    struct chain_sync sync_start; /* before the first event */
    pthread_mutex_t head_lock;    /* the writer takes it once per change of head; a shard when a subscription resumes */
    struct block *head;           /* after the newest event; NULL where the chain tells none */
    uint64_t head_sequence;       /* of that event */
    struct poll_set *polls;
    size_t lane_count;
    struct lane lanes[];
};

/* shard.c: the letter has arrived. */
void shard_deliver(struct hub_shard *s, struct delivery *d);
void shard_delivered(struct hub_shard *s); /* the ring is empty: send */
void shard_overrun(struct hub_shard *s);
/* After that, once its lane takes events again: a change of syncing may have been among those that were lost. */
void shard_sync_again(struct hub_shard *s);

/* poll.c */
struct poll_set *poll_set_new(const struct hub_options *options);
void poll_set_free(struct poll_set *s);                         /* NULL is fine */
void poll_set_event(struct poll_set *s, struct chain_event *e); /* writer's thread */

#endif
