#include "hub/resume.h"

#include <stdlib.h>

#include "base/trace.h"
#include "codec/hex.h"
#include "hub/shard.h"
#include "wire/ws.h"

enum {
    BLOCKS_PER_TURN = 256,  /* looked at, matches or not */
    BRANCH_BLOCKS_MAX = 256 /* an orphaned start is at most so far from the chain: twice what a reorg may replace */
};

/* ---- lists ---- */

static void list_out(struct resume_set *set, struct resumption *r)
{
    if (r->next)
        r->next->prev = r->prev;
    else
        set->lists[r->state].last = r->prev;
    if (r->prev)
        r->prev->next = r->next;
    else
        set->lists[r->state].first = r->next;
    r->next = r->prev = NULL;
}

/* At the end, so that those of one connection take turns. */
static void list_in(struct resume_set *set, struct resumption *r, enum resume_state state)
{
    struct resumption *last = set->lists[state].last;

    r->state = (uint8_t)state;
    r->next = NULL;
    r->prev = last;
    if (last)
        last->next = r;
    else
        set->lists[state].first = r;
    set->lists[state].last = r;
}

static void move_to(struct resume_set *set, struct resumption *r, enum resume_state state)
{
    list_out(set, r);
    list_in(set, r, state);
}

static bool nobody(const struct resume_set *set)
{
    for (int i = 0; i < RESUME_STATES; i++)
        if (set->lists[i].first) return false;
    return true;
}

static void post(struct hub_shard *s)
{
    struct resume_set *set = &s->resumes;

    if (set->posted || !set->lists[RESUME_READY].first) return;
    set->posted = true;
    mailbox_post(s->lane->box, &set->letter);
}

/* ---- where to begin ---- */

static enum fan_status refuse(struct fan_error *err, const char *what, const struct fan_hash *hash)
{
    char text[2 * sizeof hash->bytes];

    hex_encode(slice_of(hash->bytes, sizeof hash->bytes), text);
    return fan_error_set(err, FAN_EINVAL, "resume.blockHash: %s 0x%.*s", what, (int)sizeof text, text);
}

static enum fan_status check_distance(const struct hub *h, uint64_t blocks, struct fan_error *err)
{
    if (blocks <= h->options.resume_blocks_max) return FAN_OK;
    return fan_error_set(err, FAN_EINVAL,
                         "resume: begins %llu blocks back, at most %llu are offered (ws.resume-blocks)",
                         (unsigned long long)blocks, (unsigned long long)h->options.resume_blocks_max);
}

static enum fan_status find_number(struct hub *h, uint64_t from, uint64_t head, struct block **out,
                                   struct fan_error *err)
{
    enum fan_status s;

    if (from > head && from - head > 1)
        return fan_error_set(err, FAN_EINVAL, "resume.fromBlock: %llu lies beyond the head, %llu",
                             (unsigned long long)from, (unsigned long long)head);
    s = check_distance(h, head + 1 - from, err);
    if (s) return s;
    *out = NULL;
    if (from == 0) return FAN_OK;
    s = h->chain->ops->block_by_number(h->chain, from - 1, out);
    if (s != FAN_ENOTFOUND) return s;
    return fan_error_set(err, FAN_EINVAL, "resume.fromBlock: the block before %llu is not there",
                         (unsigned long long)from);
}

/* How far the way goes from b back to the chain and forward to its head; b is borrowed. */
static enum fan_status check_branch(struct hub *h, struct block *b, bool canonical, uint64_t head,
                                    struct fan_error *err)
{
    const struct fan_hash asked = b->hash;
    struct block *at = block_ref(b);
    enum fan_status s = FAN_OK;

    for (size_t steps = 0; !canonical && !s; steps++) {
        struct block *parent = NULL;

        s = steps < BRANCH_BLOCKS_MAX
                ? h->chain->ops->block_by_hash(h->chain, &at->header.parent_hash, &canonical, &parent)
                : FAN_ENOTFOUND;
        if (s) break;
        block_unref(at);
        at = parent;
    }
    if (s == FAN_ENOTFOUND)
        s = refuse(err, "the way from the chain to this orphaned block is not kept any more:", &asked);
    else if (!s)
        s = check_distance(h, head > at->header.number ? head - at->header.number : 0, err);
    block_unref(at);
    return s;
}

static enum fan_status find_hash(struct hub *h, const struct fan_hash *hash, uint64_t head, struct block **out,
                                 struct fan_error *err)
{
    struct block *b;
    bool canonical;
    enum fan_status s = h->chain->ops->block_by_hash(h->chain, hash, &canonical, &b);

    if (s == FAN_ENOTFOUND) return refuse(err, "unknown block", hash);
    if (s) return s;
    s = check_branch(h, b, canonical, head, err);
    if (s)
        block_unref(b);
    else
        *out = b;
    return s;
}

/* How many logs of its block the reader has. */
static enum fan_status find_told(const struct hub_resume *from, const struct block *at, size_t *out,
                                 struct fan_error *err)
{
    *out = at ? at->log_count : 0;
    if (!from->has_log_index) return FAN_OK;
    if (from->log_index >= *out)
        return fan_error_set(err, FAN_EINVAL, "resume.logIndex: %llu, but the block has %zu logs",
                             (unsigned long long)from->log_index, *out);
    *out = (size_t)from->log_index + 1;
    return FAN_OK;
}

enum fan_status resume_find(struct hub *h, enum hub_kind kind, const struct hub_resume *from, struct resumption **out,
                            struct fan_error *err)
{
    const struct chain_ops *ops = h->chain->ops;
    struct resumption *r;
    struct block *head;
    uint64_t head_number;
    enum fan_status s;

    assert(kind == HUB_NEW_HEADS || kind == HUB_LOGS);
    if (!ops->head || !ops->block_by_number || !ops->block_by_hash) return FAN_EUNSUPPORTED;
    s = ops->head(h->chain, &head);
    if (s) return s;
    head_number = head->header.number;
    block_unref(head);
    r = calloc(1, sizeof *r);
    if (!r) return FAN_ENOMEM;
    s = from->by_hash ? find_hash(h, &from->block_hash, head_number, &r->at, err)
                      : find_number(h, from->from_block, head_number, &r->at, err);
    if (!s) s = find_told(from, r->at, &r->told, err);
    if (s)
        resume_free(r);
    else
        *out = r;
    return s;
}

void resume_free(struct resumption *r)
{
    block_unref(r->at);
    free(r);
}

/* ---- stepping ---- */

enum step { STEP_MORE, STEP_NO_ROOM, STEP_AT_HEAD, STEP_LIVE, STEP_LOST };

/* One notification. False: the connection has no room, or is being closed, which comes to the same. */
static bool tell(struct hub_shard *s, struct resumption *r, enum delivery_form form, const void *what)
{
    struct conn *c = r->sub->conn;
    struct frame_share *share;
    struct frame *f;
    uint8_t id[FRAME_ID_LEN];

    if (!conn_paced_room(c)) return false;
    f = delivery_frame_of(form, what, &s->scratch);
    share = f ? frame_share_new(f) : NULL;
    if (!share) {
        conn_close(c, WS_CLOSE_INTERNAL, "out of memory");
        return false;
    }
    id_write(&r->sub->id, id);
    conn_notify_paced(c, share, id);
    frame_share_unref(share);
    counter_add(&s->stats.notifications[r->sub->kind], 1);
    counter_add(&s->stats.frames_encoded, 1);
    return true;
}

static bool wants(const struct resumption *r, const struct log *l)
{
    return filter_matches(&(*entry_of(r->sub))->filter, &l->address, l->topics, l->topic_count);
}

/* The block r stands on has been orphaned: what was told of it is taken back, and r stands on its parent. */
static enum step step_back(struct hub_shard *s, struct resumption *r)
{
    struct chain *chain = s->hub->chain;
    struct block *parent;
    bool canonical;

    for (; r->sub->kind == HUB_LOGS && r->told; r->told--) {
        const struct log *l = &r->at->logs[r->told - 1];

        if (wants(r, l) && !tell(s, r, DELIVERY_LOG_REMOVED, l)) return STEP_NO_ROOM;
    }
    if (chain->ops->block_by_hash(chain, &r->at->header.parent_hash, &canonical, &parent)) return STEP_LOST;
    block_unref(r->at);
    r->at = parent;
    r->told = parent->log_count;
    return STEP_MORE;
}

/* The rest of the logs of the block r stands on. */
static enum step tell_logs(struct hub_shard *s, struct resumption *r)
{
    if (!filter_may_match(&(*entry_of(r->sub))->filter, &r->at->header.logs_bloom)) r->told = r->at->log_count;
    for (; r->told < r->at->log_count; r->told++) {
        const struct log *l = &r->at->logs[r->told];

        if (wants(r, l) && !tell(s, r, DELIVERY_LOG, l)) return STEP_NO_ROOM;
    }
    return STEP_MORE;
}

/* To the next block that may hold what a reader of logs wants: those between hold nothing, and are passed by. */
static enum step leap_up(struct hub_shard *s, struct resumption *r)
{
    struct chain *chain = s->hub->chain;
    struct block *b;
    enum fan_status status =
        chain->ops->logs_next(chain, &(*entry_of(r->sub))->filter, r->at, s->resumes.head->header.number, &b);

    if (status == FAN_ESTALE) return STEP_MORE; /* the chain turned between two questions: ask again */
    if (status) return status == FAN_ENOTFOUND ? STEP_AT_HEAD : STEP_LOST;
    block_unref(r->at);
    r->at = b;
    r->told = 0;
    return STEP_MORE;
}

/* To the next block of the chain, whose header is told to those who want headers. */
static enum step step_up(struct hub_shard *s, struct resumption *r)
{
    struct chain *chain = s->hub->chain;
    uint64_t number = r->at ? r->at->header.number + 1 : 0;
    struct block *b;
    enum step step = STEP_MORE;

    /* What the chain has above the events' head, or has no more below it, an event will tell. */
    if (number > s->resumes.head->header.number || chain->ops->block_by_number(chain, number, &b)) return STEP_AT_HEAD;
    if (r->at && !hash_eq(&b->header.parent_hash, &r->at->hash)) {
        /* The chain turned between two questions: ask again. */
    } else if (r->sub->kind == HUB_NEW_HEADS && !tell(s, r, DELIVERY_HEADER, b)) {
        step = STEP_NO_ROOM;
    } else {
        block_unref(r->at);
        r->at = block_ref(b);
        r->told = r->sub->kind == HUB_LOGS ? 0 : b->log_count;
    }
    block_unref(b);
    return step;
}

static enum step step(struct hub_shard *s, struct resumption *r)
{
    struct chain *chain = s->hub->chain;
    bool canonical = true;

    if (r->at && r->told == r->at->log_count && hash_eq(&r->at->hash, &s->resumes.head->hash)) return STEP_LIVE;
    if (r->at) {
        struct block *b = NULL;
        enum fan_status status = chain->ops->block_by_hash(chain, &r->at->hash, &canonical, &b);

        if (status && status != FAN_ENOTFOUND) return STEP_LOST;
        if (status) canonical = false; /* orphaned so long ago that the chain has forgotten it */
        block_unref(b);
    }
    if (!canonical) return step_back(s, r);
    if (r->at && r->told < r->at->log_count) return tell_logs(s, r);
    return r->sub->kind == HUB_LOGS && chain->ops->logs_next ? leap_up(s, r) : step_up(s, r);
}

/* As far as one turn allows. */
static void go(struct hub_shard *s, struct resumption *r)
{
    struct resume_set *set = &s->resumes;
    enum step last = STEP_MORE;

    for (size_t i = 0; i < BLOCKS_PER_TURN && last == STEP_MORE; i++)
        last = conn_paced_room(r->sub->conn) ? step(s, r) : STEP_NO_ROOM;
    TRACE(hub, resume, last, r->at ? r->at->header.number : 0);
    switch (last) {
    case STEP_MORE:
        move_to(set, r, RESUME_READY);
        break;
    case STEP_LOST:
        conn_close(r->sub->conn, WS_CLOSE_INTERNAL, "resume: the way back to the chain is lost");
        move_to(set, r, RESUME_NO_ROOM);
        break;
    case STEP_NO_ROOM:
        move_to(set, r, RESUME_NO_ROOM);
        break;
    case STEP_AT_HEAD:
        move_to(set, r, RESUME_AT_HEAD);
        break;
    case STEP_LIVE: {
        struct subscription *sub = r->sub;

        list_out(set, r);
        resume_free(r);
        counter_add(&s->stats.resumes_live, 1);
        shard_go_live(s, sub, set->sequence);
        break;
    }
    }
}

static void forget_head(struct resume_set *set)
{
    block_unref(set->head);
    set->head = NULL;
}

/* Those that were ready when it began, each once. */
static void run_ready(struct hub_shard *s)
{
    struct resume_set *set = &s->resumes;
    struct resumption *last = set->lists[RESUME_READY].last, *r;

    if (!set->head) return; /* events were lost: all who resumed are being closed */
    for (bool done = !last; !done;) {
        r = set->lists[RESUME_READY].first;
        done = r == last;
        go(s, r);
    }
    if (nobody(set)) forget_head(set);
    post(s);
}

static void letter_runs(struct letter *l)
{
    struct hub_shard *s = CONTAINER_OF(l, struct hub_shard, resumes.letter);

    s->resumes.posted = false;
    if (!s->lane->shard) return; /* the shard is going */
    run_ready(s);
    conn_set_flush(s->conns);
}

/* ---- what happens to a resumption ---- */

/* The interest is there for all to see, so every event after the one read here will be delivered (parts.h). */
static void track_head(struct hub_shard *s)
{
    struct resume_set *set = &s->resumes;
    struct hub *h = s->hub;

    if (set->head) return;
    (void)pthread_mutex_lock(&h->head_lock);
    set->head = h->head ? block_ref(h->head) : NULL;
    set->sequence = h->head_sequence;
    (void)pthread_mutex_unlock(&h->head_lock);
}

void resume_begin(struct hub_shard *s, struct subscription *sub, struct resumption *r)
{
    sub->resuming = 1;
    sub->resumption = r;
    r->sub = sub;
    list_in(&s->resumes, r, RESUME_READY);
    counter_add(&s->stats.resumes_begun, 1);
    track_head(s);
    post(s);
}

void resume_drop(struct hub_shard *s, struct subscription *sub)
{
    struct resumption *r = sub->resumption;

    list_out(&s->resumes, r);
    resume_free(r);
    counter_add(&s->stats.resumes_lost, 1);
    sub->resumption = NULL;
    if (nobody(&s->resumes)) forget_head(&s->resumes);
}

void resume_wake(struct hub_shard *s, struct resumption *r)
{
    if (!r || r->state != RESUME_NO_ROOM) return;
    move_to(&s->resumes, r, RESUME_READY);
    post(s);
}

void resume_head_moved(struct hub_shard *s, const struct chain_event *e)
{
    struct resume_set *set = &s->resumes;

    if (!set->head || e->sequence <= set->sequence) return;
    block_unref(set->head);
    set->head = block_ref(e->head);
    set->sequence = e->sequence;
}

static void late_logs_for(struct hub_shard *s, struct resumption *r, const struct chain_event *e)
{
    const struct block *late = e->added[0];

    if (r->sub->kind != HUB_LOGS || !r->at || r->at->header.number < late->header.number)
        return; /* it will meet them */
    if (r->at->header.number == late->header.number) {
        if (!hash_eq(&r->at->hash, &late->hash)) return; /* it stands on another branch and will come here */
        block_unref(r->at);
        r->at = block_ref(e->whole); /* begins with the logs that were there before, so what was told still counts */
        return;
    }
    for (size_t i = 0; i < late->log_count; i++)
        if (wants(r, &late->logs[i])) (void)tell(s, r, DELIVERY_LOG, &late->logs[i]);
}

void resume_late_logs(struct hub_shard *s, const struct chain_event *e)
{
    struct resume_set *set = &s->resumes;

    if (!set->head || e->sequence <= set->sequence) return; /* what began after that event sees the whole block */
    for (int list = 0; list < RESUME_STATES; list++)
        for (struct resumption *r = set->lists[list].first; r; r = r->next) late_logs_for(s, r, e);
}

void resume_go_on(struct hub_shard *s)
{
    struct resume_set *set = &s->resumes;

    if (!set->lists[RESUME_AT_HEAD].first) return;
    while (set->lists[RESUME_AT_HEAD].first) move_to(set, set->lists[RESUME_AT_HEAD].first, RESUME_READY);
    run_ready(s);
}

void resume_lost_track(struct hub_shard *s)
{
    forget_head(&s->resumes);
}

/* ---- lifecycle ---- */

void resume_set_init(struct hub_shard *s)
{
    s->resumes.letter.run = letter_runs;
}

void resume_set_fini(struct hub_shard *s)
{
    assert(nobody(&s->resumes)); /* every client has been forgotten */
    forget_head(&s->resumes);
}
