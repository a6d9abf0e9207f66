/* The unlocked accounts: who they are, and what they sign. */
#include "api/tables.h"
#include "api/view.h"
#include "eth/sign.h"
#include "eth/typed_data.h"

static void accounts(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct chain *chain = api_of(call)->chain;
    const struct fan_address *list = NULL;
    struct json_writer *w;
    size_t count;

    if (params_refused(&p, call)) return;
    count = chain->dev ? chain->dev->accounts(chain, &list) : 0;
    w = call_result(call);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) json_put_address(w, &list[i]);
    json_end_array(w);
    call_finish(call);
}

/* r, s and 27 or 28, as wallets have always given it. */
static void sign_as(struct call *call, const struct fan_address *address, const struct fan_hash *hash)
{
    struct chain *chain = api_of(call)->chain;
    const uint8_t *secret = chain->dev ? chain->dev->secret_of(chain, address) : NULL;
    struct signature sig;
    uint8_t bytes[65];
    enum fan_status s;

    if (!secret) {
        call_fail(call, CODE_REFUSED, "unknown account");
        return;
    }
    s = sign_hash(hash, secret, &sig);
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    memcpy(bytes, sig.r, 32);
    memcpy(bytes + 32, sig.s, 32);
    bytes[64] = (uint8_t)(27 + sig.parity);
    json_put_data(call_result(call), slice_of(bytes, sizeof bytes));
    call_finish(call);
}

static void sign_message(struct call *call, const struct fan_address *address, struct slice message)
{
    struct fan_hash hash = sign_message_hash(message);

    sign_as(call, address, &hash);
}

static void eth_sign(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct slice message = params_data(&p, 1, "message");

    if (!params_refused(&p, call)) sign_message(call, &address, message);
}

/* The same the other way round; a passphrase may follow, and nothing here is locked. */
static void personal_sign(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct slice message = params_data(&p, 0, "message");
    struct fan_address address = params_address(&p, 1, "address");

    if (!params_refused(&p, call)) sign_message(call, &address, message);
}

/* The data as an object, or as its text, which is how browsers' wallets are asked. */
static void sign_typed_data(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct where at = params_where(1, "typed data");
    struct fan_address address = params_address(&p, 0, "address");
    struct json v = params_value(&p, &at);
    struct fan_error err = {{0}};
    struct fan_hash hash;
    enum fan_status s = FAN_OK;

    if (params_refused(&p, call)) return;
    if (json_is(v, JSON_STRING)) {
        struct slice text = json_str(v, call_arena(call));

        s = text.at ? json_parse(text, JSON_DEPTH_MAX, call_arena(call), &v, &err) : FAN_ENOMEM;
    }
    if (!s) s = typed_data_hash(v, call_arena(call), &hash, &err);
    if (s == FAN_EFORMAT || s == FAN_ELIMIT) {
        params_fail_at(&p, &at, "%s", err.text);
        (void)params_refused(&p, call);
    } else if (s) {
        answer_status(call, s, NULL);
    } else {
        sign_as(call, &address, &hash);
    }
}

/* Who will be paid for the next block; where nothing is built here, who was paid for the last. */
static void coinbase(struct call *call)
{
    struct params p = params_of_call(call, 0);
    const struct chain_ops *ops = api_of(call)->chain->ops;
    struct block_at at = {.kind = ops->pending_block ? BLOCK_PENDING : BLOCK_LATEST};
    struct view v;

    if (params_refused(&p, call)) return;
    if (!view_block(call, &at, RPC_WRITER, coinbase, &v)) return;
    json_put_address(call_result(call), &v.block->header.beneficiary);
    view_close(&v);
    call_finish(call);
}

const struct rpc_method api_eth_account_methods[] = {
    {"eth_accounts", RPC_INLINE, 0, accounts},
    {"eth_coinbase", RPC_INLINE, 0, coinbase},
    {"eth_requestAccounts", RPC_INLINE, 0, accounts}, /* what a browser wallet is asked (EIP-1102) */
    {"eth_sign", RPC_POOL, RPC_DEVELOPMENT, eth_sign},
    {"eth_signTypedData", RPC_POOL, RPC_DEVELOPMENT, sign_typed_data},
    {"eth_signTypedData_v3", RPC_POOL, RPC_DEVELOPMENT, sign_typed_data},
    {"eth_signTypedData_v4", RPC_POOL, RPC_DEVELOPMENT, sign_typed_data},
    {"personal_sign", RPC_POOL, RPC_DEVELOPMENT, personal_sign},
};
