#include "base/test.h"
#include "codec/rlp.h"
#include "codec/u256.h"

/* ---- the examples of the Ethereum wiki and of ethereum/tests (rlptest.json) ---- */

TEST(strings_and_integers_are_written_as_published, t)
{
    static const struct {
        const char *text, *hex;
    } strings[] = {
        {"", "80"},
        {"dog", "83646f67"},
        {"\x01", "01"},
        {"\x7f", "7f"},
        {"\x80", "8180"},
        {"Lorem ipsum dolor sit amet, consectetur adipisicing eli",
         "b74c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e6720656"
         "c69"},
        {"Lorem ipsum dolor sit amet, consectetur adipisicing elit",
         "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e67206"
         "56c6974"},
    };
    static const struct {
        uint64_t v;
        const char *hex;
    } numbers[] = {
        {0, "80"},
        {1, "01"},
        {16, "10"},
        {79, "4f"},
        {127, "7f"},
        {128, "8180"},
        {1000, "8203e8"},
        {100000, "830186a0"},
        {UINT64_MAX, "88ffffffffffffffff"},
    };
    struct buf b;

    buf_init(&b, 0);
    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        buf_reset(&b);
        rlp_put_bytes(&b, slice_str(strings[i].text));
        CHECK_SLICE(t, buf_peek(&b), test_hex(strings[i].hex));
    }
    buf_reset(&b);
    rlp_put_bytes(&b, slice_of("", 1)); /* the byte zero is a string, not an integer */
    CHECK_SLICE(t, buf_peek(&b), test_hex("00"));
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct fan_u256 big = u256_of(numbers[i].v);

        buf_reset(&b);
        rlp_put_u64(&b, numbers[i].v);
        CHECK_SLICE(t, buf_peek(&b), test_hex(numbers[i].hex));
        buf_reset(&b);
        rlp_put_u256(&b, &big);
        CHECK_SLICE(t, buf_peek(&b), test_hex(numbers[i].hex));
    }
    buf_reset(&b);
    rlp_put_u256(&b, &(struct fan_u256){{0, 0, 0, 0x0100000000000000u}});
    CHECK_SLICE(t, buf_peek(&b), test_hex("a00100000000000000000000000000000000000000000000000000000000000000"));
    buf_fini(&b);
}

TEST(lists_nest_and_move_for_long_headers, t)
{
    static const size_t lens[] = {0, 1, 54, 55, 56, 255, 256, 65535, 65536, 70000};
    struct buf b;
    size_t outer, inner;

    buf_init(&b, 0);
    outer = rlp_list_begin(&b); /* [ [], [[]], [ [], [[]] ] ] */
    rlp_list_end(&b, rlp_list_begin(&b));
    inner = rlp_list_begin(&b);
    rlp_list_end(&b, rlp_list_begin(&b));
    rlp_list_end(&b, inner);
    inner = rlp_list_begin(&b);
    rlp_list_end(&b, rlp_list_begin(&b));
    {
        size_t third = rlp_list_begin(&b);

        rlp_list_end(&b, rlp_list_begin(&b));
        rlp_list_end(&b, third);
    }
    rlp_list_end(&b, inner);
    rlp_list_end(&b, outer);
    CHECK_SLICE(t, buf_peek(&b), test_hex("c7c0c1c0c3c0c1c0"));

    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        struct rlp r, inside;
        size_t count = 0;
        uint8_t header[9];

        buf_reset(&b);
        buf_put_str(&b, "in front");
        outer = rlp_list_begin(&b);
        for (size_t j = 0; j < lens[i]; j++) rlp_put_u64(&b, 1 + j % 100);
        rlp_list_end(&b, outer);
        CHECK_EQ(t, b.len, 8 + rlp_header(0xc0, lens[i], header) + lens[i]);
        CHECK(t, memcmp(b.at + 8, header, rlp_header(0xc0, lens[i], NULL)) == 0);
        r = rlp_of(slice_from(buf_peek(&b), 8));
        inside = rlp_enter(&r);
        for (; rlp_more(&inside); count++) CHECK_EQ(t, rlp_u64(&inside), 1 + count % 100);
        rlp_leave(&r, &inside);
        CHECK_EQ(t, rlp_end(&r), FAN_OK);
        CHECK_EQ(t, count, lens[i]);
    }
    buf_fini(&b);
    buf_init(&b, 8); /* a full buf: nothing breaks, and it says so */
    outer = rlp_list_begin(&b);
    for (int i = 0; i < 100; i++) rlp_put_u64(&b, UINT64_MAX);
    rlp_list_end(&b, outer);
    CHECK_EQ(t, b.failed, FAN_ELIMIT);
    buf_fini(&b);
}

TEST(header_lengths_at_their_edges, t)
{
    uint8_t out[9];

    CHECK_EQ(t, rlp_header(0x80, 55, out), 1);
    CHECK_EQ(t, out[0], 0xb7);
    CHECK_EQ(t, rlp_header(0x80, 56, out), 2);
    CHECK_SLICE(t, slice_of(out, 2), test_hex("b838"));
    CHECK_EQ(t, rlp_header(0xc0, 0x010203, out), 4);
    CHECK_SLICE(t, slice_of(out, 4), test_hex("fa010203"));
    CHECK_EQ(t, rlp_header(0xc0, SIZE_MAX, out), 9);
    CHECK_EQ(t, out[0], 0xff);
}

/* ---- reading: only the one encoding of each value ---- */

static const char *why_not(const char *hex)
{
    struct rlp r = rlp_of(test_hex(hex));

    rlp_skip(&r);
    return rlp_end(&r) ? r.why : NULL;
}

TEST(other_encodings_are_refused, t)
{
    static const struct {
        const char *hex, *why;
    } row[] = {
        {"", "an item is missing"},
        {"8100", "a single byte below 0x80 has a header"},
        {"817f", "a single byte below 0x80 has a header"},
        {"81", "an item is longer than what holds it"},
        {"83646f", "an item is longer than what holds it"},
        {"b800", "the length of an item is not in its shortest form"},
        {"b837"
         "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
         "0",
         "the length of an item is not in its shortest form"},
        {"b90038", "the length of an item is not in its shortest form"},
        {"b8", "the length of an item is cut off"},
        {"b901", "the length of an item is cut off"},
        {"b838", "an item is longer than what holds it"},
        {"bfffffffffffffffff", "an item is longer than what holds it"},
        {"bf8000000000000000", "an item is longer than what holds it"},
        {"c1", "an item is longer than what holds it"},
        {"f800", "the length of an item is not in its shortest form"},
        {"f838", "an item is longer than what holds it"},
        {"ffffffffffffffffff", "an item is longer than what holds it"},
        {"0101", "bytes are left behind the end"},
        {"c0c0", "bytes are left behind the end"},
    };
    static const char *const good[] = {"00", "7f", "80", "8180", "81ff", "c0", "c100", "c180", "c1c0", "83646f67"};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const char *why = why_not(row[i].hex);

        if (!why || strcmp(why, row[i].why) != 0)
            test_fail(t, __FILE__, __LINE__, "%s: %s", row[i].hex, why ? why : "accepted");
    }
    for (size_t i = 0; i < COUNT_OF(good); i++) CHECK(t, !why_not(good[i]));
}

TEST(typed_readers_are_as_strict, t)
{
    struct rlp r = rlp_of(test_hex("00"));
    bool empty = false;
    uint8_t four[4] = {9, 9, 9, 9};

    CHECK_EQ(t, rlp_u64(&r), 0);
    CHECK_STR(t, slice_str(r.why), "an integer has a leading zero");
    r = rlp_of(test_hex("820001"));
    (void)rlp_u64(&r);
    CHECK_EQ(t, rlp_end(&r), FAN_EFORMAT);
    r = rlp_of(test_hex("89010000000000000000"));
    (void)rlp_u64(&r);
    CHECK_STR(t, slice_str(r.why), "an integer is too large");
    r = rlp_of(test_hex("a1010000000000000000000000000000000000000000000000000000000000000000"));
    (void)rlp_u256(&r);
    CHECK_STR(t, slice_str(r.why), "an integer is too large");
    r = rlp_of(test_hex("c0"));
    (void)rlp_bytes(&r);
    CHECK_STR(t, slice_str(r.why), "a byte string was expected");
    r = rlp_of(test_hex("80"));
    (void)rlp_enter(&r);
    CHECK_STR(t, slice_str(r.why), "a list was expected");
    r = rlp_of(test_hex("83646f67"));
    rlp_fixed(&r, four, sizeof four);
    CHECK_STR(t, slice_str(r.why), "a byte string has the wrong length");
    CHECK_EQ(t, four[0] | four[3], 0); /* zeros after a failure */
    r = rlp_of(test_hex("80"));
    (void)rlp_address(&r, &empty);
    CHECK(t, empty);
    CHECK_EQ(t, rlp_end(&r), FAN_OK);
    r = rlp_of(test_hex("80"));
    (void)rlp_address(&r, NULL);
    CHECK_EQ(t, rlp_end(&r), FAN_EFORMAT);
    r = rlp_of(test_hex("94"
                        "0102030405060708090a0b0c0d0e0f1011121314"));
    CHECK_EQ(t, rlp_address(&r, &empty).bytes[19], 0x14);
    CHECK(t, !empty);
    CHECK_EQ(t, rlp_end(&r), FAN_OK);
}

TEST(the_first_failure_stays_and_zeros_follow, t)
{
    struct rlp r = rlp_of(test_hex("c3 01 02 03")), inside = rlp_enter(&r), deeper;

    CHECK_EQ(t, rlp_u64(&inside), 1);
    CHECK(t, !rlp_peek_is_list(&inside));
    deeper = rlp_enter(&inside); /* 2 is no list */
    CHECK_EQ(t, deeper.failed, FAN_EFORMAT);
    CHECK_EQ(t, rlp_u64(&deeper), 0);
    CHECK_EQ(t, rlp_bytes(&inside).len, 0);
    CHECK(t, !rlp_more(&inside));
    CHECK_EQ(t, rlp_raw(&inside).len, 0);
    rlp_fail(&inside, "another reason");
    rlp_leave(&r, &inside);
    CHECK_EQ(t, rlp_end(&r), FAN_EFORMAT);
    CHECK_STR(t, slice_str(r.why), "a list was expected");

    r = rlp_of(test_hex("c2 01 02"));
    inside = rlp_enter(&r);
    (void)rlp_u64(&inside);
    rlp_leave(&r, &inside);
    CHECK_STR(t, slice_str(r.why), "a list has more items than it should");

    r = rlp_of(test_hex("c2 01 c0 05"));
    CHECK(t, rlp_peek_is_list(&r));
    CHECK_SLICE(t, rlp_raw(&r), test_hex("c201c0"));
    CHECK_EQ(t, rlp_u64(&r), 5);
    CHECK_EQ(t, rlp_end(&r), FAN_OK);
}
