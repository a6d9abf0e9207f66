#include <stdlib.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes again what was read, strings unescaped and escaped anew. */
static void copy(struct json v, struct arena *a, struct json_writer *w)
{
    switch (json_kind(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY: {
        bool object = json_is(v, JSON_OBJECT);
        size_t count = 0;

        if (object)
            json_begin_object(w);
        else
            json_begin_array(w);
        for (struct json i = json_first(v); !json_is(i, JSON_MISSING); i = json_next(i), count++) {
            if (object) json_put_key(w, "k");
            assert((json_key(i).at != NULL) == object);
            copy(i, a, w);
        }
        assert(count == json_count(v));
        if (object)
            json_end_object(w);
        else
            json_end_array(w);
        break;
    }
    case JSON_STRING:
        json_put_str(w, json_str(v, a));
        break;
    default:
        json_put_raw(w, json_raw(v));
        break;
    }
}

/* Property: what was accepted can be walked, and what is written from it is accepted again and means the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct arena a;
    struct json v, again;
    struct buf once, twice;
    struct json_writer w;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&once, 0);
    buf_init(&twice, 0);
    if (json_parse(slice_of(data, size), 0, &a, &v, NULL) == FAN_OK) {
        w = json_writer_of(&once);
        copy(v, &a, &w);
        if (json_parse(buf_peek(&once), 0, &a, &again, NULL) != FAN_OK) abort();
        w = json_writer_of(&twice);
        copy(again, &a, &w);
        assert(slice_eq(buf_peek(&once), buf_peek(&twice)));
    }
    buf_fini(&once);
    buf_fini(&twice);
    arena_home_fini(&home);
    return 0;
}
