/* execute: running a call object on a state, and what its failures are called.
 *
 * Thread: the pool's; whoever opened the view runs it. Words and codes are geth's: 3 and the raw data for a revert,
 * -32000 "err: … (supplied gas N)" for what cannot be executed, -32002 when time is up. */
#ifndef API_EXECUTE_H
#define API_EXECUTE_H

#include "api/message.h"
#include "api/view.h"

/* Fills the gaps of m into cc (whose overrides are read already) for the block of the view. False: the call was
 * answered. */
bool execute_prepare(struct call *call, const struct view *v, const struct message *m, struct chain_call *cc);
/* The rules that hold there. */
enum fork execute_fork(const struct api *api, const struct view *v, const struct chain_call *cc);

enum execute_purpose { TO_CALL, TO_ESTIMATE, TO_LIST };
/* Answers what is not CHAIN_CALL_SUCCESS. geth has a phrase for each purpose around the reason why cc cannot be
 * executed. */
void execute_answer_failure(struct call *call, const struct chain_call_result *r, const struct chain_call *cc,
                            enum execute_purpose purpose);
/* The signed transaction in parameter 0, its sender known, of this chain. NULL: the call was answered. */
struct tx *execute_read_raw(struct call *call, struct params *p);
/* eth_estimateGas's search. False: the call was answered. The view stays the caller's. */
bool execute_estimate(struct call *call, const struct view *v, const struct message *m, struct chain_call *cc,
                      uint64_t *out_gas);

#endif
