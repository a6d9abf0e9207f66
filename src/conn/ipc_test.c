#include "conn/test_rig.h"

static void expect(struct rig *r, struct test *t, const char *text)
{
    rig_read(r, r->fd, &r->in, strlen(text));
    CHECK_STR(t, buf_peek(&r->in.bytes), text);
    buf_reset(&r->in.bytes);
}

/* Requests have no frames, answers have lines. */
TEST(values_come_as_a_stream_and_answers_leave_as_lines, t)
{
    struct rig r;
    struct conn *c;

    c = rig_open_ipc(&r, (struct conn_options){0});
    rig_send_str(&r, r.fd, "{\"a\":1}");
    expect(&r, t, "{\"a\":1}\n");
    rig_send_str(&r, r.fd, "{}{} [1,\n2]\n{\"b\"");
    expect(&r, t, "{}\n{}\n[1,\n2]\n");
    rig_send_str(&r, r.fd, ":\"}");
    CHECK(t, rig_quiet(&r, r.fd));
    rig_send_str(&r, r.fd, "\"}");
    expect(&r, t, "{\"b\":\"}\"}\n");
    CHECK_EQ(t, r.messages, 5);
    CHECK_EQ(t, conn_peer_of(c)->transport, CONN_IPC);
    CHECK(t, conn_peer_of(c)->loopback);
    CHECK_EQ(t, conn_set_count(r.set, CONN_IPC), 1);
    rig_hang_up(&r);
    CHECK_EQ(t, r.closed, 1);
    CHECK_EQ(t, conn_set_count(r.set, CONN_IPC), 0);
    rig_fini(&r, t);
}

TEST(a_long_answer_is_a_line_too, t)
{
    struct rig r;
    struct buf text = {0};

    (void)rig_open_ipc(&r, (struct conn_options){0});
    buf_put_byte(&text, '"');
    for (int i = 0; i < 300000; i++) buf_put_byte(&text, 'x');
    buf_put_byte(&text, '"');
    rig_send(&r, r.fd, buf_peek(&text));
    buf_put_byte(&text, '\n');
    rig_read(&r, r.fd, &r.in, text.len);
    CHECK_SLICE(t, buf_peek(&r.in.bytes), buf_peek(&text));
    buf_fini(&text);
    rig_hang_up(&r);
    rig_fini(&r, t);
}

/* Where no end of a value can be told any more, one answer says so, and the connection ends. */
TEST(a_stream_that_is_broken_ends_with_a_word, t)
{
    static const char *const row[][2] = {{"{}}", "-32700"},
                                         {"[}", "-32700"},
                                         {"hello", "-32700"},
                                         {"[\"0123456789012345678901234567890123456789\"]", "-32600"}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct rig r;

        (void)rig_open_ipc(&r, (struct conn_options){.message_len_max = 40});
        rig_send_str(&r, r.fd, row[i][0]);
        rig_read(&r, r.fd, &r.in, SIZE_MAX);
        CHECK(t, r.in.ended && !r.in.reset);
        CHECK(t, r.in.bytes.len && memmem(r.in.bytes.at, r.in.bytes.len, row[i][1], 6));
        CHECK_EQ(t, r.in.bytes.at[r.in.bytes.len - 1], '\n');
        CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->protocol_errors), 1);
        rig_hang_up(&r);
        CHECK_EQ(t, r.closed, 1);
        rig_fini(&r, t);
    }
}

/* echo '{…}' | nc -U: the question, then the end of what is sent; the answer may come later. */
TEST(who_has_said_all_still_gets_his_answers, t)
{
    struct rig r;
    struct conn *c;

    c = rig_open_ipc(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    rig_send_str(&r, r.fd, "{}[]");
    (void)shutdown(r.fd, SHUT_WR);
    CHECK(t, rig_quiet(&r, r.fd));
    rig_answer_now(&r, c, SLICE("1"));
    rig_turn(&r, 2);
    rig_answer_now(&r, c, SLICE("2"));
    rig_read(&r, r.fd, &r.in, SIZE_MAX);
    CHECK_STR(t, buf_peek(&r.in.bytes), "1\n2\n");
    CHECK(t, r.in.ended);
    rig_hang_up(&r);
    rig_fini(&r, t);
}

/* The same frame that WebSockets share, without its header and with a line feed; held, sent and packed. */
TEST(notifications_are_lines_however_they_wait, t)
{
    struct rig r;
    struct conn *c;
    struct frame_share *f = share_of(3), *large = share_of(900000);

    c = rig_open_ipc(&r, (struct conn_options){0});
    conn_notify(c, f, ID_A);
    conn_hold(c);
    conn_notify(c, f, ID_B);
    rig_turn(&r, 2);
    expect(&r, t, "<0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaattt\n");
    conn_release(c);
    expect(&r, t, "<0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbttt\n");
    conn_notify(c, large, ID_A); /* more than the socket takes */
    rig_turn(&r, 3);
    CHECK(t, c->blocked);
    for (int i = 0; i < 1000; i++) conn_notify(c, f, i % 2 ? ID_B : ID_A);
    rig_read(&r, r.fd, &r.in, 900036 + 1000 * 39);
    CHECK_EQ(t, r.in.bytes.len, 900036 + 1000 * 39);
    CHECK_STR(t, slice_of(r.in.bytes.at + r.in.bytes.len - 78, 78),
              "<0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaattt\n<0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbttt\n");
    frame_share_unref(f);
    frame_share_unref(large);
    rig_hang_up(&r);
    rig_fini(&r, t);
}

/* A stalled reader: what is behind the line in progress goes, and the end follows that line. */
TEST(a_slow_reader_finds_a_whole_line_and_the_end, t)
{
    struct rig r;
    struct conn *c;
    struct frame_share *f = share_of(400000);

    c = rig_open_ipc(&r, (struct conn_options){.notify_bytes_max = 3000000});
    conn_notify(c, f, ID_A);
    rig_turn(&r, 2);
    CHECK(t, c->blocked);
    for (int i = 0; i < 10; i++) conn_notify(c, f, ID_A);
    CHECK_EQ(t, c->state, CONN_FINISHING);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->slow_closed[CONN_SLOW_MEMORY]), 1);
    rig_read(&r, r.fd, &r.in, SIZE_MAX);
    CHECK(t, r.in.ended && !r.in.reset);
    CHECK_EQ(t, r.in.bytes.len, 400036);
    CHECK_EQ(t, r.in.bytes.at[r.in.bytes.len - 1], '\n');
    frame_share_unref(f);
    rig_hang_up(&r);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
}

TEST(nobody_is_pinged, t)
{
    struct rig r;
    struct conn *c;
    uint64_t until = clock_monotonic_ms() + 200;

    c = rig_open_ipc(&r, (struct conn_options){.ping_interval_ms = 10, .ping_timeout_ms = 10});
    while (clock_monotonic_ms() < until) rig_turn(&r, 1);
    CHECK(t, rig_quiet(&r, r.fd));
    CHECK_EQ(t, c->state, CONN_OPEN);
    rig_hang_up(&r);
    rig_fini(&r, t);
}

/* At the end what was asked is answered, and what comes after that is not read. */
TEST(a_drain_answers_what_was_asked, t)
{
    struct rig r;
    struct conn *c;

    c = rig_open_ipc(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    rig_send_str(&r, r.fd, "{}");
    conn_set_drain(r.set);
    rig_send_str(&r, r.fd, "{}{}");
    CHECK_EQ(t, r.messages, 1);
    CHECK_EQ(t, c->state, CONN_OPEN);
    rig_answer_now(&r, c, SLICE("1"));
    rig_read(&r, r.fd, &r.in, SIZE_MAX);
    CHECK_STR(t, buf_peek(&r.in.bytes), "1\n");
    CHECK(t, r.in.ended);
    CHECK_EQ(t, r.messages, 1);
    rig_hang_up(&r);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
}

TEST(one_client_more_than_may_be_is_closed, t)
{
    struct rig r;
    struct rig_in in = {0};
    int second;

    (void)rig_open_ipc(&r, (struct conn_options){.websockets_max = 1});
    second = rig_ipc(&r);
    rig_read(&r, second, &in, 1);
    CHECK(t, in.ended);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->refused_limit), 1);
    CHECK_EQ(t, conn_set_count(r.set, CONN_IPC), 1);
    (void)close(second);
    rig_hang_up(&r);
    rig_fini(&r, t);
}
