#include "base/map.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/random.h"

/* Cell: [used:8][key][value], each part rounded up to 8 so that values stay aligned. */
static size_t round8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t cell_len(const struct map *m)
{
    return 8 + round8(m->key_len) + round8(m->value_len);
}

static uint8_t *cell(const struct map *m, size_t i)
{
    return m->cells + i * cell_len(m);
}

static uint64_t seed(void)
{
    static _Atomic uint64_t value;
    uint64_t v = atomic_load_explicit(&value, memory_order_relaxed);

    if (!v) {
        uint64_t fresh, none = 0;

        random_bytes(&fresh, sizeof fresh);
        fresh |= 1;
        v = atomic_compare_exchange_strong(&value, &none, fresh) ? fresh : none;
    }
    return v;
}

__extension__ typedef unsigned __int128 wide_t;

static uint64_t load64(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

static uint64_t fold(uint64_t h, uint64_t word, uint64_t by)
{
    wide_t wide = (wide_t)(h ^ word ^ 0x9e3779b97f4a7c15u) * by;

    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

/* A multiply-fold over 8-byte words: the 128-bit product mixes every input bit into the result. A block asks some
 * thousand maps, so the seed is fetched once for a key, and only its last word is put together byte by byte. */
static uint64_t hash(const void *key, size_t len)
{
    const uint8_t *p = key;
    uint64_t own = seed(), h = own ^ len, by = 0xd6e8feb86659fd93u ^ (own << 1), last = 0;

    for (; len >= 8; p += 8, len -= 8) h = fold(h, load64(p), by);
    if (len) {
        for (size_t i = 0; i < len; i++) last |= (uint64_t)p[i] << 8 * i;
        h = fold(h, last, by);
    }
    return h ^ h >> 32;
}

void map_init(struct map *m, size_t key_len, size_t value_len)
{
    *m = (struct map){.key_len = key_len, .value_len = value_len};
}

void map_fini(struct map *m)
{
    free(m->cells);
    m->cells = NULL;
    m->count = m->cap = 0;
}

void map_clear(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++) *cell(m, i) = 0;
    m->count = 0;
}

/* The cell of key, or the free one where it would go. */
static uint8_t *find(const struct map *m, const void *key)
{
    size_t i = hash(key, m->key_len) & (m->cap - 1);

    for (;; i = (i + 1) & (m->cap - 1)) {
        uint8_t *c = cell(m, i);

        if (!*c || memcmp(c + 8, key, m->key_len) == 0) return c;
    }
}

void *map_get(const struct map *m, const void *key)
{
    uint8_t *c = m->count ? find(m, key) : NULL;

    return c && *c ? c + 8 + round8(m->key_len) : NULL;
}

bool map_reserve(struct map *m, size_t more)
{
    struct map wide = *m;
    size_t need = m->count + more;

    if (wide.cap < 16) wide.cap = 16;
    while (need > wide.cap / 4 * 3) wide.cap *= 2;
    if (wide.cap == m->cap) return true;
    wide.cells = calloc(wide.cap, cell_len(m));
    if (!wide.cells) return false;
    for (size_t i = 0; i < m->cap; i++)
        if (*cell(m, i)) memcpy(find(&wide, cell(m, i) + 8), cell(m, i), cell_len(m));
    free(m->cells);
    *m = wide;
    return true;
}

void *map_put(struct map *m, const void *key, bool *out_new)
{
    uint8_t *c;
    bool fresh;

    if (!map_reserve(m, 1)) {
        void *there = map_get(m, key);

        if (there && out_new) *out_new = false;
        return there;
    }
    c = find(m, key);
    fresh = !*c;
    if (fresh) {
        *c = 1;
        memcpy(c + 8, key, m->key_len);
        memset(c + 8 + round8(m->key_len), 0, round8(m->value_len));
        m->count++;
    }
    if (out_new) *out_new = fresh;
    return c + 8 + round8(m->key_len);
}

bool map_delete(struct map *m, const void *key)
{
    uint8_t *hole = m->count ? find(m, key) : NULL;
    size_t at, mask = m->cap - 1;

    if (!hole || !*hole) return false;
    at = (size_t)(hole - m->cells) / cell_len(m);
    for (size_t i = at;;) { /* shift back whatever probing would no longer reach */
        uint8_t *c;
        size_t home;

        i = (i + 1) & mask;
        c = cell(m, i);
        if (!*c) break;
        home = hash(c + 8, m->key_len) & mask;
        if (((i - home) & mask) < ((i - at) & mask)) continue;
        memcpy(cell(m, at), c, cell_len(m));
        at = i;
    }
    *cell(m, at) = 0;
    m->count--;
    return true;
}

bool map_next(const struct map *m, size_t *at, const void **out_key, void **out_value)
{
    while (*at < m->cap) {
        uint8_t *c = cell(m, (*at)++);

        if (!*c) continue;
        if (out_key) *out_key = c + 8;
        if (out_value) *out_value = c + 8 + round8(m->key_len);
        return true;
    }
    return false;
}
