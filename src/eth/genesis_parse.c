#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/u256.h"
#include "eth/genesis.h"
#include "eth/genesis_read.h"

enum { GAS_LIMIT_DEFAULT = 4712388, INITIAL_BASE_FEE = 1000000000 };

static int order_slots(const void *a, const void *b)
{
    return u256_cmp(&((const struct genesis_slot *)a)->slot, &((const struct genesis_slot *)b)->slot);
}

static int order_accounts(const void *a, const void *b)
{
    return memcmp(&((const struct genesis_account *)a)->address, &((const struct genesis_account *)b)->address,
                  sizeof(struct fan_address));
}

/* Slots whose value is zero are left out: to the state they are not there. */
static enum fan_status read_storage(struct json storage, const struct genesis_where *where, struct arena *a,
                                    struct genesis_account *account)
{
    struct genesis_slot *slots;
    size_t count = 0;

    if (!genesis_given(storage)) return FAN_OK;
    if (!json_is(storage, JSON_OBJECT)) return genesis_fail(where, "storage", "an object expected");
    slots = ARENA_ARRAY(a, json_count(storage), struct genesis_slot);
    if (!slots) return FAN_ENOMEM;
    for (struct json v = json_first(storage); !json_is(v, JSON_MISSING); v = json_next(v)) {
        if (!json_is(v, JSON_STRING) || !genesis_read_word(json_key(v), &slots[count].slot) ||
            !genesis_read_word(json_str_raw(v), &slots[count].value))
            return genesis_fail(where, "storage", "keys and values must be hex strings of at most 32 bytes");
        if (!u256_is_zero(&slots[count].value)) count++;
    }
    if (count > 1) qsort(slots, count, sizeof *slots, order_slots);
    for (size_t i = 1; i < count; i++)
        if (order_slots(&slots[i - 1], &slots[i]) == 0) return genesis_fail(where, "storage", "a slot is given twice");
    account->slots = slots;
    account->slot_count = count;
    return FAN_OK;
}

static enum fan_status read_account(struct json v, const char *name, struct arena *a, struct genesis_account *account,
                                    struct fan_error *err)
{
    struct json code = json_get(v, "code");
    char digits[40], outer[96];
    const struct genesis_where where = {outer, err};
    enum fan_status s;

    hex_encode(slice_of(account->address.bytes, sizeof account->address.bytes), digits);
    (void)snprintf(outer, sizeof outer, "%s.0x%.40s", name, digits);
    if (!json_is(v, JSON_OBJECT)) return genesis_fail(&where, "", "an object expected");
    if (!genesis_given(json_get(v, "balance"))) return genesis_fail(&where, "balance", "missing required field");
    s = genesis_read_u256(v, "balance", &where, &account->balance_wei);
    if (!s) s = genesis_read_u64(v, "nonce", &where, &account->nonce);
    if (s) return s;
    if (genesis_given(code)) {
        s = json_read_data(code, 0, a, &account->code);
        if (s == FAN_ENOMEM) return s;
        if (s) return genesis_fail(&where, "code", "0x and an even number of hex digits expected");
    }
    return read_storage(json_get(v, "storage"), &where, a, account);
}

enum fan_status genesis_parse_alloc(struct json alloc, const char *name, struct arena *a,
                                    const struct genesis_account **out, size_t *out_count, struct fan_error *err)
{
    const struct genesis_where where = {name, err};
    struct genesis_account *accounts;
    size_t count = 0;

    if (!json_is(alloc, JSON_OBJECT)) return genesis_fail(&where, "", "missing required field, an object");
    accounts = ARENA_ARRAY(a, json_count(alloc), struct genesis_account);
    if (!accounts) return FAN_ENOMEM;
    for (struct json v = json_first(alloc); !json_is(v, JSON_MISSING); v = json_next(v), count++) {
        enum fan_status s;

        if (!genesis_read_address(json_key(v), &accounts[count].address))
            return fan_error_set(err, FAN_EFORMAT, "%s: %.*s is no address", name, SLICE_ARGS(json_key(v)));
        s = read_account(v, name, a, &accounts[count], err);
        if (s) return s;
    }
    if (count > 1) qsort(accounts, count, sizeof *accounts, order_accounts);
    for (size_t i = 1; i < count; i++)
        if (order_accounts(&accounts[i - 1], &accounts[i]) == 0)
            return genesis_fail(&where, "", "an address is given twice");
    *out = accounts;
    *out_count = count;
    return FAN_OK;
}

/* What identifies block 0 beyond its fork: seal, place and what clique keeps in the extra data. */
static enum fan_status read_seal(struct json v, const struct genesis_where *where, struct header *h)
{
    struct json extra = json_get(v, "extraData"), mix = json_get(v, "mixHash"), coinbase = json_get(v, "coinbase"),
                parent = json_get(v, "parentHash");
    struct slice text = json_str_raw(extra);
    uint64_t nonce = 0;
    enum fan_status s = genesis_read_u64(v, "nonce", where, &nonce);

    if (s) return s;
    put_be64(nonce, h->nonce);
    if (genesis_given(extra)) {
        if (text.len > 2 + 2 * sizeof h->extra_data) return genesis_fail(where, "extraData", "longer than 1024 bytes");
        if (text.len < 2 || hex_read_fixed(text, h->extra_data, (text.len - 2) / 2))
            return genesis_fail(where, "extraData", "0x and an even number of hex digits expected");
        h->extra_data_len = (text.len - 2) / 2;
    }
    if (genesis_given(mix) && json_read_hash(mix, &h->mix_hash))
        return genesis_fail(where, "mixHash", "0x and 64 hex digits expected");
    if (genesis_given(parent) && json_read_hash(parent, &h->parent_hash))
        return genesis_fail(where, "parentHash", "0x and 64 hex digits expected");
    if (genesis_given(coinbase) && json_read_address(coinbase, &h->beneficiary))
        return genesis_fail(where, "coinbase", "0x and 40 hex digits expected");
    return FAN_OK;
}

static enum fan_status read_header(struct json v, struct genesis *g, struct fan_error *err)
{
    const struct genesis_where where = {"", err};
    struct header *h = &g->header;
    uint64_t number = 0, timestamp = 0;
    enum fan_status s;

    if (!genesis_given(json_get(v, "gasLimit"))) return genesis_fail(&where, "gasLimit", "missing required field");
    if (!genesis_given(json_get(v, "difficulty"))) return genesis_fail(&where, "difficulty", "missing required field");
    s = genesis_read_u64(v, "number", &where, &number);
    if (!s) s = genesis_read_u64(v, "timestamp", &where, &timestamp);
    if (s) return s;
    genesis_header_init(h, fork_at(&g->config, number, timestamp));
    h->number = number;
    h->timestamp = timestamp;
    h->base_fee_wei = INITIAL_BASE_FEE;
    s = genesis_read_u64(v, "gasLimit", &where, &h->gas_limit);
    if (!s) s = genesis_read_u64(v, "gasUsed", &where, &h->gas_used);
    if (!s) s = genesis_read_u256(v, "difficulty", &where, &h->difficulty);
    if (!s) s = genesis_read_u64(v, "baseFeePerGas", &where, &h->base_fee_wei);
    if (!s) s = genesis_read_u64(v, "excessBlobGas", &where, &h->excess_blob_gas);
    if (!s) s = genesis_read_u64(v, "blobGasUsed", &where, &h->blob_gas_used);
    if (!s) s = read_seal(v, &where, h);
    if (s) return s;
    if (h->gas_limit == 0) h->gas_limit = GAS_LIMIT_DEFAULT;
    if (h->extent < HEADER_LONDON) h->base_fee_wei = 0; /* what the fork has not got counts for nothing */
    if (h->extent < HEADER_CANCUN) h->excess_blob_gas = h->blob_gas_used = 0;
    return FAN_OK;
}

enum fan_status genesis_parse(struct slice json, struct arena *a, struct genesis *out, struct fan_error *err)
{
    struct genesis g = {0};
    struct json v;
    enum fan_status s = json_parse(json, JSON_DEPTH_MAX, a, &v, err);

    if (s == FAN_ELIMIT) return fan_error_set(err, FAN_EFORMAT, "nested too deeply or too long");
    if (s) return s;
    if (!json_is(v, JSON_OBJECT)) return fan_error_set(err, FAN_EFORMAT, "a genesis is an object");
    s = genesis_parse_config(json_get(v, "config"), &g.config, err);
    if (!s) s = read_header(v, &g, err);
    if (!s) s = genesis_parse_alloc(json_get(v, "alloc"), "alloc", a, &g.accounts, &g.account_count, err);
    if (s == FAN_ENOMEM) return fan_error_set(err, s, "out of memory");
    if (s) return s;
    *out = g;
    return FAN_OK;
}
