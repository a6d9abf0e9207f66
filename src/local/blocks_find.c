#include "local/blocks_store.h"
#include "local/log_store.h"

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

static enum fan_status fetch(struct blocks *x, uint64_t number, struct block **out)
{
    struct block *b = blocks_at(x, number);

    if (!b) {
        enum fan_status s = blocks_store_at(x, number, out);

        return s == FAN_ENOTFOUND ? FAN_ESTALE : s;
    }
    *out = block_ref(b);
    return FAN_OK;
}

/* The lists there are to ask, and the blocks of which they have every log: first … end - 1. What is not durable yet is
 * in memory and in no list, and is looked at block by block. */
struct source {
    uint64_t first, end;
    struct log_memory *memory;
    struct log_store store;
};

static enum fan_status source_open(struct blocks *x, const struct log_query *q, struct source *out)
{
    enum fan_status s;

    *out = (struct source){.first = x->logs.first, .end = blocks_end(x), .memory = &x->logs};
    if (!q->term_count) out->end = 0; /* nothing to ask */
    if (!x->store || !q->term_count) return FAN_OK;
    out->end = min_u64(out->end, atomic_load(&x->durable)); /* before the transaction, which then has all of these */
    s = log_store_open(x->store, &out->store);
    if (!s) s = log_store_first(out->store.txn, &out->first);
    if (s) log_store_close(&out->store);
    return s;
}

static struct log_lists lists_of(struct source *from)
{
    return from->store.txn ? log_store_lists(&from->store) : log_memory_lists(from->memory);
}

/* The numbers of the blocks to look at. A block that is not in memory is dear to read, so fewer of these are asked for.
 */
static enum fan_status search(struct blocks *x, struct log_query *q, struct source *from, struct blocks_search *s,
                              uint64_t end, uint64_t *numbers, size_t *n)
{
    struct log_lists lists = lists_of(from);
    uint64_t listed_end = log_number(min_u64(end, from->end), 0);
    size_t steps = STEPS_MAX + q->key_count, most = *n;

    for (*n = 0; *n < most && s->at < log_number(end, 0) && steps;) {
        uint64_t number = s->at >> LOG_INDEX_BITS;

        if (number >= from->first && s->at < listed_end) {
            enum fan_status status = log_query_next(q, &lists, s->at, listed_end, &steps, &s->at);

            if (status == FAN_ENOTFOUND) { /* what the lists do not know may follow */
                s->at = listed_end;
                continue;
            }
            if (status) return status == FAN_ELIMIT ? FAN_OK : status;
            number = s->at >> LOG_INDEX_BITS;
        }
        steps -= min_u64(steps, blocks_at(x, number) ? 1 : STEPS_OF_READ);
        numbers[(*n)++] = number;
        s->at = log_number(number + 1, 0);
    }
    return FAN_OK;
}

static enum fan_status fetch_all(struct blocks *x, const uint64_t *numbers, size_t count, struct block **out, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < count; i++) {
        struct block *b;
        enum fan_status s = fetch(x, numbers[i], &b);

        if (s) {
            while (*n) block_unref(out[--*n]);
            return s;
        }
        if (b->log_count)
            out[(*n)++] = b;
        else
            block_unref(b);
    }
    return FAN_OK;
}

/* The lists' transaction ends before a block is read, since one read is not begun within another (store/store.h). The
 * chain is held, so both see the same one. */
static enum fan_status find_locked(struct blocks *x, struct log_query *q, struct blocks_search *s, uint64_t end,
                                   struct block **out, size_t *count)
{
    uint64_t numbers[BLOCKS_FIND_MAX];
    size_t found = min_u64(*count, BLOCKS_FIND_MAX);
    struct source from;
    enum fan_status status = source_open(x, q, &from);

    *count = 0;
    if (status) return status;
    log_query_restart(q);
    status = search(x, q, &from, s, end, numbers, &found);
    log_store_close(&from.store);
    return status ? status : fetch_all(x, numbers, found, out, count);
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
    size_t count = 1;
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
        s = fetch(x, min_u64(search.at >> LOG_INDEX_BITS, end - 1), out);
    blocks_release(x);
    return s;
}
