#include "conn/test_rig.h"

static void expect_note(struct rig *r, struct test *t, int fd, struct rig_in *in, const uint8_t *id, size_t tail_len)
{
    struct buf want = {0};

    buf_put_byte(&want, '<');
    buf_put(&want, slice_of(id, FRAME_ID_LEN));
    while (tail_len--) buf_put_byte(&want, 't');
    rig_expect(r, t, fd, in, WS_TEXT, buf_peek(&want));
    buf_fini(&want);
}

TEST(messages_whole_and_in_fragments_are_answered_in_text, t)
{
    struct rig r;

    rig_open_ws(&r, (struct conn_options){0}, 0);
    rig_frame(&r, r.fd, WS_TEXT, true, SLICE("one"));
    rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("one"));
    rig_frame(&r, r.fd, WS_BINARY, true, SLICE("two"));
    rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("two"));
    rig_frame(&r, r.fd, WS_TEXT, false, SLICE("th"));
    rig_frame(&r, r.fd, WS_PING, true, SLICE("between"));
    rig_frame(&r, r.fd, WS_CONTINUATION, true, SLICE("ree"));
    rig_expect(&r, t, r.fd, &r.in, WS_PONG, SLICE("between"));
    rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("three"));
    CHECK_EQ(t, r.messages, 3);
    rig_hang_up(&r);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
}

/* The handshake and two messages in one stream, cut in two at every byte. */
TEST(bytes_behind_the_handshake_belong_to_the_websocket, t)
{
    static const uint8_t mask[WS_MASK_LEN] = {9, 8, 7, 6};
    struct buf stream = {0};

    buf_put_str(&stream, RIG_UPGRADE);
    ws_put_masked_frame(&stream, WS_TEXT, true, SLICE("early"), mask);
    ws_put_masked_frame(&stream, WS_TEXT, true, SLICE("later"), mask);
    for (size_t cut = 1; cut < stream.len; cut += 3) {
        struct rig r;
        struct rig_in in = {0};
        int fd;

        rig_open(&r, (struct conn_options){0});
        fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
        rig_send(&r, fd, slice_of(stream.at, cut));
        rig_send(&r, fd, slice_from(buf_peek(&stream), cut));
        CHECK(t, rig_sees(&r, fd, &in,
                          "\r\n\r\n\x81\x05"
                          "early\x81\x05later"));
        CHECK_EQ(t, conn_set_count(r.set, CONN_WEBSOCKET), 1);
        CHECK_EQ(t, conn_set_count(r.set, CONN_HTTP), 0);
        buf_fini(&in.bytes);
        (void)close(fd);
        rig_fini(&r, t);
    }
    buf_fini(&stream);
}

TEST(a_close_is_answered_with_its_code_and_then_the_end, t)
{
    static const struct {
        struct slice payload;
        size_t answer_len;
    } row[] = {{{(const uint8_t *)"\x03\xe8", 2}, 2},
               {{(const uint8_t *)"\x0f\xa0"
                                  "bye",
                 5},
                2},
               {{NULL, 0}, 0}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct rig r;

        rig_open_ws(&r, (struct conn_options){0}, 0);
        rig_frame(&r, r.fd, WS_CLOSE, true, row[i].payload);
        rig_expect(&r, t, r.fd, &r.in, WS_CLOSE, slice_first(row[i].payload, row[i].answer_len));
        rig_read(&r, r.fd, &r.in, SIZE_MAX);
        CHECK(t, r.in.ended && !r.in.reset && r.in.bytes.len == 0);
        CHECK_EQ(t, r.closed, 1);
        rig_fini(&r, t);
    }
}

TEST(limits_of_a_message_at_and_one_past, t)
{
    struct rig r;

    rig_open_ws(&r, (struct conn_options){.message_len_max = 10}, 0);
    rig_frame(&r, r.fd, WS_TEXT, true, SLICE("0123456789"));
    rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("0123456789"));
    rig_frame(&r, r.fd, WS_TEXT, true, SLICE("0123456789a"));
    rig_expect_close(&r, t, r.fd, &r.in, WS_CLOSE_TOO_BIG);
    rig_read(&r, r.fd, &r.in, SIZE_MAX);
    CHECK(t, r.in.ended);
    rig_fini(&r, t);
}

TEST(websockets_past_the_limit_get_503_before_the_upgrade, t)
{
    struct rig r;
    struct rig_in in = {0};
    int a, b, c;

    rig_open(&r, (struct conn_options){.websockets_max = 2});
    a = rig_ws(&r, 0);
    b = rig_ws(&r, 0);
    REQUIRE(t, a >= 0 && b >= 0);
    c = rig_connect(&r, CONN_ACCEPTS_WEBSOCKET, 0);
    rig_send_str(&r, c, RIG_UPGRADE);
    CHECK(t, rig_sees(&r, c, &in, "HTTP/1.1 503 "));
    (void)close(c);
    /* Who has said goodbye makes room at once. */
    rig_frame(&r, a, WS_CLOSE, true, slice_of(NULL, 0));
    c = rig_ws(&r, 0);
    CHECK(t, c >= 0);
    buf_fini(&in.bytes);
    (void)close(a);
    (void)close(b);
    (void)close(c);
    rig_fini(&r, t);
}

TEST(held_notifications_follow_the_reply_and_those_forgotten_never_come, t)
{
    struct rig r;
    struct frame_share *f = share_of(3);
    struct conn *c;

    rig_open_ws(&r, (struct conn_options){0}, 0);
    r.answer = RIG_LATER;
    c = peer_of(&r, r.fd);
    REQUIRE(t, c != NULL);
    conn_hold(c);
    conn_hold(c);
    conn_notify(c, f, ID_A);
    conn_notify(c, f, ID_B);
    conn_notify(c, f, ID_A);
    conn_forget_held(c, ID_B);
    conn_release(c);
    CHECK(t, rig_quiet(&r, r.fd));
    rig_answer_now(&r, c, SLICE("id"));
    conn_release(c);
    rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("id"));
    expect_note(&r, t, r.fd, &r.in, ID_A, 3);
    expect_note(&r, t, r.fd, &r.in, ID_A, 3);
    CHECK(t, rig_quiet(&r, r.fd));
    CHECK_EQ(t, f->count, 1);
    frame_share_unref(f);
    rig_fini(&r, t);
}

TEST(a_hundred_notifications_leave_in_one_send_and_allocate_nothing_once_warm, t)
{
    struct rig r;
    struct frame_share *f = share_of(100);
    struct out_slab *slabs = NULL;
    struct conn *c;

    rig_open_ws(&r, (struct conn_options){0}, 0);
    c = peer_of(&r, r.fd);
    rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("who"));
    for (int round = 0; round < 3; round++) {
        uint64_t sends = counter_get(&conn_set_stats(r.set)->sends);

        for (int i = 0; i < 100; i++) conn_notify(c, f, i % 2 ? ID_A : ID_B);
        conn_set_flush(r.set);
        CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->sends), sends + 1);
        if (round) CHECK(t, r.set->pool.slabs == slabs);
        slabs = r.set->pool.slabs;
        for (int i = 0; i < 100; i++) expect_note(&r, t, r.fd, &r.in, i % 2 ? ID_A : ID_B, 100);
    }
    frame_share_unref(f);
    rig_fini(&r, t);
}

/* Reads frames until the close: what came before it must be whole notifications, whatever the cut. */
static size_t read_to_close(struct rig *r, struct test *t, int fd, struct rig_in *in, unsigned code, size_t payload_len)
{
    struct buf got = {0};
    uint8_t first = 0;
    size_t count = 0;

    while (rig_next_frame(r, fd, in, &first, &got) && first == (0x80 | WS_TEXT)) {
        CHECK_EQ(t, got.len, payload_len);
        count++;
    }
    CHECK_EQ(t, first, 0x80u | WS_CLOSE);
    CHECK(t, got.len > 2);
    if (got.len > 2) {
        CHECK_EQ(t, (unsigned)got.at[0] << 8 | got.at[1], code);
        CHECK_STR(t, slice_from(buf_peek(&got), 2), "slow consumer");
    }
    buf_fini(&got);
    return count;
}

TEST(a_reader_over_its_budget_is_cut_behind_the_frame_in_progress_and_told_why, t)
{
    enum { TAIL = 50000, PAYLOAD = 1 + FRAME_ID_LEN + TAIL };
    struct rig r;
    struct rig_in in = {0};
    struct frame_share *f = share_of(TAIL);
    struct conn *c;
    size_t sent = 0, came;
    int fd, other;

    rig_open(&r, (struct conn_options){.notify_bytes_max = 400000});
    other = rig_ws(&r, 0);
    fd = rig_ws(&r, 8192);
    REQUIRE(t, fd >= 0 && other >= 0);
    r.answer = RIG_LATER;
    c = peer_of(&r, fd);
    REQUIRE(t, c != NULL);
    while (c->state == CONN_OPEN && sent < 1000) {
        conn_notify(c, f, ID_A);
        conn_set_flush(r.set);
        sent++;
    }
    CHECK(t, sent > 8 && sent < 1000);
    CHECK_EQ(t, r.closed, 0); /* not inside conn_notify() */
    rig_turn(&r, 2);
    CHECK_EQ(t, r.closed, 1);
    CHECK(t, conn_find(r.set, r.last) == NULL);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->slow_closed[CONN_SLOW_MEMORY]), 1);
    CHECK(t, f->count <= 2); /* the caller's and the frame in progress */
    /* It resumes, and sees whole frames, the code and the end. */
    came = read_to_close(&r, t, fd, &in, WS_CLOSE_TRY_LATER, PAYLOAD);
    CHECK(t, came > 0 && came < sent);
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, in.ended && !in.reset);
    /* Nobody else has noticed. */
    r.answer = RIG_ECHO;
    rig_frame(&r, other, WS_TEXT, true, SLICE("still here"));
    in = (struct rig_in){.bytes = in.bytes};
    in.bytes.len = 0;
    rig_expect(&r, t, other, &in, WS_TEXT, SLICE("still here"));
    frame_share_unref(f);
    buf_fini(&in.bytes);
    (void)close(fd);
    (void)close(other);
    rig_fini(&r, t);
}

TEST(a_reader_over_its_age_is_closed_too_and_reset_when_it_never_resumes, t)
{
    struct rig r;
    struct frame_share *f = share_of(100000);
    struct conn *c;
    uint64_t until;

    rig_open_ws(&r, (struct conn_options){.notify_age_max_ms = 50, .linger_ms = 60}, 8192);
    r.answer = RIG_LATER;
    c = peer_of(&r, r.fd);
    REQUIRE(t, c != NULL);
    for (int i = 0; i < 40; i++) conn_notify(c, f, ID_A);
    until = clock_monotonic_ms() + 2000;
    while (conn_set_count(r.set, CONN_WEBSOCKET) && clock_monotonic_ms() < until) rig_turn(&r, 1);
    CHECK_EQ(t, conn_set_count(r.set, CONN_WEBSOCKET), 0);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->slow_closed[CONN_SLOW_AGE]), 1);
    CHECK_EQ(t, r.closed, 1);
    CHECK_EQ(t, f->count, 1);
    rig_read(&r, r.fd, &r.in, SIZE_MAX);
    CHECK(t, r.in.reset);
    frame_share_unref(f);
    rig_fini(&r, t);
}

/* The age counts from when a notification begins to wait, also where the connection's timer knew only of something
 * later: behind an answer that is not read, and behind a hold. Found by the simulation. */
TEST(a_notification_that_comes_to_a_connection_already_waiting_has_its_age_limit, t)
{
    for (int held = 0; held <= 1; held++) {
        struct rig r;
        struct frame_share *f = share_of(100);
        struct buf reply = {0};
        struct conn *c;
        uint64_t until;

        rig_open_ws(&r, (struct conn_options){.notify_age_max_ms = 50, .linger_ms = 60}, 8192);
        r.answer = RIG_LATER;
        c = peer_of(&r, r.fd);
        REQUIRE(t, c != NULL);
        if (held) {
            conn_hold(c);
        } else {
            for (int i = 0; i < 4000000; i++) buf_put_byte(&reply, 'x');
            conn_reply(c, &reply);
            rig_turn(&r, 5);
            CHECK(t, c->blocked);
        }
        conn_notify(c, f, ID_A);
        until = clock_monotonic_ms() + 2000;
        while (conn_set_count(r.set, CONN_WEBSOCKET) && clock_monotonic_ms() < until) rig_turn(&r, 1);
        CHECK_EQ(t, conn_set_count(r.set, CONN_WEBSOCKET), 0);
        CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->slow_closed[CONN_SLOW_AGE]), 1);
        frame_share_unref(f);
        buf_fini(&reply);
        rig_fini(&r, t);
    }
}

struct closer {
    struct letter letter;
    struct rig *rig;
    bool closed;
};

/* Letters come between a turn's reading and its sending: again each turn, until there is a WebSocket. */
static void close_fresh(struct letter *letter)
{
    struct closer *closer = CONTAINER_OF(letter, struct closer, letter);
    struct conn *c = conn_find(closer->rig->set, (struct conn_id){3, 0, 1});

    if (c && c->kind == CONN_KIND_WEBSOCKET) {
        conn_close_slow(c, CONN_SLOW_MEMORY);
        closer->closed = true;
    } else {
        mailbox_post(loop_mailbox(closer->rig->loop), letter);
    }
}

/* The process may be over its limit when a handshake's answer has not left yet: no frame may take its place. Found by
 * the simulation. */
TEST(a_websocket_that_is_closed_before_its_handshake_is_answered_gets_no_bare_frame, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct closer closer = {.letter.run = close_fresh, .rig = &r};
    int fd;

    rig_open(&r, (struct conn_options){0});
    fd = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    mailbox_post(loop_mailbox(r.loop), &closer.letter);
    rig_send_str(&r, fd, RIG_UPGRADE);
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, closer.closed);
    CHECK(t, in.ended);
    CHECK_EQ(t, in.bytes.len, 0);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
}

/* The budget counts what is behind the frame being written: at it, all is well. */
TEST(the_budget_at_its_limit_and_one_byte_past, t)
{
    for (size_t past = 0; past < 2; past++) {
        struct rig r;
        struct frame_share *f = share_of(100);
        size_t len = frame_len(f->frame);
        struct conn *c;

        rig_open_ws(&r, (struct conn_options){.notify_bytes_max = 3 * len - past}, 0);
        r.answer = RIG_LATER;
        c = peer_of(&r, r.fd);
        conn_hold(c); /* so that the socket takes none */
        for (int i = 0; i < 3; i++) conn_notify(c, f, ID_A);
        CHECK_EQ(t, c->state, past ? CONN_FINISHING : CONN_OPEN);
        frame_share_unref(f);
        rig_hang_up(&r);
        rig_fini(&r, t);
    }
}

TEST(the_largest_number_is_never_and_no_limit, t)
{
    struct rig r;
    struct frame_share *f = share_of(2000000);
    struct conn *c;
    uint64_t until;

    rig_open_ws(&r,
                (struct conn_options){.ping_interval_ms = UINT64_MAX,
                                      .ping_timeout_ms = UINT64_MAX,
                                      .http_idle_timeout_ms = UINT64_MAX,
                                      .notify_age_max_ms = UINT64_MAX,
                                      .notify_bytes_max = SIZE_MAX,
                                      .input_bytes_max = SIZE_MAX,
                                      .output_bytes_max = SIZE_MAX},
                8192);
    r.answer = RIG_LATER;
    c = peer_of(&r, r.fd);
    until = clock_monotonic_ms() + 50;
    while (clock_monotonic_ms() < until) rig_turn(&r, 1);
    CHECK(t, rig_quiet(&r, r.fd)); /* no ping */
    for (int i = 0; i < 3; i++) conn_notify(c, f, ID_A);
    until = clock_monotonic_ms() + 50;
    while (clock_monotonic_ms() < until) rig_turn(&r, 1);
    CHECK(t, c->blocked);
    CHECK_EQ(t, c->state, CONN_OPEN);
    frame_share_unref(f);
    rig_hang_up(&r);
    rig_fini(&r, t);
}

TEST(a_silent_peer_is_pinged_and_one_that_answers_stays, t)
{
    struct rig r;

    rig_open_ws(&r, (struct conn_options){.ping_interval_ms = 30, .ping_timeout_ms = 60}, 0);
    for (int i = 0; i < 5; i++) {
        rig_expect(&r, t, r.fd, &r.in, WS_PING, slice_of(NULL, 0));
        rig_frame(&r, r.fd, i % 2 ? WS_PONG : WS_TEXT, true, i % 2 ? slice_of(NULL, 0) : SLICE("any frame is life"));
        if (i % 2 == 0) rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("any frame is life"));
    }
    /* Now it is silent. */
    rig_expect(&r, t, r.fd, &r.in, WS_PING, slice_of(NULL, 0));
    rig_expect_close(&r, t, r.fd, &r.in, WS_CLOSE_INTERNAL);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->ping_timeouts), 1);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
}

/* A reader that is slow but within its limits must not be taken for dead: its pong cannot be due while our bytes are in
 * its way. */
TEST(no_ping_times_out_while_our_own_output_waits, t)
{
    struct rig r;
    struct frame_share *f = share_of(2000000);
    struct conn *c;
    uint64_t until;

    rig_open_ws(&r, (struct conn_options){.ping_interval_ms = 20, .ping_timeout_ms = 20}, 8192);
    r.answer = RIG_LATER;
    c = peer_of(&r, r.fd);
    conn_notify(c, f, ID_A);
    until = clock_monotonic_ms() + 150;
    while (clock_monotonic_ms() < until) rig_turn(&r, 1);
    CHECK_EQ(t, c->state, CONN_OPEN);
    CHECK(t, c->blocked);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->ping_timeouts), 0);
    frame_share_unref(f);
    rig_hang_up(&r);
    rig_fini(&r, t);
}

TEST(too_many_messages_in_flight_pause_reading_and_all_are_answered, t)
{
    struct rig r;
    struct buf out = {0};
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};

    rig_open_ws(&r, (struct conn_options){.in_flight_max = 2}, 0);
    r.answer = RIG_LATER;
    for (int i = 0; i < 6; i++) ws_put_masked_frame(&out, WS_TEXT, true, SLICE("q"), mask);
    rig_send(&r, r.fd, buf_peek(&out));
    rig_turn(&r, 5);
    for (size_t i = 0; i < 6; i++) {
        CHECK_EQ(t, r.messages, i + 2 < 6 ? i + 2 : 6);
        rig_answer_now(&r, conn_find(r.set, r.last), SLICE("a"));
        rig_expect(&r, t, r.fd, &r.in, WS_TEXT, SLICE("a"));
        rig_turn(&r, 2);
    }
    buf_fini(&out);
    rig_fini(&r, t);
}

TEST(an_answer_for_one_who_has_gone_finds_nobody_even_in_the_same_slot, t)
{
    struct rig r;
    struct conn_id gone;
    struct conn *c;
    int fd;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = rig_ws(&r, 0);
    REQUIRE(t, fd >= 0);
    c = peer_of(&r, fd);
    gone = r.last;
    REQUIRE(t, c != NULL && gone.worker == 3);
    (void)close(fd);
    rig_turn(&r, 5);
    CHECK(t, conn_find(r.set, gone) == NULL);
    fd = rig_ws(&r, 0);
    CHECK(t, peer_of(&r, fd) == c); /* the slot is used again */
    CHECK(t, conn_find(r.set, gone) == NULL);
    CHECK(t, conn_find(r.set, (struct conn_id){3, 0, 0}) == NULL);
    CHECK(t, conn_find(r.set, (struct conn_id){3, 1u << 30, 1}) == NULL);
    (void)close(fd);
    rig_fini(&r, t);
}

TEST(a_handler_may_close_the_connection_it_is_called_for, t)
{
    struct rig r;

    rig_open_ws(&r, (struct conn_options){0}, 0);
    r.answer = RIG_CLOSE;
    rig_frame(&r, r.fd, WS_TEXT, true, SLICE("x"));
    rig_expect_close(&r, t, r.fd, &r.in, WS_CLOSE_POLICY);
    rig_frame(&r, r.fd, WS_TEXT, true, SLICE("ignored"));
    CHECK_EQ(t, r.messages, 1);
    rig_frame(&r, r.fd, WS_CLOSE, true, SLICE("\x03\xf0"));
    rig_read(&r, r.fd, &r.in, SIZE_MAX);
    CHECK(t, r.in.ended && !r.in.reset);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
}

TEST(draining_says_1001_finishes_http_and_takes_nobody_new, t)
{
    struct rig r;
    struct rig_in ws_in = {0}, http_in = {0}, idle_in = {0}, new_in = {0};
    int ws, http, idle, late;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    ws = rig_ws(&r, 0);
    idle = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    http = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_send_str(&r, http,
                 "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]");
    conn_set_drain(r.set);
    rig_expect_close(&r, t, ws, &ws_in, WS_CLOSE_GOING_AWAY);
    rig_send_str(&r, idle,
                 "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* it has just come: what it asks is answered */
    rig_read(&r, idle, &idle_in, SIZE_MAX);
    CHECK(t, idle_in.ended && rig_sees(&r, idle, &idle_in, "200 OK") &&
                 rig_sees(&r, idle, &idle_in, "Connection: close\r\n"));
    rig_answer_now(&r, conn_find(r.set, r.last), SLICE("done"));
    rig_read(&r, http, &http_in, SIZE_MAX);
    CHECK(t, http_in.ended && rig_sees(&r, http, &http_in, "Connection: close\r\n") &&
                 rig_sees(&r, http, &http_in, "done"));
    late = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
    rig_read(&r, late, &new_in, SIZE_MAX);
    CHECK(t, new_in.ended);
    (void)close(ws);
    (void)close(http);
    (void)close(idle);
    (void)close(late);
    rig_turn(&r, 5);
    CHECK_EQ(t, conn_set_count(r.set, CONN_WEBSOCKET) + conn_set_count(r.set, CONN_HTTP), 0);
    buf_fini(&ws_in.bytes);
    buf_fini(&http_in.bytes);
    buf_fini(&idle_in.bytes);
    rig_fini(&r, t);
}

/* A client that asks one thing after the other over HTTP: the close must not cross the request that is on its way. Who
 * asks nothing more is closed soon. */
TEST(draining_lets_who_is_asking_ask_once_more, t)
{
    static const char post[] =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]";
    struct rig r;
    struct rig_in in[2] = {0};
    int fds[2];
    uint64_t began;

    rig_open(&r, (struct conn_options){0});
    for (size_t i = 0; i < 2; i++) {
        fds[i] = rig_connect(&r, CONN_ACCEPTS_BOTH, 0);
        rig_send_str(&r, fds[i], post);
        CHECK(t, rig_sees(&r, fds[i], &in[i], "\r\n\r\n[]"));
        buf_reset(&in[i].bytes);
    }
    began = clock_monotonic_ms();
    conn_set_drain(r.set);
    rig_send_str(&r, fds[0], post);
    rig_read(&r, fds[0], &in[0], SIZE_MAX);
    CHECK(t, in[0].ended && !in[0].reset && rig_sees(&r, fds[0], &in[0], "Connection: close\r\n"));
    rig_read(&r, fds[1], &in[1], SIZE_MAX);
    CHECK(t, in[1].ended && in[1].bytes.len == 0);
    CHECK(t, clock_monotonic_ms() - began >= CONN_DRAIN_IDLE_MS / 2);
    for (size_t i = 0; i < 2; i++) {
        (void)close(fds[i]);
        buf_fini(&in[i].bytes);
    }
    rig_turn(&r, 5);
    CHECK_EQ(t, conn_set_count(r.set, CONN_HTTP), 0);
    rig_fini(&r, t);
}

TEST(an_echo_server_answers_in_kind_also_with_nothing, t)
{
    struct rig r;

    rig_open_ws(&r, (struct conn_options){.echo_opcode = true}, 0);
    rig_frame(&r, r.fd, WS_BINARY, true, SLICE("\xff\x00"));
    rig_expect(&r, t, r.fd, &r.in, WS_BINARY, SLICE("\xff\x00"));
    rig_frame(&r, r.fd, WS_TEXT, true, slice_of(NULL, 0));
    rig_expect(&r, t, r.fd, &r.in, WS_TEXT, slice_of(NULL, 0));
    rig_fini(&r, t);
}
