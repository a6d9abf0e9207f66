/* state_blob: bytes that never change and are counted: a contract's code, a trie node's RLP.
 *
 * A diff and the base it is folded into hold the same blob, so folding copies no node. */
#ifndef LOCAL_STATE_BLOB_H
#define LOCAL_STATE_BLOB_H

#include <stdlib.h>

#include "base/ref.h"
#include "base/slice.h"

struct state_blob {
    struct ref ref;
    size_t len;
    uint8_t bytes[];
};

/* A copy of s with one reference; NULL when memory ran out. */
static inline struct state_blob *state_blob_new(struct slice s)
{
    struct state_blob *b = malloc(sizeof *b + s.len);

    if (!b) return NULL;
    ref_init(&b->ref);
    b->len = s.len;
    if (s.len) memcpy(b->bytes, s.at, s.len);
    return b;
}

static inline struct state_blob *state_blob_ref(struct state_blob *b) /* NULL stays NULL */
{
    if (b) ref_get(&b->ref);
    return b;
}

static inline void state_blob_unref(struct state_blob *b) /* NULL is fine */
{
    if (b && ref_put(&b->ref)) free(b);
}

static inline struct slice state_blob_peek(const struct state_blob *b) /* NULL: nothing */
{
    return b ? slice_of(b->bytes, b->len) : slice_of(NULL, 0);
}

#endif
