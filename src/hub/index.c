#include "hub/index.h"

#include <stdlib.h>

#include "base/random.h"
#include "codec/keccak.h"

/* Position 0 is the address, position 1 + n is topic n; bit p of a shape says that position p is part of the key. */
enum { POSITIONS = 5 };

struct index_posting {
    struct index_entry *entry;
    struct index_posting *next, *prev;
    uint64_t key;
};

static const struct filter EVERYTHING;

void index_init(struct filter_index *ix)
{
    *ix = (struct filter_index){0};
    map_init(&ix->entries, sizeof(struct fan_hash), sizeof(struct index_entry *));
    map_init(&ix->postings, sizeof(uint64_t), sizeof(struct index_posting *));
    random_bytes(&ix->seed, sizeof ix->seed);
}

void index_fini(struct filter_index *ix)
{
    void *value;

    for (size_t at = 0; map_next(&ix->entries, &at, NULL, &value);) free(*(struct index_entry **)value);
    map_fini(&ix->entries);
    map_fini(&ix->postings);
    free(ix->matches);
    ix->matches = NULL;
    ix->matches_cap = 0;
}

/* ---- keys ---- */

/* Folding the 128-bit product carries every input bit into the result; the seed keeps strangers from aiming at one
 * list. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 wide = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);

    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

static uint64_t value_hash(const struct filter_index *ix, const void *value, size_t len)
{
    const uint8_t *p = value;
    uint64_t h = ix->seed ^ len;

    while (len) {
        uint64_t word = 0;
        size_t take = len < sizeof word ? len : sizeof word;

        memcpy(&word, p, take);
        h = fold(h ^ word, ix->seed);
        p += take;
        len -= take;
    }
    return h;
}

static uint64_t key_begin(const struct filter_index *ix, unsigned shape)
{
    return fold(ix->seed, shape + 1);
}

/* Values enter in order of position, so the same value at two positions gives two keys. */
static uint64_t key_add(const struct filter_index *ix, uint64_t key, uint64_t hash)
{
    return fold(key + hash, ix->seed | 1);
}

static size_t alternatives(const struct filter *f, unsigned position)
{
    return position == 0 ? f->address_count : f->topics[position - 1].count;
}

static uint64_t alternative_hash(const struct filter_index *ix, const struct filter *f, unsigned position, size_t i)
{
    if (position == 0) return value_hash(ix, &f->addresses[i], sizeof f->addresses[i]);
    return value_hash(ix, &f->topics[position - 1].any_of[i], sizeof(struct fan_hash));
}

/* Takes positions in, the fewest alternatives first, as long as the number of keys stays bounded. */
static unsigned choose_shape(const struct filter *f, size_t *out_keys)
{
    unsigned shape = 0;
    size_t keys = 1;

    for (unsigned round = 0; round < POSITIONS; round++) {
        unsigned best = POSITIONS;

        for (unsigned p = 0; p < POSITIONS; p++) {
            if (shape >> p & 1 || alternatives(f, p) == 0) continue;
            if (best == POSITIONS || alternatives(f, p) < alternatives(f, best)) best = p;
        }
        if (best == POSITIONS || (shape && keys * alternatives(f, best) > INDEX_KEYS_MAX)) break;
        shape |= 1u << best;
        keys *= alternatives(f, best);
    }
    *out_keys = keys;
    return shape;
}

/* The n-th combination of alternatives: n counts like an odometer whose wheels are the shape's positions. */
static uint64_t nth_key(const struct filter_index *ix, const struct filter *f, unsigned shape, size_t n)
{
    uint64_t key = key_begin(ix, shape);

    for (unsigned p = 0; p < POSITIONS; p++) {
        if (!(shape >> p & 1)) continue;
        key = key_add(ix, key, alternative_hash(ix, f, p, n % alternatives(f, p)));
        n /= alternatives(f, p);
    }
    return key;
}

/* ---- entries ---- */

static void identity_count(struct keccak *k, size_t count)
{
    uint8_t be[8];

    put_be64(count, be);
    keccak_add(k, slice_of(be, sizeof be));
}

static struct fan_hash identity_of(const struct filter *f)
{
    struct keccak k;
    struct fan_hash out;

    keccak_init(&k);
    identity_count(&k, f->position_count);
    identity_count(&k, f->address_count);
    keccak_add(&k, slice_of(f->addresses, f->address_count * sizeof *f->addresses));
    for (size_t i = 0; i < COUNT_OF(f->topics); i++) {
        identity_count(&k, f->topics[i].count);
        keccak_add(&k, slice_of(f->topics[i].any_of, f->topics[i].count * sizeof *f->topics[i].any_of));
    }
    keccak_end(&k, &out);
    return out;
}

/* The entry, its postings and its filter's values in one piece: entry, postings, hashes, addresses, by falling
 * alignment. */
static struct index_entry *entry_new(const struct filter *f, size_t posting_count)
{
    size_t hashes = 0;
    struct index_entry *e;
    struct fan_hash *hash;
    struct fan_address *address;

    for (size_t i = 0; i < COUNT_OF(f->topics); i++) hashes += f->topics[i].count;
    e = calloc(1, sizeof *e + posting_count * sizeof *e->postings + hashes * sizeof *hash +
                      f->address_count * sizeof *address);
    if (!e) return NULL;
    e->postings = (struct index_posting *)(void *)(e + 1);
    e->posting_count = posting_count;
    hash = (struct fan_hash *)(void *)(e->postings + posting_count);
    e->filter.position_count = f->position_count;
    for (size_t i = 0; i < COUNT_OF(f->topics); i++) {
        size_t count = f->topics[i].count;

        e->filter.topics[i].any_of = hash;
        e->filter.topics[i].count = count;
        if (count) memcpy(hash, f->topics[i].any_of, count * sizeof *hash);
        hash += count;
    }
    address = (struct fan_address *)(void *)hash;
    e->filter.addresses = address;
    e->filter.address_count = f->address_count;
    if (f->address_count) memcpy(address, f->addresses, f->address_count * sizeof *address);
    return e;
}

static bool reserve_matches(struct filter_index *ix, size_t count)
{
    size_t cap = ix->matches_cap ? ix->matches_cap : 16;
    struct index_entry **wider;

    if (count <= ix->matches_cap) return true;
    while (cap < count) cap *= 2;
    wider = realloc(ix->matches, cap * sizeof(struct index_entry *));
    if (!wider) return false;
    ix->matches = wider;
    ix->matches_cap = cap;
    return true;
}

static void post(struct filter_index *ix, struct index_entry *e, struct index_posting *p, uint64_t key)
{
    struct index_posting **first = map_put(&ix->postings, &key, NULL);

    assert(first); /* reserved */
    *p = (struct index_posting){.entry = e, .key = key, .next = *first};
    if (p->next) p->next->prev = p;
    *first = p;
}

static void unpost(struct filter_index *ix, struct index_posting *p)
{
    if (p->next) p->next->prev = p->prev;
    if (p->prev) {
        p->prev->next = p->next;
    } else if (p->next) {
        *(struct index_posting **)map_get(&ix->postings, &p->key) = p->next;
    } else {
        (void)map_delete(&ix->postings, &p->key);
    }
}

enum fan_status index_add(struct filter_index *ix, const struct filter *filter, struct index_entry **out)
{
    const struct filter *f = filter ? filter : &EVERYTHING;
    struct fan_hash identity = identity_of(f);
    struct index_entry **known = map_get(&ix->entries, &identity), *e;
    size_t keys;
    unsigned shape;

    if (known) {
        (*known)->uses++;
        *out = *known;
        return FAN_OK;
    }
    shape = choose_shape(f, &keys);
    if (!map_reserve(&ix->entries, 1) || !map_reserve(&ix->postings, keys) ||
        !reserve_matches(ix, ix->entries.count + 1))
        return FAN_ENOMEM;
    e = entry_new(f, keys);
    if (!e) return FAN_ENOMEM;
    e->identity = identity;
    e->uses = 1;
    e->shape = (uint8_t)shape;
    for (size_t i = 0; i < keys; i++) post(ix, e, &e->postings[i], nth_key(ix, &e->filter, shape, i));
    ix->shape_uses[shape]++;
    known = map_put(&ix->entries, &identity, NULL);
    assert(known); /* reserved */
    *known = e;
    *out = e;
    return FAN_OK;
}

void index_remove(struct filter_index *ix, struct index_entry *e)
{
    assert(e->uses > 0);
    if (--e->uses) return;
    for (size_t i = 0; i < e->posting_count; i++) unpost(ix, &e->postings[i]);
    ix->shape_uses[e->shape]--;
    (void)map_delete(&ix->entries, &e->identity);
    free(e);
}

/* ---- matching ---- */

size_t index_match(struct filter_index *ix, const struct log *log, struct index_entry *const **out)
{
    unsigned there = 1 | ((1u << log->topic_count) - 1) << 1; /* positions this log has */
    uint64_t hash[POSITIONS] = {0};
    size_t count = 0;

    *out = ix->matches;
    if (!ix->entries.count) return 0;
    hash[0] = value_hash(ix, &log->address, sizeof log->address);
    for (size_t i = 0; i < log->topic_count; i++) hash[1 + i] = value_hash(ix, &log->topics[i], sizeof log->topics[i]);
    for (unsigned shape = 0; shape < INDEX_SHAPES; shape++) {
        uint64_t key = key_begin(ix, shape);
        struct index_posting **first;

        if (!ix->shape_uses[shape] || shape & ~there) continue;
        for (unsigned p = 0; p < POSITIONS; p++)
            if (shape >> p & 1) key = key_add(ix, key, hash[p]);
        first = map_get(&ix->postings, &key);
        for (struct index_posting *p = first ? *first : NULL; p; p = p->next) {
            ix->looked_at++;
            if (!filter_matches(&p->entry->filter, &log->address, log->topics, log->topic_count)) continue;
            /* Two keys of one entry meet in one list only if their hashes collide; they were put there one right after
             * the other and stay neighbours, so the last match tells. */
            if (count && ix->matches[count - 1] == p->entry) continue;
            ix->matches[count++] = p->entry;
        }
    }
    return count;
}
