/* ws_echo: our WebSocket server code as an echo server, for conformance suites.
 *
 * One worker, no JSON-RPC: each message goes back as it came, text as text and binary as binary.
 *
 *   ws_echo --port N     N 0 takes a free port; it is printed once connections are accepted */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "net/listen.h"

enum { MESSAGE_LEN_MAX = 64 << 20, USAGE = 2 };

static struct loop *loop;

static void echo(void *ctx, struct conn *c, struct slice body)
{
    struct buf reply;

    (void)ctx;
    buf_init(&reply, 0);
    buf_put(&reply, body);
    if (reply.failed) conn_close(c, 1011, "out of memory");
    else conn_reply(c, &reply);
    buf_fini(&reply);
}

static void closed(void *ctx, struct conn *c)
{
    (void)ctx;
    (void)c;
}

static void accepted(void *ctx, int fd)
{
    conn_set_adopt(ctx, fd, CONN_ACCEPTS_BOTH);
}

static void stop(int signal_number)
{
    (void)signal_number;
    loop_stop(loop);
}

static bool port_read(int argc, char **argv, uint16_t *out)
{
    char *end;
    unsigned long port;

    if (argc != 3 || strcmp(argv[1], "--port") != 0) return false;
    port = strtoul(argv[2], &end, 10);
    if (end == argv[2] || *end || port > UINT16_MAX) return false;
    *out = (uint16_t)port;
    return true;
}

static enum fan_status serve(uint16_t port, struct fan_error *err)
{
    static const char *const everybody[] = {"*"};
    const struct conn_options options = {.message_len_max = MESSAGE_LEN_MAX,
                                         .echo_opcode = true,
                                         .vhosts = everybody,
                                         .vhost_count = 1,
                                         .ws_origins = everybody,
                                         .ws_origin_count = 1};
    const struct conn_handler handler = {.message = echo, .closed = closed};
    struct conn_totals *totals = conn_totals_new(NULL);
    struct conn_set *set = NULL;
    struct listener listener = {0};
    enum fan_status s;
    int fd;

    s = totals ? loop_new(NULL, &loop) : FAN_ENOMEM;
    if (!s) s = conn_set_new(loop, 0, &options, &handler, totals, &set);
    if (s) {
        (void)fan_error_set(err, s, "%s", fan_status_text(s));
        goto out;
    }
    s = listen_open(&(struct listen_options){.host = "127.0.0.1", .port = port}, 1, &fd, &port, err);
    if (s) goto out;
    s = listener_start(&listener, loop, fd, accepted, set);
    if (s) {
        (void)fan_error_set(err, s, "%s", fan_status_text(s));
        goto out;
    }
    (void)signal(SIGINT, stop);
    (void)signal(SIGTERM, stop);
    (void)printf("%u\n", (unsigned)port);
    (void)fflush(stdout);
    loop_run(loop);
out:
    listener_stop(&listener);
    conn_set_free(set);
    loop_free(loop);
    conn_totals_free(totals);
    return s;
}

int main(int argc, char **argv)
{
    struct fan_error err;
    uint16_t port;

    if (!port_read(argc, argv, &port)) {
        (void)fprintf(stderr, "usage: ws_echo --port N\n");
        return USAGE;
    }
    if (serve(port, &err)) {
        (void)fprintf(stderr, "ws_echo: %s\n", err.text);
        return USAGE;
    }
    return EXIT_SUCCESS;
}
