/* The server as app/ puts it together, on a loop that is turned by hand: listener, connections, rpc, the real
 * eth_subscribe and eth_unsubscribe, and the hub's shard, for each worker. */
#include <string.h>

#include "api/api.h"
#include "api/tables.h"
#include "rpc/exchange.h"
#include "sim.h"

static struct api api;
static struct sim_world *world; /* for methods */

/* ---- methods ---- */

/* The request behind a call: the client's ids are indices. */
static struct sim_request *request_of(const struct call *c)
{
    uint64_t at = 0;

    for (size_t i = 0; i < c->request->id.len; i++) at = at * 10 + (uint64_t)(c->request->id.at[i] - '0');
    if (at >= world->request_count) {
        sim_fail(world, "the server runs a request nobody sent: id %llu", (unsigned long long)at);
        at = 0;
    }
    return &world->requests[at];
}

static void ran(struct sim_request *r)
{
    if (r->ran) sim_fail(world, "the server runs request %zu twice", (size_t)(r - world->requests));
    r->ran = true;
}

/* Notes from where on this subscription is owed events, then lets the real one run. */
static void subscribe(struct call *call)
{
    struct sim_request *r = request_of(call);
    struct hub_shard *shard = call_worker_app(call);

    ran(r);
    r->since = world->model.chain.sequence;
    for (size_t i = 0; i < world->plan->workers; i++)
        if (world->workers[i].shard == shard) r->sync_lowest = world->workers[i].sync_lowest;
    api_eth_subscribe_methods[0].run(call);
}

static void unsubscribe(struct call *call)
{
    ran(request_of(call));
    api_eth_subscribe_methods[1].run(call);
}

static void answer_bytes(struct call *call)
{
    struct buf *out = call_result(call)->out;
    size_t len = request_of(call)->echo;

    buf_put_byte(out, '"');
    if (buf_reserve(out, len)) {
        memset(out->at + out->len, 'x', len);
        out->len += len;
    }
    buf_put_byte(out, '"');
    call_finish(call);
}

static void echo(struct call *call)
{
    ran(request_of(call));
    answer_bytes(call);
}

/* On the writer. */
static void later(struct call *call)
{
    ran(request_of(call));
    answer_bytes(call);
}

static const struct rpc_method methods[] = {
    {"eth_subscribe", RPC_INLINE, RPC_NOTIFIES, subscribe},
    {"eth_unsubscribe", RPC_INLINE, RPC_NOTIFIES, unsubscribe},
    {"sim_echo", RPC_INLINE, 0, echo},
    {"sim_later", RPC_WRITER, 0, later},
};

static void post_to_writer(void *ctx, struct letter *l)
{
    chain_write(ctx, l);
}

/* ---- a worker ---- */

static void on_message(void *ctx, struct conn *c, struct slice body)
{
    rpc_message(((struct sim_worker *)ctx)->rpc, c, body);
}

static void on_closed(void *ctx, struct conn *c)
{
    hub_forget(((struct sim_worker *)ctx)->shard, c);
}

static void accepted(void *ctx, int fd)
{
    conn_set_adopt(((struct sim_worker *)ctx)->conns, fd, CONN_ACCEPTS_BOTH);
}

static bool worker_open(struct sim_world *w, struct sim_worker *k)
{
    const struct conn_handler handler = {.ctx = k, .message = on_message, .closed = on_closed};

    return !conn_set_new(k->loop, k->index, &w->plan->options, &handler, w->totals, &k->conns) &&
           !hub_shard_new(w->hub, k->index, k->conns, &k->shard) &&
           !rpc_worker_new(w->rpc, k->conns, loop_mailbox(k->loop), k->shard, &k->rpc) &&
           !listener_start(&k->listener, k->loop, 300 + (int)k->index, accepted, k);
}

static bool open_all(struct sim_world *w)
{
    const struct hub_options hub_options = {.subscriptions_max = SIM_SUBSCRIPTIONS_MAX};
    const struct rpc_options rpc_options = {.pool_threads = 1};
    const struct rpc_method *const tables[] = {methods};
    const size_t counts[] = {COUNT_OF(methods)};
    struct mailbox *boxes[SIM_WORKERS_MAX];

    w->totals = conn_totals_new(NULL);
    if (!w->totals) return false;
    for (uint32_t i = 0; i < w->plan->workers; i++) {
        struct sim_worker *k = &w->workers[i];

        *k = (struct sim_worker){.world = w, .index = i, .wake_ms = UINT64_MAX};
        if (loop_new(&w->os, &k->loop)) return false;
        boxes[i] = loop_mailbox(k->loop);
    }
    if (hub_new(&w->model.chain, &hub_options, boxes, w->plan->workers, &w->hub)) return false;
    api_init(&api, &w->model.chain, w->hub, &(struct api_options){0});
    if (rpc_new(tables, counts, 1, NULL, &rpc_options, post_to_writer, &w->model.chain, &api, &w->rpc)) return false;
    for (uint32_t i = 0; i < w->plan->workers; i++)
        if (!worker_open(w, &w->workers[i])) return false;
    return true;
}

bool server_open(struct sim_world *w)
{
    bool opened;

    world = w;
    (void)memory_arm(true);
    opened = open_all(w);
    (void)memory_arm(false);
    return opened;
}

/* In the order of app/: nothing new, then connections, then what letters stand on. Half opened is fine. */
void server_close(struct sim_world *w)
{
    for (size_t i = 0; i < w->plan->workers; i++) {
        listener_stop(&w->workers[i].listener);
        conn_set_free(w->workers[i].conns);
    }
    rpc_free(w->rpc);
    while (mailbox_run(&w->model.writer)) {
    }
    for (size_t i = 0; i < w->plan->workers; i++) {
        struct sim_worker *k = &w->workers[i];

        hub_shard_free(k->shard);
        rpc_worker_free(k->rpc);
        loop_free(k->loop);
    }
    hub_free(w->hub);
    conn_totals_free(w->totals);
}

void server_turn(struct sim_world *w, uint32_t worker)
{
    struct sim_worker *k = &w->workers[worker];
    size_t syncs = w->model.sync_count; /* whatever was published before the turn is delivered in it */

    w->turns++;
    w->in_server = true;
    (void)memory_arm(true);
    loop_turn(k->loop, -1);
    (void)memory_arm(false);
    w->in_server = false;
    k->sync_lowest = syncs - 1;
    check_turn(w, worker);
}

/* By a letter, as app/ does it: within a turn, whose clock is right. */
static void drain(struct letter *self)
{
    struct sim_worker *k = CONTAINER_OF(self, struct sim_worker, drain);

    listener_stop(&k->listener);
    conn_set_drain(k->conns);
}

void server_drain(struct sim_world *w)
{
    w->draining = true;
    for (size_t i = 0; i < w->plan->workers; i++) {
        w->workers[i].drain.run = drain;
        mailbox_post(loop_mailbox(w->workers[i].loop), &w->workers[i].drain);
    }
}
