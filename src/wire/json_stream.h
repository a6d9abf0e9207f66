/* json_stream: JSON values out of a stream that has no frames.
 *
 *   {"id":1,…}{"id":2,…}\n [{…},{…}] {"id":3
 *   └─ value ─┘└─ value ─┘   └ value ┘ └ under way, held
 *
 * On a Unix socket clients write one value after the other, with white space between them or without, several in one
 * write, or one over many. This finds where each ends: brackets and strings are all it looks at, so what it gives may
 * still be no JSON, which the parser behind it will say. Where no end can be told any more (a byte that begins no
 * value, brackets that cross, a value longer than the limit) it refuses for good: nobody knows where the next one
 * would begin.
 *
 * A number or a word at the outermost level ends with the byte behind it, so it waits for that. A value that lies whole
 * in the fed bytes is lent from there; otherwise memory grows only as bytes arrive. Any cut of the same bytes gives the
 * same values and the same verdict.
 *
 * Not here: what a value means (wire/jsonrpc.h), whose socket it is (conn/ipc.c).
 * Spec: RFC 8259 for values; a stream of them as Go's encoding/json Decoder, and so geth, reads it. */
#ifndef WIRE_JSON_STREAM_H
#define WIRE_JSON_STREAM_H

#include "base/buf.h"

enum json_stream_event {
    JSON_STREAM_NEEDS_MORE, /* all bytes were taken */
    JSON_STREAM_GOT_VALUE,  /* the bytes behind it were not taken */
    JSON_STREAM_BROKEN,     /* no value, or crossing brackets: nothing more is read */
    JSON_STREAM_TOO_LONG,   /* longer than the limit: likewise */
    JSON_STREAM_NO_MEMORY,  /* likewise */
};

struct json_stream {
    struct buf held; /* of the value under way; after GOT_VALUE perhaps the value */
    size_t value_len_max;
    uint64_t objects;    /* bit n: the bracket open at depth n (up to 64) is a brace */
    uint32_t depth;      /* brackets open; deeper than 64 they may cross: a parser that deep refuses anyway */
    uint32_t value_len;  /* of the value under way; 0: between values */
    bool string, escape; /* inside a string; behind its backslash */
    bool lent;           /* `held` is a finished value */
    uint8_t ended;       /* enum json_stream_event: for good; 0: not */
};

/* In the caller's memory; len_max at most UINT32_MAX - 1. */
void json_stream_init(struct json_stream *s, size_t len_max);
void json_stream_fini(struct json_stream *s);
/* Reads on. *out_taken is at most in.len, all of it unless a value was found. *out_value, only for GOT_VALUE, is
 * borrowed from `in` or from s until the next feed or trim. */
enum json_stream_event json_stream_feed(struct json_stream *s, struct slice in, size_t *out_taken,
                                        struct slice *out_value);
/* Gives the memory of finished values back; call it when the last one has been dealt with. */
void json_stream_trim(struct json_stream *s);

#endif
