/* link: one connection to another node, that one call at a time goes through.
 *
 * HTTP: a POST and its response, kept alive. WebSocket: a handshake once, then a text frame and the frame that answers
 * it; what else comes meanwhile (pings, notifications) is dealt with or passed over. Thread: one at a time. */
#ifndef UPSTREAM_LINK_H
#define UPSTREAM_LINK_H

#include "net/stream.h"
#include "upstream/url.h"

struct link;

struct link_options {
    const struct url *url; /* borrowed for as long as the link lives */
    struct slice extra;    /* header lines; likewise */
    struct stream_tls *tls;
    size_t body_len_max;
    int halt_fd;
};

struct link_reply {
    unsigned status; /* of HTTP; 200 over WebSocket */
    bool keep;       /* the link may be used again */
    bool has_retry_after;
    uint64_t retry_after_s;
    struct slice body; /* borrowed until the link is used again or closed */
};

/* Connects; over WebSocket also the handshake. FAN_EREJECTED: TLS, or a handshake that was declined; FAN_EIO,
 * FAN_ETIMEOUT, FAN_ECLOSED, FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status link_open(const struct link_options *options, uint64_t deadline_ms, struct link **out,
                                         bool *out_refused, struct fan_error *err);
/* Sends a JSON-RPC request whose id is that number, and waits for what answers it. FAN_EFORMAT: what came is not the
 * protocol. After a failure the link is good for nothing but link_close(). */
FAN_MUST_CHECK enum fan_status link_call(struct link *l, struct slice request, uint64_t id, uint64_t deadline_ms,
                                         struct link_reply *out, struct fan_error *err);
bool link_is_stale(const struct link *l); /* it was closed from over there */
bool link_heard(const struct link *l);    /* bytes came since the last call began */
void link_close(struct link *l);          /* NULL is fine */

#endif
