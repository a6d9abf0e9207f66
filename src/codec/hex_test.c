#include "base/test.h"
#include "codec/hex.h"
#include "codec/u256.h"

TEST(bytes_go_both_ways, t)
{
    uint8_t all[256], back[256];
    char digits[512];

    for (size_t i = 0; i < 256; i++) all[i] = (uint8_t)i;
    hex_encode(slice_of(all, 256), digits);
    CHECK(t, memcmp(digits, "000102", 6) == 0 && memcmp(digits + 506, "fdfeff", 6) == 0);
    CHECK_EQ(t, hex_decode(slice_of(digits, 512), back), FAN_OK);
    CHECK(t, memcmp(all, back, 256) == 0);
    CHECK_EQ(t, hex_decode(SLICE("aBcDeF"), back), FAN_OK);
    CHECK_SLICE(t, slice_of(back, 3), test_hex("abcdef"));
    CHECK_EQ(t, hex_decode(SLICE(""), back), FAN_OK);
    CHECK_EQ(t, hex_decode(SLICE("abc"), back), FAN_EFORMAT);
    for (int c = 0; c < 256; c++) { /* each byte that is no digit, in both places */
        char high[2] = {(char)c, '0'}, low[2] = {'0', (char)c};
        bool digit = c && strchr("0123456789abcdefABCDEF", c);

        CHECK_EQ(t, hex_decode(slice_of(high, 2), back), digit ? FAN_OK : FAN_EFORMAT);
        CHECK_EQ(t, hex_decode(slice_of(low, 2), back), digit ? FAN_OK : FAN_EFORMAT);
    }
}

TEST(data_is_0x_and_whole_bytes, t)
{
    struct arena_home home;
    struct arena a;
    struct slice out;
    uint8_t fixed[2];

    arena_home_init(&home, 0);
    a = arena_of(&home);
    CHECK_EQ(t, hex_read_data(SLICE("0x"), 0, &a, &out), FAN_OK);
    CHECK_EQ(t, out.len, 0);
    CHECK(t, out.at);
    CHECK_EQ(t, hex_read_data(SLICE("0x00fF"), 2, &a, &out), FAN_OK);
    CHECK_SLICE(t, out, test_hex("00ff"));
    CHECK_EQ(t, hex_read_data(SLICE("0x000000"), 2, &a, &out), FAN_ELIMIT);
    CHECK_EQ(t, hex_read_data(SLICE("0x0"), 0, &a, &out), FAN_EFORMAT);
    CHECK_EQ(t, hex_read_data(SLICE("00"), 0, &a, &out), FAN_EFORMAT);
    CHECK_EQ(t, hex_read_data(SLICE(""), 0, &a, &out), FAN_EFORMAT);
    CHECK_EQ(t, hex_read_data(SLICE("0"), 0, &a, &out), FAN_EFORMAT);
    CHECK_EQ(t, hex_read_data(SLICE("0xgg"), 0, &a, &out), FAN_EFORMAT);
    CHECK_EQ(t, hex_read_fixed(SLICE("0x0102"), fixed, 2), FAN_OK);
    CHECK_EQ(t, hex_read_fixed(SLICE("0x01"), fixed, 2), FAN_EFORMAT);
    CHECK_EQ(t, hex_read_fixed(SLICE("0x010203"), fixed, 2), FAN_ELIMIT);
    arena_home_fini(&home);
    arena_home_init(&home, 64);
    a = arena_of(&home);
    CHECK_EQ(t,
             hex_read_data(slice_of("0x"
                                    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
                                    "00000000000000000000000000000000000000000000000000000000000000000000000000000000",
                                    162),
                           0, &a, &out),
             FAN_ENOMEM);
    arena_home_fini(&home);
}

TEST(quantities_are_the_shortest_form, t)
{
    static const struct {
        const char *text;
        uint64_t v;
    } row[] = {
        {"0x0", 0},
        {"0x1", 1},
        {"0xf", 15},
        {"0x10", 16},
        {"0x400", 1024},
        {"0xffffffff", UINT32_MAX},
        {"0x100000000", 1ull << 32},
        {"0xffffffffffffffff", UINT64_MAX},
    };
    static const char *const bad[] = {"",   "0",   "0x",   "x0",   "0x00", "0x01", "0x0400",
                                      "ff", "0xg", "-0x1", "0x-1", " 0x1", "0x1 ", "0x1.0"};
    uint64_t v = 42;
    struct fan_u256 big = u256_of(42);

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char out[18], out_big[66];
        struct fan_u256 as_big = u256_of(row[i].v);

        CHECK_EQ(t, hex_read_u64(slice_str(row[i].text), &v), FAN_OK);
        CHECK_EQ(t, v, row[i].v);
        CHECK_STR(t, slice_of(out, hex_write_u64(v, out)), row[i].text);
        CHECK_EQ(t, hex_read_u256(slice_str(row[i].text), &big), FAN_OK);
        CHECK(t, u256_eq(&big, &as_big));
        CHECK_STR(t, slice_of(out_big, hex_write_u256(&big, out_big)), row[i].text);
    }
    v = 42;
    big = u256_of(42);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK_EQ(t, hex_read_u64(slice_str(bad[i]), &v), FAN_EFORMAT);
        CHECK_EQ(t, hex_read_u256(slice_str(bad[i]), &big), FAN_EFORMAT);
    }
    CHECK_EQ(t, hex_read_u64(SLICE("0x10000000000000000"), &v), FAN_ELIMIT);
    CHECK_EQ(t, v, 42);
    CHECK_EQ(t, big.limb[0], 42);
    for (unsigned bit = 0; bit < 256; bit++) { /* every width, once as a power and once filled */
        struct fan_u256 power = {{0}}, filled = {{0}}, back;
        char out[66];

        power.limb[bit / 64] = 1ull << (bit % 64);
        for (unsigned i = 0; i <= bit; i++) filled.limb[i / 64] |= 1ull << (i % 64);
        CHECK_EQ(t, hex_read_u256(slice_of(out, hex_write_u256(&power, out)), &back), FAN_OK);
        CHECK(t, u256_eq(&power, &back));
        CHECK_EQ(t, hex_write_u256(&filled, out), 2 + bit / 4 + 1);
        CHECK_EQ(t, hex_read_u256(slice_of(out, hex_write_u256(&filled, out)), &back), FAN_OK);
        CHECK(t, u256_eq(&filled, &back));
    }
    CHECK_EQ(t, hex_read_u256(SLICE("0x10000000000000000000000000000000000000000000000000000000000000000"), &big),
             FAN_ELIMIT);
}

/* The examples of EIP-55. */
TEST(checksums_are_those_of_eip_55, t)
{
    static const char *const row[] = {
        "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fan_address a;
        char out[43];

        REQUIRE(t, hex_read_fixed(slice_str(row[i]), a.bytes, sizeof a.bytes) == FAN_OK);
        hex_write_checksum(&a, out);
        CHECK_STR(t, slice_str(out), row[i]);
    }
}
