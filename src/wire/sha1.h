/* sha1: only for the WebSocket handshake, which is a check that both sides speak the protocol and not a matter of
 * security.
 *
 * Spec: FIPS 180-4 section 6.1; RFC 6455 section 4.2.2. */
#ifndef WIRE_SHA1_H
#define WIRE_SHA1_H

#include "base/slice.h"

enum { SHA1_LEN = 20 };

void sha1(struct slice s, uint8_t out[SHA1_LEN]);

#endif
