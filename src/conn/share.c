#include "conn/share.h"

#include <stdlib.h>

struct frame_share *frame_share_new(struct frame *f)
{
    struct frame_share *s = malloc(sizeof *s);

    if (!s) {
        frame_unref(f);
        return NULL;
    }
    *s = (struct frame_share){.frame = f, .count = 1};
    return s;
}

void frame_share_ref(struct frame_share *s)
{
    assert(s->count > 0);
    s->count++;
}

struct frame_share *frame_share_deflated(struct frame_share *s, unsigned bits, struct deflater *d, bool *out_fresh)
{
    struct frame_share **place = &s->deflated[bits - DEFLATE_BITS_MIN];
    struct frame *form;

    *out_fresh = false;
    if (*place) return *place;
    form = frame_deflated(s->frame, bits, d, out_fresh);
    *place = form == s->frame ? s : frame_share_new(frame_ref(form));
    return *place ? *place : s; /* without memory for one it leaves as it is */
}

struct frame_share *frame_share_line(struct frame_share *s)
{
    struct frame *form;

    if (s->line) return s->line;
    form = frame_line(s->frame);
    if (form) s->line = frame_share_new(frame_ref(form));
    return s->line;
}

void frame_share_unref(struct frame_share *s)
{
    if (!s || --s->count) return;
    assert(s->queued == 0);
    for (size_t i = 0; i < DEFLATE_BITS_COUNT; i++)
        if (s->deflated[i] != s) frame_share_unref(s->deflated[i]);
    frame_share_unref(s->line);
    frame_unref(s->frame);
    free(s);
}
