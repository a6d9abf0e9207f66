#include "codec/utf8.h"

/* States between characters and within: how many continuation bytes are still to come, and where the next one's range
 * is narrower than 80..bf because of the lead byte. */
enum {
    NEED_1 = 1,
    NEED_2,
    NEED_3,
    AFTER_E0, /* a0..bf: no overlong forms */
    AFTER_ED, /* 80..9f: no surrogates */
    AFTER_F0, /* 90..bf: no overlong forms */
    AFTER_F4, /* 80..8f: not above U+10FFFF */
};

static uint8_t lead(uint8_t byte)
{
    if (byte < 0x80) return UTF8_WHOLE;
    if (byte < 0xc2) return UTF8_BAD;
    if (byte < 0xe0) return NEED_1;
    if (byte == 0xe0) return AFTER_E0;
    if (byte == 0xed) return AFTER_ED;
    if (byte < 0xf0) return NEED_2;
    if (byte == 0xf0) return AFTER_F0;
    if (byte < 0xf4) return NEED_3;
    if (byte == 0xf4) return AFTER_F4;
    return UTF8_BAD;
}

static uint8_t step(uint8_t state, uint8_t byte)
{
    static const struct {
        uint8_t low, high, next;
    } inside[] = {
        [NEED_1] = {0x80, 0xbf, UTF8_WHOLE}, [NEED_2] = {0x80, 0xbf, NEED_1},   [NEED_3] = {0x80, 0xbf, NEED_2},
        [AFTER_E0] = {0xa0, 0xbf, NEED_1},   [AFTER_ED] = {0x80, 0x9f, NEED_1}, [AFTER_F0] = {0x90, 0xbf, NEED_2},
        [AFTER_F4] = {0x80, 0x8f, NEED_2},
    };

    if (state == UTF8_WHOLE) return lead(byte);
    return byte >= inside[state].low && byte <= inside[state].high ? inside[state].next : UTF8_BAD;
}

uint8_t utf8_check(uint8_t state, struct slice s)
{
    size_t i = 0;

    while (i < s.len && state != UTF8_BAD) {
        uint64_t word;

        if (state == UTF8_WHOLE && s.len - i >= sizeof word) {
            memcpy(&word, s.at + i, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                i += sizeof word;
                continue;
            }
        }
        state = step(state, s.at[i++]);
    }
    return state;
}

size_t utf8_char_len(struct slice s)
{
    uint8_t state = UTF8_WHOLE;

    for (size_t i = 0; i < s.len; i++) {
        state = step(state, s.at[i]);
        if (state == UTF8_WHOLE) return i + 1;
        if (state == UTF8_BAD) return 0;
    }
    return 0;
}

size_t utf8_put(uint32_t scalar, uint8_t out[4])
{
    assert(scalar <= 0x10ffff && (scalar < 0xd800 || scalar > 0xdfff));
    if (scalar < 0x80) {
        out[0] = (uint8_t)scalar;
        return 1;
    }
    if (scalar < 0x800) {
        out[0] = (uint8_t)(0xc0 | scalar >> 6);
        out[1] = (uint8_t)(0x80 | (scalar & 63));
        return 2;
    }
    if (scalar < 0x10000) {
        out[0] = (uint8_t)(0xe0 | scalar >> 12);
        out[1] = (uint8_t)(0x80 | (scalar >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (scalar & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | scalar >> 18);
    out[1] = (uint8_t)(0x80 | (scalar >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (scalar >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (scalar & 63));
    return 4;
}
