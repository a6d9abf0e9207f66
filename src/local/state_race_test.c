/* state_race_test: readers beside a writer that commits, prunes and rewinds; the one to run under ThreadSanitizer. */
#include "local/state.h"

#include <pthread.h>
#include <stdatomic.h>

#include "local/state_model.h"
#include "local/test_state.h"

enum { READERS = 4, TURNS = 1500 };

struct race {
    struct state_db *db;
    atomic_bool done;
    atomic_size_t wrong, gone, seen;
};

/* In every version balance, nonce and slot of account 1 are one number, and the root node is what the point says. */
static void *read_on(void *ctx)
{
    struct race *r = ctx;
    const struct fan_address address = world_address(1);
    const struct fan_u256 zero = u256_of(0);
    struct arena_home home;

    arena_home_init(&home, 0);
    for (uint64_t turn = 0; !atomic_load(&r->done); turn++) {
        struct trie_node_key root_key = {.path.len = 0};
        struct state_account a;
        struct fan_u256 value;
        struct slice root;
        struct state_view *v = NULL;
        struct arena arena = arena_of(&home);
        enum fan_status s = turn % 3 ? state_db_head(r->db, &v) : state_db_at(r->db, turn % 40, &v);

        if (s == FAN_ENOTFOUND) continue;
        if (!s) s = state_view_account(v, &address, &a);
        if (!s) s = state_view_slot(v, &address, &zero, &value);
        if (!s) s = state_view_node(v, &root_key, &arena, &root);
        if (s == FAN_ESTALE || s == FAN_ENOTFOUND) { /* rewound, or pruned, since the view was taken */
            atomic_fetch_add(&r->gone, 1);
        } else if (s) {
            atomic_fetch_add(&r->wrong, 1);
        } else {
            struct fan_hash hash = keccak256(root);

            atomic_fetch_add(&r->seen, 1);
            if (!u256_eq(&value, &a.balance_wei) || value.limb[0] != a.nonce ||
                !hash_eq(&hash, &state_view_point(v)->root))
                atomic_fetch_add(&r->wrong, 1);
        }
        state_view_unref(v);
        arena_home_reset(&home);
    }
    arena_home_fini(&home);
    return NULL;
}

TEST(readers_see_whole_versions_while_the_writer_commits_and_rewinds, t)
{
    struct race r = {0};
    pthread_t readers[READERS];
    uint64_t token = 1;

    world_rng_state = 5;
    REQUIRE(t, test_state_new(&(struct state_options){.history_blocks = 25}, &r.db) == FAN_OK);
    REQUIRE(t, commit_token(r.db, 0, token++) == FAN_OK);
    for (size_t i = 0; i < READERS; i++) REQUIRE(t, pthread_create(&readers[i], NULL, read_on, &r) == 0);
    for (size_t turn = 0; turn < TURNS; turn++) {
        struct state_point head = state_db_point(r.db);

        if (head.number < 40 && world_rng() % 30)
            CHECK_EQ(t, commit_token(r.db, head.number + (world_rng() % 4 != 0), token++), FAN_OK);
        else
            (void)!state_db_rewind_to_block(r.db,
                                            head.number - world_rng() % (head.number < 20 ? head.number + 1 : 20));
    }
    atomic_store(&r.done, true);
    for (size_t i = 0; i < READERS; i++) CHECK_EQ(t, pthread_join(readers[i], NULL), 0);
    CHECK_EQ(t, atomic_load(&r.wrong), 0);
    CHECK(t, atomic_load(&r.seen) > 0);
    test_state_free(r.db);
}
