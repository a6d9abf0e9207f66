#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t len_max)
{
    *b = (struct buf){.len_max = len_max};
}

void buf_fini(struct buf *b)
{
    size_t len_max = b->len_max;

    free(b->at);
    buf_init(b, len_max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = FAN_OK;
}

bool buf_reserve(struct buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : 256;
    uint8_t *p;

    if (b->failed) return false;
    if (more > SIZE_MAX / 4 - b->len || (b->len_max && more > b->len_max - b->len)) {
        b->failed = FAN_ELIMIT;
        return false;
    }
    if (more <= b->cap - b->len) return true;
    while (cap < b->len + more) cap *= 2;
    p = realloc(b->at, cap);
    if (!p) {
        b->failed = FAN_ENOMEM;
        return false;
    }
    b->at = p;
    b->cap = cap;
    return true;
}

void buf_put_growing(struct buf *b, struct slice s)
{
    if (!s.len || !buf_reserve(b, s.len)) return;
    memcpy(b->at + b->len, s.at, s.len);
    b->len += s.len;
}

void buf_put_str(struct buf *b, const char *text)
{
    buf_put(b, slice_str(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len >= 0 && buf_reserve(b, (size_t)len + 1)) {
        (void)vsnprintf((char *)b->at + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

uint8_t *buf_take(struct buf *b, size_t *out_len)
{
    uint8_t *p = b->at;

    *out_len = b->len;
    b->at = NULL;
    buf_fini(b);
    return p;
}

void buf_put_decimal(struct buf *b, uint64_t units, unsigned places)
{
    char digits[24];
    int len, whole;

    assert(places <= 19);
    len = snprintf(digits, sizeof digits, "%0*llu", (int)places + 1, (unsigned long long)units);
    whole = len - (int)places;
    while (len > whole && digits[len - 1] == '0') len--;
    buf_put(b, slice_of(digits, (size_t)whole));
    if (len == whole) return;
    buf_put_byte(b, '.');
    buf_put(b, slice_of(digits + whole, (size_t)(len - whole)));
}
