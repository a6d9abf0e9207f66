/* json: reading strangers' JSON, and writing ours.
 *
 * Reading: json_parse() checks the whole text once (RFC 8259, strictly: no trailing commas, no NaN, UTF-8 checked,
 * depth and token count bounded) and leaves an array of tokens in an arena; values are then looked up without copying.
 * A value is a `struct json`, passed by value: a document and a token's index. Asking a value of the wrong kind gives
 * "missing", which json_is() tells, so lookups chain without checks in between. Numbers keep their text: 1.10
 * stays 1.10 and 1e400 stays 1e400, which is how request ids come back exactly as they were sent. Duplicate keys: the
 * last one counts, as in JavaScript and Go.
 *
 * Writing: straight onto a struct buf; commas are set by what was written before. */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include "base/arena.h"
#include "base/buf.h"

enum json_kind { JSON_MISSING, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_token; /* 16 bytes each: kind, where, length, index of the token after all it contains */

struct json_doc {
    struct slice text; /* must outlive the document */
    const struct json_token *tokens;
    size_t count;
};

struct json {
    const struct json_doc *doc; /* NULL: missing */
    uint32_t token;
};

enum { JSON_DEPTH_MAX = 64 };

/* Parses one value that fills the text (white space around it is fine). The document and its tokens live in the arena.
 * FAN_EFORMAT: no JSON, err says at which byte and why. FAN_ELIMIT: deeper than depth_max, or more than 2^31 bytes.
 * FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status json_parse(struct slice text, unsigned depth_max, struct arena *a, struct json *out,
                                          struct fan_error *err);

enum json_kind json_kind(struct json v);
const char *json_kind_name(enum json_kind k); /* "an object", "a string" …, for error texts */
static inline bool json_is(struct json v, enum json_kind k)
{
    return json_kind(v) == k;
}

/* The value's text as it stood in the input, quotes and braces included; borrowed from it. */
struct slice json_raw(struct json v);
/* A string's bytes without quotes, still escaped, borrowed; empty when v is no string. */
struct slice json_str_raw(struct json v);
/* A string's bytes, unescaped into the arena where it holds a backslash, else borrowed. at NULL when memory ran out. */
struct slice json_str(struct json v, struct arena *a);
/* Is v this string? (escapes are compared unescaped) */
bool json_str_is(struct json v, const char *text);

struct json json_get(struct json object, const char *key); /* missing when absent */
struct json json_at(struct json array, size_t index);      /* missing past the end; walks: use json_next() in loops */
size_t json_count(struct json v);                          /* items of an array, members of an object */
/* for (struct json i = json_first(array); !json_is(i, JSON_MISSING); i = json_next(i)) … */
struct json json_first(struct json array_or_object); /* of an object: its first member's value */
struct json json_next(struct json item);
struct slice json_key(struct json member_value); /* raw key of an object's member; empty for others */
bool json_key_is(struct json member_value,
                 struct slice key); /* compared unescaped; for one walk that looks for several keys */

/* Hexadecimal values as execution-apis writes them, inside JSON strings. FAN_EFORMAT when v is no such string. */
FAN_MUST_CHECK enum fan_status json_read_u64(struct json v, uint64_t *out);
FAN_MUST_CHECK enum fan_status json_read_u256(struct json v, struct fan_u256 *out);
FAN_MUST_CHECK enum fan_status json_read_hash(struct json v, struct fan_hash *out);
FAN_MUST_CHECK enum fan_status json_read_address(struct json v, struct fan_address *out);
FAN_MUST_CHECK enum fan_status json_read_data(struct json v, size_t len_max, struct arena *a, struct slice *out);
/* A plain JSON number that is a whole number from 0 to 2^64-1, without fraction or exponent. */
FAN_MUST_CHECK enum fan_status json_read_number_u64(struct json v, uint64_t *out);

/* ---- writing ---- */
struct json_writer {
    struct buf *out;
    bool comma; /* the next value or key needs one in front */
};

struct json_writer json_writer_of(struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_put_key(struct json_writer *w, const char *key);    /* plain ASCII, not escaped */
void json_put_raw(struct json_writer *w, struct slice value); /* already JSON */
void json_put_null(struct json_writer *w);
void json_put_bool(struct json_writer *w, bool v);
void json_put_number(struct json_writer *w, uint64_t v);
void json_put_str(struct json_writer *w, struct slice text); /* escaped; bytes that are no UTF-8 become U+FFFD */
void json_put_text(struct json_writer *w, const char *text);
void json_put_data(struct json_writer *w, struct slice bytes);       /* "0x…" */
void json_put_data_key(struct json_writer *w, struct slice bytes);   /* the same, as a key */
void json_put_u64(struct json_writer *w, uint64_t v);                /* QUANTITY */
void json_put_u256(struct json_writer *w, const struct fan_u256 *v); /* QUANTITY */
void json_put_hash(struct json_writer *w, const struct fan_hash *h);
void json_put_address(struct json_writer *w, const struct fan_address *a); /* lower case, as geth */

#endif
