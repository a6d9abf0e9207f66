/* http_head: what the lines of a request's head mean. Inside wire/ only; split from http_parse.c, which finds the
 * lines. */
#ifndef WIRE_HTTP_HEAD_H
#define WIRE_HTTP_HEAD_H

#include "wire/http.h"

/* How the body comes. */
struct http_framing {
    bool chunked;
    uint64_t len; /* of Content-Length; 0 without one */
};

/* Fills the rest of r from its target, minor and headers, and says what is wrong with them; status 0: nothing. */
struct http_verdict http_head_check(struct http_request *r, size_t body_len_max, struct http_framing *out);

#endif
