/* forked: the chain_remote (chain/remote.h) that asks an ordinary node over JSON-RPC.
 *
 * Everything is asked as of the fork's block, so every answer is kept: in memory, and on disk where there is a folder
 * (cache.h). An account comes whole by eth_getProof where the node gives it, else by three calls. The proof itself is
 * not verified: whoever forks a node trusts it.
 *
 * Thread: as chain/remote.h says. */
#ifndef UPSTREAM_FORKED_H
#define UPSTREAM_FORKED_H

#include "chain/remote.h"
#include "upstream/client.h"

struct forked_options {
    struct client_options client;
    bool has_number;
    uint64_t number;    /* without: the node's latest block */
    const char *folder; /* of the cache on disk; NULL: none */
};

/* Connects, asks for chain id and block, opens the cache. note: something is wrong that does not hinder (the cache);
 * else untouched. FAN_EINVAL (options), FAN_EREMOTE, FAN_ENOTFOUND (no such block), FAN_ENOMEM: err says what, where
 * and why. */
FAN_MUST_CHECK enum fan_status forked_open(const struct forked_options *options, struct chain_remote **out,
                                           struct fan_error *note, struct fan_error *err);
/* Calls sent to the node so far. */
uint64_t forked_calls(const struct chain_remote *r);
/* The header of eth_getBlockBy*'s object, and the hash it says it has. FAN_EFORMAT: err names the member. */
FAN_MUST_CHECK enum fan_status forked_read_header(struct json block, struct arena *a, struct header *out,
                                                  struct fan_hash *out_hash, struct fan_error *err);

#endif
