/* index_check: the index held against a plain scan, driven by any bytes: the property test feeds it a generator's, the
 * fuzz target libFuzzer's.
 *
 * Values come from small alphabets, so that filters meet, share entries and share keys. */
#ifndef HUB_INDEX_CHECK_H
#define HUB_INDEX_CHECK_H

#include <stdlib.h>

#include "hub/index.h"

enum { CHECK_FILTERS_MAX = 256, CHECK_ALTERNATIVES_MAX = 6 };

struct check_bytes {
    const uint8_t *at, *end;
};

static inline uint8_t check_byte(struct check_bytes *b)
{
    return b->at < b->end ? *b->at++ : 0;
}

/* Sorted and without duplicates, as filter_parse() leaves them. */
static inline size_t check_values(struct check_bytes *b, uint8_t out[CHECK_ALTERNATIVES_MAX])
{
    uint8_t shape = check_byte(b), mask = check_byte(b);
    size_t count = 0;

    if (shape % 3 == 0) return 0;
    if (shape % 3 == 1) mask = (uint8_t)(1u << mask % CHECK_ALTERNATIVES_MAX);
    for (uint8_t v = 0; v < CHECK_ALTERNATIVES_MAX; v++)
        if (mask >> v & 1) out[count++] = v;
    return count;
}

struct check_filter {
    struct filter filter;
    struct fan_address addresses[CHECK_ALTERNATIVES_MAX];
    struct fan_hash topics[4][CHECK_ALTERNATIVES_MAX];
    struct index_entry *entry;
};

static inline void check_fill_filter(struct check_bytes *b, struct check_filter *f)
{
    uint8_t value[CHECK_ALTERNATIVES_MAX];
    size_t positions = check_byte(b) % 5;

    *f = (struct check_filter){0};
    f->filter.addresses = f->addresses;
    f->filter.address_count = check_values(b, value);
    for (size_t i = 0; i < f->filter.address_count; i++) f->addresses[i].bytes[19] = value[i];
    f->filter.position_count = positions;
    for (size_t p = 0; p < positions; p++) {
        f->filter.topics[p].any_of = f->topics[p];
        f->filter.topics[p].count = check_values(b, value);
        for (size_t i = 0; i < f->filter.topics[p].count; i++) f->topics[p][i].bytes[31] = value[i];
    }
}

static inline int check_by_address(const void *a, const void *b)
{
    const struct index_entry *const *left = a, *const *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* Everything the scan finds, and nothing else, each once. */
static inline void check_match(struct filter_index *ix, struct check_filter **filters, size_t count,
                               struct check_bytes *b)
{
    struct fan_hash topics[4] = {0};
    struct log log = {.topics = topics, .topic_count = check_byte(b) % 5};
    struct index_entry *const *got, *expected[CHECK_FILTERS_MAX], *sorted[CHECK_FILTERS_MAX];
    size_t got_count, expected_count = 0;

    log.address.bytes[19] = check_byte(b) % CHECK_ALTERNATIVES_MAX;
    for (size_t i = 0; i < log.topic_count; i++) topics[i].bytes[31] = check_byte(b) % CHECK_ALTERNATIVES_MAX;
    for (size_t i = 0; i < count; i++) {
        bool twice = false;

        if (!filter_matches(&filters[i]->filter, &log.address, topics, log.topic_count)) continue;
        for (size_t j = 0; j < expected_count; j++) twice = twice || expected[j] == filters[i]->entry;
        if (!twice) expected[expected_count++] = filters[i]->entry;
    }
    got_count = index_match(ix, &log, &got);
    if (got_count != expected_count) abort();
    if (!got_count) return;
    memcpy(sorted, got, got_count * sizeof got[0]);
    qsort(sorted, got_count, sizeof sorted[0], check_by_address);
    qsort(expected, expected_count, sizeof expected[0], check_by_address);
    if (memcmp(sorted, expected, got_count * sizeof got[0]) != 0) abort();
}

static inline bool check_same_criteria(const struct filter *a, const struct filter *b)
{
    if (a->position_count != b->position_count || a->address_count != b->address_count) return false;
    if (a->address_count && memcmp(a->addresses, b->addresses, a->address_count * sizeof *a->addresses) != 0)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (a->topics[i].count != b->topics[i].count) return false;
        if (a->topics[i].count &&
            memcmp(a->topics[i].any_of, b->topics[i].any_of, a->topics[i].count * sizeof(struct fan_hash)) != 0)
            return false;
    }
    return true;
}

/* Adds, removes and matches as the bytes say; aborts where index and scan differ. Returns how many logs were matched.
 */
static inline size_t check_run(struct slice input)
{
    struct check_bytes b = {input.at, input.at + input.len};
    struct check_filter *filters[CHECK_FILTERS_MAX];
    size_t count = 0, matched = 0;
    struct filter_index ix;

    index_init(&ix);
    while (b.at < b.end) {
        uint8_t what = check_byte(&b);

        if (what % 4 == 0 && count < CHECK_FILTERS_MAX) {
            struct check_filter *f = malloc(sizeof *f);

            if (!f) abort();
            check_fill_filter(&b, f);
            if (index_add(&ix, &f->filter, &f->entry)) abort();
            for (size_t i = 0; i < count; i++)
                if ((filters[i]->entry == f->entry) != check_same_criteria(&filters[i]->filter, &f->filter)) abort();
            filters[count++] = f;
        } else if (what % 4 == 1 && count) {
            size_t i = check_byte(&b) % count;

            index_remove(&ix, filters[i]->entry);
            free(filters[i]);
            filters[i] = filters[--count];
        } else {
            check_match(&ix, filters, count, &b);
            matched++;
        }
    }
    while (count) {
        index_remove(&ix, filters[--count]->entry);
        free(filters[count]);
    }
    if (index_count(&ix) || ix.postings.count) abort();
    index_fini(&ix);
    return matched;
}

#endif
