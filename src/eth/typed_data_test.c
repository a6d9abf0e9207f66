/* EIP-712's own example, and what must be refused. Randomised types and values are compared with ethers in
 * test/rpc/typed_data.test.cjs. */
#include "eth/typed_data.h"

#include "base/test.h"
#include "codec/hex.h"

static enum fan_status hash_text(const char *text, struct fan_hash *out, struct fan_error *err)
{
    struct arena_home home;
    struct arena a;
    struct json v;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = json_parse(slice_str(text), JSON_DEPTH_MAX, &a, &v, err);
    if (!s) s = typed_data_hash(v, &a, out, err);
    arena_home_fini(&home);
    return s;
}

#define DOMAIN_TYPE                                                                                                    \
    "\"EIP712Domain\":[{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"version\",\"type\":\"string\"},"            \
    "{\"name\":\"chainId\",\"type\":\"uint256\"},{\"name\":\"verifyingContract\",\"type\":\"address\"}],"
#define MAIL(domain_type)                                                                                              \
    "{\"types\":{" domain_type "\"Person\":[{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"wallet\","             \
    "\"type\":\"address\"}],\"Mail\":[{\"name\":\"from\",\"type\":\"Person\"},{\"name\":\"to\",\"type\":\"Person\"},"  \
    "{\"name\":\"contents\",\"type\":\"string\"}]},\"primaryType\":\"Mail\",\"domain\":{\"name\":\"Ether Mail\","      \
    "\"version\":\"1\",\"chainId\":1,\"verifyingContract\":\"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC\"},"           \
    "\"message\":{\"from\":{\"name\":\"Cow\",\"wallet\":\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"},\"to\":"       \
    "{\"name\":\"Bob\",\"wallet\":\"0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB\"},\"contents\":\"Hello, Bob!\"}}"

TEST(the_eips_example, t)
{
    static const char *const FORMS[] = {MAIL(DOMAIN_TYPE), MAIL("")};
    uint8_t want[32];

    REQUIRE(t, !hex_decode(SLICE("be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"), want));
    for (size_t i = 0; i < COUNT_OF(FORMS); i++) {
        struct fan_hash got;

        REQUIRE(t, hash_text(FORMS[i], &got, NULL) == FAN_OK);
        CHECK_SLICE(t, slice_of(got.bytes, 32), slice_of(want, 32));
    }
}

#define ONE(type, value)                                                                                               \
    "{\"types\":{\"M\":[{\"name\":\"a\",\"type\":\"" type "\"}]},\"primaryType\":\"M\",\"domain\":{},\"message\":"     \
    "{\"a\":" value "}}"

/* The same number, however it is written, is the same hash. */
TEST(spellings_of_a_number, t)
{
    static const char *const SAME[] = {ONE("int256", "-1"), ONE("int256", "\"-1\""), ONE("int256", "\"-0x1\""),
                                       ONE("int256", "\"-0x0001\"")};
    struct fan_hash first, next;

    REQUIRE(t, hash_text(SAME[0], &first, NULL) == FAN_OK);
    for (size_t i = 1; i < COUNT_OF(SAME); i++) {
        REQUIRE(t, hash_text(SAME[i], &next, NULL) == FAN_OK);
        CHECK(t, memcmp(&first, &next, sizeof first) == 0);
    }
    REQUIRE(t, hash_text(ONE("int256", "1"), &next, NULL) == FAN_OK);
    CHECK(t, memcmp(&first, &next, sizeof first) != 0);
}

TEST(both_sides_of_each_edge, t)
{
    static const struct {
        const char *text;
        bool fits;
    } ROWS[] = {
        {ONE("uint8", "255"), true},
        {ONE("uint8", "256"), false},
        {ONE("uint8", "-1"), false},
        {ONE("int8", "127"), true},
        {ONE("int8", "128"), false},
        {ONE("int8", "-128"), true},
        {ONE("int8", "-129"), false},
        {ONE("uint7", "1"), false},
        {ONE("uint264", "1"), false},
        {ONE("uint08", "1"), false},
        {ONE("uint8", "1.5"), false},
        {ONE("uint8", "1e2"), false},
        {ONE("uint8", "\"\""), false},
        {ONE("uint8", "\"0x\""), false},
        {ONE("uint8", "true"), false},
        {ONE("uint8", "null"), false},
        {ONE("bytes2", "\"0x0102\""), true},
        {ONE("bytes2", "\"0x01\""), false},
        {ONE("bytes33", "\"0x01\""), false},
        {ONE("bytes", "\"0x\""), true},
        {ONE("bytes", "\"zz\""), false},
        {ONE("bool", "true"), true},
        {ONE("bool", "1"), false},
        {ONE("string", "\"\""), true},
        {ONE("string", "1"), false},
        {ONE("address", "\"0x01\""), false},
        {ONE("uint8[2]", "[1,2]"), true},
        {ONE("uint8[2]", "[1]"), false},
        {ONE("uint8[]", "[]"), true},
        {ONE("uint8[0]", "[]"), false},
        {ONE("uint8[][2]", "[[1],[2,3]]"), true},
        {ONE("uint8[x]", "[1]"), false},
        {ONE("[]", "[1]"), false},
        {ONE("]]", "[1]"), false},
        {ONE("", "1"), false},
        {ONE("Nope", "1"), false},
        {ONE("M[]", "[{\"a\":[]}]"), true},
        {ONE("M", "{}"), false},
        {"[]", false},
        {"{\"types\":{},\"primaryType\":\"M\",\"domain\":{},\"message\":{}}", false},
        {"{\"types\":{\"M\":{}},\"primaryType\":\"M\",\"domain\":{},\"message\":{}}", false},
        {"{\"types\":{\"M\":[1]},\"primaryType\":\"M\",\"domain\":{},\"message\":{}}", false},
        {"{\"types\":{\"M\":[]},\"primaryType\":\"M\",\"domain\":{},\"message\":1}", false},
        {"{\"types\":{\"M\":[]},\"primaryType\":\"M\",\"domain\":{}}", false},
        {"{\"types\":{\"M\":[]},\"primaryType\":\"M\",\"message\":{}}", false},
        {"{\"types\":{\"M(\":[]},\"primaryType\":\"M(\",\"domain\":{},\"message\":{}}", false},
        {"{\"types\":{},\"primaryType\":\"EIP712Domain\",\"domain\":{}}", true},
    };

    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct fan_error err = {0};
        struct fan_hash hash;
        enum fan_status s = hash_text(ROWS[i].text, &hash, &err);

        if (s != (ROWS[i].fits ? FAN_OK : FAN_EFORMAT))
            test_fail(t, __FILE__, __LINE__, "%s gives %d: %s", ROWS[i].text, (int)s, err.text);
        if (!ROWS[i].fits) CHECK(t, err.text[0] != 0);
    }
}
