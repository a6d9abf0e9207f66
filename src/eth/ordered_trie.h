/* ordered_trie: the root of a list: the Merkle-Patricia trie that maps RLP(index) to each item.
 *
 * Transactions, receipts and withdrawals are committed to by such a trie. Since all its keys are known beforehand and
 * come in an order, it is never built: one recursion over ranges of keys gives the root, with one item's encoding in
 * memory at a time. Thread: any; pure but for the buffer.
 *
 * Not here: the trie of the state, which changes (local/).
 * Spec: Yellow Paper appendix D, section 4.3.2. */
#ifndef ETH_ORDERED_TRIE_H
#define ETH_ORDERED_TRIE_H

#include "base/buf.h"

/* Appends item `index` as the trie holds it. */
typedef void ordered_trie_put(const void *items, size_t index, struct buf *out);

/* The root over count items; FAN_ENOMEM, or what the buffer failed with. */
FAN_MUST_CHECK enum fan_status ordered_trie_root(const void *items, size_t count, ordered_trie_put *put,
                                                 struct fan_hash *out);

#endif
