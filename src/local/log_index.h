/* log_index: from a filter to the blocks that hold what it wants, at the price of the matches and not of the blocks.
 *
 * A log of the canonical chain has a number, its block's times 2^24 plus its index in the block, so numbers ascend as
 * the chain does and a range of blocks is a range of numbers. For each value at each position (the address, then up to
 * four topics) there is a list of the numbers of all logs that have it there. A filter is then a few terms, each the
 * union of some lists, and a log that all terms have is found by leaping: whichever term is behind is asked for its
 * first number at or after the others', so a list is touched as often as the rarest one has entries.
 *
 * A list is named by the position and 7 bytes of the value's keccak: 8 bytes in all, whatever the value. Two values may
 * share a list once in a long while, and a log may stand in a block that has gone since, so a number only says where to
 * look: the record decides (logs.c). For the same reason the answer is a block and not a log.
 *
 * Where lists are kept is not known here: in memory (log_memory.h), or elsewhere behind the same struct log_postings.
 * Thread: the query is its owner's; the lists must hold still while log_query_next() runs.
 * Spec: the project's design, section 7; the leaping is known as leapfrog join (Veldhuizen, 2014). */
#ifndef LOCAL_LOG_INDEX_H
#define LOCAL_LOG_INDEX_H

#include "eth/block.h"
#include "eth/filter.h"

enum { LOG_INDEX_BITS = 24, LOG_POSITIONS = 5 };
#define LOG_BLOCK_NUMBER_MAX (UINT64_MAX >> LOG_INDEX_BITS)

/* index < 2^24, block at most LOG_BLOCK_NUMBER_MAX: more does not fit, and such a block counts as not indexed. */
static inline uint64_t log_number(uint64_t block, uint64_t index)
{
    return block << LOG_INDEX_BITS | index;
}

/* position 0: the address; 1 … 4: a topic. */
uint64_t log_key(unsigned position, struct slice value);

/* ---- what a block adds to the lists ---- */

struct log_posting {
    uint64_t key, number;
};

struct log_postings_of_block {
    struct log_posting *at; /* in order of their numbers */
    size_t count, cap;
    bool failed; /* memory ran out, or a block does not fit: what is here is not all */
};

/* Appends a canonical block's. A failure is noted, not returned: it costs an index, never a block. */
void log_postings_add(struct log_postings_of_block *p, const struct block *b);
void log_postings_fini(struct log_postings_of_block *p); /* zeroed is fine; empties it */

/* ---- asking ---- */

/* Where the lists are. */
struct log_lists {
    void *ctx;
    /* The first number at or after `from` in the key's list. FAN_ENOTFOUND: none. Other failures end the query. */
    enum fan_status (*seek)(void *ctx, uint64_t key, uint64_t from, uint64_t *out);
};

struct log_query {
    struct {
        const uint64_t *keys;
        uint64_t *next; /* per key: its first number at or after what was asked last; behind that, not known */
        size_t count;
    } terms[LOG_POSITIONS];
    size_t term_count; /* 0: any log matches as far as the lists know, and there is nothing to ask */
    size_t key_count;  /* in all terms: a question with more steps than that always comes further */
};

/* Keys in the arena. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status log_query_init(struct log_query *q, const struct filter *f, struct arena *a);
/* Before the first question, and whenever the lists may have changed since the last. */
void log_query_restart(struct log_query *q);
/* The first number in from … end - 1 that every term has. FAN_ENOTFOUND: there is none. FAN_ELIMIT: *steps, which each
 * look into a list takes one of, came to 0; *out is then where to go on, and nothing below it matches. */
FAN_MUST_CHECK enum fan_status log_query_next(struct log_query *q, const struct log_lists *lists, uint64_t from,
                                              uint64_t end, size_t *steps, uint64_t *out);

#endif
