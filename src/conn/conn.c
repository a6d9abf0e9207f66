#include "conn/parts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/trace.h"
#include "net/os.h"

/* A reader as fast as its queue would keep the loop for itself; after so much the others come first. */
enum { SEND_PER_TURN = 4 << 20, COMPRESSING_COSTS = 16 }; /* a byte compressed takes as long as so many sent */

const struct conn_peer *conn_peer_of(const struct conn *c)
{
    return &c->peer;
}

void *conn_attachment(const struct conn *c)
{
    return c->attachment;
}

void conn_attach(struct conn *c, void *attachment)
{
    c->attachment = attachment;
}

/* ---- out ---- */

static void set_blocked(struct conn *c, bool blocked)
{
    if (c->blocked == blocked) return;
    c->blocked = blocked;
    if (blocked)
        c->progress_ms = conn_now_ms(c);
    else
        c->alive_ms = conn_now_ms(c); /* a peer may be as silent as it likes while our own output waits */
    conn_watch(c);
    conn_timer_set(c);
    if (!blocked) conn_resume_later(c);
}

/* All has left. */
static void drained(struct conn *c)
{
    const struct os *os = c->set->os;

    if (c->state != CONN_FINISHING) return;
    if (!transport_say_goodbye(c)) {
        conn_kill(c, false);
        return;
    }
    if (transport_waits(c)) {
        set_blocked(c, true);
        return;
    }
    if (c->eof) {
        conn_kill(c, false);
        return;
    }
    os->shutdown(os->ctx, c->watch.fd, SHUT_WR);
    c->state = CONN_DISCARDING;
    conn_watch(c);
}

/* A send has come back: was that all the socket takes for now? */
static bool is_full(const struct conn *c, ssize_t sent, size_t len)
{
    return sent < 0 || (c->secure ? transport_waits(c) : (size_t)sent < len);
}

void conn_send(struct conn *c)
{
    struct conn_set *s = c->set;
    size_t so_far = 0;

    while (!outbox_empty(&c->out) || transport_waits(c)) {
        size_t len, count = outbox_gather(&c->out, &s->pool, transport_send_max(c), s->parts, &len);
        ssize_t sent = transport_send(c, s->parts, count);

        if (sent < 0 && errno != EAGAIN) {
            conn_kill(c, false);
            return;
        }
        if (sent > 0) {
            so_far += COMPRESSING_COSTS * outbox_sent(&c->out, &s->pool, (size_t)sent);
            c->progress_ms = conn_now_ms(c);
            c->greeted = true;
            so_far += (size_t)sent;
            if (c->wants_room ||
                c->out.paced_bytes) { /* who takes history is alive, also where no pong can come through */
                c->alive_ms = conn_now_ms(c);
                c->pinged = false;
            }
            if (conn_has_room(c)) conn_mark_later(c);
        }
        if (is_full(c, sent, len) || (so_far >= SEND_PER_TURN && !outbox_empty(&c->out))) {
            set_blocked(c, true);
            return;
        }
    }
    set_blocked(c, false);
    drained(c);
}

/* What is not history joins it: our patience with the peer counts from here. */
static void history_is_joined(struct conn *c)
{
    if (outbox_only_paced(&c->out)) c->progress_ms = conn_now_ms(c);
}

bool conn_put_copy(struct conn *c, struct slice head, struct slice body)
{
    history_is_joined(c);
    if (!outbox_put_copy(&c->out, &c->set->pool, head, body, conn_now_ms(c))) {
        conn_kill(c, true);
        return false;
    }
    conn_output_grew(c);
    if (!c->blocked) conn_mark_dirty(c);
    return true;
}

bool conn_put_buf(struct conn *c, struct slice head, struct buf *body)
{
    history_is_joined(c);
    if (!outbox_put_buf(&c->out, &c->set->pool, head, body, conn_now_ms(c))) {
        conn_kill(c, true);
        return false;
    }
    conn_output_grew(c);
    if (!c->blocked) conn_mark_dirty(c);
    return true;
}

bool conn_put_pieces(struct conn *c, struct pieces *pieces)
{
    history_is_joined(c);
    if (!pieces || !outbox_put_pieces(&c->out, &c->set->pool, pieces, conn_now_ms(c))) {
        pieces_free(pieces);
        conn_kill(c, true);
        return false;
    }
    conn_output_grew(c);
    if (!c->blocked) conn_mark_dirty(c);
    return true;
}

/* The message has its answer. */
static void replied(struct conn *c)
{
    if (c->in_flight) c->in_flight--;
    if (c->state == CONN_OPEN && c->kind == CONN_KIND_IPC && !c->in_flight && (c->eof || c->set->draining))
        conn_finish(c);
    if (c->state == CONN_OPEN) conn_resume_later(c);
}

void conn_reply(struct conn *c, struct buf *body)
{
    if (c->state == CONN_OPEN) {
        assert(c->in_flight > 0);
        if (c->kind == CONN_KIND_WEBSOCKET)
            ws_reply(c, body);
        else if (c->kind == CONN_KIND_IPC)
            ipc_reply(c, body);
        else
            http_reply(c, body);
    }
    buf_reset(body);
    replied(c);
}

static bool spool_all(struct spool *text, struct slice more)
{
    while (more.len) {
        struct slice piece = slice_first(more, more.len < SPOOL_PIECE_MAX ? more.len : SPOOL_PIECE_MAX);

        if (!spool_put(text, piece)) return false;
        more = slice_from(more, piece.len);
    }
    spool_rest(text);
    return true;
}

void conn_reply_spool(struct conn *c, struct spool *text, struct buf *body)
{
    if (c->kind == CONN_KIND_IPC) ipc_end_line(body);
    if (c->state != CONN_OPEN) {
        spool_free(text);
    } else if (body->failed || !spool_all(text, buf_peek(body))) {
        spool_free(text);
        conn_kill(c, true);
    } else {
        assert(c->in_flight > 0);
        if (c->kind == CONN_KIND_WEBSOCKET)
            ws_reply_spool(c, text);
        else if (c->kind == CONN_KIND_IPC)
            ipc_reply_spool(c, text);
        else
            http_reply_spool(c, text);
    }
    buf_reset(body);
    replied(c);
}

/* ---- notifications ---- */

/* What this client is sent: the form without frames on a Unix socket (NULL: out of memory), the form for its window
 * where permessage-deflate was agreed on. */
static struct frame_share *form_for(struct conn *c, struct frame_share *f)
{
    bool fresh;

    if (c->kind == CONN_KIND_IPC) return frame_share_line(f);
    if (!c->deflate_bits) return f;
    f = frame_share_deflated(f, c->deflate_bits, c->set->deflater, &fresh);
    if (fresh) counter_add(&c->set->stats.frames_deflated, 1);
    return f;
}

static bool put_notification(struct conn *c, struct frame_share *f, const uint8_t id[FRAME_ID_LEN])
{
    /* Behind a socket that refuses it may be long until they leave, and they may become many. */
    if (c->blocked && c->holds == 0) return outbox_pack_notification(&c->out, &c->set->pool, f, id, conn_now_ms(c));
    return outbox_put_notification(&c->out, &c->set->pool, f, id, conn_now_ms(c), c->holds > 0);
}

void conn_notify(struct conn *c, struct frame_share *f, const uint8_t id[FRAME_ID_LEN])
{
    bool waits = c->blocked || c->holds, alone = waits && outbox_behind(&c->out, &c->set->pool) == 0;

    if (c->state != CONN_OPEN || conn_is_http(c)) return;
    history_is_joined(c);
    f = form_for(c, f);
    if (!f || !put_notification(c, f, id)) {
        conn_kill(c, true); /* a stream with a hole would be worse than none */
        return;
    }
    conn_output_grew(c);
    if (alone) conn_timer_set(c); /* the oldest from now on; the timer knew of none */
    if (!waits) conn_mark_dirty(c);
    if (outbox_behind(&c->out, &c->set->pool) <= c->set->options.notify_bytes_max) return;
    /* Perhaps it was only us who had not sent yet. */
    if (!c->blocked) conn_send(c);
    if (c->state == CONN_OPEN && outbox_behind(&c->out, &c->set->pool) > c->set->options.notify_bytes_max)
        conn_close_slow(c, CONN_SLOW_MEMORY);
}

void conn_notify_paced(struct conn *c, struct frame_share *f, const uint8_t id[FRAME_ID_LEN])
{
    if (c->state != CONN_OPEN || conn_is_http(c)) return;
    assert(c->holds == 0);
    f = form_for(c, f);
    if (!f || !outbox_put_paced(&c->out, &c->set->pool, f, id, conn_now_ms(c))) {
        conn_kill(c, true);
        return;
    }
    conn_output_grew(c);
    if (!c->blocked) conn_mark_dirty(c);
}

bool conn_paced_room(struct conn *c)
{
    if (c->state == CONN_OPEN && c->holds == 0 && c->out.paced_bytes < CONN_PACED_BYTES) return true;
    c->wants_room = true;
    return false;
}

bool conn_has_room(const struct conn *c)
{
    return c->wants_room && c->state == CONN_OPEN && c->holds == 0 && c->out.paced_bytes <= CONN_PACED_BYTES / 2;
}

void conn_hold(struct conn *c)
{
    c->holds++;
}

void conn_release(struct conn *c)
{
    assert(c->holds > 0);
    if (--c->holds) return;
    outbox_release(&c->out);
    if (conn_has_room(c)) conn_mark_later(c);
    if (!outbox_empty(&c->out) && !c->blocked) conn_mark_dirty(c);
}

void conn_forget_held(struct conn *c, const uint8_t id[FRAME_ID_LEN])
{
    outbox_forget_held(&c->out, &c->set->pool, id);
}

/* ---- the end ---- */

/* No message comes in and nothing new goes out; what the parsers held goes. */
static void leave_open(struct conn *c, enum conn_state state, uint64_t deadline_ms)
{
    if (c->state == CONN_OPEN && !c->slow) conn_uncount(c);
    c->state = (uint8_t)state;
    c->since_ms = deadline_ms;
    outbox_drop_held(&c->out, &c->set->pool);
    free(c->input.at);
    c->input.at = NULL;
    c->input.len = c->input.from = 0;
    conn_mark_later(c);
    conn_watch(c);
    conn_timer_set(c);
}

static uint64_t patience_ms(const struct conn *c)
{
    return conn_all_left(c) ? CLOSE_WAIT_MS : c->set->options.linger_ms;
}

void conn_finish(struct conn *c)
{
    if (c->state != CONN_OPEN && c->state != CONN_CLOSING) return;
    leave_open(c, CONN_FINISHING, conn_now_ms(c) + patience_ms(c));
    if (!c->blocked) conn_mark_dirty(c); /* also where nothing waits: then it is drained */
}

void conn_close(struct conn *c, uint16_t code, const char *reason)
{
    if (c->state != CONN_OPEN) return;
    TRACE(conn, close, c->slot, code);
    if (c->kind != CONN_KIND_WEBSOCKET) {
        conn_finish(c);
        return;
    }
    if (!ws_put_close(c, code, reason)) return;
    conn_count_end(c, false, code);
    leave_open(c, CONN_CLOSING, conn_now_ms(c) + (c->blocked ? c->set->options.linger_ms : CLOSE_WAIT_MS));
}

void conn_close_slow(struct conn *c, enum conn_slow why)
{
    if (c->state != CONN_OPEN) return;
    TRACE(conn, slow, c->slot, c->out.bytes);
    conn_count_slow(c, why, !c->greeted);
    if (!c->greeted) { /* a close frame in the place of the handshake's answer would be neither HTTP nor WebSocket */
        conn_kill(c, true);
        return;
    }
    c->slow = true;
    outbox_cut(&c->out, &c->set->pool);
    /* On a Unix socket nothing can be said: the end comes right behind the line in progress, or the piece of a long
     * one. */
    if (c->kind == CONN_KIND_WEBSOCKET && !ws_put_close(c, WS_CLOSE_TRY_LATER, "slow consumer")) return;
    conn_count_end(c, false, WS_CLOSE_TRY_LATER);
    leave_open(c, CONN_FINISHING, conn_now_ms(c) + c->set->options.linger_ms);
}

void conn_kill(struct conn *c, bool reset)
{
    struct conn_set *s = c->set;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (c->state == CONN_DEAD || c->state == CONN_FREE) return;
    TRACE(conn, kill, c->slot, reset);
    conn_count_end(c, !reset, 0);
    c->state = CONN_DEAD;
    conn_uncount(c);
    conn_input_count(c);
    conn_account_leave(c);
    counter_sub(&s->stats.open[c->kind], 1);
    loop_timer_cancel(s->loop, &c->timer);
    loop_fd_remove(s->loop, &c->watch);
    if (reset) (void)s->os->setsockopt(s->os->ctx, c->watch.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    s->os->close(s->os->ctx, c->watch.fd);
    outbox_clear(&c->out, &s->pool);
    transport_drop_waiting(c);
    free(c->input.at);
    c->input.at = NULL;
    c->input.len = c->input.from = 0;
    conn_mark_later(c);
}
