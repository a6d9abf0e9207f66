/* logs: answering a log query, for eth_getLogs and eth_getFilterLogs. */
#ifndef API_LOGS_H
#define API_LOGS_H

#include "api/view.h"

/* Reads the filter object at a position; an absent one matches everything. resume is refused where it has no meaning.
 */
void logs_read_filter(struct params *p, size_t index, const struct api *api, struct filter *out,
                      struct filter_range *out_range);
/* Refuses ranges that geth refuses for something live: pending, or an end before the beginning. */
void logs_check_live_range(struct params *p, const struct filter_range *range);
/* Answers the call with the logs of the range. On the worker, a range over more than inline_blocks_max blocks goes on
 * in `again` on the pool; on_pool says that this has happened. */
void logs_answer(struct call *call, struct params *p, const struct filter *f, const struct filter_range *range,
                 bool on_pool, void (*again)(struct call *call));

#endif
