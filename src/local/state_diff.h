/* state_diff: the inside of a diff, for builders, views and bases.
 *
 * Only a builder that nobody else sees yet changes a diff. Slots are keyed by address and slot, big-endian, so that a
 * store that sorts bytes keeps an account's slots together and in order. Nodes carry no old RLP: whoever overwrites one
 * has it at hand. */
#ifndef LOCAL_STATE_DIFF_H
#define LOCAL_STATE_DIFF_H

#include "base/map.h"
#include "base/ref.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "local/state.h"
#include "local/state_blob.h"

struct state_account_change {
    struct state_account old_value, new_value;
};

struct state_slot_key {
    struct fan_address address;
    uint8_t slot[32];
};

static_assert(sizeof(struct state_slot_key) == 52, "hashed as bytes");

struct state_slot_change {
    struct fan_u256 old_value, new_value; /* 0: not there */
};

struct state_diff {
    struct ref ref;
    struct state_point point, parent;
    struct map accounts; /* fan_address → state_account_change */
    struct map slots;    /* state_slot_key → state_slot_change */
    struct map codes;    /* fan_hash → struct state_blob *: code nobody had before */
    struct map nodes;    /* trie_node_key → struct state_blob *, NULL: the node is gone */
};

/* Empty, with one reference; NULL when memory ran out. */
struct state_diff *state_diff_new(void);

static inline struct state_account state_account_none(void)
{
    return (struct state_account){.code_hash = KECCAK_EMPTY, .storage_root = KECCAK_EMPTY_TRIE};
}

static inline struct state_slot_key state_slot_key_of(const struct fan_address *address, const struct fan_u256 *slot)
{
    struct state_slot_key key = {.address = *address};

    u256_to_be(slot, key.slot);
    return key;
}

#endif
