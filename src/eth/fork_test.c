#include "eth/fork.h"

#include "base/test.h"

TEST(the_development_chain_has_every_fork_up_to_the_newest, t)
{
    for (int f = FORK_FRONTIER; f <= FORK_NEWEST; f++) {
        struct chain_config c;

        if (f == FORK_DAO) continue; /* main net's own; a development chain never stands at it */
        chain_config_dev(31337, (enum fork)f, &c);
        CHECK_EQ(t, fork_at(&c, 0, 0), f);
        CHECK_EQ(t, fork_at(&c, 1000000, 1900000000), f);
        CHECK_EQ(t, blob_params_at(&c, 0, &(struct blob_params){0}), f >= FORK_CANCUN);
    }
}

TEST(main_net_goes_through_its_forks, t)
{
    static const struct {
        uint64_t number, timestamp;
        enum fork fork;
    } row[] = {
        {0, 0, FORK_FRONTIER},
        {1149999, 1, FORK_FRONTIER},
        {1150000, 1, FORK_HOMESTEAD},
        {1920000, 1, FORK_DAO},
        {2463000, 1, FORK_TANGERINE},
        {2675000, 1, FORK_SPURIOUS},
        {4370000, 1, FORK_BYZANTIUM},
        {7280000, 1, FORK_PETERSBURG},
        {9069000, 1, FORK_ISTANBUL},
        {12965000, 1, FORK_LONDON},
        {15537393, 1663224162, FORK_GRAY_GLACIER},
        {15537394, 1663224179, FORK_PARIS},
        {17034869, 1681338443, FORK_PARIS},
        {17034870, 1681338455, FORK_SHANGHAI},
        {19426587, 1710338135, FORK_CANCUN},
        {22431084, 1746612311, FORK_PRAGUE},
    };
    struct chain_config c;

    chain_config_dev(1, FORK_NEWEST, &c);
    c.fork_block[FORK_HOMESTEAD] = 1150000;
    c.fork_block[FORK_DAO] = 1920000;
    c.fork_block[FORK_TANGERINE] = 2463000;
    c.fork_block[FORK_SPURIOUS] = 2675000;
    c.fork_block[FORK_BYZANTIUM] = 4370000;
    c.fork_block[FORK_CONSTANTINOPLE] = c.fork_block[FORK_PETERSBURG] = 7280000;
    c.fork_block[FORK_ISTANBUL] = 9069000;
    c.fork_block[FORK_MUIR_GLACIER] = 9200000;
    c.fork_block[FORK_BERLIN] = 12244000;
    c.fork_block[FORK_LONDON] = 12965000;
    c.fork_block[FORK_ARROW_GLACIER] = 13773000;
    c.fork_block[FORK_GRAY_GLACIER] = 15050000;
    c.merge_block = 15537394;
    c.fork_time[FORK_SHANGHAI] = 1681338455;
    c.fork_time[FORK_CANCUN] = 1710338135;
    c.fork_time[FORK_PRAGUE] = 1746612311;
    c.fork_time[FORK_OSAKA] = 1764798551;
    for (size_t i = 0; i < COUNT_OF(row); i++) CHECK_EQ(t, fork_at(&c, row[i].number, row[i].timestamp), row[i].fork);
}

TEST(forks_are_found_by_the_names_people_use, t)
{
    static const struct {
        const char *name;
        enum fork fork;
    } row[] = {
        {"osaka", FORK_OSAKA},
        {"OSAKA", FORK_OSAKA},
        {"Prague", FORK_PRAGUE},
        {"latest", FORK_NEWEST},
        {"merge", FORK_PARIS},
        {"paris", FORK_PARIS},
        {"muirGlacier", FORK_MUIR_GLACIER},
        {"muirglacier", FORK_MUIR_GLACIER},
        {"tangerineWhistle", FORK_TANGERINE},
        {"spuriousDragon", FORK_SPURIOUS},
    };
    enum fork f;

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        REQUIRE(t, fork_by_name(slice_str(row[i].name), &f));
        CHECK_EQ(t, f, row[i].fork);
    }
    for (int i = 0; i < FORK_COUNT; i++) {
        REQUIRE(t, fork_by_name(slice_str(fork_name((enum fork)i)), &f));
        CHECK_EQ(t, f, i);
    }
    CHECK(t, !fork_by_name(SLICE("pragu"), &f));
    CHECK(t, !fork_by_name(SLICE("pragues"), &f));
    CHECK(t, !fork_by_name(SLICE(""), &f));
}

/* EIP-4844's formula; the values of geth's tests and of the EIP. */
TEST(blob_base_fee_is_the_eip_s_exponential, t)
{
    static const struct {
        uint64_t excess, fraction, fee;
    } row[] = {
        {0, 3338477, 1},
        {2314057, 3338477, 1},
        {2314058, 3338477, 2},
        {10 * 1024 * 1024, 3338477, 23},
        {50000000, 2225652, 5709098764},
        {0, 1, 1},
        {2, 1, 6},
        {4, 2, 6},
        {3, 1, 16},
        {6, 2, 18},
        {4, 1, 49},
        {8, 2, 50},
        {5, 1, 136},
        {5, 2, 11},
        {44, 1, 12851291796655501710u}, /* the last below 2^64 */
        {45, 1, UINT64_MAX},
        {UINT64_MAX, 1, UINT64_MAX},
        {UINT64_MAX, UINT64_MAX, 2},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) CHECK_EQ(t, blob_base_fee(row[i].excess, row[i].fraction), row[i].fee);
}

TEST(excess_blob_gas_moves_towards_the_target, t)
{
    enum { BLOB = 131072 };
    static const struct blob_params cancun = {3, 6, 3338477};
    static const struct {
        uint64_t excess, blobs, want;
    } row[] = {
        {0, 0, 0},
        {0, 1, 0},
        {0, 3, 0},
        {0, 4, BLOB},
        {1, 4, BLOB + 1},
        {1, 5, 2 * BLOB + 1},
        {3 * BLOB, 3, 3 * BLOB},
        {3 * BLOB, 2, 2 * BLOB},
        {3 * BLOB, 1, BLOB},
        {BLOB - 1, 2, 0},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++)
        CHECK_EQ(t, next_excess_blob_gas(FORK_CANCUN, &cancun, row[i].excess, row[i].blobs * BLOB, 7), row[i].want);
}

/* EIP-7918, as geth's tests have it. */
TEST(from_osaka_on_cheap_blobs_never_lower_the_excess, t)
{
    static const struct {
        struct blob_params p;
        uint64_t excess, used, base_fee, want;
    } row[] = {
        {{9, 14, 8832827}, 5149252, 1310720, 30, 5617366},
        {{21, 32, 20609697}, 19251039, 2490368, 50, 20107103},
        {{6, 9, 5007716}, 0, 6 * 131072, 1000000000, 6 * 131072 * 3 / 9},
        {{6, 9, 5007716}, 0, 6 * 131072, 1, 0},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++)
        CHECK_EQ(t, next_excess_blob_gas(FORK_OSAKA, &row[i].p, row[i].excess, row[i].used, row[i].base_fee),
                 row[i].want);
}

TEST(the_blob_schedule_is_kept_in_order_of_time, t)
{
    struct chain_config c;
    struct blob_params p;

    chain_config_init(1, &c);
    CHECK(t, !blob_params_at(&c, UINT64_MAX, &p));
    CHECK(t, chain_config_add_blobs(&c, "cancun", 100, &(struct blob_params){3, 6, 1}));
    CHECK(t, chain_config_add_blobs(&c, "bpo1", 300, &(struct blob_params){10, 15, 1}));
    CHECK(t, chain_config_add_blobs(&c, "prague", 200, &(struct blob_params){6, 9, 1}));
    CHECK(t, chain_config_add_blobs(&c, "bpo2", 300, &(struct blob_params){14, 21, 1}));
    CHECK(t, !blob_params_at(&c, 99, &p));
    CHECK(t, blob_params_at(&c, 199, &p) && p.max == 6);
    CHECK(t, blob_params_at(&c, 200, &p) && p.max == 9);
    CHECK(t, blob_params_at(&c, 300, &p) && p.max == 21); /* of two at one time the later named counts */
    CHECK(t, !chain_config_add_blobs(&c, "a name much too long", 1, &p));
    while (c.blob_count < BLOB_SCHEDULE_MAX) CHECK(t, chain_config_add_blobs(&c, "x", 400, &p));
    CHECK(t, !chain_config_add_blobs(&c, "x", 400, &p));
}
