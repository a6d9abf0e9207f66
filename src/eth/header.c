#include "eth/header.h"

#include "codec/keccak.h"

enum { HEADER_RLP_MAX = HEADER_EXTRA_MAX + 1024 }; /* under 800 of everything else, and what a list's header needs */

enum header_extent header_extent_of(enum fork f)
{
    if (f >= FORK_PRAGUE) return HEADER_PRAGUE;
    if (f >= FORK_CANCUN) return HEADER_CANCUN;
    if (f >= FORK_SHANGHAI) return HEADER_SHANGHAI;
    return f >= FORK_LONDON ? HEADER_LONDON : HEADER_FRONTIER;
}

void header_put(const struct header *h, struct buf *b)
{
    size_t list = rlp_list_begin(b);

    rlp_put_hash(b, &h->parent_hash);
    rlp_put_hash(b, &h->ommers_hash);
    rlp_put_address(b, &h->beneficiary);
    rlp_put_hash(b, &h->state_root);
    rlp_put_hash(b, &h->transactions_root);
    rlp_put_hash(b, &h->receipts_root);
    rlp_put_bytes(b, slice_of(h->logs_bloom.bytes, BLOOM_LEN));
    rlp_put_u256(b, &h->difficulty);
    rlp_put_u64(b, h->number);
    rlp_put_u64(b, h->gas_limit);
    rlp_put_u64(b, h->gas_used);
    rlp_put_u64(b, h->timestamp);
    rlp_put_bytes(b, slice_of(h->extra_data, h->extra_data_len));
    rlp_put_hash(b, &h->mix_hash);
    rlp_put_bytes(b, slice_of(h->nonce, sizeof h->nonce));
    if (h->extent >= HEADER_LONDON) rlp_put_u64(b, h->base_fee_wei);
    if (h->extent >= HEADER_SHANGHAI) rlp_put_hash(b, &h->withdrawals_root);
    if (h->extent >= HEADER_CANCUN) {
        rlp_put_u64(b, h->blob_gas_used);
        rlp_put_u64(b, h->excess_blob_gas);
        rlp_put_hash(b, &h->parent_beacon_root);
    }
    if (h->extent >= HEADER_PRAGUE) rlp_put_hash(b, &h->requests_hash);
    rlp_list_end(b, list);
}

enum fan_status header_decode(struct rlp *r, struct header *out, struct fan_error *err)
{
    struct rlp list = rlp_enter(r);
    struct header h = {.extent = HEADER_FRONTIER};
    struct slice extra;

    h.parent_hash = rlp_hash(&list);
    h.ommers_hash = rlp_hash(&list);
    h.beneficiary = rlp_address(&list, NULL);
    h.state_root = rlp_hash(&list);
    h.transactions_root = rlp_hash(&list);
    h.receipts_root = rlp_hash(&list);
    rlp_fixed(&list, h.logs_bloom.bytes, BLOOM_LEN);
    h.difficulty = rlp_u256(&list);
    h.number = rlp_u64(&list);
    h.gas_limit = rlp_u64(&list);
    h.gas_used = rlp_u64(&list);
    h.timestamp = rlp_u64(&list);
    extra = rlp_bytes(&list);
    if (extra.len > sizeof h.extra_data)
        rlp_fail(&list, "extra data is longer than 1024 bytes");
    else if (extra.len)
        memcpy(h.extra_data, extra.at, extra.len);
    h.extra_data_len = extra.len;
    h.mix_hash = rlp_hash(&list);
    rlp_fixed(&list, h.nonce, sizeof h.nonce);
    if (rlp_more(&list)) {
        h.extent = HEADER_LONDON;
        h.base_fee_wei = rlp_u64(&list);
    }
    if (rlp_more(&list)) {
        h.extent = HEADER_SHANGHAI;
        h.withdrawals_root = rlp_hash(&list);
    }
    if (rlp_more(&list)) {
        h.extent = HEADER_CANCUN;
        h.blob_gas_used = rlp_u64(&list);
        h.excess_blob_gas = rlp_u64(&list);
        h.parent_beacon_root = rlp_hash(&list);
    }
    if (rlp_more(&list)) {
        h.extent = HEADER_PRAGUE;
        h.requests_hash = rlp_hash(&list);
    }
    rlp_leave(r, &list);
    if (r->failed) return fan_error_set(err, FAN_EFORMAT, "header: %s", r->why);
    *out = h;
    return FAN_OK;
}

size_t header_size(const struct header *h, struct fan_hash *out_hash)
{
    uint8_t space[HEADER_RLP_MAX];
    struct buf b = {.at = space, .cap = sizeof space, .len_max = sizeof space}; /* never grows: hashing must not fail */

    header_put(h, &b);
    assert(!b.failed);
    if (out_hash) *out_hash = keccak256(buf_peek(&b));
    return b.len;
}

struct fan_hash header_hash(const struct header *h)
{
    struct fan_hash hash;

    (void)header_size(h, &hash);
    return hash;
}

static void put_hash_or_null(struct json_writer *w, const char *key, const struct fan_hash *hash, bool there)
{
    json_put_key(w, key);
    if (there)
        json_put_hash(w, hash);
    else
        json_put_null(w);
}

static void put_u64_or_null(struct json_writer *w, const char *key, uint64_t value, bool there)
{
    json_put_key(w, key);
    if (there)
        json_put_u64(w, value);
    else
        json_put_null(w);
}

void header_put_json_members(const struct header *h, const struct fan_hash *hash, struct json_writer *w)
{
    static const struct fan_hash none;

    put_hash_or_null(w, "parentHash", &h->parent_hash, true);
    put_hash_or_null(w, "sha3Uncles", &h->ommers_hash, true);
    json_put_key(w, "miner");
    json_put_address(w, &h->beneficiary);
    put_hash_or_null(w, "stateRoot", &h->state_root, true);
    put_hash_or_null(w, "transactionsRoot", &h->transactions_root, true);
    put_hash_or_null(w, "receiptsRoot", &h->receipts_root, true);
    json_put_key(w, "logsBloom");
    json_put_data(w, slice_of(h->logs_bloom.bytes, BLOOM_LEN));
    json_put_key(w, "difficulty");
    json_put_u256(w, &h->difficulty);
    put_u64_or_null(w, "number", h->number, true);
    put_u64_or_null(w, "gasLimit", h->gas_limit, true);
    put_u64_or_null(w, "gasUsed", h->gas_used, true);
    put_u64_or_null(w, "timestamp", h->timestamp, true);
    json_put_key(w, "extraData");
    json_put_data(w, slice_of(h->extra_data, h->extra_data_len));
    put_hash_or_null(w, "mixHash", &h->mix_hash, true);
    json_put_key(w, "nonce");
    json_put_data(w, slice_of(h->nonce, sizeof h->nonce));
    /* geth marshals its whole struct here: what the fork does not have yet is null, not absent. */
    put_u64_or_null(w, "baseFeePerGas", h->base_fee_wei, h->extent >= HEADER_LONDON);
    put_hash_or_null(w, "withdrawalsRoot", &h->withdrawals_root, h->extent >= HEADER_SHANGHAI);
    put_u64_or_null(w, "blobGasUsed", h->blob_gas_used, h->extent >= HEADER_CANCUN);
    put_u64_or_null(w, "excessBlobGas", h->excess_blob_gas, h->extent >= HEADER_CANCUN);
    put_hash_or_null(w, "parentBeaconBlockRoot", &h->parent_beacon_root, h->extent >= HEADER_CANCUN);
    put_hash_or_null(w, "requestsHash", &h->requests_hash, h->extent >= HEADER_PRAGUE);
    put_hash_or_null(w, "blockAccessListHash", &none, false); /* EIP-7928 and 7843: of forks to come */
    put_u64_or_null(w, "slotNumber", 0, false);
    put_hash_or_null(w, "hash", hash, true);
}
