/* buf: bytes being written, growing up to a limit.
 *
 * Writers never check: a buf that could not grow remembers it (`failed`) and ignores what
 * follows, so an encoder is a straight line and its caller asks once, at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

struct buf {
    uint8_t *at;
    size_t len, cap;
    size_t len_max;         /* 0 means no limit */
    enum fan_status failed; /* FAN_OK, FAN_ENOMEM or FAN_ELIMIT; then len no longer moves */
};

void buf_init(struct buf *b, size_t len_max);
void buf_fini(struct buf *b); /* zeroed or initialised; afterwards empty and usable again */
/* Empties it and keeps the memory; forgets a failure. */
void buf_reset(struct buf *b);
/* Room for `more` further bytes. False when it failed, now or before. */
bool buf_reserve(struct buf *b, size_t more);
/* What buf_put() does where there is no room yet. */
void buf_put_growing(struct buf *b, struct slice s);

/* Here, since an encoder is mostly this: an answer's head and a block's JSON are hundreds of short pieces. */
static inline void buf_put(struct buf *b, struct slice s)
{
    if (b->failed || s.len > b->cap - b->len || (b->len_max && s.len > b->len_max - b->len)) {
        buf_put_growing(b, s);
        return;
    }
    if (s.len) memcpy(b->at + b->len, s.at, s.len);
    b->len += s.len;
}

static inline void buf_put_byte(struct buf *b, uint8_t byte)
{
    buf_put(b, slice_of(&byte, 1));
}

void buf_put_str(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) FAN_PRINTF(2, 3);
/* units / 10^places, exactly and no longer than that takes: 1500 with 3 places is "1.5". The point is a point whatever
 * locale the host of our library has set, which is more than printf() can promise. places ≤ 19. */
void buf_put_decimal(struct buf *b, uint64_t units, unsigned places);

/* Borrowed until the buf next changes. */
static inline struct slice buf_peek(const struct buf *b)
{
    return slice_of(b->at, b->len);
}

/* The bytes move to the caller, who frees them with free(); the buf is empty afterwards. */
uint8_t *buf_take(struct buf *b, size_t *out_len);

#endif
