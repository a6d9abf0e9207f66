/* eth_capabilities: how far back this node answers, for routers that choose among nodes.
 *
 * Blocks, receipts, transactions and logs are kept from the genesis on. State goes as far back as it can be opened,
 * which is asked of the chain itself, so that whatever stands behind the door need not describe its retention. */
#include "api/tables.h"
#include "api/view.h"

/* Can the state after that block be opened? */
static enum fan_status has_state(struct chain *chain, uint64_t number, bool *out)
{
    struct chain_state *state;
    struct block *b;
    enum fan_status s = chain->ops->block_by_number(chain, number, &b);

    *out = false;
    if (s) return s == FAN_ENOTFOUND ? FAN_OK : s;
    s = chain->ops->state_open(chain, b, &state);
    block_unref(b);
    if (s) return s == FAN_ENOTFOUND ? FAN_OK : s;
    chain->ops->state_close(chain, state);
    *out = true;
    return FAN_OK;
}

/* State is kept from some block on: halves the distance to it. Few chains prune, so the genesis is tried first. */
static enum fan_status oldest_state(struct chain *chain, uint64_t head, uint64_t *out)
{
    uint64_t without = 0, with = head;
    enum fan_status s;
    bool found;

    s = has_state(chain, 0, &found);
    if (s) return s;
    if (found) with = 0;
    while (without + 1 < with) {
        uint64_t middle = without + (with - without) / 2;

        s = has_state(chain, middle, &found);
        if (s) return s;
        if (found)
            with = middle;
        else
            without = middle;
    }
    *out = with;
    return FAN_OK;
}

static void put_resource(struct json_writer *w, const char *name, uint64_t oldest)
{
    json_put_key(w, name);
    json_begin_object(w);
    json_put_key(w, "disabled");
    json_put_bool(w, false);
    json_put_key(w, "oldestBlock");
    json_put_u64(w, oldest);
    json_end_object(w);
}

static void capabilities(struct call *call)
{
    static const char *const whole[] = {"tx", "logs", "receipts", "blocks"};
    struct params p = params_of_call(call, 0);
    struct chain *chain = api_of(call)->chain;
    struct json_writer *w = call_result(call);
    struct block *head;
    uint64_t oldest = 0;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = chain->ops->head(chain, &head);
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    s = oldest_state(chain, head->header.number, &oldest);
    if (!s) {
        json_begin_object(w);
        json_put_key(w, "head");
        json_begin_object(w);
        json_put_key(w, "number");
        json_put_u64(w, head->header.number);
        json_put_key(w, "hash");
        json_put_hash(w, &head->hash);
        json_end_object(w);
        put_resource(w, "state", oldest);
        for (size_t i = 0; i < COUNT_OF(whole); i++) put_resource(w, whole[i], 0);
        put_resource(w, "stateproofs", oldest);
        json_end_object(w);
    }
    block_unref(head);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

const struct rpc_method api_eth_capabilities_methods[] = {
    {"eth_capabilities", RPC_POOL, 0, capabilities},
};
