/* id: the names of subscriptions and polling filters.
 *
 * 128 bits from the kernel's generator, kept as 16 bytes and written as 0x and 32 hex digits. The first digit is never
 * zero, since some clients read ids as QUANTITY and would lose a leading one; the fixed width is what lets one frame
 * serve every subscriber (wire/frame.h). That two ids are equal is left to probability: 2^-123 for a pair. */
#ifndef HUB_ID_H
#define HUB_ID_H

#include "wire/frame.h"

struct hub_id {
    uint8_t bytes[16];
};

/* Random bytes drawn ahead, since a system call for each subscription would cost more than the subscription. One owner.
 */
struct id_source {
    uint8_t ahead[1024];
    size_t left; /* bytes at the end of `ahead` not yet used; zero at start */
};

struct hub_id id_next(struct id_source *s);
void id_write(const struct hub_id *id, uint8_t out[FRAME_ID_LEN]);
/* False when the text is no id of ours; upper-case digits are refused, as we never write them. */
bool id_read(struct slice text, struct hub_id *out);

static inline bool id_eq(const struct hub_id *a, const struct hub_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

#endif
