/* http_load: how many requests a second a server answers over HTTP keep-alive.
 *
 * One thread, one epoll, N connections; each sends eth_blockNumber, waits for the whole answer, and sends the next.
 * Prints one line of JSON: requests a second, p50, p99 and max in µs, the server's and our own processor time for a
 * request, and faults: answers that are no JSON-RPC result, and connections lost. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/kit.h"

#define BODY "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\",\"params\":[]}"
#define REQUEST                                                                                                        \
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 63\r\n\r\n" BODY
_Static_assert(sizeof BODY - 1 == 63, "the header says so");

enum { SAMPLES_MAX = 8 << 20, IN_LEN = 4096 };

struct client {
    int fd;
    uint64_t asked_ns;
    size_t len;
    char in[IN_LEN];
};

static uint64_t answered, faults;
static uint32_t *samples_ns;

static void ask(struct client *c)
{
    c->len = 0;
    c->asked_ns = clock_monotonic_ns();
    if (send(c->fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != (ssize_t)sizeof REQUEST - 1) faults++;
}

static void serve(struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - 1 - c->len, 0);
    const char *head_end, *length;

    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("the server closed a connection");
    c->len += (size_t)n;
    c->in[c->len] = 0;
    head_end = strstr(c->in, "\r\n\r\n");
    if (!head_end) return;
    length = strcasestr(c->in, "content-length:");
    if (!length) die("an answer without Content-Length");
    if (c->len < (size_t)(head_end + 4 - c->in) + strtoul(length + 15, NULL, 10)) return;
    if (!strstr(head_end, "\"result\":\"0x")) faults++;
    if (answered < SAMPLES_MAX) samples_ns[answered] = (uint32_t)(clock_monotonic_ns() - c->asked_ns);
    answered++;
    ask(c);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {LOAD_OPTIONS, {NULL, 0, NULL, 0}};
    struct load_options o = {.connections = 64, .milliseconds = 1000};
    uint64_t begin_ns, elapsed_ns, cpu_ns, own_ns, kept;
    struct client *clients;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (!load_option(&o, option, optarg))
            die("usage: http_load --port N [--connections N] [--milliseconds N] [--pid N]");
    }
    raise_open_files();
    clients = calloc(o.connections, sizeof *clients);
    samples_ns = calloc(SAMPLES_MAX, sizeof *samples_ns);
    if (!clients || !samples_ns || epoll < 0) die("out of memory");
    for (uint64_t i = 0; i < o.connections; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &clients[i]};

        clients[i].fd = connect_to(o.port, 0);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &e)) die("epoll_ctl: %s", strerror(errno));
    }
    cpu_ns = process_cpu_ns(o.pid);
    own_ns = process_cpu_ns(getpid());
    begin_ns = clock_monotonic_ns();
    for (uint64_t i = 0; i < o.connections; i++) ask(&clients[i]);
    do {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, 1000);

        if (n == 0) die("no answer in a second");
        for (int i = 0; i < n; i++) serve(events[i].data.ptr);
        elapsed_ns = clock_monotonic_ns() - begin_ns;
    } while (elapsed_ns < o.milliseconds * 1000000);
    cpu_ns = process_cpu_ns(o.pid) - cpu_ns;
    own_ns = process_cpu_ns(getpid()) - own_ns;
    kept = answered < SAMPLES_MAX ? answered : SAMPLES_MAX;
    if (!kept) die("nothing was answered");
    qsort(samples_ns, kept, sizeof *samples_ns, by_u32);
    (void)printf("{\"connections\":%" PRIu64 ",\"requests\":%" PRIu64 ",\"per_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
                 "\"max_us\":%.1f,\"cpu_us\":%.3f,\"load_cpu_us\":%.3f,\"faults\":%" PRIu64 "}\n",
                 o.connections, answered, (double)answered * 1e9 / (double)elapsed_ns, samples_ns[kept / 2] / 1e3,
                 samples_ns[kept * 99 / 100] / 1e3, samples_ns[kept - 1] / 1e3, (double)cpu_ns / 1e3 / (double)answered,
                 (double)own_ns / 1e3 / (double)answered, faults);
    return faults ? 1 : 0;
}
