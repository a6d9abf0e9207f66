#include "local/mem_base.h"
#include "local/mem_base_entry.h"

#include <pthread.h>
#include <stdlib.h>

/* A version that can be read: its point, and who changed with it. The oldest kept one has no journal. */
struct kept {
    struct state_point point;
    struct mem_entry **journal; /* accounts, then slots, nodes, code */
    size_t count;
};

struct mem_base {
    pthread_rwlock_t lock;
    struct map accounts; /* fan_address → struct mem_account_entry * */
    struct map nodes;    /* trie_node_key → struct mem_node_entry * */
    struct map codes;    /* fan_hash → struct mem_code_entry * */
    struct kept *kept;   /* oldest … newest are kept[first] … kept[end - 1] */
    size_t first, end, cap;
};

static uint64_t oldest(const struct mem_base *m)
{
    return m->kept[m->first].point.version;
}

static uint64_t newest(const struct mem_base *m)
{
    return m->kept[m->end - 1].point.version;
}

static struct kept *kept_at(const struct mem_base *m, uint64_t version)
{
    assert(version >= oldest(m) && version <= newest(m));
    return &m->kept[m->first + (size_t)(version - oldest(m))];
}

/* ---- tables of entries ---- */

static void free_all(struct map *m)
{
    void *value;

    for (size_t at = 0; map_next(m, &at, NULL, &value);) mem_entry_free(*(struct mem_entry **)value);
    map_fini(m);
}

/* True when no slot of the account has a record: none does when the account has none, since both change together. */
static bool only_reserved(const struct map *slots)
{
    void *value;

    for (size_t at = 0; map_next(slots, &at, NULL, &value);)
        if ((*(struct mem_slot_entry **)value)->entry.count) return false;
    return true;
}

/* Takes an entry out of its table. Slots that were only reserved go with their account. */
static void entry_remove(struct mem_base *m, struct mem_entry *e)
{
    if (e->kind == MEM_ACCOUNT) {
        struct mem_account_entry *a = (struct mem_account_entry *)(void *)e;

        assert(only_reserved(&a->slots));
        (void)map_delete(&m->accounts, &a->address);
        free_all(&a->slots);
    } else if (e->kind == MEM_SLOT) {
        struct mem_slot_entry *s = (struct mem_slot_entry *)(void *)e;

        (void)map_delete(&s->account->slots, s->slot);
    } else if (e->kind == MEM_NODE) {
        (void)map_delete(&m->nodes, &((struct mem_node_entry *)(void *)e)->key);
    } else {
        (void)map_delete(&m->codes, &((struct mem_code_entry *)(void *)e)->hash);
    }
    mem_entry_free(e);
}

/* The entry of key in m, made (of `size` bytes, beginning with a struct mem_entry) where it is missing. */
static void *entry_make(struct map *m, const void *key, enum mem_kind kind, size_t size, bool *out_new)
{
    struct mem_entry **cell, *e;

    *out_new = false;
    cell = map_put(m, key, out_new);
    if (!cell) return NULL;
    if (!*out_new) return *cell;
    e = calloc(1, size);
    if (!e) {
        (void)map_delete(m, key);
        return NULL;
    }
    e->kind = kind;
    *cell = e;
    return e;
}

static struct mem_account_entry *make_account(struct mem_base *m, const struct fan_address *address)
{
    bool fresh;
    struct mem_account_entry *a = entry_make(&m->accounts, address, MEM_ACCOUNT, sizeof *a, &fresh);

    if (a && fresh) {
        a->address = *address;
        map_init(&a->slots, 32, sizeof(struct mem_slot_entry *));
    }
    return a;
}

static struct mem_slot_entry *make_slot(struct mem_base *m, const struct state_slot_key *key)
{
    struct mem_account_entry *a = make_account(m, &key->address);
    struct mem_slot_entry *s;
    bool fresh;

    if (!a) return NULL;
    s = entry_make(&a->slots, key->slot, MEM_SLOT, sizeof *s, &fresh);
    if (s && fresh) {
        s->account = a;
        memcpy(s->slot, key->slot, sizeof s->slot);
    }
    return s;
}

static struct mem_node_entry *make_node(struct mem_base *m, const struct trie_node_key *key)
{
    bool fresh;
    struct mem_node_entry *n = entry_make(&m->nodes, key, MEM_NODE, sizeof *n, &fresh);

    if (n && fresh) n->key = *key;
    return n;
}

static struct mem_code_entry *make_code(struct mem_base *m, const struct fan_hash *hash)
{
    bool fresh;
    struct mem_code_entry *c = entry_make(&m->codes, hash, MEM_CODE, sizeof *c, &fresh);

    if (c && fresh) c->hash = *hash;
    return c;
}

/* ---- reading ---- */

static enum fan_status read_begin(void *ctx, struct state_read *out)
{
    struct mem_base *m = ctx;

    if (pthread_rwlock_rdlock(&m->lock) != 0) return FAN_ESYSTEM;
    *out = (struct state_read){.oldest = oldest(m), .newest = newest(m)};
    return FAN_OK;
}

static void read_end(void *ctx, struct state_read *r)
{
    struct mem_base *m = ctx;

    (void)r;
    (void)pthread_rwlock_unlock(&m->lock);
}

static enum fan_status read_point(void *ctx, struct state_read *r, uint64_t version, struct state_point *out)
{
    (void)r;
    *out = kept_at(ctx, version)->point;
    return FAN_OK;
}

bool mem_base_account(const struct state_base *base, uint64_t version, const struct fan_address *address,
                      struct state_account *out)
{
    const struct mem_base *m = base->ctx;
    struct mem_account_entry **a = map_get(&m->accounts, address);
    const struct mem_account_record *record = a ? mem_entry_at(&(*a)->entry, version) : NULL;

    if (record) *out = record->account;
    return record != NULL;
}

static enum fan_status read_account(void *ctx, struct state_read *r, uint64_t version,
                                    const struct fan_address *address, struct state_account *out)
{
    (void)r;
    if (!mem_base_account(&(struct state_base){.ctx = ctx}, version, address, out)) *out = state_account_none();
    return FAN_OK;
}

bool mem_base_slot(const struct state_base *base, uint64_t version, const struct state_slot_key *key,
                   struct fan_u256 *out)
{
    const struct mem_base *m = base->ctx;
    struct mem_account_entry **a = map_get(&m->accounts, &key->address);
    struct mem_slot_entry **s = a ? map_get(&(*a)->slots, key->slot) : NULL;
    const struct mem_slot_record *record = s ? mem_entry_at(&(*s)->entry, version) : NULL;

    if (record) *out = record->value;
    return record != NULL;
}

static enum fan_status read_slot(void *ctx, struct state_read *r, uint64_t version, const struct state_slot_key *key,
                                 struct fan_u256 *out)
{
    (void)r;
    if (!mem_base_slot(&(struct state_base){.ctx = ctx}, version, key, out)) *out = u256_of(0);
    return FAN_OK;
}

static enum fan_status read_node(void *ctx, struct state_read *r, uint64_t version, const struct trie_node_key *key,
                                 struct arena *a, struct slice *out)
{
    struct mem_base *m = ctx;
    struct mem_node_entry **n = map_get(&m->nodes, key);

    (void)r;
    return mem_entry_blob_at(n ? &(*n)->entry : NULL, version, a, out);
}

static enum fan_status read_code(void *ctx, struct state_read *r, const struct fan_hash *hash, struct arena *a,
                                 struct slice *out)
{
    struct mem_base *m = ctx;
    struct mem_code_entry **c = map_get(&m->codes, hash);

    if (!c || !mem_entry_at(&(*c)->entry, r->newest)) return FAN_ENOTFOUND;
    return mem_entry_blob_at(&(*c)->entry, r->newest, a, out);
}

static enum fan_status read_find(void *ctx, struct state_read *r, uint64_t number, struct state_point *out)
{
    struct mem_base *m = ctx;
    size_t low = m->first, high = m->end; /* the first whose number is greater */

    (void)r;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (m->kept[middle].point.number > number)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == m->first || m->kept[low - 1].point.number != number) return FAN_ENOTFOUND;
    *out = m->kept[low - 1].point;
    return FAN_OK;
}

static enum fan_status read_addresses(void *ctx, struct state_read *r, struct arena *a, struct fan_address **out,
                                      size_t *out_count)
{
    struct mem_base *m = ctx;
    struct fan_address *list = ARENA_ARRAY(a, m->accounts.count, struct fan_address);
    const void *key;
    size_t count = 0;

    (void)r;
    if (!list) return FAN_ENOMEM;
    for (size_t at = 0; map_next(&m->accounts, &at, &key, NULL);) memcpy(&list[count++], key, sizeof *list);
    *out = list;
    *out_count = count;
    return FAN_OK;
}

static enum fan_status read_slots(void *ctx, struct state_read *r, const struct fan_address *address, struct arena *a,
                                  struct fan_u256 **out, size_t *out_count)
{
    struct mem_base *m = ctx;
    struct mem_account_entry **account = map_get(&m->accounts, address);
    struct fan_u256 *list = ARENA_ARRAY(a, account ? (*account)->slots.count : 0, struct fan_u256);
    const void *key;
    size_t count = 0;

    (void)r;
    if (!list) return FAN_ENOMEM;
    for (size_t at = 0; account && map_next(&(*account)->slots, &at, &key, NULL);) list[count++] = u256_from_be(key);
    *out = list;
    *out_count = count;
    return FAN_OK;
}

/* ---- writing ---- */

/* Room for one more version. What was pruned off the front is used again once it is the greater part. */
static bool kept_reserve(struct mem_base *m)
{
    size_t cap = m->cap ? 2 * m->cap : 64;
    struct kept *wider;

    if (m->end < m->cap) return true;
    if (m->first > m->cap / 2) {
        memmove(m->kept, m->kept + m->first, (m->end - m->first) * sizeof *m->kept);
        m->end -= m->first;
        m->first = 0;
        return true;
    }
    wider = realloc(m->kept, cap * sizeof *wider);
    if (!wider) return false;
    m->kept = wider;
    m->cap = cap;
    return true;
}

/* Finds or makes the entry of everything in the diff, each with room for a record, so that writing cannot fail. Entries
 * left without a record by a failure say nothing, and are found again by the next attempt. */
static bool reserve(struct mem_base *m, const struct state_diff *d, struct mem_entry **journal)
{
    const void *key;
    size_t count = 0;

    /* The tables grow first: filling one in the order of another with the same hash while it grows would cluster. */
    if (!map_reserve(&m->accounts, d->accounts.count) || !map_reserve(&m->nodes, d->nodes.count)) return false;
    for (size_t at = 0; map_next(&d->accounts, &at, &key, NULL); count++)
        if (!(journal[count] = (struct mem_entry *)(void *)make_account(m, key)) || !mem_entry_reserve(journal[count]))
            return false;
    for (size_t at = 0; map_next(&d->slots, &at, &key, NULL); count++)
        if (!(journal[count] = (struct mem_entry *)(void *)make_slot(m, key)) || !mem_entry_reserve(journal[count]))
            return false;
    for (size_t at = 0; map_next(&d->nodes, &at, &key, NULL); count++)
        if (!(journal[count] = (struct mem_entry *)(void *)make_node(m, key)) || !mem_entry_reserve(journal[count]))
            return false;
    for (size_t at = 0; map_next(&d->codes, &at, &key, NULL); count++)
        if (!(journal[count] = (struct mem_entry *)(void *)make_code(m, key)) || !mem_entry_reserve(journal[count]))
            return false;
    return true;
}

/* Walks the diff in the same order as reserve(). */
static void push_all(const struct state_diff *d, struct mem_entry **journal)
{
    uint64_t version = d->point.version;
    void *value;

    for (size_t at = 0; map_next(&d->accounts, &at, NULL, &value);)
        *(struct mem_account_record *)mem_entry_push(*journal++) =
            (struct mem_account_record){version, ((struct state_account_change *)value)->new_value};
    for (size_t at = 0; map_next(&d->slots, &at, NULL, &value);)
        *(struct mem_slot_record *)mem_entry_push(*journal++) =
            (struct mem_slot_record){version, ((struct state_slot_change *)value)->new_value};
    for (size_t at = 0; map_next(&d->nodes, &at, NULL, &value);)
        mem_entry_push_blob(*journal++, version, *(struct state_blob **)value);
    for (size_t at = 0; map_next(&d->codes, &at, NULL, &value);)
        mem_entry_push_blob(*journal++, version, *(struct state_blob **)value);
}

static enum fan_status apply(void *ctx, const struct state_diff *d)
{
    struct mem_base *m = ctx;
    size_t count = d->accounts.count + d->slots.count + d->nodes.count + d->codes.count;
    struct mem_entry **journal = malloc((count ? count : 1) * sizeof(struct mem_entry *));
    bool fits;

    if (!journal) return FAN_ENOMEM;
    (void)pthread_rwlock_wrlock(&m->lock);
    assert(d->point.version == newest(m) + 1);
    fits = kept_reserve(m) && reserve(m, d, journal);
    if (fits) {
        push_all(d, journal);
        m->kept[m->end++] = (struct kept){d->point, journal, count};
    }
    (void)pthread_rwlock_unlock(&m->lock);
    if (!fits) free(journal);
    return fits ? FAN_OK : FAN_ENOMEM;
}

static enum fan_status rewind_to(void *ctx, uint64_t version)
{
    struct mem_base *m = ctx;

    (void)pthread_rwlock_wrlock(&m->lock);
    assert(version >= oldest(m));
    while (newest(m) > version) {
        struct kept *k = &m->kept[--m->end];

        for (size_t i = k->count; i-- > 0;) { /* backwards: slots before the accounts that hold them */
            struct mem_entry *e = k->journal[i];

            assert(e->count && mem_entry_version(e, e->count - 1) == k->point.version);
            mem_entry_cut(e, e->count - 1, 1);
            if (!e->count) entry_remove(m, e);
        }
        free(k->journal);
    }
    (void)pthread_rwlock_unlock(&m->lock);
    return FAN_OK;
}

/* The records older than the one of `version` are no longer reachable; neither is a key that only says it is gone. */
static void forget_before(struct mem_base *m, struct mem_entry *e, uint64_t version)
{
    size_t older = 0;

    while (mem_entry_version(e, older) < version) older++;
    mem_entry_cut(e, 0, older);
    if (e->count == 1 && mem_entry_is_absent(e, 0)) entry_remove(m, e);
}

static enum fan_status prune(void *ctx, uint64_t version)
{
    struct mem_base *m = ctx;

    (void)pthread_rwlock_wrlock(&m->lock);
    assert(version <= newest(m));
    while (oldest(m) < version) {
        struct kept *k = &m->kept[++m->first];

        for (size_t i = k->count; i-- > 0;) forget_before(m, k->journal[i], k->point.version);
        free(k->journal);
        k->journal = NULL;
        k->count = 0;
    }
    (void)pthread_rwlock_unlock(&m->lock);
    return FAN_OK;
}

static void close_base(void *ctx)
{
    struct mem_base *m = ctx;
    void *value;

    for (size_t i = m->first; i < m->end; i++) free(m->kept[i].journal);
    for (size_t at = 0; map_next(&m->accounts, &at, NULL, &value);)
        free_all(&(*(struct mem_account_entry **)value)->slots);
    free_all(&m->accounts);
    free_all(&m->nodes);
    free_all(&m->codes);
    free(m->kept);
    (void)pthread_rwlock_destroy(&m->lock);
    free(m);
}

static const struct state_base_ops ops = {
    .read_begin = read_begin,
    .read_end = read_end,
    .point = read_point,
    .account = read_account,
    .slot = read_slot,
    .node = read_node,
    .code = read_code,
    .find = read_find,
    .addresses = read_addresses,
    .slots = read_slots,
    .apply = apply,
    .rewind = rewind_to,
    .prune = prune,
    .close = close_base,
};

static bool lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    bool done;

    if (pthread_rwlockattr_init(&attributes) != 0) return false;
    done = pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0 &&
           pthread_rwlock_init(lock, &attributes) == 0;
    (void)pthread_rwlockattr_destroy(&attributes);
    return done;
}

enum fan_status mem_base_new(struct state_base *out)
{
    struct mem_base *m = calloc(1, sizeof *m);

    if (!m) return FAN_ENOMEM;
    if (!kept_reserve(m)) {
        free(m);
        return FAN_ENOMEM;
    }
    if (!lock_init(&m->lock)) {
        free(m->kept);
        free(m);
        return FAN_ESYSTEM;
    }
    map_init(&m->accounts, sizeof(struct fan_address), sizeof(struct mem_account_entry *));
    map_init(&m->nodes, sizeof(struct trie_node_key), sizeof(struct mem_node_entry *));
    map_init(&m->codes, sizeof(struct fan_hash), sizeof(struct mem_code_entry *));
    m->kept[m->end++] = (struct kept){.point.root = KECCAK_EMPTY_TRIE};
    *out = (struct state_base){&ops, m};
    return FAN_OK;
}
