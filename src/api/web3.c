/* web3_* and rpc_modules: what this server is. */
#include "api/tables.h"
#include "api/view.h"
#include "codec/keccak.h"

static void client_version(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_str(call_result(call), api_of(call)->options.client_version);
    call_finish(call);
}

static void sha3(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct slice data = params_data(&p, 0, "data");
    struct fan_hash hash;

    if (params_refused(&p, call)) return;
    hash = keccak256(data);
    json_put_hash(call_result(call), &hash);
    call_finish(call);
}

/* A namespace is there when one of its methods is. */
static void modules(struct call *call)
{
    static const char *const names[] = {"anvil", "debug",    "eth", "evm",    "hardhat",
                                        "net",   "personal", "rpc", "txpool", "web3"};
    struct params p = params_of_call(call, 0);
    struct json_writer *w;
    bool dev = api_of(call)->chain->dev != NULL;

    if (params_refused(&p, call)) return;
    w = call_result(call);
    json_begin_object(w);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        bool of_dev = !strcmp(names[i], "anvil") || !strcmp(names[i], "evm") || !strcmp(names[i], "hardhat") ||
                      !strcmp(names[i], "personal");

        if (of_dev && !dev) continue;
        json_put_key(w, names[i]);
        json_put_text(w, "1.0");
    }
    json_end_object(w);
    call_finish(call);
}

const struct rpc_method api_web3_methods[] = {
    {"rpc_modules", RPC_INLINE, 0, modules},
    {"web3_clientVersion", RPC_INLINE, 0, client_version},
    {"web3_sha3", RPC_INLINE, 0, sha3},
};
