/* A transaction as geth's RPC shows it: its keys, in its order. */
#include "codec/u256.h"
#include "eth/tx.h"

static void put_access_list(const struct tx *tx, struct json_writer *w)
{
    json_begin_array(w);
    for (size_t i = 0; i < tx->access_count; i++) {
        json_begin_object(w);
        json_put_key(w, "address");
        json_put_address(w, &tx->access[i].address);
        json_put_key(w, "storageKeys");
        json_begin_array(w);
        for (size_t k = 0; k < tx->access[i].slot_count; k++) json_put_hash(w, &tx->access[i].slots[k]);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_authorizations(const struct tx *tx, struct json_writer *w)
{
    json_begin_array(w);
    for (size_t i = 0; i < tx->authorization_count; i++) {
        const struct tx_authorization *one = &tx->authorizations[i];

        json_begin_object(w);
        json_put_key(w, "chainId");
        json_put_u256(w, &one->chain_id);
        json_put_key(w, "address");
        json_put_address(w, &one->address);
        json_put_key(w, "nonce");
        json_put_u64(w, one->nonce);
        json_put_key(w, "yParity");
        json_put_u64(w, one->y_parity);
        json_put_key(w, "r");
        json_put_u256(w, &one->r);
        json_put_key(w, "s");
        json_put_u256(w, &one->s);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_put_key(w, key);
    json_put_u64(w, value);
}

static void put_u256(struct json_writer *w, const char *key, const struct fan_u256 *value)
{
    json_put_key(w, key);
    json_put_u256(w, value);
}

static void put_place(const struct tx_place *place, struct json_writer *w)
{
    json_put_key(w, "blockHash");
    if (place)
        json_put_hash(w, &place->block_hash);
    else
        json_put_null(w);
    json_put_key(w, "blockNumber");
    if (place)
        json_put_u64(w, place->block_number);
    else
        json_put_null(w);
    json_put_key(w, "blockTimestamp");
    if (place)
        json_put_u64(w, place->block_timestamp);
    else
        json_put_null(w);
}

static void put_fees(const struct tx *tx, const struct tx_place *place, struct json_writer *w)
{
    struct fan_u256 price = tx->gas_price_wei;

    if (tx->type >= TX_DYNAMIC_FEE && place) price = tx_effective_gas_price(tx, place->base_fee_wei);
    put_u256(w, "gasPrice", &price);
    if (tx->type < TX_DYNAMIC_FEE) return;
    put_u256(w, "maxFeePerGas", &tx->gas_price_wei);
    put_u256(w, "maxPriorityFeePerGas", &tx->priority_fee_wei);
    if (tx->type == TX_BLOB) put_u256(w, "maxFeePerBlobGas", &tx->blob_fee_max_wei);
}

static void put_lists(const struct tx *tx, struct json_writer *w)
{
    if (tx->type != TX_LEGACY) {
        json_put_key(w, "accessList");
        put_access_list(tx, w);
    }
    if (tx->type != TX_LEGACY || (tx->has_chain_id && tx->chain_id)) put_u64(w, "chainId", tx->chain_id);
    if (tx->blob_count) {
        json_put_key(w, "blobVersionedHashes");
        json_begin_array(w);
        for (size_t i = 0; i < tx->blob_count; i++) json_put_hash(w, &tx->blob_hashes[i]);
        json_end_array(w);
    }
    if (tx->authorization_count) {
        json_put_key(w, "authorizationList");
        put_authorizations(tx, w);
    }
}

void tx_put_json(const struct tx *tx, const struct tx_place *place, struct json_writer *w)
{
    assert(tx->has_sender);
    json_begin_object(w);
    put_place(place, w);
    json_put_key(w, "from");
    json_put_address(w, &tx->sender);
    put_u64(w, "gas", tx->gas_limit);
    put_fees(tx, place, w);
    json_put_key(w, "hash");
    json_put_hash(w, &tx->hash);
    json_put_key(w, "input");
    json_put_data(w, tx->data);
    put_u64(w, "nonce", tx->nonce);
    json_put_key(w, "to");
    if (tx->has_to)
        json_put_address(w, &tx->to);
    else
        json_put_null(w);
    json_put_key(w, "transactionIndex");
    if (place)
        json_put_u64(w, place->index);
    else
        json_put_null(w);
    put_u256(w, "value", &tx->value_wei);
    put_u64(w, "type", tx->type);
    put_lists(tx, w);
    put_u256(w, "v", &tx->v);
    put_u256(w, "r", &tx->r);
    put_u256(w, "s", &tx->s);
    if (tx->type != TX_LEGACY) put_u64(w, "yParity", !u256_is_zero(&tx->v));
    json_end_object(w);
}
