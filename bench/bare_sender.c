/* bare_sender: the ceiling our notifications are measured against.
 *
 * One thread, one epoll, notifications encoded beforehand, one send() per connection and event, TCP_NODELAY: whatever
 * a server does beyond that, it does on top of this. It speaks just enough WebSocket and JSON-RPC to serve the same
 * load generator: it answers eth_subscribe with an id, unsubscribes nobody, and takes evm_mine (one event) and
 * anvil_mine (as many as its first parameter says) as its orders to send. Every other method gets `true`.
 *
 * A connection's subscriptions have the ids 0, 1, 2 …, the same in every connection. The only bytes that differ from
 * event to event are the digits of the number. By default all that a connection gets is one buffer, the same for
 * everyone; --shared-tail instead gathers head and tail of each notification with writev(), as a server does whose
 * subscribers have ids of their own: the ceiling for many subscriptions on a connection.
 *
 * A reader that is behind is left alone until its socket takes more, and then gets what it missed. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/kit.h"
#include "wire/ws.h"

#define HEAD   "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x"
#define MIDDLE "\",\"result\":{\"number\":\"0x"
#define END    "\"}}}"

enum {
    ID_DIGITS = 32,
    NUMBER_DIGITS = 16,
    HEADER_LEN = 4, /* of a frame from 126 to 65,535 bytes */
    HEAD_LEN = HEADER_LEN + sizeof HEAD - 1 + ID_DIGITS,
    TAIL_AT_NUMBER = sizeof MIDDLE - 1,
    PAYLOAD_MIN =
        sizeof HEAD - 1 + ID_DIGITS + sizeof MIDDLE - 1 + NUMBER_DIGITS + sizeof END - 1 + sizeof ",\"pad\":\"\"",
    SUBSCRIPTIONS_MAX = 100,
    IN_LEN = 64 * 1024
};

struct client {
    struct client *next_gone;
    int fd;
    bool upgraded, blocked;
    size_t subscriptions;
    uint64_t event; /* the last one that left whole */
    size_t sent;    /* bytes of the next one that have left */
    size_t in_len;
    uint8_t in[IN_LEN];
};

static struct {
    int epoll, listener;
    bool shared_tail;
    size_t frame_len;
    uint8_t *frames;  /* SUBSCRIPTIONS_MAX of them, one behind the other */
    uint64_t patched; /* the event whose number stands in them */
    uint64_t event;   /* the newest */
    struct client **clients;
    size_t client_count, client_cap;
    struct client *gone; /* freed when no event of a turn can name them any more */
} bare;

/* ---- frames ---- */

static void make_frames(size_t payload_len)
{
    char *text = malloc(payload_len + 1);
    size_t pad = payload_len - (size_t)PAYLOAD_MIN + 1;

    bare.frame_len = HEADER_LEN + payload_len;
    bare.frames = calloc(SUBSCRIPTIONS_MAX, bare.frame_len);
    if (!text || !bare.frames) die("out of memory");
    for (size_t i = 0; i < SUBSCRIPTIONS_MAX; i++) {
        uint8_t header[WS_HEADER_MAX], *frame = bare.frames + i * bare.frame_len;
        int len =
            snprintf(text, payload_len + 1, "%s%032zx%s%016d\",\"pad\":\"%0*d\"}}}", HEAD, i, MIDDLE, 0, (int)pad, 0);

        if (len != (int)payload_len || ws_header_encode(WS_TEXT, payload_len, header) != HEADER_LEN)
            die("a notification of %zu bytes came out as %d", payload_len, len);
        memcpy(frame, header, HEADER_LEN);
        memcpy(frame + HEADER_LEN, text, payload_len);
    }
    free(text);
}

static void patch(uint64_t event, size_t count)
{
    char digits[NUMBER_DIGITS + 1];

    if (bare.patched == event) return;
    (void)snprintf(digits, sizeof digits, "%016llx", (unsigned long long)event);
    for (size_t i = 0; i < count; i++)
        memcpy(bare.frames + i * bare.frame_len + HEAD_LEN + TAIL_AT_NUMBER, digits, NUMBER_DIGITS);
    bare.patched = event;
}

static size_t subscriptions_most(void)
{
    size_t most = 0;

    for (size_t i = 0; i < bare.client_count; i++)
        if (bare.clients[i]->subscriptions > most) most = bare.clients[i]->subscriptions;
    return most;
}

/* ---- sending ---- */

static ssize_t send_event(struct client *c)
{
    size_t len = c->subscriptions * bare.frame_len, count = 0, skip = c->sent;
    struct iovec parts[2 * SUBSCRIPTIONS_MAX];
    struct msghdr message = {.msg_iov = parts};
    const uint8_t *tail = bare.frames + HEAD_LEN; /* one for all */

    if (!bare.shared_tail || c->sent) return send(c->fd, bare.frames + skip, len - skip, MSG_NOSIGNAL | MSG_DONTWAIT);
    for (size_t i = 0; i < c->subscriptions; i++) {
        parts[count++] = (struct iovec){bare.frames + i * bare.frame_len, HEAD_LEN};
        parts[count++] = (struct iovec){(void *)(uintptr_t)tail, bare.frame_len - HEAD_LEN};
    }
    message.msg_iovlen = count;
    return sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void watch(struct client *c, uint32_t events, int op)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    if (epoll_ctl(bare.epoll, op, c->fd, &e)) die("epoll_ctl: %s", strerror(errno));
}

/* Sends what the client lacks, as far as its socket takes it. */
static void pump(struct client *c, size_t patch_count)
{
    if (c->subscriptions == 0) c->event = bare.event;
    while (c->event < bare.event) {
        ssize_t n;

        patch(c->event + 1, patch_count);
        n = send_event(c);
        if (n < 0 && errno != EAGAIN) { /* its end of file comes through epoll */
            c->event = bare.event;
            c->sent = 0;
            return;
        }
        if (n > 0) c->sent += (size_t)n;
        if (c->sent < c->subscriptions * bare.frame_len) {
            if (!c->blocked) watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            c->blocked = true;
            return;
        }
        c->sent = 0;
        c->event++;
    }
    if (c->blocked) watch(c, EPOLLIN, EPOLL_CTL_MOD);
    c->blocked = false;
}

static void ready(struct client *c, uint32_t events);

static void turn(int timeout_ms)
{
    struct epoll_event events[256];
    int count = epoll_wait(bare.epoll, events, 256, timeout_ms);

    for (int i = 0; i < count; i++) ready(events[i].data.ptr, events[i].events);
}

static void send_events(uint64_t count)
{
    size_t most = subscriptions_most();

    while (count-- > 0) {
        bool any_blocked = false;

        bare.event++;
        for (size_t i = 0; i < bare.client_count; i++) {
            if (!bare.clients[i]->blocked) pump(bare.clients[i], most);
            any_blocked |= bare.clients[i]->blocked;
        }
        if (any_blocked) turn(0);
    }
}

/* ---- receiving ---- */

static void answer(struct client *c, const char *id, size_t id_len, const char *result)
{
    char text[256];
    uint8_t frame[WS_HEADER_MAX + sizeof text];
    int len = snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s}", (int)id_len, id, result);
    size_t header_len = ws_header_encode(WS_TEXT, (uint64_t)len, frame);

    memcpy(frame + header_len, text, (size_t)len);
    if (send(c->fd, frame, header_len + (size_t)len, MSG_NOSIGNAL) < 0) return; /* its end of file comes */
}

static void got_message(struct client *c, char *text)
{
    const char *id = strstr(text, "\"id\":"), *params = strstr(text, "\"params\":");
    size_t id_len;

    if (!id) return;
    id += 5;
    id_len = strcspn(id, ",}");
    if (strstr(text, "\"eth_subscribe\"")) {
        char result[64];

        if (c->subscriptions == SUBSCRIPTIONS_MAX) die("more than %d subscriptions", SUBSCRIPTIONS_MAX);
        (void)snprintf(result, sizeof result, "\"0x%032zx\"", c->subscriptions);
        c->subscriptions++;
        c->event = bare.event;
        bare.patched = 0;
        answer(c, id, id_len, result);
        return;
    }
    answer(c, id, id_len, "true");
    if (strstr(text, "\"evm_mine\"")) send_events(1);
    if (strstr(text, "\"anvil_mine\"") && params && (params = strstr(params, "0x")))
        send_events(strtoull(params, NULL, 16));
}

static void upgrade(struct client *c)
{
    char response[256], accept[WS_ACCEPT_LEN];
    char *end, *key;
    int len;

    c->in[c->in_len] = 0;
    end = strstr((char *)c->in, "\r\n\r\n");
    if (!end) return;
    key = strcasestr((char *)c->in, "sec-websocket-key:");
    if (!key) die("a handshake without a key");
    key += 18;
    key += strspn(key, " ");
    ws_accept_key(slice_of(key, strcspn(key, " \r")), accept);
    len = snprintf(response, sizeof response,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: %.*s\r\n\r\n",
                   WS_ACCEPT_LEN, accept);
    if (send(c->fd, response, (size_t)len, MSG_NOSIGNAL) != len) return;
    c->in_len -= (size_t)(end + 4 - (char *)c->in);
    memmove(c->in, end + 4, c->in_len);
    c->upgraded = true;
}

/* Takes one whole masked text frame off the input; false: there is none. */
static bool take_message(struct client *c, char *text)
{
    size_t len, header_len = 2;

    if (c->in_len < 8) return false;
    len = c->in[1] & 0x7f;
    if (len == 126) {
        len = (size_t)c->in[2] << 8 | c->in[3];
        header_len = 4;
    } else if (len == 127) {
        die("a message beyond 64 KiB");
    }
    if (c->in_len < header_len + WS_MASK_LEN + len) return false;
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(c->in[header_len + WS_MASK_LEN + i] ^ c->in[header_len + i % WS_MASK_LEN]);
    text[len] = 0;
    if ((c->in[0] & 0x0f) != WS_TEXT) text[0] = 0;
    c->in_len -= header_len + WS_MASK_LEN + len;
    memmove(c->in, c->in + header_len + WS_MASK_LEN + len, c->in_len);
    return true;
}

static void forget(struct client *c)
{
    for (size_t i = 0; i < bare.client_count; i++)
        if (bare.clients[i] == c) bare.clients[i] = bare.clients[--bare.client_count];
    (void)close(c->fd);
    c->fd = -1;
    c->next_gone = bare.gone;
    bare.gone = c;
}

static void bury(void)
{
    while (bare.gone) {
        struct client *c = bare.gone;

        bare.gone = c->next_gone;
        free(c);
    }
}

static void accept_all(void)
{
    for (int fd; (fd = accept4(bare.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct client *c = calloc(1, sizeof *c);
        const int on = 1;

        if (bare.client_count == bare.client_cap) {
            bare.client_cap = bare.client_cap ? 2 * bare.client_cap : 1024;
            bare.clients = realloc(bare.clients, bare.client_cap * sizeof(struct client *));
        }
        if (!c || !bare.clients) die("out of memory");
        (void)setsockopt(fd, 6, 1, &on, sizeof on); /* IPPROTO_TCP, TCP_NODELAY */
        c->fd = fd;
        bare.clients[bare.client_count++] = c;
        watch(c, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void ready(struct client *c, uint32_t events)
{
    static char text[IN_LEN];
    ssize_t n;

    if (!c) {
        accept_all();
        return;
    }
    if (c->fd < 0) return;
    if (events & EPOLLOUT) pump(c, subscriptions_most());
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    n = recv(c->fd, c->in + c->in_len, sizeof c->in - 1 - c->in_len, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        forget(c);
        return;
    }
    c->in_len += (size_t)n;
    if (!c->upgraded) upgrade(c);
    while (c->upgraded && c->fd >= 0 && take_message(c, text)) got_message(c, text);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"bytes", required_argument, NULL, 'b'},
                                            {"shared-tail", no_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    uint16_t port = 0;
    size_t bytes = 200;
    struct epoll_event e = {.events = EPOLLIN};

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'p')
            port = (uint16_t)option_number("--port", optarg, UINT16_MAX);
        else if (o == 'b')
            bytes = option_number("--bytes", optarg, UINT16_MAX);
        else if (o == 's')
            bare.shared_tail = true;
        else
            die("usage: bare_sender --port N --bytes N [--shared-tail]");
    }
    if (bytes < PAYLOAD_MIN) die("--bytes: a notification has at least %zu", (size_t)PAYLOAD_MIN);
    raise_open_files();
    make_frames(bytes);
    bare.listener = listen_on(port, 0, &port);
    bare.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bare.epoll < 0 || epoll_ctl(bare.epoll, EPOLL_CTL_ADD, bare.listener, &e)) die("epoll: %s", strerror(errno));
    (void)printf("bare_sender: 127.0.0.1:%u, notifications of %zu bytes\n", port, bytes);
    (void)fflush(stdout);
    for (;;) {
        turn(-1);
        bury();
    }
}
