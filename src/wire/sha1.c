#include "wire/sha1.h"

enum { BLOCK = 64 };

static inline uint32_t rotate(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

static void add_block(uint32_t h[5], const uint8_t *p)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (size_t i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (size_t i = 0; i < 80; i++) {
        uint32_t f, k, next;

        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ed9eba1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;
        } else {
            f = b ^ c ^ d;
            k = 0xca62c1d6;
        }
        next = rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void sha1(struct slice s, uint8_t out[SHA1_LEN])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t last[2 * BLOCK] = {0x00};
    size_t whole = s.len / BLOCK * BLOCK, rest = s.len - whole, last_len = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;

    for (size_t at = 0; at < whole; at += BLOCK) add_block(h, s.at + at);
    if (rest) memcpy(last, s.at + whole, rest);
    last[rest] = 0x80;
    put_be64((uint64_t)s.len * 8, last + last_len - 8);
    for (size_t at = 0; at < last_len; at += BLOCK) add_block(h, last + at);
    for (size_t i = 0; i < SHA1_LEN; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
