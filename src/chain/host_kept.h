/* host_kept: the blocks that a host's chain keeps, by number and by hash.
 *
 * A ring holds the last `history` canonical blocks; those that a reorg removed are still found by hash, the last
 * KEPT_ORPHANS of them, since a host may come back to their branch. Changing it cannot fail: room is reserved before.
 * Thread: the caller's lock (host.c). What is returned is borrowed and lives until the next change.
 * Not here: what may follow what (host.c), logs whose block has not come (host_waiting.h). */
#ifndef CHAIN_HOST_KEPT_H
#define CHAIN_HOST_KEPT_H

#include "base/map.h"
#include "eth/block.h"

enum { KEPT_ORPHANS = 256 };

struct kept {
    struct block **ring;  /* canonical blocks by number % history; each a reference */
    size_t history;       /* places in the ring */
    uint64_t first, head; /* numbers of those in the ring; meaningless while count is 0 */
    size_t count;
    struct map by_hash; /* hash → struct block *, the ring's and the orphans' */
    struct block *orphans[KEPT_ORPHANS];
    size_t orphan_at;
};

FAN_MUST_CHECK enum fan_status kept_init(struct kept *k, size_t history); /* history > 0. FAN_ENOMEM */
void kept_fini(struct kept *k);

/* The head, and the canonical block of that number; NULL: not there. */
struct block *kept_head(const struct kept *k);
struct block *kept_by_number(const struct kept *k, uint64_t number);
/* A block of either sort; *out_canonical, written when there is one, says which. NULL: not there. */
struct block *kept_by_hash(const struct kept *k, const struct fan_hash *hash, bool *out_canonical);

/* Room for so many kept_push(). */
FAN_MUST_CHECK bool kept_reserve(struct kept *k, size_t more);
/* Puts b on the head (or begins anew with it, when nothing is kept) and takes a reference. An orphan that comes back
 * is none any more. */
void kept_push(struct kept *k, struct block *b);
/* The head becomes an orphan. */
void kept_pop(struct kept *k);
/* b, the same block with more logs, takes the place of the canonical one. */
void kept_replace(struct kept *k, struct block *b);

#endif
