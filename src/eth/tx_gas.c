/* What a transaction pays per gas, and the gas it costs before it does anything. */
#include "codec/keccak.h"
#include "codec/u256.h"
#include "eth/fork.h"
#include "eth/tx.h"

enum {
    GAS_TX = 21000,
    GAS_CREATE = 32000,
    GAS_ZERO_BYTE = 4,
    GAS_BYTE_FRONTIER = 68,
    GAS_BYTE_ISTANBUL = 16,    /* EIP-2028 */
    GAS_INITCODE_WORD = 2,     /* EIP-3860 */
    GAS_ACCESS_ADDRESS = 2400, /* EIP-2930 */
    GAS_ACCESS_SLOT = 1900,
    GAS_AUTHORIZATION = 25000, /* EIP-7702 */
    GAS_FLOOR_TOKEN = 10,      /* EIP-7623 */
    TOKENS_PER_BYTE = 4,
};

struct fan_u256 tx_effective_gas_price(const struct tx *tx, uint64_t base_fee_wei)
{
    struct fan_u256 price = u256_of(base_fee_wei);

    if (!u256_add(&price, &tx->priority_fee_wei, &price) || u256_cmp(&price, &tx->gas_price_wei) > 0)
        return tx->gas_price_wei;
    return price;
}

/* No sum here can pass 64 bits: a transaction's parts are in memory, and none costs more than 25,000 for its bytes. */
uint64_t tx_intrinsic_gas(const struct tx *tx, unsigned fork, uint64_t *out_floor)
{
    uint64_t zeros = 0, others, gas = GAS_TX;

    for (size_t i = 0; i < tx->data.len; i++) zeros += tx->data.at[i] == 0;
    others = tx->data.len - zeros;
    gas += zeros * GAS_ZERO_BYTE + others * (fork >= FORK_ISTANBUL ? GAS_BYTE_ISTANBUL : GAS_BYTE_FRONTIER);
    if (!tx->has_to && fork >= FORK_HOMESTEAD) gas += GAS_CREATE;
    if (!tx->has_to && fork >= FORK_SHANGHAI) gas += (tx->data.len + 31) / 32 * GAS_INITCODE_WORD;
    for (size_t i = 0; i < tx->access_count; i++)
        gas += GAS_ACCESS_ADDRESS + tx->access[i].slot_count * GAS_ACCESS_SLOT;
    gas += tx->authorization_count * GAS_AUTHORIZATION;
    *out_floor = fork >= FORK_PRAGUE ? GAS_TX + (zeros + others * TOKENS_PER_BYTE) * GAS_FLOOR_TOKEN : 0;
    return gas;
}

struct fan_address tx_create_address(const struct fan_address *sender, uint64_t nonce)
{
    uint8_t space[64];
    struct buf b = {.at = space, .cap = sizeof space, .len_max = sizeof space}; /* 31 bytes; never grows */
    size_t list = rlp_list_begin(&b);
    struct fan_address address;
    struct fan_hash hash;

    rlp_put_address(&b, sender);
    rlp_put_u64(&b, nonce);
    rlp_list_end(&b, list);
    assert(!b.failed);
    hash = keccak256(buf_peek(&b));
    memcpy(address.bytes, hash.bytes + 12, sizeof address.bytes);
    return address;
}
