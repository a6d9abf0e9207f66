/* A stranger's call of every method that may be called by strangers, on a development chain with three blocks, over a
 * real connection. The first line says which method, the rest is the text of its parameters. Properties: it is
 * answered with one whole JSON value, a result or an error and never both, never "internal error"; and the connection
 * goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "eth/sign.h"
#include "local/local.h"
#include "net/loop.h"

static struct loop *loop;
static struct conn_set *conns;
static struct rpc_worker *worker;
static struct hub_shard *shard;
static struct chain *chain;
static const char *names[1024]; /* of the methods that strangers may call, sorted */
static size_t name_count;
static struct fan_address account;
static int fd = -1;

static void on_message(void *ctx, struct conn *c, struct slice body)
{
    (void)ctx;
    rpc_message(worker, c, body);
}

static void on_closed(void *ctx, struct conn *c)
{
    (void)ctx;
    hub_forget(shard, c);
}

static void to_writer(void *ctx, struct letter *l)
{
    (void)ctx;
    chain_write(chain, l);
}

static void turn_end(struct loop_hook *self)
{
    (void)self;
    rpc_worker_turn_end(worker);
    conn_set_flush(conns);
}

static uint64_t still(void *ctx)
{
    (void)ctx;
    return 1800000000; /* so that blocks have the same hashes each time, and inputs can ask for them */
}

static void open_chain(void)
{
    static const uint8_t secret[1][32] = {{1}};
    const struct fan_u256 wei = {{0, 1000000, 0, 0}};
    struct local_options options = {
        .dev = true, .accounts = &account, .secrets = secret, .account_count = 1, .wall_s = still};
    struct arena_home home;
    struct genesis g;
    struct arena a;
    struct local *l;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    options.genesis = &g;
    if (sign_address(secret[0], &account) ||
        genesis_dev(31337, (enum fork)FORK_NEWEST, &account, 1, &wei, 30000000, 0, &a, &g) ||
        local_open(&options, &l, NULL) || local_start(l))
        abort();
    arena_home_fini(&home);
    chain = local_chain(l);
}

static void open_server(void)
{
    static struct loop_hook hook = {.run = turn_end};
    static struct api api;
    const struct hub_options hub_options = {0};
    const struct conn_handler handler = {.message = on_message, .closed = on_closed};
    const struct conn_options conn_options = {0};
    const struct rpc_options options = {.pool_threads = 1, .reply_len_max = 1 << 20, .dev_methods = RPC_DEV_ALL};
    const struct rpc_method *const *methods;
    struct mailbox *box;
    struct hub *hub;
    struct rpc *rpc;
    size_t count;

    if (loop_new(NULL, &loop)) abort();
    box = loop_mailbox(loop);
    if (hub_new(chain, &hub_options, &box, 1, &hub)) abort();
    api_init(&api, chain, hub, &(struct api_options){.call_gas_max = 200000, .logs_max = 100});
    if (rpc_new(api_tables, api_table_counts, api_table_count, NULL, &options, to_writer, NULL, &api, &rpc) ||
        conn_set_new(loop, 0, &conn_options, &handler, conn_totals_new(NULL), &conns) ||
        hub_shard_new(hub, 0, conns, &shard) || rpc_worker_new(rpc, conns, box, shard, &worker))
        abort();
    loop_hook_add(loop, &hook);
    count = rpc_methods(rpc, &methods);
    for (size_t i = 0; i < count; i++)
        if (!(methods[i]->flags & (RPC_DEVELOPMENT | RPC_NOTIFIES)) && name_count < COUNT_OF(names))
            names[name_count++] = methods[i]->name;
}

static void connect_anew(void)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds)) abort();
    conn_set_adopt(conns, fds[0], CONN_ACCEPTS_BOTH);
    fd = fds[1];
}

static void post(struct slice body)
{
    char head[200];
    struct buf out;
    int len =
        snprintf(head, sizeof head,
                 "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 body.len);

    buf_init(&out, 0);
    buf_put(&out, slice_of(head, (size_t)len));
    buf_put(&out, body);
    for (size_t at = 0; at < out.len;) {
        ssize_t n = write(fd, out.at + at, out.len - at);

        if (n > 0)
            at += (size_t)n;
        else
            loop_turn(loop, 0);
    }
    buf_fini(&out);
}

/* The body of the next response. One that does not come ends by libFuzzer's clock. */
static struct slice answer(struct buf *in)
{
    for (;;) {
        uint8_t *blank = in->len ? memmem(in->at, in->len, "\r\n\r\n", 4) : NULL;
        uint8_t chunk[65536];
        ssize_t n;

        if (blank) {
            size_t head = (size_t)(blank - in->at) + 4, len;
            const char *at = strcasestr((char *)in->at, "content-length:");

            if (!at || memcmp(in->at, "HTTP/1.1 200", 12) != 0) abort();
            len = strtoul(at + 15, NULL, 10);
            if (in->len >= head + len) return slice_of(in->at + head, len);
        }
        loop_turn(loop, blank || in->len ? 0 : 10);
        n = read(fd, chunk, sizeof chunk);
        if (n == 0) abort();
        if (n > 0) buf_put(in, slice_of(chunk, (size_t)n));
        buf_put_byte(in, 0); /* for strcasestr */
        in->len--;
    }
}

/* Calls, and reads the answer. */
static void call(const char *method, struct slice params, bool must)
{
    struct arena_home home;
    struct arena a;
    struct json value, error;
    struct buf body, in;

    buf_init(&body, 0);
    buf_init(&in, 0);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_printf(&body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":", method);
    buf_put(&body, params);
    buf_put_byte(&body, '}');
    post(buf_peek(&body));
    if (json_parse(answer(&in), JSON_DEPTH_MAX, &a, &value, NULL)) abort();
    if (json_is(value, JSON_OBJECT)) {
        error = json_get(value, "error");
        assert(json_is(error, JSON_MISSING) != json_is(json_get(value, "result"), JSON_MISSING));
        assert(!slice_eq_str(json_raw(json_get(error, "code")), "-32603"));
        assert(!must || json_is(error, JSON_MISSING));
    }
    arena_home_fini(&home);
    buf_fini(&in);
    buf_fini(&body);
}

/* Blocks to ask for: one with a contract that has a slot and wrote a log, and two empty ones. */
static void begin(void)
{
    struct json_writer w;
    struct buf params;

    open_chain();
    open_server();
    connect_anew();
    buf_init(&params, 0);
    buf_put_str(&params, "[{\"gas\":\"0x30000\",\"data\":\"0x60016000556001600060006000a160206000f3\",\"from\":");
    w = json_writer_of(&params);
    json_put_address(&w, &account);
    buf_put_str(&params, "}]");
    call("eth_sendTransaction", buf_peek(&params), true);
    buf_fini(&params);
    call("evm_mine", SLICE("[]"), true);
    call("evm_mine", SLICE("[]"), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    struct slice name = slice_of(data, end ? (size_t)(end - data) : 0);

    if (!end || size > 60000) return 0;
    if (fd < 0) begin();
    for (size_t i = 0; i < name_count; i++)
        if (slice_eq_str(name, names[i])) call(names[i], slice_of(end + 1, size - name.len - 1), false);
    return 0;
}
