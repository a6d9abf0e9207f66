/* estimate: the least gas with which a call succeeds, by geth's search.
 *
 * One run with the most gas tells whether it can succeed at all; what that run spent bounds the answer from below, a
 * little more than its peak is tried next, and then the gap is halved, leaning to the low side, until the answer is
 * exact, as the conversations recorded by execution-apis have it (geth stops at 1.5 % today).
 *
 * Not here: what a run is (eth_estimate.c). Spec: geth's eth/gasestimator. */
#ifndef API_ESTIMATE_H
#define API_ESTIMATE_H

#include "chain/chain.h"

enum estimate_end {
    ESTIMATE_FOUND,
    ESTIMATE_FAILS,    /* not for want of gas: out_last says why */
    ESTIMATE_ALLOWANCE /* even the most is not enough */
};

/* Runs the call with that much gas. */
typedef enum fan_status estimate_run(void *ctx, uint64_t gas, struct chain_call_result *out);

/* plain: a transfer without data to an account without code, which usually needs 21,000 exactly. Other statuses than
 * FAN_OK are run's own. */
FAN_MUST_CHECK enum fan_status estimate_gas(uint64_t most, bool plain, estimate_run *run, void *ctx,
                                            enum estimate_end *out_end, uint64_t *out_gas,
                                            struct chain_call_result *out_last);

#endif
