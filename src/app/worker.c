#include <signal.h>
#include <string.h>
#include <stdatomic.h>
#include <unistd.h>

#include "app/parts.h"
#include "base/log.h"
#include "net/tls.h"

enum { METRICS_CONNECTIONS_MAX = 64 };

static void on_message(void *ctx, struct conn *c, struct slice body)
{
    struct worker *w = ctx;

    rpc_message(w->rpc, c, body);
}

static void on_closed(void *ctx, struct conn *c)
{
    struct worker *w = ctx;

    hub_forget(w->shard, c);
    rpc_conn_closed(w->rpc, c);
}

static void on_room(void *ctx, struct conn *c)
{
    struct worker *w = ctx;

    hub_room(w->shard, c);
}

static void on_slow(void *ctx, const struct conn *c, enum conn_slow why, size_t waiting, bool reset)
{
    struct worker *w = ctx;

    notices_slow(&w->notices, c, why, waiting, reset);
}

static bool on_route(void *ctx, struct conn *c, struct slice path)
{
    struct worker *w = ctx;

    return routes_serve(w->server, c, path, false);
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

static void ipc_accepted(void *ctx, int fd)
{
    struct worker *w = ctx;

    conn_set_adopt(w->conns, fd, CONN_ACCEPTS_IPC);
}

/* Last in each turn: what the turn produced for a client leaves in one send. */
static void turn_end(struct loop_hook *self)
{
    struct worker *w = CONTAINER_OF(self, struct worker, turn_end);

    rpc_worker_turn_end(w->rpc);
    conn_set_flush(w->conns);
    if (w->draining) atomic_store(&w->open, conn_set_count(w->conns, CONN_WEBSOCKET) + conn_set_count(w->conns, CONN_HTTP) +
                                                conn_set_count(w->conns, CONN_IPC));
}

enum fan_status worker_init(struct worker *w, struct server *s, uint32_t index)
{
    *w = (struct worker){.server = s, .index = index};
    return loop_new(NULL, &w->loop);
}

static enum fan_status listen_on(struct worker *w, struct listener *l, int fd, void (*accepted)(void *ctx, int fd))
{
    enum fan_status s = fd < 0 ? FAN_OK : listener_start(l, w->loop, fd, accepted, w);

    if (s) (void)close(fd);
    return s;
}

enum fan_status worker_open(struct worker *w, const struct worker_ports *ports, struct hub *hub, struct rpc *rpc, const struct conn_options *conn,
                            struct conn_totals *totals, struct fan_error *err)
{
    const struct conn_handler handler = {.ctx = w, .message = on_message, .closed = on_closed, .route = on_route, .room = on_room, .slow = on_slow};
    const char *what = "listener";
    enum fan_status s = listen_on(w, &w->http, ports->http, http_accepted), ws = listen_on(w, &w->ws, ports->ws, ws_accepted),
                    ipc = listen_on(w, &w->ipc, ports->ipc, ipc_accepted);

    if (!s) s = ws ? ws : ipc;
    if (!s) {
        what = "connections";
        s = conn_set_new(w->loop, w->index, conn, &handler, totals, &w->conns);
    }
    if (!s) {
        what = "hub";
        s = hub_shard_new(hub, w->index, w->conns, &w->shard);
    }
    if (!s) {
        what = "rpc";
        s = rpc_worker_new(rpc, w->conns, loop_mailbox(w->loop), w->shard, &w->rpc);
    }
    if (s) return fan_error_set(err, s, "worker %u: %s: %s", w->index, what, fan_status_text(s));
    w->turn_end.run = turn_end;
    loop_hook_add(w->loop, &w->turn_end);
    return FAN_OK;
}

/* ---- the port for metrics alone ---- */

static void metrics_message(void *ctx, struct conn *c, struct slice body)
{
    static const char answer[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,\"message\":\"Method not "
                                 "found: this port has metrics alone\"}}";
    struct buf reply;

    (void)ctx;
    (void)body;
    buf_init(&reply, 0);
    buf_put_str(&reply, answer);
    conn_reply(c, &reply);
    buf_fini(&reply);
}

static void metrics_closed(void *ctx, struct conn *c)
{
    (void)ctx;
    (void)c;
}

static bool metrics_route(void *ctx, struct conn *c, struct slice path)
{
    struct worker *w = ctx;

    return routes_serve(w->server, c, path, true);
}

static void metrics_accepted(void *ctx, int fd)
{
    struct worker *w = ctx;

    conn_set_adopt(w->metrics_conns, fd, CONN_ACCEPTS_HTTP);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0 ||
           strcmp(host, "localhost") == 0;
}

enum fan_status worker_open_metrics(struct worker *w, int fd, const struct conn_options *conn, const char *host,
                                    struct fan_error *err)
{
    static const char *const any[] = {"*"};
    const struct conn_handler handler = {
        .ctx = w, .message = metrics_message, .closed = metrics_closed, .route = metrics_route};
    struct conn_options options = *conn;
    enum fan_status s = listen_on(w, &w->metrics, fd, metrics_accepted);

    options.http_max = METRICS_CONNECTIONS_MAX;
    options.tls = NULL; /* nobody stands in front of it, and nothing private passes */
    options.proxy_protocol = false;
    if (!is_loopback(host)) { /* its collector knows the machine by some name; a browser has no way there to rebind */
        options.vhosts = any;
        options.vhost_count = COUNT_OF(any);
    }
    if (!s) w->metrics_totals = conn_totals_new(NULL);
    if (!s && !w->metrics_totals) s = FAN_ENOMEM;
    if (!s) s = conn_set_new(w->loop, w->index, &options, &handler, w->metrics_totals, &w->metrics_conns);
    return s ? fan_error_set(err, s, "metrics: %s", fan_status_text(s)) : FAN_OK;
}

/* ---- life ---- */

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

    listener_drain(&w->http);
    listener_drain(&w->ws);
    listener_drain(&w->ipc);
    listener_drain(&w->metrics);
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

static void renew(struct letter *self)
{
    struct worker *w = CONTAINER_OF(self, struct worker, renew);
    struct tls_identity *identity = atomic_exchange(&w->next_tls, NULL);

    /* A set that speaks TLS has what that takes, so this cannot fail; one that is gone needs none. */
    if (w->conns && conn_set_use_tls(w->conns, identity)) log_error("tls", "out of memory: the old certificate stays", NULL);
    tls_identity_unref(identity);
}

void worker_use_tls(struct worker *w, struct tls_identity *identity)
{
    struct tls_identity *before = atomic_exchange(&w->next_tls, tls_identity_ref(identity));

    if (before) { /* its letter is under way, and brings this one */
        tls_identity_unref(before);
        return;
    }
    w->renew.run = renew;
    mailbox_post(loop_mailbox(w->loop), &w->renew);
}

void worker_stop(struct worker *w)
{
    if (!w->running) return;
    loop_stop(w->loop);
    (void)pthread_join(w->thread, NULL);
    w->running = false;
    if (w->rpc) rpc_worker_abandon(w->rpc); /* or the pool would first run to its end what nobody will read */
}

void worker_close(struct worker *w)
{
    if (!w->loop) return;
    listener_stop(&w->http);
    listener_stop(&w->ws);
    listener_stop(&w->ipc);
    listener_stop(&w->metrics);
    if (w->turn_end.run) loop_hook_remove(w->loop, &w->turn_end);
    w->turn_end.run = NULL;
    conn_set_free(w->conns);
    w->conns = NULL;
    conn_set_free(w->metrics_conns);
    w->metrics_conns = NULL;
    conn_totals_free(w->metrics_totals);
    w->metrics_totals = NULL;
}

void worker_fini(struct worker *w)
{
    worker_stop(w);
    worker_close(w);
    hub_shard_free(w->shard); /* first: a change that came after the last turn must find no shard, since its connections are gone */
    rpc_worker_free(w->rpc);
    loop_free(w->loop);
    *w = (struct worker){0};
}
