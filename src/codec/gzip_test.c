#include <zlib.h>

#include "base/test.h"
#include "codec/gzip.h"

enum { PACKED_MAX = 4096, LEN = 100000 };

/* So many zeros as one member of gzip; returns its length. */
static size_t pack(struct test *t, size_t zeros, uint8_t out[PACKED_MAX])
{
    static uint8_t plain[LEN];
    z_stream z = {.next_in = plain, .avail_in = (uInt)zeros, .next_out = out, .avail_out = PACKED_MAX};
    size_t len;

    CHECK_EQ(t, deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    CHECK_EQ(t, deflate(&z, Z_FINISH), Z_STREAM_END);
    len = PACKED_MAX - z.avail_out;
    (void)deflateEnd(&z);
    return len;
}

TEST(what_was_packed_comes_out_up_to_the_limit_and_no_part_of_it_is_taken_for_the_whole, t)
{
    struct arena_home home;
    struct arena a;
    uint8_t packed[2 * PACKED_MAX];
    struct slice out = {0};
    size_t len = pack(t, LEN, packed), second, flips = 0;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    CHECK(t, gzip_is(slice_of(packed, len)) && !gzip_is(SLICE("{")) && !gzip_is(SLICE("")));
    REQUIRE(t, !gzip_unpack(slice_of(packed, len), LEN, &a, &out));
    CHECK_EQ(t, out.len, (size_t)LEN);
    CHECK_EQ(t, gzip_unpack(slice_of(packed, len), LEN - 1, &a, &out), FAN_ELIMIT);
    for (size_t cut = 0; cut < len; cut++) CHECK_EQ(t, gzip_unpack(slice_of(packed, cut), LEN, &a, &out), FAN_EFORMAT);
    for (size_t i = 0; i < len; i++) { /* a flipped bit is noticed, or in a place that says nothing */
        enum fan_status s;

        packed[i] ^= 1;
        s = gzip_unpack(slice_of(packed, len), LEN, &a, &out);
        CHECK(t, s == FAN_EFORMAT || s == FAN_ELIMIT || (!s && out.len == LEN));
        flips += s != FAN_OK;
        packed[i] ^= 1;
    }
    CHECK(t, flips >= 8 + 2); /* the checksum, the length, the magic; zeros copied from elsewhere are zeros too */
    second = pack(t, 0, packed + len);
    second += pack(t, 7, packed + len + second);
    REQUIRE(t, !gzip_unpack(slice_of(packed, len + second), LEN + 7, &a, &out));
    CHECK_EQ(t, out.len, (size_t)LEN + 7);
    arena_home_fini(&home);
}
