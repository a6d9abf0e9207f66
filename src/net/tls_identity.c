/* Certificate and key: loaded, checked, and turned into what OpenSSL makes sessions of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/ref.h"
#include "net/tls_parts.h"

const char *tls_take_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason ? reason : "out of memory, or the library says no more";
}

/* ---- files ---- */

static BIO *file_open(const char *option, const char *path, struct fan_error *err)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    BIO *bio;

    if (!f) {
        (void)fan_error_set(err, FAN_EINVAL, "%s: %s: %s", option, path, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)fan_error_set(err, FAN_EINVAL, "%s: %s: is a directory", option, path);
        (void)fclose(f);
        return NULL;
    }
    bio = BIO_new_fp(f, BIO_CLOSE);
    if (!bio) {
        (void)fclose(f);
        (void)fan_error_set(err, FAN_ENOMEM, "%s: %s: out of memory", option, path);
    }
    return bio;
}

static void date_text(const ASN1_TIME *time, char out[32])
{
    struct tm tm;

    out[0] = '\0';
    if (ASN1_TIME_to_tm(time, &tm)) (void)strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

/* number: in its chain, from 1 on. */
static enum fan_status cert_check(const struct tls_files *f, const X509 *cert, int number, struct fan_error *err)
{
    const ASN1_TIME *from = X509_get0_notBefore(cert), *to = X509_get0_notAfter(cert);
    char date[32], which[48] = "the certificate";

    if (number > 1) (void)snprintf(which, sizeof which, "certificate %d of the chain", number);
    if (X509_cmp_current_time(to) < 0) {
        date_text(to, date);
        return fan_error_set(err, FAN_EINVAL, "%s: %s: %s expired on %s", f->cert_option, f->cert_path, which, date);
    }
    if (X509_cmp_current_time(from) > 0) {
        date_text(from, date);
        return fan_error_set(err, FAN_EINVAL, "%s: %s: %s is not valid before %s", f->cert_option, f->cert_path, which,
                             date);
    }
    return FAN_OK;
}

struct loaded {
    X509 *cert;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

static void loaded_fini(struct loaded *l)
{
    X509_free(l->cert);
    sk_X509_pop_free(l->chain, X509_free);
    EVP_PKEY_free(l->key);
}

static bool ended_cleanly(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static enum fan_status load_chain(const struct tls_files *f, struct loaded *out, struct fan_error *err)
{
    BIO *bio = file_open(f->cert_option, f->cert_path, err);
    enum fan_status s = FAN_OK;
    X509 *cert;
    int count = 0;

    if (!bio) return FAN_EINVAL;
    out->chain = sk_X509_new_null();
    if (!out->chain) s = fan_error_set(err, FAN_ENOMEM, "%s: out of memory", f->cert_option);
    ERR_clear_error();
    while (!s && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        count++;
        s = cert_check(f, cert, count, err);
        if (count == 1) {
            out->cert = cert;
        } else if (!sk_X509_push(out->chain, cert)) {
            X509_free(cert);
            s = fan_error_set(err, FAN_ENOMEM, "%s: out of memory", f->cert_option);
        }
    }
    if (!s && !ended_cleanly())
        s = fan_error_set(err, FAN_EINVAL, "%s: %s: certificate %d cannot be read: %s", f->cert_option, f->cert_path,
                          count + 1, tls_take_reason());
    if (!s && !count)
        s = fan_error_set(err, FAN_EINVAL, "%s: %s: no certificate in it (PEM begins with -----BEGIN CERTIFICATE-----)",
                          f->cert_option, f->cert_path);
    ERR_clear_error();
    (void)BIO_free(bio);
    return s;
}

/* Nobody sits at a server's keyboard. Notes that a passphrase was asked for. */
static int no_passphrase(char *into, int max, int writing, void *asked)
{
    (void)into;
    (void)max;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* Is there a block in it that calls itself a private key? Reading a file without one fails for reasons of its own. */
static bool holds_key(BIO *bio)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    bool found = false;
    long len;

    while (!found && PEM_read_bio(bio, &name, &header, &data, &len)) {
        found = strstr(name, "PRIVATE KEY") != NULL;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, (size_t)len);
    }
    ERR_clear_error();
    (void)BIO_reset(bio);
    return found;
}

static enum fan_status load_key(const struct tls_files *f, struct loaded *out, struct fan_error *err)
{
    BIO *bio = file_open(f->key_option, f->key_path, err);
    bool locked = false, found = bio && holds_key(bio);

    if (!bio) return FAN_EINVAL;
    if (found) out->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &locked);
    (void)BIO_free(bio);
    if (!found)
        return fan_error_set(err, FAN_EINVAL,
                             "%s: %s: no private key in it (PEM begins with -----BEGIN PRIVATE KEY-----)",
                             f->key_option, f->key_path);
    if (!out->key)
        (void)fan_error_set(err, FAN_EINVAL, "%s: %s: the key cannot be read: %s", f->key_option, f->key_path,
                            locked ? "it has a passphrase, and nobody is here to say it" : tls_take_reason());
    ERR_clear_error();
    return out->key ? FAN_OK : FAN_EINVAL;
}

/* ---- what sessions are made of ---- */

/* The one protocol we have. Who offers others alone is told so; who offers none gets it anyway. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
                           unsigned offered_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The cheaper key first: 128 bits are enough, and an event is encrypted once for each client. */
static const char ciphers_of_1_3[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
                  ciphers_of_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                     "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                     "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

static bool context_set_up(SSL_CTX *ctx)
{
    /* One ticket: a second is for browsers that open several connections at once, and costs each client 200 bytes and
     * an encryption. The cache is off since tickets keep a session's state with the client. */
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
           SSL_CTX_set_num_tickets(ctx, 1) && SSL_CTX_set_ciphersuites(ctx, ciphers_of_1_3) &&
           SSL_CTX_set_cipher_list(ctx, ciphers_of_1_2) &&
           SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"fanatico", 8);
}

static enum fan_status context_new(const struct tls_files *f, const struct loaded *l, SSL_CTX **out,
                                   struct fan_error *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    enum fan_status s = FAN_OK;

    if (!ctx || !context_set_up(ctx))
        s = fan_error_set(err, FAN_ESYSTEM, "TLS: %s", tls_take_reason());
    else if (!X509_check_private_key(l->cert, l->key))
        s = fan_error_set(err, FAN_EINVAL, "%s: %s: the key does not belong to the first certificate of %s (%s)",
                          f->key_option, f->key_path, f->cert_path, f->cert_option);
    else if (!SSL_CTX_use_cert_and_key(ctx, l->cert, l->key, l->chain, 1))
        s = fan_error_set(err, FAN_EINVAL, "%s: %s: %s", f->cert_option, f->cert_path, tls_take_reason());
    ERR_clear_error();
    if (s)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return s;
}

static int64_t unix_seconds(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

enum fan_status tls_identity_load(const struct tls_files *files, struct tls_identity **out, struct fan_error *err)
{
    struct tls_identity *i = calloc(1, sizeof *i);
    struct loaded l = {0};
    enum fan_status s = i ? load_chain(files, &l, err) : fan_error_set(err, FAN_ENOMEM, "out of memory");

    if (!s) s = load_key(files, &l, err);
    if (!s) s = context_new(files, &l, &i->ctx, err);
    if (s) {
        free(i);
    } else {
        ref_init(&i->refs);
        i->expires_s = unix_seconds(X509_get0_notAfter(l.cert));
        *out = i;
    }
    loaded_fini(&l);
    return s;
}

struct tls_identity *tls_identity_ref(struct tls_identity *i)
{
    if (i) ref_get(&i->refs);
    return i;
}

void tls_identity_unref(struct tls_identity *i)
{
    if (!i || !ref_put(&i->refs)) return;
    SSL_CTX_free(i->ctx);
    free(i);
}

int64_t tls_identity_expires_s(const struct tls_identity *i)
{
    return i->expires_s;
}
