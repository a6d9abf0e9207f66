/* test_model: a chain that turns, behind the door, and a reader that keeps what a stream told it.
 *
 * Changing the chain and telling of it are two acts here, so that a test can leave events behind the state as a busy
 * writer does. A reader of logs is a stack: an added log must be new, a removed one must be the top. When the stream has
 * come to rest, the stack must be the chain's logs, all of them, in order: then there was no hole, no duplicate and no
 * disorder on the way. A reader of headers is a stack of blocks, cut down to each header's parent. */
#ifndef HUB_TEST_MODEL_H
#define HUB_TEST_MODEL_H

#include <pthread.h>

#include "hub/test_server.h"

enum { MODEL_BLOCKS_MAX = 16384, MODEL_PENDING_MAX = 64, MODEL_LOGS_MAX = 65536 };

struct model {
    pthread_mutex_t lock;
    struct test_chain *door;
    struct block *blocks[MODEL_BLOCKS_MAX]; /* by serial, orphans included */
    size_t block_count;
    struct block *canonical[MODEL_BLOCKS_MAX];
    size_t height;                 /* canonical blocks, genesis included */
    uint64_t forgotten;            /* serials below are only known while canonical */
    struct chain_event *pending[MODEL_PENDING_MAX]; /* changed, not told */
    size_t pending_count;
};

static struct model *model_now; /* the door's functions get a struct chain only */

static inline enum fan_status model_head(struct chain *c, struct block **out)
{
    (void)c;
    (void)pthread_mutex_lock(&model_now->lock);
    *out = block_ref(model_now->canonical[model_now->height - 1]);
    (void)pthread_mutex_unlock(&model_now->lock);
    return FAN_OK;
}

static inline enum fan_status model_by_number(struct chain *c, uint64_t number, struct block **out)
{
    struct block *b = NULL;

    (void)c;
    (void)pthread_mutex_lock(&model_now->lock);
    if (number < model_now->height) b = block_ref(model_now->canonical[number]);
    (void)pthread_mutex_unlock(&model_now->lock);
    if (b) *out = b;
    return b ? FAN_OK : FAN_ENOTFOUND;
}

static inline uint64_t model_serial(const struct fan_hash *hash)
{
    return get_be64(hash->bytes + 24);
}

static inline enum fan_status model_by_hash(struct chain *c, const struct fan_hash *hash, bool *out_canonical,
                                            struct block **out)
{
    uint64_t serial = model_serial(hash);
    enum fan_status s = FAN_ENOTFOUND;

    (void)c;
    (void)pthread_mutex_lock(&model_now->lock);
    if (hash->bytes[0] == 0xb1 && serial < model_now->block_count) {
        struct block *b = model_now->blocks[serial];
        bool canonical = b->header.number < model_now->height && model_now->canonical[b->header.number] == b;

        if (canonical || serial >= model_now->forgotten) {
            *out_canonical = canonical;
            *out = block_ref(b);
            s = FAN_OK;
        }
    }
    (void)pthread_mutex_unlock(&model_now->lock);
    return s;
}

static inline bool model_may_hold(const struct block *b, const struct filter *f)
{
    for (size_t i = 0; i < b->log_count; i++)
        if (filter_matches(f, &b->logs[i].address, b->logs[i].topics, b->logs[i].topic_count)) return true;
    return false;
}

/* A chain with an index of logs: leaps over what has no match. */
static inline enum fan_status model_logs_next(struct chain *c, const struct filter *f, const struct block *at,
                                              uint64_t to, struct block **out)
{
    uint64_t number = at ? at->header.number + 1 : 0, end;
    enum fan_status s = FAN_ENOTFOUND;

    (void)c;
    (void)pthread_mutex_lock(&model_now->lock);
    end = to < model_now->height ? to + 1 : model_now->height;
    if (at && (number > model_now->height || model_now->canonical[number - 1] != at)) {
        s = FAN_ESTALE;
    } else if (number < end) {
        while (number + 1 < end && !model_may_hold(model_now->canonical[number], f)) number++;
        *out = block_ref(model_now->canonical[number]);
        s = FAN_OK;
    }
    (void)pthread_mutex_unlock(&model_now->lock);
    return s;
}

/* A new block on top of parent (NULL: genesis). Its hash ends with its serial. */
static inline struct block *model_block(struct model *m, const struct block *parent, size_t log_count)
{
    uint64_t serial = m->block_count;
    struct block *b;

    if (serial == MODEL_BLOCKS_MAX) abort();
    b = test_block(parent ? parent->header.number + 1 : 0, 0, log_count);
    b->hash = test_block_hash(serial, 0);
    if (parent) b->header.parent_hash = parent->hash;
    for (size_t i = 0; i < log_count; i++) b->logs[i].block_hash = b->hash;
    m->blocks[m->block_count++] = b;
    return b;
}

/* `server` is not begun yet: its hub asks the door for the head. */
static inline struct model *model_new(void)
{
    struct model *m = calloc(1, sizeof *m);

    if (!m || pthread_mutex_init(&m->lock, NULL)) abort();
    m->canonical[m->height++] = model_block(m, NULL, 0);
    model_now = m;
    return m;
}

static inline void model_free(struct model *m)
{
    for (size_t i = 0; i < m->pending_count; i++) chain_event_unref(m->pending[i]);
    for (size_t i = 0; i < m->block_count; i++) block_unref(m->blocks[i]);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
    model_now = NULL;
}

/* Leaves `removed` blocks and adds these; the event waits for model_tell(). */
static inline void model_change(struct model *m, size_t removed, struct block *const *added, size_t added_count)
{
    struct block *gone[MODEL_PENDING_MAX];
    struct chain_event *e;

    if (removed + added_count == 0) return;
    if (removed >= m->height || removed > MODEL_PENDING_MAX || m->pending_count == MODEL_PENDING_MAX) abort();
    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < removed; i++) gone[i] = m->canonical[--m->height];
    for (size_t i = 0; i < added_count; i++) m->canonical[m->height++] = added[i];
    (void)pthread_mutex_unlock(&m->lock);
    e = chain_event_head_new(gone, removed, added, added_count, m->canonical[m->height - 1]);
    if (!e) abort();
    m->pending[m->pending_count++] = e;
}

static inline void model_tell(struct model *m)
{
    if (m->pending_count == 0) return;
    chain_publish(&m->door->chain, m->pending[0]);
    memmove(m->pending, m->pending + 1, --m->pending_count * sizeof m->pending[0]);
}

/* `count` new blocks, in place of `removed` ones. */
static inline void model_grow(struct model *m, size_t removed, size_t count, uint64_t random)
{
    struct block *added[MODEL_PENDING_MAX], *parent = m->canonical[m->height - 1 - removed];

    (void)pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < count; i++, random >>= 3) parent = added[i] = model_block(m, parent, random % 5);
    (void)pthread_mutex_unlock(&m->lock);
    model_change(m, removed, added, count);
}

static inline uint64_t model_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Something that happens to a chain; `again`: blocks that left may come back as they were. */
static inline void model_turn(struct model *m, uint64_t *random, bool again)
{
    uint64_t r = model_random(random), depth = r >> 8 & 7;

    if (depth >= m->height) depth = m->height - 1;
    if (m->pending_count > MODEL_PENDING_MAX - 4) return;
    switch (r & 7) {
    case 0: /* other blocks in place of the last ones, fewer or more */
        model_grow(m, depth, r >> 16 & 7, r >> 20);
        break;
    case 1: /* the head goes back */
        model_change(m, depth, NULL, 0);
        break;
    case 2:
        if (again && depth) { /* and comes again, two events later */
            struct block *old[8];

            for (size_t i = 0; i < depth; i++) old[i] = m->canonical[m->height - depth + i];
            model_change(m, depth, NULL, 0);
            if (r >> 30 & 1) {
                model_grow(m, 0, 1, r >> 32);
                model_change(m, 1, old, depth);
            } else {
                model_change(m, 0, old, depth);
            }
        }
        break;
    default:
        model_grow(m, 0, 1 + (r >> 16 & 1) * (r >> 17 & 3), r >> 20);
    }
}

/* ---- the reader ---- */

struct reader_item {
    struct fan_hash block;
    uint64_t log_index;
};

struct reader {
    bool heads;
    struct reader_item *items; /* a stack */
    size_t count;
    const char *fault; /* the first thing that was wrong */
};

static inline bool reader_hash(const char *text, const char *key, struct fan_hash *out)
{
    const char *at = strstr(text, key);

    if (!at) return false;
    at += strlen(key);
    for (size_t i = 0; i < 32; i++) {
        const char digits[3] = {at[2 * i], at[2 * i + 1], 0};

        out->bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

static inline bool reader_same(const struct reader_item *a, const struct reader_item *b)
{
    return memcmp(&a->block, &b->block, sizeof a->block) == 0 && a->log_index == b->log_index;
}

static inline void reader_init(struct reader *r, bool heads)
{
    *r = (struct reader){.heads = heads, .items = calloc(MODEL_LOGS_MAX, sizeof *r->items)};
    if (!r->items) abort();
}

/* As who has seen the first `height` canonical blocks. */
static inline void reader_see(struct reader *r, const struct model *m, size_t height)
{
    r->count = 0;
    for (size_t i = 0; i < height; i++) {
        const struct block *b = m->canonical[i];

        if (r->heads) r->items[r->count++] = (struct reader_item){b->hash, 0};
        for (size_t j = 0; !r->heads && j < b->log_count; j++)
            r->items[r->count++] = (struct reader_item){b->hash, j};
    }
}

static inline void reader_take(struct reader *r, const char *text)
{
    struct reader_item item = {{{0}}, 0};
    struct fan_hash parent;

    if (r->heads) {
        if (!reader_hash(text, "\"hash\":\"0x", &item.block) || !reader_hash(text, "\"parentHash\":\"0x", &parent)) {
            r->fault = "no header";
            return;
        }
        while (r->count && memcmp(&r->items[r->count - 1].block, &parent, sizeof parent) != 0) r->count--;
        if (!r->count && item.block.bytes[31] + item.block.bytes[30] != 0) r->fault = "a header without its parent";
        r->items[r->count++] = item;
        return;
    }
    if (!reader_hash(text, "\"blockHash\":\"0x", &item.block) || !strstr(text, "\"logIndex\":\"0x")) {
        r->fault = "no log";
        return;
    }
    item.log_index = strtoull(strstr(text, "\"logIndex\":\"0x") + 14, NULL, 16);
    if (strstr(text, "\"removed\":true")) {
        if (!r->count || !reader_same(&r->items[r->count - 1], &item)) r->fault = "removed what was not the last";
        if (r->count) r->count--;
        return;
    }
    for (size_t i = r->count > 64 ? r->count - 64 : 0; i < r->count; i++)
        if (reader_same(&r->items[i], &item)) r->fault = "a log twice";
    r->items[r->count++] = item;
}

/* Holds exactly what the chain holds. */
static inline bool reader_agrees(struct reader *r, const struct model *m)
{
    struct reader want;
    bool same;

    if (r->fault) return false;
    reader_init(&want, r->heads);
    reader_see(&want, m, m->height);
    same = want.count == r->count;
    for (size_t i = 0; same && i < r->count; i++) same = reader_same(&want.items[i], &r->items[i]);
    free(want.items);
    return same;
}

/* The command that goes on where the reader is; base: the block it began after, while it has seen nothing above. */
static inline void reader_command(const struct reader *r, const struct fan_hash *base, char out[160])
{
    const struct reader_item *top = r->count ? &r->items[r->count - 1] : NULL;
    const struct fan_hash *block = top ? &top->block : base;
    size_t len = (size_t)snprintf(out, 160, "from %s ", r->heads ? "heads" : "logs");

    for (size_t i = 0; i < 32; i++) len += (size_t)snprintf(out + len, 160 - len, "%02x", block->bytes[i]);
    if (top && !r->heads) (void)snprintf(out + len, 160 - len, " %llu", (unsigned long long)top->log_index);
}

#endif
