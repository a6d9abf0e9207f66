/* eth_estimateGas, and the estimate that eth_sendTransaction makes where no gas was given. */
#include "api/estimate.h"
#include "api/execute.h"
#include "api/tables.h"
#include "codec/keccak.h"
#include "codec/u256.h"

enum { TRANSFER_GAS = 21000, TX_GAS_MAX = 16777216 /* EIP-7825, from Osaka */, BLOB_GAS = 131072 };

struct trial {
    const struct chain_ops *ops;
    const struct view *view;
    struct chain_call *cc;
    struct arena *arena;
    struct fan_error err;
};

static enum fan_status run_trial(void *ctx, uint64_t gas, struct chain_call_result *out)
{
    struct trial *t = ctx;

    t->cc->has_gas = true;
    t->cc->tx.gas_limit = gas;
    *out = (struct chain_call_result){0};
    return t->ops->call(t->view->state, t->view->block, t->cc, false, t->arena, out, &t->err);
}

static const struct chain_override *override_of(const struct chain_call *cc, const struct fan_address *a)
{
    for (size_t i = 0; i < cc->override_count; i++)
        if (memcmp(&cc->overrides[i].address, a, sizeof *a) == 0) return &cc->overrides[i];
    return NULL;
}

/* What the sender can pay caps the gas. False: *out_words say why nothing is left. */
static bool cap_by_funds(const struct chain_call *cc, const struct fan_u256 *balance_wei, bool has_blobs,
                         uint64_t *most, const char **out_words)
{
    struct fan_u256 rest, blobs, allowance;
    uint64_t gas;

    if (u256_cmp(&cc->tx.value_wei, balance_wei) >= 0) {
        *out_words = "insufficient funds for transfer";
        return false;
    }
    (void)u256_sub(balance_wei, &cc->tx.value_wei, &rest);
    if (has_blobs) {
        if (!u256_mul_u64(&cc->tx.blob_fee_max_wei, BLOB_GAS * (uint64_t)cc->tx.blob_count, &blobs) ||
            u256_cmp(&blobs, &rest) >= 0) {
            *out_words = "insufficient funds for gas * price + value";
            return false;
        }
        (void)u256_sub(&rest, &blobs, &rest);
    }
    u256_div(&rest, &cc->tx.gas_price_wei, &allowance, NULL);
    if (u256_fits_u64(&allowance, &gas)) *most = min_u64(*most, gas);
    return true;
}

/* The most gas worth trying, and whether this is a transfer to an account without code. */
static enum fan_status find_bounds(struct call *call, const struct view *v, const struct message *m,
                                   const struct chain_call *cc, uint64_t *out_most, bool *out_plain,
                                   const char **out_words)
{
    const struct chain_ops *ops = api_of(call)->chain->ops;
    const struct chain_override *o;
    struct chain_account account = {0};
    enum fork f = execute_fork(api_of(call), v, cc);
    uint64_t most = cc->has_gas_limit ? cc->gas_limit : v->block->header.gas_limit;
    enum fan_status s;

    *out_words = NULL;
    *out_plain = false;
    if (m->has_gas && m->tx.gas_limit >= TRANSFER_GAS) most = m->tx.gas_limit;
    if (f >= FORK_OSAKA) most = min_u64(most, TX_GAS_MAX);
    if (!u256_is_zero(&cc->tx.gas_price_wei)) {
        s = ops->account(v->state, &cc->tx.sender, &account);
        if (s) return s;
        o = override_of(cc, &cc->tx.sender);
        if (o && o->has_balance) account.balance_wei = o->balance_wei;
        if (!cap_by_funds(cc, &account.balance_wei, f >= FORK_CANCUN && cc->tx.blob_count, &most, out_words))
            return FAN_OK;
    }
    *out_most = min_u64(most, api_of(call)->options.call_gas_max);
    if (cc->tx.data.len || !cc->tx.has_to) return FAN_OK;
    o = override_of(cc, &cc->tx.to);
    if (o && o->has_code) {
        *out_plain = o->code.len == 0;
        return FAN_OK;
    }
    s = ops->account(v->state, &cc->tx.to, &account);
    *out_plain = !s && (!account.exists || memcmp(&account.code_hash, &KECCAK_EMPTY, sizeof KECCAK_EMPTY) == 0);
    return s;
}

bool execute_estimate(struct call *call, const struct view *v, const struct message *m, struct chain_call *cc,
                      uint64_t *out_gas)
{
    struct trial t = {.ops = api_of(call)->chain->ops, .view = v, .cc = cc, .arena = call_arena(call)};
    struct chain_call_result last = {0};
    enum estimate_end end = ESTIMATE_FAILS;
    const char *words;
    uint64_t most = 0;
    enum fan_status s;
    bool plain;

    if (!execute_prepare(call, v, m, cc)) return false;
    s = find_bounds(call, v, m, cc, &most, &plain, &words);
    if (!s && words) {
        call_fail(call, CODE_REFUSED, "%s", words);
        return false;
    }
    if (!s) s = estimate_gas(most, plain, run_trial, &t, &end, out_gas, &last);
    if (s)
        answer_status(call, s, &t.err);
    else if (end == ESTIMATE_ALLOWANCE)
        call_fail(call, CODE_REFUSED, "gas required exceeds allowance (%llu)", (unsigned long long)most);
    else if (end == ESTIMATE_FAILS)
        execute_answer_failure(call, &last, cc, TO_ESTIMATE);
    else
        return true;
    return false;
}

/* Without a block, a development chain estimates for the block that comes next, as anvil does: blocks follow the
 * transactions there at once, and a contract that writes once per block or per second needs more in the next one than
 * it would in the last. */
static struct block_at estimate_block(struct params *p, const struct chain *chain)
{
    struct block_at at = params_block(p, 1);

    if (!params_has(p, 1) && chain->dev && chain->ops->pending_state_open) at.kind = BLOCK_PENDING;
    return at;
}

static void estimate(struct call *call)
{
    struct params p = params_of_call(call, 4);
    struct chain_call cc = {0};
    struct message m;
    struct block_at at;
    struct view v;
    uint64_t gas = 0;
    bool found;

    message_read(&p, &m);
    at = estimate_block(&p, api_of(call)->chain);
    message_read_overrides(&p, 2, &cc);
    message_read_block_overrides(&p, 3, &cc);
    if (params_refused(&p, call)) return;
    if (!view_state(call, &at, RPC_POOL, estimate, &v)) return;
    found = execute_estimate(call, &v, &m, &cc, &gas);
    view_close(&v);
    if (!found) return;
    json_put_u64(call_result(call), gas);
    call_finish(call);
}

const struct rpc_method api_eth_estimate_methods[] = {
    {"eth_estimateGas", RPC_POOL, 0, estimate},
};
