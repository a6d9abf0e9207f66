/* test_state: a state db for the tests of state and views: in memory, or, where TEST_STATE_OVER_STORE is defined, over
 * a store in a folder of its own, whose map is so small that it has to grow. One at a time. */
#ifndef LOCAL_TEST_STATE_H
#define LOCAL_TEST_STATE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "local/db_base.h"

#ifdef TEST_STATE_OVER_STORE
static struct store *test_state_store;
static char test_state_dir[64];

static inline enum fan_status test_state_new(const struct state_options *options, struct state_db **out)
{
    struct store_options small = {.map_bytes = 256 << 10, .fast = true};
    struct state_base base;
    struct fan_error err = {""};
    enum fan_status s;

    assert(!test_state_store);
    (void)snprintf(test_state_dir, sizeof test_state_dir, "/tmp/fanatico-state-XXXXXX");
    if (!mkdtemp(test_state_dir)) return FAN_ESYSTEM;
    s = store_open(test_state_dir, &small, &test_state_store, &err);
    if (!s) s = db_base_open(test_state_store, &base, NULL);
    return s ? s : state_db_open(base, options, out);
}

static inline void test_state_free(struct state_db *db)
{
    static const char *const files[] = {"chain/data.mdb", "chain/lock.mdb", "LOCK", "chain", ""};

    state_db_unref(db);
    store_close(test_state_store);
    test_state_store = NULL;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", test_state_dir, files[i]);
        (void)remove(path);
    }
}
#else
static inline enum fan_status test_state_new(const struct state_options *options, struct state_db **out)
{
    return state_db_new(options, out);
}

static inline void test_state_free(struct state_db *db)
{
    state_db_unref(db);
}
#endif

#endif
