/* fanatico: a WebSocket and HTTP JSON-RPC server for Ethereum's events, as a library.
 *
 * You have a node, in whatever language; this library has its subscribers. You create a server, start it, and call a
 * hook (hooks.h) whenever your chain changes; eth_subscribe, its filters, slow readers, resuming after a reconnect,
 * reorgs and every limit are the library's. Methods that you know better (eth_call, eth_getBalance …) you answer by
 * callback, or another server's URL does.
 *
 *   struct fan_server_options options = {.chain_id = 1337};
 *   fan_server *server;
 *   struct fan_error err;
 *   if (fan_server_new(&options, &server, &err) || fan_server_start(server, &err)) puts(err.text);
 *   fan_chain_announce_block_json(server, json, strlen(json), &err);     // from any thread, as often as you like
 *   fan_server_drain(server);
 *   fan_server_free(server);
 *
 * Every function that can fail returns a status, and words in err where err is not NULL. Nothing here writes to
 * standard output or error, installs a signal handler, or ends the process; the one exception is an assertion, where
 * going on could only mean a deadlock (below). A server that is NULL is FAN_EINVAL, or nothing happens where there is
 * no status.
 *
 *   thread       what it may call
 *   the owner's  everything; new, method, fallback, start, drain, stop and free are its alone
 *   any          hooks (hooks.h), fan_server_stats() and the ports, between start and free; fan_call_*()
 *   a method's   the same as any. drain, stop and free wait for it, so there they are an assertion
 *
 * fork(): the server's threads stay in the process that started it. In the child hooks are FAN_ECLOSED, statistics
 * zero, and drain, stop and free do nothing; it tells its events through the feed (feed_path). Its copies of the
 * server's sockets keep ports and connections open until it ends or becomes another program: fork before the start, as
 * a pre-forking server does, and start in one process alone.
 * Link with `pkg-config --cflags --libs fanatico`; only names that begin with fan_ are exported. */
#ifndef FANATICO_FANATICO_H
#define FANATICO_FANATICO_H

#include <stdbool.h>

#include "fanatico/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fan_server fan_server;
typedef struct fan_call fan_call; /* one JSON-RPC call that waits for your answer */

enum {
    FAN_PORT_FREE = -1, /* any free port: fan_server_http_port() and _ws_port() tell which */
    FAN_PORT_NONE = -2  /* do not listen there */
};

/* Zero takes the default in brackets. Texts are copied by fan_server_new(). */
struct fan_server_options {
    const char *http_host;      /* [127.0.0.1] */
    int http_port;              /* 1 to 65535, FAN_PORT_FREE or FAN_PORT_NONE [8545]; takes WebSocket upgrades too */
    const char *ws_host;        /* [0.0.0.0] */
    int ws_port;                /* likewise [8546] */
    bool takeover;              /* share the ports with a predecessor that is draining, and take its sockets */
    uint64_t chain_id;          /* eth_chainId and net_version; 0: those are yours to answer */
    const char *client_version; /* web3_clientVersion [fanatico/v…] */
    size_t workers;             /* threads that serve clients [one per core] */
    size_t call_threads;        /* threads that run your methods, which may block there [4, or one per core] */

    size_t max_connections;                  /* WebSockets [1,000] */
    size_t http_max_connections;             /* [1,000] */
    size_t max_connections_per_ip;           /* of one address, of one /64 in IPv6 [no such limit] */
    size_t requests_per_second_per_ip;       /* over time; beyond it HTTP 429, -32005 [no such limit] */
    size_t requests_burst_per_ip;            /* and at once [as many as in ten seconds] */
    size_t max_subscriptions_per_connection; /* [100] */
    uint64_t ping_interval_ms;               /* [30,000] */
    uint64_t ping_timeout_ms;                /* [10,000] */
    size_t notify_bytes_max;                 /* notifications waiting for one client; beyond it close 1013 [16 MiB] */
    uint64_t notify_age_max_ms;              /* and how old the oldest may be [10,000] */
    uint64_t notify_linger_ms;               /* how long a client closed so may take to read that [30,000] */
    size_t input_bytes_max;                  /* messages that come in or wait for their answer, in all [1 GiB] */
    size_t output_bytes_max;                 /* output waiting in the whole server [1 GiB] */
    size_t batch_items_max;                  /* [1,000] */
    size_t reply_bytes_max;                  /* of one reply, a batch's included; at most 2,000,000,000 [25,000,000] */
    uint64_t filter_timeout_ms;              /* polling filters unused for so long go [300,000] */
    bool no_ws_deflate;                      /* decline permessage-deflate: everything leaves uncompressed */
    size_t history_blocks;                   /* announced blocks kept, for resuming and for reorgs [1,024] */
    uint64_t drain_ms;                       /* how long fan_server_drain() waits for clients [5,000] */

    const char *upstream_url;     /* methods that nobody has go to this node: http, https, ws or wss [none]. What
                                     clients of other machines ask carries `Forwarded: for=unknown`. Its errors
                                     are passed on as they are; none is asked twice that it may have begun. With it
                                     call_threads is 32 where you say nothing */
    uint64_t upstream_timeout_ms; /* of one try there [45,000] */
    const char *ipc_path;         /* a Unix socket for clients on this machine (mode 0600): JSON-RPC and subscriptions, a
                                     value after the other [none] */
    const char *feed_path;        /* a Unix socket where other processes give hooks, one a line: fan_chain_hook_json()'s
                                     format; a line that does not fit is answered {"line": 3, "error": "…"} [none] */

    const char *http_vhosts;     /* Host names to answer beside IP addresses and localhost, between commas [none] */
    const char *http_corsdomain; /* web origins that may call over HTTP beside loopback ones [none] */
    const char *ws_origins;      /* web origins that may open a WebSocket beside loopback ones [none] */
    const char *http_api;        /* namespaces that answer over HTTP, between commas: "eth,net" [all] */
    const char *ws_api;          /* likewise over WebSocket [all] */
    const char *jwt_secret_path; /* look at tokens (Authorization: Bearer, HS256) signed with the secret in this file, 64
                                    hex digits [none] */
    const char *jwt_namespaces;  /* what then wants a token; FAN_EINVAL without a secret [all] */

    const char *tls_cert;        /* PEM file: the certificate, then those that lead to its authority: the ports speak
                                    TLS (https and wss) and nothing else [none] */
    const char *tls_key;         /* PEM file: its private key, without a passphrase [none] */
    const char *trusted_proxies; /* networks, "10.0.0.0/8,::1": what these proxies say of their clients is believed (in
                                    X-Forwarded-For, X-Forwarded-Proto and Forwarded) [none] */
    bool proxy_protocol;         /* each connection of theirs begins with a PROXY header, version 1 or 2 */
    const char *http_rpcprefix;  /* JSON-RPC over HTTP is on all paths that begin so [on / and /ws] */
    const char *ws_rpcprefix;    /* likewise for WebSockets */

    const char *metrics_access; /* who may read /metrics and /status at the ports: loopback, all or none [loopback];
                                   /livez and /readyz are everybody's */
    bool no_status_page;        /* else who may read /status and asks for HTML at / gets the status page */
    const char *metrics_host;   /* of a port for these four, where whoever reaches it may read [127.0.0.1] */
    int metrics_port;           /* 1 to 65535 or FAN_PORT_FREE [none] */
};

/* The library's version, "1.2.3"; static. */
FAN_API const char *fan_version(void);

/* Makes a server that does nothing yet. FAN_EINVAL: an option does not fit, err names it. FAN_ENOMEM. On FAN_OK the
 * caller owns *out and ends it with fan_server_free(). */
FAN_API FAN_MUST_CHECK enum fan_status fan_server_new(const struct fan_server_options *options, fan_server **out,
                                                      struct fan_error *err);
/* Opens the ports and starts the threads; when it returns FAN_OK every port accepts. FAN_EEXIST, FAN_ESYSTEM: a port
 * cannot be had, err names address, port and why. FAN_ECLOSED: it ran before. */
FAN_API FAN_MUST_CHECK enum fan_status fan_server_start(fan_server *server, struct fan_error *err);
/* The ports in use, 0 before the start or where there is none. Any thread, once the start has returned. */
FAN_API uint16_t fan_server_http_port(const fan_server *server);
FAN_API uint16_t fan_server_ws_port(const fan_server *server);
FAN_API uint16_t fan_server_metrics_port(const fan_server *server);
/* Reads the files of tls_cert and tls_key again: new connections get what is there now, those that are open keep what
 * they have. FAN_EINVAL: a file does not fit (err says which and why) or none was given; FAN_ECLOSED: it does not run.
 * The old certificate then stays. Any thread. */
FAN_API FAN_MUST_CHECK enum fan_status fan_server_reload_tls(fan_server *server, struct fan_error *err);
/* While held /readyz answers 503, so that load balancers look elsewhere; all else goes on. For a host that is not ready
 * yet, or that will drain soon. Nothing happens where it does not run. Any thread. */
FAN_API void fan_server_hold(fan_server *server, bool held);
/* Stops accepting and closes the feed, says 1001 to every WebSocket, lets HTTP finish, waits for all to go, at most
 * drain_ms. Hooks still answer FAN_OK, and nobody hears them any more. Nothing happens where it does not run. */
FAN_API void fan_server_drain(fan_server *server);
/* Ends its threads. Hooks answer FAN_ECLOSED from now on. Idempotent. */
FAN_API void fan_server_stop(fan_server *server);
/* Stops it if need be and frees it. No hook may run any more, and every call has been answered (a method that answers
 * later has done so). NULL is fine. */
FAN_API void fan_server_free(fan_server *server);

/* ---- your methods ---- */

/* Runs on one of call_threads, several at once, and may block there. It answers with exactly one fan_call_answer() or
 * fan_call_fail(), then or later, from any thread. */
typedef void fan_method(void *ctx, fan_call *call);

/* Before the start. A name of the library's own (eth_subscribe, eth_unsubscribe, eth_newFilter and its kin,
 * fanatico_status) is FAN_EEXIST; so is one that you gave before. Where you give none and have no fallback, the library
 * answers eth_blockNumber, eth_syncing, net_listening, net_peerCount, rpc_modules, web3_clientVersion and web3_sha3;
 * with a chain_id, or a client_version, those always. */
FAN_API FAN_MUST_CHECK enum fan_status fan_server_method(fan_server *server, const char *name, fan_method *method,
                                                         void *ctx, struct fan_error *err);
/* Before the start: what answers every name that nobody has. Without it they are -32601. */
FAN_API FAN_MUST_CHECK enum fan_status fan_server_fallback(fan_server *server, fan_method *method, void *ctx,
                                                           struct fan_error *err);

/* The method's name, and its params as JSON text ("[]" where the client sent none). Neither is NUL-terminated; both are
 * borrowed until the call is answered. */
FAN_API const char *fan_call_method(const fan_call *call, size_t *out_len);
FAN_API const char *fan_call_params(const fan_call *call, size_t *out_len);
/* Who asks: writes the address as text ("203.0.113.7:51234", "[::1]:51234", "local" for a Unix socket), cut at `size`
 * bytes with its end (0: nothing is written, and out may be NULL), and returns whether that is this machine's own: the
 * address is loopback or local, and the request says of no proxy. Whoever gives its own machine rights must ask this,
 * and not where the call comes from: that is always this process. Any thread, until the call is answered. */
FAN_API bool fan_call_client(const fan_call *call, char *out, size_t size);
/* Answers with one JSON value, borrowed until it returns. FAN_EFORMAT: that is no JSON (NULL is none), and the client
 * has got -32603 instead. The call is over in any case, and its pointer means nothing any more. Any thread. */
FAN_API enum fan_status fan_call_answer(fan_call *call, const char *json, size_t len, struct fan_error *err);
/* Answers with an error, its words as they are. code: of JSON-RPC 2.0, section 5.1, or your own. data_json (may be
 * NULL) is one JSON value, data_len its length; what is no JSON is left out. The call is over. Any thread. */
FAN_API void fan_call_fail(fan_call *call, int code, const char *message, const char *data_json, size_t data_len);

/* ---- what it does ---- */

/* Counts since the start, but where it says now. */
struct fan_server_stats {
    uint64_t connections_ws, connections_http; /* now */
    uint64_t blocks, logs, pending;            /* announced and told on */
    uint64_t repeated;                         /* announced before, and passed over */
    uint64_t gaps;                             /* times that a block's parent had never been announced */
    uint64_t waiting_logs;                     /* now: logs whose block has not come */
    uint64_t abandoned_logs;                   /* whose block never came */
};
/* Any thread; out is never NULL. */
FAN_API void fan_server_stats(fan_server *server, struct fan_server_stats *out);

#ifdef __cplusplus
}
#endif

#endif
