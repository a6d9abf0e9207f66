/* The library's server: a host's chain, the server around it, and the host's own methods. Implements fanatico.h. */
#include "app/fanatico.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/tables.h"
#include "app/feed.h"
#include "base/log.h"

enum { CALL_THREADS = 4, UPSTREAM_THREADS = 32, METHODS_MAX = 1000, HTTP_PORT = 8545, WS_PORT = 8546 };

/* Rows of the library's own. Those that are always there, and those that stand in until the host has an answer. */
static const char *const own[] = {"eth_subscribe",
                                  "eth_unsubscribe",
                                  "eth_newFilter",
                                  "eth_newBlockFilter",
                                  "eth_newPendingTransactionFilter",
                                  "eth_getFilterChanges",
                                  "eth_getFilterLogs",
                                  "eth_uninstallFilter",
                                  "fanatico_status"};
static const char *const stand_ins[] = {"eth_blockNumber", "eth_syncing", "net_listening",
                                        "net_peerCount",   "rpc_modules", "web3_sha3"};
static const char *const with_chain_id[] = {"eth_chainId", "net_version"};
static const char *const with_version[] = {"web3_clientVersion"};

/* ---- options ---- */

static char *copy_text(const char *text, const char *otherwise)
{
    return strdup(text && *text ? text : otherwise);
}

static bool port_of(int given, uint16_t otherwise, uint16_t *out, bool *out_none)
{
    *out_none = given == FAN_PORT_NONE;
    if (given < FAN_PORT_NONE || given > UINT16_MAX) return false;
    *out = given > 0 ? (uint16_t)given : given == 0 ? otherwise : 0;
    return true;
}

static enum fan_status read_options(fan_server *s, const struct fan_server_options *o, struct fan_error *err)
{
    struct front_options front = {.jwt_secret = o->jwt_secret_path, .jwt_namespaces = o->jwt_namespaces};
    struct server_options *to = &s->options;
    char version[64];
    bool no_metrics;

    *to = (struct server_options){
        .metrics = o->metrics_port != 0,
        .rpc = {.dev_methods = RPC_DEV_NONE, .pool_threads = o->call_threads},
        .api = {.owner = s},
    };
#define SHARED(field, place) to->place = o->field;
#define SHARED_FRONT(field)  front.field = o->field;
#include "app/shared_options.def"
#undef SHARED
#undef SHARED_FRONT
    if (!port_of(o->http_port, HTTP_PORT, &to->http_port, &to->no_http))
        return fan_error_set(err, FAN_EINVAL, "http_port: %d is no port", o->http_port);
    if (!port_of(o->ws_port, WS_PORT, &to->ws_port, &to->no_ws))
        return fan_error_set(err, FAN_EINVAL, "ws_port: %d is no port", o->ws_port);
    if (o->metrics_port == FAN_PORT_NONE || !port_of(o->metrics_port, 0, &to->metrics_port, &no_metrics))
        return fan_error_set(err, FAN_EINVAL, "metrics_port: %d is no port", o->metrics_port);
    if (o->metrics_access && *o->metrics_access && !metrics_access_of(o->metrics_access, &to->metrics_access))
        return fan_error_set(err, FAN_EINVAL, "metrics_access: \"%.100s\" is not loopback, all or none",
                             o->metrics_access);
    if (o->reply_bytes_max > SERVER_REPLY_LIMIT)
        return fan_error_set(err, FAN_EINVAL, "reply_bytes_max: at most %d", SERVER_REPLY_LIMIT);
    if (to->no_http && to->no_ws) return fan_error_set(err, FAN_EINVAL, "http_port, ws_port: one of them must listen");
    (void)snprintf(version, sizeof version, "fanatico/v%s", FANATICO_VERSION);
    s->texts[0] = copy_text(o->http_host, "127.0.0.1");
    s->texts[1] = copy_text(o->ws_host, "0.0.0.0");
    s->texts[2] = copy_text(o->client_version, version);
    s->texts[3] = copy_text(o->feed_path, "");
    s->texts[4] = copy_text(o->ipc_path, "");
    s->texts[5] = copy_text(o->metrics_host, "127.0.0.1");
    for (size_t i = 0; i < COUNT_OF(s->texts); i++)
        if (!s->texts[i]) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    to->http_host = s->texts[0];
    to->ws_host = s->texts[1];
    to->ipc_path = *s->texts[4] ? s->texts[4] : NULL;
    to->metrics_host = s->texts[5];
    to->api.client_version = slice_str(s->texts[2]);
    return front_open(&s->front, &front, to, err);
}

/* ---- methods ---- */

static const struct host_method *method_find(const fan_server *s, struct slice name)
{
    for (size_t i = 0; i < s->method_count; i++)
        if (slice_eq_str(name, s->methods[i].name)) return &s->methods[i];
    return NULL;
}

static fan_server *server_of(const struct call *call)
{
    const struct api *api = call_app(call);

    return api->options.owner;
}

/* The server whose method this thread is in: it must not be ended from there, since its end waits for this thread. */
static _Thread_local const fan_server *inside;

/* On a pool thread: the host may take its time. */
static void run_host_method(struct call *call)
{
    const fan_server *s = server_of(call);
    const struct host_method *m = method_find(s, call_method(call));

    if (!m) m = &s->fallback;
    inside = s;
    m->run(m->ctx, (fan_call *)call);
    inside = NULL;
}

static void to_pool(struct call *call)
{
    call_continue(call, RPC_POOL, run_host_method);
}

static const struct rpc_method fallback_row = {"*", RPC_INLINE, 0, to_pool};

static const struct rpc_method *row_of_api(const char *name)
{
    for (size_t t = 0; t < api_table_count; t++)
        for (size_t i = 0; i < api_table_counts[t]; i++)
            if (strcmp(api_tables[t][i].name, name) == 0) return &api_tables[t][i];
    return NULL;
}

static bool is_own(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(own[i], name) == 0) return true;
    return false;
}

static void take_rows(fan_server *s, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rpc_method *row = row_of_api(names[i]);

        assert(row);
        if (!method_find(s, slice_str(names[i]))) s->rows[s->row_count++] = *row;
    }
}

/* The library's rows and the host's: what the host answers itself, or has a fallback for, is its own. */
static enum fan_status join_rows(fan_server *s)
{
    s->rows =
        calloc(s->method_count + COUNT_OF(own) + COUNT_OF(stand_ins) + COUNT_OF(with_chain_id) + COUNT_OF(with_version),
               sizeof *s->rows);
    if (!s->rows) return FAN_ENOMEM;
    take_rows(s, own, COUNT_OF(own));
    if (s->has_chain_id) take_rows(s, with_chain_id, COUNT_OF(with_chain_id));
    if (s->has_version || !s->fallback.run) take_rows(s, with_version, COUNT_OF(with_version));
    if (!s->fallback.run) take_rows(s, stand_ins, COUNT_OF(stand_ins));
    for (size_t i = 0; i < s->method_count; i++)
        s->rows[s->row_count++] = (struct rpc_method){s->methods[i].name, RPC_POOL, 0, run_host_method};
    return FAN_OK;
}

enum fan_status fan_server_method(fan_server *s, const char *name, fan_method *method, void *ctx, struct fan_error *err)
{
    struct host_method *more;

    if (!s) return fan_error_set(err, FAN_EINVAL, "server: is NULL");
    if (atomic_load(&s->state) != SERVER_NEW)
        return fan_error_set(err, FAN_ECLOSED, "methods are given before the start");
    if (!name || !*name || !method) return fan_error_set(err, FAN_EINVAL, "a method has a name and a function");
    if (is_own(name) || method_find(s, slice_str(name)))
        return fan_error_set(err, FAN_EEXIST, "%s: this method is there already", name);
    if (s->method_count == METHODS_MAX) return fan_error_set(err, FAN_ELIMIT, "at most %d methods", METHODS_MAX);
    more = realloc(s->methods, (s->method_count + 1) * sizeof *more);
    if (!more) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    s->methods = more;
    more[s->method_count] = (struct host_method){strdup(name), method, ctx};
    if (!more[s->method_count].name) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    s->method_count++;
    return FAN_OK;
}

enum fan_status fan_server_fallback(fan_server *s, fan_method *method, void *ctx, struct fan_error *err)
{
    if (!s) return fan_error_set(err, FAN_EINVAL, "server: is NULL");
    if (atomic_load(&s->state) != SERVER_NEW)
        return fan_error_set(err, FAN_ECLOSED, "the fallback is given before the start");
    if (!method) return fan_error_set(err, FAN_EINVAL, "a fallback has a function");
    if (s->upstream) return fan_error_set(err, FAN_EEXIST, "upstream_url is the fallback already");
    s->fallback = (struct host_method){NULL, method, ctx};
    return FAN_OK;
}

/* ---- the node upstream ---- */

/* What nobody here has is asked there, and its answer is the answer, errors included. On a pool thread. */
static void ask_upstream(void *ctx, fan_call *handle)
{
    struct call *call = (struct call *)handle;
    fan_server *server = ctx;
    struct client *client = fan_call_client(handle, NULL, 0) ? server->upstream : server->upstream_far;
    struct slice name = call_method(call), params;
    struct client_reply reply = {0};
    struct fan_error err = {""};
    enum fan_status s;
    size_t len;
    char *method = arena_cstr(call_arena(call), name);

    if (memchr(name.at, 0, name.len)) { /* what would be cut there may be another's name */
        call_fail(call, -32601, "a method's name has no zero byte");
        return;
    }
    params.at = (const uint8_t *)fan_call_params(handle, &len);
    params.len = len;
    s = method ? client_call(client, method, params, call_arena(call), &reply, &err) : FAN_ENOMEM;
    if (!s) {
        json_put_raw(call_result(call), json_raw(reply.result));
        call_finish(call);
    } else if (s == FAN_EREJECTED) {
        call_fail_as_told(call, (int)reply.code, slice_str(err.text), reply.data);
    } else {
        /* Whoever asks need not know where the host's node is, nor the key that may be in its path. */
        const char *url = client_url(client), *why = err.text[0] ? err.text : fan_status_text(s);

        if (strncmp(why, url, strlen(url)) == 0) why += strlen(url);
        call_fail(call, -32000, "the node upstream%s%s", *why == ':' ? "" : ": ", why);
    }
}

static void upstream_changed(void *ctx, const char *url, const char *why)
{
    fan_server *s = ctx;
    bool lost = why != NULL;

    if (atomic_exchange(&s->upstream_lost, lost) == lost) return; /* the other of the two has found it out */
    if (lost)
        log_warn("upstream", "the node upstream does not answer", LOG_WITH(log_str("url", url), log_str("why", why)));
    else
        log_warn("upstream", "the node upstream answers again", LOG_WITH(log_str("url", url)));
}

/* Two clients of one node: what others ask through us carries a proxy's header, so that the node below does not take
 * them for its own machine's, and lets them sign, because we stand there (RFC 7239, section 6.3: who it is stays
 * unsaid). */
static enum fan_status open_upstream(fan_server *s, const struct fan_server_options *o, struct fan_error *err)
{
    static const char *const forwarded[] = {"Forwarded: for=unknown"};
    struct client_options options = {.url = o->upstream_url,
                                     .timeout_ms = o->upstream_timeout_ms,
                                     .backoff_ms = 200,
                                     .retries = 2,
                                     .once = true,
                                     .changed = upstream_changed,
                                     .ctx = s};
    struct fan_error why = {""};
    enum fan_status status;

    if (!o->upstream_url || !*o->upstream_url) return FAN_OK;
    status = client_new(&options, &s->upstream, &why);
    options.headers = forwarded;
    options.header_count = COUNT_OF(forwarded);
    if (!status) status = client_new(&options, &s->upstream_far, &why);
    if (status) return fan_error_set(err, status, "upstream_url: %s", why.text[0] ? why.text : fan_status_text(status));
    s->fallback = (struct host_method){NULL, ask_upstream, s};
    return FAN_OK;
}

static enum fan_status feed_hook(void *ctx, const char *line, size_t len, struct fan_error *err)
{
    return fan_chain_hook_json(ctx, line, len, err);
}

/* ---- calls ---- */

const char *fan_call_method(const fan_call *call, size_t *out_len)
{
    struct slice name = call_method((const struct call *)call);

    *out_len = name.len;
    return (const char *)name.at;
}

const char *fan_call_params(const fan_call *call, size_t *out_len)
{
    struct json params = call_params((const struct call *)call);
    struct slice text = json_is(params, JSON_MISSING) ? SLICE("[]") : json_raw(params);

    *out_len = text.len;
    return (const char *)text.at;
}

bool fan_call_client(const fan_call *call, char *out, size_t size)
{
    const struct conn_peer *peer = call_peer((const struct call *)call);
    char text[ADDRESS_TEXT_MAX];

    address_text(&peer->client, text);
    if (size) (void)snprintf(out, size, "%s", text);
    return peer->loopback || peer->transport == CONN_IPC;
}

static bool is_json(struct slice text, struct fan_error *err)
{
    struct arena_home home;
    struct arena a;
    struct json v;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = json_parse(text, JSON_DEPTH_MAX, &a, &v, err);
    arena_home_fini(&home);
    return !s;
}

enum fan_status fan_call_answer(fan_call *handle, const char *json, size_t len, struct fan_error *err)
{
    struct call *call = (struct call *)handle;
    struct fan_error why = {""};

    if (!json) len = 0;
    if (!is_json(slice_of(json ? json : "", len), &why)) {
        call_fail(call, -32603, "the method's answer is no JSON");
        return fan_error_set(err, FAN_EFORMAT, "the answer is no JSON: %s", why.text);
    }
    json_put_raw(call_result(call), slice_of(json, len));
    call_finish(call);
    return FAN_OK;
}

void fan_call_fail(fan_call *handle, int code, const char *message, const char *data_json, size_t data_len)
{
    struct call *call = (struct call *)handle;
    bool has_data = data_json && is_json(slice_of(data_json, data_len), NULL);

    call_fail_as_told(call, code, slice_str(message ? message : ""),
                      has_data ? slice_of(data_json, data_len) : slice_of(NULL, 0));
}

/* ---- life ---- */

const char *fan_version(void)
{
    return FANATICO_VERSION;
}

enum fan_status fan_server_new(const struct fan_server_options *options, fan_server **out, struct fan_error *err)
{
    static const struct fan_server_options defaults;
    const struct fan_server_options *o = options ? options : &defaults;
    fan_server *s = out ? calloc(1, sizeof *s) : NULL;
    enum fan_status status;

    if (!out) return fan_error_set(err, FAN_EINVAL, "out: is NULL");
    if (!s) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    atomic_init(&s->state, SERVER_NEW);
    s->has_chain_id = o->chain_id != 0;
    s->has_version = o->client_version && *o->client_version;
    status = read_options(s, o, err);
    if (!status) status = open_upstream(s, o, err);
    if (!status) {
        status = host_new(&(struct host_options){.chain_id = o->chain_id, .history = o->history_blocks}, &s->host);
        if (status) (void)fan_error_set(err, status, "out of memory");
    }
    if (status) {
        fan_server_free(s);
        return status;
    }
    if (!s->options.rpc.pool_threads) s->options.rpc.pool_threads = s->upstream ? UPSTREAM_THREADS : CALL_THREADS;
    *out = s;
    return FAN_OK;
}

enum fan_status fanatico_running(const fan_server *s, struct fan_error *err)
{
    if (!s) return fan_error_set(err, FAN_EINVAL, "server: is NULL");
    if (atomic_load(&s->state) != SERVER_RUNNING) return fan_error_set(err, FAN_ECLOSED, "the server is not running");
    if (s->pid == getpid()) return FAN_OK;
    return fan_error_set(err, FAN_ECLOSED,
                         "the server runs in process %ld, which this one was forked from: tell it through its feed "
                         "(feed_path)",
                         (long)s->pid);
}

/* Its threads are to be ended: not by one of them, and not by a process that has none of them. */
static bool may_end(const fan_server *s)
{
    assert(inside != s); /* a method of the host's must not end the server that it answers for */
    return s->pid == getpid();
}

enum fan_status fan_server_start(fan_server *s, struct fan_error *err)
{
    enum fan_status status;

    if (!s) return fan_error_set(err, FAN_EINVAL, "server: is NULL");
    if (atomic_load(&s->state) != SERVER_NEW)
        return fan_error_set(err, FAN_ECLOSED, "this server has been started before");
    status = s->rows ? FAN_OK : join_rows(s);
    if (status) return fan_error_set(err, status, "out of memory");
    s->pid = getpid();
    s->options.methods = s->rows;
    s->options.method_count = s->row_count;
    s->options.fallback = s->fallback.run ? &fallback_row : NULL;
    status = server_new(host_chain(s->host), &s->options, &s->server, err);
    if (!status) status = server_start(s->server, err);
    if (!status) {
        atomic_store(&s->state, SERVER_RUNNING); /* before the first line can come */
        if (*s->texts[3]) status = feed_open(s->texts[3], s->options.takeover, feed_hook, s, &s->feed, err);
        if (!status) return FAN_OK;
        atomic_store(&s->state, SERVER_NEW);
    }
    if (s->server) server_stop(s->server);
    server_free(s->server);
    s->server = NULL;
    return status;
}

uint16_t fan_server_http_port(const fan_server *s)
{
    return s && s->server && !s->options.no_http ? server_http_port(s->server) : 0;
}

uint16_t fan_server_ws_port(const fan_server *s)
{
    return s && s->server && !s->options.no_ws ? server_ws_port(s->server) : 0;
}

uint16_t fan_server_metrics_port(const fan_server *s)
{
    return s && s->server ? server_metrics_port(s->server) : 0;
}

void fan_server_hold(fan_server *s, bool held)
{
    if (!fanatico_running(s, NULL)) server_hold(s->server, held ? "held" : NULL);
}

enum fan_status fan_server_reload_tls(fan_server *s, struct fan_error *err)
{
    struct tls_identity *identity;
    enum fan_status status = fanatico_running(s, err);

    if (status) return status;
    status = front_reload(&s->front, &identity, err);
    if (status) return status;
    server_use_tls(s->server, identity);
    tls_identity_unref(identity);
    return FAN_OK;
}

void fan_server_drain(fan_server *s)
{
    if (!s || atomic_load(&s->state) != SERVER_RUNNING || !may_end(s)) return;
    feed_close(s->feed); /* what a feeder said before is on its way, and leaves in front of the 1001 */
    s->feed = NULL;
    server_drain(s->server);
}

void fan_server_stop(fan_server *s)
{
    if (!s || atomic_exchange(&s->state, SERVER_STOPPED) != SERVER_RUNNING || !may_end(s)) return;
    feed_close(s->feed);
    s->feed = NULL;
    server_stop(s->server);
}

void fan_server_free(fan_server *s)
{
    if (!s) return;
    fan_server_stop(s);
    if (s->server && !may_end(s)) return; /* a copy of what the parent has: it goes with this process */
    server_free(s->server);
    host_free(s->host);
    client_free(s->upstream);
    client_free(s->upstream_far);
    for (size_t i = 0; i < s->method_count; i++) free(s->methods[i].name);
    free(s->methods);
    free(s->rows);
    for (size_t i = 0; i < COUNT_OF(s->texts); i++) free(s->texts[i]);
    front_fini(&s->front);
    free(s);
}

void fan_server_stats(fan_server *s, struct fan_server_stats *out)
{
    struct host_stats host;

    *out = (struct fan_server_stats){0};
    if (!s || (s->server && s->pid != getpid())) return; /* after fork() the locks may be held by nobody */
    host_stats(s->host, &host);
    *out = (struct fan_server_stats){
        .blocks = host.blocks,
        .logs = host.logs,
        .pending = host.pending,
        .repeated = host.repeated,
        .gaps = host.gaps,
        .waiting_logs = host.waiting_logs,
        .abandoned_logs = host.abandoned_logs,
    };
    if (s->server) server_connections(s->server, &out->connections_ws, &out->connections_http);
}
