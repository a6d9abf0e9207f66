#include "base/test.h"
#include "wire/frame.h"
#include "wire/ws.h"

TEST(a_frame_is_head_hole_and_tail, t)
{
    struct frame *f = NULL;

    REQUIRE(t, frame_new(SLICE("head"), SLICE("tail!"), &f) == FAN_OK);
    CHECK_STR(t, frame_peek_head(f), "head");
    CHECK_STR(t, frame_peek_tail(f), "tail!");
    CHECK(t, frame_has_hole(f));
    CHECK_EQ(t, frame_len(f), 4 + 34 + 5);
    CHECK(t, frame_ref(f) == f);
    frame_unref(f);
    CHECK_STR(t, frame_peek_head(f), "head"); /* one reference is left */
    frame_unref(f);
    frame_unref(NULL);
}

TEST(a_plain_frame_has_no_hole, t)
{
    struct frame *f = NULL;

    REQUIRE(t, frame_new_plain(SLICE("bytes"), &f) == FAN_OK);
    CHECK(t, !frame_has_hole(f));
    CHECK_STR(t, frame_peek_head(f), "bytes");
    CHECK_EQ(t, frame_peek_tail(f).len, 0);
    CHECK_EQ(t, frame_len(f), 5);
    frame_unref(f);
}

/* What a subscriber gets, put together, is one text message with the id in its place, whatever its length. */
TEST(a_text_frame_is_one_message_with_the_id_inside, t)
{
    static const size_t tails[] = {0, 1, 80, 90, 91, 92, 93, 200, 65400, 65500, 65503, 65600};
    static uint8_t filler[65600], joined[66000];
    static const char id[] = "0x0123456789abcdef0123456789abcdef";

    memset(filler, 'x', sizeof filler);
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        struct frame *f = NULL;
        struct slice head = SLICE("{\"id\":\""), tail = slice_of(filler, tails[i]);
        struct ws_parser p;
        struct ws_event e;
        size_t taken, at = 0;

        REQUIRE(t, frame_new_text(head, tail, &f) == FAN_OK);
        memcpy(joined, frame_peek_head(f).at, frame_peek_head(f).len);
        at = frame_peek_head(f).len;
        memcpy(joined + at, id, FRAME_ID_LEN);
        at += FRAME_ID_LEN;
        memcpy(joined + at, frame_peek_tail(f).at, frame_peek_tail(f).len);
        at += frame_peek_tail(f).len;
        CHECK_EQ(t, at, frame_len(f));
        ws_parser_init(&p, (struct ws_parser_options){.client = true});
        CHECK_EQ(t, ws_parser_feed(&p, joined, at, &taken, &e), WS_GOT_MESSAGE);
        CHECK_EQ(t, taken, at);
        CHECK_EQ(t, e.bytes.len, head.len + FRAME_ID_LEN + tail.len);
        CHECK_SLICE(t, slice_of(e.bytes.at + head.len, FRAME_ID_LEN), slice_str(id));
        ws_parser_fini(&p);
        frame_unref(f);
    }
}
