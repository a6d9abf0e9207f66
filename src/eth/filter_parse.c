/* Reading a filter object, in geth's grammar, and telling a person what does not fit. */
#include <stdlib.h>

#include "eth/filter.h"

enum { POSITIONS_MAX = 4 };

static int order_addresses(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct fan_address));
}

static int order_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct fan_hash));
}

/* Sorts and drops duplicates; returns how many are left. */
static size_t sort_unique(void *items, size_t count, size_t size, int (*order)(const void *, const void *))
{
    uint8_t *at = items;
    size_t kept = 0;

    if (count < 2) return count;
    qsort(items, count, size, order);
    for (size_t i = 0; i < count; i++) {
        if (kept && memcmp(at + (kept - 1) * size, at + i * size, size) == 0) continue;
        if (kept != i) memcpy(at + kept * size, at + i * size, size);
        kept++;
    }
    return kept;
}

static enum fan_status read_address(struct json v, size_t index, struct fan_address *out, struct fan_error *err)
{
    if (!json_is(v, JSON_STRING)) return fan_error_set(err, FAN_EINVAL, "non-string address at index %zu", index);
    if (json_read_address(v, out))
        return fan_error_set(err, FAN_EINVAL, "invalid address at index %zu: 0x and 40 hex digits expected", index);
    return FAN_OK;
}

static enum fan_status parse_addresses(struct json v, const struct filter_limits *limits, struct arena *a,
                                       struct filter *f, struct fan_error *err)
{
    size_t count = 1, i = 0;
    struct fan_address *all;

    if (json_is(v, JSON_MISSING) || json_is(v, JSON_NULL)) return FAN_OK;
    if (json_is(v, JSON_ARRAY))
        count = json_count(v);
    else if (!json_is(v, JSON_STRING))
        return fan_error_set(err, FAN_EINVAL,
                             "invalid addresses in query: address must be a string or an array, not %s",
                             json_kind_name(json_kind(v)));
    if (count > limits->addresses_max)
        return fan_error_set(err, FAN_ELIMIT, "exceed max addresses: %zu given, at most %zu allowed", count,
                             limits->addresses_max);
    all = ARENA_ARRAY(a, count, struct fan_address);
    if (!all) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (json_is(v, JSON_STRING)) {
        if (json_read_address(v, all))
            return fan_error_set(err, FAN_EINVAL, "invalid address: 0x and 40 hex digits expected");
    } else {
        for (struct json item = json_first(v); !json_is(item, JSON_MISSING); item = json_next(item), i++) {
            enum fan_status s = read_address(item, i, &all[i], err);

            if (s) return s;
        }
    }
    f->addresses = all;
    f->address_count = sort_unique(all, count, sizeof *all, order_addresses);
    return FAN_OK;
}

static enum fan_status read_topic(struct json v, size_t position, struct fan_hash *out, struct fan_error *err)
{
    if (json_is(v, JSON_STRING) && !json_read_hash(v, out)) return FAN_OK;
    return fan_error_set(err, FAN_EINVAL, "invalid topic(s): position %zu: 0x and 64 hex digits expected, or null",
                         position);
}

/* One position: null, a topic, or a list of alternatives. A null among these lets everything pass. */
static enum fan_status parse_position(struct json v, size_t position, const struct filter_limits *limits,
                                      struct arena *a, struct filter *f, struct fan_error *err)
{
    size_t count = 1, i = 0;
    struct fan_hash *all;
    enum fan_status s = FAN_OK;
    bool anything = false;

    if (json_is(v, JSON_NULL)) return FAN_OK;
    if (json_is(v, JSON_ARRAY)) count = json_count(v);
    if (count > limits->alternatives_max)
        return fan_error_set(err, FAN_ELIMIT,
                             "exceed max topics: %zu alternatives at position %zu, at most %zu allowed", count,
                             position, limits->alternatives_max);
    all = ARENA_ARRAY(a, count, struct fan_hash);
    if (!all) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (!json_is(v, JSON_ARRAY)) {
        s = read_topic(v, position, all, err);
    } else {
        for (struct json item = json_first(v); !s && !json_is(item, JSON_MISSING); item = json_next(item)) {
            if (json_is(item, JSON_NULL))
                anything = true;
            else
                s = read_topic(item, position, &all[i++], err);
        }
        count = i;
    }
    if (s || anything) return s;
    f->topics[position].any_of = all;
    f->topics[position].count = sort_unique(all, count, sizeof *all, order_hashes);
    return FAN_OK;
}

static enum fan_status parse_topics(struct json v, const struct filter_limits *limits, struct arena *a,
                                    struct filter *f, struct fan_error *err)
{
    size_t count = json_count(v), position = 0;

    if (json_is(v, JSON_MISSING) || json_is(v, JSON_NULL)) return FAN_OK;
    if (!json_is(v, JSON_ARRAY))
        return fan_error_set(err, FAN_EINVAL, "topics must be an array, not %s", json_kind_name(json_kind(v)));
    if (count > POSITIONS_MAX)
        return fan_error_set(err, FAN_ELIMIT, "exceed max topics: %zu positions given, at most %d allowed", count,
                             POSITIONS_MAX);
    for (struct json item = json_first(v); !json_is(item, JSON_MISSING); item = json_next(item), position++) {
        enum fan_status s = parse_position(item, position, limits, a, f, err);

        if (s) return s;
    }
    f->position_count = count;
    return FAN_OK;
}

static bool given(struct json v)
{
    return !json_is(v, JSON_MISSING) && !json_is(v, JSON_NULL);
}

/* null is as good as absent: what stays is only what says something. */
static struct json present(struct json v)
{
    return given(v) ? v : (struct json){0};
}

enum fan_status filter_parse(struct json v, const struct filter_limits *limits, struct arena *a, struct filter *out,
                             struct filter_range *out_range, struct fan_error *err)
{
    struct filter f = {0};
    struct filter_range range = {0};
    enum fan_status s = FAN_OK;

    if (given(v)) {
        if (!json_is(v, JSON_OBJECT))
            return fan_error_set(err, FAN_EINVAL, "the filter must be an object, not %s", json_kind_name(json_kind(v)));
        range.from_block = present(json_get(v, "fromBlock"));
        range.to_block = present(json_get(v, "toBlock"));
        range.block_hash = present(json_get(v, "blockHash"));
        range.resume = present(json_get(v, "resume"));
        if (given(range.block_hash) && (given(range.from_block) || given(range.to_block)))
            return fan_error_set(err, FAN_EINVAL,
                                 "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other");
        s = parse_addresses(json_get(v, "address"), limits, a, &f, err);
        if (!s) s = parse_topics(json_get(v, "topics"), limits, a, &f, err);
    }
    if (s) return s;
    *out = f;
    if (out_range) *out_range = range;
    return FAN_OK;
}
