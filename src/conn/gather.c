/* gather: what waits in an outbox as the parts of one sendmsg(). */
#include "conn/outbox.h"

/* What one sendmsg() is given. */
struct gathering {
    struct iovec *parts;
    size_t count, len, len_max;
    size_t skip;            /* so much has left already */
    uint8_t *join, *joined; /* where the next joined bytes go, and the end of that room */
};

static bool gather_more(const struct gathering *g)
{
    return g->count + 3 <= OUT_PARTS_MAX && g->len < g->len_max;
}

static void gather(struct gathering *g, struct slice part)
{
    size_t from = g->skip < part.len ? g->skip : part.len;

    g->skip -= from;
    if (from == part.len) return;
    g->parts[g->count].iov_base = (void *)(uintptr_t)(part.at + from); /* sendmsg() reads only */
    g->parts[g->count].iov_len = part.len - from;
    g->len += g->parts[g->count++].iov_len;
}

static void gather_frame(struct gathering *g, const struct frame_share *f, const uint8_t *id)
{
    struct slice head = frame_peek_head(f->frame), tail = frame_peek_tail(f->frame);
    size_t len = head.len + FRAME_ID_LEN;

    if (!id) {
        gather(g, head);
        return;
    }
    if (len > OUT_JOIN_MAX || len + OUT_JOIN_MAX > (size_t)(g->joined - g->join)) {
        gather(g, head);
        gather(g, slice_of(id, FRAME_ID_LEN));
        gather(g, tail);
        return;
    }
    memcpy(g->join, head.at, head.len);
    memcpy(g->join + head.len, id, FRAME_ID_LEN);
    if (tail.len <= OUT_JOIN_MAX) {
        memcpy(g->join + len, tail.at, tail.len);
        len += tail.len;
        tail.len = 0;
    }
    gather(g, slice_of(g->join, len));
    gather(g, tail);
    g->join += len;
}

static void gather_pack(struct gathering *g, const struct out_pool *p, const struct pack *pack)
{
    struct pack_cursor cursor = pack->front;
    struct pack_item item;

    while (gather_more(g) && pack_next(pack, &cursor, &item))
        gather_frame(g, journal_at(&p->journal, item.number)->share, item.id);
}

size_t outbox_gather(const struct outbox *o, struct out_pool *p, size_t len_max, struct iovec parts[OUT_PARTS_MAX],
                     size_t *out_len)
{
    struct gathering g = {
        .parts = parts, .len_max = len_max, .skip = o->sent, .join = p->joined, .joined = p->joined + sizeof p->joined};
    bool more = true;

    for (const struct out_entry *e = o->first; e && more && gather_more(&g); e = e->next) {
        switch ((enum out_kind)e->kind) {
        case OUT_NOTIFICATION:
        case OUT_PACED:
            gather_frame(&g, e->of.share, e->own_len ? e->own : NULL);
            break;
        case OUT_PACK:
            gather_pack(&g, p, e->of.pack);
            break;
        case OUT_PIECES:
            gather(&g, pieces_peek(e->of.pieces));
            more = !pieces_left(e->of.pieces); /* what is behind it waits for its end */
            break;
        case OUT_BLOCK:
        case OUT_HEAP:
            gather(&g, slice_of(e->own, e->own_len));
            gather(&g, slice_of(e->of.bytes, e->len - e->own_len));
            break;
        }
    }
    /* One notification alone: its copy stays in the first-level cache, and what is one part is a send(). */
    if (g.count == 2 && parts[0].iov_base == p->joined && parts[1].iov_len <= OUT_WHOLE_MAX) {
        memcpy(g.join, parts[1].iov_base, parts[1].iov_len);
        parts[0].iov_len += parts[1].iov_len;
        g.count = 1;
    }
    *out_len = g.len;
    return g.count;
}
