/* front: what stands between the clients and the server: hosts and origins that are welcome, namespaces and who may
 * call them, TLS, the proxies that are believed, and where JSON-RPC is served.
 *
 * The command line and the library ask for the same things by other names; here they are read, checked and kept for as
 * long as the server lives. Thread: one at a time. */
#ifndef APP_FRONT_H
#define APP_FRONT_H

#include "app/names.h"
#include "app/server.h"
#include "net/tls.h"

enum { FRONT_NETWORKS_MAX = 64 };

/* Texts may be NULL: not given; empty ones too, but for the names of files, of which nobody gets less safety than he
 * asked for. Lists are between commas. */
struct front_options {
    bool flags;    /* err calls options as the command line does (--tls-cert), else as the library does (tls_cert) */
    bool api_only; /* all methods are api's, so a namespace must be one of theirs */
    const char *http_vhosts, *http_corsdomain, *ws_origins;
    const char *http_api, *ws_api;  /* namespaces [all] */
    const char *jwt_secret;         /* a file */
    const char *jwt_namespaces;     /* what wants a token [all]; needs a secret */
    const char *tls_cert, *tls_key; /* files: both, or none */
    const char *trusted_proxies;    /* networks */
    bool proxy_protocol;
    const char *http_rpcprefix, *ws_rpcprefix;
};

struct front {
    bool flags;
    struct names vhosts, cors_origins, ws_origins, http_api, ws_api, guarded;
    char *texts[4]; /* copies: certificate, key, prefixes */
    struct tls_identity *tls;
    struct network proxies[FRONT_NETWORKS_MAX];
};

/* Fills f, and what `out` says of these matters, which borrows from f. FAN_EINVAL: an option does not fit, or a file
 * does not; err names it and says why. FAN_ENOMEM, FAN_EIO, FAN_ESYSTEM. f is then empty. */
FAN_MUST_CHECK enum fan_status front_open(struct front *f, const struct front_options *o, struct server_options *out,
                                          struct fan_error *err);
void front_fini(struct front *f); /* after the server; zeroed is fine */
/* Reads certificate and key again, for server_use_tls(): the caller's reference. What f has is as before. FAN_EINVAL:
 * as above, or there are none. */
FAN_MUST_CHECK enum fan_status front_reload(const struct front *f, struct tls_identity **out, struct fan_error *err);

#endif
