#include "local/state.h"

#include "local/proof.h"
#include "local/state_model.h"
#include "local/test_state.h"
#include "local/state_view.h"

/* ---- one view against one world ---- */

struct walked {
    struct test *t;
    const struct world *w;
    const struct fan_address *of; /* when slots are walked */
    size_t account, slot, count;
};

static bool see_slot(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct walked *k = ctx;
    struct fan_u256 expected;
    size_t i;

    for (i = 0; i < WORLD_SLOTS; i++) {
        struct fan_u256 s = world_slot(i);

        if (u256_eq(&s, slot)) break;
    }
    if (i == WORLD_SLOTS) {
        test_fail(k->t, __FILE__, __LINE__, "a slot nobody wrote");
        return false;
    }
    expected = world_value(k->w->a[k->account].slots[i]);
    CHECK(k->t, u256_eq(value, &expected) && !u256_is_zero(value));
    k->count++;
    return true;
}

static bool see_account(void *ctx, const struct fan_address *address, const struct state_account *account)
{
    struct walked *k = ctx;
    struct fan_address expected;

    while (k->account < WORLD_ACCOUNTS && !k->w->a[k->account].exists) k->account++;
    if (k->account == WORLD_ACCOUNTS) {
        test_fail(k->t, __FILE__, __LINE__, "more accounts than there are");
        return false;
    }
    expected = world_address(k->account);
    CHECK_SLICE(k->t, slice_of(address, 20), slice_of(&expected, 20));
    CHECK_EQ(k->t, account->nonce, k->w->a[k->account].nonce);
    k->account++;
    k->count++;
    return true;
}

static void check_account(struct test *t, const struct state_view *v, const struct world *w, size_t i)
{
    const struct world_account *want = &w->a[i];
    struct fan_address address = world_address(i);
    struct fan_u256 balance = u256_of(want->balance), slots[WORLD_SLOTS];
    struct fan_hash code_hash = keccak256(world_code(want->code)), storage_root = world_storage_root(want);
    struct fan_hash account_key = keccak256(slice_of(&address, sizeof address));
    struct state_account have;
    struct arena_home home;
    struct arena a;
    struct slice code;
    struct proof p;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    CHECK_EQ(t, state_view_account(v, &address, &have), FAN_OK);
    CHECK_EQ(t, have.exists, want->exists);
    CHECK_EQ(t, have.nonce, want->nonce);
    CHECK(t, u256_eq(&have.balance_wei, &balance));
    CHECK_SLICE(t, slice_of(&have.code_hash, 32), slice_of(&code_hash, 32));
    CHECK_SLICE(t, slice_of(&have.storage_root, 32), slice_of(&storage_root, 32));
    CHECK_EQ(t, state_view_code(v, &have.code_hash, &a, &code), FAN_OK);
    CHECK_SLICE(t, code, world_code(want->code));
    for (size_t j = 0; j < WORLD_SLOTS; j++) {
        struct fan_u256 value, expected = world_value(want->slots[j]);

        slots[j] = world_slot(j);
        CHECK_EQ(t, state_view_slot(v, &address, &slots[j], &value), FAN_OK);
        CHECK(t, u256_eq(&value, &expected));
    }
    if (proof_make(v, &address, slots, WORLD_SLOTS, &a, &p) != FAN_OK) {
        test_fail(t, __FILE__, __LINE__, "no proof");
    } else {
        CHECK(t, model_proof_holds(&state_view_point(v)->root, slice_of(&account_key, 32), p.nodes, p.node_count,
                                   world_leaf(want, &a)));
        for (size_t j = 0; j < WORLD_SLOTS; j++) {
            struct fan_hash key;
            uint8_t be[32];
            struct buf leaf;

            u256_to_be(&slots[j], be);
            key = keccak256(slice_of(be, 32));
            buf_init(&leaf, 0);
            if (!u256_is_zero(&p.slots[j].value)) rlp_put_u256(&leaf, &p.slots[j].value);
            CHECK(t, model_proof_holds(&storage_root, slice_of(&key, 32), p.slots[j].nodes, p.slots[j].node_count,
                                       buf_peek(&leaf)));
            buf_fini(&leaf);
        }
    }
    arena_home_fini(&home);
}

static void check_view(struct test *t, const struct state_view *v, const struct world *w)
{
    struct fan_hash root = world_root(w);
    struct walked k = {.t = t, .w = w};
    size_t accounts = 0;

    CHECK_SLICE(t, slice_of(&state_view_point(v)->root, 32), slice_of(&root, 32));
    for (size_t i = 0; i < WORLD_ACCOUNTS; i++) {
        struct fan_address address = world_address(i);
        struct walked slots = {.t = t, .w = w, .account = i};
        size_t slot_count = 0;

        check_account(t, v, w, i);
        accounts += w->a[i].exists;
        for (size_t j = 0; j < WORLD_SLOTS; j++) slot_count += w->a[i].slots[j] != 0;
        CHECK_EQ(t, state_view_walk_slots(v, &address, see_slot, &slots), FAN_OK);
        CHECK_EQ(t, slots.count, slot_count);
    }
    CHECK_EQ(t, state_view_walk_accounts(v, see_account, &k), FAN_OK);
    CHECK_EQ(t, k.count, accounts);
}

/* ---- property: a chain that grows, is edited and rewound is at every version what the model says ---- */

enum { VERSIONS_MAX = 400 };

struct history {
    struct state_db *db;
    struct world worlds[VERSIONS_MAX]; /* by version */
    struct state_point points[VERSIONS_MAX];
    uint64_t head;
};

static void remember(struct test *t, struct history *h, const struct world *w)
{
    struct state_point p = state_db_point(h->db);

    CHECK_EQ(t, p.version, h->head + 1);
    h->head = p.version;
    h->points[p.version] = p;
    h->worlds[p.version] = *w;
}

static void edit_randomly(struct test *t, struct state_builder *b, struct world *w)
{
    size_t i = world_rng() % WORLD_ACCOUNTS, j = world_rng() % WORLD_SLOTS;
    struct fan_address address = world_address(i);
    struct world_account *a = &w->a[i];
    struct fan_u256 slot = world_slot(j), value;

    switch (world_rng() % 4) {
    case 0:
        a->balance = world_rng() % 3;
        value = u256_of(a->balance);
        CHECK_EQ(t, state_builder_set_balance(b, &address, &value), FAN_OK);
        break;
    case 1:
        a->nonce = world_rng() % 3;
        CHECK_EQ(t, state_builder_set_nonce(b, &address, a->nonce), FAN_OK);
        break;
    case 2:
        a->code = (uint8_t)(world_rng() % WORLD_CODES);
        CHECK_EQ(t, state_builder_set_code(b, &address, world_code(a->code)), FAN_OK);
        break;
    default:
        a->slots[j] = world_rng() % 4;
        value = world_value(a->slots[j]);
        CHECK_EQ(t, state_builder_set_slot(b, &address, &slot, &value), FAN_OK);
    }
    a->exists = !world_is_empty(a);
}

/* One more version: a block of some transactions, or an edit at the head's number. */
static void grow(struct test *t, struct history *h, bool is_edit)
{
    struct world w = h->worlds[h->head];
    struct state_view *parent = NULL, *after = NULL;
    struct state_builder *b = NULL;
    struct state_diff *d = NULL;
    struct world_tx tx;
    struct fan_error err = {{0}};
    uint64_t number = h->points[h->head].number + !is_edit;
    size_t steps = 1 + world_rng() % 4;

    REQUIRE(t, state_db_head(h->db, &parent) == FAN_OK);
    REQUIRE(t, state_builder_new(parent, &b) == FAN_OK);
    for (size_t i = 0; i < steps; i++) {
        struct fan_hash root, expected;

        if (is_edit) {
            edit_randomly(t, b, &w);
        } else {
            world_transact(&w, &tx);
            if (state_builder_add(b, &tx.diff, &err)) test_fail(t, __FILE__, __LINE__, "%s", err.text);
        }
        if (world_rng() % 2) continue; /* as before Byzantium: a root after each transaction */
        expected = world_root(&w);
        CHECK_EQ(t, state_builder_root(b, &root), FAN_OK);
        CHECK_SLICE(t, slice_of(&root, 32), slice_of(&expected, 32));
    }
    REQUIRE(t, state_builder_finish(b, number, &d) == FAN_OK);
    REQUIRE(t, state_view_after(parent, d, &after) == FAN_OK);
    if (world_rng() % 4 == 0) check_view(t, after, &w);
    CHECK_EQ(t, state_db_commit(h->db, d), FAN_OK);
    CHECK_EQ(t, state_db_commit(h->db, d), FAN_ESTALE);
    remember(t, h, &w);
    state_view_unref(after);
    state_view_unref(parent);
    state_diff_unref(d);
}

/* A version of the past by its point and, where it is its block's last, by number. */
static void look_back(struct test *t, struct history *h, uint64_t version, bool kept)
{
    struct state_view *v = NULL;
    enum fan_status s = state_db_at_point(h->db, &h->points[version], &v);

    CHECK_EQ(t, s, kept ? FAN_OK : FAN_ENOTFOUND);
    if (!s) check_view(t, v, &h->worlds[version]);
    state_view_unref(v);
    if (version < h->head && h->points[version + 1].number == h->points[version].number) return;
    v = NULL;
    s = state_db_at(h->db, h->points[version].number, &v);
    CHECK_EQ(t, s, kept ? FAN_OK : FAN_ENOTFOUND);
    if (!s) CHECK_EQ(t, state_view_point(v)->id, h->points[version].id);
    state_view_unref(v);
}

static void run_history(struct test *t, uint64_t seed, size_t steps)
{
    static struct history h;
    struct state_view *v = NULL, *old = NULL;

    world_rng_state = seed;
    h.head = 0;
    memset(&h.worlds[0], 0, sizeof h.worlds[0]);
    REQUIRE(t, test_state_new(NULL, &h.db) == FAN_OK);
    h.points[0] = state_db_point(h.db);
    for (size_t step = 0; step < steps && !t->failed; step++) {
        uint64_t dice = world_rng() % 12;

        if (dice < 9 && h.head + 1 < VERSIONS_MAX) {
            grow(t, &h, h.head && dice > 6);
        } else if (dice == 9) {
            look_back(t, &h, world_rng() % (h.head + 1), true);
        } else {
            uint64_t depth = world_rng() % 3 ? world_rng() % 6 : world_rng() % (h.head + 1);
            uint64_t to = depth > h.head ? 0 : h.head - depth, was = h.head;

            REQUIRE(t, state_db_head(h.db, &old) == FAN_OK);
            CHECK_EQ(t, state_db_rewind(h.db, was + 1), FAN_ENOTFOUND);
            CHECK_EQ(t, state_db_rewind(h.db, to), FAN_OK);
            h.head = to;
            CHECK_EQ(t, state_db_point(h.db).id, h.points[to].id);
            if (to < was) CHECK_EQ(t, state_db_at_point(h.db, &h.points[was], &v), FAN_ESTALE);
            /* The orphaned view says what it always said, or that it no longer can. */
            for (size_t i = 0; i < WORLD_ACCOUNTS; i++) {
                struct fan_address address = world_address(i);
                struct state_account have;
                enum fan_status s = state_view_account(old, &address, &have);

                CHECK(t, s == FAN_OK || s == FAN_ESTALE);
                if (!s) CHECK_EQ(t, have.nonce, h.worlds[was].a[i].nonce);
            }
            state_view_unref(old);
        }
        if (world_rng() % 3) continue;
        REQUIRE(t, state_db_head(h.db, &v) == FAN_OK);
        check_view(t, v, &h.worlds[h.head]);
        state_view_unref(v);
        v = NULL;
    }
    if (t->failed) test_fail(t, __FILE__, __LINE__, "seed %" PRIu64, seed);
    test_state_free(h.db);
}

TEST(random_blocks_edits_and_rewinds_match_the_model, t)
{
    for (uint64_t seed = 1; seed <= 6 && !t->failed; seed++) run_history(t, seed, 300);
}

TEST(history_beyond_its_limit_is_gone_and_the_rest_is_right, t)
{
    static struct history h;
    const struct state_options options = {.history_blocks = 20};
    uint64_t oldest = 0;

    world_rng_state = 77;
    h.head = 0;
    memset(&h.worlds[0], 0, sizeof h.worlds[0]);
    REQUIRE(t, test_state_new(&options, &h.db) == FAN_OK);
    h.points[0] = state_db_point(h.db);
    for (size_t step = 0; step < 250 && !t->failed; step++) {
        uint64_t number;

        grow(t, &h, h.head && world_rng() % 4 == 0);
        number = h.points[h.head].number;
        if (number >= 20) oldest = max_u64(oldest, number - 20); /* a rewind brings nothing back */
        if (oldest) CHECK_EQ(t, state_db_rewind_to_block(h.db, oldest - 1), FAN_ENOTFOUND);
        for (uint64_t v = 0; v <= h.head && step % 16 == 0; v++) {
            bool last = v == h.head || h.points[v + 1].number > h.points[v].number;

            if (h.points[v].number > oldest || h.points[v].number < oldest || last)
                look_back(t, &h, v, h.points[v].number >= oldest);
        }
        if (step % 40 == 39) { /* as far back as history goes, and on from there */
            CHECK_EQ(t, state_db_rewind_to_block(h.db, oldest), FAN_OK);
            while (h.points[h.head].number > oldest) h.head--;
            CHECK_EQ(t, state_db_point(h.db).id, h.points[h.head].id);
            look_back(t, &h, h.head, true);
        }
    }
    test_state_free(h.db);
}

/* ---- single facts ---- */

static struct state_view *head_of(struct test *t, struct state_db *db)
{
    struct state_view *v = NULL;

    CHECK_EQ(t, state_db_head(db, &v), FAN_OK);
    return v;
}

TEST(an_empty_state_has_the_empty_root, t)
{
    struct state_db *db;
    struct state_view *v;
    struct fan_address address = world_address(3);
    struct state_account a;

    REQUIRE(t, test_state_new(NULL, &db) == FAN_OK);
    v = head_of(t, db);
    CHECK_SLICE(t, slice_of(&state_view_point(v)->root, 32), slice_of(&KECCAK_EMPTY_TRIE, 32));
    CHECK_EQ(t, state_view_account(v, &address, &a), FAN_OK);
    CHECK(t, !a.exists);
    CHECK_SLICE(t, slice_of(&a.code_hash, 32), slice_of(&KECCAK_EMPTY, 32));
    state_view_unref(v);
    test_state_free(db);
}

TEST(a_view_of_a_replaced_branch_is_stale_once_its_ground_is_gone, t)
{
    struct fan_address address = world_address(1), other = world_address(2);
    struct state_account a = {.nonce = 99};
    struct state_db *db;
    struct state_view *v;

    REQUIRE(t, test_state_new(NULL, &db) == FAN_OK);
    for (uint64_t n = 0; n < 30; n++) REQUIRE(t, commit_token(db, n, n + 1) == FAN_OK);
    v = head_of(t, db);
    CHECK_EQ(t, state_db_rewind_to_block(db, 3), FAN_OK);
    for (uint64_t n = 4; n < 40; n++) REQUIRE(t, commit_token(db, n, 1000 + n) == FAN_OK);
    CHECK_EQ(t, state_view_account(v, &address, &a), FAN_OK); /* its own diffs know */
    CHECK_EQ(t, a.nonce, 30);
    CHECK_EQ(t, state_view_account(v, &other, &a), FAN_ESTALE);
    CHECK_EQ(t, a.nonce, 30); /* untouched */
    state_view_unref(v);
    test_state_free(db);
}

TEST(edits_are_seen_at_the_heads_number_and_undone_by_version, t)
{
    struct fan_address address = world_address(1);
    struct state_account a;
    struct state_db *db;
    struct state_view *v = NULL;
    uint64_t snapshot;

    REQUIRE(t, test_state_new(NULL, &db) == FAN_OK);
    REQUIRE(t, commit_token(db, 0, 1) == FAN_OK);
    REQUIRE(t, commit_token(db, 1, 2) == FAN_OK);
    snapshot = state_db_point(db).version;
    REQUIRE(t, commit_token(db, 1, 3) == FAN_OK);
    REQUIRE(t, state_db_at(db, 1, &v) == FAN_OK);
    CHECK_EQ(t, state_view_account(v, &address, &a), FAN_OK);
    CHECK_EQ(t, a.nonce, 3);
    state_view_unref(v);
    REQUIRE(t, state_db_rewind(db, snapshot) == FAN_OK);
    REQUIRE(t, state_db_at(db, 1, &v) == FAN_OK);
    CHECK_EQ(t, state_view_account(v, &address, &a), FAN_OK);
    CHECK_EQ(t, a.nonce, 2);
    state_view_unref(v);
    CHECK_EQ(t, state_db_at(db, 2, &v), FAN_ENOTFOUND);
    test_state_free(db);
}

TEST(a_diff_of_another_state_is_refused, t)
{
    struct evm_account_change change = {.address = world_address(1), .existed = 1, .exists = 1, .old_nonce = 6};
    const struct evm_diff diff = {&change, 1};
    struct fan_error err = {{0}};
    struct state_diff *d;
    struct state_db *db;
    struct state_view *v;

    change.old_code_hash = change.new_code_hash = KECCAK_EMPTY;
    change.old_balance_wei = u256_of(5);
    REQUIRE(t, test_state_new(NULL, &db) == FAN_OK);
    REQUIRE(t, commit_token(db, 0, 5) == FAN_OK);
    v = head_of(t, db);
    CHECK_EQ(t, state_apply(v, &diff, 1, &d, &err), FAN_EINTERNAL);
    CHECK(t, strstr(err.text, "another state") != NULL);
    change.old_nonce = 5;
    REQUIRE(t, state_apply(v, &diff, 1, &d, &err) == FAN_OK);
    CHECK_EQ(t, state_diff_point(d)->number, 1);
    state_diff_unref(d);
    state_view_unref(v);
    test_state_free(db);
}

static bool count_one(void *ctx, const struct fan_address *address, const struct state_account *account)
{
    (void)address;
    (void)account;
    return ++*(size_t *)ctx < 2;
}

/* geth keeps an account that genesis names although nothing is in it; a slot of value zero is no slot. */
TEST(genesis_keeps_empty_accounts_and_no_zero_slots, t)
{
    const struct genesis_slot slots[] = {{u256_of(1), u256_of(0)}, {u256_of(2), u256_of(7)}};
    struct genesis_account alloc[] = {{.address = world_address(1)},
                                      {.address = world_address(2), .slots = slots, .slot_count = 2},
                                      {.address = world_address(3), .code = world_code(1), .nonce = 1}};
    struct world w = {0};
    struct fan_hash root;
    struct state_account a;
    struct state_builder *b;
    struct state_db *db;
    struct state_view *v;
    struct state_diff *d;
    size_t seen = 0;

    w.a[1].exists = w.a[2].exists = w.a[3].exists = true;
    w.a[3].code = 1;
    w.a[3].nonce = 1;
    REQUIRE(t, test_state_new(NULL, &db) == FAN_OK);
    v = head_of(t, db);
    REQUIRE(t, state_builder_new(v, &b) == FAN_OK);
    CHECK_EQ(t, state_builder_add_genesis(b, alloc, 1), FAN_OK);
    CHECK_EQ(t, state_builder_add_genesis(b, alloc + 2, 1), FAN_OK);
    alloc[1].slot_count = 1;
    CHECK_EQ(t, state_builder_add_genesis(b, alloc + 1, 1), FAN_OK);
    root = world_root(&w);
    REQUIRE(t, state_builder_finish(b, 0, &d) == FAN_OK);
    CHECK_SLICE(t, slice_of(&state_diff_point(d)->root, 32), slice_of(&root, 32));
    CHECK_EQ(t, state_db_commit(db, d), FAN_OK);
    state_diff_unref(d);
    state_view_unref(v);
    v = head_of(t, db);
    CHECK_EQ(t, state_view_account(v, &alloc[0].address, &a), FAN_OK);
    CHECK(t, a.exists);
    CHECK_EQ(t, state_view_walk_accounts(v, count_one, &seen), FAN_OK);
    CHECK_EQ(t, seen, 2); /* the walk ends where it is told to */
    state_view_unref(v);
    test_state_free(db);
}

/* More storage than fits the trie's top: all of it goes with its account, is there in history, and comes back with a
 * rewind. */
TEST(destroying_an_account_destroys_all_its_storage, t)
{
    enum { SLOTS = 3000 };
    struct evm_account_change change = {.address = world_address(1), .existed = 1, .storage_wiped = 1};
    const struct evm_diff diff = {&change, 1};
    struct fan_error err = {{0}};
    struct fan_hash full;
    struct state_point head;
    struct state_builder *b;
    struct state_db *db;
    struct state_view *v;
    struct state_diff *d;

    REQUIRE(t, test_state_new(NULL, &db) == FAN_OK);
    v = head_of(t, db);
    REQUIRE(t, state_builder_new(v, &b) == FAN_OK);
    state_view_unref(v);
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct fan_u256 slot = u256_of(i), value = u256_of(i + 1);

        CHECK_EQ(t, state_builder_set_slot(b, &change.address, &slot, &value), FAN_OK);
    }
    REQUIRE(t, state_builder_finish(b, 0, &d) == FAN_OK);
    full = state_diff_point(d)->root;
    CHECK_EQ(t, state_db_commit(db, d), FAN_OK);
    state_diff_unref(d);
    v = head_of(t, db);
    change.old_code_hash = KECCAK_EMPTY;
    REQUIRE(t, state_apply(v, &diff, 1, &d, &err) == FAN_OK);
    CHECK_SLICE(t, slice_of(&state_diff_point(d)->root, 32), slice_of(&KECCAK_EMPTY_TRIE, 32));
    CHECK_EQ(t, d->slots.count, SLOTS);
    CHECK_EQ(t, state_db_commit(db, d), FAN_OK);
    state_diff_unref(d);
    for (uint64_t n = 2; n < 20; n++) CHECK_EQ(t, commit_token(db, n, n), FAN_OK);
    for (uint64_t i = 1; i < SLOTS; i += 97) { /* slot 0 is the token's */
        struct state_view *now = head_of(t, db);
        struct fan_u256 slot = u256_of(i), value = u256_of(1);

        CHECK_EQ(t, state_view_slot(now, &change.address, &slot, &value), FAN_OK);
        CHECK(t, u256_is_zero(&value));
        CHECK_EQ(t, state_view_slot(v, &change.address, &slot, &value), FAN_OK);
        CHECK_EQ(t, value.limb[0], i + 1);
        state_view_unref(now);
    }
    state_view_unref(v);
    CHECK_EQ(t, state_db_rewind_to_block(db, 0), FAN_OK);
    head = state_db_point(db);
    CHECK_SLICE(t, slice_of(&head.root, 32), slice_of(&full, 32));
    test_state_free(db);
}
