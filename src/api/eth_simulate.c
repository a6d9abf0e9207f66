/* eth_simulateV1: blocks of calls on top of a state, each with overrides, answered as if they had been sealed. Codes
 * and words are geth's; what a strange key in an override is called too. */
#include <inttypes.h>

#include "api/execute.h"
#include "api/tables.h"
#include "base/clock.h"
#include "codec/abi.h"
#include "codec/u256.h"

enum { BLOCKS_MAX = 256, CALLS_PER_BLOCK_MAX = 5000, CALLS_MAX = 10000, TIME_STEP_S = 12 };

enum sim_code {
    CODE_NONCE_LOW = -38010,
    CODE_NONCE_HIGH = -38011,
    CODE_FEE_LOW = -38012,
    CODE_INTRINSIC_GAS = -38013,
    CODE_FUNDS = -38014,
    CODE_BLOCK_GAS = -38015,
    CODE_BLOCK_NUMBER = -38020,
    CODE_BLOCK_TIME = -38021,
    CODE_SENDER_CODE = -38024,
    CODE_INITCODE = -38025,
    CODE_TOO_LARGE = -32003
};

struct simulate {
    struct call *call;
    struct params *p;
    struct chain_sim_block *blocks; /* with room for the gaps */
    size_t block_count;
    bool trace_transfers, validation, full_txs;
};

/* ---- reading ---- */

/* geth refuses keys that it does not know here, and only here. */
static void check_keys(struct params *p, const struct where *at, struct json o, const char *const *known, size_t count,
                       const char *what)
{
    for (struct json v = json_first(o); !p->code && !json_is(v, JSON_MISSING); v = json_next(v)) {
        size_t i = 0;

        while (i < count && !json_key_is(v, slice_str(known[i]))) i++;
        if (i == count) {
            struct slice key = json_key(v);

            params_fail_at(p, at, "unknown field \"%.*s\" in %s", (int)(key.len < 60 ? key.len : 60),
                           (const char *)key.at, what);
        }
    }
}

static void read_withdrawals(struct params *p, const struct where *at, struct json list, struct chain_sim_block *out)
{
    struct withdrawal *w;
    size_t i = 0;

    if (!params_given(list) || !params_expect(p, at, list, JSON_ARRAY)) return;
    w = params_items(p, list, sizeof *w, &out->withdrawal_count);
    for (struct json v = json_first(list); w && !p->code && !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct where item = {.outer = at, .index = i};

        if (!params_expect(p, &item, v, JSON_OBJECT)) return;
        w[i].index = read_u64(p, &(struct where){.outer = &item, .key = "index"}, json_get(v, "index"));
        w[i].validator_index =
            read_u64(p, &(struct where){.outer = &item, .key = "validatorIndex"}, json_get(v, "validatorIndex"));
        w[i].address = read_address(p, &(struct where){.outer = &item, .key = "address"}, json_get(v, "address"));
        w[i].amount_gwei = read_u64(p, &(struct where){.outer = &item, .key = "amount"}, json_get(v, "amount"));
    }
    out->withdrawals = w;
}

static void read_block_terms(struct params *p, const struct where *at, struct json o, struct chain_sim_block *out)
{
    static const char *const known[] = {"number",     "difficulty",    "time",        "gasLimit",   "feeRecipient",
                                        "prevRandao", "baseFeePerGas", "blobBaseFee", "beaconRoot", "withdrawals"};
    struct json root = json_get(o, "beaconRoot");

    if (p->code || !params_given(o) || !params_expect(p, at, o, JSON_OBJECT)) return;
    check_keys(p, at, o, known, COUNT_OF(known), "block override");
    message_read_block_overrides_at(p, at, o, true, &out->terms);
    if (params_given(json_get(o, "difficulty")))
        params_fail(p, CODE_INVALID_PARAMS, "block %" PRIu64 ": difficulty override is not allowed after the merge",
                    out->terms.number);
    if (params_given(root)) out->beacon_root = read_hash(p, &(struct where){.outer = at, .key = "beaconRoot"}, root);
    read_withdrawals(p, &(struct where){.outer = at, .key = "withdrawals"}, json_get(o, "withdrawals"), out);
}

static void read_state_terms(struct params *p, const struct where *at, struct json o, struct chain_sim_block *out)
{
    static const char *const known[] = {"nonce", "code", "balance", "state", "stateDiff", "movePrecompileToAddress"};

    if (p->code || !params_given(o) || !params_expect(p, at, o, JSON_OBJECT)) return;
    for (struct json v = json_first(o); !json_is(v, JSON_MISSING); v = json_next(v))
        check_keys(p, at, v, known, COUNT_OF(known), "state override");
    message_read_overrides_at(p, at, o, &out->terms);
}

static void read_calls(struct simulate *m, const struct where *at, struct json list, size_t *total,
                       struct chain_sim_block *out, struct message **out_messages)
{
    struct params *p = m->p;
    struct message *messages;
    size_t i = 0;

    *out_messages = NULL;
    if (!params_given(list) || !params_expect(p, at, list, JSON_ARRAY)) return;
    if (json_count(list) > CALLS_PER_BLOCK_MAX) {
        params_fail(p, CODE_CLIENT_LIMIT, "too many calls in block: %zu > %d", json_count(list), CALLS_PER_BLOCK_MAX);
        return;
    }
    *total += json_count(list);
    if (*total > CALLS_MAX) {
        params_fail(p, CODE_CLIENT_LIMIT, "too many calls: %zu > %d", *total, CALLS_MAX);
        return;
    }
    messages = params_items(p, list, sizeof *messages, &out->call_count);
    out->calls = params_items(p, list, sizeof *out->calls, &out->call_count);
    for (struct json v = json_first(list); messages && !p->code && !json_is(v, JSON_MISSING); v = json_next(v), i++)
        message_read_at(p, &(struct where){.outer = at, .index = i}, v, &messages[i]);
    *out_messages = messages;
}

/* ---- the order of blocks ---- */

/* Numbers and times ascend, gaps are blocks without calls. False: refused. */
static bool order(struct simulate *m, const struct header *base, struct chain_sim_block *given, size_t count,
                  struct message **messages, struct message ***out_messages)
{
    uint64_t number = base->number, time = base->timestamp;
    size_t at = 0;

    m->blocks = ARENA_ARRAY(call_arena(m->call), BLOCKS_MAX, struct chain_sim_block);
    *out_messages = ARENA_ARRAY(call_arena(m->call), BLOCKS_MAX, struct message *);
    if (!m->blocks || !*out_messages) {
        params_fail(m->p, CODE_INTERNAL, "%s", fan_status_text(FAN_ENOMEM));
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct chain_call *t = &given[i].terms;

        if (!t->has_number) t->number = number + 1;
        if (t->number <= number) {
            params_fail(m->p, CODE_BLOCK_NUMBER, "block numbers must be in order: %" PRIu64 " <= %" PRIu64, t->number,
                        number);
            return false;
        }
        if (t->number - base->number > BLOCKS_MAX) {
            params_fail(m->p, CODE_CLIENT_LIMIT, "too many blocks");
            return false;
        }
        for (number++; number < t->number; number++) {
            time += TIME_STEP_S;
            m->blocks[at++].terms =
                (struct chain_call){.has_number = true, .has_timestamp = true, .number = number, .timestamp = time};
        }
        if (!t->has_timestamp) t->timestamp = time + TIME_STEP_S;
        if (t->timestamp <= time) {
            params_fail(m->p, CODE_BLOCK_TIME, "block timestamps must be in order: %" PRIu64 " <= %" PRIu64,
                        t->timestamp, time);
            return false;
        }
        t->has_number = t->has_timestamp = true;
        time = t->timestamp;
        (*out_messages)[at] = messages[i];
        m->blocks[at++] = given[i];
    }
    m->block_count = at;
    return true;
}

/* Messages become transactions, as eth_call's. */
static bool fill_calls(struct simulate *m, struct message **messages)
{
    const struct chain_config *config = api_of(m->call)->chain->ops->config(api_of(m->call)->chain);

    for (size_t i = 0; i < m->block_count; i++) {
        struct chain_sim_block *b = &m->blocks[i];
        bool london = fork_at(config, b->terms.number, b->terms.timestamp) >= FORK_LONDON;

        for (size_t k = 0; k < b->call_count; k++) {
            struct chain_call cc = {0};
            struct fan_error words = {{0}};

            if (!message_for_call(&messages[i][k], config->chain_id, london, UINT64_MAX, &cc, &words)) {
                params_fail(m->p, CODE_REFUSED, "%s", words.text);
                return false;
            }
            b->calls[k] = (struct chain_sim_call){
                .tx = cc.tx, .has_nonce = messages[i][k].has_nonce, .has_gas = messages[i][k].has_gas};
        }
    }
    return true;
}

/* ---- writing ---- */

static void put_error(struct json_writer *w, const struct chain_sim_result *r, struct arena scratch)
{
    struct slice words;
    char *text = NULL;

    json_put_key(w, "error");
    json_begin_object(w);
    json_put_key(w, "message");
    if (r->status == CHAIN_CALL_REVERT) {
        if (abi_revert_reason(r->output, &scratch, &words))
            text = arena_printf(&scratch, "execution reverted: %.*s", SLICE_ARGS(words));
        json_put_text(w, text ? text : "execution reverted");
    } else {
        if (r->gas_capped)
            text = arena_printf(&scratch, "%.*s (gas limit was capped by the RPC server's global gas cap)",
                                SLICE_ARGS(r->text));
        json_put_str(w, text ? slice_str(text) : r->text);
    }
    json_put_key(w, "code");
    json_put_raw(w, r->status == CHAIN_CALL_REVERT ? SLICE("3") : SLICE("-32015"));
    if (r->status == CHAIN_CALL_REVERT) {
        json_put_key(w, "data");
        json_put_data(w, r->output);
    }
    json_end_object(w);
}

static void put_result(struct json_writer *w, const struct chain_sim_result *r, struct arena scratch)
{
    json_begin_object(w);
    json_put_key(w, "returnData");
    json_put_data(w, r->status == CHAIN_CALL_SUCCESS ? r->output : slice_of(NULL, 0)); /* a revert's is in its error */
    json_put_key(w, "logs");
    json_begin_array(w);
    for (size_t i = 0; i < r->log_count; i++) log_put_json(&r->logs[i], false, w);
    json_end_array(w);
    json_put_key(w, "gasUsed");
    json_put_u64(w, r->gas_used);
    json_put_key(w, "maxUsedGas");
    json_put_u64(w, r->gas_spent_max);
    json_put_key(w, "status");
    json_put_u64(w, r->status == CHAIN_CALL_SUCCESS);
    if (r->status != CHAIN_CALL_SUCCESS) put_error(w, r, scratch);
    json_end_object(w);
}

/* A block as eth_getBlockByNumber shows it, and `calls` as its last member. */
static bool put_block(void *ctx, const struct block *b, const struct chain_sim_result *results)
{
    struct simulate *m = ctx;
    struct json_writer *w = call_result(m->call), calls;
    struct arena_home home;
    size_t len;

    block_put_json(b, m->full_txs, w);
    if (w->out->failed) return false;
    len = w->out->len;
    w->out->len = len - 1; /* the brace that ends it comes later */
    buf_put_str(w->out, ",\"calls\":");
    arena_home_init(&home, 0);
    calls = json_writer_of(w->out);
    json_begin_array(&calls);
    for (size_t i = 0; i < b->tx_count; i++) {
        arena_home_reset(&home);
        put_result(&calls, &results[i], arena_of(&home));
    }
    json_end_array(&calls);
    buf_put_byte(w->out, '}');
    arena_home_fini(&home);
    return !w->out->failed;
}

static int code_of(enum chain_sim_refusal why)
{
    switch (why) {
    case CHAIN_SIM_NONCE_LOW:
        return CODE_NONCE_LOW;
    case CHAIN_SIM_NONCE_HIGH:
        return CODE_NONCE_HIGH;
    case CHAIN_SIM_FEE_LOW:
        return CODE_FEE_LOW;
    case CHAIN_SIM_INTRINSIC_GAS:
        return CODE_INTRINSIC_GAS;
    case CHAIN_SIM_FUNDS:
        return CODE_FUNDS;
    case CHAIN_SIM_BLOCK_GAS:
        return CODE_BLOCK_GAS;
    case CHAIN_SIM_SENDER_CODE:
        return CODE_SENDER_CODE;
    case CHAIN_SIM_INITCODE:
        return CODE_INITCODE;
    case CHAIN_SIM_FEES_UNFIT:
        return CODE_INVALID_PARAMS;
    case CHAIN_SIM_TIMEOUT:
        return CODE_TIMEOUT;
    case CHAIN_SIM_TOO_LARGE:
        return CODE_TOO_LARGE;
    case CHAIN_SIM_FINE:
        return CODE_REFUSED;
    case CHAIN_SIM_OTHER:
        break;
    }
    return CODE_INTERNAL;
}

/* ---- the method ---- */

static void run(struct simulate *m, const struct view *v)
{
    struct api *api = api_of(m->call);
    struct json_writer *w = call_result(m->call);
    struct chain_simulation sim = {.blocks = m->blocks,
                                   .block_count = m->block_count,
                                   .trace_transfers = m->trace_transfers,
                                   .validation = m->validation,
                                   .gas_max = api->options.call_gas_max,
                                   .deadline_ms = clock_monotonic_ms() + api->options.call_timeout_ms,
                                   .stop = call_unwanted(m->call),
                                   .size_max = w->out->len_max,
                                   .ctx = m,
                                   .block = put_block};
    enum chain_sim_refusal why = CHAIN_SIM_FINE;
    struct fan_error err = {{0}};
    enum fan_status s;

    json_begin_array(w);
    s = api->chain->ops->simulate(v->state, v->block, &sim, &why, &err);
    json_end_array(w);
    if (s == FAN_EREJECTED && why == CHAIN_SIM_TOO_LARGE)
        call_fail(m->call, CODE_TOO_LARGE, "response too large");
    else if (s == FAN_EREJECTED)
        call_fail(m->call, code_of(why), "%s", err.text);
    else if (s)
        answer_status(m->call, s, &err);
    else
        call_finish(m->call);
}

static bool flag(struct params *p, const struct where *at, struct json o, const char *key)
{
    struct json v = json_get(o, key);

    return params_given(v) && read_bool(p, &(struct where){.outer = at, .key = key}, v);
}

static void simulate_v1(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct where where = params_where(0, "payload"), list_at = {.outer = &where, .key = "blockStateCalls"};
    struct json o = params_value(&p, &where), list = json_get(o, "blockStateCalls");
    struct simulate m = {.call = call, .p = &p};
    struct chain_sim_block *given = NULL;
    struct message **messages = NULL, **in_order;
    struct block_at at;
    struct view v;
    size_t count = 0, total = 0, i = 0;

    if (params_expect(&p, &where, o, JSON_OBJECT)) {
        m.trace_transfers = flag(&p, &where, o, "traceTransfers");
        m.validation = flag(&p, &where, o, "validation");
        m.full_txs = flag(&p, &where, o, "returnFullTransactions");
        if (!params_given(list) || !json_count(list)) params_fail(&p, CODE_INVALID_PARAMS, "empty input");
        if (params_expect(&p, &list_at, list, JSON_ARRAY) && json_count(list) > BLOCKS_MAX)
            params_fail(&p, CODE_CLIENT_LIMIT, "too many blocks");
    }
    if (!p.code) {
        given = params_items(&p, list, sizeof *given, &count);
        messages = params_items(&p, list, sizeof *messages, &count);
    }
    for (struct json b = json_first(list); !p.code && !json_is(b, JSON_MISSING); b = json_next(b), i++) {
        struct where block = {.outer = &list_at, .index = i};

        if (!params_expect(&p, &block, b, JSON_OBJECT)) break;
        read_block_terms(&p, &(struct where){.outer = &block, .key = "blockOverrides"}, json_get(b, "blockOverrides"),
                         &given[i]);
        read_state_terms(&p, &(struct where){.outer = &block, .key = "stateOverrides"}, json_get(b, "stateOverrides"),
                         &given[i]);
        read_calls(&m, &(struct where){.outer = &block, .key = "calls"}, json_get(b, "calls"), &total, &given[i],
                   &messages[i]);
    }
    at = params_block(&p, 1);
    if (params_refused(&p, call)) return;
    if (!view_state(call, &at, RPC_POOL, simulate_v1, &v)) return;
    if (!api_of(call)->chain->ops->simulate)
        answer_status(call, FAN_EUNSUPPORTED, NULL);
    else if (!order(&m, &v.block->header, given, count, messages, &in_order) || !fill_calls(&m, in_order))
        (void)params_refused(&p, call);
    else
        run(&m, &v);
    view_close(&v);
}

const struct rpc_method api_eth_simulate_methods[] = {
    {"eth_simulateV1", RPC_POOL, 0, simulate_v1},
};
