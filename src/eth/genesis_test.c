#include "eth/genesis.h"

#include <stdio.h>

#include "base/test.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "eth/test_room.h"

/* What genesis_put_json() writes, in the arena. */
static struct slice text_of(const struct genesis *g, struct arena *a)
{
    struct json_writer w;
    struct slice text;
    struct buf b;

    buf_init(&b, 0);
    w = json_writer_of(&b);
    genesis_put_json(g, &w);
    text = arena_dup(a, buf_peek(&b));
    buf_fini(&b);
    return text;
}

static const struct fan_address someone = {{0xf3, 0x9f}};

static enum fan_status development(enum fork newest, struct arena *a, struct genesis *out)
{
    const struct fan_u256 balance = {{0x19e0c9bab2400000, 0x21e, 0, 0}}; /* 10,000 ether */

    return genesis_dev(31337, newest, &someone, 1, &balance, 30000000, 1700000000, a, out);
}

TEST(the_development_genesis_of_each_fork, t)
{
    for (int f = FORK_FRONTIER; f < FORK_COUNT; f++) {
        struct room room;
        struct genesis g;

        REQUIRE(t, !development((enum fork)f, open_room(&room), &g));
        CHECK_EQ(t, g.header.gas_limit, 30000000);
        CHECK_EQ(t, g.header.timestamp, 1700000000);
        CHECK_EQ(t, g.header.extra_data_len, 0);
        CHECK_EQ(t, g.header.extent, header_extent_of((enum fork)f));
        CHECK_EQ(t, g.header.base_fee_wei, f >= FORK_LONDON ? 1000000000 : 0);
        CHECK_EQ(t, u256_is_zero(&g.header.difficulty), f >= FORK_PARIS);
        CHECK_EQ(t, g.account_count, f >= FORK_PRAGUE ? 6 : f >= FORK_CANCUN ? 3 : 2);
        close_room(&room);
    }
}

/* The code hashes that eth_getProof gives for these contracts on main net. */
TEST(system_contracts_have_main_net_s_code, t)
{
    static const struct {
        const char *address, *code_hash;
    } row[] = {
        {"4e59b44847b379578588920ca78fbf26c0b4956c",
         "2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"},
        {"000f3df6d732807ef1319fb7b8bb8522d0beac02",
         "f57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c"},
        {"0000f90827f1c53a10cb7a02335b175320002935",
         "6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d"},
    };
    struct room room;
    struct genesis g;
    size_t found = 0;

    REQUIRE(t, !development(FORK_NEWEST, open_room(&room), &g));
    for (size_t i = 0; i < g.account_count; i++) {
        struct fan_hash hash = keccak256(g.accounts[i].code);

        for (size_t k = 0; k < COUNT_OF(row); k++) {
            if (!slice_eq(slice_of(g.accounts[i].address.bytes, 20), test_hex(row[k].address))) continue;
            CHECK_SLICE(t, slice_of(hash.bytes, 32), test_hex(row[k].code_hash));
            CHECK_EQ(t, g.accounts[i].nonce, 1);
            found++;
        }
    }
    CHECK_EQ(t, found, COUNT_OF(row));
    close_room(&room);
}

TEST(writing_and_reading_gives_the_same_genesis, t)
{
    for (int f = FORK_FRONTIER; f < FORK_COUNT; f++) {
        struct genesis g, again;
        struct fan_error err = {{0}};
        struct room room;
        struct arena *a = open_room(&room);
        struct slice text;

        if (f == FORK_DAO) continue;
        REQUIRE(t, !development((enum fork)f, a, &g));
        text = text_of(&g, a);
        if (genesis_parse(text, a, &again, &err))
            test_fail(t, __FILE__, __LINE__, "%s: %s", fork_name((enum fork)f), err.text);
        REQUIRE(t, !err.text[0]);
        CHECK_EQ(t, again.config.chain_id, 31337);
        CHECK_EQ(t, again.account_count, g.account_count);
        CHECK(t, memcmp(again.config.fork_block, g.config.fork_block, sizeof g.config.fork_block) == 0 ||
                     f == FORK_CONSTANTINOPLE); /* which without a petersburgBlock means both */
        CHECK(t, memcmp(again.config.fork_time, g.config.fork_time, sizeof g.config.fork_time) == 0);
        CHECK_EQ(t, again.config.blob_count, g.config.blob_count);
        CHECK(t, memcmp(again.config.blob, g.config.blob, sizeof g.config.blob[0] * g.config.blob_count) == 0);
        CHECK_EQ(t, again.config.merge_block, g.config.merge_block);
        CHECK(t, memcmp(header_hash(&again.header).bytes, header_hash(&g.header).bytes, 32) == 0);
        text = text_of(&again, a); /* sorted by address now, so that a second trip changes no byte */
        REQUIRE(t, !genesis_parse(text, a, &again, NULL));
        CHECK_SLICE(t, text_of(&again, a), text);
        close_room(&room);
    }
}

#define HEAD "\"gasLimit\":\"0x4c4b40\",\"difficulty\":1,\"alloc\":{}"
#define BLOCKS                                                                                                         \
    "\"chainId\":7,\"homesteadBlock\":0,\"eip150Block\":0,\"eip155Block\":0,\"eip158Block\":0,\"byzantiumBlock\":0,"   \
    "\"constantinopleBlock\":0,\"petersburgBlock\":0,\"istanbulBlock\":0,\"berlinBlock\":0,\"londonBlock\":0,"         \
    "\"terminalTotalDifficulty\":0"

TEST(main_net_s_chain_spec_reads, t)
{
    static const char text[] =
        "{\"config\":{\"chainId\":1,\"homesteadBlock\":1150000,\"daoForkBlock\":1920000,\"daoForkSupport\":true,"
        "\"eip150Block\":2463000,\"eip155Block\":2675000,\"eip158Block\":2675000,\"byzantiumBlock\":4370000,"
        "\"constantinopleBlock\":7280000,\"petersburgBlock\":7280000,\"istanbulBlock\":9069000,\"muirGlacierBlock\":"
        "9200000,"
        "\"berlinBlock\":12244000,\"londonBlock\":12965000,\"arrowGlacierBlock\":13773000,\"grayGlacierBlock\":"
        "15050000,"
        "\"terminalTotalDifficulty\":58750000000000000000000,\"shanghaiTime\":1681338455,\"cancunTime\":1710338135,"
        "\"pragueTime\":1746612311,\"osakaTime\":1764798551,\"bpo1Time\":1765290071,\"bpo2Time\":1767747671,"
        "\"blobSchedule\":{\"cancun\":{\"target\":3,\"max\":6,\"baseFeeUpdateFraction\":3338477},"
        "\"prague\":{\"target\":6,\"max\":9,\"baseFeeUpdateFraction\":5007716},"
        "\"bpo1\":{\"target\":10,\"max\":15,\"baseFeeUpdateFraction\":8346193},"
        "\"bpo2\":{\"target\":14,\"max\":21,\"baseFeeUpdateFraction\":11684671}},"
        "\"depositContractAddress\":\"0x00000000219ab540356cBB839Cbe05303d7705Fa\",\"ethash\":{}},"
        "\"nonce\":\"0x42\",\"timestamp\":\"0x0\",\"extraData\":"
        "\"0x11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e5"
        "0b1b82fa\",\"gasLimit\":\"0x1388\",\"difficulty\":\"0x400000000\",\"alloc\":{}}";
    struct fan_error err = {{0}};
    struct blob_params p;
    struct room room;
    struct arena *a = open_room(&room);
    struct genesis g, again;
    char digits[79];

    if (genesis_parse(slice_str(text), a, &g, &err)) test_fail(t, __FILE__, __LINE__, "%s", err.text);
    REQUIRE(t, !err.text[0]);
    CHECK_EQ(t, g.config.fork_block[FORK_DAO], 1920000);
    CHECK(t, g.config.dao_support);
    (void)u256_to_decimal(&g.config.terminal_total_difficulty, digits);
    CHECK_STR(t, slice_str(digits), "58750000000000000000000");
    CHECK_EQ(t, g.config.merge_block, FORK_NEVER);
    CHECK_EQ(t, fork_at(&g.config, 20000000, 1764798551), FORK_OSAKA);
    CHECK(t, blob_params_at(&g.config, 1764798551, &p) && p.max == 9); /* Osaka goes on with Prague's */
    CHECK(t, blob_params_at(&g.config, 1765290071, &p) && p.max == 15);
    CHECK(t, blob_params_at(&g.config, 1767747671, &p) && p.target == 14 && p.update_fraction == 11684671);
    CHECK_EQ(t, g.config.deposit_contract.bytes[4], 0x21);
    CHECK_EQ(t, g.header.nonce[7], 0x42);
    CHECK_EQ(t, g.header.extent, HEADER_FRONTIER);
    REQUIRE(t, !genesis_parse(text_of(&g, a), a, &again, NULL));
    CHECK(t, memcmp(again.config.blob, g.config.blob, sizeof g.config.blob) == 0);
    CHECK_SLICE(t, text_of(&again, a), text_of(&g, a));
    close_room(&room);
}

TEST(a_missing_blob_schedule_means_the_forks_defaults, t)
{
    struct room room;
    struct arena *a = open_room(&room);
    struct blob_params p;
    struct genesis g;

    REQUIRE(t, !genesis_parse(SLICE("{\"config\":{" BLOCKS ",\"shanghaiTime\":0,\"cancunTime\":0,\"pragueTime\":100,"
                                    "\"osakaTime\":200,\"bpo1Time\":300}," HEAD "}"),
                              a, &g, NULL));
    CHECK(t, blob_params_at(&g.config, 0, &p) && p.target == 3 && p.max == 6 && p.update_fraction == 3338477);
    CHECK(t, blob_params_at(&g.config, 100, &p) && p.target == 6 && p.max == 9 && p.update_fraction == 5007716);
    CHECK(t, blob_params_at(&g.config, 200, &p) && p.max == 9);
    CHECK(t, blob_params_at(&g.config, 300, &p) && p.max == 15);
    CHECK_EQ(t, g.header.base_fee_wei, 1000000000);
    CHECK_EQ(t, g.config.deposit_contract.bytes[19], 0xfa); /* main net's, since none is named */
    close_room(&room);
}

TEST(numbers_come_in_every_spelling, t)
{
    struct room room;
    struct arena *a = open_room(&room);
    struct genesis g;

    REQUIRE(t, !genesis_parse(SLICE("{\"config\":{" BLOCKS "},\"gasLimit\":\"0x04c4b40\",\"difficulty\":\"131072\","
                                    "\"timestamp\":1234,\"nonce\":\"66\",\"baseFeePerGas\":\"0X7\",\"alloc\":{"
                                    "\"0xAA00000000000000000000000000000000000000\":{\"balance\":\"1\",\"nonce\":2,"
                                    "\"storage\":{\"0x01\":\"0203\",\"02\":\"0x00\"}},"
                                    "\"1100000000000000000000000000000000000000\":{\"balance\":\"\"}}}"),
                              a, &g, NULL));
    CHECK_EQ(t, g.header.gas_limit, 5000000);
    CHECK_EQ(t, g.header.difficulty.limb[0], 131072);
    CHECK_EQ(t, g.header.timestamp, 1234);
    CHECK_EQ(t, g.header.nonce[7], 66);
    CHECK_EQ(t, g.header.base_fee_wei, 7);
    REQUIRE(t, g.account_count == 2);
    CHECK_EQ(t, g.accounts[0].address.bytes[0], 0x11); /* sorted */
    CHECK_EQ(t, g.accounts[1].nonce, 2);
    REQUIRE(t, g.accounts[1].slot_count == 1); /* zero is not there */
    CHECK_EQ(t, g.accounts[1].slots[0].slot.limb[0], 1);
    CHECK_EQ(t, g.accounts[1].slots[0].value.limb[0], 0x203);
    close_room(&room);
}

/* geth writes null, or nothing, for a fork that never comes, whatever its name. */
TEST(an_unknown_fork_that_never_comes_is_no_obstacle, t)
{
    struct fan_error err = {{0}};
    struct room room;
    struct genesis g;

    CHECK_EQ(t,
             genesis_parse(slice_str("{\"config\":{" BLOCKS ",\"amsterdamTime\":null,\"Time\":null}," HEAD "}"),
                           open_room(&room), &g, &err),
             FAN_OK);
    CHECK_EQ(t, g.config.chain_id, 7);
    close_room(&room);
}

TEST(what_is_wrong_is_said_with_its_place, t)
{
    static const struct {
        const char *text, *words;
    } row[] = {
        {"", ""},
        {"[]", "a genesis is an object"},
        {"{" HEAD "}", "config: genesis has no chain configuration"},
        {"{\"config\":{}}", "gasLimit: missing required field"},
        {"{\"config\":{},\"gasLimit\":1}", "difficulty: missing required field"},
        {"{\"config\":{},\"gasLimit\":1,\"difficulty\":1}", "alloc: missing required field, an object"},
        {"{\"config\":{},\"gasLimit\":\"x\",\"difficulty\":1,\"alloc\":{}}", "gasLimit: a whole number"},
        {"{\"config\":{},\"gasLimit\":\"0x10000000000000000\",\"difficulty\":1,\"alloc\":{}}",
         "gasLimit: the number has more than 64 bits"},
        {"{\"config\":{},\"gasLimit\":1.5,\"difficulty\":1,\"alloc\":{}}", "gasLimit: a whole number"},
        {"{\"config\":{\"chainId\":-1}," HEAD "}", "config: chainId: a whole number"},
        {"{\"config\":{},\"gasLimit\":1,\"difficulty\":1,\"alloc\":{\"12\":{}}}", "alloc: 12 is no address"},
        {"{\"config\":{},\"gasLimit\":1,\"difficulty\":1,\"alloc\":{\"1100000000000000000000000000000000000000\":{}}}",
         "alloc.0x1100000000000000000000000000000000000000: balance: missing required field"},
        {"{\"config\":{},\"gasLimit\":1,\"difficulty\":1,\"alloc\":{\"1100000000000000000000000000000000000000\":"
         "{\"balance\":1,\"code\":\"0x1\"}}}",
         "alloc.0x1100000000000000000000000000000000000000: code: "},
        {"{\"config\":{},\"gasLimit\":1,\"difficulty\":1,\"alloc\":{\"1100000000000000000000000000000000000000\":"
         "{\"balance\":1,\"storage\":{\"0x1\":\"0x01\"}}}}",
         "alloc.0x1100000000000000000000000000000000000000: storage: "},
        {"{\"config\":{},\"gasLimit\":1,\"difficulty\":1,\"alloc\":{\"AA00000000000000000000000000000000000000\":"
         "{\"balance\":1},\"0xaa00000000000000000000000000000000000000\":{\"balance\":1}}}",
         "alloc: an address is given twice"},
        {"{\"config\":{},\"extraData\":\"0x1\"," HEAD "}", "extraData: "},
        {"{\"config\":{},\"mixHash\":\"0x1\"," HEAD "}", "mixHash: "},
        {"{\"config\":{\"homesteadBlock\":5,\"eip150Block\":4}," HEAD "}",
         "config: unsupported fork ordering: homesteadBlock enabled at block 5, but eip150Block enabled at block 4"},
        {"{\"config\":{\"eip150Block\":4}," HEAD "}",
         "config: unsupported fork ordering: homesteadBlock not enabled, but eip150Block enabled at block 4"},
        {"{\"config\":{" BLOCKS ",\"cancunTime\":4}," HEAD "}",
         "config: unsupported fork ordering: shanghaiTime not enabled, but cancunTime enabled at timestamp 4"},
        {"{\"config\":{" BLOCKS ",\"shanghaiTime\":5,\"cancunTime\":4}," HEAD "}",
         "config: unsupported fork ordering: shanghaiTime enabled at timestamp 5, but cancunTime enabled at timestamp "
         "4"},
        {"{\"config\":{" BLOCKS
         ",\"shanghaiTime\":0,\"cancunTime\":0,\"blobSchedule\":{\"cancun\":{\"target\":3,\"max\":6}}}," HEAD "}",
         "cancun: baseFeeUpdateFraction: must be above 0"},
        {"{\"config\":{" BLOCKS ",\"shanghaiTime\":0,\"cancunTime\":0,\"bpo5Time\":1}," HEAD "}",
         "config: bpo5: missing entry in blobSchedule"},
        {"{\"config\":{\"depositContractAddress\":7}," HEAD "}", "config: depositContractAddress: "},
        {"{\"config\":{" BLOCKS ",\"shanghaiTime\":0,\"amsterdamTime\":1893456000}," HEAD "}",
         "config: amsterdamTime: schedules a fork that this version does not know"},
        {"{\"config\":{" BLOCKS ",\"verkleTime\":\"0x0\"}," HEAD "}", "config: verkleTime: schedules a fork"},
        {"{\"config\":{" BLOCKS ",\"bpo6Time\":7}," HEAD "}", "config: bpo6Time: schedules a fork"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fan_error err = {{0}};
        struct room room;
        struct genesis g;

        CHECK_EQ(t, genesis_parse(slice_str(row[i].text), open_room(&room), &g, &err), FAN_EFORMAT);
        if (!err.text[0] || !slice_starts(slice_str(err.text), slice_str(row[i].words)))
            test_fail(t, __FILE__, __LINE__, "%s: %s", row[i].text, err.text);
        close_room(&room);
    }
}
