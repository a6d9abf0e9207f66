/* base: the handful of macros that every file may use.
 *
 * assert is for facts about ourselves and stays on in release builds;
 * assert_slow is for checks that cost more than the work they check. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fanatico/types.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The object that holds `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#ifdef FANATICO_ASSERT_SLOW
#define assert_slow(fact) assert(fact)
#else
#define assert_slow(fact) ((void)0)
#endif

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline bool hash_eq(const struct fan_hash *a, const struct fan_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static inline void put_be64(uint64_t value, uint8_t out[8])
{
    for (int i = 7; i >= 0; i--, value >>= 8) out[i] = (uint8_t)value;
}

static inline uint64_t get_be64(const uint8_t in[8])
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++) value = value << 8 | in[i];
    return value;
}

#endif
