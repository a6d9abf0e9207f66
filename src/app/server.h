/* server: workers around one chain: the place where the rooms are joined.
 *
 *   server_new ─► ports reserved, hub watches the chain ─► server_start ─► a thread per worker: loop, listeners, connections,
 *   the hub's shard, the rpc's worker ─► server_drain (1001) ─► server_stop ─► server_free
 *
 * The chain comes from outside (local/, upstream/, a host) and outlives the server. Watchers can only be added before the
 * chain's writer starts, so server_new() comes first, then the chain's start, then server_start().
 *
 * What it serves beside JSON-RPC is in routes.c: /livez, /readyz, /metrics (metrics.h), /status (status.h).
 *
 * Not here: flags (cmd/), what methods mean (api/). */
#ifndef APP_SERVER_H
#define APP_SERVER_H

#include "api/api.h"
#include "conn/conn.h"
#include "wire/jwt.h"

enum { SERVER_REPLY_LIMIT = 2000000000 }; /* the outbox counts what an entry holds in 32 bits */

/* Who may read /metrics and /status at the ports that serve clients; /livez and /readyz are everybody's. */
enum metrics_access { METRICS_LOOPBACK, METRICS_ALL, METRICS_NONE };

/* "loopback", "all", "none"; false: that is none of them. */
FAN_MUST_CHECK bool metrics_access_of(const char *text, enum metrics_access *out);

/* Zero takes each room's defaults. Texts are borrowed for as long as the server lives. */
struct server_options {
    const char *http_host, *ws_host;
    uint16_t http_port, ws_port;    /* 0: a free one */
    bool one_port;                  /* HTTP and WebSocket both on http_host:http_port; no second listener */
    bool no_http, no_ws;            /* no such listener; not both */
    const char *ipc_path;           /* a Unix socket for this machine's clients; NULL: none */
    bool takeover;
    enum metrics_access metrics_access;
    bool no_status_page;            /* else whoever may read /status sees it in a browser, where JSON-RPC is posted to */
    bool metrics;             /* a port of their own for /metrics, /status, /livez and /readyz, at which all may read */
    const char *metrics_host; /* [127.0.0.1] */
    uint16_t metrics_port;    /* 0: a free one */
    size_t workers;                 /* 0: one per core */
    uint64_t drain_ms;              /* how long server_drain() lets clients finish [5,000] */
    uint8_t jwt_secret[JWT_SECRET_LEN]; /* what tokens are signed with; see rpc.guarded */
    bool has_jwt_secret;
    struct conn_options conn;
    struct hub_options hub;
    struct rpc_options rpc;
    struct api_options api;
    const struct rpc_method *methods; /* instead of all of api's; copied by rpc. NULL: all */
    size_t method_count;
    const struct rpc_method *fallback; /* for names without a row; NULL: -32601 */
};

struct server;

/* Reserves ports and socket and joins hub and chain. FAN_EEXIST, FAN_EINVAL, FAN_ESYSTEM: err names address, port or path and why. */
FAN_MUST_CHECK enum fan_status server_new(struct chain *chain, const struct server_options *options, struct server **out, struct fan_error *err);
/* Starts the workers; when it returns FAN_OK every port accepts. */
FAN_MUST_CHECK enum fan_status server_start(struct server *s, struct fan_error *err);
/* New connections meet this identity from now on; those that are there keep theirs. Any thread, after the start. */
struct tls_identity;
void server_use_tls(struct server *s, struct tls_identity *identity);
/* Connections open now, as of each worker's last turn. Any thread. */
void server_connections(const struct server *s, uint64_t *out_ws, uint64_t *out_http);
uint16_t server_http_port(const struct server *s);
uint16_t server_ws_port(const struct server *s); /* the HTTP port where there is one port */
uint16_t server_metrics_port(const struct server *s); /* 0: it has none of its own */
/* The first worker's turns go on: true when it took a sample since the last call. For a watchdog; one thread. */
bool server_is_alive(struct server *s);
/* Why it is not ready for clients though it serves (static text: "importing"), or NULL: it is. Any thread. */
void server_hold(struct server *s, const char *why);
/* Stops accepting, says 1001 to every WebSocket, lets HTTP and IPC finish, and waits for all to go, at most drain_ms. */
void server_drain(struct server *s);
/* Ends the workers' threads; then the chain's writer may stop, and after it the server may go. Idempotent. */
void server_stop(struct server *s);
/* After the chain's writer has stopped. NULL is fine. */
void server_free(struct server *s);

#endif
