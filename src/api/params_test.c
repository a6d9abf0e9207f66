/* What parameters read as, and the words for those that do not fit. */
#include "api/params.h"

#include "api/test_params.h"
#include "base/test.h"
#include "codec/u256.h"

#define ADDRESS "\"0x00000000000000000000000000000000000000aa\""
#define HASH    "\"0x00000000000000000000000000000000000000000000000000000000000000bb\""

TEST(the_number_of_parameters_is_checked, t)
{
    struct params p = test_params("[1,2,3]", 2);

    CHECK_EQ(t, p.code, CODE_INVALID_PARAMS);
    CHECK_STR(t, slice_str(p.error.text), "too many arguments, want at most 2");
    p = test_params("{\"a\":1}", 2);
    CHECK_STR(t, slice_str(p.error.text), "non-array args: parameters go by position");
    p = test_params("[]", 0);
    CHECK_EQ(t, p.code, 0);
    p = test_params("", 0);
    CHECK_EQ(t, p.code, 0);
}

TEST(absent_and_null_are_the_same, t)
{
    static const char *const texts[] = {"", "[]", "[null]"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct params p = test_params(texts[i], 1);

        CHECK(t, !params_has(&p, 0));
        (void)params_address(&p, 0, "address");
        CHECK_EQ(t, p.code, CODE_INVALID_PARAMS);
        CHECK_STR(t, slice_str(p.error.text), "missing value for required argument 0 (address)");
    }
}

TEST(hexadecimal_values_say_what_is_wrong, t)
{
    static const struct {
        const char *text, *words;
        int kind; /* 0 address, 1 hash, 2 data, 3 u64, 4 u256 */
    } row[] = {
        {"[5]", "invalid argument 0 (x): want a hex string, got a number", 0},
        {"[\"\"]", "invalid argument 0 (x): empty hex string", 0},
        {"[\"00aa\"]", "invalid argument 0 (x): hex string without 0x prefix", 0},
        {"[\"0xzz\"]", "invalid argument 0 (x): invalid hex string", 0},
        {"[\"0xaab\"]", "invalid argument 0 (x): hex string of odd length", 0},
        {"[\"0xaabb\"]", "invalid argument 0 (x): hex string has length 4, want 40", 0},
        {"[\"0xaabb\"]", "invalid argument 0 (x): hex string has length 4, want 64", 1},
        {"[\"0xabc\"]", "invalid argument 0 (x): hex string of odd length", 2},
        {"[\"0x\"]", "invalid argument 0 (x): hex string \"0x\"", 3},
        {"[\"0x01\"]", "invalid argument 0 (x): hex number with leading zero digits", 3},
        {"[\"0x10000000000000000\"]", "invalid argument 0 (x): hex number > 64 bits", 3},
        {"[\"0xg\"]", "invalid argument 0 (x): invalid hex string", 3},
        {"[true]", "invalid argument 0 (x): want a hex string, got true", 3},
        {"[\"0x10000000000000000000000000000000000000000000000000000000000000000\"]",
         "invalid argument 0 (x): hex number > 256 bits", 4},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = test_params(row[i].text, 1);

        switch (row[i].kind) {
        case 0:
            (void)params_address(&p, 0, "x");
            break;
        case 1:
            (void)params_hash(&p, 0, "x");
            break;
        case 2:
            (void)params_data(&p, 0, "x");
            break;
        case 3:
            (void)params_u64(&p, 0, "x");
            break;
        default:
            (void)params_u256(&p, 0, "x");
        }
        CHECK_EQ(t, p.code, CODE_INVALID_PARAMS);
        CHECK_STR(t, slice_str(p.error.text), row[i].words);
    }
}

TEST(good_values_read, t)
{
    struct params p = test_params("[" ADDRESS "," HASH ",\"0x\",\"0x0\",\"0xff\",true,\"te\\u0078t\"]", 7);

    CHECK_EQ(t, params_address(&p, 0, "a").bytes[19], 0xaa);
    CHECK_EQ(t, params_hash(&p, 1, "h").bytes[31], 0xbb);
    CHECK_EQ(t, params_data(&p, 2, "d").len, 0);
    CHECK_EQ(t, params_u64(&p, 3, "n"), 0);
    CHECK_EQ(t, params_u256(&p, 4, "v").limb[0], 255);
    CHECK(t, params_bool(&p, 5, "b"));
    CHECK_STR(t, params_text(&p, 6, "t"), "text");
    CHECK_EQ(t, p.code, 0);
}

/* Later readers must not overwrite what the first said. */
TEST(the_first_failure_stands, t)
{
    struct params p = test_params("[1, 2]", 2);

    (void)params_address(&p, 0, "first");
    (void)params_hash(&p, 1, "second");
    CHECK_STR(t, slice_str(p.error.text), "invalid argument 0 (first): want a hex string, got a number");
}

TEST(counts_come_in_three_forms, t)
{
    static const struct {
        const char *text;
        uint64_t value;
        bool good;
    } row[] = {{"[12]", 12, true},
               {"[\"0xc\"]", 12, true},
               {"[\"12\"]", 12, true},
               {"[0]", 0, true},
               {"[-1]", 0, false},
               {"[1.5]", 0, false},
               {"[\"twelve\"]", 0, false},
               {"[\"1 2\"]", 0, false},
               {"[true]", 0, false},
               {"[\"99999999999999999999\"]", 0, false},
               {"[18446744073709551615]", UINT64_MAX, true}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = test_params(row[i].text, 1);

        CHECK_EQ(t, params_count(&p, 0, "n"), row[i].value);
        CHECK_EQ(t, p.code == 0, row[i].good);
    }
}

TEST(block_parameters, t)
{
    static const struct {
        const char *text;
        enum block_kind kind;
        uint64_t number;
        bool canonical;
    } row[] = {
        {"[]", BLOCK_LATEST, 0, false},
        {"[null]", BLOCK_LATEST, 0, false},
        {"[\"latest\"]", BLOCK_LATEST, 0, false},
        {"[\"pending\"]", BLOCK_PENDING, 0, false},
        {"[\"earliest\"]", BLOCK_EARLIEST, 0, false},
        {"[\"safe\"]", BLOCK_SAFE, 0, false},
        {"[\"finalized\"]", BLOCK_FINALIZED, 0, false},
        {"[\"0x10\"]", BLOCK_NUMBER, 16, false},
        {"[" HASH "]", BLOCK_HASH, 0, false},
        {"[{\"blockHash\":" HASH "}]", BLOCK_HASH, 0, false},
        {"[{\"blockHash\":" HASH ",\"requireCanonical\":true}]", BLOCK_HASH, 0, true},
        {"[{\"blockNumber\":\"0x2\"}]", BLOCK_NUMBER, 2, false},
        {"[{\"blockNumber\":\"pending\"}]", BLOCK_PENDING, 0, false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = test_params(row[i].text, 1);
        struct block_at at = params_block(&p, 0);

        CHECK_EQ(t, p.code, 0);
        CHECK_EQ(t, at.kind, row[i].kind);
        CHECK_EQ(t, at.number, row[i].number);
        CHECK_EQ(t, at.canonical, row[i].canonical);
        if (at.kind == BLOCK_HASH) CHECK_EQ(t, at.hash.bytes[31], 0xbb);
    }
}

TEST(block_parameters_that_do_not_fit, t)
{
    static const struct {
        const char *text, *words;
    } row[] = {
        {"[2]", "invalid argument 0 (block): want a hex string, got a number"},
        {"[\"2\"]", "invalid argument 0 (block): hex string without 0x prefix"},
        {"[\"newest\"]", "invalid argument 0 (block): hex string without 0x prefix"},
        {"[\"0x8000000000000000\"]", "invalid argument 0 (block): block number larger than int64"},
        {"[{}]", "invalid argument 0 (block): must specify either BlockHash or BlockNumber"},
        {"[{\"blockHash\":" HASH ",\"blockNumber\":\"0x1\"}]",
         "invalid argument 0 (block): cannot specify both BlockHash and BlockNumber, choose one or the other"},
        {"[{\"blockHash\":\"0x12\"}]", "invalid argument 0 (block).blockHash: hex string has length 2, want 64"},
        {"[{\"blockHash\":" HASH ",\"requireCanonical\":1}]",
         "invalid argument 0 (block).requireCanonical: want true or false, got a number"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = test_params(row[i].text, 1);

        (void)params_block(&p, 0);
        CHECK_EQ(t, p.code, CODE_INVALID_PARAMS);
        CHECK_STR(t, slice_str(p.error.text), row[i].words);
    }
}

/* A method that takes numbers only must not take a hash for one. */
TEST(a_block_number_is_required_and_no_hash, t)
{
    struct params p = test_params("[" HASH "]", 1);

    (void)params_block_number(&p, 0);
    CHECK_EQ(t, p.code, CODE_INVALID_PARAMS);
    p = test_params("[]", 1);
    (void)params_block_number(&p, 0);
    CHECK_STR(t, slice_str(p.error.text), "missing value for required argument 0 (block)");
}

TEST(storage_keys_read_as_geth_reads_them, t)
{
    struct fan_u256 slot;
    size_t len;

    CHECK(t, !read_slot(SLICE("0x1"), &slot, &len));
    CHECK_EQ(t, slot.limb[0], 1);
    CHECK_EQ(t, len, 1);
    CHECK(t, !read_slot(SLICE("0x"), &slot, &len));
    CHECK(t, u256_is_zero(&slot));
    CHECK(t, !read_slot(SLICE("ff"), &slot, &len));
    CHECK_EQ(t, slot.limb[0], 255);
    CHECK(t, !read_slot(SLICE("0X0000000000000000000000000000000000000000000000000000000000000002"), &slot, &len));
    CHECK_EQ(t, slot.limb[0], 2);
    CHECK_EQ(t, len, 32);
    CHECK_STR(t, slice_str(read_slot(SLICE("0xasdf"), &slot, &len)), "invalid hex in storage key");
    CHECK_STR(
        t,
        slice_str(read_slot(SLICE("0x00000000000000000000000000000000000000000000000000000000000000000"), &slot, &len)),
        "storage key too long (want at most 32 bytes)");
}
