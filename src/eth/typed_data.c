#include "eth/typed_data.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/keccak.h"
#include "codec/u256.h"

struct type {
    struct slice name;
    struct json members; /* [{name, type}] */
    bool hashed;
    struct fan_hash hash;
};

struct encoder {
    struct type types[TYPED_DATA_TYPES_MAX];
    size_t count, member_count;
    struct arena *a;
    struct fan_error *err;
};

static enum fan_status encode_value(struct encoder *e, struct slice type, struct json v, uint8_t out[32]);

static int name_len(struct slice name)
{
    return (int)(name.len < 64 ? name.len : 64);
}

#define NAME(s) name_len(s), (const char *)(s).at

/* ---- the types ---- */

/* A name that would change the meaning of the encoded type, or that was escaped in the JSON, is none. */
static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] <= ' ' || strchr("()[],\\\"", name.at[i])) return false;
    return name.len > 0;
}

static enum fan_status check_members(struct encoder *e, const struct type *t)
{
    for (struct json m = json_first(t->members); !json_is(m, JSON_MISSING); m = json_next(m)) {
        struct slice name = json_str_raw(json_get(m, "name")), type = json_str_raw(json_get(m, "type")), base = type;

        for (size_t i = 0; i < type.len; i++) {
            if (type.at[i] != '[') continue;
            base = slice_first(type, i);
            break;
        }
        if (!is_plain(name) || !is_plain(base))
            return fan_error_set(e->err, FAN_EFORMAT, "types.%.*s: a member needs a name and a type", NAME(t->name));
    }
    return FAN_OK;
}

static enum fan_status add_type(struct encoder *e, struct slice name, struct json members)
{
    struct type *t;

    if (!json_is(members, JSON_ARRAY))
        return fan_error_set(e->err, FAN_EFORMAT, "types.%.*s: want an array of members", NAME(name));
    if (!is_plain(name)) return fan_error_set(e->err, FAN_EFORMAT, "types: '%.*s' is no name", NAME(name));
    if (e->count == TYPED_DATA_TYPES_MAX)
        return fan_error_set(e->err, FAN_ELIMIT, "types: more than %d", TYPED_DATA_TYPES_MAX);
    t = &e->types[e->count++];
    *t = (struct type){.name = name, .members = members};
    e->member_count += json_count(members);
    if (e->member_count > TYPED_DATA_MEMBERS_MAX)
        return fan_error_set(e->err, FAN_ELIMIT, "types: more than %d members", TYPED_DATA_MEMBERS_MAX);
    return check_members(e, t);
}

/* Backwards: of two with the same name the last counts, as everywhere in JSON. */
static struct type *find_type(struct encoder *e, struct slice name)
{
    for (size_t i = e->count; i > 0; i--)
        if (slice_eq(e->types[i - 1].name, name)) return &e->types[i - 1];
    return NULL;
}

/* The domain's type where nobody declared it. */
static enum fan_status add_domain_type(struct encoder *e, struct json domain)
{
    static const char *const FIELDS[][2] = {{"name", "string"},
                                            {"version", "string"},
                                            {"chainId", "uint256"},
                                            {"verifyingContract", "address"},
                                            {"salt", "bytes32"}};
    char text[320] = "[";
    size_t len = 1;
    struct slice kept;
    struct json members;
    enum fan_status s;

    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        if (json_kind(json_get(domain, FIELDS[i][0])) <= JSON_NULL) continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{\"name\":\"%s\",\"type\":\"%s\"}",
                                len > 1 ? "," : "", FIELDS[i][0], FIELDS[i][1]);
    }
    text[len++] = ']';
    kept = arena_dup(e->a, slice_of(text, len));
    if (!kept.at) return FAN_ENOMEM;
    s = json_parse(kept, JSON_DEPTH_MAX, e->a, &members, e->err);
    return s ? s : add_type(e, SLICE("EIP712Domain"), members);
}

static struct slice base_of(struct slice type)
{
    for (size_t i = 0; i < type.len; i++)
        if (type.at[i] == '[') return slice_first(type, i);
    return type;
}

static int by_name(const void *a, const void *b)
{
    struct slice x = (*(struct type *const *)a)->name, y = (*(struct type *const *)b)->name;
    int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);

    return order ? order : (x.len > y.len) - (x.len < y.len);
}

/* Everything that t refers to, itself first, the others by name. */
static size_t find_dependencies(struct encoder *e, struct type *t, struct type *out[TYPED_DATA_TYPES_MAX])
{
    bool seen[TYPED_DATA_TYPES_MAX] = {false};
    size_t count = 0;

    seen[t - e->types] = true;
    out[count++] = t;
    for (size_t i = 0; i < count; i++) {
        for (struct json m = json_first(out[i]->members); !json_is(m, JSON_MISSING); m = json_next(m)) {
            struct type *next = find_type(e, base_of(json_str_raw(json_get(m, "type"))));

            if (!next || seen[next - e->types]) continue;
            seen[next - e->types] = true;
            out[count++] = next;
        }
    }
    qsort(out + 1, count - 1, sizeof *out, by_name);
    return count;
}

/* keccak of "Mail(Person from,string contents)Person(string name)". */
static void hash_type(struct encoder *e, struct type *t)
{
    struct type *all[TYPED_DATA_TYPES_MAX];
    size_t count = find_dependencies(e, t, all);
    struct keccak k;

    keccak_init(&k);
    for (size_t i = 0; i < count; i++) {
        bool first = true;

        keccak_add(&k, all[i]->name);
        keccak_add(&k, SLICE("("));
        for (struct json m = json_first(all[i]->members); !json_is(m, JSON_MISSING); m = json_next(m)) {
            if (!first) keccak_add(&k, SLICE(","));
            keccak_add(&k, json_str_raw(json_get(m, "type")));
            keccak_add(&k, SLICE(" "));
            keccak_add(&k, json_str_raw(json_get(m, "name")));
            first = false;
        }
        keccak_add(&k, SLICE(")"));
    }
    keccak_end(&k, &t->hash);
    t->hashed = true;
}

/* ---- values ---- */

static enum fan_status mismatch(struct encoder *e, struct slice type, struct json v)
{
    struct slice raw = json_raw(v);

    return fan_error_set(e->err, FAN_EFORMAT, "type mismatch: expected type \"%.*s\", got value \"%.*s\"", NAME(type),
                         NAME(raw));
}

/* The number behind a type's name, as 8 of "uint8": false when there is none or it begins with 0. */
static bool read_size(struct slice digits, uint64_t *out)
{
    uint64_t n = 0;

    if (digits.len == 0 || digits.len > 9 || digits.at[0] == '0') return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') return false;
        n = n * 10 + (uint64_t)(digits.at[i] - '0');
    }
    *out = n;
    return true;
}

/* -0x80, 255, "255", "0xff": the magnitude and the sign. */
static bool read_integer(struct json v, struct fan_u256 *out, bool *out_negative)
{
    struct slice text = json_is(v, JSON_STRING) ? json_str_raw(v) : json_raw(v);
    uint8_t be[32] = {0}, nibbles[65];
    size_t digits;

    if (!json_is(v, JSON_STRING) && !json_is(v, JSON_NUMBER)) return false;
    *out_negative = text.len > 0 && text.at[0] == '-';
    if (*out_negative) text = slice_from(text, 1);
    if (!slice_starts(text, SLICE("0x"))) return text.len > 0 && u256_from_decimal(text, out) == FAN_OK;
    text = slice_from(text, 2);
    while (text.len > 1 && text.at[0] == '0') text = slice_from(text, 1);
    digits = text.len;
    if (digits == 0 || digits > 64) return false;
    memset(nibbles, '0', sizeof nibbles);
    memcpy(nibbles + 64 - digits, text.at, digits);
    if (hex_decode(slice_of(nibbles, 64), be)) return false;
    *out = u256_from_be(be);
    return true;
}

static enum fan_status encode_integer(struct encoder *e, struct slice type, bool is_signed, struct json v,
                                      uint8_t out[32])
{
    struct slice digits = slice_from(type, is_signed ? 3 : 4);
    struct fan_u256 n, zero = u256_of(0);
    uint64_t bits = 256;
    bool negative, fits;

    if (digits.len && (!read_size(digits, &bits) || bits > 256 || bits % 8))
        return fan_error_set(e->err, FAN_EFORMAT, "missing type in type resolution: %.*s", NAME(type));
    if (!read_integer(v, &n, &negative)) return mismatch(e, type, v);
    if (is_signed) {
        struct fan_u256 less = n, one = u256_of(1);

        if (negative && !u256_is_zero(&n)) (void)u256_sub(&n, &one, &less); /* -128 is as wide as 127 */
        fits = u256_bits(&less) < bits;
    } else {
        fits = u256_bits(&n) <= bits && (!negative || u256_is_zero(&n));
    }
    if (!fits) return mismatch(e, type, v);
    if (negative) (void)u256_sub(&zero, &n, &n); /* two's complement over all 256 bits */
    u256_to_be(&n, out);
    return FAN_OK;
}

static enum fan_status encode_bytes(struct encoder *e, struct slice type, struct json v, uint8_t out[32])
{
    struct slice digits = slice_from(type, 5), bytes;
    uint64_t size = 0;
    struct fan_hash hash;
    enum fan_status s;

    if (digits.len && (!read_size(digits, &size) || size > 32))
        return fan_error_set(e->err, FAN_EFORMAT, "missing type in type resolution: %.*s", NAME(type));
    s = json_read_data(v, SIZE_MAX, e->a, &bytes);
    if (s == FAN_ENOMEM) return s;
    if (s || (digits.len && bytes.len != size)) return mismatch(e, type, v);
    if (digits.len) {
        memset(out, 0, 32);
        if (bytes.len) memcpy(out, bytes.at, bytes.len);
    } else {
        hash = keccak256(bytes);
        memcpy(out, hash.bytes, 32);
    }
    return FAN_OK;
}

static enum fan_status encode_string(struct encoder *e, struct slice type, struct json v, uint8_t out[32])
{
    struct slice text;
    struct fan_hash hash;

    if (!json_is(v, JSON_STRING)) return mismatch(e, type, v);
    text = json_str(v, e->a);
    if (!text.at) return FAN_ENOMEM;
    hash = keccak256(text);
    memcpy(out, hash.bytes, 32);
    return FAN_OK;
}

static enum fan_status encode_address(struct encoder *e, struct slice type, struct json v, uint8_t out[32])
{
    struct fan_address address;

    if (json_read_address(v, &address)) return mismatch(e, type, v);
    memset(out, 0, 12);
    memcpy(out + 12, address.bytes, sizeof address.bytes);
    return FAN_OK;
}

static enum fan_status encode_bool(struct encoder *e, struct slice type, struct json v, uint8_t out[32])
{
    if (!json_is(v, JSON_TRUE) && !json_is(v, JSON_FALSE)) return mismatch(e, type, v);
    memset(out, 0, 32);
    out[31] = json_is(v, JSON_TRUE);
    return FAN_OK;
}

/* "Person[2][]" is any number of Person[2]: the last brackets are the outermost. */
static enum fan_status encode_array(struct encoder *e, struct slice type, struct json v, uint8_t out[32])
{
    size_t open = type.len - 1;
    struct slice item, digits;
    struct keccak k;
    struct fan_hash hash;
    uint64_t size;

    while (open > 0 && type.at[open] != '[') open--;
    item = slice_first(type, open);
    digits = slice_of(type.at + open + 1, type.len - open - 2);
    if (open == 0 || (digits.len && !read_size(digits, &size)))
        return fan_error_set(e->err, FAN_EFORMAT, "missing type in type resolution: %.*s", NAME(type));
    if (!json_is(v, JSON_ARRAY) || (digits.len && json_count(v) != size)) return mismatch(e, type, v);
    keccak_init(&k);
    for (struct json i = json_first(v); !json_is(i, JSON_MISSING); i = json_next(i)) {
        uint8_t word[32];
        enum fan_status s = encode_value(e, item, i, word);

        if (s) return s;
        keccak_add(&k, slice_of(word, sizeof word));
    }
    keccak_end(&k, &hash);
    memcpy(out, hash.bytes, 32);
    return FAN_OK;
}

static enum fan_status hash_struct(struct encoder *e, struct type *t, struct json v, uint8_t out[32])
{
    struct keccak k;
    struct fan_hash hash;

    if (!json_is(v, JSON_OBJECT)) return mismatch(e, t->name, v);
    if (!t->hashed) hash_type(e, t);
    keccak_init(&k);
    keccak_add(&k, slice_of(t->hash.bytes, sizeof t->hash.bytes));
    for (struct json m = json_first(t->members); !json_is(m, JSON_MISSING); m = json_next(m)) {
        struct slice name = json_str_raw(json_get(m, "name"));
        char *key = arena_cstr(e->a, name);
        uint8_t word[32];
        struct json value;
        enum fan_status s;

        if (!key) return FAN_ENOMEM;
        value = json_get(v, key);
        if (json_is(value, JSON_MISSING))
            return fan_error_set(e->err, FAN_EFORMAT, "missing value for %.*s.%.*s", NAME(t->name), NAME(name));
        s = encode_value(e, json_str_raw(json_get(m, "type")), value, word);
        if (s) return s;
        keccak_add(&k, slice_of(word, sizeof word));
    }
    keccak_end(&k, &hash);
    memcpy(out, hash.bytes, 32);
    return FAN_OK;
}

/* The 32 bytes that stand for a value. Recursion goes as deep as the value, which the parser bounds. */
static enum fan_status encode_value(struct encoder *e, struct slice type, struct json v, uint8_t out[32])
{
    struct type *t;

    if (type.len > 2 && type.at[type.len - 1] == ']') return encode_array(e, type, v, out);
    t = find_type(e, type);
    if (t) return hash_struct(e, t, v, out);
    if (slice_eq_str(type, "string")) return encode_string(e, type, v, out);
    if (slice_eq_str(type, "bool")) return encode_bool(e, type, v, out);
    if (slice_eq_str(type, "address")) return encode_address(e, type, v, out);
    if (slice_starts(type, SLICE("bytes"))) return encode_bytes(e, type, v, out);
    if (slice_starts(type, SLICE("uint"))) return encode_integer(e, type, false, v, out);
    if (slice_starts(type, SLICE("int"))) return encode_integer(e, type, true, v, out);
    return fan_error_set(e->err, FAN_EFORMAT, "missing type in type resolution: %.*s", NAME(type));
}

/* ---- the whole ---- */

static enum fan_status hash_all(struct encoder *e, struct json typed_data, struct fan_hash *out)
{
    struct json domain = json_get(typed_data, "domain"), types = json_get(typed_data, "types"),
                primary = json_get(typed_data, "primaryType");
    struct type *t;
    struct keccak k;
    uint8_t word[32];
    enum fan_status s = FAN_OK;

    if (!json_is(types, JSON_OBJECT)) return fan_error_set(e->err, FAN_EFORMAT, "types: want an object");
    if (!json_is(domain, JSON_OBJECT)) return fan_error_set(e->err, FAN_EFORMAT, "domain: want an object");
    if (!json_is(primary, JSON_STRING)) return fan_error_set(e->err, FAN_EFORMAT, "primaryType: want a string");
    for (struct json i = json_first(types); !json_is(i, JSON_MISSING) && !s; i = json_next(i))
        s = add_type(e, json_key(i), i);
    if (!s && !find_type(e, SLICE("EIP712Domain"))) s = add_domain_type(e, domain);
    if (!s) s = hash_struct(e, find_type(e, SLICE("EIP712Domain")), domain, word);
    if (s) return s;
    keccak_init(&k);
    keccak_add(&k, slice_of("\x19\x01", 2));
    keccak_add(&k, slice_of(word, sizeof word));
    if (!json_str_is(primary, "EIP712Domain")) {
        struct slice name = json_str_raw(primary);

        t = find_type(e, name);
        if (!t) return fan_error_set(e->err, FAN_EFORMAT, "missing type in type resolution: %.*s", NAME(name));
        s = hash_struct(e, t, json_get(typed_data, "message"), word);
        if (s) return s;
        keccak_add(&k, slice_of(word, sizeof word));
    }
    keccak_end(&k, out);
    return FAN_OK;
}

enum fan_status typed_data_hash(struct json typed_data, struct arena *a, struct fan_hash *out, struct fan_error *err)
{
    struct encoder *e = ARENA_NEW(a, struct encoder);

    if (!e) return FAN_ENOMEM;
    e->count = e->member_count = 0;
    e->a = a;
    e->err = err;
    return hash_all(e, typed_data, out);
}
