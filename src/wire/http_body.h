/* http_body: a request's body out of bytes, by length or in chunks. Inside wire/ only.
 *
 * llhttp could do this, but not as strictly: here a line ends in CRLF and nothing else, chunk sizes cannot overflow,
 * extensions are skipped within a limit, and trailers are refused. Spec: RFC 9112 sections 6 and 7.1. */
#ifndef WIRE_HTTP_BODY_H
#define WIRE_HTTP_BODY_H

#include "wire/http.h"

struct http_body {
    bool chunked;
    uint8_t state;     /* of the chunk reader */
    uint8_t digits;    /* of the chunk size being read */
    uint64_t left;     /* bytes still to come: of the body, or of the chunk */
    size_t extensions; /* bytes of chunk extensions so far */
    size_t len_max, extensions_max;
    struct buf bytes; /* gathered */
};

/* A body of Content-Length len, or in chunks. The buf keeps its memory. */
void http_body_begin(struct http_body *b, bool chunked, uint64_t len);
/* Takes what belongs to the body; *out_ends says that it is complete. Status 0 unless it is wrong. */
struct http_verdict http_body_feed(struct http_body *b, struct slice in, size_t *out_taken, bool *out_ends);

#endif
