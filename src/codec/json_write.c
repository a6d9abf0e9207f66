#include "codec/hex.h"
#include "codec/json.h"
#include "codec/utf8.h"

struct json_writer json_writer_of(struct buf *out)
{
    return (struct json_writer){.out = out};
}

/* Room for a comma and `more` bytes, the comma written where one is due. NULL once the buf has failed; else the caller
 * writes from there and adds what it wrote to out->len. */
static inline uint8_t *value(struct json_writer *w, size_t more)
{
    struct buf *b = w->out;

    if (!buf_reserve(b, more + 1)) return NULL;
    if (w->comma) b->at[b->len++] = ',';
    w->comma = true;
    return b->at + b->len;
}

static void put(struct json_writer *w, struct slice s)
{
    uint8_t *to = value(w, s.len);

    if (!to) return;
    if (s.len) memcpy(to, s.at, s.len);
    w->out->len += s.len;
}

void json_begin_object(struct json_writer *w)
{
    put(w, SLICE("{"));
    w->comma = false;
}

void json_end_object(struct json_writer *w)
{
    w->comma = true;
    buf_put(w->out, SLICE("}"));
}

void json_begin_array(struct json_writer *w)
{
    put(w, SLICE("["));
    w->comma = false;
}

void json_end_array(struct json_writer *w)
{
    w->comma = true;
    buf_put(w->out, SLICE("]"));
}

void json_put_key(struct json_writer *w, const char *key)
{
    size_t len = strlen(key);
    uint8_t *to = value(w, len + 3);

    if (!to) return;
    to[0] = '"';
    memcpy(to + 1, key, len);
    to[len + 1] = '"';
    to[len + 2] = ':';
    w->out->len += len + 3;
    w->comma = false;
}

void json_put_raw(struct json_writer *w, struct slice s)
{
    put(w, s);
}

void json_put_null(struct json_writer *w)
{
    put(w, SLICE("null"));
}

void json_put_bool(struct json_writer *w, bool v)
{
    put(w, v ? SLICE("true") : SLICE("false"));
}

void json_put_number(struct json_writer *w, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    put(w, slice_of(digits + at, sizeof digits - at));
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* One character that is not plain: what to write for it; *out_taken says how much of s it was. */
static struct slice escape(struct slice s, char room[6], size_t *out_taken)
{
    static const char digits[] = "0123456789abcdef";
    size_t len;

    *out_taken = 1;
    switch (s.at[0]) {
    case '"':
        return SLICE("\\\"");
    case '\\':
        return SLICE("\\\\");
    case '\b':
        return SLICE("\\b");
    case '\f':
        return SLICE("\\f");
    case '\n':
        return SLICE("\\n");
    case '\r':
        return SLICE("\\r");
    case '\t':
        return SLICE("\\t");
    default:
        break;
    }
    if (s.at[0] < 0x20) {
        memcpy(room, "\\u00", 4);
        room[4] = digits[s.at[0] >> 4];
        room[5] = digits[s.at[0] & 15];
        return slice_of(room, 6);
    }
    len = utf8_char_len(s);
    if (!len) return SLICE("\xef\xbf\xbd"); /* U+FFFD for each byte that is no UTF-8 */
    *out_taken = len;
    return slice_first(s, len);
}

void json_put_str(struct json_writer *w, struct slice text)
{
    put(w, SLICE("\""));
    while (text.len) {
        size_t plain = 0, taken;
        char room[6];

        while (plain < text.len && is_plain(text.at[plain])) plain++;
        buf_put(w->out, slice_first(text, plain));
        text = slice_from(text, plain);
        if (!text.len) break;
        buf_put(w->out, escape(text, room, &taken));
        text = slice_from(text, taken);
    }
    buf_put(w->out, SLICE("\""));
}

void json_put_text(struct json_writer *w, const char *text)
{
    json_put_str(w, slice_str(text));
}

void json_put_data(struct json_writer *w, struct slice bytes)
{
    uint8_t *to = bytes.len > SIZE_MAX / 4 ? value(w, SIZE_MAX / 2) : value(w, 2 * bytes.len + 4);

    if (!to) return;
    memcpy(to, "\"0x", 3);
    hex_encode(bytes, (char *)to + 3);
    to[3 + 2 * bytes.len] = '"';
    w->out->len += 2 * bytes.len + 4;
}

void json_put_data_key(struct json_writer *w, struct slice bytes)
{
    json_put_data(w, bytes);
    buf_put_byte(w->out, ':');
    w->comma = false;
}

void json_put_u64(struct json_writer *w, uint64_t v)
{
    uint8_t *to = value(w, 20);
    size_t len;

    if (!to) return;
    to[0] = '"';
    len = hex_write_u64(v, (char *)to + 1);
    to[1 + len] = '"';
    w->out->len += len + 2;
}

void json_put_u256(struct json_writer *w, const struct fan_u256 *v)
{
    uint8_t *to = value(w, 68);
    size_t len;

    if (!to) return;
    to[0] = '"';
    len = hex_write_u256(v, (char *)to + 1);
    to[1 + len] = '"';
    w->out->len += len + 2;
}

void json_put_hash(struct json_writer *w, const struct fan_hash *h)
{
    json_put_data(w, slice_of(h->bytes, sizeof h->bytes));
}

void json_put_address(struct json_writer *w, const struct fan_address *a)
{
    json_put_data(w, slice_of(a->bytes, sizeof a->bytes));
}
