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

/* What a client asks for. */
struct wish {
    enum hub_kind kind;
    struct filter filter;
    bool resumes;
    struct hub_resume from;
};

/* What follows the kind: reads the option into the wish. */
typedef void read_option(struct params *p, const struct api *api, struct wish *w);

/* {"fromBlock": Q} or {"blockHash": H}, for logs also {"blockHash": H, "logIndex": Q}. A key we do not know would be a
 * wish that we do not grant. */
static void read_resume(struct params *p, const struct where *outer, struct json v, struct wish *w)
{
    static const char *const keys[] = {"fromBlock", "blockHash", "logIndex"};
    struct where at = {.outer = outer, .key = "resume"};
    struct json value[COUNT_OF(keys)];
    size_t known = 0;

    if (json_kind(v) <= JSON_NULL) return;
    if (!json_is(v, JSON_OBJECT)) {
        params_fail_at(p, &at, "want an object, got %s", json_kind_name(json_kind(v)));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        value[i] = json_get(v, keys[i]);
        if (json_kind(value[i]) != JSON_MISSING) known++;
    }
    if (json_count(v) != known || (json_kind(value[0]) > JSON_NULL) == (json_kind(value[1]) > JSON_NULL)) {
        params_fail_at(p, &at, "want {\"fromBlock\": quantity} or {\"blockHash\": hash%s}",
                       w->kind == HUB_LOGS ? ", \"logIndex\": quantity" : "");
        return;
    }
    w->resumes = true;
    w->from.by_hash = json_kind(value[1]) > JSON_NULL;
    w->from.has_log_index = json_kind(value[2]) > JSON_NULL;
    if (w->from.has_log_index && (!w->from.by_hash || w->kind != HUB_LOGS)) {
        params_fail_at(p, &at, "logIndex goes with the blockHash of a log");
        return;
    }
    if (w->from.by_hash)
        w->from.block_hash = read_hash(p, &(struct where){.outer = &at, .key = keys[1]}, value[1]);
    else
        w->from.from_block = read_u64(p, &(struct where){.outer = &at, .key = keys[0]}, value[0]);
    if (w->from.has_log_index)
        w->from.log_index = read_u64(p, &(struct where){.outer = &at, .key = keys[2]}, value[2]);
}

/* Passing the key by in silence would leave a hole that nobody knows of. */
static void refuse_resume(struct params *p, const struct where *at, struct json options)
{
    if (json_kind(json_get(options, "resume")) > JSON_NULL)
        params_fail_at(p, at, "resume: only newHeads and logs can be resumed");
}

static void read_heads_option(struct params *p, const struct api *api, struct wish *w)
{
    struct where at = params_where(1, "options");

    (void)api;
    if (!params_has(p, 1)) return;
    if (!json_is(json_at(p->list, 1), JSON_OBJECT))
        params_fail_at(p, &at, "want an object, got %s", json_kind_name(json_kind(json_at(p->list, 1))));
    else
        read_resume(p, &at, json_get(json_at(p->list, 1), "resume"), w);
}

static void read_logs_option(struct params *p, const struct api *api, struct wish *w)
{
    struct where at = params_where(1, "filter");
    struct filter_range range;

    logs_read_filter(p, 1, api, &w->filter, &range);
    if (p->code) return;
    read_resume(p, &at, range.resume, w);
    logs_check_live_range(p, &range);
}

/* true, or {"includeTransactions": true} as some nodes spell it. */
static void read_pending_option(struct params *p, const struct api *api, struct wish *w)
{
    struct where at = params_where(1, "full transactions"), key = {.outer = &at, .key = "includeTransactions"};
    struct json v = json_at(p->list, 1);

    (void)api;
    if (!params_has(p, 1)) return;
    if (json_is(v, JSON_OBJECT)) {
        refuse_resume(p, &at, v);
        v = json_get(v, "includeTransactions");
        if (json_kind(v) > JSON_NULL && read_bool(p, &key, v)) w->kind = HUB_PENDING_BODIES;
    } else if (read_bool(p, &at, v)) {
        w->kind = HUB_PENDING_BODIES;
    }
}

static void read_receipts_option(struct params *p, const struct api *api, struct wish *w)
{
    struct where at = params_where(1, "options");
    struct json v = json_at(p->list, 1);

    (void)api, (void)w;
    if (!params_has(p, 1)) return;
    if (!json_is(v, JSON_OBJECT))
        params_fail_at(p, &at, "want an object, got %s", json_kind_name(json_kind(v)));
    else if (json_count(json_get(v, "transactionHashes")))
        params_fail_at(p, &at, "transactionHashes: choosing transactions is not offered by this server");
    else
        refuse_resume(p, &at, v);
}

static void read_no_option(struct params *p, const struct api *api, struct wish *w)
{
    (void)api, (void)w;
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

static void open_subscription(struct call *call, const struct wish *w)
{
    const struct filter *filter = w->kind == HUB_LOGS ? &w->filter : NULL;
    struct hub_shard *shard = call_worker_app(call);
    struct conn *conn = call_conn(call);
    struct fan_error why = {0};
    char id[FRAME_ID_LEN];
    enum fan_status s;

    if (!conn) { /* nobody is there any more to hear the answer */
        answer_status(call, FAN_ECLOSED, NULL);
        return;
    }
    if (!answer_has_room(call)) return;
    call_hold(call);
    s = w->resumes ? hub_subscribe_from(shard, conn, w->kind, filter, &w->from, id, &why)
                   : hub_subscribe(shard, conn, w->kind, filter, id);
    if (s == FAN_ELIMIT) {
        call_fail(call, CODE_REFUSED, "subscription limit reached on this connection");
    } else if (s == FAN_EINVAL) {
        call_fail(call, CODE_INVALID_PARAMS, "invalid argument 1: %s", why.text);
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

    if (params_refused(&p, call)) return;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct wish w = {.kind = kinds[i].kind};

        if (!slice_eq_str(name, kinds[i].name)) continue;
        kinds[i].read(&p, api_of(call), &w);
        if (params_refused(&p, call)) return;
        open_subscription(call, &w);
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
    {"eth_subscribe", RPC_INLINE, RPC_NOTIFIES, subscribe},
    {"eth_unsubscribe", RPC_INLINE, RPC_NOTIFIES, unsubscribe},
};
