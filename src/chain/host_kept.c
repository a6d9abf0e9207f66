#include "chain/host_kept.h"

#include <stdlib.h>

enum fan_status kept_init(struct kept *k, size_t history)
{
    assert(history > 0);
    *k = (struct kept){.history = history, .ring = calloc(history, sizeof(struct block *))};
    if (!k->ring) return FAN_ENOMEM;
    map_init(&k->by_hash, sizeof(struct fan_hash), sizeof(struct block *));
    return FAN_OK;
}

static struct block **slot(const struct kept *k, uint64_t number)
{
    return &k->ring[number % k->history];
}

void kept_fini(struct kept *k)
{
    for (uint64_t i = 0; i < k->count; i++) block_unref(*slot(k, k->first + i));
    for (size_t i = 0; i < KEPT_ORPHANS; i++) block_unref(k->orphans[i]);
    map_fini(&k->by_hash);
    free(k->ring);
    *k = (struct kept){0};
}

struct block *kept_head(const struct kept *k)
{
    return k->count ? *slot(k, k->head) : NULL;
}

struct block *kept_by_number(const struct kept *k, uint64_t number)
{
    return k->count && number >= k->first && number <= k->head ? *slot(k, number) : NULL;
}

struct block *kept_by_hash(const struct kept *k, const struct fan_hash *hash, bool *out_canonical)
{
    struct block **found = map_get(&k->by_hash, hash), *there;

    if (!found) return NULL;
    there = kept_by_number(k, (*found)->header.number);
    *out_canonical = there && hash_eq(&there->hash, hash);
    return *out_canonical ? there : *found;
}

bool kept_reserve(struct kept *k, size_t more)
{
    return map_reserve(&k->by_hash, more);
}

static void forget(struct kept *k, struct block *b)
{
    (void)map_delete(&k->by_hash, &b->hash);
    block_unref(b);
}

static void adopt(struct kept *k, const struct block *b)
{
    for (size_t i = 0; i < KEPT_ORPHANS; i++) {
        if (!k->orphans[i] || !hash_eq(&k->orphans[i]->hash, &b->hash)) continue;
        forget(k, k->orphans[i]);
        k->orphans[i] = NULL;
    }
}

void kept_push(struct kept *k, struct block *b)
{
    struct block **value;

    adopt(k, b);
    if (k->count == k->history) {
        forget(k, *slot(k, k->first++));
        k->count--;
    }
    if (!k->count) k->first = b->header.number;
    k->head = b->header.number;
    k->count++;
    *slot(k, k->head) = block_ref(b);
    value = map_put(&k->by_hash, &b->hash, NULL);
    assert(value); /* reserved */
    *value = b;
}

void kept_pop(struct kept *k)
{
    struct block **place = &k->orphans[k->orphan_at++ % KEPT_ORPHANS];

    if (*place) forget(k, *place);
    *place = *slot(k, k->head);
    k->head--;
    k->count--;
}

void kept_replace(struct kept *k, struct block *b)
{
    struct block **place = slot(k, b->header.number), **value = map_get(&k->by_hash, &b->hash);

    assert(value);
    *value = b;
    block_unref(*place);
    *place = block_ref(b);
}
