/* http: HTTP/1.1 requests out of bytes, and responses into bytes.
 *
 * The parser takes what the socket gave, cut anywhere, and stops behind one complete request: it says how many bytes it
 * took, and what follows (pipelining) waits with the caller until http_parser_next(). It holds no socket and no clock.
 *
 *          feed                    feed                         next
 *   IDLE ────────► HEAD ────────────────────► BODY ────────► (request) ────► IDLE
 *                    └── refused ◄──────────────┘  for good: answer the status, then close
 *
 * The head is read by llhttp (Node's parser, strict mode). What it lets pass and a smuggler would like is refused here:
 * bare LF, folded lines, Transfer-Encoding in HTTP/1.0 or beside Content-Length or other than exactly `chunked`,
 * repeated Content-Length, versions other than 1.0 and 1.1, a Host that is missing, repeated or malformed. The body is
 * decoded here: its memory grows only as bytes arrive, and chunk extensions are skipped, trailers refused. Any cut of
 * the same bytes gives the same requests and the same verdict.
 *
 * A refusal is a value: an HTTP status and words for a person. After one the connection must end, since nobody
 * knows where the next request would begin.
 *
 * Not here: whether the Host and the Origin are welcome, routes, timeouts (conn/). The WebSocket handshake (wire/ws.h).
 * Spec: RFC 9112 (syntax), RFC 9110 (status codes), Fetch standard (CORS). */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "base/buf.h"

/* Zero means the default in brackets. */
struct http_options {
    size_t header_count_max; /* [64] then 431 */
    size_t header_bytes_max; /* request line and headers [16 KiB], then 431; 414 while still in the request line */
    size_t body_len_max;     /* [5 MiB] then 413 */
    struct http_memo *memo;  /* [NULL: none] outlives the parsers; of those with the same options and thread alone */
};

enum http_method { HTTP_METHOD_OTHER, HTTP_METHOD_GET, HTTP_METHOD_HEAD, HTTP_METHOD_POST, HTTP_METHOD_OPTIONS };

struct http_header {
    struct slice name, value; /* the value without the spaces around it */
};

/* One request. All slices are borrowed: until http_parser_next(), until the caller changes the bytes of the last feed,
 * or until another parser of the same memo is fed. */
struct http_request {
    enum http_method method;
    struct slice method_name;
    struct slice target;      /* as it was sent */
    struct slice path, query; /* of origin-form or absolute-form; query without '?'; path "*" for OPTIONS * */
    unsigned minor;           /* HTTP/1.minor: 0 or 1 */
    struct slice
        host; /* of an absolute-form target, else of the Host header; with its port; empty in HTTP/1.0 without one */
    struct slice origin; /* empty when absent; has_origin tells */
    bool has_origin;
    bool forwarded;  /* Forwarded, X-Forwarded-* or X-Real-IP is there: a proxy speaks for somebody */
    bool keep_alive; /* may another request follow on this connection? */
    bool expects_continue;
    bool has_body; /* Content-Length or chunked was there, be it of length 0 */
    struct slice content_type;
    struct slice body;
    const struct http_header *headers;
    size_t header_count;

    /* The WebSocket handshake's own, read by ws_handshake_check(). Empty when absent. */
    bool connection_upgrade; /* Connection lists `upgrade` */
    bool upgrade_websocket;  /* Upgrade lists `websocket` */
    struct slice ws_key, ws_version, ws_protocol, ws_extensions;
    bool ws_key_repeated; /* Sec-WebSocket-Key or -Version was there twice */
};

/* A refusal, or none: status 0. */
struct http_verdict {
    unsigned status;
    const char *why; /* static; one line for the response's body */
};

enum http_event {
    HTTP_NEEDS_MORE,     /* all bytes were taken */
    HTTP_WANTS_CONTINUE, /* the head is complete and the client waits: send HTTP_CONTINUE_RESPONSE (or refuse), then
                            feed on */
    HTTP_GOT_REQUEST,    /* http_parser_request() has it; the bytes behind it were not taken */
    HTTP_REFUSES,        /* http_parser_verdict() says why; nothing more is read */
};

enum http_phase { HTTP_PHASE_IDLE, HTTP_PHASE_HEAD, HTTP_PHASE_BODY, HTTP_PHASE_DONE, HTTP_PHASE_REFUSED };

struct http_parser;

/* What heads that came before meant, so that they need not be read again (http_memo.h). NULL when memory ran out. */
struct http_memo *http_memo_new(void);
void http_memo_free(struct http_memo *m);

/* One per connection while it speaks HTTP; options are copied; NULL: all defaults. NULL when memory ran out. */
struct http_parser *http_parser_new(const struct http_options *options);
void http_parser_free(struct http_parser *p); /* NULL is fine */
/* Reads on. *out_taken is always written: at most in.len, and all of it for HTTP_NEEDS_MORE. After HTTP_GOT_REQUEST it
 * takes nothing until http_parser_next(). Out of memory is a refusal with 503. */
enum http_event http_parser_feed(struct http_parser *p, struct slice in, size_t *out_taken);
/* The request whose head is complete (HTTP_WANTS_CONTINUE: body still empty) or that is complete. Borrowed as said
 * above. */
const struct http_request *http_parser_request(const struct http_parser *p);
struct http_verdict http_parser_verdict(const struct http_parser *p);
/* Ready for the next request. Keeps little memory; http_parser_trim() keeps none, for connections that idle. */
void http_parser_next(struct http_parser *p);
void http_parser_trim(struct http_parser *p);
/* Bytes of memory its buffers hold now. */
size_t http_parser_held(const struct http_parser *p);
/* HTTP_PHASE_IDLE: no byte of a request has come (empty lines aside); so a timeout is silence, else 408. */
enum http_phase http_parser_phase(const struct http_parser *p);

/* The first header of this name, any case; NULL when absent. */
const struct http_header *http_find(const struct http_request *r, const char *name);

/* May this be a JSON-RPC call? GET and others: 405; POST without a length: 411; not application/json (a charset
 * parameter is fine): 415. OPTIONS is the caller's, as preflight. */
struct http_verdict http_check_rpc(const struct http_request *r);

/* Does it ask for a page, as browsers do and programs do not: Accept names text/html (any with a wildcard does not)? */
bool http_wants_html(const struct http_request *r);

/* ---- writing ---- */
struct http_response {
    unsigned status;
    struct slice content_type; /* empty: none, for bodies of length 0 */
    size_t body_len;           /* Content-Length; 1xx and 204 carry none */
    bool close;                /* Connection: close; else keep-alive is said where the client is HTTP/1.0 */
    unsigned minor;            /* the request's; 1 when unknown */
    struct slice cors_origin;  /* Access-Control-Allow-Origin, with Vary: Origin; empty: none */
    bool preflight;            /* adds what a CORS preflight asks for: methods, headers, a day of validity */
    struct slice date;         /* HTTP_DATE_LEN bytes of http_date(); empty: none */
    struct slice more;         /* further headers, whole lines with their CRLF; empty: none */
};

/* The whole head, blank line included; the body follows by other ways. 401 names the scheme Bearer; 405 names Allow; 426 names Upgrade and
 * Sec-WebSocket-Version. */
void http_put_head(struct buf *out, const struct http_response *r);
/* A refusal as a whole response: text/plain, why as the body and a line feed, Connection: close. */
void http_put_refusal(struct buf *out, struct http_verdict v, struct slice cors_origin);
/* "HTTP/1.1 100 Continue" and a blank line. */
extern const struct slice HTTP_CONTINUE_RESPONSE;
/* The standard phrase of a status; "Unknown" for one not in the table. */
const char *http_status_phrase(unsigned status);

enum { HTTP_DATE_LEN = 29 };
/* "Tue, 15 Nov 1994 08:12:31 GMT" (RFC 9110 section 5.6.7), not NUL-terminated. */
void http_date(uint64_t unix_s, char out[HTTP_DATE_LEN]);

#endif
