/* Polling filters: eth_newFilter and its kin. They live in the hub, which fills them. */
#include "api/logs.h"
#include "api/tables.h"

static void answer_id(struct call *call, enum fan_status s, const char id[FRAME_ID_LEN])
{
    if (s == FAN_ELIMIT) {
        call_fail(call, CODE_REFUSED, "filter limit reached");
    } else if (s) {
        answer_status(call, s, NULL);
    } else {
        json_put_str(call_result(call), slice_of(id, FRAME_ID_LEN));
        call_finish(call);
    }
}

static void new_filter(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "filter");
    struct api *api = api_of(call);
    struct filter_range range;
    struct filter f;
    char id[FRAME_ID_LEN];

    (void)params_value(&p, &at);
    logs_read_filter(&p, 0, api, &f, &range);
    logs_check_live_range(&p, &range);
    if (params_refused(&p, call)) return;
    answer_id(call, hub_poll_new(api->hub, HUB_POLL_LOGS, &f, json_raw(json_at(p.list, 0)), id), id);
}

static void new_block_filter(struct call *call)
{
    struct params p = params_of_call(call, 0);
    char id[FRAME_ID_LEN];

    if (params_refused(&p, call)) return;
    answer_id(call, hub_poll_new(api_of(call)->hub, HUB_POLL_BLOCKS, NULL, (struct slice){0}, id), id);
}

static void new_pending_filter(struct call *call)
{
    struct params p = params_of_call(call, 1);
    bool bodies = params_has(&p, 0) && params_bool(&p, 0, "full transactions");
    char id[FRAME_ID_LEN];

    if (params_refused(&p, call)) return;
    answer_id(call,
              hub_poll_new(api_of(call)->hub, bodies ? HUB_POLL_PENDING_BODIES : HUB_POLL_PENDING_HASHES, NULL,
                           (struct slice){0}, id),
              id);
}

static void get_filter_changes(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct slice id = params_text(&p, 0, "filter id");
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = hub_poll_changes(api_of(call)->hub, id, call_result(call));
    if (s == FAN_ENOTFOUND)
        call_fail(call, CODE_REFUSED, "filter not found");
    else if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

static void get_filter_logs_at(struct call *call, bool on_pool);

static void get_filter_logs_on_pool(struct call *call)
{
    get_filter_logs_at(call, true);
}

/* The range was checked when the filter was made; it is read again from the text kept beside it, since tags move. */
static void get_filter_logs_at(struct call *call, bool on_pool)
{
    struct params p = params_of_call(call, 1);
    struct slice id = params_text(&p, 0, "filter id"), text = {0};
    struct api *api = api_of(call);
    struct filter f, again;
    struct filter_range range = {{0}, {0}, {0}, {0}};
    struct json kept;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = hub_poll_filter(api->hub, id, call_arena(call), &f, &text);
    if (s == FAN_ENOTFOUND || s == FAN_EINVAL) {
        call_fail(call, CODE_REFUSED, "filter not found");
        return;
    }
    if (!s && text.len) s = json_parse(text, JSON_DEPTH_MAX, call_arena(call), &kept, NULL);
    if (!s && text.len) s = filter_parse(kept, &api->options.filter, call_arena(call), &again, &range, NULL);
    if (s)
        answer_status(call, s, NULL);
    else
        logs_answer(call, &p, &f, &range, on_pool, get_filter_logs_on_pool);
}

static void get_filter_logs(struct call *call)
{
    get_filter_logs_at(call, false);
}

static void uninstall_filter(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct slice id = params_text(&p, 0, "filter id");

    if (params_refused(&p, call)) return;
    json_put_bool(call_result(call), hub_poll_drop(api_of(call)->hub, id));
    call_finish(call);
}

const struct rpc_method api_eth_filter_methods[] = {
    {"eth_getFilterChanges", RPC_INLINE, 0, get_filter_changes},
    {"eth_getFilterLogs", RPC_INLINE, 0, get_filter_logs},
    {"eth_newBlockFilter", RPC_INLINE, 0, new_block_filter},
    {"eth_newFilter", RPC_INLINE, 0, new_filter},
    {"eth_newPendingTransactionFilter", RPC_INLINE, 0, new_pending_filter},
    {"eth_uninstallFilter", RPC_INLINE, 0, uninstall_filter},
};
