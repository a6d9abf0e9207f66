/* arena: memory that goes all at once.
 *
 * Allocation is a pointer that moves; freeing is one call for everything. `struct arena`
 * is only the moving pointer: a copy by value carves from the same block without moving
 * the original, so a function can take `struct arena scratch` and whatever it carved is
 * forgotten when it returns. A full block is followed by a larger one, which belongs to
 * the home and is given back by arena_home_reset() or _fini(), whoever's copy asked for it.
 *
 *   struct arena_home home;              // owns blocks
 *   struct arena a = arena_of(&home);    // carves from them
 *
 * A function that returns memory takes `struct arena *a`; its temporary needs come as
 * `struct arena scratch`, which must be a copy of ANOTHER home's arena than a, since two
 * cursors over one block would hand out the same bytes twice.
 * Thread: one owner at a time; an arena travels with its call. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

struct arena_home {
    struct arena_block *first;   /* the newest first; the oldest stays over a reset */
    size_t bytes, bytes_max;     /* held now, and the limit; 0 means no limit */
};

struct arena {
    uint8_t *at, *end;
    struct arena_home *home;
};

/* A home of at most bytes_max (0: no limit). Takes no memory until something is carved. */
void arena_home_init(struct arena_home *home, size_t bytes_max);
void arena_home_fini(struct arena_home *home);
/* Forgets all that was carved; keeps one block of at most 64 KiB for the next use.
 * Every arena of this home is stale afterwards: take a new one with arena_of(). */
void arena_home_reset(struct arena_home *home);

/* A cursor over the home. The first cursor after init or reset starts at its kept block; use
 * one cursor (and scratch copies of it) at a time. */
struct arena arena_of(struct arena_home *home);

/* size bytes, zeroed, aligned for any type. NULL when memory or the home's limit is used up. */
void *arena_alloc(struct arena *a, size_t size);
/* count × size bytes likewise; NULL also where the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* size bytes, unaligned and not zeroed: for text and encodings. */
uint8_t *arena_bytes(struct arena *a, size_t size);
/* A copy of s. On failure the result's `at` is NULL (never so on success, also for length 0). */
struct slice arena_dup(struct arena *a, struct slice s);
/* The same with a NUL behind it, for system calls; NULL on failure. */
char *arena_cstr(struct arena *a, struct slice s);
/* printf into the arena, NUL-terminated; NULL on failure. */
char *arena_printf(struct arena *a, const char *format, ...) FAN_PRINTF(2, 3);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, count, type) ((type *)arena_array((a), (count), sizeof(type)))

#endif
