#include "hub/id.h"

#include "base/random.h"

struct hub_id id_next(struct id_source *s)
{
    struct hub_id id;

    do {
        if (s->left < sizeof id.bytes) {
            random_bytes(s->ahead, sizeof s->ahead);
            s->left = sizeof s->ahead;
        }
        memcpy(id.bytes, s->ahead + sizeof s->ahead - s->left, sizeof id.bytes);
        s->left -= sizeof id.bytes;
    } while (id.bytes[0] < 0x10);
    return id;
}

/* Written once per notification, so by hand: a nibble is a digit, or a letter 39 further on in ASCII. */
static uint8_t digit_of(unsigned nibble)
{
    return (uint8_t)(nibble + '0' + (nibble > 9 ? 39 : 0));
}

void id_write(const struct hub_id *id, uint8_t out[FRAME_ID_LEN])
{
    *out++ = '0';
    *out++ = 'x';
    for (size_t i = 0; i < sizeof id->bytes; i++) {
        *out++ = digit_of(id->bytes[i] >> 4);
        *out++ = digit_of(id->bytes[i] & 15);
    }
}

static int value_of(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

bool id_read(struct slice text, struct hub_id *out)
{
    struct hub_id id;

    if (text.len != FRAME_ID_LEN || text.at[0] != '0' || text.at[1] != 'x') return false;
    for (size_t i = 0; i < sizeof id.bytes; i++) {
        int high = value_of(text.at[2 + 2 * i]), low = value_of(text.at[3 + 2 * i]);

        if (high < 0 || low < 0) return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = id;
    return true;
}
