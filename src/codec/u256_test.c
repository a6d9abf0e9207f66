#include "base/test.h"
#include "codec/u256.h"

/* A generator with a fixed seed: the same numbers in every run. Limbs are often all zeros or all ones, where carries
 * live. */
static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t limb(void)
{
    switch (next() % 6) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    case 2:
        return next() % 3;
    case 3:
        return 1ull << (next() % 64);
    default:
        return next();
    }
}

static struct fan_u256 any(void)
{
    struct fan_u256 v = {{limb(), limb(), limb(), limb()}};

    for (size_t i = 4 - next() % 5; i < 4; i++) v.limb[i] = 0;
    return v;
}

/* ---- an oracle too simple to be wrong: numbers as bits, least significant first, twice as wide ---- */
struct bits {
    bool bit[520];
};

static struct bits bits_of(const struct fan_u256 *v)
{
    struct bits b = {{0}};

    for (unsigned i = 0; i < 256; i++) b.bit[i] = v->limb[i / 64] >> (i % 64) & 1;
    return b;
}

static void add_shifted(struct bits *sum, const struct bits *b, unsigned shift)
{
    unsigned carry = 0;

    for (unsigned i = 0; i + shift < COUNT_OF(sum->bit); i++) {
        carry += (unsigned)sum->bit[i + shift] + b->bit[i];
        sum->bit[i + shift] = carry & 1;
        carry >>= 1;
    }
}

static bool low_equal(const struct bits *b, const struct fan_u256 *v, bool *out_fits)
{
    *out_fits = true;
    for (unsigned i = 256; i < COUNT_OF(b->bit); i++)
        if (b->bit[i]) *out_fits = false;
    for (unsigned i = 0; i < 256; i++)
        if (b->bit[i] != (bool)(v->limb[i / 64] >> (i % 64) & 1)) return false;
    return true;
}

TEST(sums_and_products_are_those_of_paper, t)
{
    for (int i = 0; i < 3000; i++) {
        struct fan_u256 a = any(), b = any(), out;
        struct bits x = bits_of(&a), y = bits_of(&b), sum = x, product = {{0}};
        bool fits, said;

        add_shifted(&sum, &y, 0);
        said = u256_add(&a, &b, &out);
        CHECK(t, low_equal(&sum, &out, &fits));
        CHECK_EQ(t, said, fits);
        for (unsigned j = 0; j < 256; j++)
            if (x.bit[j]) add_shifted(&product, &y, j);
        said = u256_mul(&a, &b, &out);
        CHECK(t, low_equal(&product, &out, &fits));
        CHECK_EQ(t, said, fits);
        if (!b.limb[1] && !b.limb[2] && !b.limb[3]) {
            said = u256_mul_u64(&a, b.limb[0], &out);
            CHECK(t, low_equal(&product, &out, &fits));
            CHECK_EQ(t, said, fits);
        }
    }
}

TEST(differences_undo_sums, t)
{
    for (int i = 0; i < 20000; i++) {
        struct fan_u256 a = any(), b = any(), sum, back;

        (void)u256_add(&a, &b, &sum);
        (void)u256_sub(&sum, &b, &back); /* modulo 2^256 this always holds */
        CHECK(t, u256_eq(&back, &a));
        CHECK_EQ(t, u256_sub(&a, &b, &back), u256_cmp(&a, &b) >= 0);
        CHECK_EQ(t, u256_cmp(&a, &b) < 0, u256_cmp(&b, &a) > 0);
        back = a;
        (void)u256_add(&back, &back, &back); /* out may be an argument */
        (void)u256_mul_u64(&a, 2, &sum);
        CHECK(t, u256_eq(&back, &sum));
    }
}

/* a = q × b + r and r < b: there is only one such pair. */
TEST(quotient_and_rest_make_the_number_again, t)
{
    for (int i = 0; i < 200000; i++) {
        struct fan_u256 a = any(), b = any(), q, r, back;

        if (u256_is_zero(&b)) continue;
        u256_div(&a, &b, &q, &r);
        CHECK(t, u256_cmp(&r, &b) < 0);
        CHECK(t, u256_mul(&q, &b, &back));
        CHECK(t, u256_add(&back, &r, &back));
        CHECK(t, u256_eq(&back, &a));
    }
}

/* The case in which Knuth's guess is one too high and the divisor must be added back: rare, so named. */
TEST(division_corrects_its_guess, t)
{
    struct fan_u256 a = {{0, 0, 0x8000000000000000u, 0x7fffffffffffffffu}}, b = {{1, 0, 0x8000000000000000u, 0}}, q, r,
                    back;

    u256_div(&a, &b, &q, &r);
    CHECK_EQ(t, q.limb[0], 0xfffffffffffffffeu);
    CHECK(t, u256_cmp(&r, &b) < 0);
    CHECK(t, u256_mul(&q, &b, &back) && u256_add(&back, &r, &back) && u256_eq(&back, &a));
    u256_div(&a, &b, NULL, &r);
    u256_div(&a, &a, &q, NULL);
    CHECK_EQ(t, q.limb[0], 1);
}

TEST(bytes_decimals_and_bits, t)
{
    static const struct {
        const char *text;
        struct fan_u256 v;
    } row[] = {
        {"0", {{0}}},
        {"1", {{1}}},
        {"18446744073709551615", {{UINT64_MAX}}},
        {"18446744073709551616", {{0, 1}}},
        {"10000000000000000000", {{10000000000000000000u}}},
        {"100000000000000000000", {{7766279631452241920u, 5}}},
        {"10000000000000000000000", {{1864712049423024128u, 542}}}, /* 10,000 ether in wei */
        {"115792089237316195423570985008687907853269984665640564039457584007913129639935",
         {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}},
    };
    struct fan_u256 v = u256_of(5);

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char out[79];

        CHECK_EQ(t, u256_to_decimal(&row[i].v, out), strlen(row[i].text));
        CHECK_STR(t, slice_str(out), row[i].text);
        CHECK_EQ(t, u256_from_decimal(slice_str(row[i].text), &v), FAN_OK);
        CHECK(t, u256_eq(&v, &row[i].v));
    }
    v = u256_of(5);
    CHECK_EQ(
        t,
        u256_from_decimal(SLICE("115792089237316195423570985008687907853269984665640564039457584007913129639936"), &v),
        FAN_ELIMIT);
    CHECK_EQ(t, u256_from_decimal(SLICE(""), &v), FAN_EFORMAT);
    CHECK_EQ(t, u256_from_decimal(SLICE("1a"), &v), FAN_EFORMAT);
    CHECK_EQ(t, u256_from_decimal(SLICE("-1"), &v), FAN_EFORMAT);
    CHECK_EQ(t, v.limb[0], 5);
    for (int i = 0; i < 2000; i++) {
        struct fan_u256 a = any(), back;
        uint8_t be[32];
        char out[79];
        size_t len = u256_to_decimal(&a, out);
        uint64_t small;
        bool fits = !(a.limb[1] | a.limb[2] | a.limb[3]);

        CHECK_EQ(t, u256_from_decimal(slice_of(out, len), &back), FAN_OK);
        CHECK(t, u256_eq(&a, &back));
        u256_to_be(&a, be);
        back = u256_from_be(be);
        CHECK(t, u256_eq(&a, &back));
        CHECK(t, u256_from_be_slice(slice_of(be, 32), &back) && u256_eq(&a, &back));
        CHECK_EQ(t, u256_fits_u64(&a, &small), fits);
        if (u256_bits(&a)) CHECK(t, a.limb[(u256_bits(&a) - 1) / 64] >> ((u256_bits(&a) - 1) % 64) == 1);
    }
    CHECK(t, u256_from_be_slice(test_hex("0102"), &v));
    CHECK_EQ(t, v.limb[0], 0x0102);
    CHECK(t, u256_from_be_slice(slice_of(NULL, 0), &v) && u256_is_zero(&v));
    CHECK(t, !u256_from_be_slice(test_hex("000000000000000000000000000000000000000000000000000000000000000000"), &v));
}
