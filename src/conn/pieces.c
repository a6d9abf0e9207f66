#include "conn/pieces.h"

#include <stdlib.h>

enum { FIN = 0x80, FLUSH_LEN = 4 };

static const uint8_t flush_end[FLUSH_LEN] = {0x00, 0x00, 0xff, 0xff};

struct pieces {
    struct deflater *deflater;
    struct spool *spool; /* where the text comes from, or NULL: */
    uint8_t *text;
    size_t text_len, at; /* `at` of them are in a piece */
    size_t piece_len, room, len, memory;
    uint8_t form, bits, opcode; /* enum pieces_form; of the window; of the first fragment */
    uint8_t bytes[];            /* `room`: one piece as it leaves, `len` of them */
};

/* What a piece may become at worst: deflate's own stored blocks, or ours. */
static size_t room_for(size_t piece_len)
{
    return WS_HEADER_MAX + piece_len + piece_len / 16 + 64;
}

static size_t put_deflated(const struct pieces *p, uint8_t *data, struct slice deflated, bool last)
{
    assert(deflated.len + FLUSH_LEN <= p->room - WS_HEADER_MAX);
    memcpy(data, deflated.at, deflated.len);
    if (last) return deflated.len;
    memcpy(data + deflated.len, flush_end, FLUSH_LEN);
    return deflated.len + FLUSH_LEN;
}

/* The text as deflate data; returns their length. */
static size_t put_compressed(struct pieces *p, uint8_t *data, struct slice text, bool last)
{
    struct slice deflated;

    if (!deflater_run(p->deflater, p->bits, text, &deflated) && deflated.len + FLUSH_LEN <= p->room - WS_HEADER_MAX)
        return put_deflated(p, data, deflated, last);
    deflate_stored_header(text.len, data);
    memcpy(data + DEFLATE_STORED_HEADER_LEN, text.at, text.len);
    if (!last) return DEFLATE_STORED_HEADER_LEN + text.len;
    data[DEFLATE_STORED_HEADER_LEN + text.len] = 0; /* the header of the empty block whose rest does not travel */
    return DEFLATE_STORED_HEADER_LEN + text.len + 1;
}

static size_t next_len(const struct pieces *p)
{
    if (p->spool) return p->at < p->text_len ? spool_first_len(p->spool) : 0;
    return (size_t)min_u64(p->text_len - p->at, p->piece_len);
}

static struct slice next_text(struct pieces *p, size_t len)
{
    return p->spool ? spool_take(p->spool) : slice_of(p->text + p->at, len);
}

/* The next piece's data behind the room for a header; returns their length. */
static size_t put_data(struct pieces *p, size_t text_len, bool last)
{
    uint8_t *data = p->bytes + WS_HEADER_MAX;
    struct slice kept = p->spool ? spool_peek_deflated(p->spool) : slice_of(NULL, 0), text;
    size_t len;

    if (p->form == PIECES_DEFLATED && p->bits == DEFLATE_BITS_MAX && kept.len) {
        len = put_deflated(p, data, kept, last);
        spool_drop(p->spool);
        return len;
    }
    text = next_text(p, text_len);
    if (p->form == PIECES_DEFLATED) return put_compressed(p, data, text, last);
    memcpy(data, text.at, text.len);
    return text.len;
}

size_t pieces_next(struct pieces *p)
{
    size_t text_len = next_len(p), data_len, header_len = 0;
    bool first = p->at == 0, last;
    uint8_t header[WS_HEADER_MAX];

    if (!text_len) return 0;
    last = p->at + text_len == p->text_len;
    data_len = put_data(p, text_len, last);
    if (p->form != PIECES_BARE) {
        header_len = ws_header_encode(first ? (enum ws_opcode)p->opcode : WS_CONTINUATION, data_len, header);
        if (!last) header[0] &= (uint8_t)~FIN;
        if (first && p->form == PIECES_DEFLATED) header[0] |= WS_RSV1;
    }
    memmove(p->bytes + header_len, p->bytes + WS_HEADER_MAX, data_len);
    if (header_len) memcpy(p->bytes, header, header_len);
    p->len = header_len + data_len;
    p->at += text_len;
    return text_len;
}

static struct pieces *with_room(const struct pieces *like, size_t piece_len)
{
    size_t room = room_for(piece_len);
    struct pieces *p = malloc(sizeof *p + room);

    if (!p) return NULL;
    *p = *like;
    p->piece_len = piece_len;
    p->room = room;
    p->memory = sizeof *p + room;
    return p;
}

struct pieces *pieces_new(struct deflater *d, unsigned bits, enum ws_opcode opcode, struct buf *body, size_t piece_len)
{
    const struct pieces like = {.deflater = d,
                                .text = body->at,
                                .text_len = body->len,
                                .form = PIECES_DEFLATED,
                                .bits = (uint8_t)bits,
                                .opcode = (uint8_t)opcode};
    struct pieces *p;

    assert(piece_len > 0 && piece_len <= PIECE_LEN_MAX && body->len > piece_len);
    p = with_room(&like, piece_len);
    if (!p) return NULL;
    (void)pieces_next(p);
    if (deflate_pays(piece_len, p->len)) {
        p->text = buf_take(body, &p->text_len);
        p->memory += p->text_len;
        return p;
    }
    free(p);
    return NULL;
}

struct pieces *pieces_of_spool(enum pieces_form form, struct deflater *d, unsigned bits, enum ws_opcode opcode,
                               struct spool *spool)
{
    const struct pieces like = {.deflater = d,
                                .spool = spool,
                                .text_len = spool_len(spool),
                                .form = (uint8_t)form,
                                .bits = (uint8_t)bits,
                                .opcode = (uint8_t)opcode};
    struct pieces *p;

    assert(spool_len(spool) > 0);
    if (!spool_ready(spool)) return NULL;
    p = with_room(&like, SPOOL_PIECE_MAX);
    if (!p) return NULL;
    p->memory += spool_memory(spool);
    (void)pieces_next(p);
    return p;
}

void pieces_free(struct pieces *p)
{
    if (!p) return;
    spool_free(p->spool);
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
