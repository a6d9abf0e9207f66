#include "conn/outbox.h"

#include <stdlib.h>

enum { ENTRIES_PER_SLAB = 255, BLOCKS_PER_SLAB = 16 };

union out_block {
    union out_block *next;
    uint8_t bytes[OUT_BLOCK_LEN];
};

/* What was allocated at once; given back when the worker ends. */
struct out_slab {
    struct out_slab *next;
    _Alignas(64) union {
        struct out_entry entries[ENTRIES_PER_SLAB];
        union out_block blocks[BLOCKS_PER_SLAB];
    } of;
};

/* ---- the pool ---- */

void out_pool_init(struct out_pool *p)
{
    *p = (struct out_pool){0};
}

void out_pool_fini(struct out_pool *p)
{
    while (p->slabs) {
        struct out_slab *slab = p->slabs;

        p->slabs = slab->next;
        free(slab);
    }
    *p = (struct out_pool){0};
}

static struct out_slab *slab_new(struct out_pool *p)
{
    struct out_slab *slab = aligned_alloc(64, sizeof *slab);

    if (!slab) return NULL;
    slab->next = p->slabs;
    p->slabs = slab;
    return slab;
}

static struct out_entry *entry_new(struct out_pool *p)
{
    struct out_entry *e;

    if (!p->entries) {
        struct out_slab *slab = slab_new(p);

        if (!slab) return NULL;
        for (size_t i = ENTRIES_PER_SLAB; i-- > 0;) {
            slab->of.entries[i].next = p->entries;
            p->entries = &slab->of.entries[i];
        }
    }
    e = p->entries;
    p->entries = e->next;
    p->waiting += (int64_t)sizeof *e;
    return e;
}

static void entry_recycle(struct out_pool *p, struct out_entry *e)
{
    e->next = p->entries;
    p->entries = e;
    p->waiting -= (int64_t)sizeof *e;
}

static uint8_t *block_new(struct out_pool *p)
{
    union out_block *b;

    if (!p->blocks) {
        struct out_slab *slab = slab_new(p);

        if (!slab) return NULL;
        for (size_t i = BLOCKS_PER_SLAB; i-- > 0;) {
            slab->of.blocks[i].next = p->blocks;
            p->blocks = &slab->of.blocks[i];
        }
    }
    b = p->blocks;
    p->blocks = b->next;
    p->waiting += OUT_BLOCK_LEN;
    return b->bytes;
}

static void block_recycle(struct out_pool *p, uint8_t *bytes)
{
    union out_block *b = (union out_block *)(void *)bytes;

    b->next = p->blocks;
    p->blocks = b;
    p->waiting -= OUT_BLOCK_LEN;
}

static void entry_free(struct outbox *o, struct out_pool *p, struct out_entry *e)
{
    switch ((enum out_kind)e->kind) {
    case OUT_NOTIFICATION:
        o->notify_bytes -= e->len;
        if (--e->of.share->queued == 0) p->waiting -= (int64_t)e->len;
        frame_share_unref(e->of.share);
        break;
    case OUT_BLOCK:
        o->reply_count--;
        block_recycle(p, e->of.bytes);
        break;
    case OUT_HEAP:
        o->reply_count--;
        p->waiting -= e->len;
        free(e->of.bytes);
        break;
    }
    entry_recycle(p, e);
}

/* ---- putting ---- */

static void append(struct outbox *o, struct out_entry *e, bool held)
{
    struct out_entry **first = held ? &o->held_first : &o->first, **last = held ? &o->held_last : &o->last;

    e->next = NULL;
    if (*first)
        (*last)->next = e;
    else
        *first = e;
    *last = e;
    o->bytes += e->len;
    if (e->kind == OUT_NOTIFICATION)
        o->notify_bytes += e->len;
    else
        o->reply_count++;
}

bool outbox_put_notification(struct outbox *o, struct out_pool *p, struct frame_share *f,
                             const uint8_t id[FRAME_ID_LEN], uint64_t now_ms, bool held)
{
    struct out_entry *e = entry_new(p);

    if (!e) return false;
    frame_share_ref(f);
    e->of.share = f;
    e->len = (uint32_t)frame_len(f->frame);
    e->queued_ms = (uint32_t)now_ms;
    e->kind = OUT_NOTIFICATION;
    e->own_len = frame_has_hole(f->frame) ? FRAME_ID_LEN : 0;
    if (e->own_len) memcpy(e->own, id, FRAME_ID_LEN);
    if (f->queued++ == 0) p->waiting += (int64_t)e->len;
    append(o, e, held);
    return true;
}

bool outbox_put_copy(struct outbox *o, struct out_pool *p, struct slice head, struct slice body, uint64_t now_ms)
{
    size_t len = head.len + body.len;
    struct out_entry *e;

    if (len == 0) return true;
    assert(len <= UINT32_MAX);
    e = entry_new(p);
    if (!e) return false;
    *e = (struct out_entry){
        .len = (uint32_t)len, .queued_ms = (uint32_t)now_ms, .kind = len <= OUT_BLOCK_LEN ? OUT_BLOCK : OUT_HEAP};
    e->of.bytes = e->kind == OUT_BLOCK ? block_new(p) : malloc(len);
    if (!e->of.bytes) {
        entry_recycle(p, e);
        return false;
    }
    if (e->kind == OUT_HEAP) p->waiting += (int64_t)len;
    if (head.len) memcpy(e->of.bytes, head.at, head.len);
    if (body.len) memcpy(e->of.bytes + head.len, body.at, body.len);
    append(o, e, false);
    return true;
}

bool outbox_put_buf(struct outbox *o, struct out_pool *p, struct slice head, struct buf *body, uint64_t now_ms)
{
    size_t len = head.len + body->len, taken;
    struct out_entry *e;

    assert(head.len <= FRAME_ID_LEN && len <= UINT32_MAX);
    e = entry_new(p);
    if (!e) return false;
    *e = (struct out_entry){
        .len = (uint32_t)len, .queued_ms = (uint32_t)now_ms, .kind = OUT_HEAP, .own_len = (uint8_t)head.len};
    if (head.len) memcpy(e->own, head.at, head.len);
    e->of.bytes = buf_take(body, &taken);
    p->waiting += (int64_t)len;
    append(o, e, false);
    return true;
}

/* ---- sending ---- */

static size_t parts_of(const struct out_entry *e, struct slice out[3])
{
    if (e->kind == OUT_NOTIFICATION) {
        out[0] = frame_peek_head(e->of.share->frame);
        out[1] = slice_of(e->own, e->own_len);
        out[2] = frame_peek_tail(e->of.share->frame);
        return 3;
    }
    out[0] = slice_of(e->own, e->own_len);
    out[1] = slice_of(e->of.bytes, e->len - e->own_len);
    return 2;
}

size_t outbox_gather(const struct outbox *o, struct iovec parts[OUT_PARTS_MAX], size_t *out_len)
{
    size_t count = 0, len = 0, skip = o->sent;

    for (const struct out_entry *e = o->first; e && count + 3 <= OUT_PARTS_MAX && len < OUT_SEND_LEN_MAX; e = e->next) {
        struct slice part[3];
        size_t part_count = parts_of(e, part);

        for (size_t i = 0; i < part_count; i++) {
            size_t from = skip < part[i].len ? skip : part[i].len;

            skip -= from;
            if (from == part[i].len) continue;
            parts[count].iov_base = (void *)(uintptr_t)(part[i].at + from); /* sendmsg() reads only */
            parts[count].iov_len = part[i].len - from;
            len += parts[count++].iov_len;
        }
    }
    *out_len = len;
    return count;
}

void outbox_sent(struct outbox *o, struct out_pool *p, size_t len)
{
    assert(len <= o->bytes);
    o->bytes -= len;
    len += o->sent;
    while (o->first && len >= o->first->len) {
        struct out_entry *e = o->first;

        len -= e->len;
        o->first = e->next;
        entry_free(o, p, e);
    }
    o->sent = (uint32_t)len;
    assert(o->first || len == 0);
}

/* ---- holding and dropping ---- */

void outbox_release(struct outbox *o)
{
    if (!o->held_first) return;
    if (o->first)
        o->last->next = o->held_first;
    else
        o->first = o->held_first;
    o->last = o->held_last;
    o->held_first = o->held_last = NULL;
}

void outbox_forget_held(struct outbox *o, struct out_pool *p, const uint8_t id[FRAME_ID_LEN])
{
    struct out_entry **link = &o->held_first, *last = NULL;

    while (*link) {
        struct out_entry *e = *link;

        if (e->own_len == FRAME_ID_LEN && memcmp(e->own, id, FRAME_ID_LEN) == 0) {
            *link = e->next;
            o->bytes -= e->len;
            entry_free(o, p, e);
        } else {
            last = e;
            link = &e->next;
        }
    }
    o->held_last = last;
}

static void drop_all(struct outbox *o, struct out_pool *p, struct out_entry *e)
{
    while (e) {
        struct out_entry *next = e->next;

        o->bytes -= e->len;
        entry_free(o, p, e);
        e = next;
    }
}

void outbox_drop_held(struct outbox *o, struct out_pool *p)
{
    drop_all(o, p, o->held_first);
    o->held_first = o->held_last = NULL;
}

void outbox_cut(struct outbox *o, struct out_pool *p)
{
    struct out_entry *drop;

    outbox_drop_held(o, p);
    drop = o->sent ? o->first->next : o->first;
    if (o->sent)
        o->first->next = NULL;
    else
        o->first = NULL;
    o->last = o->first;
    drop_all(o, p, drop);
}

void outbox_clear(struct outbox *o, struct out_pool *p)
{
    o->bytes += o->sent; /* as if nothing of the first had left */
    o->sent = 0;
    outbox_cut(o, p);
    assert(o->bytes == 0 && o->notify_bytes == 0 && o->reply_count == 0);
}

bool outbox_oldest_ms(const struct outbox *o, uint64_t now_ms, uint64_t *out_age_ms)
{
    const struct out_entry *e = o->first ? o->first->next : NULL;

    while (e && e->kind != OUT_NOTIFICATION) e = e->next;
    if (!e) e = o->held_first;
    if (!e) return false;
    *out_age_ms = (uint32_t)now_ms - e->queued_ms;
    return true;
}
