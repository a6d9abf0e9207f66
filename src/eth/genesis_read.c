#include "eth/genesis_read.h"

#include "codec/hex.h"
#include "codec/u256.h"

enum fan_status genesis_fail(const struct genesis_where *where, const char *key, const char *what)
{
    const char *joint = *where->outer && *key ? ": " : "";

    return fan_error_set(where->err, FAN_EFORMAT, "%s%s%s: %s", where->outer, joint, key, what);
}

static struct slice without_prefix(struct slice text)
{
    return slice_starts(text, SLICE("0x")) || slice_starts(text, SLICE("0X")) ? slice_from(text, 2) : text;
}

/* Digits of any even number up to 64, right-aligned. */
static bool read_hex(struct slice digits, struct fan_u256 *out)
{
    uint8_t bytes[32] = {0};

    if (digits.len > 64 || digits.len % 2 || hex_decode(digits, bytes + 32 - digits.len / 2)) return false;
    *out = u256_from_be(bytes);
    return true;
}

bool genesis_read_word(struct slice text, struct fan_u256 *out)
{
    return read_hex(without_prefix(text), out);
}

bool genesis_read_address(struct slice text, struct fan_address *out)
{
    struct slice digits = without_prefix(text);

    return digits.len == 2 * sizeof out->bytes && !hex_decode(digits, out->bytes);
}

bool genesis_read_number(struct slice text, struct fan_u256 *out)
{
    struct slice digits = without_prefix(text);
    uint8_t even[64];

    if (text.len == 0) {
        *out = u256_of(0);
        return true;
    }
    if (digits.len == text.len) return !u256_from_decimal(text, out);
    while (digits.len > 1 && digits.at[0] == '0') digits = slice_from(digits, 1);
    if (digits.len == 0 || digits.len > 64) return false;
    if (digits.len % 2 == 0) return read_hex(digits, out);
    even[0] = '0';
    memcpy(even + 1, digits.at, digits.len);
    return read_hex(slice_of(even, digits.len + 1), out);
}

enum fan_status genesis_read_u256(struct json object, const char *key, const struct genesis_where *where,
                                  struct fan_u256 *out)
{
    struct json v = json_get(object, key);
    struct fan_u256 value;

    if (!genesis_given(v)) return FAN_OK;
    if (json_is(v, JSON_NUMBER) ? !genesis_read_number(json_raw(v), &value)
                                : !json_is(v, JSON_STRING) || !genesis_read_number(json_str_raw(v), &value))
        return genesis_fail(where, key, "a whole number of at most 256 bits expected, decimal or 0x and hex digits");
    *out = value;
    return FAN_OK;
}

enum fan_status genesis_read_u64(struct json object, const char *key, const struct genesis_where *where, uint64_t *out)
{
    struct fan_u256 value = u256_of(*out);
    enum fan_status s = genesis_read_u256(object, key, where, &value);

    if (s) return s;
    return u256_fits_u64(&value, out) ? FAN_OK : genesis_fail(where, key, "the number has more than 64 bits");
}
