#include "hub/parts.h"

#include <stdlib.h>

#include "base/trace.h"

enum { SUBSCRIPTIONS_MAX = 100, FILTER_TIMEOUT_MS = 300000, FILTERS_MAX = 10000, RESUME_BLOCKS_MAX = 10000 };

/* ---- writer's side ---- */

static void lane_wake(struct lane *l)
{
    if (!atomic_exchange(&l->posted, true)) mailbox_post(l->box, &l->letter);
}

static void lane_overrun(struct lane *l)
{
    atomic_store(&l->overrun, true);
    lane_wake(l);
}

static void lane_put(struct lane *l, struct delivery *d)
{
    uint64_t put = atomic_load_explicit(&l->put, memory_order_relaxed);

    if (atomic_load(&l->overrun)) return; /* its subscribers are about to be closed */
    if (put - atomic_load_explicit(&l->taken, memory_order_acquire) == LANE_SLOTS) {
        lane_overrun(l);
        return;
    }
    l->slots[put & (LANE_SLOTS - 1)] = delivery_ref(d);
    atomic_store_explicit(&l->put, put + 1, memory_order_release);
    lane_wake(l);
}

/* Before the interest is read, as the sequence is (parts.h). */
static void head_moves(struct hub *h, struct chain_event *e)
{
    struct block *old;

    (void)pthread_mutex_lock(&h->head_lock);
    old = h->head;
    h->head = block_ref(e->head);
    h->head_sequence = e->sequence;
    (void)pthread_mutex_unlock(&h->head_lock);
    block_unref(old);
}

/* chain_watcher.event */
static void on_event(void *ctx, struct chain_event *e)
{
    struct hub *h = ctx;
    struct delivery *d = NULL;
    bool failed = false;

    TRACE(hub, event, e->sequence, e->kind);
    poll_set_event(h->polls, e);
    if (e->head) head_moves(h, e);
    atomic_store(&h->sequence, e->sequence);
    for (size_t i = 0; i < h->lane_count; i++) {
        struct lane *l = &h->lanes[i];

        if (!(atomic_load(&l->interest) >> e->kind & 1)) continue;
        if (!d && !failed) {
            d = delivery_new(e);
            failed = !d;
        }
        if (d)
            lane_put(l, d);
        else
            lane_overrun(l);
    }
    delivery_unref(d);
}

/* ---- worker's side ---- */

static struct delivery *lane_take(struct lane *l)
{
    uint64_t taken = atomic_load_explicit(&l->taken, memory_order_relaxed);
    struct delivery *d;

    if (taken == atomic_load_explicit(&l->put, memory_order_acquire)) return NULL;
    d = l->slots[taken & (LANE_SLOTS - 1)];
    atomic_store_explicit(&l->taken, taken + 1, memory_order_release);
    return d;
}

static void lane_run(struct letter *letter)
{
    struct lane *l = CONTAINER_OF(letter, struct lane, letter);
    struct delivery *d;
    bool overrun;

    atomic_store(&l->posted, false);
    overrun = atomic_load(&l->overrun); /* before the ring is emptied: what was put in front of it is still delivered */
    while ((d = lane_take(l)) != NULL) {
        if (l->shard) shard_deliver(l->shard, d);
        delivery_unref(d);
    }
    if (l->shard) shard_delivered(l->shard);
    if (!overrun) return;
    if (l->shard) shard_overrun(l->shard);
    atomic_store(&l->overrun, false);
    if (l->shard) shard_sync_again(l->shard);
}

/* ---- lifecycle ---- */

static void options_fill(struct hub_options *o)
{
    if (!o->subscriptions_max) o->subscriptions_max = SUBSCRIPTIONS_MAX;
    if (!o->filter_timeout_ms) o->filter_timeout_ms = FILTER_TIMEOUT_MS;
    if (!o->filters_max) o->filters_max = FILTERS_MAX;
    if (!o->resume_blocks_max) o->resume_blocks_max = RESUME_BLOCKS_MAX;
}

enum fan_status hub_new(struct chain *chain, const struct hub_options *options, struct mailbox *const *worker_mailboxes,
                        size_t worker_count, struct hub **out)
{
    struct hub *h = calloc(1, sizeof *h + worker_count * sizeof h->lanes[0]);

    if (!h) return FAN_ENOMEM;
    if (pthread_mutex_init(&h->head_lock, NULL)) {
        free(h);
        return FAN_ENOMEM;
    }
    h->chain = chain;
    if (options) h->options = *options;
    options_fill(&h->options);
    if (chain->ops && chain->ops->sync) chain->ops->sync(chain, &h->sync_start);
    if (chain->ops && chain->ops->head && chain->ops->head(chain, &h->head)) h->head = NULL;
    h->polls = poll_set_new(&h->options);
    if (!h->polls) goto fail;
    for (; h->lane_count < worker_count; h->lane_count++) {
        struct lane *l = &h->lanes[h->lane_count];

        l->letter.run = lane_run;
        l->hub = h;
        l->box = worker_mailboxes[h->lane_count];
        l->slots = malloc(LANE_SLOTS * sizeof(struct delivery *));
        if (!l->slots) goto fail;
    }
    h->watcher = (struct chain_watcher){.ctx = h, .event = on_event};
    chain_watch(chain, &h->watcher);
    *out = h;
    return FAN_OK;
fail:
    hub_free(h);
    return FAN_ENOMEM;
}

void hub_free(struct hub *h)
{
    if (!h) return;
    chain_unwatch(h->chain, &h->watcher);
    for (size_t i = 0; i < h->lane_count; i++) {
        struct delivery *d;

        while ((d = lane_take(&h->lanes[i])) != NULL) delivery_unref(d);
        free(h->lanes[i].slots);
    }
    poll_set_free(h->polls);
    block_unref(h->head);
    (void)pthread_mutex_destroy(&h->head_lock);
    free(h);
}
