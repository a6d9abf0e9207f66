/* shard: the subscriptions of one worker's connections.
 *
 *   shard.by_kind[kind] ──► subscription ⇄ subscription ⇄ …      all but logs: everybody gets everything
 *   shard.index ──► entry.owner ──► subscription ⇄ …             logs: one entry for each distinct filter
 *   connection's attachment ──► client ──► subscription → …      to unsubscribe and to forget
 *
 * A subscription is less than a cache line, which is all that a notification reads of it. They live in slabs, so a
 * million of them are a few thousand allocations; those of logs have slabs of their own, since only they have an entry.
 *
 * While the shard walks (fan-out, or a flush), a connection may end under it. A subscription that ends then is marked
 * dead (conn NULL) and stays linked until the walk is over, so every `next` a loop holds stays good. Thread: the
 * worker's. */
#ifndef HUB_SHARD_H
#define HUB_SHARD_H

#include "conn/share.h"
#include "hub/index.h"
#include "hub/parts.h"
#include "hub/resume.h"

struct subscription {
    struct conn *conn; /* NULL: ended during the walk, see shard.dead */
    struct hub_id id;
    uint64_t since : 55, kind : 8; /* events up to this sequence are not for it; enum hub_kind */
    uint64_t resuming : 1;         /* its history is not over: in no list of its kind or entry yet */
    struct subscription *next;     /* of its kind or entry */
    union {
        struct subscription *prev;
        struct resumption *resumption; /* while `resuming`; NULL once it has ended */
    };
    struct subscription *client_next; /* of its connection; or the next dead, or the next free one */
};
static_assert(sizeof(void *) != 8 || sizeof(struct subscription) == 56, "with its share of a slab less than 64 bytes");

/* What a subscription of kind HUB_LOGS lies in. */
struct logs_subscription {
    struct subscription s;
    struct index_entry *entry;
};

static inline struct index_entry **entry_of(struct subscription *sub)
{
    assert(sub->kind == HUB_LOGS);
    return &CONTAINER_OF(sub, struct logs_subscription, s)->entry;
}

/* What hangs on a connection that has subscriptions. */
struct hub_client {
    struct conn *conn;
    struct subscription *first;
    size_t count;
    struct hub_client *next, *prev;
};

struct slab;

struct hub_shard {
    struct hub *hub;
    struct lane *lane;
    struct conn_set *conns;
    struct subscription *by_kind[HUB_KIND_COUNT];
    struct filter_index index;
    struct hub_client *clients;
    struct slab *slabs;
    struct subscription *free[2], *dead; /* free: of logs, of others */
    bool walking;
    uint64_t sequence;      /* of the event being delivered */
    struct chain_sync sync; /* as this shard's subscribers know it */
    struct id_source ids;
    struct delivery_scratch scratch;
    struct resume_set resumes;
    size_t unsent; /* bytes queued since the last flush, as one subscriber of everything sees it */
    struct hub_stats stats;
};

/* Buries what died during the walk that ends here. */
void shard_walk_end(struct hub_shard *s);
/* Outside a walk: its history is over, and every event after this sequence is for it. */
void shard_go_live(struct hub_shard *s, struct subscription *sub, uint64_t since);

#endif
