/* worker: one thread that serves clients: its loop, its listeners, its connections, its shard of the hub.
 *
 * Nothing of a worker is touched by another thread, except through its loop's mailbox. */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include <pthread.h>

#include "app/notices.h"
#include "app/server.h"
#include "net/listen.h"
#include "net/loop.h"

struct worker {
    struct server *server;
    uint32_t index;
    struct loop *loop;
    struct conn_set *conns;
    struct hub_shard *shard;
    struct rpc_worker *rpc;
    struct listener http, ws, ipc, metrics;
    struct conn_set *metrics_conns; /* of the port that is for metrics alone: limits of its own. NULL: no such port */
    struct conn_totals *metrics_totals;
    struct notices notices;
    struct loop_hook turn_end;
    pthread_t thread;
    bool running;
    struct letter drain, renew;
    _Atomic(struct tls_identity *) next_tls; /* what `renew` brings, a reference of the letter's; NULL: none is on its way */
    _Atomic size_t open; /* connections, as of the last turn of a draining worker */
    bool draining;
};

/* Listening sockets, -1: none. */
struct worker_ports {
    int http, ws, ipc;
};

/* The worker closes the ports from worker_open() on, also when it fails. Each gives back what it took when it fails. The loop comes first, since the hub wants every worker's mailbox. */
FAN_MUST_CHECK enum fan_status worker_init(struct worker *w, struct server *s, uint32_t index);
FAN_MUST_CHECK enum fan_status worker_open(struct worker *w, const struct worker_ports *ports, struct hub *hub, struct rpc *rpc,
                                           const struct conn_options *conn, struct conn_totals *totals, struct fan_error *err);
/* Serves metrics on that listening socket too, which it closes from then on. Before the start. */
FAN_MUST_CHECK enum fan_status worker_open_metrics(struct worker *w, int fd, const struct conn_options *conn,
                                                   const char *host, struct fan_error *err);
FAN_MUST_CHECK enum fan_status worker_start(struct worker *w);
void worker_use_tls(struct worker *w, struct tls_identity *identity); /* any thread; takes a reference of its own */
void worker_drain(struct worker *w);      /* any thread */
void worker_stop(struct worker *w);       /* joins the thread; what it owns stays for worker_fini() */
void worker_close(struct worker *w);      /* connections and listeners go; after worker_stop() */
void worker_fini(struct worker *w);       /* zeroed or half built is fine */

#endif
