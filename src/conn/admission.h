/* admission: who may talk to us at all, by what their request says about itself.
 *
 * A browser lets any page open a WebSocket to 127.0.0.1, and a name that a stranger controls may resolve to it (DNS
 * rebinding). So the Host must be one that nobody else can own (an address, localhost) or one we were told, and so must
 * the Origin, when there is one.
 *
 * Inside conn/ only; pure functions. Spec: RFC 6454 (origin), Fetch standard (CORS). */
#ifndef CONN_ADMISSION_H
#define CONN_ADMISSION_H

#include "conn/conn.h"

/* host as in a Host header, with or without a port. Empty passes: HTTP/1.0 has none. */
bool admission_host(struct slice host, const char *const *names, size_t count);
/* An Origin header's value; `allowed` holds origins (a * in one stands for anything), names, or "*". Empty passes. */
bool admission_origin(struct slice origin, const char *const *allowed, size_t count);

#endif
