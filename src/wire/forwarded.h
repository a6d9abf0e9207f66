/* forwarded: whom a request comes from, as the proxies in front of us tell in its headers.
 *
 * Each proxy appends the address it was asked from, so the list reads client, proxy, proxy, and its right end is what
 * the proxy that stands before us has seen itself. Whoever asks can write the left end. So the list is read from the
 * right, as long as the addresses are those of proxies that are trusted; the first that is not is the client. What is
 * no address ends the reading: the client is then the last hop that was one.
 *
 * X-Forwarded-For counts where it is there, else Forwarded; X-Forwarded-Proto and Forwarded's proto say whether the
 * client spoke TLS. A proxy is expected to append to, or to overwrite, the one it uses.
 *
 * Not here: whether the one who asks us is to be believed at all (conn/http.c).
 * Spec: RFC 7239; X-Forwarded-For as nginx and HAProxy write it. Pure functions, any thread. */
#ifndef WIRE_FORWARDED_H
#define WIRE_FORWARDED_H

#include "wire/address.h"
#include "wire/http.h"

/* client: the one who asks us, a trusted proxy; becomes whom it speaks for. *secure: becomes true or false where the
 * headers say. Both are untouched where nothing fits. */
void forwarded_read(const struct http_request *r, const struct network *trusted, size_t trusted_count,
                    struct address *client, bool *secure);

#endif
