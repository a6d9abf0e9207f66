/* Whoever decodes into an arena with a limit gets FAN_ENOMEM when it is too small, at whatever allocation that happens,
 * and the answer as soon as it is large enough. Limits go up in small steps, so that each allocation is once the one
 * that fails. */
#include "base/test.h"
#include "codec/u256.h"
#include "eth/filter.h"
#include "eth/genesis.h"
#include "eth/tx.h"

enum { STEP = 48, LIMIT_MAX = 1 << 20 };

/* Runs `decode` under growing limits until it succeeds; it must fail before, and only for want of memory. */
static void grow(struct test *t, struct slice input, enum fan_status (*decode)(struct slice input, struct arena *a))
{
    enum fan_status s = FAN_ENOMEM;
    size_t failures = 0;

    for (size_t limit = STEP; s == FAN_ENOMEM && limit < LIMIT_MAX; limit += STEP) {
        struct arena_home home;
        struct arena a;

        arena_home_init(&home, limit);
        a = arena_of(&home);
        s = decode(input, &a);
        failures += s != FAN_OK;
        arena_home_fini(&home);
    }
    CHECK_EQ(t, s, FAN_OK);
    CHECK(t, failures > 0);
}

static enum fan_status decode_tx(struct slice input, struct arena *a)
{
    struct tx tx;
    enum fan_status s = tx_decode(input, a, &tx, NULL);

    return s ? s : tx_seal(&tx, a);
}

static enum fan_status decode_filter(struct slice input, struct arena *a)
{
    static const struct filter_limits limits = {1000, 1000};
    struct filter f, copy;
    struct json v;
    enum fan_status s = json_parse(input, JSON_DEPTH_MAX, a, &v, NULL);

    if (!s) s = filter_parse(v, &limits, a, &f, NULL, NULL);
    return s ? s : filter_copy(&f, a, &copy);
}

static enum fan_status decode_genesis(struct slice input, struct arena *a)
{
    struct genesis g;

    return genesis_parse(input, a, &g, NULL);
}

static enum fan_status make_genesis(struct slice input, struct arena *a)
{
    const struct fan_address someone = {{1}};
    const struct fan_u256 balance = u256_of(1);
    struct genesis g;

    (void)input;
    return genesis_dev(1, FORK_NEWEST, &someone, 1, &balance, 30000000, 1, a, &g);
}

/* A type of its own for everything that takes memory: access list, authorizations, blob hashes. */
static struct slice sealed(enum tx_type type, struct arena *a)
{
    static const struct fan_hash hashes[3];
    static const struct tx_access access[2] = {{{{1}}, hashes, 3}, {{{2}}, hashes, 1}};
    static const struct tx_authorization authorizations[3];
    struct tx tx = {.type = type, .has_to = true, .has_chain_id = true, .chain_id = 1};

    tx.access = access;
    tx.access_count = COUNT_OF(access);
    if (type == TX_BLOB) tx.blob_hashes = hashes, tx.blob_count = COUNT_OF(hashes);
    if (type == TX_SET_CODE) tx.authorizations = authorizations, tx.authorization_count = COUNT_OF(authorizations);
    return tx_seal(&tx, a) ? slice_of(NULL, 0) : tx.encoded;
}

TEST(decoders_answer_with_enomem_until_there_is_enough, t)
{
    struct slice genesis = test_shared_file("conformance/cancun9/genesis.json");
    struct arena_home home;
    struct arena a;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    for (int type = TX_ACCESS_LIST; type <= TX_SET_CODE; type++) grow(t, sealed((enum tx_type)type, &a), decode_tx);
    grow(t,
         SLICE("{\"address\":[\"0x1111111111111111111111111111111111111111\"],\"topics\":[null,"
               "[\"0x1111111111111111111111111111111111111111111111111111111111111111\"]]}"),
         decode_filter);
    REQUIRE(t, genesis.len > 0);
    grow(t, genesis, decode_genesis);
    grow(t, slice_of(NULL, 0), make_genesis);
    arena_home_fini(&home);
}

/* A list of a million empty items costs no million structs: it fails before room is taken. */
TEST(small_lies_take_no_large_memory, t)
{
    struct arena_home home;
    struct arena a;
    struct buf b;
    struct tx tx;
    size_t outer, inner;

    buf_init(&b, 0);
    buf_put_byte(&b, TX_ACCESS_LIST);
    outer = rlp_list_begin(&b);
    for (int i = 0; i < 7; i++) rlp_put_u64(&b, 0);
    inner = rlp_list_begin(&b);
    for (int i = 0; i < 1000000; i++) buf_put_byte(&b, 0xc0);
    rlp_list_end(&b, inner);
    rlp_list_end(&b, outer);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    CHECK_EQ(t, tx_decode(buf_peek(&b), &a, &tx, NULL), FAN_EFORMAT);
    CHECK(t, home.bytes < 100000);
    arena_home_fini(&home);
    buf_fini(&b);
}
