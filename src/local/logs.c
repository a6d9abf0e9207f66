#include "local/node.h"

/* Blocks taken under one lock at a time. */
enum { CHUNK = 64 };

static size_t count_matches(const struct filter *f, const struct block *b)
{
    size_t n = 0;

    if (!b->log_count || !filter_may_match(f, &b->header.logs_bloom)) return 0;
    for (size_t i = 0; i < b->log_count; i++)
        n += filter_matches(f, &b->logs[i].address, b->logs[i].topics, b->logs[i].topic_count);
    return n;
}

static enum fan_status give(const struct filter *f, const struct block *b,
                            enum fan_status (*each)(void *ctx, const struct log *l), void *ctx)
{
    for (size_t i = 0; i < b->log_count; i++) {
        enum fan_status s;

        if (!filter_matches(f, &b->logs[i].address, b->logs[i].topics, b->logs[i].topic_count)) continue;
        s = each(ctx, &b->logs[i]);
        if (s) return s;
    }
    return FAN_OK;
}

/* Where the scan is: results so far, and the last block, which the next one must name as its parent. */
struct scan {
    size_t found, count_max;
    bool begun;
    struct fan_hash last;
    uint64_t fits;
};

static enum fan_status scan_block(struct scan *at, const struct filter *f, const struct block *b,
                                  enum fan_status (*each)(void *ctx, const struct log *l), void *ctx)
{
    size_t n;
    enum fan_status s = FAN_OK;

    if (at->begun && memcmp(&at->last, &b->header.parent_hash, sizeof at->last) != 0)
        return FAN_ESTALE; /* the chain turned meanwhile */
    n = count_matches(f, b);
    if (n > at->count_max - at->found) return FAN_ELIMIT;
    if (n) s = give(f, b, each, ctx);
    if (s) return s;
    at->found += n;
    at->begun = true;
    at->last = b->hash;
    at->fits = b->header.number;
    return FAN_OK;
}

enum fan_status logs_scan(struct chain *c, const struct filter *f, uint64_t from, uint64_t to, size_t count_max,
                          enum fan_status (*each)(void *ctx, const struct log *l), void *ctx, uint64_t *out_fits)
{
    struct local *l = local_of(c);
    struct scan at = {.count_max = count_max, .fits = from ? from - 1 : 0};

    while (from <= to) {
        struct block *blocks[CHUNK];
        size_t want = (size_t)min_u64(CHUNK, to - from + 1), got;
        enum fan_status s = FAN_OK;

        if (to - from == UINT64_MAX) want = CHUNK; /* the +1 wrapped */
        got = blocks_range(&l->index, from, want, blocks);
        for (size_t i = 0; i < got; i++) {
            if (!s) s = scan_block(&at, f, blocks[i], each, ctx);
            block_unref(blocks[i]);
        }
        if (s == FAN_ELIMIT) *out_fits = at.fits;
        if (s) return s;
        if (got < want) break; /* the head was reached */
        from += got;
    }
    return FAN_OK;
}
