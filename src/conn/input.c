/* Reading: from the socket into the worker's buffer, from there into the parser. What a paused connection has read
 * already waits with it; what it has not read waits in the kernel, and so with the peer. */
#include <errno.h>
#include <stdlib.h>

#include "conn/parts.h"
#include "net/os.h"

enum { READS_PER_TURN = 8, GATHERED_FREE = 64 * 1024 }; /* who has gathered so little is never refused for it */

bool conn_wants_input(const struct conn *c)
{
    if (c->state == CONN_CLOSING) return true; /* for the peer's close frame */
    if (c->state != CONN_OPEN) return false;
    if (c->blocked && (c->out.reply_count || !transport_reads_on(c))) return false; /* it does not take our answers */
    if (c->kind == CONN_KIND_IPC && c->set->draining) return false;
    if (c->kept > c->set->options.message_len_max) return false;
    return c->in_flight < (conn_is_http(c) ? 1 : c->set->options.in_flight_max);
}

static bool discards(const struct conn *c)
{
    return c->state == CONN_FINISHING || c->state == CONN_DISCARDING;
}

static void watch_for(struct conn *c, bool input)
{
    if (c->state == CONN_DEAD) return;
    loop_fd_change(c->set->loop, &c->watch, (input ? EPOLLIN : 0) | (c->blocked ? EPOLLOUT : 0));
}

/* Most clients send nothing while they wait for an answer, so a pause that lasts as long as one call is not told to
 * epoll: that would be two system calls for each request. Should bytes come, conn_ready() tells it. */
void conn_watch(struct conn *c)
{
    bool can_read = !c->eof && c->input.len == 0;
    bool pauses = c->state == CONN_OPEN && c->watch.events & EPOLLIN;

    watch_for(c, can_read && (pauses || conn_wants_input(c) || discards(c)));
}

static size_t gathered_by(const struct conn *c)
{
    if (c->state == CONN_DEAD) return 0;
    if (c->kind == CONN_KIND_WEBSOCKET) return c->in.ws.message.cap;
    return c->kind == CONN_KIND_IPC ? c->in.ipc.held.cap : http_parser_held(c->in.http->parser);
}

/* Nothing is parsed any more: what was gathered goes now, not when the peer has gone. */
static void let_go(struct conn *c)
{
    if (c->kind == CONN_KIND_WEBSOCKET)
        ws_parser_fini(&c->in.ws);
    else if (c->kind == CONN_KIND_IPC)
        json_stream_fini(&c->in.ipc);
}

static void refuse_input(struct conn *c)
{
    static const char why[] = "too much input is waiting for its end";

    counter_add(&c->set->stats.refused_limit, 1);
    if (conn_is_http(c)) {
        http_refuse(c, 503, why);
    } else if (c->kind != CONN_KIND_WEBSOCKET || ws_put_close(c, WS_CLOSE_TRY_LATER, why)) {
        conn_count_end(c, false, WS_CLOSE_TRY_LATER);
        conn_finish(c);
    }
}

/* Grown by so much; who has little is let be. */
static bool too_much(struct conn *c, int64_t grown)
{
    int64_t total = atomic_fetch_add_explicit(&c->set->totals->input_bytes, grown, memory_order_relaxed) + grown;

    return grown > 0 && (size_t)c->gathered + c->kept > GATHERED_FREE && c->state == CONN_OPEN &&
           total > (int64_t)c->set->options.input_bytes_max;
}

void conn_keeps(struct conn *c, size_t bytes)
{
    assert(bytes <= UINT32_MAX - c->kept);
    c->kept += (uint32_t)bytes;
    if (too_much(c, (int64_t)bytes)) refuse_input(c);
}

void conn_forgot(struct conn_set *s, struct conn_id id, size_t bytes)
{
    struct conn *c = conn_find(s, id);

    (void)atomic_fetch_sub_explicit(&s->totals->input_bytes, (int64_t)bytes, memory_order_relaxed);
    if (!c) return;
    c->kept -= (uint32_t)bytes;
    if (c->state == CONN_OPEN) conn_resume_later(c);
}

void conn_input_count(struct conn *c)
{
    int64_t grown;
    size_t now;

    if (discards(c)) let_go(c);
    now = gathered_by(c);
    grown = (int64_t)now - (int64_t)c->gathered;
    if (!grown) return;
    c->gathered = (uint32_t)now;
    if (!too_much(c, grown)) return;
    refuse_input(c);
    if (discards(c)) conn_input_count(c);
}

/* Keeps what could not be parsed yet. */
static void put_aside(struct conn *c, const uint8_t *at, size_t len)
{
    assert(c->input.len == 0 && len <= UINT32_MAX);
    if (len == 0) return;
    c->input.at = malloc(len);
    if (!c->input.at) {
        conn_kill(c, true);
        return;
    }
    memcpy(c->input.at, at, len);
    c->input.len = (uint32_t)len;
    c->input.from = 0;
}

/* Feeds what the state calls for; a handshake may change the parser half-way. Returns how many bytes were taken: all,
 * unless reading pauses. */
static size_t feed(struct conn *c, uint8_t *at, size_t len)
{
    size_t taken = 0;

    while (taken < len && conn_wants_input(c)) {
        if (c->kind == CONN_KIND_WEBSOCKET)
            taken += ws_input(c, at + taken, len - taken);
        else if (c->kind == CONN_KIND_IPC)
            taken += ipc_input(c, at + taken, len - taken);
        else
            taken += http_input(c, at + taken, len - taken);
    }
    /* Who is ending has no more use for it. */
    return c->state == CONN_OPEN ? taken : len;
}

static void ended_by_peer(struct conn *c)
{
    c->eof = true;
    /* Half a close: a client may send a request, then FIN, and wait for the answer. */
    if (c->state == CONN_OPEN && c->kind != CONN_KIND_WEBSOCKET && (c->in_flight || !conn_all_left(c))) {
        if (!c->in_flight) conn_finish(c);
        conn_watch(c);
    } else if (c->state == CONN_FINISHING && !conn_all_left(c)) {
        conn_watch(c);
    } else {
        (void)transport_say_goodbye(c);
        conn_kill(c, false);
    }
}

/* Some bytes of the socket. False: no more of them is wanted in this turn. */
static bool take_in(struct conn *c, uint8_t *at, size_t len)
{
    enum transport_outcome outcome = TRANSPORT_GOES_ON;
    size_t taken;

    if (proxied_waits(c)) {
        if (!proxied_feed(c, slice_of(at, len), &taken)) return false;
        at += taken;
        len -= taken;
        if (!len) return true;
    }
    if (c->secure) outcome = transport_open(c, at, len, &at, &len);
    if (outcome == TRANSPORT_REFUSED) return discards(c);
    taken = feed(c, at, len);
    conn_input_count(c);
    if (c->state == CONN_OPEN && taken < len) put_aside(c, at + taken, len - taken);
    if (outcome == TRANSPORT_ENDED && c->state != CONN_DEAD && !c->input.len) ended_by_peer(c);
    if (c->state == CONN_DEAD) return false;
    conn_timer_set(c);
    if (!c->input.len && conn_wants_input(c)) return true;
    if (!discards(c)) conn_watch(c);
    return false;
}

static void read_some(struct conn *c)
{
    struct conn_set *s = c->set;

    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t got = s->os->recv(s->os->ctx, c->watch.fd, s->bytes, sizeof s->bytes, MSG_DONTWAIT);

        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got < 0)
            conn_kill(c, false);
        else if (got == 0)
            ended_by_peer(c);
        if (got <= 0) return;
        counter_add(&s->stats.bytes_in[c->kind], (uint64_t)got);
        c->alive_ms = conn_now_ms(c);
        c->pinged = false;
        if (discards(c)) continue;
        if (!take_in(c, s->bytes, (size_t)got)) return;
        if ((size_t)got < sizeof s->bytes) return; /* the socket is empty, most likely */
    }
}

void conn_ready(struct loop_fd *self, uint32_t events)
{
    struct conn *c = CONTAINER_OF(self, struct conn, watch);

    if (events & EPOLLOUT) conn_send(c);
    if (c->state == CONN_DEAD) return;
    if (events & EPOLLIN) {
        if (conn_wants_input(c) || discards(c))
            read_some(c);
        else
            watch_for(c, false); /* not now: the kernel keeps it */
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        conn_kill(c, false);
    }
}

void conn_resume_later(struct conn *c)
{
    if (c->wants_resume || !conn_wants_input(c)) return;
    if (c->input.len == 0 && (c->watch.events & EPOLLIN || c->eof)) return;
    c->wants_resume = true;
    conn_mark_later(c);
}

void conn_resume(struct conn *c)
{
    if (c->input.len && conn_wants_input(c)) {
        uint8_t *at = c->input.at;
        size_t len = c->input.len, from = c->input.from;

        /* Taken away while the parser works in it: whatever ends the connection meanwhile must not free it. */
        c->input.at = NULL;
        c->input.len = 0;
        from += feed(c, at + from, len - from);
        conn_input_count(c);
        if (c->state == CONN_OPEN && from < len) {
            c->input.at = at;
            c->input.len = (uint32_t)len;
            c->input.from = (uint32_t)from;
            at = NULL;
        }
        free(at);
    }
    if (c->state == CONN_DEAD) return;
    conn_watch(c);
    conn_timer_set(c);
}
