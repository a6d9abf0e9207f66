#include "local/blocks.h"

/* What one call may look at while it holds the lock that the writer waits for: a few hundred microseconds' worth. */
enum { STEPS_MAX = 1024 };

static void mark(struct blocks *x, struct blocks_search *s)
{
    if (s->at <= log_number(x->first, 0)) return;
    s->seen = true;
    s->seen_number = (s->at - 1) >> LOG_INDEX_BITS;
    s->seen_hash = blocks_peek(x, s->seen_number)->hash;
}

static bool turned(const struct blocks *x, const struct blocks_search *s)
{
    return s->seen && (!blocks_has(x, s->seen_number) ||
                       memcmp(&blocks_peek(x, s->seen_number)->hash, &s->seen_hash, sizeof s->seen_hash) != 0);
}

static enum fan_status find_locked(struct blocks *x, struct log_query *q, struct blocks_search *s, uint64_t end,
                                   struct block **out, size_t *count)
{
    struct log_lists lists = log_memory_lists(&x->logs);
    size_t n = 0, steps = STEPS_MAX + q->key_count;

    log_query_restart(q);
    while (n < *count && s->at < log_number(end, 0) && steps) {
        uint64_t number = s->at >> LOG_INDEX_BITS;
        enum fan_status status;

        if (!q->term_count || number < x->logs.first) { /* nothing to ask, or a gap in the index: each block in turn */
            steps--;
        } else {
            status = log_query_next(q, &lists, s->at, log_number(end, 0), &steps, &s->at);
            if (status == FAN_ELIMIT) break;
            if (status && status != FAN_ENOTFOUND) return status;
            if (status) s->at = log_number(end, 0);
            if (status) break;
            number = s->at >> LOG_INDEX_BITS;
        }
        if (blocks_peek(x, number)->log_count) out[n++] = block_ref(blocks_peek(x, number));
        s->at = log_number(number + 1, 0);
    }
    *count = n;
    return FAN_OK;
}

enum fan_status blocks_find(struct blocks *x, struct log_query *q, struct blocks_search *s, uint64_t to,
                            struct block **out, size_t *count, bool *out_ended)
{
    enum fan_status status = FAN_OK;
    uint64_t end;

    (void)pthread_rwlock_rdlock(&x->lock);
    end = to < blocks_end(x) ? to + 1 : blocks_end(x);
    s->at = max_u64(s->at, log_number(x->first, 0)); /* what lies before is another node's to tell */
    if (turned(x, s))
        status = FAN_ESTALE;
    else
        status = find_locked(x, q, s, end, out, count);
    if (!status) {
        *out_ended = s->at >= log_number(end, 0);
        if (!*out_ended) mark(x, s);
    }
    (void)pthread_rwlock_unlock(&x->lock);
    return status;
}

enum fan_status blocks_find_next(struct blocks *x, struct log_query *q, const struct block *at, uint64_t to,
                                 struct block **out)
{
    uint64_t from = at ? at->header.number + 1 : 0, end;
    struct blocks_search search = {0};
    struct block *found;
    size_t count = 1;
    enum fan_status s = FAN_OK;

    (void)pthread_rwlock_rdlock(&x->lock);
    end = to < blocks_end(x) ? to + 1 : blocks_end(x);
    search.at = log_number(max_u64(from, x->first), 0);
    if (at && (!blocks_has(x, from - 1) || memcmp(&blocks_peek(x, from - 1)->hash, &at->hash, sizeof at->hash) != 0))
        s = FAN_ESTALE;
    else if (from >= end || end <= x->first)
        s = FAN_ENOTFOUND;
    else
        s = find_locked(x, q, &search, end, &found, &count);
    if (!s) *out = count ? found : block_ref(blocks_peek(x, min_u64(search.at >> LOG_INDEX_BITS, end - 1)));
    (void)pthread_rwlock_unlock(&x->lock);
    return s;
}
