#include "eth/receipt.h"

#include "base/test.h"
#include "codec/keccak.h"

static struct fan_hash topic = {{0xdd}};
static struct log one_log = {
    .address = {{0xaa}}, .topics = &topic, .topic_count = 1, .data = {(const uint8_t *)"x", 1}};

static struct json read_json(struct buf *b, struct arena *a)
{
    struct json v = {0};

    return json_parse(buf_peek(b), JSON_DEPTH_MAX, a, &v, NULL) ? (struct json){0} : v;
}

/* geth's keys of a receipt, in the order of the alphabet, as `geth --dev` v1.17.10 sends them. */
TEST(json_has_geth_s_keys_for_each_kind, t)
{
    static const char *const plain[] = {
        "blockHash",
        "blockNumber",
        "contractAddress",
        "cumulativeGasUsed",
        "effectiveGasPrice",
        "from",
        "gasUsed",
        "logs",
        "logsBloom",
        "status",
        "to",
        "transactionHash",
        "transactionIndex",
        "type",
    };

    for (int kind = 0; kind < 3; kind++) { /* after Byzantium, before it, a blob transaction's */
        struct receipt r = {.type = kind == 2 ? TX_BLOB : TX_LEGACY, .status = 1, .has_state_root = kind == 1};
        struct tx tx = {.type = r.type, .has_sender = true};
        struct tx_place place = {.index = 3};
        struct arena_home home;
        struct json_writer w;
        struct json v, item;
        struct arena a;
        struct buf b;

        r.logs = &one_log;
        r.log_count = 1;
        r.blob_gas_used = 131072;
        r.blob_gas_price_wei = 9;
        buf_init(&b, 0);
        arena_home_init(&home, 0);
        a = arena_of(&home);
        w = json_writer_of(&b);
        receipt_put_json(&r, &tx, &place, &w);
        v = read_json(&b, &a);
        item = json_first(v);
        if (kind == 2) {
            CHECK_STR(t, json_key(item), "blobGasPrice");
            CHECK(t, json_str_is(item, "0x9"));
            item = json_next(item);
            CHECK_STR(t, json_key(item), "blobGasUsed");
            CHECK(t, json_str_is(item, "0x20000"));
            item = json_next(item);
        }
        for (size_t i = 0; i < COUNT_OF(plain); i++, item = json_next(item))
            CHECK_STR(t, json_key(item), kind == 1 && strcmp(plain[i], "status") == 0 ? "root" : plain[i]);
        CHECK(t, json_is(item, JSON_MISSING));
        CHECK(t, json_is(json_get(v, "to"), JSON_NULL));
        CHECK(t, json_is(json_get(v, "contractAddress"), JSON_NULL));
        CHECK_EQ(t, json_count(json_get(v, "logs")), 1);
        arena_home_fini(&home);
        buf_fini(&b);
    }
}

TEST(a_log_has_geth_s_keys, t)
{
    static const char *const keys[] = {"address",         "topics",           "data",      "blockNumber",
                                       "transactionHash", "transactionIndex", "blockHash", "blockTimestamp",
                                       "logIndex",        "removed"};

    for (int removed = 0; removed < 2; removed++) {
        struct arena_home home;
        struct json_writer w;
        struct json v, item;
        struct arena a;
        struct buf b;

        buf_init(&b, 0);
        arena_home_init(&home, 0);
        a = arena_of(&home);
        w = json_writer_of(&b);
        log_put_json(&one_log, removed, &w);
        v = read_json(&b, &a);
        item = json_first(v);
        for (size_t i = 0; i < COUNT_OF(keys); i++, item = json_next(item)) CHECK_STR(t, json_key(item), keys[i]);
        CHECK(t, json_is(item, JSON_MISSING));
        CHECK(t, json_is(json_get(v, "removed"), removed ? JSON_TRUE : JSON_FALSE));
        CHECK(t, json_str_is(json_get(v, "data"), "0x78"));
        arena_home_fini(&home);
        buf_fini(&b);
    }
}

/* A receipt as the trie holds it: status or root first, the type in front, the bloom over address and topics. */
TEST(consensus_form, t)
{
    struct receipt r = {.type = TX_LEGACY, .status = 1, .cumulative_gas_used = 21000};
    struct slice front;
    struct buf b;

    buf_init(&b, 0);
    receipt_put(&r, &b);
    front = test_hex("f9010801825208b90100"); /* list, 1, 21000, 256 bytes of bloom */
    CHECK_SLICE(t, slice_first(buf_peek(&b), front.len), front);
    CHECK_EQ(t, b.len, front.len + 256 + 1);

    buf_reset(&b);
    r.status = 0;
    r.type = TX_SET_CODE;
    receipt_put(&r, &b);
    front = test_hex("04f9010880825208b90100");
    CHECK_SLICE(t, slice_first(buf_peek(&b), front.len), front);

    buf_reset(&b);
    r.type = TX_LEGACY;
    r.has_state_root = true;
    r.state_root = topic;
    receipt_put(&r, &b);
    CHECK_SLICE(t, slice_first(buf_peek(&b), 6), test_hex("f90128a0dd00"));

    r.logs = &one_log;
    r.log_count = 1;
    receipt_set_bloom(&r);
    CHECK(t, bloom_may_have(&r.logs_bloom, slice_of(one_log.address.bytes, 20)));
    CHECK(t, bloom_may_have(&r.logs_bloom, slice_of(topic.bytes, 32)));
    r.log_count = 0;
    receipt_set_bloom(&r);
    CHECK(t, !bloom_may_have(&r.logs_bloom, slice_of(topic.bytes, 32)));
    buf_fini(&b);
}
