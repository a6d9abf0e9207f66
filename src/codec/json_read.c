#include "codec/hex.h"
#include "codec/json_token.h"
#include "codec/utf8.h"

static const struct json MISSING;

static const struct json_token *token_of(struct json v)
{
    return &v.doc->tokens[v.token];
}

static struct json at_token(struct json near, uint32_t token)
{
    return (struct json){.doc = near.doc, .token = token};
}

static struct slice text_of(struct json v)
{
    return slice_of(v.doc->text.at + token_of(v)->at, token_of(v)->len);
}

static struct slice without_quotes(struct slice s)
{
    return slice_of(s.at + 1, s.len - 2);
}

enum json_kind json_kind(struct json v)
{
    return v.doc ? (enum json_kind)token_of(v)->kind : JSON_MISSING;
}

const char *json_kind_name(enum json_kind k)
{
    static const char *const name[] = {
        [JSON_MISSING] = "nothing", [JSON_NULL] = "null",       [JSON_FALSE] = "false",    [JSON_TRUE] = "true",
        [JSON_NUMBER] = "a number", [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };

    return name[k];
}

struct slice json_raw(struct json v)
{
    return v.doc ? text_of(v) : slice_of(NULL, 0);
}

struct slice json_str_raw(struct json v)
{
    return json_is(v, JSON_STRING) ? without_quotes(text_of(v)) : slice_of(NULL, 0);
}

static uint32_t hex4(const uint8_t *p)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++) v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return v;
}

size_t json_unescape_char(const uint8_t **p, const uint8_t *end, uint8_t out[4])
{
    const uint8_t *s = *p;
    uint32_t unit;

    if (*s != '\\') {
        out[0] = *s;
        *p = s + 1;
        return 1;
    }
    *p = s + 2;
    switch (s[1]) {
    case 'b':
        out[0] = '\b';
        return 1;
    case 'f':
        out[0] = '\f';
        return 1;
    case 'n':
        out[0] = '\n';
        return 1;
    case 'r':
        out[0] = '\r';
        return 1;
    case 't':
        out[0] = '\t';
        return 1;
    case 'u':
        break;
    default:
        out[0] = s[1];
        return 1;
    }
    unit = hex4(s + 2);
    *p = s + 6;
    if (unit >= 0xd800 && unit < 0xdc00 && end - s >= 12 && s[6] == '\\' && s[7] == 'u') {
        uint32_t low = hex4(s + 8);

        if (low >= 0xdc00 && low < 0xe000) {
            *p = s + 12;
            return utf8_put(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
        }
    }
    if (unit >= 0xd800 && unit < 0xe000) unit = 0xfffd;
    return utf8_put(unit, out);
}

static struct slice unescape(const struct json_token *t, struct slice raw, struct arena *a)
{
    const uint8_t *p = raw.at, *end = raw.at + raw.len;
    uint8_t *bytes, *to;

    if (!(t->flags & JSON_TOKEN_ESCAPED)) return raw;
    bytes = to = arena_bytes(a, raw.len); /* unescaping never lengthens */
    if (!bytes) return slice_of(NULL, 0);
    while (p < end) {
        uint8_t out[4];
        size_t len = json_unescape_char(&p, end, out);

        memcpy(to, out, len);
        to += len;
    }
    return slice_of(bytes, (size_t)(to - bytes));
}

struct slice json_str(struct json v, struct arena *a)
{
    if (!json_is(v, JSON_STRING)) return slice_of(NULL, 0);
    return unescape(token_of(v), without_quotes(text_of(v)), a);
}

static bool token_is(struct json v, struct slice text)
{
    struct slice raw = without_quotes(text_of(v));
    const uint8_t *p = raw.at, *end = raw.at + raw.len;

    if (!(token_of(v)->flags & JSON_TOKEN_ESCAPED)) return slice_eq(raw, text);
    while (p < end) {
        uint8_t out[4];
        struct slice c = slice_of(out, json_unescape_char(&p, end, out));

        if (!slice_starts(text, c)) return false;
        text = slice_from(text, c.len);
    }
    return text.len == 0;
}

bool json_str_is(struct json v, const char *text)
{
    return json_is(v, JSON_STRING) && token_is(v, slice_str(text));
}

struct json json_first(struct json v)
{
    uint32_t inside = v.token + 1;

    if (!json_is(v, JSON_ARRAY) && !json_is(v, JSON_OBJECT)) return MISSING;
    if (token_of(v)->next == inside) return MISSING;
    return at_token(v, json_is(v, JSON_OBJECT) ? inside + 1 : inside);
}

struct json json_next(struct json item)
{
    const struct json_token *t;

    if (!item.doc) return MISSING;
    t = token_of(item);
    if (item.token == 0 || t->flags & JSON_TOKEN_LAST) return MISSING;
    return at_token(item, t->flags & JSON_TOKEN_MEMBER ? t->next + 1 : t->next);
}

struct slice json_key(struct json member_value)
{
    if (!member_value.doc || !(token_of(member_value)->flags & JSON_TOKEN_MEMBER)) return slice_of(NULL, 0);
    return without_quotes(text_of(at_token(member_value, member_value.token - 1)));
}

/* Lengths differ nearly always, so they are compared before anything else. */
static inline bool key_token_is(const struct json_doc *doc, uint32_t token, struct slice key)
{
    const struct json_token *t = &doc->tokens[token];

    if (t->flags & JSON_TOKEN_ESCAPED) return token_is((struct json){.doc = doc, .token = token}, key);
    return t->len - 2 == key.len && memcmp(doc->text.at + t->at + 1, key.at, key.len) == 0;
}

bool json_key_is(struct json member_value, struct slice key)
{
    if (!member_value.doc || !(token_of(member_value)->flags & JSON_TOKEN_MEMBER)) return false;
    return key_token_is(member_value.doc, member_value.token - 1, key);
}

struct json json_get(struct json object, const char *key)
{
    struct slice wanted = slice_str(key);
    struct json found = MISSING;
    uint32_t end;

    if (!json_is(object, JSON_OBJECT)) return MISSING;
    end = token_of(object)->next;
    for (uint32_t at = object.token + 1; at < end; at = object.doc->tokens[at + 1].next)
        if (key_token_is(object.doc, at, wanted)) found = at_token(object, at + 1);
    return found;
}

struct json json_at(struct json array, size_t index)
{
    struct json v = json_is(array, JSON_ARRAY) ? json_first(array) : MISSING;

    while (index-- && v.doc) v = json_next(v);
    return v;
}

size_t json_count(struct json v)
{
    size_t count = 0;

    for (struct json i = json_first(v); i.doc; i = json_next(i)) count++;
    return count;
}

enum fan_status json_read_u64(struct json v, uint64_t *out)
{
    return hex_read_u64(json_str_raw(v), out);
}

enum fan_status json_read_u256(struct json v, struct fan_u256 *out)
{
    return hex_read_u256(json_str_raw(v), out);
}

/* A value of the wrong length is of the wrong format here, as json.h promises. */
static enum fan_status read_fixed(struct json v, uint8_t *out, size_t len)
{
    return hex_read_fixed(json_str_raw(v), out, len) ? FAN_EFORMAT : FAN_OK;
}

enum fan_status json_read_hash(struct json v, struct fan_hash *out)
{
    struct fan_hash h;

    if (read_fixed(v, h.bytes, sizeof h.bytes)) return FAN_EFORMAT;
    *out = h;
    return FAN_OK;
}

enum fan_status json_read_address(struct json v, struct fan_address *out)
{
    struct fan_address address;

    if (read_fixed(v, address.bytes, sizeof address.bytes)) return FAN_EFORMAT;
    *out = address;
    return FAN_OK;
}

enum fan_status json_read_data(struct json v, size_t len_max, struct arena *a, struct slice *out)
{
    return hex_read_data(json_str_raw(v), len_max, a, out);
}

enum fan_status json_read_number_u64(struct json v, uint64_t *out)
{
    struct slice digits = json_raw(v);
    uint64_t n = 0;

    if (!json_is(v, JSON_NUMBER)) return FAN_EFORMAT;
    for (size_t i = 0; i < digits.len; i++) {
        uint64_t digit = (uint64_t)(digits.at[i] - '0');

        if (digits.at[i] < '0' || digits.at[i] > '9') return FAN_EFORMAT;
        if (n > (UINT64_MAX - digit) / 10) return FAN_EFORMAT;
        n = n * 10 + digit;
    }
    *out = n;
    return FAN_OK;
}
