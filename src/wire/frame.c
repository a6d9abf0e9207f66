#include "wire/frame.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/ref.h"
#include "wire/ws.h"

struct frame {
    struct ref ref;
    _Atomic uint32_t waits; /* workers where it waits */
    size_t head_len, tail_len;
    bool hole;
    uint8_t bytes[]; /* head, then tail */
};

static enum fan_status join(struct slice before, struct slice head, struct slice tail, bool hole,
                            struct frame **out_frame)
{
    struct frame *f;

    if (head.len > SIZE_MAX / 4 || tail.len > SIZE_MAX / 4) return FAN_ENOMEM;
    f = malloc(sizeof *f + before.len + head.len + tail.len);
    if (!f) return FAN_ENOMEM;
    ref_init(&f->ref);
    atomic_init(&f->waits, 0);
    f->head_len = before.len + head.len;
    f->tail_len = tail.len;
    f->hole = hole;
    if (before.len) memcpy(f->bytes, before.at, before.len);
    if (head.len) memcpy(f->bytes + before.len, head.at, head.len);
    if (tail.len) memcpy(f->bytes + f->head_len, tail.at, tail.len);
    *out_frame = f;
    return FAN_OK;
}

enum fan_status frame_new(struct slice head, struct slice tail, struct frame **out_frame)
{
    return join(slice_of(NULL, 0), head, tail, true, out_frame);
}

enum fan_status frame_new_text(struct slice head, struct slice tail, struct frame **out_frame)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = ws_header_encode(WS_TEXT, (uint64_t)head.len + FRAME_ID_LEN + tail.len, header);

    return join(slice_of(header, header_len), head, tail, true, out_frame);
}

enum fan_status frame_new_plain(struct slice bytes, struct frame **out_frame)
{
    return join(slice_of(NULL, 0), bytes, slice_of(NULL, 0), false, out_frame);
}

struct frame *frame_ref(struct frame *f)
{
    ref_get(&f->ref);
    return f;
}

void frame_unref(struct frame *f)
{
    if (f && ref_put(&f->ref)) free(f);
}

bool frame_wait_begin(struct frame *f)
{
    return atomic_fetch_add_explicit(&f->waits, 1, memory_order_relaxed) == 0;
}

bool frame_wait_end(struct frame *f)
{
    return atomic_fetch_sub_explicit(&f->waits, 1, memory_order_relaxed) == 1;
}

struct slice frame_peek_head(const struct frame *f)
{
    return slice_of(f->bytes, f->head_len);
}

struct slice frame_peek_tail(const struct frame *f)
{
    return slice_of(f->bytes + f->head_len, f->tail_len);
}

bool frame_has_hole(const struct frame *f)
{
    return f->hole;
}

size_t frame_len(const struct frame *f)
{
    return f->head_len + (f->hole ? FRAME_ID_LEN : 0) + f->tail_len;
}
