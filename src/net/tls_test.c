#include "net/test_tls.h"

#include <openssl/err.h>

#include "base/random.h"
#include "base/test.h"

enum { DAY_S = 86400 };

/* ---- files ---- */

struct ground {
    struct test_cert good, other, old, young, root, middle_old, below;
};

static struct ground ground_new(void)
{
    struct ground g = {
        .good = test_cert_new("good", NULL, -DAY_S, DAY_S),
        .other = test_cert_new("other", NULL, -DAY_S, DAY_S),
        .old = test_cert_new("old", NULL, -2 * DAY_S, -DAY_S),
        .young = test_cert_new("young", NULL, DAY_S, 2 * DAY_S),
        .root = test_cert_new("root", NULL, -DAY_S, DAY_S),
    };

    g.middle_old = test_cert_new("middle", &g.root, -2 * DAY_S, -DAY_S);
    g.below = test_cert_new("below", &g.middle_old, -DAY_S, DAY_S);
    return g;
}

static void ground_fini(struct ground *g)
{
    struct test_cert *all[] = {&g->good, &g->other, &g->old, &g->young, &g->root, &g->middle_old, &g->below};

    for (size_t i = 0; i < COUNT_OF(all); i++) test_cert_fini(all[i]);
}

static void text_file(char out_path[64], const char *text)
{
    FILE *f = test_tls_file(out_path);

    (void)fputs(text, f);
    (void)fclose(f);
}

/* Loads, and looks for the words in the error; NULL: it must load. */
static void check_load(struct test *t, const char *cert, const char *key, const char *words)
{
    const struct tls_files files = {"--tls-cert", cert, "--tls-key", key};
    struct tls_identity *i = NULL;
    struct fan_error err = {""};
    enum fan_status s = tls_identity_load(&files, &i, &err);

    if (!words) CHECK_EQ(t, s, FAN_OK);
    if (words) CHECK_EQ(t, s, FAN_EINVAL);
    if (words && !strstr(err.text, words)) CHECK_STR(t, slice_str(err.text), words);
    tls_identity_unref(i);
}

TEST(a_wrong_file_is_named_and_why, t)
{
    struct ground g = ground_new();
    struct test_cert chain[] = {g.below, g.middle_old};
    char good[64], key[64], other_key[64], old[64], old_key[64], young[64], young_key[64], below[64], below_key[64],
        locked[64], empty[64], torn[64], torn_key[64], both[64];
    FILE *f;

    test_tls_write_certs(good, &g.good, 1);
    test_tls_write_key(key, g.good.key, NULL);
    test_tls_write_key(other_key, g.other.key, NULL);
    test_tls_write_certs(old, &g.old, 1);
    test_tls_write_key(old_key, g.old.key, NULL);
    test_tls_write_certs(young, &g.young, 1);
    test_tls_write_key(young_key, g.young.key, NULL);
    test_tls_write_certs(below, chain, 2);
    test_tls_write_key(below_key, g.below.key, NULL);
    test_tls_write_key(locked, g.good.key, "open sesame");
    text_file(empty, "");
    text_file(torn, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    text_file(torn_key, "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n");
    f = test_tls_file(both);
    test_tls_must(PEM_write_PrivateKey(f, g.good.key, NULL, NULL, 0, NULL, NULL) && PEM_write_X509(f, g.good.cert));
    (void)fclose(f);

    check_load(t, good, key, NULL);
    check_load(t, both, both, NULL);
    check_load(t, "/nowhere/cert.pem", key, "--tls-cert: /nowhere/cert.pem: No such file");
    check_load(t, good, "/nowhere/key.pem", "--tls-key: /nowhere/key.pem: No such file");
    check_load(t, "/tmp", key, "--tls-cert: /tmp: is a directory");
    check_load(t, empty, key, ": no certificate in it");
    check_load(t, key, key, ": no certificate in it");
    check_load(t, torn, key, ": certificate 1 cannot be read");
    check_load(t, good, empty, ": no private key in it");
    check_load(t, good, good, ": no private key in it");
    check_load(t, good, torn_key, ": the key cannot be read");
    check_load(t, good, locked, ": the key cannot be read: it has a passphrase");
    check_load(t, good, other_key, ": the key does not belong to the first certificate of /tmp/");
    check_load(t, old, old_key, ": the certificate expired on 2");
    check_load(t, young, young_key, ": the certificate is not valid before 2");
    check_load(t, below, below_key, ": certificate 2 of the chain expired on 2");

    {
        char *all[] = {good,  key,       other_key, old,   old_key, young,    young_key,
                       below, below_key, locked,    empty, torn,    torn_key, both};

        for (size_t i = 0; i < COUNT_OF(all); i++) (void)unlink(all[i]);
    }
    ground_fini(&g);
}

/* ---- sessions ---- */

struct pair {
    struct tls_session *server;
    struct test_tls_client client;
    struct buf to_server, to_client, server_read, client_read;
    size_t cut; /* so many bytes at a time to the server; 0: all */
    enum tls_outcome outcome;
    int client_error;
};

static struct pair pair_new(struct tls_identity *i, int version, const char *alpn)
{
    struct pair p = {.server = tls_session_new(i), .client = test_tls_client(version, alpn)};

    test_tls_must(p.server != NULL);
    return p;
}

static void pair_fini(struct pair *p)
{
    tls_session_free(p->server);
    test_tls_client_fini(&p->client);
    buf_fini(&p->to_server);
    buf_fini(&p->to_client);
    buf_fini(&p->server_read);
    buf_fini(&p->client_read);
}

static void to_server(struct pair *p, struct slice bytes)
{
    uint8_t *into = malloc(bytes.len + TLS_FEED_ROOM);
    size_t len;

    test_tls_must(into != NULL);
    p->outcome = tls_feed(p->server, bytes, into, &len, &p->to_client);
    buf_put(&p->server_read, slice_of(into, len));
    free(into);
}

/* Carries bytes both ways until nobody has anything to say. */
static void pump(struct pair *p)
{
    for (;;) {
        p->client_error = test_tls_client_take(&p->client, buf_peek(&p->to_client), &p->client_read);
        buf_reset(&p->to_client);
        buf_reset(&p->to_server);
        test_tls_client_give(&p->client, &p->to_server);
        if (p->to_server.len == 0) return;
        for (size_t at = 0; at < p->to_server.len;) {
            size_t len = p->cut && p->cut < p->to_server.len - at ? p->cut : p->to_server.len - at;

            to_server(p, slice_of(p->to_server.at + at, len));
            at += len;
        }
    }
}

static void client_says(struct pair *p, const char *text)
{
    test_tls_must(SSL_write(p->client.ssl, text, (int)strlen(text)) > 0);
    pump(p);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

TEST(both_versions_speak_however_the_bytes_are_cut, t)
{
    static const size_t cuts[] = {0, 1, 3, 100};
    struct tls_identity *i = test_identity("here");

    for (size_t v = 0; v < COUNT_OF(versions); v++)
        for (size_t k = 0; k < COUNT_OF(cuts); k++) {
            struct pair p = pair_new(i, versions[v], "\x02h2\x08http/1.1");
            const unsigned char *alpn;
            unsigned alpn_len;

            p.cut = cuts[k];
            CHECK(t, !tls_is_ready(p.server));
            pump(&p);
            CHECK(t, tls_is_ready(p.server));
            CHECK_EQ(t, SSL_version(p.client.ssl), versions[v]);
            SSL_get0_alpn_selected(p.client.ssl, &alpn, &alpn_len);
            CHECK_STR(t, slice_of(alpn, alpn_len), "http/1.1");
            client_says(&p, "hello");
            CHECK_STR(t, buf_peek(&p.server_read), "hello");
            CHECK(t, tls_seal(p.server, SLICE("and "), &p.to_client));
            CHECK(t, tls_seal(p.server, SLICE(""), &p.to_client));
            CHECK(t, tls_seal(p.server, SLICE("welcome"), &p.to_client));
            pump(&p);
            CHECK_STR(t, buf_peek(&p.client_read), "and welcome");
            CHECK_EQ(t, p.outcome, TLS_GOES_ON);
            pair_fini(&p);
        }
    tls_identity_unref(i);
}

/* A batch of notifications shall cost one record, not one a part. */
TEST(what_is_sealed_at_once_is_one_record, t)
{
    static const uint8_t zeros[TLS_PLAIN_MAX];
    struct tls_identity *i = test_identity("here");

    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct pair p = pair_new(i, versions[v], NULL);

        pump(&p);
        buf_reset(&p.to_client);
        CHECK(t, tls_seal(p.server, slice_of(zeros, sizeof zeros), &p.to_client));
        CHECK(t, p.to_client.len > 5);
        CHECK_EQ(t, (size_t)p.to_client.at[3] << 8 | p.to_client.at[4], p.to_client.len - 5);
        CHECK(t, p.to_client.len <= TLS_PLAIN_MAX + 40);
        pair_fini(&p);
    }
    tls_identity_unref(i);
}

TEST(what_we_do_not_speak_is_refused_with_an_alert, t)
{
    static const struct {
        int version;
        const char *alpn;
    } row[] = {{TLS1_1_VERSION, NULL}, {TLS1_VERSION, NULL}, {TLS1_3_VERSION, "\x02h2"}, {TLS1_2_VERSION, "\x02h2"}};
    struct tls_identity *i = test_identity("here");

    for (size_t k = 0; k < COUNT_OF(row); k++) {
        struct pair p = pair_new(i, row[k].version, row[k].alpn);

        pump(&p);
        CHECK_EQ(t, p.outcome, TLS_REFUSED);
        CHECK(t, !tls_is_ready(p.server));
        CHECK_EQ(t, p.client_error, SSL_ERROR_SSL); /* it got the alert, and ended for that reason */
        CHECK(t, *tls_reason(p.server));
        CHECK(t, !tls_seal(p.server, SLICE("x"), &p.to_client));
        tls_goodbye(p.server, &p.to_client);
        CHECK_EQ(t, p.to_client.len, 0);
        to_server(&p, SLICE("more"));
        CHECK_EQ(t, p.outcome, TLS_REFUSED);
        pair_fini(&p);
        ERR_clear_error();
    }
    tls_identity_unref(i);
}

TEST(a_weak_cipher_is_refused, t)
{
    static const char *const row[] = {"AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "NULL-SHA256"};
    struct tls_identity *i = test_identity("here");

    for (size_t k = 0; k < COUNT_OF(row); k++) {
        struct pair p = pair_new(i, TLS1_2_VERSION, NULL);

        test_tls_must(SSL_set_cipher_list(p.client.ssl, row[k]));
        pump(&p);
        CHECK_EQ(t, p.outcome, TLS_REFUSED);
        pair_fini(&p);
        ERR_clear_error();
    }
    tls_identity_unref(i);
}

/* A second handshake is a short one, but not on another identity: who was told a new certificate shall see it. */
TEST(sessions_are_resumed_by_ticket, t)
{
    struct tls_identity *i = test_identity("here"), *next = test_identity("here");

    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct pair first = pair_new(i, versions[v], NULL), again = pair_new(i, versions[v], NULL),
                    moved = pair_new(next, versions[v], NULL);
        SSL_SESSION *ticket;

        pump(&first);
        CHECK(t, !tls_is_resumed(first.server));
        CHECK(t, tls_seal(first.server, SLICE("x"), &first.to_client));
        pump(&first);
        ticket = SSL_get1_session(first.client.ssl);
        test_tls_must(SSL_set_session(again.client.ssl, ticket) && SSL_set_session(moved.client.ssl, ticket));
        pump(&again);
        CHECK(t, tls_is_ready(again.server) && tls_is_resumed(again.server));
        client_says(&again, "hello again");
        CHECK_STR(t, buf_peek(&again.server_read), "hello again");
        pump(&moved);
        CHECK(t, tls_is_ready(moved.server) && !tls_is_resumed(moved.server));
        SSL_SESSION_free(ticket);
        pair_fini(&first);
        pair_fini(&again);
        pair_fini(&moved);
    }
    tls_identity_unref(i);
    tls_identity_unref(next);
}

TEST(goodbyes_are_said_and_heard, t)
{
    struct tls_identity *i = test_identity("here");

    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct pair p = pair_new(i, versions[v], NULL), q = pair_new(i, versions[v], NULL);

        pump(&p);
        tls_goodbye(p.server, &p.to_client);
        pump(&p);
        CHECK_EQ(t, p.client_error, SSL_ERROR_ZERO_RETURN);
        pump(&q);
        test_tls_must(SSL_write(q.client.ssl, "last", 4) == 4);
        (void)SSL_shutdown(q.client.ssl);
        pump(&q);
        CHECK_EQ(t, q.outcome, TLS_ENDED);
        CHECK_STR(t, buf_peek(&q.server_read), "last");
        CHECK(t, tls_seal(q.server, SLICE("an answer still comes through"), &q.to_client));
        pair_fini(&p);
        pair_fini(&q);
    }
    tls_identity_unref(i);
}

TEST(there_is_no_renegotiation, t)
{
    struct tls_identity *i = test_identity("here");
    struct pair p = pair_new(i, TLS1_2_VERSION, NULL);

    pump(&p);
    test_tls_must(SSL_renegotiate(p.client.ssl));
    pump(&p);
    CHECK(t, p.client_error != SSL_ERROR_WANT_READ); /* it was told no_renegotiation, and does not forgive that */
    CHECK_EQ(t, p.outcome, TLS_REFUSED);
    pair_fini(&p);
    tls_identity_unref(i);
    ERR_clear_error();
}

TEST(keys_are_renewed_on_demand, t)
{
    struct tls_identity *i = test_identity("here");
    struct pair p = pair_new(i, TLS1_3_VERSION, NULL);

    pump(&p);
    for (int k = 0; k < 3; k++) {
        test_tls_must(SSL_key_update(p.client.ssl, SSL_KEY_UPDATE_REQUESTED));
        client_says(&p, ".");
        CHECK(t, tls_seal(p.server, SLICE("!"), &p.to_client));
        pump(&p);
    }
    CHECK_STR(t, buf_peek(&p.server_read), "...");
    CHECK_STR(t, buf_peek(&p.client_read), "!!!");
    pair_fini(&p);
    tls_identity_unref(i);
}

/* An identity may go while its sessions live: that is how one is replaced. */
TEST(sessions_outlive_their_identity, t)
{
    struct tls_identity *i = test_identity("here");
    struct pair p = pair_new(i, TLS1_3_VERSION, NULL);

    tls_identity_unref(i);
    pump(&p);
    client_says(&p, "still here");
    CHECK_STR(t, buf_peek(&p.server_read), "still here");
    pair_fini(&p);
}

TEST(noise_is_refused_whole_or_in_bytes, t)
{
    struct tls_identity *i = test_identity("here");

    for (int k = 0; k < 200; k++) {
        struct tls_session *s = tls_session_new(i);
        struct buf reply = {0};
        uint8_t noise[600], into[sizeof noise + TLS_FEED_ROOM];
        enum tls_outcome outcome = TLS_GOES_ON;
        size_t len;

        random_bytes(noise, sizeof noise);
        if (k % 2) noise[0] = 0x16; /* as a handshake begins */
        if (k % 4 == 3) memcpy(noise + 1, "\x03\x01\x02\x00\x01", 5);
        for (size_t at = 0; at < sizeof noise && outcome == TLS_GOES_ON;) {
            size_t step = k % 3 ? sizeof noise : 1;

            outcome = tls_feed(s, slice_of(noise + at, step), into, &len, &reply);
            CHECK_EQ(t, len, 0);
            at += step;
        }
        CHECK(t, !tls_is_ready(s));
        buf_fini(&reply);
        tls_session_free(s);
    }
    tls_identity_unref(i);
}
