/* debug_trace*: what transactions did, or a call would do. The text comes in pieces while they run, straight into the
 * reply, which keeps a long one compressed: a trace costs a small part of what it says. */
#include <inttypes.h>

#include "api/execute.h"
#include "api/past.h"
#include "api/retrace.h"
#include "api/tables.h"
#include "api/trace_config.h"
#include "codec/hex.h"

/* A trace on its way into a reply. */
struct tracing {
    struct call *call;
    const struct block *block;
    bool listed; /* one {txHash, result} for each transaction */
};

/* ---- the text ---- */

static bool put_piece(void *ctx, struct slice json)
{
    struct call *call = ((struct tracing *)ctx)->call;
    struct buf *out = call_result(call)->out;

    buf_put(out, json);
    if (out->failed) return false;
    call_spool(call);
    return true;
}

static bool begin_one(void *ctx, size_t index)
{
    struct tracing *t = ctx;
    struct json_writer *w = call_result(t->call);

    if (!t->listed) return true;
    json_begin_object(w);
    json_put_key(w, "txHash");
    json_put_hash(w, &t->block->txs[index].hash);
    json_put_key(w, "result");
    json_put_raw(w, SLICE("")); /* the pieces go around the writer */
    return !w->out->failed;
}

static bool end_one(void *ctx, size_t index)
{
    struct tracing *t = ctx;
    struct json_writer *w = call_result(t->call);

    (void)index;
    if (t->listed) json_end_object(w);
    return !w->out->failed;
}

/* Runs it on the state s and answers. */
static void trace(struct call *call, struct chain_state *s, const struct block *b, const struct trace_config *config,
                  bool listed, struct chain_trace *how)
{
    struct api *api = api_of(call);
    struct tracing t = {.call = call, .block = b, .listed = listed};
    struct chain_call_result r = {0};
    struct fan_error err = {0};
    struct json_writer *w = call_result(call);
    enum fan_status status;

    how->config = config->tracer;
    how->timeout_ms = config->has_timeout ? config->timeout_ms : api->options.call_timeout_ms;
    how->stop = call_unwanted(call);
    how->size_max = w->out->len_max > w->out->len ? w->out->len_max - w->out->len : 1;
    how->ctx = &t;
    how->begin = begin_one;
    how->put = put_piece;
    how->end = end_one;
    if (listed) json_begin_array(w);
    status = api->chain->ops->trace(s, b, how, call_arena(call), &r, &err);
    if (listed) json_end_array(w);
    if (status)
        answer_status(call, status, &err);
    else
        retrace_answer_refused(call, &r);
}

/* ---- a block's transactions ---- */

/* The state before a block. False: the call was answered. */
static bool open_parent(struct call *call, const struct block *b, struct view *out)
{
    if (b->header.number) return retrace_parent(call, b, out);
    call_fail(call, CODE_REFUSED, "genesis is not traceable");
    return false;
}

static void trace_block(struct call *call, const struct block *b, const struct trace_config *config)
{
    struct chain_trace how = {.count = b->tx_count};
    struct view parent;

    if (!open_parent(call, b, &parent)) return;
    trace(call, parent.state, b, config, true, &how);
    view_close(&parent);
}

static void trace_block_by_number(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct block_at at = params_block_number(&p, 0);
    struct trace_config config;
    struct view v;

    trace_config_read(&p, 1, &config);
    if (params_refused(&p, call)) return;
    if (!view_block(call, &at, RPC_POOL, trace_block_by_number, &v)) return;
    if (!v.block) {
        call_fail(call, CODE_REFUSED, "block #%" PRIu64 " not found", at.number);
        return;
    }
    trace_block(call, v.block, &config);
    view_close(&v);
}

static void trace_block_by_hash(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct block_at at = {.kind = BLOCK_HASH, .hash = params_hash(&p, 0, "block hash")};
    struct trace_config config;
    struct view v;

    trace_config_read(&p, 1, &config);
    if (params_refused(&p, call)) return;
    if (!view_block(call, &at, RPC_POOL, trace_block_by_hash, &v)) return;
    if (!v.block) {
        call_fail(call, CODE_REFUSED, "block %.*s not found", SLICE_ARGS(json_str_raw(json_at(p.list, 0))));
        return;
    }
    trace_block(call, v.block, &config);
    view_close(&v);
}

/* A block that was never here, by its RLP: on the state of its parent, which was. */
static void trace_raw_block(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct where at = params_where(0, "block");
    struct slice bytes = params_data(&p, 0, "block");
    struct rlp r = rlp_of(bytes);
    struct trace_config config;
    struct fan_error err = {{0}};
    struct block *b = NULL;
    enum fan_status s = FAN_OK;

    trace_config_read(&p, 1, &config);
    if (!p.code) s = block_decode(&r, &b, &err);
    if (s == FAN_EFORMAT) params_fail_at(&p, &at, "%s", err.text);
    if (!p.code && !s) s = block_recover_senders(b, true, &err);
    if (s == FAN_EREJECTED) params_fail_at(&p, &at, "%s", err.text);
    if (!params_refused(&p, call)) {
        if (s)
            answer_status(call, s, &err);
        else
            trace_block(call, b, &config);
    }
    block_unref(b);
}

static void trace_transaction(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    struct chain *chain = api_of(call)->chain;
    struct chain_trace how = {.count = 1};
    struct trace_config config;
    struct block *block = NULL;
    struct view parent;
    enum fan_status s;

    trace_config_read(&p, 1, &config);
    if (params_refused(&p, call)) return;
    s = chain->ops->tx_by_hash(chain, &hash, &block, &how.replay);
    if (s == FAN_ENOTFOUND) {
        if (!past_ask(call)) call_fail(call, CODE_REFUSED, "transaction not found");
        return;
    }
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    if (open_parent(call, block, &parent)) {
        trace(call, parent.state, block, &config, false, &how);
        view_close(&parent);
    }
    block_unref(block);
}

/* ---- a call ---- */

static void trace_the_call(struct call *call, const struct view *v, struct chain_call *cc,
                           const struct trace_config *config, bool has_index, uint64_t index)
{
    struct chain_trace how = {.call = cc};
    struct view parent;
    char hash[64];

    if (!has_index) {
        trace(call, v->state, v->block, config, false, &how);
        return;
    }
    if (index >= v->block->tx_count) {
        hex_encode(slice_of(v->block->hash.bytes, sizeof v->block->hash.bytes), hash);
        call_fail(call, CODE_REFUSED, "transaction index %" PRIu64 " out of range for block 0x%.*s", index,
                  (int)sizeof hash, hash);
        return;
    }
    how.replay = index;
    how.within = true;
    if (!open_parent(call, v->block, &parent)) return;
    trace(call, parent.state, v->block, config, false, &how);
    view_close(&parent);
}

static void trace_call(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct where where = params_where(2, "config"), index_at = {.outer = &where, .key = "txIndex"};
    struct chain_call cc = {0};
    struct trace_config config;
    struct json o = json_at(p.list, 2), index_value = json_get(o, "txIndex");
    struct message m;
    struct block_at at;
    struct view v;
    uint64_t index = 0;

    message_read(&p, &m);
    at = params_block(&p, 1);
    trace_config_read(&p, 2, &config);
    message_read_overrides_at(&p, &where, json_get(o, "stateOverrides"), &cc);
    message_read_block_overrides_at(&p, &where, json_get(o, "blockOverrides"), false, &cc);
    if (params_given(index_value)) index = read_u64(&p, &index_at, index_value);
    if (params_refused(&p, call)) return;
    if (at.kind == BLOCK_PENDING) {
        call_fail(call, CODE_REFUSED, "tracing on top of pending is not supported");
        return;
    }
    if (!view_state(call, &at, RPC_POOL, trace_call, &v)) return;
    if (!api_of(call)->chain->ops->trace)
        answer_status(call, FAN_EUNSUPPORTED, NULL);
    else if (execute_prepare(call, &v, &m, &cc))
        trace_the_call(call, &v, &cc, &config, params_given(index_value), index);
    view_close(&v);
}

const struct rpc_method api_debug_trace_methods[] = {
    {"debug_traceBlock", RPC_POOL, 0, trace_raw_block},
    {"debug_traceBlockByHash", RPC_POOL, 0, trace_block_by_hash},
    {"debug_traceBlockByNumber", RPC_POOL, 0, trace_block_by_number},
    {"debug_traceCall", RPC_POOL, 0, trace_call},
    {"debug_traceTransaction", RPC_POOL, 0, trace_transaction},
};
