/* A stranger's typed data. Property: it is hashed or refused, and twice the same way. */
#include "eth/typed_data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct fan_hash once = {{0}}, twice = {{0}};
    struct arena a;
    struct json v;

    arena_home_init(&home, 64u << 20);
    a = arena_of(&home);
    if (!json_parse(slice_of(data, size), JSON_DEPTH_MAX, &a, &v, NULL)) {
        enum fan_status first = typed_data_hash(v, &a, &once, NULL), second = typed_data_hash(v, &a, &twice, NULL);

        assert(first == second || first == FAN_ENOMEM || second == FAN_ENOMEM);
        if (first == second) assert(memcmp(&once, &twice, sizeof once) == 0);
    }
    arena_home_fini(&home);
    return 0;
}
