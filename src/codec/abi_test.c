#include "base/test.h"
#include "codec/abi.h"

static bool reason(struct arena_home *home, struct slice data, struct slice *out)
{
    struct arena a;

    arena_home_init(home, 0);
    a = arena_of(home);
    return abi_revert_reason(data, &a, out);
}

/* The example of the Solidity documentation. */
TEST(an_error_carries_its_words, t)
{
    struct arena_home home;
    struct slice words;

    CHECK(t, reason(&home,
                    test_hex("08c379a0"
                             "0000000000000000000000000000000000000000000000000000000000000020"
                             "000000000000000000000000000000000000000000000000000000000000001a"
                             "4e6f7420656e6f7567682045746865722070726f76696465642e000000000000"),
                    &words));
    CHECK_STR(t, words, "Not enough Ether provided.");
    arena_home_fini(&home);
}

TEST(a_panic_is_named_as_geth_names_it, t)
{
    static const struct {
        const char *code, *words;
    } row[] = {
        {"01", "assert(false)"},
        {"11", "arithmetic underflow or overflow"},
        {"12", "division or modulo by zero"},
        {"21", "enum overflow"},
        {"32", "out-of-bounds access of an array or bytesN"},
        {"41", "out of memory"},
        {"51", "uninitialized function"},
        {"00", "generic panic"},
        {"22", "invalid encoded storage byte array accessed"},
        {"31", "out-of-bounds array access; popping on an empty array"},
        {"ff", "unknown panic code: 0xff"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct arena_home home;
        struct slice words;
        uint8_t data[36] = {0x4e, 0x48, 0x7b, 0x71};

        data[35] = test_hex(row[i].code).at[0];
        REQUIRE(t, reason(&home, slice_of(data, sizeof data), &words));
        CHECK_STR(t, words, row[i].words);
        arena_home_fini(&home);
        data[4] = 1; /* far beyond 64 bits */
        REQUIRE(t, reason(&home, slice_of(data, sizeof data), &words));
        CHECK(t, slice_starts(words, SLICE("unknown panic code: 0x1000000")));
        arena_home_fini(&home);
        CHECK(t, !reason(&home, slice_of(data, 35), &words));
        arena_home_fini(&home);
    }
}

TEST(what_is_written_reads_back_and_what_is_cut_does_not, t)
{
    struct arena_home home, other;
    struct arena a;
    char text[100];

    memset(text, 'w', sizeof text);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    for (size_t len = 0; len <= sizeof text; len++) {
        struct slice data = abi_encode_error(slice_of(text, len), &a), words;

        REQUIRE(t, data.at);
        CHECK_EQ(t, data.len, 4 + 64 + (len + 31) / 32 * 32);
        CHECK(t, reason(&other, data, &words));
        CHECK_SLICE(t, words, slice_of(text, len));
        arena_home_fini(&other);
        CHECK(t, !reason(&other, slice_first(data, 4 + 64 + len - 1), &words));
        arena_home_fini(&other);
    }
    arena_home_fini(&home);
    {
        uint8_t lying[4 + 64] = {0x08, 0xc3, 0x79, 0xa0};
        struct slice words;

        CHECK(t, !reason(&other, slice_of(lying, 3), &words));
        CHECK(t, !reason(&other, slice_of(lying, 4), &words));
        memset(lying + 4, 0xff, 32); /* an offset beyond everything */
        CHECK(t, !reason(&other, slice_of(lying, sizeof lying), &words));
        memset(lying + 4, 0, 32);
        lying[4 + 31] = 32;
        memset(lying + 4 + 32 + 24, 0xff, 8); /* a length that would overflow */
        CHECK(t, !reason(&other, slice_of(lying, sizeof lying), &words));
        CHECK(t, !reason(&other, SLICE("\x12\x34\x56\x78 another selector"), &words));
        arena_home_fini(&other);
    }
}
