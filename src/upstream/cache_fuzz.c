#include "upstream/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct slice all;
    size_t count;
};

static bool look(void *ctx, uint8_t kind, struct slice payload)
{
    struct seen *s = ctx;

    (void)kind;
    assert(payload.at >= s->all.at && payload.at + payload.len <= s->all.at + s->all.len);
    s->count++;
    return true;
}

/* Property: what is sound is sound again when only that is there, and says the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fan_hash hash = {{1}};
    struct seen whole = {.all = slice_of(data, size)}, again = whole;
    size_t sound = cache_read(whole.all, 1, &hash, look, &whole);

    assert(sound <= size);
    assert(cache_read(slice_of(data, sound), 1, &hash, look, &again) == sound && again.count == whole.count);
    return 0;
}
