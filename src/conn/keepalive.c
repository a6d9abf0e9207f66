/* The one timer of each connection. It is armed for the earliest deadline that was known when it was armed, and looks
 * again when it fires: what moves a deadline away (every message does) costs nothing. */
#include "base/trace.h"
#include "conn/parts.h"

enum { BODY_BYTES_PER_S = 1024 };

enum cause {
    CAUSE_NONE,
    CAUSE_HANDSHAKE,
    CAUSE_HEAD,
    CAUSE_BODY,
    CAUSE_IDLE,
    CAUSE_STALL,
    CAUSE_OLD,
    CAUSE_PING,
    CAUSE_LOOK_AGAIN,
    CAUSE_NO_PONG,
    CAUSE_CLOSE
};

struct deadline {
    uint64_t at_ms;
    enum cause cause;
};

static void earlier(struct deadline *d, uint64_t at_ms, enum cause cause)
{
    if (at_ms < d->at_ms) *d = (struct deadline){at_ms, cause};
}

static struct deadline http_deadline(const struct conn *c)
{
    const struct conn_options *o = &c->set->options;

    if (c->secure && !tls_is_ready(c->secure->tls))
        return (struct deadline){c->since_ms + o->handshake_timeout_ms, CAUSE_HANDSHAKE};
    if (c->blocked) return (struct deadline){c->progress_ms + o->http_idle_timeout_ms, CAUSE_STALL};
    if (c->in_flight) return (struct deadline){UINT64_MAX, CAUSE_NONE}; /* the answer has limits of its own */
    if (c->in.http->in_head) return (struct deadline){c->since_ms + o->handshake_timeout_ms, CAUSE_HEAD};
    if (http_parser_phase(c->in.http->parser) == HTTP_PHASE_BODY) {
        struct deadline d = {c->alive_ms + o->http_idle_timeout_ms, CAUSE_BODY};

        /* A slow line is served; who lets bytes trickle would hold a place for ever. */
        earlier(&d, c->since_ms + o->http_body_timeout_ms + (uint64_t)c->gathered * 1000 / BODY_BYTES_PER_S,
                CAUSE_BODY);
        return d;
    }
    return (struct deadline){c->alive_ms + (c->set->draining ? CONN_DRAIN_IDLE_MS : o->http_idle_timeout_ms),
                             CAUSE_IDLE};
}

/* Of whoever may subscribe; pings are a WebSocket's. */
static struct deadline stream_deadline(const struct conn *c, uint64_t now_ms)
{
    const struct conn_options *o = &c->set->options;
    struct deadline d = {UINT64_MAX, CAUSE_NONE};
    uint64_t age_ms;

    if ((c->blocked || c->out.held_first) && outbox_oldest_ms(&c->out, &c->set->pool, now_ms, &age_ms))
        earlier(&d, now_ms - age_ms + o->notify_age_max_ms, CAUSE_OLD);
    if (c->blocked && outbox_only_paced(&c->out))
        earlier(&d, now_ms + o->ping_interval_ms, CAUSE_LOOK_AGAIN); /* history waits for as long as its reader likes */
    else if (c->blocked)
        earlier(&d, c->progress_ms + o->http_idle_timeout_ms, CAUSE_STALL);
    else if (c->kind == CONN_KIND_IPC)
        return d;
    else if (c->pinged)
        earlier(&d, max_u64(c->since_ms, c->alive_ms) + o->ping_timeout_ms, CAUSE_NO_PONG);
    else
        earlier(&d, c->alive_ms + o->ping_interval_ms, CAUSE_PING);
    return d;
}

static struct deadline deadline_of(const struct conn *c)
{
    if (c->state != CONN_OPEN) return (struct deadline){c->since_ms, CAUSE_CLOSE};
    return conn_is_http(c) ? http_deadline(c) : stream_deadline(c, conn_now_ms(c));
}

void conn_timer_set(struct conn *c)
{
    struct deadline d;

    if (c->state == CONN_DEAD) return;
    d = deadline_of(c);
    if (d.cause == CAUSE_NONE || (loop_timer_armed(&c->timer) && c->timer.deadline_ms <= d.at_ms)) return;
    loop_timer_arm(c->set->loop, &c->timer, d.at_ms);
}

static void head_timed_out(struct conn *c)
{
    /* Who has said nothing gets no answer: browsers open connections ahead of need. */
    if (http_parser_phase(c->in.http->parser) == HTTP_PHASE_IDLE)
        conn_finish(c);
    else
        http_refuse(c, 408, "the request's head did not arrive in time");
}

static void act(struct conn *c, enum cause cause)
{
    struct conn_set *s = c->set;

    TRACE(conn, deadline, c->slot, cause);
    switch (cause) {
    case CAUSE_NONE:
    case CAUSE_LOOK_AGAIN:
        break;
    case CAUSE_HANDSHAKE:
        counter_add(&s->stats.tls_refused, 1);
        conn_kill(c, false);
        break;
    case CAUSE_HEAD:
        head_timed_out(c);
        break;
    case CAUSE_BODY:
        http_refuse(c, 408, "the request's body did not arrive in time");
        break;
    case CAUSE_IDLE:
        conn_finish(c);
        break;
    case CAUSE_STALL:
        conn_count_slow(c, CONN_SLOW_STALLED, true);
        conn_kill(c, true);
        break;
    case CAUSE_OLD:
        conn_close_slow(c, CONN_SLOW_AGE);
        break;
    case CAUSE_PING:
        if (!ws_put_ping(c)) break;
        c->pinged = true;
        c->since_ms = conn_now_ms(c);
        break;
    case CAUSE_NO_PONG:
        counter_add(&s->stats.ping_timeouts, 1);
        conn_close(c, WS_CLOSE_INTERNAL, "ping timeout");
        break;
    case CAUSE_CLOSE:
        if (c->slow && !conn_all_left(c)) conn_count_slow(c, CONN_SLOW_UNREAD, true);
        conn_kill(c, c->slow || !conn_all_left(c));
        break;
    }
}

void conn_timer_fired(struct loop_timer *t)
{
    struct conn *c = CONTAINER_OF(t, struct conn, timer);
    struct deadline d = deadline_of(c);

    if (d.cause != CAUSE_NONE && d.at_ms <= conn_now_ms(c)) act(c, d.cause);
    conn_timer_set(c);
}
