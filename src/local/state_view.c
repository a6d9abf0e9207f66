#include "local/state_view.h"

#include <stdlib.h>

struct state_view *state_view_new(struct state_base base, const struct state_point *point,
                                  const struct state_point *stand, size_t count)
{
    struct state_view *v = calloc(1, sizeof *v + count * sizeof v->diffs[0]);

    if (!v) return NULL;
    ref_init(&v->ref);
    v->base = base;
    v->point = *point;
    v->stand = *stand;
    v->count = count;
    return v;
}

struct state_view *state_view_ref(struct state_view *v)
{
    ref_get(&v->ref);
    return v;
}

void state_view_unref(struct state_view *v)
{
    if (!v || !ref_put(&v->ref)) return;
    for (size_t i = 0; i < v->count; i++) state_diff_unref(v->diffs[i]);
    free(v);
}

const struct state_point *state_view_point(const struct state_view *v)
{
    return &v->point;
}

enum fan_status state_view_after(struct state_view *parent, struct state_diff *diff, struct state_view **out)
{
    struct state_view *v;

    if (diff->parent.id != parent->point.id) return FAN_EINVAL;
    v = state_view_new(parent->base, &diff->point, &parent->stand, parent->count + 1);
    if (!v) return FAN_ENOMEM;
    v->diffs[0] = state_diff_ref(diff);
    for (size_t i = 0; i < parent->count; i++) v->diffs[i + 1] = state_diff_ref(parent->diffs[i]);
    *out = v;
    return FAN_OK;
}

/* ---- the base under the diffs ---- */

static const struct state_point *point_at(const struct state_view *v, size_t index)
{
    return index < v->count ? &v->diffs[index]->point : &v->stand;
}

/* Opens a reading of the base and finds the newest version that is both the view's and the base's. On failure nothing
 * is open. */
static enum fan_status stand_begin(const struct state_view *v, struct state_read *r, uint64_t *out_version)
{
    enum fan_status s = v->base.ops->read_begin(v->base.ctx, r);

    if (s) return s;
    s = v->stand.version < r->oldest ? FAN_ENOTFOUND : FAN_ESTALE;
    for (size_t i = 0; i <= v->count; i++) {
        const struct state_point *want = point_at(v, i);
        struct state_point there;
        enum fan_status found;

        if (want->version > r->newest || want->version < r->oldest) continue;
        found = v->base.ops->point(v->base.ctx, r, want->version, &there);
        if (!found && there.id == want->id) {
            *out_version = want->version;
            return FAN_OK;
        }
        s = found ? found : FAN_ESTALE;
    }
    v->base.ops->read_end(v->base.ctx, r);
    return s;
}

static void stand_end(const struct state_view *v, struct state_read *r)
{
    v->base.ops->read_end(v->base.ctx, r);
}

enum fan_status state_view_account(const struct state_view *v, const struct fan_address *address,
                                   struct state_account *out)
{
    struct state_account there;
    struct state_read r;
    uint64_t version;
    enum fan_status s;

    for (size_t i = 0; i < v->count; i++) {
        const struct state_account_change *c = map_get(&v->diffs[i]->accounts, address);

        if (!c) continue;
        *out = c->new_value;
        return FAN_OK;
    }
    s = stand_begin(v, &r, &version);
    if (s) return s;
    s = v->base.ops->account(v->base.ctx, &r, version, address, &there);
    stand_end(v, &r);
    if (!s) *out = there;
    return s;
}

/* Does a diff of the view say that the account has no storage but what versions here wrote? A base that lies on another
 * node's state would give that node's, since it does not know the diffs. */
static bool is_cut_off(const struct state_view *v, const struct fan_address *address)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct state_account_change *c = map_get(&v->diffs[i]->accounts, address);

        if (c && (!c->new_value.exists || c->new_value.own_storage)) return true;
    }
    return false;
}

enum fan_status state_view_slot(const struct state_view *v, const struct fan_address *address,
                                const struct fan_u256 *slot, struct fan_u256 *out)
{
    struct state_slot_key key = state_slot_key_of(address, slot);
    struct fan_u256 there;
    struct state_read r;
    uint64_t version;
    enum fan_status s;

    for (size_t i = 0; i < v->count; i++) {
        const struct state_slot_change *c = map_get(&v->diffs[i]->slots, &key);

        if (!c) continue;
        *out = c->new_value;
        return FAN_OK;
    }
    s = stand_begin(v, &r, &version);
    if (s) return s;
    if (v->base.ops->slot_is_far && is_cut_off(v, address) &&
        v->base.ops->slot_is_far(v->base.ctx, &r, version, &key))
        there = u256_of(0);
    else
        s = v->base.ops->slot(v->base.ctx, &r, version, &key, &there);
    stand_end(v, &r);
    if (!s) *out = there;
    return s;
}

bool state_view_slot_is_far(const struct state_view *v, const struct fan_address *address, const struct fan_u256 *slot)
{
    struct state_slot_key key = state_slot_key_of(address, slot);
    struct state_read r;
    uint64_t version;
    bool far;

    if (!v->base.ops->slot_is_far) return false;
    for (size_t i = 0; i < v->count; i++)
        if (map_get(&v->diffs[i]->slots, &key)) return false;
    if (is_cut_off(v, address)) return false;
    if (stand_begin(v, &r, &version)) return false;
    far = v->base.ops->slot_is_far(v->base.ctx, &r, version, &key);
    stand_end(v, &r);
    return far;
}

/* A blob out of the view's own diffs. False: none of them speaks of it. */
static bool blob_of_diffs(const struct state_view *v, bool is_code, const void *key, const struct state_blob **out)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct state_diff *d = v->diffs[i];
        struct state_blob **there = map_get(is_code ? &d->codes : &d->nodes, key);

        if (!there) continue;
        *out = *there;
        return true;
    }
    return false;
}

static enum fan_status copy_out(const struct state_blob *b, struct arena *a, struct slice *out)
{
    struct slice copy = {0};

    if (b) {
        copy = arena_dup(a, state_blob_peek(b));
        if (!copy.at) return FAN_ENOMEM;
    }
    *out = copy;
    return FAN_OK;
}

enum fan_status state_view_code(const struct state_view *v, const struct fan_hash *code_hash, struct arena *a,
                                struct slice *out)
{
    const struct state_blob *b;
    struct slice there;
    struct state_read r;
    uint64_t version;
    enum fan_status s;

    if (hash_eq(code_hash, &KECCAK_EMPTY)) return copy_out(NULL, a, out);
    if (blob_of_diffs(v, true, code_hash, &b)) return copy_out(b, a, out);
    s = stand_begin(v, &r, &version);
    if (s) return s;
    s = v->base.ops->code(v->base.ctx, &r, code_hash, a, &there);
    stand_end(v, &r);
    if (!s) *out = there;
    return s;
}

enum fan_status state_view_node(const struct state_view *v, const struct trie_node_key *key, struct arena *a,
                                struct slice *out)
{
    const struct state_blob *b;
    struct slice there;
    struct state_read r;
    uint64_t version;
    enum fan_status s;

    if (blob_of_diffs(v, false, key, &b)) return copy_out(b, a, out);
    s = stand_begin(v, &r, &version);
    if (s) return s;
    s = v->base.ops->node(v->base.ctx, &r, version, key, a, &there);
    stand_end(v, &r);
    if (!s) *out = there;
    return s;
}

static enum fan_status read_for_trie(void *ctx, const struct trie_node_key *key, struct arena *a, struct slice *out)
{
    return state_view_node(ctx, key, a, out);
}

struct trie_reader state_view_trie(const struct state_view *v)
{
    return (struct trie_reader){(void *)(uintptr_t)v, read_for_trie}; /* only ever used as const again */
}

/* ---- everything there is ---- */

static int address_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct fan_address));
}

static int slot_order(const void *a, const void *b)
{
    return u256_cmp(a, b);
}

static size_t drop_doubles(void *sorted, size_t count, size_t size, int (*order)(const void *, const void *))
{
    uint8_t *items = sorted;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (kept && order(items + (kept - 1) * size, items + i * size) == 0) continue;
        memmove(items + kept++ * size, items + i * size, size);
    }
    return kept;
}

enum fan_status state_view_list_accounts(const struct state_view *v, struct arena *a, struct fan_address **out,
                                         size_t *out_count)
{
    struct fan_address *base_list, *list;
    size_t count = 0, base_count;
    struct state_read r;
    uint64_t version;
    const void *key;
    enum fan_status s = stand_begin(v, &r, &version);

    if (s) return s;
    s = v->base.ops->addresses(v->base.ctx, &r, a, &base_list, &base_count);
    stand_end(v, &r);
    if (s) return s;
    count = base_count;
    for (size_t i = 0; i < v->count; i++) count += v->diffs[i]->accounts.count;
    list = ARENA_ARRAY(a, count, struct fan_address);
    if (!list) return FAN_ENOMEM;
    count = base_count;
    if (count) memcpy(list, base_list, count * sizeof *list);
    for (size_t i = 0; i < v->count; i++)
        for (size_t at = 0; map_next(&v->diffs[i]->accounts, &at, &key, NULL);)
            memcpy(&list[count++], key, sizeof *list);
    if (count) qsort(list, count, sizeof *list, address_order);
    *out = list;
    *out_count = drop_doubles(list, count, sizeof *list, address_order);
    return FAN_OK;
}

/* The slots of one address that a diff speaks of; counts them where list is NULL. */
static size_t slots_of_diff(const struct state_diff *d, const struct fan_address *address, struct fan_u256 *list)
{
    const void *key;
    size_t count = 0;

    for (size_t at = 0; map_next(&d->slots, &at, &key, NULL);) {
        const struct state_slot_key *k = key;

        if (memcmp(&k->address, address, sizeof *address) != 0) continue;
        if (list) list[count] = u256_from_be(k->slot);
        count++;
    }
    return count;
}

enum fan_status state_view_list_slots(const struct state_view *v, const struct fan_address *address, struct arena *a,
                                      struct fan_u256 **out, size_t *out_count)
{
    struct fan_u256 *base_list, *list;
    size_t count, base_count;
    struct state_read r;
    uint64_t version;
    enum fan_status s = stand_begin(v, &r, &version);

    if (s) return s;
    s = v->base.ops->slots(v->base.ctx, &r, address, a, &base_list, &base_count);
    stand_end(v, &r);
    if (s) return s;
    count = base_count;
    for (size_t i = 0; i < v->count; i++) count += slots_of_diff(v->diffs[i], address, NULL);
    list = ARENA_ARRAY(a, count, struct fan_u256);
    if (!list) return FAN_ENOMEM;
    count = base_count;
    if (count) memcpy(list, base_list, count * sizeof *list);
    for (size_t i = 0; i < v->count; i++) count += slots_of_diff(v->diffs[i], address, list + count);
    if (count) qsort(list, count, sizeof *list, slot_order);
    *out = list;
    *out_count = drop_doubles(list, count, sizeof *list, slot_order);
    return FAN_OK;
}

enum fan_status state_view_walk_accounts(const struct state_view *v, state_each_account each, void *ctx)
{
    struct arena_home home;
    struct arena a;
    struct fan_address *list = NULL;
    size_t count = 0;
    bool more = true;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = state_view_list_accounts(v, &a, &list, &count);
    for (size_t i = 0; i < count && more && !s; i++) {
        struct state_account account;

        s = state_view_account(v, &list[i], &account);
        if (!s && account.exists) more = each(ctx, &list[i], &account);
    }
    arena_home_fini(&home);
    return s;
}

enum fan_status state_view_walk_slots(const struct state_view *v, const struct fan_address *address,
                                      state_each_slot each, void *ctx)
{
    struct arena_home home;
    struct arena a;
    struct fan_u256 *list = NULL;
    size_t count = 0;
    bool more = true;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = state_view_list_slots(v, address, &a, &list, &count);
    for (size_t i = 0; i < count && more && !s; i++) {
        struct fan_u256 value;

        s = state_view_slot(v, address, &list[i], &value);
        if (!s && !u256_is_zero(&value)) more = each(ctx, &list[i], &value);
    }
    arena_home_fini(&home);
    return s;
}
