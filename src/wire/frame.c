#include "wire/frame.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/ref.h"
#include "wire/deflate.h"
#include "wire/ws.h"

struct frame {
    struct ref ref;
    _Atomic uint32_t waits; /* workers where it waits */
    size_t head_len, tail_len;
    size_t text_at; /* where in the head the text begins, behind a header; 0: the frame is no text */
    bool hole;
    pthread_mutex_t forming;                              /* of the forms below */
    _Atomic(struct frame *) deflated[DEFLATE_BITS_COUNT]; /* itself: it does not pay */
    _Atomic(struct frame *) line;
    uint8_t bytes[]; /* head, tail, and a line feed, which belongs to neither but ends the form without frames */
};

static enum fan_status join(struct slice before, struct slice head, struct slice tail, bool hole,
                            struct frame **out_frame)
{
    struct frame *f;

    if (head.len > SIZE_MAX / 4 || tail.len > SIZE_MAX / 4) return FAN_ENOMEM;
    f = malloc(sizeof *f + before.len + head.len + tail.len + 1);
    if (!f) return FAN_ENOMEM;
    if (pthread_mutex_init(&f->forming, NULL)) {
        free(f);
        return FAN_ENOMEM;
    }
    ref_init(&f->ref);
    atomic_init(&f->waits, 0);
    f->head_len = before.len + head.len;
    f->tail_len = tail.len;
    f->text_at = 0;
    for (size_t i = 0; i < DEFLATE_BITS_COUNT; i++) atomic_init(&f->deflated[i], NULL);
    atomic_init(&f->line, NULL);
    f->hole = hole;
    if (before.len) memcpy(f->bytes, before.at, before.len);
    if (head.len) memcpy(f->bytes + before.len, head.at, head.len);
    if (tail.len) memcpy(f->bytes + f->head_len, tail.at, tail.len);
    f->bytes[f->head_len + tail.len] = '\n';
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
    enum fan_status s = join(slice_of(header, header_len), head, tail, true, out_frame);

    if (!s) (*out_frame)->text_at = header_len;
    return s;
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
    if (!f || !ref_put(&f->ref)) return;
    for (size_t i = 0; i < DEFLATE_BITS_COUNT; i++) {
        struct frame *form = atomic_load_explicit(&f->deflated[i], memory_order_relaxed);

        if (form != f) frame_unref(form);
    }
    frame_unref(atomic_load_explicit(&f->line, memory_order_relaxed));
    (void)pthread_mutex_destroy(&f->forming);
    free(f);
}

/* ---- compressed forms ---- */

/* A header with RSV1, a stored block around the text and the hole, and the compressed tail. */
static enum fan_status join_deflated(const struct frame *f, struct slice tail, struct frame **out)
{
    struct slice text = slice_of(f->bytes + f->text_at, f->head_len - f->text_at);
    uint8_t before[WS_HEADER_MAX + DEFLATE_STORED_HEADER_LEN];
    size_t stored_len = text.len + FRAME_ID_LEN, before_len;

    before_len = ws_header_encode(WS_TEXT, DEFLATE_STORED_HEADER_LEN + (uint64_t)stored_len + tail.len, before);
    before[0] |= WS_RSV1;
    deflate_stored_header(stored_len, before + before_len);
    return join(slice_of(before, before_len + DEFLATE_STORED_HEADER_LEN), text, tail, true, out);
}

/* NULL: out of memory. */
static struct frame *deflate_frame(struct frame *f, unsigned bits, struct deflater *d)
{
    struct slice tail;
    struct frame *form;

    if (deflater_run(d, bits, frame_peek_tail(f), &tail) || join_deflated(f, tail, &form)) return NULL;
    if (deflate_pays(frame_len(f), frame_len(form))) return form;
    frame_unref(form);
    return f;
}

struct frame *frame_deflated(struct frame *f, unsigned bits, struct deflater *d, bool *out_fresh)
{
    _Atomic(struct frame *) *place = &f->deflated[bits - DEFLATE_BITS_MIN];
    struct frame *form;

    assert(bits >= DEFLATE_BITS_MIN && bits <= DEFLATE_BITS_MAX);
    *out_fresh = false;
    if (!f->text_at || f->tail_len < DEFLATE_LEN_MIN ||
        f->head_len - f->text_at + FRAME_ID_LEN > DEFLATE_STORED_LEN_MAX)
        return f;
    form = atomic_load_explicit(place, memory_order_acquire);
    if (form) return form;
    (void)pthread_mutex_lock(&f->forming);
    form = atomic_load_explicit(place, memory_order_relaxed);
    if (!form) {
        form = deflate_frame(f, bits, d);
        *out_fresh = form != NULL;
        atomic_store_explicit(place, form, memory_order_release);
    }
    (void)pthread_mutex_unlock(&f->forming);
    return form ? form : f;
}

/* ---- the form without frames ---- */

struct frame *frame_line(struct frame *f)
{
    struct frame *form = atomic_load_explicit(&f->line, memory_order_acquire);

    assert(f->text_at && f->hole);
    if (form) return form;
    (void)pthread_mutex_lock(&f->forming);
    form = atomic_load_explicit(&f->line, memory_order_relaxed);
    if (!form && !join(slice_of(NULL, 0), slice_of(f->bytes + f->text_at, f->head_len - f->text_at),
                       slice_of(f->bytes + f->head_len, f->tail_len + 1), true, &form))
        atomic_store_explicit(&f->line, form, memory_order_release);
    (void)pthread_mutex_unlock(&f->forming);
    return form;
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
