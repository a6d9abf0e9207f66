#include "conn/test_rig.h"

/* A client on a Unix socket; *out: the connection. */
static int rig_ipc(struct rig *r, struct conn **out)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) abort();
    conn_set_adopt(r->set, pair[1], CONN_ACCEPTS_IPC);
    *out = conn_at_slot(r->set, 0);
    return pair[0];
}

static void expect(struct rig *r, struct test *t, int fd, struct rig_in *in, const char *text)
{
    rig_read(r, fd, in, strlen(text));
    CHECK_STR(t, buf_peek(&in->bytes), text);
    buf_reset(&in->bytes);
}

/* Requests have no frames, answers have lines. */
TEST(values_come_as_a_stream_and_answers_leave_as_lines, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    int fd;

    rig_open(&r, (struct conn_options){0});
    fd = rig_ipc(&r, &c);
    rig_send_str(&r, fd, "{\"a\":1}");
    expect(&r, t, fd, &in, "{\"a\":1}\n");
    rig_send_str(&r, fd, "{}{} [1,\n2]\n{\"b\"");
    expect(&r, t, fd, &in, "{}\n{}\n[1,\n2]\n");
    rig_send_str(&r, fd, ":\"}");
    CHECK(t, rig_quiet(&r, fd));
    rig_send_str(&r, fd, "\"}");
    expect(&r, t, fd, &in, "{\"b\":\"}\"}\n");
    CHECK_EQ(t, r.messages, 5);
    CHECK_EQ(t, conn_peer_of(c)->transport, CONN_IPC);
    CHECK(t, conn_peer_of(c)->loopback);
    CHECK_EQ(t, conn_set_count(r.set, CONN_IPC), 1);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_turn(&r, 3);
    CHECK_EQ(t, r.closed, 1);
    CHECK_EQ(t, conn_set_count(r.set, CONN_IPC), 0);
    rig_fini(&r, t);
}

TEST(a_long_answer_is_a_line_too, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    struct buf text = {0};
    int fd;

    rig_open(&r, (struct conn_options){0});
    fd = rig_ipc(&r, &c);
    buf_put_byte(&text, '"');
    for (int i = 0; i < 300000; i++) buf_put_byte(&text, 'x');
    buf_put_byte(&text, '"');
    rig_send(&r, fd, buf_peek(&text));
    buf_put_byte(&text, '\n');
    rig_read(&r, fd, &in, text.len);
    CHECK_SLICE(t, buf_peek(&in.bytes), buf_peek(&text));
    buf_fini(&text);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_turn(&r, 3);
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
        struct rig_in in = {0};
        struct conn *c;
        int fd;

        rig_open(&r, (struct conn_options){.message_len_max = 40});
        fd = rig_ipc(&r, &c);
        rig_send_str(&r, fd, row[i][0]);
        rig_read(&r, fd, &in, SIZE_MAX);
        CHECK(t, in.ended && !in.reset);
        CHECK(t, in.bytes.len && memmem(in.bytes.at, in.bytes.len, row[i][1], 6));
        CHECK_EQ(t, in.bytes.at[in.bytes.len - 1], '\n');
        CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->protocol_errors), 1);
        buf_fini(&in.bytes);
        (void)close(fd);
        rig_turn(&r, 3);
        CHECK_EQ(t, r.closed, 1);
        rig_fini(&r, t);
    }
}

/* echo '{…}' | nc -U: the question, then the end of what is sent; the answer may come later. */
TEST(who_has_said_all_still_gets_his_answers, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    int fd;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = rig_ipc(&r, &c);
    rig_send_str(&r, fd, "{}[]");
    (void)shutdown(fd, SHUT_WR);
    CHECK(t, rig_quiet(&r, fd));
    rig_answer_now(&r, c, SLICE("1"));
    rig_turn(&r, 2);
    rig_answer_now(&r, c, SLICE("2"));
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK_STR(t, buf_peek(&in.bytes), "1\n2\n");
    CHECK(t, in.ended);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_turn(&r, 3);
    rig_fini(&r, t);
}

/* The same frame that WebSockets share, without its header and with a line feed; held, sent and packed. */
TEST(notifications_are_lines_however_they_wait, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    struct frame_share *f = share_of(3), *large = share_of(900000);
    int fd;

    rig_open(&r, (struct conn_options){0});
    fd = rig_ipc(&r, &c);
    conn_notify(c, f, ID_A);
    conn_hold(c);
    conn_notify(c, f, ID_B);
    rig_turn(&r, 2);
    expect(&r, t, fd, &in, "<0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaattt\n");
    conn_release(c);
    expect(&r, t, fd, &in, "<0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbttt\n");
    conn_notify(c, large, ID_A); /* more than the socket takes */
    rig_turn(&r, 3);
    CHECK(t, c->blocked);
    for (int i = 0; i < 1000; i++) conn_notify(c, f, i % 2 ? ID_B : ID_A);
    rig_read(&r, fd, &in, 900036 + 1000 * 39);
    CHECK_EQ(t, in.bytes.len, 900036 + 1000 * 39);
    CHECK_STR(t, slice_of(in.bytes.at + in.bytes.len - 78, 78),
              "<0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaattt\n<0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbttt\n");
    frame_share_unref(f);
    frame_share_unref(large);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_turn(&r, 3);
    rig_fini(&r, t);
}

/* A stalled reader: what is behind the line in progress goes, and the end follows that line. */
TEST(a_slow_reader_finds_a_whole_line_and_the_end, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    struct frame_share *f = share_of(400000);
    int fd;

    rig_open(&r, (struct conn_options){.notify_bytes_max = 3000000});
    fd = rig_ipc(&r, &c);
    conn_notify(c, f, ID_A);
    rig_turn(&r, 2);
    CHECK(t, c->blocked);
    for (int i = 0; i < 10; i++) conn_notify(c, f, ID_A);
    CHECK_EQ(t, c->state, CONN_FINISHING);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->slow_closed[CONN_SLOW_MEMORY]), 1);
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK(t, in.ended && !in.reset);
    CHECK_EQ(t, in.bytes.len, 400036);
    CHECK_EQ(t, in.bytes.at[in.bytes.len - 1], '\n');
    frame_share_unref(f);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_turn(&r, 3);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
}

TEST(nobody_is_pinged, t)
{
    struct rig r;
    struct conn *c;
    uint64_t until = clock_monotonic_ms() + 200;
    int fd;

    rig_open(&r, (struct conn_options){.ping_interval_ms = 10, .ping_timeout_ms = 10});
    fd = rig_ipc(&r, &c);
    while (clock_monotonic_ms() < until) rig_turn(&r, 1);
    CHECK(t, rig_quiet(&r, fd));
    CHECK_EQ(t, c->state, CONN_OPEN);
    (void)close(fd);
    rig_turn(&r, 3);
    rig_fini(&r, t);
}

/* At the end what was asked is answered, and what comes after that is not read. */
TEST(a_drain_answers_what_was_asked, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    int fd;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = rig_ipc(&r, &c);
    rig_send_str(&r, fd, "{}");
    conn_set_drain(r.set);
    rig_send_str(&r, fd, "{}{}");
    CHECK_EQ(t, r.messages, 1);
    CHECK_EQ(t, c->state, CONN_OPEN);
    rig_answer_now(&r, c, SLICE("1"));
    rig_read(&r, fd, &in, SIZE_MAX);
    CHECK_STR(t, buf_peek(&in.bytes), "1\n");
    CHECK(t, in.ended);
    CHECK_EQ(t, r.messages, 1);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_turn(&r, 3);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
}

TEST(one_client_more_than_may_be_is_closed, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    int first, second;

    rig_open(&r, (struct conn_options){.websockets_max = 1});
    first = rig_ipc(&r, &c);
    second = rig_ipc(&r, &c);
    rig_read(&r, second, &in, 1);
    CHECK(t, in.ended);
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->refused_limit), 1);
    CHECK_EQ(t, conn_set_count(r.set, CONN_IPC), 1);
    (void)close(first);
    (void)close(second);
    rig_turn(&r, 3);
    rig_fini(&r, t);
}
