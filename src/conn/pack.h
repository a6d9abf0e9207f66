/* pack: hundreds of waiting notifications in one block of the pool, at about two bytes each.
 *
 * While a socket takes what it is given, an outbox entry of a cache line per notification is cheap: it is gone at the
 * end of the turn. A reader that has stalled keeps them, though: a thousand such readers over ten thousand events would
 * cost 640 MB in entries alone, beside payloads that are shared and cost 12. So what queues behind a blocked socket is
 * packed: the worker numbers the shared frames in the order in which they are first packed (the journal), and a pack
 * says which of them its reader gets, and under which id:
 *
 *   [state][item][item][item]…          …[id 1][id 0]        item: index of the id, distance from the item before
 *
 * Journal: a ring of the frames that some pack waits for; a place is freed when the last pack lets go of its frame, and
 * the ring reaches from the oldest frame that still waits to the newest.
 *
 * Inside conn/ only. Not here: the entry around a pack, its bytes on the wire, who counts them (outbox.c).
 * Thread: the worker's. */
#ifndef CONN_PACK_H
#define CONN_PACK_H

#include "conn/share.h"

/* ---- journal ---- */

struct journal_place {
    struct frame_share *share; /* NULL: nothing waits for it any more */
    uint32_t queued_ms;        /* when it was first packed; the clock's lower half */
};

struct journal {
    struct journal_place *places; /* cap of them, a power of two: number n stands at n & (cap - 1) */
    size_t cap;
    uint64_t first, next; /* numbers in use; 0 is no number */
};

void journal_init(struct journal *j);
void journal_fini(struct journal *j); /* it must be empty */
/* Gives the share a number, unless it has one. False: out of memory. */
FAN_MUST_CHECK bool journal_add(struct journal *j, struct frame_share *f, uint64_t now_ms);
/* Nothing waits for it any more. A share without a number is passed over. */
void journal_drop(struct journal *j, struct frame_share *f);
static inline const struct journal_place *journal_at(const struct journal *j, uint64_t number)
{
    assert(number >= j->first && number < j->next);
    return &j->places[number & (j->cap - 1)];
}

/* ---- pack ---- */

/* Where an item ends, and its number: the next one's is told from there. */
struct pack_cursor {
    uint64_t number;
    uint16_t at;
};

struct pack {
    struct pack_cursor front; /* before the first item that is still there */
    struct pack_cursor back;  /* behind the last */
    uint16_t room;            /* bytes[] has so many */
    uint16_t id_count;
    uint8_t last_id;
    uint8_t bytes[];
};

struct pack_item {
    uint64_t number;
    const uint8_t *id; /* FRAME_ID_LEN, in the pack; NULL: the frame has no hole */
};

/* len: of the block. number: the first item's. */
void pack_init(struct pack *p, size_t len, uint64_t number);
/* id: NULL for a frame without a hole. False: it does not fit, or is older than the pack's last. */
FAN_MUST_CHECK bool pack_put(struct pack *p, uint64_t number, const uint8_t *id);
static inline bool pack_empty(const struct pack *p)
{
    return p->front.at == p->back.at;
}
/* The item behind the cursor, which moves past it. False: there is none. Begin at p->front; storing the cursor there
 * removes what it has passed. */
bool pack_next(const struct pack *p, struct pack_cursor *cursor, struct pack_item *out);

#endif
