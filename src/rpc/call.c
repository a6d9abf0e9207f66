/* What a method sees of its call, and how a call ends. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/exchange.h"

enum { WORDS_MAX = 512, SPOOL_FROM = 4 * SPOOL_PIECE_MAX, REPLY_FREE = 64 * 1024 };

/* ---- the reply ---- */

static bool is_notification(const struct call *c)
{
    return jsonrpc_is_notification(c->request);
}

/* What the buf may still hold, of all that a reply may. Never 0, which would mean no limit; the byte too many is found
 * when the item ends. */
static void limit_set(struct exchange *x)
{
    size_t limit = x->home->rpc->options.reply_len_max, spooled = x->spool ? spool_len(x->spool) : 0;

    x->reply.len_max = spooled < limit ? limit - spooled : 1;
}

/* Back to its first `len` bytes. */
static void reply_cut(struct exchange *x, size_t len)
{
    size_t spooled = x->spool ? spool_len(x->spool) : 0;

    x->reply.failed = FAN_OK;
    if (len >= spooled) {
        x->reply.len = len - spooled;
        return;
    }
    x->reply.len = 0;
    x->reply.len_max = 0;
    if (!spool_cut(x->spool, len, &x->reply)) x->broken = true;
    limit_set(x);
}

/* Commas and errors always have room, lest the limit break the JSON; what they add up to is looked at when the item
 * ends. */
static size_t limit_lift(struct buf *reply)
{
    size_t len_max = reply->len_max;

    reply->len_max = 0;
    return len_max;
}

/* Moves the reply's first bytes into its spool, whole pieces of them; where memory is short they stay. */
static void spool_whole_pieces(struct exchange *x)
{
    struct buf *reply = &x->reply;
    size_t at = 0;

    if (!x->spool) x->spool = spool_new();
    if (!x->spool) return;
    while (reply->len - at >= SPOOL_PIECE_MAX && spool_put(x->spool, slice_of(reply->at + at, SPOOL_PIECE_MAX)))
        at += SPOOL_PIECE_MAX;
    memmove(reply->at, reply->at + at, reply->len - at);
    reply->len -= at;
    limit_set(x);
}

void call_begin(struct exchange *x, const struct jsonrpc_request *request)
{
    struct call *c = &x->call;

    c->request = request;
    c->error = 0;
    c->waited_ns = 0;
    c->app_state = NULL;
    c->release = NULL;
    c->mark = exchange_reply_len(x);
    if (!is_notification(c)) {
        if (x->message.batch) {
            size_t len_max = limit_lift(&x->reply);

            buf_put_byte(&x->reply, x->answered ? ',' : '[');
            x->reply.len_max = len_max;
            if (x->reply.failed) x->broken = true;
        }
        c->mark = exchange_reply_len(x);
        jsonrpc_put_result_begin(&x->reply, request->id);
    }
    c->result_mark = exchange_reply_len(x);
    c->result = json_writer_of(&x->reply);
}

void call_put_error(struct call *c, int code, struct slice message, struct slice data)
{
    struct exchange *x = exchange_of(c);
    size_t len_max;

    c->error = code;
    if (is_notification(c)) return;
    reply_cut(x, c->mark);
    len_max = limit_lift(&x->reply);
    jsonrpc_put_error(&x->reply, c->request->id, code, message, data);
    x->reply.len_max = len_max;
    if (x->reply.failed) x->broken = true;
}

/* Counts what the reply keeps until it is handed to the connection, whose output counts on. True: the process's replies
 * keep more than they may, and this one is no small one. */
static bool keeps_too_much(struct exchange *x)
{
    struct rpc *r = x->home->rpc;
    int64_t grown = (int64_t)x->reply.cap - (int64_t)x->kept, total;

    if (x->reply.cap <= REPLY_FREE) return false;
    x->kept = x->reply.cap;
    total = atomic_fetch_add_explicit(&r->replies_bytes, grown, memory_order_relaxed) + grown;
    return total > (int64_t)r->options.replies_bytes_max;
}

void call_end_item(struct call *c)
{
    struct exchange *x = exchange_of(c);
    bool over = x->reply.failed == FAN_ELIMIT || exchange_reply_len(x) > x->home->rpc->options.reply_len_max;
    bool crowded = keeps_too_much(x);

    if (is_notification(c)) {
        reply_cut(x, c->mark);
        return;
    }
    if ((over || crowded) && !x->too_large) {
        x->too_large = true;
        call_put_error(c, -32003,
                       over ? SLICE("response too large") : SLICE("response too large: too many replies are under way"),
                       slice_of(NULL, 0));
    } else if (x->reply.failed == FAN_ENOMEM) {
        call_put_error(c, JSONRPC_INTERNAL_ERROR, SLICE("Internal error: out of memory"), slice_of(NULL, 0));
    }
    if (x->spool && x->reply.len >= SPOOL_PIECE_MAX) spool_whole_pieces(x); /* here, and not on the worker */
    x->answered++;
}

/* Whoever had the call has it no longer. */
static void hand_over(struct call *c)
{
    struct mailbox *home = exchange_of(c)->home->mailbox;

    if (c->release) c->release(c->app_state);
    call_end_item(c);
    if (atomic_exchange(&c->state, CALL_FINISHED) == CALL_PARKED) mailbox_post(home, &c->letter);
}

/* ---- what methods ask ---- */

void *call_app(const struct call *c)
{
    return exchange_of(c)->home->rpc->app;
}

void *call_worker_app(const struct call *c)
{
    return exchange_of(c)->home->app;
}

struct conn *call_conn(const struct call *c)
{
    return conn_find(exchange_of(c)->home->conns, exchange_of(c)->conn);
}

void call_hold(struct call *c)
{
    struct exchange *x = exchange_of(c);
    struct conn *conn = call_conn(c);

    if (x->held || !conn) return;
    conn_hold(conn);
    x->held = true;
}

const struct conn_peer *call_peer(const struct call *c)
{
    return &exchange_of(c)->peer;
}

enum rpc_start call_where(const struct call *c)
{
    return c->where;
}

struct slice call_method(const struct call *c)
{
    return c->request->method;
}

struct json call_params(const struct call *c)
{
    return c->request->params;
}

struct json call_param(const struct call *c, size_t index)
{
    return json_is(c->request->params, JSON_ARRAY) ? json_at(c->request->params, index) : (struct json){0};
}

struct arena *call_arena(struct call *c)
{
    return &c->arena;
}

void call_set_state(struct call *c, void *state)
{
    c->app_state = state;
}

void *call_state(const struct call *c)
{
    return c->app_state;
}

void call_set_release(struct call *c, void (*release)(void *state))
{
    c->release = release;
}

struct json_writer *call_result(struct call *c)
{
    return &c->result;
}

void call_spool(struct call *c)
{
    struct exchange *x = exchange_of(c);

    if (x->reply.len >= SPOOL_FROM && !x->reply.failed && !is_notification(c)) spool_whole_pieces(x);
}

/* ---- how a call ends ---- */

void call_finish(struct call *c)
{
    struct exchange *x = exchange_of(c);

    if (!is_notification(c)) {
        if (exchange_reply_len(x) == c->result_mark) json_put_null(&c->result);
        jsonrpc_put_result_end(&x->reply);
    }
    hand_over(c);
}

static const char *phrase_of(int code)
{
    switch (code) {
#define RPC_PHRASE(number, phrase)                                                                                     \
    case number:                                                                                                       \
        return phrase;
#include "rpc/errors.def"
    default:
        return NULL;
    }
}

/* Formats into `small`, or into memory of its own where that is too short; *out_own is to be freed. Text that cannot be
 * kept is cut. */
static struct slice words(char small[WORDS_MAX], char **out_own, int code, const char *format, va_list args)
{
    const char *phrase = phrase_of(code);
    size_t at = phrase ? (size_t)snprintf(small, WORDS_MAX, "%s: ", phrase) : 0;
    va_list again;
    int len;

    *out_own = NULL;
    va_copy(again, args);
    len = vsnprintf(small + at, WORDS_MAX - at, format, args);
    if (len < 0) len = 0;
    if ((size_t)len >= WORDS_MAX - at) {
        char *own = malloc(at + (size_t)len + 1);

        if (own) {
            memcpy(own, small, at);
            (void)vsnprintf(own + at, (size_t)len + 1, format, again);
            *out_own = own;
        } else {
            len = (int)(WORDS_MAX - at - 1);
        }
    }
    va_end(again);
    return slice_of(*out_own ? *out_own : small, at + (size_t)len);
}

static void fail(struct call *c, int code, struct slice data, const char *format, va_list args)
{
    char small[WORDS_MAX], *own;

    call_put_error(c, code, words(small, &own, code, format, args), data);
    free(own);
    hand_over(c);
}

void call_fail(struct call *c, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(c, code, slice_of(NULL, 0), format, args);
    va_end(args);
}

void call_fail_data(struct call *c, int code, struct slice data_json, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fail(c, code, data_json, format, args);
    va_end(args);
}

void call_fail_as_told(struct call *c, int code, struct slice message, struct slice data_json)
{
    call_put_error(c, code, message, data_json);
    hand_over(c);
}

void call_fail_status(struct call *c, enum fan_status s, const struct fan_error *err)
{
    static const struct {
        int code;
        const char *words;
    } row[FAN_STATUS_COUNT] = {
#define RPC_STATUS(status, number, text) [status] = {number, text},
#include "rpc/errors.def"
    };
    unsigned i = (unsigned)s < FAN_STATUS_COUNT ? s : FAN_EINTERNAL;

    call_fail(c, row[i].code, "%s", err && err->text[0] ? err->text : row[i].words);
}
