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
    journal_init(&p->journal);
}

void out_pool_fini(struct out_pool *p)
{
    while (p->slabs) {
        struct out_slab *slab = p->slabs;

        p->slabs = slab->next;
        free(slab);
    }
    journal_fini(&p->journal);
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

/* One more, or one less, waits for the frame here. What shared frames cost is counted once in the process. */
static void share_enter(struct out_pool *p, struct frame_share *f)
{
    frame_share_ref(f);
    if (f->queued++ == 0 && frame_wait_begin(f->frame)) p->waiting += (int64_t)frame_len(f->frame);
}

static void share_leave(struct out_pool *p, struct frame_share *f)
{
    if (--f->queued == 0) {
        journal_drop(&p->journal, f);
        if (frame_wait_end(f->frame)) p->waiting -= (int64_t)frame_len(f->frame);
    }
    frame_share_unref(f);
}

static void pack_free(struct out_pool *p, struct pack *pack)
{
    struct pack_item item;

    while (pack_next(pack, &pack->front, &item)) share_leave(p, journal_at(&p->journal, item.number)->share);
    block_recycle(p, (uint8_t *)pack);
}

static void entry_free(struct outbox *o, struct out_pool *p, struct out_entry *e)
{
    switch ((enum out_kind)e->kind) {
    case OUT_NOTIFICATION:
        o->notify_bytes -= e->len;
        share_leave(p, e->of.share);
        break;
    case OUT_PACED:
        o->paced_bytes -= e->len;
        share_leave(p, e->of.share);
        break;
    case OUT_PACK:
        o->notify_bytes -= e->len;
        pack_free(p, e->of.pack);
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
    case OUT_PIECES:
        o->reply_count--;
        p->waiting -= (int64_t)pieces_memory(e->of.pieces);
        pieces_free(e->of.pieces);
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
    if (e->kind == OUT_NOTIFICATION || e->kind == OUT_PACK)
        o->notify_bytes += e->len;
    else if (e->kind == OUT_PACED)
        o->paced_bytes += e->len;
    else
        o->reply_count++;
}

static bool put_share(struct outbox *o, struct out_pool *p, enum out_kind kind, struct frame_share *f,
                      const uint8_t id[FRAME_ID_LEN], uint64_t now_ms, bool held)
{
    struct out_entry *e = entry_new(p);

    if (!e) return false;
    share_enter(p, f);
    e->of.share = f;
    e->len = (uint32_t)frame_len(f->frame);
    e->queued_ms = (uint32_t)now_ms;
    e->kind = (uint8_t)kind;
    e->own_len = frame_has_hole(f->frame) ? FRAME_ID_LEN : 0;
    if (e->own_len) memcpy(e->own, id, FRAME_ID_LEN);
    append(o, e, held);
    return true;
}

bool outbox_put_notification(struct outbox *o, struct out_pool *p, struct frame_share *f,
                             const uint8_t id[FRAME_ID_LEN], uint64_t now_ms, bool held)
{
    return put_share(o, p, OUT_NOTIFICATION, f, id, now_ms, held);
}

bool outbox_put_paced(struct outbox *o, struct out_pool *p, struct frame_share *f, const uint8_t id[FRAME_ID_LEN],
                      uint64_t now_ms)
{
    return put_share(o, p, OUT_PACED, f, id, now_ms, false);
}

/* Puts an empty pack at the queue's end. */
static bool append_pack(struct outbox *o, struct out_pool *p, uint64_t number)
{
    struct out_entry *e = entry_new(p);
    uint8_t *block = e ? block_new(p) : NULL;

    if (!block) {
        if (e) entry_recycle(p, e);
        return false;
    }
    *e = (struct out_entry){.kind = OUT_PACK};
    e->of.pack = (struct pack *)(void *)block;
    pack_init(e->of.pack, OUT_BLOCK_LEN, number);
    append(o, e, false);
    return true;
}

bool outbox_pack_notification(struct outbox *o, struct out_pool *p, struct frame_share *f,
                              const uint8_t id[FRAME_ID_LEN], uint64_t now_ms)
{
    const uint8_t *hole = frame_has_hole(f->frame) ? id : NULL;
    size_t len = frame_len(f->frame);

    assert(!o->held_first);
    share_enter(p, f);
    if (!journal_add(&p->journal, f, now_ms)) goto failed;
    if (!o->first || o->last->kind != OUT_PACK || len > UINT32_MAX - o->last->len ||
        !pack_put(o->last->of.pack, f->number, hole)) {
        bool fits;

        if (!append_pack(o, p, f->number)) goto failed;
        fits = pack_put(o->last->of.pack, f->number, hole);
        assert(fits); /* an empty pack takes any item */
        (void)fits;
    }
    o->last->len += (uint32_t)len;
    o->bytes += len;
    o->notify_bytes += len;
    return true;
failed:
    share_leave(p, f);
    return false;
}

static void write_both(uint8_t *to, struct slice head, struct slice body)
{
    if (head.len) memcpy(to, head.at, head.len);
    if (body.len) memcpy(to + head.len, body.at, body.len);
}

bool outbox_put_copy(struct outbox *o, struct out_pool *p, struct slice head, struct slice body, uint64_t now_ms)
{
    size_t len = head.len + body.len;
    struct out_entry *e;

    if (len == 0) return true;
    assert(len <= UINT32_MAX);
    /* A hundred answers of 80 bytes to one read share blocks: each in its own would keep a block for good. */
    if (o->first && o->last->kind == OUT_BLOCK && len <= OUT_BLOCK_LEN - o->last->len) {
        write_both(o->last->of.bytes + o->last->len, head, body);
        o->last->len += (uint32_t)len;
        o->bytes += len;
        return true;
    }
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
    write_both(e->of.bytes, head, body);
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

static uint32_t pieces_len(const struct pieces *pieces)
{
    return (uint32_t)(pieces_peek(pieces).len + pieces_left(pieces));
}

bool outbox_put_pieces(struct outbox *o, struct out_pool *p, struct pieces *pieces, uint64_t now_ms)
{
    struct out_entry *e = entry_new(p);

    if (!e) return false;
    assert(pieces_left(pieces) <= UINT32_MAX / 2);
    *e = (struct out_entry){.len = pieces_len(pieces), .queued_ms = (uint32_t)now_ms, .kind = OUT_PIECES};
    e->of.pieces = pieces;
    p->waiting += (int64_t)pieces_memory(pieces);
    append(o, e, false);
    return true;
}

/* ---- what has left ---- */

/* The frame that a pack sends next. */
static struct frame_share *pack_first(const struct out_pool *p, const struct pack *pack, struct pack_cursor *cursor,
                                      struct pack_item *item)
{
    bool there;

    *cursor = pack->front;
    there = pack_next(pack, cursor, item);
    assert(there);
    (void)there;
    return journal_at(&p->journal, item->number)->share;
}

/* Bytes of what is being written: an entry, the first frame of a pack, or one of pieces. */
static size_t first_len(const struct outbox *o, const struct out_pool *p)
{
    struct pack_cursor cursor;
    struct pack_item item;

    if (o->first->kind == OUT_PIECES) return pieces_peek(o->first->of.pieces).len;
    if (o->first->kind != OUT_PACK) return o->first->len;
    return frame_len(pack_first(p, o->first->of.pack, &cursor, &item)->frame);
}

/* All of that has left. Returns how much was compressed for the next. */
static size_t first_done(struct outbox *o, struct out_pool *p, size_t len)
{
    struct out_entry *e = o->first;

    if (e->kind == OUT_PIECES && pieces_left(e->of.pieces)) {
        size_t left = pieces_left(e->of.pieces), text_len = pieces_next(e->of.pieces);

        e->len = pieces_len(e->of.pieces);
        o->bytes += e->len - left;
        return text_len;
    }

    if (e->kind == OUT_PACK) {
        struct pack_cursor cursor;
        struct pack_item item;
        struct frame_share *f = pack_first(p, e->of.pack, &cursor, &item);

        e->of.pack->front = cursor;
        e->len -= (uint32_t)len;
        o->notify_bytes -= len;
        share_leave(p, f);
        if (!pack_empty(e->of.pack)) return 0;
    }
    o->first = e->next;
    entry_free(o, p, e);
    return 0;
}

size_t outbox_sent(struct outbox *o, struct out_pool *p, size_t len)
{
    size_t one, work = 0;

    assert(len <= o->bytes);
    o->bytes -= len;
    len += o->sent;
    while (o->first && len >= (one = first_len(o, p))) {
        len -= one;
        work += first_done(o, p, one);
    }
    o->sent = (uint32_t)len;
    assert(o->first || len == 0);
    return work;
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

/* Leaves of a pack that is being written the first frame alone, as an entry like any other. */
static void unpack_first(struct outbox *o, struct out_pool *p)
{
    struct out_entry *e = o->first;
    struct pack *pack = e->of.pack;
    struct pack_item item;
    struct frame_share *f = pack_first(p, pack, &pack->front, &item);
    size_t len = frame_len(f->frame);

    o->bytes -= e->len - len;
    o->notify_bytes -= e->len - len;
    e->kind = OUT_NOTIFICATION;
    e->own_len = item.id ? FRAME_ID_LEN : 0;
    if (item.id) memcpy(e->own, item.id, FRAME_ID_LEN);
    e->queued_ms = journal_at(&p->journal, item.number)->queued_ms;
    e->of.share = f;
    e->len = (uint32_t)len;
    pack_free(p, pack);
}

/* Leaves of pieces the frame that is being written. */
static void cut_pieces(struct outbox *o)
{
    struct out_entry *e = o->first;
    size_t left = pieces_left(e->of.pieces);

    pieces_cut(e->of.pieces);
    e->len -= (uint32_t)left;
    o->bytes -= left;
}

void outbox_cut(struct outbox *o, struct out_pool *p)
{
    struct out_entry *drop;

    outbox_drop_held(o, p);
    if (o->sent && o->first->kind == OUT_PACK) unpack_first(o, p);
    if (o->sent && o->first->kind == OUT_PIECES) cut_pieces(o);
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
    assert(o->bytes == 0 && o->notify_bytes == 0 && o->paced_bytes == 0 && o->reply_count == 0);
}

size_t outbox_behind(const struct outbox *o, const struct out_pool *p)
{
    if (!o->first || (o->first->kind != OUT_NOTIFICATION && o->first->kind != OUT_PACK)) return o->notify_bytes;
    return o->notify_bytes - first_len(o, p);
}

bool outbox_oldest_ms(const struct outbox *o, const struct out_pool *p, uint64_t now_ms, uint64_t *out_age_ms)
{
    const struct out_entry *e = o->first;
    struct pack_cursor cursor = {0};
    struct pack_item item;

    if (e && e->kind == OUT_PACK) {
        (void)pack_first(p, e->of.pack, &cursor, &item);
        if (!pack_next(e->of.pack, &cursor, &item)) e = e->next;
    } else if (e) {
        e = e->next;
    }
    while (e && e->kind != OUT_NOTIFICATION && e->kind != OUT_PACK) e = e->next;
    if (!e) e = o->held_first;
    if (!e) return false;
    if (e->kind == OUT_PACK) {
        if (e != o->first) (void)pack_first(p, e->of.pack, &cursor, &item);
        *out_age_ms = (uint32_t)now_ms - journal_at(&p->journal, item.number)->queued_ms;
    } else {
        *out_age_ms = (uint32_t)now_ms - e->queued_ms;
    }
    return true;
}
