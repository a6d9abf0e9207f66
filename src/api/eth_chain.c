/* Which chain this is and whether it keeps up: eth_chainId, eth_syncing, net_*. */
#include <inttypes.h>
#include <stdio.h>

#include "api/tables.h"
#include "api/view.h"

static void chain_id(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct chain *chain = api_of(call)->chain;

    if (params_refused(&p, call)) return;
    json_put_u64(call_result(call), chain->ops->config(chain)->chain_id);
    call_finish(call);
}

static void syncing(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct chain *chain = api_of(call)->chain;
    struct json_writer *w = call_result(call);
    struct chain_sync sync = {0};

    if (params_refused(&p, call)) return;
    if (chain->ops->sync) chain->ops->sync(chain, &sync);
    if (!sync.syncing) {
        json_put_bool(w, false);
        call_finish(call);
        return;
    }
    json_begin_object(w);
    json_put_key(w, "startingBlock");
    json_put_u64(w, sync.starting_block);
    json_put_key(w, "currentBlock");
    json_put_u64(w, sync.current_block);
    json_put_key(w, "highestBlock");
    json_put_u64(w, sync.highest_block);
    json_end_object(w);
    call_finish(call);
}

static void net_version(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct api *api = api_of(call);
    uint64_t id = api->options.network_id;
    char text[24];

    if (params_refused(&p, call)) return;
    if (!id) id = api->chain->ops->config(api->chain)->chain_id;
    (void)snprintf(text, sizeof text, "%" PRIu64, id);
    json_put_text(call_result(call), text);
    call_finish(call);
}

static void net_listening(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_bool(call_result(call), true);
    call_finish(call);
}

/* No peers: blocks come from here, from a consensus engine or from an upstream node, never from a gossip network. */
static void net_peer_count(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_u64(call_result(call), 0);
    call_finish(call);
}

/* ---- what older tools ask ---- */

/* Nobody mines: blocks are sealed. Hardhat and anvil answer the same. */
static void mining(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_bool(call_result(call), false);
    call_finish(call);
}

static void hashrate(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_u64(call_result(call), 0);
    call_finish(call);
}

/* As anvil: there is no protocol between peers whose version this could be. */
static void protocol_version(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_number(call_result(call), 1);
    call_finish(call);
}

const struct rpc_method api_eth_chain_methods[] = {
    {"eth_chainId", RPC_INLINE, 0, chain_id},
    {"eth_hashrate", RPC_INLINE, 0, hashrate},
    {"eth_mining", RPC_INLINE, 0, mining},
    {"eth_networkId", RPC_INLINE, 0, net_version},
    {"eth_protocolVersion", RPC_INLINE, 0, protocol_version},
    {"eth_syncing", RPC_INLINE, 0, syncing},
    {"net_listening", RPC_INLINE, 0, net_listening},
    {"net_peerCount", RPC_INLINE, 0, net_peer_count},
    {"net_version", RPC_INLINE, 0, net_version},
};
