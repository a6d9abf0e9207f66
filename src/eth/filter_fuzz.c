/* A stranger's text as a filter. Property: what is accepted can be copied, hashed and matched; a copy equals the
 * original; and a log made of what the filter asks for matches, with its bloom. */
#include "base/slice.h"
#include "eth/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct filter_limits limits = {8, 8};
    struct arena_home home;
    struct fan_error err = {{0}};
    struct filter_range range;
    struct filter f, copy;
    struct json v;
    struct arena a;

    arena_home_init(&home, 64u << 20);
    a = arena_of(&home);
    if (!json_parse(slice_of(data, size), JSON_DEPTH_MAX, &a, &v, NULL)) {
        enum fan_status s = filter_parse(v, &limits, &a, &f, &range, &err);

        if (s) {
            assert(err.text[0]);
        } else if (!filter_copy(&f, &a, &copy)) {
            struct fan_address address = {{0}};
            struct fan_hash topics[4] = {{{0}}};
            struct bloom bloom = {{0}};

            assert(f.address_count <= limits.addresses_max && f.position_count <= 4);
            assert(filter_eq(&f, &copy) && filter_hash(&f) == filter_hash(&copy));
            if (f.address_count) address = f.addresses[size % f.address_count];
            bloom_add(&bloom, slice_of(address.bytes, sizeof address.bytes));
            for (size_t i = 0; i < f.position_count; i++) {
                assert(f.topics[i].count <= limits.alternatives_max);
                if (f.topics[i].count) topics[i] = f.topics[i].any_of[size % f.topics[i].count];
                bloom_add(&bloom, slice_of(topics[i].bytes, sizeof topics[i].bytes));
            }
            assert(filter_matches(&copy, &address, topics, f.position_count));
            assert(filter_may_match(&copy, &bloom));
            assert(f.position_count == 0 || !filter_matches(&copy, &address, topics, f.position_count - 1));
        }
    }
    arena_home_fini(&home);
    return 0;
}
