#include "net/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"

struct stream_tls {
    SSL_CTX *ctx;
};

struct stream {
    int fd, halt_fd;
    SSL *ssl; /* NULL: plain */
};

/* OpenSSL's newest complaint; its queue is empty afterwards. */
static const char *ssl_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason ? reason : "the other side broke off";
}

enum fan_status stream_tls_new(struct stream_tls **out, struct fan_error *err)
{
    struct stream_tls *t = calloc(1, sizeof *t);

    if (!t) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    t->ctx = SSL_CTX_new(TLS_client_method());
    if (!t->ctx || !SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) ||
        !SSL_CTX_set_default_verify_paths(t->ctx)) {
        (void)fan_error_set(err, FAN_ESYSTEM, "TLS: %s", ssl_reason());
        stream_tls_free(t);
        return FAN_ESYSTEM;
    }
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    *out = t;
    return FAN_OK;
}

void stream_tls_free(struct stream_tls *t)
{
    if (!t) return;
    SSL_CTX_free(t->ctx);
    free(t);
}

/* ---- waiting ---- */

static enum fan_status wait_for(int fd, int halt_fd, short events, uint64_t deadline_ms, struct fan_error *err)
{
    for (;;) {
        struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = halt_fd, .events = POLLIN}};
        uint64_t now = clock_monotonic_ms();
        int n;

        if (now >= deadline_ms) return fan_error_set(err, FAN_ETIMEOUT, "timed out");
        n = poll(p, 2, (int)min_u64(deadline_ms - now, 60000)); /* a negative fd is skipped */
        if (n < 0 && errno != EINTR) return fan_error_set(err, FAN_ESYSTEM, "poll: %s", strerror(errno));
        if (n > 0 && p[1].revents) return fan_error_set(err, FAN_ECLOSED, "the node is stopping");
        if (n > 0 && p[0].revents) return FAN_OK;
    }
}

/* Waits for what OpenSSL wants before it can go on; else its failure. */
static enum fan_status wait_for_ssl(const struct stream *s, int result, uint64_t deadline_ms, struct fan_error *err)
{
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(s->fd, s->halt_fd, POLLIN, deadline_ms, err);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(s->fd, s->halt_fd, POLLOUT, deadline_ms, err);
    case SSL_ERROR_SYSCALL:
        if (errno) return fan_error_set(err, FAN_EIO, "TLS: %s", strerror(errno));
        return fan_error_set(err, FAN_EIO, "TLS: the other side broke off");
    default:
        return fan_error_set(err, FAN_EIO, "TLS: %s", ssl_reason());
    }
}

/* ---- opening ---- */

static bool is_ip(const char *host)
{
    uint8_t address[16];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static enum fan_status shake_hands(struct stream *s, const char *host, uint64_t deadline_ms, struct fan_error *err)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
    bool named = is_ip(host) ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
                             : SSL_set1_host(s->ssl, host) && SSL_set_tlsext_host_name(s->ssl, host);

    if (!named || !SSL_set_fd(s->ssl, s->fd)) return fan_error_set(err, FAN_ESYSTEM, "TLS: %s", ssl_reason());
    for (;;) {
        int result;
        long verdict;
        enum fan_status status;

        ERR_clear_error();
        errno = 0;
        result = SSL_connect(s->ssl);
        if (result == 1) return FAN_OK;
        verdict = SSL_get_verify_result(s->ssl);
        if (verdict != X509_V_OK) {
            ERR_clear_error();
            return fan_error_set(err, FAN_EREJECTED, "TLS: the certificate was refused: %s",
                                 X509_verify_cert_error_string(verdict));
        }
        status = wait_for_ssl(s, result, deadline_ms, err);
        if (status) return status;
    }
}

static enum fan_status connect_to(const struct addrinfo *at, uint64_t deadline_ms, int halt_fd, int *out_fd,
                                  bool *out_refused, struct fan_error *err)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, failed = 0;
    socklen_t len = sizeof failed;
    enum fan_status s = FAN_OK;

    if (fd < 0) return fan_error_set(err, FAN_ESYSTEM, "socket: %s", strerror(errno));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
        failed = errno;
        if (failed == EINPROGRESS) {
            s = wait_for(fd, halt_fd, POLLOUT, deadline_ms, err);
            if (!s && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0) failed = errno;
        }
    }
    if (!s && failed) {
        *out_refused = failed == ECONNREFUSED;
        s = fan_error_set(err, FAN_EIO, "%s", strerror(failed));
    }
    if (s)
        (void)close(fd);
    else
        *out_fd = fd;
    return s;
}

/* One name may have several addresses, some of them of a network we are not in. */
static enum fan_status connect_any(const char *host, uint16_t port, uint64_t deadline_ms, int halt_fd, int *out_fd,
                                   bool *out_refused, struct fan_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    char service[8];
    int failed;
    enum fan_status s = FAN_EIO;

    (void)snprintf(service, sizeof service, "%u", port);
    failed = getaddrinfo(host, service, &hints, &found);
    if (failed == EAI_ADDRFAMILY || failed == EAI_NONAME) { /* loopback alone has addresses: ask without the hint */
        hints.ai_flags = 0;
        failed = getaddrinfo(host, service, &hints, &found);
    }
    if (failed) {
        *out_refused = failed == EAI_NONAME;
        return fan_error_set(err, FAN_EIO, "the name %s cannot be resolved: %s", host, gai_strerror(failed));
    }
    for (const struct addrinfo *at = found; at && s && s != FAN_ECLOSED; at = at->ai_next)
        s = connect_to(at, deadline_ms, halt_fd, out_fd, out_refused, err);
    freeaddrinfo(found);
    return s;
}

enum fan_status stream_open(const char *host, uint16_t port, struct stream_tls *tls, uint64_t deadline_ms, int halt_fd,
                            struct stream **out, bool *out_refused, struct fan_error *err)
{
    struct stream *s = calloc(1, sizeof *s);
    enum fan_status status;

    *out_refused = false;
    if (!s) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    s->halt_fd = halt_fd;
    s->fd = -1;
    status = connect_any(host, port, deadline_ms, halt_fd, &s->fd, out_refused, err);
    if (!status && tls) {
        s->ssl = SSL_new(tls->ctx);
        status = s->ssl ? shake_hands(s, host, deadline_ms, err) : fan_error_set(err, FAN_ENOMEM, "out of memory");
    }
    if (status)
        stream_close(s);
    else
        *out = s;
    return status;
}

void stream_close(struct stream *s)
{
    if (!s) return;
    if (s->ssl) {
        if (SSL_is_init_finished(s->ssl)) (void)SSL_shutdown(s->ssl); /* says goodbye if there is room, does not wait */
        ERR_clear_error();
        SSL_free(s->ssl);
    }
    if (s->fd >= 0) (void)close(s->fd);
    free(s);
}

/* ---- bytes ---- */

enum fan_status stream_send(struct stream *s, struct slice bytes, uint64_t deadline_ms, struct fan_error *err)
{
    while (bytes.len) {
        enum fan_status status;
        size_t sent = 0;

        if (s->ssl) {
            int result;

            ERR_clear_error();
            errno = 0;
            result = SSL_write_ex(s->ssl, bytes.at, bytes.len, &sent);
            status = result == 1 ? FAN_OK : wait_for_ssl(s, result, deadline_ms, err);
        } else {
            ssize_t n = send(s->fd, bytes.at, bytes.len, MSG_NOSIGNAL);

            status = FAN_OK;
            if (n >= 0)
                sent = (size_t)n;
            else if (errno == EAGAIN)
                status = wait_for(s->fd, s->halt_fd, POLLOUT, deadline_ms, err);
            else if (errno != EINTR)
                status = fan_error_set(err, FAN_EIO, "%s", strerror(errno));
        }
        if (status) return status;
        bytes = slice_from(bytes, sent);
    }
    return FAN_OK;
}

enum fan_status stream_receive(struct stream *s, uint8_t *into, size_t max, uint64_t deadline_ms, size_t *out_got,
                               struct fan_error *err)
{
    for (;;) {
        enum fan_status status = FAN_OK;

        if (s->ssl) {
            int result;

            ERR_clear_error();
            errno = 0;
            result = SSL_read_ex(s->ssl, into, max, out_got);
            if (result == 1) return FAN_OK;
            if (SSL_get_error(s->ssl, result) == SSL_ERROR_ZERO_RETURN) {
                *out_got = 0;
                return FAN_OK;
            }
            status = wait_for_ssl(s, result, deadline_ms, err);
        } else {
            ssize_t n = recv(s->fd, into, max, 0);

            if (n >= 0) {
                *out_got = (size_t)n;
                return FAN_OK;
            }
            if (errno == EAGAIN)
                status = wait_for(s->fd, s->halt_fd, POLLIN, deadline_ms, err);
            else if (errno != EINTR)
                status = fan_error_set(err, FAN_EIO, "%s", strerror(errno));
        }
        if (status) return status;
    }
}

bool stream_is_stale(const struct stream *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN | POLLRDHUP};

    return poll(&p, 1, 0) != 0;
}
