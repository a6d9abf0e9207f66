#include <stdlib.h>

#include "upstream/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Property: what a URL becomes cannot smuggle a header, and a host and a port are there. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct arena a;
    struct url u;
    char *text;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    text = arena_cstr(&a, slice_of(data, size));
    if (text && !url_parse(text, &a, &u, NULL)) {
        assert(u.host[0] && u.port && u.target.len && u.target.at[0] == '/');
        for (size_t i = 0; i < u.target.len; i++) assert(u.target.at[i] > ' ');
        for (size_t i = 0; i < u.authority.len; i++) assert(u.authority.at[i] > ' ' && u.authority.at[i] != '@');
        for (size_t i = 0; i < u.basic.len; i++) assert(u.basic.at[i] > ' ');
    }
    arena_home_fini(&home);
    return 0;
}
