#include "net/os.h"

#include <linux/sockios.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

static int os_socket(void *ctx, int domain, int type, int protocol)
{
    (void)ctx;
    return socket(domain, type, protocol);
}

static int os_setsockopt(void *ctx, int fd, int level, int name, const void *value, socklen_t len)
{
    (void)ctx;
    return setsockopt(fd, level, name, value, len);
}

static int os_bind(void *ctx, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)ctx;
    return bind(fd, address, len);
}

static int os_listen(void *ctx, int fd, int backlog)
{
    (void)ctx;
    return listen(fd, backlog);
}

static int os_connect(void *ctx, int fd, const struct sockaddr *address, socklen_t len)
{
    (void)ctx;
    return connect(fd, address, len);
}

static int os_getsockname(void *ctx, int fd, struct sockaddr *address, socklen_t *len)
{
    (void)ctx;
    return getsockname(fd, address, len);
}

static int os_getpeername(void *ctx, int fd, struct sockaddr *address, socklen_t *len)
{
    (void)ctx;
    return getpeername(fd, address, len);
}

static int os_accept4(void *ctx, int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    (void)ctx;
    return accept4(fd, address, len, flags);
}

static ssize_t os_recv(void *ctx, int fd, void *into, size_t len, int flags)
{
    (void)ctx;
    return recv(fd, into, len, flags);
}

static ssize_t os_sendmsg(void *ctx, int fd, const struct msghdr *message, int flags)
{
    (void)ctx;
    /* One part, as most replies are, goes without the kernel copying a header and a list in first. */
    if (message->msg_iovlen == 1) return send(fd, message->msg_iov->iov_base, message->msg_iov->iov_len, flags);
    return sendmsg(fd, message, flags);
}

static int os_shutdown(void *ctx, int fd, int how)
{
    (void)ctx;
    return shutdown(fd, how);
}

static size_t os_unsent(void *ctx, int fd)
{
    int bytes;

    (void)ctx;
    return ioctl(fd, SIOCOUTQNSD, &bytes) || bytes < 0 ? 0 : (size_t)bytes;
}

static int os_close(void *ctx, int fd)
{
    (void)ctx;
    return close(fd);
}

static int os_epoll_create1(void *ctx, int flags)
{
    (void)ctx;
    return epoll_create1(flags);
}

static int os_epoll_ctl(void *ctx, int epoll, int op, int fd, struct epoll_event *event)
{
    (void)ctx;
    return epoll_ctl(epoll, op, fd, event);
}

static int os_epoll_wait(void *ctx, int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    (void)ctx;
    return epoll_wait(epoll, events, count, timeout_ms);
}

static int os_eventfd(void *ctx, unsigned start, int flags)
{
    (void)ctx;
    return eventfd(start, flags);
}

static ssize_t os_read(void *ctx, int fd, void *into, size_t len)
{
    (void)ctx;
    return read(fd, into, len);
}

static ssize_t os_write(void *ctx, int fd, const void *from, size_t len)
{
    (void)ctx;
    return write(fd, from, len);
}

static uint64_t os_monotonic_ns(void *ctx)
{
    (void)ctx;
    return clock_monotonic_ns();
}

static uint64_t os_wall_s(void *ctx)
{
    (void)ctx;
    return clock_wall_s();
}

const struct os OS_REAL = {
    .socket = os_socket,
    .setsockopt = os_setsockopt,
    .bind = os_bind,
    .listen = os_listen,
    .connect = os_connect,
    .getsockname = os_getsockname,
    .getpeername = os_getpeername,
    .accept4 = os_accept4,
    .recv = os_recv,
    .sendmsg = os_sendmsg,
    .shutdown = os_shutdown,
    .unsent = os_unsent,
    .close = os_close,
    .epoll_create1 = os_epoll_create1,
    .epoll_ctl = os_epoll_ctl,
    .epoll_wait = os_epoll_wait,
    .eventfd = os_eventfd,
    .read = os_read,
    .write = os_write,
    .monotonic_ns = os_monotonic_ns,
    .wall_s = os_wall_s,
};
