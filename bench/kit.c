#include "bench/kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}

void raise_open_files(void)
{
    struct rlimit limit = {65536, 65536};

    /* Only root may raise the hard limit; everyone may reach it. */
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void set_option(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof value)) die("setsockopt: %s", strerror(errno));
}

int listen_on(uint16_t port, int reuse, uint16_t *out_port)
{
    struct sockaddr_in address = loopback(port);
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) die("socket: %s", strerror(errno));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (reuse) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &len))
        die("port %u: %s", port, strerror(errno));
    *out_port = ntohs(address.sin_port);
    return fd;
}

int connect_to(uint16_t port, int receive_bytes)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) die("socket: %s", strerror(errno));
    if (receive_bytes) set_option(fd, SOL_SOCKET, SO_RCVBUF, receive_bytes);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect to %u: %s", port, strerror(errno));
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (fcntl(fd, F_SETFL, O_NONBLOCK)) die("fcntl: %s", strerror(errno));
    return fd;
}

/* The first number behind a word, in or after a line that begins so, in a file of /proc; 0 when it is not there. */
static uint64_t read_number(const char *path, const char *line, const char *behind)
{
    char text[4096];
    FILE *f = fopen(path, "re");
    size_t len;
    const char *at;

    if (!f) return 0;
    len = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[len] = 0;
    at = strstr(text, line);
    at = at ? strstr(at, behind) : NULL;
    return at ? strtoull(at + strlen(behind), NULL, 10) : 0;
}

uint64_t process_cpu_ns(int pid)
{
    struct timespec t;
    clockid_t clock;

    if (!pid) return 0;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t)) die("process %d is gone", pid);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t process_resident(int pid)
{
    char path[64];

    if (!pid) return 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    return read_number(path, "VmRSS", ":") * 1024;
}

uint64_t kernel_tcp_bytes(void)
{
    /* TCP: inuse 5 orphan 0 tw 12 alloc 7 mem 1 */
    return read_number("/proc/net/sockstat", "TCP", " mem ") * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t option_number(const char *name, const char *text, uint64_t max)
{
    char *end;
    uint64_t value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno || *end || end == text || text[0] == '-' || value > max)
        die("%s: %s is no number up to %" PRIu64, name, text, max);
    return value;
}

bool load_option(struct load_options *to, int option, const char *text)
{
    switch (option) {
    case 'p':
        to->port = (uint16_t)option_number("--port", text, UINT16_MAX);
        return true;
    case 'c':
        to->connections = option_number("--connections", text, 60000);
        return true;
    case 'm':
        to->milliseconds = option_number("--milliseconds", text, 600000);
        return true;
    case 'i':
        to->pid = (int)option_number("--pid", text, INT32_MAX);
        return true;
    default:
        return false;
    }
}

int by_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}
