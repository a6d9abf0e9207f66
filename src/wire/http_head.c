#include "wire/http_head.h"

#include <strings.h>

/* Headers that may change what a request means are counted: two of them are two readings. */
struct seen {
    unsigned host, content_length, transfer_encoding, expect, content_type, ws_key, ws_version;
    struct slice content_length_value, transfer_encoding_value, expect_value, host_value;
    bool close, keep_alive;
};

static struct http_verdict bad(const char *why)
{
    return (struct http_verdict){400, why};
}

/* Lengths differ nearly always, so they are compared inline before anything is called. */
static inline bool same(struct slice a, struct slice lower)
{
    return a.len == lower.len && strncasecmp((const char *)a.at, (const char *)lower.at, a.len) == 0;
}

static struct slice trim(struct slice s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) s = slice_from(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) s.len--;
    return s;
}

/* Does a comma-separated list name this token, in any case? */
static bool lists(struct slice list, struct slice lower)
{
    while (list.len) {
        const uint8_t *comma = memchr(list.at, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.at) : list.len;

        if (same(trim(slice_first(list, len)), lower)) return true;
        list = slice_from(list, comma ? len + 1 : len);
    }
    return false;
}

static void see_name(struct http_request *r, struct seen *seen, struct slice name, struct slice value)
{
    if (same(name, SLICE("host"))) {
        seen->host++;
        seen->host_value = value;
    } else if (same(name, SLICE("content-length"))) {
        seen->content_length++;
        seen->content_length_value = value;
    } else if (same(name, SLICE("transfer-encoding"))) {
        seen->transfer_encoding++;
        seen->transfer_encoding_value = value;
    } else if (same(name, SLICE("connection"))) {
        seen->close |= lists(value, SLICE("close"));
        seen->keep_alive |= lists(value, SLICE("keep-alive"));
        r->connection_upgrade |= lists(value, SLICE("upgrade"));
    } else if (same(name, SLICE("upgrade"))) {
        r->upgrade_websocket |= lists(value, SLICE("websocket"));
    } else if (same(name, SLICE("expect"))) {
        seen->expect++;
        seen->expect_value = value;
    } else if (same(name, SLICE("content-type"))) {
        seen->content_type++;
        r->content_type = value;
    } else if (same(name, SLICE("origin"))) {
        r->origin = value;
        r->has_origin = true;
    } else if (same(name, SLICE("sec-websocket-key"))) {
        seen->ws_key++;
        r->ws_key = value;
    } else if (same(name, SLICE("sec-websocket-version"))) {
        seen->ws_version++;
        r->ws_version = value;
    } else if (same(name, SLICE("sec-websocket-protocol"))) {
        if (!r->ws_protocol.len) r->ws_protocol = value;
    } else if (same(name, SLICE("sec-websocket-extensions"))) {
        if (!r->ws_extensions.len) r->ws_extensions = value;
    } else if (same(name, SLICE("forwarded")) || same(name, SLICE("x-real-ip")) ||
               (name.len > 12 && strncasecmp((const char *)name.at, "x-forwarded-", 12) == 0)) {
        r->forwarded = true;
    }
}

/* uri-host and an optional port (RFC 9110 section 4.2.1): not empty, and nothing that could end it in a URL. */
static bool host_is_valid(struct slice host)
{
    static const char others[] = "-._~!$&'()*+,;=%:[]";

    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.at[i];

        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) continue;
        if (!c || !strchr(others, c)) return false;
    }
    return host.len > 0 && host.at[0] != ':';
}

static struct http_verdict read_target(struct http_request *r, struct slice *out_authority)
{
    struct slice rest = r->target;
    const uint8_t *mark;

    *out_authority = slice_of(NULL, 0);
    for (size_t i = 0; i < rest.len; i++)
        if (rest.at[i] <= 0x20 || rest.at[i] >= 0x7f || rest.at[i] == '#')
            return bad("the target holds a character it must not");
    if (slice_eq_str(rest, "*")) {
        if (r->method != HTTP_METHOD_OPTIONS) return bad("the target * is for OPTIONS");
        r->path = rest;
        return (struct http_verdict){0};
    }
    if (rest.len && rest.at[0] != '/') {
        size_t scheme = rest.len >= 7 && strncasecmp((const char *)rest.at, "http://", 7) == 0    ? 7
                        : rest.len >= 8 && strncasecmp((const char *)rest.at, "https://", 8) == 0 ? 8
                                                                                                  : 0;
        size_t len = 0;

        if (!scheme) return bad("the target is neither a path nor an http address");
        rest = slice_from(rest, scheme);
        while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?') len++;
        *out_authority = slice_first(rest, len);
        if (!host_is_valid(*out_authority)) return bad("the target's host is malformed");
        rest = slice_from(rest, len);
    }
    mark = rest.len ? memchr(rest.at, '?', rest.len) : NULL;
    r->path = mark ? slice_first(rest, (size_t)(mark - rest.at)) : rest;
    if (mark) r->query = slice_from(rest, r->path.len + 1);
    if (!r->path.len) r->path = SLICE("/");
    return (struct http_verdict){0};
}

static struct http_verdict read_length(struct slice digits, size_t body_len_max, uint64_t *out)
{
    uint64_t len = 0;

    if (!digits.len) return bad("Content-Length is empty");
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') return bad("Content-Length is no number");
        if (len <= body_len_max)
            len = len * 10 + (uint64_t)(digits.at[i] - '0'); /* beyond it only the digits are checked */
    }
    if (len > body_len_max) return (struct http_verdict){413, "the body is too long"};
    *out = len;
    return (struct http_verdict){0};
}

static struct http_verdict read_framing(struct http_request *r, const struct seen *seen, size_t body_len_max,
                                        struct http_framing *out)
{
    *out = (struct http_framing){0};
    if (seen->transfer_encoding) {
        if (r->minor == 0) return bad("Transfer-Encoding does not exist in HTTP/1.0");
        if (seen->content_length) return bad("Content-Length and Transfer-Encoding exclude each other");
        if (seen->transfer_encoding > 1) return bad("Transfer-Encoding is there twice");
        if (!same(seen->transfer_encoding_value, SLICE("chunked")))
            return (struct http_verdict){501, "the only Transfer-Encoding taken is chunked"};
        out->chunked = true;
        r->has_body = true;
    } else if (seen->content_length) {
        if (seen->content_length > 1) return bad("Content-Length is there twice");
        r->has_body = true;
        return read_length(seen->content_length_value, body_len_max, &out->len);
    }
    return (struct http_verdict){0};
}

struct http_verdict http_head_check(struct http_request *r, size_t body_len_max, struct http_framing *out)
{
    struct seen seen = {0};
    struct slice authority;
    struct http_verdict v;

    for (size_t i = 0; i < r->header_count; i++) see_name(r, &seen, r->headers[i].name, r->headers[i].value);

    if (seen.host > 1) return bad("Host is there twice");
    if (!seen.host && r->minor > 0) return bad("Host is missing");
    if (seen.host && !host_is_valid(seen.host_value)) return bad("Host is malformed");
    v = read_target(r, &authority);
    if (v.status) return v;
    r->host = authority.len ? authority : seen.host_value;
    v = read_framing(r, &seen, body_len_max, out);
    if (v.status) return v;
    if (seen.content_type > 1) return bad("Content-Type is there twice");

    r->ws_key_repeated = seen.ws_key > 1 || seen.ws_version > 1;
    r->keep_alive = r->minor > 0 ? !seen.close : seen.keep_alive && !seen.close;
    if (seen.expect && r->minor > 0) { /* in HTTP/1.0 it means nothing (RFC 9110 section 10.1.1) */
        if (seen.expect > 1 || !same(seen.expect_value, SLICE("100-continue")))
            return (struct http_verdict){417, "the only Expect taken is 100-continue"};
        r->expects_continue = out->chunked || out->len > 0;
    }
    return (struct http_verdict){0};
}

const struct http_header *http_find(const struct http_request *r, const char *name)
{
    struct slice wanted = slice_str(name);

    for (size_t i = 0; i < r->header_count; i++)
        if (same(r->headers[i].name, wanted)) return &r->headers[i];
    return NULL;
}

/* application/json, with or without parameters. */
static bool is_json_type(struct slice type)
{
    const uint8_t *semicolon = type.len ? memchr(type.at, ';', type.len) : NULL;

    return same(trim(semicolon ? slice_first(type, (size_t)(semicolon - type.at)) : type), SLICE("application/json"));
}

struct http_verdict http_check_rpc(const struct http_request *r)
{
    const struct http_header *coding;

    if (r->method != HTTP_METHOD_POST) return (struct http_verdict){405, "JSON-RPC calls are sent by POST"};
    if (!r->has_body) return (struct http_verdict){411, "Content-Length is missing"};
    if (!is_json_type(r->content_type)) return (struct http_verdict){415, "Content-Type must be application/json"};
    coding = http_find(r, "content-encoding");
    if (coding && !same(coding->value, SLICE("identity")))
        return (struct http_verdict){415, "Content-Encoding is not taken"};
    return (struct http_verdict){0};
}

bool http_wants_html(const struct http_request *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        struct slice rest = r->headers[i].value;

        if (!same(r->headers[i].name, SLICE("accept"))) continue;
        while (rest.len) {
            const uint8_t *comma = memchr(rest.at, ',', rest.len);
            size_t len = comma ? (size_t)(comma - rest.at) : rest.len, from = 0, to = 0;

            while (from < len && (rest.at[from] == ' ' || rest.at[from] == '\t')) from++;
            while (from + to < len && rest.at[from + to] != ';' && rest.at[from + to] != ' ') to++;
            if (same(slice_of(rest.at + from, to), SLICE("text/html"))) return true;
            len += comma != NULL;
            rest = slice_of(rest.at + len, rest.len - len);
        }
    }
    return false;
}
