/* past: what lies before a fork is answered by the node that was forked.
 *
 * A chain begun with --fork-url holds its own blocks alone. A call about an earlier block, or about a transaction it
 * does not know, goes to the other node as it came, and its answer comes back as it is: so fields that we have never
 * heard of, of a rollup say, are not lost. Always on the pool, since the network is waited for. */
#ifndef API_PAST_H
#define API_PAST_H

#include "api/method.h"
#include "chain/remote.h"
#include "eth/filter.h"

/* A reference to the node forked from, or NULL: no fork. Cheap where there is none. */
struct chain_remote *past_of(const struct api *api);
/* Is this block, or with block NULL what `at` names, the other node's to tell? */
bool past_holds(const struct chain_remote *r, const struct block_at *at, const struct block *block);
/* Hands the call on as it came, but for a tag (`at`, may be NULL), which becomes the number it means here; takes over
 * the reference. The call must not be touched afterwards. */
void past_answer(struct call *call, struct chain_remote *r, const struct block_at *at);
/* The same for a call about something unknown here: false when there is no other node to ask. */
bool past_ask(struct call *call);
/* eth_getLogs of blocks from … to, all before the fork: writes the items of the array, not its brackets. *out_count is
 * how many. On the pool. */
FAN_MUST_CHECK enum fan_status past_put_logs(struct chain_remote *r, const struct filter *f, uint64_t from, uint64_t to,
                                             struct arena *a, struct json_writer *w, size_t *out_count);
/* One call of our own, on the pool or the writer. Its errors come as FAN_EREMOTE, noted (chain/remote.h). */
FAN_MUST_CHECK enum fan_status past_request(struct chain_remote *r, const char *method, struct slice params,
                                            struct arena *a, struct slice *out_result);

#endif
