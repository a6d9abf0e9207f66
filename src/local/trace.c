/* Traces: a block's transactions executed once more, or a call, with somebody looking on. */
#include <stdlib.h>

#include "base/clock.h"
#include "local/node.h"

/* One trace under way: the EVM's block over a reader, and what goes with it. */
struct tracing {
    struct chain_state *state;
    const struct block *block;
    const struct chain_trace *how;
    struct exec_reader reader;
    struct evm_env env;
    struct evm_block *evm;
    struct evm_trace_config config;
    struct arena_home memory;  /* the configuration's */
    struct arena_home scratch; /* one transaction's */
    struct arena *arena;       /* the caller's */
    struct chain_call_result *out;
    struct fan_error *err;
};

static int put(void *ctx, const uint8_t *at, size_t len)
{
    const struct chain_trace *how = ctx;

    return how->put(how->ctx, slice_of(at, len)) ? 0 : 1;
}

static enum fan_status config_for_evm(const struct chain_tracer_config *from, struct arena *a,
                                      struct evm_trace_config *out)
{
    static const uint32_t tracer[] = {[CHAIN_TRACE_STEPS] = EVM_TRACE_STEPS,
                                      [CHAIN_TRACE_CALLS] = EVM_TRACE_CALLS,
                                      [CHAIN_TRACE_FLAT_CALLS] = EVM_TRACE_FLAT_CALLS,
                                      [CHAIN_TRACE_PRESTATE] = EVM_TRACE_PRESTATE,
                                      [CHAIN_TRACE_FOUR_BYTE] = EVM_TRACE_FOUR_BYTE,
                                      [CHAIN_TRACE_NOOP] = EVM_TRACE_NOOP,
                                      [CHAIN_TRACE_MUX] = EVM_TRACE_MUX};
    struct evm_trace_config *parts = NULL;

    if (from->part_count) {
        parts = ARENA_ARRAY(a, from->part_count, struct evm_trace_config);
        if (!parts) return FAN_ENOMEM;
    }
    for (size_t i = 0; i < from->part_count; i++) {
        enum fan_status s = config_for_evm(&from->parts[i], a, &parts[i]);

        if (s) return s;
    }
    *out = (struct evm_trace_config){.tracer = tracer[from->tracer],
                                     .with_memory = from->with_memory,
                                     .no_stack = from->no_stack,
                                     .no_storage = from->no_storage,
                                     .with_return_data = from->with_return_data,
                                     .only_top_call = from->only_top_call,
                                     .with_log = from->with_log,
                                     .parity_errors = from->parity_errors,
                                     .parity = from->parity,
                                     .with_precompiles = from->with_precompiles,
                                     .diff = from->diff,
                                     .no_code = from->no_code,
                                     .with_empty = from->with_empty,
                                     .limit = from->limit,
                                     .name = from->name.at,
                                     .name_len = from->name.len,
                                     .parts = parts,
                                     .part_count = from->part_count};
    return FAN_OK;
}

static enum fan_status open_evm(struct tracing *t)
{
    t->evm = evm_block_open(&t->env, &t->reader.reader);
    return t->evm ? FAN_OK : FAN_ENOMEM;
}

static enum fan_status tx_for_evm(struct tracing *t, const struct tx *tx, struct evm_tx *out)
{
    struct arena scratch;

    arena_home_reset(&t->scratch);
    scratch = arena_of(&t->scratch);
    return exec_tx(tx, &scratch, out);
}

/* The block before its first transaction, on its parent's state. */
static enum fan_status begin_block(struct tracing *t)
{
    const struct header *h = &t->block->header;
    enum fan_status s;
    uint32_t status;

    exec_env(config_of(t->state->local), h, &t->env);
    t->env.no_eoa_check = 1; /* a development chain's impersonated senders */
    s = open_evm(t);
    if (s) return s;
    status = evm_block_begin(t->evm, &h->parent_hash, &h->parent_beacon_root);
    if (status == EVM_SUCCESS) return FAN_OK;
    return fan_error_set(t->err, t->reader.failed ? t->reader.failed : FAN_EINTERNAL,
                         "the block could not be begun again");
}

/* Runs the first transactions of the block; they are there, so they run: all but for the time, where FAN_OK leaves the
 * outcome's status CHAIN_CALL_TIMEOUT. */
static enum fan_status replay(struct tracing *t)
{
    evm_block_until(t->evm, t->how->timeout_ms ? clock_monotonic_ms() + t->how->timeout_ms : 0, t->how->stop);
    for (size_t i = 0; i < t->how->replay; i++) {
        struct evm_result result;
        struct evm_tx tx;
        enum fan_status s = tx_for_evm(t, &t->block->txs[i], &tx);

        if (s) return s;
        evm_block_execute(t->evm, &tx, false, &result);
        if (result.status == EVM_TIMEOUT) {
            t->out->status = CHAIN_CALL_TIMEOUT;
            return FAN_OK;
        }
        if (result.status > EVM_HALT)
            return fan_error_set(t->err, t->reader.failed ? t->reader.failed : FAN_EINTERNAL,
                                 "transaction %zu of the block could not be executed again: %s", i,
                                 result.text ? result.text : "");
    }
    return FAN_OK;
}

static enum fan_status trace_one(struct tracing *t, const struct evm_tx *tx, const struct fan_hash *hash, size_t index)
{
    struct evm_trace trace = {.config = t->config,
                              .stop = t->how->stop,
                              .size_max = t->how->size_max,
                              .ctx = (void *)(uintptr_t)t->how,
                              .put = put};
    struct evm_result result;

    if (t->how->timeout_ms) trace.deadline_ms = clock_monotonic_ms() + t->how->timeout_ms;
    trace.is_call = hash == NULL;
    if (hash) {
        trace.block_hash = t->block->hash;
        trace.block_number = t->block->header.number;
        trace.tx_hash = *hash;
        trace.tx_index = index;
    }
    evm_block_trace(t->evm, tx, &trace, &result);
    return call_take_result(&t->reader, &t->env, tx, &result, t->arena, t->out, t->err);
}

static enum fan_status trace_txs(struct tracing *t)
{
    enum fan_status s = begin_block(t);

    if (!s) s = replay(t);
    if (t->out->status == CHAIN_CALL_TIMEOUT) return s;
    for (size_t i = t->how->replay; !s && i < t->how->replay + t->how->count; i++) {
        struct evm_tx tx;

        s = tx_for_evm(t, &t->block->txs[i], &tx);
        if (s) return s;
        if (t->how->begin && !t->how->begin(t->how->ctx, i)) {
            t->out->status = CHAIN_CALL_TOO_LARGE;
            return FAN_OK;
        }
        s = trace_one(t, &tx, &t->block->txs[i].hash, i);
        if (s || t->out->status > CHAIN_CALL_HALT) return s;
        if (t->how->end && !t->how->end(t->how->ctx, i)) {
            t->out->status = CHAIN_CALL_TOO_LARGE;
            return FAN_OK;
        }
    }
    return s;
}

/* The state with what the EVM's block has changed of `parent`. */
static enum fan_status view_left(struct tracing *t, struct state_view *parent, struct state_view **out)
{
    struct state_diff *changes = NULL;
    struct evm_diff diff;
    enum fan_status s;

    if (evm_block_diff(t->evm, &diff) != EVM_SUCCESS)
        return fan_error_set(t->err, FAN_EINTERNAL, "the changes of the block could not be gathered");
    s = state_apply(parent, &diff, t->block->header.number, &changes, t->err);
    if (!s) s = state_view_after(parent, changes, out);
    state_diff_unref(changes);
    return s;
}

/* The state within the block, after the replayed transactions, as one that overrides can lie over. */
static enum fan_status state_within(struct tracing *t, struct state_view **out)
{
    enum fan_status s = begin_block(t);

    if (!s) s = replay(t);
    if (s || t->out->status == CHAIN_CALL_TIMEOUT) return s;
    s = view_left(t, t->state->view, out);
    evm_block_close(t->evm);
    t->evm = NULL;
    return s;
}

/* What a call left, for the next one. */
static enum fan_status state_left(struct tracing *t, struct state_view *parent, struct chain_state **out)
{
    struct chain_state *after = calloc(1, sizeof *after);
    enum fan_status s = after ? view_left(t, parent, &after->view) : FAN_ENOMEM;

    if (s) {
        free(after);
        return s;
    }
    after->local = t->state->local;
    after->db = state_db_ref(t->state->db);
    after->pending = t->state->pending ? block_ref(t->state->pending) : NULL;
    *out = after;
    return FAN_OK;
}

static enum fan_status trace_call(struct tracing *t, bool within)
{
    const struct chain_call *call = t->how->call;
    struct state_view *view = NULL;
    struct evm_tx evm;
    struct tx tx;
    enum fan_status s;

    if (within) {
        s = state_within(t, &view);
        if (s || t->out->status == CHAIN_CALL_TIMEOUT) return s;
        exec_reader_fini(&t->reader);
        exec_reader_init(&t->reader, view, &t->state->local->index);
    }
    call_env(t->state, t->block, call, &t->env);
    call_tx(t->state, call, &t->env, &tx);
    s = exec_reader_override(&t->reader, call->overrides, call->override_count);
    if (!s)
        s = exec_moves(t->env.fork, call->overrides, call->override_count, &t->reader.arena, &t->env.moves,
                       &t->env.move_count, t->err);
    if (!s) s = tx_for_evm(t, &tx, &evm);
    if (!s) s = open_evm(t);
    if (!s) s = trace_one(t, &evm, NULL, 0);
    if (!s && t->how->out_after && t->out->status <= CHAIN_CALL_HALT)
        s = state_left(t, view ? view : t->state->view, t->how->out_after);
    evm_block_close(t->evm); /* before the view that it reads */
    t->evm = NULL;
    state_view_unref(view);
    return s;
}

enum fan_status trace_run(struct chain_state *s, const struct block *b, const struct chain_trace *how, struct arena *a,
                          struct chain_call_result *out, struct fan_error *err)
{
    struct tracing t = {.state = s, .block = b, .how = how, .arena = a, .out = out, .err = err};
    struct arena memory;
    enum fan_status status;

    *out = (struct chain_call_result){0};
    arena_home_init(&t.memory, 0);
    arena_home_init(&t.scratch, 0);
    memory = arena_of(&t.memory);
    exec_reader_init(&t.reader, s->view, &s->local->index);
    status = config_for_evm(&how->config, &memory, &t.config);
    if (!status) status = how->call ? trace_call(&t, how->within) : trace_txs(&t);
    evm_block_close(t.evm);
    exec_reader_fini(&t.reader);
    arena_home_fini(&t.scratch);
    arena_home_fini(&t.memory);
    return status;
}
