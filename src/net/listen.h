/* listen: ports, and the connections that come in through them.
 *
 * Each worker has a socket of its own on the same port (SO_REUSEPORT), and the kernel deals new connections out among
 * them. Since SO_REUSEPORT would also let a second process share the port in silence, the first socket binds and
 * listens without it, which the kernel refuses where anybody is there, and takes the option on only then; so there is
 * no gap between the probe and the bind. Sharing with a draining predecessor must be asked for (`takeover`).
 *
 * Not here: what happens to an accepted socket (conn/), TLS. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/loop.h"

struct listen_options {
    const char *host; /* an IPv4 or IPv6 address (brackets are fine), a name, or NULL or "" for all addresses; "::" is
                         IPv4 too */
    uint16_t port;    /* 0: a free one, which all the sockets then share */
    bool takeover;    /* share the port with whoever has it and allows that */
    int backlog;      /* [4096] */
    const struct os *os; /* [the real one] */
};

/* Opens `count` non-blocking listening sockets on one port, a worker's each: fds[0] to fds[count - 1], the caller's to
 * close. out_port may be NULL. FAN_EEXIST: the port is taken; FAN_EINVAL: the host is none of ours; FAN_ESYSTEM: else.
 * err then says "127.0.0.1:8545: address already in use"; nothing stays open, and those that were opened are -1. Any
 * thread. */
FAN_MUST_CHECK enum fan_status listen_open(const struct listen_options *options, size_t count, int *fds,
                                           uint16_t *out_port, struct fan_error *err);

/* Accepts on a loop. Zeroed and then filled by listener_start(); the owner keeps it in place until listener_stop(). */
struct listener {
    struct loop_fd watch;
    struct loop_timer pause; /* when descriptors ran out: a ready socket that cannot be accepted would spin the loop */
    struct loop *loop;
    void (*accepted)(void *ctx, int fd); /* non-blocking, close-on-exec; the callee's to close */
    void *ctx;
    uint64_t pauses; /* for metrics: how often descriptors ran out */
};

/* Takes the listening socket over. Loop's thread. On failure the socket is still the caller's. */
FAN_MUST_CHECK enum fan_status listener_start(struct listener *s, struct loop *l, int fd,
                                              void (*accepted)(void *ctx, int fd), void *ctx);
/* Accepts what the kernel has taken in already, then stops: closing would reset those. Between the last accept and the
 * close there are some microseconds in which one more can be lost, unless net.ipv4.tcp_migrate_req gives it to another
 * listener of the port. */
void listener_drain(struct listener *s);
/* Closes the socket. One never started or stopped already is fine. */
void listener_stop(struct listener *s);

#endif
