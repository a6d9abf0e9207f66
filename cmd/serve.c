/* Serving a chain until somebody ends it. */
#include "serve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/front.h"
#include "app/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "commands.h"
#include "notify.h"
#include "print.h"
#include "progress.h"

enum {
    FORK_POOL_THREADS = 32,
    FORK_CALL_TIMEOUT_MS = 60000
};

const char *serve_ipc_path(const struct options *o)
{
    static char path[4096];

    if (!o->has_ipc_path) return NULL;
    if (!o->has_datadir || strchr(o->ipc_path, '/')) return o->ipc_path;
    (void)snprintf(path, sizeof path, "%s/%s", o->datadir, o->ipc_path);
    return path;
}

/* front: what the server borrows of its options, for as long as it lives. */
static enum fan_status server_options_from(const struct options *o, bool dev, struct front *front, char version[128], struct server_options *out,
                                           struct fan_error *err)
{
    struct front_options from = {.flags = true, .api_only = true, .jwt_secret = o->jwt_secret, .jwt_namespaces = o->has_jwt_namespaces ? o->jwt_namespaces : NULL};

    if (o->reply_bytes_max > SERVER_REPLY_LIMIT)
        return fan_error_set(err, FAN_EINVAL, "--rpc-batch-response-max-size: at most %d", SERVER_REPLY_LIMIT);
    /* Hardhat's helpers want to see a development node's name in front. */
    (void)snprintf(version, 128, "%sfanatico/v%s/linux/C17", dev ? "anvil/v1.7.1-" : "", FANATICO_VERSION);
    *out = (struct server_options){
        .http_host = o->http_host,
        .ws_host = o->ws_host,
        .http_port = o->has_port ? o->port : o->http_port,
        .ws_port = o->ws_port,
        .one_port = o->has_port,
        .ipc_path = serve_ipc_path(o),
        .metrics = o->metrics || o->has_metrics_port,
        .metrics_host = o->metrics_addr,
        .metrics_port = o->metrics_port,
        .hub = {.resume_blocks_max = o->ws_resume_blocks},
        .api = {.call_gas_max = o->rpc_gas_cap,
                .call_timeout_ms = o->rpc_timeout_ms,
                .logs_max = o->logs_max,
                .client_version = slice_str(o->has_client_version ? o->client_version : version)},
    };
#define SHARED(field, place) out->place = o->field;
#define SHARED_FRONT(field)  from.field = o->field;
#include "app/shared_options.def"
#undef SHARED
#undef SHARED_FRONT
    if (!dev || strcmp(o->dev_methods, "none") == 0) out->rpc.dev_methods = RPC_DEV_NONE;
    else if (strcmp(o->dev_methods, "loopback") == 0) out->rpc.dev_methods = RPC_DEV_LOOPBACK;
    else if (strcmp(o->dev_methods, "all") == 0) out->rpc.dev_methods = RPC_DEV_ALL;
    else return fan_error_set(err, FAN_EINVAL, "--dev-methods: \"%s\" is not loopback, all or none", o->dev_methods);
    if (!metrics_access_of(o->metrics_access, &out->metrics_access))
        return fan_error_set(err, FAN_EINVAL, "--metrics-access: \"%s\" is not loopback, all or none", o->metrics_access);
    return front_open(front, &from, out, err);
}

enum fan_status serve_ready(const char *path, const struct serve_ports *ports, struct fan_error *err)
{
    char beside[4096];
    FILE *f;

    (void)snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    f = fopen(beside, "w");
    if (!f) return fan_error_set(err, FAN_EIO, "--ready-file: %s: %s", path, strerror(errno));
    (void)fprintf(f, "{\"pid\":%ld,\"http_port\":%u,\"ws_port\":%u", (long)getpid(), ports->http, ports->ws);
    if (ports->metrics) (void)fprintf(f, ",\"metrics_port\":%u", ports->metrics);
    (void)fprintf(f, "}\n");
    if (fclose(f) || rename(beside, path)) return fan_error_set(err, FAN_EIO, "--ready-file: %s: %s", path, strerror(errno));
    return FAN_OK;
}

static void show(const struct options *o, const struct serve *how, const struct server *s, struct chain *chain)
{
    const char *ws_host = o->has_port ? o->http_host : o->ws_host;
    struct chain_remote *remote = chain->ops->remote(chain);
    char http[300], ws[300];
    struct block *head;

    if (o->silent || log_format_now() == LOG_JSON || (!remote && chain->ops->block_by_number(chain, 0, &head))) {
        chain_remote_unref(remote);
        return;
    }
    if (remote) head = block_ref(remote->block);
    (void)snprintf(http, sizeof http, "http%s://%s:%u", o->has_tls_cert ? "s" : "", o->http_host, server_http_port(s));
    (void)snprintf(ws, sizeof ws, "ws%s://%s:%u", o->has_tls_cert ? "s" : "", ws_host, server_ws_port(s));
    how->banner(how->ctx, o, head, remote, http, ws);
    chain_remote_unref(remote);
    block_unref(head);
}

struct renewing {
    struct server *server;
    const struct front *front;
};

static void renew(void *ctx)
{
    const struct renewing *r = ctx;
    struct tls_identity *identity = NULL;
    struct fan_error err = {""};
    enum fan_status s = front_reload(r->front, &identity, &err);

    if (!s) server_use_tls(r->server, identity);
    tls_identity_unref(identity);
    serve_say_renewed(s ? &err : NULL);
}

static bool is_alive(void *ctx)
{
    return server_is_alive(((struct renewing *)ctx)->server);
}

/* Where clients find us, for who reads the log and not the banner. */
static void tell_ready(const struct options *o, const struct server *s)
{
    log_info("server", "ready",
             LOG_WITH(log_str("version", FANATICO_VERSION), log_str("http_host", o->http_host), log_u64("http_port", server_http_port(s)),
                      log_str("ws_host", o->has_port ? o->http_host : o->ws_host), log_u64("ws_port", server_ws_port(s)),
                      log_u64("metrics_port", server_metrics_port(s)), log_u64("tls", o->has_tls_cert), log_u64("process", (uint64_t)getpid())));
    notify_systemd("READY=1\nSTATUS=serving");
}

static void end_in_order(const struct options *o, const struct serve *how, struct server *s)
{
    uint64_t ws, http, began_ms;

    server_hold(s, "draining");
    serve_delay(o, how);
    server_connections(s, &ws, &http);
    began_ms = clock_monotonic_ms();
    log_info("server", "draining", LOG_WITH(log_u64("ws", ws), log_u64("http", http)));
    server_drain(s);
    server_connections(s, &ws, &http);
    log_info("server", "drained", LOG_WITH(log_u64("took_ms", clock_monotonic_ms() - began_ms), log_u64("ws_left", ws), log_u64("http_left", http)));
}

/* A file that cannot be imported is mostly found out sooner: one line then, and no banner in front of it. */
enum { BANNER_WAITS_MS = 500 };

/* --import, told from the writer's thread to the one that waits for it. */
struct importing {
    struct progress progress;
    enum fan_status status;
    struct local_import_result result;
    struct fan_error err;
    _Atomic bool done;
    _Atomic bool stop;
};

static void imported(void *ctx, enum fan_status s, const struct local_import_result *result, const struct fan_error *err)
{
    struct importing *i = ctx;

    i->status = s;
    i->result = *result;
    i->err = *err;
    atomic_store(&i->done, true);
}

static void show_progress(void *ctx, const struct local_import_progress *now)
{
    progress_show(&((struct importing *)ctx)->progress, now);
}

static bool stop_asked(void *ctx)
{
    return atomic_load(&((struct importing *)ctx)->stop);
}

/* While clients are served. Returns the exit code, or -1: all is imported and the node goes on. */
static int import(const struct options *o, const struct serve *how, struct server *server, struct local *local)
{
    static const struct timespec look = {.tv_nsec = 20000000};
    uint64_t shows_ms = clock_monotonic_ms() + BANNER_WAITS_MS;
    struct importing i = {.done = false};
    const struct local_import_watch watch = {.ctx = &i, .progress = show_progress, .stop = stop_asked};
    struct fan_error whole;

    server_hold(server, "importing");
    notify_systemd("STATUS=importing");
    log_info("chain", "importing", LOG_WITH(log_str("file", o->import)));
    progress_begin(&i.progress, "imported", o->silent);
    if (local_import_start(local, o->import, &watch, imported)) return complain(1, "--import: no thread or no memory for it");
    while (!atomic_load(&i.done)) {
        if (sigtimedwait(&how->ends, NULL, &look) > 0) { /* what was imported is in memory and goes too */
            atomic_store(&i.stop, true);
            local_stop(local);
        }
        if (shows_ms && clock_monotonic_ms() >= shows_ms) {
            show(o, how, server, local_chain(local));
            shows_ms = 0;
        }
    }
    progress_end(&i.progress);
    server_hold(server, NULL);
    log_info("chain", "imported", LOG_WITH(log_u64("blocks", i.result.blocks), log_u64("head", i.result.head_number), log_u64("whole", !i.status)));
    if (i.status == FAN_ECLOSED) return 0;
    if (!i.status) {
        if (shows_ms) show(o, how, server, local_chain(local));
        progress_sum(&i.progress, i.result.blocks, i.result.gas, i.result.head_number);
        return -1;
    }
    /* A wrong file is told, not served on. */
    (void)fan_error_set(&whole, i.status, "%.200s: %.300s", o->import, i.err.text);
    return complain(2, whole.text);
}

/* On a fork a call may have to fetch what it reads: many of them wait at once, and a first one waits long. */
static void suit_fork(const struct options *o, struct server_options *out)
{
    if (!o->has_fork_url) return;
    out->rpc.pool_threads = FORK_POOL_THREADS;
    if (!o->has_rpc_timeout_ms) out->api.call_timeout_ms = FORK_CALL_TIMEOUT_MS;
}

int serve(const struct options *o, const struct serve *how, struct local *local)
{
    struct server_options options;
    struct server *server = NULL;
    struct fan_error err = {""};
    struct front front = {0};
    char version[128];
    int code = -1;
    enum fan_status s = server_options_from(o, how->dev, &front, version, &options, &err);

    suit_fork(o, &options);
    if (!s && how->dev) s = serve_log(o, true, &err);
    if (s || server_new(local_chain(local), &options, &server, &err)) code = complain(2, err.text);
    else if (local_start(local)) code = complain(1, "the chain's writer cannot be started");
    else if (server_start(server, &err)) code = complain(2, err.text);
    else {
        if (o->has_import) code = import(o, how, server, local);
        else show(o, how, server, local_chain(local));
        if (code < 0 && o->has_ready_file && serve_ready(o->ready_file, &(struct serve_ports){server_http_port(server), server_ws_port(server), server_metrics_port(server)}, &err)) code = complain(2, err.text);
        if (code < 0) {
            tell_ready(o, server);
            serve_wait(how, &(struct serve_watch){.hangup = o->has_tls_cert ? renew : NULL, .alive = is_alive, .ctx = &(struct renewing){server, &front}});
            code = 0;
        }
        if (how->ending) how->ending(how->ctx);
        if (code == 0) end_in_order(o, how, server);
    }
    if (how->ending) how->ending(how->ctx);
    if (server) server_stop(server);
    local_stop(local);
    server_free(server);
    front_fini(&front);
    return code == 0 && print_trouble_is_over() ? 1 : code;
}

/* --check-config: what can be known without ports and threads. */
int serve_check(const struct options *o, bool dev)
{
    struct server_options options;
    struct fan_error err = {""};
    struct front front = {0};
    char version[128];
    int code = 0;

    if (server_options_from(o, dev, &front, version, &options, &err) || serve_log(o, dev, &err)) code = complain(2, err.text);
    else (void)printf("the configuration is good\n");
    front_fini(&front);
    return code;
}
