#include "local/node.h"

enum {
    CHUNK = 64,           /* blocks taken under one lock */
    BLOOM_PAYS_FROM = 64, /* logs: below that comparing them costs less than hashing what is asked for */
    NEXT_KEYS_MAX = 32 /* who walks asks again for each match: hashing more than that would cost more than it saves */
};

static size_t count_matches(const struct filter *f, const struct block *b)
{
    size_t n = 0;

    if (b->log_count >= BLOOM_PAYS_FROM && !filter_may_match(f, &b->header.logs_bloom)) return 0;
    for (size_t i = 0; i < b->log_count; i++)
        n += filter_matches(f, &b->logs[i].address, b->logs[i].topics, b->logs[i].topic_count);
    return n;
}

/* Where the results go, and how many there are. */
struct scan {
    const struct filter *f;
    size_t found, count_max;
    enum fan_status (*each)(void *ctx, const struct log *l);
    void *ctx;
};

/* A block whose logs do not all fit gives none: FAN_ELIMIT. */
static enum fan_status scan_block(struct scan *at, const struct block *b)
{
    size_t n = count_matches(at->f, b);

    if (n > at->count_max - at->found) return FAN_ELIMIT;
    at->found += n;
    for (size_t i = 0; i < b->log_count && n; i++) {
        const struct log *l = &b->logs[i];
        enum fan_status s;

        if (!filter_matches(at->f, &l->address, l->topics, l->topic_count)) continue;
        s = at->each(at->ctx, l);
        if (s) return s;
        n--;
    }
    return FAN_OK;
}

static enum fan_status scan_range(struct blocks *x, struct log_query *q, struct scan *at, uint64_t from, uint64_t to,
                                  uint64_t *out_fits)
{
    struct blocks_search search = {.at = log_number(from, 0)};
    bool ended = from > LOG_BLOCK_NUMBER_MAX; /* no chain is so long */

    while (!ended) {
        struct block *blocks[CHUNK];
        size_t count = CHUNK;
        enum fan_status s = blocks_find(x, q, &search, to, blocks, &count, &ended);

        if (s) return s;
        for (size_t i = 0; i < count; i++) {
            if (!s) s = scan_block(at, blocks[i]);
            if (s == FAN_ELIMIT) *out_fits = min_u64(*out_fits, blocks[i]->header.number - 1); /* block 0 has no logs */
            block_unref(blocks[i]);
        }
        if (s) return s;
    }
    return FAN_OK;
}

enum fan_status logs_scan(struct chain *c, const struct filter *f, uint64_t from, uint64_t to, size_t count_max,
                          enum fan_status (*each)(void *ctx, const struct log *l), void *ctx, uint64_t *out_fits)
{
    struct scan at = {.f = f, .count_max = count_max, .each = each, .ctx = ctx};
    struct arena_home memory;
    struct arena a;
    struct log_query q;
    uint64_t fits = UINT64_MAX;
    enum fan_status s;

    if (from > to) return FAN_OK;
    arena_home_init(&memory, 0);
    a = arena_of(&memory);
    s = log_query_init(&q, f, &a);
    if (!s) s = scan_range(&local_of(c)->index, &q, &at, from, to, &fits);
    if (s == FAN_ELIMIT) *out_fits = fits;
    arena_home_fini(&memory);
    return s;
}

static size_t value_count(const struct filter *f)
{
    size_t n = f->address_count;

    for (size_t i = 0; i < f->position_count; i++) n += f->topics[i].count;
    return n;
}

enum fan_status logs_next(struct chain *c, const struct filter *f, const struct block *at, uint64_t to,
                          struct block **out)
{
    static const struct filter anything;
    struct arena_home memory;
    struct arena a;
    struct log_query q;
    enum fan_status s;

    arena_home_init(&memory, 0);
    a = arena_of(&memory);
    s = log_query_init(&q, value_count(f) > NEXT_KEYS_MAX ? &anything : f, &a);
    if (!s) s = blocks_find_next(&local_of(c)->index, &q, at, to, out);
    arena_home_fini(&memory);
    return s;
}
