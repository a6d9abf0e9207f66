#include "conn/pieces.h"

#include <stdlib.h>

enum { FIN = 0x80, FLUSH_LEN = 4 };

static const uint8_t flush_end[FLUSH_LEN] = {0x00, 0x00, 0xff, 0xff};

struct pieces {
    struct deflater *deflater;
    uint8_t *text;
    size_t text_len, at; /* `at` of them are in a frame */
    size_t piece_len, room, len, memory;
    uint8_t bits, opcode;
    uint8_t bytes[]; /* `room`: one frame, `len` of them */
};

/* What a piece may become at worst: deflate's own stored blocks, or ours. */
static size_t room_for(size_t piece_len)
{
    return WS_HEADER_MAX + piece_len + piece_len / 16 + 64;
}

/* The piece's deflate data behind the room for a header; returns their length. */
static size_t put_data(struct pieces *p, struct slice text, bool last)
{
    uint8_t *data = p->bytes + WS_HEADER_MAX;
    size_t room = p->room - WS_HEADER_MAX;
    struct slice deflated;

    if (!deflater_run(p->deflater, p->bits, text, &deflated) && deflated.len + FLUSH_LEN <= room) {
        memcpy(data, deflated.at, deflated.len);
        if (last) return deflated.len;
        memcpy(data + deflated.len, flush_end, FLUSH_LEN);
        return deflated.len + FLUSH_LEN;
    }
    deflate_stored_header(text.len, data);
    memcpy(data + DEFLATE_STORED_HEADER_LEN, text.at, text.len);
    if (!last) return DEFLATE_STORED_HEADER_LEN + text.len;
    data[DEFLATE_STORED_HEADER_LEN + text.len] = 0; /* the header of the empty block whose rest does not travel */
    return DEFLATE_STORED_HEADER_LEN + text.len + 1;
}

size_t pieces_next(struct pieces *p)
{
    bool first = p->at == 0, last;
    size_t text_len = (size_t)min_u64(p->text_len - p->at, p->piece_len), data_len, header_len;
    uint8_t header[WS_HEADER_MAX];

    if (!text_len) return 0;
    last = p->at + text_len == p->text_len;
    data_len = put_data(p, slice_of(p->text + p->at, text_len), last);
    header_len = ws_header_encode(first ? (enum ws_opcode)p->opcode : WS_CONTINUATION, data_len, header);
    if (!last) header[0] &= (uint8_t)~FIN;
    if (first) header[0] |= WS_RSV1;
    memmove(p->bytes + header_len, p->bytes + WS_HEADER_MAX, data_len);
    memcpy(p->bytes, header, header_len);
    p->len = header_len + data_len;
    p->at += text_len;
    return text_len;
}

struct pieces *pieces_new(struct deflater *d, unsigned bits, enum ws_opcode opcode, struct buf *body, size_t piece_len)
{
    size_t room = room_for(piece_len);
    struct pieces *p;

    assert(piece_len > 0 && piece_len <= PIECE_LEN_MAX && body->len > piece_len);
    p = malloc(sizeof *p + room);
    if (!p) return NULL;
    *p = (struct pieces){.deflater = d,
                         .text = body->at,
                         .text_len = body->len,
                         .piece_len = piece_len,
                         .room = room,
                         .bits = (uint8_t)bits,
                         .opcode = (uint8_t)opcode};
    (void)pieces_next(p);
    if (deflate_pays(piece_len, p->len)) {
        p->text = buf_take(body, &p->text_len);
        p->memory = sizeof *p + room + p->text_len;
        return p;
    }
    free(p);
    return NULL;
}

void pieces_free(struct pieces *p)
{
    if (!p) return;
    free(p->text);
    free(p);
}

struct slice pieces_peek(const struct pieces *p)
{
    return slice_of(p->bytes, p->len);
}

size_t pieces_left(const struct pieces *p)
{
    return p->text_len - p->at;
}

void pieces_cut(struct pieces *p)
{
    p->text_len = p->at;
}

size_t pieces_memory(const struct pieces *p)
{
    return p->memory;
}
