/* The unlocked accounts: who they are, and what they sign. */
#include "api/tables.h"
#include "api/view.h"
#include "eth/sign.h"

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
static void sign_message(struct call *call, const struct fan_address *address, struct slice message)
{
    struct chain *chain = api_of(call)->chain;
    const uint8_t *secret = chain->dev ? chain->dev->secret_of(chain, address) : NULL;
    struct fan_hash hash;
    struct signature sig;
    uint8_t bytes[65];
    enum fan_status s;

    if (!secret) {
        call_fail(call, CODE_REFUSED, "unknown account");
        return;
    }
    hash = sign_message_hash(message);
    s = sign_hash(&hash, secret, &sig);
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
    {"eth_sign", RPC_POOL, RPC_DEVELOPMENT, eth_sign},
    {"personal_sign", RPC_POOL, RPC_DEVELOPMENT, personal_sign},
};
