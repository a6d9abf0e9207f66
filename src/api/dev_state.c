/* Accounts changed by hand, who may send without a key, and what the next block is given. */
#include "api/dev.h"
#include "api/tables.h"
#include "codec/u256.h"

static void set_balance(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct fan_u256 wei = params_u256(&p, 1, "balance");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->set_balance(api_of(call)->chain, &address, &wei), NULL);
}

static void add_balance(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct fan_u256 wei = params_u256(&p, 1, "balance");
    struct block_at latest = {.kind = BLOCK_LATEST};
    const struct chain_dev_ops *dev;
    struct chain *chain = api_of(call)->chain;
    struct chain_account account = {0};
    struct view v;
    enum fan_status s;

    dev = dev_of(call, &p);
    if (!dev || !view_state(call, &latest, RPC_WRITER, NULL, &v)) return;
    s = chain->ops->account(v.state, &address, &account);
    view_close(&v);
    if (!s && !u256_add(&account.balance_wei, &wei, &wei))
        wei = (struct fan_u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    if (!s) s = dev->set_balance(chain, &address, &wei);
    answer_done(call, s, NULL);
}

static void set_nonce(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    uint64_t nonce = params_count(&p, 1, "nonce");
    const struct chain_dev_ops *dev;
    struct fan_error err = {0};

    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->set_nonce(api_of(call)->chain, &address, nonce, &err), &err);
}

static void set_code(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct slice code = params_data(&p, 1, "code");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->set_code(api_of(call)->chain, &address, code), NULL);
}

static void set_storage_at(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct where at = params_where(1, "slot");
    struct fan_address address = params_address(&p, 0, "address");
    struct slice key = params_text(&p, 1, "slot");
    struct fan_hash word = params_hash(&p, 2, "value");
    const struct chain_dev_ops *dev;
    struct fan_u256 slot = {{0}}, value;
    const char *fault = p.code ? NULL : read_slot(key, &slot, NULL);
    enum fan_status s;

    if (fault) params_fail_at(&p, &at, "%s", fault);
    dev = dev_of(call, &p);
    if (!dev) return;
    value = u256_from_be(word.bytes);
    s = dev->set_slot(api_of(call)->chain, &address, &slot, &value);
    if (s)
        answer_status(call, s, NULL);
    else
        answer_true(call);
}

/* ---- sending without a key ---- */

static void set_impersonated(struct call *call, bool on)
{
    struct params p = params_of_call(call, 1);
    struct fan_address address = params_address(&p, 0, "address");
    const struct chain_dev_ops *dev;
    enum fan_status s;

    dev = dev_of(call, &p);
    if (!dev) return;
    s = dev->impersonate(api_of(call)->chain, &address, on);
    if (s)
        answer_status(call, s, NULL);
    else
        answer_null(call);
}

static void impersonate(struct call *call)
{
    set_impersonated(call, true);
}

static void stop_impersonating(struct call *call)
{
    set_impersonated(call, false);
}

static void auto_impersonate(struct call *call)
{
    struct params p = params_of_call(call, 1);
    bool on = params_bool(&p, 0, "on");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    dev->auto_impersonate(api_of(call)->chain, on);
    answer_null(call);
}

/* ---- the next block ---- */

static void set_coinbase(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_address address = params_address(&p, 0, "address");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    dev->set_coinbase(api_of(call)->chain, &address);
    answer_null(call);
}

static void set_next_base_fee(struct call *call)
{
    struct params p = params_of_call(call, 1);
    uint64_t wei = params_count(&p, 0, "base fee");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->set_next_base_fee(api_of(call)->chain, wei), NULL);
}

static void set_prev_randao(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash value = params_hash(&p, 0, "prevRandao");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    dev->set_prev_randao(api_of(call)->chain, &value);
    answer_true(call); /* as Hardhat Network does; anvil has no such method */
}

#define ROW(name, run)                                                                                                 \
    {                                                                                                                  \
        name, RPC_WRITER, RPC_DEVELOPMENT, run                                                                         \
    }
#define TWINS(name, run) ROW("anvil_" name, run), ROW("hardhat_" name, run)

const struct rpc_method api_dev_state_methods[] = {
    ROW("anvil_addBalance", add_balance),
    ROW("anvil_autoImpersonateAccount", auto_impersonate),
    ROW("evm_setAccountBalance", set_balance),
    ROW("evm_setAccountCode", set_code),
    ROW("evm_setAccountNonce", set_nonce),
    ROW("evm_setAccountStorageAt", set_storage_at),
    ROW("hardhat_addBalance", add_balance),
    ROW("hardhat_autoImpersonateAccount", auto_impersonate),
    ROW("tenderly_addBalance", add_balance),
    ROW("tenderly_setBalance", set_balance),
    TWINS("impersonateAccount", impersonate),
    TWINS("setBalance", set_balance),
    TWINS("setCode", set_code),
    TWINS("setCoinbase", set_coinbase),
    TWINS("setNextBlockBaseFeePerGas", set_next_base_fee),
    TWINS("setNonce", set_nonce),
    TWINS("setPrevRandao", set_prev_randao),
    TWINS("setStorageAt", set_storage_at),
    TWINS("stopImpersonatingAccount", stop_impersonating),
};
