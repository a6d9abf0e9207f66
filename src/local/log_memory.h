/* log_memory: the lists of log_index.h in memory, for blocks that are in memory too.
 *
 * One list per key: its first number in the table itself, since most values occur once; more on the heap, doubling.
 * The blocks it covers are those from `first` on: where memory runs out the index forgets all it has and begins again
 * behind that block, since a list with a hole would be an answer with a hole, and a missing list is only a slower one.
 * Thread: whoever holds the lock of the blocks (blocks.h): for writing to change, for reading to ask. */
#ifndef LOCAL_LOG_MEMORY_H
#define LOCAL_LOG_MEMORY_H

#include "base/map.h"
#include "local/log_index.h"

struct log_memory {
    struct map lists;    /* key → struct log_list */
    uint64_t first;      /* the first block of which every log is in the lists; those above are too */
    size_t bytes, count; /* on the heap beside the table; numbers in all lists */
};

void log_memory_init(struct log_memory *m);
void log_memory_fini(struct log_memory *m); /* zeroed is fine */
/* Blocks below number `next` were added, which are all of these, or the first of them. */
void log_memory_add(struct log_memory *m, const struct log_postings_of_block *added, uint64_t next);
/* The newest blocks are leaving, all of these; `next` is the number of the lowest of them. */
void log_memory_remove(struct log_memory *m, const struct log_postings_of_block *removed, uint64_t next);
struct log_lists log_memory_lists(struct log_memory *m); /* borrowed */
/* What it costs, in bytes. */
size_t log_memory_bytes(const struct log_memory *m);

#endif
