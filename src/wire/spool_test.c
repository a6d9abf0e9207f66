/* What goes into a spool comes out, whole, cut, and without a byte of memory to be had. */
#include "wire/spool.h"

#include <stdlib.h>

#include "base/test.h"

/* Like a trace: long, and hardly ever new; or, with `wild`, digits that nothing shortens by much, or bytes that nothing
 * shortens at all. */
static void fill(uint8_t *at, size_t len, unsigned wild)
{
    static const char step[] =
        "{\"pc\":7,\"op\":\"PUSH1\",\"gas\":123456,\"gasCost\":3,\"depth\":1,\"stack\":[\"0x2a\"]},";
    uint32_t seed = 5;

    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        at[i] = wild == 2   ? (uint8_t)(seed >> 24)
                : wild == 1 ? (uint8_t) "0123456789abcdef"[seed >> 28]
                            : (uint8_t)step[i % (sizeof step - 1)];
    }
}

/* Puts the text in pieces of that length at most. */
static struct spool *spooled(struct slice text, size_t piece)
{
    struct spool *s = spool_new();

    while (s && text.len) {
        struct slice part = slice_first(text, piece < text.len ? piece : text.len);

        if (!spool_put(s, part)) abort();
        text = slice_from(text, part.len);
    }
    return s;
}

static void drain(struct test *t, struct spool *s, struct slice expected)
{
    size_t at = 0;

    REQUIRE(t, spool_ready(s));
    CHECK_EQ(t, spool_len(s), expected.len);
    while (spool_len(s)) {
        size_t len = spool_first_len(s);
        struct slice text = spool_take(s);

        REQUIRE(t, len && text.len == len && at + len <= expected.len);
        REQUIRE(t, memcmp(text.at, expected.at + at, len) == 0);
        at += len;
    }
    CHECK_EQ(t, at, expected.len);
    CHECK_EQ(t, spool_first_len(s), 0);
    CHECK_EQ(t, spool_take(s).len, 0);
    CHECK_EQ(t, spool_memory(s), 0);
}

TEST(what_goes_in_comes_out, t)
{
    static const size_t pieces[] = {1, 255, 256, 1000, SPOOL_PIECE_MAX};
    static uint8_t text[300000];

    for (unsigned wild = 0; wild < 3; wild++) {
        fill(text, sizeof text, wild);
        for (size_t i = 0; i < COUNT_OF(pieces); i++) {
            size_t len = pieces[i] == 1 ? 300 : sizeof text;
            struct spool *s = spooled(slice_of(text, len), pieces[i]);

            REQUIRE(t, s);
            spool_rest(s);
            drain(t, s, slice_of(text, len));
            spool_free(s);
        }
    }
}

TEST(a_trace_takes_a_fraction_of_its_length, t)
{
    enum { LEN = 4000000 };
    uint8_t *text = malloc(LEN);
    struct spool *s;

    fill(text, LEN, 0);
    s = spooled(slice_of(text, LEN), SPOOL_PIECE_MAX);
    REQUIRE(t, s);
    CHECK(t, spool_memory(s) < LEN / 50);
    spool_free(s);
    free(text);
}

TEST(the_end_can_be_cut_off_anywhere, t)
{
    static const size_t lens[] = {0, 1, 65534, 65535, 65536, 100000, 131070, 199999, 200000, 300000};
    static uint8_t text[200000];
    struct buf rest = {0};

    for (unsigned wild = 0; wild < 3; wild++) {
        fill(text, sizeof text, wild);
        for (size_t i = 0; i < COUNT_OF(lens); i++) {
            struct spool *s = spooled(slice_of(text, sizeof text), SPOOL_PIECE_MAX);
            size_t len = lens[i] < sizeof text ? lens[i] : sizeof text, whole;

            REQUIRE(t, s);
            buf_reset(&rest);
            REQUIRE(t, spool_cut(s, lens[i], &rest));
            whole = spool_len(s);
            CHECK(t, whole <= len && (whole % SPOOL_PIECE_MAX == 0 || whole == sizeof text));
            CHECK_EQ(t, whole + rest.len, len);
            CHECK(t, slice_eq(buf_peek(&rest), slice_of(text + whole, rest.len)));
            REQUIRE(t, spool_put(s, buf_peek(&rest))); /* and it goes on from there */
            drain(t, s, slice_of(text, len));
            spool_free(s);
        }
    }
    buf_fini(&rest);
}

/* A piece may leave as it lies there, inside a compressed message. */
TEST(deflated_pieces_are_right_by_themselves, t)
{
    static uint8_t text[150000];
    struct inflater *inflater = inflater_new();
    struct buf plain = {0};
    struct spool *s;
    size_t at = 0;

    fill(text, sizeof text, 0);
    s = spooled(slice_of(text, sizeof text), SPOOL_PIECE_MAX);
    REQUIRE(t, s && inflater && spool_ready(s));
    while (spool_len(s)) {
        struct slice deflated = spool_peek_deflated(s);
        size_t len = spool_first_len(s);

        REQUIRE(t, deflated.len);
        buf_reset(&plain);
        inflater_reset(inflater);
        CHECK_EQ(t, inflater_feed(inflater, deflated, sizeof text, &plain), INFLATE_OK);
        CHECK_EQ(t, inflater_end(inflater, sizeof text, &plain), INFLATE_OK);
        CHECK(t, slice_eq(buf_peek(&plain), slice_of(text + at, len)));
        at += len;
        (void)spool_take(s);
    }
    spool_free(s);
    buf_fini(&plain);
    s = spooled(slice_of(text, 100), 100); /* too short to be worth it */
    REQUIRE(t, s);
    CHECK_EQ(t, spool_peek_deflated(s).len, 0);
    spool_free(s);
    inflater_free(inflater);
}
