#include "wire/jwt.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/test.h"

/* RFC 7515 appendix A.1: its key, its token (whose header and payload contain line ends), its payload. */
#define RFC_KEY     "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define RFC_HEAD    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
#define RFC_PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC_MAC     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

static const uint8_t SECRET[JWT_SECRET_LEN] = {1, 2, 3, 4, 5};

static struct slice base64url(struct slice bytes, struct arena *a)
{
    uint8_t *text = ARENA_ARRAY(a, bytes.len * 2 + 4, uint8_t);
    size_t len = (size_t)EVP_EncodeBlock(text, bytes.at, (int)bytes.len);

    while (len && text[len - 1] == '=') len--;
    for (size_t i = 0; i < len; i++) text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return slice_of(text, len);
}

/* A token over these texts, signed with OpenSSL. */
static struct slice sign(const char *header, const char *payload, struct slice secret, struct arena *a)
{
    struct slice first = base64url(slice_str(header), a), second = base64url(slice_str(payload), a), third;
    const char *text = arena_printf(a, "%.*s.%.*s", SLICE_ARGS(first), SLICE_ARGS(second));
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    (void)HMAC(EVP_sha256(), secret.at, (int)secret.len, (const uint8_t *)text, strlen(text), mac, &len);
    third = base64url(slice_of(mac, len), a);
    return slice_str(arena_printf(a, "%s.%.*s", text, SLICE_ARGS(third)));
}

static struct slice rfc_key(void)
{
    static uint8_t key[66];
    char text[90] = RFC_KEY "==";

    for (size_t i = 0; text[i]; i++) text[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    if (EVP_DecodeBlock(key, (const uint8_t *)text, (int)strlen(text)) != 66) abort();
    return slice_of(key, 64);
}

TEST(the_token_of_rfc_7515_opens_with_its_key, t)
{
    struct arena_home home;
    struct arena a;
    struct json claims;
    uint64_t exp;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    REQUIRE(t, jwt_open(rfc_key(), SLICE(RFC_HEAD "." RFC_PAYLOAD "." RFC_MAC), &a, &claims) == NULL);
    CHECK(t, json_str_is(json_get(claims, "iss"), "joe"));
    CHECK(t, json_read_number_u64(json_get(claims, "exp"), &exp) == FAN_OK);
    CHECK_EQ(t, exp, 1300819380);
    CHECK(t, json_is(json_get(claims, "http://example.com/is_root"), JSON_TRUE));
    CHECK_STR(t, slice_str(jwt_check_times(claims, 1300819370)),
              "the token has no iat (when it was made, in seconds since 1970)");
    arena_home_fini(&home);
}

/* One bit of it changed anywhere, and it does not open. */
TEST(no_bit_of_a_token_may_change, t)
{
    static const char token[] = RFC_HEAD "." RFC_PAYLOAD "." RFC_MAC;
    uint8_t changed[sizeof token];
    struct arena_home home;
    struct json claims;

    arena_home_init(&home, 0);
    for (size_t i = 0; i + 1 < sizeof token; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct arena a = arena_of(&home);

            memcpy(changed, token, sizeof token);
            changed[i] ^= (uint8_t)(1u << bit);
            CHECK(t, jwt_open(rfc_key(), slice_of(changed, sizeof token - 1), &a, &claims) != NULL);
            arena_home_reset(&home);
        }
    arena_home_fini(&home);
}

/* RFC 7519 section 6.1 has a token without a signature; nor does any other algorithm open anything. */
TEST(no_algorithm_but_hs256, t)
{
    static const struct {
        const char *header, *why;
    } row[] = {
        {"{\"alg\":\"HS256\"}", NULL},
        {"{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"x\"}", NULL},
        {"{\"alg\":\"none\"}", "the token's alg is not HS256"},
        {"{\"alg\":\"None\"}", "the token's alg is not HS256"},
        {"{\"alg\":\"HS512\"}", "the token's alg is not HS256"},
        {"{\"alg\":\"RS256\"}", "the token's alg is not HS256"},
        {"{\"alg\":\"hs256\"}", "the token's alg is not HS256"},
        {"{\"alg\":[\"HS256\"]}", "the token's alg is not HS256"},
        {"{}", "the token's alg is not HS256"},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", "the token's crit asks for what is not known here"},
        {"[]", "the token's header is no base64url of a JSON object"},
        {"{\"alg\":\"HS256\"", "the token's header is no base64url of a JSON object"},
    };
    struct slice secret = slice_of(SECRET, sizeof SECRET);
    struct arena_home home;

    arena_home_init(&home, 0);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct arena a = arena_of(&home);
        const char *why = jwt_check(secret, sign(row[i].header, "{\"iat\":1000}", secret, &a), 1000);

        if (row[i].why)
            CHECK_STR(t, slice_str(why ? why : "it opened"), row[i].why);
        else
            CHECK_STR(t, slice_str(why ? why : ""), "");
        arena_home_reset(&home);
    }
    arena_home_fini(&home);
    CHECK_STR(
        t,
        slice_str(jwt_check(
            secret,
            SLICE("eyJhbGciOiJub25lIn0."
                  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."),
            1000)),
        "the token's alg is not HS256");
}

TEST(times_are_held, t)
{
    static const struct {
        const char *payload;
        bool good;
    } row[] = {
        {"{\"iat\":1000000}", true},
        {"{\"iat\":999940}", true},
        {"{\"iat\":999939}", false},
        {"{\"iat\":1000060}", true},
        {"{\"iat\":1000061}", false},
        {"{\"iat\":999999.5}", true},
        {"{\"iat\":1e6}", true},
        {"{\"iat\":0.1E+7}", true},
        {"{\"iat\":1000059.9}", true},
        {"{\"iat\":1000060.5}", false},
        {"{\"iat\":10000000000e-4}", true},
        {"{\"iat\":1e400}", false},
        {"{\"iat\":1e99999999999999999999}", false},
        {"{\"iat\":1e-99999999999999999999}", false},
        {"{\"iat\":-1000000}", false},
        {"{\"iat\":\"1000000\"}", false},
        {"{}", false},
        {"[1000000]", false},
        {"1000000", false},
        {"{\"iat\":1000000,\"exp\":1000001}", true},
        {"{\"iat\":1000000,\"exp\":1000000}", false},
        {"{\"iat\":1000000,\"exp\":\"soon\"}", false},
        {"{\"iat\":1000000,\"exp\":null}", false},
        {"{\"iat\":1000000,\"nbf\":1000000}", true},
        {"{\"iat\":1000000,\"nbf\":1000001}", false},
        {"{\"iat\":1000000,\"nbf\":1000000.5}", false},
        {"{\"iat\":1000000,\"nbf\":-1}", true},
    };
    struct slice secret = slice_of(SECRET, sizeof SECRET);
    struct arena_home home;

    arena_home_init(&home, 0);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct arena a = arena_of(&home);
        const char *why = jwt_check(secret, sign("{\"alg\":\"HS256\"}", row[i].payload, secret, &a), 1000000);

        if ((why == NULL) != row[i].good)
            test_fail(t, __FILE__, __LINE__, "%s: %s", row[i].payload, why ? why : "it opened");
        arena_home_reset(&home);
    }
    arena_home_fini(&home);
}

TEST(what_is_no_token_is_refused, t)
{
    static const char *const row[] = {"",
                                      ".",
                                      "..",
                                      "...",
                                      "a.b",
                                      "a.b.c",
                                      "eyJhbGciOiJIUzI1NiJ9..",
                                      "Bearer x",
                                      RFC_HEAD "." RFC_PAYLOAD,
                                      RFC_HEAD "." RFC_PAYLOAD ".",
                                      RFC_HEAD "." RFC_PAYLOAD "." RFC_MAC "=",
                                      RFC_HEAD "." RFC_PAYLOAD "." RFC_MAC ".",
                                      RFC_HEAD "=." RFC_PAYLOAD "." RFC_MAC,
                                      " " RFC_HEAD "." RFC_PAYLOAD "." RFC_MAC};
    static uint8_t long_one[JWT_LEN_MAX + 1];

    for (size_t i = 0; i < COUNT_OF(row); i++) CHECK(t, jwt_check(rfc_key(), slice_str(row[i]), 1300819370) != NULL);
    memset(long_one, 'A', sizeof long_one);
    CHECK_STR(t, slice_str(jwt_check(rfc_key(), slice_of(long_one, sizeof long_one), 0)), "the token is too long");
}

TEST(a_secret_is_64_hex_digits, t)
{
    static const struct {
        const char *text;
        bool good;
    } row[] = {
        {"0102030405000000000000000000000000000000000000000000000000000000", true},
        {"0x0102030405000000000000000000000000000000000000000000000000000000\n", true},
        {"  0102030405000000000000000000000000000000000000000000000000000000\r\n", true},
        {"010203040500000000000000000000000000000000000000000000000000000", false},
        {"01020304050000000000000000000000000000000000000000000000000000000", false},
        {"0102030405000000000000000000000000000000000000000000000000000000 00", false},
        {"g102030405000000000000000000000000000000000000000000000000000000", false},
        {"", false},
        {"0x", false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        uint8_t out[JWT_SECRET_LEN];

        CHECK_EQ(t, jwt_secret_parse(slice_str(row[i].text), out), row[i].good);
        if (row[i].good) CHECK_SLICE(t, slice_of(out, sizeof out), slice_of(SECRET, sizeof SECRET));
    }
}
