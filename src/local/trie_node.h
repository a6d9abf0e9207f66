/* trie_node: one node of the trie, between its RLP and the form in which it can be changed.
 *
 * A node in memory borrows from the RLP it was read from and from its arena. Its children are links: a link knows the
 * child's reference as the parent's RLP has it (32 bytes: the hash of a stored node; fewer: the child itself,
 * embedded), or the child decoded, or both. A link without either leads nowhere. `ref` is empty while the node behind
 * it is dirty. Spec: Yellow Paper appendix C (hex-prefix) and D. */
#ifndef LOCAL_TRIE_NODE_H
#define LOCAL_TRIE_NODE_H

#include "local/trie.h"

enum trie_kind { TRIE_LEAF, TRIE_EXTENSION, TRIE_BRANCH };

struct trie_node;

struct trie_link {
    struct trie_node *node;
    struct slice ref;
};

struct trie_node {
    enum trie_kind kind;
    bool dirty;               /* differs from what is stored, or is no longer in the tree */
    struct slice key;         /* leaf, extension: nibbles, one to a byte */
    struct slice value;       /* leaf, branch */
    struct trie_link child[]; /* extension: 1; branch: 16 */
};

enum { TRIE_BRANCH_WIDTH = 16, TRIE_REF_LEN = 32 };

/* An empty node of that kind, dirty. NULL when memory ran out. */
struct trie_node *trie_node_new(enum trie_kind kind, struct arena *a);

/* FAN_EFORMAT: no node of a trie whose keys have at most 64 nibbles. The node borrows from rlp. */
FAN_MUST_CHECK enum fan_status trie_node_decode(struct slice rlp, struct arena *a, struct trie_node **out);

/* Its RLP in the arena; each child's link must have its ref. at NULL when memory ran out. */
struct slice trie_node_encode(const struct trie_node *n, struct arena *a);

/* The nibbles of a key of at most 32 bytes. */
void trie_nibbles_of(struct slice key, uint8_t out[TRIE_NIBBLES_MAX]);
struct trie_path trie_path_of(const uint8_t *nibbles, size_t len);

#endif
