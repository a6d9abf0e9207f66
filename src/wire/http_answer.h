/* http_answer: HTTP/1.1 from the client's side: requests into bytes, responses out of bytes.
 *
 * The parser takes what the socket gave, cut anywhere, and stops behind one complete response. What it hears comes from
 * a stranger: header bytes and body have limits, a body's memory grows only as bytes arrive. llhttp (strict) reads
 * syntax and chunks; interim responses (1xx but 101) are skipped; 101 ends the HTTP of a connection and what follows is
 * left to the caller. A body without a length ends with the connection: http_answer_end() says that it came.
 *
 * Not here: sockets, when to try again (upstream/). Spec: RFC 9112, RFC 9110. */
#ifndef WIRE_HTTP_ANSWER_H
#define WIRE_HTTP_ANSWER_H

#include "base/buf.h"

/* Zero means the default in brackets. */
struct http_answer_options {
    size_t header_bytes_max; /* status line and headers [64 KiB] */
    size_t body_len_max;     /* [64 MiB] */
};

/* Slices are borrowed until the parser reads on or goes. */
struct http_answer {
    unsigned status;
    bool keep_alive; /* may another request follow on this connection? */
    bool upgraded;   /* 101: what follows is no HTTP */
    bool has_retry_after;
    uint64_t retry_after_s; /* only the form in seconds is read */
    struct slice ws_accept; /* Sec-WebSocket-Accept; empty when absent */
    struct slice body;
};

enum http_answer_event {
    HTTP_ANSWER_NEEDS_MORE, /* all bytes were taken */
    HTTP_ANSWER_COMPLETE,   /* bytes behind it were not taken */
    HTTP_ANSWER_BROKEN      /* http_answer_why(); nothing more is read */
};

struct http_answer_parser;

/* NULL options: all defaults. NULL: out of memory. */
struct http_answer_parser *http_answer_new(const struct http_answer_options *options);
void http_answer_free(struct http_answer_parser *p); /* NULL is fine */
/* *out_taken is at most in.len. After COMPLETE it takes nothing until http_answer_next(). */
enum http_answer_event http_answer_feed(struct http_answer_parser *p, struct slice in, size_t *out_taken);
/* The connection ended: COMPLETE where that ends the body, else BROKEN. */
enum http_answer_event http_answer_end(struct http_answer_parser *p);
const struct http_answer *http_answer_get(const struct http_answer_parser *p); /* after COMPLETE */
const char *http_answer_why(const struct http_answer_parser *p);               /* after BROKEN; static words */
void http_answer_next(struct http_answer_parser *p); /* ready for the response to the next request */

/* A POST with a JSON body's head: request line, Host, Content-Type, Content-Length, then `extra` (whole header lines,
 * each ended by CR LF; may be empty) and the blank line. target and host hold no spaces or control characters. */
void http_put_post(struct buf *out, struct slice host, struct slice target, struct slice extra, size_t body_len);
/* A WebSocket's opening handshake (RFC 6455 section 4.1); key is 24 bytes of base64. */
void http_put_upgrade(struct buf *out, struct slice host, struct slice target, struct slice extra, struct slice key);

#endif
