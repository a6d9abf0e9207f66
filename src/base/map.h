/* map: a hash table of fixed-size keys and values, both stored inline.
 *
 * Open addressing with linear probing, at most three quarters full; deletion shifts
 * what follows back, so there are no tombstones. Keys may be chosen by a stranger, so the hash is
 * seeded once per process. A value's address holds until the next put or delete.
 * Thread: one owner, or many readers and no writer. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map {
    uint8_t *cells; /* cap × (used byte, key, value, rounded up to 8) */
    size_t count, cap, key_len, value_len;
};

/* Keys of key_len bytes, values of value_len bytes (0 makes a set). Takes no memory yet. */
void map_init(struct map *m, size_t key_len, size_t value_len);
void map_fini(struct map *m);
void map_clear(struct map *m); /* empties it and keeps the memory */

/* The value of key, aligned to 8, or NULL. */
void *map_get(const struct map *m, const void *key);
/* The value of key, put there zeroed when it was missing; *out_new (may be NULL) says which.
 * NULL only when memory ran out: the map is then as before. */
void *map_put(struct map *m, const void *key, bool *out_new);
/* Makes room for `more` further keys, so that so many map_put() cannot fail. */
FAN_MUST_CHECK bool map_reserve(struct map *m, size_t more);
bool map_delete(struct map *m, const void *key); /* false when it was not there */

/* Walks in no order: for (size_t at = 0; map_next(&m, &at, &key, &value);) …
 * The map must not change meanwhile. */
bool map_next(const struct map *m, size_t *at, const void **out_key, void **out_value);

#endif
