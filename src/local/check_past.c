/* The old values of one version: taken back into the trie that follows them, they must make the trie before it, node by
 * node, and its root. The newest trie was computed again from the state, so all older ones follow. */
#include <inttypes.h>
#include <stdlib.h>

#include "local/check.h"
#include "local/db_record.h"
#include "local/state_build.h"

#define WRONG(...) return fan_error_set(err, FAN_EFORMAT, __VA_ARGS__)

struct past {
    struct state_base base;
    struct state_read *read;
    uint64_t version; /* what it changed is taken back */
    struct arena *arena;
    struct buf slots, accounts; /* struct state_slot_key, struct fan_address: what it changed */
    uint64_t nodes, found;      /* that its journal names; that differ */
    struct fan_error *err;
};

static enum fan_status read_node(void *ctx, const struct trie_node_key *key, struct arena *a, struct slice *out)
{
    const struct past *p = ctx;

    return p->base.ops->node(p->base.ctx, p->read, p->version, key, a, out);
}

static enum fan_status take_key(struct past *p, enum db_kind kind, struct slice key)
{
    if (kind == DB_NODE) p->nodes++;
    if (kind == DB_SLOT && key.len == sizeof(struct state_slot_key)) buf_put(&p->slots, key);
    if (kind == DB_ACCOUNT && key.len == sizeof(struct fan_address)) buf_put(&p->accounts, key);
    return p->slots.failed || p->accounts.failed ? FAN_ENOMEM : FAN_OK;
}

static enum fan_status read_journal(struct past *p)
{
    for (uint32_t chunk = 0;; chunk++) {
        uint8_t key[12];
        struct slice row, name;
        enum db_kind kind;
        enum fan_status s;

        put_be64(p->version, key);
        for (unsigned i = 0; i < 4; i++) key[8 + i] = (uint8_t)(chunk >> (24 - 8 * i));
        s = store_get(p->read->txn, STORE_JOURNAL, slice_of(key, sizeof key), &row);
        while (!s && row.len) {
            s = db_journal_next(&row, &kind, &name);
            if (!s) s = take_key(p, kind, name);
        }
        if (s) return s == FAN_ENOTFOUND ? FAN_OK : s;
    }
}

/* The nodes that differ, against those that were kept. */
static enum fan_status compare(struct past *p, const struct fan_hash *owner, const struct trie_update *u)
{
    struct fan_error *err = p->err;

    for (size_t i = 0; i < u->change_count; i++) {
        struct trie_node_key key = {.owner = *owner, .path = u->changes[i].path};
        struct slice kept;
        enum fan_status s = p->base.ops->node(p->base.ctx, p->read, p->version - 1, &key, p->arena, &kept);

        if (s) return s;
        if (!slice_eq(kept, u->changes[i].new_rlp))
            WRONG("version %" PRIu64 ": a trie node from before it is not what its state makes of it", p->version);
    }
    p->found += u->change_count;
    return FAN_OK;
}

static enum fan_status update(struct past *p, const struct fan_hash *owner, struct trie_item *items, size_t count,
                              struct fan_hash *out_root)
{
    struct trie_reader reader = {p, read_node};
    struct trie_update u;
    enum fan_status s;

    for (size_t i = 0; i < count; i++) {
        struct fan_hash hash = keccak256(items[i].key);

        items[i].key = arena_dup(p->arena, slice_of(hash.bytes, sizeof hash.bytes));
        if (!items[i].key.at || !items[i].value.at) return FAN_ENOMEM;
    }
    s = trie_update(&reader, owner, items, count, p->arena, &u);
    if (!s) *out_root = u.root;
    return s ? s : compare(p, owner, &u);
}

static int slot_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct state_slot_key));
}

/* The slots of one account: keys[0 … count - 1]. */
static enum fan_status check_storage(struct past *p, const struct state_slot_key *keys, size_t count)
{
    struct trie_item *items = ARENA_ARRAY(p->arena, count, struct trie_item);
    struct fan_hash owner = keccak256(slice_of(&keys->address, sizeof keys->address)), root;
    struct state_account before;
    struct fan_error *err = p->err;
    enum fan_status s = p->base.ops->account(p->base.ctx, p->read, p->version - 1, &keys->address, &before);

    if (s) return s;
    if (!items) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct fan_u256 value;

        s = p->base.ops->slot(p->base.ctx, p->read, p->version - 1, &keys[i], &value);
        if (s) return s;
        items[i] = (struct trie_item){slice_of(keys[i].slot, sizeof keys[i].slot), state_slot_leaf(&value, p->arena)};
    }
    s = update(p, &owner, items, count, &root);
    if (s) return s;
    if (!hash_eq(&root, &before.storage_root))
        WRONG("version %" PRIu64 ": the slots from before it do not make their account's storage root", p->version);
    return FAN_OK;
}

static enum fan_status check_storages(struct past *p)
{
    struct state_slot_key *keys = (struct state_slot_key *)(void *)p->slots.at;
    size_t count = p->slots.len / sizeof *keys, end;
    enum fan_status s = FAN_OK;

    if (count) qsort(keys, count, sizeof *keys, slot_order);
    for (size_t i = 0; i < count && !s; i = end) {
        for (end = i + 1; end < count && memcmp(&keys[end].address, &keys[i].address, sizeof keys->address) == 0;)
            end++;
        s = check_storage(p, keys + i, end - i);
    }
    return s;
}

static enum fan_status check_accounts(struct past *p)
{
    const struct fan_address *addresses = (const struct fan_address *)(const void *)p->accounts.at;
    size_t count = p->accounts.len / sizeof *addresses;
    struct trie_item *items = ARENA_ARRAY(p->arena, count, struct trie_item);
    struct state_point point;
    struct fan_hash root;
    struct fan_error *err = p->err;
    enum fan_status s = p->base.ops->point(p->base.ctx, p->read, p->version - 1, &point);

    if (s) return s;
    if (!items) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct state_account before;

        s = p->base.ops->account(p->base.ctx, p->read, p->version - 1, &addresses[i], &before);
        if (s) return s;
        items[i] = (struct trie_item){slice_of(&addresses[i], sizeof addresses[i]),
                                      before.exists ? state_account_leaf(&before, p->arena) : slice_of("", 0)};
    }
    s = update(p, &TRIE_OWNER_ACCOUNTS, items, count, &root);
    if (s) return s;
    if (!hash_eq(&root, &point.root))
        WRONG("version %" PRIu64 ": the accounts from before it do not make the state root before it", p->version);
    if (p->nodes != p->found)
        WRONG("version %" PRIu64 ": its journal names %" PRIu64 " trie nodes, but %" PRIu64 " changed", p->version,
              p->nodes, p->found);
    return FAN_OK;
}

enum fan_status check_past(struct state_base base, struct state_read *read, uint64_t version, struct fan_error *err)
{
    struct past p = {.base = base, .read = read, .version = version};
    struct fan_error why = {""};
    struct arena_home home;
    struct arena a;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    p.arena = &a;
    p.err = &why;
    buf_init(&p.slots, 0);
    buf_init(&p.accounts, 0);
    s = read_journal(&p);
    if (!s) s = check_storages(&p);
    if (!s) s = check_accounts(&p);
    buf_fini(&p.slots);
    buf_fini(&p.accounts);
    arena_home_fini(&home);
    if (s == FAN_EFORMAT && !why.text[0])
        WRONG("version %" PRIu64 ": a value from before it, or a trie node, is damaged", version);
    return s ? fan_error_set(err, s, "%s", why.text) : FAN_OK;
}
