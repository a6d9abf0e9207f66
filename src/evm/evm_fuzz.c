#include <string.h>

#include "codec/keccak.h"
#include "codec/u256.h"
#include "evm/evm.h"

/* Code comes from strangers. Property: whatever a contract holds, under every fork, its execution ends in a verdict,
 * the same one twice, and never in EVM_FAULT; its diff is sorted and holds no change that is none. Input: fork,
 * calldata's length, calldata, code. */

static struct slice code;
static struct fan_hash code_hash, no_code;
static const struct fan_address sender = {{1}}, contract = {{2}};

static int read_account(void *ctx, const struct fan_address *address, struct evm_account *out)
{
    (void)ctx;
    memset(out, 0, sizeof *out);
    out->code_hash = no_code;
    if (memcmp(address, &sender, sizeof sender) == 0) {
        out->exists = 1;
        out->balance_wei = u256_of(UINT64_MAX);
    }
    if (memcmp(address, &contract, sizeof contract) == 0) {
        out->exists = 1;
        out->nonce = 1;
        out->balance_wei = u256_of(1000);
        out->code_hash = code_hash;
    }
    return 0;
}

static int read_storage(void *ctx, const struct fan_address *address, const struct fan_u256 *slot, struct fan_u256 *out)
{
    (void)ctx;
    (void)address;
    *out = u256_of(slot->limb[0] % 3);
    return 0;
}

static int read_code(void *ctx, const struct fan_hash *hash, const uint8_t **out, size_t *out_len)
{
    (void)ctx;
    if (memcmp(hash, &code_hash, sizeof code_hash) != 0) return 1;
    *out = code.at;
    *out_len = code.len;
    return 0;
}

static int read_block_hash(void *ctx, uint64_t number, struct fan_hash *out)
{
    (void)ctx;
    memset(out, 0, sizeof *out);
    put_be64(number, out->bytes);
    return 0;
}

static void hold(const struct evm_diff *d)
{
    for (size_t i = 0; i < d->account_count; i++) {
        const struct evm_account_change *c = &d->accounts[i];

        assert(i == 0 || memcmp(&c[-1].address, &c->address, sizeof c->address) < 0);
        assert(c->existed != c->exists || c->old_nonce != c->new_nonce || c->slot_count || c->storage_wiped ||
               !u256_eq(&c->old_balance_wei, &c->new_balance_wei) ||
               memcmp(&c->old_code_hash, &c->new_code_hash, sizeof c->old_code_hash) != 0);
        for (size_t k = 0; k < c->slot_count; k++) {
            assert(k == 0 || u256_cmp(&c->slots[k - 1].slot, &c->slots[k].slot) < 0);
            assert(c->storage_wiped || !u256_eq(&c->slots[k].old_value, &c->slots[k].new_value));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct evm_state_reader reader = {NULL, read_account, read_storage, read_code, read_block_hash};
    struct evm_env env = {.number = 1, .timestamp = 1, .gas_limit = 30000000, .chain_id = 1, .blob = {3, 6, 3338477}};
    struct evm_tx tx = {.sender = sender, .to = contract, .gas_limit = 400000};
    struct evm_block *b;
    struct evm_result result;
    struct evm_diff diff;
    uint32_t status;
    uint64_t gas_used;
    size_t mark;

    if (size < 3) return 0;
    env.fork = data[0] % FORK_COUNT;
    tx.data = data + 2;
    tx.data_len = min_u64(data[1], size - 2);
    code = slice_of(data + 2 + tx.data_len, size - 2 - tx.data_len);
    code_hash = keccak256(code);
    no_code = keccak256(slice_of(NULL, 0));
    b = evm_block_open(&env, &reader);
    assert(b && evm_block_mark(b, &mark) == EVM_SUCCESS);
    evm_block_execute(b, &tx, 1, &result);
    status = result.status;
    gas_used = result.gas_used;
    assert(status == EVM_SUCCESS || status == EVM_REVERT || status == EVM_HALT || status == EVM_INVALID);
    assert((status == EVM_HALT) == (*result.text && status != EVM_REVERT && status != EVM_INVALID));
    hold(&result.diff);
    assert(evm_block_diff(b, &diff) == EVM_SUCCESS);
    hold(&diff);
    assert(evm_block_rewind(b, mark) == EVM_SUCCESS && evm_block_diff(b, &diff) == EVM_SUCCESS &&
           diff.account_count == 0);
    evm_block_execute(b, &tx, 1, &result);
    assert(result.status == status && result.gas_used == gas_used);
    evm_block_close(b);
    return 0;
}
