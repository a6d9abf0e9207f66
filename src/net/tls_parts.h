/* tls_parts: what the files of TLS for clients share (tls_identity.c, tls_session.c). */
#ifndef NET_TLS_PARTS_H
#define NET_TLS_PARTS_H

#include <openssl/types.h>

#include "base/ref.h"
#include "net/tls.h"

struct tls_identity {
    struct ref refs;
    SSL_CTX *ctx;
    int64_t expires_s;
};

/* OpenSSL's newest complaint, static; its queue is empty afterwards. */
const char *tls_take_reason(void);

#endif
