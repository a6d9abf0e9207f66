/* What gas costs: suggestions, and the history that wallets make their own of. */
#include "api/fee_history.h"
#include "api/tables.h"
#include "api/view.h"

static struct chain_fees fees_of(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    struct chain_fees fees = {0};

    if (chain->ops->fees) chain->ops->fees(chain, &fees);
    return fees;
}

static void answer_wei(struct call *call, uint64_t wei)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_u64(call_result(call), wei);
    call_finish(call);
}

static void gas_price(struct call *call)
{
    answer_wei(call, fees_of(call).gas_price_wei);
}

static void max_priority_fee(struct call *call)
{
    answer_wei(call, fees_of(call).priority_fee_wei);
}

/* Before Cancun there is none: null, as in geth. */
static void blob_base_fee_method(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct chain *chain = api_of(call)->chain;
    struct block *head;
    bool has_blobs;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = chain->ops->head(chain, &head);
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    has_blobs = head->header.extent >= HEADER_CANCUN;
    block_unref(head);
    if (has_blobs)
        answer_wei(call, fees_of(call).blob_base_fee_wei);
    else
        answer_null(call);
}

static void base_fee(struct call *call)
{
    answer_wei(call, fees_of(call).next_base_fee_wei);
}

/* ---- eth_feeHistory ---- */

/* geth's HexOrDecimal64: "0x10", "16" or 16. */
static void read_request(struct params *p, struct fee_history *h)
{
    struct where at = params_where(2, "reward percentiles");
    struct json list = json_at(p->list, 2);
    const char *fault;

    h->block_count = params_count(p, 0, "block count");
    if (p->code || !params_has(p, 2)) return;
    if (!json_is(list, JSON_ARRAY)) {
        params_fail_at(p, &at, "want an array, got %s", json_kind_name(json_kind(list)));
        return;
    }
    fault = fee_history_percentiles(h, list, p->arena, &p->error);
    if (fault) params_fail_at(p, &at, "%s", fault);
}

static void fee_history(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct api *api = api_of(call);
    struct fee_history h = {0};
    struct block_at at;
    struct view v;
    enum fan_status s;

    read_request(&p, &h);
    at = params_block_number(&p, 1);
    if (params_refused(&p, call)) return;
    h.block_count = min_u64(h.block_count, api->options.fee_history_blocks_max);
    if (!view_block(call, &at, RPC_POOL, fee_history, &v)) return;
    if (!v.block && at.kind == BLOCK_NUMBER) {
        call_fail(call, CODE_REFUSED, "request beyond head block: requested %llu, head %llu",
                  (unsigned long long)at.number,
                  (unsigned long long)atomic_load_explicit(&api->chain->head_number, memory_order_acquire));
        return;
    }
    s = fee_history_put(&h, api->chain, v.block, call_arena(call), call_result(call));
    view_close(&v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

const struct rpc_method api_eth_fee_methods[] = {
    {"eth_baseFee", RPC_INLINE, 0, base_fee},
    {"eth_blobBaseFee", RPC_INLINE, 0, blob_base_fee_method},
    {"eth_feeHistory", RPC_POOL, 0, fee_history},
    {"eth_gasPrice", RPC_INLINE, 0, gas_price},
    {"eth_maxPriorityFeePerGas", RPC_INLINE, 0, max_priority_fee},
};
