#include "net/os.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

static int kernel_epoll_create(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

static int kernel_accept(int fd, struct sockaddr *address, socklen_t *len)
{
    return accept4(fd, address, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static ssize_t kernel_recv(int fd, void *at, size_t len)
{
    return recv(fd, at, len, 0);
}

static ssize_t kernel_send(int fd, const struct msghdr *message)
{
    return sendmsg(fd, message, MSG_NOSIGNAL);
}

const struct os os_kernel = {
    .epoll_create = kernel_epoll_create,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = epoll_wait,
    .accept = kernel_accept,
    .recv = kernel_recv,
    .send = kernel_send,
    .shutdown = shutdown,
    .close = close,
    .now_ms = clock_monotonic_ms,
};
