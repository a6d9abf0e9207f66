#include "codec/abi.h"

#include "codec/hex.h"
#include "codec/u256.h"

static const uint8_t ERROR_SELECTOR[4] = {0x08, 0xc3, 0x79, 0xa0}, PANIC_SELECTOR[4] = {0x4e, 0x48, 0x7b, 0x71};

/* geth's words (accounts/abi/abi.go, panicReasons), since clients show them to people. */
static const char *panic_words(uint64_t code)
{
    switch (code) {
    case 0x00:
        return "generic panic";
    case 0x01:
        return "assert(false)";
    case 0x11:
        return "arithmetic underflow or overflow";
    case 0x12:
        return "division or modulo by zero";
    case 0x21:
        return "enum overflow";
    case 0x22:
        return "invalid encoded storage byte array accessed";
    case 0x31:
        return "out-of-bounds array access; popping on an empty array";
    case 0x32:
        return "out-of-bounds access of an array or bytesN";
    case 0x41:
        return "out of memory";
    case 0x51:
        return "uninitialized function";
    default:
        return NULL;
    }
}

/* The word at `at` of the arguments as a size; false when it is cut off or too large to be one. */
static bool word_as_size(struct slice args, size_t at, size_t *out)
{
    struct fan_u256 v;
    uint64_t small;

    if (args.len < 32 || at > args.len - 32) return false;
    v = u256_from_be(args.at + at);
    if (!u256_fits_u64(&v, &small) || small > SIZE_MAX / 2) return false;
    *out = (size_t)small;
    return true;
}

bool abi_revert_reason(struct slice data, struct arena *a, struct slice *out_words)
{
    struct slice args;
    size_t offset, len;

    if (data.len < 4) return false;
    args = slice_from(data, 4);
    if (memcmp(data.at, ERROR_SELECTOR, 4) == 0) {
        struct slice words;

        if (!word_as_size(args, 0, &offset) || !word_as_size(args, offset, &len)) return false;
        if (len > args.len - offset - 32) return false;
        words = arena_dup(a, slice_of(args.at + offset + 32, len));
        if (!words.at) return false;
        *out_words = words;
        return true;
    }
    if (memcmp(data.at, PANIC_SELECTOR, 4) == 0 && args.len >= 32) {
        struct fan_u256 code = u256_from_be(args.at);
        uint64_t small;
        const char *words = u256_fits_u64(&code, &small) ? panic_words(small) : NULL;
        char digits[66];

        if (!words) {
            size_t digits_len;
            char *text;

            digits_len = hex_write_u256(&code, digits);
            text = arena_printf(a, "unknown panic code: %.*s", (int)digits_len, digits);
            if (!text) return false;
            words = text;
        }
        *out_words = slice_str(words);
        return true;
    }
    return false;
}

struct slice abi_encode_error(struct slice words, struct arena *a)
{
    size_t padded = (words.len + 31) / 32 * 32, len = 4 + 32 + 32 + padded;
    uint8_t *p;

    if (words.len > SIZE_MAX / 2) return slice_of(NULL, 0);
    p = arena_alloc(a, len);
    if (!p) return slice_of(NULL, 0);
    memcpy(p, ERROR_SELECTOR, 4);
    p[4 + 31] = 32;
    put_be64(words.len, p + 4 + 32 + 24);
    if (words.len) memcpy(p + 4 + 64, words.at, words.len);
    return slice_of(p, len);
}
