/* resume: a stream that begins where its reader left it.
 *
 * A reader that lost its connection names the last thing it saw. What has happened since is not a list that could be
 * looked up: blocks it saw may be orphaned by now, and more may be orphaned while it reads. So a resumption keeps a
 * place, the block the reader stands on and how many of that block's logs it was told, and each step asks the chain one
 * question:
 *
 *             is the block I stand on canonical?
 *      no ─► tell its logs as removed, last first; stand on its parent        yes ─► tell the rest of its logs; stand on
 *                                                                                    the canonical block above it
 *
 * That is right whatever the chain does in between, since the place always says exactly what the reader has been told:
 * a block told half when it is orphaned gives back the half that was told. A reorg before and a reorg during the
 * history are the same case.
 *
 * Going live: the shard keeps the head as of the last event it delivered. A resumption that stands on that very block,
 * with all of it told, joins the fan-out, for the events after that one: each begins where the one before it ended. The
 * chain itself may already be further than the events; then the reader waits for an event, and history never goes above
 * the head that events have told. A place that the head passes over is reached by the next step.
 *
 *   READY ──step──► NO_ROOM (the socket is full, or the reply with the id has not left)  ──hub_room()──► READY
 *             ├───► AT_HEAD (nothing above it that the events know)                      ──an event───► READY
 *             └───► live: no resumption any more
 *
 * Pace: a step goes on only while the connection has room for history (conn_paced_room), so a reader that stops costs 64
 * KiB and one block; a turn also ends after so many blocks, so that a filter that matches nothing holds nobody up.
 *
 * Not here: the grammar of the key `resume` (api/eth_subscribe.c), budgets (conn/). Spec: design promise 6.
 * Thread: the worker's. */
#ifndef HUB_RESUME_H
#define HUB_RESUME_H

#include "hub/parts.h"

struct subscription;

enum resume_state { RESUME_READY, RESUME_NO_ROOM, RESUME_AT_HEAD, RESUME_STATES };

struct resumption {
    struct subscription *sub;
    struct resumption *next, *prev; /* of its state */
    struct block *at;               /* a reference; NULL: before the genesis block */
    size_t told;                    /* logs of `at` that the reader has been told, from the first on */
    uint8_t state;                  /* enum resume_state */
};

/* A shard's. */
struct resume_set {
    struct {
        struct resumption *first, *last;
    } lists[RESUME_STATES];
    struct letter letter; /* READY ones go on with the loop's next turn */
    bool posted;
    struct block *head; /* after the last event delivered; NULL while nobody resumes */
    uint64_t sequence;  /* of that event */
};

void resume_set_init(struct hub_shard *s);
void resume_set_fini(struct hub_shard *s);

/* Finds where that is. FAN_EINVAL: nowhere, with words; FAN_EUNSUPPORTED: this chain tells no history; FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status resume_find(struct hub *h, enum hub_kind kind, const struct hub_resume *from,
                                           struct resumption **out, struct fan_error *err);
void resume_free(struct resumption *r); /* one that has not begun */
/* The subscription's interest is set. Takes r over. */
void resume_begin(struct hub_shard *s, struct subscription *sub, struct resumption *r);
/* The subscription ends. */
void resume_drop(struct hub_shard *s, struct subscription *sub);
/* There is room again. NULL is fine. */
void resume_wake(struct hub_shard *s, struct resumption *r);

/* The fan-out's: an event has been delivered; all that came have been; some were lost and their subscribers closed. */
void resume_head_moved(struct hub_shard *s, const struct chain_event *e);
/* A block that resumptions may have passed, or stand on, has more logs than they know. */
void resume_late_logs(struct hub_shard *s, const struct chain_event *e);
void resume_go_on(struct hub_shard *s);
void resume_lost_track(struct hub_shard *s);

#endif
