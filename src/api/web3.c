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

static void put_module(void *ctx, struct slice name)
{
    struct call *call = ctx;
    const char *key = arena_printf(call_arena(call), "%.*s", SLICE_ARGS(name));

    if (!key) return;
    json_put_key(call_result(call), key);
    json_put_text(call_result(call), "1.0");
}

/* Of each namespace something answers, for who asks and where he asks. */
static void modules(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct json_writer *w;

    if (params_refused(&p, call)) return;
    w = call_result(call);
    json_begin_object(w);
    call_each_namespace(call, put_module, call);
    json_end_object(w);
    call_finish(call);
}

const struct rpc_method api_web3_methods[] = {
    {"rpc_modules", RPC_INLINE, 0, modules},
    {"web3_clientVersion", RPC_INLINE, 0, client_version},
    {"web3_sha3", RPC_INLINE, 0, sha3},
};
