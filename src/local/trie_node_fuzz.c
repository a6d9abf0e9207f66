/* Property: what decodes as a node encodes to the very same bytes, since RLP and hex-prefix have one form each; and a
 * trie over whatever a store may hold gives a status. */
#include "local/trie_node.h"

static enum fan_status same_everywhere(void *ctx, const struct trie_node_key *key, struct arena *a, struct slice *out)
{
    const struct slice *input = ctx;

    (void)a;
    *out = key->path.len < 60 ? *input : slice_of(NULL, 0);
    return FAN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct trie_reader reader = {&input, same_everywhere};
    uint8_t key[32] = {0};
    struct trie_item items[] = {{slice_of(key, 32), SLICE("value")}, {slice_of(key, 32), slice_of(NULL, 0)}};
    struct arena_home home;
    struct arena a;
    struct trie_node *n;
    struct trie_update u;
    struct trie_proof p;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    if (trie_node_decode(input, &a, &n) == FAN_OK) assert(slice_eq(trie_node_encode(n, &a), input));
    memcpy(key, data, size < 32 ? size : 32);
    if (trie_update(&reader, &TRIE_OWNER_ACCOUNTS, items, COUNT_OF(items), &a, &u) == FAN_OK) assert(u.changes);
    if (trie_prove(&reader, &TRIE_OWNER_ACCOUNTS, slice_of(key, 32), &a, &p) == FAN_OK) assert(p.nodes);
    arena_home_fini(&home);
    return 0;
}
