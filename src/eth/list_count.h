/* list_count: how many items a list holds, before room for them is taken.
 *
 * A stranger's list of a million one-byte items must not cost a million structs: an item that is shorter than the
 * shortest valid one cannot decode anyway, so such a list fails before anything is allocated. */
#ifndef ETH_LIST_COUNT_H
#define ETH_LIST_COUNT_H

#include "codec/rlp.h"

/* The number of items left in list, which stays where it is. 0, and list has failed, where they are too many to be of
 * item_min bytes each. */
static inline size_t list_count(struct rlp *list, size_t item_min)
{
    struct rlp walk = *list;
    size_t count = 0;

    for (; rlp_more(&walk); count++) rlp_skip(&walk);
    if (count <= list->rest.len / item_min) return count;
    rlp_fail(list, "an item is too short");
    return 0;
}

#endif
