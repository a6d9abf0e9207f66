/* Reloading a certificate crosses threads: whoever asks for it, and each worker that takes it. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/test.h"
#include "fanatico/fanatico.h"
#include "net/test_tls.h"

struct ground {
    struct test_cert cert[2];
    char cert_path[2][64], key_path[64], live[80];
    fan_server *server;
    atomic_bool done;
    size_t renewed;
};

/* Both certificates are of one key, so that at no moment the files contradict each other. */
static void ground_open(struct ground *g, struct test *t)
{
    struct fan_server_options options = {
        .http_port = FAN_PORT_FREE, .ws_port = FAN_PORT_NONE, .workers = 3, .chain_id = 7};
    struct fan_error err = {""};

    *g = (struct ground){.cert = {test_cert_new("first", NULL, -3600, 3600)}};
    g->cert[1] = test_cert_new("second", NULL, -3600, 3600);
    test_tls_must(X509_set_pubkey(g->cert[1].cert, g->cert[0].key) &&
                  X509_sign(g->cert[1].cert, g->cert[0].key, EVP_sha256()));
    for (size_t i = 0; i < 2; i++) test_tls_write_certs(g->cert_path[i], &g->cert[i], 1);
    test_tls_write_key(g->key_path, g->cert[0].key, NULL);
    (void)snprintf(g->live, sizeof g->live, "%s.live", g->key_path);
    test_tls_must(symlink(g->cert_path[0], g->live) == 0);
    options.tls_cert = g->live;
    options.tls_key = g->key_path;
    CHECK_EQ(t, fan_server_new(&options, &g->server, &err), FAN_OK);
    CHECK_EQ(t, fan_server_reload_tls(g->server, &err), FAN_ECLOSED);
    CHECK_EQ(t, fan_server_start(g->server, &err), FAN_OK);
}

static void ground_close(struct ground *g)
{
    fan_server_free(g->server);
    for (size_t i = 0; i < 2; i++) {
        (void)unlink(g->cert_path[i]);
        test_cert_fini(&g->cert[i]);
    }
    (void)unlink(g->key_path);
    (void)unlink(g->live);
}

static void *renew(void *ctx)
{
    struct ground *g = ctx;
    char next[96];

    (void)snprintf(next, sizeof next, "%s.next", g->live);
    while (!atomic_load(&g->done)) {
        test_tls_must(symlink(g->cert_path[++g->renewed % 2], next) == 0 && rename(next, g->live) == 0);
        test_tls_must(!fan_server_reload_tls(g->server, NULL));
    }
    return NULL;
}

/* Shakes hands and asks; which certificate it saw. */
static int ask(uint16_t port, struct test *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), seen;
    char name[64] = "", answer[64] = "";

    test_tls_must(ctx && ssl && !connect(fd, (struct sockaddr *)&a, sizeof a) && SSL_set_fd(ssl, fd));
    CHECK_EQ(t, SSL_connect(ssl), 1);
    CHECK(t, SSL_write(ssl, request, sizeof request - 1) > 0);
    CHECK(t, SSL_read(ssl, answer, sizeof answer - 1) > 0);
    CHECK(t, strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl)), NID_commonName, name,
                                    sizeof name);
    seen = strcmp(name, "second") == 0;
    CHECK(t, seen || strcmp(name, "first") == 0);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    (void)close(fd);
    return seen;
}

TEST(certificates_are_replaced_under_load, t)
{
    struct ground g;
    size_t seen[2] = {0};
    pthread_t thread;

    ground_open(&g, t);
    test_tls_must(!pthread_create(&thread, NULL, renew, &g));
    for (int i = 0; i < 2000 && (i < 200 || !seen[0] || !seen[1]); i++) seen[ask(fan_server_http_port(g.server), t)]++;
    atomic_store(&g.done, true);
    (void)pthread_join(thread, NULL);
    CHECK(t, seen[0] > 0 && seen[1] > 0);
    CHECK(t, g.renewed > 0);
    ground_close(&g);
}

TEST(a_server_without_tls_has_nothing_to_reload, t)
{
    struct fan_server_options options = {.http_port = FAN_PORT_FREE, .ws_port = FAN_PORT_NONE, .workers = 1};
    struct fan_error err = {""};
    fan_server *server;

    CHECK_EQ(t, fan_server_new(&options, &server, &err), FAN_OK);
    CHECK_EQ(t, fan_server_start(server, &err), FAN_OK);
    CHECK_EQ(t, fan_server_reload_tls(server, &err), FAN_EINVAL);
    CHECK_STR(t, slice_str(err.text), "tls_cert: there is none");
    fan_server_free(server);
}
