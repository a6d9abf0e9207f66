#include "base/trace.h"
#include "hub/shard.h"
#include "wire/ws.h"

enum {
    /* Events that found their worker asleep are sent one by one; a worker that is behind gathers them, but never so
     * much that a reader who keeps up could look slow. */
    FLUSH_BYTES = 64 * 1024
};

static void flush(struct hub_shard *s)
{
    s->unsent = 0;
    conn_set_flush(s->conns);
}

/* Nobody is sent part of a stream: who should have had this and cannot, is told so and may come again. */
static void close_all(struct hub_shard *s, struct subscription *first, const char *reason)
{
    for (struct subscription *sub = first, *next; sub; sub = next) {
        next = sub->next;
        if (sub->conn && sub->since < s->sequence) conn_close(sub->conn, WS_CLOSE_INTERNAL, reason);
    }
}

static bool anybody(const struct hub_shard *s, const struct subscription *first)
{
    for (const struct subscription *sub = first; sub; sub = sub->next)
        if (sub->conn && sub->since < s->sequence) return true;
    return false;
}

/* Sends a frame to everyone in the list. */
static void notify(struct hub_shard *s, struct subscription *first, struct frame_share *share)
{
    const unsigned kind = first ? first->kind : 0;
    uint64_t count = 0;

    for (struct subscription *sub = first, *next; sub; sub = next) {
        uint8_t id[FRAME_ID_LEN];

        next = sub->next;
        if (next) __builtin_prefetch(next->next);
        if (!sub->conn || sub->since >= s->sequence) continue;
        id_write(&sub->id, id);
        conn_notify(sub->conn, share, id);
        count++;
    }
    counter_add(&s->stats.notifications[kind], count);
}

/* What a frame is made of, when somebody turns out to want it. */
struct source {
    struct delivery *d;
    size_t index;
    enum delivery_form form;
    const void *what;
};

/* This worker's share of the frame: the caller's count. NULL: out of memory. */
static struct frame_share *share_of(struct hub_shard *s, const struct source *from)
{
    bool fresh;
    struct frame *f = delivery_frame(from->d, from->index, from->form, from->what, &s->scratch, &fresh);

    if (!f) return NULL;
    if (fresh) counter_add(&s->stats.frames_encoded, 1);
    s->unsent += frame_len(f);
    return frame_share_new(frame_ref(f));
}

static void fan_out(struct hub_shard *s, struct subscription *first, const struct source *from)
{
    struct frame_share *share;

    if (!anybody(s, first)) return;
    share = share_of(s, from);
    if (share)
        notify(s, first, share);
    else
        close_all(s, first, "out of memory");
    frame_share_unref(share);
    if (s->unsent > FLUSH_BYTES) flush(s);
}

static void fan_out_log(struct hub_shard *s, const struct log *log, const struct source *from)
{
    struct index_entry *const *entry;
    size_t count = index_match(&s->index, log, &entry);
    struct frame_share *share = NULL;

    for (size_t i = 0; i < count; i++) {
        if (!anybody(s, entry[i]->owner)) continue;
        if (!share) share = share_of(s, from);
        if (share)
            notify(s, entry[i]->owner, share);
        else
            close_all(s, entry[i]->owner, "out of memory");
    }
    frame_share_unref(share);
    if (s->unsent > FLUSH_BYTES) flush(s);
}

/* ---- events ---- */

static void deliver_head(struct hub_shard *s, struct delivery *d)
{
    const struct chain_event *e = d->event;
    size_t at = 0; /* the block's first frame */

    for (size_t i = 0; i < e->removed_count; i++) {
        const struct block *b = e->removed[i];

        for (size_t j = b->log_count; index_count(&s->index) && j-- > 0;)
            fan_out_log(s, &b->logs[j], &(struct source){d, at + j, DELIVERY_LOG_REMOVED, &b->logs[j]});
        at += b->log_count;
    }
    for (size_t i = 0; i < e->added_count; i++) {
        const struct block *b = e->added[i];

        fan_out(s, s->by_kind[HUB_NEW_HEADS], &(struct source){d, at++, DELIVERY_HEADER, b});
        for (size_t j = 0; index_count(&s->index) && j < b->log_count; j++)
            fan_out_log(s, &b->logs[j], &(struct source){d, at + j, DELIVERY_LOG, &b->logs[j]});
        at += b->log_count;
        /* As geth: a block without transactions has no notification. */
        if (b->tx_count) fan_out(s, s->by_kind[HUB_RECEIPTS], &(struct source){d, at, DELIVERY_RECEIPTS, b});
        at++;
    }
}

static void deliver_late_logs(struct hub_shard *s, struct delivery *d)
{
    const struct block *b = d->event->added[0];

    for (size_t j = 0; index_count(&s->index) && j < b->log_count; j++)
        fan_out_log(s, &b->logs[j], &(struct source){d, j, DELIVERY_LOG, &b->logs[j]});
}

static void deliver_pending(struct hub_shard *s, struct delivery *d)
{
    const struct pending_tx *p = d->event->pending;

    fan_out(s, s->by_kind[HUB_PENDING_HASHES], &(struct source){d, 0, DELIVERY_PENDING_HASH, p});
    fan_out(s, s->by_kind[HUB_PENDING_BODIES], &(struct source){d, 1, DELIVERY_PENDING_BODY, p});
}

/* Is that news to somebody who knows `before`? While nothing syncs, the numbers mean nothing. */
static bool sync_changed(const struct chain_sync *before, const struct chain_sync *now)
{
    if (before->syncing != now->syncing) return true;
    return now->syncing && (before->starting_block != now->starting_block ||
                            before->current_block != now->current_block || before->highest_block != now->highest_block);
}

static void deliver_syncing(struct hub_shard *s, struct delivery *d)
{
    const struct chain_sync *now = &d->event->sync;

    if (!sync_changed(&s->sync, now)) return;
    s->sync = *now;
    fan_out(s, s->by_kind[HUB_SYNCING], &(struct source){d, 0, DELIVERY_SYNCING, now});
}

void shard_deliver(struct hub_shard *s, struct delivery *d)
{
    const struct chain_event *e = d->event;

    s->walking = true;
    s->sequence = e->sequence;
    counter_add(&s->stats.events, 1);
    conn_set_published(s->conns, e->published_ns);
    TRACE(hub, deliver, e->sequence, s->lane - s->hub->lanes);
    switch (e->kind) {
    case CHAIN_EVENT_HEAD:
        deliver_head(s, d);
        resume_head_moved(s, e);
        break;
    case CHAIN_EVENT_LOGS:
        deliver_late_logs(s, d);
        resume_late_logs(s, e);
        resume_head_moved(s, e);
        break;
    case CHAIN_EVENT_PENDING:
        deliver_pending(s, d);
        break;
    case CHAIN_EVENT_SYNCING:
        deliver_syncing(s, d);
        break;
    }
    if (s->unsent > FLUSH_BYTES) flush(s);
    shard_walk_end(s);
}

void shard_delivered(struct hub_shard *s)
{
    resume_go_on(s);
    flush(s);
}

void shard_overrun(struct hub_shard *s)
{
    counter_add(&s->stats.overruns, 1);
    resume_lost_track(s);
    /* conn_close() may forget the client under us, or leave it until the connection has said goodbye. */
    for (struct hub_client *client = s->clients, *next; client; client = next) {
        next = client->next;
        conn_close(client->conn, WS_CLOSE_INTERNAL, "server fell behind");
    }
    flush(s);
}

void shard_sync_again(struct hub_shard *s)
{
    struct chain *c = s->hub->chain;

    /* What the chain says may be ahead of events that are still to come: then they will find it changed, or not. */
    if (c->ops && c->ops->sync) c->ops->sync(c, &s->sync);
}
