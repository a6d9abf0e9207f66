/* bloom: the 2048-bit filter of a block's log addresses and topics.
 *
 * Spec: Yellow Paper equation for M3:2048 (section 4.3.1). */
#ifndef CODEC_BLOOM_H
#define CODEC_BLOOM_H

#include "base/slice.h"

enum { BLOOM_LEN = 256 };

struct bloom {
    uint8_t bytes[BLOOM_LEN];
};

void bloom_add(struct bloom *b, struct slice item); /* an address or a topic */
void bloom_merge(struct bloom *b, const struct bloom *other);
bool bloom_may_have(const struct bloom *b, struct slice item);

#endif
