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

/* For a base that lies over another: false, and *out untouched, where no version up to this one says anything of the
 * key (a record that says "gone" does). The base is a mem_base; between its read_begin and read_end. */
bool mem_base_account(const struct state_base *base, uint64_t version, const struct fan_address *address,
                      struct state_account *out);
bool mem_base_slot(const struct state_base *base, uint64_t version, const struct state_slot_key *key,
                   struct fan_u256 *out);

#endif
