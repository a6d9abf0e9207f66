/* metrics: every folder's table of what is counted, joined: summed over the workers and written for Prometheus.
 *
 * The numbers are read as they are while others count on: each is whole, together they are of about one moment.
 * Thread: any, while the workers are there (between server_start() and server_free()).
 *
 * Not here: who may ask (routes.c), what counts (each folder's metrics.def), rates (status.h).
 * Spec: Prometheus text exposition format 0.0.4. */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "conn/conn.h"
#include "hub/hub.h"
#include "rpc/rpc.h"

struct server;

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends the whole text. out->failed says whether memory sufficed. */
void metrics_put(const struct server *s, struct buf *out);

/* The workers' sums. */
struct metrics_sums {
    struct conn_stats conn;
    struct hub_stats hub;
    struct rpc_stats rpc;
};
void metrics_sum(const struct server *s, struct metrics_sums *out);

/* One number of whatever is counted, by family and labels as its row has them; false: this server does not count it. */
bool metrics_find(const struct server *s, const char *family, const char *labels, uint64_t *out);

#endif
