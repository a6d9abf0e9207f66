/* trie: the Merkle-Patricia trie, as a function from old nodes and updates to new nodes.
 *
 * Nodes are keyed by where they hang, not by their hash: owner (zero for the account trie, the hash of an account's
 * address for its storage trie) and the nibbles from the root. A changed leaf therefore overwrites the nodes above it
 * in place, there is nothing to collect as garbage, and the state of an earlier block is the same keys with older
 * values. A node's path never changes while it lives: where an extension is split or a branch collapses, what hangs
 * below stays where it was.
 *
 * trie_update() reads through a callback only what lies on the paths of its updates (and the one sibling that a
 * collapsing branch takes up), changes that part in memory, hashes each changed node once, and reports which stored
 * nodes became which. It keeps nothing. Hashes are computed level by level from the leaves, all of a level together,
 * in several tries at once where these do not depend on each other: a processor hashes four nodes in the time of one.
 * Nodes whose RLP is shorter than 32 bytes live inside their parent and are not stored; the root always is.
 *
 * Keys are byte strings of at most 32 bytes, so one may be a prefix of another (values in branches work), although
 * state tries only ever use 32-byte hashes. Values are not empty; the empty value deletes.
 * Not here: what accounts and slots look like (local/state_build.c), where nodes are kept (local/state_base.h).
 * Thread: any; whatever the reader needs. Spec: Yellow Paper appendix D. */
#ifndef LOCAL_TRIE_H
#define LOCAL_TRIE_H

#include "base/arena.h"

enum { TRIE_NIBBLES_MAX = 64 };

/* Where a node hangs: `len` nibbles, two to a byte, the first in the high half, unused bits zero. No padding, so that
 * it can be hashed and compared as bytes. */
struct trie_path {
    uint8_t len;
    uint8_t packed[TRIE_NIBBLES_MAX / 2];
};

/* A node's whole key, likewise plain bytes. */
struct trie_node_key {
    struct fan_hash owner; /* zero: the account trie */
    struct trie_path path;
};

static_assert(sizeof(struct trie_path) == 33, "hashed as bytes");
static_assert(sizeof(struct trie_node_key) == 65, "hashed as bytes");

extern const struct fan_hash TRIE_OWNER_ACCOUNTS; /* 32 zero bytes */

/* Where old nodes come from. *out_rlp is empty when no node is stored there; it must live as long as the arena's home
 * is not reset (copied into it, or borrowed from something that stays longer). Any status but FAN_OK ends the operation
 * and is returned by it. */
struct trie_reader {
    void *ctx;
    enum fan_status (*node)(void *ctx, const struct trie_node_key *key, struct arena *a, struct slice *out_rlp);
};

struct trie_item {
    struct slice key;   /* at most 32 bytes; for state: keccak256 of the address or of the slot */
    struct slice value; /* the leaf's payload (for state: RLP); len 0 deletes the key, if it is there */
};

/* One stored node that is not what it was. Both slices live in the arena, or where the reader has them. */
struct trie_change {
    struct trie_path path;
    struct slice old_rlp; /* len 0: there was none */
    struct slice new_rlp; /* len 0: it is gone */
};

struct trie_update {
    struct fan_hash root;              /* KECCAK_EMPTY_TRIE when nothing is left */
    const struct trie_change *changes; /* in no order; each path once */
    size_t change_count;
};

/* Applies `count` items, in their order, to the trie of `owner`. Costs what it changes, never what it leaves alone.
 * FAN_EFORMAT: a stored node is damaged or missing. FAN_EINVAL: a key longer than 32 bytes. FAN_ENOMEM, or the reader's
 * failure. */
FAN_MUST_CHECK enum fan_status trie_update(const struct trie_reader *reader, const struct fan_hash *owner,
                                           const struct trie_item *items, size_t count, struct arena *a,
                                           struct trie_update *out);

/* The same for several tries that have no node in common. */
struct trie_job {
    struct fan_hash owner;
    const struct trie_item *items;
    size_t count;
    struct trie_update out;
};
FAN_MUST_CHECK enum fan_status trie_update_all(const struct trie_reader *reader, struct trie_job *jobs, size_t count,
                                               struct arena *a);

/* Every stored node of `owner`, as changes that delete it: what destroying an account costs. Same failures. */
FAN_MUST_CHECK enum fan_status trie_wipe(const struct trie_reader *reader, const struct fan_hash *owner,
                                         struct arena *a, struct trie_update *out);

/* The stored nodes from the root towards `key`, as eth_getProof lists them: embedded nodes come inside their parent's.
 * Where the key is absent the nodes prove that, ending at the one that leads elsewhere; an empty trie gives no node at
 * all. */
struct trie_proof {
    const struct slice *nodes;
    size_t count;
    struct slice value; /* len 0: absent */
};
FAN_MUST_CHECK enum fan_status trie_prove(const struct trie_reader *reader, const struct fan_hash *owner,
                                          struct slice key, struct arena *a, struct trie_proof *out);

#endif
