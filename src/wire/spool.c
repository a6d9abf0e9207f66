#include "wire/spool.h"

#include <stdlib.h>

struct spool_piece {
    struct spool_piece *next, *prev;
    uint32_t text_len, len; /* the same: kept as it is */
    uint8_t bytes[];
};

struct spool {
    struct spool_piece *first, *last;
    size_t text_len, memory;
    struct deflater *deflater; /* while text is put */
    struct inflater *inflater; /* once text is taken */
    struct buf out;            /* what was taken last */
};

struct spool *spool_new(void)
{
    struct spool *s = calloc(1, sizeof *s);

    if (s) buf_init(&s->out, 0);
    return s;
}

static void drop(struct spool *s, struct spool_piece *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        s->first = p->next;
    if (p->next)
        p->next->prev = p->prev;
    else
        s->last = p->prev;
    s->text_len -= p->text_len;
    s->memory -= sizeof *p + p->len;
    free(p);
}

void spool_free(struct spool *s)
{
    if (!s) return;
    while (s->first) drop(s, s->first);
    spool_rest(s);
    inflater_free(s->inflater);
    buf_fini(&s->out);
    free(s);
}

void spool_rest(struct spool *s)
{
    deflater_free(s->deflater);
    s->deflater = NULL;
}

/* What is kept of the text: shorter, or itself. */
static struct slice kept_form(struct spool *s, struct slice text)
{
    struct slice deflated;

    if (text.len < DEFLATE_LEN_MIN) return text;
    if (!s->deflater) s->deflater = deflater_new();
    if (!s->deflater || deflater_run(s->deflater, DEFLATE_BITS_MAX, text, &deflated)) return text;
    return deflate_pays(text.len, deflated.len) ? deflated : text;
}

bool spool_put(struct spool *s, struct slice text)
{
    struct slice kept;
    struct spool_piece *p;

    assert(text.len <= SPOOL_PIECE_MAX);
    if (!text.len) return true;
    kept = kept_form(s, text);
    p = malloc(sizeof *p + kept.len);
    if (!p) return false;
    *p = (struct spool_piece){.prev = s->last, .text_len = (uint32_t)text.len, .len = (uint32_t)kept.len};
    memcpy(p->bytes, kept.at, kept.len);
    if (s->last)
        s->last->next = p;
    else
        s->first = p;
    s->last = p;
    s->text_len += text.len;
    s->memory += sizeof *p + p->len;
    return true;
}

size_t spool_len(const struct spool *s)
{
    return s->text_len;
}

size_t spool_memory(const struct spool *s)
{
    return s->memory;
}

/* ---- out ---- */

static bool is_deflated(const struct spool_piece *p)
{
    return p->len < p->text_len;
}

/* The piece's text in s->out. False: out of memory. */
static bool read_piece(struct spool *s, const struct spool_piece *p)
{
    enum inflate_result result;

    buf_reset(&s->out);
    if (!is_deflated(p)) {
        buf_put(&s->out, slice_of(p->bytes, p->len));
        return !s->out.failed;
    }
    if (!s->inflater) s->inflater = inflater_new();
    if (!s->inflater) return false;
    inflater_reset(s->inflater);
    result = inflater_feed(s->inflater, slice_of(p->bytes, p->len), SPOOL_PIECE_MAX, &s->out);
    assert(result == INFLATE_OK || result == INFLATE_NO_MEMORY);
    assert(result || s->out.len == p->text_len); /* we wrote it ourselves */
    return result == INFLATE_OK;
}

bool spool_cut(struct spool *s, size_t len, struct buf *rest)
{
    bool all = true;

    while (s->text_len > len) {
        struct spool_piece *p = s->last;
        size_t begin = s->text_len - p->text_len;

        if (begin < len) {
            all = read_piece(s, p);
            if (all) buf_put(rest, slice_first(buf_peek(&s->out), len - begin));
            all = all && !rest->failed;
        }
        drop(s, p);
    }
    return all;
}

bool spool_ready(struct spool *s)
{
    buf_reset(&s->out);
    if (!buf_reserve(&s->out, SPOOL_PIECE_MAX + 1)) return false;
    for (const struct spool_piece *p = s->first; p; p = p->next)
        if (is_deflated(p)) return read_piece(s, p); /* the inflater has its window from now on */
    return true;
}

struct slice spool_take(struct spool *s)
{
    bool read;

    if (!s->first) return slice_of(NULL, 0);
    read = read_piece(s, s->first);
    assert(read); /* spool_ready() */
    (void)read;
    drop(s, s->first);
    return buf_peek(&s->out);
}

void spool_drop(struct spool *s)
{
    if (s->first) drop(s, s->first);
}

struct slice spool_peek_deflated(const struct spool *s)
{
    if (!s->first || !is_deflated(s->first)) return slice_of(NULL, 0);
    return slice_of(s->first->bytes, s->first->len);
}

size_t spool_first_len(const struct spool *s)
{
    return s->first ? s->first->text_len : 0;
}
