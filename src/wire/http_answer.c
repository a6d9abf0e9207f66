#include "wire/http_answer.h"

#include <stdlib.h>
#include <strings.h>

#include <llhttp.h>

enum { HEADER_BYTES_MAX = 64 << 10, BODY_LEN_MAX = 64 << 20, NAME_MAX_LEN = 64, VALUE_MAX_LEN = 256 };

struct http_answer_parser {
    llhttp_t core;
    struct http_answer_options options;
    struct http_answer answer;
    struct buf body;
    size_t header_bytes;
    /* The header at hand, as far as we look at headers: longer ones are none of ours. */
    char name[NAME_MAX_LEN], value[VALUE_MAX_LEN];
    size_t name_len, value_len;
    char accept[VALUE_MAX_LEN];
    bool complete;
    const char *why; /* broken */
};

static struct http_answer_parser *parser_of(llhttp_t *core)
{
    return core->data;
}

static int broken(struct http_answer_parser *p, const char *why)
{
    if (!p->why) p->why = why;
    return HPE_USER;
}

static int count_header(struct http_answer_parser *p, size_t len)
{
    p->header_bytes += len;
    return p->header_bytes > p->options.header_bytes_max ? broken(p, "its headers are too long") : 0;
}

static int on_message_begin(llhttp_t *core)
{
    struct http_answer_parser *p = parser_of(core);

    p->answer = (struct http_answer){0};
    p->name_len = p->value_len = 0;
    buf_reset(&p->body);
    return 0;
}

static int on_status(llhttp_t *core, const char *at, size_t len)
{
    (void)at;
    return count_header(parser_of(core), len);
}

static void keep(char *into, size_t max, size_t *len, const char *at, size_t more)
{
    if (*len + more > max) {
        *len = max + 1; /* too long to be one that is asked for */
        return;
    }
    memcpy(into + *len, at, more);
    *len += more;
}

static int on_header_field(llhttp_t *core, const char *at, size_t len)
{
    struct http_answer_parser *p = parser_of(core);

    keep(p->name, sizeof p->name, &p->name_len, at, len);
    return count_header(p, len);
}

static int on_header_value(llhttp_t *core, const char *at, size_t len)
{
    struct http_answer_parser *p = parser_of(core);

    keep(p->value, sizeof p->value, &p->value_len, at, len);
    return count_header(p, len);
}

static bool is_named(const struct http_answer_parser *p, const char *name)
{
    return p->name_len == strlen(name) && strncasecmp(p->name, name, p->name_len) == 0;
}

static void read_retry_after(struct http_answer_parser *p)
{
    uint64_t seconds = 0;

    if (!p->value_len || p->value_len > 9) return;
    for (size_t i = 0; i < p->value_len; i++) {
        if (p->value[i] < '0' || p->value[i] > '9') return;
        seconds = seconds * 10 + (uint64_t)(p->value[i] - '0');
    }
    p->answer.has_retry_after = true;
    p->answer.retry_after_s = seconds;
}

static int on_header_value_complete(llhttp_t *core)
{
    struct http_answer_parser *p = parser_of(core);

    if (p->name_len <= sizeof p->name && p->value_len <= sizeof p->value) {
        if (is_named(p, "retry-after")) read_retry_after(p);
        if (is_named(p, "sec-websocket-accept")) {
            memcpy(p->accept, p->value, p->value_len);
            p->answer.ws_accept = slice_of(p->accept, p->value_len);
        }
    }
    p->name_len = p->value_len = 0;
    return 0;
}

static int on_body(llhttp_t *core, const char *at, size_t len)
{
    struct http_answer_parser *p = parser_of(core);

    buf_put(&p->body, slice_of(at, len));
    if (p->body.failed == FAN_ELIMIT) return broken(p, "its body is too large");
    return p->body.failed ? broken(p, "out of memory") : 0;
}

static int on_message_complete(llhttp_t *core)
{
    struct http_answer_parser *p = parser_of(core);
    unsigned status = core->status_code;

    if (status >= 100 && status < 200 && status != 101) return 0; /* interim: the answer is still to come */
    p->answer.status = status;
    p->answer.keep_alive = llhttp_should_keep_alive(core) != 0;
    p->answer.upgraded = status == 101;
    p->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_message_begin = on_message_begin,
    .on_status = on_status,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

struct http_answer_parser *http_answer_new(const struct http_answer_options *options)
{
    struct http_answer_parser *p = calloc(1, sizeof *p);

    if (!p) return NULL;
    if (options) p->options = *options;
    if (!p->options.header_bytes_max) p->options.header_bytes_max = HEADER_BYTES_MAX;
    if (!p->options.body_len_max) p->options.body_len_max = BODY_LEN_MAX;
    buf_init(&p->body, p->options.body_len_max);
    http_answer_next(p);
    return p;
}

void http_answer_free(struct http_answer_parser *p)
{
    if (!p) return;
    buf_fini(&p->body);
    free(p);
}

void http_answer_next(struct http_answer_parser *p)
{
    llhttp_init(&p->core, HTTP_RESPONSE, &settings);
    p->core.data = p;
    p->answer = (struct http_answer){0};
    p->header_bytes = p->name_len = p->value_len = 0;
    p->complete = false;
    p->why = NULL;
    buf_reset(&p->body);
}

static enum http_answer_event complete(struct http_answer_parser *p)
{
    p->answer.body = buf_peek(&p->body);
    return HTTP_ANSWER_COMPLETE;
}

enum http_answer_event http_answer_feed(struct http_answer_parser *p, struct slice in, size_t *out_taken)
{
    llhttp_errno_t code;

    *out_taken = 0;
    if (p->why) return HTTP_ANSWER_BROKEN;
    if (p->complete) return complete(p);
    if (!in.len) return HTTP_ANSWER_NEEDS_MORE;
    code = llhttp_execute(&p->core, (const char *)in.at, in.len);
    if (p->complete) { /* paused by ourselves, or by llhttp at an upgrade */
        const char *stop = llhttp_get_error_pos(&p->core);

        *out_taken = stop ? (size_t)((const uint8_t *)stop - in.at) : in.len;
        return complete(p);
    }
    *out_taken = in.len;
    if (code == HPE_OK) return HTTP_ANSWER_NEEDS_MORE;
    (void)broken(p, "it is no HTTP/1.1 response");
    return HTTP_ANSWER_BROKEN;
}

enum http_answer_event http_answer_end(struct http_answer_parser *p)
{
    if (p->why) return HTTP_ANSWER_BROKEN;
    if (!p->complete) (void)llhttp_finish(&p->core);
    if (p->complete) {
        p->answer.keep_alive = false;
        return complete(p);
    }
    (void)broken(p, "the connection ended in the middle of it");
    return HTTP_ANSWER_BROKEN;
}

const struct http_answer *http_answer_get(const struct http_answer_parser *p)
{
    return &p->answer;
}

const char *http_answer_why(const struct http_answer_parser *p)
{
    return p->why ? p->why : "";
}

/* ---- requests ---- */

static void put_line(struct buf *out, const char *method, struct slice target, struct slice host)
{
    buf_put_str(out, method);
    buf_put(out, target);
    buf_put_str(out, " HTTP/1.1\r\nHost: ");
    buf_put(out, host);
    buf_put_str(out, "\r\n");
}

void http_put_post(struct buf *out, struct slice host, struct slice target, struct slice extra, size_t body_len)
{
    put_line(out, "POST ", target, host);
    buf_printf(out, "Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: %zu\r\n", body_len);
    buf_put(out, extra);
    buf_put_str(out, "\r\n");
}

void http_put_upgrade(struct buf *out, struct slice host, struct slice target, struct slice extra, struct slice key)
{
    put_line(out, "GET ", target, host);
    buf_put_str(out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    buf_put(out, key);
    buf_put_str(out, "\r\n");
    buf_put(out, extra);
    buf_put_str(out, "\r\n");
}
