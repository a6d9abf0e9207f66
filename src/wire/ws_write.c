#include "codec/utf8.h"
#include "wire/ws.h"

enum { FIN = 0x80, MASKED = 0x80 };

static size_t encode_header(uint8_t first, uint8_t mask_bit, uint64_t len, uint8_t out[WS_HEADER_MAX])
{
    out[0] = first;
    if (len < 126) {
        out[1] = (uint8_t)(mask_bit | len);
        return 2;
    }
    if (len < 65536) {
        out[1] = mask_bit | 126;
        out[2] = (uint8_t)(len >> 8);
        out[3] = (uint8_t)len;
        return 4;
    }
    out[1] = mask_bit | 127;
    put_be64(len, out + 2);
    return 10;
}

size_t ws_header_encode(enum ws_opcode opcode, uint64_t len, uint8_t out[WS_HEADER_MAX])
{
    assert(len <= INT64_MAX);
    return encode_header((uint8_t)(FIN | (unsigned)opcode), 0, len, out);
}

size_t ws_close_encode(uint16_t code, const char *reason, uint8_t out[WS_CLOSE_FRAME_MAX])
{
    size_t len = 0, reason_len = strlen(reason);

    if (code == WS_CLOSE_NO_CODE) return ws_header_encode(WS_CLOSE, 0, out);
    assert(ws_close_code_is_valid(code));
    while (len < reason_len) { /* whole characters, since a reason cut within one would be no UTF-8 */
        size_t char_len = utf8_char_len(slice_of(reason + len, reason_len - len));

        if (!char_len || len + char_len > WS_REASON_LEN_MAX) break;
        len += char_len;
    }
    out[0] = FIN | WS_CLOSE;
    out[1] = (uint8_t)(2 + len);
    out[2] = (uint8_t)(code >> 8);
    out[3] = (uint8_t)code;
    memcpy(out + 4, reason, len);
    return 4 + len;
}

void ws_put_frame(struct buf *out, enum ws_opcode opcode, struct slice payload)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = ws_header_encode(opcode, payload.len, header);

    assert(opcode < WS_CLOSE || payload.len <= WS_CONTROL_LEN_MAX);
    buf_put(out, slice_of(header, header_len));
    buf_put(out, payload);
}

void ws_put_masked_frame(struct buf *out, enum ws_opcode opcode, bool fin, struct slice payload,
                         const uint8_t mask[WS_MASK_LEN])
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = encode_header((uint8_t)((fin ? FIN : 0) | (unsigned)opcode), MASKED, payload.len, header);

    if (!buf_reserve(out, header_len + WS_MASK_LEN + payload.len)) return;
    buf_put(out, slice_of(header, header_len));
    buf_put(out, slice_of(mask, WS_MASK_LEN));
    buf_put(out, payload);
    (void)ws_mask(out->at + out->len - payload.len, payload.len, mask, 0);
}

uint8_t ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[WS_MASK_LEN], uint8_t at)
{
    uint8_t turned[8];
    uint64_t word, key;
    size_t i = 0;

    for (size_t j = 0; j < sizeof turned; j++) turned[j] = mask[(at + j) % WS_MASK_LEN];
    memcpy(&key, turned, sizeof key);
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        word ^= key;
        memcpy(bytes + i, &word, sizeof word);
    }
    for (size_t j = 0; i < len; i++, j++) bytes[i] ^= turned[j];
    return (uint8_t)((at + len) % WS_MASK_LEN);
}
