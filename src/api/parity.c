/* trace_*: the calls of transactions as OpenEthereum's trace module told them, which explorers and indexers read; anvil
 * and other nodes have kept it. Numbers of blocks and positions are JSON numbers there, gas is a frame's own.
 *
 * Not here: vmTrace, which is refused in words (debug_traceTransaction has the steps, in less room), and the rewards of
 * blocks with proof of work. */
#include <inttypes.h>
#include <stdio.h>

#include "api/execute.h"
#include "api/past.h"
#include "api/retrace.h"
#include "api/tables.h"
#include "base/clock.h"
#include "codec/hex.h"

/* ---- whole lists ---- */

static void put_items(struct json list, struct json_writer *w)
{
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v)) json_put_raw(w, json_raw(v));
}

/* The block a transaction is in. False: the call was answered: by nothing, where nobody knows it. */
static bool find_tx(struct call *call, const struct fan_hash *hash, struct slice nothing, struct block **out,
                    size_t *out_index)
{
    struct chain *chain = api_of(call)->chain;
    enum fan_status s = chain->ops->tx_by_hash(chain, hash, out, out_index);

    if (!s) return true;
    if (s != FAN_ENOTFOUND) {
        answer_status(call, s, NULL);
    } else if (!past_ask(call)) {
        json_put_raw(call_result(call), nothing);
        call_finish(call);
    }
    return false;
}

static void trace_transaction(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    struct block *b;
    struct json list;
    size_t index;

    if (params_refused(&p, call) || !find_tx(call, &hash, SLICE("[]"), &b, &index)) return;
    if (retrace_txs(call, b, &RETRACE_CALLS, index, 1, call_arena(call), &list)) {
        struct json_writer *w = call_result(call);

        json_begin_array(w);
        put_items(json_first(list), w);
        json_end_array(w);
        call_finish(call);
    }
    block_unref(b);
}

/* Is this trace at that place in the tree? */
static bool is_at(struct json trace, const uint64_t *path, size_t len)
{
    struct json at = json_first(json_get(trace, "traceAddress"));
    char text[24];
    size_t i = 0;

    for (; !json_is(at, JSON_MISSING) && i < len; at = json_next(at), i++) {
        (void)snprintf(text, sizeof text, "%" PRIu64, path[i]);
        if (!slice_eq(json_raw(at), slice_str(text))) return false;
    }
    return i == len && json_is(at, JSON_MISSING);
}

/* One trace of a transaction, by the path to it. */
static void trace_get(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    struct where at = params_where(1, "path");
    struct json given = params_value(&p, &at), list, found = {0};
    struct block *b;
    uint64_t *path;
    size_t len = 0, index, i = 0;

    (void)params_expect(&p, &at, given, JSON_ARRAY);
    path = params_items(&p, given, sizeof *path, &len);
    for (struct json v = json_first(given); i < len; v = json_next(v), i++)
        path[i] = read_count(&p, &(struct where){.outer = &at, .index = i}, v);
    if (params_refused(&p, call) || !find_tx(call, &hash, SLICE("null"), &b, &index)) return;
    if (retrace_txs(call, b, &RETRACE_CALLS, index, 1, call_arena(call), &list)) {
        for (struct json v = json_first(json_first(list)); !json_is(v, JSON_MISSING); v = json_next(v))
            if (is_at(v, path, len)) found = v;
        json_put_raw(call_result(call), json_is(found, JSON_MISSING) ? SLICE("null") : json_raw(found));
        call_finish(call);
    }
    block_unref(b);
}

/* The block in parameter 0. False: the call was answered, by an empty list where there is no such block. */
static bool open_block(struct call *call, const struct block_at *at, void (*again)(struct call *call), struct view *out)
{
    if (at->kind == BLOCK_PENDING) {
        call_fail(call, CODE_REFUSED, "tracing on top of pending is not supported");
        return false;
    }
    if (!view_block(call, at, RPC_POOL, again, out)) return false;
    if (out->block) return true;
    json_put_raw(call_result(call), SLICE("[]"));
    call_finish(call);
    return false;
}

static void trace_block(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct block_at at;
    struct json list;
    struct view v;

    at = params_block_given(&p, 0);
    if (params_refused(&p, call) || !open_block(call, &at, trace_block, &v)) return;
    if (retrace_txs(call, v.block, &RETRACE_CALLS, 0, v.block->tx_count, call_arena(call), &list)) {
        struct json_writer *w = call_result(call);

        json_begin_array(w);
        for (struct json tx = json_first(list); !json_is(tx, JSON_MISSING); tx = json_next(tx)) put_items(tx, w);
        json_end_array(w);
        call_finish(call);
    }
    view_close(&v);
}

/* ---- trace_filter ---- */

enum { ADDRESS_TEXT = 42, FILTER_ADDRESSES_MAX = 1000 };

struct wanted {
    char (*from)[ADDRESS_TEXT + 1], (*to)[ADDRESS_TEXT + 1]; /* as the traces write them */
    size_t from_count, to_count;
    bool both; /* mode "intersection" */
    uint64_t skip, count;
};

static char (*read_addresses(struct params *p, const struct where *outer, struct json o, const char *key,
                             size_t *out_count))[ADDRESS_TEXT + 1]
{
    struct where at = {.outer = outer, .key = key};
    struct json list = json_get(o, key);
    char(*out)[ADDRESS_TEXT + 1];
    size_t i = 0;

    *out_count = 0;
    if (!params_given(list) || !params_expect(p, &at, list, JSON_ARRAY)) return NULL;
    if (json_count(list) > FILTER_ADDRESSES_MAX) params_fail_at(p, &at, "at most %d addresses", FILTER_ADDRESSES_MAX);
    out = params_items(p, list, sizeof *out, out_count);
    for (struct json v = json_first(list); !p->code && i < *out_count; v = json_next(v), i++) {
        struct fan_address a = read_address(p, &(struct where){.outer = &at, .index = i}, v);

        memcpy(out[i], "0x", 2);
        hex_encode(slice_of(a.bytes, sizeof a.bytes), out[i] + 2);
    }
    return out;
}

static bool is_among(struct slice address, char (*list)[ADDRESS_TEXT + 1], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(address, slice_of(list[i], ADDRESS_TEXT))) return true;
    return false;
}

/* A creation is to what it created, a self-destruction from the contract to who is paid. */
static bool fits(const struct wanted *w, struct json trace)
{
    struct json action = json_get(trace, "action"), from = json_get(action, "from"), to = json_get(action, "to");
    bool is_from, is_to;

    if (json_is(from, JSON_MISSING)) from = json_get(action, "address");
    if (json_is(to, JSON_MISSING)) to = json_get(action, "refundAddress");
    if (json_is(to, JSON_MISSING)) to = json_get(json_get(trace, "result"), "address");
    is_from = is_among(json_str_raw(from), w->from, w->from_count);
    is_to = is_among(json_str_raw(to), w->to, w->to_count);
    if (!w->from_count && !w->to_count) return true;
    if (w->both) return (is_from || !w->from_count) && (is_to || !w->to_count);
    return is_from || is_to;
}

/* Writes what fits of one block; false: the call was answered. */
static bool filter_block(struct call *call, const struct block *b, struct wanted *w)
{
    struct arena_home home;
    struct arena a;
    struct json list;
    bool done;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    done = retrace_txs(call, b, &RETRACE_CALLS, 0, b->tx_count, &a, &list);
    for (struct json tx = json_first(list); done && !json_is(tx, JSON_MISSING); tx = json_next(tx)) {
        for (struct json t = json_first(tx); !json_is(t, JSON_MISSING); t = json_next(t)) {
            if (!w->count || !fits(w, t)) continue;
            if (w->skip) {
                w->skip--;
                continue;
            }
            w->count--;
            json_put_raw(call_result(call), json_raw(t));
        }
    }
    arena_home_fini(&home);
    return done;
}

/* Block by block while there is time. */
static void filter_blocks(struct call *call, uint64_t from, uint64_t to, struct wanted *w)
{
    struct api *api = api_of(call);
    uint64_t end_ms = clock_monotonic_ms() + api->options.call_timeout_ms;
    struct json_writer *out = call_result(call);

    json_begin_array(out);
    for (uint64_t n = from; n <= to && w->count && !out->out->failed; n++) {
        struct block *b;
        enum fan_status s = api->chain->ops->block_by_number(api->chain, n, &b);
        bool done;

        if (s == FAN_ENOTFOUND) break; /* the chain became shorter meanwhile */
        if (!s && (clock_monotonic_ms() > end_ms || atomic_load(call_unwanted(call)))) {
            block_unref(b);
            call_fail(call, CODE_TIMEOUT, "execution timeout: blocks %" PRIu64 " to %" PRIu64 " were looked at", from,
                      n - 1);
            return;
        }
        if (s) {
            answer_status(call, s, NULL);
            return;
        }
        done = filter_block(call, b, w);
        block_unref(b);
        if (!done) return;
    }
    json_end_array(out);
    call_finish(call);
}

/* The number that a bound of the range means. */
static bool bound(struct call *call, const struct block_at *at, uint64_t *out)
{
    struct block *b = NULL;
    bool canonical;
    enum fan_status s;

    if (at->kind == BLOCK_NUMBER) {
        *out = at->number;
        return true;
    }
    s = view_find(api_of(call)->chain, at, &b, &canonical);
    if (s || !b) {
        answer_status(call, s ? s : FAN_ENOTFOUND, NULL);
        return false;
    }
    *out = b->header.number;
    block_unref(b);
    return true;
}

static struct block_at read_bound(struct params *p, const struct where *outer, struct json v, const char *key,
                                  enum block_kind otherwise)
{
    struct where at = {.outer = outer, .key = key};
    struct block_at b = {.kind = otherwise};

    if (params_given(v)) b = read_block(p, &at, v, false);
    if (b.kind == BLOCK_PENDING) b.kind = BLOCK_LATEST;
    return b;
}

static void trace_filter(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "filter"), mode_at = {.outer = &at, .key = "mode"},
                 after_at = {.outer = &at, .key = "after"}, count_at = {.outer = &at, .key = "count"};
    struct json o = params_value(&p, &at), mode = json_get(o, "mode"), after = json_get(o, "after"),
                count = json_get(o, "count");
    struct block_at from, to;
    struct wanted w = {.count = UINT64_MAX};
    uint64_t first, last, head = atomic_load(&api_of(call)->chain->head_number);

    (void)params_expect(&p, &at, o, JSON_OBJECT);
    w.from = read_addresses(&p, &at, o, "fromAddress", &w.from_count);
    w.to = read_addresses(&p, &at, o, "toAddress", &w.to_count);
    w.both = json_str_is(mode, "intersection");
    if (params_given(mode) && !w.both && !json_str_is(mode, "union"))
        params_fail_at(&p, &mode_at, "want \"union\" or \"intersection\"");
    if (params_given(after)) w.skip = read_count(&p, &after_at, after);
    if (params_given(count)) w.count = read_count(&p, &count_at, count);
    from = read_bound(&p, &at, json_get(o, "fromBlock"), "fromBlock", BLOCK_EARLIEST);
    to = read_bound(&p, &at, json_get(o, "toBlock"), "toBlock", BLOCK_LATEST);
    if (params_refused(&p, call) || !bound(call, &from, &first) || !bound(call, &to, &last)) return;
    if (first > last) {
        call_fail(call, CODE_INVALID_PARAMS, "invalid block range, ensure that to block is greater than from block");
        return;
    }
    filter_blocks(call, first, min_u64(last, head), &w);
}

/* ---- trace_replay*, trace_call ---- */

struct kinds {
    bool trace, state_diff;
    struct chain_tracer_config parts[2], whole;
};

static void read_kinds(struct params *p, size_t index, struct kinds *out)
{
    struct where at = params_where(index, "trace types");
    struct json list = params_value(p, &at);
    size_t i = 0;

    *out = (struct kinds){.parts = {RETRACE_CALLS, {.tracer = CHAIN_TRACE_PRESTATE, .diff = true}}};
    out->parts[0].name = SLICE("trace");
    out->parts[1].name = SLICE("stateDiff");
    if (!params_expect(p, &at, list, JSON_ARRAY)) return;
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct where item = {.outer = &at, .index = i};

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
    if (params_refused(&p, call) || !open_block(call, &at, replay_block, &v)) return;
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
    if (params_refused(&p, call) || !find_tx(call, &hash, SLICE("null"), &b, &index)) return;
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
        retrace_call(call, &v, &cc, config_of(&k), call_arena(call), &list, &output)) {
        put_replayed(call_result(call), &k, json_first(list), NULL);
        call_finish(call);
    }
    view_close(&v);
}

const struct rpc_method api_parity_methods[] = {
    {"trace_block", RPC_POOL, 0, trace_block},
    {"trace_call", RPC_POOL, 0, trace_call},
    {"trace_filter", RPC_POOL, 0, trace_filter},
    {"trace_get", RPC_POOL, 0, trace_get},
    {"trace_replayBlockTransactions", RPC_POOL, 0, replay_block},
    {"trace_replayTransaction", RPC_POOL, 0, replay_transaction},
    {"trace_transaction", RPC_POOL, 0, trace_transaction},
};
