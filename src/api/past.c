#include "api/past.h"

#include <stdio.h>

/* What waits in call_state() on the way to the pool. */
struct errand {
    struct chain_remote *remote;
    bool has_number; /* the parameter at `index` becomes this */
    size_t index;
    uint64_t number;
};

struct chain_remote *past_of(const struct api *api)
{
    if (!atomic_load_explicit(&api->chain->forked, memory_order_acquire)) return NULL;
    return api->chain->ops->remote(api->chain);
}

bool past_holds(const struct chain_remote *r, const struct block_at *at, const struct block *block)
{
    uint64_t fork = r->block->header.number;

    if (block) return block->header.number <= fork;
    return at->kind == BLOCK_HASH || at->kind == BLOCK_EARLIEST || (at->kind == BLOCK_NUMBER && at->number <= fork);
}

static enum fan_status put_params(struct call *call, const struct errand *e, struct buf *out)
{
    struct json_writer w = json_writer_of(out);
    struct json list = call_params(call);
    char text[24];
    size_t i = 0;

    (void)snprintf(text, sizeof text, "\"0x%llx\"", (unsigned long long)e->number);
    json_begin_array(&w);
    if (json_is(list, JSON_ARRAY))
        for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v), i++)
            json_put_raw(&w, e->has_number && i == e->index ? slice_str(text) : json_raw(v));
    if (e->has_number && i == e->index) json_put_raw(&w, slice_str(text)); /* it was left out */
    json_end_array(&w);
    return out->failed;
}

static void answer_error(struct call *call, int64_t code, struct slice data, const struct fan_error *err)
{
    int number = code >= INT32_MIN && code <= INT32_MAX ? (int)code : CODE_REFUSED;

    if (data.len)
        call_fail_data(call, number, data, "%s", err->text);
    else
        call_fail(call, number, "%s", err->text);
}

static void run_errand(struct call *call)
{
    struct errand e = *(struct errand *)call_state(call);
    char *method = arena_cstr(call_arena(call), call_method(call));
    struct slice result = {0}, data = {0};
    struct fan_error err = {{0}};
    int64_t code = 0;
    struct buf params;
    enum fan_status s;

    call_set_release(call, NULL);
    call_set_state(call, NULL);
    buf_init(&params, 0);
    s = method ? put_params(call, &e, &params) : FAN_ENOMEM;
    if (!s)
        s = e.remote->ops->request(e.remote, method, buf_peek(&params), true, call_arena(call), &result, &code, &data,
                                   &err);
    buf_fini(&params);
    if (!s) {
        json_put_raw(call_result(call), result);
        call_finish(call);
    } else if (s == FAN_EREJECTED) {
        answer_error(call, code, data, &err);
    } else {
        answer_status(call, s, &err);
    }
    chain_remote_unref(e.remote);
}

static void release_errand(void *state)
{
    struct errand *e = state;

    chain_remote_unref(e->remote);
}

void past_answer(struct call *call, struct chain_remote *r, const struct block_at *at)
{
    struct errand *e = ARENA_NEW(call_arena(call), struct errand);
    bool tag = at && (at->kind == BLOCK_LATEST || at->kind == BLOCK_SAFE || at->kind == BLOCK_FINALIZED);

    if (!e) {
        chain_remote_unref(r);
        answer_status(call, FAN_ENOMEM, NULL);
        return;
    }
    *e = (struct errand){.remote = r, .has_number = tag, .number = r->block->header.number};
    if (tag) e->index = at->index;
    call_set_state(call, e);
    call_set_release(call, release_errand);
    if (call_where(call) == RPC_POOL)
        run_errand(call);
    else
        call_continue(call, RPC_POOL, run_errand);
}

bool past_ask(struct call *call)
{
    struct chain_remote *r = past_of(api_of(call));

    if (r) past_answer(call, r, NULL);
    return r != NULL;
}

enum fan_status past_request(struct chain_remote *r, const char *method, struct slice params, struct arena *a,
                             struct slice *out_result)
{
    struct fan_error err = {{0}}, whole;
    struct slice data;
    int64_t code;
    enum fan_status s = r->ops->request(r, method, params, true, a, out_result, &code, &data, &err);

    if (s != FAN_EREJECTED && s != FAN_EREMOTE) return s;
    if (s == FAN_EREMOTE) return chain_remote_note(&err);
    (void)fan_error_set(&whole, s, "%.100s: %s: %.300s", r->url, method, err.text);
    return chain_remote_note(&whole);
}

enum fan_status past_put_logs(struct chain_remote *r, const struct filter *f, uint64_t from, uint64_t to,
                              struct arena *a, struct json_writer *w, size_t *out_count)
{
    struct buf params;
    struct json_writer p;
    struct slice result;
    struct json list;
    enum fan_status s;

    buf_init(&params, 0);
    p = json_writer_of(&params);
    json_begin_array(&p);
    json_begin_object(&p);
    json_put_key(&p, "fromBlock");
    json_put_u64(&p, from);
    json_put_key(&p, "toBlock");
    json_put_u64(&p, to);
    filter_put_json_members(f, &p);
    json_end_object(&p);
    json_end_array(&p);
    s = params.failed ? FAN_ENOMEM : past_request(r, "eth_getLogs", buf_peek(&params), a, &result);
    buf_fini(&params);
    if (!s) s = json_parse(result, JSON_DEPTH_MAX, a, &list, NULL);
    if (s) return s;
    *out_count = json_count(list);
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v)) json_put_raw(w, json_raw(v));
    return FAN_OK;
}
