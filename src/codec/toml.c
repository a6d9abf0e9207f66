#include "codec/toml.h"

#include <inttypes.h>
#include <stdio.h>

#include "codec/utf8.h"

enum { INTEGER_CHARS = 24 };

struct reader {
    struct slice text;
    size_t at, line;
    struct arena *a;
    struct fan_error *err;
    struct toml_item *items;
    size_t count;
    struct slice tables[TOML_ITEMS_MAX]; /* headers so far: each may stand once */
    size_t table_count;
};

static enum fan_status wrong(struct reader *r, const char *what)
{
    return fan_error_set(r->err, FAN_EFORMAT, "line %zu: %s", r->line, what);
}

static enum fan_status no_memory(struct reader *r)
{
    return fan_error_set(r->err, FAN_ENOMEM, "out of memory");
}

/* The byte `ahead` of where we are; 0 behind the end (a NUL in the text is refused before). */
static uint8_t look(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.at[r->at + ahead] : 0;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_bare(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static void skip_blanks(struct reader *r)
{
    while (look(r, 0) == ' ' || look(r, 0) == '\t') r->at++;
}

static bool at_newline(const struct reader *r)
{
    return look(r, 0) == '\n' || (look(r, 0) == '\r' && look(r, 1) == '\n');
}

static void skip_newline(struct reader *r)
{
    r->at += look(r, 0) == '\r' ? 2 : 1;
    r->line++;
}

static void skip_comment(struct reader *r)
{
    if (look(r, 0) != '#') return;
    while (r->at < r->text.len && !at_newline(r)) r->at++;
}

/* Blanks, comments and line ends, as between the elements of an array. */
static void skip_space(struct reader *r)
{
    for (;;) {
        skip_blanks(r);
        skip_comment(r);
        if (!at_newline(r)) return;
        skip_newline(r);
    }
}

/* ---- strings ---- */

static bool hex_digits(const struct reader *r, size_t count, uint32_t *out)
{
    uint32_t v = 0;

    for (size_t i = 0; i < count; i++) {
        uint8_t c = look(r, i), lower = c | 0x20;

        if (is_digit(c))
            v = v << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    *out = v;
    return true;
}

/* Behind a backslash. Writes what it stands for to *to and moves that on. */
static enum fan_status escape(struct reader *r, uint8_t **to)
{
    static const char letters[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
    uint8_t c = look(r, 0);
    const char *letter = c ? strchr(letters, c) : NULL;
    uint32_t scalar;

    if (letter) {
        *(*to)++ = (uint8_t)meant[letter - letters];
        r->at++;
        return FAN_OK;
    }
    if (c != 'u' && c != 'U') return wrong(r, "an escape that TOML does not know");
    r->at++;
    if (!hex_digits(r, c == 'u' ? 4 : 8, &scalar) || !scalar || scalar > 0x10ffff || (scalar >> 11) == 0x1b)
        return wrong(r, "\\u wants the four, \\U the eight digits of a character");
    *to += utf8_put(scalar, *to);
    r->at += c == 'u' ? 4 : 8;
    return FAN_OK;
}

/* A backslash at the end of a line takes that and all space in front of the next word away. */
static bool skip_folded(struct reader *r)
{
    size_t at = r->at, line = r->line;

    skip_blanks(r);
    if (!at_newline(r)) {
        r->at = at;
        r->line = line;
        return false;
    }
    while (at_newline(r)) {
        skip_newline(r);
        skip_blanks(r);
    }
    return true;
}

static bool at_close(const struct reader *r, uint8_t quote, bool many)
{
    return look(r, 0) == quote && (!many || (look(r, 1) == quote && look(r, 2) == quote));
}

/* How many bytes stand before the closing marks, an upper bound of what they say; up to the end where there are none.
 */
static size_t written_len(const struct reader *r, size_t start, uint8_t quote, bool many)
{
    size_t i = start;

    for (; i < r->text.len; i++) {
        bool close = r->text.at[i] == quote;

        if (close && many) close = i + 2 < r->text.len && r->text.at[i + 1] == quote && r->text.at[i + 2] == quote;
        if (close) break;
        if (quote == '"' && r->text.at[i] == '\\') i++;
    }
    return (i < r->text.len ? i : r->text.len) - start;
}

/* The quotation mark is where we are. */
static enum fan_status read_string(struct reader *r, bool many_allowed, struct slice *out)
{
    uint8_t quote = look(r, 0), *start, *to;
    bool many = look(r, 1) == quote && look(r, 2) == quote;
    enum fan_status s;

    if (many && !many_allowed) return wrong(r, "a key cannot be a string of many lines");
    r->at += many ? 3 : 1;
    start = to =
        arena_bytes(r->a, written_len(r, r->at, quote, many) + 2); /* two marks may stand before the closing three */
    if (!start) return no_memory(r);
    if (many && at_newline(r)) skip_newline(r);
    for (;;) {
        uint8_t c = look(r, 0);

        if (r->at >= r->text.len) return wrong(r, "a string without an end");
        if (at_close(r, quote, many)) {
            r->at += many ? 3 : 1;
            for (int more = 0; many && more < 2 && look(r, 0) == quote; more++, r->at++) *to++ = quote;
            break;
        }
        if (at_newline(r)) {
            if (!many) return wrong(r, "a string that ends with the line");
            if (c == '\r') *to++ = '\r';
            *to++ = '\n';
            skip_newline(r);
            continue;
        }
        if ((c < 0x20 && c != '\t') || c == 0x7f) return wrong(r, "a control character in a string");
        r->at++;
        if (c != '\\' || quote == '\'') {
            *to++ = c;
            continue;
        }
        if (many && skip_folded(r)) continue;
        s = escape(r, &to);
        if (s) return s;
    }
    *out = slice_of(start, (size_t)(to - start));
    return FAN_OK;
}

/* ---- keys ---- */

static enum fan_status key_part(struct reader *r, struct slice *out)
{
    size_t start = r->at;

    if (look(r, 0) == '"' || look(r, 0) == '\'') return read_string(r, false, out);
    while (is_bare(look(r, 0))) r->at++;
    if (r->at == start) return wrong(r, "a key was expected");
    *out = slice_of(r->text.at + start, r->at - start);
    return FAN_OK;
}

static enum fan_status join(struct reader *r, struct slice a, struct slice b, struct slice *out)
{
    uint8_t *to;

    if (!a.len) {
        *out = b;
        return FAN_OK;
    }
    to = arena_bytes(r->a, a.len + b.len + 1);
    if (!to) return no_memory(r);
    memcpy(to, a.at, a.len);
    to[a.len] = '.';
    if (b.len) memcpy(to + a.len + 1, b.at, b.len);
    *out = slice_of(to, a.len + b.len + 1);
    return FAN_OK;
}

static enum fan_status read_key(struct reader *r, struct slice table, struct slice *out)
{
    struct slice part;
    enum fan_status s;

    for (;;) {
        s = key_part(r, &part);
        if (!s) s = join(r, table, part, &table);
        if (s) return s;
        skip_blanks(r);
        if (look(r, 0) != '.') break;
        r->at++;
        skip_blanks(r);
    }
    *out = table;
    return FAN_OK;
}

/* ---- values ---- */

/* Digits of a base with single underscores between them; false when there are none or they stand wrongly. */
static bool read_digits(struct slice word, unsigned base, uint64_t *out, bool *too_large)
{
    uint64_t v = 0;
    bool last_digit = false;

    *too_large = false;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.at[i], lower = c | 0x20;
        unsigned digit = is_digit(c)                    ? (unsigned)(c - '0')
                         : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a' + 10)
                                                        : 99;

        if (c == '_' && last_digit) {
            last_digit = false;
            continue;
        }
        if (digit >= base) return false;
        if (v > (UINT64_MAX - digit) / base) *too_large = true;
        v = v * base + digit;
        last_digit = true;
    }
    *out = v;
    return last_digit;
}

static enum fan_status whole_number(struct reader *r, struct slice word, struct toml_item *out)
{
    bool negative = word.at[0] == '-', sign = negative || word.at[0] == '+', too_large;
    struct slice digits = slice_from(word, sign);
    unsigned base = 10;
    uint8_t *to;
    size_t len;
    uint64_t v;

    if (!sign && digits.len > 2 && digits.at[0] == '0') {
        base = digits.at[1] == 'x' ? 16 : digits.at[1] == 'o' ? 8 : digits.at[1] == 'b' ? 2 : 10;
        if (base != 10) digits = slice_from(digits, 2);
    }
    if (!read_digits(digits, base, &v, &too_large)) return wrong(r, "a value that is no string, number or truth value");
    if (base == 10 && digits.len > 1 && digits.at[0] == '0') return wrong(r, "a number with a leading zero");
    if (too_large) return wrong(r, "a number beyond 64 bits");
    to = arena_bytes(r->a, INTEGER_CHARS);
    if (!to) return no_memory(r);
    len = (size_t)snprintf((char *)to, INTEGER_CHARS, "%s%" PRIu64, negative ? "-" : "", v);
    out->kind = TOML_INTEGER;
    out->text = slice_of(to, len);
    return FAN_OK;
}

/* Sign, digits, then a fraction, an exponent or both; `word` is known to have a point or an e. */
static enum fan_status floating_number(struct reader *r, struct slice word, struct toml_item *out)
{
    uint8_t *to = arena_bytes(r->a, word.len), *start = to;
    size_t i = word.at[0] == '-' || word.at[0] == '+', whole = i;
    bool point = false, exponent = false, digit = false;

    if (!to) return no_memory(r);
    if (word.at[0] == '-') *to++ = '-';
    for (; i < word.len; i++) {
        uint8_t c = word.at[i];
        bool last = i + 1 == word.len;

        if (is_digit(c))
            digit = true;
        else if (c == '_' && digit && !last && is_digit(word.at[i + 1]))
            continue;
        else if (c == '.' && digit && !point && !exponent && !last) {
            point = true;
            digit = false;
        } else if ((c == 'e' || c == 'E') && digit && !exponent && !last) {
            exponent = true;
            digit = false;
        } else if (!((c == '+' || c == '-') && exponent && !digit && !last && (word.at[i - 1] | 0x20) == 'e')) {
            return wrong(r, "a number that TOML does not know");
        }
        *to++ = c;
    }
    if (!digit) return wrong(r, "a number that TOML does not know");
    if (word.at[whole] == '0' && whole + 1 < word.len && is_digit(word.at[whole + 1]))
        return wrong(r, "a number with a leading zero");
    out->kind = TOML_FLOAT;
    out->text = slice_of(start, (size_t)(to - start));
    return FAN_OK;
}

static bool looks_like_date(struct slice w)
{
    return (w.len >= 5 && is_digit(w.at[0]) && is_digit(w.at[1]) && is_digit(w.at[2]) && is_digit(w.at[3]) &&
            w.at[4] == '-') ||
           (w.len >= 3 && is_digit(w.at[0]) && is_digit(w.at[1]) && w.at[2] == ':');
}

static enum fan_status read_word(struct reader *r, struct toml_item *out)
{
    size_t start = r->at;
    struct slice word;
    bool fraction = false;

    while (is_bare(look(r, 0)) || look(r, 0) == '+' || look(r, 0) == '.' || look(r, 0) == ':') r->at++;
    word = slice_of(r->text.at + start, r->at - start);
    if (!word.len) return wrong(r, "a value was expected");
    if (slice_eq_str(word, "true") || slice_eq_str(word, "false")) {
        out->kind = TOML_BOOLEAN;
        out->text = word;
        return FAN_OK;
    }
    if (looks_like_date(word)) return wrong(r, "a date, which no option takes");
    if (word.len == 1 && !is_digit(word.at[0])) return wrong(r, "a value that is no string, number or truth value");
    for (size_t i = 0; i < word.len; i++) fraction = fraction || word.at[i] == '.' || (word.at[i] | 0x20) == 'e';
    if (slice_starts(word, SLICE("0x")) || !fraction) return whole_number(r, word, out);
    return floating_number(r, word, out);
}

static enum fan_status read_array(struct reader *r, struct toml_item *out)
{
    struct slice *items = NULL;
    size_t count = 0, cap = 0;
    enum fan_status s;

    r->at++;
    for (;;) {
        struct toml_item element = {0};

        skip_space(r);
        if (look(r, 0) == ']') break;
        if (look(r, 0) == '[' || look(r, 0) == '{') return wrong(r, "an array inside an array, which no option takes");
        if (look(r, 0) == '"' || look(r, 0) == '\'')
            s = read_string(r, true, &element.text);
        else
            s = read_word(r, &element);
        if (s) return s;
        if (count == TOML_ITEMS_MAX)
            return fan_error_set(r->err, FAN_ELIMIT, "line %zu: more than %d elements", r->line, TOML_ITEMS_MAX);
        if (count == cap) {
            struct slice *more = ARENA_ARRAY(r->a, cap ? cap * 2 : 8, struct slice);

            if (!more) return no_memory(r);
            if (count) memcpy(more, items, count * sizeof *items);
            items = more;
            cap = cap ? cap * 2 : 8;
        }
        items[count++] = element.text;
        skip_space(r);
        if (look(r, 0) == ',')
            r->at++;
        else if (look(r, 0) != ']')
            return wrong(r, "an array wants a comma or its end");
    }
    r->at++;
    out->kind = TOML_ARRAY;
    out->items = items;
    out->item_count = count;
    return FAN_OK;
}

static enum fan_status put(struct reader *r, struct toml_item item)
{
    for (size_t i = 0; i < r->count; i++) {
        struct slice old = r->items[i].key, longer = old.len > item.key.len ? old : item.key,
                     shorter = old.len > item.key.len ? item.key : old;

        if (slice_eq(old, item.key))
            return fan_error_set(r->err, FAN_EFORMAT, "line %zu: \"%.*s\" stands on line %zu already", item.line,
                                 SLICE_ARGS(item.key), r->items[i].line);
        if (slice_starts(longer, shorter) && longer.at[shorter.len] == '.')
            return fan_error_set(r->err, FAN_EFORMAT, "line %zu: \"%.*s\" is a value and a table, see line %zu",
                                 item.line, SLICE_ARGS(shorter), r->items[i].line);
    }
    if (r->count == TOML_ITEMS_MAX)
        return fan_error_set(r->err, FAN_ELIMIT, "line %zu: more than %d keys", item.line, TOML_ITEMS_MAX);
    r->items[r->count++] = item;
    return FAN_OK;
}

/* key = value, the key inside `table`. An inline table is its keys; they nest as deep as the grammar of options goes.
 */
static enum fan_status read_pair(struct reader *r, struct slice table, unsigned depth)
{
    struct toml_item item = {.line = r->line};
    enum fan_status s = read_key(r, table, &item.key);

    if (s) return s;
    if (look(r, 0) != '=') return wrong(r, "a key wants = and a value behind it");
    r->at++;
    skip_blanks(r);
    switch (look(r, 0)) {
    case '"':
    case '\'':
        item.kind = TOML_STRING;
        s = read_string(r, true, &item.text);
        break;
    case '[':
        s = read_array(r, &item);
        break;
    case '{':
        if (depth == TOML_DEPTH_MAX) return wrong(r, "tables nested too deep");
        r->at++;
        skip_blanks(r);
        while (look(r, 0) != '}') {
            s = read_pair(r, item.key, depth + 1);
            if (s) return s;
            skip_blanks(r);
            if (look(r, 0) == '}') break;
            if (look(r, 0) != ',') return wrong(r, "an inline table wants a comma or its end on the same line");
            r->at++;
            skip_blanks(r);
            if (look(r, 0) == '}') return wrong(r, "an inline table ends without a comma");
        }
        r->at++;
        return FAN_OK;
    default:
        s = read_word(r, &item);
    }
    return s ? s : put(r, item);
}

static enum fan_status read_header(struct reader *r, struct slice *out)
{
    enum fan_status s;

    if (look(r, 1) == '[') return wrong(r, "an array of tables, which no option takes");
    r->at++;
    skip_blanks(r);
    s = read_key(r, slice_of(NULL, 0), out);
    if (s) return s;
    if (look(r, 0) != ']') return wrong(r, "a table's name wants ] behind it");
    r->at++;
    for (size_t i = 0; i < r->table_count; i++)
        if (slice_eq(r->tables[i], *out))
            return fan_error_set(r->err, FAN_EFORMAT, "line %zu: the table [%.*s] stands twice", r->line,
                                 SLICE_ARGS(*out));
    if (r->table_count == TOML_ITEMS_MAX)
        return fan_error_set(r->err, FAN_ELIMIT, "line %zu: more than %d tables", r->line, TOML_ITEMS_MAX);
    r->tables[r->table_count++] = *out;
    return FAN_OK;
}

static enum fan_status read_lines(struct reader *r)
{
    struct slice table = {0};
    enum fan_status s;

    for (;;) {
        skip_space(r);
        if (r->at >= r->text.len) return FAN_OK;
        s = look(r, 0) == '[' ? read_header(r, &table) : read_pair(r, table, 0);
        if (s) return s;
        skip_blanks(r);
        skip_comment(r);
        if (r->at < r->text.len && !at_newline(r))
            return wrong(r, "something behind a value; the line should end there");
    }
}

enum fan_status toml_read(struct slice text, struct arena *a, const struct toml_item **out, size_t *out_count,
                          struct fan_error *err)
{
    struct reader *r = ARENA_ARRAY(a, 1, struct reader);
    enum fan_status s;

    if (!r) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (slice_starts(text, SLICE("\xef\xbb\xbf"))) text = slice_from(text, 3); /* a byte order mark */
    *r = (struct reader){.text = text, .line = 1, .a = a, .err = err};
    r->items = ARENA_ARRAY(a, TOML_ITEMS_MAX, struct toml_item);
    if (!r->items) return no_memory(r);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        if (c == '\n')
            r->line++;
        else if ((c < 0x20 && c != '\t' && !(c == '\r' && i + 1 < text.len && text.at[i + 1] == '\n')) || c == 0x7f)
            return wrong(r, "a control character");
    }
    r->line = 1;
    if (utf8_check(UTF8_WHOLE, text) != UTF8_WHOLE) return fan_error_set(err, FAN_EFORMAT, "the file is not UTF-8");
    s = read_lines(r);
    if (s) return s;
    *out = r->items;
    *out_count = r->count;
    return FAN_OK;
}
