/* test_room: an arena for one test. */
#ifndef ETH_TEST_ROOM_H
#define ETH_TEST_ROOM_H

#include "base/arena.h"

struct room {
    struct arena_home home;
    struct arena a;
};

static inline struct arena *open_room(struct room *r)
{
    arena_home_init(&r->home, 0);
    r->a = arena_of(&r->home);
    return &r->a;
}

static inline void close_room(struct room *r)
{
    arena_home_fini(&r->home);
}

#endif
