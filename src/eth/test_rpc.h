/* test_rpc: from the RPC form back to structs, for tests: published blocks come as JSON, and what was read so can be
 * encoded, hashed and compared with what the JSON itself says. Only for *_test.c. */
#ifndef ETH_TEST_RPC_H
#define ETH_TEST_RPC_H

#include "base/test.h"
#include "eth/block.h"

/* Everything below remembers a failure here, so that readers stay straight lines. */
struct rpc_reader {
    struct arena *arena;
    bool failed;
};

static inline uint64_t rpc_u64(struct rpc_reader *r, struct json object, const char *key)
{
    uint64_t v = 0;

    if (json_read_u64(json_get(object, key), &v)) r->failed = true;
    return v;
}

static inline struct fan_u256 rpc_u256(struct rpc_reader *r, struct json object, const char *key)
{
    struct fan_u256 v = {{0}};

    if (json_read_u256(json_get(object, key), &v)) r->failed = true;
    return v;
}

static inline struct fan_hash rpc_hash(struct rpc_reader *r, struct json v)
{
    struct fan_hash h = {{0}};

    if (json_read_hash(v, &h)) r->failed = true;
    return h;
}

static inline struct fan_address rpc_address(struct rpc_reader *r, struct json v)
{
    struct fan_address a = {{0}};

    if (json_read_address(v, &a)) r->failed = true;
    return a;
}

static inline struct slice rpc_data(struct rpc_reader *r, struct json v)
{
    struct slice s = {0};

    if (json_read_data(v, 0, r->arena, &s)) r->failed = true;
    return s;
}

static inline void rpc_fixed(struct rpc_reader *r, struct json v, uint8_t *out, size_t len)
{
    struct slice s = rpc_data(r, v);

    if (s.len == len)
        memcpy(out, s.at, len);
    else
        r->failed = true;
}

static inline const struct fan_hash *rpc_hashes(struct rpc_reader *r, struct json list, size_t *out_count)
{
    struct fan_hash *all = ARENA_ARRAY(r->arena, json_count(list), struct fan_hash);

    *out_count = 0;
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v))
        all[(*out_count)++] = rpc_hash(r, v);
    return all;
}

static inline void rpc_access(struct rpc_reader *r, struct json list, struct tx *tx)
{
    struct tx_access *all = ARENA_ARRAY(r->arena, json_count(list), struct tx_access);

    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v)) {
        struct tx_access *one = &all[tx->access_count++];

        one->address = rpc_address(r, json_get(v, "address"));
        one->slots = rpc_hashes(r, json_get(v, "storageKeys"), &one->slot_count);
    }
    tx->access = all;
}

static inline void rpc_authorizations(struct rpc_reader *r, struct json list, struct tx *tx)
{
    struct tx_authorization *all = ARENA_ARRAY(r->arena, json_count(list), struct tx_authorization);

    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v)) {
        struct tx_authorization *one = &all[tx->authorization_count++];

        one->chain_id = rpc_u256(r, v, "chainId");
        one->address = rpc_address(r, json_get(v, "address"));
        one->nonce = rpc_u64(r, v, "nonce");
        one->y_parity = (uint8_t)rpc_u64(r, v, "yParity");
        one->r = rpc_u256(r, v, "r");
        one->s = rpc_u256(r, v, "s");
    }
    tx->authorizations = all;
}

/* All but sender, hash and encoding, which are for the test to find. */
static inline struct tx rpc_tx(struct rpc_reader *r, struct json v)
{
    struct tx tx = {.type = (enum tx_type)rpc_u64(r, v, "type")};

    tx.nonce = rpc_u64(r, v, "nonce");
    tx.gas_limit = rpc_u64(r, v, "gas");
    tx.has_to = json_is(json_get(v, "to"), JSON_STRING);
    if (tx.has_to) tx.to = rpc_address(r, json_get(v, "to"));
    tx.value_wei = rpc_u256(r, v, "value");
    tx.data = rpc_data(r, json_get(v, "input"));
    tx.v = rpc_u256(r, v, "v");
    tx.r = rpc_u256(r, v, "r");
    tx.s = rpc_u256(r, v, "s");
    if (tx.type == TX_LEGACY) {
        tx.has_chain_id = tx.v.limb[0] >= 35;
        tx.chain_id = tx.has_chain_id ? (tx.v.limb[0] - 35) / 2 : 0;
    } else {
        tx.has_chain_id = true;
        tx.chain_id = rpc_u64(r, v, "chainId");
        rpc_access(r, json_get(v, "accessList"), &tx);
    }
    tx.gas_price_wei = rpc_u256(r, v, tx.type < TX_DYNAMIC_FEE ? "gasPrice" : "maxFeePerGas");
    tx.priority_fee_wei = tx.type < TX_DYNAMIC_FEE ? tx.gas_price_wei : rpc_u256(r, v, "maxPriorityFeePerGas");
    if (tx.type == TX_BLOB) {
        tx.blob_fee_max_wei = rpc_u256(r, v, "maxFeePerBlobGas");
        tx.blob_hashes = rpc_hashes(r, json_get(v, "blobVersionedHashes"), &tx.blob_count);
    }
    if (tx.type == TX_SET_CODE) rpc_authorizations(r, json_get(v, "authorizationList"), &tx);
    return tx;
}

static inline struct header rpc_header(struct rpc_reader *r, struct json v)
{
    struct header h = {.extent = HEADER_FRONTIER};
    struct slice extra = rpc_data(r, json_get(v, "extraData"));

    h.parent_hash = rpc_hash(r, json_get(v, "parentHash"));
    h.ommers_hash = rpc_hash(r, json_get(v, "sha3Uncles"));
    h.beneficiary = rpc_address(r, json_get(v, "miner"));
    h.state_root = rpc_hash(r, json_get(v, "stateRoot"));
    h.transactions_root = rpc_hash(r, json_get(v, "transactionsRoot"));
    h.receipts_root = rpc_hash(r, json_get(v, "receiptsRoot"));
    rpc_fixed(r, json_get(v, "logsBloom"), h.logs_bloom.bytes, BLOOM_LEN);
    h.difficulty = rpc_u256(r, v, "difficulty");
    h.number = rpc_u64(r, v, "number");
    h.gas_limit = rpc_u64(r, v, "gasLimit");
    h.gas_used = rpc_u64(r, v, "gasUsed");
    h.timestamp = rpc_u64(r, v, "timestamp");
    memcpy(h.extra_data, extra.at, extra.len);
    h.extra_data_len = extra.len;
    h.mix_hash = rpc_hash(r, json_get(v, "mixHash"));
    rpc_fixed(r, json_get(v, "nonce"), h.nonce, sizeof h.nonce);
    if (json_is(json_get(v, "baseFeePerGas"), JSON_STRING)) {
        h.extent = HEADER_LONDON;
        h.base_fee_wei = rpc_u64(r, v, "baseFeePerGas");
    }
    if (json_is(json_get(v, "withdrawalsRoot"), JSON_STRING)) {
        h.extent = HEADER_SHANGHAI;
        h.withdrawals_root = rpc_hash(r, json_get(v, "withdrawalsRoot"));
    }
    if (json_is(json_get(v, "parentBeaconBlockRoot"), JSON_STRING)) {
        h.extent = HEADER_CANCUN;
        h.blob_gas_used = rpc_u64(r, v, "blobGasUsed");
        h.excess_blob_gas = rpc_u64(r, v, "excessBlobGas");
        h.parent_beacon_root = rpc_hash(r, json_get(v, "parentBeaconBlockRoot"));
    }
    if (json_is(json_get(v, "requestsHash"), JSON_STRING)) {
        h.extent = HEADER_PRAGUE;
        h.requests_hash = rpc_hash(r, json_get(v, "requestsHash"));
    }
    return h;
}

/* Header, transactions (sealed) and withdrawals; NULL when something did not fit. The caller owns it. */
static inline struct block *rpc_block(struct json v)
{
    struct block *b = block_new();
    struct arena a = arena_of(&b->memory);
    struct rpc_reader r = {.arena = &a};
    struct json txs = json_get(v, "transactions"), withdrawals = json_get(v, "withdrawals");
    struct withdrawal *all = ARENA_ARRAY(&a, json_count(withdrawals), struct withdrawal);

    b->header = rpc_header(&r, v);
    b->txs = ARENA_ARRAY(&a, json_count(txs), struct tx);
    for (struct json i = json_first(txs); !json_is(i, JSON_MISSING); i = json_next(i)) {
        b->txs[b->tx_count] = rpc_tx(&r, i);
        if (tx_seal(&b->txs[b->tx_count++], &a)) r.failed = true;
    }
    for (struct json i = json_first(withdrawals); !json_is(i, JSON_MISSING); i = json_next(i)) {
        struct withdrawal *one = &all[b->withdrawal_count++];

        one->index = rpc_u64(&r, i, "index");
        one->validator_index = rpc_u64(&r, i, "validatorIndex");
        one->address = rpc_address(&r, json_get(i, "address"));
        one->amount_gwei = rpc_u64(&r, i, "amount");
    }
    b->withdrawals = all;
    block_finish(b);
    if (!r.failed) return b;
    block_unref(b);
    return NULL;
}

/* Every key and value of `expected` stands in `got` too; got may say more. Counts keys that only got has. Reports what
 * differs. The one key passed by is an authorization's "authority", which some nodes add and geth does not. */
static inline void rpc_check_holds(struct test *t, const char *where, struct json got, struct json expected,
                                   size_t *extra_keys)
{
    if (json_is(expected, JSON_OBJECT)) {
        for (struct json v = json_first(expected); !json_is(v, JSON_MISSING); v = json_next(v)) {
            struct slice raw = json_key(v);
            char key[64] = {0};

            memcpy(key, raw.at, raw.len < sizeof key ? raw.len : sizeof key - 1);
            if (strcmp(key, "authority") != 0) rpc_check_holds(t, key, json_get(got, key), v, extra_keys);
        }
        if (extra_keys && json_count(got) > json_count(expected)) *extra_keys += json_count(got) - json_count(expected);
    } else if (json_is(expected, JSON_ARRAY)) {
        struct json g = json_first(got);

        if (json_count(got) != json_count(expected)) test_fail(t, __FILE__, __LINE__, "%s: lengths differ", where);
        for (struct json v = json_first(expected); !json_is(v, JSON_MISSING); v = json_next(v), g = json_next(g))
            rpc_check_holds(t, where, g, v, extra_keys);
    } else if (!slice_eq(json_raw(got), json_raw(expected))) {
        test_fail(t, __FILE__, __LINE__, "%s is %.*s, expected %.*s", where, SLICE_ARGS(json_raw(got)),
                  SLICE_ARGS(json_raw(expected)));
    }
}

/* The reply of a recorded conversation: the JSON behind the last "<< ". */
static inline struct slice rpc_recorded(const char *path)
{
    struct slice file = test_shared_file(path), reply = {0};

    for (size_t i = 0; i + 3 < file.len; i++) {
        if (memcmp(file.at + i, "<< ", 3) != 0 || (i && file.at[i - 1] != '\n')) continue;
        reply = slice_from(file, i + 3);
        for (size_t end = 0; end < reply.len; end++) {
            if (reply.at[end] != '\n') continue;
            reply = slice_first(reply, end);
            break;
        }
    }
    return reply;
}

#define CHECK_HASH(t, got, expected)                                                                                   \
    CHECK_SLICE(t, slice_of((got).bytes, sizeof(got).bytes), slice_of((expected).bytes, sizeof(expected).bytes))

#endif
