/* What a token says somebody owns or may spend, set to a value: anvil_setERC20Balance (also called dealERC20) and
 * anvil_setERC20Allowance.
 *
 * Nobody can know where a contract keeps it, so it is found out, as anvil does: the getter is executed and tells which
 * slots it reads; the one with which it gives the wanted value is it. So proxies and unusual layouts work, and what
 * computes its answer from several slots (a rebasing token) is refused. */
#include "api/dev.h"
#include "api/execute.h"
#include "api/tables.h"
#include "base/clock.h"
#include "codec/u256.h"

enum { GETTER_GAS = 10000000, GETTER_LEN_MAX = 4 + 2 * 32 };

struct getter {
    struct fan_address token;
    uint8_t data[GETTER_LEN_MAX];
    size_t len;
    struct fan_u256 value;
};

static void put_word_of(struct getter *g, const struct fan_address *a)
{
    memset(g->data + g->len, 0, 12);
    memcpy(g->data + g->len + 12, a->bytes, sizeof a->bytes);
    g->len += 32;
}

/* One execution of the getter; *out_word is what it gives, false where that is no word. */
static enum fan_status ask(struct call *call, const struct view *v, const struct getter *g,
                           const struct chain_override *override, struct chain_call_result *r, bool *out_has_word,
                           struct fan_u256 *out_word, struct fan_error *err)
{
    struct api *api = api_of(call);
    struct chain_call cc = {.tx = {.has_to = true,
                                   .to = g->token,
                                   .has_sender = true,
                                   .data = slice_of(g->data, g->len),
                                   .gas_limit = GETTER_GAS},
                            .has_gas = true,
                            .gas_max = GETTER_GAS,
                            .deadline_ms = clock_monotonic_ms() + api->options.call_timeout_ms,
                            .stop = call_unwanted(call),
                            .overrides = override,
                            .override_count = override ? 1 : 0};
    enum fan_status s = api->chain->ops->call(v->state, v->block, &cc, !override, call_arena(call), r, err);

    if (s) return s;
    *out_has_word = r->status == CHAIN_CALL_SUCCESS && r->output.len == 32;
    if (*out_has_word) *out_word = u256_from_be(r->output.at);
    return FAN_OK;
}

/* Tries every slot that the getter reads. FAN_ENOTFOUND: none is it. */
static enum fan_status find(struct call *call, const struct view *v, const struct getter *g,
                            struct fan_address *out_address, struct fan_u256 *out_slot, struct fan_error *err)
{
    struct chain_call_result reads = {0}, r = {0};
    struct fan_u256 now, then;
    bool has_word;
    enum fan_status s = ask(call, v, g, NULL, &reads, &has_word, &now, err);

    if (s) return s;
    if (!has_word) return FAN_ENOTFOUND;
    for (size_t i = 0; i < reads.access_count; i++)
        for (size_t k = 0; k < reads.access[i].slot_count; k++) {
            struct chain_slot slot = {.slot = u256_from_be(reads.access[i].slots[k].bytes), .value = g->value};
            struct chain_override o = {.address = reads.access[i].address, .slots = &slot, .slot_count = 1};

            if (u256_eq(&now, &g->value)) slot.value.limb[0] ^= 1; /* it is that already: another value tells */
            s = ask(call, v, g, &o, &r, &has_word, &then, err);
            if (s) return s;
            if (!has_word || !u256_eq(&then, &slot.value)) continue;
            *out_address = reads.access[i].address;
            *out_slot = slot.slot;
            return FAN_OK;
        }
    return FAN_ENOTFOUND;
}

static void set_found(struct call *call, const struct getter *g, const char *what)
{
    struct block_at latest = {.kind = BLOCK_LATEST};
    struct chain *chain = api_of(call)->chain;
    struct fan_error err = {{0}};
    struct fan_address address;
    struct fan_u256 slot;
    struct view v;
    enum fan_status s;

    if (!view_state(call, &latest, RPC_WRITER, NULL, &v)) return;
    s = chain->ops->call ? find(call, &v, g, &address, &slot, &err) : FAN_EUNSUPPORTED;
    view_close(&v);
    if (s == FAN_ENOTFOUND) {
        call_fail(call, CODE_REFUSED, "no storage slot of the token is its %s", what);
        return;
    }
    if (!s) s = chain->dev->set_slot(chain, &address, &slot, &g->value);
    answer_done(call, s, &err);
}

/* [who, token, balance] */
static void set_balance(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct fan_address who = params_address(&p, 0, "address"), token = params_address(&p, 1, "token");
    struct getter g = {
        .token = token, .data = {0x70, 0xa0, 0x82, 0x31}, .len = 4, .value = params_u256(&p, 2, "balance")};

    put_word_of(&g, &who);
    if (dev_of(call, &p)) set_found(call, &g, "balance");
}

/* [owner, spender, token, amount] */
static void set_allowance(struct call *call)
{
    struct params p = params_of_call(call, 4);
    struct fan_address owner = params_address(&p, 0, "owner"), spender = params_address(&p, 1, "spender"),
                       token = params_address(&p, 2, "token");
    struct getter g = {
        .token = token, .data = {0xdd, 0x62, 0xed, 0x3e}, .len = 4, .value = params_u256(&p, 3, "amount")};

    put_word_of(&g, &owner);
    put_word_of(&g, &spender);
    if (dev_of(call, &p)) set_found(call, &g, "allowance");
}

#define ROW(name, run)                                                                                                 \
    {                                                                                                                  \
        name, RPC_WRITER, RPC_DEVELOPMENT, run                                                                         \
    }

const struct rpc_method api_dev_token_methods[] = {
    ROW("anvil_dealERC20", set_balance),          ROW("anvil_setERC20Allowance", set_allowance),
    ROW("anvil_setERC20Balance", set_balance),    ROW("hardhat_dealERC20", set_balance),
    ROW("tenderly_setErc20Balance", set_balance),
};
