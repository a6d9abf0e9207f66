#include "base/clock.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "local/console.h"
#include "local/node.h"

/* The header the call runs under: the block's own, as geth does, or the pending one's; then what the caller overrides.
 */
void call_env(const struct chain_state *s, const struct block *at, const struct chain_call *call, struct evm_env *env)
{
    const struct header *h = s->pending ? &s->pending->header : &at->header;

    exec_env(config_of(s->local), h, env);
    if (call->has_number) env->number = call->number;
    if (call->has_timestamp) env->timestamp = call->timestamp;
    if (call->has_gas_limit) env->gas_limit = call->gas_limit;
    if (call->has_base_fee) env->base_fee_wei = call->base_fee_wei;
    if (call->has_beneficiary) env->beneficiary = call->beneficiary;
    if (call->has_prev_randao) env->prev_randao = call->prev_randao;
    env->has_blob_base_fee = call->has_blob_base_fee;
    env->blob_base_fee_wei = call->blob_base_fee_wei;
    env->no_base_fee = !call->has_fee;
    env->no_nonce_check = 1;
    env->no_eoa_check = 1;
    env->no_block_gas_limit = 1;
}

void call_tx(const struct chain_state *s, const struct chain_call *call, const struct evm_env *env, struct tx *out)
{
    *out = call->tx;
    out->chain_id = config_of(s->local)->chain_id;
    if (!call->has_gas || (call->gas_max && out->gas_limit > call->gas_max))
        out->gas_limit = call->gas_max ? call->gas_max : env->gas_limit;
    if (!call->has_fee) out->gas_price_wei = out->priority_fee_wei = u256_of(0);
}

static bool put_calls(void *ctx, struct slice json)
{
    return console_put(ctx, json.at, json.len) == 0;
}

static enum fan_status copy_access(const struct evm_access *from, size_t count, struct arena *a,
                                   struct chain_call_result *out)
{
    struct tx_access *list = ARENA_ARRAY(a, count, struct tx_access);

    if (!list) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct fan_hash *slots = ARENA_ARRAY(a, from[i].slot_count, struct fan_hash);

        if (!slots) return FAN_ENOMEM;
        if (from[i].slot_count) memcpy(slots, from[i].slots, from[i].slot_count * sizeof *slots);
        list[i] = (struct tx_access){from[i].address, slots, from[i].slot_count};
    }
    out->access = list;
    out->access_count = count;
    return FAN_OK;
}

static enum fan_status copy_text(const char *text, struct arena *a, struct slice *out)
{
    if (!text || !*text) {
        *out = slice_of(NULL, 0);
        return FAN_OK;
    }
    *out = arena_dup(a, slice_str(text));
    return out->at ? FAN_OK : FAN_ENOMEM;
}

enum fan_status call_take_result(struct exec_reader *reader, const struct evm_env *env, const struct evm_tx *tx,
                                 const struct evm_result *from, struct arena *a, struct chain_call_result *out,
                                 struct fan_error *err)
{
    struct fan_error words;
    struct evm_account sender;
    bool known;

    out->gas_used = from->gas_used;
    out->gas_spent_max = from->gas_spent_max;
    if (from->output_len) {
        out->output = arena_dup(a, slice_of(from->output, from->output_len));
        if (!out->output.at) return FAN_ENOMEM;
    }
    switch (from->status) {
    case EVM_SUCCESS:
        out->status = CHAIN_CALL_SUCCESS;
        return FAN_OK;
    case EVM_REVERT:
        out->status = CHAIN_CALL_REVERT;
        return FAN_OK;
    case EVM_HALT:
        out->status = CHAIN_CALL_HALT;
        return copy_text(from->text, a, &out->text);
    case EVM_INVALID:
        out->status = CHAIN_CALL_INVALID;
        known = reader->reader.account(reader, &tx->sender, &sender) == 0;
        exec_invalid_words((enum evm_invalid)from->invalid, tx, env, known ? &sender : NULL, from->text, &words);
        return copy_text(words.text, a, &out->text);
    case EVM_TIMEOUT:
        out->status = CHAIN_CALL_TIMEOUT;
        return FAN_OK;
    case EVM_STOPPED:
        out->status = CHAIN_CALL_TOO_LARGE;
        return FAN_OK;
    case EVM_STATE_ERROR: {
        enum fan_status s = reader->failed ? reader->failed : FAN_EINTERNAL;

        return exec_unreadable(s, err);
    }
    default:
        return fan_error_set(err, FAN_EINTERNAL, "the EVM failed: %s", from->text ? from->text : "");
    }
}

/* The call said something to the console, so it is executed once more with its calls told; a brief one takes too long
 * then. */
static enum fan_status tell_console(struct chain_state *s, const struct block *at, const struct chain_call *call,
                                    struct arena *a, struct chain_call_result *made, struct fan_error *err)
{
    struct chain_trace how = {.config = {.tracer = CHAIN_TRACE_FLAT_CALLS},
                              .call = call,
                              .size_max = CONSOLE_CALLS_MAX,
                              .put = put_calls,
                              .stop = call->stop};
    uint64_t now_ms = clock_monotonic_ms();
    struct chain_call_result told;
    struct buf calls;
    enum fan_status status;

    if (made->status > CHAIN_CALL_HALT) return FAN_OK;
    if (call->brief_gas) {
        made->status = CHAIN_CALL_TIMEOUT;
        return FAN_OK;
    }
    if (call->deadline_ms) how.timeout_ms = call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 1;
    buf_init(&calls, CONSOLE_CALLS_MAX);
    how.ctx = &calls;
    status = trace_run(s, at, &how, a, &told, err);
    if (!status && told.status <= CHAIN_CALL_HALT) console_tell(&s->local->sink, buf_peek(&calls));
    buf_fini(&calls);
    return status;
}

enum fan_status call_run(struct chain_state *s, const struct block *at, const struct chain_call *call, bool want_access,
                         struct arena *a, struct chain_call_result *out, struct fan_error *err)
{
    struct exec_reader reader;
    struct evm_env env;
    struct evm_tx t;
    struct evm_result result;
    struct evm_outcome *outcome = NULL;
    const struct evm_access *access = NULL;
    size_t access_count = 0;
    struct tx tx;
    struct chain_call_result made = {0};
    struct evm_call_options options = {.deadline_ms = call->deadline_ms,
                                       .stop = call->stop,
                                       .brief_gas = call->brief_gas,
                                       .want_access_list = want_access};
    enum fan_status status;

    call_env(s, at, call, &env);
    call_tx(s, call, &env, &tx);
    exec_reader_init(&reader, s->view, &s->local->index);
    status = exec_reader_override(&reader, call->overrides, call->override_count);
    if (!status)
        status = exec_moves(want_access ? EXEC_NO_PRECOMPILES : env.fork, call->overrides, call->override_count,
                            &reader.arena, &env.moves, &env.move_count, err);
    if (!status) status = exec_tx(&tx, &reader.arena, &t);
    if (status) goto out;
    memset(&result, 0, sizeof result);
    outcome = evm_call(&env, &reader.reader, &t, &options, &result, want_access ? &access : NULL,
                       want_access ? &access_count : NULL);
    if (!outcome) {
        status = FAN_ENOMEM;
        goto out;
    }
    status = call_take_result(&reader, &env, &t, &result, a, &made, err);
    if (!status && want_access) status = copy_access(access, access_count, a, &made);
    if (!status && call->tell_console && reader.console_seen && s->local->sink.console)
        status = tell_console(s, at, call, a, &made, err);
    if (!status) *out = made;
out:
    evm_outcome_free(outcome);
    exec_reader_fini(&reader);
    return status;
}
