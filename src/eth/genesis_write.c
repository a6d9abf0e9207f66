#include <stdio.h>

#include "codec/hex.h"
#include "codec/u256.h"
#include "eth/genesis.h"
#include "eth/genesis_keys.h"

static void put_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_put_key(w, key);
    json_put_u64(w, value);
}

static void put_number(struct json_writer *w, const char *key, uint64_t value)
{
    json_put_key(w, key);
    json_put_number(w, value);
}

/* Forks by time that only raise blob limits have no place in fork_time: their times stand in the schedule. */
static bool is_blob_only(const char *name)
{
    return strncmp(name, "bpo", 3) == 0;
}

static void put_blob_schedule(const struct chain_config *c, struct json_writer *w)
{
    char key[32];

    for (size_t i = 0; i < c->blob_count; i++) {
        if (!is_blob_only(c->blob[i].name)) continue;
        (void)snprintf(key, sizeof key, "%sTime", c->blob[i].name);
        put_number(w, key, c->blob[i].from_time);
    }
    if (!c->blob_count) return;
    json_put_key(w, "blobSchedule");
    json_begin_object(w);
    for (size_t i = 0; i < c->blob_count; i++) {
        json_put_key(w, c->blob[i].name);
        json_begin_object(w);
        put_number(w, "target", c->blob[i].params.target);
        put_number(w, "max", c->blob[i].params.max);
        put_number(w, "baseFeeUpdateFraction", c->blob[i].params.update_fraction);
        json_end_object(w);
    }
    json_end_object(w);
}

static void put_config(const struct chain_config *c, struct json_writer *w)
{
    json_begin_object(w);
    put_number(w, "chainId", c->chain_id);
    for (size_t i = 0; i < GENESIS_BLOCK_KEY_COUNT; i++) {
        uint64_t at = c->fork_block[GENESIS_BLOCK_KEYS[i].fork];

        if (at == FORK_NEVER) continue;
        if (GENESIS_BLOCK_KEYS[i].fork == FORK_SPURIOUS) put_number(w, "eip155Block", at);
        put_number(w, GENESIS_BLOCK_KEYS[i].name, at);
    }
    if (c->dao_support) {
        json_put_key(w, "daoForkSupport");
        json_put_bool(w, true);
    }
    if (c->merge_block != 0 && c->merge_block != FORK_NEVER) put_number(w, "mergeNetsplitBlock", c->merge_block);
    for (size_t i = 0; i < GENESIS_TIME_KEY_COUNT; i++) {
        uint64_t at = c->fork_time[GENESIS_TIME_KEYS[i].fork];

        if (at != FORK_NEVER) put_number(w, GENESIS_TIME_KEYS[i].name, at);
    }
    if (c->has_terminal_total_difficulty) { /* a JSON number, however long */
        char digits[79];
        size_t len = u256_to_decimal(&c->terminal_total_difficulty, digits);

        json_put_key(w, "terminalTotalDifficulty");
        json_put_raw(w, slice_of(digits, len));
    }
    json_put_key(w, "depositContractAddress");
    json_put_address(w, &c->deposit_contract);
    put_blob_schedule(c, w);
    json_end_object(w);
}

static void put_word(struct json_writer *w, const struct fan_u256 *value)
{
    uint8_t bytes[32];

    u256_to_be(value, bytes);
    json_put_data(w, slice_of(bytes, sizeof bytes));
}

static void put_account(const struct genesis_account *account, struct json_writer *w)
{
    json_begin_object(w);
    if (account->code.len) {
        json_put_key(w, "code");
        json_put_data(w, account->code);
    }
    if (account->slot_count) {
        json_put_key(w, "storage");
        json_begin_object(w);
        for (size_t i = 0; i < account->slot_count; i++) {
            uint8_t bytes[32];

            u256_to_be(&account->slots[i].slot, bytes);
            json_put_data_key(w, slice_of(bytes, sizeof bytes));
            put_word(w, &account->slots[i].value);
        }
        json_end_object(w);
    }
    json_put_key(w, "balance");
    json_put_u256(w, &account->balance_wei);
    if (account->nonce) put_u64(w, "nonce", account->nonce);
    json_end_object(w);
}

static void put_alloc(const struct genesis *g, struct json_writer *w)
{
    json_begin_object(w);
    for (size_t i = 0; i < g->account_count; i++) {
        char key[41];

        hex_encode(slice_of(g->accounts[i].address.bytes, 20), key);
        key[40] = 0;
        json_put_key(w, key);
        put_account(&g->accounts[i], w);
    }
    json_end_object(w);
}

void genesis_put_json(const struct genesis *g, struct json_writer *w)
{
    const struct header *h = &g->header;

    json_begin_object(w);
    json_put_key(w, "config");
    put_config(&g->config, w);
    put_u64(w, "nonce", get_be64(h->nonce));
    put_u64(w, "timestamp", h->timestamp);
    json_put_key(w, "extraData");
    json_put_data(w, slice_of(h->extra_data, h->extra_data_len));
    put_u64(w, "gasLimit", h->gas_limit);
    json_put_key(w, "difficulty");
    json_put_u256(w, &h->difficulty);
    json_put_key(w, "mixHash");
    json_put_hash(w, &h->mix_hash);
    json_put_key(w, "coinbase");
    json_put_address(w, &h->beneficiary);
    json_put_key(w, "alloc");
    put_alloc(g, w);
    put_u64(w, "number", h->number);
    put_u64(w, "gasUsed", h->gas_used);
    json_put_key(w, "parentHash");
    json_put_hash(w, &h->parent_hash);
    if (h->extent >= HEADER_LONDON) put_u64(w, "baseFeePerGas", h->base_fee_wei);
    if (h->extent >= HEADER_CANCUN) {
        put_u64(w, "excessBlobGas", h->excess_blob_gas);
        put_u64(w, "blobGasUsed", h->blob_gas_used);
    }
    json_end_object(w);
}
