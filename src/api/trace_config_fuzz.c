/* A trace's configuration comes from strangers. Property: whatever the JSON, reading it ends either without a code, or
 * with a code and words; and every muxTracer that was read is at most four deep. */
#include "api/trace_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t depth_of(const struct chain_tracer_config *c)
{
    size_t deepest = 0;

    for (size_t i = 0; i < c->part_count; i++) {
        size_t depth = depth_of(&c->parts[i]);

        if (depth > deepest) deepest = depth;
    }
    return c->tracer == CHAIN_TRACE_MUX ? deepest + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct arena arena;
    struct json list;

    arena_home_init(&home, 1 << 20);
    arena = arena_of(&home);
    if (json_parse(slice_of(data, size), JSON_DEPTH_MAX, &arena, &list, NULL) == FAN_OK) {
        struct params p = params_of(list, &arena, 1);
        struct trace_config c;

        trace_config_read(&p, 0, &c);
        assert((p.code != 0) == (p.error.text[0] != '\0'));
        assert(p.code || (depth_of(&c.tracer) <= 4 && c.timeout_ms <= TRACE_TIMEOUT_MS_MAX));
    }
    arena_home_fini(&home);
    return 0;
}
