/* http_trace: everything a parser said about some bytes, as one value that tests and the fuzzer compare.
 *
 * The property: where TCP cut the bytes changes nothing. */
#ifndef WIRE_HTTP_TRACE_H
#define WIRE_HTTP_TRACE_H

#include <stdlib.h>

#include "wire/http.h"

struct http_trace {
    unsigned status; /* of the refusal; 0: none */
    size_t requests;
    uint64_t hash; /* of all that the requests said */
    enum http_phase phase;
};

static inline uint64_t http_trace_mix(uint64_t hash, struct slice s)
{
    hash = (hash ^ s.len) * 0x100000001b3u;
    for (size_t i = 0; i < s.len; i++) hash = (hash ^ s.at[i]) * 0x100000001b3u;
    return hash;
}

static inline uint64_t http_trace_request(uint64_t hash, const struct http_request *r)
{
    const uint8_t flags[] = {(uint8_t)r->method,    (uint8_t)r->minor,    r->keep_alive,
                             r->has_body,           r->has_origin,        r->forwarded,
                             r->connection_upgrade, r->upgrade_websocket, r->ws_key_repeated};
    const struct slice parts[] = {slice_of(flags, sizeof flags),
                                  r->method_name,
                                  r->target,
                                  r->path,
                                  r->query,
                                  r->host,
                                  r->origin,
                                  r->content_type,
                                  r->body,
                                  r->ws_key,
                                  r->ws_version,
                                  r->ws_protocol,
                                  r->ws_extensions};

    for (size_t i = 0; i < COUNT_OF(parts); i++) hash = http_trace_mix(hash, parts[i]);
    for (size_t i = 0; i < r->header_count; i++)
        hash = http_trace_mix(http_trace_mix(hash, r->headers[i].name), r->headers[i].value);
    return hash;
}

/* Feeds one piece from memory of its own, freed afterwards, so that a slice kept too long is a use after free. */
static inline void http_trace_piece(struct http_parser *p, struct slice piece, struct http_trace *t)
{
    struct slice copy = slice_of(malloc(piece.len ? piece.len : 1), piece.len), rest;

    assert(copy.at);
    if (piece.len) memcpy((void *)(uintptr_t)copy.at, piece.at, piece.len);
    rest = copy;
    for (;;) {
        size_t taken;
        enum http_event e = http_parser_feed(p, rest, &taken);

        assert(taken <= rest.len);
        rest = slice_from(rest, taken);
        if (e == HTTP_GOT_REQUEST) {
            t->requests++;
            t->hash = http_trace_request(t->hash, http_parser_request(p));
            http_parser_next(p);
            continue;
        }
        assert(rest.len == 0 || e == HTTP_WANTS_CONTINUE);
        if (e == HTTP_REFUSES) t->status = http_parser_verdict(p).status;
        if (e != HTTP_WANTS_CONTINUE) break;
    }
    free((void *)(uintptr_t)copy.at);
}

/* The bytes in pieces of `step`, the first one `cut` long (0: none such). */
static inline struct http_trace http_trace_run(struct slice in, size_t cut, size_t step,
                                               const struct http_options *options)
{
    struct http_trace t = {0};
    struct http_parser *p = http_parser_new(options);

    assert(p && step);
    if (cut) {
        http_trace_piece(p, slice_first(in, cut), &t);
        in = slice_from(in, cut);
    }
    while (in.len) {
        size_t part = in.len < step ? in.len : step;

        http_trace_piece(p, slice_first(in, part), &t);
        in = slice_from(in, part);
    }
    t.phase = http_parser_phase(p);
    http_parser_free(p);
    return t;
}

#endif
