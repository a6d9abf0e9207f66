#include "codec/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Properties: whatever stands in a file, it is read or refused with words; keys are unique, lines never go back. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct arena a;
    struct fan_error err = {""};
    const struct toml_item *items;
    size_t count = 0, line = 1;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = toml_read(slice_of(data, size), &a, &items, &count, &err);
    assert(s ? err.text[0] != 0 : count <= TOML_ITEMS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert(items[i].key.len > 0 || items[i].line > 0);
        assert(items[i].line >= line);
        line = items[i].line;
        for (size_t before = 0; before < i; before++) assert(!slice_eq(items[i].key, items[before].key));
    }
    arena_home_fini(&home);
    return 0;
}
