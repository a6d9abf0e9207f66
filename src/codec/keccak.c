#include "codec/keccak.h"

#include "codec/keccak_round.h"

enum { RATE = 136 };

const struct fan_hash KECCAK_EMPTY = {{0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d,
                                       0xb2, 0xdc, 0xc7, 0x03, 0xc0, 0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82,
                                       0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70}};
const struct fan_hash KECCAK_EMPTY_TRIE = {{0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45,
                                            0xe6, 0x92, 0xc0, 0xf8, 0x6e, 0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c,
                                            0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21}};
const struct fan_hash KECCAK_EMPTY_LIST = {{0x1d, 0xcc, 0x4d, 0xe8, 0xde, 0xc7, 0x5d, 0x7a, 0xab, 0x85, 0xb5,
                                            0x67, 0xb6, 0xcc, 0xd4, 0x1a, 0xd3, 0x12, 0x45, 0x1b, 0x94, 0x8a,
                                            0x74, 0x13, 0xf0, 0xa1, 0x42, 0xfd, 0x40, 0xd4, 0x93, 0x47}};

static inline __attribute__((always_inline)) void permute_inline(uint64_t s[25])
{
    KECCAK_PERMUTE(uint64_t, s);
}

#if defined(__x86_64__)
/* chi is made of "and not", which BMI1 does in one instruction, and RORX of BMI2 rotates without a move: with both, the
 * same source ran at 513 MB/s instead of 280 (gcc 12, one core of an EPYC). */
__attribute__((target("bmi,bmi2"))) static void permute_bmi(uint64_t s[25])
{
    permute_inline(s);
}

static void permute(uint64_t s[25])
{
    if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        permute_bmi(s);
    else
        permute_inline(s);
}
#else
static void permute(uint64_t s[25])
{
    permute_inline(s);
}
#endif

/* Lanes are little-endian in the specification, whatever the machine is. */
static inline uint64_t load_le64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static void absorb_block(uint64_t lanes[25], const uint8_t *block)
{
    for (size_t i = 0; i < RATE / 8; i++) lanes[i] ^= load_le64(block + 8 * i);
    permute(lanes);
}

static inline void absorb_byte(struct keccak *k, size_t at, uint8_t byte)
{
    k->lanes[at / 8] ^= (uint64_t)byte << (8 * (at % 8));
}

void keccak_init(struct keccak *k)
{
    *k = (struct keccak){0};
}

void keccak_add(struct keccak *k, struct slice s)
{
    const uint8_t *p = s.at;
    size_t left = s.len;

    while (left) {
        if (k->at == 0 && left >= RATE) {
            absorb_block(k->lanes, p);
            p += RATE;
            left -= RATE;
        } else if (k->at % 8 == 0 && left >= 8) {
            k->lanes[k->at / 8] ^= load_le64(p);
            k->at += 8;
            p += 8;
            left -= 8;
        } else {
            absorb_byte(k, k->at++, *p++);
            left--;
        }
        if (k->at == RATE) {
            permute(k->lanes);
            k->at = 0;
        }
    }
}

void keccak_end(struct keccak *k, struct fan_hash *out)
{
    absorb_byte(k, k->at, 0x01);
    absorb_byte(k, RATE - 1, 0x80);
    permute(k->lanes);
    for (size_t i = 0; i < sizeof out->bytes; i++) out->bytes[i] = (uint8_t)(k->lanes[i / 8] >> (8 * (i % 8)));
}

struct fan_hash keccak256(struct slice s)
{
    struct keccak k;
    struct fan_hash h;

    keccak_init(&k);
    keccak_add(&k, s);
    keccak_end(&k, &h);
    return h;
}
