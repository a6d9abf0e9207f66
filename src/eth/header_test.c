#include "eth/header.h"

#include "base/test.h"
#include "codec/keccak.h"
#include "codec/u256.h"

static struct header head(uint64_t number, uint64_t gas_limit, uint64_t gas_used, uint64_t base_fee)
{
    return (struct header){.number = number,
                           .gas_limit = gas_limit,
                           .gas_used = gas_used,
                           .timestamp = 1000 + number * 12,
                           .extent = HEADER_LONDON,
                           .base_fee_wei = base_fee,
                           .ommers_hash = KECCAK_EMPTY_LIST};
}

TEST(base_fee_follows_use, t)
{
    static const struct {
        uint64_t before, limit, used, after;
    } row[] = {
        {1000000000, 20000000, 10000000, 1000000000},
        {1000000000, 20000000, 9000000, 987500000},
        {1000000000, 20000000, 11000000, 1012500000},
        {1000000000, 30000000, 30000000, 1125000000},
        {1000000000, 30000000, 0, 875000000},
        {7, 30000000, 30000000, 8}, /* up by 1 at least */
        {7, 30000000, 0, 7},        /* down by an eighth, floored */
        {0, 30000000, 30000000, 1},
        {0, 30000000, 0, 0},
        {UINT64_MAX, 30000000, 30000000, UINT64_MAX},
        {5, 1, 1, 5}, /* a target of 0 divides nothing */
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct header h = head(1, row[i].limit, row[i].used, row[i].before);

        CHECK_EQ(t, header_next_base_fee(&h, true), row[i].after);
    }
    CHECK_EQ(t, header_next_base_fee(&(struct header){.gas_limit = 8000000}, false), 1000000000);
}

/* geth's table: the step of the gas limit, which doubles where London begins (here at block 5). */
TEST(gas_limit_moves_in_steps, t)
{
    static const struct {
        uint64_t parent_limit, parent_number, limit;
        bool good;
    } row[] = {
        {10000000, 4, 20000000, true},  {10000000, 4, 20019530, true},  {10000000, 4, 20019531, false},
        {10000000, 4, 19980470, true},  {10000000, 4, 19980469, false}, {20000000, 5, 20000000, true},
        {20000000, 5, 20019530, true},  {20000000, 5, 20019531, false}, {20000000, 5, 19980470, true},
        {20000000, 5, 19980469, false}, {40000000, 5, 40039061, true},  {40000000, 5, 40039062, false},
        {40000000, 5, 39960939, true},  {40000000, 5, 39960938, false},
    };
    struct chain_config c;

    chain_config_dev(1, FORK_LONDON, &c);
    c.fork_block[FORK_LONDON] = 5;
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct header p = head(row[i].parent_number, row[i].parent_limit, row[i].parent_limit / 2, 1000000000);
        struct header h = head(row[i].parent_number + 1, row[i].limit, row[i].limit / 2, 1000000000);
        struct fan_error err = {{0}};
        enum fan_status s;

        p.difficulty = u256_of(131072);
        p.extent = row[i].parent_number < 5 ? HEADER_FRONTIER : HEADER_LONDON;
        h.parent_hash = header_hash(&p);
        h.difficulty = header_difficulty(&c, &p, h.timestamp);
        s = header_check(&c, &p, &h, &err);
        CHECK_EQ(t, s, row[i].good ? FAN_OK : FAN_EREJECTED);
        if (!row[i].good) CHECK(t, slice_starts(slice_str(err.text), SLICE("invalid gas limit: have ")));
    }
}

/* A pair under the newest rules; each case breaks one of them. */
struct pair {
    struct chain_config c;
    struct header parent, h;
};

static struct pair good_pair(void)
{
    struct pair p;

    chain_config_dev(1, FORK_NEWEST, &p.c);
    p.parent = head(9, 30000000, 15000000, 1000000000);
    p.parent.extent = HEADER_PRAGUE;
    p.h = head(10, 30000000, 0, 1000000000);
    p.h.extent = HEADER_PRAGUE;
    p.h.parent_hash = header_hash(&p.parent);
    return p;
}

static void break_extra(struct pair *p)
{
    p->h.extra_data_len = 33;
}
static void break_nonce(struct pair *p)
{
    p->h.nonce[7] = 1;
}
static void break_ommers(struct pair *p)
{
    p->h.ommers_hash.bytes[0] = 0;
}
static void break_time(struct pair *p)
{
    p->h.timestamp = p->parent.timestamp;
}
static void break_difficulty(struct pair *p)
{
    p->h.difficulty = u256_of(3);
}
static void break_limit(struct pair *p)
{
    p->h.gas_limit = (uint64_t)1 << 63;
}
static void break_used(struct pair *p)
{
    p->h.gas_used = p->h.gas_limit + 1;
}
static void break_number(struct pair *p)
{
    p->h.number++;
}
static void break_parent(struct pair *p)
{
    p->h.parent_hash.bytes[0] ^= 1;
}
static void break_base_fee(struct pair *p)
{
    p->h.base_fee_wei = 7;
}
static void break_extent_london(struct pair *p)
{
    p->h.extent = HEADER_FRONTIER;
}
static void break_extent_shanghai(struct pair *p)
{
    p->h.extent = HEADER_LONDON;
}
static void break_extent_cancun(struct pair *p)
{
    p->h.extent = HEADER_SHANGHAI;
}
static void break_extent_prague(struct pair *p)
{
    p->h.extent = HEADER_CANCUN;
}
static void break_blob_max(struct pair *p)
{
    p->h.blob_gas_used = 10 * 131072;
}
static void break_blob_multiple(struct pair *p)
{
    p->h.blob_gas_used = 1;
}
static void break_excess(struct pair *p)
{
    p->h.excess_blob_gas = 1;
}
static void too_early_prague(struct pair *p)
{
    p->c.fork_time[FORK_PRAGUE] = p->c.fork_time[FORK_OSAKA] = FORK_NEVER;
}
static void too_early_cancun(struct pair *p)
{
    for (int f = FORK_CANCUN; f < FORK_COUNT; f++) p->c.fork_time[f] = FORK_NEVER;
}
static void too_early_shanghai(struct pair *p)
{
    for (int f = FORK_SHANGHAI; f < FORK_COUNT; f++) p->c.fork_time[f] = FORK_NEVER;
}

TEST(each_broken_rule_is_named_in_geth_s_words, t)
{
    static const struct {
        void (*breaks)(struct pair *);
        const char *words;
    } row[] = {
        {break_extra, "extra-data longer than 32 bytes (33)"},
        {break_nonce, "invalid nonce"},
        {break_ommers, "invalid uncle hash"},
        {break_time, "invalid timestamp"},
        {break_difficulty, "invalid difficulty: have 3, want 0"},
        {break_limit, "invalid gasLimit: have 9223372036854775808, max 9223372036854775807"},
        {break_used, "invalid gasUsed: have 30000001, gasLimit 30000000"},
        {break_number, "invalid block number"},
        {break_parent, "unknown ancestor"},
        {break_base_fee, "invalid baseFee: have 7, want 1000000000, parentBaseFee 1000000000, parentGasUsed 15000000"},
        {break_extent_london, "header is missing baseFee"},
        {break_extent_shanghai, "missing withdrawalsHash"},
        {break_extent_cancun, "header is missing beaconRoot"},
        {break_extent_prague, "header is missing requestsHash"},
        {break_blob_max, "blob gas used 1310720 exceeds maximum allowance 1179648"},
        {break_blob_multiple, "blob gas used 1 not a multiple of blob gas per blob 131072"},
        {break_excess, "invalid excessBlobGas: have 1, want 0"},
        {too_early_prague,
         "invalid requestsHash: have 0000000000000000000000000000000000000000000000000000000000000000, "
         "expected nil"},
        {too_early_cancun, "invalid excessBlobGas: have 0, expected nil"},
        {too_early_shanghai, "invalid withdrawalsHash: have "
                             "0000000000000000000000000000000000000000000000000000000000000000, expected nil"},
    };
    struct pair p = good_pair();
    struct fan_error err = {{0}};

    CHECK_EQ(t, header_check(&p.c, &p.parent, &p.h, &err), FAN_OK);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        p = good_pair();
        row[i].breaks(&p);
        CHECK_EQ(t, header_check(&p.c, &p.parent, &p.h, &err), FAN_EREJECTED);
        CHECK_STR(t, slice_str(err.text), row[i].words);
        CHECK_EQ(t, header_check(&p.c, &p.parent, &p.h, NULL), FAN_EREJECTED);
    }
}

TEST(after_the_merge_nothing_is_mined_again, t)
{
    struct pair p = good_pair();
    struct fan_error err = {{0}};

    p.c.merge_block = FORK_NEVER; /* a chain that merged by total difficulty */
    p.c.terminal_total_difficulty = u256_of(17);
    p.h.difficulty = u256_of(131072);
    CHECK_EQ(t, header_check(&p.c, &p.parent, &p.h, &err), FAN_EREJECTED);
    CHECK_STR(t, slice_str(err.text), "invalid terminal block");
}

/* Main net's first blocks after genesis, and blocks around bombs, as they are on the chain or follow from the EIPs'
 * formulas by hand. */
TEST(difficulty_follows_each_fork_s_formula, t)
{
    static const struct {
        enum fork fork;
        uint64_t parent_number, parent_difficulty, seconds;
        bool ommers;
        uint64_t want;
    } row[] = {
        {FORK_FRONTIER, 0, 17179869184, 1438269988, false, 17171480576}, /* main net's block 1 */
        {FORK_FRONTIER, 1, 17171480576, 12, false, 17179865088},
        {FORK_FRONTIER, 1, 17171480576, 13, false, 17163096064},
        {FORK_FRONTIER, 1, 131072, 1000, false, 131072},
        {FORK_FRONTIER, 199999, 131072, 1000, false, 131073}, /* the first blast: 2^0 */
        {FORK_HOMESTEAD, 1, 2048000, 9, false, 2049000},
        {FORK_HOMESTEAD, 1, 2048000, 10, false, 2048000},
        {FORK_HOMESTEAD, 1, 2048000, 20, false, 2047000},
        {FORK_HOMESTEAD, 1, 2048000, 100000, false, 1949000},
        {FORK_HOMESTEAD, 499999, 2048000, 10, false, 2048008},
        {FORK_BYZANTIUM, 1, 2048000, 8, false, 2049000},
        {FORK_BYZANTIUM, 1, 2048000, 8, true, 2050000},
        {FORK_BYZANTIUM, 1, 2048000, 9, false, 2048000},
        {FORK_BYZANTIUM, 1, 2048000, 9, true, 2049000},
        {FORK_BYZANTIUM, 1, 2048000, 100000, false, 1949000},
        {FORK_BYZANTIUM, 1, 2048000, 100000, true, 1949000},
        {FORK_BYZANTIUM, 3499999, 2048000, 9, false, 2048008},
        {FORK_PETERSBURG, 5499999, 2048000, 9, false, 2048008},
        {FORK_MUIR_GLACIER, 9499999, 2048000, 9, false, 2048008},
        {FORK_LONDON, 10199999, 2048000, 9, false, 2048008},
        {FORK_ARROW_GLACIER, 11199999, 2048000, 9, false, 2048008},
        {FORK_GRAY_GLACIER, 11899999, 2048000, 9, false, 2048008},
        {FORK_GRAY_GLACIER, 11899998, 2048000, 9, false, 2048004},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct header parent = {.number = row[i].parent_number, .timestamp = 5};
        struct chain_config c;
        struct fan_u256 got;

        chain_config_dev(1, row[i].fork, &c);
        parent.difficulty = u256_of(row[i].parent_difficulty);
        if (!row[i].ommers) parent.ommers_hash = KECCAK_EMPTY_LIST;
        got = header_difficulty(&c, &parent, parent.timestamp + row[i].seconds);
        CHECK_EQ(t, got.limb[0], row[i].want);
    }
}

TEST(the_dao_fork_is_said_in_extra_data, t)
{
    struct fan_error err = {{0}};
    struct chain_config c;

    chain_config_dev(1, FORK_HOMESTEAD, &c);
    c.fork_block[FORK_DAO] = 3;
    for (uint64_t number = 2; number < 16; number++) {
        for (int support = 0; support < 2; support++) {
            for (int says = 0; says < 2; says++) {
                struct header p = head(number - 1, 8000000, 0, 0), h = head(number, 8000000, 0, 0);
                bool bound = number >= 3 && number < 13, bad = bound && support != says;

                c.dao_support = support;
                p.extent = h.extent = HEADER_FRONTIER;
                p.difficulty = u256_of(131072);
                h.parent_hash = header_hash(&p);
                h.difficulty = header_difficulty(&c, &p, h.timestamp);
                if (says) memcpy(h.extra_data, "dao-hard-fork", h.extra_data_len = 13);
                CHECK_EQ(t, header_check(&c, &p, &h, &err), bad ? FAN_EREJECTED : FAN_OK);
            }
        }
    }
}

TEST(every_extent_survives_encoding, t)
{
    for (int extent = HEADER_FRONTIER; extent <= HEADER_PRAGUE; extent++) {
        struct header h = head(77, 30000000, 21000, 0), again;
        struct fan_hash hash;
        struct buf b;
        struct rlp r;

        h.extent = (enum header_extent)extent;
        if (extent >= HEADER_LONDON) h.base_fee_wei = 7;
        if (extent >= HEADER_CANCUN) h.excess_blob_gas = 9;
        h.extra_data_len = sizeof h.extra_data; /* the longest there is must still hash */
        buf_init(&b, 0);
        header_put(&h, &b);
        CHECK_EQ(t, header_size(&h, &hash), b.len);
        r = rlp_of(buf_peek(&b));
        REQUIRE(t, !header_decode(&r, &again, NULL));
        CHECK_EQ(t, again.extent, extent);
        CHECK_EQ(t, again.base_fee_wei, extent >= HEADER_LONDON ? 7 : 0);
        CHECK(t, memcmp(hash.bytes, header_hash(&again).bytes, 32) == 0);
        buf_fini(&b);
    }
}

/* What `geth --dev` v1.17.10 sends for a newHeads: the keys, in that order, every one in every fork. */
TEST(new_heads_have_geth_s_keys, t)
{
    static const char *const keys[] = {
        "parentHash",    "sha3Uncles",          "miner",       "stateRoot",     "transactionsRoot",
        "receiptsRoot",  "logsBloom",           "difficulty",  "number",        "gasLimit",
        "gasUsed",       "timestamp",           "extraData",   "mixHash",       "nonce",
        "baseFeePerGas", "withdrawalsRoot",     "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot",
        "requestsHash",  "blockAccessListHash", "slotNumber",  "hash",
    };

    for (int extent = HEADER_FRONTIER; extent <= HEADER_PRAGUE; extent++) {
        struct header h = head(77, 30000000, 21000, 0);
        struct fan_hash hash = {{1}};
        struct arena_home home;
        struct json_writer w;
        struct json v, item;
        struct arena a;
        struct buf b;

        h.extent = (enum header_extent)extent;
        buf_init(&b, 0);
        w = json_writer_of(&b);
        json_begin_object(&w);
        header_put_json_members(&h, &hash, &w);
        json_end_object(&w);
        arena_home_init(&home, 0);
        a = arena_of(&home);
        REQUIRE(t, !json_parse(buf_peek(&b), JSON_DEPTH_MAX, &a, &v, NULL));
        CHECK_EQ(t, json_count(v), COUNT_OF(keys));
        item = json_first(v);
        for (size_t i = 0; i < COUNT_OF(keys); i++, item = json_next(item)) CHECK_STR(t, json_key(item), keys[i]);
        CHECK(t, json_is(json_get(v, "baseFeePerGas"), extent >= HEADER_LONDON ? JSON_STRING : JSON_NULL));
        CHECK(t, json_is(json_get(v, "requestsHash"), extent >= HEADER_PRAGUE ? JSON_STRING : JSON_NULL));
        arena_home_fini(&home);
        buf_fini(&b);
    }
}
