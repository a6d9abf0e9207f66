/* filter: which logs somebody wants: addresses and topics, in geth's grammar.
 *
 * Addresses: none means any; several mean one of them. Topics: up to four positions; null (or an empty list, or a
 * list with null in it) matches any topic there; several are alternatives. As in geth a log must have as many topics as
 * positions are given, trailing nulls included: [null] passes by logs without topics. A filter is immutable after
 * parsing and hashable, so that equal ones can share an entry (hub/). Spec: execution-apis eth_getLogs; geth's
 * filters.FilterCriteria. */
#ifndef ETH_FILTER_H
#define ETH_FILTER_H

#include "eth/receipt.h"

struct filter_limits {
    size_t addresses_max, alternatives_max; /* 1000, 1000; positions are 4 */
};

struct filter {
    const struct fan_address *addresses; /* sorted, no duplicates */
    size_t address_count;
    struct {
        const struct fan_hash *any_of; /* sorted, no duplicates; count 0: anything */
        size_t count;
    } topics[4];
    size_t position_count; /* the log needs at least so many topics */
};

/* What stands beside the filter in the same object, not looked into here. Each is missing when its key was absent or
 * null. */
struct filter_range {
    struct json from_block, to_block, block_hash, resume;
};

/* Reads {address, topics, fromBlock, toBlock, blockHash, resume}; other keys are passed by, as geth does. out_range may
 * be NULL. JSON_MISSING or null gives the filter that matches everything. FAN_EINVAL with words for -32602's detail;
 * FAN_ELIMIT likewise, naming limit and value. */
FAN_MUST_CHECK enum fan_status filter_parse(struct json v, const struct filter_limits *limits, struct arena *a,
                                            struct filter *out, struct filter_range *out_range, struct fan_error *err);
bool filter_matches(const struct filter *f, const struct fan_address *address, const struct fan_hash *topics,
                    size_t topic_count);
/* Could a block of that bloom hold a match? */
bool filter_may_match(const struct filter *f, const struct bloom *b);
/* One allocation-free hash and equality, for sharing equal filters. */
uint64_t filter_hash(const struct filter *f);
bool filter_eq(const struct filter *a, const struct filter *b);
/* Writes the members "address" and "topics" of the object it was read from, as far as they ask for something. */
void filter_put_json_members(const struct filter *f, struct json_writer *w);
/* A deep copy into another arena. */
FAN_MUST_CHECK enum fan_status filter_copy(const struct filter *f, struct arena *a, struct filter *out);

#endif
