/* deflate_terms: what a client offers in Sec-WebSocket-Extensions, and what we agree to.
 *
 * A client may make several offers, the one it likes best first. We take the first one for permessage-deflate that we
 * can keep wholly; an offer with a parameter that is unknown, repeated or out of place is declined by itself (section
 * 5.1), and the next is looked at. When none fits there is no extension, which every client must live with. We never
 * take a context over, and tell the client not to: that is always allowed (sections 7.1.1.1 and 7.1.1.2), and it is
 * what lets all share the same bytes.
 *
 * Spec: RFC 6455 section 9.1 (grammar), RFC 7692 sections 5 and 7.1. */
#ifndef WIRE_DEFLATE_TERMS_H
#define WIRE_DEFLATE_TERMS_H

#include "wire/http.h"

struct deflate_terms {
    uint8_t server_bits;      /* of the window we may use, 8 to 15 */
    bool server_bits_offered; /* then the answer says it */
    uint8_t client_bits;      /* likewise of the client's; 0: it did not say a number, and may use 15 */
};

enum { DEFLATE_ANSWER_MAX = 160 };

/* The terms of the first offer that we can keep, out of one header's value. False: there is none, or the value is not
 * well-formed that far. */
bool deflate_terms_read(struct slice offers, struct deflate_terms *out);
/* The same over all headers of a request, in their order. */
bool deflate_terms_of(const struct http_request *r, struct deflate_terms *out);
/* What goes into Sec-WebSocket-Extensions of the 101; returns its length. Not NUL-terminated. */
size_t deflate_terms_write(const struct deflate_terms *terms, char out[DEFLATE_ANSWER_MAX]);

#endif
