/* front: what stands between the clients and the server: TLS, the proxies that are believed, and where JSON-RPC is
 * served.
 *
 * The command line and the library ask for the same things by other names; here they are read, checked and kept for as
 * long as the server lives. Thread: one at a time. */
#ifndef APP_FRONT_H
#define APP_FRONT_H

#include "conn/conn.h"
#include "net/tls.h"

enum { FRONT_NETWORKS_MAX = 64 };

/* Texts may be NULL or empty: not given. */
struct front_options {
    bool flags; /* err calls options as the command line does (--tls-cert), else as the library does (tls_cert) */
    const char *tls_cert, *tls_key; /* files: both, or none */
    const char *trusted_proxies;    /* networks between commas */
    bool proxy_protocol;
    const char *http_rpcprefix, *ws_rpcprefix;
};

struct front {
    bool flags;
    char *texts[4]; /* copies: certificate, key, prefixes */
    struct tls_identity *tls;
    struct network proxies[FRONT_NETWORKS_MAX];
};

/* Fills f, and what `out` says of these matters, which borrows from f. FAN_EINVAL: an option does not fit, or a file
 * does not; err names it and says why. FAN_ENOMEM, FAN_ESYSTEM. f is then empty. */
FAN_MUST_CHECK enum fan_status front_open(struct front *f, const struct front_options *o, struct conn_options *out,
                                          struct fan_error *err);
void front_fini(struct front *f); /* after the server; zeroed is fine */
/* Reads certificate and key again, for server_use_tls(): the caller's reference. What f has is as before. FAN_EINVAL:
 * as above, or there are none. */
FAN_MUST_CHECK enum fan_status front_reload(const struct front *f, struct tls_identity **out, struct fan_error *err);

#endif
