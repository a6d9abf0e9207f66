/* What blobs cost: EIP-4844's exponential and how its exponent moves from block to block. */
#include "codec/u256.h"
#include "eth/fork.h"

enum { GAS_PER_BLOB = 131072, BLOB_BASE_COST = 8192 /* EIP-7918 */ };

uint64_t blob_base_fee(uint64_t excess_blob_gas, uint64_t update_fraction)
{
    struct fan_u256 sum = u256_of(0), term = u256_of(update_fraction), limit, fee;
    uint64_t out = UINT64_MAX;

    assert(update_fraction > 0);
    (void)u256_mul_u64(&term, UINT64_MAX, &limit); /* beyond it the fee itself is beyond 64 bits */
    for (uint64_t i = 1; !u256_is_zero(&term); i++) {
        struct fan_u256 divisor = u256_of(update_fraction);

        (void)u256_add(&sum, &term, &sum);
        if (u256_cmp(&sum, &limit) > 0) return UINT64_MAX;
        /* Below the limit a term has 128 bits at most, so the product fits. Two floors in a row are one floor of the
         * product. */
        (void)u256_mul_u64(&term, excess_blob_gas, &term);
        (void)u256_mul_u64(&divisor, i, &divisor);
        u256_div(&term, &divisor, &term, NULL);
    }
    term = u256_of(update_fraction);
    u256_div(&sum, &term, &fee, NULL);
    (void)u256_fits_u64(&fee, &out);
    return out;
}

uint64_t next_excess_blob_gas(enum fork f, const struct blob_params *p, uint64_t parent_excess, uint64_t parent_used,
                              uint64_t parent_base_fee)
{
    uint64_t sum = parent_excess + parent_used, target = p->target * GAS_PER_BLOB;

    if (sum < target) return 0;
    if (f >= FORK_OSAKA) { /* EIP-7918: while a blob costs less than its execution, the excess only grows */
        struct fan_u256 reserve = u256_of(parent_base_fee), price;

        price = u256_of(blob_base_fee(parent_excess, p->update_fraction));
        (void)u256_mul_u64(&reserve, BLOB_BASE_COST, &reserve);
        (void)u256_mul_u64(&price, GAS_PER_BLOB, &price);
        if (u256_cmp(&reserve, &price) > 0)
            return p->max ? parent_excess + parent_used * (p->max - p->target) / p->max : parent_excess;
    }
    return sum - target;
}
