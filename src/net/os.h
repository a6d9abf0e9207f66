/* os: the seam between the server and the world: sockets, epoll and the clock, as a struct of functions.
 *
 * Everything that loop, listeners and connections ask of the kernel goes through one of these, so that a simulation can
 * stand in for the network and turn the clock by hand. Each function behaves as the system call of its name: -1 and
 * errno on failure. Thread: any; OS_REAL is constant. */
#ifndef NET_OS_H
#define NET_OS_H

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"

struct os {
    void *ctx; /* handed to each function */
    int (*socket)(void *ctx, int domain, int type, int protocol);
    int (*setsockopt)(void *ctx, int fd, int level, int name, const void *value, socklen_t len);
    int (*bind)(void *ctx, int fd, const struct sockaddr *address, socklen_t len);
    int (*listen)(void *ctx, int fd, int backlog);
    int (*connect)(void *ctx, int fd, const struct sockaddr *address, socklen_t len);
    int (*getsockname)(void *ctx, int fd, struct sockaddr *address, socklen_t *len);
    int (*getpeername)(void *ctx, int fd, struct sockaddr *address, socklen_t *len);
    int (*accept4)(void *ctx, int fd, struct sockaddr *address, socklen_t *len, int flags);
    ssize_t (*recv)(void *ctx, int fd, void *into, size_t len, int flags);
    ssize_t (*sendmsg)(void *ctx, int fd, const struct msghdr *message, int flags);
    int (*shutdown)(void *ctx, int fd, int how);
    size_t (*unsent)(void *ctx, int fd); /* bytes that the peer's window does not let out yet; NULL: nobody knows */
    int (*close)(void *ctx, int fd);

    int (*epoll_create1)(void *ctx, int flags);
    int (*epoll_ctl)(void *ctx, int epoll, int op, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *ctx, int epoll, struct epoll_event *events, int count, int timeout_ms);
    int (*eventfd)(void *ctx, unsigned start, int flags);
    ssize_t (*read)(void *ctx, int fd, void *into, size_t len);
    ssize_t (*write)(void *ctx, int fd, const void *from, size_t len);

    uint64_t (*monotonic_ns)(void *ctx);
    uint64_t (*wall_s)(void *ctx); /* Unix seconds */
};

extern const struct os OS_REAL;

#endif
