/* Replies that come in a spool: over HTTP, in plain and in compressed fragments, slowly, cut, and to who has gone. */
#include "conn/test_rig.h"

enum { LEN = 3 << 20 };

static char *text_of(size_t len, unsigned wild)
{
    static const char step[] =
        "{\"pc\":7,\"op\":\"PUSH1\",\"gas\":123456,\"gasCost\":3,\"depth\":1,\"stack\":[\"0x2a\"]},";
    char *text = malloc(len);
    uint32_t seed = 7;

    if (!text) abort();
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = i / 100000 % 2 < wild ? (char)(' ' + seed % 90) : step[i % (sizeof step - 1)];
    }
    return text;
}

/* Answers with this text, all but its last `tail` bytes in a spool. */
static void answer(struct conn *c, struct slice text, size_t tail)
{
    struct spool *s = spool_new();
    struct buf rest = {0};

    if (!s) abort();
    while (text.len > tail) {
        struct slice piece = slice_first(text, text.len - tail < SPOOL_PIECE_MAX ? text.len - tail : SPOOL_PIECE_MAX);

        if (!spool_put(s, piece)) abort();
        text = slice_from(text, piece.len);
    }
    buf_put(&rest, text);
    conn_reply_spool(c, s, &rest);
    assert(rest.len == 0);
    buf_fini(&rest);
}

/* Asks something; returns who asked. */
static struct conn *asked(struct rig *r)
{
    struct conn *c;

    rig_frame(r, r->fd, WS_TEXT, true, SLICE("q"));
    c = conn_find(r->set, r->last);
    if (!c) abort();
    return c;
}

/* Reads messages and gives them to the parser that clients use. */
static void expect_message(struct rig *r, struct test *t, bool deflate, struct slice expected)
{
    struct ws_parser parser;
    struct rig_in in = {0};
    enum ws_event_kind result = WS_NEEDS_MORE;
    struct ws_event e;

    ws_parser_init(&parser, (struct ws_parser_options){.client = true, .deflate = deflate, .message_len_max = LEN + 1});
    while (result == WS_NEEDS_MORE && !in.ended) {
        size_t taken;

        in.bytes.len = 0;
        rig_read(r, r->fd, &in, 1);
        if (!in.bytes.len) break;
        result = ws_parser_feed(&parser, in.bytes.at, in.bytes.len, &taken, &e);
        if (result == WS_GOT_MESSAGE) CHECK_EQ(t, taken, in.bytes.len);
    }
    CHECK_EQ(t, result, WS_GOT_MESSAGE);
    if (result == WS_GOT_MESSAGE) {
        CHECK(t, !e.binary && slice_eq(e.bytes, expected));
        CHECK_EQ(t, e.compressed, deflate);
    }
    ws_parser_fini(&parser);
    buf_fini(&in.bytes);
}

TEST(a_spooled_reply_is_one_message_of_fragments, t)
{
    static const char *const handshakes[] = {
        RIG_UPGRADE, RIG_UPGRADE_WITH("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        RIG_UPGRADE_WITH("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n")};
    static const size_t lens[] = {1, 300, SPOOL_PIECE_MAX, SPOOL_PIECE_MAX + 1, LEN};

    for (unsigned wild = 0; wild < 3; wild++) {
        char *text = text_of(LEN, wild);

        for (size_t i = 0; i < COUNT_OF(handshakes); i++) {
            struct rig r;

            rig_open(&r, (struct conn_options){0});
            r.answer = RIG_LATER;
            r.fd = rig_ws_by(&r, handshakes[i], 0);
            REQUIRE(t, r.fd >= 0);
            for (size_t k = 0; k < COUNT_OF(lens); k++) {
                answer(asked(&r), slice_of(text, lens[k]), lens[k] / 2 < 1000 ? lens[k] / 2 : 1000);
                expect_message(&r, t, i > 0, slice_of(text, lens[k]));
            }
            CHECK_EQ(t, r.set->pool.waiting, 0);
            rig_fini(&r, t);
        }
        free(text);
    }
}

TEST(over_http_it_is_one_body_and_the_next_request_follows, t)
{
    char *text = text_of(LEN, 0);
    struct rig r;

    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    r.fd = rig_connect(&r, CONN_ACCEPTS_HTTP, 0);
    for (int i = 0; i < 2; i++) {
        const uint8_t *body;
        char length[64];

        rig_send_str(
            &r, r.fd,
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
        CHECK_EQ(t, r.messages, i + 1);
        answer(conn_find(r.set, r.last), slice_of(text, LEN), 70000);
        r.in.bytes.len = 0;
        REQUIRE(t, rig_sees(&r, r.fd, &r.in, "\r\n\r\n"));
        (void)snprintf(length, sizeof length, "\r\nContent-Length: %d\r\n", LEN);
        CHECK(t, memmem(r.in.bytes.at, r.in.bytes.len, length, strlen(length)));
        body = (const uint8_t *)memmem(r.in.bytes.at, r.in.bytes.len, "\r\n\r\n", 4) + 4;
        rig_read(&r, r.fd, &r.in, (size_t)(body - r.in.bytes.at) + LEN);
        body = (const uint8_t *)memmem(r.in.bytes.at, r.in.bytes.len, "\r\n\r\n", 4) + 4;
        REQUIRE(t, r.in.bytes.len == (size_t)(body - r.in.bytes.at) + LEN);
        CHECK(t, memcmp(body, text, LEN) == 0);
    }
    CHECK_EQ(t, r.set->pool.waiting, 0);
    rig_fini(&r, t);
    free(text);
}

/* A reader that stands still keeps the compressed text, and of the text itself a piece. */
TEST(what_waits_for_a_slow_reader_waits_compressed, t)
{
    char *text = text_of(LEN, 0);
    struct rig r;
    struct conn *c;

    rig_open_ws(&r, (struct conn_options){0}, 4096);
    r.answer = RIG_LATER;
    c = asked(&r);
    answer(c, slice_of(text, LEN), 0);
    conn_set_flush(r.set);
    CHECK(t, c->blocked && c->out.bytes > LEN / 2);
    CHECK(t, r.set->pool.waiting > 0 && r.set->pool.waiting < 300000);
    CHECK(t, !conn_wants_input(c));
    expect_message(&r, t, false, slice_of(text, LEN));
    rig_fini(&r, t);
    free(text);
}

TEST(it_is_cut_behind_the_fragment_in_progress, t)
{
    char *text = text_of(LEN, 0);
    struct rig r;
    struct frame *f;
    struct frame_share *share;
    struct buf got = {0};
    struct conn *c;
    uint8_t first = 0;
    size_t frames = 0;

    rig_open_ws(&r, (struct conn_options){.notify_bytes_max = 1000}, 4096);
    r.answer = RIG_LATER;
    c = asked(&r);
    answer(c, slice_of(text, LEN), 0);
    conn_set_flush(r.set);
    REQUIRE(t, frame_new_text(slice_of(text, 500), SLICE(">"), &f) == FAN_OK);
    share = frame_share_new(f);
    for (int i = 0; i < 10; i++) conn_notify(c, share, (const uint8_t *)"0xcccccccccccccccccccccccccccccccc");
    frame_share_unref(share);
    CHECK_EQ(t, c->state, CONN_FINISHING);
    for (; rig_next_frame(&r, r.fd, &r.in, &first, &got) && first != (0x80 | WS_CLOSE); frames++)
        CHECK_EQ(t, first, frames ? WS_CONTINUATION : WS_TEXT);
    CHECK(t, frames > 0 && frames < LEN / SPOOL_PIECE_MAX);
    CHECK_EQ(t, first, 0x80 | WS_CLOSE);
    buf_fini(&got);
    rig_fini(&r, t);
    free(text);
}

TEST(who_is_closing_gets_none_and_nothing_is_lost, t)
{
    char *text = text_of(LEN, 0);
    struct rig r;
    struct conn *c;

    rig_open_ws(&r, (struct conn_options){0}, 0);
    r.answer = RIG_LATER;
    c = asked(&r);
    conn_close(c, WS_CLOSE_GOING_AWAY, "bye");
    answer(c, slice_of(text, LEN), 10); /* the sanitizer counts */
    rig_hang_up(&r);
    CHECK_EQ(t, r.closed, 1);
    rig_fini(&r, t);
    free(text);
}
