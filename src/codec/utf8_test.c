#include "base/test.h"
#include "codec/utf8.h"

/* Every scalar value is accepted, whole, in pieces and behind ASCII; and nothing else of up to three bytes is. */
TEST(exactly_the_scalar_values_pass, t)
{
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        uint8_t out[4], state = UTF8_WHOLE;
        size_t len;

        if (c >= 0xd800 && c <= 0xdfff) continue;
        len = utf8_put(c, out);
        if (utf8_check(UTF8_WHOLE, slice_of(out, len)) != UTF8_WHOLE || utf8_char_len(slice_of(out, len)) != len)
            test_fail(t, __FILE__, __LINE__, "U+%04X is refused", c);
        for (size_t i = 0; i < len; i++) {
            if (i && (state == UTF8_WHOLE || state == UTF8_BAD))
                test_fail(t, __FILE__, __LINE__, "U+%04X ends early", c);
            state = utf8_check(state, slice_of(out + i, 1));
        }
        if (state != UTF8_WHOLE) test_fail(t, __FILE__, __LINE__, "U+%04X in pieces", c);
    }
    for (uint32_t v = 0; v < 1 << 24;
         v += v < 0x800000 ? 0x10000 : 1) { /* three bytes; ASCII leads need one sample each */
        uint8_t s[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        uint32_t scalar = (uint32_t)(s[0] & 15) << 12 | (uint32_t)(s[1] & 63) << 6 | (s[2] & 63);
        bool three = s[0] >> 4 == 14 && s[1] >> 6 == 2 && s[2] >> 6 == 2 && scalar >= 0x800 &&
                     !(scalar >= 0xd800 && scalar < 0xe000);

        if (s[0] < 0xe0) continue;
        if ((utf8_check(UTF8_WHOLE, slice_of(s, 3)) == UTF8_WHOLE) != three)
            test_fail(t, __FILE__, __LINE__, "%02x %02x %02x", s[0], s[1], s[2]);
    }
}

TEST(a_bad_byte_is_bad_for_good_and_at_once, t)
{
    static const char *const row[] = {"80",
                                      "bf",
                                      "c0",
                                      "c1",
                                      "f5",
                                      "ff",
                                      "c241",
                                      "e08080",
                                      "e09f",
                                      "eda0",
                                      "f080",
                                      "f08f",
                                      "f490",
                                      "e28241",
                                      "f0908041",
                                      "6161616161616161ff",
                                      "616161616161616161c341"};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct slice s = test_hex(row[i]);

        CHECK_EQ(t, utf8_check(UTF8_WHOLE, s), UTF8_BAD);
        CHECK_EQ(t, utf8_check(UTF8_BAD, SLICE("a")), UTF8_BAD);
        if (s.len <= 4) CHECK_EQ(t, utf8_char_len(s), 0);
    }
    CHECK(t, utf8_check(UTF8_WHOLE, test_hex("e282")) != UTF8_WHOLE);
    CHECK(t, utf8_check(UTF8_WHOLE, test_hex("e282")) != UTF8_BAD);
    CHECK_EQ(t, utf8_char_len(test_hex("e282")), 0);
    CHECK_EQ(t, utf8_char_len(slice_of(NULL, 0)), 0);
    CHECK_EQ(t, utf8_check(UTF8_WHOLE, SLICE("plain ASCII, longer than a word, then \xe2\x82\xac and more of it")),
             UTF8_WHOLE);
}
