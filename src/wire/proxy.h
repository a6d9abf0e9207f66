/* proxy: the header by which a proxy says, in front of everything else, whose connection it brings.
 *
 * Version 1 is a line of text, version 2 is binary. Whether one is there cannot be guessed safely (a stranger could
 * send it too), so who listens must know from whom to expect it: conn/ reads it from trusted proxies alone, and then
 * insists. What a v2 header adds in TLVs (the client's TLS, authority, checksums) is skipped.
 *
 * Not here: who is trusted (conn/), what proxies say in HTTP (forwarded.h).
 * Spec: HAProxy's "The PROXY protocol", versions 1 & 2, sections 2.1 and 2.2. Pure functions, any thread. */
#ifndef WIRE_PROXY_H
#define WIRE_PROXY_H

#include "wire/address.h"

enum { PROXY_LEN_MAX = 2048 }; /* a v1 line has at most 107 bytes; a v2 header with every TLV of HAProxy's some 800 */

enum proxy_outcome {
    PROXY_NEEDS_MORE,
    PROXY_GOT,    /* a whole header: *out_len bytes of it */
    PROXY_REFUSES /* this is none, or a malformed or overlong one */
};

struct proxy_header {
    bool has_client; /* false: LOCAL or UNKNOWN, the proxy speaks for itself (health checks) or does not know */
    struct address client;
};

/* Reads the header that bytes begin with. */
enum proxy_outcome proxy_read(struct slice bytes, struct proxy_header *out, size_t *out_len);

#endif
