/* os: the seam between us and the kernel: sockets and the clock.
 *
 * The loop and the connections call the kernel only through these functions, so that a simulation can stand in for
 * network and time and play short writes, EAGAIN and lost peers from a seed. Each behaves as the system call of its name, errno included. */
#ifndef NET_OS_H
#define NET_OS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct epoll_event;

struct os {
    int (*epoll_create)(void);
    int (*epoll_ctl)(int epoll, int op, int fd, struct epoll_event *event);
    int (*epoll_wait)(int epoll, struct epoll_event *events, int count_max, int timeout_ms);
    int (*accept)(int fd, struct sockaddr *address, socklen_t *len); /* non-blocking, close-on-exec */
    ssize_t (*recv)(int fd, void *at, size_t len);
    ssize_t (*send)(int fd, const struct msghdr *message); /* never raises SIGPIPE */
    int (*shutdown)(int fd, int how);
    int (*close)(int fd);
    uint64_t (*now_ms)(void); /* monotonic */
};

/* The real thing. */
extern const struct os os_kernel;

#endif
