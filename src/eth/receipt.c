#include "eth/receipt.h"

static void put_log(const struct log *l, struct buf *b)
{
    size_t list = rlp_list_begin(b), topics;

    rlp_put_address(b, &l->address);
    topics = rlp_list_begin(b);
    for (size_t i = 0; i < l->topic_count; i++) rlp_put_hash(b, &l->topics[i]);
    rlp_list_end(b, topics);
    rlp_put_bytes(b, l->data);
    rlp_list_end(b, list);
}

void receipt_set_bloom(struct receipt *r)
{
    memset(&r->logs_bloom, 0, sizeof r->logs_bloom);
    for (size_t i = 0; i < r->log_count; i++) {
        const struct log *l = &r->logs[i];

        bloom_add(&r->logs_bloom, slice_of(l->address.bytes, sizeof l->address.bytes));
        for (size_t k = 0; k < l->topic_count; k++) bloom_add(&r->logs_bloom, slice_of(l->topics[k].bytes, 32));
    }
}

void receipt_put(const struct receipt *r, struct buf *b)
{
    size_t list, logs;

    if (r->type != TX_LEGACY) buf_put_byte(b, (uint8_t)r->type);
    list = rlp_list_begin(b);
    if (r->has_state_root)
        rlp_put_hash(b, &r->state_root);
    else
        rlp_put_u64(b, r->status);
    rlp_put_u64(b, r->cumulative_gas_used);
    rlp_put_bytes(b, slice_of(r->logs_bloom.bytes, BLOOM_LEN));
    logs = rlp_list_begin(b);
    for (size_t i = 0; i < r->log_count; i++) put_log(&r->logs[i], b);
    rlp_list_end(b, logs);
    rlp_list_end(b, list);
}

static void put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_put_key(w, key);
    json_put_u64(w, value);
}

/* geth builds this object from a map, so its keys come in the alphabet's order; ours too, to be equal byte for byte. */
void receipt_put_json(const struct receipt *r, const struct tx *tx, const struct tx_place *place, struct json_writer *w)
{
    assert(tx->has_sender);
    json_begin_object(w);
    if (r->type == TX_BLOB) {
        put_u64(w, "blobGasPrice", r->blob_gas_price_wei);
        put_u64(w, "blobGasUsed", r->blob_gas_used);
    }
    json_put_key(w, "blockHash");
    json_put_hash(w, &place->block_hash);
    put_u64(w, "blockNumber", place->block_number);
    json_put_key(w, "contractAddress");
    if (r->has_contract)
        json_put_address(w, &r->contract);
    else
        json_put_null(w);
    put_u64(w, "cumulativeGasUsed", r->cumulative_gas_used);
    json_put_key(w, "effectiveGasPrice");
    json_put_u256(w, &r->effective_gas_price_wei);
    json_put_key(w, "from");
    json_put_address(w, &tx->sender);
    put_u64(w, "gasUsed", r->gas_used);
    json_put_key(w, "logs");
    json_begin_array(w);
    for (size_t i = 0; i < r->log_count; i++) log_put_json(&r->logs[i], false, w);
    json_end_array(w);
    json_put_key(w, "logsBloom");
    json_put_data(w, slice_of(r->logs_bloom.bytes, BLOOM_LEN));
    if (r->has_state_root) {
        json_put_key(w, "root");
        json_put_hash(w, &r->state_root);
    } else {
        put_u64(w, "status", r->status);
    }
    json_put_key(w, "to");
    if (tx->has_to)
        json_put_address(w, &tx->to);
    else
        json_put_null(w);
    json_put_key(w, "transactionHash");
    json_put_hash(w, &tx->hash);
    put_u64(w, "transactionIndex", place->index);
    put_u64(w, "type", r->type);
    json_end_object(w);
}

void log_put_json(const struct log *l, bool removed, struct json_writer *w)
{
    json_begin_object(w);
    if (l->json.len) {
        json_put_raw(w, l->json);
        json_put_key(w, "removed");
        json_put_bool(w, removed);
        json_end_object(w);
        return;
    }
    json_put_key(w, "address");
    json_put_address(w, &l->address);
    json_put_key(w, "topics");
    json_begin_array(w);
    for (size_t i = 0; i < l->topic_count; i++) json_put_hash(w, &l->topics[i]);
    json_end_array(w);
    json_put_key(w, "data");
    json_put_data(w, l->data);
    put_u64(w, "blockNumber", l->block_number);
    json_put_key(w, "transactionHash");
    json_put_hash(w, &l->tx_hash);
    put_u64(w, "transactionIndex", l->tx_index);
    json_put_key(w, "blockHash");
    json_put_hash(w, &l->block_hash);
    put_u64(w, "blockTimestamp", l->block_timestamp);
    put_u64(w, "logIndex", l->index);
    json_put_key(w, "removed");
    json_put_bool(w, removed);
    json_end_object(w);
}
