#include "wire/json_stream.h"

enum { KINDS_MAX = 64 };

/* What becomes of the value with one more byte. */
enum step { GOES_ON, ENDS_WITH, ENDS_BEFORE, BREAKS };

void json_stream_init(struct json_stream *s, size_t len_max)
{
    assert(len_max < UINT32_MAX);
    *s = (struct json_stream){.value_len_max = len_max};
    buf_init(&s->held, 0);
}

void json_stream_fini(struct json_stream *s)
{
    buf_fini(&s->held);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static enum step open_bracket(struct json_stream *s, bool object)
{
    if (s->depth == UINT32_MAX) return BREAKS;
    if (s->depth < KINDS_MAX) {
        s->objects &= ~((uint64_t)1 << s->depth);
        s->objects |= (uint64_t)object << s->depth;
    }
    s->depth++;
    return GOES_ON;
}

static enum step close_bracket(struct json_stream *s, bool object)
{
    if (!s->depth) return s->value_len ? ENDS_BEFORE : BREAKS; /* behind a number: the next value begins wrongly */
    s->depth--;
    if (s->depth < KINDS_MAX && (s->objects >> s->depth & 1) != object) return BREAKS;
    return s->depth ? GOES_ON : ENDS_WITH;
}

static enum step step(struct json_stream *s, uint8_t c)
{
    bool begins = s->value_len == 0;

    if (s->string) {
        if (s->escape)
            s->escape = false;
        else if (c == '\\')
            s->escape = true;
        else if (c == '"')
            s->string = false;
        return s->string || s->depth ? GOES_ON : ENDS_WITH;
    }
    switch (c) {
    case '{':
    case '[':
        return !begins && !s->depth ? ENDS_BEFORE : open_bracket(s, c == '{');
    case '}':
    case ']':
        return close_bracket(s, c == '}');
    case '"':
        if (!begins && !s->depth) return ENDS_BEFORE;
        s->string = true;
        return GOES_ON;
    case ',':
    case ':':
        return s->depth ? GOES_ON : begins ? BREAKS : ENDS_BEFORE;
    default:
        if (s->depth) return GOES_ON;
        if (is_space(c)) return ENDS_BEFORE;
        /* A number or one of three words; whether it is spelled well, the parser says. */
        if (begins && c != '-' && (c < '0' || c > '9') && c != 't' && c != 'f' && c != 'n') return BREAKS;
        return GOES_ON;
    }
}

static enum json_stream_event end_for_good(struct json_stream *s, enum json_stream_event why, size_t len,
                                           size_t *out_taken)
{
    s->ended = (uint8_t)why;
    buf_fini(&s->held);
    *out_taken = len;
    return why;
}

/* The value is complete: what is held of it and in[from, to). */
static enum json_stream_event got(struct json_stream *s, struct slice in, size_t from, size_t to, size_t *out_taken,
                                  struct slice *out_value)
{
    s->value_len = 0;
    *out_value = slice_of(in.at + from, to - from);
    if (s->held.len) {
        buf_put(&s->held, *out_value);
        if (s->held.failed) return end_for_good(s, JSON_STREAM_NO_MEMORY, in.len, out_taken);
        *out_value = buf_peek(&s->held);
        s->lent = true;
    }
    *out_taken = to;
    return JSON_STREAM_GOT_VALUE;
}

enum json_stream_event json_stream_feed(struct json_stream *s, struct slice in, size_t *out_taken,
                                        struct slice *out_value)
{
    size_t from = 0;

    if (s->ended) {
        *out_taken = in.len;
        return (enum json_stream_event)s->ended;
    }
    json_stream_trim(s);
    if (!s->value_len)
        while (from < in.len && is_space(in.at[from])) from++;
    for (size_t at = from; at < in.len; at++) {
        enum step how = step(s, in.at[at]);

        if (how == BREAKS) return end_for_good(s, JSON_STREAM_BROKEN, in.len, out_taken);
        if (how == ENDS_BEFORE) return got(s, in, from, at, out_taken, out_value);
        if (++s->value_len > s->value_len_max) return end_for_good(s, JSON_STREAM_TOO_LONG, in.len, out_taken);
        if (how == ENDS_WITH) return got(s, in, from, at + 1, out_taken, out_value);
    }
    buf_put(&s->held, slice_from(in, from));
    if (s->held.failed) return end_for_good(s, JSON_STREAM_NO_MEMORY, in.len, out_taken);
    *out_taken = in.len;
    return JSON_STREAM_NEEDS_MORE;
}

void json_stream_trim(struct json_stream *s)
{
    if (!s->lent) return;
    s->lent = false;
    buf_fini(&s->held);
}
