/* The stream side: JSON values on a Unix socket, without HTTP and without frames, each answer with a line feed behind.
 */
#include "base/trace.h"
#include "conn/parts.h"
#include "wire/jsonrpc.h"

void ipc_side_open(struct conn *c)
{
    json_stream_init(&c->in.ipc, c->set->options.message_len_max);
    c->peer.transport = CONN_IPC;
    c->peer.authorized = true; /* the file's mode has said so */
    c->greeted = true;         /* nobody greets here */
}

void ipc_side_close(struct conn *c)
{
    json_stream_fini(&c->in.ipc);
}

void ipc_end_line(struct buf *body)
{
    body->len_max = 0; /* of the reply, not of the line */
    buf_put_byte(body, '\n');
}

void ipc_reply_spool(struct conn *c, struct spool *text)
{
    struct pieces *pieces = pieces_of_spool(PIECES_BARE, NULL, 0, WS_TEXT, text);

    if (!pieces) spool_free(text);
    (void)conn_put_pieces(c, pieces);
}

void ipc_reply(struct conn *c, struct buf *body)
{
    if (body->len == 0) return;
    if (body->len < OUT_BLOCK_LEN) {
        (void)conn_put_copy(c, buf_peek(body), SLICE("\n"));
        return;
    }
    ipc_end_line(body);
    if (body->failed)
        conn_kill(c, true);
    else
        (void)conn_put_buf(c, slice_of(NULL, 0), body);
}

/* Says why, then ends: behind this nobody knows where a value would begin. */
static void refuse(struct conn *c, enum jsonrpc_code code, struct slice why)
{
    struct buf *out = &c->set->scratch;

    TRACE(conn, ipc_refuse, c->slot, code);
    counter_add(&c->set->stats.protocol_errors, 1);
    if (c->state != CONN_OPEN) return;
    buf_reset(out);
    jsonrpc_put_error(out, JSONRPC_NULL, code, why, slice_of(NULL, 0));
    buf_put_byte(out, '\n');
    if (out->failed)
        conn_kill(c, true);
    else if (conn_put_copy(c, buf_peek(out), slice_of(NULL, 0)))
        conn_finish(c);
}

size_t ipc_input(struct conn *c, uint8_t *at, size_t len)
{
    struct json_stream *s = &c->in.ipc;
    size_t from = 0;

    while (from < len && conn_wants_input(c)) {
        struct slice value;
        size_t taken;

        switch (json_stream_feed(s, slice_of(at + from, len - from), &taken, &value)) {
        case JSON_STREAM_NEEDS_MORE:
            break;
        case JSON_STREAM_GOT_VALUE:
            counter_add(&c->set->stats.messages_in[CONN_KIND_IPC], 1);
            c->in_flight++;
            c->set->handler.message(c->set->handler.ctx, c, value);
            break;
        case JSON_STREAM_BROKEN:
            refuse(c, JSONRPC_PARSE_ERROR, SLICE("Parse error: no JSON value begins or ends like this"));
            break;
        case JSON_STREAM_TOO_LONG:
            refuse(c, JSONRPC_INVALID_REQUEST, SLICE("Invalid request: the message is too long"));
            break;
        case JSON_STREAM_NO_MEMORY:
            conn_kill(c, true);
            break;
        }
        from += taken;
        /* Replies pile up only as far as the socket takes them. */
        if (from < len && c->out.bytes >= READ_LEN && !c->blocked && c->state == CONN_OPEN) conn_send(c);
    }
    json_stream_trim(s);
    return from;
}

void ipc_drain(struct conn *c)
{
    if (c->in_flight)
        conn_watch(c);
    else
        conn_finish(c);
}
