#include "api/retrace.h"

enum { CODE_TOO_LARGE = -32003 };

const struct chain_tracer_config RETRACE_CALLS = {.tracer = CHAIN_TRACE_FLAT_CALLS, .parity = true};

void retrace_answer_refused(struct call *call, const struct chain_call_result *r)
{
    switch (r->status) {
    case CHAIN_CALL_SUCCESS:
    case CHAIN_CALL_REVERT:
    case CHAIN_CALL_HALT:
        call_finish(call);
        return;
    case CHAIN_CALL_INVALID:
        call_fail(call, CODE_REFUSED, "tracing failed: %.*s", SLICE_ARGS(r->text));
        return;
    case CHAIN_CALL_TIMEOUT:
        call_fail(call, CODE_TIMEOUT, "execution timeout");
        return;
    case CHAIN_CALL_TOO_LARGE:
        call_fail(call, CODE_TOO_LARGE, "response too large");
        return;
    }
}

bool retrace_parent(struct call *call, const struct block *b, struct view *out)
{
    struct block_at at = {.kind = BLOCK_HASH, .hash = b->header.parent_hash};

    if (!api_of(call)->chain->ops->trace) {
        answer_status(call, FAN_EUNSUPPORTED, NULL);
        return false;
    }
    return view_state(call, &at, RPC_POOL, NULL, out);
}

static bool begin_one(void *ctx, size_t index)
{
    struct buf *text = ctx;

    (void)index;
    if (text->len > 1) buf_put_byte(text, ',');
    return !text->failed;
}

static bool put_piece(void *ctx, struct slice json)
{
    struct buf *text = ctx;

    buf_put(text, json);
    return !text->failed;
}

/* Runs what `how` asks for on s, and parses what was told. */
static bool gather(struct call *call, struct chain_state *s, const struct block *b, struct chain_trace *how,
                   struct arena *a, struct json *out, struct slice *out_output)
{
    struct api *api = api_of(call);
    struct chain_call_result r = {0};
    struct fan_error err = {{0}};
    struct slice copy = {0};
    struct buf text;
    enum fan_status status;

    buf_init(&text, call_result(call)->out->len_max);
    buf_put_byte(&text, '[');
    how->timeout_ms = api->options.call_timeout_ms;
    how->stop = call_unwanted(call);
    how->size_max = text.len_max;
    how->ctx = &text;
    how->begin = how->call ? NULL : begin_one;
    how->put = put_piece;
    status = api->chain->ops->trace(s, b, how, a, &r, &err);
    buf_put_byte(&text, ']');
    if (!status && r.status <= CHAIN_CALL_HALT) {
        copy = text.failed ? (struct slice){0} : arena_dup(a, buf_peek(&text));
        status = copy.at ? json_parse(copy, JSON_DEPTH_MAX, a, out, NULL) : FAN_ENOMEM;
    }
    buf_fini(&text);
    if (status) {
        answer_status(call, status, &err);
        return false;
    }
    if (r.status > CHAIN_CALL_HALT) {
        retrace_answer_refused(call, &r);
        return false;
    }
    if (out_output) *out_output = r.output;
    return true;
}

bool retrace_txs(struct call *call, const struct block *b, const struct chain_tracer_config *config, size_t first,
                 size_t count, struct arena *a, struct json *out)
{
    struct chain_trace how = {.config = *config, .replay = first, .count = count};
    struct view parent;
    bool done;

    *out = (struct json){0};
    if (!count || b->header.number == 0) return true;
    if (!retrace_parent(call, b, &parent)) return false;
    done = gather(call, parent.state, b, &how, a, out, NULL);
    view_close(&parent);
    return done;
}

bool retrace_call(struct call *call, const struct view *v, const struct chain_call *cc,
                  const struct chain_tracer_config *config, struct arena *a, struct json *out, struct slice *out_output,
                  struct chain_state **out_after)
{
    struct chain_trace how = {.config = *config, .call = cc, .out_after = out_after};

    if (!api_of(call)->chain->ops->trace) {
        answer_status(call, FAN_EUNSUPPORTED, NULL);
        return false;
    }
    return gather(call, v->state, v->block, &how, a, out, out_output);
}
