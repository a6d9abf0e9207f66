/* constant_http: the ceiling of eth_blockNumber over HTTP.
 *
 * As many threads as our server has workers, each with an epoll and a listener of its own (SO_REUSEPORT). It looks for
 * the blank line that ends a request's head, and answers the same bytes each time; it parses nothing, so a body must
 * hold no blank line, which JSON-RPC from the load generator does not. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/kit.h"

/* Byte for byte as long as our server's. */
#define ANSWER                                                                                                         \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 39\r\n"                                      \
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x0\"}"

struct client {
    int fd;
    unsigned matched; /* bytes of the blank line seen so far */
};

struct server {
    int epoll, listener;
};

/* How many heads end in these bytes. */
static size_t heads_in(struct client *c, const char *at, size_t len)
{
    static const char blank[] = "\r\n\r\n";
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        if (at[i] == blank[c->matched])
            c->matched++;
        else
            c->matched = at[i] == '\r';
        if (c->matched == 4) {
            count++;
            c->matched = 0;
        }
    }
    return count;
}

static void serve(struct client *c)
{
    char in[16384];
    ssize_t n = recv(c->fd, in, sizeof in, 0);

    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        (void)close(c->fd);
        free(c);
        return;
    }
    for (size_t count = heads_in(c, in, (size_t)n); count > 0; count--)
        if (send(c->fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0) return; /* its end of file comes */
}

static void accept_all(struct server *s)
{
    for (int fd; (fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct client *c = calloc(1, sizeof *c);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        const int on = 1;

        if (!c) die("out of memory");
        c->fd = fd;
        (void)setsockopt(fd, 6, 1, &on, sizeof on); /* IPPROTO_TCP, TCP_NODELAY */
        if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl: %s", strerror(errno));
    }
}

static void *run(void *arg)
{
    struct server *s = arg;

    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(s->epoll, events, 256, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                serve(events[i].data.ptr);
            else
                accept_all(s);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'}, {"threads", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
    uint16_t port = 0;
    size_t threads = 1;

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'p')
            port = (uint16_t)option_number("--port", optarg, UINT16_MAX);
        else if (o == 't')
            threads = option_number("--threads", optarg, 256);
        else
            die("usage: constant_http --port N --threads N");
    }
    raise_open_files();
    for (size_t i = 0; i < threads; i++) {
        struct server *s = calloc(1, sizeof *s);
        struct epoll_event e = {.events = EPOLLIN};
        pthread_t thread;

        if (!s) die("out of memory");
        s->listener = listen_on(port, 1, &port);
        s->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &e)) die("epoll: %s", strerror(errno));
        if (pthread_create(&thread, NULL, run, s)) die("no thread");
    }
    (void)printf("constant_http: 127.0.0.1:%u, %zu threads\n", port, threads);
    (void)fflush(stdout);
    for (;;) (void)pause();
}
