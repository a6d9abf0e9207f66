/* A chain in a store beside the same chain in memory: whatever is done to both (blocks, edits, snapshots, reorgs,
 * resets), they answer alike, what lies in the store fits together, and it is all there after opening again. */
#include <stdio.h>
#include <unistd.h>

#include "local/check.h"
#include "local/keep.h"
#include "local/node.h"
#include "local/test_chain.h"

enum { STEPS = 260, ACTIONS = 12 };

struct pair {
    struct test *t;
    struct test_chain *memory, *kept;
    struct store *store;
    bool behind;
    char dir[64];
    uint64_t rng;
    uint64_t snapshots[8];
    size_t snapshot_count;
    unsigned token;
    struct fan_address contract; /* emits a log, of whoever calls it */
};

static uint64_t rng(struct pair *p)
{
    p->rng = p->rng * 6364136223846793005u + 1442695040888963407u;
    return p->rng >> 33;
}

static bool open_store(struct pair *p)
{
    struct store_options small = {.map_bytes = 1 << 20, .fast = true};
    struct fan_error err = {""};

    if (store_open(p->dir, &small, &p->store, &err) == FAN_OK) return true;
    test_fail(p->t, __FILE__, __LINE__, "%s", err.text);
    return false;
}

static void open_kept(struct pair *p)
{
    p->kept =
        tc_open_with(p->t, &(struct local_options){.store = p->store, .behind = p->behind}, (enum fork)FORK_NEWEST);
}

static void remove_folder(struct pair *p)
{
    static const char *const files[] = {"chain/data.mdb", "chain/lock.mdb", "LOCK", "chain", ""};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", p->dir, files[i]);
        (void)remove(path);
    }
}

/* ---- the same to both ---- */

static void send(struct pair *p, struct test_chain *tc, unsigned from, const struct fan_address *to, struct slice data)
{
    struct chain_account account = tc_account(p->t, tc, &tc->accounts[from]);
    struct tx tx = tc_transfer(tc, from, (from + 1) % TC_ACCOUNTS, account.nonce);

    tx.gas_limit = 300000;
    tx.gas_price_wei = u256_of(100 * (uint64_t)TC_GWEI);
    tx.data = data;
    if (to)
        tx.to = *to;
    else if (data.len)
        tx.has_to = false;
    tc_must_send(p->t, tc, &tx, from);
}

static void call_writer(struct pair *p, struct test_chain *tc, unsigned token)
{
    /* SSTORE(calldata[32…], calldata[0…]) */
    static const struct fan_address writer = {{0x77}};
    uint8_t words[64] = {0};

    words[31] = (uint8_t)(token % 5); /* 0 empties the slot */
    words[63] = (uint8_t)(token % 7);
    send(p, tc, 0, &writer, slice_of(words, sizeof words));
}

/* One action of the given kind; both chains get the same arguments. Returns what the chain answered. */
static uint64_t act(struct pair *p, struct test_chain *tc, unsigned action, uint64_t argument)
{
    const struct chain_dev_ops *dev = tc->chain->dev;
    struct fan_address other = {{(uint8_t)(1 + argument % 5), 0xee}};
    struct fan_u256 value = u256_of(argument % 3 ? argument : 0), slot = u256_of(argument % 4);
    static const struct slice nothing;

    tc->wall_s = 1700000000 + p->token;
    switch (action) {
    case 0:
        send(p, tc, (unsigned)(argument % TC_ACCOUNTS), NULL, nothing);
        return 0;
    case 1:
        send(p, tc, (unsigned)(argument % TC_ACCOUNTS), &p->contract, nothing);
        return 0;
    case 2:
        call_writer(p, tc, (unsigned)argument);
        return 0;
    case 3:
        return dev->mine(tc->chain, 1 + argument % 5, 1, NULL);
    case 4:
        return dev->set_balance(tc->chain, &other, &value);
    case 5:
        return dev->set_slot(tc->chain, &other, &slot, &value);
    case 6:
        return dev->set_code(tc->chain, &other, slice_of("\x60\x01\x60\x02", argument % 3 ? 2 : 4));
    case 7:
        return dev->snapshot(tc->chain);
    case 8:
        return dev->revert(tc->chain, p->snapshot_count ? p->snapshots[argument % p->snapshot_count] : 99);
    case 9:
        return dev->reorg(tc->chain, argument % 9, NULL, 0, NULL);
    case 10:
        return dev->rollback(tc->chain, argument % 6, NULL);
    default:
        return argument % 8 ? 0 : (uint64_t)dev->reset(tc->chain, NULL);
    }
}

static void both(struct pair *p, unsigned action, uint64_t argument)
{
    uint64_t memory = act(p, p->memory, action, argument), kept = act(p, p->kept, action, argument);

    if (memory != kept)
        test_fail(p->t, __FILE__, __LINE__, "action %u: %" PRIu64 " in memory, %" PRIu64 " kept", action, memory, kept);
    if (action == 7 && p->snapshot_count < COUNT_OF(p->snapshots)) p->snapshots[p->snapshot_count++] = kept;
    p->token++;
}

/* ---- alike? ---- */

static void put_block(struct test_chain *tc, uint64_t number, struct buf *out)
{
    struct json_writer w = json_writer_of(out);
    struct block *b;

    buf_reset(out);
    if (tc->chain->ops->block_by_number(tc->chain, number, &b)) return;
    json_begin_array(&w);
    block_put_json(b, true, &w);
    block_put_receipts_json(b, &w);
    json_end_array(&w);
    block_unref(b);
}

static struct fan_hash state_root(struct test_chain *tc)
{
    return state_db_point(((struct local *)(void *)tc->chain)->state).root;
}

static void compare(struct pair *p)
{
    struct block *a = tc_head(p->memory), *b = tc_head(p->kept);
    struct fan_hash x = state_root(p->memory), y = state_root(p->kept);
    struct buf one, two;

    CHECK_EQ(p->t, b->header.number, a->header.number);
    CHECK_SLICE(p->t, slice_of(&y, 32), slice_of(&x, 32));
    buf_init(&one, 0);
    buf_init(&two, 0);
    for (uint64_t n = 0; n <= a->header.number; n++) {
        put_block(p->memory, n, &one);
        put_block(p->kept, n, &two);
        if (!one.len || !slice_eq(buf_peek(&one), buf_peek(&two)))
            test_fail(p->t, __FILE__, __LINE__, "block %" PRIu64 " differs", n);
    }
    buf_fini(&one);
    buf_fini(&two);
    block_unref(a);
    block_unref(b);
}

/* The same balance and slot at every kept height. */
static void compare_history(struct pair *p)
{
    struct local *a = (struct local *)(void *)p->memory->chain, *b = (struct local *)(void *)p->kept->chain;
    uint64_t head = state_db_point(a->state).number;
    static const struct fan_address writer = {{0x77}};

    for (uint64_t n = 0; n <= head; n += 1 + head / 40) {
        struct state_view *x, *y;
        struct state_account left, right;
        struct fan_u256 v, w, slot = u256_of(n % 7);

        REQUIRE(p->t, state_db_at(a->state, n, &x) == FAN_OK);
        REQUIRE(p->t, state_db_at(b->state, n, &y) == FAN_OK);
        CHECK_SLICE(p->t, slice_of(&state_view_point(y)->root, 32), slice_of(&state_view_point(x)->root, 32));
        CHECK_EQ(p->t, state_view_account(x, &p->memory->accounts[0], &left), FAN_OK);
        CHECK_EQ(p->t, state_view_account(y, &p->memory->accounts[0], &right), FAN_OK);
        CHECK(p->t, u256_eq(&left.balance_wei, &right.balance_wei) && left.nonce == right.nonce);
        CHECK_EQ(p->t, state_view_slot(x, &writer, &slot, &v), FAN_OK);
        CHECK_EQ(p->t, state_view_slot(y, &writer, &slot, &w), FAN_OK);
        CHECK(p->t, u256_eq(&v, &w));
        state_view_unref(x);
        state_view_unref(y);
    }
}

static void check_sound(struct pair *p)
{
    struct check_count count;
    struct fan_error err = {""};

    CHECK_EQ(p->t, keep_sync(((struct local *)(void *)p->kept->chain)->keep, &err), FAN_OK);
    if (check_store(p->store, NULL, NULL, &count, &err)) test_fail(p->t, __FILE__, __LINE__, "%s", err.text);
}

static void begin(struct pair *p)
{
    static const char *const emitter =
        "602a8060095f395ff3345f52337f5cad1e0000000000000000000000000000000000000000000000000000000000"
        "60205fa200";
    static const struct fan_address writer = {{0x77}};
    struct slice code = test_hex(emitter);

    p->contract = tx_create_address(&p->memory->accounts[1], 0);
    send(p, p->memory, 1, NULL, code);
    send(p, p->kept, 1, NULL, code);
    for (size_t i = 0; i < 2; i++) {
        struct test_chain *tc = i ? p->kept : p->memory;

        CHECK_EQ(p->t, tc->chain->dev->set_code(tc->chain, &writer, slice_of("\x5f\x35\x60\x20\x35\x55\x00", 7)),
                 FAN_OK);
    }
}

static void run(struct test *t, bool behind, uint64_t seed)
{
    struct pair p = {.t = t, .behind = behind, .rng = seed, .dir = "/tmp/fanatico-keep-XXXXXX"};

    REQUIRE(t, mkdtemp(p.dir) && open_store(&p));
    p.memory = tc_open(t);
    open_kept(&p);
    begin(&p);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned action = (unsigned)(rng(&p) % ACTIONS);

        both(&p, rng(&p) % 3 ? action % 4 : action, rng(&p));
        if (rng(&p) % 16 == 0) tc_forget_events(p.memory);
        if (rng(&p) % 16 == 0) tc_forget_events(p.kept);
        if (i % 40 == 39) {
            compare(&p);
            compare_history(&p);
            check_sound(&p);
        }
    }
    check_sound(&p);
    compare(&p);
    tc_close(t, p.kept);
    store_close(p.store);
    REQUIRE(t, open_store(&p));
    open_kept(&p);
    compare(&p);
    compare_history(&p);
    tc_close(t, p.kept);
    store_close(p.store);
    tc_close(t, p.memory);
    remove_folder(&p);
}

TEST(kept_at_once_a_chain_is_the_one_in_memory, t)
{
    for (uint64_t seed = 1; seed <= 3; seed++) run(t, false, seed);
}

TEST(kept_behind_a_chain_is_the_one_in_memory, t)
{
    for (uint64_t seed = 11; seed <= 13; seed++) run(t, true, seed);
}
