/* parity: what the two files of trace_* share: finding what a request names, as OpenEthereum answers where it is not.
 */
#ifndef API_PARITY_H
#define API_PARITY_H

#include "api/view.h"

/* The block a transaction is in. False: the call was answered: by `nothing`, where nobody knows it. */
bool parity_find_tx(struct call *call, const struct fan_hash *hash, struct slice nothing, struct block **out,
                    size_t *out_index);
/* The block in parameter 0. False: the call was answered, by an empty list where there is no such block. */
bool parity_open_block(struct call *call, const struct block_at *at, void (*again)(struct call *call),
                       struct view *out);

#endif
