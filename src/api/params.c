#include "api/params.h"

#include <stdarg.h>
#include <stdio.h>

#include "codec/hex.h"
#include "codec/u256.h"

struct params params_of(struct json list, struct arena *a, size_t most)
{
    struct params p = {.list = list, .arena = a};

    if (json_is(list, JSON_OBJECT))
        params_fail(&p, CODE_INVALID_PARAMS, "non-array args: parameters go by position");
    else if (json_count(list) > most)
        params_fail(&p, CODE_INVALID_PARAMS, "too many arguments, want at most %zu", most);
    return p;
}

void params_fail(struct params *p, int code, const char *format, ...)
{
    va_list list;

    if (p->code) return;
    p->code = code;
    va_start(list, format);
    (void)vsnprintf(p->error.text, sizeof p->error.text, format, list);
    va_end(list);
}

/* Writes the place, outermost first; returns the length it has or would have. */
static size_t where_print(const struct where *at, char *out, size_t size)
{
    size_t len = at->outer ? where_print(at->outer, out, size) : 0;
    char *end = len < size ? out + len : out;
    size_t rest = len < size ? size - len : 0;
    int more;

    if (!at->outer)
        more = snprintf(end, rest, "invalid argument %zu (%s)", at->index, at->key);
    else if (at->key)
        more = snprintf(end, rest, ".%s", at->key);
    else
        more = snprintf(end, rest, "[%zu]", at->index);
    return len + (more > 0 ? (size_t)more : 0);
}

void params_fail_at(struct params *p, const struct where *at, const char *format, ...)
{
    char place[200], words[256];
    va_list list;

    if (p->code) return;
    (void)where_print(at, place, sizeof place);
    va_start(list, format);
    (void)vsnprintf(words, sizeof words, format, list);
    va_end(list);
    params_fail(p, CODE_INVALID_PARAMS, "%s: %s", place, words);
}

bool params_has(const struct params *p, size_t index)
{
    struct json v = json_at(p->list, index);

    return !json_is(v, JSON_MISSING) && !json_is(v, JSON_NULL);
}

bool params_given(struct json v)
{
    return json_kind(v) > JSON_NULL;
}

bool params_expect(struct params *p, const struct where *at, struct json v, enum json_kind kind)
{
    if (p->code) return false;
    if (json_is(v, kind)) return true;
    params_fail_at(p, at, "want %s, got %s", json_kind_name(kind), json_kind_name(json_kind(v)));
    return false;
}

void *params_items(struct params *p, struct json list, size_t size, size_t *out_count)
{
    void *room;

    *out_count = json_count(list);
    if (!*out_count) return NULL;
    room = arena_array(p->arena, *out_count, size);
    if (!room) {
        params_fail(p, CODE_INTERNAL, "%s", fan_status_text(FAN_ENOMEM));
        *out_count = 0;
    }
    return room;
}

struct where params_where(size_t index, const char *name)
{
    return (struct where){.key = name, .index = index};
}

struct json params_value(struct params *p, const struct where *at)
{
    struct json none = {0};

    if (params_has(p, at->index)) return json_at(p->list, at->index);
    params_fail(p, CODE_INVALID_PARAMS, "missing value for required argument %zu (%s)", at->index, at->key);
    return none;
}

/* ---- why a hexadecimal value does not fit, in geth's words ---- */

static bool is_hex_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *text_fault(struct slice text)
{
    if (text.len == 0) return "empty hex string";
    if (text.len < 2 || text.at[0] != '0' || (text.at[1] | 0x20) != 'x') return "hex string without 0x prefix";
    return NULL;
}

static bool all_hex(struct slice digits)
{
    for (size_t i = 0; i < digits.len; i++)
        if (!is_hex_digit(digits.at[i])) return false;
    return true;
}

/* len 0: any length. */
static void fail_bytes(struct params *p, const struct where *at, struct json v, size_t len)
{
    struct slice text = json_str_raw(v);
    const char *fault = text_fault(text);

    if (!json_is(v, JSON_STRING))
        params_fail_at(p, at, "want a hex string, got %s", json_kind_name(json_kind(v)));
    else if (fault)
        params_fail_at(p, at, "%s", fault);
    else if (!all_hex(slice_from(text, 2)))
        params_fail_at(p, at, "invalid hex string");
    else if (text.len & 1)
        params_fail_at(p, at, "hex string of odd length");
    else if (len && text.len != 2 + 2 * len)
        params_fail_at(p, at, "hex string has length %zu, want %zu", text.len - 2, 2 * len);
    else
        params_fail_at(p, at, "invalid hex string");
}

static void fail_quantity(struct params *p, const struct where *at, struct json v, unsigned bits)
{
    struct slice text = json_str_raw(v);
    const char *fault = text_fault(text);

    if (!json_is(v, JSON_STRING))
        params_fail_at(p, at, "want a hex string, got %s", json_kind_name(json_kind(v)));
    else if (fault)
        params_fail_at(p, at, "%s", fault);
    else if (text.len == 2)
        params_fail_at(p, at, "hex string \"0x\"");
    else if (!all_hex(slice_from(text, 2)))
        params_fail_at(p, at, "invalid hex string");
    else if (text.at[2] == '0' && text.len > 3)
        params_fail_at(p, at, "hex number with leading zero digits");
    else
        params_fail_at(p, at, "hex number > %u bits", bits);
}

struct fan_address read_address(struct params *p, const struct where *at, struct json v)
{
    struct fan_address out = {{0}};

    if (!p->code && json_read_address(v, &out)) fail_bytes(p, at, v, sizeof out.bytes);
    return out;
}

struct fan_hash read_hash(struct params *p, const struct where *at, struct json v)
{
    struct fan_hash out = {{0}};

    if (!p->code && json_read_hash(v, &out)) fail_bytes(p, at, v, sizeof out.bytes);
    return out;
}

struct slice read_data(struct params *p, const struct where *at, struct json v)
{
    struct slice out = {0};
    enum fan_status s;

    if (p->code) return out;
    if (json_is(v, JSON_STRING) && !json_str_raw(v).len)
        return out; /* "" is no bytes, as in geth; some old tools send it */
    s = json_read_data(v, 0, p->arena, &out);
    if (s == FAN_ENOMEM)
        params_fail(p, CODE_INTERNAL, "%s", fan_status_text(s));
    else if (s)
        fail_bytes(p, at, v, 0);
    return out;
}

uint64_t read_u64(struct params *p, const struct where *at, struct json v)
{
    uint64_t out = 0;

    if (!p->code && json_read_u64(v, &out)) fail_quantity(p, at, v, 64);
    return out;
}

struct fan_u256 read_u256(struct params *p, const struct where *at, struct json v)
{
    struct fan_u256 out = {{0}};

    if (!p->code && json_read_u256(v, &out)) fail_quantity(p, at, v, 256);
    return out;
}

bool read_bool(struct params *p, const struct where *at, struct json v)
{
    if (json_is(v, JSON_TRUE)) return true;
    if (!json_is(v, JSON_FALSE)) params_fail_at(p, at, "want true or false, got %s", json_kind_name(json_kind(v)));
    return false;
}

uint64_t read_count(struct params *p, const struct where *at, struct json v)
{
    struct slice text = json_str_raw(v);
    struct fan_u256 wide;
    uint64_t out = 0;

    if (p->code) return 0;
    if (json_is(v, JSON_NUMBER)) {
        if (json_read_number_u64(v, &out))
            params_fail_at(p, at, "want a whole number from 0 to 2^64-1, got %.*s", SLICE_ARGS(json_raw(v)));
        return out;
    }
    if (text.len && text.len < 3 + 20 && text.at[0] >= '0' && text.at[0] <= '9' && !slice_starts(text, SLICE("0x"))) {
        if (u256_from_decimal(text, &wide) || !u256_fits_u64(&wide, &out))
            params_fail_at(p, at, "want a number, got \"%.*s\"", SLICE_ARGS(text));
        return out;
    }
    return read_u64(p, at, v);
}

const char *read_slot(struct slice text, struct fan_u256 *out, size_t *out_len)
{
    char padded[64];
    uint8_t bytes[32];
    bool fits;

    if (text.len >= 2 && text.at[0] == '0' && (text.at[1] | 0x20) == 'x') text = slice_from(text, 2);
    if (text.len > sizeof padded) return "storage key too long (want at most 32 bytes)";
    memset(padded, '0', sizeof padded);
    if (text.len) memcpy(padded + sizeof padded - text.len, text.at, text.len);
    if (hex_decode(slice_of(padded, sizeof padded), bytes)) return "invalid hex in storage key";
    fits = u256_from_be_slice(slice_of(bytes, sizeof bytes), out);
    assert(fits);
    (void)fits;
    if (out_len) *out_len = (text.len + 1) / 2;
    return NULL;
}

/* ---- required positional parameters ---- */

struct fan_address params_address(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);

    return read_address(p, &at, params_value(p, &at));
}

struct fan_hash params_hash(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);

    return read_hash(p, &at, params_value(p, &at));
}

struct slice params_data(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);

    return read_data(p, &at, params_value(p, &at));
}

uint64_t params_u64(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);

    return read_u64(p, &at, params_value(p, &at));
}

struct fan_u256 params_u256(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);

    return read_u256(p, &at, params_value(p, &at));
}

struct slice params_text(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);
    struct json v = params_value(p, &at);
    struct slice text = {0};

    if (p->code) return text;
    if (!json_is(v, JSON_STRING)) {
        params_fail_at(p, &at, "want a string, got %s", json_kind_name(json_kind(v)));
        return text;
    }
    text = json_str(v, p->arena);
    if (!text.at && text.len == 0 && json_str_raw(v).len)
        params_fail(p, CODE_INTERNAL, "%s", fan_status_text(FAN_ENOMEM));
    return text;
}

bool params_bool(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);
    struct json v = params_value(p, &at);

    return !p->code && read_bool(p, &at, v);
}

uint64_t params_count(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);

    return read_count(p, &at, params_value(p, &at));
}

/* ---- which block ---- */

static const struct {
    const char *tag;
    enum block_kind kind;
} tags[] = {{"latest", BLOCK_LATEST},
            {"pending", BLOCK_PENDING},
            {"earliest", BLOCK_EARLIEST},
            {"safe", BLOCK_SAFE},
            {"finalized", BLOCK_FINALIZED}};

static struct block_at read_number_or_tag(struct params *p, const struct where *at, struct json v)
{
    struct block_at out = {.kind = BLOCK_NUMBER};

    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        if (json_str_is(v, tags[i].tag)) {
            out.kind = tags[i].kind;
            return out;
        }
    }
    out.number = read_u64(p, at, v);
    if (out.number > INT64_MAX) params_fail_at(p, at, "block number larger than int64");
    return out;
}

/* EIP-1898: {"blockNumber": …} or {"blockHash": …, "requireCanonical": …}. */
static struct block_at read_block_object(struct params *p, const struct where *at, struct json v)
{
    struct block_at out = {.kind = BLOCK_HASH};
    struct json number = json_get(v, "blockNumber"), hash = json_get(v, "blockHash"),
                canonical = json_get(v, "requireCanonical");
    struct where number_at = {.outer = at, .key = "blockNumber"}, hash_at = {.outer = at, .key = "blockHash"},
                 canonical_at = {.outer = at, .key = "requireCanonical"};
    bool has_number = json_kind(number) > JSON_NULL, has_hash = json_kind(hash) > JSON_NULL;

    if (has_number && has_hash) {
        params_fail_at(p, at, "cannot specify both BlockHash and BlockNumber, choose one or the other");
        return out;
    }
    if (!has_number && !has_hash) {
        params_fail_at(p, at, "must specify either BlockHash or BlockNumber");
        return out;
    }
    if (has_number)
        out = read_number_or_tag(p, &number_at, number);
    else
        out.hash = read_hash(p, &hash_at, hash);
    if (json_kind(canonical) > JSON_NULL) out.canonical = read_bool(p, &canonical_at, canonical);
    return out;
}

struct block_at read_block(struct params *p, const struct where *at, struct json v, bool or_hash)
{
    struct block_at out = {.kind = BLOCK_HASH};

    if (p->code) return out;
    if (or_hash && json_is(v, JSON_OBJECT)) return read_block_object(p, at, v);
    if (or_hash && json_str_raw(v).len == 2 + 2 * sizeof out.hash.bytes) {
        out.hash = read_hash(p, at, v);
        return out;
    }
    return read_number_or_tag(p, at, v);
}

struct block_at params_block_number(struct params *p, size_t index)
{
    struct where at = params_where(index, "block");
    struct json v = params_value(p, &at);
    struct block_at out = read_block(p, &at, v, false);

    out.index = index;
    return out;
}

struct block_at params_block_given(struct params *p, size_t index)
{
    struct where at = params_where(index, "block");

    (void)params_value(p, &at);
    return params_block(p, index);
}

struct block_at params_block(struct params *p, size_t index)
{
    struct where at = params_where(index, "block");
    struct block_at out = {.kind = BLOCK_LATEST};

    if (params_has(p, index)) out = read_block(p, &at, json_at(p->list, index), true);
    out.index = index;
    return out;
}
