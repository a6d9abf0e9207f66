/* state_view: the inside of a view.
 *
 *   diffs[0] (newest, the view's own version) … diffs[count - 1], then the base at `stand`
 *
 * What a diff of the view says is right whatever happened to the chain since. What none of them says is the same at
 * every version from the view's own down to `stand`, so the base may be asked at whichever of these it still has; ids
 * tell whether it is the same branch. */
#ifndef LOCAL_STATE_VIEW_H
#define LOCAL_STATE_VIEW_H

#include "local/state_base.h"

struct state_view {
    struct ref ref;
    struct state_base base;   /* lives as long as the db */
    struct state_point point; /* what is seen */
    struct state_point stand; /* what the oldest diff was built on */
    size_t count;
    struct state_diff *diffs[]; /* counted */
};

/* A view with room for `count` diffs, which the caller fills in; NULL when memory ran out. */
struct state_view *state_view_new(struct state_base base, const struct state_point *point,
                                  const struct state_point *stand, size_t count);

/* Every address (every slot of an address) that may be there, sorted, each once; the array in the arena. */
FAN_MUST_CHECK enum fan_status state_view_list_accounts(const struct state_view *v, struct arena *a,
                                                        struct fan_address **out, size_t *out_count);
FAN_MUST_CHECK enum fan_status state_view_list_slots(const struct state_view *v, const struct fan_address *address,
                                                     struct arena *a, struct fan_u256 **out, size_t *out_count);

#endif
