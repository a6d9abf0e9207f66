#include <stdlib.h>
#include <zlib.h>

#include "base/test.h"
#include "wire/deflate.h"
#include "wire/deflate_terms.h"
#include "wire/frame.h"
#include "wire/ws_trace.h"

/* ---- offers and answers ---- */

TEST(the_first_offer_that_can_be_kept_is_answered, t)
{
    static const struct {
        const char *offers, *answer; /* what stands behind the two that are always there; NULL: declined */
        unsigned bits;
    } row[] = {
        {"permessage-deflate", "", 15},
        {"permessage-deflate; client_max_window_bits", "", 15}, /* Chrome, Firefox, Node's ws, Python's websockets */
        {"permessage-deflate; client_max_window_bits=10", "; client_max_window_bits=10", 15},
        {"permessage-deflate;server_max_window_bits=9", "; server_max_window_bits=9", 9},
        {"permessage-deflate; server_max_window_bits=8", "; server_max_window_bits=8", 8},
        {"permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15", 15},
        {"permessage-deflate; server_max_window_bits=\"12\"", "; server_max_window_bits=12", 12},
        {"permessage-deflate; server_max_window_bits=\"1\\2\"", "; server_max_window_bits=12", 12},
        {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", "", 15},
        {" \tpermessage-deflate ;\tserver_max_window_bits = 11 ; client_max_window_bits = 9 ",
         "; server_max_window_bits=11; client_max_window_bits=9", 11},
        {"permessage-deflate; server_max_window_bits=10, permessage-deflate", "; server_max_window_bits=10", 10},
        {"x-webkit-deflate-frame, permessage-deflate", "", 15},
        {"foo; a=\"b\"; c, permessage-deflate; server_max_window_bits=13", "; server_max_window_bits=13", 13},
        {", ,permessage-deflate,", "", 15},
        /* An offer that cannot be kept is passed over; the next may be. */
        {"permessage-deflate; server_max_window_bits=7, permessage-deflate", "", 15},
        {"permessage-deflate; nonsense, permessage-deflate; server_max_window_bits=14", "; server_max_window_bits=14",
         14},
        {"permessage-deflate; server_no_context_takeover=1, permessage-deflate", "", 15},
        /* Nothing that can be kept. */
        {"", NULL, 0},
        {"permessage-bzip2", NULL, 0},
        {"Permessage-Deflate", NULL, 0},
        {"permessage-deflate; server_max_window_bits", NULL, 0},
        {"permessage-deflate; server_max_window_bits=16", NULL, 0},
        {"permessage-deflate; server_max_window_bits=09", NULL, 0},
        {"permessage-deflate; server_max_window_bits=+9", NULL, 0},
        {"permessage-deflate; server_max_window_bits=100", NULL, 0},
        {"permessage-deflate; client_max_window_bits=7", NULL, 0},
        {"permessage-deflate; client_max_window_bits=99999999999999999999999999999999999999999", NULL, 0},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL, 0},
        {"permessage-deflate; client_no_context_takeover; client_no_context_takeover", NULL, 0},
        {"permessage-deflate; client_max_window_bits; client_max_window_bits=9", NULL, 0},
        {"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", NULL, 0},
        {"permessage-deflate; client_no_context_takeover=true", NULL, 0},
        {"permessage-deflate; Server_No_Context_Takeover", NULL, 0},
        {"permessage-deflate; mode=fast", NULL, 0},
        /* Not well-formed: what stands before it holds, nothing behind it is looked at. */
        {"permessage-deflate, =", "", 15},
        {"=, permessage-deflate", NULL, 0},
        {"permessage-deflate permessage-deflate", NULL, 0},
        {"permessage-deflate;", NULL, 0},
        {"permessage-deflate; ;client_max_window_bits", NULL, 0},
        {"permessage-deflate; server_max_window_bits=", NULL, 0},
        {"permessage-deflate; server_max_window_bits=\"", NULL, 0},
        {"permessage-deflate; server_max_window_bits=\"9", NULL, 0},
        {"permessage-deflate; server_max_window_bits=\"\"", NULL, 0},
        {"permessage-deflate; server_max_window_bits=\"9 \"", NULL, 0},
        {"permessage-deflate; server_max_window_bits=\"\\", NULL, 0},
        {"\x80permessage-deflate", NULL, 0},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct deflate_terms terms = {0};
        char answer[DEFLATE_ANSWER_MAX];
        struct slice always = SLICE("permessage-deflate; server_no_context_takeover; client_no_context_takeover"), got;
        bool agreed = deflate_terms_read(slice_str(row[i].offers), &terms);

        if (agreed != (row[i].answer != NULL)) test_fail(t, __FILE__, __LINE__, "%s: %d", row[i].offers, agreed);
        if (!agreed || !row[i].answer) continue;
        got = slice_of(answer, deflate_terms_write(&terms, answer));
        CHECK(t, slice_starts(got, always));
        CHECK_STR(t, slice_from(got, always.len), row[i].answer);
        CHECK_EQ(t, terms.server_bits, row[i].bits);
    }
}

TEST(offers_may_stand_in_several_headers, t)
{
    struct http_parser *p = http_parser_new(NULL);
    struct deflate_terms terms;
    size_t taken;

    REQUIRE(t, p);
    CHECK_EQ(t,
             http_parser_feed(p,
                              SLICE("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: foo\r\n"
                                    "SEC-WEBSOCKET-EXTENSIONS: permessage-deflate; bad, =\r\n"
                                    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n\r\n"),
                              &taken),
             HTTP_GOT_REQUEST);
    CHECK(t, deflate_terms_of(http_parser_request(p), &terms));
    CHECK_EQ(t, terms.server_bits, 10);
    http_parser_free(p);
}

/* ---- both ways ---- */

/* Texts as ours: words that repeat and digits that do not, from a seed. */
static struct slice some_text(uint8_t *room, size_t len, uint32_t seed)
{
    static const char word[] = "\"topics\":[\"0x000000000000000000000000";

    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        room[i] =
            (seed >> 28) < 8 ? (uint8_t)word[i % (sizeof word - 1)] : (uint8_t) "0123456789abcdef"[seed >> 24 & 15];
    }
    return slice_of(room, len);
}

/* Inflates with a receiver that has a window of 2^bits bytes and not one more: its output leaves in pieces so short
 * that whatever a reference needs must be in the window. */
static bool strictly_inflates(struct slice deflated, unsigned bits, struct slice expected)
{
    static const uint8_t trailer[] = {0, 0, 0xff, 0xff};
    z_stream z = {0};
    uint8_t piece[16];
    size_t at = 0;
    bool same = inflateInit2(&z, -(int)bits) == Z_OK;

    for (int round = 0; round < 2; round++) {
        z.next_in = (uint8_t *)(uintptr_t)(round ? trailer : deflated.at);
        z.avail_in = (uInt)(round ? sizeof trailer : deflated.len);
        do {
            size_t got;

            z.next_out = piece;
            z.avail_out = sizeof piece;
            if (inflate(&z, Z_SYNC_FLUSH) != Z_OK && z.avail_in) same = false;
            got = sizeof piece - z.avail_out;
            if (got > expected.len - at || (got && memcmp(piece, expected.at + at, got) != 0)) same = false;
            at += got;
        } while (same && z.avail_out == 0);
    }
    (void)inflateEnd(&z);
    return same && at == expected.len;
}

TEST(what_is_deflated_inflates_in_a_window_of_its_size, t)
{
    static uint8_t room[70000];
    static const size_t lens[] = {0, 1, 2, 100, 255, 256, 257, 511, 513, 1650, 5000, 33000, 70000};
    struct deflater *d = deflater_new();

    REQUIRE(t, d);
    for (unsigned bits = DEFLATE_BITS_MIN; bits <= DEFLATE_BITS_MAX; bits++) {
        for (size_t i = 0; i < COUNT_OF(lens); i++) {
            struct slice in = some_text(room, lens[i], bits), out;

            REQUIRE(t, deflater_run(d, bits, in, &out) == FAN_OK);
            if (!strictly_inflates(out, bits, in)) test_fail(t, __FILE__, __LINE__, "%u bits, %zu", bits, lens[i]);
            if (in.len >= 1000 && !deflate_pays(in.len, out.len))
                test_fail(t, __FILE__, __LINE__, "%zu became %zu", in.len, out.len);
        }
    }
    deflater_free(d);
    deflater_free(NULL);
}

/* The same bytes whatever was compressed before: no context is taken over. */
TEST(a_run_knows_nothing_of_the_one_before, t)
{
    static uint8_t room[2000], first[4000];
    struct deflater *d = deflater_new();
    struct slice in = some_text(room, sizeof room, 7), out;
    size_t len;

    REQUIRE(t, d && deflater_run(d, 15, in, &out) == FAN_OK && out.len <= sizeof first);
    len = out.len;
    memcpy(first, out.at, len);
    REQUIRE(t, deflater_run(d, 9, in, &out) == FAN_OK);
    REQUIRE(t, deflater_run(d, 15, in, &out) == FAN_OK);
    CHECK_SLICE(t, out, slice_of(first, len));
    deflater_free(d);
}

static enum inflate_result inflate_all(struct slice in, size_t step, size_t len_max, struct buf *out)
{
    struct inflater *i = inflater_new();
    enum inflate_result result = i ? INFLATE_OK : INFLATE_NO_MEMORY;

    while (!result && in.len) {
        size_t part = in.len < step ? in.len : step;

        result = inflater_feed(i, slice_first(in, part), len_max, out);
        in = slice_from(in, part);
    }
    if (!result) result = inflater_end(i, len_max, out);
    inflater_free(i);
    return result;
}

TEST(inflating_stops_at_the_limit_whatever_the_bytes_would_become, t)
{
    enum { BOMB = 64 << 20, LIMIT = 5 << 20 };
    static const size_t steps[] = {1 << 20, 4096, 7};
    struct deflater *d = deflater_new();
    uint8_t *zeros = calloc(1, BOMB);
    struct slice bomb;

    REQUIRE(t, d && zeros && deflater_run(d, 15, slice_of(zeros, BOMB), &bomb) == FAN_OK);
    CHECK(t, bomb.len < BOMB / 200);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct buf out;

        buf_init(&out, 0);
        CHECK_EQ(t, inflate_all(bomb, steps[i], LIMIT, &out), INFLATE_TOO_LONG);
        CHECK_EQ(t, out.len, LIMIT + 1);
        CHECK(t, out.cap <= 2 * LIMIT);
        buf_fini(&out);
    }
    /* At the limit and one past it. */
    REQUIRE(t, deflater_run(d, 15, slice_of(zeros, LIMIT), &bomb) == FAN_OK);
    for (size_t past = 0; past < 2; past++) {
        struct buf out;

        buf_init(&out, 0);
        CHECK_EQ(t, inflate_all(bomb, 4096, LIMIT - past, &out), past ? INFLATE_TOO_LONG : INFLATE_OK);
        CHECK_EQ(t, out.len, LIMIT);
        buf_fini(&out);
    }
    free(zeros);
    deflater_free(d);
}

TEST(memory_of_inflating_grows_with_the_bytes, t)
{
    struct buf out;

    buf_init(&out, 0);
    CHECK_EQ(t, inflate_all(test_hex("f248cdc9c90700"), 1, 5 << 20, &out), INFLATE_OK);
    CHECK_STR(t, buf_peek(&out), "Hello");
    CHECK(t, out.cap <= 4096);
    buf_fini(&out);
}

/* ---- shared frames ---- */

static const char ID[] = "0x0123456789abcdef0123456789abcdef";

static struct slice joined(const struct frame *f, struct buf *out)
{
    buf_reset(out);
    buf_put(out, frame_peek_head(f));
    buf_put(out, slice_of(ID, FRAME_ID_LEN));
    buf_put(out, frame_peek_tail(f));
    return buf_peek(out);
}

/* The one message in these bytes of a server. */
static struct slice read_message(struct test *t, struct ws_parser *p, struct slice bytes, bool *out_compressed)
{
    struct ws_event e = {0};
    size_t taken;

    CHECK_EQ(t, ws_parser_feed(p, (uint8_t *)(uintptr_t)bytes.at, bytes.len, &taken, &e), WS_GOT_MESSAGE);
    CHECK_EQ(t, taken, bytes.len);
    *out_compressed = e.compressed;
    return e.bytes;
}

/* The property: whatever the tail and the window, the compressed form is the plain one to whoever inflates it, and its
 * window is enough. */
TEST(a_compressed_form_is_the_frame_it_was_made_from, t)
{
    static uint8_t room[70000];
    static const size_t lens[] = {0, 255, 256, 300, 640, 1650, 4000, 33000, 65400, 70000};
    struct slice head = SLICE("{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"");
    struct deflater *d = deflater_new();
    struct buf bytes, message;

    REQUIRE(t, d);
    buf_init(&bytes, 0);
    buf_init(&message, 0);
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        for (unsigned bits = DEFLATE_BITS_MIN; bits <= DEFLATE_BITS_MAX; bits++) {
            struct slice tail = some_text(room, lens[i], bits + (uint32_t)i), got, wire;
            struct ws_parser p;
            struct frame *f, *form;
            bool fresh, compressed;

            REQUIRE(t, frame_new_text(head, tail, &f) == FAN_OK);
            form = frame_deflated(f, bits, d, &fresh);
            CHECK_EQ(t, fresh, lens[i] >= DEFLATE_LEN_MIN);
            CHECK_EQ(t, form != f, lens[i] >= DEFLATE_LEN_MIN);
            CHECK(t, frame_deflated(f, bits, d, &fresh) == form && !fresh);
            CHECK(t, form == f || frame_len(form) < frame_len(f));
            buf_reset(&message);
            buf_put(&message, head);
            buf_put(&message, slice_of(ID, FRAME_ID_LEN));
            buf_put(&message, tail);
            ws_parser_init(&p, (struct ws_parser_options){.client = true, .deflate = true});
            wire = joined(form, &bytes);
            CHECK_EQ(t, wire.len, frame_len(form));
            if (form != f) {
                size_t header = (wire.at[1] & 127) == 127 ? 10 : (wire.at[1] & 127) == 126 ? 4 : 2;

                CHECK(t, strictly_inflates(slice_from(wire, header), bits, buf_peek(&message)));
            }
            got = read_message(t, &p, wire, &compressed);
            CHECK_EQ(t, compressed, form != f);
            CHECK(t, slice_eq(got, buf_peek(&message)));
            ws_parser_fini(&p);
            frame_unref(f);
        }
    }
    buf_fini(&bytes);
    buf_fini(&message);
    deflater_free(d);
}

TEST(what_does_not_get_shorter_stays_as_it_is, t)
{
    uint8_t noise[1000];
    uint32_t seed = 1;
    struct deflater *d = deflater_new();
    struct frame *f;
    bool fresh;

    REQUIRE(t, d);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    REQUIRE(t, frame_new_text(SLICE("head"), slice_of(noise, sizeof noise), &f) == FAN_OK);
    CHECK(t, frame_deflated(f, 15, d, &fresh) == f && fresh);
    CHECK(t, frame_deflated(f, 15, d, &fresh) == f && !fresh);
    frame_unref(f);
    REQUIRE(t, frame_new_plain(slice_of(noise, sizeof noise), &f) == FAN_OK);
    CHECK(t, frame_deflated(f, 15, d, &fresh) == f && !fresh);
    frame_unref(f);
    deflater_free(d);
}

/* Long messages in fragments of any length, with pings between: the parser says the same for every cut. */
TEST(long_compressed_messages_may_come_in_any_pieces, t)
{
    static uint8_t room[20000];
    struct ws_parser_options options = {.message_len_max = sizeof room, .deflate = true, .client = true};
    struct slice text = some_text(room, sizeof room, 3), rest;
    struct deflater *d = deflater_new();
    struct ws_trace whole;
    struct buf wire;
    uint8_t header[WS_HEADER_MAX];

    buf_init(&wire, 0);
    REQUIRE(t, d && deflater_run(d, 12, text, &rest) == FAN_OK);
    for (bool first = true; rest.len; first = false) {
        size_t part = rest.len < 700 ? rest.len : 700, len = ws_header_encode(WS_TEXT, part, header);

        header[0] = (uint8_t)((part == rest.len ? 0x80 : 0) | (first ? WS_RSV1 | WS_TEXT : 0));
        buf_put(&wire, slice_of(header, len));
        buf_put(&wire, slice_first(rest, part));
        buf_put(&wire, test_hex("8901 21"));
        rest = slice_from(rest, part);
    }
    whole = ws_trace_steps(buf_peek(&wire), wire.len, 1, options);
    CHECK_EQ(t, whole.status, 0);
    for (size_t step = 1; step < 3000; step = step * 2 + 1) {
        struct ws_trace parts = ws_trace_steps(buf_peek(&wire), step / 2, step, options);

        CHECK_EQ(t, parts.hash, whole.hash);
    }
    options.message_len_max = sizeof room - 1;
    whole = ws_trace_steps(buf_peek(&wire), wire.len, 1, options);
    CHECK_EQ(t, whole.status, WS_CLOSE_TOO_BIG);
    for (size_t step = 1; step < 3000; step = step * 2 + 1)
        CHECK_EQ(t, ws_trace_steps(buf_peek(&wire), step / 2, step, options).hash, whole.hash);
    buf_fini(&wire);
    deflater_free(d);
}
