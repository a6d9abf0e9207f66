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

void frame_share_unref(struct frame_share *s)
{
    if (!s || --s->count) return;
    assert(s->queued == 0);
    frame_unref(s->frame);
    free(s);
}
