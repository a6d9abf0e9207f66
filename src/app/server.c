#include "app/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/worker.h"
#include "base/clock.h"

enum { WORKERS_MAX = 256, DRAIN_MS = 5000, DRAIN_LOOK_MS = 10 };

struct server {
    struct server_options options;
    struct chain *chain;
    struct hub *hub;
    struct api api;
    struct rpc *rpc;
    struct conn_totals *totals;
    struct listen_port http, ws;
    struct worker *workers;
    size_t worker_count;
};

static size_t worker_count_of(const struct server_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = o->workers ? o->workers : cores > 0 ? (size_t)cores : 1;

    return count > WORKERS_MAX ? WORKERS_MAX : count;
}

static void to_writer(void *ctx, struct letter *l)
{
    struct server *s = ctx;

    chain_write(s->chain, l);
}

/* Rooms from the chain outwards: the hub wants the workers' mailboxes, the methods want the hub, rpc wants the methods. */
static enum fan_status join(struct server *s)
{
    struct mailbox *boxes[WORKERS_MAX];
    enum fan_status status;

    s->workers = calloc(s->worker_count, sizeof *s->workers);
    if (!s->workers) return FAN_ENOMEM;
    for (size_t i = 0; i < s->worker_count; i++) {
        status = worker_init(&s->workers[i], s, (uint32_t)i);
        if (status) return status;
        boxes[i] = loop_mailbox(s->workers[i].loop);
    }
    s->totals = conn_totals_new();
    if (!s->totals) return FAN_ENOMEM;
    status = hub_new(s->chain, &s->options.hub, boxes, s->worker_count, &s->hub);
    if (status) return status;
    api_init(&s->api, s->chain, s->hub, &s->options.api);
    return rpc_new(api_tables, api_table_counts, api_table_count, NULL, &s->options.rpc, to_writer, s, &s->api, &s->rpc);
}

enum fan_status server_new(struct chain *chain, const struct server_options *options, struct server **out, struct fan_error *err)
{
    struct server *s = calloc(1, sizeof *s);
    enum fan_status status;

    if (!s) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    s->options = *options;
    s->chain = chain;
    s->http.probe = s->ws.probe = -1;
    s->worker_count = worker_count_of(options);
    status = listen_reserve(options->http_host, options->http_port, options->takeover, &s->http, err);
    if (!status && !options->one_port) status = listen_reserve(options->ws_host, options->ws_port, options->takeover, &s->ws, err);
    if (!status) {
        status = join(s);
        if (status) (void)fan_error_set(err, status, "the server cannot be put together: %s", fan_status_text(status));
    }
    if (status) {
        server_free(s);
        return status;
    }
    *out = s;
    return FAN_OK;
}

enum fan_status server_start(struct server *s, struct fan_error *err)
{
    enum fan_status status;

    for (size_t i = 0; i < s->worker_count; i++) {
        status = worker_open(&s->workers[i], &s->http, s->options.one_port ? NULL : &s->ws, s->hub, s->rpc, &s->options.conn, s->totals, err);
        if (status) return status;
    }
    listen_release(&s->http);
    listen_release(&s->ws);
    for (size_t i = 0; i < s->worker_count; i++) {
        status = worker_start(&s->workers[i]);
        if (status) return fan_error_set(err, status, "worker %zu: no thread", i);
    }
    return FAN_OK;
}

uint16_t server_http_port(const struct server *s)
{
    return listen_port_number(&s->http);
}

uint16_t server_ws_port(const struct server *s)
{
    return listen_port_number(s->options.one_port ? &s->http : &s->ws);
}

void server_drain(struct server *s)
{
    uint64_t end_ms = clock_monotonic_ms() + (s->options.drain_ms ? s->options.drain_ms : DRAIN_MS);

    for (size_t i = 0; i < s->worker_count; i++) worker_drain(&s->workers[i]);
    for (;;) {
        size_t open = 0;

        for (size_t i = 0; i < s->worker_count; i++)
            if (s->workers[i].running && atomic_load(&s->workers[i].open)) open++;
        if (!open || clock_monotonic_ms() >= end_ms) return;
        (void)usleep(DRAIN_LOOK_MS * 1000);
    }
}

void server_stop(struct server *s)
{
    for (size_t i = 0; i < s->worker_count; i++) worker_stop(&s->workers[i]);
}

void server_free(struct server *s)
{
    if (!s) return;
    if (s->workers) {
        server_stop(s);
        rpc_free(s->rpc); /* no call is under way any more: what the workers hold for them may go */
        for (size_t i = 0; i < s->worker_count; i++) worker_close(&s->workers[i]);
        for (size_t i = 0; i < s->worker_count; i++) worker_fini(&s->workers[i]);
    }
    hub_free(s->hub);
    conn_totals_free(s->totals);
    listen_release(&s->http);
    listen_release(&s->ws);
    free(s->workers);
    free(s);
}
