#include "upstream/forked.h"

static enum fan_status wrong(struct fan_error *err, const char *key)
{
    return fan_error_set(err, FAN_EFORMAT, "its block has no sound \"%s\"", key);
}

static bool has(struct json block, const char *key)
{
    return json_kind(json_get(block, key)) > JSON_NULL;
}

#define READ(kind, key, out)                                                                                           \
    do {                                                                                                               \
        if (json_read_##kind(json_get(block, key), out)) return wrong(err, key);                                       \
    } while (0)
#define READ_IF(kind, key, out)                                                                                        \
    do {                                                                                                               \
        if (has(block, key)) READ(kind, key, out);                                                                     \
    } while (0)

static enum fan_status read_bytes(struct json block, const char *key, size_t min, size_t max, struct arena *a,
                                  uint8_t *out, size_t *out_len, struct fan_error *err)
{
    struct slice bytes;

    if (json_read_data(json_get(block, key), max, a, &bytes) || bytes.len < min) return wrong(err, key);
    if (bytes.len) memcpy(out, bytes.at, bytes.len);
    if (out_len) *out_len = bytes.len;
    return FAN_OK;
}

/* Each fork's fields, which later ones keep. */
static enum fan_status read_later(struct json block, struct header *h, struct fan_error *err)
{
    if (!has(block, "baseFeePerGas")) return FAN_OK;
    READ(u64, "baseFeePerGas", &h->base_fee_wei);
    h->extent = HEADER_LONDON;
    if (!has(block, "withdrawalsRoot")) return FAN_OK;
    READ(hash, "withdrawalsRoot", &h->withdrawals_root);
    h->extent = HEADER_SHANGHAI;
    if (!has(block, "excessBlobGas")) return FAN_OK;
    READ(u64, "excessBlobGas", &h->excess_blob_gas);
    READ_IF(u64, "blobGasUsed", &h->blob_gas_used);
    READ_IF(hash, "parentBeaconBlockRoot", &h->parent_beacon_root);
    h->extent = HEADER_CANCUN;
    if (!has(block, "requestsHash")) return FAN_OK;
    READ(hash, "requestsHash", &h->requests_hash);
    h->extent = HEADER_PRAGUE;
    return FAN_OK;
}

enum fan_status forked_read_header(struct json block, struct arena *a, struct header *h, struct fan_hash *out_hash,
                                   struct fan_error *err)
{
    enum fan_status s;

    memset(h, 0, sizeof *h);
    READ(hash, "hash", out_hash);
    READ(hash, "parentHash", &h->parent_hash);
    READ_IF(hash, "sha3Uncles", &h->ommers_hash);
    READ_IF(address, "miner", &h->beneficiary);
    READ(hash, "stateRoot", &h->state_root);
    READ_IF(hash, "transactionsRoot", &h->transactions_root);
    READ_IF(hash, "receiptsRoot", &h->receipts_root);
    READ_IF(u256, "difficulty", &h->difficulty);
    READ(u64, "number", &h->number);
    READ(u64, "gasLimit", &h->gas_limit);
    READ(u64, "gasUsed", &h->gas_used);
    READ(u64, "timestamp", &h->timestamp);
    READ_IF(hash, "mixHash", &h->mix_hash);
    s = FAN_OK;
    if (has(block, "logsBloom"))
        s = read_bytes(block, "logsBloom", sizeof h->logs_bloom, sizeof h->logs_bloom, a, (uint8_t *)&h->logs_bloom,
                       NULL, err);
    if (!s && has(block, "nonce")) s = read_bytes(block, "nonce", 8, 8, a, h->nonce, NULL, err);
    if (!s && has(block, "extraData"))
        s = read_bytes(block, "extraData", 0, sizeof h->extra_data, a, h->extra_data, &h->extra_data_len, err);
    return s ? s : read_later(block, h, err);
}
