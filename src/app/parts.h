/* parts: the server's inside, for the files of this folder. */
#ifndef APP_PARTS_H
#define APP_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "app/server.h"
#include "app/worker.h"
#include "net/local_socket.h"

enum { WORKERS_MAX = 256 };

/* What changes fast, once a second: what rates and recent quantiles are made of. */
struct sample {
    uint64_t at_ms;
    uint64_t notifications, requests, sent_bytes;
    struct histogram notification, request;
};

enum { SAMPLES = 64, SAMPLE_MS = 1000 }; /* more than a minute */

struct server {
    struct server_options options;
    struct chain *chain;
    struct hub *hub;
    struct api api;
    struct rpc *rpc;
    struct conn_totals *totals;
    uint16_t http_port, ws_port, metrics_port;
    int http_fds[WORKERS_MAX], ws_fds[WORKERS_MAX]; /* listening, until their worker takes them over; else -1 */
    int metrics_fd;                                 /* likewise; the first worker's */
    struct local_socket ipc;
    struct worker *workers;
    size_t worker_count;
    uint64_t made_ms, made_s;   /* monotonic; Unix time */
    atomic_bool open, draining; /* open: the workers serve */
    _Atomic(const char *) hold; /* why it is not ready; NULL: it is */
    pthread_mutex_t samples_lock;
    struct sample samples[SAMPLES]; /* a ring; sample_count were ever taken */
    uint64_t sample_count;
    uint64_t sample_seen; /* by server_is_alive() */
    struct loop_timer sampler; /* on the first worker's loop */
    struct notices_told told;
};

/* ---- routes.c: conn_handler.route, on a worker ---- */
/* open: at a port of its own, where whoever reaches it may read everything. */
bool routes_serve(struct server *s, struct conn *c, struct slice path, bool open);

/* By --metrics-access. */
bool routes_may_read(const struct server *s, const struct conn_peer *peer);

/* ---- status.c ---- */
/* Begins to sample, before the first worker's thread starts. */
void status_start(struct server *s);

#endif
