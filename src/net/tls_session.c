/* One client's session: OpenSSL between two buffers instead of on a socket. */
#include <pthread.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/tls_parts.h"

struct tls_session {
    SSL *ssl;
    struct slice in; /* fed, and not read yet by OpenSSL */
    struct buf *out; /* of the call under way */
    const char *reason;
    bool refused;
};

/* ---- the two buffers, as OpenSSL sees them ---- */

static BIO_METHOD *method;

static int bio_read(BIO *bio, char *into, size_t max, size_t *out_len)
{
    struct tls_session *s = BIO_get_data(bio);
    size_t len = s->in.len < max ? s->in.len : max;

    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(into, s->in.at, len);
    s->in = slice_from(s->in, len);
    *out_len = len;
    return 1;
}

static int bio_write(BIO *bio, const char *from, size_t len, size_t *out_len)
{
    struct tls_session *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    buf_put(s->out, slice_of(from, len));
    if (s->out->failed) return 0;
    *out_len = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void method_make(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fanatico");

    if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) && BIO_meth_set_ctrl(m, bio_ctrl))
        method = m; /* for the life of the process */
    else
        BIO_meth_free(m);
}

static BIO *bio_new(struct tls_session *s)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *bio;

    (void)pthread_once(&once, method_make);
    bio = method ? BIO_new(method) : NULL;
    if (!bio) return NULL;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- life ---- */

struct tls_session *tls_session_new(struct tls_identity *i)
{
    struct tls_session *s = calloc(1, sizeof *s);
    BIO *bio = s ? bio_new(s) : NULL;

    if (bio) s->ssl = SSL_new(i->ctx); /* which keeps the context, whatever becomes of the identity */
    if (!bio || !s->ssl) {
        ERR_clear_error();
        (void)BIO_free(bio);
        free(s);
        return NULL;
    }
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_accept_state(s->ssl);
    return s;
}

void tls_session_free(struct tls_session *s)
{
    if (!s) return;
    SSL_free(s->ssl);
    ERR_clear_error();
    free(s);
}

/* ---- bytes ---- */

enum tls_outcome tls_feed(struct tls_session *s, struct slice bytes, uint8_t *into, size_t *out_len, struct buf *reply)
{
    const size_t room = bytes.len + TLS_FEED_ROOM;
    enum tls_outcome outcome = TLS_GOES_ON;
    size_t len = 0, got;

    *out_len = 0;
    if (s->refused) return TLS_REFUSED;
    s->in = bytes;
    s->out = reply;
    ERR_clear_error();
    while (SSL_read_ex(s->ssl, into + len, room - len, &got)) {
        len += got;
        assert(len < room);
    }
    switch (SSL_get_error(s->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_ZERO_RETURN:
        outcome = TLS_ENDED;
        break;
    default:
        s->refused = true;
        s->reason = tls_take_reason();
        outcome = TLS_REFUSED;
    }
    s->in = slice_of(NULL, 0);
    s->out = NULL;
    *out_len = len;
    return outcome;
}

bool tls_seal(struct tls_session *s, struct slice plain, struct buf *records)
{
    size_t written = 0;

    assert(plain.len <= TLS_PLAIN_MAX);
    if (s->refused) return false;
    if (plain.len == 0) return true;
    s->out = records;
    ERR_clear_error();
    s->refused = !SSL_write_ex(s->ssl, plain.at, plain.len, &written);
    s->out = NULL;
    if (s->refused) s->reason = tls_take_reason();
    assert(s->refused || written == plain.len); /* the buffer takes whole records */
    return !s->refused;
}

void tls_goodbye(struct tls_session *s, struct buf *records)
{
    if (s->refused || !tls_is_ready(s)) return;
    s->out = records;
    (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
    s->out = NULL;
}

bool tls_is_ready(const struct tls_session *s)
{
    return SSL_is_init_finished(s->ssl);
}

bool tls_is_resumed(const struct tls_session *s)
{
    return SSL_session_reused(s->ssl);
}

const char *tls_reason(const struct tls_session *s)
{
    return s->reason ? s->reason : "";
}
