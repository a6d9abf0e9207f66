/* index: which filters want this log, at a cost that follows the answer and not the number of filters.
 *
 * A filter constrains some of five positions: the address and topics 0 to 3. Which ones it is filed under is its shape,
 * one of 32. Within a shape, the values at those positions make a key, and one hash table holds a list of filters for
 * each key:
 *
 *   {address: A, topics: [T]}            shape address+0   key (A, T)
 *   {address: [A, B], topics: [null, U]} shape address+1   keys (A, U) and (B, U)
 *   {}                                   shape none        the one key of nothing
 *
 * A log is looked up once for every shape in use, so ten thousand wallets that watch one token for their own name in
 * topic 2 cost it one probe, where an index by address alone would read ten thousand filters. Alternatives multiply the
 * keys of a filter; when they would pass INDEX_KEYS_MAX, the position with most alternatives is left out of the shape.
 * What a key leaves open (a position left out, the number of topics) is checked on the filter itself, so a match is
 * always a match.
 *
 * Filters that are equal share one entry, counted. Entries are told apart by the Keccak-256 of their criteria: a
 * stranger chooses the criteria, and an honest hash costs a subscription one microsecond. Thread: one owner. */
#ifndef HUB_INDEX_H
#define HUB_INDEX_H

#include "base/map.h"
#include "eth/filter.h"

enum { INDEX_SHAPES = 32, INDEX_KEYS_MAX = 1024 }; /* at least the alternatives of one position */

struct index_posting;

struct index_entry {
    struct filter filter; /* ours; its arrays lie behind this struct */
    struct fan_hash identity;
    size_t uses;
    void *owner; /* the user's: whoever subscribed */
    size_t posting_count;
    struct index_posting *postings;
    uint8_t shape;
};

struct filter_index {
    struct map entries;  /* identity → struct index_entry * */
    struct map postings; /* hash of shape and key → struct index_posting *, the first of a list */
    uint64_t seed;
    size_t shape_uses[INDEX_SHAPES];
    struct index_entry **matches; /* room for every entry, so that matching allocates nothing */
    size_t matches_cap;
    uint64_t looked_at; /* filters that index_match() has read since init: the cost that must follow the matches */
};

void index_init(struct filter_index *ix);
void index_fini(struct filter_index *ix); /* frees all entries, used or not */

/* The entry of an equal filter with one more use, or a new one (uses 1, owner NULL). NULL filter: everything.
 * FAN_ENOMEM leaves the index as it was. */
FAN_MUST_CHECK enum fan_status index_add(struct filter_index *ix, const struct filter *filter,
                                         struct index_entry **out);
/* Gives one use back; the last one removes and frees the entry. */
void index_remove(struct filter_index *ix, struct index_entry *e);
static inline size_t index_count(const struct filter_index *ix)
{
    return ix->entries.count;
}

/* Every entry that wants the log, each once, in no order. Borrowed until the index next changes or matches. */
size_t index_match(struct filter_index *ix, const struct log *log, struct index_entry *const **out);

#endif
