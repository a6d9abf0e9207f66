/* eth_config: the fork that holds, the next one and the last one scheduled, each with what a client must know of it.
 *
 * Spec: EIP-7910, with EIP-6122 for the fork id; geth's BlockChainAPI.Config for what stands there before Cancun. */
#include "api/tables.h"
#include "api/view.h"

struct precompile {
    const char *name;
    enum fork from;
    uint16_t number;
};

static const struct precompile PRECOMPILES[] = {
    {"BLAKE2F", FORK_ISTANBUL, 9},
    {"BLS12_G1ADD", FORK_PRAGUE, 0x0b},
    {"BLS12_G1MSM", FORK_PRAGUE, 0x0c},
    {"BLS12_G2ADD", FORK_PRAGUE, 0x0d},
    {"BLS12_G2MSM", FORK_PRAGUE, 0x0e},
    {"BLS12_MAP_FP2_TO_G2", FORK_PRAGUE, 0x11},
    {"BLS12_MAP_FP_TO_G1", FORK_PRAGUE, 0x10},
    {"BLS12_PAIRING_CHECK", FORK_PRAGUE, 0x0f},
    {"BN254_ADD", FORK_BYZANTIUM, 6},
    {"BN254_MUL", FORK_BYZANTIUM, 7},
    {"BN254_PAIRING", FORK_BYZANTIUM, 8},
    {"ECREC", FORK_FRONTIER, 1},
    {"ID", FORK_FRONTIER, 4},
    {"KZG_POINT_EVALUATION", FORK_CANCUN, 0x0a},
    {"MODEXP", FORK_BYZANTIUM, 5},
    {"P256VERIFY", FORK_OSAKA, 0x100},
    {"RIPEMD160", FORK_FRONTIER, 3},
    {"SHA256", FORK_FRONTIER, 2},
};

static const struct {
    const char *name;
    enum fork from;
    struct fan_address address;
} CONTRACTS[] = {
    {"BEACON_ROOTS_ADDRESS", FORK_CANCUN, {{0x00, 0x0f, 0x3d, 0xf6, 0xd7, 0x32, 0x80, 0x7e, 0xf1, 0x31,
                                            0x9f, 0xb7, 0xb8, 0xbb, 0x85, 0x22, 0xd0, 0xbe, 0xac, 0x02}}},
    {"CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", FORK_PRAGUE, {{0x00, 0x00, 0xbb, 0xdd, 0xc7, 0xce, 0x48,
                                                               0x86, 0x42, 0xfb, 0x57, 0x9f, 0x8b, 0x00,
                                                               0xf3, 0xa5, 0x90, 0x00, 0x72, 0x51}}},
    {"HISTORY_STORAGE_ADDRESS", FORK_PRAGUE, {{0x00, 0x00, 0xf9, 0x08, 0x27, 0xf1, 0xc5, 0x3a, 0x10, 0xcb,
                                               0x7a, 0x02, 0x33, 0x5b, 0x17, 0x53, 0x20, 0x00, 0x29, 0x35}}},
    {"WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", FORK_PRAGUE, {{0x00, 0x00, 0x09, 0x61, 0xef, 0x48, 0x0e,
                                                            0xb5, 0x5e, 0x80, 0xd1, 0x9a, 0xd8, 0x35,
                                                            0x79, 0xa6, 0x4c, 0x00, 0x70, 0x02}}},
};

/* ---- the fork id ---- */

/* CRC-32 as in zlib, bit by bit: it runs over some 50 bytes. */
static uint32_t crc_add(uint32_t crc, struct slice bytes)
{
    crc = ~crc;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.at[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

static uint32_t crc_add_u64(uint32_t crc, uint64_t v)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(v >> (56 - 8 * i));
    return crc_add(crc, slice_of(bytes, sizeof bytes));
}

/* The smallest activation above `after`; FORK_NEVER: none. */
static uint64_t next_block(const struct chain_config *c, uint64_t after)
{
    uint64_t least = FORK_NEVER;

    for (int f = FORK_HOMESTEAD; f < FORK_PARIS; f++)
        if (c->fork_block[f] > after && c->fork_block[f] < least) least = c->fork_block[f];
    return least;
}

static uint64_t next_time(const struct chain_config *c, uint64_t after)
{
    uint64_t least = FORK_NEVER;

    for (int f = FORK_SHANGHAI; f < FORK_COUNT; f++)
        if (c->fork_time[f] > after && c->fork_time[f] < least) least = c->fork_time[f];
    for (size_t i = 0; i < c->blob_count; i++)
        if (c->blob[i].from_time > after && c->blob[i].from_time < least) least = c->blob[i].from_time;
    return least;
}

static uint32_t fork_id(const struct chain_config *c, const struct block *genesis, uint64_t time)
{
    uint32_t crc = crc_add(0, slice_of(genesis->hash.bytes, sizeof genesis->hash.bytes));
    uint64_t at;

    for (at = next_block(c, 0); at != FORK_NEVER; at = next_block(c, at)) crc = crc_add_u64(crc, at);
    for (at = next_time(c, genesis->header.timestamp); at != FORK_NEVER && at <= time; at = next_time(c, at))
        crc = crc_add_u64(crc, at);
    return crc;
}

/* ---- the answer ---- */

/* When the fork that holds at `time` began; 0 also for what began with or before the genesis block. */
static uint64_t activation(const struct chain_config *c, const struct block *genesis, uint64_t time)
{
    uint64_t began = 0;

    for (uint64_t at = next_time(c, genesis->header.timestamp); at != FORK_NEVER && at <= time; at = next_time(c, at))
        began = at;
    return began;
}

static void put_fork(struct json_writer *w, const struct chain_config *c, const struct block *genesis, uint64_t time)
{
    uint64_t rules_at = time > genesis->header.timestamp ? time : genesis->header.timestamp;
    enum fork f = fork_at(c, UINT64_MAX - 1, rules_at);
    uint32_t id = fork_id(c, genesis, rules_at);
    uint8_t id_bytes[4] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    struct blob_params blobs;

    json_begin_object(w);
    json_put_key(w, "activationTime");
    json_put_number(w, time);
    json_put_key(w, "blobSchedule");
    if (blob_params_at(c, rules_at, &blobs)) {
        json_begin_object(w);
        json_put_key(w, "target");
        json_put_number(w, blobs.target);
        json_put_key(w, "max");
        json_put_number(w, blobs.max);
        json_put_key(w, "baseFeeUpdateFraction");
        json_put_number(w, blobs.update_fraction);
        json_end_object(w);
    } else {
        json_put_null(w);
    }
    json_put_key(w, "chainId");
    json_put_u64(w, c->chain_id);
    json_put_key(w, "forkId");
    json_put_data(w, slice_of(id_bytes, sizeof id_bytes));
    json_put_key(w, "precompiles");
    json_begin_object(w);
    for (size_t i = 0; i < COUNT_OF(PRECOMPILES); i++) {
        struct fan_address address = {{0}};

        if (f < PRECOMPILES[i].from) continue;
        address.bytes[18] = (uint8_t)(PRECOMPILES[i].number >> 8);
        address.bytes[19] = (uint8_t)PRECOMPILES[i].number;
        json_put_key(w, PRECOMPILES[i].name);
        json_put_address(w, &address);
    }
    json_end_object(w);
    json_put_key(w, "systemContracts");
    json_begin_object(w);
    for (size_t i = 0; i < COUNT_OF(CONTRACTS); i++) {
        if (f < CONTRACTS[i].from) continue;
        json_put_key(w, CONTRACTS[i].name);
        json_put_address(w, &CONTRACTS[i].address);
    }
    if (f >= FORK_PRAGUE) {
        json_put_key(w, "DEPOSIT_CONTRACT_ADDRESS");
        json_put_address(w, &c->deposit_contract);
    }
    json_end_object(w);
    json_end_object(w);
}

static void config(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct chain *chain = api_of(call)->chain;
    const struct chain_config *c = chain->ops->config(chain);
    struct json_writer *w = call_result(call);
    struct block *genesis = NULL, *head = NULL;
    uint64_t now, next;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = chain->ops->block_by_number(chain, 0, &genesis);
    if (s == FAN_ENOTFOUND) s = chain->ops->head(chain, &genesis); /* a fork: its genesis is another node's */
    if (!s) s = chain->ops->head(chain, &head);
    if (s) {
        block_unref(genesis);
        answer_status(call, s, NULL);
        return;
    }
    now = head->header.timestamp > genesis->header.timestamp ? head->header.timestamp : genesis->header.timestamp;
    next = next_time(c, now);
    json_begin_object(w);
    json_put_key(w, "current");
    put_fork(w, c, genesis, activation(c, genesis, now));
    json_put_key(w, "next");
    if (next == FORK_NEVER)
        json_put_null(w);
    else
        put_fork(w, c, genesis, next);
    json_put_key(w, "last");
    if (next == FORK_NEVER)
        json_put_null(w);
    else
        put_fork(w, c, genesis, activation(c, genesis, FORK_NEVER - 1));
    json_end_object(w);
    block_unref(genesis);
    block_unref(head);
    call_finish(call);
}

const struct rpc_method api_eth_config_methods[] = {
    {"eth_config", RPC_INLINE, 0, config},
};
