/* A stranger's text as a genesis file. Property: what is read can be written, and reading that gives the same file
 * again. */
#include "base/slice.h"
#include "eth/genesis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool write(const struct genesis *g, struct arena *a, struct slice *out)
{
    struct buf b;
    struct json_writer w;

    buf_init(&b, 0);
    w = json_writer_of(&b);
    genesis_put_json(g, &w);
    *out = b.failed ? slice_of(NULL, 0) : arena_dup(a, buf_peek(&b));
    buf_fini(&b);
    return out->at != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct fan_error err = {{0}};
    struct slice once, twice;
    struct genesis g, again;
    struct arena a;

    arena_home_init(&home, 64u << 20);
    a = arena_of(&home);
    if (genesis_parse(slice_of(data, size), &a, &g, &err)) {
        assert(err.text[0]);
    } else if (write(&g, &a, &once)) {
        enum fan_status s = genesis_parse(once, &a, &again, &err);

        assert(s == FAN_OK || s == FAN_ENOMEM);
        if (!s && write(&again, &a, &twice)) assert(slice_eq(once, twice));
        for (uint64_t n = 0; n < 4; n++) (void)fork_at(&g.config, n << 20, n << 30);
        (void)header_hash(&g.header);
    }
    arena_home_fini(&home);
    return 0;
}
