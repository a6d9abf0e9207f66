/* outbox: what one connection has still to send, in order.
 *
 *   first                                        last      held (behind all, once the hold ends)
 *   [notification│###sent###....] [reply] [notification]   [notification] [notification]
 *
 * An entry is one cache line from the worker's pool and says where its bytes are: a shared frame and the id for its
 * hole, or bytes of its own (a small block from the pool, or a reply's memory taken over from whoever wrote it; a long
 * reply that leaves compressed makes them as it goes, pieces.h). So
 * many entries leave in one sendmsg() without being copied together, and a notification allocates nothing once the pool
 * is warm. What queues behind a socket that refuses is packed, hundreds to an entry (pack.h).
 *
 * Inside conn/ only. gather.c makes one sendmsg() of it.
 * Not here: budgets and who is slow (conn.c), when to send (set.c).
 * Thread: the worker's. */
#ifndef CONN_OUTBOX_H
#define CONN_OUTBOX_H

#include <sys/uio.h>

#include "base/buf.h"
#include "conn/pack.h"
#include "conn/pieces.h"

enum {
    OUT_BLOCK_LEN = 1024, /* a small reply with its head fits */
    OUT_PARTS_MAX = 1020, /* of one sendmsg(): the kernel takes 1,024 */
    OUT_SEND_LEN_MAX = 1 << 20,
    OUT_JOIN_MAX = 192, /* pieces of a frame up to here are joined before they are sent */
    OUT_WHOLE_MAX = 4096, /* a frame's tail up to here, when it is all there is to send */
    OUT_JOINED_LEN = 64 * 1024
};
static_assert(OUT_JOIN_MAX + OUT_WHOLE_MAX <= OUT_JOINED_LEN, "it follows a head and an id");

enum out_kind {
    OUT_NOTIFICATION, /* share, id */
    OUT_PACED,        /* likewise, produced as the socket drains: outside the reader's budgets */
    OUT_BLOCK,        /* bytes: a block of the pool */
    OUT_HEAP,         /* bytes: malloc'ed; NULL when all is in `own` */
    OUT_PIECES,       /* pieces: the frame that is there, and text that has still to become frames */
    OUT_PACK          /* pack: a block of the pool with notifications in it, at least one */
};

struct out_entry {
    struct out_entry *next;
    union {
        struct frame_share *share;
        uint8_t *bytes;
        struct pack *pack;
        struct pieces *pieces;
    } of;
    uint32_t len;       /* of all its bytes; of pieces: the frame that is there and the text that is in none */
    uint32_t queued_ms; /* the clock's lower half */
    uint8_t kind;       /* enum out_kind */
    uint8_t own_len;
    uint8_t own[FRAME_ID_LEN]; /* the id in a frame's hole, or what stands before `bytes` */
};
static_assert(sizeof(struct out_entry) == 64, "one cache line");

/* A worker's entries and blocks, kept for reuse. */
struct out_pool {
    struct out_entry *entries;
    union out_block *blocks;
    struct out_slab *slabs;
    struct journal journal;
    int64_t waiting; /* bytes of memory that output keeps: entries, their bytes, and those shared frames that wait here
                        first or last: each counts once in the sum over all workers, so one worker's may be negative */
    uint8_t joined[OUT_JOINED_LEN]; /* short pieces of what is being sent, see outbox_gather() */
};

void out_pool_init(struct out_pool *p);
void out_pool_fini(struct out_pool *p); /* every outbox must be empty */

struct outbox {
    struct out_entry *first, *last, *held_first, *held_last;
    size_t bytes;         /* still to leave, held ones included */
    size_t notify_bytes;  /* of the notifications among them, in whole frames */
    uint32_t sent;        /* bytes of `first` that have left */
    size_t paced_bytes;   /* likewise of paced ones */
    uint32_t reply_count; /* entries that are no notifications: of several short replies, perhaps */
};

/* Each returns false when memory ran out; the outbox is then as before. */
FAN_MUST_CHECK bool outbox_put_notification(struct outbox *o, struct out_pool *p, struct frame_share *f,
                                            const uint8_t id[FRAME_ID_LEN], uint64_t now_ms, bool held);
/* The same in two bytes instead of an entry, for a queue that is going to stay; never while a hold is on. */
FAN_MUST_CHECK bool outbox_pack_notification(struct outbox *o, struct out_pool *p, struct frame_share *f,
                                             const uint8_t id[FRAME_ID_LEN], uint64_t now_ms);
/* A notification that its producer made because there was room; never while a hold is on. */
FAN_MUST_CHECK bool outbox_put_paced(struct outbox *o, struct out_pool *p, struct frame_share *f,
                                     const uint8_t id[FRAME_ID_LEN], uint64_t now_ms);
/* Copies: head and body side by side, behind what the last block holds where it has room. */
FAN_MUST_CHECK bool outbox_put_copy(struct outbox *o, struct out_pool *p, struct slice head, struct slice body,
                                    uint64_t now_ms);
/* Takes the buf's bytes, behind a short head (at most FRAME_ID_LEN). On failure the buf keeps them. */
FAN_MUST_CHECK bool outbox_put_buf(struct outbox *o, struct out_pool *p, struct slice head, struct buf *body,
                                   uint64_t now_ms);

/* Takes the pieces over; on failure the caller keeps them. */
FAN_MUST_CHECK bool outbox_put_pieces(struct outbox *o, struct out_pool *p, struct pieces *pieces, uint64_t now_ms);

/* What leaves next: fills at most OUT_PARTS_MAX parts, and no further one once len_max bytes are reached; returns how
 * many parts, and their bytes in *out_len. Short neighbours are joined in p->joined, so that a notification is two
 * parts, or one, and not three: a part costs the kernel some 30 ns, however short it is. Good until the next call. */
size_t outbox_gather(const struct outbox *o, struct out_pool *p, size_t len_max, struct iovec parts[OUT_PARTS_MAX],
                     size_t *out_len);
/* So many bytes have left. Returns how many bytes of text were compressed for what leaves next: work that takes time.
 */
size_t outbox_sent(struct outbox *o, struct out_pool *p, size_t len);
/* Held notifications join the queue's end. */
void outbox_release(struct outbox *o);
void outbox_forget_held(struct outbox *o, struct out_pool *p, const uint8_t id[FRAME_ID_LEN]);
/* Held notifications whose reply will never leave: they must not either. */
void outbox_drop_held(struct outbox *o, struct out_pool *p);
/* Drops everything behind the entry in progress, which may be a block of several replies; an entry of which nothing has
 * left is not in progress. */
void outbox_cut(struct outbox *o, struct out_pool *p);
void outbox_clear(struct outbox *o, struct out_pool *p);

static inline bool outbox_empty(const struct outbox *o)
{
    return !o->first;
}
/* Nothing waits but what is paced: nobody can say that its reader is late. */
static inline bool outbox_only_paced(const struct outbox *o)
{
    return o->paced_bytes && o->notify_bytes == 0 && o->reply_count == 0;
}
/* Bytes of notifications that wait behind the frame being written. */
size_t outbox_behind(const struct outbox *o, const struct out_pool *p);
/* How long the oldest notification behind the frame being written has waited; false: there is none. */
bool outbox_oldest_ms(const struct outbox *o, const struct out_pool *p, uint64_t now_ms, uint64_t *out_age_ms);

#endif
