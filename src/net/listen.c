#include "net/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BACKLOG = 4096, ACCEPTS_PER_TURN = 64, PAUSE_MS = 100 };

static enum fan_status resolve(const char *host, uint16_t port, struct listen_port *out, struct fan_error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[8];
    int why;

    (void)snprintf(service, sizeof service, "%u", port);
    why = getaddrinfo(host, service, &hints, &found);
    if (why) return fan_error_set(err, FAN_EINVAL, "%s:%u: %s", host, port, gai_strerror(why));
    memcpy(&out->address, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    freeaddrinfo(found);
    return FAN_OK;
}

static int open_socket(const struct listen_port *p, bool share)
{
    int on = 1, fd = socket(p->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&p->address, p->len) < 0) {
        int why = errno;

        (void)close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

enum fan_status listen_reserve(const char *host, uint16_t port, bool takeover, struct listen_port *out, struct fan_error *err)
{
    enum fan_status s;

    *out = (struct listen_port){.probe = -1};
    s = resolve(host, port, out, err);
    if (s) return s;
    if (!takeover && port) {
        /* Listening, not only binding: with SO_REUSEADDR two sockets may be bound, but only one may listen. */
        int fd = open_socket(out, false);

        if (fd < 0 || listen(fd, 1) < 0) {
            int why = errno;

            if (fd >= 0) (void)close(fd);
            return fan_error_set(err, why == EADDRINUSE ? FAN_EEXIST : FAN_ESYSTEM, "%s:%u: %s", host, port,
                                 why == EADDRINUSE ? "address already in use" : strerror(why));
        }
        (void)close(fd);
    }
    out->probe = open_socket(out, true);
    if (out->probe < 0) return fan_error_set(err, errno == EADDRINUSE ? FAN_EEXIST : FAN_ESYSTEM, "%s:%u: %s", host, port, strerror(errno));
    if (getsockname(out->probe, (struct sockaddr *)&out->address, &out->len) < 0) {
        listen_release(out);
        return fan_error_set(err, FAN_ESYSTEM, "%s:%u: %s", host, port, strerror(errno));
    }
    return FAN_OK;
}

uint16_t listen_port_number(const struct listen_port *p)
{
    if (p->address.ss_family == AF_INET6) return ntohs(((const struct sockaddr_in6 *)(const void *)&p->address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)&p->address)->sin_port);
}

void listen_release(struct listen_port *p)
{
    if (p->probe >= 0) (void)close(p->probe);
    p->probe = -1;
}

static void resume(struct timer *t)
{
    struct listener *l = CONTAINER_OF(t, struct listener, pause);

    loop_watch(l->loop, &l->fd, EPOLLIN);
}

static void ready(struct loop_fd *self, uint32_t events)
{
    struct listener *l = CONTAINER_OF(self, struct listener, fd);

    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = loop_os(l->loop)->accept(self->fd, NULL, NULL);

        if (fd >= 0) {
            l->accepted(l->ctx, fd);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            l->refused++;
            loop_watch(l->loop, self, 0);
            loop_timer(l->loop, &l->pause, PAUSE_MS);
        }
        return;
    }
}

enum fan_status listener_open(struct listener *l, const struct listen_port *p, struct loop *loop, void (*accepted)(void *ctx, int fd),
                              void *ctx, struct fan_error *err)
{
    int fd = open_socket(p, true);
    enum fan_status s;

    if (fd < 0 || listen(fd, BACKLOG) < 0) {
        int why = errno;

        if (fd >= 0) (void)close(fd);
        return fan_error_set(err, FAN_ESYSTEM, "port %u: %s", listen_port_number(p), strerror(why));
    }
    *l = (struct listener){.fd = {.fd = fd, .events = EPOLLIN, .ready = ready}, .loop = loop, .accepted = accepted, .ctx = ctx, .pause = {.fire = resume}};
    s = loop_add(loop, &l->fd);
    if (s) {
        (void)close(fd);
        l->loop = NULL;
        return fan_error_set(err, s, "port %u: the loop cannot watch it", listen_port_number(p));
    }
    return FAN_OK;
}

void listener_close(struct listener *l)
{
    if (!l->loop) return;
    loop_timer_cancel(l->loop, &l->pause);
    loop_remove(l->loop, &l->fd);
    (void)loop_os(l->loop)->close(l->fd.fd);
    l->loop = NULL;
}
