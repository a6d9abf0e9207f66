/* What a development tool asks about the node itself. */
#include "api/dev.h"
#include "api/past.h"
#include "api/tables.h"

const struct chain_dev_ops *dev_of(struct call *call, struct params *p)
{
    const struct chain_dev_ops *dev = api_of(call)->chain->dev;
    struct slice name = call_method(call);

    if (params_refused(p, call)) return NULL;
    if (!dev)
        call_fail(call, CODE_NO_METHOD, "the method %.*s is not available on this chain",
                  (int)(name.len < 100 ? name.len : 100), (const char *)name.at);
    return dev;
}

/* The head, which the caller unrefs; false after answering. */
static bool open_head(struct call *call, struct block **out)
{
    struct chain *chain = api_of(call)->chain;
    enum fan_status s = chain->ops->head(chain, out);

    if (s) answer_status(call, s, NULL);
    return !s;
}

/* The part of the version text behind the first slash: "anvil/v1.7.1-fanatico…" is version "v1.7.1-fanatico…". */
static struct slice version_of(struct slice client)
{
    for (size_t i = 0; i < client.len; i++)
        if (client.at[i] == '/') return slice_from(client, i + 1);
    return client;
}

static void put_forked_network(struct json_writer *w, const struct api *api)
{
    struct chain_remote *r = past_of(api);

    if (!r) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_put_key(w, "chainId");
    json_put_number(w, r->chain_id);
    json_put_key(w, "forkBlockNumber");
    json_put_number(w, r->block->header.number);
    json_put_key(w, "forkBlockHash");
    json_put_hash(w, &r->block->hash);
    json_end_object(w);
    chain_remote_unref(r);
}

static void put_fork_config(struct json_writer *w, const struct api *api)
{
    struct chain_remote *r = past_of(api);

    json_put_key(w, "forkConfig");
    json_begin_object(w);
    json_put_key(w, "forkUrl");
    if (r)
        json_put_text(w, r->url);
    else
        json_put_null(w);
    json_put_key(w, "forkBlockNumber");
    if (r)
        json_put_number(w, r->block->header.number);
    else
        json_put_null(w);
    json_put_key(w, "forkRetryBackoff");
    if (r)
        json_put_number(w, r->backoff_ms);
    else
        json_put_null(w);
    json_end_object(w);
    chain_remote_unref(r);
}

static void metadata(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct api *api = api_of(call);
    struct json_writer *w = call_result(call);
    struct block *head;

    if (!dev_of(call, &p) || !open_head(call, &head)) return;
    json_begin_object(w);
    json_put_key(w, "clientVersion");
    json_put_str(w, api->options.client_version);
    json_put_key(w, "clientSemver");
    json_put_str(w, version_of(api->options.client_version));
    json_put_key(w, "chainId");
    json_put_number(w, api->chain->ops->config(api->chain)->chain_id);
    json_put_key(w, "instanceId");
    json_put_hash(w, &api->instance_id);
    json_put_key(w, "latestBlockNumber");
    json_put_number(w, head->header.number);
    json_put_key(w, "latestBlockHash");
    json_put_hash(w, &head->hash);
    json_put_key(w, "forkedNetwork");
    put_forked_network(w, api);
    json_end_object(w);
    block_unref(head);
    call_finish(call);
}

static void put_environment(struct json_writer *w, const struct api *api, const struct block *head)
{
    struct chain_fees fees = {0};

    if (api->chain->ops->fees) api->chain->ops->fees(api->chain, &fees);
    json_put_key(w, "environment");
    json_begin_object(w);
    json_put_key(w, "baseFee");
    json_put_u64(w, fees.next_base_fee_wei);
    json_put_key(w, "chainId");
    json_put_number(w, api->chain->ops->config(api->chain)->chain_id);
    json_put_key(w, "gasLimit");
    json_put_u64(w, head->header.gas_limit);
    json_put_key(w, "gasPrice");
    json_put_u64(w, fees.gas_price_wei);
    json_end_object(w);
}

static void node_info(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct api *api = api_of(call);
    struct json_writer *w = call_result(call);
    struct block *head;

    if (!dev_of(call, &p) || !open_head(call, &head)) return;
    json_begin_object(w);
    json_put_key(w, "currentBlockNumber");
    json_put_u64(w, head->header.number);
    json_put_key(w, "currentBlockTimestamp");
    json_put_number(w, head->header.timestamp);
    json_put_key(w, "currentBlockHash");
    json_put_hash(w, &head->hash);
    json_put_key(w, "hardFork");
    json_put_text(w,
                  fork_name(fork_at(api->chain->ops->config(api->chain), head->header.number, head->header.timestamp)));
    json_put_key(w, "transactionOrder");
    json_put_text(w, "fees");
    put_environment(w, api, head);
    put_fork_config(w, api);
    json_end_object(w);
    block_unref(head);
    call_finish(call);
}

/* Logging is the terminal's own affair here: accepted, so that scripts which silence other nodes run. */
static void set_logging(struct call *call)
{
    struct params p = params_of_call(call, 1);

    (void)params_bool(&p, 0, "on");
    if (!dev_of(call, &p)) return;
    answer_null(call);
}

/* The timestamp of the block the chain begins with; on a fork that is the fork's. */
static void genesis_time(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct api *api = api_of(call);
    struct chain_remote *r;
    struct block *b = NULL;
    enum fan_status s = FAN_OK;

    if (!dev_of(call, &p)) return;
    r = past_of(api);
    if (r)
        b = block_ref(r->block);
    else
        s = api->chain->ops->block_by_number(api->chain, 0, &b);
    chain_remote_unref(r);
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    json_put_number(call_result(call), b->header.timestamp);
    block_unref(b);
    call_finish(call);
}

/* The fork's block stays; who tells of it changes. */
static void set_rpc_url(struct call *call)
{
    struct params p = params_of_call(call, 1);
    char *url = arena_cstr(call_arena(call), params_text(&p, 0, "url"));
    struct chain_remote *r;
    struct fan_error err = {{0}};
    enum fan_status s;

    if (!dev_of(call, &p)) return;
    r = past_of(api_of(call));
    if (!r) {
        call_fail(call, CODE_REFUSED, "this chain is not a fork of another: there is no RPC URL to change");
        return;
    }
    s = url ? r->ops->set_url(r, url, &err) : FAN_ENOMEM;
    chain_remote_unref(r);
    answer_done(call, s == FAN_ENOTFOUND || s == FAN_EINVAL ? FAN_EREJECTED : s, &err);
}

static void set_chain_id(struct call *call)
{
    struct params p = params_of_call(call, 1);
    uint64_t id = params_count(&p, 0, "chain id");
    struct where at = params_where(0, "chain id");
    const struct chain_dev_ops *dev;

    if (!id) params_fail_at(&p, &at, "at least 1");
    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->set_chain_id(api_of(call)->chain, id), NULL);
}

/* Hardhat hands over what it compiled, for stack traces in errors; false says that it will not be used. */
static void add_compilation_result(struct call *call)
{
    struct params p = params_of_call(call, 3);

    (void)params_text(&p, 0, "compiler version");
    if (!dev_of(call, &p)) return;
    json_put_bool(call_result(call), false);
    call_finish(call);
}

/* In anvil's words, which hold here too: what a block asks for is its base fee. */
static void set_min_gas_price(struct call *call)
{
    struct params p = params_of_call(call, 1);

    (void)params_u256(&p, 0, "gas price");
    if (!dev_of(call, &p)) return;
    call_fail(call, CODE_INVALID_PARAMS, "anvil_setMinGasPrice is not supported when EIP-1559 is active");
}

/* ---- blobs ---- */

enum { BLOB_BYTES = 131072 };

static void put_blob(struct json_writer *w, const struct tx *tx, size_t index)
{
    json_put_data(w, slice_of(tx->sidecar->blobs.at + index * BLOB_BYTES, BLOB_BYTES));
}

static void blob_by_hash(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash hash = params_hash(&p, 0, "versioned hash");
    const struct chain_dev_ops *dev = dev_of(call, &p);
    const struct tx *tx;
    size_t index = 0;

    if (!dev) return;
    tx = dev->blobs(api_of(call)->chain, NULL, &hash, &index);
    if (tx)
        put_blob(call_result(call), tx, index);
    else
        json_put_null(call_result(call));
    call_finish(call);
}

static void blobs_by_tx(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    const struct chain_dev_ops *dev = dev_of(call, &p);
    struct json_writer *w = call_result(call);
    const struct tx *tx;
    size_t ignored;

    if (!dev) return;
    tx = dev->blobs(api_of(call)->chain, &hash, NULL, &ignored);
    if (!tx) {
        json_put_null(w);
    } else {
        json_begin_array(w);
        for (size_t i = 0; i < tx->blob_count; i++) put_blob(w, tx, i);
        json_end_array(w);
    }
    call_finish(call);
}

#define ROW(name, run)                                                                                                 \
    {                                                                                                                  \
        name, RPC_WRITER, RPC_DEVELOPMENT, run                                                                         \
    }

const struct rpc_method api_dev_info_methods[] = {
    ROW("anvil_getBlobByHash", blob_by_hash),
    ROW("anvil_getBlobsByTransactionHash", blobs_by_tx),
    ROW("anvil_getGenesisTime", genesis_time),
    ROW("anvil_metadata", metadata),
    ROW("anvil_nodeInfo", node_info),
    ROW("anvil_setChainId", set_chain_id),
    ROW("anvil_setLoggingEnabled", set_logging),
    ROW("anvil_setMinGasPrice", set_min_gas_price),
    {"anvil_setRpcUrl", RPC_POOL, RPC_DEVELOPMENT, set_rpc_url},
    ROW("hardhat_addCompilationResult", add_compilation_result),
    ROW("hardhat_metadata", metadata),
    ROW("hardhat_setLoggingEnabled", set_logging),
    ROW("hardhat_setMinGasPrice", set_min_gas_price),
    {"hardhat_setRpcUrl", RPC_POOL, RPC_DEVELOPMENT, set_rpc_url},
};
