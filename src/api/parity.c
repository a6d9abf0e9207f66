/* trace_*: the calls of transactions as OpenEthereum's trace module told them, which explorers and indexers read; anvil
 * and other nodes have kept it. Numbers of blocks and positions are JSON numbers there, gas is a frame's own.
 *
 * Not here: what a transaction or a call changed (parity_replay.c), and the rewards of blocks with proof of work. */
#include <inttypes.h>
#include <stdio.h>

#include "api/parity.h"
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

bool parity_find_tx(struct call *call, const struct fan_hash *hash, struct slice nothing, struct block **out,
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

    if (params_refused(&p, call) || !parity_find_tx(call, &hash, SLICE("[]"), &b, &index)) return;
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
    if (params_refused(&p, call) || !parity_find_tx(call, &hash, SLICE("null"), &b, &index)) return;
    if (retrace_txs(call, b, &RETRACE_CALLS, index, 1, call_arena(call), &list)) {
        for (struct json v = json_first(json_first(list)); !json_is(v, JSON_MISSING); v = json_next(v))
            if (is_at(v, path, len)) found = v;
        json_put_raw(call_result(call), json_is(found, JSON_MISSING) ? SLICE("null") : json_raw(found));
        call_finish(call);
    }
    block_unref(b);
}

bool parity_open_block(struct call *call, const struct block_at *at, void (*again)(struct call *call), struct view *out)
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
    if (params_refused(&p, call) || !parity_open_block(call, &at, trace_block, &v)) return;
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

const struct rpc_method api_parity_methods[] = {
    {"trace_block", RPC_POOL, 0, trace_block},
    {"trace_filter", RPC_POOL, 0, trace_filter},
    {"trace_get", RPC_POOL, 0, trace_get},
    {"trace_transaction", RPC_POOL, 0, trace_transaction},
};
