/* url: where another node is: http, https, ws or wss.
 *
 *   scheme://[user[:password]@]host[:port][/path][?query]
 *
 * Host is a name, an IPv4 address, or an IPv6 address in brackets. User and password are percent-decoded and become an
 * Authorization header (RFC 7617); they are never shown. Spec: RFC 3986; RFC 6455 section 3. */
#ifndef UPSTREAM_URL_H
#define UPSTREAM_URL_H

#include "base/arena.h"

struct url {
    bool tls, websocket;
    const char *host; /* without brackets */
    uint16_t port;
    struct slice authority; /* the Host header's value */
    struct slice target;    /* path and query, at least "/" */
    struct slice basic;     /* "user:password" in base64; empty: none */
    const char *shown;      /* for people: without user and password */
};

/* Everything is copied into the arena. FAN_EINVAL with why; FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status url_parse(const char *text, struct arena *a, struct url *out, struct fan_error *err);
/* Base64 with padding, in the arena; at NULL: out of memory. */
struct slice base64(struct slice bytes, struct arena *a);

#endif
