#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef __has_feature /* gcc says it otherwise */
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum { BLOCK_MIN = 4096, BLOCK_KEPT_MAX = 65536, ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* of the bytes behind this header */
    _Alignas(ALIGN) uint8_t bytes[];
};

void arena_home_init(struct arena_home *home, size_t bytes_max)
{
    *home = (struct arena_home){.bytes_max = bytes_max};
}

static void free_until(struct arena_home *home, struct arena_block *stop)
{
    while (home->first && home->first != stop) {
        struct arena_block *b = home->first;

        home->first = b->next;
        home->bytes -= b->size;
        free(b);
    }
}

void arena_home_fini(struct arena_home *home)
{
    free_until(home, NULL);
}

void arena_home_reset(struct arena_home *home)
{
    struct arena_block *kept = NULL;

    for (struct arena_block *b = home->first; b; b = b->next)
        if (b->size <= BLOCK_KEPT_MAX && (!kept || b->size > kept->size)) kept = b;
    if (kept) { /* unlink it, free the others, put it back */
        struct arena_block **link = &home->first;

        while (*link != kept) link = &(*link)->next;
        *link = kept->next;
        home->bytes -= kept->size;
    }
    free_until(home, NULL);
    if (kept) {
        kept->next = NULL;
        home->first = kept;
        home->bytes = kept->size;
        /* Nobody has it until arena_of(): who still reads there, a call that was answered say, is found by ASan. */
        ASAN_POISON_MEMORY_REGION(kept->bytes, kept->size);
    }
}

struct arena arena_of(struct arena_home *home)
{
    struct arena a = {.home = home};

    if (home->first && !home->first->next) {
        a.at = home->first->bytes;
        a.end = a.at + home->first->size;
        ASAN_UNPOISON_MEMORY_REGION(a.at, home->first->size);
    }
    return a;
}

static bool grow(struct arena *a, size_t size)
{
    struct arena_home *home = a->home;
    struct arena_block *b;
    size_t want = (size_t)max_u64(BLOCK_MIN, min_u64(home->bytes, 1 << 20));

    if (size > SIZE_MAX / 2) return false;
    if (want < size + ALIGN) want = size + ALIGN;
    if (home->bytes_max && want > home->bytes_max - home->bytes) want = home->bytes_max - home->bytes;
    if (want < size + ALIGN) return false;
    b = malloc(sizeof *b + want);
    if (!b) return false;
    b->size = want;
    b->next = home->first;
    home->first = b;
    home->bytes += want;
    a->at = b->bytes;
    a->end = b->bytes + want;
    return true;
}

static uint8_t *carve(struct arena *a, size_t size, size_t align)
{
    static _Alignas(ALIGN) uint8_t nothing[ALIGN]; /* where arrays without items lie: they take no memory */
    size_t pad = a->at ? (size_t)(-(uintptr_t)a->at & (align - 1)) : 0;
    uint8_t *p;

    if (!size) return nothing;
    if (!a->at || (size_t)(a->end - a->at) < pad || (size_t)(a->end - a->at) - pad < size) {
        if (!grow(a, size)) return NULL;
        pad = 0;
    }
    p = a->at + pad;
    a->at = p + size;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    uint8_t *p = carve(a, size, ALIGN);

    return p && size ? memset(p, 0, size) : p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) return NULL;
    return arena_alloc(a, count * size);
}

uint8_t *arena_bytes(struct arena *a, size_t size)
{
    return carve(a, size, 1);
}

struct slice arena_dup(struct arena *a, struct slice s)
{
    uint8_t *p = arena_bytes(a, s.len);

    if (!p) return slice_of(NULL, 0);
    if (s.len) memcpy(p, s.at, s.len);
    return slice_of(p, s.len);
}

char *arena_cstr(struct arena *a, struct slice s)
{
    uint8_t *p = arena_bytes(a, s.len + 1);

    if (!p) return NULL;
    if (s.len) memcpy(p, s.at, s.len);
    p[s.len] = 0;
    return (char *)p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    int len;
    char *p = NULL;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0) p = (char *)arena_bytes(a, (size_t)len + 1);
    if (p) (void)vsnprintf(p, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return p;
}
