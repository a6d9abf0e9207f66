#include "wire/deflate_terms.h"

#include <stdio.h>
#include <strings.h>

#include "wire/deflate.h"

/* ---- the grammar: extension-list = 1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) ) ---- */

enum { VALUE_MAX = 32 };

struct param {
    struct slice name, value;
    bool has_value;
};

static bool is_token_char(uint8_t c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) return true;
    return c && strchr(others, c);
}

static void skip_space(struct slice *in)
{
    while (in->len && (in->at[0] == ' ' || in->at[0] == '\t')) *in = slice_from(*in, 1);
}

/* The next thing is this character: takes it, and the space around it. */
static bool take(struct slice *in, char c)
{
    skip_space(in);
    if (!in->len || in->at[0] != c) return false;
    *in = slice_from(*in, 1);
    skip_space(in);
    return true;
}

static bool take_token(struct slice *in, struct slice *out)
{
    size_t len = 0;

    while (len < in->len && is_token_char(in->at[len])) len++;
    *out = slice_first(*in, len);
    *in = slice_from(*in, len);
    return len > 0;
}

/* What is between the quotes must itself be a token, when the backslashes are gone (RFC 6455 section 9.1). A longer one
 * than any that we know is cut, and then means nothing. */
static bool take_quoted(struct slice *in, uint8_t room[VALUE_MAX], struct slice *out)
{
    size_t len = 0, at = 1;

    for (; at < in->len && in->at[at] != '"'; at++) {
        if (in->at[at] == '\\' && ++at == in->len) return false;
        if (!is_token_char(in->at[at])) return false;
        if (len < VALUE_MAX) room[len++] = in->at[at];
    }
    if (at == in->len || len == 0) return false;
    *in = slice_from(*in, at + 1);
    *out = slice_of(room, len);
    return true;
}

static bool take_param(struct slice *in, uint8_t room[VALUE_MAX], struct param *out)
{
    *out = (struct param){0};
    if (!take_token(in, &out->name)) return false;
    if (!take(in, '=')) return true;
    out->has_value = true;
    if (in->len && in->at[0] == '"') return take_quoted(in, room, &out->value);
    return take_token(in, &out->value);
}

/* ---- what the parameters mean ---- */

struct offer {
    struct deflate_terms terms;
    bool no_server_context, no_client_context, client_bits;
    bool declined;
};

/* A parameter is said once. */
static bool first_time(bool *seen)
{
    bool first = !*seen;

    *seen = true;
    return first;
}

/* 8 to 15, without a zero in front; 0: it is not. */
static uint8_t window_bits(const struct param *p)
{
    struct slice v = p->value;

    if (v.len == 1 && (v.at[0] == '8' || v.at[0] == '9')) return (uint8_t)(v.at[0] - '0');
    if (v.len == 2 && v.at[0] == '1' && v.at[1] >= '0' && v.at[1] <= '5') return (uint8_t)(10 + v.at[1] - '0');
    return 0;
}

static bool accept(struct offer *o, const struct param *p)
{
    if (slice_eq_str(p->name, "server_no_context_takeover")) return !p->has_value && first_time(&o->no_server_context);
    if (slice_eq_str(p->name, "client_no_context_takeover")) return !p->has_value && first_time(&o->no_client_context);
    if (slice_eq_str(p->name, "server_max_window_bits")) {
        o->terms.server_bits = window_bits(p);
        return o->terms.server_bits && first_time(&o->terms.server_bits_offered);
    }
    if (slice_eq_str(p->name, "client_max_window_bits")) {
        o->terms.client_bits = window_bits(p); /* without a number it says only that we may name one */
        return (o->terms.client_bits || !p->has_value) && first_time(&o->client_bits);
    }
    return false;
}

bool deflate_terms_read(struct slice in, struct deflate_terms *out)
{
    skip_space(&in);
    while (in.len) {
        struct offer o = {.terms = {.server_bits = DEFLATE_BITS_MAX}};
        struct slice name;

        if (take(&in, ',')) continue; /* a list may have empty places */
        if (!take_token(&in, &name)) return false;
        o.declined = !slice_eq_str(name, "permessage-deflate");
        while (take(&in, ';')) {
            uint8_t room[VALUE_MAX];
            struct param p;

            if (!take_param(&in, room, &p)) return false;
            if (!accept(&o, &p)) o.declined = true;
        }
        if (in.len && !take(&in, ',')) return false;
        if (o.declined) continue;
        *out = o.terms;
        return true;
    }
    return false;
}

bool deflate_terms_of(const struct http_request *r, struct deflate_terms *out)
{
    const struct slice name = SLICE("sec-websocket-extensions");

    for (size_t i = 0; i < r->header_count; i++) {
        const struct http_header *h = &r->headers[i];

        if (h->name.len != name.len || strncasecmp((const char *)h->name.at, (const char *)name.at, name.len)) continue;
        if (deflate_terms_read(h->value, out)) return true;
    }
    return false;
}

size_t deflate_terms_write(const struct deflate_terms *terms, char out[DEFLATE_ANSWER_MAX])
{
    int len =
        snprintf(out, DEFLATE_ANSWER_MAX, "permessage-deflate; server_no_context_takeover; client_no_context_takeover");

    if (terms->server_bits_offered)
        len += snprintf(out + len, DEFLATE_ANSWER_MAX - (size_t)len, "; server_max_window_bits=%u", terms->server_bits);
    if (terms->client_bits)
        len += snprintf(out + len, DEFLATE_ANSWER_MAX - (size_t)len, "; client_max_window_bits=%u", terms->client_bits);
    assert(len > 0 && len < DEFLATE_ANSWER_MAX);
    return (size_t)len;
}
