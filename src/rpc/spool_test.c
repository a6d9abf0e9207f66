/* Replies that are kept compressed while they are written: whole, in batches, refused half-way, and too long. One
 * thread turns the worker's loop and is the client too; the pool has its own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "net/loop.h"
#include "rpc/rpc.h"

enum { REPLY_LEN_MAX = 5000000, NUMBERS = 100000 };

/* ---- methods ---- */

/* [0, 1, 2 … below the parameter]. */
static void put_numbers(struct call *c)
{
    struct json_writer *w = call_result(c);
    uint64_t count = 0;

    if (json_read_number_u64(call_param(c, 0), &count)) count = 0;
    json_begin_array(w);
    for (uint64_t i = 0; i < count; i++) {
        json_put_number(w, i);
        call_spool(c);
    }
    json_end_array(w);
}

static void numbers(struct call *c)
{
    put_numbers(c);
    call_finish(c);
}

static void numbers_then_fail(struct call *c)
{
    put_numbers(c);
    call_fail(c, -32000, "changed my mind");
}

static void echo(struct call *c)
{
    json_put_raw(call_result(c), json_raw(call_param(c, 0)));
    call_finish(c);
}

static const struct rpc_method methods[] = {
    {"numbers", RPC_POOL, 0, numbers}, {"fails", RPC_POOL, 0, numbers_then_fail}, {"echo", RPC_INLINE, 0, echo}};

/* ---- server and client ---- */

struct rig {
    struct loop *loop;
    struct conn_set *conns;
    struct conn_totals *totals;
    struct rpc *rpc;
    struct rpc_worker *worker;
    int fd;
    struct buf in;
};

static void on_message(void *ctx, struct conn *c, struct slice body)
{
    rpc_message(((struct rig *)ctx)->worker, c, body);
}

static void on_closed(void *ctx, struct conn *c)
{
    (void)ctx;
    (void)c;
}

static void rig_init(struct rig *r)
{
    const struct rpc_method *tables[] = {methods};
    const size_t counts[] = {COUNT_OF(methods)};
    const struct conn_handler handler = {.ctx = r, .message = on_message, .closed = on_closed};
    const struct conn_options conn_options = {0};
    const struct rpc_options options = {.pool_threads = 1, .reply_len_max = REPLY_LEN_MAX};
    int fds[2];

    *r = (struct rig){.totals = conn_totals_new(NULL)};
    if (loop_new(NULL, &r->loop) || rpc_new(tables, counts, 1, NULL, &options, NULL, NULL, NULL, &r->rpc) ||
        conn_set_new(r->loop, 0, &conn_options, &handler, r->totals, &r->conns) ||
        rpc_worker_new(r->rpc, r->conns, loop_mailbox(r->loop), NULL, &r->worker) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
        abort();
    conn_set_adopt(r->conns, fds[0], CONN_ACCEPTS_BOTH);
    r->fd = fds[1];
}

static void rig_fini(struct rig *r)
{
    (void)close(r->fd);
    rpc_free(r->rpc);
    rpc_worker_free(r->worker);
    conn_set_free(r->conns);
    loop_free(r->loop);
    conn_totals_free(r->totals);
    buf_fini(&r->in);
}

/* Sends a body and gives the reply's, borrowed until the next; empty when none came. */
static struct slice ask(struct rig *r, const char *body)
{
    uint64_t until = clock_monotonic_ms() + 20000;
    size_t whole = 0, head_len = 0;

    buf_reset(&r->in);
    (void)dprintf(
        r->fd, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        strlen(body), body);
    while ((!whole || r->in.len < whole) && clock_monotonic_ms() < until) {
        char some[65536];
        ssize_t n = read(r->fd, some, sizeof some);
        const char *end;

        if (n > 0) buf_put(&r->in, slice_of(some, (size_t)n));
        if (n <= 0) loop_turn(r->loop, 1);
        if (whole || !r->in.len) continue;
        end = memmem(r->in.at, r->in.len, "\r\n\r\n", 4);
        if (!end) continue;
        head_len = (size_t)(end + 4 - (const char *)r->in.at);
        end = memmem(r->in.at, head_len, "Content-Length: ", 16);
        whole = head_len + (end ? strtoul(end + 16, NULL, 10) : 0);
    }
    return whole && r->in.len == whole ? slice_from(buf_peek(&r->in), head_len) : slice_of(NULL, 0);
}

/* The result that `numbers` has. */
static void put_expected(struct buf *out, unsigned id, unsigned count)
{
    buf_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":[", id);
    for (unsigned i = 0; i < count; i++) buf_printf(out, i ? ",%u" : "%u", i);
    buf_put_str(out, "]}");
}

/* ---- tests ---- */

TEST(a_long_result_is_the_same_spooled, t)
{
    static const unsigned counts[] = {0, 10, 40000, 55000, 60000, NUMBERS, 600000};
    struct buf expected = {0};
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        char body[200];

        (void)snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"numbers\",\"params\":[%u]}",
                       counts[i]);
        buf_reset(&expected);
        put_expected(&expected, 7, counts[i]);
        CHECK(t, slice_eq(ask(&r, body), buf_peek(&expected)));
    }
    buf_fini(&expected);
    rig_fini(&r);
}

TEST(an_error_takes_the_place_of_what_was_spooled, t)
{
    struct rig r;

    rig_init(&r);
    CHECK_STR(t, ask(&r, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fails\",\"params\":[300000]}"),
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"changed my mind\"}}");
    rig_fini(&r);
}

TEST(items_of_a_batch_are_spooled_and_cut_where_they_begin, t)
{
    struct buf expected = {0};
    struct rig r;

    rig_init(&r);
    buf_put_str(&expected, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"first\"},");
    put_expected(&expected, 2, NUMBERS);
    buf_put_str(&expected,
                ",{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32000,\"message\":\"changed my mind\"}},");
    put_expected(&expected, 4, NUMBERS);
    buf_put_str(&expected, ",{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"last\"}]");
    CHECK(t, slice_eq(ask(&r, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[\"first\"]},"
                              "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"numbers\",\"params\":[100000]},"
                              "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"fails\",\"params\":[200000]},"
                              "{\"jsonrpc\":\"2.0\",\"method\":\"numbers\",\"params\":[200000]}," /* not answered */
                              "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"numbers\",\"params\":[100000]},"
                              "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"echo\",\"params\":[\"last\"]}]"),
                      buf_peek(&expected)));
    buf_fini(&expected);
    rig_fini(&r);
}

TEST(what_is_spooled_counts_against_the_limit_of_a_reply, t)
{
    static const char tail[] =
        ",{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32003,\"message\":\"response too large\"}},"
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32003,\"message\":\"response too large\"}}]";
    struct buf expected = {0};
    struct rig r;

    rig_init(&r);
    CHECK_STR(t, ask(&r, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"numbers\",\"params\":[800000]}"),
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32003,\"message\":\"response too large\"}}");
    buf_put_byte(&expected, '[');
    put_expected(&expected, 1, 400000);
    buf_put_str(&expected, tail);
    CHECK(t, slice_eq(ask(&r, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"numbers\",\"params\":[400000]},"
                              "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"numbers\",\"params\":[400000]},"
                              "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"echo\",\"params\":[1]}]"),
                      buf_peek(&expected)));
    buf_fini(&expected);
    rig_fini(&r);
}
