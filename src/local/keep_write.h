/* keep_write: one change of the head as one transaction of the store.
 *
 * Whatever else is to be durable with a block, or to go with it, is written here, in write_all(). */
#ifndef LOCAL_KEEP_WRITE_H
#define LOCAL_KEEP_WRITE_H

#include "local/keep.h"

struct keep_change {
    bool back; /* first the state goes to `version` (0: the last of block `keep`), the blocks behind keep go */
    uint64_t keep, version;
    const struct built *added; /* oldest first */
    size_t count;
    struct slice genesis_json; /* at len 0: not the genesis */
    uint64_t history_blocks;   /* 0: all */
};

/* Durable on FAN_OK, and *out_head is the state's newest version then. Else nothing changed, err says why;
 * FAN_ENOTFOUND: the state to go back to is no longer kept. */
FAN_MUST_CHECK enum fan_status keep_write(struct store *store, const struct keep_change *c,
                                          struct state_point *out_head, struct fan_error *err);

#endif
