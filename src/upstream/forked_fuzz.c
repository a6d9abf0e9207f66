#include "upstream/forked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Another node's block. Property: what is taken as a header can be encoded, hashed and written as JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct fan_hash hash;
    struct header h;
    struct arena a;
    struct json v;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    if (!json_parse(slice_of(data, size), JSON_DEPTH_MAX, &a, &v, NULL) &&
        !forked_read_header(v, &a, &h, &hash, NULL)) {
        struct buf out;
        struct json_writer w;

        buf_init(&out, 0);
        header_put(&h, &out);
        assert(!out.failed && out.len == header_size(&h, NULL));
        buf_reset(&out);
        w = json_writer_of(&out);
        json_begin_object(&w);
        header_put_json_members(&h, &hash, &w);
        json_end_object(&w);
        assert(!out.failed);
        buf_fini(&out);
    }
    arena_home_fini(&home);
    return 0;
}
