#include "base/test.h"
#include "wire/sha1.h"
#include "wire/ws_trace.h"

static const uint8_t MASK[WS_MASK_LEN] = {0x37, 0xfa, 0x21, 0x3d};

/* The header grows at 126 and at 65536 bytes; test both sides of each edge. */
TEST(header_is_the_shortest_that_fits, t)
{
    static const size_t row[][2] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        uint8_t header[WS_HEADER_MAX];
        CHECK_EQ(t, ws_header_encode(WS_TEXT, row[i][0], header), row[i][1]);
    }
}

/* The bytes of RFC 6455 section 5.7. */
TEST(frames_are_those_of_the_rfc, t)
{
    struct buf b;
    struct slice hello = SLICE("Hello");
    uint8_t header[WS_HEADER_MAX];

    buf_init(&b, 0);
    ws_put_frame(&b, WS_TEXT, hello);
    CHECK_SLICE(t, buf_peek(&b), test_hex("81 05 48 65 6c 6c 6f"));
    buf_reset(&b);
    ws_put_masked_frame(&b, WS_TEXT, true, hello, MASK);
    CHECK_SLICE(t, buf_peek(&b), test_hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
    buf_reset(&b);
    ws_put_masked_frame(&b, WS_TEXT, false, SLICE("Hel"), MASK);
    CHECK_SLICE(t, buf_peek(&b), test_hex("01 83 37 fa 21 3d 7f 9f 4d"));
    buf_reset(&b);
    ws_put_frame(&b, WS_PING, hello);
    CHECK_SLICE(t, buf_peek(&b), test_hex("89 05 48 65 6c 6c 6f"));
    buf_fini(&b);
    CHECK_SLICE(t, slice_of(header, ws_header_encode(WS_BINARY, 256, header)), test_hex("82 7e 01 00"));
    CHECK_SLICE(t, slice_of(header, ws_header_encode(WS_BINARY, 65536, header)),
                test_hex("82 7f 00 00 00 00 00 01 00 00"));
}

TEST(close_frames_hold_a_code_and_whole_characters, t)
{
    uint8_t out[WS_CLOSE_FRAME_MAX];
    char reason[200];
    size_t len;

    CHECK_SLICE(t, slice_of(out, ws_close_encode(1000, "", out)), test_hex("88 02 03 e8"));
    CHECK_SLICE(t, slice_of(out, ws_close_encode(1013, "slow", out)), test_hex("88 06 03 f5 73 6c 6f 77"));
    CHECK_SLICE(t, slice_of(out, ws_close_encode(WS_CLOSE_NO_CODE, "", out)), test_hex("88 00"));
    memset(reason, 'x', sizeof reason);
    reason[199] = 0;
    CHECK_EQ(t, ws_close_encode(1000, reason, out), 4 + 123);
    memcpy(reason + 122, "\xe2\x82\xac", 3); /* would be cut in two */
    len = ws_close_encode(1000, reason, out);
    CHECK_EQ(t, len, 4 + 122);
    CHECK_EQ(t, out[1], 2 + 122);
}

TEST(masking_by_words_is_masking_by_bytes, t)
{
    uint8_t bytes[64], expected[64];

    for (size_t len = 0; len <= sizeof bytes; len++)
        for (uint8_t at = 0; at < 4; at++) {
            for (size_t i = 0; i < len; i++) {
                bytes[i] = (uint8_t)(i * 7);
                expected[i] = (uint8_t)(bytes[i] ^ MASK[(at + i) % 4]);
            }
            CHECK_EQ(t, ws_mask(bytes, len, MASK, at), (at + len) % 4);
            CHECK(t, memcmp(bytes, expected, len) == 0);
        }
}

TEST(sha1_gives_the_published_digests, t)
{
    uint8_t out[SHA1_LEN];
    static uint8_t million[1000000];

    sha1(SLICE(""), out);
    CHECK_SLICE(t, slice_of(out, SHA1_LEN), test_hex("da39a3ee5e6b4b0d3255bfef95601890afd80709"));
    sha1(SLICE("abc"), out);
    CHECK_SLICE(t, slice_of(out, SHA1_LEN), test_hex("a9993e364706816aba3e25717850c26c9cd0d89d"));
    sha1(SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
    CHECK_SLICE(t, slice_of(out, SHA1_LEN), test_hex("84983e441c3bd26ebaae4aa1f95129e5e54670f1"));
    memset(million, 'a', sizeof million);
    sha1(slice_of(million, sizeof million), out);
    CHECK_SLICE(t, slice_of(out, SHA1_LEN), test_hex("34aa973cd4c4daa4f61eeb2bdbad27316534016f"));
}

/* ---- the handshake ---- */

#define SHAKE(headers) "GET /ws HTTP/1.1\r\nHost: localhost\r\n" headers "\r\n"
#define KEY            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION        "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE        "Upgrade: websocket\r\nConnection: Upgrade\r\n"

TEST(handshakes_are_checked, t)
{
    static const struct {
        const char *name, *text;
        unsigned status;
    } row[] = {
        {"the RFC's", SHAKE(UPGRADE KEY VERSION), 0},
        {"Firefox's Connection", SHAKE("Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" KEY VERSION), 0},
        {"Connection in two lines",
         SHAKE("Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n" KEY VERSION), 0},
        {"no Upgrade", SHAKE("Connection: Upgrade\r\n" KEY VERSION), 426},
        {"no Connection", SHAKE("Upgrade: websocket\r\n" KEY VERSION), 426},
        {"Upgrade to something else", SHAKE("Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION), 426},
        {"nothing of it", SHAKE(""), 426},
        {"another version", SHAKE(UPGRADE KEY "Sec-WebSocket-Version: 8\r\n"), 426},
        {"no version", SHAKE(UPGRADE KEY), 426},
        {"the version twice", SHAKE(UPGRADE KEY VERSION VERSION), 400},
        {"no key", SHAKE(UPGRADE VERSION), 400},
        {"the key twice", SHAKE(UPGRADE KEY KEY VERSION), 400},
        {"a short key", SHAKE(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n"), 400},
        {"a key that is no base64", SHAKE(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n"), 400},
        {"a key without padding", SHAKE(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n"), 400},
        {"a body", SHAKE(UPGRADE KEY VERSION "Content-Length: 1\r\n") "x", 400},
        {"HTTP/1.0", "GET /ws HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n", 400},
        {"a plain POST", "POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 426},
        {"POST", "POST /ws HTTP/1.1\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n", 405},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct http_parser *p = http_parser_new(NULL);
        struct http_verdict v;
        size_t taken;

        REQUIRE(t, p);
        CHECK_EQ(t, http_parser_feed(p, slice_str(row[i].text), &taken), HTTP_GOT_REQUEST);
        v = ws_handshake_check(http_parser_request(p));
        if (v.status != row[i].status) test_fail(t, __FILE__, __LINE__, "%s: %u %s", row[i].name, v.status, v.why);
        CHECK(t, !v.status || v.why);
        http_parser_free(p);
    }
}

TEST(the_answer_is_that_of_the_rfc, t)
{
    struct http_parser *p = http_parser_new(NULL);
    struct buf b;
    size_t taken;

    REQUIRE(t, p);
    buf_init(&b, 0);
    CHECK_EQ(
        t,
        http_parser_feed(
            p,
            SLICE(SHAKE(
                UPGRADE KEY VERSION
                "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n") "rest"),
            &taken),
        HTTP_GOT_REQUEST);
    CHECK_STR(t, http_parser_request(p)->ws_protocol, "chat, superchat");
    CHECK_STR(t, http_parser_request(p)->ws_extensions, "permessage-deflate");
    ws_handshake_put(&b, http_parser_request(p), slice_of(NULL, 0), slice_of(NULL, 0));
    CHECK_STR(t, buf_peek(&b),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    buf_reset(&b);
    ws_handshake_put(&b, http_parser_request(p), SLICE("chat"), SLICE("permessage-deflate"));
    CHECK_STR(t, buf_peek(&b),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n"
              "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    buf_fini(&b);
    http_parser_free(p);
}

/* ---- reading ---- */

/* Frames of a test are written unmasked, for readers of the table; here they become a client's. */
static void mask_frames(struct slice plain, struct buf *out)
{
    while (plain.len) {
        uint64_t len = plain.at[1] & 127;
        size_t header = 2, part;

        if (len == 126) {
            len = (uint64_t)plain.at[2] << 8 | plain.at[3];
            header = 4;
        } else if (len == 127) {
            len = get_be64(plain.at + 2);
            header = 10;
        }
        buf_put_byte(out, plain.at[0]);
        buf_put_byte(out, plain.at[1] | 0x80);
        buf_put(out, slice_of(plain.at + 2, header - 2));
        buf_put(out, slice_of(MASK, WS_MASK_LEN));
        part = (size_t)min_u64(len, plain.len - header);
        buf_put(out, slice_of(plain.at + header, part));
        (void)ws_mask(out->at + out->len - part, part, MASK, 0);
        plain = slice_from(plain, header + part);
    }
}

/* The code a parser ends with, 0 when it goes on; checked for every cut, and on the client's side too. */
static uint16_t ending(struct test *t, const char *name, struct slice plain, size_t events, bool deflate)
{
    struct buf b;
    struct ws_trace whole, client;
    struct ws_parser_options server_side = {.message_len_max = 300, .deflate = deflate};
    struct ws_parser_options client_side = {.message_len_max = 300, .deflate = deflate, .client = true};

    buf_init(&b, 0);
    mask_frames(plain, &b);
    whole = ws_trace_steps(buf_peek(&b), b.len, 1, server_side);
    client = ws_trace_steps(plain, plain.len, 1, client_side);
    if (whole.events != events) test_fail(t, __FILE__, __LINE__, "%s: %zu events", name, whole.events);
    if (whole.hash != client.hash) test_fail(t, __FILE__, __LINE__, "%s: the client's side differs", name);
    for (size_t cut = 0; cut < b.len; cut++) {
        struct ws_trace parts = ws_trace_steps(buf_peek(&b), cut, b.len, server_side);
        struct ws_trace bytes = ws_trace_steps(buf_peek(&b), cut, 1, server_side);

        if (parts.hash != whole.hash || bytes.hash != whole.hash || parts.status != whole.status ||
            bytes.status != whole.status)
            test_fail(t, __FILE__, __LINE__, "%s: cut at %zu", name, cut);
    }
    buf_fini(&b);
    return whole.status;
}

TEST(every_case_ends_with_its_code_however_it_is_cut, t)
{
    static const struct {
        const char *name, *hex;
        uint16_t code;
        size_t events;
    } row[] = {
        {"text", "8105 48656c6c6f", 0, 1},
        {"empty text", "8100", 0, 1},
        {"binary", "8202 00ff", 0, 1},
        {"two messages", "8101 61 8101 62", 0, 2},
        {"fragments", "0103 48656c 8002 6c6f", 0, 1},
        {"empty fragments", "0100 0000 0000 8000", 0, 1},
        {"a ping between fragments", "0103 48656c 8901 21 8002 6c6f", 0, 2},
        {"a pong and a ping between", "0101 61 8a00 8903 616263 0001 62 8001 63", 0, 3},
        {"a character across fragments", "0101 e2 0001 82 8001 ac", 0, 1},
        {"a character across fragments with a ping", "0101 e2 8900 8002 82ac", 0, 2},
        {"binary that is no UTF-8, fragmented", "0201 ff 8001 fe", 0, 1},
        {"close without a code", "8800", 1005, 1},
        {"close 1000", "8802 03e8", 1000, 1},
        {"close with words", "8806 03e9 62796521", 1001, 1},
        {"close 3000", "8802 0bb8", 3000, 1},
        {"close 4999", "8802 1387", 4999, 1},
        {"close 1014", "8802 03f6", 1014, 1},
        {"close in the middle of a message", "0101 61 8802 03e8", 1000, 1},
        {"nothing is read behind a close", "8802 03e8 8101 61", 1000, 1},
        {"half a close code", "8801 03", 1002, 1},
        {"close 999", "8802 03e7", 1002, 1},
        {"close 1004", "8802 03ec", 1002, 1},
        {"close 1005", "8802 03ed", 1002, 1},
        {"close 1006", "8802 03ee", 1002, 1},
        {"close 1015", "8802 03f7", 1002, 1},
        {"close 1016", "8802 03f8", 1002, 1},
        {"close 2999", "8802 0bb7", 1002, 1},
        {"close 5000", "8802 1388", 1002, 1},
        {"close 0", "8802 0000", 1002, 1},
        {"a reason that is no UTF-8", "8803 03e8 ff", 1007, 1},
        {"a reason cut in a character", "8803 03e8 c3", 1007, 1},
        {"RSV1", "c101 61", 1002, 1},
        {"RSV2", "a101 61", 1002, 1},
        {"RSV3", "9101 61", 1002, 1},
        {"RSV1 on a ping", "c900", 1002, 1},
        {"opcode 3", "8300", 1002, 1},
        {"opcode 7", "8700", 1002, 1},
        {"opcode 11", "8b00", 1002, 1},
        {"opcode 15", "8f00", 1002, 1},
        {"a continuation of nothing", "8001 61", 1002, 1},
        {"a continuation of a finished message", "8101 61 8001 62", 1002, 2},
        {"a message inside another", "0101 61 8101 62", 1002, 1},
        {"a fragmented ping", "0900", 1002, 1},
        {"a ping of 126", "897e 007e", 1002, 1},
        {"a close of 126", "887e 007e", 1002, 1},
        {"a length of 125 in two bytes", "817e 007d", 1002, 1},
        {"a length of 65535 in eight bytes", "817f 000000000000ffff", 1002, 1},
        {"a length with the top bit", "817f 8000000000010000", 1002, 1},
        {"a message above the limit", "817e 012d", 1009, 1},
        {"2^62 bytes", "827f 4000000000000000", 1009, 1},
        {"fragments above the limit together", "0101 61 807e 012c", 1009, 1},
        {"text that is no UTF-8", "8101 ff", 1007, 1},
        {"a surrogate", "8103 eda080", 1007, 1},
        {"an overlong form", "8102 c0af", 1007, 1},
        {"above U+10FFFF", "8104 f4908080", 1007, 1},
        {"a character cut off at the end", "8102 e282", 1007, 1},
        {"a character cut off in fragments", "0101 e2 8001 82", 1007, 1},
        {"a bad byte before the rest has come", "817e 0100 ff", 1007, 1},
        {"good, then bad", "8101 61 8101 ff", 1007, 2},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        uint16_t code = ending(t, row[i].name, test_hex(row[i].hex), row[i].events, false);

        if (code != row[i].code) test_fail(t, __FILE__, __LINE__, "%s: ends with %u", row[i].name, code);
    }
}

TEST(the_longest_ping_passes_between_fragments, t)
{
    struct buf b;

    buf_init(&b, 0);
    buf_put(&b, test_hex("0101 61 897d"));
    for (size_t i = 0; i < WS_CONTROL_LEN_MAX; i++) buf_put_byte(&b, (uint8_t)i);
    buf_put(&b, test_hex("8001 62"));
    CHECK_EQ(t, ending(t, "the longest ping", buf_peek(&b), 2, false), 0);
    buf_fini(&b);
}

TEST(rsv1_passes_only_where_deflate_was_agreed_on, t)
{
    CHECK_EQ(t, ending(t, "agreed on", test_hex("c107 f248cdc9c90700"), 1, true), 0);
    CHECK_EQ(t, ending(t, "not agreed on", test_hex("c107 f248cdc9c90700"), 1, false), 1002);
    CHECK_EQ(t, ending(t, "RSV1 on a continuation", test_hex("4101 f2 c001 48"), 1, true), 1002);
    CHECK_EQ(t, ending(t, "RSV1 on a ping", test_hex("c900"), 1, true), 1002);
    CHECK_EQ(t, ending(t, "RSV2", test_hex("e101 61"), 1, true), 1002);
}

/* "Hello" in the forms of RFC 7692 section 7.2.3, and what may go wrong; cut anywhere, like all cases. */
TEST(compressed_messages_end_with_their_code_however_they_are_cut, t)
{
    static const struct {
        const char *name, *hex;
        uint16_t code;
        size_t events;
    } row[] = {
        {"one block", "c107 f248cdc9c90700", 0, 1},
        {"fragments", "4103 f248cd 8004 c9c90700", 0, 1},
        {"no compression", "c10b 000500faff48656c6c6f00", 0, 1},
        {"a block that says it is the last", "c108 f348cdc9c9070000", 0, 1},
        {"and nothing behind it", "c107 f348cdc9c90700", 0, 1},
        {"two blocks", "c10d f248050000 00ffffcac9c90700", 0, 1},
        {"a ping and a pong between fragments", "4103 f248cd 8901 21 8a00 8004 c9c90700", 0, 3},
        {"empty fragments between", "4100 0003 f248cd 0000 0004 c9c90700 8000", 0, 1},
        {"compressed, plain, compressed", "c107 f248cdc9c90700 8101 61 c107 f248cdc9c90700", 0, 3},
        {"empty", "c101 00", 0, 1},
        {"empty, without its byte", "c100", 0, 1},
        {"empty fragments alone", "4100 8000", 0, 1},
        {"binary that is no UTF-8", "c207 000200fdfffffe", 1007, 1}, /* 00 is missing at the end: see the next */
        {"binary that is no UTF-8, whole", "c208 000200fdfffffe00", 0, 1},
        {"text that is no UTF-8", "c108 000200fdfffffe00", 1007, 1},
        {"a character cut off at the end", "c107 000100feffe200", 1007, 1},
        {"a character across blocks", "c10e 000100feffe2 000200fdff82ac00", 0, 1},
        {"no such type of block", "c102 0700", 1007, 1},
        {"a stored length that its complement denies", "c106 000500ffff48", 1007, 1},
        {"cut off in a block", "c103 f248cd", 1007, 1},
        {"a reference to before the beginning", "c104 02060000", 1007, 1},
        {"no reference into the message before", "c107 f248cdc9c90700 c104 02060000", 1007, 2},
        {"RSV1 on a continuation", "4103 f248cd c004 c9c90700", 1002, 1},
        {"a close between fragments", "4103 f248cd 8802 03e8", 1000, 1},
        {"plain text is still checked", "8101 ff", 1007, 1},
        {"compressed bytes without end", "417e 0100 01ff", 0, 0},
        {"more of them than any message of 300 needs", "417e 0192", 1009, 1},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        uint16_t code = ending(t, row[i].name, test_hex(row[i].hex), row[i].events, true);

        if (code != row[i].code) test_fail(t, __FILE__, __LINE__, "%s: ends with %u", row[i].name, code);
    }
}

TEST(each_side_insists_on_the_others_masking, t)
{
    struct ws_parser_options client = {.client = true};
    struct slice unmasked = test_hex("8101 61"), masked = test_hex("8181 00000000 61");

    CHECK_EQ(t, ws_trace_run(unmasked, 0).status, 1002);
    CHECK_EQ(t, ws_trace_run(masked, 0).status, 0);
    CHECK_EQ(t, ws_trace_steps(masked, 0, 9, client).status, 1002);
    CHECK_EQ(t, ws_trace_steps(unmasked, 0, 9, client).status, 0);
}

TEST(events_carry_what_was_sent, t)
{
    struct ws_parser p;
    struct ws_event e;
    struct buf b;
    size_t taken, at;

    ws_parser_init(&p, (struct ws_parser_options){0});
    buf_init(&b, 0);
    ws_put_masked_frame(&b, WS_TEXT, true, SLICE("Hello"), MASK);
    at = b.len;
    ws_put_masked_frame(&b, WS_BINARY, false, SLICE("\x00\x01"), MASK);
    ws_put_masked_frame(&b, WS_PING, true, SLICE("are you there"), MASK);
    ws_put_masked_frame(&b, WS_CONTINUATION, true, SLICE("\x02"), MASK);
    ws_put_masked_frame(&b, WS_CLOSE, true,
                        SLICE("\x03\xe8"
                              "bye"),
                        MASK);

    CHECK_EQ(t, ws_parser_feed(&p, b.at, b.len, &taken, &e), WS_GOT_MESSAGE);
    CHECK_EQ(t, taken, at);
    CHECK_STR(t, e.bytes, "Hello");
    CHECK(t, !e.binary);
    CHECK(t, e.bytes.at >= b.at && e.bytes.at < b.at + b.len); /* lent, not copied */
    CHECK_EQ(t, p.message.cap, 0);
    CHECK_EQ(t, ws_parser_feed(&p, b.at + at, b.len - at, &taken, &e), WS_GOT_PING);
    CHECK_STR(t, e.bytes, "are you there");
    CHECK_EQ(t, ws_parser_held(&p), 2);
    at += taken;
    CHECK_EQ(t, ws_parser_feed(&p, b.at + at, b.len - at, &taken, &e), WS_GOT_MESSAGE);
    CHECK(t, e.binary);
    CHECK_SLICE(t, e.bytes, SLICE("\x00\x01\x02"));
    CHECK_EQ(t, ws_parser_held(&p), 0);
    ws_parser_trim(&p);
    CHECK_EQ(t, p.message.cap, 0);
    at += taken;
    CHECK_EQ(t, ws_parser_feed(&p, b.at + at, b.len - at, &taken, &e), WS_GOT_CLOSE);
    CHECK_EQ(t, e.code, 1000);
    CHECK_STR(t, e.bytes, "bye");
    CHECK_EQ(t, ws_parser_feed(&p, b.at, b.len, &taken, &e), WS_NEEDS_MORE);
    CHECK_EQ(t, taken, b.len);
    buf_fini(&b);
    ws_parser_fini(&p);
}

/* A stranger who announces 5 MiB and sends 100 bytes must cost us about 100 bytes. */
TEST(memory_grows_only_as_bytes_arrive, t)
{
    struct ws_parser p;
    struct ws_event e;
    uint8_t header[14] = {0x82, 0xff, 0, 0, 0, 0, 0, 0x50, 0, 0, 1, 2, 3, 4}, zeros[100] = {0};
    size_t taken;

    ws_parser_init(&p, (struct ws_parser_options){0});
    CHECK_EQ(t, ws_parser_feed(&p, header, sizeof header, &taken, &e), WS_NEEDS_MORE);
    CHECK_EQ(t, p.message.cap, 0);
    CHECK_EQ(t, ws_parser_feed(&p, zeros, sizeof zeros, &taken, &e), WS_NEEDS_MORE);
    CHECK(t, p.message.cap <= 256);
    CHECK_EQ(t, ws_parser_held(&p), 100);
    ws_parser_trim(&p); /* in the middle of a message it keeps what is there */
    CHECK_EQ(t, ws_parser_held(&p), 100);
    ws_parser_fini(&p);
    header[9] = 1; /* one byte more than 5 MiB */
    ws_parser_init(&p, (struct ws_parser_options){0});
    CHECK_EQ(t, ws_parser_feed(&p, header, sizeof header, &taken, &e), WS_REFUSES);
    CHECK_EQ(t, e.code, WS_CLOSE_TOO_BIG);
    ws_parser_fini(&p);
}

static_assert(sizeof(struct ws_parser) <= 160, "an idle client must stay within 512 bytes of ours");
