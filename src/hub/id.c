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

/* Four bytes as eight digits, all at once: this is done for every notification. The bytes are spread to a 16-bit lane
 * each, then halved into nibbles; a nibble above 9 is a letter, 39 further on in ASCII. Byte 0 of the value is the
 * first in memory. */
static void write_four(const uint8_t in[4], uint8_t out[8])
{
    uint64_t v = (uint64_t)in[0] | (uint64_t)in[1] << 8 | (uint64_t)in[2] << 16 | (uint64_t)in[3] << 24;

    v = (v | v << 16) & 0x0000ffff0000ffffu;
    v = (v | v << 8) & 0x00ff00ff00ff00ffu;
    v = (v >> 4 | v << 8) & 0x0f0f0f0f0f0f0f0fu;
    v += 0x3030303030303030u + ((v + 0x0606060606060606u) >> 4 & 0x0101010101010101u) * 39;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(out, &v, sizeof v);
}

void id_write(const struct hub_id *id, uint8_t out[FRAME_ID_LEN])
{
    out[0] = '0';
    out[1] = 'x';
    for (size_t i = 0; i < sizeof id->bytes; i += 4) write_four(id->bytes + i, out + 2 + 2 * i);
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
