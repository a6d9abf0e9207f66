/* eth_getLogs. */
#include "api/logs.h"

#include "api/past.h"
#include "api/tables.h"

void logs_read_filter(struct params *p, size_t index, const struct api *api, struct filter *out,
                      struct filter_range *out_range)
{
    struct where at = params_where(index, "filter");
    struct fan_error why = {0};
    enum fan_status s;

    *out = (struct filter){0};
    *out_range = (struct filter_range){{0}, {0}, {0}, {0}};
    if (p->code) return;
    s = filter_parse(json_at(p->list, index), &api->options.filter, p->arena, out, out_range, &why);
    if (s == FAN_ENOMEM)
        params_fail(p, CODE_INTERNAL, "%s", fan_status_text(s));
    else if (s)
        params_fail_at(p, &at, "%s", why.text[0] ? why.text : fan_status_text(s));
}

static struct block_at read_end(struct params *p, struct json v, const char *key)
{
    struct where filter = params_where(0, "filter"), at = {.outer = &filter, .key = key};

    if (json_kind(v) <= JSON_NULL) return (struct block_at){.kind = BLOCK_LATEST};
    return read_block(p, &at, v, false);
}

void logs_check_live_range(struct params *p, const struct filter_range *range)
{
    struct block_at from = read_end(p, range->from_block, "fromBlock"), to = read_end(p, range->to_block, "toBlock");

    if (from.kind == BLOCK_PENDING || to.kind == BLOCK_PENDING)
        params_fail(p, CODE_INVALID_PARAMS, "pending logs are not supported");
    if (from.kind == BLOCK_EARLIEST) from = (struct block_at){.kind = BLOCK_NUMBER};
    if (to.kind == BLOCK_EARLIEST) to = (struct block_at){.kind = BLOCK_NUMBER};
    if (to.kind == BLOCK_LATEST && (from.kind == BLOCK_LATEST || from.kind == BLOCK_NUMBER)) return;
    if (from.kind == BLOCK_NUMBER && to.kind == BLOCK_NUMBER && to.number >= from.number) return;
    params_fail(p, CODE_INVALID_PARAMS, "invalid block range params");
}

/* ---- one block, by hash ---- */

static void answer_block(struct call *call, const struct filter *f, const struct block *b)
{
    struct json_writer *w = call_result(call);
    size_t max = api_of(call)->options.logs_max, count = 0;

    json_begin_array(w);
    for (size_t i = 0; i < b->log_count; i++) {
        const struct log *l = &b->logs[i];

        if (!filter_matches(f, &l->address, l->topics, l->topic_count)) continue;
        if (++count > max) {
            call_fail(call, CODE_TOO_MANY,
                      "query returned more than %zu results in one block; narrow address or topics", max);
            return;
        }
        log_put_json(l, false, w);
    }
    json_end_array(w);
    call_finish(call);
}

/* True when the block is the other node's to tell, and the call went there; b is then let go. */
static bool went_past(struct call *call, const struct block_at *at, struct block *b)
{
    struct chain_remote *r = past_of(api_of(call));

    if (!r || !past_holds(r, at, b)) {
        chain_remote_unref(r);
        return false;
    }
    block_unref(b);
    past_answer(call, r, at);
    return true;
}

static void answer_by_hash(struct call *call, struct params *p, const struct filter *f, struct json hash)
{
    struct where filter = params_where(0, "filter"), where = {.outer = &filter, .key = "blockHash"};
    struct block_at at = {.kind = BLOCK_HASH, .hash = read_hash(p, &where, hash)};
    struct block *b = NULL;
    bool canonical;
    enum fan_status s;

    if (params_refused(p, call)) return;
    s = view_find(api_of(call)->chain, &at, &b, &canonical);
    if (!s && went_past(call, &at, b)) return;
    if (s)
        answer_status(call, s, NULL);
    else if (!b || !b->has_receipts)
        call_fail(call, CODE_REFUSED, "unknown block");
    else
        answer_block(call, f, b);
    block_unref(b);
}

/* ---- a range ---- */

/* The number a range's end means; false when the call was answered. */
static bool resolve_end(struct call *call, const struct block_at *at, uint64_t *out)
{
    struct chain *chain = api_of(call)->chain;
    struct block *b = NULL;
    enum fan_status s;
    bool canonical;

    if (at->kind == BLOCK_NUMBER || at->kind == BLOCK_EARLIEST) {
        *out = at->number; /* earliest: 0, be it here or on the chain below */
        return true;
    }
    s = view_find(chain, at, &b, &canonical);
    if (!s && !b) {
        call_fail(call, CODE_REFUSED, "%s header not found",
                  at->kind == BLOCK_SAFE ? "safe" : "finalized");
        return false;
    }
    if (s) {
        answer_status(call, s, NULL);
        return false;
    }
    *out = b->header.number;
    block_unref(b);
    return true;
}

static enum fan_status put_log(void *ctx, const struct log *l)
{
    struct json_writer *w = ctx;

    if (w->out->failed) return FAN_ELIMIT;
    log_put_json(l, false, w);
    return FAN_OK;
}

/* A range that spans the fork: the other node's part of it first. */
static enum fan_status put_past(struct call *call, const struct filter *f, uint64_t from, uint64_t to,
                                size_t *out_count)
{
    struct chain_remote *r = past_of(api_of(call));
    enum fan_status s = FAN_OK;

    if (r && from <= r->block->header.number)
        s = past_put_logs(r, f, from, min_u64(to, r->block->header.number), call_arena(call), call_result(call),
                          out_count);
    chain_remote_unref(r);
    return s;
}

static void answer_range(struct call *call, const struct filter *f, uint64_t from, uint64_t to)
{
    struct api *api = api_of(call);
    struct json_writer *w = call_result(call);
    uint64_t fits = 0;
    size_t before = 0, max = api->options.logs_max;
    enum fan_status s;

    json_begin_array(w);
    s = put_past(call, f, from, to, &before);
    if (!s)
        s = before > max ? FAN_ELIMIT
                         : api->chain->ops->logs(api->chain, f, from, to, max - before, put_log, w, &fits);
    json_end_array(w);
    if (!s || w->out->failed) {
        call_finish(call); /* a reply that became too large is rpc's to refuse */
    } else if (s == FAN_ELIMIT && fits >= from && fits <= to) {
        call_fail(call, CODE_TOO_MANY,
                  "query returned more than %zu results. Try with this block range [0x%llx, 0x%llx].",
                  api->options.logs_max, (unsigned long long)from, (unsigned long long)fits);
    } else if (s == FAN_ELIMIT) {
        call_fail(call, CODE_TOO_MANY,
                  "query returned more than %zu results in block 0x%llx alone; narrow address or topics",
                  api->options.logs_max, (unsigned long long)from);
    } else {
        answer_status(call, s, NULL);
    }
}

/* Does it begin before a fork? Then the network is waited for. */
static bool is_past(const struct api *api, uint64_t from)
{
    struct chain_remote *r = past_of(api);
    bool past = r && from <= r->block->header.number;

    chain_remote_unref(r);
    return past;
}

void logs_answer(struct call *call, struct params *p, const struct filter *f, const struct filter_range *range,
                 bool on_pool, void (*again)(struct call *call))
{
    struct api *api = api_of(call);
    bool has_from = json_kind(range->from_block) > JSON_NULL, has_to = json_kind(range->to_block) > JSON_NULL;
    struct block_at from_at, to_at;
    uint64_t from, to, head;

    if (json_kind(range->block_hash) > JSON_NULL) {
        if (has_from || has_to) params_fail(p, CODE_INVALID_PARAMS, "can't specify fromBlock/toBlock with blockHash");
        answer_by_hash(call, p, f, range->block_hash);
        return;
    }
    from_at = read_end(p, range->from_block, "fromBlock");
    to_at = read_end(p, range->to_block, "toBlock");
    if (from_at.kind == BLOCK_NUMBER && to_at.kind == BLOCK_NUMBER && from_at.number > to_at.number)
        params_fail(p, CODE_INVALID_PARAMS, "invalid block range params");
    if (from_at.kind == BLOCK_PENDING || to_at.kind == BLOCK_PENDING)
        params_fail(p, CODE_INVALID_PARAMS, "pending logs are not supported");
    if (params_refused(p, call)) return;
    if (!resolve_end(call, &from_at, &from) || !resolve_end(call, &to_at, &to)) return;
    head = atomic_load_explicit(&api->chain->head_number, memory_order_acquire);
    if (from > to) {
        call_fail(call, CODE_INVALID_PARAMS, "invalid block range params");
    } else if (to > head && to_at.kind == BLOCK_NUMBER) {
        call_fail(call, CODE_INVALID_PARAMS, "block range extends beyond current head block");
    } else if (!on_pool && (to - from >= api->options.inline_blocks_max || is_past(api, from))) {
        call_continue(call, RPC_POOL, again);
    } else {
        answer_range(call, f, from, to);
    }
}

static void get_logs_at(struct call *call, bool on_pool);

static void get_logs_on_pool(struct call *call)
{
    get_logs_at(call, true);
}

static void get_logs_at(struct call *call, bool on_pool)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "filter");
    struct filter_range range;
    struct filter f;

    (void)params_value(&p, &at);
    logs_read_filter(&p, 0, api_of(call), &f, &range);
    if (params_refused(&p, call)) return;
    logs_answer(call, &p, &f, &range, on_pool, get_logs_on_pool);
}

static void get_logs(struct call *call)
{
    get_logs_at(call, false);
}

const struct rpc_method api_eth_logs_methods[] = {
    {"eth_getLogs", RPC_INLINE, 0, get_logs},
};
