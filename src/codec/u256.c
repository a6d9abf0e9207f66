#include "codec/u256.h"

__extension__ typedef unsigned __int128 u128;

int u256_cmp(const struct fan_u256 *a, const struct fan_u256 *b)
{
    for (int i = 3; i >= 0; i--)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

bool u256_eq(const struct fan_u256 *a, const struct fan_u256 *b)
{
    return u256_cmp(a, b) == 0;
}

bool u256_add(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out)
{
    u128 sum = 0;

    for (int i = 0; i < 4; i++) {
        sum += (u128)a->limb[i] + b->limb[i];
        out->limb[i] = (uint64_t)sum;
        sum >>= 64;
    }
    return sum == 0;
}

bool u256_sub(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out)
{
    u128 borrow = 0;

    for (int i = 0; i < 4; i++) {
        u128 d = (u128)a->limb[i] - b->limb[i] - borrow;

        out->limb[i] = (uint64_t)d;
        borrow = (d >> 64) & 1;
    }
    return borrow == 0;
}

bool u256_mul(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out)
{
    uint64_t r[8] = {0};

    for (int i = 0; i < 4; i++) {
        u128 carry = 0;

        for (int j = 0; j < 4; j++) {
            carry += (u128)a->limb[i] * b->limb[j] + r[i + j];
            r[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        r[i + 4] = (uint64_t)carry;
    }
    memcpy(out->limb, r, sizeof out->limb);
    return (r[4] | r[5] | r[6] | r[7]) == 0;
}

bool u256_mul_u64(const struct fan_u256 *a, uint64_t b, struct fan_u256 *out)
{
    u128 carry = 0;

    for (int i = 0; i < 4; i++) {
        carry += (u128)a->limb[i] * b;
        out->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return carry == 0;
}

unsigned u256_bits(const struct fan_u256 *v)
{
    for (int i = 3; i >= 0; i--)
        if (v->limb[i]) return (unsigned)(64 * (i + 1) - __builtin_clzll(v->limb[i]));
    return 0;
}

static uint64_t divide_by_word(const struct fan_u256 *a, uint64_t b, struct fan_u256 *quotient)
{
    u128 rest = 0;

    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | a->limb[i];
        quotient->limb[i] = (uint64_t)(rest / b);
        rest %= b;
    }
    return (uint64_t)rest;
}

/* Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D, with digits of 64 bits. b has at least two. */
static void divide_long(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *quotient,
                        struct fan_u256 *rest)
{
    int n = b->limb[3] ? 4 : b->limb[2] ? 3 : 2;
    int shift = __builtin_clzll(b->limb[n - 1]);
    uint64_t u[5], v[4];

    /* Normalise, so that the top bit of the divisor is set and the guess below is at most two too high. */
    u[4] = shift ? a->limb[3] >> (64 - shift) : 0;
    for (int i = 3; i >= 0; i--) u[i] = a->limb[i] << shift | (shift && i ? a->limb[i - 1] >> (64 - shift) : 0);
    for (int i = n - 1; i >= 0; i--) v[i] = b->limb[i] << shift | (shift && i ? b->limb[i - 1] >> (64 - shift) : 0);

    *quotient = u256_of(0);
    for (int j = 4 - n; j >= 0; j--) {
        u128 top = (u128)u[j + n] << 64 | u[j + n - 1];
        u128 guess = top / v[n - 1], over = top % v[n - 1], borrow = 0, carry = 0;

        while (guess >> 64 || (u128)(uint64_t)guess * v[n - 2] > (over << 64 | u[j + n - 2])) {
            guess--;
            over += v[n - 1];
            if (over >> 64) break;
        }
        for (int i = 0; i < n; i++) {
            u128 d;

            carry += (u128)(uint64_t)guess * v[i];
            d = (u128)u[i + j] - (uint64_t)carry - borrow;
            u[i + j] = (uint64_t)d;
            borrow = (d >> 64) & 1;
            carry >>= 64;
        }
        borrow = (u128)u[j + n] - (uint64_t)carry - borrow;
        u[j + n] = (uint64_t)borrow;
        if (borrow >> 64) { /* the guess was one too high: add the divisor back */
            guess--;
            carry = 0;
            for (int i = 0; i < n; i++) {
                carry += (u128)u[i + j] + v[i];
                u[i + j] = (uint64_t)carry;
                carry >>= 64;
            }
            u[j + n] += (uint64_t)carry;
        }
        quotient->limb[j] = (uint64_t)guess;
    }
    *rest = u256_of(0);
    for (int i = 0; i < n; i++) rest->limb[i] = u[i] >> shift | (shift ? u[i + 1] << (64 - shift) : 0);
}

void u256_div(const struct fan_u256 *a, const struct fan_u256 *b, struct fan_u256 *out_quotient,
              struct fan_u256 *out_rest)
{
    struct fan_u256 quotient, rest;

    assert(!u256_is_zero(b));
    if (u256_cmp(a, b) < 0) {
        quotient = u256_of(0);
        rest = *a;
    } else if (!(b->limb[1] | b->limb[2] | b->limb[3])) {
        rest = u256_of(divide_by_word(a, b->limb[0], &quotient));
    } else {
        divide_long(a, b, &quotient, &rest);
    }
    if (out_quotient) *out_quotient = quotient;
    if (out_rest) *out_rest = rest;
}

bool u256_fits_u64(const struct fan_u256 *v, uint64_t *out)
{
    if (v->limb[1] | v->limb[2] | v->limb[3]) return false;
    *out = v->limb[0];
    return true;
}

void u256_to_be(const struct fan_u256 *v, uint8_t out[32])
{
    for (int i = 0; i < 4; i++) put_be64(v->limb[3 - i], out + 8 * i);
}

struct fan_u256 u256_from_be(const uint8_t in[32])
{
    return (struct fan_u256){{get_be64(in + 24), get_be64(in + 16), get_be64(in + 8), get_be64(in)}};
}

bool u256_from_be_slice(struct slice in, struct fan_u256 *out)
{
    uint8_t bytes[32] = {0};

    if (in.len > sizeof bytes) return false;
    if (in.len) memcpy(bytes + sizeof bytes - in.len, in.at, in.len);
    *out = u256_from_be(bytes);
    return true;
}

size_t u256_to_decimal(const struct fan_u256 *v, char out[79])
{
    static const uint64_t chunk = 10000000000000000000u; /* 10^19, the largest power of ten in a word */
    char digits[80];
    size_t at = sizeof digits;
    struct fan_u256 left = *v;

    do {
        uint64_t word = divide_by_word(&left, chunk, &left);

        for (int i = 0; i < 19 && (word || !u256_is_zero(&left)); i++, word /= 10)
            digits[--at] = (char)('0' + word % 10);
    } while (!u256_is_zero(&left));
    if (at == sizeof digits) digits[--at] = '0';
    memcpy(out, digits + at, sizeof digits - at);
    out[sizeof digits - at] = 0;
    return sizeof digits - at;
}

enum fan_status u256_from_decimal(struct slice digits, struct fan_u256 *out)
{
    struct fan_u256 v = u256_of(0);

    if (!digits.len) return FAN_EFORMAT;
    for (size_t i = 0; i < digits.len; i++) {
        struct fan_u256 digit = u256_of((uint64_t)(digits.at[i] - '0'));

        if (digits.at[i] < '0' || digits.at[i] > '9') return FAN_EFORMAT;
        if (!u256_mul_u64(&v, 10, &v) || !u256_add(&v, &digit, &v)) return FAN_ELIMIT;
    }
    *out = v;
    return FAN_OK;
}
