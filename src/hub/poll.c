/* Polling filters: eth_newFilter and kin.
 *
 * Nothing is copied per filter. Events wait in a journal, one for heads and one for pending transactions, and a filter
 * is a cursor into it; who polls pays for the matching, on its own thread and outside the lock. The writer appends a
 * pointer.
 *
 *   journal:  [event 2 waiting] [event] [event 1 waiting] │ end, 5 waiting
 *              ▲ two filters read next from here            ▲ five have read everything
 *
 * An event goes when the filters waiting for it or for something before it are none. A journal that grows past its
 * limit drops its oldest; the filters that still waited for it are gone, and say so ("filter not found"), since an
 * answer with a hole would be worse. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "hub/parts.h"

enum { JOURNAL_HEADS, JOURNAL_PENDING, JOURNALS };

static const size_t journal_bytes_max[JOURNALS] = {256u << 20, 64u << 20};

struct journal_item {
    struct chain_event *event;
    size_t waiting; /* filters that read next from here */
};

struct journal {
    struct journal_item *ring; /* cap is a power of two */
    size_t cap, count;
    uint64_t first; /* position of the oldest; positions count up for ever */
    size_t waiting_at_end, readers;
    size_t bytes;
};

struct poll {
    struct hub_id id;
    size_t uses; /* the set, and whoever reads right now; under the lock */
    enum hub_poll_kind kind;
    struct arena_home memory;
    struct filter filter;
    struct slice range_json;
    uint64_t cursor;
    uint64_t used_ms;
    struct poll *next, *prev; /* by last use, the longest unused first */
};

struct poll_set {
    pthread_mutex_t lock;
    struct map by_id; /* struct hub_id → struct poll * */
    struct poll *oldest, *newest;
    struct journal journals[JOURNALS];
    struct id_source ids;
    size_t filters_max;
    uint64_t timeout_ms;
};

/* ---- journal ---- */

static size_t journal_of(enum hub_poll_kind kind)
{
    return kind == HUB_POLL_LOGS || kind == HUB_POLL_BLOCKS ? JOURNAL_HEADS : JOURNAL_PENDING;
}

static uint64_t journal_end(const struct journal *j)
{
    return j->first + j->count;
}

static struct journal_item *journal_at(const struct journal *j, uint64_t position)
{
    return &j->ring[position & (j->cap - 1)];
}

static size_t event_bytes(const struct chain_event *e)
{
    size_t bytes = sizeof *e;

    if (e->kind == CHAIN_EVENT_PENDING) return bytes + sizeof *e->pending + e->pending->memory.bytes;
    for (size_t i = 0; i < e->removed_count; i++) bytes += sizeof(struct block) + e->removed[i]->memory.bytes;
    for (size_t i = 0; i < e->added_count; i++) bytes += sizeof(struct block) + e->added[i]->memory.bytes;
    return bytes;
}

static void journal_pop(struct journal *j)
{
    struct journal_item *item = journal_at(j, j->first);

    j->bytes -= event_bytes(item->event);
    chain_event_unref(item->event);
    j->first++;
    j->count--;
}

/* Drops what nobody waits for. */
static void journal_trim(struct journal *j)
{
    while (j->count && journal_at(j, j->first)->waiting == 0) journal_pop(j);
}

static bool journal_grow(struct journal *j)
{
    size_t cap = j->cap ? j->cap * 2 : 64;
    struct journal_item *ring = calloc(cap, sizeof *ring);

    if (!ring) return false;
    for (uint64_t p = j->first; p < journal_end(j); p++) ring[p & (cap - 1)] = *journal_at(j, p);
    free(j->ring);
    j->ring = ring;
    j->cap = cap;
    return true;
}

/* Everyone who has read to the end now waits for this event. */
static void journal_append(struct journal *j, struct chain_event *e, size_t bytes_max)
{
    if (!j->readers) return;
    if (j->count == j->cap && !journal_grow(j)) {
        /* Out of memory: a hole for all who read here. They fall behind the journal's start and are not found. */
        while (j->count) journal_pop(j);
        j->first++;
        j->waiting_at_end = 0;
        return;
    }
    j->bytes += event_bytes(e);
    j->count++;
    *journal_at(j, journal_end(j) - 1) = (struct journal_item){chain_event_ref(e), j->waiting_at_end};
    j->waiting_at_end = 0;
    while (j->count > 1 && j->bytes > bytes_max) journal_pop(j);
    journal_trim(j);
}

static bool journal_has(const struct journal *j, uint64_t cursor)
{
    return cursor >= j->first;
}

static void journal_leave(struct journal *j, uint64_t cursor)
{
    if (!journal_has(j, cursor)) return; /* its event took the count along */
    if (cursor == journal_end(j))
        j->waiting_at_end--;
    else
        journal_at(j, cursor)->waiting--;
}

static uint64_t journal_join(struct journal *j)
{
    j->waiting_at_end++;
    return journal_end(j);
}

/* ---- filters ---- */

static void list_out(struct poll_set *s, struct poll *p)
{
    if (p->next)
        p->next->prev = p->prev;
    else
        s->newest = p->prev;
    if (p->prev)
        p->prev->next = p->next;
    else
        s->oldest = p->next;
}

static void list_in(struct poll_set *s, struct poll *p)
{
    p->next = NULL;
    p->prev = s->newest;
    if (p->prev)
        p->prev->next = p;
    else
        s->oldest = p;
    s->newest = p;
}

static void poll_unref(struct poll *p)
{
    if (--p->uses) return;
    arena_home_fini(&p->memory);
    free(p);
}

static void poll_end(struct poll_set *s, struct poll *p)
{
    struct journal *j = &s->journals[journal_of(p->kind)];

    journal_leave(j, p->cursor);
    j->readers--;
    journal_trim(j);
    list_out(s, p);
    (void)map_delete(&s->by_id, &p->id);
    poll_unref(p);
}

static void expire(struct poll_set *s)
{
    uint64_t now = clock_monotonic_ms();

    while (s->oldest && now - s->oldest->used_ms > s->timeout_ms) poll_end(s, s->oldest);
}

/* The filter of that id, used now; NULL when there is none, or its journal had to go on without it. Under the lock. */
static struct poll *find(struct poll_set *s, struct slice id_text)
{
    struct hub_id id;
    struct poll **known, *p;

    expire(s);
    if (!id_read(id_text, &id)) return NULL;
    known = map_get(&s->by_id, &id);
    if (!known) return NULL;
    p = *known;
    if (!journal_has(&s->journals[journal_of(p->kind)], p->cursor)) {
        poll_end(s, p);
        return NULL;
    }
    p->used_ms = clock_monotonic_ms();
    list_out(s, p);
    list_in(s, p);
    return p;
}

static struct poll *poll_new(enum hub_poll_kind kind, const struct filter *filter, struct slice range_json)
{
    struct poll *p = calloc(1, sizeof *p);
    struct arena a;

    if (!p) return NULL;
    p->uses = 1;
    p->kind = kind;
    arena_home_init(&p->memory, 0);
    a = arena_of(&p->memory);
    if (filter && filter_copy(filter, &a, &p->filter)) goto fail;
    if (range_json.len) {
        p->range_json = arena_dup(&a, range_json);
        if (!p->range_json.at) goto fail;
    }
    return p;
fail:
    poll_unref(p);
    return NULL;
}

enum fan_status hub_poll_new(struct hub *h, enum hub_poll_kind kind, const struct filter *filter,
                             struct slice range_json, char out_id[FRAME_ID_LEN])
{
    struct poll_set *s = h->polls;
    struct poll *p = poll_new(kind, filter, range_json), **known;
    struct journal *j = &s->journals[journal_of(kind)];
    enum fan_status status = FAN_OK;
    uint8_t id[FRAME_ID_LEN];

    if (!p) return FAN_ENOMEM;
    (void)pthread_mutex_lock(&s->lock);
    expire(s);
    if (s->by_id.count >= s->filters_max) {
        status = FAN_ELIMIT;
    } else {
        p->id = id_next(&s->ids);
        known = map_put(&s->by_id, &p->id, NULL);
        if (known)
            *known = p;
        else
            status = FAN_ENOMEM;
    }
    if (!status) {
        p->used_ms = clock_monotonic_ms();
        p->cursor = journal_join(j);
        j->readers++;
        list_in(s, p);
        id_write(&p->id, id);
        memcpy(out_id, id, sizeof id);
    } else {
        poll_unref(p);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return status;
}

bool hub_poll_drop(struct hub *h, struct slice id)
{
    struct poll_set *s = h->polls;
    struct poll *p;

    (void)pthread_mutex_lock(&s->lock);
    p = find(s, id);
    if (p) poll_end(s, p);
    (void)pthread_mutex_unlock(&s->lock);
    return p != NULL;
}

/* ---- reading ---- */

static void put_logs(const struct filter *f, const struct block *b, bool removed, struct json_writer *w)
{
    if (!b->log_count || !filter_may_match(f, &b->header.logs_bloom)) return;
    for (size_t i = 0; i < b->log_count; i++) {
        const struct log *l = &b->logs[removed ? b->log_count - 1 - i : i];

        if (filter_matches(f, &l->address, l->topics, l->topic_count)) log_put_json(l, removed, w);
    }
}

static void put_event(const struct poll *p, const struct chain_event *e, struct json_writer *w)
{
    switch (p->kind) {
    case HUB_POLL_LOGS:
        for (size_t i = 0; i < e->removed_count; i++) put_logs(&p->filter, e->removed[i], true, w);
        for (size_t i = 0; i < e->added_count; i++) put_logs(&p->filter, e->added[i], false, w);
        break;
    case HUB_POLL_BLOCKS:
        for (size_t i = 0; e->kind == CHAIN_EVENT_HEAD && i < e->added_count; i++)
            json_put_hash(w, &e->added[i]->hash);
        break;
    case HUB_POLL_PENDING_HASHES:
        json_put_hash(w, &e->pending->tx.hash);
        break;
    case HUB_POLL_PENDING_BODIES:
        pending_tx_put_json(e->pending, w);
        break;
    }
}

/* Takes what the filter has not read, with references, and moves it to the end. Under the lock. */
static enum fan_status take_news(struct poll_set *s, struct poll *p, struct chain_event ***out, size_t *out_count)
{
    struct journal *j = &s->journals[journal_of(p->kind)];
    size_t count = (size_t)(journal_end(j) - p->cursor);
    struct chain_event **news = NULL;

    if (count) {
        news = malloc(count * sizeof(struct chain_event *));
        if (!news) return FAN_ENOMEM;
        for (size_t i = 0; i < count; i++) news[i] = chain_event_ref(journal_at(j, p->cursor + i)->event);
        journal_leave(j, p->cursor);
        p->cursor = journal_join(j);
        journal_trim(j);
    }
    *out = news;
    *out_count = count;
    return FAN_OK;
}

enum fan_status hub_poll_changes(struct hub *h, struct slice id, struct json_writer *w)
{
    struct poll_set *s = h->polls;
    struct poll *p;
    struct chain_event **news = NULL;
    size_t count = 0;
    enum fan_status status = FAN_ENOTFOUND;

    (void)pthread_mutex_lock(&s->lock);
    p = find(s, id);
    if (p) {
        p->uses++;
        status = take_news(s, p, &news, &count);
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (!p) return status;
    if (!status) {
        json_begin_array(w);
        for (size_t i = 0; i < count; i++) {
            put_event(p, news[i], w);
            chain_event_unref(news[i]);
        }
        json_end_array(w);
        free(news);
    }
    (void)pthread_mutex_lock(&s->lock);
    poll_unref(p);
    (void)pthread_mutex_unlock(&s->lock);
    return status;
}

enum fan_status hub_poll_filter(struct hub *h, struct slice id, struct arena *a, struct filter *out,
                                struct slice *out_range_json)
{
    struct poll_set *s = h->polls;
    enum fan_status status = FAN_ENOTFOUND;
    struct filter filter;
    struct slice range = {0};
    struct poll *p;

    (void)pthread_mutex_lock(&s->lock);
    p = find(s, id);
    if (p) {
        status = p->kind == HUB_POLL_LOGS ? filter_copy(&p->filter, a, &filter) : FAN_EINVAL;
        if (!status && p->range_json.len) {
            range = arena_dup(a, p->range_json);
            if (!range.at) status = FAN_ENOMEM;
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (status) return status;
    *out = filter;
    *out_range_json = range;
    return FAN_OK;
}

/* ---- the set ---- */

void poll_set_event(struct poll_set *s, struct chain_event *e)
{
    size_t which = e->kind == CHAIN_EVENT_PENDING ? JOURNAL_PENDING : JOURNAL_HEADS;

    if (e->kind == CHAIN_EVENT_SYNCING) return;
    (void)pthread_mutex_lock(&s->lock);
    expire(s);
    journal_append(&s->journals[which], e, journal_bytes_max[which]);
    (void)pthread_mutex_unlock(&s->lock);
}

struct poll_set *poll_set_new(const struct hub_options *options)
{
    struct poll_set *s = calloc(1, sizeof *s);

    if (!s) return NULL;
    if (pthread_mutex_init(&s->lock, NULL)) {
        free(s);
        return NULL;
    }
    map_init(&s->by_id, sizeof(struct hub_id), sizeof(struct poll *));
    s->filters_max = options->filters_max;
    s->timeout_ms = options->filter_timeout_ms;
    return s;
}

void poll_set_free(struct poll_set *s)
{
    if (!s) return;
    while (s->oldest) poll_end(s, s->oldest);
    for (size_t i = 0; i < JOURNALS; i++) {
        while (s->journals[i].count) journal_pop(&s->journals[i]);
        free(s->journals[i].ring);
    }
    map_fini(&s->by_id);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
