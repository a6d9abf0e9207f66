/* proof: what eth_getProof answers, from any view that can still be read.
 *
 * Everything is read through one view, so account, slots and nodes are of one moment, whatever the writer does
 * meanwhile. Spec: EIP-1186; geth's order and contents: proofs of absence end at the node that leads elsewhere, and a
 * trie without a leaf gives an empty list. */
#ifndef LOCAL_PROOF_H
#define LOCAL_PROOF_H

#include "local/state.h"

struct proof_slot {
    struct fan_u256 slot, value;
    const struct slice *nodes; /* RLP, root first */
    size_t node_count;
};

struct proof {
    struct state_account account; /* zeros and the empty hashes where it does not exist */
    const struct slice *nodes;    /* RLP, root first */
    size_t node_count;
    const struct proof_slot *slots; /* in the order asked for */
    size_t slot_count;
};

/* All of it lives in the arena. The failures of a view's lookups, and FAN_EFORMAT for a damaged node. Any thread. */
FAN_MUST_CHECK enum fan_status proof_make(const struct state_view *v, const struct fan_address *address,
                                          const struct fan_u256 *slots, size_t slot_count, struct arena *a,
                                          struct proof *out);

#endif
