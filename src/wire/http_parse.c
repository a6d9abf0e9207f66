#include <stdlib.h>

#include <llhttp.h>

#include "wire/http_body.h"
#include "wire/http_head.h"
#include "wire/http_memo.h"

enum { HEADER_COUNT_MAX = 64, HEADER_BYTES_MAX = 16384, BODY_LEN_MAX = 5 << 20, KEPT_MAX = 16384 };

/* Where a header lies, counted from the first byte of the head, since the head may move while it is coming. */
struct span {
    uint32_t name_at, name_len, value_at, value_len;
};

struct http_parser {
    llhttp_t core;
    struct http_options options;
    enum http_phase phase;
    struct http_verdict verdict;
    struct http_request request;
    struct http_body body;

    /* The head: the caller's bytes while all of it came in one feed, else our copy. */
    struct buf text;
    size_t head_len;        /* bytes of it that llhttp has read */
    const uint8_t *core_at; /* the bytes llhttp reads now, and where in the head they lie */
    size_t core_offset;
    bool head_complete;
    bool first_line, line_start, after_cr, blank_cr; /* of the line scanner */
    unsigned blank_lines;

    struct buf spans, headers; /* arrays of struct span and struct http_header */
    uint32_t target_at, target_len;
    struct span current;
};

static size_t span_count(const struct http_parser *p)
{
    return p->spans.len / sizeof(struct span);
}

/* ---- llhttp's callbacks: they note places, nothing more ---- */

static uint32_t place(const struct http_parser *p, const char *at)
{
    return (uint32_t)(p->core_offset + (size_t)((const uint8_t *)at - p->core_at));
}

/* A part of the head arrives in pieces when the bytes did; the pieces lie side by side. */
static void extend(const struct http_parser *p, uint32_t *at, uint32_t *len, const char *piece, size_t piece_len)
{
    uint32_t where = place(p, piece);

    if (!*len) *at = where;
    *len = where + (uint32_t)piece_len - *at;
}

static int on_url(llhttp_t *core, const char *at, size_t len)
{
    struct http_parser *p = core->data;

    extend(p, &p->target_at, &p->target_len, at, len);
    return HPE_OK;
}

static int on_name(llhttp_t *core, const char *at, size_t len)
{
    struct http_parser *p = core->data;

    extend(p, &p->current.name_at, &p->current.name_len, at, len);
    return HPE_OK;
}

static int on_value(llhttp_t *core, const char *at, size_t len)
{
    struct http_parser *p = core->data;

    extend(p, &p->current.value_at, &p->current.value_len, at, len);
    return HPE_OK;
}

static int on_header(llhttp_t *core)
{
    struct http_parser *p = core->data;

    if (!p->current.name_len) {
        p->verdict = (struct http_verdict){400, "a header has no name"};
        return HPE_USER;
    }
    if (span_count(p) == p->options.header_count_max) {
        p->verdict = (struct http_verdict){431, "too many headers"};
        return HPE_USER;
    }
    buf_put(&p->spans, slice_of(&p->current, sizeof p->current));
    p->current = (struct span){0};
    if (p->spans.failed) {
        p->verdict = (struct http_verdict){503, "out of memory"};
        return HPE_USER;
    }
    return HPE_OK;
}

static int on_head(llhttp_t *core)
{
    struct http_parser *p = core->data;

    p->head_complete = true;
    return HPE_PAUSED; /* the body is ours */
}

static const llhttp_settings_t SETTINGS = {
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_header,
    .on_headers_complete = on_head,
};

/* ---- life ---- */

static void begin_request(struct http_parser *p)
{
    llhttp_init(&p->core, HTTP_REQUEST, &SETTINGS);
    p->core.data = p;
    p->phase = HTTP_PHASE_IDLE;
    p->request = (struct http_request){0};
    p->head_len = 0;
    p->head_complete = false;
    p->first_line = p->line_start = true;
    p->after_cr = p->blank_cr = false;
    p->blank_lines = 0;
    p->target_at = p->target_len = 0;
    p->current = (struct span){0};
}

struct http_parser *http_parser_new(const struct http_options *options)
{
    struct http_parser *p = calloc(1, sizeof *p);

    if (!p) return NULL;
    if (options) p->options = *options;
    if (!p->options.header_count_max) p->options.header_count_max = HEADER_COUNT_MAX;
    if (!p->options.header_bytes_max) p->options.header_bytes_max = HEADER_BYTES_MAX;
    if (!p->options.body_len_max) p->options.body_len_max = BODY_LEN_MAX;
    assert(p->options.header_bytes_max <= INT32_MAX); /* places are 32 bits */
    p->body.len_max = p->options.body_len_max;
    p->body.extensions_max = p->options.header_bytes_max;
    begin_request(p);
    return p;
}

void http_parser_trim(struct http_parser *p)
{
    buf_fini(&p->text);
    buf_fini(&p->spans);
    buf_fini(&p->headers);
    buf_fini(&p->body.bytes);
}

void http_parser_free(struct http_parser *p)
{
    if (!p) return;
    http_parser_trim(p);
    free(p);
}

void http_parser_next(struct http_parser *p)
{
    assert(p->phase == HTTP_PHASE_DONE);
    buf_reset(&p->text);
    buf_reset(&p->spans);
    buf_reset(&p->headers);
    if (p->body.bytes.cap > KEPT_MAX)
        buf_fini(&p->body.bytes);
    else
        buf_reset(&p->body.bytes);
    begin_request(p);
}

size_t http_parser_held(const struct http_parser *p)
{
    return p->text.cap + p->spans.cap + p->headers.cap + p->body.bytes.cap;
}

enum http_phase http_parser_phase(const struct http_parser *p)
{
    return p->phase;
}

const struct http_request *http_parser_request(const struct http_parser *p)
{
    return &p->request;
}

struct http_verdict http_parser_verdict(const struct http_parser *p)
{
    return p->verdict;
}

/* ---- reading ---- */

static enum http_event refuse(struct http_parser *p, struct http_verdict v)
{
    p->phase = HTTP_PHASE_REFUSED;
    p->verdict = v;
    return HTTP_REFUSES;
}

/* Empty lines before a request: one is forgiven, since old clients send one behind a body (RFC 9112 section 2.2).
 * Returns the bytes skipped. */
static size_t skip_blank(struct http_parser *p, struct slice in, struct http_verdict *out_wrong)
{
    size_t at = 0;

    for (; at < in.len; at++) {
        if (p->blank_cr) {
            if (in.at[at] != '\n') {
                *out_wrong = (struct http_verdict){400, "a line does not end in CR LF"};
                break;
            }
            p->blank_cr = false;
        } else if (in.at[at] == '\r') {
            if (p->blank_lines++) {
                *out_wrong = (struct http_verdict){400, "empty lines instead of a request"};
                break;
            }
            p->blank_cr = true;
        } else {
            break;
        }
    }
    return at;
}

/* How many of these bytes llhttp may see: up to the blank line that ends the head, or to the first line that is not as
 * strict as we want it (then out_wrong says why). llhttp alone would take a bare LF, and a folded line. */
static size_t scan_lines(struct http_parser *p, struct slice in, bool *out_end, struct http_verdict *out_wrong)
{
    size_t at = 0;

    *out_end = false;
    while (at < in.len) {
        const uint8_t *lf;
        size_t line;

        if (p->line_start && !p->first_line && (in.at[at] == ' ' || in.at[at] == '\t')) {
            *out_wrong = (struct http_verdict){400, "a header line is folded"};
            return at;
        }
        lf = memchr(in.at + at, '\n', in.len - at);
        line = lf ? (size_t)(lf - in.at) - at : in.len - at; /* bytes before the LF, as far as they are here */
        if (!lf) {
            p->line_start = p->line_start && !p->after_cr && line == 1 &&
                            in.at[at] == '\r'; /* still only the CR of an empty line */
            p->after_cr = in.at[in.len - 1] == '\r';
            return in.len;
        }
        if (line ? in.at[at + line - 1] != '\r' : !p->after_cr) {
            *out_wrong = (struct http_verdict){400, "a line does not end in CR LF"};
            return at + line;
        }
        *out_end = p->line_start && line == (p->after_cr ? 0 : 1) && !p->first_line;
        at += line + 1;
        p->line_start = true;
        p->after_cr = p->first_line = false;
        if (*out_end) break;
    }
    return at;
}

static bool is_token_char(uint8_t c)
{
    return c > 0x20 && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* llhttp stopped: why, as a status. */
static struct http_verdict verdict_of(const struct http_parser *p, llhttp_errno_t e)
{
    const char *at = llhttp_get_error_pos(&p->core);

    if (p->verdict.status) return p->verdict; /* one of our callbacks stopped it */
    if (p->core.method == HTTP_PRI) return (struct http_verdict){505, "HTTP/2 is not spoken here"};
    switch (e) {
    case HPE_INVALID_METHOD:
        if (at && (*at == ' ' || is_token_char((uint8_t)*at))) return (struct http_verdict){501, "no such method"};
        return (struct http_verdict){400, "this is no HTTP request"};
    case HPE_INVALID_VERSION:
        return (struct http_verdict){505, "the version must be HTTP/1.0 or HTTP/1.1"};
    case HPE_INVALID_URL:
        return (struct http_verdict){400, "the target is malformed"};
    case HPE_INVALID_CONSTANT:
        return (struct http_verdict){400, "the request line is malformed"};
    case HPE_INVALID_HEADER_TOKEN:
        return (struct http_verdict){400, "a header is malformed"};
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return (struct http_verdict){400, "Content-Length is malformed or stands beside another"};
    case HPE_INVALID_TRANSFER_ENCODING:
        return (struct http_verdict){400, "Transfer-Encoding is malformed"};
    case HPE_CR_EXPECTED:
    case HPE_LF_EXPECTED:
    case HPE_STRICT:
        return (struct http_verdict){400, "a line does not end in CR LF"};
    default:
        return (struct http_verdict){400, "the request is malformed"};
    }
}

static enum http_method method_of(const llhttp_t *core)
{
    switch (core->method) {
    case HTTP_GET:
        return HTTP_METHOD_GET;
    case HTTP_HEAD:
        return HTTP_METHOD_HEAD;
    case HTTP_POST:
        return HTTP_METHOD_POST;
    case HTTP_OPTIONS:
        return HTTP_METHOD_OPTIONS;
    default:
        return HTTP_METHOD_OTHER;
    }
}

static struct slice trimmed(const uint8_t *at, size_t len)
{
    while (len && (at[len - 1] == ' ' || at[len - 1] == '\t')) len--;
    return slice_of(at, len);
}

/* All lines are there, from `base` on: places become slices, and the request what it says it is. */
static struct http_verdict read_head(struct http_parser *p, const uint8_t *base, struct http_framing *out_framing)
{
    struct http_request *r = &p->request;
    const struct span *span = (const struct span *)(const void *)p->spans.at;

    if (p->core.http_major != 1 || p->core.http_minor > 1)
        return (struct http_verdict){505, "the version must be HTTP/1.0 or HTTP/1.1"};
    if (p->core.method == HTTP_CONNECT) return (struct http_verdict){405, "this is no proxy"};
    r->method_name = slice_str(llhttp_method_name((llhttp_method_t)p->core.method));
    /* llhttp forgives more spaces on either side of the target; a front end may not, and read another request. */
    if (p->target_at != r->method_name.len + 1 || memcmp(base + p->target_at + p->target_len, " HTTP/", 6) != 0)
        return (struct http_verdict){400, "more than one space in the request line"};
    for (size_t i = 0; i < span_count(p); i++) {
        struct http_header h = {.name = slice_of(base + span[i].name_at, span[i].name_len),
                                .value = trimmed(base + span[i].value_at, span[i].value_len)};

        buf_put(&p->headers, slice_of(&h, sizeof h));
    }
    if (p->headers.failed) return (struct http_verdict){503, "out of memory"};
    r->method = method_of(&p->core);
    r->target = slice_of(base + p->target_at, p->target_len);
    r->minor = p->core.http_minor;
    r->headers = (const struct http_header *)(const void *)p->headers.at;
    r->header_count = span_count(p);
    return http_head_check(r, p->options.body_len_max, out_framing);
}

/* Keeps the head's bytes from `from` to `to`: the caller's will be gone by the next feed. */
static bool keep(struct http_parser *p, const uint8_t *from, size_t len)
{
    buf_put(&p->text, slice_of(from, len));
    return !p->text.failed;
}

static enum http_event feed_body(struct http_parser *p, struct slice in, size_t *taken)
{
    bool ends;
    size_t part;
    struct http_verdict v = http_body_feed(&p->body, slice_from(in, *taken), &part, &ends);

    *taken += part;
    if (v.status) return refuse(p, v);
    if (!ends) return HTTP_NEEDS_MORE;
    p->request.body = buf_peek(&p->body.bytes);
    p->phase = HTTP_PHASE_DONE;
    return HTTP_GOT_REQUEST;
}

/* The head is complete and ends at in[*taken]. Head and body are lent from `in` when both lie in it, else the head is
 * kept first. */
static enum http_event end_head(struct http_parser *p, struct slice in, size_t head_at, size_t *taken)
{
    bool kept = p->text.len > 0;
    const uint8_t *base = kept ? p->text.at : in.at + head_at;
    struct http_framing framing;
    struct http_verdict v = read_head(p, base, &framing);

    if (v.status) return refuse(p, v);
    if (!framing.chunked && framing.len <= in.len - *taken) { /* the usual request: all of it is here */
        p->request.body = slice_of(in.at + *taken, (size_t)framing.len);
        p->request.expects_continue = false; /* there is nothing left to wait for */
        *taken += (size_t)framing.len;
        if (p->options.memo && !kept)
            http_memo_add(p->options.memo, slice_of(base, p->head_len), &p->request, framing.len);
        p->phase = HTTP_PHASE_DONE;
        return HTTP_GOT_REQUEST;
    }
    if (!kept) {
        if (!keep(p, base, p->head_len)) return refuse(p, (struct http_verdict){503, "out of memory"});
        buf_reset(&p->headers);
        p->request = (struct http_request){0};
        v = read_head(p, p->text.at, &framing); /* once more, over the bytes that stay */
        if (v.status) return refuse(p, v);
    }
    http_body_begin(&p->body, framing.chunked, framing.len);
    p->phase = HTTP_PHASE_BODY;
    if (p->request.expects_continue && *taken == in.len) return HTTP_WANTS_CONTINUE;
    return feed_body(p, in, taken);
}

static struct http_verdict too_long(bool first_line)
{
    return first_line ? (struct http_verdict){414, "the target is too long"}
                      : (struct http_verdict){431, "the headers are too long"};
}

/* The usual request once more: a head that came before, and all of its body. */
static bool is_known(struct http_parser *p, struct slice in, size_t *taken)
{
    struct slice rest = slice_from(in, *taken);
    const struct http_known *k = p->options.memo ? http_memo_find(p->options.memo, rest) : NULL;

    if (!k || k->body_len > rest.len - k->len) return false;
    p->request = k->request;
    p->request.body = slice_of(rest.at + k->len, (size_t)k->body_len);
    *taken += k->len + (size_t)k->body_len;
    p->phase = HTTP_PHASE_DONE;
    return true;
}

static enum http_event feed_head(struct http_parser *p, struct slice in, size_t *taken)
{
    size_t head_at = *taken, room = p->options.header_bytes_max - p->head_len;
    struct slice rest = slice_from(in, head_at);
    struct http_verdict wrong = {0};
    bool end, was_first, over = rest.len > room;
    llhttp_errno_t e;
    size_t part = scan_lines(p, slice_first(rest, over ? room : rest.len), &end, &wrong);

    was_first = p->first_line;
    if (!part) return refuse(p, wrong.status ? wrong : too_long(was_first));
    if (p->text.len || !end) { /* the head comes in pieces: keep them side by side */
        if (!keep(p, rest.at, part)) return refuse(p, (struct http_verdict){503, "out of memory"});
        p->core_at = p->text.at + p->head_len;
    } else {
        p->core_at = rest.at;
    }
    p->core_offset = p->head_len;
    e = llhttp_execute(&p->core, (const char *)p->core_at, part);
    p->head_len += part;
    *taken += part;
    if (p->head_complete && end && e == HPE_PAUSED) return end_head(p, in, head_at, taken);
    if (e != HPE_OK) return refuse(p, verdict_of(p, e));
    if (wrong.status) return refuse(p, wrong);
    if (end) return refuse(p, verdict_of(p, HPE_INTERNAL)); /* a blank line that llhttp takes for something else */
    return over ? refuse(p, too_long(was_first)) : HTTP_NEEDS_MORE;
}

enum http_event http_parser_feed(struct http_parser *p, struct slice in, size_t *out_taken)
{
    struct http_verdict wrong = {0};
    enum http_event event = HTTP_NEEDS_MORE;

    *out_taken = 0;
    if (!in.len && p->phase < HTTP_PHASE_DONE) return HTTP_NEEDS_MORE;
    switch (p->phase) {
    case HTTP_PHASE_DONE:
        return HTTP_GOT_REQUEST;
    case HTTP_PHASE_REFUSED:
        *out_taken = in.len;
        return HTTP_REFUSES;
    case HTTP_PHASE_BODY:
        event = feed_body(p, in, out_taken);
        break;
    case HTTP_PHASE_IDLE:
        *out_taken = skip_blank(p, in, &wrong);
        if (wrong.status) {
            event = refuse(p, wrong);
            break;
        }
        if (*out_taken == in.len) break;
        if (is_known(p, in, out_taken)) return HTTP_GOT_REQUEST;
        p->phase = HTTP_PHASE_HEAD;
        event = feed_head(p, in, out_taken);
        break;
    case HTTP_PHASE_HEAD:
        event = feed_head(p, in, out_taken);
        break;
    }
    if (event == HTTP_REFUSES) *out_taken = in.len; /* nobody will read on */
    return event;
}
