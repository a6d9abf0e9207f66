/* TLS on a connection: what conn/ promises of plain sockets holds through it. */
#include <openssl/err.h>

#include "conn/test_rig.h"
#include "net/test_tls.h"

/* A client of the rig that speaks TLS. */
struct tls_peer {
    int fd;
    struct test_tls_client tls;
    struct buf plain;
    int error;         /* SSL_get_error()'s last word */
    bool ended, reset; /* of the socket */
};

static void give(struct rig *r, struct tls_peer *p)
{
    struct buf out = {0};

    test_tls_client_give(&p->tls, &out);
    rig_send(r, p->fd, buf_peek(&out));
    buf_fini(&out);
}

/* Reads what is there; the loop turns once. */
static void take(struct rig *r, struct tls_peer *p)
{
    uint8_t some[16384];
    ssize_t n = recv(p->fd, some, sizeof some, MSG_DONTWAIT);

    if (n == 0) p->ended = true;
    if (n < 0 && errno != EAGAIN) p->ended = p->reset = true;
    p->error = test_tls_client_take(&p->tls, slice_of(some, n > 0 ? (size_t)n : 0), &p->plain);
    give(r, p);
    rig_turn(r, 1);
}

static bool sees(struct rig *r, struct tls_peer *p, const char *text)
{
    uint64_t until = clock_monotonic_ms() + 3000;

    while (!p->plain.len || !memmem(p->plain.at, p->plain.len, text, strlen(text))) {
        if (p->ended || clock_monotonic_ms() > until) return false;
        take(r, p);
    }
    return true;
}

static void until_ended(struct rig *r, struct tls_peer *p)
{
    uint64_t until = clock_monotonic_ms() + 3000;

    while (!p->ended && clock_monotonic_ms() < until) take(r, p);
}

static struct tls_peer peer_new(struct rig *r, int version, int rcvbuf)
{
    struct tls_peer p = {.fd = rig_connect(r, CONN_ACCEPTS_BOTH, rcvbuf), .tls = test_tls_client(version, NULL)};

    p.error = test_tls_client_take(&p.tls, slice_of(NULL, 0), &p.plain);
    give(r, &p);
    while (!SSL_is_init_finished(p.tls.ssl) && !p.ended) take(r, &p);
    return p;
}

static void peer_fini(struct tls_peer *p)
{
    (void)close(p->fd);
    test_tls_client_fini(&p->tls);
    buf_fini(&p->plain);
    ERR_clear_error();
}

static void say(struct rig *r, struct tls_peer *p, struct slice bytes)
{
    size_t written;

    test_tls_must(SSL_write_ex(p->tls.ssl, bytes.at, bytes.len, &written) && written == bytes.len);
    give(r, p);
}

static void say_frame(struct rig *r, struct tls_peer *p, enum ws_opcode opcode, struct slice payload)
{
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};
    struct buf out = {0};

    ws_put_masked_frame(&out, opcode, true, payload, mask);
    say(r, p, buf_peek(&out));
    buf_fini(&out);
}

/* A WebSocket, its handshake read. */
static struct tls_peer ws_peer(struct rig *r, struct test *t, int version, int rcvbuf)
{
    struct tls_peer p = peer_new(r, version, rcvbuf);

    say(r, &p, SLICE(RIG_UPGRADE));
    CHECK(t, sees(r, &p, "\r\n\r\n") && memmem(p.plain.at, p.plain.len, " 101 ", 5));
    buf_reset(&p.plain);
    return p;
}

static void rig_secure(struct rig *r, struct conn_options options)
{
    options.tls = test_identity("here");
    rig_open(r, options);
    tls_identity_unref(options.tls); /* the set has its own */
}

#define POST "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n\"one\""

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

TEST(https_answers_and_keeps_the_connection, t)
{
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct rig r;
        struct tls_peer p;

        rig_secure(&r, (struct conn_options){0});
        p = peer_new(&r, versions[v], 0);
        say(&r, &p, SLICE(POST));
        CHECK(t, sees(&r, &p, "\r\n\r\n\"one\""));
        buf_reset(&p.plain);
        say(&r, &p, SLICE(POST POST)); /* pipelined, in one record */
        CHECK(t, sees(&r, &p, "\"one\"HTTP/1.1 200"));
        CHECK_EQ(t, r.messages, 3);
        CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->tls_handshakes), 1);
        peer_fini(&p);
        rig_fini(&r, t);
    }
}

TEST(plain_http_is_told_what_the_port_speaks, t)
{
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_secure(&r, (struct conn_options){0});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, POST);
    CHECK(t, rig_sees(&r, fd, &in, "HTTP/1.1 400 "));
    CHECK(t, rig_sees(&r, fd, &in, "https://"));
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, in.ended && !in.reset);
    CHECK_EQ(t, r.messages, 0);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->tls_refused), 1);
    (void)close(fd);
    buf_fini(&in.bytes);
    rig_fini(&r, t);
}

TEST(what_is_no_tls_ends_behind_an_alert, t)
{
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_secure(&r, (struct conn_options){0});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send(&r, fd, SLICE("\x16\x03\x01\x00\x05hello and so on"));
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, in.ended && !in.reset);
    CHECK(t, in.bytes.len == 7 && in.bytes.at[0] == 0x15);
    (void)close(fd);
    buf_fini(&in.bytes);
    rig_fini(&r, t);
}

/* Whoever opens connections and does not shake hands keeps none of them. */
TEST(a_handshake_that_stalls_is_ended_in_time, t)
{
    struct rig r;
    struct test_tls_client client = test_tls_client(TLS1_3_VERSION, NULL);
    struct buf hello = {0}, nothing = {0};
    struct rig_in in[3] = {{.ended = false}};
    int fd[3];

    rig_secure(&r, (struct conn_options){.handshake_timeout_ms = 120});
    (void)test_tls_client_take(&client, slice_of(NULL, 0), &nothing);
    test_tls_client_give(&client, &hello);
    for (size_t i = 0; i < COUNT_OF(fd); i++) fd[i] = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send(&r, fd[1], slice_first(buf_peek(&hello), 40)); /* a part of a hello; the first says nothing at all */
    rig_send(&r, fd[2], buf_peek(&hello));                  /* a whole one, and then nothing */
    for (size_t i = 0; i < 60 && i < hello.len - 41; i++) { /* byte after byte does not help */
        rig_send(&r, fd[1], slice_of(hello.at + 40 + i, 1));
        rig_turn(&r, 2);
    }
    for (size_t i = 0; i < COUNT_OF(fd); i++) {
        rig_read(&r, fd[i], &in[i], SIZE_MAX);
        CHECK(t, in[i].ended);
        (void)close(fd[i]);
        buf_fini(&in[i].bytes);
    }
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->tls_refused), 3);
    CHECK_EQ(t, r.closed, 3);
    test_tls_client_fini(&client);
    buf_fini(&hello);
    buf_fini(&nothing);
    rig_fini(&r, t);
}

/* The unit of cost is the send: a hundred notifications of one event are one, in as few records as they need. */
TEST(the_notifications_of_an_event_leave_in_one_send, t)
{
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct frame_share *f = share_of(400);
        uint64_t sends, bytes;
        struct rig r;
        struct tls_peer p;
        struct conn *c;

        rig_secure(&r, (struct conn_options){0});
        p = ws_peer(&r, t, versions[v], 0);
        say_frame(&r, &p, WS_TEXT, SLICE("who"));
        CHECK(t, sees(&r, &p, "who"));
        buf_reset(&p.plain);
        c = conn_find(r.set, r.last);
        sends = counter_get(&conn_set_stats(r.set)->sends);
        bytes = counter_get(&conn_set_stats(r.set)->bytes_out[CONN_KIND_WEBSOCKET]);
        for (int i = 0; i < 100; i++) conn_notify(c, f, i % 2 ? ID_A : ID_B);
        conn_set_flush(r.set);
        CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->sends) - sends, 1);
        bytes = counter_get(&conn_set_stats(r.set)->bytes_out[CONN_KIND_WEBSOCKET]) - bytes;
        CHECK(t, bytes < 100 * frame_len(f->frame) + 3 * 40); /* 43,700 bytes are three records */
        while (p.plain.len < 100 * frame_len(f->frame) && !p.ended) take(&r, &p);
        CHECK_EQ(t, p.plain.len, 100 * frame_len(f->frame));
        frame_share_unref(f);
        peer_fini(&p);
        rig_fini(&r, t);
    }
}

/* Through a socket that takes a little at a time everything comes whole and in order, and what is over the budget ends
 * the connection as it does in plain: cut, 1013, goodbye. */
TEST(a_slow_reader_gets_all_it_was_sealed_and_then_1013, t)
{
    struct frame_share *f = share_of(1000);
    size_t len = frame_len(f->frame), whole = 0;
    struct rig r;
    struct tls_peer p;
    struct conn *c;

    rig_secure(&r, (struct conn_options){.notify_bytes_max = 200000, .no_deflate = true});
    p = ws_peer(&r, t, TLS1_3_VERSION, 8192);
    say_frame(&r, &p, WS_TEXT, SLICE("who"));
    CHECK(t, sees(&r, &p, "who"));
    buf_reset(&p.plain);
    c = conn_find(r.set, r.last);
    for (int i = 0; i < 2000 && c->state == CONN_OPEN; i++) {
        conn_notify(c, f, ID_A);
        conn_set_flush(r.set);
    }
    CHECK(t, c->slow);
    CHECK(t, transport_waits(c));
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->slow_closed[CONN_SLOW_MEMORY]), 1);
    CHECK(t, r.set->pool.waiting >= (int64_t)(c->secure->len));
    until_ended(&r, &p);
    CHECK_EQ(t, p.error, SSL_ERROR_ZERO_RETURN);
    CHECK(t, !p.reset);
    for (size_t at = 0; at + len <= p.plain.len && p.plain.at[at] == (0x80 | WS_TEXT); at += len) whole++;
    CHECK(t, whole > 0);
    /* Behind whole frames the close frame: 1013 and its reason. */
    CHECK_EQ(t, p.plain.len - whole * len, 2 + 2 + strlen("slow consumer"));
    CHECK_EQ(t, p.plain.at[whole * len], 0x80 | WS_CLOSE);
    CHECK_EQ(t, (unsigned)p.plain.at[whole * len + 2] << 8 | p.plain.at[whole * len + 3], WS_CLOSE_TRY_LATER);
    frame_share_unref(f);
    peer_fini(&p);
    rig_fini(&r, t);
}

TEST(a_reader_that_stalls_and_resumes_misses_nothing, t)
{
    enum { COUNT = 1500, TEXT_LEN = 300 };
    struct rig r;
    struct tls_peer p;
    struct conn *c;
    size_t len = 0, in_order = 0;

    rig_secure(&r, (struct conn_options){.no_deflate = true});
    p = ws_peer(&r, t, TLS1_2_VERSION, 16384);
    say_frame(&r, &p, WS_TEXT, SLICE("who"));
    CHECK(t, sees(&r, &p, "who"));
    buf_reset(&p.plain);
    c = conn_find(r.set, r.last);
    for (unsigned i = 0; i < COUNT; i++) {
        char text[TEXT_LEN + 1];
        struct frame *f;
        struct frame_share *share;

        (void)snprintf(text, sizeof text, "%0300u", i);
        if (frame_new_text(SLICE("<"), slice_str(text), &f)) abort();
        len = frame_len(f);
        share = frame_share_new(f);
        conn_notify(c, share, ID_A);
        conn_set_flush(r.set);
        frame_share_unref(share);
    }
    CHECK(t, c->blocked);
    while (p.plain.len < COUNT * len && !p.ended) take(&r, &p);
    for (size_t at = 0; at + len <= p.plain.len; at += len) {
        char digits[9];

        (void)snprintf(digits, sizeof digits, "%08u", (unsigned)in_order);
        if (memcmp(p.plain.at + at + len - 8, digits, 8) == 0) in_order++;
    }
    CHECK_EQ(t, in_order, COUNT);
    CHECK_EQ(t, p.plain.len, COUNT * len);
    rig_turn(&r, 2);
    CHECK(t, !c->blocked && !transport_waits(c));
    peer_fini(&p);
    rig_fini(&r, t);
}

/* What waits unsealed is shared by all readers; what is sealed is this one's. Wherever in the outbox
 * his socket is full again, one record waits sealed. */
TEST(of_a_slow_reader_one_record_waits_sealed, t)
{
    enum { COUNT = 9000, BURST = 900, RECORD_MAX = TLS_PLAIN_MAX + 64 };
    static char text[301];
    struct rig r;
    struct tls_peer p;
    struct frame *f;
    struct frame_share *share;
    struct conn *c;
    size_t most = 0, stops = 0;

    rig_secure(&r, (struct conn_options){.no_deflate = true});
    p = ws_peer(&r, t, TLS1_3_VERSION, 16384);
    say_frame(&r, &p, WS_TEXT, SLICE("who"));
    CHECK(t, sees(&r, &p, "who"));
    buf_reset(&p.plain);
    c = conn_find(r.set, r.last);
    memset(text, 'n', sizeof text - 1);
    if (frame_new_text(SLICE("<"), slice_str(text), &f)) abort();
    share = frame_share_new(f);
    for (int i = 0; i < COUNT; i++) {
        conn_notify(c, share, ID_A);
        if (!c->blocked || i % BURST == 0) conn_set_flush(r.set);
    }
    CHECK(t, c->blocked);
    while (p.plain.len < COUNT * frame_len(f) && !p.ended) {
        size_t waits = c->secure->len - c->secure->from;

        if (waits > most) most = waits;
        if (waits) stops++;
        take(&r, &p);
    }
    CHECK_EQ(t, p.plain.len, COUNT * frame_len(f));
    CHECK(t, stops > 10);
    CHECK(t, most <= RECORD_MAX);
    frame_share_unref(share);
    peer_fini(&p);
    rig_fini(&r, t);
}

TEST(ends_are_said_in_tls_too, t)
{
    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        struct rig r;
        struct tls_peer p, q;

        rig_secure(&r, (struct conn_options){0});
        p = ws_peer(&r, t, versions[v], 0);
        q = peer_new(&r, versions[v], 0);
        say_frame(&r, &p, WS_CLOSE, SLICE("\x03\xe8")); /* a WebSocket's goodbye is answered, then TLS's is said */
        until_ended(&r, &p);
        CHECK_EQ(t, p.error, SSL_ERROR_ZERO_RETURN);
        CHECK(t, !p.reset);
        say(&r, &q, SLICE(POST));
        (void)SSL_shutdown(q.tls.ssl); /* half a close: the answer still comes */
        give(&r, &q);
        CHECK(t, sees(&r, &q, "\"one\""));
        until_ended(&r, &q);
        CHECK_EQ(t, q.error, SSL_ERROR_ZERO_RETURN);
        peer_fini(&p);
        peer_fini(&q);
        rig_turn(&r, 3);
        CHECK_EQ(t, r.closed, 2);
        rig_fini(&r, t);
    }
}

static struct slice name_seen(struct tls_peer *p, char out[64])
{
    int len = X509_NAME_get_text_by_NID(X509_get_subject_name(test_tls_client_sees(&p->tls)), NID_commonName, out, 64);

    return slice_of(out, len < 0 ? 0 : (size_t)len);
}

TEST(a_new_identity_is_for_new_connections, t)
{
    struct tls_identity *next = test_identity("next");
    struct rig r;
    struct tls_peer old, young;
    char name[64];

    rig_secure(&r, (struct conn_options){0});
    old = ws_peer(&r, t, TLS1_3_VERSION, 0);
    CHECK_STR(t, name_seen(&old, name), "here");
    CHECK_EQ(t, conn_set_use_tls(r.set, next), FAN_OK);
    tls_identity_unref(next);
    young = ws_peer(&r, t, TLS1_3_VERSION, 0);
    CHECK_STR(t, name_seen(&young, name), "next");
    say_frame(&r, &old, WS_TEXT, SLICE("still here"));
    CHECK(t, sees(&r, &old, "still here"));
    CHECK_EQ(t, r.closed, 0);
    peer_fini(&old);
    peer_fini(&young);
    rig_fini(&r, t);
}

/* A client can make us answer (KeyUpdate) without ever reading: what we keep for it stays bounded. */
TEST(answers_of_the_handshake_s_kind_do_not_pile_up, t)
{
    struct rig r;
    struct tls_peer p;
    struct conn *c;

    rig_secure(&r, (struct conn_options){0});
    p = ws_peer(&r, t, TLS1_3_VERSION, 16384);
    say_frame(&r, &p, WS_TEXT, SLICE("who"));
    CHECK(t, sees(&r, &p, "who"));
    c = conn_find(r.set, r.last);
    for (int i = 0; i < 20000 && c->state == CONN_OPEN; i++) {
        struct buf out = {0};
        ssize_t n;

        test_tls_must(SSL_key_update(p.tls.ssl, SSL_KEY_UPDATE_REQUESTED) && SSL_do_handshake(p.tls.ssl) == 1);
        test_tls_client_give(&p.tls, &out);
        n = send(p.fd, out.at, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        buf_fini(&out);
        if (n < 0) break; /* it reads us no more */
        if (i % 64 == 0) rig_turn(&r, 1);
    }
    rig_turn(&r, 10);
    CHECK(t, c->state == CONN_OPEN);
    CHECK(t, c->secure->len - c->secure->from < 300 * 1024);
    peer_fini(&p);
    rig_fini(&r, t);
}
