/* u256: numbers of 256 bits, as the EVM counts wei.
 *
 * By value where it reads better; the limbs are least significant first (fanatico/types.h). Nothing here
 * wraps in silence: adding, multiplying and subtracting say whether the true result fitted. */
#ifndef CODEC_U256_H
#define CODEC_U256_H

#include "base/slice.h"

static inline struct fan_u256 u256_of(uint64_t v)
{
    return (struct fan_u256){{v, 0, 0, 0}};
}

static inline bool u256_is_zero(const struct fan_u256 *v)
{
    return (v->limb[0] | v->limb[1] | v->limb[2] | v->limb[3]) == 0;
}

int u256_cmp(const struct fan_u256 *a, const struct fan_u256 *b); /* <0, 0, >0 */
bool u256_eq(const struct fan_u256 *a, const struct fan_u256 *b);
/* Each writes the result modulo 2^256 and returns true when it fitted. out may be a or b. */
bool u256_add(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out);
bool u256_sub(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out);
bool u256_mul(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out);
bool u256_mul_u64(const struct fan_u256 *a, uint64_t b, struct fan_u256 *out);
/* Quotient and remainder, either out may be NULL; b must not be zero. */
void u256_div(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out_quotient,
              struct fan_u256 *out_rest);
bool u256_fits_u64(const struct fan_u256 *v, uint64_t *out); /* out untouched when it does not */
unsigned u256_bits(const struct fan_u256 *v);                /* position of the highest set bit + 1; 0 for zero */

/* 32 bytes, most significant first. */
void u256_to_be(const struct fan_u256 *v, uint8_t out[32]);
struct fan_u256 u256_from_be(const uint8_t in[32]);
/* From at most 32 big-endian bytes; false when longer. */
bool u256_from_be_slice(struct slice in, struct fan_u256 *out);

/* Decimal digits, NUL-terminated; returns the length. */
size_t u256_to_decimal(const struct fan_u256 *v, char out[79]);
FAN_MUST_CHECK enum fan_status u256_from_decimal(struct slice digits, struct fan_u256 *out);

#endif
