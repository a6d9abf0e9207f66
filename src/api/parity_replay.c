/* trace_replay*, trace_call and its kin: what a transaction or a call did and what it changed, as OpenEthereum's trace
 * module told it.
 *
 * Not here: vmTrace, which is refused in words (debug_traceTransaction has the steps, in less room). */
#include <inttypes.h>
#include <stdio.h>

#include "api/execute.h"
#include "api/parity.h"
#include "api/retrace.h"
#include "api/tables.h"

struct kinds {
    bool trace, state_diff;
    struct chain_tracer_config parts[2], whole;
};

static void read_kinds_at(struct params *p, const struct where *at, struct json list, struct kinds *out)
{
    size_t i = 0;

    *out = (struct kinds){.parts = {RETRACE_CALLS, {.tracer = CHAIN_TRACE_PRESTATE, .diff = true}}};
    out->parts[0].name = SLICE("trace");
    out->parts[1].name = SLICE("stateDiff");
    if (!params_expect(p, at, list, JSON_ARRAY)) return;
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct where item = {.outer = at, .index = i};

        if (json_str_is(v, "trace"))
            out->trace = true;
        else if (json_str_is(v, "stateDiff"))
            out->state_diff = true;
        else if (json_str_is(v, "vmTrace"))
            params_fail_at(p, &item, "vmTrace is not supported: debug_traceTransaction has the steps");
        else
            params_fail_at(p, &item, "want \"trace\" or \"stateDiff\"");
    }
}

static void read_kinds(struct params *p, size_t index, struct kinds *out)
{
    struct where at = params_where(index, "trace types");

    read_kinds_at(p, &at, params_value(p, &at), out);
}

/* Points whole at the parts, once they have their final place. */
static const struct chain_tracer_config *config_of(struct kinds *k)
{
    k->whole =
        (struct chain_tracer_config){.tracer = CHAIN_TRACE_MUX, .parts = k->parts, .part_count = k->state_diff ? 2 : 1};
    return &k->whole;
}

static struct slice or_else(struct json v, const char *text)
{
    return json_is(v, JSON_MISSING) ? slice_str(text) : json_raw(v);
}

/* One value that may have changed. Something that came into being is "+", something that went is "-". */
static void put_change(struct json_writer *w, struct slice before, struct slice after, int born)
{
    json_begin_object(w);
    if (born) {
        json_put_key(w, born > 0 ? "+" : "-");
        json_put_raw(w, born > 0 ? after : before);
    } else {
        json_put_key(w, "*");
        json_begin_object(w);
        json_put_key(w, "from");
        json_put_raw(w, before);
        json_put_key(w, "to");
        json_put_raw(w, after);
        json_end_object(w);
    }
    json_end_object(w);
}

static void put_field(struct json_writer *w, const char *name, struct json before, struct json after, const char *empty,
                      int born)
{
    struct json is = json_get(after, name);

    json_put_key(w, name);
    if (!born && json_is(is, JSON_MISSING))
        json_put_text(w, "=");
    else
        put_change(w, or_else(json_get(before, name), empty), or_else(is, empty), born);
}

enum { NONCE_TEXT = 24 };

/* A nonce, which geth's tracer writes as a number. */
static struct slice nonce_text(struct json account, char out[NONCE_TEXT])
{
    struct slice digits = json_raw(json_get(account, "nonce"));
    uint64_t v = 0;

    for (size_t k = 0; k < digits.len; k++) v = v * 10 + (uint64_t)(digits.at[k] - '0');
    (void)snprintf(out, NONCE_TEXT, "\"0x%" PRIx64 "\"", v);
    return slice_str(out);
}

static void put_nonce(struct json_writer *w, struct json before, struct json after, int born)
{
    char was[NONCE_TEXT], is[NONCE_TEXT];

    json_put_key(w, "nonce");
    if (!born && json_is(json_get(after, "nonce"), JSON_MISSING))
        json_put_text(w, "=");
    else
        put_change(w, nonce_text(before, was), nonce_text(after, is), born);
}

static void put_key_of(struct json_writer *w, struct json member)
{
    char key[67];
    struct slice raw = json_key(member);

    (void)snprintf(key, sizeof key, "%.*s", SLICE_ARGS(raw));
    json_put_key(w, key);
}

/* A member of an object by the raw key of another's. */
static struct json same_key(struct json object, struct json member)
{
    struct slice key = json_key(member);

    for (struct json v = json_first(object); !json_is(v, JSON_MISSING); v = json_next(v))
        if (slice_eq(json_key(v), key)) return v;
    return (struct json){0};
}

#define ZERO_WORD "\"0x0000000000000000000000000000000000000000000000000000000000000000\""

static void put_slots(struct json_writer *w, struct json before, struct json after, int born)
{
    struct json was = json_get(before, "storage"), is = json_get(after, "storage");

    json_put_key(w, "storage");
    json_begin_object(w);
    for (struct json v = json_first(was); !json_is(v, JSON_MISSING); v = json_next(v)) {
        put_key_of(w, v);
        put_change(w, json_raw(v), or_else(same_key(is, v), ZERO_WORD), born);
    }
    for (struct json v = json_first(is); !json_is(v, JSON_MISSING); v = json_next(v)) {
        if (!json_is(same_key(was, v), JSON_MISSING)) continue;
        put_key_of(w, v);
        put_change(w, SLICE(ZERO_WORD), json_raw(v), born);
    }
    json_end_object(w);
}

static void put_account(struct json_writer *w, struct json before, struct json after)
{
    bool was = !json_is(before, JSON_MISSING), is = !json_is(after, JSON_MISSING),
         has_code = !json_is(json_get(after, "code"), JSON_MISSING);
    /* Touching an empty address changes it; a contract is born. */
    int born = was && !is ? -1 : !was && has_code ? 1 : 0;

    json_begin_object(w);
    put_field(w, "balance", before, after, "\"0x0\"", born);
    put_field(w, "code", before, after, "\"0x\"", born);
    put_nonce(w, before, after, born);
    put_slots(w, before, after, born);
    json_end_object(w);
}

static void put_state_diff(struct json_writer *w, struct json diff)
{
    struct json before = json_get(diff, "pre"), after = json_get(diff, "post");

    json_begin_object(w);
    for (struct json v = json_first(before); !json_is(v, JSON_MISSING); v = json_next(v)) {
        put_key_of(w, v);
        put_account(w, v, same_key(after, v));
    }
    for (struct json v = json_first(after); !json_is(v, JSON_MISSING); v = json_next(v)) {
        if (!json_is(same_key(before, v), JSON_MISSING)) continue;
        put_key_of(w, v);
        put_account(w, (struct json){0}, v);
    }
    json_end_object(w);
}

/* A trace without the place of its transaction. */
static void put_unplaced(struct json_writer *w, struct json trace)
{
    static const char *const keys[] = {"action", "error", "result", "subtraces", "traceAddress", "type"};

    json_begin_object(w);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct json v = json_get(trace, keys[i]);

        if (json_is(v, JSON_MISSING)) continue;
        json_put_key(w, keys[i]);
        json_put_raw(w, json_raw(v));
    }
    json_end_object(w);
}

/* {output, trace, stateDiff, vmTrace, transactionHash}: the hash only of a transaction. */
static void put_replayed(struct json_writer *w, const struct kinds *k, struct json told, const struct fan_hash *hash)
{
    struct json calls = json_get(told, "trace"), result = json_get(json_first(calls), "result"),
                output = json_get(result, "output");

    if (json_is(output, JSON_MISSING)) output = json_get(result, "code");
    json_begin_object(w);
    json_put_key(w, "output");
    json_put_raw(w, or_else(output, "\"0x\""));
    json_put_key(w, "stateDiff");
    if (k->state_diff)
        put_state_diff(w, json_get(told, "stateDiff"));
    else
        json_put_null(w);
    json_put_key(w, "trace");
    json_begin_array(w);
    for (struct json t = json_first(calls); k->trace && !json_is(t, JSON_MISSING); t = json_next(t)) put_unplaced(w, t);
    json_end_array(w);
    json_put_key(w, "vmTrace");
    json_put_null(w);
    if (hash) {
        json_put_key(w, "transactionHash");
        json_put_hash(w, hash);
    }
    json_end_object(w);
}

static void replay_block(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct block_at at;
    struct kinds k;
    struct json list;
    struct view v;
    size_t i = 0;

    at = params_block_given(&p, 0);
    read_kinds(&p, 1, &k);
    if (params_refused(&p, call) || !parity_open_block(call, &at, replay_block, &v)) return;
    if (retrace_txs(call, v.block, config_of(&k), 0, v.block->tx_count, call_arena(call), &list)) {
        struct json_writer *w = call_result(call);

        json_begin_array(w);
        for (struct json tx = json_first(list); !json_is(tx, JSON_MISSING); tx = json_next(tx), i++)
            put_replayed(w, &k, tx, &v.block->txs[i].hash);
        json_end_array(w);
        call_finish(call);
    }
    view_close(&v);
}

static void replay_transaction(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    struct kinds k;
    struct json list;
    struct block *b;
    size_t index;

    read_kinds(&p, 1, &k);
    if (params_refused(&p, call) || !parity_find_tx(call, &hash, SLICE("null"), &b, &index)) return;
    if (retrace_txs(call, b, config_of(&k), index, 1, call_arena(call), &list)) {
        put_replayed(call_result(call), &k, json_first(list), NULL);
        call_finish(call);
    }
    block_unref(b);
}

static void trace_call(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct chain_call cc = {0};
    struct message m;
    struct block_at at;
    struct kinds k;
    struct json list;
    struct slice output;
    struct view v;

    message_read(&p, &m);
    read_kinds(&p, 1, &k);
    at = params_block(&p, 2);
    if (params_refused(&p, call) || !view_state(call, &at, RPC_POOL, trace_call, &v)) return;
    if (execute_prepare(call, &v, &m, &cc) &&
        retrace_call(call, &v, &cc, config_of(&k), call_arena(call), &list, &output, NULL)) {
        put_replayed(call_result(call), &k, json_first(list), NULL);
        call_finish(call);
    }
    view_close(&v);
}

/* ---- trace_callMany ---- */

enum { CALLS_MAX = 1000 };

/* A call and what shall be told of it: an item of the list. */
struct one_call {
    struct message m;
    struct kinds kinds;
};

static struct one_call *read_calls(struct params *p, size_t *out_count)
{
    struct where at = params_where(0, "calls");
    struct json list = params_value(p, &at);
    struct one_call *out;
    size_t i = 0;

    *out_count = 0;
    if (!params_expect(p, &at, list, JSON_ARRAY)) return NULL;
    if (json_count(list) > CALLS_MAX) params_fail_at(p, &at, "at most %d calls", CALLS_MAX);
    out = params_items(p, list, sizeof *out, out_count);
    for (struct json v = json_first(list); !p->code && i < *out_count; v = json_next(v), i++) {
        struct where item = {.outer = &at, .index = i}, call_at = {.outer = &item, .index = 0},
                     kinds_at = {.outer = &item, .index = 1};
        struct json what = json_first(v);

        if (!params_expect(p, &item, v, JSON_ARRAY)) return NULL;
        if (json_count(v) != 2) {
            params_fail_at(p, &item, "want a call and its trace types");
            return NULL;
        }
        message_read_at(p, &call_at, what, &out[i].m);
        read_kinds_at(p, &kinds_at, json_next(what), &out[i].kinds);
    }
    return out;
}

/* One after the other, each on the state that those before it left. False: the call was answered. */
static bool trace_in_turn(struct call *call, struct view *v, struct one_call *calls, size_t count)
{
    const struct chain_ops *ops = api_of(call)->chain->ops;

    for (size_t i = 0; i < count; i++) {
        struct chain_call cc = {0};
        struct chain_state *after = NULL;
        struct json list;
        struct slice output;

        if (!execute_prepare(call, v, &calls[i].m, &cc) ||
            !retrace_call(call, v, &cc, config_of(&calls[i].kinds), call_arena(call), &list, &output, &after))
            return false;
        ops->state_close(v->chain, v->state);
        v->state = after;
        put_replayed(call_result(call), &calls[i].kinds, json_first(list), NULL);
    }
    return true;
}

static void trace_call_many(struct call *call)
{
    struct params p = params_of_call(call, 2);
    size_t count;
    struct one_call *calls = read_calls(&p, &count);
    struct block_at at = params_block(&p, 1);
    struct view v;

    if (params_refused(&p, call) || !view_state(call, &at, RPC_POOL, trace_call_many, &v)) return;
    json_begin_array(call_result(call));
    if (trace_in_turn(call, &v, calls, count)) {
        json_end_array(call_result(call));
        call_finish(call);
    }
    view_close(&v);
}

/* ---- trace_rawTransaction ---- */

/* As a call: it need not be the sender's next one. */
static void trace_raw(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct block_at at;
    struct chain_call cc = {.has_gas = true, .has_fee = true};
    struct kinds k;
    struct json list;
    struct slice output;
    struct view v;
    struct tx *tx = execute_read_raw(call, &p);

    if (!tx) return;
    read_kinds(&p, 1, &k);
    at = params_block(&p, 2);
    if (params_refused(&p, call) || !view_state(call, &at, RPC_POOL, trace_raw, &v)) return;
    cc.tx = *tx;
    if (retrace_call(call, &v, &cc, config_of(&k), call_arena(call), &list, &output, NULL)) {
        put_replayed(call_result(call), &k, json_first(list), NULL);
        call_finish(call);
    }
    view_close(&v);
}

const struct rpc_method api_parity_replay_methods[] = {
    {"trace_call", RPC_POOL, 0, trace_call},
    {"trace_callMany", RPC_POOL, 0, trace_call_many},
    {"trace_rawTransaction", RPC_POOL, 0, trace_raw},
    {"trace_replayBlockTransactions", RPC_POOL, 0, replay_block},
    {"trace_replayTransaction", RPC_POOL, 0, replay_transaction},
};
