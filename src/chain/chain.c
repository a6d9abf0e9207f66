#include "chain/chain.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/trace.h"

/* ---- transactions that wait ---- */

/* A copy of count items of size bytes; NULL for none. False when memory ran out. */
static bool copy_items(struct arena *a, const void *items, size_t count, size_t size, const void **out)
{
    void *p;

    *out = NULL;
    if (!count) return true;
    p = arena_array(a, count, size);
    if (!p) return false;
    memcpy(p, items, count * size);
    *out = p;
    return true;
}

static bool copy_bytes(struct arena *a, struct slice *s)
{
    if (!s->len) {
        s->at = NULL;
        return true;
    }
    *s = arena_dup(a, *s);
    return s->at != NULL;
}

static bool copy_access(struct arena *a, const struct tx *tx, struct tx *out)
{
    struct tx_access *list = ARENA_ARRAY(a, tx->access_count, struct tx_access);

    if (!list) return false;
    for (size_t i = 0; i < tx->access_count; i++) {
        const void *slots;

        list[i] = tx->access[i];
        if (!copy_items(a, tx->access[i].slots, tx->access[i].slot_count, sizeof *list[i].slots, &slots)) return false;
        list[i].slots = slots;
    }
    out->access = list;
    return true;
}

static bool copy_sidecar(struct arena *a, const struct tx_sidecar *in, const struct tx_sidecar **out)
{
    struct tx_sidecar *s = ARENA_NEW(a, struct tx_sidecar);

    if (!s) return false;
    *s = *in;
    *out = s;
    return copy_bytes(a, &s->blobs) && copy_bytes(a, &s->commitments) && copy_bytes(a, &s->proofs);
}

enum fan_status chain_tx_copy(const struct tx *tx, bool with_sidecar, struct arena *a, struct tx *out)
{
    const void *hashes, *authorizations;

    *out = *tx;
    out->access = NULL;
    out->sidecar = NULL;
    if (!copy_bytes(a, &out->data) || !copy_bytes(a, &out->encoded)) return FAN_ENOMEM;
    if (tx->access_count && !copy_access(a, tx, out)) return FAN_ENOMEM;
    if (!copy_items(a, tx->blob_hashes, tx->blob_count, sizeof *tx->blob_hashes, &hashes)) return FAN_ENOMEM;
    if (!copy_items(a, tx->authorizations, tx->authorization_count, sizeof *tx->authorizations, &authorizations))
        return FAN_ENOMEM;
    out->blob_hashes = hashes;
    out->authorizations = authorizations;
    if (with_sidecar && tx->sidecar && !copy_sidecar(a, tx->sidecar, &out->sidecar)) return FAN_ENOMEM;
    return FAN_OK;
}

struct pending_tx *pending_tx_new(const struct tx *tx)
{
    struct pending_tx *p = calloc(1, sizeof *p);
    struct arena a;

    assert(tx->encoded.len && tx->has_sender);
    if (!p) return NULL;
    ref_init(&p->ref);
    arena_home_init(&p->memory, 0);
    a = arena_of(&p->memory);
    if (chain_tx_copy(tx, true, &a, &p->tx)) {
        pending_tx_unref(p);
        return NULL;
    }
    return p;
}

struct pending_tx *pending_tx_of_host(const struct fan_hash *hash, struct slice json)
{
    struct pending_tx *p = calloc(1, sizeof *p);
    struct arena a;

    if (!p) return NULL;
    ref_init(&p->ref);
    arena_home_init(&p->memory, 0);
    a = arena_of(&p->memory);
    p->tx.hash = *hash;
    p->json = arena_dup(&a, json);
    if (p->json.at) return p;
    pending_tx_unref(p);
    return NULL;
}

void pending_tx_put_json(const struct pending_tx *p, struct json_writer *w)
{
    if (!p->json.len) {
        tx_put_json(&p->tx, NULL, w);
        return;
    }
    json_begin_object(w);
    json_put_raw(w, p->json);
    json_end_object(w);
}

struct pending_tx *pending_tx_ref(struct pending_tx *p)
{
    ref_get(&p->ref);
    return p;
}

void pending_tx_unref(struct pending_tx *p)
{
    if (!p || !ref_put(&p->ref)) return;
    arena_home_fini(&p->memory);
    free(p);
}

/* ---- events ---- */

static struct chain_event *event_new(enum chain_event_kind kind, size_t blocks)
{
    struct chain_event *e = calloc(1, sizeof *e + blocks * sizeof(struct block *));

    if (!e) return NULL;
    ref_init(&e->ref);
    e->kind = kind;
    return e;
}

struct chain_event *chain_event_head_new(struct block *const *removed, size_t removed_count, struct block *const *added,
                                         size_t added_count, struct block *head)
{
    struct chain_event *e = event_new(CHAIN_EVENT_HEAD, removed_count + added_count);

    assert(removed_count + added_count > 0);
    if (!e) return NULL;
    e->removed = (struct block **)(e + 1); /* both lists stand behind the event */
    e->added = e->removed + removed_count;
    e->removed_count = removed_count;
    e->added_count = added_count;
    for (size_t i = 0; i < removed_count; i++) e->removed[i] = block_ref(removed[i]);
    for (size_t i = 0; i < added_count; i++) e->added[i] = block_ref(added[i]);
    e->head = block_ref(head);
    return e;
}

struct chain_event *chain_event_logs_new(struct block *late, struct block *whole, struct block *head)
{
    struct chain_event *e = chain_event_head_new(NULL, 0, &late, 1, head);

    if (!e) return NULL;
    e->kind = CHAIN_EVENT_LOGS;
    e->whole = block_ref(whole);
    return e;
}

struct chain_event *chain_event_pending_new(struct pending_tx *p)
{
    struct chain_event *e = event_new(CHAIN_EVENT_PENDING, 0);

    if (e) e->pending = pending_tx_ref(p);
    return e;
}

struct chain_event *chain_event_syncing_new(const struct chain_sync *s)
{
    struct chain_event *e = event_new(CHAIN_EVENT_SYNCING, 0);

    if (e) e->sync = *s;
    return e;
}

struct chain_event *chain_event_ref(struct chain_event *e)
{
    ref_get(&e->ref);
    return e;
}

void chain_event_unref(struct chain_event *e)
{
    if (!e || !ref_put(&e->ref)) return;
    for (size_t i = 0; i < e->removed_count; i++) block_unref(e->removed[i]);
    for (size_t i = 0; i < e->added_count; i++) block_unref(e->added[i]);
    block_unref(e->head);
    block_unref(e->whole);
    pending_tx_unref(e->pending);
    free(e);
}

/* ---- the door ---- */

void chain_watch(struct chain *c, struct chain_watcher *w)
{
    struct chain_watcher **end = &c->watchers; /* told in the order they came */

    while (*end) end = &(*end)->next;
    w->next = NULL;
    *end = w;
}

void chain_unwatch(struct chain *c, struct chain_watcher *w)
{
    struct chain_watcher **at = &c->watchers;

    while (*at && *at != w) at = &(*at)->next;
    if (*at) *at = w->next;
}

void chain_write(struct chain *c, struct letter *l)
{
    mailbox_post(c->writer, l);
}

void chain_count_head(struct chain *c, const struct block *head)
{
    struct chain_stats *s = &c->stats;

    counter_set(&s->head_number, head->header.number);
    counter_set(&s->head_timestamp, head->header.timestamp);
    counter_set(&s->head_gas_used, head->header.gas_used);
    counter_set(&s->head_gas_limit, head->header.gas_limit);
    counter_set(&s->head_transactions, head->tx_count);
}

static void count_event(struct chain *c, const struct chain_event *e)
{
    struct chain_stats *s = &c->stats;

    switch (e->kind) {
    case CHAIN_EVENT_HEAD:
        chain_count_head(c, e->head);
        if (e->removed_count) counter_add(&s->reorgs, 1);
        counter_add(&s->removed_blocks, e->removed_count);
        counter_add(&s->blocks, e->added_count);
        for (size_t i = 0; i < e->added_count; i++) {
            counter_add(&s->transactions, e->added[i]->tx_count);
            counter_add(&s->logs, e->added[i]->log_count);
            counter_add(&s->gas_used, e->added[i]->header.gas_used);
        }
        break;
    case CHAIN_EVENT_LOGS:
        counter_add(&s->logs, e->added[0]->log_count);
        break;
    case CHAIN_EVENT_PENDING:
        counter_add(&s->pending, 1);
        break;
    case CHAIN_EVENT_SYNCING:
        counter_set(&s->syncing, e->sync.syncing);
        break;
    }
}

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct chain_stats
#include "base/metric_rows.def"

#include "chain/metrics.def"
};

const struct metric_table chain_metrics = {rows, COUNT_OF(rows), sizeof(struct chain_stats)};

void chain_publish(struct chain *c, struct chain_event *e)
{
    if (!e) return;
    e->sequence = ++c->sequence;
    e->published_ns = clock_monotonic_ns();
    TRACE(chain, publish, e->sequence, (uint64_t)e->kind);
    count_event(c, e);
    for (struct chain_watcher *w = c->watchers; w; w = w->next) w->event(w->ctx, e);
    chain_event_unref(e);
}
