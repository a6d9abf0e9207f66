#include "eth/filter.h"

static bool find(const uint8_t *sorted, size_t count, size_t size, const uint8_t *wanted)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(wanted, sorted + middle * size, size);

        if (order == 0) return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

bool filter_matches(const struct filter *f, const struct fan_address *address, const struct fan_hash *topics,
                    size_t topic_count)
{
    if (topic_count < f->position_count) return false;
    if (f->address_count && !find(f->addresses->bytes, f->address_count, sizeof *address, address->bytes)) return false;
    for (size_t i = 0; i < f->position_count; i++) {
        if (!f->topics[i].count) continue;
        if (!find(f->topics[i].any_of->bytes, f->topics[i].count, sizeof *topics, topics[i].bytes)) return false;
    }
    return true;
}

bool filter_may_match(const struct filter *f, const struct bloom *b)
{
    bool may = f->address_count == 0;

    for (size_t i = 0; !may && i < f->address_count; i++) may = bloom_may_have(b, slice_of(f->addresses[i].bytes, 20));
    for (size_t p = 0; may && p < f->position_count; p++) {
        if (!f->topics[p].count) continue;
        may = false;
        for (size_t i = 0; !may && i < f->topics[p].count; i++)
            may = bloom_may_have(b, slice_of(f->topics[p].any_of[i].bytes, 32));
    }
    return may;
}

/* FNV-1a, its bits mixed once more at the end. The table that uses it is keyed by a stranger's choice; map.h seeds it.
 */
static uint64_t add(uint64_t hash, const void *at, size_t len)
{
    const uint8_t *bytes = at;

    for (size_t i = 0; i < len; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

uint64_t filter_hash(const struct filter *f)
{
    uint64_t hash = 0xcbf29ce484222325u;

    hash = add(hash, &f->address_count, sizeof f->address_count);
    hash = add(hash, f->addresses, f->address_count * sizeof *f->addresses);
    hash = add(hash, &f->position_count, sizeof f->position_count);
    for (size_t i = 0; i < f->position_count; i++) {
        hash = add(hash, &f->topics[i].count, sizeof f->topics[i].count);
        hash = add(hash, f->topics[i].any_of, f->topics[i].count * sizeof *f->topics[i].any_of);
    }
    hash ^= hash >> 32;
    return hash * 0x9e3779b97f4a7c15u;
}

static bool same(const void *a, const void *b, size_t len)
{
    return len == 0 || memcmp(a, b, len) == 0;
}

bool filter_eq(const struct filter *a, const struct filter *b)
{
    if (a->address_count != b->address_count || a->position_count != b->position_count) return false;
    if (!same(a->addresses, b->addresses, a->address_count * sizeof *a->addresses)) return false;
    for (size_t i = 0; i < a->position_count; i++) {
        if (a->topics[i].count != b->topics[i].count) return false;
        if (!same(a->topics[i].any_of, b->topics[i].any_of, a->topics[i].count * sizeof *a->topics[i].any_of))
            return false;
    }
    return true;
}

enum fan_status filter_copy(const struct filter *f, struct arena *a, struct filter *out)
{
    struct filter copy = *f;
    struct slice bytes;

    if (f->address_count) {
        bytes = arena_dup(a, slice_of(f->addresses, f->address_count * sizeof *f->addresses));
        if (!bytes.at) return FAN_ENOMEM;
        copy.addresses = (const struct fan_address *)(const void *)bytes.at;
    }
    for (size_t i = 0; i < f->position_count; i++) {
        if (!f->topics[i].count) continue;
        bytes = arena_dup(a, slice_of(f->topics[i].any_of, f->topics[i].count * sizeof *f->topics[i].any_of));
        if (!bytes.at) return FAN_ENOMEM;
        copy.topics[i].any_of = (const struct fan_hash *)(const void *)bytes.at;
    }
    *out = copy;
    return FAN_OK;
}

void filter_put_json_members(const struct filter *f, struct json_writer *w)
{
    if (f->address_count) {
        json_put_key(w, "address");
        json_begin_array(w);
        for (size_t i = 0; i < f->address_count; i++) json_put_address(w, &f->addresses[i]);
        json_end_array(w);
    }
    if (!f->position_count) return;
    json_put_key(w, "topics");
    json_begin_array(w);
    for (size_t i = 0; i < f->position_count; i++) {
        if (!f->topics[i].count) {
            json_put_null(w);
            continue;
        }
        json_begin_array(w);
        for (size_t k = 0; k < f->topics[i].count; k++) json_put_hash(w, &f->topics[i].any_of[k]);
        json_end_array(w);
    }
    json_end_array(w);
}
