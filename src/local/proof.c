#include "local/proof.h"

#include "codec/keccak.h"
#include "codec/u256.h"

static enum fan_status prove(const struct trie_reader *reader, const struct fan_hash *owner, struct slice key,
                             struct arena *a, const struct slice **out_nodes, size_t *out_count)
{
    struct fan_hash hash = keccak256(key);
    struct trie_proof p;
    enum fan_status s = trie_prove(reader, owner, slice_of(hash.bytes, sizeof hash.bytes), a, &p);

    if (s) return s;
    *out_nodes = p.nodes;
    *out_count = p.count;
    return FAN_OK;
}

enum fan_status proof_make(const struct state_view *v, const struct fan_address *address, const struct fan_u256 *slots,
                           size_t slot_count, struct arena *a, struct proof *out)
{
    struct fan_hash owner = keccak256(slice_of(address, sizeof *address));
    struct trie_reader reader = state_view_trie(v);
    struct proof_slot *list = ARENA_ARRAY(a, slot_count, struct proof_slot);
    struct proof p = {.slots = list, .slot_count = slot_count};
    enum fan_status s;

    if (!list) return FAN_ENOMEM;
    s = state_view_account(v, address, &p.account);
    if (!s) s = prove(&reader, &TRIE_OWNER_ACCOUNTS, slice_of(address, sizeof *address), a, &p.nodes, &p.node_count);
    for (size_t i = 0; i < slot_count && !s; i++) {
        uint8_t key[32];

        u256_to_be(&slots[i], key);
        list[i].slot = slots[i];
        s = state_view_slot(v, address, &slots[i], &list[i].value);
        if (!s) s = prove(&reader, &owner, slice_of(key, sizeof key), a, &list[i].nodes, &list[i].node_count);
    }
    if (!s) *out = p;
    return s;
}
