/* fork_base: a state's base that lies on another node's state.
 *
 * What was changed here since the fork is in a base of our own in memory (mem_base.h); what no version here speaks of
 * is the other node's, as of the fork's block (chain/remote.h), and the same at every version. An account that was made
 * or emptied here has no storage over there: state_account.own_storage says so, or that it does not exist any more.
 *
 * Trie nodes are ours alone: nobody can hand out another node's trie, so roots above a fork are those of a trie over
 * what changed since it. Listing knows what was changed here, not what is over there.
 *
 * Thread: as any base. No lock is held while the other node is asked: what it says never changes. */
#ifndef LOCAL_FORK_BASE_H
#define LOCAL_FORK_BASE_H

#include "chain/remote.h"
#include "local/state_base.h"

/* Empty, at version 0; takes its own reference to the remote. */
FAN_MUST_CHECK enum fan_status fork_base_new(struct chain_remote *remote, struct state_base *out);

#endif
