/* slice: bytes that somebody else owns.
 *
 * A pointer and a length, passed by value, read-only, never NUL-terminated. Bytes from
 * the network stay slices until someone must keep them; then arena_dup() copies them. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <string.h>

#include "base/base.h"

struct slice {
    const uint8_t *at; /* may be NULL when len is 0 */
    size_t len;
};

/* A slice of a string literal, its NUL left out. */
#define SLICE(literal) ((struct slice){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct slice slice_of(const void *at, size_t len)
{
    return (struct slice){at, len};
}

static inline struct slice slice_str(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool slice_eq_str(struct slice a, const char *text)
{
    return slice_eq(a, slice_str(text));
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

static inline bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && (suffix.len == 0 || memcmp(s.at + (s.len - suffix.len), suffix.at, suffix.len) == 0);
}

/* The rest of s after its first `count` bytes; count must not exceed s.len. */
static inline struct slice slice_from(struct slice s, size_t count)
{
    assert(count <= s.len);
    return count ? (struct slice){s.at + count, s.len - count} : s;
}

/* The first `count` bytes of s; count must not exceed s.len. */
static inline struct slice slice_first(struct slice s, size_t count)
{
    assert(count <= s.len);
    return (struct slice){s.at, count};
}

/* For printf's "%.*s": two arguments from one slice. */
#define SLICE_ARGS(s) ((int)((s).len)), ((const char *)(s).at)

#endif
