#include "hub/shard.h"

#include <stdlib.h>

static const uint64_t SINCE_MAX = (1ull << 55) - 1; /* what subscription.since holds */

/* About 16 KiB, less what malloc keeps for itself. */
enum { SLAB_LEN = 16 * 1024 - 32 };

struct slab {
    struct slab *next;
    _Alignas(8) uint8_t bytes[];
};

/* ---- memory ---- */

static struct subscription **free_of(struct hub_shard *s, enum hub_kind kind)
{
    return &s->free[kind == HUB_LOGS ? 0 : 1];
}

static void subscription_free(struct hub_shard *s, struct subscription *sub)
{
    struct subscription **list = free_of(s, sub->kind);

    sub->client_next = *list;
    *list = sub;
}

static bool slab_new(struct hub_shard *s, enum hub_kind kind)
{
    size_t size = kind == HUB_LOGS ? sizeof(struct logs_subscription) : sizeof(struct subscription);
    struct slab *more = malloc(SLAB_LEN);

    if (!more) return false;
    more->next = s->slabs;
    s->slabs = more;
    for (size_t at = (SLAB_LEN - sizeof *more) / size; at-- > 0;) {
        struct subscription *sub = (struct subscription *)(void *)(more->bytes + at * size);

        sub->kind = (uint8_t)kind;
        subscription_free(s, sub);
    }
    return true;
}

/* Zeroed, but for its kind. */
static struct subscription *subscription_new(struct hub_shard *s, enum hub_kind kind)
{
    struct subscription **list = free_of(s, kind), *sub;

    if (!*list && !slab_new(s, kind)) return NULL;
    sub = *list;
    *list = sub->client_next;
    *sub = (struct subscription){.kind = (uint8_t)kind};
    if (kind == HUB_LOGS) *entry_of(sub) = NULL;
    return sub;
}

static struct hub_client *client_of(struct hub_shard *s, struct conn *c)
{
    struct hub_client *client = conn_attachment(c);

    if (client) return client;
    client = calloc(1, sizeof *client);
    if (!client) return NULL;
    client->conn = c;
    client->next = s->clients;
    if (client->next) client->next->prev = client;
    s->clients = client;
    conn_attach(c, client);
    return client;
}

static void client_end(struct hub_shard *s, struct hub_client *client)
{
    if (client->next) client->next->prev = client->prev;
    if (client->prev)
        client->prev->next = client->next;
    else
        s->clients = client->next;
    conn_attach(client->conn, NULL);
    free(client);
}

/* ---- interest ---- */

static const enum chain_event_kind event_of[HUB_KIND_COUNT] = {
    [HUB_NEW_HEADS] = CHAIN_EVENT_HEAD,         [HUB_LOGS] = CHAIN_EVENT_HEAD,
    [HUB_RECEIPTS] = CHAIN_EVENT_HEAD,          [HUB_PENDING_HASHES] = CHAIN_EVENT_PENDING,
    [HUB_PENDING_BODIES] = CHAIN_EVENT_PENDING, [HUB_SYNCING] = CHAIN_EVENT_SYNCING,
};

/* Syncing is always of interest: a later subscriber is told the state at once, so the shard must know it. */
static void interest_set(struct hub_shard *s)
{
    uint32_t bits = 1u << CHAIN_EVENT_SYNCING;

    for (unsigned k = 0; k < HUB_KIND_COUNT; k++)
        if (counter_get(&s->stats.subscriptions[k])) bits |= 1u << event_of[k];
    if (counter_get(&s->stats.subscriptions[HUB_LOGS])) bits |= 1u << CHAIN_EVENT_LOGS;
    atomic_store(&s->lane->interest, bits);
}

/* ---- linking ---- */

/* The head of the list that sub belongs to. */
static void list_set(struct hub_shard *s, struct subscription *sub, struct subscription *first)
{
    if (sub->kind == HUB_LOGS)
        (*entry_of(sub))->owner = first;
    else
        s->by_kind[sub->kind] = first;
}

static void link_in(struct hub_shard *s, struct subscription *sub)
{
    sub->next = sub->kind == HUB_LOGS ? (*entry_of(sub))->owner : s->by_kind[sub->kind];
    if (sub->next) sub->next->prev = sub;
    list_set(s, sub, sub);
}

static void link_out(struct hub_shard *s, struct subscription *sub)
{
    if (sub->next) sub->next->prev = sub->prev;
    if (sub->prev)
        sub->prev->next = sub->next;
    else
        list_set(s, sub, sub->next);
}

void shard_go_live(struct hub_shard *s, struct subscription *sub, uint64_t since)
{
    assert(!s->walking && sub->conn);
    sub->since = since & SINCE_MAX;
    sub->resuming = 0;
    sub->prev = NULL;
    link_in(s, sub);
}

/* Takes a subscription that no client lists any more out of its list, and frees it. */
static void bury(struct hub_shard *s, struct subscription *sub)
{
    if (!sub->resuming) link_out(s, sub);
    if (sub->kind == HUB_LOGS) index_remove(&s->index, *entry_of(sub));
    subscription_free(s, sub);
}

/* Ends a subscription that its client no longer lists: at once, or after the walk. */
static void end(struct hub_shard *s, struct subscription *sub)
{
    struct counter *live = &s->stats.subscriptions[sub->kind];

    counter_sub(live, 1);
    if (counter_get(live) == 0) interest_set(s);
    sub->conn = NULL;
    if (sub->resuming) resume_drop(s, sub);
    if (s->walking) {
        sub->client_next = s->dead;
        s->dead = sub;
    } else {
        bury(s, sub);
    }
}

void shard_walk_end(struct hub_shard *s)
{
    s->walking = false;
    while (s->dead) {
        struct subscription *sub = s->dead;

        s->dead = sub->client_next;
        bury(s, sub);
    }
}

/* ---- what rpc methods call ---- */

/* Syncing begins with the state: the one this shard's other subscribers were told last, so that the change that follows
 * is a change. */
static enum fan_status tell_sync(struct hub_shard *s, struct conn *c, const uint8_t id[FRAME_ID_LEN])
{
    struct frame *f = delivery_syncing_frame(&s->sync, &s->scratch);
    struct frame_share *share = f ? frame_share_new(f) : NULL;

    if (!share) return FAN_ENOMEM;
    conn_notify(c, share, id);
    frame_share_unref(share);
    counter_add(&s->stats.notifications[HUB_SYNCING], 1);
    return FAN_OK;
}

/* r: where it resumes, taken over on success; NULL: it is live at once. */
static enum fan_status subscribe(struct hub_shard *s, struct conn *c, enum hub_kind kind, const struct filter *filter,
                                 struct resumption *r, char out_id[FRAME_ID_LEN])
{
    struct hub_client *client = client_of(s, c);
    struct subscription *sub;
    uint8_t id[FRAME_ID_LEN];
    enum fan_status status = FAN_ENOMEM;

    if (!client) return FAN_ENOMEM;
    if (client->count >= s->hub->options.subscriptions_max) {
        counter_add(&s->stats.refused_limit, 1);
        return FAN_ELIMIT;
    }
    sub = subscription_new(s, kind);
    if (!sub) goto fail_client;
    sub->conn = c;
    sub->id = id_next(&s->ids);
    id_write(&sub->id, id);
    if (kind == HUB_LOGS)
        status = index_add(&s->index, filter, entry_of(sub));
    else
        status = kind == HUB_SYNCING ? tell_sync(s, c, id) : FAN_OK;
    if (status) goto fail_sub;
    counter_add(&s->stats.subscribed[kind], 1);
    counter_add(&s->stats.subscriptions[kind], 1);
    if (counter_get(&s->stats.subscriptions[kind]) == 1) interest_set(s);
    /* After the interest is there for all to see (parts.h). Syncing counts from what the shard has delivered, as its
     * first word does. */
    sub->since = (kind == HUB_SYNCING ? 0 : atomic_load(&s->hub->sequence)) & SINCE_MAX;
    if (r)
        resume_begin(s, sub, r);
    else
        link_in(s, sub);
    sub->client_next = client->first;
    client->first = sub;
    client->count++;
    memcpy(out_id, id, sizeof id);
    return FAN_OK;
fail_sub:
    subscription_free(s, sub);
fail_client:
    if (!client->count) client_end(s, client);
    return status;
}

enum fan_status hub_subscribe(struct hub_shard *s, struct conn *c, enum hub_kind kind, const struct filter *filter,
                              char out_id[FRAME_ID_LEN])
{
    return subscribe(s, c, kind, filter, NULL, out_id);
}

enum fan_status hub_subscribe_from(struct hub_shard *s, struct conn *c, enum hub_kind kind, const struct filter *filter,
                                   const struct hub_resume *from, char out_id[FRAME_ID_LEN], struct fan_error *err)
{
    struct resumption *r;
    enum fan_status status = resume_find(s->hub, kind, from, &r, err);

    if (status) return status;
    status = subscribe(s, c, kind, filter, r, out_id);
    if (status) resume_free(r);
    return status;
}

void hub_room(struct hub_shard *s, struct conn *c)
{
    struct hub_client *client = conn_attachment(c);

    for (struct subscription *sub = client ? client->first : NULL; sub; sub = sub->client_next)
        if (sub->resuming) resume_wake(s, sub->resumption);
}

bool hub_unsubscribe(struct hub_shard *s, struct conn *c, struct slice id_text)
{
    struct hub_client *client = conn_attachment(c);
    struct hub_id id;
    uint8_t text[FRAME_ID_LEN];

    if (!client || !id_read(id_text, &id)) return false;
    for (struct subscription **link = &client->first; *link; link = &(*link)->client_next) {
        struct subscription *sub = *link;

        if (!id_eq(&sub->id, &id)) continue;
        *link = sub->client_next;
        id_write(&id, text);
        end(s, sub);
        conn_forget_held(c, text);
        if (--client->count == 0) client_end(s, client);
        return true;
    }
    return false;
}

void hub_forget(struct hub_shard *s, struct conn *c)
{
    struct hub_client *client = conn_attachment(c);

    if (!client) return;
    while (client->first) {
        struct subscription *sub = client->first;

        client->first = sub->client_next;
        end(s, sub);
    }
    client_end(s, client);
}

/* ---- lifecycle ---- */

enum fan_status hub_shard_new(struct hub *h, uint32_t worker, struct conn_set *conns, struct hub_shard **out)
{
    struct hub_shard *s = calloc(1, sizeof *s);

    assert(worker < h->lane_count && !h->lanes[worker].shard);
    if (!s) return FAN_ENOMEM;
    s->hub = h;
    s->lane = &h->lanes[worker];
    s->conns = conns;
    s->sync = h->sync_start;
    index_init(&s->index);
    buf_init(&s->scratch.result, 0);
    buf_init(&s->scratch.tail, 0);
    resume_set_init(s);
    s->lane->shard = s;
    interest_set(s);
    *out = s;
    return FAN_OK;
}

void hub_shard_free(struct hub_shard *s)
{
    if (!s) return;
    atomic_store(&s->lane->interest, 0);
    s->lane->shard = NULL;
    (void)mailbox_run(s->lane->box); /* our letter must not outlive the hub in a box that others run later */
    while (s->clients) hub_forget(s, s->clients->conn);
    while (s->slabs) {
        struct slab *slab = s->slabs;

        s->slabs = slab->next;
        free(slab);
    }
    resume_set_fini(s);
    index_fini(&s->index);
    buf_fini(&s->scratch.result);
    buf_fini(&s->scratch.tail);
    free(s);
}

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct hub_stats
#include "base/metric_rows.def"

#include "hub/metrics.def"
};

const struct metric_table hub_metrics = {rows, COUNT_OF(rows), sizeof(struct hub_stats)};

uint64_t hub_stats_notifications(const struct hub_stats *s)
{
    uint64_t sum = 0;

    for (size_t k = 0; k < HUB_KIND_COUNT; k++) sum += counter_get(&s->notifications[k]);
    return sum;
}

const struct hub_stats *hub_shard_stats(const struct hub_shard *s)
{
    return &s->stats;
}
