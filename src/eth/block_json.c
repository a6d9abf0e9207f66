/* A block as geth's RPC shows it. geth builds the object from a map, so its keys come in the alphabet's order; ours
 * too, to be equal byte for byte. */
#include "eth/block.h"

static void put_hash(struct json_writer *w, const char *key, const struct fan_hash *hash)
{
    json_put_key(w, key);
    json_put_hash(w, hash);
}

static void put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_put_key(w, key);
    json_put_u64(w, value);
}

static void put_data(struct json_writer *w, const char *key, const uint8_t *at, size_t len)
{
    json_put_key(w, key);
    json_put_data(w, slice_of(at, len));
}

static void put_transactions(const struct block *b, bool full, struct json_writer *w)
{
    json_put_key(w, "transactions");
    json_begin_array(w);
    for (size_t i = 0; i < b->tx_count; i++) {
        struct tx_place place = block_tx_place(b, i);

        if (full)
            tx_put_json(&b->txs[i], &place, w);
        else
            json_put_hash(w, &b->txs[i].hash);
    }
    json_end_array(w);
}

static void put_uncles(const struct block *b, struct json_writer *w)
{
    json_put_key(w, "uncles");
    json_begin_array(w);
    for (size_t i = 0; i < b->ommer_count; i++) {
        struct fan_hash hash = header_hash(&b->ommers[i]);

        json_put_hash(w, &hash);
    }
    json_end_array(w);
}

static void put_withdrawals(const struct block *b, struct json_writer *w)
{
    json_put_key(w, "withdrawals");
    json_begin_array(w);
    for (size_t i = 0; i < b->withdrawal_count; i++) {
        const struct withdrawal *one = &b->withdrawals[i];

        json_begin_object(w);
        put_u64(w, "index", one->index);
        put_u64(w, "validatorIndex", one->validator_index);
        json_put_key(w, "address");
        json_put_address(w, &one->address);
        put_u64(w, "amount", one->amount_gwei);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_header_members(const struct header *h, const struct fan_hash *hash, struct json_writer *w)
{
    if (h->extent >= HEADER_LONDON) put_u64(w, "baseFeePerGas", h->base_fee_wei);
    if (h->extent >= HEADER_CANCUN) put_u64(w, "blobGasUsed", h->blob_gas_used);
    json_put_key(w, "difficulty");
    json_put_u256(w, &h->difficulty);
    if (h->extent >= HEADER_CANCUN) put_u64(w, "excessBlobGas", h->excess_blob_gas);
    put_data(w, "extraData", h->extra_data, h->extra_data_len);
    put_u64(w, "gasLimit", h->gas_limit);
    put_u64(w, "gasUsed", h->gas_used);
    put_hash(w, "hash", hash);
    put_data(w, "logsBloom", h->logs_bloom.bytes, BLOOM_LEN);
    json_put_key(w, "miner");
    json_put_address(w, &h->beneficiary);
    put_hash(w, "mixHash", &h->mix_hash);
    put_data(w, "nonce", h->nonce, sizeof h->nonce);
    put_u64(w, "number", h->number);
    if (h->extent >= HEADER_CANCUN) put_hash(w, "parentBeaconBlockRoot", &h->parent_beacon_root);
    put_hash(w, "parentHash", &h->parent_hash);
    put_hash(w, "receiptsRoot", &h->receipts_root);
    if (h->extent >= HEADER_PRAGUE) put_hash(w, "requestsHash", &h->requests_hash);
    put_hash(w, "sha3Uncles", &h->ommers_hash);
}

void block_put_json(const struct block *b, bool full_txs, struct json_writer *w)
{
    const struct header *h = &b->header;

    json_begin_object(w);
    put_header_members(h, &b->hash, w);
    put_u64(w, "size", b->size);
    put_hash(w, "stateRoot", &h->state_root);
    put_u64(w, "timestamp", h->timestamp);
    put_transactions(b, full_txs, w);
    put_hash(w, "transactionsRoot", &h->transactions_root);
    put_uncles(b, w);
    if (h->extent >= HEADER_SHANGHAI) {
        put_withdrawals(b, w);
        put_hash(w, "withdrawalsRoot", &h->withdrawals_root);
    }
    json_end_object(w);
}

void block_put_receipts_json(const struct block *b, struct json_writer *w)
{
    assert(b->has_receipts);
    json_begin_array(w);
    for (size_t i = 0; i < b->tx_count; i++) {
        struct tx_place place = block_tx_place(b, i);

        receipt_put_json(&b->receipts[i], &b->txs[i], &place, w);
    }
    json_end_array(w);
}
