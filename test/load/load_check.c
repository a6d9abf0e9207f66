/* load_check: thousands of WebSocket clients in one process, which read every byte they are sent and believe nothing.
 *
 *   load_check PORT LIVE STALLED [ADDRESS]
 *
 * Every client subscribes to newHeads and to logs (of ADDRESS); live and stalled ones take turns in connecting, so that
 * they lie side by side in the server. The stalled ones never read again, until told.
 *
 * What is checked. The first client that gets the nth notification defines what the nth is, and it must follow from
 * those before: a header is the child of the last header, a log belongs to the last header's block and its logIndex is
 * the next. Every other client's nth notification must be the same, byte for byte, but for the id, which must be its
 * own. So a hole, a duplicate or a disorder at any client ends the program with a line that says WRONG and code 1.
 *
 * Commands come on standard input, one a line, each answered by a line:
 *   wait N    every live client has N notifications
 *   read      every other stalled client reads on: whole frames, 1013 "slow consumer", the end  → told COUNT FEWEST
 * MOST reset     the remaining stalled clients, which do not read, have been reset                 → reset COUNT end
 * the counts                                                   → NOTIFICATIONS BYTES HEADERS LOGS Linux; one thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ID_LEN = 34, HASH_LEN = 66, EVENTS_MAX = 1 << 20, READ_LEN = 1 << 18, FRAME_MAX = 1 << 20 };
enum kind { HEADS, LOGS, KIND_COUNT };
enum state { LIVE, STALLED, RESUMED, TOLD, RESET };

struct client {
    int fd;
    enum state state;
    bool closing; /* the close frame has come */
    size_t count; /* notifications so far */
    char id[KIND_COUNT][ID_LEN];
    uint8_t *carry; /* the beginning of a frame whose end has not come */
    size_t carry_len;
};

struct event {
    enum kind kind;
    char *tail; /* what stands behind the id */
    size_t len;
};

static const char HEAD[] = "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"";
enum { HEAD_LEN = sizeof HEAD - 1 };

static struct client *clients;
static size_t client_count, event_count, reached; /* reached: live clients that have all of `wanted` */
static size_t wanted, live_count;
static struct event events[EVENTS_MAX];
static uint64_t notification_count, byte_count, kind_count[KIND_COUNT];
static char last_hash[HASH_LEN];
static uint64_t last_number, next_log;
static bool any_head;
static int poller;

_Noreturn __attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)printf("WRONG ");
    (void)vprintf(format, args);
    (void)printf("\n");
    (void)fflush(stdout);
    va_end(args);
    exit(1);
}

/* ---- what follows from what ---- */

/* The text behind `name` in a notification's tail. */
static const char *field(const char *tail, size_t len, const char *name)
{
    const char *at = memmem(tail, len, name, strlen(name));

    if (!at) wrong("no %s in %.*s", name, (int)len, tail);
    return at + strlen(name);
}

static void follows(const struct event *e)
{
    if (e->kind == HEADS) {
        uint64_t number = strtoull(field(e->tail, e->len, "\"number\":\"0x"), NULL, 16);

        if (any_head && number != last_number + 1) wrong("header %" PRIu64 " after %" PRIu64, number, last_number);
        if (any_head && memcmp(field(e->tail, e->len, "\"parentHash\":\""), last_hash, HASH_LEN) != 0)
            wrong("header %" PRIu64 " is not a child of the one before", number);
        memcpy(last_hash, field(e->tail, e->len, "\"hash\":\""), HASH_LEN);
        last_number = number;
        next_log = 0;
        any_head = true;
    } else {
        uint64_t index = strtoull(field(e->tail, e->len, "\"logIndex\":\"0x"), NULL, 16);

        if (!any_head || memcmp(field(e->tail, e->len, "\"blockHash\":\""), last_hash, HASH_LEN) != 0)
            wrong("a log before its header");
        if (index != next_log)
            wrong("log %" PRIu64 " of block %" PRIu64 ", expected %" PRIu64, index, last_number, next_log);
        next_log++;
    }
}

static void notified(struct client *c, const char *text, size_t len)
{
    const char *tail = text + HEAD_LEN + ID_LEN;
    size_t tail_len = len - HEAD_LEN - ID_LEN;
    struct event *e = &events[c->count];
    enum kind kind;

    if (len < HEAD_LEN + ID_LEN || memcmp(text, HEAD, HEAD_LEN) != 0)
        wrong("not a notification: %.*s", (int)(len < 200 ? len : 200), text);
    kind = memcmp(text + HEAD_LEN, c->id[HEADS], ID_LEN) == 0 ? HEADS : LOGS;
    if (memcmp(text + HEAD_LEN, c->id[kind], ID_LEN) != 0) wrong("somebody else's id: %.*s", (int)len, text);
    if (c->count == EVENTS_MAX) wrong("more than %d notifications", EVENTS_MAX);
    if (c->count == event_count) {
        *e = (struct event){.kind = kind, .tail = malloc(tail_len + 1), .len = tail_len};
        if (!e->tail) wrong("out of memory");
        memcpy(e->tail, tail, tail_len);
        e->tail[tail_len] = '\0';
        follows(e);
        event_count++;
    } else if (kind != e->kind || tail_len != e->len || memcmp(tail, e->tail, tail_len) != 0) {
        wrong("notification %zu of client %td differs: %.*s\nothers had: %s", c->count, c - clients, (int)tail_len,
              tail, e->tail);
    }
    c->count++;
    notification_count++;
    kind_count[kind]++;
    if (c->state == LIVE && c->count == wanted) reached++;
    if (c->state == RESUMED && c->count >= wanted) wrong("a stalled client read on and had not been closed");
}

/* ---- frames ---- */

static void send_pong(const struct client *c, const uint8_t *payload, size_t len)
{
    uint8_t out[2 + 4 + 125] = {0x8a, (uint8_t)(0x80 | len)}; /* the mask is zero */

    memcpy(out + 6, payload, len);
    if (send(c->fd, out, 6 + len, MSG_NOSIGNAL) != (ssize_t)(6 + len)) wrong("a pong did not fit");
}

static void frame(struct client *c, uint8_t first, const uint8_t *payload, size_t len)
{
    if (c->closing) wrong("something behind the close frame");
    switch (first) {
    case 0x81:
        notified(c, (const char *)payload, len);
        break;
    case 0x89:
        send_pong(c, payload, len);
        break;
    case 0x88:
        if (c->state != RESUMED) wrong("a live client was closed");
        if (len < 2 || (payload[0] << 8 | payload[1]) != 1013 || len != 15 ||
            memcmp(payload + 2, "slow consumer", 13) != 0)
            wrong("closed with %d %.*s", len < 2 ? 1005 : payload[0] << 8 | payload[1], (int)(len < 2 ? 0 : len - 2),
                  payload + 2);
        c->closing = true;
        break;
    default:
        wrong("a frame that begins with %02x", first);
    }
}

/* Takes the whole frames; returns how many bytes they were. */
static size_t take_frames(struct client *c, const uint8_t *at, size_t len)
{
    size_t taken = 0;

    while (len - taken >= 2) {
        const uint8_t *f = at + taken;
        size_t left = len - taken, head = f[1] < 126 ? 2 : f[1] == 126 ? 4 : 10, body = 0;

        if (f[1] & 0x80) wrong("a server must not mask");
        if (left < head) break;
        if (head == 2) body = f[1];
        for (size_t i = 2; i < head; i++) body = body << 8 | f[i];
        if (body > FRAME_MAX) wrong("a frame of %zu bytes", body);
        if (left < head + body) break;
        frame(c, f[0], f + head, body);
        taken += head + body;
    }
    return taken;
}

static void ended(struct client *c, int error)
{
    if (c->state == RESUMED && c->closing && !error && c->carry_len == 0)
        c->state = TOLD;
    else if (c->state == STALLED && error == ECONNRESET)
        c->state = RESET;
    else
        wrong("client %td (state %d) ended with %s, %zu bytes of a frame, close frame %s", c - clients, (int)c->state,
              error ? strerror(error) : "FIN", c->carry_len, c->closing ? "seen" : "not seen");
    (void)epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
    (void)close(c->fd);
}

static void read_some(struct client *c)
{
    static uint8_t bytes[FRAME_MAX + 16 + READ_LEN];
    ssize_t got;
    size_t len, taken;

    if (c->carry_len) memcpy(bytes, c->carry, c->carry_len);
    got = recv(c->fd, bytes + c->carry_len, READ_LEN, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        ended(c, got ? errno : 0);
        return;
    }
    byte_count += (uint64_t)got;
    len = c->carry_len + (size_t)got;
    taken = take_frames(c, bytes, len);
    c->carry_len = len - taken;
    if (!c->carry_len) return;
    c->carry = realloc(c->carry, c->carry_len);
    if (!c->carry) wrong("out of memory");
    memcpy(c->carry, bytes + taken, c->carry_len);
}

static void turn(void)
{
    static struct epoll_event ready[256];
    int count = epoll_wait(poller, ready, 256, 1000);

    for (int i = 0; i < count; i++) {
        struct client *c = ready[i].data.ptr;

        if (c->state == STALLED) {
            int error = 0;
            socklen_t len = sizeof error;

            if (ready[i].events & (EPOLLERR | EPOLLHUP)) {
                (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
                ended(c, error);
            }
        } else {
            read_some(c);
        }
    }
}

/* ---- connecting: one after the other, blocking ---- */

static void read_until(int fd, char *text, size_t cap, const char *until)
{
    size_t len = strlen(text);

    while (!strstr(text, until)) {
        ssize_t got = len + 1 < cap ? recv(fd, text + len, cap - 1 - len, 0) : 0;

        if (got <= 0) wrong("instead of %s came: %s", until, text);
        for (size_t end = len + (size_t)got; len < end; len++)
            if (!text[len]) text[len] = ' '; /* a frame's header may have a NUL in it */
        text[len] = '\0';
    }
}

static void subscribe(struct client *c, const char *address)
{
    char text[4096] = "", request[512];
    uint8_t out[8 + 512] = {0x82, 0x80 | 126}; /* binary is as good as text, and the mask is zero */
    int len = snprintf(request, sizeof request,
                       "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]},"
                       "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{%s%s%s}]}]",
                       address ? "\"address\":\"" : "", address ? address : "", address ? "\"" : "");

    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    memcpy(out + 8, request, (size_t)len);
    if (send(c->fd, out, 8 + (size_t)len, MSG_NOSIGNAL) != 8 + len) wrong("send: %s", strerror(errno));
    read_until(c->fd, text, sizeof text, "]");
    for (enum kind k = 0; k < KIND_COUNT; k++) {
        const char *at = strstr(text, k == HEADS ? "\"id\":1," : "\"id\":2,");

        at = at ? strstr(at, "\"result\":\"") : NULL;
        if (!at) wrong("not subscribed: %s", text);
        memcpy(c->id[k], at + 10, ID_LEN);
    }
}

static void open_client(struct client *c, uint16_t port, bool stalls, const char *address)
{
    static const char hello[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event watch = {.events = stalls ? 0 : EPOLLIN, .data.ptr = c}; /* errors are always told */
    char text[4096] = "";

    c->state = stalls ? STALLED : LIVE;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) wrong("connect: %s", strerror(errno));
    if (send(c->fd, hello, sizeof hello - 1, MSG_NOSIGNAL) < 0) wrong("send: %s", strerror(errno));
    read_until(c->fd, text, sizeof text, "\r\n\r\n");
    if (strncmp(text, "HTTP/1.1 101 ", 13) != 0) wrong("no handshake: %s", text);
    subscribe(c, address);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &watch)) wrong("epoll_ctl: %s", strerror(errno));
}

/* ---- commands ---- */

static size_t in_state(enum state state)
{
    size_t count = 0;

    for (size_t i = 0; i < client_count; i++) count += clients[i].state == state;
    return count;
}

static void command_wait(size_t count)
{
    wanted = count;
    reached = 0;
    for (size_t i = 0; i < client_count; i++) reached += clients[i].state == LIVE && clients[i].count >= count;
    while (reached < live_count) turn();
    (void)printf("reached %zu\n", count);
}

static void command_read(void)
{
    size_t fewest = SIZE_MAX, most = 0, count = 0;
    bool this_one = false;

    for (size_t i = 0; i < client_count; i++) {
        struct client *c = &clients[i];
        struct epoll_event watch = {.events = EPOLLIN, .data.ptr = c};

        if (c->state != STALLED) continue;
        this_one = !this_one;
        if (!this_one) continue;
        c->state = RESUMED;
        (void)epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &watch);
    }
    while (in_state(RESUMED)) turn();
    for (size_t i = 0; i < client_count; i++) {
        const struct client *c = &clients[i];

        if (c->state != TOLD) continue;
        count++;
        if (c->count < fewest) fewest = c->count;
        if (c->count > most) most = c->count;
    }
    (void)printf("told %zu %zu %zu\n", count, count ? fewest : 0, most);
}

static void command_reset(void)
{
    while (in_state(STALLED)) turn();
    (void)printf("reset %zu\n", in_state(RESET));
}

static bool obey(const char *line)
{
    size_t count;

    if (sscanf(line, "wait %zu", &count) == 1)
        command_wait(count);
    else if (strcmp(line, "read\n") == 0)
        command_read();
    else if (strcmp(line, "reset\n") == 0)
        command_reset();
    else if (strcmp(line, "end\n") == 0)
        (void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", notification_count, byte_count,
                     kind_count[HEADS], kind_count[LOGS]);
    else
        wrong("what is %s", line);
    (void)fflush(stdout);
    return strcmp(line, "end\n") != 0;
}

/* While nobody tells it anything, it reads on: the live ones must never look slow. */
static bool next_line(char *line, size_t cap)
{
    size_t len = 0;

    for (;;) {
        ssize_t got = read(STDIN_FILENO, line + len, 1);

        if (got == 1 && line[len++] == '\n') break;
        if (got == 0 || len + 1 == cap) return false;
        if (got < 0) {
            if (errno != EAGAIN && errno != EINTR) return false;
            turn();
        }
    }
    line[len] = '\0';
    return true;
}

int main(int argc, char **argv)
{
    struct epoll_event input = {.events = EPOLLIN};
    struct client standard_input = {.fd = STDIN_FILENO, .state = STALLED}; /* wakes the loop, is read elsewhere */
    struct rlimit files;
    char line[128];
    size_t stalled_count;

    if (argc < 4) {
        (void)fprintf(stderr, "usage: load_check PORT LIVE STALLED [ADDRESS]\n");
        return 2;
    }
    live_count = strtoul(argv[2], NULL, 10);
    stalled_count = strtoul(argv[3], NULL, 10);
    client_count = live_count + stalled_count;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    clients = calloc(client_count, sizeof *clients);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!clients || poller < 0) wrong("cannot begin: %s", strerror(errno));
    for (size_t i = 0, live = 0, stalled = 0; i < client_count; i++) {
        bool stalls = stalled < stalled_count && (live == live_count || i % 2);

        open_client(&clients[i], (uint16_t)strtoul(argv[1], NULL, 10), stalls, argc > 4 ? argv[4] : NULL);
        if (stalls)
            stalled++;
        else
            live++;
    }
    input.data.ptr = &standard_input;
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    (void)printf("ready %zu\n", client_count);
    (void)fflush(stdout);
    while (next_line(line, sizeof line))
        if (!obey(line)) return 0;
    return 2;
}
