#include "api/message.h"

#include "codec/hex.h"
#include "codec/u256.h"

static struct fan_hash *read_hashes(struct params *p, const struct where *at, struct json list, size_t *out_count)
{
    struct fan_hash *out;
    size_t i = 0;

    *out_count = 0;
    if (!params_expect(p, at, list, JSON_ARRAY)) return NULL;
    out = params_items(p, list, sizeof *out, out_count);
    for (struct json v = json_first(list); out && !json_is(v, JSON_MISSING); v = json_next(v), i++)
        out[i] = read_hash(p, &(struct where){.outer = at, .index = i}, v);
    return out;
}

static void read_access(struct params *p, const struct where *at, struct json list, struct tx *tx)
{
    struct tx_access *out;
    size_t i = 0;

    if (!params_expect(p, at, list, JSON_ARRAY)) return;
    out = params_items(p, list, sizeof *out, &tx->access_count);
    for (struct json v = json_first(list); out && !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct where item = {.outer = at, .index = i}, address = {.outer = &item, .key = "address"},
                     keys = {.outer = &item, .key = "storageKeys"};

        if (!params_expect(p, &item, v, JSON_OBJECT)) return;
        out[i].address = read_address(p, &address, json_get(v, "address"));
        out[i].slots = read_hashes(p, &keys, json_get(v, "storageKeys"), &out[i].slot_count);
    }
    tx->access = out;
}

static void read_authorizations(struct params *p, const struct where *at, struct json list, struct tx *tx)
{
    struct tx_authorization *out;
    size_t i = 0;

    if (!params_expect(p, at, list, JSON_ARRAY)) return;
    out = params_items(p, list, sizeof *out, &tx->authorization_count);
    for (struct json v = json_first(list); out && !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct where item = {.outer = at, .index = i};
        struct where chain_id = {.outer = &item, .key = "chainId"}, address = {.outer = &item, .key = "address"},
                     nonce = {.outer = &item, .key = "nonce"}, parity = {.outer = &item, .key = "yParity"},
                     r = {.outer = &item, .key = "r"}, s = {.outer = &item, .key = "s"};
        uint64_t y;

        if (!params_expect(p, &item, v, JSON_OBJECT)) return;
        out[i].chain_id = read_u256(p, &chain_id, json_get(v, "chainId"));
        out[i].address = read_address(p, &address, json_get(v, "address"));
        out[i].nonce = read_u64(p, &nonce, json_get(v, "nonce"));
        y = read_u64(p, &parity, json_get(v, "yParity"));
        if (y > UINT8_MAX) params_fail_at(p, &parity, "hex number > 8 bits");
        out[i].y_parity = (uint8_t)y;
        out[i].r = read_u256(p, &r, json_get(v, "r"));
        out[i].s = read_u256(p, &s, json_get(v, "s"));
    }
    tx->authorizations = out;
}

static void read_input(struct params *p, const struct where *at, struct json o, struct message *out)
{
    struct json data = json_get(o, "data"), input = json_get(o, "input");
    struct where data_at = {.outer = at, .key = "data"}, input_at = {.outer = at, .key = "input"};
    struct slice data_bytes = {0}, input_bytes = {0};

    if (params_given(data)) data_bytes = read_data(p, &data_at, data);
    if (params_given(input)) input_bytes = read_data(p, &input_at, input);
    out->has_data = params_given(data) || params_given(input);
    out->data_differs = params_given(data) && params_given(input) && !slice_eq(data_bytes, input_bytes);
    out->tx.data = params_given(input) ? input_bytes : data_bytes;
}

static struct fan_u256 amount(struct params *p, const struct where *outer, struct json o, const char *key,
                              bool *out_has)
{
    struct json v = json_get(o, key);

    *out_has = params_given(v);
    return *out_has ? read_u256(p, &(struct where){.outer = outer, .key = key}, v) : u256_of(0);
}

static uint64_t number(struct params *p, const struct where *outer, struct json o, const char *key, bool *out_has)
{
    struct json v = json_get(o, key);

    *out_has = params_given(v);
    return *out_has ? read_u64(p, &(struct where){.outer = outer, .key = key}, v) : 0;
}

static struct fan_address address(struct params *p, const struct where *outer, struct json o, const char *key,
                                  bool *out_has)
{
    struct json v = json_get(o, key);

    *out_has = params_given(v);
    return *out_has ? read_address(p, &(struct where){.outer = outer, .key = key}, v) : (struct fan_address){{0}};
}

void message_read(struct params *p, struct message *out)
{
    struct where at = params_where(0, "transaction");

    message_read_at(p, &at, params_value(p, &at), out);
}

void message_read_at(struct params *p, const struct where *at, struct json o, struct message *out)
{
    struct json v;

    *out = (struct message){0};
    if (!params_expect(p, at, o, JSON_OBJECT)) return;
    out->tx.sender = address(p, at, o, "from", &out->has_from);
    out->tx.has_sender = true;
    out->tx.to = address(p, at, o, "to", &out->has_to);
    out->tx.has_to = out->has_to;
    out->tx.gas_limit = number(p, at, o, "gas", &out->has_gas);
    out->tx.nonce = number(p, at, o, "nonce", &out->has_nonce);
    out->tx.value_wei = amount(p, at, o, "value", &out->has_value);
    out->gas_price_wei = amount(p, at, o, "gasPrice", &out->has_gas_price);
    out->fee_max_wei = amount(p, at, o, "maxFeePerGas", &out->has_fee_max);
    out->priority_fee_wei = amount(p, at, o, "maxPriorityFeePerGas", &out->has_priority_fee);
    out->tx.blob_fee_max_wei = amount(p, at, o, "maxFeePerBlobGas", &out->has_blob_fee);
    out->chain_id = amount(p, at, o, "chainId", &out->has_chain_id);
    read_input(p, at, o, out);
    v = json_get(o, "accessList");
    out->has_access = params_given(v);
    if (out->has_access) read_access(p, &(struct where){.outer = at, .key = "accessList"}, v, &out->tx);
    v = json_get(o, "blobVersionedHashes");
    out->has_blob_hashes = params_given(v);
    if (out->has_blob_hashes)
        out->tx.blob_hashes =
            read_hashes(p, &(struct where){.outer = at, .key = "blobVersionedHashes"}, v, &out->tx.blob_count);
    v = json_get(o, "authorizationList");
    out->has_authorizations = params_given(v);
    if (out->has_authorizations)
        read_authorizations(p, &(struct where){.outer = at, .key = "authorizationList"}, v, &out->tx);
    out->has_blobs = params_given(json_get(o, "blobs"));
}

enum tx_type message_type(const struct message *m, bool is_london)
{
    if (m->has_gas_price || !is_london) return m->has_access ? TX_ACCESS_LIST : TX_LEGACY;
    if (m->has_authorizations) return TX_SET_CODE;
    if (m->has_blob_hashes) return TX_BLOB;
    return TX_DYNAMIC_FEE;
}

static bool refuse(struct fan_error *out_words, const char *words)
{
    (void)fan_error_set(out_words, FAN_EREJECTED, "%s", words);
    return false;
}

bool message_fees_fit(const struct message *m, bool is_london, struct fan_error *out_words)
{
    char most[66], tip[66];

    if (m->has_blob_fee && u256_is_zero(&m->tx.blob_fee_max_wei))
        return refuse(out_words, "maxFeePerBlobGas, if specified, must be non-zero");
    if (m->has_gas_price && (m->has_fee_max || m->has_priority_fee))
        return refuse(out_words, "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    if (m->has_gas_price && m->has_authorizations)
        return refuse(out_words, "both gasPrice and authorizationList specified");
    if (!is_london && (m->has_fee_max || m->has_priority_fee))
        return refuse(out_words, "maxFeePerGas and maxPriorityFeePerGas are not valid before London is active");
    if (is_london && m->has_gas_price && u256_is_zero(&m->gas_price_wei))
        return refuse(out_words, "gasPrice must be non-zero after london fork");
    if (!m->has_fee_max || !m->has_priority_fee) return true;
    if (u256_is_zero(&m->fee_max_wei)) return refuse(out_words, "maxFeePerGas must be non-zero");
    if (u256_cmp(&m->fee_max_wei, &m->priority_fee_wei) >= 0) return true;
    (void)fan_error_set(out_words, FAN_EREJECTED, "maxFeePerGas (%.*s) < maxPriorityFeePerGas (%.*s)",
                        (int)hex_write_u256(&m->fee_max_wei, most), most,
                        (int)hex_write_u256(&m->priority_fee_wei, tip), tip);
    return false;
}

bool message_for_call(const struct message *m, uint64_t chain_id, bool is_london, uint64_t gas_max,
                      struct chain_call *out, struct fan_error *out_words)
{
    struct fan_u256 own = u256_of(chain_id);
    char have[79];

    if (m->has_blob_fee && !m->tx.blob_count)
        return refuse(out_words, "maxFeePerBlobGas specified without blobVersionedHashes");
    if (m->has_blobs) return refuse(out_words, "\"blobs\" is not supported for this RPC method");
    if (m->has_gas_price && (m->has_fee_max || m->has_priority_fee))
        return refuse(out_words, "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    if (!m->has_to && m->has_blob_hashes) return refuse(out_words, "blob transaction of type create");
    if (!m->has_to && m->has_authorizations)
        return refuse(out_words, "EIP-7702 transaction cannot be used to create contract");
    if (!is_london && (m->has_fee_max || m->has_priority_fee))
        return refuse(out_words, "maxFeePerGas and maxPriorityFeePerGas are not valid before London is active");
    if (m->has_chain_id && !u256_eq(&m->chain_id, &own)) {
        u256_to_decimal(&m->chain_id, have);
        (void)fan_error_set(out_words, FAN_EREJECTED, "chainId does not match node's (have=%s, want=%llu)", have,
                            (unsigned long long)chain_id);
        return false;
    }
    out->tx = m->tx;
    out->tx.type = message_type(m, is_london);
    if (m->has_authorizations) out->tx.type = TX_SET_CODE;
    if (m->has_blob_hashes && m->tx.blob_count) out->tx.type = TX_BLOB;
    out->tx.has_chain_id = true;
    out->tx.chain_id = chain_id;
    /* A call's nonce counts for nothing, yet the executor refuses the largest one whatever it is told. */
    if (out->tx.nonce == UINT64_MAX) out->tx.nonce--;
    out->has_gas = m->has_gas;
    out->gas_max = gas_max;
    out->tx.gas_limit = m->has_gas ? min_u64(m->tx.gas_limit, gas_max) : gas_max;
    out->tx.gas_price_wei = m->has_gas_price ? m->gas_price_wei : m->fee_max_wei;
    out->tx.priority_fee_wei = m->has_gas_price ? m->gas_price_wei : m->priority_fee_wei;
    out->has_fee = !u256_is_zero(&out->tx.gas_price_wei) || !u256_is_zero(&out->tx.priority_fee_wei);
    return true;
}

/* ---- overrides ---- */

static void read_slots(struct params *p, const struct where *at, struct json o, struct chain_override *out)
{
    struct chain_slot *slots;
    size_t i = 0;

    if (!params_expect(p, at, o, JSON_OBJECT)) return;
    slots = params_items(p, o, sizeof *slots, &out->slot_count);
    for (struct json v = json_first(o); slots && !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct slice key = json_key(v);
        const char *fault = read_slot(key, &slots[i].slot, NULL);
        struct fan_hash value;

        if (fault) {
            params_fail_at(p, at, "%s: \"%.*s\"", fault, (int)(key.len < 80 ? key.len : 80), (const char *)key.at);
            return;
        }
        value = read_hash(p, &(struct where){.outer = at, .index = i}, v);
        slots[i].value = u256_from_be(value.bytes);
    }
    out->slots = slots;
}

static void read_override(struct params *p, const struct where *at, struct json o, struct chain_override *out)
{
    struct json state = json_get(o, "state"), diff = json_get(o, "stateDiff"), code = json_get(o, "code");
    struct where code_at = {.outer = at, .key = "code"};
    struct where slots_at = {.outer = at, .key = params_given(state) ? "state" : "stateDiff"};
    char who[43];

    if (json_is(o, JSON_NULL)) return; /* as geth: nothing is overridden, yet a precompile there is covered */
    if (!params_expect(p, at, o, JSON_OBJECT)) return;
    out->balance_wei = amount(p, at, o, "balance", &out->has_balance);
    out->nonce = number(p, at, o, "nonce", &out->has_nonce);
    out->moved_to = address(p, at, o, "movePrecompileToAddress", &out->has_moved_to);
    out->has_code = params_given(code);
    if (out->has_code) out->code = read_data(p, &code_at, code);
    if (params_given(state) && params_given(diff)) {
        hex_write_checksum(&out->address, who);
        params_fail(p, CODE_REFUSED, "account %s has both 'state' and 'stateDiff'", who);
        return;
    }
    out->has_state = params_given(state);
    if (params_given(state) || params_given(diff)) read_slots(p, &slots_at, params_given(state) ? state : diff, out);
}

void message_read_overrides(struct params *p, size_t index, struct chain_call *out)
{
    struct where at = params_where(index, "state overrides");

    message_read_overrides_at(p, &at, json_at(p->list, index), out);
}

void message_read_overrides_at(struct params *p, const struct where *at, struct json o, struct chain_call *out)
{
    struct chain_override *overrides;
    size_t i = 0;

    out->overrides = NULL;
    out->override_count = 0;
    if (p->code || !params_given(o) || !params_expect(p, at, o, JSON_OBJECT)) return;
    overrides = params_items(p, o, sizeof *overrides, &out->override_count);
    for (struct json v = json_first(o); overrides && !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        char *name = arena_cstr(p->arena, json_key(v));
        struct where account = {.outer = at, .key = name};

        if (!name) {
            params_fail(p, CODE_INTERNAL, "%s", fan_status_text(FAN_ENOMEM));
            return;
        }
        if (hex_read_fixed(slice_str(name), overrides[i].address.bytes, sizeof overrides[i].address.bytes)) {
            params_fail_at(p, &account, "no address");
            return;
        }
        read_override(p, &account, v, &overrides[i]);
    }
    out->overrides = overrides;
}

void message_read_block_overrides(struct params *p, size_t index, struct chain_call *out)
{
    struct where at = params_where(index, "block overrides");

    message_read_block_overrides_at(p, &at, json_at(p->list, index), false, out);
}

void message_read_block_overrides_at(struct params *p, const struct where *at, struct json o, bool simulated,
                                     struct chain_call *out)
{
    static const char *const unsupported[] = {"beaconRoot", "withdrawals"};
    struct json v;

    if (p->code || !params_given(o) || !params_expect(p, at, o, JSON_OBJECT)) return;
    for (size_t i = 0; i < COUNT_OF(unsupported); i++) {
        if (!simulated && params_given(json_get(o, unsupported[i])))
            params_fail(p, CODE_REFUSED, "block override \"%s\" is not supported for this RPC method", unsupported[i]);
    }
    out->number = number(p, at, o, "number", &out->has_number);
    out->timestamp = number(p, at, o, "time", &out->has_timestamp);
    out->gas_limit = number(p, at, o, "gasLimit", &out->has_gas_limit);
    out->base_fee_wei = number(p, at, o, "baseFeePerGas", &out->has_base_fee);
    out->beneficiary = address(p, at, o, "feeRecipient", &out->has_beneficiary);
    out->blob_base_fee_wei = amount(p, at, o, "blobBaseFee", &out->has_blob_base_fee);
    v = json_get(o, "prevRandao");
    out->has_prev_randao = params_given(v);
    if (out->has_prev_randao) out->prev_randao = read_hash(p, &(struct where){.outer = at, .key = "prevRandao"}, v);
}
