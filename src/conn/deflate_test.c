/* permessage-deflate on a connection: what is agreed on, what leaves compressed, what comes so, and that budgets count
 * the bytes that really wait. */
#include "conn/test_rig.h"
#include "wire/deflate.h"

#define OFFER  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
#define ANSWER "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* A WebSocket by this request, whose answer must contain, or where `not` is set not contain, that text; else -1. */
static int upgraded(struct rig *r, const char *request, const char *text, bool not, int rcvbuf)
{
    struct rig_in in = {0};
    int fd = rig_connect(r, CONN_ACCEPTS_WEBSOCKET, rcvbuf);
    bool yes;

    rig_send_str(r, fd, request);
    yes = rig_sees(r, fd, &in, "\r\n\r\n") && memmem(in.bytes.at, in.bytes.len, " 101 ", 5);
    if (yes) yes = (memmem(in.bytes.at, in.bytes.len, text, strlen(text)) != NULL) != not ;
    buf_fini(&in.bytes);
    if (yes) return fd;
    (void)close(fd);
    return -1;
}

static int deflating(struct rig *r, int rcvbuf)
{
    return upgraded(r, RIG_UPGRADE_WITH(OFFER), ANSWER "\r\n", false, rcvbuf);
}

static struct slice deflated(struct deflater *d, struct slice text)
{
    struct slice out;

    if (deflater_run(d, 15, text, &out)) abort();
    return out;
}

/* A masked frame with RSV1. */
static void send_compressed(struct rig *r, int fd, enum ws_opcode opcode, bool fin, struct slice payload)
{
    static const uint8_t mask[WS_MASK_LEN] = {1, 2, 3, 4};
    struct buf out;

    buf_init(&out, 0);
    ws_put_masked_frame(&out, opcode, fin, payload, mask);
    out.at[0] |= WS_RSV1;
    rig_send(r, fd, buf_peek(&out));
    buf_fini(&out);
}

/* The next message is a text, compressed or not, in that many fragments, and this is what it says. */
static void expect_fragments(struct rig *r, struct test *t, int fd, struct rig_in *in, bool compressed,
                             struct slice text, size_t count)
{
    struct buf got = {0}, all = {0}, plain = {0};

    for (size_t i = 0; i < count; i++) {
        uint8_t first = 0;
        unsigned expected = (i + 1 == count ? 0x80u : 0) | (i ? WS_CONTINUATION : WS_TEXT);

        REQUIRE(t, rig_next_frame(r, fd, in, &first, &got));
        CHECK_EQ(t, first, expected | (compressed && i == 0 ? (unsigned)WS_RSV1 : 0));
        buf_put(&all, buf_peek(&got));
    }
    if (compressed) {
        struct inflater *i = inflater_new();

        REQUIRE(t, i);
        CHECK_EQ(t, inflater_feed(i, buf_peek(&all), 8 << 20, &plain), INFLATE_OK);
        CHECK_EQ(t, inflater_end(i, 8 << 20, &plain), INFLATE_OK);
        CHECK(t, all.len < plain.len);
        inflater_free(i);
    }
    CHECK(t, slice_eq(compressed ? buf_peek(&plain) : buf_peek(&all), text));
    buf_fini(&got);
    buf_fini(&all);
    buf_fini(&plain);
}

static void expect_text(struct rig *r, struct test *t, int fd, struct rig_in *in, bool compressed, struct slice text)
{
    expect_fragments(r, t, fd, in, compressed, text, 1);
}

TEST(deflate_is_agreed_on_where_it_is_offered_and_allowed, t)
{
    static const struct {
        const char *request, *answer;
        bool not, off;
    } row[] = {
        {RIG_UPGRADE_WITH(""), "Extensions", true, false},
        {RIG_UPGRADE_WITH(OFFER), ANSWER "\r\n", false, false},
        {RIG_UPGRADE_WITH(OFFER), "Extensions", true, true},
        {RIG_UPGRADE_WITH("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n"),
         ANSWER "; server_max_window_bits=9\r\n", false, false},
        {RIG_UPGRADE_WITH("Sec-WebSocket-Extensions: permessage-deflate; whatever\r\n"), "Extensions", true, false},
        {RIG_UPGRADE_WITH("Sec-WebSocket-Extensions: permessage-deflate; whatever\r\n" OFFER), ANSWER "\r\n", false,
         false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct rig r;
        int fd;

        rig_open(&r, (struct conn_options){.no_deflate = row[i].off});
        fd = upgraded(&r, row[i].request, row[i].answer, row[i].not, 0);
        if (fd < 0) test_fail(t, __FILE__, __LINE__, "row %zu", i);
        if (fd >= 0) (void)close(fd);
        rig_fini(&r, t);
    }
}

/* Words and digits, as replies have them. */
static struct slice some_text(char *room, size_t len)
{
    uint32_t seed = 5;

    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        room[i] = i % 100 < 50 ? "\"transactionHash\":\"0x"[i % 50 % 21] : "0123456789abcdef"[seed >> 28];
    }
    return slice_of(room, len);
}

TEST(replies_are_compressed_where_that_pays, t)
{
    static const size_t lens[] = {1, 255, 256, 1000, 65535, 65536, 131070, 131071, 1000000};
    static char text[1000000];
    struct rig r;
    struct rig_in in = {0};
    int plain, fd;

    (void)some_text(text, sizeof text);
    rig_open(&r, (struct conn_options){0});
    plain = rig_ws(&r, 0);
    fd = deflating(&r, 0);
    REQUIRE(t, plain >= 0 && fd >= 0);
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        rig_frame(&r, fd, WS_TEXT, true, slice_of(text, lens[i]));
        expect_fragments(&r, t, fd, &in, lens[i] >= DEFLATE_LEN_MIN, slice_of(text, lens[i]),
                         (lens[i] + PIECE_LEN_MAX - 1) / PIECE_LEN_MAX);
        rig_frame(&r, plain, WS_TEXT, true, slice_of(text, lens[i]));
        expect_text(&r, t, plain, &in, false, slice_of(text, lens[i]));
    }
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->replies_deflated), COUNT_OF(lens) - 2);
    buf_fini(&in.bytes);
    (void)close(fd);
    (void)close(plain);
    rig_fini(&r, t);
}

/* While a long reply leaves in fragments, control frames pass between them; what else was queued waits for its end. */
TEST(a_long_reply_leaves_in_fragments_and_in_its_turn, t)
{
    enum { LEN = 4 << 20 };
    char *room = malloc(LEN);
    struct rig r;
    struct rig_in in = {0};
    struct frame_share *f = share_of(10);
    struct buf want = {0};
    struct slice text;
    struct conn *c;
    int fd;

    REQUIRE(t, room);
    text = some_text(room, LEN);
    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = deflating(&r, 4096);
    REQUIRE(t, fd >= 0);
    c = peer_of(&r, fd);
    rig_answer_now(&r, c, text);
    conn_notify(c, f, ID_A);
    frame_share_unref(f);
    CHECK_EQ(t, c->out.reply_count, 1);
    conn_set_flush(r.set);
    /* The socket is full: of the text no more is compressed than was sent, and a piece. */
    CHECK(t, c->blocked && pieces_left(c->out.first->of.pieces) > LEN / 2);
    CHECK(t, c->out.bytes > LEN / 2 && c->out.bytes < LEN);
    CHECK(t, r.set->pool.waiting > LEN && r.set->pool.waiting < LEN + 200000);
    expect_fragments(&r, t, fd, &in, true, text, (LEN + PIECE_LEN_MAX - 1) / PIECE_LEN_MAX);
    buf_put_byte(&want, '<');
    buf_put(&want, slice_of(ID_A, FRAME_ID_LEN));
    buf_put_str(&want, "tttttttttt");
    rig_expect(&r, t, fd, &in, WS_TEXT, buf_peek(&want));
    CHECK_EQ(t, r.set->pool.waiting, 0);
    buf_fini(&want);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
    free(room);
}

/* However fast the reader, a turn compresses a quarter of a megabyte for it, and then the others come. */
TEST(a_turn_compresses_no_more_than_others_can_wait_for, t)
{
    enum { LEN = 3 << 20 };
    char *room = malloc(LEN);
    struct rig r;
    struct rig_in in = {0};
    struct conn *c;
    int fd;

    REQUIRE(t, room);
    rig_open(&r, (struct conn_options){0});
    r.answer = RIG_LATER;
    fd = deflating(&r, 0);
    REQUIRE(t, fd >= 0);
    c = peer_of(&r, fd);
    memset(room, 'a', LEN); /* so small in the end that the socket takes all */
    rig_answer_now(&r, c, slice_of(room, LEN));
    for (size_t left = LEN; !outbox_empty(&c->out);) {
        size_t now;

        conn_send(c);
        now = outbox_empty(&c->out) ? 0 : pieces_left(c->out.first->of.pieces);
        CHECK(t, left - now <= 6 * PIECE_LEN_MAX);
        left = now;
    }
    expect_fragments(&r, t, fd, &in, true, slice_of(room, LEN), (LEN + PIECE_LEN_MAX - 1) / PIECE_LEN_MAX);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
    free(room);
}

/* A reader too slow for its notifications, in the middle of a long reply: the frame in progress ends, 1013 follows. */
TEST(a_long_reply_is_cut_behind_the_frame_in_progress, t)
{
    enum { LEN = 4 << 20 };
    char *room = malloc(LEN);
    struct rig r;
    struct rig_in in = {0};
    struct frame_share *f = share_of(200);
    struct buf got = {0};
    struct conn *c;
    uint8_t first = 0;
    size_t frames = 0;
    int fd;

    REQUIRE(t, room);
    rig_open(&r, (struct conn_options){.notify_bytes_max = 10000});
    r.answer = RIG_LATER;
    fd = deflating(&r, 4096);
    REQUIRE(t, fd >= 0);
    c = peer_of(&r, fd);
    rig_answer_now(&r, c, some_text(room, LEN));
    conn_set_flush(r.set);
    CHECK(t, c->blocked);
    for (int i = 0; i < 100; i++) conn_notify(c, f, ID_A);
    frame_share_unref(f);
    CHECK_EQ(t, c->state, CONN_FINISHING);
    CHECK(t, r.set->pool.waiting < LEN + 200000);
    for (; rig_next_frame(&r, fd, &in, &first, &got) && first != (0x80 | WS_CLOSE); frames++)
        CHECK_EQ(t, first, frames ? WS_CONTINUATION : WS_TEXT | (unsigned)WS_RSV1);
    CHECK(t, frames > 0 && frames < LEN / PIECE_LEN_MAX);
    CHECK(t, first == (0x80 | WS_CLOSE) && got.len > 2 && (got.at[0] << 8 | got.at[1]) == WS_CLOSE_TRY_LATER);
    buf_fini(&got);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
    free(room);
}

/* Text that compresses at first and not later: what would grow is put into stored blocks. */
TEST(pieces_hold_what_does_not_compress_too, t)
{
    enum { LEN = 5000, PIECE = 700 };
    struct deflater *d = deflater_new();
    struct buf body = {0}, message = {0};
    uint8_t text[LEN];
    uint32_t seed = 1;
    struct pieces *p;
    struct ws_parser parser;
    struct ws_event e;
    size_t taken, frames = 0;

    REQUIRE(t, d);
    for (size_t n = 0; n < LEN; n++) text[n] = n < PIECE ? 'a' : (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    buf_put(&body, slice_of(text, LEN));
    p = pieces_new(d, 15, WS_BINARY, &body, PIECE);
    REQUIRE(t, p && body.len == 0);
    do {
        buf_put(&message, pieces_peek(p));
        frames++;
    } while (pieces_next(p));
    CHECK_EQ(t, frames, (LEN + PIECE - 1) / PIECE);
    ws_parser_init(&parser, (struct ws_parser_options){.client = true, .deflate = true});
    CHECK_EQ(t, ws_parser_feed(&parser, message.at, message.len, &taken, &e), WS_GOT_MESSAGE);
    CHECK(t, e.binary && e.compressed);
    CHECK_SLICE(t, e.bytes, slice_of(text, LEN));
    ws_parser_fini(&parser);
    pieces_free(p);
    buf_put(&body, slice_of(text + PIECE, LEN - PIECE)); /* not worth it from the beginning: the body stays */
    CHECK(t, !pieces_new(d, 15, WS_TEXT, &body, PIECE) && body.len == LEN - PIECE);
    buf_fini(&body);
    buf_fini(&message);
    deflater_free(d);
}

TEST(compressed_messages_come_in_whole_and_in_fragments, t)
{
    struct deflater *d = deflater_new();
    struct rig r;
    struct rig_in in = {0};
    struct slice message;
    int fd;

    rig_open(&r, (struct conn_options){0});
    fd = deflating(&r, 0);
    REQUIRE(t, d && fd >= 0);
    message = deflated(d, SLICE("eth_chainId, eth_chainId, eth_chainId"));
    send_compressed(&r, fd, WS_TEXT, true, message);
    expect_text(&r, t, fd, &in, false, SLICE("eth_chainId, eth_chainId, eth_chainId"));
    send_compressed(&r, fd, WS_BINARY, false, slice_first(message, 5));
    rig_frame(&r, fd, WS_PING, true, SLICE("between"));
    rig_frame(&r, fd, WS_CONTINUATION, true, slice_from(message, 5));
    rig_expect(&r, t, fd, &in, WS_PONG, SLICE("between"));
    expect_text(&r, t, fd, &in, false, SLICE("eth_chainId, eth_chainId, eth_chainId"));
    rig_frame(&r, fd, WS_TEXT, true, SLICE("plain passes too"));
    expect_text(&r, t, fd, &in, false, SLICE("plain passes too"));
    CHECK_EQ(t, r.messages, 3);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
    deflater_free(d);
}

TEST(what_is_wrong_with_compressed_bytes_is_said, t)
{
    static char zeros[1 << 20];
    struct deflater *d = deflater_new();
    const struct {
        struct slice payload;
        bool agreed;
        unsigned code;
    } row[] = {
        {SLICE("\xf2\x48\xcd\xc9\xc9\x07"), false, WS_CLOSE_PROTOCOL_ERROR},
        {SLICE("\x07garbage"), true, WS_CLOSE_BAD_TEXT},
        {SLICE("\x00\x02\x00\xfd\xff\xff\xfe\x00"), true, WS_CLOSE_BAD_TEXT}, /* not UTF-8 */
        {deflated(d, slice_of(zeros, sizeof zeros)), true, WS_CLOSE_TOO_BIG}, /* a bomb */
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct rig r;
        struct rig_in in = {0};
        int fd;

        rig_open(&r, (struct conn_options){.message_len_max = 100 * 1024});
        fd = row[i].agreed ? deflating(&r, 0) : rig_ws(&r, 0);
        REQUIRE(t, fd >= 0);
        send_compressed(&r, fd, WS_TEXT, true, row[i].payload);
        rig_expect_close(&r, t, fd, &in, row[i].code);
        CHECK_EQ(t, r.messages, 0);
        buf_fini(&in.bytes);
        (void)close(fd);
        rig_fini(&r, t);
    }
    deflater_free(d);
}

static struct slice notification(size_t tail_len, const uint8_t *id, struct buf *out)
{
    buf_reset(out);
    buf_put_byte(out, '<');
    buf_put(out, slice_of(id, FRAME_ID_LEN));
    while (tail_len--) buf_put_byte(out, 't');
    return buf_peek(out);
}

TEST(notifications_share_the_form_for_their_window, t)
{
    struct rig r;
    struct rig_in in[2] = {0};
    struct buf want = {0};
    struct frame_share *small, *large;
    struct conn *c[2];
    int fd[2];

    rig_open(&r, (struct conn_options){0});
    for (int i = 0; i < 2; i++) {
        fd[i] = deflating(&r, 0);
        REQUIRE(t, fd[i] >= 0);
        c[i] = peer_of(&r, fd[i]);
        rig_expect(&r, t, fd[i], &in[i], WS_TEXT, SLICE("who"));
    }
    small = share_of(100);
    large = share_of(1000);
    for (int i = 0; i < 2; i++) {
        conn_notify(c[i], small, ID_A);
        conn_notify(c[i], large, ID_A);
        conn_notify(c[i], large, ID_B);
    }
    CHECK(t, large->deflated[DEFLATE_BITS_COUNT - 1] != NULL && large->count == 1);
    CHECK_EQ(t, large->deflated[DEFLATE_BITS_COUNT - 1]->queued, 4);
    CHECK(t, frame_len(large->deflated[DEFLATE_BITS_COUNT - 1]->frame) < 100);
    CHECK_EQ(t, c[0]->out.notify_bytes,
             frame_len(small->frame) + 2 * frame_len(large->deflated[DEFLATE_BITS_COUNT - 1]->frame));
    frame_share_unref(small);
    frame_share_unref(large);
    conn_set_flush(r.set);
    for (int i = 0; i < 2; i++) {
        expect_text(&r, t, fd[i], &in[i], false, notification(100, ID_A, &want));
        expect_text(&r, t, fd[i], &in[i], true, notification(1000, ID_A, &want));
        expect_text(&r, t, fd[i], &in[i], true, notification(1000, ID_B, &want));
        buf_fini(&in[i].bytes);
        (void)close(fd[i]);
    }
    CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->frames_deflated), 1);
    buf_fini(&want);
    rig_fini(&r, t);
}

/* History is compressed too, and its room counts what waits. */
TEST(history_leaves_compressed_in_the_same_queue, t)
{
    struct rig r;
    struct rig_in in = {0};
    struct buf want = {0};
    struct frame_share *f = share_of(50000);
    struct conn *c;
    size_t count = 0;
    int fd;

    rig_open(&r, (struct conn_options){0});
    fd = deflating(&r, 0);
    REQUIRE(t, fd >= 0);
    c = peer_of(&r, fd);
    rig_expect(&r, t, fd, &in, WS_TEXT, SLICE("who"));
    for (; conn_paced_room(c) && count < 1000; count++) conn_notify_paced(c, f, ID_A);
    CHECK(t, count > 100 && count < 1000); /* two of them, uncompressed, would have been enough */
    CHECK_EQ(t, c->out.paced_bytes, count * frame_len(f->deflated[DEFLATE_BITS_COUNT - 1]->frame));
    frame_share_unref(f);
    conn_set_flush(r.set);
    for (size_t i = 0; i < count; i++) expect_text(&r, t, fd, &in, true, notification(50000, ID_A, &want));
    buf_fini(&want);
    buf_fini(&in.bytes);
    (void)close(fd);
    rig_fini(&r, t);
}

/* The budget of a reader who stalls counts what waits for it: a compressed queue holds many times the notifications,
 * and what it reads in the end are whole ones, in order, then 1013. */
TEST(the_budget_of_a_slow_reader_counts_compressed_bytes, t)
{
    enum { TAIL = 60000, BUDGET = 600000 };
    struct buf want = {0};
    size_t sent[2] = {0};

    for (int deflate = 0; deflate < 2; deflate++) {
        struct rig r;
        struct rig_in in = {0};
        struct frame_share *f = share_of(TAIL);
        struct conn *c;
        size_t read = 0;
        int fd;

        rig_open(&r, (struct conn_options){.notify_bytes_max = BUDGET, .linger_ms = 5000});
        fd = deflate ? deflating(&r, 4096) : rig_ws(&r, 4096);
        REQUIRE(t, fd >= 0);
        c = peer_of(&r, fd);
        rig_expect(&r, t, fd, &in, WS_TEXT, SLICE("who"));
        while (c->state == CONN_OPEN && sent[deflate] < 100000) {
            conn_notify(c, f, ID_A);
            sent[deflate]++;
            if (sent[deflate] % 16 == 0) conn_set_flush(r.set);
        }
        CHECK(t, c->state != CONN_OPEN);
        CHECK_EQ(t, counter_get(&conn_set_stats(r.set)->slow_closed[CONN_SLOW_MEMORY]), 1);
        frame_share_unref(f);
        for (;;) {
            struct buf got = {0};
            uint8_t first = 0;
            bool ends = !rig_next_frame(&r, fd, &in, &first, &got) || first == (0x80 | WS_CLOSE);

            if (ends) CHECK(t, got.len > 2 && (got.at[0] << 8 | got.at[1]) == WS_CLOSE_TRY_LATER);
            read += !ends;
            if (!ends) CHECK_EQ(t, first, 0x80u | WS_TEXT | (deflate ? (unsigned)WS_RSV1 : 0));
            buf_fini(&got);
            if (ends) break;
        }
        CHECK(t, read > 0 && read < sent[deflate]);
        buf_fini(&in.bytes);
        (void)close(fd);
        rig_fini(&r, t);
    }
    CHECK(t, sent[1] > 10 * sent[0]);
    buf_fini(&want);
}
