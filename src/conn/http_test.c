#include "conn/test_rig.h"

#define POST(headers, len, body)                                                                                       \
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" headers "Content-Length: " #len         \
    "\r\n\r\n" body

/* What comes back for these bytes begins with this status line and holds this text. */
static void check_answer(struct test *t, int line, enum conn_accepts accepts, struct conn_options o,
                         const char *request, const char *status, const char *holds)
{
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_open(&r, o);
    fd = rig_connect(&r, accepts, 0);
    rig_send_str(&r, fd, request);
    if (!rig_sees(&r, fd, &in, status) || memcmp(in.bytes.at, "HTTP/1.1 ", 9) != 0)
        test_fail(t, __FILE__, line, "no %s but %.*s", status, SLICE_ARGS(buf_peek(&in.bytes)));
    else if (holds && !rig_sees(&r, fd, &in, holds))
        test_fail(t, __FILE__, line, "no %s in %.*s", holds, SLICE_ARGS(buf_peek(&in.bytes)));
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
}

TEST(each_kind_of_request_gets_its_answer, t)
{
    static const char *const app[] = {"https://app.example"};
    const struct conn_options o = {
        .cors_origins = app, .cors_origin_count = 1, .ws_origins = app, .ws_origin_count = 1};
    static const struct {
        int line;
        enum conn_accepts accepts;
        const char *request, *status, *holds;
    } row[] = {
        {__LINE__, CONN_ACCEPTS_BOTH, POST("", 2, "[]"), " 200 OK", "\r\n\r\n[]"},
        {__LINE__, CONN_ACCEPTS_BOTH, "POST /ws HTTP/1.1\r\nHost: a\r\n\r\n", " 403 ", "invalid host"},
        {__LINE__, CONN_ACCEPTS_BOTH, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", " 200 OK", "Content-Length: 0\r\n"},
        {__LINE__, CONN_ACCEPTS_BOTH, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n", " 200 OK",
         "Content-Length: 0\r\n"},
        {__LINE__, CONN_ACCEPTS_BOTH, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n",
         " 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n", "X-More: yes\r\n\r\n<p>page"},
        {__LINE__, CONN_ACCEPTS_BOTH, "GET /ws HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n", " 200 OK",
         "<p>page"},
        {__LINE__, CONN_ACCEPTS_WEBSOCKET, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n", " 200 OK",
         "<p>page"},
        {__LINE__, CONN_ACCEPTS_WEBSOCKET, "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n", " 426 ", NULL},
        {__LINE__, CONN_ACCEPTS_BOTH, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", " 200 OK", "\r\n\r\n"},
        {__LINE__, CONN_ACCEPTS_BOTH, "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", " 405 ",
         "Allow: "},
        {__LINE__, CONN_ACCEPTS_BOTH,
         "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n[]", " 415 ",
         NULL},
        {__LINE__, CONN_ACCEPTS_BOTH,
         "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: "
         "2\r\n\r\n[]",
         " 200 ", "\r\n\r\n[]"},
        {__LINE__, CONN_ACCEPTS_BOTH,
         "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
         " 404 ", NULL},
        {__LINE__, CONN_ACCEPTS_BOTH, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", " 200 ", "\r\n\r\nup 1\n"},
        {__LINE__, CONN_ACCEPTS_BOTH, "GET / HTTP/1.1\r\n\r\n", " 400 ", NULL},
        {__LINE__, CONN_ACCEPTS_BOTH, "nonsense\r\n\r\n", " 501 ", NULL},
        {__LINE__, CONN_ACCEPTS_WEBSOCKET, POST("", 2, "[]"), " 426 ", "Upgrade: websocket"},
        {__LINE__, CONN_ACCEPTS_HTTP, RIG_UPGRADE, " 400 ", "no WebSockets"},
        {__LINE__, CONN_ACCEPTS_BOTH, RIG_UPGRADE, " 101 ", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
        {__LINE__, CONN_ACCEPTS_BOTH, POST("Origin: http://evil.example\r\n", 2, "[]"), " 403 ", "origin not allowed"},
        {__LINE__, CONN_ACCEPTS_BOTH, POST("Origin: https://app.example\r\n", 2, "[]"), " 200 ",
         "Access-Control-Allow-Origin: https://app.example\r\n"},
        {__LINE__, CONN_ACCEPTS_BOTH, POST("Origin: http://localhost:3000\r\n", 2, "[]"), " 200 ", "Vary: Origin\r\n"},
        {__LINE__, CONN_ACCEPTS_BOTH,
         "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: "
         "POST\r\n"
         "Access-Control-Request-Private-Network: true\r\n\r\n",
         " 200 ", "Access-Control-Allow-Private-Network: true\r\n\r\n"},
        {__LINE__, CONN_ACCEPTS_BOTH, "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
         " 403 ", NULL},
        {__LINE__, CONN_ACCEPTS_BOTH,
         "GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: "
         "websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         " 403 ", "--ws.origins"},
        {__LINE__, CONN_ACCEPTS_BOTH, POST("Expect: 100-continue\r\n", 2, ""), " 100 Continue\r\n\r\n", NULL},
        {__LINE__, CONN_ACCEPTS_BOTH,
         "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", " 415 ", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++)
        check_answer(t, row[i].line, row[i].accepts, o, row[i].request, row[i].status, row[i].holds);
}

/* Heads and hosts that came before are not looked at again: that must let in nobody else, and nobody out. */
TEST(who_was_let_in_before_opens_no_door_for_others, t)
{
    static const char welcome[] = "GET / HTTP/1.1\r\nHost: localhost:8545\r\n\r\n",
                      evil[] = "GET / HTTP/1.1\r\nHost: localhost:8545.evil.example\r\n\r\n",
                      page[] = "GET / HTTP/1.1\r\nHost: localhost:8545\r\nOrigin: http://evil.example\r\n\r\n";
    static const struct {
        const char *request, *status;
    } row[] = {{welcome, " 200 "}, {evil, " 403 "}, {page, " 403 "}, {welcome, " 200 "}};
    struct rig r;

    rig_open(&r, (struct conn_options){0});
    for (size_t i = 0; i < 4 * COUNT_OF(row); i++) {
        struct rig_in in = {0};
        int fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);

        rig_send_str(&r, fd, row[i % COUNT_OF(row)].request);
        if (!rig_sees(&r, fd, &in, row[i % COUNT_OF(row)].status))
            test_fail(t, __FILE__, __LINE__, "time %zu: %.*s", i, SLICE_ARGS(buf_peek(&in.bytes)));
        buf_fini(&in.bytes);
        (void)close(fd);
        rig_turn(&r, 5);
    }
    rig_fini(&r, t);
}

/* Three requests in one stream, cut in two at every byte: three answers in order, and the connection stays. */
TEST(pipelined_requests_cut_anywhere_are_answered_in_order, t)
{
    static const char stream[] =
        POST("", 3, "[1]") POST("", 3, "[2]") "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" POST("", 3, "[3]");

    for (size_t cut = 0; cut < sizeof stream - 1; cut++) {
        struct rig r;
        struct rig_in in = {0};
        const uint8_t *one, *two, *three;
        int fd;

        rig_open(&r, (struct conn_options){0});
        fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
        if (cut) rig_send(&r, fd, slice_of(stream, cut));
        rig_send(&r, fd, slice_of(stream + cut, sizeof stream - 1 - cut));
        CHECK(t, rig_sees(&r, fd, &in, "[3]"));
        one = memmem(in.bytes.at, in.bytes.len, "[1]", 3);
        two = memmem(in.bytes.at, in.bytes.len, "[2]", 3);
        three = memmem(in.bytes.at, in.bytes.len, "[3]", 3);
        CHECK(t, one && two && three && one < two && two < three);
        CHECK(t, !in.ended);
        CHECK_EQ(t, r.messages, 3);
        buf_fini(&in.bytes);
        (void)close(fd);
        rig_fini(&r, t);
    }
}

TEST(the_next_request_waits_until_the_reply_has_come_however_late, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    int fd;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, POST("Origin: http://localhost:1\r\n", 3, "[1]") POST("", 3, "[2]"));
    rig_turn(&r, 5);
    CHECK_EQ(t, r.messages, 1);
    c = conn_find(r.set, r.last);
    REQUIRE(t, c != NULL);
    rig_answer_now(&r, c, SLICE("first"));
    CHECK(t, rig_sees(&r, fd, &in, "Access-Control-Allow-Origin: http://localhost:1\r\n") &&
                 rig_sees(&r, fd, &in, "first"));
    rig_turn(&r, 5);
    CHECK_EQ(t, r.messages, 2);
    CHECK_STR(t, slice_str(r.body), "[2]");
    in.bytes.len = 0;
    rig_answer_now(&r, c, slice_of(NULL, 0)); /* only notifications: 200 and no body */
    CHECK(t, rig_sees(&r, fd, &in, "200 OK\r\nContent-Length: 0\r\n"));
    CHECK(t, !memmem(in.bytes.at, in.bytes.len, "Access-Control", 14));
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
}

TEST(a_client_that_half_closes_still_gets_its_answer, t)
{
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, POST("", 3, "[1]"));
    (void)shutdown(fd, SHUT_WR);
    rig_turn(&r, 5);
    REQUIRE(t, conn_find(r.set, r.last) != NULL);
    rig_answer_now(&r, conn_find(r.set, r.last), SLICE("late"));
    CHECK(t, rig_sees(&r, fd, &in, "late"));
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
}

TEST(http_1_0_and_connection_close_end_behind_the_answer, t)
{
    static const char *const requests[] = {
        "POST / HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
        POST("Connection: close\r\n", 2, "[]"),
    };

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        struct rig r;
        struct rig_in in = {0};
        int fd;

        rig_open(&r, (struct conn_options){0});
        fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
        rig_send_str(&r, fd, requests[i]);
        rig_read(&r, fd, &in, SIZE_MAX);
        CHECK(t, in.ended && !in.reset);
        CHECK(t, rig_sees(&r, fd, &in, "\r\n\r\n[]"));
        (void)close(fd);
        rig_turn(&r, 5);
        CHECK_EQ(t, r.closed, 1);
        CHECK_EQ(t, conn_set_count(r.set, CONN_HTTP), 0);
        buf_fini(&in.bytes);
        rig_fini(&r, t);
    }
}

TEST(a_body_at_its_limit_passes_and_one_past_it_is_413, t)
{
    check_answer(t, __LINE__, CONN_ACCEPTS_BOTH, (struct conn_options){.message_len_max = 4}, POST("", 4, "[12]"),
                 " 200 ", "[12]");
    check_answer(t, __LINE__, CONN_ACCEPTS_BOTH, (struct conn_options){.message_len_max = 4}, POST("", 5, "[123]"),
                 " 413 ", NULL);
}

TEST(a_head_that_does_not_arrive_is_408_and_silence_is_closed_in_silence, t)
{
    struct rig r;
    struct rig_in slow = {0}, silent = {0};
    int fd, mute;

    rig_open(&r, (struct conn_options){.handshake_timeout_ms = 40});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    mute = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, "GET / HTTP/1.1\r\nHost: loc");
    rig_read(&r, fd, &slow, SIZE_MAX);
    CHECK(t, slow.ended && rig_sees(&r, fd, &slow, " 408 "));
    rig_read(&r, mute, &silent, SIZE_MAX);
    CHECK(t, silent.ended && silent.bytes.len == 0);
    buf_fini(&slow.bytes);
    (void)close(fd);
    (void)close(mute);
    rig_fini(&r, t);
}

TEST(a_body_that_trickles_in_is_408_and_a_slow_one_is_served, t)
{
    enum { SLOW_LEN = 4096 };
    struct rig r;
    struct rig_in trickled = {0}, slow = {0};
    char piece[SLOW_LEN];
    int fd, patient;

    rig_open(&r, (struct conn_options){.http_body_timeout_ms = 40});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    patient = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, POST("", 4096, "["));
    rig_send_str(&r, patient, POST("", 4097, "["));
    memset(piece, ' ', sizeof piece);
    piece[SLOW_LEN - 1] = ']';
    rig_send(&r, patient, slice_of(piece, SLOW_LEN / 2));
    for (uint64_t until = clock_monotonic_ms() + 2000; clock_monotonic_ms() < until && rig_quiet(&r, fd);)
        (void)!write(fd, " ", 1);
    CHECK(t, rig_sees(&r, fd, &trickled, " 408 "));
    CHECK_EQ(t, r.messages, 0);
    rig_send(&r, patient, slice_of(piece + SLOW_LEN / 2, SLOW_LEN / 2));
    CHECK(t, rig_sees(&r, patient, &slow, " 200 "));
    buf_fini(&trickled.bytes);
    buf_fini(&slow.bytes);
    (void)close(fd);
    (void)close(patient);
    rig_fini(&r, t);
}

TEST(an_idle_connection_is_closed_after_its_time, t)
{
    struct rig r;
    struct rig_in in = {0};
    int fd;

    rig_open(&r, (struct conn_options){.http_idle_timeout_ms = 60});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, POST("", 2, "[]"));
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, in.ended && !in.reset && rig_sees(&r, fd, &in, "[]"));
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
}

TEST(a_proxy_speaks_for_somebody_who_is_not_here, t)
{
    struct rig r;
    int fd;

    rig_open(&r, (struct conn_options){0});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd, POST("", 2, "[]"));
    CHECK(t, r.messages == 1 && r.loopback);
    rig_send_str(&r, fd, POST("X-Forwarded-For: 127.0.0.1\r\n", 2, "[]"));
    CHECK(t, r.messages == 2 && !r.loopback);
    rig_send_str(&r, fd, POST("", 2, "[]"));
    CHECK(t, r.messages == 3 && r.loopback);
    (void)close(fd);
    rig_fini(&r, t);
}

TEST(one_connection_past_the_limit_gets_503_and_the_next_is_welcome_when_one_has_gone, t)
{
    struct rig r;
    struct rig_in in = {0};
    int fd[3];

    rig_open(&r, (struct conn_options){.http_max = 2});
    for (size_t i = 0; i < 3; i++) fd[i] = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, fd[2], POST("", 2, "[]"));
    rig_read(&r, fd[2], &in, SIZE_MAX);
    CHECK(t, in.ended && rig_sees(&r, fd[2], &in, " 503 "));
    (void)close(fd[0]);
    (void)close(fd[2]);
    rig_turn(&r, 5);
    fd[0] = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    in = (struct rig_in){.bytes = in.bytes};
    in.bytes.len = 0;
    rig_send_str(&r, fd[0], POST("", 2, "[]"));
    CHECK(t, rig_sees(&r, fd[0], &in, " 200 "));
    buf_fini(&in.bytes);
    (void)close(fd[0]);
    (void)close(fd[1]);
    rig_fini(&r, t);
}

/* A reader of large replies that takes its time: whole, and nothing more is read from it meanwhile. */
TEST(a_large_reply_leaves_as_the_socket_takes_it, t)
{
    enum { LEN = 3000000 };
    struct rig r;
    struct rig_in in = {0};
    struct buf body = {0};
    int fd;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 16384);
    rig_send_str(&r, fd, POST("", 3, "[1]") POST("", 3, "[2]"));
    for (size_t i = 0; i < LEN; i++) buf_put_byte(&body, (uint8_t)('a' + i % 26));
    conn_reply(conn_find(r.set, r.last), &body);
    rig_turn(&r, 5);
    CHECK_EQ(t, r.messages, 1);
    CHECK(t, atomic_load(&r.totals->output_bytes) >= LEN);
    rig_read(&r, fd, &in, LEN);
    CHECK(t, rig_sees(&r, fd, &in, "Content-Length: 3000000\r\n"));
    rig_turn(&r, 5);
    rig_read(&r, fd, &in, LEN + 200);
    CHECK_EQ(t, r.messages, 2);
    CHECK_EQ(t, in.bytes.at[in.bytes.len - 1], 'a' + (LEN - 1) % 26);
    buf_fini(&body);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
}
