/* ws_trace: everything a WebSocket parser said about some bytes, as one value that tests and the fuzzer compare.
 *
 * The property: where TCP cut the bytes changes nothing. */
#ifndef WIRE_WS_TRACE_H
#define WIRE_WS_TRACE_H

#include <stdlib.h>

#include "wire/ws.h"

struct ws_trace {
    uint16_t status; /* the code of the refusal or of the close; 0: neither */
    size_t events;
    uint64_t hash; /* of all events, in order */
};

static inline uint64_t ws_trace_mix(uint64_t hash, struct slice s)
{
    hash = (hash ^ s.len) * 0x100000001b3u;
    for (size_t i = 0; i < s.len; i++) hash = (hash ^ s.at[i]) * 0x100000001b3u;
    return hash;
}

/* Feeds one piece from memory of its own, freed afterwards, so that bytes kept too long are a use after free. */
static inline void ws_trace_piece(struct ws_parser *p, struct slice piece, struct ws_trace *t)
{
    uint8_t *copy = malloc(piece.len ? piece.len : 1);
    size_t at = 0;

    assert(copy);
    if (piece.len) memcpy(copy, piece.at, piece.len);
    for (;;) {
        struct ws_event e;
        size_t taken;
        enum ws_event_kind kind = ws_parser_feed(p, copy + at, piece.len - at, &taken, &e);
        uint8_t facts[6] = {(uint8_t)kind,          e.binary,        e.compressed,
                            (uint8_t)(e.code >> 8), (uint8_t)e.code, e.why != NULL};

        assert(kind == e.kind && taken <= piece.len - at);
        at += taken;
        if (kind == WS_NEEDS_MORE) break;
        t->events++;
        t->hash = ws_trace_mix(ws_trace_mix(t->hash, slice_of(facts, sizeof facts)), e.bytes);
        if (kind == WS_GOT_CLOSE || kind == WS_REFUSES) t->status = e.code;
        if (t->events % 2) ws_parser_trim(p); /* may be called or left out after any event */
    }
    assert(at == piece.len);
    free(copy);
}

/* All of it, the first piece `cut` long, what follows in pieces of `step`. */
static inline struct ws_trace ws_trace_steps(struct slice in, size_t cut, size_t step, struct ws_parser_options options)
{
    struct ws_trace t = {0};
    struct ws_parser p;

    assert(cut <= in.len && step);
    ws_parser_init(&p, options);
    ws_trace_piece(&p, slice_first(in, cut), &t);
    in = slice_from(in, cut);
    while (in.len) {
        size_t part = in.len < step ? in.len : step;

        ws_trace_piece(&p, slice_first(in, part), &t);
        in = slice_from(in, part);
    }
    ws_parser_fini(&p);
    return t;
}

/* A server that agreed on deflate and takes messages up to 1 KiB, so that every branch is near. */
static inline struct ws_trace ws_trace_run(struct slice in, size_t cut)
{
    return ws_trace_steps(in, cut, in.len ? in.len : 1,
                          (struct ws_parser_options){.message_len_max = 1024, .deflate = true});
}

#endif
