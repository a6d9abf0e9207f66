/* Memory and chance: the program is linked so that every malloc, calloc, realloc, aligned_alloc and free of our own
 * code comes here first (--wrap), and random_bytes() too. */
#include <errno.h>
#include <string.h>

#include "sim.h"

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *at, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
void __real_free(void *at);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *at, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);
void __wrap_free(void *at);
void __wrap_random_bytes(void *out, size_t len);

/* The pool's thread, which has nothing to do here, allocates unwatched. */
static _Thread_local struct {
    struct sim_world *world;
    bool armed;
    uint64_t failures;
} watch;
static _Atomic int64_t blocks;
static uint64_t random_state;

void memory_watch(struct sim_world *w)
{
    watch.world = w;
    watch.armed = false;
    if (w) watch.failures = 0; /* what the last run had can still be asked */
}

bool memory_arm(bool armed)
{
    bool before = watch.armed;

    watch.armed = armed;
    return before;
}

uint64_t memory_failures(void)
{
    return watch.failures;
}

int64_t memory_blocks(void)
{
    return atomic_load(&blocks);
}

void memory_seed_random(uint64_t seed)
{
    random_state = seed;
}

static bool fails(size_t len)
{
    if (!watch.armed || !watch.world) return false;
    if (!fault_due(watch.world, FAULT_ALLOCATION)) return false;
    watch.armed = false; /* saying so must not fail */
    sim_say(watch.world, "allocation %llu fails (%zu bytes)", (unsigned long long)watch.world->calls[FAULT_ALLOCATION],
            len);
    watch.armed = true;
    watch.failures++;
    errno = ENOMEM;
    return true;
}

static void *counted(void *at)
{
    if (at) atomic_fetch_add(&blocks, 1);
    return at;
}

void *__wrap_malloc(size_t len)
{
    return fails(len) ? NULL : counted(__real_malloc(len));
}

void *__wrap_calloc(size_t count, size_t len)
{
    return fails(count * len) ? NULL : counted(__real_calloc(count, len));
}

void *__wrap_realloc(void *at, size_t len)
{
    void *got;

    if (fails(len)) return NULL;
    got = __real_realloc(at, len);
    return at ? got : counted(got);
}

void *__wrap_aligned_alloc(size_t align, size_t len)
{
    return fails(len) ? NULL : counted(__real_aligned_alloc(align, len));
}

void __wrap_free(void *at)
{
    if (at) atomic_fetch_sub(&blocks, 1);
    __real_free(at);
}

void __wrap_random_bytes(void *out, size_t len)
{
    uint8_t *at = out;

    while (len--) {
        random_state++;
        *at++ = (uint8_t)sim_mix(random_state);
    }
}
