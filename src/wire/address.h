/* address: who is at the other end, as bytes that can be compared and as text for people.
 *
 * An IPv4 address is kept in its IPv6 form (::ffff:a.b.c.d), so that a client is the same one whichever socket it came
 * through, and so that sixteen bytes are the key of whatever counts by client. A network is an address and how many of
 * its first bits count: "10.0.0.0/8", "2001:db8::/32".
 *
 * Not here: names (nobody is asked about anything), sockets (net/).
 * Spec: RFC 4291 sections 2.2 and 2.5.5.2; RFC 4632 section 3.1. Pure functions, any thread. */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

#include "base/slice.h"

enum address_kind {
    ADDRESS_UNKNOWN,
    ADDRESS_IP,   /* ip and port hold */
    ADDRESS_LOCAL /* a Unix socket: this machine, and no more is known */
};

struct address {
    uint8_t ip[16];
    uint16_t port; /* 0: not known */
    uint8_t kind;  /* enum address_kind */
};

enum { ADDRESS_TEXT_MAX = 48 }; /* the longest: [39 characters of IPv6]:65535, and the NUL */

/* "127.0.0.1:51234", "[::1]:51234", without a port where none is known ("::1"); "local", "unknown". */
void address_text(const struct address *a, char out[ADDRESS_TEXT_MAX]);
/* The IPv4 or IPv6 address in text, perhaps with a port ("1.2.3.4:80", "[::1]:80") or in brackets alone. False: it is
 * none, and out is untouched. */
bool address_parse(struct slice text, struct address *out);
/* From the four bytes of an IPv4 address. */
struct address address_of_v4(const uint8_t ip[4], uint16_t port);
struct address address_of_v6(const uint8_t ip[16], uint16_t port);
bool address_is_loopback(const struct address *a); /* 127.0.0.0/8, ::1, or a Unix socket */

struct network {
    uint8_t ip[16];
    uint8_t bits; /* of ip, from the first on: 0 to 128 */
};

/* "10.0.0.0/8", or one address. Bits behind the prefix may be set, and do not count. False: it is none. */
bool network_parse(struct slice text, struct network *out);
bool network_holds(const struct network *n, const struct address *a);
/* Is it in one of them? */
bool networks_hold(const struct network *n, size_t count, const struct address *a);

#endif
