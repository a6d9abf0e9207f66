/* eth_subscribe and eth_unsubscribe. They run inline, on the worker that owns the connection. */
#include "api/logs.h"
#include "api/tables.h"

enum { ANSWER_LEN_MAX = FRAME_ID_LEN + 8 }; /* an id, its quotes, and what closes the answer behind them */

/* Room for the answer comes before what it answers for. An answer that failed for want of it would leave a subscription
 * live that nobody can name, or one ended whose reader still waits. False: the call has been answered. */
static bool answer_has_room(struct call *call)
{
    if (buf_reserve(call_result(call)->out, ANSWER_LEN_MAX)) return true;
    call_finish(call); /* what did not fit makes it an error */
    return false;
}

/* What follows the kind: reads the option into *kind or *filter. */
typedef void read_option(struct params *p, const struct api *api, enum hub_kind *kind, struct filter *filter);

static void read_heads_option(struct params *p, const struct api *api, enum hub_kind *kind, struct filter *filter)
{
    struct where at = params_where(1, "options");

    (void)api, (void)kind, (void)filter;
    if (!params_has(p, 1)) return;
    if (!json_is(json_at(p->list, 1), JSON_OBJECT))
        params_fail_at(p, &at, "want an object, got %s", json_kind_name(json_kind(json_at(p->list, 1))));
    else if (json_kind(json_get(json_at(p->list, 1), "resume")) > JSON_NULL)
        params_fail_at(p, &at, "resume: not offered by this server");
}

static void read_logs_option(struct params *p, const struct api *api, enum hub_kind *kind, struct filter *filter)
{
    struct where at = params_where(1, "filter");
    struct filter_range range;

    (void)kind;
    logs_read_filter(p, 1, api, filter, &range);
    if (p->code) return;
    if (json_kind(range.resume) > JSON_NULL) params_fail_at(p, &at, "resume: not offered by this server");
    logs_check_live_range(p, &range);
}

/* true, or {"includeTransactions": true} as some nodes spell it. */
static void read_pending_option(struct params *p, const struct api *api, enum hub_kind *kind, struct filter *filter)
{
    struct where at = params_where(1, "full transactions"), key = {.outer = &at, .key = "includeTransactions"};
    struct json v = json_at(p->list, 1);

    (void)api, (void)filter;
    if (!params_has(p, 1)) return;
    if (json_is(v, JSON_OBJECT)) {
        v = json_get(v, "includeTransactions");
        if (json_kind(v) > JSON_NULL && read_bool(p, &key, v)) *kind = HUB_PENDING_BODIES;
    } else if (read_bool(p, &at, v)) {
        *kind = HUB_PENDING_BODIES;
    }
}

static void read_receipts_option(struct params *p, const struct api *api, enum hub_kind *kind, struct filter *filter)
{
    struct where at = params_where(1, "options");
    struct json v = json_at(p->list, 1);

    (void)api, (void)kind, (void)filter;
    if (!params_has(p, 1)) return;
    if (!json_is(v, JSON_OBJECT))
        params_fail_at(p, &at, "want an object, got %s", json_kind_name(json_kind(v)));
    else if (json_count(json_get(v, "transactionHashes")))
        params_fail_at(p, &at, "transactionHashes: choosing transactions is not offered by this server");
}

static void read_no_option(struct params *p, const struct api *api, enum hub_kind *kind, struct filter *filter)
{
    (void)api, (void)kind, (void)filter;
    if (params_has(p, 1)) params_fail(p, CODE_INVALID_PARAMS, "too many arguments, want at most 1");
}

static const struct {
    const char *name;
    enum hub_kind kind;
    read_option *read;
} kinds[] = {
    {"newHeads", HUB_NEW_HEADS, read_heads_option},
    {"logs", HUB_LOGS, read_logs_option},
    {"newPendingTransactions", HUB_PENDING_HASHES, read_pending_option},
    {"syncing", HUB_SYNCING, read_no_option},
    {"transactionReceipts", HUB_RECEIPTS, read_receipts_option},
};

static void open_subscription(struct call *call, enum hub_kind kind, const struct filter *filter)
{
    struct conn *conn = call_conn(call);
    char id[FRAME_ID_LEN];
    enum fan_status s;

    if (!conn) { /* nobody is there any more to hear the answer */
        answer_status(call, FAN_ECLOSED, NULL);
        return;
    }
    if (!answer_has_room(call)) return;
    call_hold(call);
    s = hub_subscribe(call_worker_app(call), conn, kind, kind == HUB_LOGS ? filter : NULL, id);
    if (s == FAN_ELIMIT) {
        call_fail(call, CODE_REFUSED, "subscription limit reached on this connection");
    } else if (s) {
        answer_status(call, s, NULL);
    } else {
        json_put_str(call_result(call), slice_of(id, FRAME_ID_LEN));
        call_finish(call);
    }
}

static void subscribe(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct slice name = params_text(&p, 0, "kind of subscription");
    struct filter filter = {0};

    if (params_refused(&p, call)) return;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        enum hub_kind kind = kinds[i].kind;

        if (!slice_eq_str(name, kinds[i].name)) continue;
        kinds[i].read(&p, api_of(call), &kind, &filter);
        if (params_refused(&p, call)) return;
        open_subscription(call, kind, &filter);
        return;
    }
    call_fail(call, CODE_NO_METHOD, "no \"%.*s\" subscription in eth namespace", (int)(name.len < 100 ? name.len : 100),
              (const char *)name.at);
}

static void unsubscribe(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct slice id = params_text(&p, 0, "subscription id");
    struct conn *conn;

    if (params_refused(&p, call)) return;
    if (!answer_has_room(call)) return;
    conn = call_conn(call);
    json_put_bool(call_result(call), conn && hub_unsubscribe(call_worker_app(call), conn, id));
    call_finish(call);
}

const struct rpc_method api_eth_subscribe_methods[] = {
    {"eth_subscribe", RPC_INLINE, RPC_WEBSOCKET, subscribe},
    {"eth_unsubscribe", RPC_INLINE, RPC_WEBSOCKET, unsubscribe},
};
