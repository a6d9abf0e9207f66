#include "codec/json_token.h"
#include "codec/utf8.h"

/* One pass over the text, no recursion: an open container's token holds the container around it in `next`, so the stack
 * is in the tokens.
 *
 * Tokens are written where the arena's free bytes are and carved when the end is known, so a request costs one array of
 * just its size. When the block ends first, a larger array is carved and the tokens move. */
#define NONE UINT32_MAX
enum { TOKENS_MIN = 64 };

struct parser {
    const uint8_t *begin, *at, *end;
    struct arena *arena;
    struct json_token *tokens;
    size_t count, cap;
    bool carved;   /* false: the tokens lie in the arena's free bytes */
    uint32_t open; /* the innermost open container, or NONE */
    unsigned depth, depth_max;
    enum fan_status failed;
    const char *why;
};

static bool fail(struct parser *p, enum fan_status s, const char *why)
{
    p->failed = s;
    p->why = why;
    return false;
}

static bool bad(struct parser *p, const char *why)
{
    return fail(p, FAN_EFORMAT, p->at == p->end ? "the text ends too early" : why);
}

static struct json_token *aligned(uint8_t *at)
{
    return (struct json_token *)(void *)(at + (-(uintptr_t)at & (_Alignof(struct json_token) - 1)));
}

static void begin_tokens(struct parser *p)
{
    struct arena *a = p->arena;

    if (!a->at || (size_t)(a->end - a->at) < TOKENS_MIN * sizeof(struct json_token)) return;
    p->tokens = aligned(a->at);
    p->cap = (size_t)(a->end - (uint8_t *)p->tokens) / sizeof(struct json_token);
}

static bool more_tokens(struct parser *p)
{
    size_t cap = p->cap ? 2 * p->cap : TOKENS_MIN, room = cap * sizeof(struct json_token);
    uint8_t *bytes;

    /* Free bytes that were written to must be carved before the arena may move on to another block. */
    if (p->cap && !p->carved) p->arena->at = (uint8_t *)(p->tokens + p->cap);
    bytes = arena_bytes(p->arena, room + _Alignof(struct json_token));
    if (!bytes) return fail(p, FAN_ENOMEM, "out of memory");
    if (p->count) memcpy(aligned(bytes), p->tokens, p->count * sizeof(struct json_token));
    p->tokens = aligned(bytes);
    p->cap = cap;
    p->carved = true;
    return true;
}

static inline bool push(struct parser *p, enum json_kind kind, const uint8_t *at, unsigned flags)
{
    if (p->count == p->cap && !more_tokens(p)) return false;
    p->tokens[p->count] = (struct json_token){.at = (uint32_t)(at - p->begin),
                                              .len = (uint32_t)(p->at - at),
                                              .next = (uint32_t)p->count + 1,
                                              .kind = (uint8_t)kind,
                                              .flags = (uint8_t)flags};
    p->count++;
    return true;
}

/* A value that is complete: known to its container as the latest child. */
static inline bool push_child(struct parser *p, enum json_kind kind, const uint8_t *at, unsigned flags)
{
    if (p->open != NONE) {
        struct json_token *parent = &p->tokens[p->open];

        parent->len = (uint32_t)p->count;
        if (parent->kind == JSON_OBJECT) flags |= JSON_TOKEN_MEMBER;
    }
    return push(p, kind, at, flags);
}

static inline void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) p->at++;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool skip_escape(struct parser *p)
{
    p->at++; /* the backslash */
    if (p->at == p->end) return bad(p, "");
    switch (*p->at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        p->at++;
        return true;
    case 'u':
        p->at++;
        for (int i = 0; i < 4; i++, p->at++)
            if (p->at == p->end || !is_hex(*p->at)) return bad(p, "\\u needs four hex digits");
        return true;
    default:
        return bad(p, "no such escape");
    }
}

/* Which of the eight bytes end the plain run: a quote, a backslash, a control character, or no ASCII? The top bit of
 * each, least significant first in the text's order; the lowest is exact, since only what lies below a byte that ends
 * the run can borrow from it. (The tests of zero bytes are Mycroft's.) */
static inline uint64_t specials(const uint8_t *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t word, quote, backslash;

    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    quote = word ^ ones * '"';
    backslash = word ^ ones * '\\';
    return ((quote - ones) | (backslash - ones) | (word - ones * 0x20) | word) & tops;
}

/* From the opening quote to behind the closing one. */
static inline bool skip_string(struct parser *p, unsigned *out_flags)
{
    p->at++;
    *out_flags = 0;
    for (;;) {
        while (p->end - p->at >= 8) {
            uint64_t found = specials(p->at);

            if (found) {
                p->at += __builtin_ctzll(found) / 8;
                break;
            }
            p->at += 8;
        }
        while (p->at < p->end && *p->at >= 0x20 && *p->at < 0x80 && *p->at != '"' && *p->at != '\\') p->at++;
        if (p->at == p->end) return bad(p, "");
        if (*p->at == '"') {
            p->at++;
            return true;
        }
        if (*p->at == '\\') {
            *out_flags |= JSON_TOKEN_ESCAPED;
            if (!skip_escape(p)) return false;
        } else if (*p->at >= 0x80) {
            size_t len = utf8_char_len(slice_of(p->at, (size_t)(p->end - p->at)));

            if (!len) return fail(p, FAN_EFORMAT, "the text is not UTF-8");
            p->at += len;
        } else {
            return bad(p, "a control character in a string must be escaped");
        }
    }
}

static bool skip_digits(struct parser *p)
{
    const uint8_t *from = p->at;

    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
    return p->at > from ? true : bad(p, "a digit was expected");
}

static bool skip_number(struct parser *p)
{
    if (*p->at == '-') p->at++;
    if (p->at < p->end && *p->at == '0') {
        p->at++;
        if (p->at < p->end && *p->at >= '0' && *p->at <= '9') return bad(p, "a number has a leading zero");
    } else if (!skip_digits(p)) {
        return false;
    }
    if (p->at < p->end && *p->at == '.') {
        p->at++;
        if (!skip_digits(p)) return false;
    }
    if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
        p->at++;
        if (p->at < p->end && (*p->at == '+' || *p->at == '-')) p->at++;
        if (!skip_digits(p)) return false;
    }
    return true;
}

static bool read_word(struct parser *p, struct slice word, enum json_kind kind)
{
    const uint8_t *from = p->at;

    for (size_t i = 0; i < word.len; i++, p->at++)
        if (p->at == p->end || *p->at != word.at[i]) return bad(p, "a value was expected");
    return push_child(p, kind, from, 0);
}

static bool open_container(struct parser *p, enum json_kind kind)
{
    uint32_t around = p->open, index = (uint32_t)p->count;

    if (p->depth == p->depth_max) return fail(p, FAN_ELIMIT, "nested too deep");
    if (!push_child(p, kind, p->at, 0)) return false;
    p->depth++;
    p->at++;
    p->tokens[index].next = around;
    p->open = index;
    return true;
}

static void close_container(struct parser *p)
{
    struct json_token *c = &p->tokens[p->open];

    p->at++;
    if (c->len) p->tokens[c->len].flags |= JSON_TOKEN_LAST;
    p->open = c->next;
    p->depth--;
    c->len = (uint32_t)(p->at - p->begin) - c->at;
    c->next = (uint32_t)p->count;
}

/* A whole scalar, or the opening of a container. */
static inline bool read_value(struct parser *p)
{
    const uint8_t *from;
    unsigned flags;

    skip_space(p);
    from = p->at;
    if (p->at == p->end) return bad(p, "");
    switch (*p->at) {
    case '{':
        return open_container(p, JSON_OBJECT);
    case '[':
        return open_container(p, JSON_ARRAY);
    case '"':
        return skip_string(p, &flags) && push_child(p, JSON_STRING, from, flags);
    case 't':
        return read_word(p, SLICE("true"), JSON_TRUE);
    case 'f':
        return read_word(p, SLICE("false"), JSON_FALSE);
    case 'n':
        return read_word(p, SLICE("null"), JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return skip_number(p) && push_child(p, JSON_NUMBER, from, 0);
    default:
        return bad(p, "a value was expected");
    }
}

static inline bool read_key(struct parser *p)
{
    const uint8_t *from;
    unsigned flags;

    skip_space(p);
    from = p->at;
    if (p->at == p->end || *p->at != '"') return bad(p, "a key in quotes was expected");
    if (!skip_string(p, &flags) || !push(p, JSON_STRING, from, flags)) return false;
    skip_space(p);
    if (p->at == p->end || *p->at != ':') return bad(p, "':' was expected");
    p->at++;
    return true;
}

static inline uint8_t closer(const struct parser *p)
{
    return p->tokens[p->open].kind == JSON_OBJECT ? '}' : ']';
}

static bool parse_all(struct parser *p)
{
    for (;;) {
        uint32_t open = p->open;
        bool opened;

        if (open != NONE && p->tokens[open].kind == JSON_OBJECT && !read_key(p)) return false;
        if (!read_value(p)) return false;
        opened = p->open != open;
        for (;;) { /* behind a value, or just inside a container */
            skip_space(p);
            if (p->open == NONE) return p->at == p->end || bad(p, "something follows the value");
            if (p->at < p->end && *p->at == closer(p)) {
                close_container(p);
                opened = false;
                continue;
            }
            if (opened) break;
            if (p->at == p->end || *p->at != ',')
                return bad(p, closer(p) == '}' ? "',' or '}' was expected" : "',' or ']' was expected");
            p->at++;
            break;
        }
    }
}

enum fan_status json_parse(struct slice text, unsigned depth_max, struct arena *a, struct json *out,
                           struct fan_error *err)
{
    struct parser p = {
        .begin = text.at, .at = text.at, .end = text.at ? text.at + text.len : NULL, .arena = a, .open = NONE};
    struct json_doc *doc;

    if (text.len > INT32_MAX) return fan_error_set(err, FAN_ELIMIT, "%zu bytes are too many", text.len);
    p.depth_max = depth_max ? depth_max : JSON_DEPTH_MAX;
    doc = ARENA_NEW(a, struct json_doc);
    if (!doc) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    begin_tokens(&p);
    if (!parse_all(&p)) return fan_error_set(err, p.failed, "byte %zu: %s", (size_t)(p.at - p.begin), p.why);
    if (!p.carved) a->at = (uint8_t *)(p.tokens + p.count);
    *doc = (struct json_doc){.text = text, .tokens = p.tokens, .count = p.count};
    *out = (struct json){.doc = doc, .token = 0};
    return FAN_OK;
}
