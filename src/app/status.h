/* status: what the server does right now, as one JSON object for people, pages and scripts: GET /status.
 *
 *   { "version", "ready", "reason", "uptimeSeconds", "startedAt",
 *     "chain": { "id", "fork", "forks": [{"name", "block" or "time"}], "head": {"number", "hash", "timestamp",
 * "gasUsed", "gasLimit", "transactions"}, "syncing", "blocks", "transactions", "reorgs", "pool": {"executable",
 * "queued"} }, "connections": { "ws", "http", "ipc", "wsMax", "httpMax", "opened": {"ws", "http"}, "refused",
 * "slowReadersClosed" }, "subscriptions": { "newHeads", "logs", … }, "notifications", "requests", "rates": {
 * "windowSeconds", "notifications", "requests", "sentBytes" }          per second, of the last ten seconds "latency": {
 * "windowSeconds", "bounds": [seconds …], "notification": {"count", "p50", "p90", "p99", "buckets": [ … ]}, "request":
 * … },   of the last minute "memory": { "resident", "outputWaiting", "outputMax" }, "cpuSeconds", "workers", "ports":
 * {"http", "ws", "metrics"} }
 *
 * Numbers are JSON numbers; latencies are seconds, null where nothing was measured; "head" and "pool" are null where
 * the chain has none; buckets are counts, not cumulative, the last of what lies beyond all bounds. Keys may be added,
 * not renamed. Rates come from samples that the first worker takes each second.
 *
 * Not here: who may ask (routes.c), all that is counted (metrics.h). */
#ifndef APP_STATUS_H
#define APP_STATUS_H

#include "codec/json.h"

struct server;

/* Why clients should not be sent here now: "starting", "importing", "syncing" (the host says so), "draining".
 * NULL: ready. Static; any thread. */
const char *status_unready(const struct server *s);
/* Any thread, between server_start() and server_free(). */
void status_put_json(struct server *s, struct json_writer *w);

#endif
