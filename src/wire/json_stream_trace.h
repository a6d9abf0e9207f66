/* json_stream_trace: everything a json_stream said about some bytes, as one value that tests and the fuzzer compare.
 *
 * The property: where the socket cut the bytes changes nothing. */
#ifndef WIRE_JSON_STREAM_TRACE_H
#define WIRE_JSON_STREAM_TRACE_H

#include <stdlib.h>

#include "wire/json_stream.h"

struct json_stream_trace {
    enum json_stream_event end;
    size_t values;
    uint64_t hash; /* of all values, in order */
};

/* From memory of its own, freed afterwards, so that bytes kept too long are a use after free. */
static inline void json_stream_trace_piece(struct json_stream *s, struct slice piece, struct json_stream_trace *t)
{
    uint8_t *copy = malloc(piece.len ? piece.len : 1);
    struct slice in = slice_of(copy, piece.len);

    assert(copy);
    if (piece.len) memcpy(copy, piece.at, piece.len);
    do {
        struct slice value;
        size_t taken;

        t->end = json_stream_feed(s, in, &taken, &value);
        assert(taken <= in.len);
        assert(t->end == JSON_STREAM_GOT_VALUE || taken == in.len);
        in = slice_from(in, taken);
        if (t->end != JSON_STREAM_GOT_VALUE) break;
        assert(value.len > 0 && value.len <= s->value_len_max);
        t->values++;
        t->hash = (t->hash ^ value.len) * 0x100000001b3u;
        for (size_t i = 0; i < value.len; i++) t->hash = (t->hash ^ value.at[i]) * 0x100000001b3u;
        if (t->values % 2) json_stream_trim(s); /* may be called or left out after any value */
    } while (in.len);
    free(copy);
}

/* All of it, the first piece `cut` long, what follows in pieces of `step`. */
static inline struct json_stream_trace json_stream_trace_run(struct slice in, size_t cut, size_t step, size_t len_max)
{
    struct json_stream_trace t = {0};
    struct json_stream s;

    assert(cut <= in.len && step);
    json_stream_init(&s, len_max);
    json_stream_trace_piece(&s, slice_first(in, cut), &t);
    in = slice_from(in, cut);
    while (in.len) {
        size_t part = in.len < step ? in.len : step;

        json_stream_trace_piece(&s, slice_first(in, part), &t);
        in = slice_from(in, part);
    }
    if (t.end == JSON_STREAM_GOT_VALUE) t.end = JSON_STREAM_NEEDS_MORE; /* the last byte was a value's */
    json_stream_fini(&s);
    return t;
}

#endif
