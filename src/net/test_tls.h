/* test_tls: certificates made on the spot, and a TLS client between two buffers. For tests and fuzz targets only.
 *
 * The client is OpenSSL's, told what to offer; it checks nothing of the server. Whoever uses it carries bytes to and
 * fro. Everything aborts where the ground it stands on fails. */
#ifndef NET_TEST_TLS_H
#define NET_TEST_TLS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "net/tls.h"

/* ---- certificates ---- */

struct test_cert {
    X509 *cert;
    EVP_PKEY *key;
};

static inline void test_tls_must(bool good)
{
    if (!good) abort();
}

/* A certificate for `name`, valid from and to so many seconds from now; issuer NULL: signed by itself. */
static inline struct test_cert test_cert_new(const char *name, const struct test_cert *issuer, long from_s, long to_s)
{
    struct test_cert c = {X509_new(), EVP_EC_gen("P-256")};
    X509_NAME *subject;
    static long serial = 1;

    test_tls_must(c.cert && c.key);
    subject = X509_get_subject_name(c.cert);
    test_tls_must(X509_set_version(c.cert, 2) && ASN1_INTEGER_set(X509_get_serialNumber(c.cert), serial++) &&
                  X509_gmtime_adj(X509_getm_notBefore(c.cert), from_s) &&
                  X509_gmtime_adj(X509_getm_notAfter(c.cert), to_s) && X509_set_pubkey(c.cert, c.key) &&
                  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) &&
                  X509_set_issuer_name(c.cert, issuer ? X509_get_subject_name(issuer->cert) : subject) &&
                  X509_sign(c.cert, issuer ? issuer->key : c.key, EVP_sha256()));
    return c;
}

static inline void test_cert_fini(struct test_cert *c)
{
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
}

/* A new file in the system's folder for such, with its path in out. */
static inline FILE *test_tls_file(char out[64])
{
    int fd;

    (void)snprintf(out, 64, "/tmp/fanatico-tls-XXXXXX");
    fd = mkstemp(out);
    test_tls_must(fd >= 0);
    return fdopen(fd, "w");
}

static inline void test_tls_write_certs(char out_path[64], const struct test_cert *certs, size_t count)
{
    FILE *f = test_tls_file(out_path);

    for (size_t i = 0; i < count; i++) test_tls_must(PEM_write_X509(f, certs[i].cert));
    test_tls_must(fclose(f) == 0);
}

static inline void test_tls_write_key(char out_path[64], EVP_PKEY *key, const char *passphrase)
{
    FILE *f = test_tls_file(out_path);

    test_tls_must(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
                                       (void *)(uintptr_t)passphrase));
    test_tls_must(fclose(f) == 0);
}

/* A good identity for `name`. */
static inline struct tls_identity *test_identity(const char *name)
{
    struct test_cert cert = test_cert_new(name, NULL, -3600, 3600);
    char cert_path[64], key_path[64];
    struct tls_files files = {"cert", cert_path, "key", key_path};
    struct tls_identity *identity = NULL;

    test_tls_write_certs(cert_path, &cert, 1);
    test_tls_write_key(key_path, cert.key, NULL);
    if (tls_identity_load(&files, &identity, NULL)) abort();
    (void)unlink(cert_path);
    (void)unlink(key_path);
    test_cert_fini(&cert);
    return identity;
}

/* ---- a client ---- */

struct test_tls_client {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
};

/* version: TLS1_2_VERSION or such. alpn: as it goes over the wire, "\x08http/1.1"; NULL: none. */
static inline struct test_tls_client test_tls_client(int version, const char *alpn)
{
    struct test_tls_client c = {.ctx = SSL_CTX_new(TLS_client_method())};

    test_tls_must(c.ctx != NULL);
    SSL_CTX_set_security_level(c.ctx, 0); /* it shall be able to ask for what the server must refuse */
    test_tls_must(SSL_CTX_set_min_proto_version(c.ctx, version) && SSL_CTX_set_max_proto_version(c.ctx, version));
    if (alpn) test_tls_must(!SSL_CTX_set_alpn_protos(c.ctx, (const unsigned char *)alpn, (unsigned)strlen(alpn)));
    c.ssl = SSL_new(c.ctx);
    c.in = BIO_new(BIO_s_mem());
    c.out = BIO_new(BIO_s_mem());
    test_tls_must(c.ssl && c.in && c.out);
    SSL_set_bio(c.ssl, c.in, c.out);
    SSL_set_connect_state(c.ssl);
    return c;
}

static inline void test_tls_client_fini(struct test_tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
}

/* Bytes from the server; what they say to the client is appended to `plain`. Returns SSL_get_error()'s word on why it
 * stopped: SSL_ERROR_WANT_READ where all is well. */
static inline int test_tls_client_take(struct test_tls_client *c, struct slice bytes, struct buf *plain)
{
    uint8_t some[4096];
    size_t got;

    if (bytes.len) test_tls_must(BIO_write(c->in, bytes.at, (int)bytes.len) == (int)bytes.len);
    while (SSL_read_ex(c->ssl, some, sizeof some, &got)) buf_put(plain, slice_of(some, got));
    return SSL_get_error(c->ssl, 0);
}

/* What the client has to send, taken from it. */
static inline void test_tls_client_give(struct test_tls_client *c, struct buf *out)
{
    uint8_t some[4096];
    size_t got;

    while (BIO_read_ex(c->out, some, sizeof some, &got)) buf_put(out, slice_of(some, got));
}

static inline X509 *test_tls_client_sees(struct test_tls_client *c) /* the server's certificate; borrowed */
{
    return SSL_get0_peer_certificate(c->ssl);
}

#endif
