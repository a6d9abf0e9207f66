#include "wire/http_body.h"

enum { SIZE, SIZE_SPACE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, END_CR, END_LF };

void http_body_begin(struct http_body *b, bool chunked, uint64_t len)
{
    b->chunked = chunked;
    b->state = SIZE;
    b->digits = 0;
    b->left = chunked ? 0 : len;
    b->extensions = 0;
    buf_reset(&b->bytes);
}

static struct http_verdict bad(const char *why)
{
    return (struct http_verdict){400, why};
}

static struct http_verdict too_long(void)
{
    return (struct http_verdict){413, "the body is too long"};
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Whatever may follow the digits of a chunk's size. */
static struct http_verdict behind_size(struct http_body *b, uint8_t c)
{
    if (c == '\r')
        b->state = SIZE_LF;
    else if (c == ';')
        b->state = EXTENSION;
    else if (c == ' ' || c == '\t')
        b->state = SIZE_SPACE; /* "bad whitespace", to be taken before a semicolon and before nothing else */
    else
        return bad("a chunk size is malformed");
    return (struct http_verdict){0};
}

static struct http_verdict size_digit(struct http_body *b, uint8_t c)
{
    int digit = hex_digit(c);

    if (digit < 0) return b->digits ? behind_size(b, c) : bad("a chunk size is missing");
    if (b->digits == 16) return bad("a chunk size has too many digits");
    b->digits++;
    b->left = b->left << 4 | (uint64_t)digit;
    return b->left > b->len_max - b->bytes.len ? too_long() : (struct http_verdict){0};
}

static struct http_verdict extension(struct http_body *b, uint8_t c)
{
    if (c == '\r') {
        if (b->state == SIZE_SPACE) return bad("a chunk size is followed by a space");
        b->state = SIZE_LF;
        return (struct http_verdict){0};
    }
    if (++b->extensions > b->extensions_max) return bad("chunk extensions are too long");
    if (b->state == SIZE_SPACE) {
        if (c == ';') b->state = EXTENSION;
        return c == ';' || c == ' ' || c == '\t' ? (struct http_verdict){0} : bad("a chunk size is malformed");
    }
    return (c < 0x20 && c != '\t') || c == 0x7f ? bad("a control character in a chunk extension")
                                                : (struct http_verdict){0};
}

/* One byte of the framing between the data. */
static struct http_verdict framing(struct http_body *b, uint8_t c)
{
    switch (b->state) {
    case SIZE:
        return size_digit(b, c);
    case SIZE_SPACE:
    case EXTENSION:
        return extension(b, c);
    case DATA_CR:
        if (c != '\r') return bad("a chunk is longer than its size");
        b->state = DATA_LF;
        return (struct http_verdict){0};
    case END_CR:
        if (c != '\r') return bad("trailers are not taken");
        b->state = END_LF;
        return (struct http_verdict){0};
    default:
        break;
    }
    if (c != '\n') return bad("a line of a chunk does not end in CR LF");
    if (b->state == SIZE_LF) {
        b->state = b->left ? DATA : END_CR;
    } else { /* DATA_LF: the next chunk. END_LF is not left again */
        if (b->state == DATA_LF) b->state = SIZE;
        b->digits = 0;
        b->left = 0;
    }
    return (struct http_verdict){0};
}

static struct http_verdict gather(struct http_body *b, struct slice bytes)
{
    buf_put(&b->bytes, bytes);
    b->left -= bytes.len;
    return b->bytes.failed ? (struct http_verdict){503, "out of memory"} : (struct http_verdict){0};
}

struct http_verdict http_body_feed(struct http_body *b, struct slice in, size_t *out_taken, bool *out_ends)
{
    struct http_verdict v = {0};
    size_t at = 0;

    *out_ends = !b->chunked && !b->left;
    while (at < in.len && !v.status && !*out_ends) {
        size_t part = (size_t)min_u64(b->left, in.len - at);

        if (!b->chunked) {
            v = gather(b, slice_of(in.at + at, part));
            at += part;
            *out_ends = !b->left;
        } else if (b->state == DATA) {
            v = gather(b, slice_of(in.at + at, part));
            at += part;
            if (!b->left) b->state = DATA_CR;
        } else {
            bool last = b->state == END_LF;

            v = framing(b, in.at[at++]);
            *out_ends = last && !v.status;
        }
    }
    *out_taken = at;
    return v;
}
