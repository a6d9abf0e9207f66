#include "codec/hex.h"

#include "codec/keccak.h"
#include "codec/u256.h"

/* Both digits of a byte at once: "000102…ff". */
#define ROW(h) h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7" h "8" h "9" h "a" h "b" h "c" h "d" h "e" h "f"
static const char PAIRS[513] = ROW("0") ROW("1") ROW("2") ROW("3") ROW("4") ROW("5") ROW("6") ROW("7") ROW("8") ROW("9")
    ROW("a") ROW("b") ROW("c") ROW("d") ROW("e") ROW("f");

/* The value of a digit with bit 4 set, so that 0 means "no digit" and the table needs no other marks. */
static const uint8_t DIGIT[256] = {
    ['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14, ['5'] = 0x15, ['6'] = 0x16, ['7'] = 0x17,
    ['8'] = 0x18, ['9'] = 0x19, ['a'] = 0x1a, ['b'] = 0x1b, ['c'] = 0x1c, ['d'] = 0x1d, ['e'] = 0x1e, ['f'] = 0x1f,
    ['A'] = 0x1a, ['B'] = 0x1b, ['C'] = 0x1c, ['D'] = 0x1d, ['E'] = 0x1e, ['F'] = 0x1f,
};

void hex_encode(struct slice s, char *out)
{
    for (size_t i = 0; i < s.len; i++) memcpy(out + 2 * i, PAIRS + 2 * (size_t)s.at[i], 2);
}

enum fan_status hex_decode(struct slice digits, uint8_t *out)
{
    unsigned good = 0x10;

    if (digits.len % 2) return FAN_EFORMAT;
    for (size_t i = 0; i < digits.len / 2; i++) {
        unsigned high = DIGIT[digits.at[2 * i]], low = DIGIT[digits.at[2 * i + 1]];

        good &= high & low;
        out[i] = (uint8_t)(high << 4 | (low & 15));
    }
    return good ? FAN_OK : FAN_EFORMAT;
}

/* What follows "0x"; false when it does not begin so. geth takes 0X as well. */
static bool after_prefix(struct slice text, struct slice *out)
{
    if (text.len < 2 || text.at[0] != '0' || (text.at[1] != 'x' && text.at[1] != 'X')) return false;
    *out = slice_from(text, 2);
    return true;
}

enum fan_status hex_read_fixed(struct slice text, uint8_t *out, size_t len)
{
    struct slice digits;

    if (!after_prefix(text, &digits)) return FAN_EFORMAT;
    if (digits.len > 2 * len) return FAN_ELIMIT;
    if (digits.len < 2 * len) return FAN_EFORMAT;
    return hex_decode(digits, out);
}

enum fan_status hex_read_data(struct slice text, size_t len_max, struct arena *a, struct slice *out)
{
    struct slice digits;
    uint8_t *bytes;
    enum fan_status s;

    if (!after_prefix(text, &digits)) return FAN_EFORMAT;
    if (len_max && digits.len / 2 > len_max) return FAN_ELIMIT;
    bytes = arena_bytes(a, digits.len / 2);
    if (!bytes) return FAN_ENOMEM;
    s = hex_decode(digits, bytes);
    if (s) return s;
    *out = slice_of(bytes, digits.len / 2);
    return FAN_OK;
}

/* The digits of a QUANTITY: at least one, all hexadecimal, none of them a leading zero. */
static enum fan_status quantity_digits(struct slice text, struct slice *out)
{
    if (!after_prefix(text, out) || !out->len) return FAN_EFORMAT;
    if (out->at[0] == '0' && out->len > 1) return FAN_EFORMAT;
    for (size_t i = 0; i < out->len; i++)
        if (!DIGIT[out->at[i]]) return FAN_EFORMAT;
    return FAN_OK;
}

enum fan_status hex_read_u64(struct slice text, uint64_t *out)
{
    struct slice digits;
    uint64_t v = 0;
    enum fan_status s = quantity_digits(text, &digits);

    if (s) return s;
    if (digits.len > 16) return FAN_ELIMIT;
    for (size_t i = 0; i < digits.len; i++) v = v << 4 | (DIGIT[digits.at[i]] & 15u);
    *out = v;
    return FAN_OK;
}

enum fan_status hex_read_u256(struct slice text, struct fan_u256 *out)
{
    struct slice digits;
    struct fan_u256 v = u256_of(0);
    enum fan_status s = quantity_digits(text, &digits);

    if (s) return s;
    if (digits.len > 64) return FAN_ELIMIT;
    for (size_t i = 0; i < digits.len; i++) {
        size_t nibble = digits.len - 1 - i;

        v.limb[nibble / 16] |= (uint64_t)(DIGIT[digits.at[i]] & 15u) << (4 * (nibble % 16));
    }
    *out = v;
    return FAN_OK;
}

size_t hex_write_u64(uint64_t v, char out[18])
{
    size_t digits = v ? (size_t)(67 - __builtin_clzll(v)) / 4 : 1;

    out[0] = '0';
    out[1] = 'x';
    for (size_t i = 0; i < digits; i++, v >>= 4) out[1 + digits - i] = PAIRS[2 * (v & 15) + 1];
    return 2 + digits;
}

size_t hex_write_u256(const struct fan_u256 *v, char out[66])
{
    uint8_t bytes[32];
    char digits[64];
    size_t skip = (size_t)(256 - u256_bits(v)) / 4;

    if (skip == 64) skip = 63;
    u256_to_be(v, bytes);
    hex_encode(slice_of(bytes, sizeof bytes), digits);
    out[0] = '0';
    out[1] = 'x';
    memcpy(out + 2, digits + skip, 64 - skip);
    return 2 + 64 - skip;
}

void hex_write_checksum(const struct fan_address *address, char out[43])
{
    struct fan_hash h;

    out[0] = '0';
    out[1] = 'x';
    hex_encode(slice_of(address->bytes, sizeof address->bytes), out + 2);
    h = keccak256(slice_of(out + 2, 40));
    for (size_t i = 0; i < 40; i++) {
        unsigned nibble = i % 2 ? h.bytes[i / 2] & 15u : h.bytes[i / 2] >> 4;

        if (out[2 + i] >= 'a' && nibble >= 8) out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
    }
    out[42] = 0;
}
