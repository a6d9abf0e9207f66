/* stream: a connection that we open to another machine, for a thread that may wait.
 *
 * TCP, and TLS by OpenSSL where one is given: the certificate must lead to an authority of the system's store (or of
 * SSL_CERT_FILE and SSL_CERT_DIR, which OpenSSL honours) and name the host. Every call has a deadline, and ends early
 * once the halt is raised, so that a program that is told to end does not wait for a stranger.
 *
 * Not here: what is said (wire/), the event loop and who connects to us (loop.h, listen.h).
 * Spec: RFC 8446 (TLS 1.3), RFC 5246 (1.2, the least), RFC 6125 (names). Thread: one at a time for a stream; a struct
 * stream_tls serves many. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/slice.h"

struct stream_tls;
struct stream;

/* Trust for connections. FAN_ESYSTEM: OpenSSL's reason in err. */
FAN_MUST_CHECK enum fan_status stream_tls_new(struct stream_tls **out, struct fan_error *err);
void stream_tls_free(struct stream_tls *t); /* after its streams; NULL is fine */

/* Connects, and shakes hands where tls is given. Times are clock_monotonic_ms(). halt_fd: readable once all must end;
 * -1: none. FAN_EIO (*out_refused: nobody is there, or the name is unknown), FAN_EREJECTED (the certificate),
 * FAN_ETIMEOUT, FAN_ECLOSED (halted), FAN_ENOMEM; err says why in one phrase. */
FAN_MUST_CHECK enum fan_status stream_open(const char *host, uint16_t port, struct stream_tls *tls,
                                           uint64_t deadline_ms, int halt_fd, struct stream **out, bool *out_refused,
                                           struct fan_error *err);
void stream_close(struct stream *s); /* NULL is fine */
/* All bytes, or a failure as above. */
FAN_MUST_CHECK enum fan_status stream_send(struct stream *s, struct slice bytes, uint64_t deadline_ms,
                                           struct fan_error *err);
/* Waits for some bytes. *out_got 0: the other side has ended. */
FAN_MUST_CHECK enum fan_status stream_receive(struct stream *s, uint8_t *into, size_t max, uint64_t deadline_ms,
                                              size_t *out_got, struct fan_error *err);
/* Has the other side said or ended something while nobody listened? Then it had better not be used again. */
bool stream_is_stale(const struct stream *s);

#endif
