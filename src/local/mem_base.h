/* mem_base: a state's base in memory.
 *
 * Each account, slot and trie node is an entry with a list of (version, value), oldest first. Reading at the newest
 * version takes the last record, at an earlier one a binary search. Beside the entries each version has a journal:
 * which entries got a record then. Rewinding pops the last records of the journals above the target, pruning drops the
 * first ones; both cost what was changed, not what there is.
 *
 * Thread: one writer, many readers, one read-write lock that prefers the writer (glibc's default would starve it under
 * steady reading). Held for reading during one lookup, for writing while one diff is folded in. */
#ifndef LOCAL_MEM_BASE_H
#define LOCAL_MEM_BASE_H

#include "local/state_base.h"

/* Empty, at version 0. */
FAN_MUST_CHECK enum fan_status mem_base_new(struct state_base *out);

#endif
