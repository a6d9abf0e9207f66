#include "app/worker.h"

#include <signal.h>
#include <stdatomic.h>

static void on_message(void *ctx, struct conn *c, struct slice body)
{
    struct worker *w = ctx;

    rpc_message(w->rpc, c, body);
}

static void on_closed(void *ctx, struct conn *c)
{
    struct worker *w = ctx;

    hub_forget(w->shard, c);
}

static void http_accepted(void *ctx, int fd)
{
    struct worker *w = ctx;

    conn_set_adopt(w->conns, fd, CONN_ACCEPTS_BOTH);
}

static void ws_accepted(void *ctx, int fd)
{
    struct worker *w = ctx;

    conn_set_adopt(w->conns, fd, CONN_ACCEPTS_WEBSOCKET);
}

/* Last in each turn: what the turn produced for a client leaves in one send. */
static void turn_end(void *ctx)
{
    struct worker *w = ctx;

    conn_set_flush(w->conns);
    if (w->draining) atomic_store(&w->open, conn_set_count(w->conns, true) + conn_set_count(w->conns, false));
}

enum fan_status worker_init(struct worker *w, struct server *s, uint32_t index)
{
    *w = (struct worker){.server = s, .index = index};
    return loop_new(NULL, &w->loop);
}

enum fan_status worker_open(struct worker *w, const struct listen_port *http, const struct listen_port *ws, struct hub *hub,
                            struct rpc *rpc, const struct conn_options *conn, struct conn_totals *totals, struct fan_error *err)
{
    const struct conn_handler handler = {.ctx = w, .message = on_message, .closed = on_closed};
    enum fan_status s;

    s = conn_set_new(w->loop, w->index, conn, &handler, totals, &w->conns);
    if (s) return fan_error_set(err, s, "worker %u: connections: %s", w->index, fan_status_text(s));
    s = hub_shard_new(hub, w->index, w->conns, &w->shard);
    if (s) return fan_error_set(err, s, "worker %u: hub: %s", w->index, fan_status_text(s));
    s = rpc_worker_new(rpc, w->conns, loop_mailbox(w->loop), w->shard, &w->rpc);
    if (s) return fan_error_set(err, s, "worker %u: rpc: %s", w->index, fan_status_text(s));
    loop_at_turn_end(w->loop, turn_end, w);
    s = listener_open(&w->http, http, w->loop, http_accepted, w, err);
    if (s) return s;
    return ws ? listener_open(&w->ws, ws, w->loop, ws_accepted, w, err) : FAN_OK;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    sigset_t all;

    (void)sigfillset(&all); /* signals are for the main thread */
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    loop_run(w->loop);
    return NULL;
}

enum fan_status worker_start(struct worker *w)
{
    if (pthread_create(&w->thread, NULL, run, w)) return FAN_ESYSTEM;
    w->running = true;
    return FAN_OK;
}

static void drain(struct letter *self)
{
    struct worker *w = CONTAINER_OF(self, struct worker, drain);

    listener_close(&w->http);
    listener_close(&w->ws);
    conn_set_drain(w->conns);
    w->draining = true;
}

void worker_drain(struct worker *w)
{
    if (!w->running) return;
    atomic_store(&w->open, SIZE_MAX); /* until the worker says otherwise */
    w->drain.run = drain;
    mailbox_post(loop_mailbox(w->loop), &w->drain);
}

void worker_stop(struct worker *w)
{
    if (!w->running) return;
    loop_stop(w->loop);
    (void)pthread_join(w->thread, NULL);
    w->running = false;
}

void worker_close(struct worker *w)
{
    if (!w->loop) return;
    listener_close(&w->http);
    listener_close(&w->ws);
    conn_set_free(w->conns);
    w->conns = NULL;
}

void worker_fini(struct worker *w)
{
    worker_stop(w);
    worker_close(w);
    rpc_worker_free(w->rpc);
    hub_shard_free(w->shard);
    loop_free(w->loop);
    *w = (struct worker){0};
}
