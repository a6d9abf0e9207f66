#include <inttypes.h>

#include "codec/hex.h"
#include "codec/u256.h"
#include "local/exec.h"

enum { MAX_TX_GAS = 1 << 24, MAX_INITCODE = 49152 };

/* What sender must be able to pay: gas at its highest price, blobs likewise, and the value. False when it does not fit
 * 256 bits. */
static bool cost_of(const struct evm_tx *tx, struct fan_u256 *out)
{
    struct fan_u256 blobs;

    if (!u256_mul_u64(&tx->gas_price_wei, tx->gas_limit, out)) return false;
    if (!u256_mul_u64(&tx->blob_fee_max_wei, tx->blob_count * 131072, &blobs)) return false;
    return u256_add(out, &blobs, out) && u256_add(out, &tx->value_wei, out);
}

/* The leaf says "minimum needed N"; geth's state transition says "have … want N", and only its pool the former. */
static const char *least_of(const char *text)
{
    static const char before[] = "minimum needed ";

    return text && strncmp(text, before, sizeof before - 1) == 0 ? text + sizeof before - 1 : "more";
}

/* Which blob hash is of no version that we know: those of EIP-4844 begin with 1. */
static size_t odd_blob(const struct evm_tx *tx)
{
    size_t i = 0;

    while (i < tx->blob_count && tx->blob_hashes[i].bytes[0] == 1) i++;
    return i;
}

/* The words of geth's core/error.go with the details its state transition adds. */
void exec_invalid_words(enum evm_invalid why, const struct evm_tx *tx, const struct evm_env *env,
                        const struct evm_account *sender, const char *text, struct fan_error *out)
{
    char who[43], a[79], b[79];
    struct fan_u256 cost;
    uint64_t nonce = sender ? sender->nonce : 0;

    hex_write_checksum(&tx->sender, who);
    switch (why) {
    case EVM_INVALID_NONCE_TOO_LOW:
        (void)fan_error_set(out, FAN_OK, "nonce too low: address %s, tx: %" PRIu64 " state: %" PRIu64, who, tx->nonce,
                            nonce);
        return;
    case EVM_INVALID_NONCE_TOO_HIGH:
        (void)fan_error_set(out, FAN_OK, "nonce too high: address %s, tx: %" PRIu64 " state: %" PRIu64, who, tx->nonce,
                            nonce);
        return;
    case EVM_INVALID_NONCE_MAX:
        (void)fan_error_set(out, FAN_OK, "nonce has max value: address %s, nonce: %" PRIu64, who, tx->nonce);
        return;
    case EVM_INVALID_FUNDS:
        if (!cost_of(tx, &cost)) {
            (void)fan_error_set(
                out, FAN_OK, "insufficient funds for gas * price + value: address %s required balance exceeds 256 bits",
                who);
            return;
        }
        if (sender && sender->exists)
            (void)u256_to_decimal(&sender->balance_wei, a);
        else
            memcpy(a, "0", 2);
        (void)u256_to_decimal(&cost, b);
        (void)fan_error_set(out, FAN_OK, "insufficient funds for gas * price + value: address %s have %s want %s", who,
                            a, b);
        return;
    case EVM_INVALID_FEE_BELOW_BASE:
        (void)u256_to_decimal(&tx->gas_price_wei, a);
        (void)fan_error_set(out, FAN_OK,
                            "max fee per gas less than block base fee: address %s, maxFeePerGas: %s, baseFee: %" PRIu64,
                            who, a, env->base_fee_wei);
        return;
    case EVM_INVALID_TIP_ABOVE_FEE:
        (void)u256_to_decimal(&tx->priority_fee_wei, a);
        (void)u256_to_decimal(&tx->gas_price_wei, b);
        (void)fan_error_set(out, FAN_OK,
                            "max priority fee per gas higher than max fee per gas: address %s, maxPriorityFeePerGas: "
                            "%s, maxFeePerGas: %s",
                            who, a, b);
        return;
    case EVM_INVALID_GAS_LIMIT_BLOCK:
        (void)fan_error_set(out, FAN_OK, "gas limit reached");
        return;
    case EVM_INVALID_GAS_LIMIT_CAP:
        (void)fan_error_set(out, FAN_OK, "transaction gas limit too high (cap: %d, tx: %" PRIu64 ")", MAX_TX_GAS,
                            tx->gas_limit);
        return;
    case EVM_INVALID_INTRINSIC_GAS:
        (void)fan_error_set(out, FAN_OK, "intrinsic gas too low: have %" PRIu64 ", want %s", tx->gas_limit,
                            least_of(text));
        return;
    case EVM_INVALID_FLOOR_GAS:
        (void)fan_error_set(out, FAN_OK, "insufficient gas for floor data gas cost: have %" PRIu64 ", want %s",
                            tx->gas_limit, least_of(text));
        return;
    case EVM_INVALID_SENDER_HAS_CODE:
        (void)fan_error_set(out, FAN_OK, "sender not an eoa: address %s", who);
        return;
    case EVM_INVALID_INITCODE_SIZE:
        (void)fan_error_set(out, FAN_OK, "max initcode size exceeded: code size %zu limit %d", tx->data_len,
                            MAX_INITCODE);
        return;
    case EVM_INVALID_CHAIN_ID:
        (void)fan_error_set(out, FAN_OK, "invalid chain id for signer: have %" PRIu64 " want %" PRIu64, tx->chain_id,
                            env->chain_id);
        return;
    case EVM_INVALID_TYPE:
        if (tx->type == TX_BLOB || tx->type == TX_SET_CODE)
            (void)fan_error_set(out, FAN_OK, "transaction type not supported: %s tx (sender %s)",
                                tx->type == TX_BLOB ? "blob" : "setcode", who);
        else
            (void)fan_error_set(out, FAN_OK, "transaction type not supported: type %u", tx->type);
        return;
    case EVM_INVALID_BLOB_FEE:
        if (!tx->blob_count) { /* the executor looks at the fee before it counts */
            (void)fan_error_set(out, FAN_OK, "blob transaction missing blob hashes");
            return;
        }
        (void)u256_to_decimal(&tx->blob_fee_max_wei, a);
        (void)fan_error_set(
            out, FAN_OK,
            "max fee per blob gas less than block blob gas fee: address %s blobGasFeeCap: %s, blobBaseFee: %" PRIu64,
            who, a, blob_base_fee(env->excess_blob_gas, env->blob.update_fraction));
        return;
    case EVM_INVALID_BLOB_COUNT:
        (void)fan_error_set(out, FAN_OK, "blob transaction has too many blobs");
        return;
    case EVM_INVALID_BLOB_EMPTY:
        (void)fan_error_set(out, FAN_OK, "blob transaction missing blob hashes");
        return;
    case EVM_INVALID_BLOB_CREATE:
        (void)fan_error_set(out, FAN_OK, "blob transaction of type create");
        return;
    case EVM_INVALID_BLOB_VERSION:
        (void)fan_error_set(out, FAN_OK, "blob %zu has invalid hash version", odd_blob(tx));
        return;
    case EVM_INVALID_AUTH_EMPTY:
        (void)fan_error_set(out, FAN_OK, "EIP-7702 transaction with empty auth list (sender %s)", who);
        return;
    case EVM_INVALID_AUTH_CREATE:
        (void)fan_error_set(out, FAN_OK, "EIP-7702 transaction cannot be used to create contract (sender %s)", who);
        return;
    case EVM_INVALID_OTHER:
        break;
    }
    (void)fan_error_set(out, FAN_OK, "%s", text && *text ? text : "transaction cannot be executed");
}
