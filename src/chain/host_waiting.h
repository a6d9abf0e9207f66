/* host_waiting: logs that a host told before their block.
 *
 * A host may tell a block's logs first. They wait here, in the order they were told, until the block comes and takes
 * them with it; those whose block falls WAITING_BLOCKS behind, or does not come for so many blocks, are given up.
 * Thread: the caller's lock (host.c), which also keeps the list within the host's limits.
 * Not here: which logs must wait (host.c). */
#ifndef CHAIN_HOST_WAITING_H
#define CHAIN_HOST_WAITING_H

#include "base/map.h"
#include "chain/host_read.h"

enum { WAITING_BLOCKS = 128 };

/* Logs of one block. */
struct waiting_run {
    struct waiting_run *next;
    struct host_log_place place;
    struct block *logs; /* nothing but logs */
    size_t bytes;
    uint64_t since; /* blocks announced when they were told */
};

struct waiting {
    struct waiting_run *first, **end;
    uint64_t log_count;
    size_t bytes;
};

void waiting_init(struct waiting *w);
void waiting_fini(struct waiting *w);

/* Copies logs[0..count), which belong to `place`, into a run that waits for waiting_add(). NULL: out of memory. */
struct waiting_run *waiting_run_new(const struct host_log_place *place, const struct log *logs, size_t count);
void waiting_run_free(struct waiting_run *run); /* one that was not added; NULL is fine */
/* Takes the run. blocks: how many were announced so far. */
void waiting_add(struct waiting *w, struct waiting_run *run, uint64_t blocks);

/* The block with the logs that waited for it, by logIndex (those without one last, as they were told), each once; b
 * itself, one more reference, when none did. They stay until waiting_after(). NULL: out of memory. */
struct block *waiting_join(const struct waiting *w, struct block *b);
/* b has been announced, as one of `blocks`, and the head is `head` now: drops those that waited for it, and those that
 * are given up. Returns how many logs these last were. */
uint64_t waiting_after(struct waiting *w, const struct block *b, uint64_t head, uint64_t blocks);

/* Which logs there are, to find those that are told twice: the same index of the same transaction. One without an index
 * is never another's like. Freed by map_fini(). */
void log_set_init(struct map *set);
/* *out_new: it was not there yet, and is now. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status log_set_add(struct map *set, const struct log *l, bool *out_new);

#endif
