#include "api/estimate.h"

enum { TRANSFER_GAS = 21000, CALL_STIPEND = 2300 };

enum verdict { FITS, LACKS_GAS, FAILS, INVALID };

static enum verdict judge(const struct chain_call_result *r)
{
    switch (r->status) {
    case CHAIN_CALL_SUCCESS:
        return FITS;
    case CHAIN_CALL_HALT:
        return slice_starts(r->text, SLICE("out of gas")) ? LACKS_GAS
                                                          : FAILS; /* also ": not enough gas for reentrancy sentry" */
    case CHAIN_CALL_INVALID:
        return slice_starts(r->text, SLICE("intrinsic gas too low")) ||
                       slice_starts(r->text, SLICE("transaction gas limit too high"))
                   ? LACKS_GAS
                   : INVALID;
    case CHAIN_CALL_REVERT:
        return FAILS;
    case CHAIN_CALL_TIMEOUT:
    case CHAIN_CALL_TOO_LARGE:
        return INVALID;
    }
    return INVALID;
}

/* One step of the search: moves low or high to gas. */
static enum fan_status try_gas(uint64_t gas, estimate_run *run, void *ctx, uint64_t *low, uint64_t *high,
                               bool *out_invalid, struct chain_call_result *out_last)
{
    enum fan_status s = run(ctx, gas, out_last);
    enum verdict v;

    if (s) return s;
    v = judge(out_last);
    *out_invalid = v == INVALID;
    if (v == FITS)
        *high = gas;
    else
        *low = gas;
    return FAN_OK;
}

enum fan_status estimate_gas(uint64_t most, bool plain, estimate_run *run, void *ctx, enum estimate_end *out_end,
                             uint64_t *out_gas, struct chain_call_result *out_last)
{
    uint64_t low, high = most, guess;
    bool invalid = false;
    enum fan_status s;

    if (plain) {
        s = run(ctx, TRANSFER_GAS, out_last);
        if (s) return s;
        if (judge(out_last) == FITS) {
            *out_gas = out_last->gas_used;
            *out_end = ESTIMATE_FOUND;
            return FAN_OK;
        }
    }
    s = run(ctx, most, out_last);
    if (s) return s;
    switch (judge(out_last)) {
    case FITS:
        break;
    case LACKS_GAS:
        *out_gas = most;
        *out_end = ESTIMATE_ALLOWANCE;
        return FAN_OK;
    case FAILS:
    case INVALID:
        *out_gas = most;
        *out_end = ESTIMATE_FAILS;
        return FAN_OK;
    }
    low = out_last->gas_used ? out_last->gas_used - 1 : 0;
    /* A call may keep back a 64th for its caller, and a stipend must be there to be spent: with so much it nearly
     * always succeeds. */
    guess = (max_u64(out_last->gas_spent_max, out_last->gas_used) + CALL_STIPEND) * 64 / 63;
    if (guess < high) {
        s = try_gas(guess, run, ctx, &low, &high, &invalid, out_last);
        if (s) return s;
    }
    while (!invalid && low + 1 < high) {
        uint64_t middle = low + (high - low) / 2;

        if (low && middle > low * 2) middle = low * 2;
        s = try_gas(middle, run, ctx, &low, &high, &invalid, out_last);
        if (s) return s;
    }
    *out_gas = invalid ? out_last->gas_used : high;
    *out_end = invalid ? ESTIMATE_FAILS : ESTIMATE_FOUND;
    return FAN_OK;
}
