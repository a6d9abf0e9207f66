/* retrace: a block's transactions executed once more for a method that reads their traces itself.
 *
 * debug_trace* hands a tracer's text on as it comes (debug_trace.c). trace_* and ots_* want to pick, join and reshape,
 * so here the text is gathered and parsed; it may be as large as a reply.
 *
 * Thread: the pool's. */
#ifndef API_RETRACE_H
#define API_RETRACE_H

#include "api/view.h"

/* Calls in the form of OpenEthereum's trace module. */
extern const struct chain_tracer_config RETRACE_CALLS;

/* The state before a block; the caller closes it. False: the call was answered (also: this chain cannot trace). */
bool retrace_parent(struct call *call, const struct block *b, struct view *out);
/* What a tracer tells of transactions first … first + count: an array with an item for each, in the arena. A genesis
 * block has none. False: the call was answered. */
bool retrace_txs(struct call *call, const struct block *b, const struct chain_tracer_config *config, size_t first,
                 size_t count, struct arena *a, struct json *out);
/* The same of a call, on the state of a view: an array with one item. *out_output is what it returned; *out_after (may
 * be NULL) the state then, which the caller closes. */
bool retrace_call(struct call *call, const struct view *v, const struct chain_call *cc,
                  const struct chain_tracer_config *config, struct arena *a, struct json *out,
                  struct slice *out_output, struct chain_state **out_after);
/* Ends the call as debug_trace* and its kin end it, for a trace that is none. */
void retrace_answer_refused(struct call *call, const struct chain_call_result *r);

#endif
