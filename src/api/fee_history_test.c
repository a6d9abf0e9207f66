/* Fee history: percentiles, rewards, ratios, and the columns of a small chain. */
#include "api/fee_history.h"

#include <stdlib.h>

#include "base/test.h"
#include "codec/u256.h"

static struct arena arena;
static struct arena_home home;

static struct json parse(const char *text)
{
    struct json out;

    if (!home.bytes) {
        arena_home_init(&home, 0);
        arena = arena_of(&home);
    }
    if (json_parse(slice_str(text), JSON_DEPTH_MAX, &arena, &out, NULL)) abort();
    return out;
}

TEST(percentiles_rise_from_0_to_100, t)
{
    static const struct {
        const char *text, *words; /* NULL: good */
    } row[] = {
        {"[]", NULL},
        {"[0,50,99.9,100]", NULL},
        {"[-1]", "invalid reward percentile: -1.000000"},
        {"[100.5]", "invalid reward percentile: 100.500000"},
        {"[20,10]", "invalid reward percentile: #0:20.000000 >= #1:10.000000"},
        {"[20,20]", "invalid reward percentile: #0:20.000000 >= #1:20.000000"},
        {"[\"20\"]", "item 0: want a number, got a string"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fee_history h = {0};
        struct fan_error why = {0};
        struct json list = parse(row[i].text);
        const char *words = fee_history_percentiles(&h, list, &arena, &why);

        CHECK_EQ(t, words == NULL, row[i].words == NULL);
        if (words && row[i].words) CHECK_STR(t, slice_str(words), row[i].words);
    }
}

TEST(ratios_are_the_shortest_text_that_reads_back, t)
{
    static const struct {
        double value;
        const char *text;
    } row[] = {{0, "0"},
               {1, "1"},
               {0.5, "0.5"},
               {0.0042, "0.0042"},
               {1.0 / 3, "0.3333333333333333"},
               {21000.0 / 30000000, "0.0007"}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct buf b;
        struct json_writer w;

        buf_init(&b, 0);
        w = json_writer_of(&b);
        fee_history_put_ratio(&w, row[i].value);
        CHECK_STR(t, buf_peek(&b), row[i].text);
        buf_fini(&b);
    }
}

/* Three transactions that tip 3, 1 and 2 and use 100, 200 and 700 gas: by tip the shares of gas end at 20 %, 90 % and
 * 100 %. */
TEST(rewards_are_weighted_by_gas, t)
{
    struct tx txs[3] = {{.type = TX_DYNAMIC_FEE}, {.type = TX_DYNAMIC_FEE}, {.type = TX_DYNAMIC_FEE}};
    struct receipt receipts[3] = {{.gas_used = 100}, {.gas_used = 200}, {.gas_used = 700}};
    static const uint64_t tips[] = {3, 1, 2};
    double percentiles[] = {0, 20, 21, 90, 91, 100};
    static const uint64_t expected[] = {1, 1, 2, 2, 3, 3};
    struct fee_history h = {.percentiles = percentiles, .percentile_count = COUNT_OF(percentiles)};
    struct block b = {.txs = txs, .tx_count = 3, .has_receipts = true, .receipts = receipts};
    struct fan_u256 out[COUNT_OF(percentiles)];

    (void)parse("0");
    b.header.gas_used = 1000;
    b.header.base_fee_wei = 10;
    for (size_t i = 0; i < 3; i++) {
        txs[i].gas_price_wei = u256_of(1000);
        txs[i].priority_fee_wei = u256_of(tips[i]);
    }
    REQUIRE(t, fee_history_rewards(&h, &b, arena, out) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(percentiles); i++) CHECK_EQ(t, out[i].limb[0], expected[i]);
    b.tx_count = 0;
    REQUIRE(t, fee_history_rewards(&h, &b, arena, out) == FAN_OK);
    for (size_t i = 0; i < COUNT_OF(percentiles); i++) CHECK(t, u256_is_zero(&out[i]));
}

/* ---- a chain of blocks that only differ in their gas ---- */

struct toy {
    struct chain chain;
    struct chain_config config;
    struct block *blocks[4];
};

static enum fan_status toy_block(struct chain *c, uint64_t number, struct block **out)
{
    struct toy *toy = CONTAINER_OF(c, struct toy, chain);

    if (number >= COUNT_OF(toy->blocks)) return FAN_ENOTFOUND;
    *out = block_ref(toy->blocks[number]);
    return FAN_OK;
}

static const struct chain_config *toy_config(struct chain *c)
{
    return &CONTAINER_OF(c, struct toy, chain)->config;
}

static const struct chain_ops toy_ops = {.block_by_number = toy_block, .config = toy_config};

static void toy_init(struct toy *toy)
{
    *toy = (struct toy){.chain = {.ops = &toy_ops}};
    chain_config_dev(31337, FORK_LONDON, &toy->config);
    for (uint64_t i = 0; i < COUNT_OF(toy->blocks); i++) {
        struct block *b = block_new();

        if (!b) abort();
        b->header = (struct header){.number = i,
                                    .gas_limit = 1000,
                                    .gas_used = i == 2 ? 1000 : 500,
                                    .extent = HEADER_LONDON,
                                    .base_fee_wei = 1000};
        b->has_receipts = true;
        toy->blocks[i] = b;
    }
}

static void check_history(struct test *t, struct toy *toy, const struct fee_history *h, const struct block *last,
                          const char *expected)
{
    struct buf b;
    struct json_writer w;

    buf_init(&b, 0);
    w = json_writer_of(&b);
    CHECK_EQ(t, fee_history_put(h, &toy->chain, last, &arena, &w), FAN_OK);
    CHECK_STR(t, buf_peek(&b), expected);
    buf_fini(&b);
}

TEST(columns_end_with_the_next_block, t)
{
    struct fee_history h = {.block_count = 2}, none = {0}, many = {.block_count = 1024};
    double half[] = {50};
    struct fee_history tips = {.block_count = 1, .percentiles = half, .percentile_count = 1};
    struct toy toy;

    (void)parse("0");
    toy_init(&toy);
    check_history(t, &toy, &h, toy.blocks[2],
                  "{\"oldestBlock\":\"0x1\",\"baseFeePerGas\":[\"0x3e8\",\"0x3e8\",\"0x465\"],\"gasUsedRatio\":[0.5,1],"
                  "\"baseFeePerBlobGas\":[\"0x0\",\"0x0\",\"0x0\"],\"blobGasUsedRatio\":[0,0]}");
    check_history(t, &toy, &tips, toy.blocks[0],
                  "{\"oldestBlock\":\"0x0\",\"reward\":[[\"0x0\"]],\"baseFeePerGas\":[\"0x3e8\",\"0x3e8\"],"
                  "\"gasUsedRatio\":[0.5],"
                  "\"baseFeePerBlobGas\":[\"0x0\",\"0x0\"],\"blobGasUsedRatio\":[0]}");
    check_history(t, &toy, &none, toy.blocks[2], "{\"oldestBlock\":\"0x0\",\"gasUsedRatio\":null}");
    check_history(t, &toy, &h, NULL, "{\"oldestBlock\":\"0x0\",\"gasUsedRatio\":null}");
    check_history(t, &toy, &many, toy.blocks[0],
                  "{\"oldestBlock\":\"0x0\",\"baseFeePerGas\":[\"0x3e8\",\"0x3e8\"],\"gasUsedRatio\":[0.5],"
                  "\"baseFeePerBlobGas\":[\"0x0\",\"0x0\"],\"blobGasUsedRatio\":[0]}");
    for (size_t i = 0; i < COUNT_OF(toy.blocks); i++) block_unref(toy.blocks[i]);
}
