#include "local/state_build.h"

#include <stdatomic.h>
#include <stdlib.h>

enum fan_status state_builder_new(struct state_view *parent, struct state_builder **out)
{
    struct state_builder *b = calloc(1, sizeof *b);

    if (!b) return FAN_ENOMEM;
    b->diff = state_diff_new();
    if (!b->diff) {
        free(b);
        return FAN_ENOMEM;
    }
    b->parent = state_view_ref(parent);
    b->root = parent->point.root;
    map_init(&b->touched, sizeof(struct fan_address), sizeof(struct state_touch));
    buf_init(&b->dirty_slots, 0);
    arena_home_init(&b->home, 0);
    *out = b;
    return FAN_OK;
}

void state_builder_free(struct state_builder *b)
{
    if (!b) return;
    arena_home_fini(&b->home);
    buf_fini(&b->dirty_slots);
    map_fini(&b->touched);
    state_diff_unref(b->diff);
    state_view_unref(b->parent);
    free(b);
}

/* ---- the flat state ---- */

/* The account, to be changed; marked dirty. The pointers hold until another account is asked for. */
static enum fan_status change_account(struct state_builder *b, const struct fan_address *address,
                                      struct state_account_change **out, struct state_touch **out_touch)
{
    struct state_touch *touch = map_put(&b->touched, address, NULL);
    struct state_account_change *c = map_get(&b->diff->accounts, address);
    struct state_account old;
    enum fan_status s;

    if (!touch) return FAN_ENOMEM;
    if (!c) {
        s = state_view_account(b->parent, address, &old);
        if (s) return s;
        c = map_put(&b->diff->accounts, address, NULL);
        if (!c) return FAN_ENOMEM;
        *c = (struct state_account_change){old, old};
        if (!old.exists) c->new_value.own_storage = true;
    }
    touch->dirty = 1;
    *out = c;
    *out_touch = touch;
    return FAN_OK;
}

static enum fan_status change_slot(struct state_builder *b, const struct state_slot_key *key,
                                   struct state_slot_change **out)
{
    struct state_slot_change *c = map_get(&b->diff->slots, key);
    struct fan_u256 slot = u256_from_be(key->slot), old;
    enum fan_status s;

    if (!c) {
        s = state_view_slot(b->parent, &key->address, &slot, &old);
        if (s) return s;
        c = map_put(&b->diff->slots, key, NULL);
        if (!c) return FAN_ENOMEM;
        *c = (struct state_slot_change){old, old};
    }
    buf_put(&b->dirty_slots, slice_of(key, sizeof *key));
    if (b->dirty_slots.failed) return b->dirty_slots.failed;
    *out = c;
    return FAN_OK;
}

static enum fan_status set_slot(struct state_builder *b, const struct fan_address *address, struct state_touch *touch,
                                const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct state_slot_key key = state_slot_key_of(address, slot);
    struct state_slot_change *c;
    enum fan_status s = change_slot(b, &key, &c);

    if (s) return s;
    c->new_value = *value;
    touch->has_slots = 1;
    return FAN_OK;
}

/* Code is keyed by its hash; it joins the diff only where nobody below has it. */
static enum fan_status add_code(struct state_builder *b, const struct fan_hash *hash, struct slice code)
{
    struct arena a = arena_of(&b->home);
    struct state_blob **there, *blob;
    struct slice known;
    enum fan_status s;

    if (!code.len || map_get(&b->diff->codes, hash)) return FAN_OK;
    s = state_view_code(b->parent, hash, &a, &known);
    arena_home_reset(&b->home);
    if (s != FAN_ENOTFOUND) return s;
    blob = state_blob_new(code);
    there = blob ? map_put(&b->diff->codes, hash, NULL) : NULL;
    if (!there) {
        state_blob_unref(blob);
        return FAN_ENOMEM;
    }
    *there = blob;
    return FAN_OK;
}

/* The slots that the diff itself has for an address. */
static void zero_own_slots(struct state_builder *b, const struct fan_address *address)
{
    const void *key;
    void *value;

    for (size_t at = 0; map_next(&b->diff->slots, &at, &key, &value);)
        if (memcmp(&((const struct state_slot_key *)key)->address, address, sizeof *address) == 0)
            ((struct state_slot_change *)value)->new_value = u256_of(0);
}

static enum fan_status zero_parents_slots(struct state_builder *b, const struct fan_address *address)
{
    struct arena a = arena_of(&b->home);
    struct fan_u256 *slots;
    size_t count;
    enum fan_status s = state_view_list_slots(b->parent, address, &a, &slots, &count);

    for (size_t i = 0; i < count && !s; i++) {
        struct state_slot_key key = state_slot_key_of(address, &slots[i]);
        struct state_slot_change *c = map_get(&b->diff->slots, &key);
        struct fan_u256 old;

        if (!c) {
            s = state_view_slot(b->parent, address, &slots[i], &old);
            if (s || u256_is_zero(&old)) continue;
            c = map_put(&b->diff->slots, &key, NULL);
            if (!c) return FAN_ENOMEM;
            c->old_value = old;
        }
        c->new_value = u256_of(0);
    }
    return s;
}

/* All storage of an account goes: its slots one by one, since each has an old value to remember, and every node of its
 * trie. Slots still noted as dirty are zero by then and find no trie to be deleted from. */
static enum fan_status wipe_storage(struct state_builder *b, const struct fan_address *address,
                                    struct state_account_change *c, struct state_touch *touch)
{
    struct fan_hash owner = keccak256(slice_of(address, sizeof *address));
    struct trie_reader reader = state_builder_trie(b);
    struct trie_update u;
    struct arena a;
    enum fan_status s;

    c->new_value.own_storage = true;
    if (touch->has_slots) zero_own_slots(b, address);
    if (!hash_eq(&c->old_value.storage_root, &KECCAK_EMPTY_TRIE)) {
        s = zero_parents_slots(b, address);
        arena_home_reset(&b->home);
        if (s) return s;
        touch->has_slots = 1;
    }
    if (hash_eq(&c->new_value.storage_root, &KECCAK_EMPTY_TRIE)) return FAN_OK;
    a = arena_of(&b->home);
    s = trie_wipe(&reader, &owner, &a, &u);
    if (!s) s = state_builder_put_nodes(b, &owner, &u);
    arena_home_reset(&b->home);
    c->new_value.storage_root = KECCAK_EMPTY_TRIE;
    return s;
}

/* ---- what transactions did ---- */

/* Existence itself is not compared: an empty account and none at all read the same. */
static bool fits_account(const struct state_account *have, const struct evm_account_change *e)
{
    if (!e->existed)
        return !have->nonce && u256_is_zero(&have->balance_wei) && hash_eq(&have->code_hash, &KECCAK_EMPTY);
    return have->nonce == e->old_nonce && u256_eq(&have->balance_wei, &e->old_balance_wei) &&
           hash_eq(&have->code_hash, &e->old_code_hash);
}

static enum fan_status does_not_fit(struct fan_error *err, const struct fan_address *address, const char *what)
{
    char hex[2 * sizeof *address + 1];

    for (size_t i = 0; i < sizeof *address; i++) {
        hex[2 * i] = "0123456789abcdef"[address->bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[address->bytes[i] & 15];
    }
    hex[2 * sizeof *address] = 0;
    return fan_error_set(err, FAN_EINTERNAL, "state diff of 0x%s was made on another state: %s", hex, what);
}

static enum fan_status add_slots(struct state_builder *b, const struct evm_account_change *e, struct state_touch *touch,
                                 struct fan_error *err)
{
    for (size_t i = 0; i < e->slot_count; i++) {
        struct state_slot_key key = state_slot_key_of(&e->address, &e->slots[i].slot);
        struct state_slot_change *c;
        enum fan_status s = change_slot(b, &key, &c);

        if (s) return s;
        /* After a wipe the old value may be told as it was before it, or as 0. */
        if (!e->storage_wiped && !u256_eq(&c->new_value, &e->slots[i].old_value))
            return does_not_fit(err, &e->address, "a slot's old value");
        c->new_value = e->slots[i].new_value;
    }
    if (e->slot_count) touch->has_slots = 1;
    return FAN_OK;
}

static enum fan_status add_account(struct state_builder *b, const struct evm_account_change *e, struct fan_error *err)
{
    struct state_account_change *c;
    struct state_touch *touch;
    enum fan_status s = change_account(b, &e->address, &c, &touch);

    if (s) return s;
    if (!fits_account(&c->new_value, e)) return does_not_fit(err, &e->address, "the account's old values");
    if (e->storage_wiped || !e->exists) {
        s = wipe_storage(b, &e->address, c, touch);
        if (s) return s;
    }
    if (!e->exists) {
        c->new_value = state_account_none();
        return FAN_OK;
    }
    c->new_value.exists = true;
    c->new_value.nonce = e->new_nonce;
    c->new_value.balance_wei = e->new_balance_wei;
    c->new_value.code_hash = e->new_code_hash;
    if (e->new_code) s = add_code(b, &e->new_code_hash, slice_of(e->new_code, e->new_code_len));
    return s ? s : add_slots(b, e, touch, err);
}

enum fan_status state_builder_add(struct state_builder *b, const struct evm_diff *diff, struct fan_error *err)
{
    for (size_t i = 0; i < diff->account_count; i++) {
        enum fan_status s = add_account(b, &diff->accounts[i], err);

        if (s) return s;
    }
    return FAN_OK;
}

/* ---- what genesis and edits put there ---- */

static enum fan_status put_code(struct state_builder *b, struct state_account *account, struct slice code)
{
    account->code_hash = keccak256(code);
    return add_code(b, &account->code_hash, code);
}

static enum fan_status add_alloc(struct state_builder *b, const struct genesis_account *g)
{
    struct state_account_change *c;
    struct state_touch *touch;
    enum fan_status s = change_account(b, &g->address, &c, &touch);

    if (s) return s;
    c->new_value.exists = true;
    c->new_value.nonce = g->nonce;
    c->new_value.balance_wei = g->balance_wei;
    s = put_code(b, &c->new_value, g->code);
    for (size_t i = 0; i < g->slot_count && !s; i++)
        s = set_slot(b, &g->address, touch, &g->slots[i].slot, &g->slots[i].value);
    return s;
}

enum fan_status state_builder_add_genesis(struct state_builder *b, const struct genesis_account *accounts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum fan_status s = add_alloc(b, &accounts[i]);

        if (s) return s;
    }
    return FAN_OK;
}

static enum fan_status edit(struct state_builder *b, const struct fan_address *address, struct state_account **out,
                            struct state_touch **out_touch)
{
    struct state_account_change *c;
    enum fan_status s = change_account(b, address, &c, out_touch);

    if (s) return s;
    c->new_value.exists = true;
    (*out_touch)->edited = 1;
    *out = &c->new_value;
    return FAN_OK;
}

enum fan_status state_builder_set_balance(struct state_builder *b, const struct fan_address *address,
                                          const struct fan_u256 *balance_wei)
{
    struct state_account *account;
    struct state_touch *touch;
    enum fan_status s = edit(b, address, &account, &touch);

    if (!s) account->balance_wei = *balance_wei;
    return s;
}

enum fan_status state_builder_set_nonce(struct state_builder *b, const struct fan_address *address, uint64_t nonce)
{
    struct state_account *account;
    struct state_touch *touch;
    enum fan_status s = edit(b, address, &account, &touch);

    if (!s) account->nonce = nonce;
    return s;
}

enum fan_status state_builder_set_code(struct state_builder *b, const struct fan_address *address, struct slice code)
{
    struct state_account *account;
    struct state_touch *touch;
    enum fan_status s = edit(b, address, &account, &touch);

    return s ? s : put_code(b, account, code);
}

enum fan_status state_builder_set_slot(struct state_builder *b, const struct fan_address *address,
                                       const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct state_account *account;
    struct state_touch *touch;
    enum fan_status s = edit(b, address, &account, &touch);

    return s ? s : set_slot(b, address, touch, slot, value);
}

enum fan_status state_builder_assume_zero(struct state_builder *b, const struct fan_address *address,
                                          const struct fan_u256 *slot)
{
    struct state_slot_key key = state_slot_key_of(address, slot);
    struct state_account_change *account;
    struct state_touch *touch;
    enum fan_status s = change_account(b, address, &account, &touch); /* a base has no slots without their account */

    if (s) return s;
    touch->has_slots = 1;
    return map_put(&b->diff->slots, &key, NULL) ? FAN_OK : FAN_ENOMEM;
}

/* ---- the end ---- */

static _Atomic uint64_t ids; /* the last one given; 0 is the empty state's */

void state_ids_above(uint64_t id)
{
    uint64_t last = atomic_load(&ids);

    while (last < id && !atomic_compare_exchange_weak(&ids, &last, id)) {
    }
}

enum fan_status state_builder_finish(struct state_builder *b, uint64_t number, struct state_diff **out_diff)
{
    struct state_diff *d = b->diff;
    enum fan_status s = state_builder_root(b, &d->point.root);

    if (s) return s;
    d->parent = b->parent->point;
    d->point.version = d->parent.version + 1;
    d->point.number = number;
    d->point.id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1;
    b->diff = NULL;
    state_builder_free(b);
    *out_diff = d;
    return FAN_OK;
}

enum fan_status state_apply(struct state_view *parent, const struct evm_diff *diff, uint64_t number,
                            struct state_diff **out_diff, struct fan_error *err)
{
    struct state_builder *b;
    enum fan_status s = state_builder_new(parent, &b);

    if (s) return s;
    s = state_builder_add(b, diff, err);
    if (!s) s = state_builder_finish(b, number, out_diff);
    if (s) state_builder_free(b);
    return s;
}
