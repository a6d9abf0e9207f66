#include "codec/hex.h"
#include "codec/u256.h"
#include "eth/genesis.h"

enum { INITIAL_BASE_FEE = 1000000000, MINED_DIFFICULTY = 131072 };

static const struct {
    enum fork since;
    const char *address, *code;
} contracts[] = {
#define X(since, address, code) {since, address, code},
#include "eth/genesis_contracts.def"
#undef X
};

static enum fan_status put_contract(size_t i, struct arena *a, struct genesis_account *out)
{
    struct slice digits = slice_str(contracts[i].code);
    uint8_t *code = arena_bytes(a, digits.len / 2);

    if (!code) return FAN_ENOMEM;
    if (hex_decode(slice_str(contracts[i].address), out->address.bytes) || hex_decode(digits, code))
        return FAN_EINTERNAL;
    out->nonce = 1; /* as a deployment would leave it, and no empty account for EIP-158 to clear */
    out->code = slice_of(code, digits.len / 2);
    return FAN_OK;
}

static void fill_header(struct header *h, enum fork newest, uint64_t gas_limit, uint64_t timestamp)
{
    genesis_header_init(h, newest);
    h->gas_limit = gas_limit;
    h->timestamp = timestamp;
    if (newest >= FORK_LONDON) h->base_fee_wei = INITIAL_BASE_FEE;
    /* Before the Merge a difficulty of zero would say that the chain has merged already. */
    if (newest < FORK_PARIS) h->difficulty = u256_of(MINED_DIFFICULTY);
}

enum fan_status genesis_dev(uint64_t chain_id, enum fork newest, const struct fan_address *accounts,
                            size_t account_count, const struct fan_u256 *balance_wei, uint64_t gas_limit,
                            uint64_t timestamp, struct arena *a, struct genesis *out)
{
    struct genesis_account *all = ARENA_ARRAY(a, account_count + COUNT_OF(contracts), struct genesis_account);
    size_t count = 0;

    if (!all) return FAN_ENOMEM;
    for (size_t i = 0; i < account_count; i++) {
        all[count].address = accounts[i];
        all[count++].balance_wei = *balance_wei;
    }
    for (size_t i = 0; i < COUNT_OF(contracts); i++) {
        enum fan_status s;

        if (newest < contracts[i].since) continue;
        s = put_contract(i, a, &all[count++]);
        if (s) return s;
    }
    chain_config_dev(chain_id, newest, &out->config);
    fill_header(&out->header, newest, gas_limit, timestamp);
    out->accounts = all;
    out->account_count = count;
    return FAN_OK;
}
