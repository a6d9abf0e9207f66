/* ots_*: what the explorer Otterscan asks a node, in the form of its API level 8: one transaction, one account. Its
 * pages are in otterscan_pages.c. */
#include "api/history.h"
#include "api/past.h"
#include "api/retrace.h"
#include "api/tables.h"
#include "codec/hex.h"
#include "codec/keccak.h"

enum { API_LEVEL = 8, ADDRESS_TEXT = 42 };

static void api_level(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_number(call_result(call), API_LEVEL);
    call_finish(call);
}

static bool has_code(void *ctx, const struct chain_account *account)
{
    (void)ctx;
    return account->exists && memcmp(&account->code_hash, &KECCAK_EMPTY, sizeof account->code_hash) != 0;
}

static void ask_has_code(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct block_at at = params_block(&p, 1);
    struct chain_account account;
    struct view v;
    enum fan_status s;

    if (params_refused(&p, call) || !view_state(call, &at, RPC_POOL, ask_has_code, &v)) return;
    s = v.chain->ops->account(v.state, &address, &account);
    view_close(&v);
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    json_put_bool(call_result(call), has_code(NULL, &account));
    call_finish(call);
}

/* ---- one transaction ---- */

/* Its calls in *out_list, its block a reference. False: the call was answered: by nothing, for an unknown one. */
static bool calls_of(struct call *call, struct slice nothing, struct block **out_block, size_t *out_index,
                     struct json *out_list)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    struct chain *chain = api_of(call)->chain;
    struct json list;
    enum fan_status s;

    if (params_refused(&p, call)) return false;
    s = chain->ops->tx_by_hash(chain, &hash, out_block, out_index);
    if (s == FAN_ENOTFOUND) {
        if (past_ask(call)) return false;
        json_put_raw(call_result(call), nothing);
        call_finish(call);
        return false;
    }
    if (s) {
        answer_status(call, s, NULL);
        return false;
    }
    if (!retrace_txs(call, *out_block, &RETRACE_CALLS, *out_index, 1, call_arena(call), &list)) {
        block_unref(*out_block);
        return false;
    }
    *out_list = json_first(list);
    return true;
}

static void put_member(struct json_writer *w, const char *key, struct json v)
{
    json_put_key(w, key);
    json_put_raw(w, json_is(v, JSON_MISSING) ? SLICE("null") : json_raw(v));
}

/* "CALL" of "call". */
static void put_upper(struct json_writer *w, const char *key, struct slice name)
{
    char text[16];
    size_t len = name.len < sizeof text - 1 ? name.len : sizeof text - 1;

    for (size_t i = 0; i < len; i++)
        text[i] = (char)(name.at[i] >= 'a' && name.at[i] <= 'z' ? name.at[i] - 'a' + 'A' : name.at[i]);
    json_put_key(w, key);
    json_put_str(w, slice_of(text, len));
}

static void put_call(struct json_writer *w, struct json trace)
{
    struct json action = json_get(trace, "action"), result = json_get(trace, "result"), type = json_get(trace, "type");
    bool creates = json_str_is(type, "create"), destroys = json_str_is(type, "suicide");

    json_begin_object(w);
    if (destroys)
        put_upper(w, "type", SLICE("selfdestruct"));
    else
        put_upper(w, "type", json_str_raw(json_get(action, creates ? "creationMethod" : "callType")));
    json_put_key(w, "depth");
    json_put_number(w, json_count(json_get(trace, "traceAddress")));
    put_member(w, "from", json_get(action, destroys ? "address" : "from"));
    put_member(w, "to",
               destroys ? json_get(action, "refundAddress")
                        : json_get(creates ? result : action, creates ? "address" : "to"));
    put_member(w, "value", json_get(action, destroys ? "balance" : "value"));
    json_put_key(w, "input");
    json_put_raw(w, destroys ? SLICE("\"0x\"") : json_raw(json_get(action, creates ? "init" : "input")));
    json_put_key(w, "output");
    result = json_get(result, creates && json_is(json_get(result, "output"), JSON_MISSING) ? "code" : "output");
    json_put_raw(w, json_is(result, JSON_MISSING) ? SLICE("\"0x\"") : json_raw(result));
    json_end_object(w);
}

static void trace_transaction(struct call *call)
{
    struct json_writer *w = call_result(call);
    struct block *b;
    struct json list;
    size_t index;

    if (!calls_of(call, SLICE("[]"), &b, &index, &list)) return;
    json_begin_array(w);
    for (struct json t = json_first(list); !json_is(t, JSON_MISSING); t = json_next(t)) put_call(w, t);
    json_end_array(w);
    block_unref(b);
    call_finish(call);
}

enum operation { OP_TRANSFER, OP_SELF_DESTRUCT, OP_CREATE, OP_CREATE2, OP_NONE };

static enum operation operation_of(struct json trace)
{
    struct json action = json_get(trace, "action"), type = json_get(trace, "type");

    if (json_str_is(type, "suicide")) return OP_SELF_DESTRUCT;
    if (json_str_is(type, "create"))
        return json_str_is(json_get(action, "creationMethod"), "create2") ? OP_CREATE2 : OP_CREATE;
    return json_str_is(json_get(action, "callType"), "call") && !json_str_is(json_get(action, "value"), "0x0")
               ? OP_TRANSFER
               : OP_NONE;
}

static void put_operation(struct json_writer *w, enum operation op, struct json trace)
{
    struct json action = json_get(trace, "action");
    bool destroys = op == OP_SELF_DESTRUCT;

    json_begin_object(w);
    json_put_key(w, "type");
    json_put_number(w, op);
    put_member(w, "from", json_get(action, destroys ? "address" : "from"));
    if (op == OP_TRANSFER || destroys)
        put_member(w, "to", json_get(action, destroys ? "refundAddress" : "to"));
    else
        put_member(w, "to", json_get(json_get(trace, "result"), "address"));
    put_member(w, "value", json_get(action, destroys ? "balance" : "value"));
    json_end_object(w);
}

/* Ether that moved and contracts that came or went; nothing of what was undone. */
static void internal_operations(struct call *call)
{
    struct json_writer *w = call_result(call);
    size_t undone = SIZE_MAX, index; /* calls deeper than this were undone with the call at this depth */
    struct block *b;
    struct json list;

    if (!calls_of(call, SLICE("[]"), &b, &index, &list)) return;
    json_begin_array(w);
    for (struct json t = json_first(list); !json_is(t, JSON_MISSING); t = json_next(t)) {
        size_t depth = json_count(json_get(t, "traceAddress"));
        enum operation op = operation_of(t);

        if (depth > undone) continue;
        undone = json_is(json_get(t, "error"), JSON_MISSING) ? SIZE_MAX : depth;
        if (undone == SIZE_MAX && op != OP_NONE) put_operation(w, op, t);
    }
    json_end_array(w);
    block_unref(b);
    call_finish(call);
}

/* What it reverted with; nothing for any other end. */
static void transaction_error(struct call *call)
{
    struct block *b;
    struct json list, root, output;
    size_t index;

    if (!calls_of(call, SLICE("\"0x\""), &b, &index, &list)) return;
    root = json_first(list);
    output = json_get(json_get(root, "result"), "output");
    if (!json_str_is(json_get(root, "error"), "Reverted")) output = (struct json){0};
    json_put_raw(call_result(call), json_is(output, JSON_MISSING) ? SLICE("\"0x\"") : json_raw(output));
    block_unref(b);
    call_finish(call);
}

/* ---- who did what ---- */

/* What the history was asked for. False: the call was answered, by null or by the node below a fork where nobody has
 * it. */
static bool was_found(struct call *call, enum fan_status s)
{
    if (!s) return true;
    if (s != FAN_ENOTFOUND)
        answer_status(call, s, NULL);
    else if (!past_ask(call))
        answer_null(call);
    return false;
}

static void by_sender_and_nonce(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address sender = params_address(&p, 0, "address");
    uint64_t nonce = params_count(&p, 1, "nonce");
    struct block *b;
    size_t index;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = history_tx_of(api_of(call)->chain, &sender, nonce, &b, &index);
    if (!was_found(call, s)) return;
    json_put_hash(call_result(call), &b->txs[index].hash);
    block_unref(b);
    call_finish(call);
}

static void put_creator(struct call *call, const struct block *b, const struct fan_address *address, struct json list)
{
    struct json_writer *w = call_result(call);
    char text[ADDRESS_TEXT + 1] = "0x";
    size_t i = 0;

    hex_encode(slice_of(address->bytes, sizeof address->bytes), text + 2);
    for (struct json tx = json_first(list); !json_is(tx, JSON_MISSING); tx = json_next(tx), i++) {
        for (struct json t = json_first(tx); !json_is(t, JSON_MISSING); t = json_next(t)) {
            if (!slice_eq(json_str_raw(json_get(json_get(t, "result"), "address")), slice_of(text, ADDRESS_TEXT)))
                continue;
            json_begin_object(w);
            json_put_key(w, "hash");
            json_put_hash(w, &b->txs[i].hash);
            put_member(w, "creator", json_get(json_get(t, "action"), "from"));
            json_end_object(w);
            return;
        }
    }
    json_put_null(w);
}

static void contract_creator(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_address address = params_address(&p, 0, "address");
    struct json list;
    struct block *b;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = history_first(api_of(call)->chain, &address, has_code, NULL, &b);
    if (!was_found(call, s)) return;
    if (retrace_txs(call, b, &RETRACE_CALLS, 0, b->tx_count, call_arena(call), &list)) {
        put_creator(call, b, &address, list);
        call_finish(call);
    }
    block_unref(b);
}

const struct rpc_method api_otterscan_methods[] = {
    {"ots_getApiLevel", RPC_INLINE, 0, api_level},
    {"ots_getContractCreator", RPC_POOL, 0, contract_creator},
    {"ots_getInternalOperations", RPC_POOL, 0, internal_operations},
    {"ots_getTransactionBySenderAndNonce", RPC_POOL, 0, by_sender_and_nonce},
    {"ots_getTransactionError", RPC_POOL, 0, transaction_error},
    {"ots_hasCode", RPC_POOL, 0, ask_has_code},
    {"ots_traceTransaction", RPC_POOL, 0, trace_transaction},
};
