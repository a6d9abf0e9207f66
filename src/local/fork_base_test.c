/* A state above another node's: what was changed here hides what is over there, at every version, and nothing is asked
 * that need not be. The other node is a table behind chain_remote's functions, which counts what it is asked; a real
 * one stands in test/fork/. */
#include "local/fork_base.h"

#include <stdlib.h>

#include "base/test.h"
#include "codec/u256.h"

/* ---- the other node ---- */

struct table {
    struct chain_remote remote; /* first */
    size_t accounts_asked, slots_asked, codes_asked;
    bool fails;
    bool freed;
};

static const struct fan_hash FAR_ROOT = {{0x77}};

static struct fan_address address_of(uint8_t n)
{
    return (struct fan_address){{0xaa, n}};
}

static struct slice far_code(void)
{
    return SLICE("\x60\x2a\x5f\x52");
}

static struct table *table_of(struct chain_remote *r)
{
    return (struct table *)(void *)r;
}

/* 1: balance alone; 2: a contract with slots; everything else is not there. */
static enum fan_status far_account(struct chain_remote *r, const struct fan_address *a, struct chain_account *out)
{
    struct fan_address contract = address_of(2), plain = address_of(1);
    struct chain_account none = {.code_hash = KECCAK_EMPTY, .storage_root = KECCAK_EMPTY_TRIE};

    table_of(r)->accounts_asked++;
    if (table_of(r)->fails) return FAN_EREMOTE;
    *out = none;
    if (memcmp(a, &plain, sizeof plain) == 0) {
        out->exists = true;
        out->balance_wei = u256_of(1000);
        out->nonce = 7;
    } else if (memcmp(a, &contract, sizeof contract) == 0) {
        out->exists = true;
        out->nonce = 1;
        out->code_hash = keccak256(far_code());
        out->storage_root = FAR_ROOT;
    }
    return FAN_OK;
}

/* Slot n of the contract is 100 + n. */
static enum fan_status far_slot(struct chain_remote *r, const struct fan_address *a, const struct fan_u256 *slot,
                                struct fan_u256 *out)
{
    struct fan_u256 hundred = u256_of(100);

    (void)a;
    table_of(r)->slots_asked++;
    if (table_of(r)->fails) return FAN_EREMOTE;
    (void)u256_add(slot, &hundred, out);
    return FAN_OK;
}

static enum fan_status far_code_of(struct chain_remote *r, const struct fan_hash *code_hash, struct arena *a,
                                   struct slice *out)
{
    struct fan_hash known = keccak256(far_code());

    table_of(r)->codes_asked++;
    if (memcmp(&known, code_hash, sizeof known) != 0) return FAN_ENOTFOUND;
    *out = arena_dup(a, far_code());
    return out->at ? FAN_OK : FAN_ENOMEM;
}

static void far_free(struct chain_remote *r)
{
    table_of(r)->freed = true;
}

static const struct chain_remote_ops far_ops = {
    .account = far_account, .slot = far_slot, .code = far_code_of, .free = far_free};

/* ---- our state above it ---- */

struct rig {
    struct table far;
    struct state_db *db;
};

static void rig_init(struct rig *r)
{
    struct state_base base;
    struct state_options options = {0};

    *r = (struct rig){.far.remote.ops = &far_ops};
    ref_init(&r->far.remote.ref);
    if (fork_base_new(&r->far.remote, &base) || state_db_open(base, &options, &r->db)) abort();
}

static void rig_fini(struct rig *r, struct test *t)
{
    state_db_unref(r->db);
    CHECK(t, !r->far.freed); /* the base had one reference of two */
    chain_remote_unref(&r->far.remote);
    CHECK(t, r->far.freed);
}

static struct state_view *head(struct rig *r)
{
    struct state_view *v;

    if (state_db_head(r->db, &v)) abort();
    return v;
}

static struct state_builder *building(struct rig *r)
{
    struct state_view *v = head(r);
    struct state_builder *b;

    if (state_builder_new(v, &b)) abort();
    state_view_unref(v);
    return b;
}

static void commit(struct rig *r, struct state_builder *b, uint64_t number)
{
    struct state_diff *d;

    if (state_builder_finish(b, number, &d) || state_db_commit(r->db, d)) abort();
    state_diff_unref(d);
}

static struct state_account account_at(const struct state_view *v, uint8_t n)
{
    struct fan_address address = address_of(n);
    struct state_account account;

    if (state_view_account(v, &address, &account)) abort();
    return account;
}

static uint64_t slot_at(const struct state_view *v, uint8_t n, uint64_t slot)
{
    struct fan_address address = address_of(n);
    struct fan_u256 s = u256_of(slot), value;

    if (state_view_slot(v, &address, &s, &value)) abort();
    return value.limb[0];
}

static bool is_far(const struct state_view *v, uint8_t n, uint64_t slot)
{
    struct fan_address address = address_of(n);
    struct fan_u256 s = u256_of(slot);

    return state_view_slot_is_far(v, &address, &s);
}

static void set_balance(struct state_builder *b, uint8_t n, uint64_t wei)
{
    struct fan_address address = address_of(n);
    struct fan_u256 balance = u256_of(wei);

    if (state_builder_set_balance(b, &address, &balance)) abort();
}

static void set_slot(struct state_builder *b, uint8_t n, uint64_t slot, uint64_t value)
{
    struct fan_address address = address_of(n);
    struct fan_u256 s = u256_of(slot), v = u256_of(value);

    if (state_builder_set_slot(b, &address, &s, &v)) abort();
}

TEST(what_nobody_changed_here_is_the_other_nodes, t)
{
    struct arena_home home;
    struct state_view *v;
    struct fan_hash unknown = {{1}}, hash;
    struct arena a;
    struct slice code;
    struct rig r;

    rig_init(&r);
    v = head(&r);
    CHECK_EQ(t, account_at(v, 1).balance_wei.limb[0], 1000);
    CHECK_EQ(t, account_at(v, 1).nonce, 7);
    CHECK(t, !account_at(v, 3).exists);
    CHECK_EQ(t, slot_at(v, 2, 5), 105);
    CHECK(t, is_far(v, 2, 5));
    CHECK_EQ(t, r.far.slots_asked, 1);
    CHECK_EQ(t, slot_at(v, 1, 5), 0); /* an account without storage has no slots to ask for */
    CHECK_EQ(t, slot_at(v, 3, 5), 0);
    CHECK_EQ(t, r.far.slots_asked, 1);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    hash = keccak256(far_code());
    CHECK_EQ(t, state_view_code(v, &hash, &a, &code), FAN_OK);
    CHECK(t, slice_eq(code, far_code()));
    CHECK_EQ(t, state_view_code(v, &unknown, &a, &code), FAN_ENOTFOUND);
    arena_home_fini(&home);
    state_view_unref(v);
    rig_fini(&r, t);
}

TEST(what_was_changed_here_hides_it_at_that_version_and_later, t)
{
    struct state_builder *b;
    struct state_view *before, *after;
    size_t asked;
    struct rig r;

    rig_init(&r);
    before = head(&r);
    b = building(&r);
    set_balance(b, 1, 5);
    set_slot(b, 2, 5, 9);
    set_slot(b, 2, 6, 0);
    commit(&r, b, 1);
    after = head(&r);
    asked = r.far.accounts_asked + r.far.slots_asked;
    CHECK_EQ(t, account_at(after, 1).balance_wei.limb[0], 5);
    CHECK_EQ(t, account_at(after, 1).nonce, 7);
    CHECK_EQ(t, slot_at(after, 2, 5), 9);
    CHECK_EQ(t, slot_at(after, 2, 6), 0); /* "gone" is a word of ours as well */
    CHECK(t, !is_far(after, 2, 5) && !is_far(after, 2, 6));
    CHECK_EQ(t, r.far.accounts_asked + r.far.slots_asked, asked);
    CHECK_EQ(t, slot_at(after, 2, 7), 107); /* its neighbour still shines through */
    CHECK_EQ(t, account_at(before, 1).balance_wei.limb[0], 1000);
    CHECK_EQ(t, slot_at(before, 2, 5), 105);
    CHECK_EQ(t, slot_at(before, 2, 6), 106);
    state_view_unref(before);
    state_view_unref(after);
    CHECK_EQ(t, state_db_rewind(r.db, 0), FAN_OK);
    after = head(&r);
    CHECK_EQ(t, account_at(after, 1).balance_wei.limb[0], 1000);
    CHECK_EQ(t, slot_at(after, 2, 6), 106);
    state_view_unref(after);
    rig_fini(&r, t);
}

TEST(an_account_made_here_has_no_storage_over_there, t)
{
    struct state_builder *b;
    struct state_view *v;
    struct rig r;

    rig_init(&r);
    b = building(&r);
    set_balance(b, 4, 1);
    set_slot(b, 4, 1, 8);
    commit(&r, b, 1);
    v = head(&r);
    CHECK_EQ(t, slot_at(v, 4, 1), 8);
    r.far.slots_asked = r.far.accounts_asked = 0;
    CHECK_EQ(t, slot_at(v, 4, 2), 0);
    CHECK(t, !is_far(v, 4, 2));
    CHECK_EQ(t, r.far.slots_asked + r.far.accounts_asked, 0);
    state_view_unref(v);
    rig_fini(&r, t);
}

/* Gone and made again, as by SELFDESTRUCT and CREATE2: the old storage must not come back from over there. */
TEST(what_was_destroyed_here_stays_so, t)
{
    struct evm_account_change gone = {.address = address_of(2),
                                      .existed = 1,
                                      .storage_wiped = 1,
                                      .old_nonce = 1,
                                      .old_code_hash = keccak256(far_code()),
                                      .new_code_hash = KECCAK_EMPTY};
    struct evm_account_change anew = {.address = address_of(2),
                                      .exists = 1,
                                      .new_nonce = 1,
                                      .old_code_hash = KECCAK_EMPTY,
                                      .new_code_hash = KECCAK_EMPTY};
    struct evm_diff diff = {&gone, 1};
    struct fan_error err = {""};
    struct state_view *before, *v;
    struct rig r;

    rig_init(&r);
    before = head(&r);
    for (uint64_t number = 1; number <= 2; number++) {
        struct state_builder *b = building(&r);

        if (state_builder_add(b, &diff, &err)) test_fail(t, __FILE__, __LINE__, "%s", err.text);
        commit(&r, b, number);
        v = head(&r);
        CHECK_EQ(t, account_at(v, 2).exists, number == 2);
        r.far.slots_asked = r.far.accounts_asked = 0;
        CHECK_EQ(t, slot_at(v, 2, 5), 0);
        CHECK(t, !is_far(v, 2, 5));
        CHECK_EQ(t, r.far.slots_asked + r.far.accounts_asked, 0);
        state_view_unref(v);
        diff.accounts = &anew;
    }
    CHECK_EQ(t, slot_at(before, 2, 5), 105);
    state_view_unref(before);
    rig_fini(&r, t);
}

TEST(a_node_that_does_not_answer_is_a_failure_and_never_an_empty_account, t)
{
    struct fan_address address = address_of(1), contract = address_of(2);
    struct fan_u256 slot = u256_of(1), value = u256_of(77);
    struct state_account account = {.nonce = 77};
    struct state_builder *b;
    struct state_view *v;
    struct rig r;

    rig_init(&r);
    b = building(&r);
    set_balance(b, 3, 5);
    commit(&r, b, 1);
    v = head(&r);
    r.far.fails = true;
    CHECK_EQ(t, state_view_account(v, &address, &account), FAN_EREMOTE);
    CHECK_EQ(t, state_view_slot(v, &contract, &slot, &value), FAN_EREMOTE);
    CHECK(t, account.nonce == 77 && value.limb[0] == 77);
    CHECK_EQ(t, account_at(v, 3).balance_wei.limb[0], 5); /* what is ours needs nobody */
    b = building(&r);
    CHECK_EQ(t, state_builder_set_balance(b, &address, &value), FAN_EREMOTE);
    state_builder_free(b);
    r.far.fails = false;
    CHECK_EQ(t, state_view_account(v, &address, &account), FAN_OK);
    CHECK_EQ(t, account.nonce, 7);
    state_view_unref(v);
    rig_fini(&r, t);
}
