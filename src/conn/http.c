/* The HTTP side: one request at a time, its answer, and the way to a WebSocket. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/trace.h"
#include "conn/admission.h"
#include "conn/parts.h"
#include "net/os.h"
#include "wire/deflate.h"
#include "wire/deflate_terms.h"
#include "wire/jwt.h"

enum { CROWDED_RETRY_S = 10 };

#define TEXT_PLAIN SLICE("text/plain; charset=utf-8")
#define JSON       SLICE("application/json")

bool http_side_open(struct conn *c)
{
    const struct http_options options = {.body_len_max = c->set->options.message_len_max, .memo = c->set->memo};
    struct http_side *h = calloc(1, sizeof *h);

    if (!h) return false;
    h->parser = http_parser_new(&options);
    if (!h->parser) {
        free(h);
        return false;
    }
    buf_init(&h->origin, 0);
    buf_init(&h->proxy, 0);
    h->minor = 1;
    h->in_head = h->fresh = true;
    c->in.http = h;
    return true;
}

void http_side_close(struct conn *c)
{
    struct http_side *h = c->in.http;

    if (!h) return;
    http_parser_free(h->parser);
    buf_fini(&h->origin);
    buf_fini(&h->proxy);
    free(h);
    c->in.http = NULL;
}

/* ---- out ---- */

static struct slice date_now(struct conn_set *s)
{
    uint64_t now = s->os->wall_s(s->os->ctx);

    if (now != s->date_s) {
        http_date(now, s->date);
        s->date_s = now;
    }
    return slice_of(s->date, sizeof s->date);
}

/* The head in the set's scratch; false: out of memory, and the connection is gone. */
static bool write_head_with(struct conn *c, unsigned status, struct slice content_type, struct slice more,
                            size_t body_len, bool preflight)
{
    struct http_side *h = c->in.http;
    struct buf *out = &c->set->scratch;
    const struct http_response r = {.status = status,
                                    .content_type = content_type,
                                    .body_len = body_len,
                                    .close = !h->keep_alive || c->set->draining || c->eof,
                                    .minor = h->minor,
                                    .cors_origin = buf_peek(&h->origin),
                                    .preflight = preflight,
                                    .date = date_now(c->set),
                                    .more = more};

    conn_count_response(c, status);
    buf_reset(out);
    http_put_head(out, &r);
    if (!out->failed && preflight && h->private_network) {
        out->len -= 2; /* in front of the blank line */
        buf_put(out, SLICE("Access-Control-Allow-Private-Network: true\r\n\r\n"));
    }
    if (!out->failed) return true;
    conn_kill(c, true);
    return false;
}

static bool write_head(struct conn *c, unsigned status, struct slice content_type, size_t body_len, bool preflight)
{
    return write_head_with(c, status, content_type, slice_of(NULL, 0), body_len, preflight);
}

static void next_request(struct conn *c)
{
    c->in.http->answered = false;
    http_parser_next(c->in.http->parser);
}

/* The request has its answer: the connection ends behind it, or goes on to the next. While the handler runs it may
 * still be reading the request, so the parser then goes on a little later. */
static void answered(struct conn *c)
{
    struct http_side *h = c->in.http;

    h->answered = h->serving;
    h->fresh = false;
    c->alive_ms = conn_now_ms(c);
    if (!h->keep_alive || c->set->draining || c->eof) {
        conn_finish(c);
        return;
    }
    if (!h->serving) next_request(c); /* the answer came later than the handler returned */
    conn_timer_set(c);
}

static void respond_with(struct conn *c, unsigned status, struct slice content_type, struct slice more,
                         struct slice body)
{
    if (!write_head_with(c, status, content_type, more, body.len, false)) return;
    if (c->in.http->head_only) body.len = 0;
    if (conn_put_copy(c, buf_peek(&c->set->scratch), body)) answered(c);
}

static void respond(struct conn *c, unsigned status, struct slice content_type, struct slice body)
{
    respond_with(c, status, content_type, slice_of(NULL, 0), body);
}

/* A refusal of a request that was read whole: the connection goes on. */
static void respond_refusal(struct conn *c, struct http_verdict v)
{
    char text[256], later[48] = "";
    size_t len = strlen(v.why);

    if (len > sizeof text - 1) len = sizeof text - 1;
    memcpy(text, v.why, len);
    text[len] = '\n';
    if (v.status == 429) (void)snprintf(later, sizeof later, "Retry-After: %" PRIu64 "\r\n", c->in.http->retry_after_s);
    respond_with(c, v.status, TEXT_PLAIN, slice_str(later), slice_of(text, len + 1));
}

void http_refuse(struct conn *c, unsigned status, const char *why)
{
    struct buf *out = &c->set->scratch;

    conn_count_response(c, status);
    buf_reset(out);
    http_put_refusal(out, (struct http_verdict){status, why}, buf_peek(&c->in.http->origin));
    if (out->failed) {
        conn_kill(c, true);
        return;
    }
    TRACE(conn, http_refuse, c->slot, status);
    if (conn_put_copy(c, buf_peek(out), slice_of(NULL, 0))) conn_finish(c);
}

void http_reply(struct conn *c, struct buf *body)
{
    if (!write_head(c, 200, body->len ? JSON : slice_of(NULL, 0), body->len, false)) return;
    if (c->set->scratch.len + body->len <= OUT_BLOCK_LEN) {
        if (!conn_put_copy(c, buf_peek(&c->set->scratch), buf_peek(body))) return;
    } else {
        if (!conn_put_copy(c, buf_peek(&c->set->scratch), slice_of(NULL, 0))) return;
        if (body->len && !conn_put_buf(c, slice_of(NULL, 0), body)) return;
    }
    answered(c);
}

void http_reply_spool(struct conn *c, struct spool *text)
{
    size_t len = spool_len(text);
    struct pieces *pieces = pieces_of_spool(PIECES_BARE, NULL, 0, WS_TEXT, text);

    if (!pieces) spool_free(text);
    if (!pieces || !write_head(c, 200, JSON, len, false) ||
        !conn_put_copy(c, buf_peek(&c->set->scratch), slice_of(NULL, 0))) {
        pieces_free(pieces);
        conn_kill(c, true);
        return;
    }
    if (conn_put_pieces(c, pieces)) answered(c);
}

void conn_respond_with(struct conn *c, unsigned status, struct slice content_type, struct slice headers,
                       struct slice body)
{
    if (c->state != CONN_OPEN || !conn_is_http(c)) return;
    respond_with(c, status, content_type, headers, body);
}

void conn_respond(struct conn *c, unsigned status, struct slice content_type, struct slice body)
{
    conn_respond_with(c, status, content_type, slice_of(NULL, 0), body);
}

/* ---- who may ---- */

/* Looks at the token, if there is one. Another scheme than Bearer is not ours (a proxy may have asked for it), and who
 * shows none is just not authorized; a token that is not good is refused with the words that come back. */
static const char *read_token(struct conn *c, const struct http_request *r)
{
    const struct conn_set *s = c->set;
    static const char name[] = "Authorization", scheme[] = "Bearer";
    struct slice token = {0};

    c->peer.authorized = !s->options.jwt_secret;
    if (!s->options.jwt_secret) return NULL;
    for (size_t i = 0; i < r->header_count; i++) {
        struct slice header = r->headers[i].name, value = r->headers[i].value;

        if (header.len != sizeof name - 1 || strncasecmp((const char *)header.at, name, header.len) != 0) continue;
        if (value.len < sizeof scheme - 1 || strncasecmp((const char *)value.at, scheme, sizeof scheme - 1) != 0)
            continue;
        if (value.len >= sizeof scheme && value.at[sizeof scheme - 1] != ' ') continue; /* another that begins so */
        if (token.at) return "more than one token (Authorization: Bearer)";
        token = slice_from(value, sizeof scheme - 1);
        while (token.len && token.at[0] == ' ') token = slice_from(token, 1);
    }
    if (!token.at) return NULL;
    c->peer.authorized = true;
    return jwt_check(slice_of(s->options.jwt_secret, JWT_SECRET_LEN), token, s->os->wall_s(s->os->ctx));
}

/* Clients say the same Host each time, so the last one that was welcome is not looked at again. */
static bool host_is_welcome(struct conn_set *s, struct slice host)
{
    if (host.len && slice_eq(host, buf_peek(&s->host))) return true;
    if (!admission_host(host, s->options.vhosts, s->options.vhost_count)) return false;
    buf_reset(&s->host);
    buf_put(&s->host, host);
    return true;
}

/* Takes down what the answer will need of the request, since its bytes are gone when that comes late; and says whether
 * it is welcome. */
static struct http_verdict admit(struct conn *c, const struct http_request *r)
{
    const struct conn_options *o = &c->set->options;
    struct http_side *h = c->in.http;
    bool to_ws = r->upgrade_websocket && r->connection_upgrade;
    const char *why;

    h->minor = r->minor;
    h->keep_alive = r->keep_alive;
    h->head_only = r->method == HTTP_METHOD_HEAD;
    h->private_network = false;
    buf_reset(&h->origin);
    proxied_request(c, r);
    if (h->refuse_all) {
        h->keep_alive = false;
        return (struct http_verdict){503, "too many connections"};
    }
    if (!conn_account(c, !h->from_proxy || to_ws)) {
        counter_add(&c->set->stats.refused_address, 1);
        h->keep_alive = false;
        h->retry_after_s = CROWDED_RETRY_S;
        return (struct http_verdict){429, "too many connections of one address (--max-connections-per-ip)"};
    }
    if (!host_is_welcome(c->set, r->host)) {
        counter_add(&c->set->stats.refused_host, 1);
        return (struct http_verdict){403, "invalid host specified (--http.vhosts)"};
    }
    if (to_ws ? !admission_origin(r->origin, o->ws_origins, o->ws_origin_count)
              : !admission_origin(r->origin, o->cors_origins, o->cors_origin_count)) {
        counter_add(&c->set->stats.refused_origin, 1);
        return (struct http_verdict){403, to_ws ? "origin not allowed (--ws.origins)"
                                                : "origin not allowed (--http.corsdomain)"};
    }
    why = read_token(c, r);
    if (why) {
        counter_add(&c->set->stats.refused_token, 1);
        return (struct http_verdict){401, why};
    }
    if (!to_ws) buf_put(&h->origin, r->origin);
    if (h->origin.failed) return (struct http_verdict){503, "out of memory"};
    return (struct http_verdict){0};
}

/* A prefix takes all that begins so, as geth's does. */
static bool is_rpc_path(const struct conn *c, const struct http_request *r)
{
    const struct conn_options *o = &c->set->options;
    const char *prefix = r->upgrade_websocket && r->connection_upgrade ? o->ws_rpcprefix : o->http_rpcprefix;

    if (prefix) return slice_starts(r->path, slice_str(prefix));
    return slice_eq_str(r->path, "/") || slice_eq_str(r->path, "/ws");
}

/* A prefix takes whatever begins so; what lies below it may still be a route of our own. */
static bool is_below_prefix(const struct conn *c, const struct http_request *r)
{
    const char *prefix = c->set->options.http_rpcprefix;

    return prefix && !(r->upgrade_websocket && r->connection_upgrade) && !slice_eq_str(r->path, prefix);
}

/* ---- requests ---- */

/* Agrees on permessage-deflate where the client offers it and we can. Returns the window for what we send, or 0; what
 * to answer goes to `answer`. */
static unsigned agree_on_deflate(struct conn_set *s, const struct http_request *r, char answer[DEFLATE_ANSWER_MAX],
                                 struct slice *out_answer)
{
    struct deflate_terms terms;

    *out_answer = slice_of(NULL, 0);
    if (s->options.no_deflate || !deflate_terms_of(r, &terms)) return 0;
    if (!s->deflater) s->deflater = deflater_new();
    if (!s->deflater) return 0;
    *out_answer = slice_of(answer, deflate_terms_write(&terms, answer));
    counter_add(&s->stats.deflate_agreed, 1);
    return terms.server_bits;
}

static void upgrade(struct conn *c, const struct http_request *r)
{
    struct conn_set *s = c->set;
    char answer[DEFLATE_ANSWER_MAX];
    struct slice extensions;
    unsigned deflate_bits;
    struct http_verdict v = ws_handshake_check(r);

    if (!v.status && c->accepts == CONN_ACCEPTS_HTTP) v = (struct http_verdict){400, "no WebSockets on this port"};
    if (v.status) {
        http_refuse(c, v.status, v.why);
        return;
    }
    if (!conn_count_as(c, CONN_KIND_WEBSOCKET)) {
        counter_add(&s->stats.refused_limit, 1);
        http_refuse(c, 503, "too many WebSockets");
        return;
    }
    buf_reset(&s->scratch);
    deflate_bits = agree_on_deflate(s, r, answer, &extensions);
    ws_handshake_put(&s->scratch, r, slice_of(NULL, 0), extensions);
    conn_count_response(c, 101);
    http_side_close(c);
    ws_side_open(c, deflate_bits);
    c->greeted = false; /* as HTTP it may have been answered before */
    if (s->scratch.failed)
        conn_kill(c, true);
    else if (conn_put_copy(c, buf_peek(&s->scratch), slice_of(NULL, 0)) &&
             s->draining) /* it came with the last of them */
        conn_close(c, WS_CLOSE_GOING_AWAY, "server is shutting down");
}

static void preflight(struct conn *c, const struct http_request *r)
{
    const struct http_header *private_network = http_find(r, "Access-Control-Request-Private-Network");

    c->in.http->private_network = private_network && slice_eq_str(private_network->value, "true");
    if (!write_head(c, 200, slice_of(NULL, 0), 0, r->has_origin)) return;
    if (conn_put_copy(c, buf_peek(&c->set->scratch), slice_of(NULL, 0))) answered(c);
}

static void call(struct conn *c, const struct http_request *r)
{
    struct conn_set *s = c->set;
    struct http_verdict v = http_check_rpc(r);

    if (v.status == 411) { /* what follows may be its body: never read that as the next request */
        http_refuse(c, v.status, v.why);
        return;
    }
    if (v.status) {
        respond_refusal(c, v);
        return;
    }
    if (!conn_may_ask(c, &c->in.http->retry_after_s)) {
        respond_refusal(c,
                        (struct http_verdict){429, "too many requests of one address (--requests-per-second-per-ip)"});
        return;
    }
    counter_add(&s->stats.messages_in[CONN_KIND_HTTP], 1);
    c->in_flight++;
    s->handler.message(s->handler.ctx, c, r->body);
}

/* True: a route answered it, or ended the connection. */
static bool routed(struct conn *c, struct slice path)
{
    const struct conn_handler *handler = &c->set->handler;

    return (handler->route && handler->route(handler->ctx, c, path)) || c->state != CONN_OPEN;
}

static void serve(struct conn *c, const struct http_request *r)
{
    bool reads = r->method == HTTP_METHOD_GET || r->method == HTTP_METHOD_HEAD;

    if (r->method == HTTP_METHOD_OPTIONS) {
        preflight(c, r);
    } else if (reads && is_below_prefix(c, r) && routed(c, r->path)) {
        /* --http-rpcprefix / does not hide the routes */
    } else if (!is_rpc_path(c, r)) {
        if (!reads || !routed(c, r->path)) respond_refusal(c, (struct http_verdict){404, "not found"});
    } else if (r->upgrade_websocket && r->connection_upgrade) {
        upgrade(c, r);
    } else if (reads && !r->body.len && !r->query.len && http_wants_html(r) && routed(c, slice_of(NULL, 0))) {
        /* a person looks: on either port */
    } else if (c->accepts == CONN_ACCEPTS_WEBSOCKET) {
        respond_refusal(c, (struct http_verdict){426, "this port speaks WebSocket only; HTTP has a port of its own"});
    } else if (reads && !r->body.len && !r->query.len) {
        respond(c, 200, slice_of(NULL, 0),
                slice_of(NULL, 0)); /* as geth: what load balancers ask to see whether we live */
    } else {
        call(c, r);
    }
}

static void got_request(struct conn *c)
{
    struct http_side *h = c->in.http;
    const struct http_request *r = http_parser_request(h->parser);
    struct http_verdict v = admit(c, r);

    h->in_head = h->in_body = false;
    h->serving = true;
    if (!v.status)
        serve(c, r);
    else if (h->refuse_all)
        http_refuse(c, v.status, v.why);
    else
        respond_refusal(c, v);
    if (c->kind == CONN_KIND_WEBSOCKET) return; /* h has gone */
    h->serving = false;
    if (h->answered) next_request(c);
}

/* The client waits for our word before it sends the body: refusing now spares both sides the bytes. */
static void wants_continue(struct conn *c)
{
    const struct http_request *r = http_parser_request(c->in.http->parser);
    struct http_verdict v = admit(c, r);

    if (!v.status && is_rpc_path(c, r) && c->accepts != CONN_ACCEPTS_WEBSOCKET) v = http_check_rpc(r);
    if (v.status)
        http_refuse(c, v.status, v.why);
    else
        (void)conn_put_copy(c, HTTP_CONTINUE_RESPONSE, slice_of(NULL, 0));
}

size_t http_input(struct conn *c, uint8_t *at, size_t len)
{
    size_t from = 0;

    while (from < len && c->kind != CONN_KIND_WEBSOCKET && conn_wants_input(c)) {
        struct http_side *h = c->in.http;
        struct http_verdict v;
        size_t taken;

        /* The answers before it leave first, as far as the socket takes them. */
        if (c->out.bytes >= READ_LEN && !c->blocked) conn_send(c);
        if (!conn_wants_input(c)) break;
        switch (http_parser_feed(h->parser, slice_of(at + from, len - from), &taken)) {
        case HTTP_NEEDS_MORE:
            if (http_parser_phase(h->parser) == HTTP_PHASE_HEAD && !h->in_head) {
                h->in_head = true;
                c->since_ms = conn_now_ms(c);
            } else if (http_parser_phase(h->parser) == HTTP_PHASE_BODY && !h->in_body) {
                h->in_head = false;
                h->in_body = true;
                c->since_ms = conn_now_ms(c);
            }
            break;
        case HTTP_WANTS_CONTINUE:
            wants_continue(c);
            break;
        case HTTP_GOT_REQUEST:
            got_request(c);
            break;
        case HTTP_REFUSES:
            v = http_parser_verdict(h->parser);
            counter_add(&c->set->stats.protocol_errors, 1);
            http_refuse(c, v.status, v.why);
            break;
        }
        from += taken;
    }
    return from;
}
