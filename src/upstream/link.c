#include "upstream/link.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/random.h"
#include "codec/json.h"
#include "wire/http_answer.h"
#include "wire/ws.h"

enum { READ_LEN = 64 << 10, DEPTH_MAX = 2048 };

struct link {
    struct link_options options;
    struct stream *stream;
    struct http_answer_parser *http;
    struct ws_parser ws;
    struct buf out;
    struct arena_home memory; /* of a frame that is looked at */
    struct buf kept;          /* the frame that answers */
    uint8_t *in;              /* READ_LEN */
    size_t in_at, in_len;
    bool heard; /* bytes have come since the call under way began */
};

void link_close(struct link *l)
{
    if (!l) return;
    stream_close(l->stream);
    http_answer_free(l->http);
    ws_parser_fini(&l->ws);
    buf_fini(&l->out);
    buf_fini(&l->kept);
    arena_home_fini(&l->memory);
    free(l->in);
    free(l);
}

bool link_is_stale(const struct link *l)
{
    return stream_is_stale(l->stream);
}

bool link_heard(const struct link *l)
{
    return l->heard;
}

static enum fan_status send_out(struct link *l, uint64_t deadline_ms, struct fan_error *err)
{
    if (l->out.failed) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    return stream_send(l->stream, buf_peek(&l->out), deadline_ms, err);
}

/* More bytes, where none are left. *out_end: there will be none. */
static enum fan_status fill(struct link *l, uint64_t deadline_ms, bool *out_end, struct fan_error *err)
{
    enum fan_status s;

    *out_end = false;
    if (l->in_at < l->in_len) return FAN_OK;
    l->in_at = l->in_len = 0;
    s = stream_receive(l->stream, l->in, READ_LEN, deadline_ms, &l->in_len, err);
    *out_end = !s && !l->in_len;
    if (!s && l->in_len) l->heard = true;
    return s;
}

/* ---- HTTP ---- */

static enum fan_status read_answer(struct link *l, uint64_t deadline_ms, struct fan_error *err)
{
    for (;;) {
        enum http_answer_event e;
        size_t taken = 0;
        bool end;
        enum fan_status s = fill(l, deadline_ms, &end, err);

        if (s) return s;
        e = end ? http_answer_end(l->http)
                : http_answer_feed(l->http, slice_of(l->in + l->in_at, l->in_len - l->in_at), &taken);
        l->in_at += taken;
        if (e == HTTP_ANSWER_COMPLETE) return FAN_OK;
        if (e == HTTP_ANSWER_BROKEN)
            return fan_error_set(err, end ? FAN_EIO : FAN_EFORMAT, "HTTP: %s", http_answer_why(l->http));
    }
}

static enum fan_status call_http(struct link *l, struct slice request, uint64_t deadline_ms, struct link_reply *out,
                                 struct fan_error *err)
{
    const struct url *u = l->options.url;
    const struct http_answer *answer;
    enum fan_status s;

    buf_reset(&l->out);
    http_put_post(&l->out, u->authority, u->target, l->options.extra, request.len);
    buf_put(&l->out, request); /* one packet where it fits */
    s = send_out(l, deadline_ms, err);
    if (s) return s;
    http_answer_next(l->http);
    s = read_answer(l, deadline_ms, err);
    if (s) return s;
    answer = http_answer_get(l->http);
    *out = (struct link_reply){.status = answer->status,
                               .keep = answer->keep_alive && l->in_at == l->in_len,
                               .has_retry_after = answer->has_retry_after,
                               .retry_after_s = answer->retry_after_s,
                               .body = answer->body};
    return FAN_OK;
}

/* ---- WebSocket ---- */

static enum fan_status upgrade(struct link *l, uint64_t deadline_ms, struct fan_error *err)
{
    const struct url *u = l->options.url;
    const struct http_answer *answer;
    struct arena a = arena_of(&l->memory);
    uint8_t nonce[16];
    char accept[WS_ACCEPT_LEN];
    struct slice key;
    enum fan_status s;

    random_bytes(nonce, sizeof nonce);
    key = base64(slice_of(nonce, sizeof nonce), &a);
    if (!key.at) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    buf_reset(&l->out);
    http_put_upgrade(&l->out, u->authority, u->target, l->options.extra, key);
    s = send_out(l, deadline_ms, err);
    if (!s) s = read_answer(l, deadline_ms, err);
    if (s) return s;
    answer = http_answer_get(l->http);
    if (answer->status != 101)
        return fan_error_set(err, answer->status == 429 || answer->status >= 500 ? FAN_EIO : FAN_EREJECTED,
                             "the WebSocket handshake was answered with HTTP status %u", answer->status);
    ws_accept_key(key, accept);
    if (!slice_eq(answer->ws_accept, slice_of(accept, sizeof accept)))
        return fan_error_set(err, FAN_EFORMAT, "the WebSocket handshake was answered with a wrong key");
    arena_home_reset(&l->memory);
    return FAN_OK;
}

static void put_frame(struct link *l, enum ws_opcode opcode, struct slice payload)
{
    uint8_t mask[WS_MASK_LEN];

    random_bytes(mask, sizeof mask);
    buf_reset(&l->out);
    ws_put_masked_frame(&l->out, opcode, true, payload, mask);
}

/* Does this message answer the request of that id? */
static bool answers(struct link *l, struct slice message, uint64_t id)
{
    struct arena a = arena_of(&l->memory);
    struct json doc;
    uint64_t its;
    bool yes = !json_parse(message, DEPTH_MAX, &a, &doc, NULL) && !json_read_number_u64(json_get(doc, "id"), &its) &&
               its == id;

    arena_home_reset(&l->memory);
    return yes;
}

static enum fan_status read_reply(struct link *l, uint64_t id, uint64_t deadline_ms, struct link_reply *out,
                                  struct fan_error *err)
{
    for (;;) {
        struct ws_event e;
        size_t taken = 0;
        bool end;
        enum fan_status s = fill(l, deadline_ms, &end, err);

        if (s) return s;
        if (end) return fan_error_set(err, FAN_EIO, "the WebSocket broke off");
        (void)ws_parser_feed(&l->ws, l->in + l->in_at, l->in_len - l->in_at, &taken, &e);
        l->in_at += taken;
        switch (e.kind) {
        case WS_GOT_MESSAGE:
            if (!answers(l, e.bytes, id)) break;
            buf_reset(&l->kept);
            buf_put(&l->kept, e.bytes);
            if (l->kept.failed) return fan_error_set(err, FAN_ENOMEM, "out of memory");
            *out = (struct link_reply){.status = 200, .keep = true, .body = buf_peek(&l->kept)};
            ws_parser_trim(&l->ws);
            return FAN_OK;
        case WS_GOT_PING:
            put_frame(l, WS_PONG, e.bytes);
            s = send_out(l, deadline_ms, err);
            if (s) return s;
            break;
        case WS_GOT_CLOSE:
            return fan_error_set(err, FAN_EIO, "the WebSocket was closed: %u %.*s", e.code, SLICE_ARGS(e.bytes));
        case WS_REFUSES:
            return fan_error_set(err, FAN_EFORMAT, "the WebSocket: %s", e.why);
        case WS_GOT_PONG:
        case WS_NEEDS_MORE:
            break;
        }
    }
}

/* ---- both ---- */

enum fan_status link_open(const struct link_options *o, uint64_t deadline_ms, struct link **out, bool *out_refused,
                          struct fan_error *err)
{
    struct http_answer_options limits = {.body_len_max = o->body_len_max};
    struct link *l = calloc(1, sizeof *l);
    enum fan_status s;

    *out_refused = false;
    if (!l) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    l->options = *o;
    buf_init(&l->out, 0);
    buf_init(&l->kept, 0);
    arena_home_init(&l->memory, 0);
    ws_parser_init(&l->ws, (struct ws_parser_options){.client = true, .message_len_max = o->body_len_max});
    l->in = malloc(READ_LEN);
    l->http = http_answer_new(&limits);
    s = l->in && l->http ? FAN_OK : fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (!s) s = stream_open(o->url->host, o->url->port, o->tls, deadline_ms, o->halt_fd, &l->stream, out_refused, err);
    if (!s && o->url->websocket) s = upgrade(l, deadline_ms, err);
    if (s)
        link_close(l);
    else
        *out = l;
    return s;
}

enum fan_status link_call(struct link *l, struct slice request, uint64_t id, uint64_t deadline_ms,
                          struct link_reply *out, struct fan_error *err)
{
    enum fan_status s;

    l->heard = false;
    if (!l->options.url->websocket) return call_http(l, request, deadline_ms, out, err);
    put_frame(l, WS_TEXT, request);
    s = send_out(l, deadline_ms, err);
    return s ? s : read_reply(l, id, deadline_ms, out, err);
}
