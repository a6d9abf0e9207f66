#include "local/blocks_store.h"

/* What one call may look at while it holds the lock that the writer waits for: a few hundred microseconds' worth. A
 * block read from the store counts for many. */
enum { STEPS_MAX = 1024, STEPS_OF_READ = 32 };

/* The canonical block's hash, wherever it is; held. */
static enum fan_status hash_of(struct blocks *x, uint64_t number, struct fan_hash *out)
{
    struct block *b = blocks_at(x, number);

    if (!b) return blocks_has(x, number) ? blocks_store_hash(x, number, out) : FAN_ENOTFOUND;
    *out = b->hash;
    return FAN_OK;
}

static enum fan_status mark(struct blocks *x, struct blocks_search *s)
{
    if (s->at <= log_number(x->first, 0)) return FAN_OK;
    s->seen = true;
    s->seen_number = (s->at - 1) >> LOG_INDEX_BITS;
    return hash_of(x, s->seen_number, &s->seen_hash);
}

/* FAN_ESTALE where another block stands there now, or none. */
static enum fan_status still_there(struct blocks *x, uint64_t number, const struct fan_hash *hash)
{
    struct fan_hash now;
    enum fan_status s = hash_of(x, number, &now);

    if (s) return s == FAN_ENOTFOUND ? FAN_ESTALE : s;
    return memcmp(&now, hash, sizeof now) == 0 ? FAN_OK : FAN_ESTALE;
}

static enum fan_status fetch(struct blocks *x, uint64_t number, size_t *steps, struct block **out)
{
    struct block *b = blocks_at(x, number);

    if (!b) {
        enum fan_status s = blocks_store_at(x, number, out);

        *steps = *steps > STEPS_OF_READ ? *steps - STEPS_OF_READ : 0;
        return s == FAN_ENOTFOUND ? FAN_ESTALE : s;
    }
    *out = block_ref(b);
    return FAN_OK;
}

/* Is there a list to ask for the logs of this block? With a store there is none yet: each block in turn. */
static bool is_indexed(const struct blocks *x, const struct log_query *q, uint64_t number)
{
    return q->term_count && !x->store && number >= x->logs.first;
}

static enum fan_status find_locked(struct blocks *x, struct log_query *q, struct blocks_search *s, uint64_t end,
                                   struct block **out, size_t *count)
{
    struct log_lists lists = log_memory_lists(&x->logs);
    size_t n = 0, steps = STEPS_MAX + q->key_count;
    enum fan_status status = FAN_OK;

    log_query_restart(q);
    while (n < *count && s->at < log_number(end, 0) && steps) {
        uint64_t number = s->at >> LOG_INDEX_BITS;
        struct block *b;

        if (!is_indexed(x, q, number)) {
            steps--;
        } else {
            status = log_query_next(q, &lists, s->at, log_number(end, 0), &steps, &s->at);
            if (status == FAN_ENOTFOUND) s->at = log_number(end, 0);
            if (status) break;
            number = s->at >> LOG_INDEX_BITS;
        }
        status = fetch(x, number, &steps, &b);
        if (status) break;
        if (b->log_count)
            out[n++] = b;
        else
            block_unref(b);
        s->at = log_number(number + 1, 0);
    }
    if (status == FAN_ELIMIT || status == FAN_ENOTFOUND) status = FAN_OK;
    while (status && n) block_unref(out[--n]);
    *count = n;
    return status;
}

enum fan_status blocks_find(struct blocks *x, struct log_query *q, struct blocks_search *s, uint64_t to,
                            struct block **out, size_t *count, bool *out_ended)
{
    enum fan_status status;
    uint64_t end;

    blocks_hold(x);
    end = to < blocks_end(x) ? to + 1 : blocks_end(x);
    s->at = max_u64(s->at, log_number(x->first, 0)); /* what lies before is another node's to tell */
    status = s->seen ? still_there(x, s->seen_number, &s->seen_hash) : FAN_OK;
    if (!status) status = find_locked(x, q, s, end, out, count);
    if (!status) {
        *out_ended = s->at >= log_number(end, 0);
        if (!*out_ended) status = mark(x, s);
        while (status && *count) block_unref(out[--*count]);
    }
    blocks_release(x);
    return status;
}

enum fan_status blocks_find_next(struct blocks *x, struct log_query *q, const struct block *at, uint64_t to,
                                 struct block **out)
{
    uint64_t from = at ? at->header.number + 1 : 0, end;
    struct blocks_search search = {0};
    struct block *found;
    size_t count = 1, any = STEPS_MAX;
    enum fan_status s;

    blocks_hold(x);
    end = to < blocks_end(x) ? to + 1 : blocks_end(x);
    search.at = log_number(max_u64(from, x->first), 0);
    s = at ? still_there(x, from - 1, &at->hash) : FAN_OK;
    if (!s && (from >= end || end <= x->first)) s = FAN_ENOTFOUND;
    if (!s) s = find_locked(x, q, &search, end, &found, &count);
    if (!s && count)
        *out = found;
    else if (!s)
        s = fetch(x, min_u64(search.at >> LOG_INDEX_BITS, end - 1), &any, out);
    blocks_release(x);
    return s;
}
