/* state_root: from changed accounts and slots to the state root. */
#include "codec/rlp.h"
#include "local/state_build.h"

#include <stdlib.h>

static enum fan_status read_node(void *ctx, const struct trie_node_key *key, struct arena *a, struct slice *out)
{
    const struct state_builder *b = ctx;
    struct state_blob **there = map_get(&b->diff->nodes, key);

    if (!there) return state_view_node(b->parent, key, a, out);
    *out = state_blob_peek(*there); /* stays while a trie operation runs: what it changes is taken over after it */
    return FAN_OK;
}

struct trie_reader state_builder_trie(struct state_builder *b)
{
    return (struct trie_reader){b, read_node};
}

enum fan_status state_builder_put_nodes(struct state_builder *b, const struct fan_hash *owner,
                                        const struct trie_update *u)
{
    for (size_t i = 0; i < u->change_count; i++) {
        const struct trie_change *change = &u->changes[i];
        struct trie_node_key key = {.owner = *owner, .path = change->path};
        struct state_blob *blob = NULL, **there;

        if (change->new_rlp.len) {
            blob = state_blob_new(change->new_rlp);
            if (!blob) return FAN_ENOMEM;
        }
        there = map_put(&b->diff->nodes, &key, NULL);
        if (!there) {
            state_blob_unref(blob);
            return FAN_ENOMEM;
        }
        state_blob_unref(*there);
        *there = blob;
    }
    return FAN_OK;
}

/* Replaces keys by their hashes, in the arena. False: no memory. */
static bool hash_keys(struct trie_item *items, size_t count, struct arena *a)
{
    struct slice *keys = ARENA_ARRAY(a, count, struct slice);
    struct fan_hash *hashes = ARENA_ARRAY(a, count, struct fan_hash);

    if (!keys || !hashes) return false;
    for (size_t i = 0; i < count; i++) keys[i] = items[i].key;
    keccak256_many(keys, count, hashes);
    for (size_t i = 0; i < count; i++) items[i].key = slice_of(hashes[i].bytes, sizeof hashes[i].bytes);
    return true;
}

/* ---- storage ---- */

static int slot_key_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct state_slot_key));
}

struct slice state_slot_leaf(const struct fan_u256 *value, struct arena *a)
{
    uint8_t rlp[33], be[32];
    size_t zeros = 0, at;

    if (u256_is_zero(value)) return slice_of("", 0);
    u256_to_be(value, be);
    while (!be[zeros]) zeros++;
    if (zeros == 31 && be[31] < 0x80) return arena_dup(a, slice_of(be + 31, 1));
    at = rlp_header(0x80, 32 - zeros, rlp);
    memcpy(rlp + at, be + zeros, 32 - zeros);
    return arena_dup(a, slice_of(rlp, at + 32 - zeros));
}

/* The storage of so many accounts is hashed together; memory for more is not held at once. */
enum { STORAGES_AT_ONCE = 16 };

/* Storage tries whose dirty slots are known. */
struct storages {
    struct trie_job jobs[STORAGES_AT_ONCE];
    struct fan_address of[STORAGES_AT_ONCE];
    size_t count;
};

/* Adds the dirty slots of one account: count sorted keys, some perhaps twice. */
static enum fan_status add_storage(struct state_builder *b, const struct state_slot_key *keys, size_t count,
                                   struct arena *a, struct storages *all)
{
    const struct state_account_change *account = map_get(&b->diff->accounts, &keys->address);
    struct trie_item *items = ARENA_ARRAY(a, count, struct trie_item);
    size_t used = 0;

    assert(account);
    if (!items) return FAN_ENOMEM;
    if (!account->new_value.exists) return FAN_OK; /* destroyed since: wiped with its trie */
    for (size_t i = 0; i < count; i++) {
        const struct state_slot_change *c = map_get(&b->diff->slots, &keys[i]);
        struct trie_item *item = &items[used];

        if (i && slot_key_order(&keys[i - 1], &keys[i]) == 0) continue;
        assert(c);
        item->key = slice_of(keys[i].slot, sizeof keys[i].slot);
        item->value = state_slot_leaf(&c->new_value, a);
        if (!item->value.at) return FAN_ENOMEM;
        used++;
    }
    if (!hash_keys(items, used, a)) return FAN_ENOMEM;
    all->of[all->count] = keys->address;
    all->jobs[all->count++] = (struct trie_job){
        .owner = keccak256(slice_of(&keys->address, sizeof keys->address)), .items = items, .count = used};
    return FAN_OK;
}

static enum fan_status update_some(struct state_builder *b, struct arena *a, struct storages *all)
{
    struct trie_reader reader = state_builder_trie(b);
    enum fan_status s = trie_update_all(&reader, all->jobs, all->count, a);

    for (size_t i = 0; i < all->count && !s; i++) {
        struct state_account_change *account = map_get(&b->diff->accounts, &all->of[i]);

        s = state_builder_put_nodes(b, &all->jobs[i].owner, &all->jobs[i].out);
        account->new_value.storage_root = all->jobs[i].out.root;
    }
    return s;
}

static enum fan_status update_storages(struct state_builder *b)
{
    struct state_slot_key *keys = (struct state_slot_key *)(void *)b->dirty_slots.at;
    size_t count = b->dirty_slots.len / sizeof *keys, end;

    if (count) qsort(keys, count, sizeof *keys, slot_key_order);
    for (size_t i = 0; i < count;) {
        struct arena a = arena_of(&b->home);
        struct storages some = {.count = 0};
        enum fan_status s = FAN_OK;

        for (; i < count && some.count < STORAGES_AT_ONCE && !s; i = end) {
            for (end = i + 1; end < count && memcmp(&keys[end].address, &keys[i].address, sizeof keys->address) == 0;)
                end++;
            s = add_storage(b, keys + i, end - i, &a, &some);
        }
        if (!s) s = update_some(b, &a, &some);
        arena_home_reset(&b->home);
        if (s) return s;
    }
    buf_reset(&b->dirty_slots);
    return FAN_OK;
}

/* ---- accounts ---- */

struct slice state_account_leaf(const struct state_account *account, struct arena *a)
{
    struct slice leaf;
    struct buf rlp;
    size_t list;

    buf_init(&rlp, 0);
    list = rlp_list_begin(&rlp);
    rlp_put_u64(&rlp, account->nonce);
    rlp_put_u256(&rlp, &account->balance_wei);
    rlp_put_hash(&rlp, &account->storage_root);
    rlp_put_hash(&rlp, &account->code_hash);
    rlp_list_end(&rlp, list);
    leaf = rlp.failed ? slice_of(NULL, 0) : arena_dup(a, buf_peek(&rlp));
    buf_fini(&rlp);
    return leaf;
}

static bool is_empty(const struct state_account *account)
{
    return !account->nonce && u256_is_zero(&account->balance_wei) &&
           hash_eq(&account->code_hash, &KECCAK_EMPTY) &&
           hash_eq(&account->storage_root, &KECCAK_EMPTY_TRIE);
}

static enum fan_status update_accounts(struct state_builder *b)
{
    struct arena a = arena_of(&b->home);
    struct trie_item *items = ARENA_ARRAY(&a, b->touched.count, struct trie_item);
    struct trie_reader reader = state_builder_trie(b);
    struct trie_update u;
    const void *address;
    void *value;
    size_t count = 0;
    enum fan_status s;

    if (!items) return FAN_ENOMEM;
    for (size_t at = 0; map_next(&b->touched, &at, &address, &value);) {
        struct state_account_change *c = map_get(&b->diff->accounts, address);
        struct state_touch *touch = value;
        struct trie_item *item = &items[count];

        assert(c);
        if (!touch->dirty) continue;
        if (touch->edited && is_empty(&c->new_value)) c->new_value = state_account_none();
        item->key = slice_of(address, sizeof(struct fan_address));
        item->value = c->new_value.exists ? state_account_leaf(&c->new_value, &a) : slice_of("", 0);
        if (!item->value.at) return FAN_ENOMEM;
        touch->dirty = touch->edited = 0;
        count++;
    }
    if (!hash_keys(items, count, &a)) return FAN_ENOMEM;
    s = trie_update(&reader, &TRIE_OWNER_ACCOUNTS, items, count, &a, &u);
    if (!s) s = state_builder_put_nodes(b, &TRIE_OWNER_ACCOUNTS, &u);
    if (!s) b->root = u.root;
    return s;
}

enum fan_status state_builder_root(struct state_builder *b, struct fan_hash *out_root)
{
    enum fan_status s = update_storages(b);

    if (!s) s = update_accounts(b);
    arena_home_reset(&b->home);
    if (!s) *out_root = b->root;
    return s;
}
