/* test_params: parameters as text, for the tests of api/. */
#ifndef API_TEST_PARAMS_H
#define API_TEST_PARAMS_H

#include <stdlib.h>

#include "api/params.h"

/* The params array in `text` ("" for none); at most so many. One parse for each case: the arena goes when the process
 * does. */
static inline struct params test_params(const char *text, size_t most)
{
    static struct arena_home home;
    static struct arena arena;
    struct json list = {0};

    if (!home.bytes) {
        arena_home_init(&home, 0);
        arena = arena_of(&home);
    }
    if (*text && json_parse(slice_str(text), JSON_DEPTH_MAX, &arena, &list, NULL)) abort();
    return params_of(list, &arena, most);
}

#endif
