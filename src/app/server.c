#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/parts.h"
#include "app/status.h"
#include "base/clock.h"

enum { DRAIN_MS = 5000, DRAIN_LOOK_MS = 10 };

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

static bool may_read_status(void *ctx, const struct conn_peer *peer)
{
    return routes_may_read(ctx, peer);
}

static void put_status(void *ctx, struct json_writer *w)
{
    status_put_json(ctx, w);
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
    s->totals = conn_totals_new(&s->options.conn);
    if (!s->totals) return FAN_ENOMEM;
    status = hub_new(s->chain, &s->options.hub, boxes, s->worker_count, &s->hub);
    if (status) return status;
    s->options.api.status = (struct api_status){s, may_read_status, put_status};
    api_init(&s->api, s->chain, s->hub, &s->options.api);
    if (s->options.methods)
        return rpc_new(&s->options.methods, &s->options.method_count, 1, s->options.fallback, &s->options.rpc, to_writer, s, &s->api, &s->rpc);
    return rpc_new(api_tables, api_table_counts, api_table_count, s->options.fallback, &s->options.rpc, to_writer, s, &s->api, &s->rpc);
}

static const char *metrics_host(const struct server_options *o)
{
    return o->metrics_host && *o->metrics_host ? o->metrics_host : "127.0.0.1";
}

static enum fan_status open_ports(struct server *s, struct fan_error *err)
{
    const struct server_options *o = &s->options;
    struct listen_options http = {.host = o->http_host, .port = o->http_port, .takeover = o->takeover};
    struct listen_options ws = {.host = o->ws_host, .port = o->ws_port, .takeover = o->takeover};
    struct listen_options metrics = {
        .host = metrics_host(o), .port = o->metrics_port, .takeover = o->takeover};
    enum fan_status status = o->no_http ? FAN_OK : listen_open(&http, s->worker_count, s->http_fds, &s->http_port, err);

    if (status) return status;
    s->ws_port = s->http_port;
    if (!o->one_port && !o->no_ws) status = listen_open(&ws, s->worker_count, s->ws_fds, &s->ws_port, err);
    if (!status && o->metrics) status = listen_open(&metrics, 1, &s->metrics_fd, &s->metrics_port, err);
    if (status || !o->ipc_path) return status;
    /* Last, so that a server that finds its ports taken leaves the socket of the one that has them alone. */
    return local_socket_open(&(struct local_socket_options){.path = o->ipc_path, .mode = 0600, .takeover = o->takeover}, &s->ipc, err);
}

enum fan_status server_new(struct chain *chain, const struct server_options *options, struct server **out, struct fan_error *err)
{
    struct server *s = calloc(1, sizeof *s);
    enum fan_status status;

    if (!s) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    s->options = *options;
    s->options.rpc.reply_len_max = options->conn.reply_len_max;
    s->options.rpc.replies_bytes_max = options->conn.output_bytes_max;
    if (options->has_jwt_secret) s->options.conn.jwt_secret = s->options.jwt_secret;
    s->chain = chain;
    s->metrics_fd = -1;
    s->made_ms = clock_monotonic_ms();
    s->made_s = clock_wall_s();
    (void)pthread_mutex_init(&s->samples_lock, NULL); /* with default attributes it cannot fail on Linux */
    for (size_t i = 0; i < WORKERS_MAX; i++) s->http_fds[i] = s->ws_fds[i] = -1;
    s->worker_count = worker_count_of(options);
    status = open_ports(s, err);
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
        struct worker_ports ports = {.http = s->http_fds[i], .ws = s->ws_fds[i], .ipc = -1};

        s->http_fds[i] = s->ws_fds[i] = -1;
        /* Of a Unix socket there is one; all workers accept from it, and whoever is awake first has the client. */
        if (s->ipc.open) ports.ipc = fcntl(s->ipc.fd, F_DUPFD_CLOEXEC, 0);
        status = worker_open(&s->workers[i], &ports, s->hub, s->rpc, &s->options.conn, s->totals, err);
        if (!status && s->ipc.open && ports.ipc < 0) status = fan_error_set(err, FAN_ESYSTEM, "%s: %s", s->options.ipc_path, strerror(errno));
        if (status) return status;
    }
    if (s->metrics_fd >= 0) {
        int fd = s->metrics_fd;

        s->metrics_fd = -1;
        status = worker_open_metrics(&s->workers[0], fd, &s->options.conn, metrics_host(&s->options), err);
        if (status) return status;
    }
    status_start(s);
    for (size_t i = 0; i < s->worker_count; i++) {
        status = worker_start(&s->workers[i]);
        if (status) return fan_error_set(err, status, "worker %zu: no thread", i);
    }
    atomic_store(&s->open, true);
    return FAN_OK;
}

void server_use_tls(struct server *s, struct tls_identity *identity)
{
    for (size_t i = 0; i < s->worker_count; i++) worker_use_tls(&s->workers[i], identity);
}

void server_connections(const struct server *s, uint64_t *out_ws, uint64_t *out_http)
{
    *out_ws = *out_http = 0;
    for (size_t i = 0; i < s->worker_count; i++) {
        *out_ws += conn_set_count(s->workers[i].conns, CONN_WEBSOCKET);
        *out_http += conn_set_count(s->workers[i].conns, CONN_HTTP);
    }
}

uint16_t server_http_port(const struct server *s)
{
    return s->http_port;
}

uint16_t server_ws_port(const struct server *s)
{
    return s->ws_port;
}

uint16_t server_metrics_port(const struct server *s)
{
    return s->metrics_port;
}

bool server_is_alive(struct server *s)
{
    uint64_t seen = s->sample_seen;

    (void)pthread_mutex_lock(&s->samples_lock);
    s->sample_seen = s->sample_count;
    (void)pthread_mutex_unlock(&s->samples_lock);
    return s->sample_seen != seen;
}

void server_hold(struct server *s, const char *why)
{
    atomic_store(&s->hold, why);
}

void server_drain(struct server *s)
{
    uint64_t end_ms = clock_monotonic_ms() + min_u64(s->options.drain_ms ? s->options.drain_ms : DRAIN_MS, CLOCK_MS_MAX);

    atomic_store(&s->draining, true);
    local_socket_close(&s->ipc);
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
        if (s->workers[0].loop) loop_timer_cancel(s->workers[0].loop, &s->sampler);
        rpc_free(s->rpc); /* no call is under way any more: what the workers hold for them may go */
        for (size_t i = 0; i < s->worker_count; i++) worker_close(&s->workers[i]);
        for (size_t i = 0; i < s->worker_count; i++) worker_fini(&s->workers[i]);
    }
    local_socket_close(&s->ipc);
    hub_free(s->hub);
    conn_totals_free(s->totals);
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (s->http_fds[i] >= 0) (void)close(s->http_fds[i]);
        if (s->ws_fds[i] >= 0) (void)close(s->ws_fds[i]);
    }
    if (s->metrics_fd >= 0) (void)close(s->metrics_fd);
    (void)pthread_mutex_destroy(&s->samples_lock);
    free(s->workers);
    free(s);
}
