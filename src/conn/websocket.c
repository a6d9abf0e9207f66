/* The WebSocket side: messages, control frames, and the closing handshake. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/random.h"
#include "base/trace.h"
#include "conn/parts.h"
#include "net/os.h"
#include "wire/deflate.h"

/* Without it a reader that stalls has megabytes of ours in the kernel before the socket refuses, which no resident set
 * shows. */
enum { NOTSENT_LOWAT = 256 * 1024 };

void ws_side_open(struct conn *c, unsigned deflate_bits)
{
    const struct os *os = c->set->os;
    const int lowat = NOTSENT_LOWAT;

    (void)os->setsockopt(os->ctx, c->watch.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
    c->deflate_bits = (uint8_t)deflate_bits;
    ws_parser_init(&c->in.ws, (struct ws_parser_options){.message_len_max = c->set->options.message_len_max,
                                                         .deflate = deflate_bits != 0});
    c->peer.transport = CONN_WEBSOCKET;
    c->alive_ms = conn_now_ms(c);
}

void ws_side_close(struct conn *c)
{
    ws_parser_fini(&c->in.ws);
}

/* ---- out ---- */

/* A whole frame; the payload is copied. */
static bool put_frame(struct conn *c, enum ws_opcode opcode, struct slice payload)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = ws_header_encode(opcode, payload.len, header);

    return conn_put_copy(c, slice_of(header, header_len), payload);
}

bool ws_put_close(struct conn *c, uint16_t code, const char *reason)
{
    uint8_t frame[WS_CLOSE_FRAME_MAX];

    if (code == WS_CLOSE_NO_CODE) return put_frame(c, WS_CLOSE, slice_of(NULL, 0));
    return conn_put_copy(c, slice_of(frame, ws_close_encode(code, reason ? reason : "", frame)), slice_of(NULL, 0));
}

bool ws_put_ping(struct conn *c)
{
    return put_frame(c, WS_PING, slice_of(NULL, 0));
}

/* Sends it compressed, where that was agreed on and pays. False: it has still to be sent. */
static bool reply_deflated(struct conn *c, enum ws_opcode opcode, struct buf *body)
{
    struct conn_set *s = c->set;
    size_t piece_len = s->options.deflate_piece_len, header_len;
    uint8_t header[WS_HEADER_MAX];
    struct slice deflated;

    if (!c->deflate_bits || body->len < DEFLATE_LEN_MIN) return false;
    if (body->len > piece_len) {
        struct pieces *pieces = pieces_new(s->deflater, c->deflate_bits, opcode, body, piece_len);

        if (pieces) counter_add(&s->stats.replies_deflated, 1);
        if (pieces) (void)conn_put_pieces(c, pieces);
        return pieces != NULL;
    }
    if (deflater_run(s->deflater, c->deflate_bits, buf_peek(body), &deflated)) return false;
    if (!deflate_pays(body->len, deflated.len)) return false;
    header_len = ws_header_encode(opcode, deflated.len, header);
    header[0] |= WS_RSV1;
    counter_add(&s->stats.replies_deflated, 1);
    (void)conn_put_copy(c, slice_of(header, header_len), deflated);
    return true;
}

void ws_reply(struct conn *c, struct buf *body)
{
    bool echo = c->set->options.echo_opcode;
    enum ws_opcode opcode = echo && c->binary ? WS_BINARY : WS_TEXT;
    uint8_t header[WS_HEADER_MAX];

    if (body->len == 0 && !echo) return;
    if (reply_deflated(c, opcode, body)) return;
    if (body->len + WS_HEADER_MAX <= OUT_BLOCK_LEN) {
        (void)put_frame(c, opcode, buf_peek(body));
    } else {
        (void)conn_put_buf(c, slice_of(header, ws_header_encode(opcode, body->len, header)), body);
    }
}

void ws_reply_spool(struct conn *c, struct spool *text)
{
    struct conn_set *s = c->set;
    enum pieces_form form = c->deflate_bits ? PIECES_DEFLATED : PIECES_FRAGMENTS;
    struct pieces *pieces = pieces_of_spool(form, s->deflater, c->deflate_bits, WS_TEXT, text);

    if (!pieces) spool_free(text);
    if (pieces && c->deflate_bits) counter_add(&s->stats.replies_deflated, 1);
    (void)conn_put_pieces(c, pieces);
}

/* ---- in ---- */

static void message(struct conn *c, const struct ws_event *e)
{
    struct conn_set *s = c->set;

    if (c->state != CONN_OPEN) return; /* it crossed our close frame */
    counter_add(&s->stats.messages_in[CONN_KIND_WEBSOCKET], 1);
    c->in_flight++;
    c->binary = e->binary;
    s->handler.message(s->handler.ctx, c, e->bytes);
}

/* The peer's close: ours was the question or is the answer, with the same code. */
static void peer_closes(struct conn *c, const struct ws_event *e)
{
    TRACE(conn, peer_closes, c->slot, e->code);
    if (c->state == CONN_OPEN) {
        if (!ws_put_close(c, e->code, "")) return;
        conn_count_end(c, true, e->code);
    }
    conn_finish(c);
}

static void refuse(struct conn *c, const struct ws_event *e)
{
    counter_add(&c->set->stats.protocol_errors, 1);
    if (c->state == CONN_OPEN) {
        TRACE(conn, refuse, c->slot, e->code);
        if (!ws_put_close(c, e->code, e->why)) return;
        conn_count_end(c, false, e->code);
    }
    conn_finish(c);
}

size_t ws_input(struct conn *c, uint8_t *at, size_t len)
{
    struct ws_parser *p = &c->in.ws;
    size_t from = 0;

    while (from < len && conn_wants_input(c)) {
        struct ws_event e;
        size_t taken;

        switch (ws_parser_feed(p, at + from, len - from, &taken, &e)) {
        case WS_NEEDS_MORE:
            break;
        case WS_GOT_MESSAGE:
            message(c, &e);
            break;
        case WS_GOT_PING:
            if (c->state == CONN_OPEN) (void)put_frame(c, WS_PONG, e.bytes);
            break;
        case WS_GOT_PONG:
            break;
        case WS_GOT_CLOSE:
            peer_closes(c, &e);
            break;
        case WS_REFUSES:
            refuse(c, &e);
            break;
        }
        from += taken;
        /* Replies pile up only as far as the socket takes them. */
        if (from < len && c->out.bytes >= READ_LEN && !c->blocked && c->state == CONN_OPEN) conn_send(c);
    }
    ws_parser_trim(p);
    return from;
}
