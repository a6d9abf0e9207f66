/* genesis: geth's genesis.json, both ways.
 *
 * Reading gives the chain's rules, block 0's header fields and the allocation; writing gives a file that geth accepts
 * (blobSchedule included). Spec: geth's core.Genesis and params.ChainConfig JSON. */
#ifndef ETH_GENESIS_H
#define ETH_GENESIS_H

#include "eth/fork.h"
#include "eth/header.h"

struct genesis_slot {
    struct fan_u256 slot, value;
};

struct genesis_account {
    struct fan_address address;
    struct fan_u256 balance_wei;
    uint64_t nonce;
    struct slice code;
    const struct genesis_slot *slots;
    size_t slot_count;
};

struct genesis {
    struct chain_config config;
    struct header
        header; /* roots and hashes of empty lists are there; the state root is for whoever builds the state */
    const struct genesis_account *accounts;
    size_t account_count;
};

/* The header of a genesis under fork f: everything 0 or empty, the fields of f's extent there. */
void genesis_header_init(struct header *h, enum fork f);
/* Reads the text of a genesis.json. FAN_EFORMAT with what and where ("alloc.0x12…: balance: …"). Unknown config keys
 * are kept silent as geth does. */
FAN_MUST_CHECK enum fan_status genesis_parse(struct slice json, struct arena *a, struct genesis *out,
                                             struct fan_error *err);
/* The accounts of an `alloc` (a fixture calls it `pre`; name is what err calls it), sorted by address, none twice. */
FAN_MUST_CHECK enum fan_status genesis_parse_alloc(struct json alloc, const char *name, struct arena *a,
                                                   const struct genesis_account **out, size_t *out_count,
                                                   struct fan_error *err);
void genesis_put_json(const struct genesis *g, struct json_writer *w);
/* The development chain's: config by newest fork and chain id, the given accounts with balance, the CREATE2 deployer
 * (0x4e59b44847b379578588920cA78FbF26c0B4956C) and the system contracts of the fork (EIP-4788, 2935, 7002, 7251) with
 * their code; timestamp and gas limit given, base fee 1 gwei from London on, no extra data, difficulty 0 (131,072
 * before the Merge). Code lives in the arena. */
FAN_MUST_CHECK enum fan_status genesis_dev(uint64_t chain_id, enum fork newest, const struct fan_address *accounts,
                                           size_t account_count, const struct fan_u256 *balance_wei, uint64_t gas_limit,
                                           uint64_t timestamp, struct arena *a, struct genesis *out);

#endif
