#include "hub/delivery.h"

#include <stdlib.h>

#include "wire/jsonrpc.h"

/* ---- the object ---- */

static size_t frames_of(const struct chain_event *e)
{
    size_t count = 0;

    if (e->kind == CHAIN_EVENT_PENDING) return 2;
    if (e->kind == CHAIN_EVENT_SYNCING) return 1;
    for (size_t i = 0; i < e->removed_count; i++) count += e->removed[i]->log_count;
    if (e->kind == CHAIN_EVENT_LOGS) return e->added[0]->log_count;
    for (size_t i = 0; i < e->added_count; i++) count += e->added[i]->log_count + 2;
    return count;
}

struct delivery *delivery_new(struct chain_event *e)
{
    size_t count = frames_of(e);
    struct delivery *d = malloc(sizeof *d + count * sizeof d->frames[0]);

    if (!d) return NULL;
    if (pthread_mutex_init(&d->encoding, NULL)) {
        free(d);
        return NULL;
    }
    ref_init(&d->ref);
    d->event = chain_event_ref(e);
    d->frame_count = count;
    for (size_t i = 0; i < count; i++) atomic_init(&d->frames[i], NULL);
    return d;
}

struct delivery *delivery_ref(struct delivery *d)
{
    ref_get(&d->ref);
    return d;
}

void delivery_unref(struct delivery *d)
{
    if (!d || !ref_put(&d->ref)) return;
    for (size_t i = 0; i < d->frame_count; i++) frame_unref(atomic_load_explicit(&d->frames[i], memory_order_relaxed));
    (void)pthread_mutex_destroy(&d->encoding);
    chain_event_unref(d->event);
    free(d);
}

/* ---- encoding ---- */

static void put_syncing(struct json_writer *w, const struct chain_sync *sync)
{
    if (!sync->syncing) {
        json_put_bool(w, false);
        return;
    }
    json_begin_object(w);
    json_put_key(w, "syncing");
    json_put_bool(w, true);
    json_put_key(w, "status");
    json_begin_object(w);
    json_put_key(w, "startingBlock");
    json_put_u64(w, sync->starting_block);
    json_put_key(w, "currentBlock");
    json_put_u64(w, sync->current_block);
    json_put_key(w, "highestBlock");
    json_put_u64(w, sync->highest_block);
    json_end_object(w);
    json_end_object(w);
}

static void put_header(struct json_writer *w, const struct block *b)
{
    json_begin_object(w);
    if (b->header_json.len)
        json_put_raw(w, b->header_json);
    else
        header_put_json_members(&b->header, &b->hash, w);
    json_end_object(w);
}

static void put_result(struct json_writer *w, enum delivery_form form, const void *what)
{
    switch (form) {
    case DELIVERY_HEADER:
        put_header(w, what);
        break;
    case DELIVERY_LOG:
        log_put_json(what, false, w);
        break;
    case DELIVERY_LOG_REMOVED:
        log_put_json(what, true, w);
        break;
    case DELIVERY_RECEIPTS:
        block_put_receipts_json(what, w);
        break;
    case DELIVERY_PENDING_HASH:
        json_put_hash(w, &((const struct pending_tx *)what)->tx.hash);
        break;
    case DELIVERY_PENDING_BODY:
        pending_tx_put_json(what, w);
        break;
    case DELIVERY_SYNCING:
        put_syncing(w, what);
        break;
    }
}

/* The bytes are copied once more into the frame, which is then exactly as long as it must be; the scratch stays warm.
 */
static struct frame *encode(enum delivery_form form, const void *what, struct delivery_scratch *s)
{
    struct json_writer w;
    struct frame *f;

    buf_reset(&s->result);
    buf_reset(&s->tail);
    w = json_writer_of(&s->result);
    put_result(&w, form, what);
    if (s->result.failed) return NULL;
    jsonrpc_put_notification_tail(&s->tail, buf_peek(&s->result));
    if (s->tail.failed || frame_new_text(JSONRPC_NOTIFICATION_HEAD, buf_peek(&s->tail), &f)) return NULL;
    return f;
}

struct frame *delivery_frame(struct delivery *d, size_t index, enum delivery_form form, const void *what,
                             struct delivery_scratch *s, bool *out_fresh)
{
    struct frame *f;

    assert(index < d->frame_count);
    f = atomic_load_explicit(&d->frames[index], memory_order_acquire);
    *out_fresh = false;
    if (f) return f;
    (void)pthread_mutex_lock(&d->encoding);
    f = atomic_load_explicit(&d->frames[index], memory_order_relaxed);
    if (!f) {
        f = encode(form, what, s);
        *out_fresh = f != NULL;
        atomic_store_explicit(&d->frames[index], f, memory_order_release);
    }
    (void)pthread_mutex_unlock(&d->encoding);
    return f;
}

struct frame *delivery_frame_of(enum delivery_form form, const void *what, struct delivery_scratch *s)
{
    return encode(form, what, s);
}

struct frame *delivery_syncing_frame(const struct chain_sync *sync, struct delivery_scratch *s)
{
    return encode(DELIVERY_SYNCING, sync, s);
}
