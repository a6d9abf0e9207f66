/* call_load: how many JSON-RPC requests a second a server answers, for requests that a file gives.
 *
 * One thread, one epoll, N connections over HTTP keep-alive. The file has a body on each line. With --repeat the lines
 * go round until the time is up; without it connection k of N sends lines k, k + N, k + 2N …, each once, and the run
 * ends with the last answer, so that a sender's transactions stay in order when its lines lie N apart. Prints one line
 * of JSON like http_load's; a fault is an answer with "error" in it. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/kit.h"

enum { SAMPLES_MAX = 8 << 20, IN_FIRST = 1 << 16 };

struct line {
    const char *at;
    size_t len;
};

struct client {
    int fd;
    uint64_t asked_ns;
    size_t next, len, cap;
    char *in;
    char *out;
    size_t out_cap;
};

static struct line *lines;
static size_t line_count, client_count, left; /* left: clients that have more to send, or wait */
static bool repeat;
static uint64_t answered, faults;
static char first_fault[300];
static uint32_t *samples_ns;

static void read_lines(const char *path)
{
    struct stat about;
    FILE *f = fopen(path, "rb");
    char *text;
    size_t cap = 0;

    if (!f || fstat(fileno(f), &about)) die("%s: %s", path, strerror(errno));
    text = malloc((size_t)about.st_size + 1);
    if (!text || fread(text, 1, (size_t)about.st_size, f) != (size_t)about.st_size) die("%s: cannot be read", path);
    (void)fclose(f);
    text[about.st_size] = 0;
    for (char *at = text, *end; *at; at = end + 1) {
        end = strchr(at, '\n');
        if (!end) die("%s: the last line has no end", path);
        if (line_count == cap) {
            cap = cap ? cap * 2 : 1024;
            lines = realloc(lines, cap * sizeof *lines);
            if (!lines) die("out of memory");
        }
        lines[line_count++] = (struct line){at, (size_t)(end - at)};
    }
    if (!line_count) die("%s: no lines", path);
}

/* False when it has nothing more to send. */
static bool ask(struct client *c)
{
    size_t head, whole, sent = 0;

    if (c->next >= line_count) {
        if (!repeat) return false;
        c->next %= line_count;
    }
    whole = lines[c->next].len + 200;
    if (whole > c->out_cap) {
        c->out = realloc(c->out, whole);
        c->out_cap = whole;
        if (!c->out) die("out of memory");
    }
    head = (size_t)snprintf(
        c->out, c->out_cap,
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        lines[c->next].len);
    memcpy(c->out + head, lines[c->next].at, lines[c->next].len);
    whole = head + lines[c->next].len;
    c->next += client_count;
    c->len = 0;
    c->asked_ns = clock_monotonic_ns();
    while (sent < whole) {
        ssize_t n = send(c->fd, c->out + sent, whole - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) continue; /* requests are small: it passes */
        if (n < 0) die("send: %s", strerror(errno));
        sent += (size_t)n;
    }
    return true;
}

static bool whole_answer(const struct client *c, const char **out_body)
{
    const char *head_end = strstr(c->in, "\r\n\r\n"), *length, *chunked;

    if (!head_end) return false;
    *out_body = head_end + 4;
    length = strcasestr(c->in, "content-length:");
    if (length && length < head_end) return c->len >= (size_t)(head_end + 4 - c->in) + strtoul(length + 15, NULL, 10);
    chunked = strcasestr(c->in, "transfer-encoding: chunked");
    if (!chunked || chunked > head_end) die("an answer without a length");
    return c->len >= 5 && strcmp(c->in + c->len - 5, "0\r\n\r\n") == 0;
}

static void serve(struct client *c)
{
    ssize_t n;
    const char *body;

    if (c->len + IN_FIRST > c->cap) {
        c->cap = c->cap ? c->cap * 2 : 2 * IN_FIRST;
        c->in = realloc(c->in, c->cap);
        if (!c->in) die("out of memory");
    }
    n = recv(c->fd, c->in + c->len, c->cap - c->len - 1, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("the server closed a connection");
    c->len += (size_t)n;
    c->in[c->len] = 0;
    if (!whole_answer(c, &body)) return;
    if (strstr(body, "\"error\"")) {
        if (!faults++) (void)snprintf(first_fault, sizeof first_fault, "%s", body);
    }
    if (answered < SAMPLES_MAX) samples_ns[answered] = (uint32_t)(clock_monotonic_ns() - c->asked_ns);
    answered++;
    if (!ask(c)) left--;
}

static void report(uint64_t elapsed_ns, uint64_t cpu_ns)
{
    uint64_t kept = answered < SAMPLES_MAX ? answered : SAMPLES_MAX;

    if (!kept) die("nothing was answered");
    qsort(samples_ns, kept, sizeof *samples_ns, by_u32);
    (void)printf("{\"connections\":%zu,\"requests\":%" PRIu64 ",\"per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
                 "\"max_us\":%.1f,\"cpu_us\":%.3f,\"faults\":%" PRIu64 "}\n",
                 client_count, answered, (double)answered * 1e9 / (double)elapsed_ns, samples_ns[kept / 2] / 1e3,
                 samples_ns[kept * 99 / 100] / 1e3, samples_ns[kept - 1] / 1e3, (double)cpu_ns / 1e3 / (double)answered,
                 faults);
    if (faults) (void)fprintf(stderr, "first fault: %s\n", first_fault);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        LOAD_OPTIONS, {"lines", required_argument, NULL, 'l'}, {"repeat", no_argument, NULL, 'r'}, {NULL, 0, NULL, 0}};
    struct load_options o = {.connections = 1, .milliseconds = 1000};
    uint64_t begin_ns, cpu_ns, elapsed_ns;
    const char *path = NULL;
    struct client *clients;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (load_option(&o, option, optarg)) continue;
        if (option == 'l')
            path = optarg;
        else if (option == 'r')
            repeat = true;
        else
            die("usage: call_load --port N --lines FILE [--repeat --milliseconds N] [--connections N] [--pid N]");
    }
    if (!path) die("--lines FILE is missing");
    read_lines(path);
    raise_open_files();
    client_count = o.connections;
    clients = calloc(o.connections, sizeof *clients);
    samples_ns = calloc(SAMPLES_MAX, sizeof *samples_ns);
    if (!clients || !samples_ns || epoll < 0) die("out of memory");
    for (uint64_t i = 0; i < o.connections; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &clients[i]};

        clients[i].next = i;
        clients[i].fd = connect_to(o.port, 0);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &e)) die("epoll_ctl: %s", strerror(errno));
    }
    cpu_ns = o.pid ? process_cpu_ns(o.pid) : 0;
    begin_ns = clock_monotonic_ns();
    for (uint64_t i = 0; i < o.connections; i++) left += ask(&clients[i]) ? 1 : 0;
    do {
        struct epoll_event events[256];
        int n = epoll_wait(epoll, events, 256, 60000);

        if (n == 0) die("no answer in a minute");
        for (int i = 0; i < n; i++) serve(events[i].data.ptr);
        elapsed_ns = clock_monotonic_ns() - begin_ns;
    } while (repeat ? elapsed_ns < o.milliseconds * 1000000 : left > 0);
    report(elapsed_ns, o.pid ? process_cpu_ns(o.pid) - cpu_ns : 0);
    return faults ? 1 : 0;
}
