/* listen: sockets that accept, one for each worker on the same port.
 *
 * With SO_REUSEPORT each worker has a queue of its own and the kernel spreads clients over them. Since that would let a second
 * process share the port in silence, a plain bind without the option probes first; `takeover` leaves the probe out, for a successor that
 * accepts while its predecessor drains.
 * Source: socket(7), SO_REUSEPORT. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/loop.h"

/* A port reserved for this process; each worker then opens its own socket on it. */
struct listen_port {
    struct sockaddr_storage address; /* with the real port where 0 was asked */
    socklen_t len;
    int probe; /* holds the port until the workers have theirs; -1 afterwards */
};

/* host: an IPv4 or IPv6 literal, or a name. FAN_EINVAL, FAN_EEXIST (in use) or FAN_ESYSTEM with "127.0.0.1:8545: address already in use". */
FAN_MUST_CHECK enum fan_status listen_reserve(const char *host, uint16_t port, bool takeover, struct listen_port *out, struct fan_error *err);
uint16_t listen_port_number(const struct listen_port *p);
/* After every worker has opened, or to give up. */
void listen_release(struct listen_port *p);

struct listener {
    struct loop_fd fd;
    struct loop *loop;
    void (*accepted)(void *ctx, int fd); /* takes over a non-blocking socket */
    void *ctx;
    uint64_t refused;                    /* accept() failures: out of descriptors and the like */
    struct timer pause;                  /* after such a failure accepting rests for a moment instead of spinning */
};

/* Opens this worker's socket on the reserved port and accepts on its loop. Worker's thread, or before it runs. */
FAN_MUST_CHECK enum fan_status listener_open(struct listener *l, const struct listen_port *p, struct loop *loop,
                                             void (*accepted)(void *ctx, int fd), void *ctx, struct fan_error *err);
void listener_close(struct listener *l); /* zeroed or open; idempotent */

#endif
