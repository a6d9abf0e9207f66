#include "wire/jwt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "codec/hex.h"

enum {
    MAC_LEN = 32,
    DEPTH_MAX = 16,
    NUMBER_LEN_MAX = 64,
    EXPONENT_MAX = 1000 /* of ten: beyond what a double holds */
};

bool jwt_secret_parse(struct slice text, uint8_t out[JWT_SECRET_LEN])
{
    while (text.len && strchr(" \t\r\n", text.at[0])) text = slice_from(text, 1);
    while (text.len && strchr(" \t\r\n", text.at[text.len - 1])) text.len--;
    if (slice_starts(text, SLICE("0x"))) text = slice_from(text, 2);
    return text.len == (size_t)2 * JWT_SECRET_LEN && !hex_decode(text, out);
}

static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Base64url without padding, and so that no bytes have two spellings. False: it is none, or there is no memory. */
static bool decode(struct slice text, struct arena *a, struct slice *out)
{
    size_t len = text.len * 6 / 8;
    uint8_t *bytes = ARENA_ARRAY(a, len + 1, uint8_t);
    uint32_t waiting = 0;
    unsigned bits = 0;
    size_t at = 0;

    if (!bytes || text.len % 4 == 1) return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.at[i]);

        if (digit < 0) return false;
        waiting = waiting << 6 | (uint32_t)digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes[at++] = (uint8_t)(waiting >> bits);
        waiting &= (1u << bits) - 1;
    }
    *out = slice_of(bytes, at);
    return waiting == 0;
}

/* Takes what is before the next dot off the text. False: there is no dot. */
static bool part(struct slice *text, struct slice *out)
{
    const uint8_t *dot = text->len ? memchr(text->at, '.', text->len) : NULL;

    if (!dot) return false;
    *out = slice_first(*text, (size_t)(dot - text->at));
    *text = slice_from(*text, out->len + 1);
    return true;
}

static bool object_of(struct slice text, struct arena *a, struct json *out)
{
    struct slice bytes;

    return decode(text, a, &bytes) && !json_parse(bytes, DEPTH_MAX, a, out, NULL) && json_is(*out, JSON_OBJECT);
}

static bool signature_fits(struct slice secret, struct slice text, struct slice signature)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!HMAC(EVP_sha256(), secret.at, (int)secret.len, text.at, text.len, mac, &len)) return false;
    return len == MAC_LEN && signature.len == MAC_LEN && CRYPTO_memcmp(mac, signature.at, MAC_LEN) == 0;
}

const char *jwt_open(struct slice secret, struct slice token, struct arena *a, struct json *out_claims)
{
    struct slice rest = token, first, second, signature;
    struct json header, claims;

    if (token.len > JWT_LEN_MAX) return "the token is too long";
    if (!part(&rest, &first) || !part(&rest, &second)) return "the token has not three parts";
    if (!object_of(first, a, &header)) return "the token's header is no base64url of a JSON object";
    if (!json_str_is(json_get(header, "alg"), "HS256")) return "the token's alg is not HS256";
    if (!json_is(json_get(header, "crit"), JSON_MISSING)) return "the token's crit asks for what is not known here";
    if (!decode(rest, a, &signature) ||
        !signature_fits(secret, slice_of(token.at, (size_t)(rest.at - token.at) - 1), signature))
        return "the token's signature does not fit the secret";
    if (!object_of(second, a, &claims)) return "the token's payload is no base64url of a JSON object";
    *out_claims = claims;
    return NULL;
}

/* A NumericDate: seconds since 1970, perhaps with a fraction (RFC 7519, section 2). Not by strtod(): in the locale of
 * whoever embeds us the point may be a comma. */
static bool date(struct json v, double *out)
{
    struct slice raw = json_raw(v);
    bool negative = raw.len && raw.at[0] == '-', behind = false;
    int exponent = 0, point = 0;
    double value = 0;
    size_t i = negative;

    if (!json_is(v, JSON_NUMBER) || raw.len > NUMBER_LEN_MAX) return false;
    for (; i < raw.len && (raw.at[i] | 0x20) != 'e'; i++) {
        if (raw.at[i] == '.') {
            behind = true;
            continue;
        }
        value = value * 10 + (raw.at[i] - '0');
        if (behind) point--;
    }
    if (i < raw.len) {
        bool less = raw.at[++i] == '-';

        for (i += less || raw.at[i] == '+'; i < raw.len && exponent < EXPONENT_MAX; i++)
            exponent = exponent * 10 + (raw.at[i] - '0');
        if (less) exponent = -exponent;
    }
    for (exponent += point; exponent > 0; exponent--) value *= 10;
    for (; exponent < 0; exponent++) value /= 10;
    *out = negative ? -value : value;
    return true;
}

const char *jwt_check_times(struct json claims, uint64_t now_s)
{
    struct json exp = json_get(claims, "exp"), nbf = json_get(claims, "nbf");
    double now = (double)now_s, at;

    if (!date(json_get(claims, "iat"), &at)) return "the token has no iat (when it was made, in seconds since 1970)";
    if (at < now - JWT_CLOCK_S || at > now + JWT_CLOCK_S) return "the token's iat is not within 60 s of now";
    if (!json_is(exp, JSON_MISSING) && !(date(exp, &at) && now < at)) return "the token has expired (exp)";
    if (!json_is(nbf, JSON_MISSING) && !(date(nbf, &at) && now >= at)) return "the token is not valid yet (nbf)";
    return NULL;
}

const char *jwt_check(struct slice secret, struct slice token, uint64_t now_s)
{
    struct arena_home home;
    struct arena a;
    struct json claims;
    const char *why;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    why = jwt_open(secret, token, &a, &claims);
    if (!why) why = jwt_check_times(claims, now_s);
    arena_home_fini(&home);
    return why;
}
