/* keccak: Keccak-256 as Ethereum uses it (the original padding 0x01, not SHA-3's 0x06).
 *
 * Spec: Yellow Paper appendix "Keccak"; keccak.team reference, rate 1088 bits. */
#ifndef CODEC_KECCAK_H
#define CODEC_KECCAK_H

#include "base/slice.h"

struct keccak {
    uint64_t lanes[25];
    size_t at; /* bytes of the current block absorbed, < 136 */
};

void keccak_init(struct keccak *k);
void keccak_add(struct keccak *k, struct slice s);
void keccak_end(struct keccak *k, struct fan_hash *out); /* k must be initialised again afterwards */

/* All at once. */
struct fan_hash keccak256(struct slice s);
/* Of `count` strings, each by itself, four side by side where the processor can: strings of like length cost the least.
 */
void keccak256_many(const struct slice *in, size_t count, struct fan_hash *out);

/* keccak256 of the empty string, and of 0x80, the RLP of nothing: the root of an empty trie. */
extern const struct fan_hash KECCAK_EMPTY;
extern const struct fan_hash KECCAK_EMPTY_TRIE;
/* keccak256 of 0xc0, the RLP of an empty list: ommersHash of a block without ommers. */
extern const struct fan_hash KECCAK_EMPTY_LIST;

#endif
