/* state_cost_test: what a block costs on a large state, in nodes, so that it can fail, and in time, which it only
 * prints. FANATICO_MEASURE=1 takes the 100,000 accounts that local/STATE.md speaks of, instead of 5,000. */
#include "local/state.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "local/state_model.h"
#include "local/state_view.h"

enum { CHANGED = 200, BLOCKS = 40 };

static struct fan_address nth_address(uint64_t i)
{
    struct fan_hash h = keccak256(slice_of(&i, sizeof i));
    struct fan_address a;

    memcpy(&a, h.bytes, sizeof a);
    return a;
}

static bool measuring(void)
{
    return getenv("FANATICO_MEASURE") != NULL;
}

static size_t account_count(void)
{
    return measuring() ? 100000 : 5000;
}

static enum fan_status allocate(struct state_db *db, size_t count)
{
    struct state_view *empty;
    struct state_builder *b;
    struct state_diff *d;
    enum fan_status s = state_db_head(db, &empty);

    if (s) return s;
    s = state_builder_new(empty, &b);
    state_view_unref(empty);
    if (s) return s;
    for (uint64_t i = 0; i < count && !s; i++) {
        struct fan_address address = nth_address(i);
        struct genesis_account account = {.address = address, .balance_wei = u256_of(1000000 + i), .nonce = 1};

        s = state_builder_add_genesis(b, &account, 1);
    }
    if (!s) s = state_builder_finish(b, 0, &d);
    if (s) {
        state_builder_free(b);
        return s;
    }
    s = state_db_commit(db, d);
    state_diff_unref(d);
    return s;
}

/* A block that takes one wei and adds a nonce for `changed` accounts spread over the state. */
static enum fan_status one_block(struct state_db *db, uint64_t number, size_t changed, size_t total,
                                 struct state_diff **out)
{
    static struct evm_account_change changes[CHANGED];
    struct evm_diff diff = {changes, changed};
    struct state_view *parent;
    enum fan_status s = state_db_head(db, &parent);

    for (size_t i = 0; i < changed && !s; i++) {
        struct state_account old;

        changes[i] =
            (struct evm_account_change){.address = nth_address((number * 7919 + i * 131) % total), .existed = 1};
        s = state_view_account(parent, &changes[i].address, &old);
        changes[i].exists = 1;
        changes[i].old_nonce = old.nonce;
        changes[i].new_nonce = old.nonce + 1;
        changes[i].old_balance_wei = changes[i].new_balance_wei = old.balance_wei;
        changes[i].new_balance_wei.limb[0]--;
        changes[i].old_code_hash = changes[i].new_code_hash = old.code_hash;
    }
    if (s) return s;
    s = state_apply(parent, &diff, number, out, NULL);
    state_view_unref(parent);
    return s;
}

/* Of this thread: what others do on the machine does not count. */
static uint64_t cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

enum { LOOKUPS = 20000 };

/* Nanoseconds of one lookup of an account that hardly any diff in front of the base speaks of. */
static uint64_t lookup_ns(struct state_db *db, size_t total)
{
    static struct fan_address addresses[LOOKUPS];
    struct state_view *v;
    struct state_account a;
    uint64_t start;

    for (uint64_t i = 0; i < LOOKUPS; i++) addresses[i] = nth_address(i * 17 % total);
    if (state_db_head(db, &v)) return 0;
    start = cpu_ns();
    for (size_t i = 0; i < LOOKUPS; i++)
        if (state_view_account(v, &addresses[i], &a)) return 0;
    start = cpu_ns() - start;
    state_view_unref(v);
    return start / LOOKUPS;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

TEST(a_block_costs_what_it_changes, t)
{
    size_t total = account_count(), depth = 1, nodes = 0, before;
    uint64_t root_ns[BLOCKS], commit_ns[BLOCKS];
    struct state_db *db;

    for (size_t n = total; n > 1; n /= 16) depth++; /* nodes from the root to a leaf, on average */
    before = heap_bytes();
    REQUIRE(t, state_db_new(NULL, &db) == FAN_OK);
    REQUIRE(t, allocate(db, total) == FAN_OK);
    if (measuring()) printf("     %zu accounts: %zu bytes each\n", total, (heap_bytes() - before) / total);
    for (uint64_t n = 1; n <= BLOCKS; n++) {
        struct state_diff *d;
        uint64_t start = cpu_ns();

        REQUIRE(t, one_block(db, n, CHANGED, total, &d) == FAN_OK);
        root_ns[n - 1] = cpu_ns() - start;
        CHECK_EQ(t, d->accounts.count, CHANGED);
        CHECK(t, d->nodes.count <= CHANGED * (depth + 2));
        nodes = d->nodes.count;
        start = cpu_ns();
        REQUIRE(t, state_db_commit(db, d) == FAN_OK);
        commit_ns[n - 1] = cpu_ns() - start;
        state_diff_unref(d);
    }
    qsort(root_ns, BLOCKS, sizeof root_ns[0], by_size);
    qsort(commit_ns, BLOCKS, sizeof commit_ns[0], by_size);
    (void)printf(
        "     block of %d accounts, diff and root: %.2f ms for %zu nodes; commit with a fold: %.2f ms (medians)\n",
        CHANGED, (double)root_ns[BLOCKS / 2] / 1e6, nodes, (double)commit_ns[BLOCKS / 2] / 1e6);
    (void)printf("     lookup through %d diffs: %" PRIu64 " ns\n", STATE_DIFFS_MAX, lookup_ns(db, total));
    for (uint64_t n = BLOCKS + 1; n <= BLOCKS + 110; n++) { /* the first ten take the place of the larger diffs */
        struct state_diff *d;

        if (n == BLOCKS + 11) before = heap_bytes();
        REQUIRE(t, one_block(db, n, 3, total, &d) == FAN_OK);
        CHECK(t, d->nodes.count <= 3 * (depth + 2));
        REQUIRE(t, state_db_commit(db, d) == FAN_OK);
        state_diff_unref(d);
    }
    if (measuring()) printf("     history: %zu bytes for a block of 3 accounts\n", (heap_bytes() - before) / 100);
    state_db_unref(db);
}

TEST(lookups_through_no_diff, t)
{
    size_t total = account_count();
    struct state_db *db;

    REQUIRE(t, state_db_new(NULL, &db) == FAN_OK);
    REQUIRE(t, allocate(db, total) == FAN_OK);
    for (uint64_t n = 1; n <= STATE_DIFFS_MAX; n++) {
        struct state_diff *d;

        REQUIRE(t, one_block(db, n, 1, total, &d) == FAN_OK);
        REQUIRE(t, state_db_commit(db, d) == FAN_OK);
        state_diff_unref(d);
    }
    REQUIRE(t, state_db_rewind(db, 1) == FAN_OK); /* the base alone */
    (void)printf("     lookup through no diff: %" PRIu64 " ns\n", lookup_ns(db, total));
    state_db_unref(db);
}
