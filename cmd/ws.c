/* fanatico ws: the WebSocket server alone. Whose chain it is, other processes say, a hook a line. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "app/feed.h"
#include "base/buf.h"
#include "base/log.h"
#include "commands.h"
#include "fanatico/hooks.h"
#include "notify.h"
#include "options_table.h"
#include "serve.h"

static enum fan_status take_line(void *ctx, const char *line, size_t len, struct fan_error *err)
{
    return fan_chain_hook_json(ctx, line, len, err);
}

/* Standard input's end is not the server's: a file of events may be all there is, and its readers stay. */
static void *read_input(void *ctx)
{
    enum fan_status s = feed_read(STDIN_FILENO, STDOUT_FILENO, take_line, ctx);

    if (s) log_error("feed", "standard input ended early", LOG_WITH(log_str("error", fan_status_text(s))));
    return NULL;
}

static bool from_socket(const struct options *o)
{
    return o->has_feed && *o->feed;
}

/* The flag of an option of the library's; NULL: that is none. */
static const char *flag_of(struct slice word)
{
    static const char *const renamed[][2] = {{"upstream_url", "upstream-http"},
                                             {"jwt_secret_path", "jwt-secret"},
                                             {"reply_bytes_max", "rpc-batch-response-max-size"},
                                             {"metrics_host", "metrics-addr"},
                                             {"ipc_path", "ipcpath"},
                                             {"feed_path", "feed"}};
    const struct option_row *row = option_find((const char *)word.at, word.len);

    for (size_t i = 0; i < COUNT_OF(renamed); i++)
        if (slice_eq_str(word, renamed[i][0])) return renamed[i][1];
    return row ? row->flag : NULL;
}

/* What the library says of its options ("tls_key: which file? tls_cert needs it"), under the names that were typed. What
 * stands between quotes is the user's, and a word without an underscore is one unless it begins the line. */
static int complain_of_options(const struct fan_error *err)
{
    const char *at = err->text;
    bool quoted = false;
    struct buf out;
    int code;

    buf_init(&out, 0);
    while (*at) {
        size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        struct slice word = slice_of(at, len ? len : 1);
        bool names = len && !quoted && (memchr(at, '_', len) || (at == err->text && at[len] == ':'));
        const char *flag = names ? flag_of(word) : NULL;

        if (*at == '"') quoted = !quoted;
        if (flag)
            buf_printf(&out, "--%s", flag);
        else
            buf_put(&out, word);
        at += word.len;
    }
    buf_put_byte(&out, 0);
    code = complain(2, out.failed ? err->text : (const char *)out.at);
    buf_fini(&out);
    return code;
}

static struct fan_server_options options_from(const struct options *o)
{
    return (struct fan_server_options){
        .http_port = FAN_PORT_NONE,
        .ws_host = o->ws_host,
        .ws_port = o->ws_port ? o->ws_port : FAN_PORT_FREE,
        .chain_id = o->has_chain_id || !o->has_upstream_http ? o->chain_id : 0, /* else the node upstream knows */
        .client_version = o->has_client_version ? o->client_version : NULL,
        .history_blocks = o->history_blocks,
        .upstream_url = o->has_upstream_http ? o->upstream_http : NULL,
        .upstream_timeout_ms = o->upstream_timeout_ms,
        .ipc_path = serve_ipc_path(o),
        .feed_path = from_socket(o) ? o->feed : NULL,
        .metrics_access = o->metrics_access,
        .metrics_host = o->metrics_addr,
        .metrics_port = !o->metrics && !o->has_metrics_port ? 0 : o->metrics_port ? o->metrics_port : FAN_PORT_FREE,
        .jwt_secret_path = o->jwt_secret,
        .jwt_namespaces = o->has_jwt_namespaces ? o->jwt_namespaces : NULL,
#define SHARED(field, place) .field = o->field,
#define SHARED_FRONT(field)  .field = o->field,
#include "app/shared_options.def"
#undef SHARED
#undef SHARED_FRONT
    };
}

static void renew(void *ctx)
{
    struct fan_error err = {""};

    serve_say_renewed(fan_server_reload_tls(ctx, &err) ? &err : NULL);
}

static int run(const struct options *o, fan_server *server, const struct serve *how)
{
    struct fan_error err = {""};
    pthread_t input;

    if (fan_server_start(server, &err)) return complain(2, err.text);
    if (o->has_ready_file && serve_ready(o->ready_file, &(struct serve_ports){.ws = fan_server_ws_port(server), .metrics = fan_server_metrics_port(server)}, &err))
        return complain(2, err.text);
    log_info("server", "ready", LOG_WITH(log_str("version", FANATICO_VERSION), log_str("ws_host", o->ws_host), log_u64("ws_port", fan_server_ws_port(server)),
                                         log_u64("metrics_port", fan_server_metrics_port(server)), log_u64("tls", o->has_tls_cert), log_str("feed", from_socket(o) ? o->feed : "standard input"),
                                         log_u64("process", (uint64_t)getpid())));
    notify_systemd("READY=1\nSTATUS=serving");
    if (!o->silent && log_format_now() == LOG_TEXT) {
        (void)fprintf(stderr, "fanatico ws: ws%s://%s:%u, hooks from %s\n", o->has_tls_cert ? "s" : "", o->ws_host, fan_server_ws_port(server),
                      from_socket(o) ? o->feed : "standard input");
    }
    if (!from_socket(o)) {
        if (pthread_create(&input, NULL, read_input, server)) return complain(1, "no thread for standard input");
        (void)pthread_detach(input); /* it may be waiting for its next line when the process ends */
    }
    serve_wait(how, &(struct serve_watch){.hangup = o->has_tls_cert ? renew : NULL, .ctx = server});
    fan_server_hold(server, true);
    serve_delay(o, how);
    log_info("server", "draining", NULL);
    fan_server_drain(server);
    fan_server_stop(server);
    return 0;
}

int command_ws(int argc, char **argv)
{
    struct options o;
    struct fan_error err = {""};
    enum options_outcome outcome;
    struct serve how = {0};
    struct fan_server_options options;
    fan_server *server;
    int code;

    if (options_read(
            &o, 'W',
            "Usage: fanatico ws [OPTIONS]\n\nThe WebSocket server alone: eth_subscribe for a chain that other "
            "processes tell, a line each, on a\n"
            "Unix socket (--feed) or standard input: {\"hook\":\"on_new_block\",\"arg\":{...}}; the hooks are "
            "on_new_block,\n"
            "on_logs, on_pending_transaction and on_syncing. A line that does not fit is answered with its number\n"
            "and why. Methods that it does not have go to --upstream-http.\n",
            argc, argv, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    serve_prepare(&how, &o);
    if (serve_log(&o, true, &err)) return complain(2, err.text);
    options = options_from(&o);
    if (fan_server_new(&options, &server, &err)) return complain_of_options(&err);
    code = o.check_config ? printf("the configuration is good\n") < 0 : run(&o, server, &how);
    if (from_socket(&o) || o.check_config || code)
        fan_server_free(server); /* else a hook may be under way: the process ends with it */
    return code;
}
