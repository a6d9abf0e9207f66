#include "codec/bloom.h"

#include "codec/keccak.h"

/* The three bits of an item: the low 11 bits of the first three pairs of its hash's bytes. Bit 0 is the lowest of the
 * last byte. */
static void bits_of(struct slice item, size_t out_byte[3], uint8_t out_mask[3])
{
    struct fan_hash h = keccak256(item);

    for (size_t i = 0; i < 3; i++) {
        unsigned bit = ((unsigned)h.bytes[2 * i] << 8 | h.bytes[2 * i + 1]) & 2047;

        out_byte[i] = BLOOM_LEN - 1 - bit / 8;
        out_mask[i] = (uint8_t)(1u << (bit % 8));
    }
}

void bloom_add(struct bloom *b, struct slice item)
{
    size_t byte[3];
    uint8_t mask[3];

    bits_of(item, byte, mask);
    for (size_t i = 0; i < 3; i++) b->bytes[byte[i]] |= mask[i];
}

void bloom_merge(struct bloom *b, const struct bloom *other)
{
    for (size_t i = 0; i < BLOOM_LEN; i++) b->bytes[i] |= other->bytes[i];
}

bool bloom_may_have(const struct bloom *b, struct slice item)
{
    size_t byte[3];
    uint8_t mask[3];

    bits_of(item, byte, mask);
    for (size_t i = 0; i < 3; i++)
        if (!(b->bytes[byte[i]] & mask[i])) return false;
    return true;
}
