#include "local/state_diff.h"

#include <stdlib.h>

struct state_diff *state_diff_new(void)
{
    struct state_diff *d = calloc(1, sizeof *d);

    if (!d) return NULL;
    ref_init(&d->ref);
    map_init(&d->accounts, sizeof(struct fan_address), sizeof(struct state_account_change));
    map_init(&d->slots, sizeof(struct state_slot_key), sizeof(struct state_slot_change));
    map_init(&d->codes, sizeof(struct fan_hash), sizeof(struct state_blob *));
    map_init(&d->nodes, sizeof(struct trie_node_key), sizeof(struct state_blob *));
    return d;
}

struct state_diff *state_diff_ref(struct state_diff *d)
{
    ref_get(&d->ref);
    return d;
}

static void unref_blobs(struct map *m)
{
    void *value;

    for (size_t at = 0; map_next(m, &at, NULL, &value);) state_blob_unref(*(struct state_blob **)value);
    map_fini(m);
}

void state_diff_unref(struct state_diff *d)
{
    if (!d || !ref_put(&d->ref)) return;
    map_fini(&d->accounts);
    map_fini(&d->slots);
    unref_blobs(&d->codes);
    unref_blobs(&d->nodes);
    free(d);
}

const struct state_point *state_diff_point(const struct state_diff *d)
{
    return &d->point;
}
