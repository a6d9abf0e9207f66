/* http_memo: heads that came before, and what they meant.
 *
 * A client says the same head with each request: the same host, the same program, the same type and, for the same
 * question, the same length. Reading it takes longer than a short call. What a head means depends on its bytes and on
 * the parser's options alone, so one that is byte for byte a head that was read means the same again.
 *
 * A head is kept once it comes a second time; what comes once costs a copy of its bytes. At most HTTP_MEMO_HEADS of at
 * most HTTP_MEMO_LEN_MAX bytes are kept, the oldest goes. One with an Authorization is not: a secret has no place where
 * strangers' heads are compared with it.
 *
 * One for all parsers of a worker that have the same options. Inside wire/ only, but for its life. */
#ifndef WIRE_HTTP_MEMO_H
#define WIRE_HTTP_MEMO_H

#include "wire/http_head.h"

enum { HTTP_MEMO_HEADS = 8, HTTP_MEMO_LEN_MAX = 1024 };

/* A head whose body follows it in one piece. */
struct http_known {
    struct http_request request; /* its slices lie in `bytes`; no body */
    uint64_t body_len;
    struct http_header *headers;
    size_t len; /* of the head, blank line included */
    uint8_t bytes[];
};

struct http_memo;

/* The head that `in` begins with; NULL: none of those. Borrowed until the next http_memo_add(). */
const struct http_known *http_memo_find(struct http_memo *m, struct slice in);
/* A head was read: r, whose slices lie in `head`. Without memory it is not kept. */
void http_memo_add(struct http_memo *m, struct slice head, const struct http_request *r, uint64_t body_len);

#endif
