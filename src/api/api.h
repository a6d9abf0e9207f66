/* api: the methods, namespace by namespace: what eth_call or evm_mine mean.
 *
 *   rpc ──► method(call): read params ──► chain (snapshot reads, writer's letters) ──► write the result ──► call_finish
 *
 * A file holds one topic and one table of rows; a row is a name, where it starts and a function. Names that mean the
 * same thing (evm_mine, anvil_mine, hardhat_mine) share one function. Reading parameters is api/params.h (and
 * api/message.h for the call object): they name the parameter and say why it does not fit. Which block or state is
 * meant is api/view.h.
 *
 * Where things run: blocks, receipts and state of sealed blocks are read inline on the worker; what executes code or
 * walks many blocks runs on the pool; what is pending or changes the chain runs on the writer.
 *
 * Not here: JSON-RPC syntax, batches, who may call development methods (rpc/), notifications (hub/), the chain itself
 * (chain/). Spec: execution-apis; geth's internal/ethapi and eth/filters for results and words; anvil's RPC for evm_*,
 * anvil_*, hardhat_*. */
#ifndef API_API_H
#define API_API_H

#include "chain/dev.h"
#include "hub/hub.h"
#include "rpc/rpc.h"

/* What fanatico_status answers, and to whom: the server's, which knows its connections. On a worker. */
struct api_status {
    void *ctx;
    bool (*may_read)(void *ctx, const struct conn_peer *peer);
    void (*put)(void *ctx, struct json_writer *w); /* one value; NULL: no such method here */
};

/* Zero takes the default in brackets. */
struct api_options {
    struct slice client_version;     /* web3_clientVersion ["fanatico"]; borrowed for as long as the api lives */
    uint64_t network_id;             /* net_version [the chain id] */
    uint64_t call_gas_max;           /* what one eth_call may burn [50,000,000] */
    uint64_t call_timeout_ms;        /* eth_call, eth_estimateGas, eth_createAccessList [5,000] */
    size_t logs_max;                 /* results of one eth_getLogs [100,000] */
    uint64_t inline_blocks_max;      /* a log query or fee history over more blocks goes to the pool [64] */
    uint64_t fee_history_blocks_max; /* [1,024] */
    size_t proof_slots_max;          /* keys of one eth_getProof [1,024] */
    struct filter_limits filter;     /* [1,000 addresses, 1,000 alternatives] */
    struct api_status status;
    void *owner;                     /* what methods beside this table's own find by api_of(); not looked at here */
};

/* What call_app() gives to every method; call_worker_app() gives the worker's struct hub_shard. Never changes after
 * api_init(), so any thread reads it. */
struct api {
    struct chain *chain;
    struct hub *hub;
    struct api_options options;
    struct fan_hash instance_id; /* random: tells one run from the next (anvil_metadata) */
};

/* Fills a with the defaults applied. chain and hub are borrowed and must outlive the api. */
void api_init(struct api *a, struct chain *chain, struct hub *hub, const struct api_options *options);

/* Every table, in the form rpc_new() takes: api_tables[i] has api_table_counts[i] rows. */
extern const struct rpc_method *const api_tables[];
extern const size_t api_table_counts[];
extern const size_t api_table_count;

#endif
