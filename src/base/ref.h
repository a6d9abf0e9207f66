/* ref: the count of an immutable object that threads share.
 *
 * A published object never changes; it goes when its last reader lets go. */
#ifndef BASE_REF_H
#define BASE_REF_H

#include <stdatomic.h>

#include "base/base.h"

struct ref {
    atomic_size_t count;
};

static inline void ref_init(struct ref *r)
{
    atomic_init(&r->count, 1);
}

static inline void ref_get(struct ref *r)
{
    size_t before = atomic_fetch_add_explicit(&r->count, 1, memory_order_relaxed);

    assert(before > 0);
    (void)before;
}

/* True when this was the last reference: the caller then frees the object. */
static inline bool ref_put(struct ref *r)
{
    size_t before = atomic_fetch_sub_explicit(&r->count, 1, memory_order_acq_rel);

    assert(before > 0);
    return before == 1;
}

#endif
