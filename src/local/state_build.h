/* state_build: the inside of a builder.
 *
 * Two layers: state_build.c keeps accounts, slots and code (the flat state) in the diff being made, and notes what has
 * changed since the root was last computed; state_root.c turns these notes into trie updates. Everything reads through
 * the diff to the parent. */
#ifndef LOCAL_STATE_BUILD_H
#define LOCAL_STATE_BUILD_H

#include "base/buf.h"
#include "local/state_view.h"

/* What is known of an account beside its values. */
struct state_touch {
    uint8_t dirty;     /* its leaf, or a slot of it, changed since the last root */
    uint8_t has_slots; /* the diff speaks of slots of it */
    uint8_t edited;    /* from outside: dropped when the root is computed and nothing is in it */
};

struct state_builder {
    struct state_view *parent;
    struct state_diff *diff;
    struct map touched;     /* fan_address → struct state_touch */
    struct buf dirty_slots; /* struct state_slot_key, as they come; some twice */
    struct arena_home home; /* for trie operations, one at a time */
    struct fan_hash root;   /* when last computed */
};

/* Versions made from now on have ids above this one, which an earlier process gave. */
void state_ids_above(uint64_t id);

/* What stands in the tries' leaves, in the arena; at NULL: no memory. An account's: [nonce, balance, storageRoot,
 * codeHash], Yellow Paper section 4.1; it exists. A slot's: its value without leading zeros; len 0 for 0. */
struct slice state_account_leaf(const struct state_account *account, struct arena *a);
struct slice state_slot_leaf(const struct fan_u256 *value, struct arena *a);

/* Trie nodes as the builder sees them. */
struct trie_reader state_builder_trie(struct state_builder *b);
/* Takes over what a trie operation changed. */
FAN_MUST_CHECK enum fan_status state_builder_put_nodes(struct state_builder *b, const struct fan_hash *owner,
                                                       const struct trie_update *u);

#endif
