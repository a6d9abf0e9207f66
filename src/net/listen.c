#include "net/listen.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/os.h"

enum { BACKLOG = 4096, ACCEPTS_PER_TURN = 64, PAUSE_MS = 50, HOST_LEN_MAX = 255 };

/* A host as it is given, without the brackets of an IPv6 address in a URL. */
static bool host_read(const char *host, char out[HOST_LEN_MAX + 1])
{
    size_t len = host ? strlen(host) : 0;

    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len > HOST_LEN_MAX) return false;
    if (len) memcpy(out, host, len);
    out[len] = '\0';
    return true;
}

static void where_write(const struct listen_options *o, const char *host, char *out, size_t out_len)
{
    const char *shown = *host ? host : "0.0.0.0";

    (void)snprintf(out, out_len, strchr(shown, ':') ? "[%s]:%u" : "%s:%u", shown, (unsigned)o->port);
}

/* errno in words, in the lower case of a sentence's middle. */
static enum fan_status fail(struct fan_error *err, const char *where, int number)
{
    char words[128];
    const char *text = strerror_r(number, words, sizeof words);
    enum fan_status s = number == EADDRINUSE ? FAN_EEXIST : number == EADDRNOTAVAIL ? FAN_EINVAL : FAN_ESYSTEM;

    return fan_error_set(err, s, "%s: %c%s", where, tolower((unsigned char)text[0]), text + 1);
}

static int set(const struct os *os, int fd, int level, int name, int value)
{
    return os->setsockopt(os->ctx, fd, level, name, &value, sizeof value);
}

/* A socket bound to the address and listening, or -1 and errno. `shared`: SO_REUSEPORT from the beginning, else only
 * once it listens. */
static int open_one(const struct os *os, const struct sockaddr *address, socklen_t len, bool shared, int backlog)
{
    int fd = os->socket(os->ctx, address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), number;

    if (fd < 0) return -1;
    if (set(os, fd, SOL_SOCKET, SO_REUSEADDR, 1)) goto fail;
    if (address->sa_family == AF_INET6 && set(os, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) goto fail;
    if (shared && set(os, fd, SOL_SOCKET, SO_REUSEPORT, 1)) goto fail;
    if (os->bind(os->ctx, fd, address, len) || os->listen(os->ctx, fd, backlog)) goto fail;
    if (!shared && set(os, fd, SOL_SOCKET, SO_REUSEPORT, 1)) goto fail;
    return fd;
fail:
    number = errno;
    os->close(os->ctx, fd);
    errno = number;
    return -1;
}

static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)(void *)address)->sin6_port
                                          : &((struct sockaddr_in *)(void *)address)->sin_port;
}

static enum fan_status resolve(const struct listen_options *o, const char *host, const char *where,
                               struct sockaddr_storage *out, socklen_t *out_len, struct fan_error *err)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE, .ai_family = *host ? AF_UNSPEC : AF_INET};
    struct addrinfo *found;
    int number = getaddrinfo(*host ? host : NULL, "0", &hints, &found);

    if (number == EAI_SYSTEM) return fail(err, where, errno);
    if (number) return fan_error_set(err, FAN_EINVAL, "%s: %s", where, gai_strerror(number));
    *out = (struct sockaddr_storage){0};
    /* A name may be ::1 and 127.0.0.1 at once; clients try the second far more often. */
    for (struct addrinfo *a = found; a; a = a->ai_next) {
        if (out->ss_family && a->ai_family != AF_INET) continue;
        memcpy(out, a->ai_addr, a->ai_addrlen);
        *out_len = a->ai_addrlen;
        if (a->ai_family == AF_INET) break;
    }
    freeaddrinfo(found);
    *port_of(out) = htons(o->port);
    return FAN_OK;
}

/* Their numbers may be another file's the next moment: nobody must find them here. */
static void close_all(const struct os *os, int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        os->close(os->ctx, fds[i]);
        fds[i] = -1;
    }
}

enum fan_status listen_open(const struct listen_options *options, size_t count, int *fds, uint16_t *out_port,
                            struct fan_error *err)
{
    const struct os *os = options->os ? options->os : &OS_REAL;
    int backlog = options->backlog ? options->backlog : BACKLOG, number;
    struct sockaddr_storage address, bound = {0};
    socklen_t len = 0, bound_len = sizeof bound;
    char host[HOST_LEN_MAX + 1], where[HOST_LEN_MAX + 16];
    enum fan_status s;

    assert(count > 0);
    if (!host_read(options->host, host)) return fan_error_set(err, FAN_EINVAL, "host name too long");
    where_write(options, host, where, sizeof where);
    s = resolve(options, host, where, &address, &len, err);
    if (s) return s;
    for (size_t i = 0; i < count; i++) {
        fds[i] = open_one(os, (const struct sockaddr *)&address, len, i > 0 || options->takeover, backlog);
        if (fds[i] >= 0 && i == 0) {
            if (os->getsockname(os->ctx, fds[0], (struct sockaddr *)&bound, &bound_len)) {
                number = errno;
                close_all(os, fds, 1);
                return fail(err, where, number);
            }
            *port_of(&address) = *port_of(&bound);
        }
        if (fds[i] >= 0) continue;
        number = errno;
        close_all(os, fds, i);
        return fail(err, where, number);
    }
    if (out_port) *out_port = ntohs(*port_of(&bound));
    return FAN_OK;
}

/* ---- accepting ---- */

static void resume(struct loop_timer *t)
{
    struct listener *s = CONTAINER_OF(t, struct listener, pause);

    loop_fd_change(s->loop, &s->watch, EPOLLIN);
}

static void ready(struct loop_fd *w, uint32_t events)
{
    struct listener *s = CONTAINER_OF(w, struct listener, watch);
    const struct os *os = loop_os(s->loop);

    (void)events;
    /* A bounded share of a turn: those who are connected already come first. accepted() may stop the listener. */
    for (int i = 0; i < ACCEPTS_PER_TURN && s->watch.fd >= 0; i++) {
        int fd = os->accept4(os->ctx, w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            s->accepted(s->ctx, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            s->pauses++;
            loop_fd_change(s->loop, w, 0);
            loop_timer_arm(s->loop, &s->pause, loop_now_ms(s->loop) + PAUSE_MS);
            return;
        } else if (errno == EAGAIN) {
            return;
        } /* else that one connection failed before we had it (ECONNABORTED and kin): the next */
    }
}

enum fan_status listener_start(struct listener *s, struct loop *l, int fd, void (*accepted)(void *ctx, int fd),
                               void *ctx)
{
    enum fan_status status;

    *s = (struct listener){
        .watch = {.ready = ready, .fd = fd}, .pause = {.fire = resume}, .loop = l, .accepted = accepted, .ctx = ctx};
    status = loop_fd_add(l, &s->watch, EPOLLIN);
    if (status) s->loop = NULL;
    return status;
}

void listener_drain(struct listener *s)
{
    const struct os *os;

    if (!s->loop) return;
    os = loop_os(s->loop);
    for (int i = 0; i < BACKLOG; i++) {
        int fd = os->accept4(os->ctx, s->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0 && errno != ECONNABORTED && errno != EINTR) break;
        if (fd >= 0) s->accepted(s->ctx, fd);
    }
    listener_stop(s);
}

void listener_stop(struct listener *s)
{
    const struct os *os;

    if (!s->loop) return;
    os = loop_os(s->loop);
    loop_timer_cancel(s->loop, &s->pause);
    loop_fd_remove(s->loop, &s->watch);
    os->close(os->ctx, s->watch.fd);
    s->watch.fd = -1;
    s->loop = NULL;
}
