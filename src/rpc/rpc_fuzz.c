/* A message of a stranger, over a real connection. Property: it is answered with one whole JSON value or, when it holds
 * notifications only, with nothing; and the connection goes on: the next request gets its own answer. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "rpc/rpc.h"

static struct loop *loop;
static struct conn_set *conns;
static struct rpc_worker *worker;
static int fd = -1;

static void echo(struct call *c)
{
    json_put_raw(call_result(c), json_is(call_param(c, 0), JSON_MISSING) ? SLICE("null") : json_raw(call_param(c, 0)));
    call_finish(c);
}

static void back_again(struct call *c)
{
    call_fail(c, -32000, "%.*s", SLICE_ARGS(call_method(c)));
}

static void round_trip(struct call *c)
{
    call_continue(c, RPC_INLINE, back_again);
}

static const struct rpc_method methods[] = {
    {"e", RPC_INLINE, 0, echo}, {"r", RPC_INLINE, 0, round_trip}, {"d", RPC_INLINE, RPC_DEVELOPMENT, echo}};

static void on_message(void *ctx, struct conn *c, struct slice body)
{
    (void)ctx;
    rpc_message(worker, c, body);
}

static void on_closed(void *ctx, struct conn *c)
{
    (void)ctx;
    (void)c;
}

static void begin(void)
{
    const struct rpc_method *tables[] = {methods};
    const size_t counts[] = {COUNT_OF(methods)};
    const struct conn_handler handler = {.message = on_message, .closed = on_closed};
    const struct conn_options conn_options = {0};
    const struct rpc_options options = {.pool_threads = 1, .reply_len_max = 4096};
    struct rpc *rpc;

    if (loop_new(NULL, &loop) || rpc_new(tables, counts, 1, NULL, &options, NULL, NULL, NULL, &rpc) ||
        conn_set_new(loop, 0, &conn_options, &handler, conn_totals_new(NULL), &conns) ||
        rpc_worker_new(rpc, conns, loop_mailbox(loop), NULL, &worker))
        abort();
}

static void reconnect(void)
{
    int fds[2];

    if (fd >= 0) (void)close(fd);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds)) abort();
    conn_set_adopt(conns, fds[0], CONN_ACCEPTS_BOTH);
    fd = fds[1];
}

static void send_all(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len) {
        ssize_t n = write(fd, at, len);

        if (n < 0) {
            loop_turn(loop, 0);
            continue;
        }
        at += n;
        len -= (size_t)n;
    }
}

static void post(struct slice body)
{
    char head[200];
    int len =
        snprintf(head, sizeof head,
                 "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 body.len);

    send_all(head, (size_t)len);
    send_all(body.at, body.len);
}

/* The body of the next response; aborts when none comes. */
static struct slice answer(struct buf *in)
{
    for (int turn = 0; turn < 10000; turn++) {
        uint8_t *blank = in->len ? memmem(in->at, in->len, "\r\n\r\n", 4) : NULL;
        uint8_t chunk[65536];
        ssize_t n;

        if (blank) {
            const char *at = memmem(in->at, (size_t)(blank - in->at) + 4, "ontent-", 7)
                                 ? strcasestr((char *)in->at, "content-length:")
                                 : NULL;
            size_t len = at ? strtoul(at + 15, NULL, 10) : 0, head = (size_t)(blank - in->at) + 4;

            if (memcmp(in->at, "HTTP/1.1 200", 12) != 0) abort();
            if (in->len >= head + len) return slice_of(blank + 4, len);
        }
        loop_turn(loop, 0);
        n = read(fd, chunk, sizeof chunk - 1);
        if (n == 0) abort();
        if (n > 0) buf_put(in, slice_of(chunk, (size_t)n));
        buf_put_byte(in, 0); /* for strcasestr */
        in->len--;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct arena a;
    struct json value;
    struct slice body;
    struct buf in;

    if (size == 0 || size > 60000) return 0;
    if (!loop) begin();
    if (fd < 0) reconnect();
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&in, 0);
    post(slice_of(data, size));
    body = answer(&in);
    if (body.len && json_parse(body, JSON_DEPTH_MAX, &a, &value, NULL)) abort();
    buf_reset(&in);
    post(SLICE("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"e\",\"params\":[7]}"));
    body = answer(&in);
    if (!slice_eq(body, SLICE("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}"))) abort();
    buf_fini(&in);
    arena_home_fini(&home);
    return 0;
}
