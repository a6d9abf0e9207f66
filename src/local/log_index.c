#include "local/log_index.h"

#include <stdlib.h>

#include "codec/keccak.h"

uint64_t log_key(unsigned position, struct slice value)
{
    struct fan_hash hash = keccak256(value);
    uint64_t key = position;

    assert(position < LOG_POSITIONS);
    for (int i = 0; i < 7; i++) key = key << 8 | hash.bytes[i];
    return key;
}

/* ---- what a block adds ---- */

static bool reserve(struct log_postings_of_block *p, size_t more)
{
    size_t cap = p->cap ? p->cap : 64;
    struct log_posting *wide;

    if (p->count + more <= p->cap) return true;
    while (cap < p->count + more) cap *= 2;
    wide = realloc(p->at, cap * sizeof *wide);
    if (!wide) return false;
    p->at = wide;
    p->cap = cap;
    return true;
}

void log_postings_add(struct log_postings_of_block *p, const struct block *b)
{
    if (b->log_count >> LOG_INDEX_BITS || b->header.number > LOG_BLOCK_NUMBER_MAX) p->failed = true;
    for (size_t i = 0; i < b->log_count && !p->failed; i++) {
        const struct log *l = &b->logs[i];
        uint64_t number = log_number(b->header.number, i);

        if (!reserve(p, 1 + l->topic_count)) {
            p->failed = true;
            return;
        }
        p->at[p->count++] = (struct log_posting){log_key(0, slice_of(l->address.bytes, sizeof l->address)), number};
        for (unsigned t = 0; t < l->topic_count; t++)
            p->at[p->count++] =
                (struct log_posting){log_key(t + 1, slice_of(l->topics[t].bytes, sizeof *l->topics)), number};
    }
}

void log_postings_fini(struct log_postings_of_block *p)
{
    free(p->at);
    *p = (struct log_postings_of_block){0};
}

/* ---- asking ---- */

static enum fan_status add_term(struct log_query *q, unsigned position, const void *values, size_t count, size_t size,
                                struct arena *a)
{
    uint64_t *keys, *next;

    if (!count) return FAN_OK; /* anything will do there */
    keys = ARENA_ARRAY(a, count, uint64_t);
    next = ARENA_ARRAY(a, count, uint64_t);
    if (!keys || !next) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) keys[i] = log_key(position, slice_of((const uint8_t *)values + i * size, size));
    q->terms[q->term_count].keys = keys;
    q->terms[q->term_count].next = next;
    q->terms[q->term_count++].count = count;
    q->key_count += count;
    return FAN_OK;
}

enum fan_status log_query_init(struct log_query *q, const struct filter *f, struct arena *a)
{
    enum fan_status s;

    *q = (struct log_query){0};
    s = add_term(q, 0, f->addresses, f->address_count, sizeof *f->addresses, a);
    for (unsigned i = 0; i < f->position_count && !s; i++)
        s = add_term(q, i + 1, f->topics[i].any_of, f->topics[i].count, sizeof *f->topics[i].any_of, a);
    return s;
}

void log_query_restart(struct log_query *q)
{
    for (size_t t = 0; t < q->term_count; t++)
        for (size_t i = 0; i < q->terms[t].count; i++) q->terms[t].next[i] = 0;
}

/* The first number at or after `from` in any of the term's lists; UINT64_MAX: none. A list is asked again only when
 * what it said last lies behind. No log has the number UINT64_MAX but the last of a block that cannot be. */
static enum fan_status seek_term(struct log_query *q, size_t term, const struct log_lists *lists, uint64_t from,
                                 size_t *steps, uint64_t *out)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < q->terms[term].count; i++) {
        uint64_t *next = &q->terms[term].next[i];

        if (*next < from || *next == 0) {
            enum fan_status s = lists->seek(lists->ctx, q->terms[term].keys[i], from, next);

            if (s == FAN_ENOTFOUND)
                *next = UINT64_MAX;
            else if (s)
                return s;
            if (*steps) --*steps;
        }
        if (*next < first) first = *next;
    }
    *out = first;
    return FAN_OK;
}

enum fan_status log_query_next(struct log_query *q, const struct log_lists *lists, uint64_t from, uint64_t end,
                               size_t *steps, uint64_t *out)
{
    uint64_t candidate = from;

    assert(q->term_count);
    for (size_t term = 0, agreed = 0; agreed < q->term_count; term = (term + 1) % q->term_count) {
        uint64_t found;
        enum fan_status s;

        if (candidate >= end) return FAN_ENOTFOUND;
        if (!*steps) {
            *out = candidate;
            return FAN_ELIMIT;
        }
        s = seek_term(q, term, lists, candidate, steps, &found);
        if (s) return s;
        agreed = found == candidate ? agreed + 1 : 1;
        candidate = found;
    }
    if (candidate >= end) return FAN_ENOTFOUND;
    *out = candidate;
    return FAN_OK;
}
