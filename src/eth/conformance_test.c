/* The chains of execution-apis, and what was recorded of them: blocks, receipts, transactions. */
#include <stdio.h>

#include "base/test.h"
#include "eth/genesis.h"
#include "eth/test_rpc.h"

static const struct {
    const char *name;
    size_t blocks;
} chains[] = {{"cancun9", 9}, {"shanghai3", 3}};

static struct slice chain_file(const char *chain, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof path, "conformance/%s/%s", chain, name);
    return test_shared_file(path);
}

TEST(chains_decode_link_and_encode_to_the_same_bytes, t)
{
    for (size_t c = 0; c < COUNT_OF(chains); c++) {
        struct slice file = chain_file(chains[c].name, "chain.rlp");
        struct rlp r = rlp_of(file);
        struct block *parent = NULL;
        struct arena_home home;
        struct arena a;
        struct genesis g;
        struct fan_error err = {{0}};
        struct buf again;
        size_t count = 0;

        REQUIRE(t, file.len > 0);
        arena_home_init(&home, 0);
        a = arena_of(&home);
        buf_init(&again, 0);
        if (genesis_parse(chain_file(chains[c].name, "genesis.json"), &a, &g, &err))
            test_fail(t, __FILE__, __LINE__, "%s", err.text);
        for (; rlp_more(&r); count++) {
            struct fan_hash root;
            struct block *b;

            if (block_decode(&r, &b, &err)) test_fail(t, __FILE__, __LINE__, "block %zu: %s", count + 1, err.text);
            REQUIRE(t, !r.failed);
            CHECK_EQ(t, b->header.number, count + 1);
            CHECK(t, !block_transactions_root(b->txs, b->tx_count, &root));
            CHECK_HASH(t, root, b->header.transactions_root);
            CHECK(t, !block_withdrawals_root(b->withdrawals, b->withdrawal_count, &root));
            CHECK_HASH(t, root, b->header.withdrawals_root);
            CHECK(t, !block_recover_senders(b, true, NULL));
            block_put(b, &again);
            if (parent && header_check(&g.config, &parent->header, &b->header, &err))
                test_fail(t, __FILE__, __LINE__, "block %zu: %s", count + 1, err.text);
            block_unref(parent);
            parent = b;
        }
        CHECK_EQ(t, count, chains[c].blocks);
        CHECK_SLICE(t, buf_peek(&again), file);
        block_unref(parent);
        buf_fini(&again);
        arena_home_fini(&home);
    }
}

TEST(genesis_files_are_read, t)
{
    for (size_t c = 0; c < COUNT_OF(chains); c++) {
        struct arena_home home;
        struct arena a;
        struct genesis g;

        arena_home_init(&home, 0);
        a = arena_of(&home);
        REQUIRE(t, !genesis_parse(chain_file(chains[c].name, "genesis.json"), &a, &g, NULL));
        CHECK(t, g.config.chain_id == 1337 || g.config.chain_id == 1);
        CHECK_EQ(t, g.config.merge_block, 0);
        CHECK_EQ(t, fork_at(&g.config, 0, 0), c == 0 ? FORK_CANCUN : FORK_SHANGHAI);
        CHECK_EQ(t, g.header.extent, c == 0 ? HEADER_CANCUN : HEADER_SHANGHAI);
        CHECK(t, g.account_count >= 3);
        arena_home_fini(&home);
    }
}

/* A block whose receipts are taken from a recorded eth_getBlockReceipts. */
static bool add_receipts(struct block *b, struct arena *a, struct json list)
{
    struct rpc_reader r = {.arena = a};
    size_t i = 0, logs = 0;

    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v))
        logs += json_count(json_get(v, "logs"));
    b->receipts = ARENA_ARRAY(a, json_count(list), struct receipt);
    b->logs = ARENA_ARRAY(a, logs, struct log);
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct receipt *one = &b->receipts[i];
        struct json entries = json_get(v, "logs");

        one->status = (uint8_t)rpc_u64(&r, v, "status");
        one->cumulative_gas_used = rpc_u64(&r, v, "cumulativeGasUsed");
        if (!json_is(json_get(v, "blobGasPrice"), JSON_MISSING))
            one->blob_gas_price_wei = rpc_u64(&r, v, "blobGasPrice");
        one->logs = b->logs + b->log_count;
        one->log_count = json_count(entries);
        for (struct json e = json_first(entries); !json_is(e, JSON_MISSING); e = json_next(e)) {
            struct log *l = &b->logs[b->log_count++];

            l->address = rpc_address(&r, json_get(e, "address"));
            l->topics = rpc_hashes(&r, json_get(e, "topics"), &l->topic_count);
            l->data = rpc_data(&r, json_get(e, "data"));
        }
        receipt_set_bloom(one);
    }
    b->has_receipts = i == b->tx_count;
    block_finish(b);
    return !r.failed && b->has_receipts;
}

static struct block *block_at(struct slice file, size_t number)
{
    struct rlp r = rlp_of(file);
    struct block *b = NULL;

    for (size_t i = 0; i < number; i++) {
        block_unref(b);
        if (block_decode(&r, &b, NULL)) return NULL;
    }
    return b;
}

TEST(receipts_give_root_bloom_and_json, t)
{
    static const struct {
        const char *path;
        size_t number;
    } recorded[] = {
        {"conformance/cancun9/eth_getBlockReceipts/get-block-receipts-n.io", 3},
        {"conformance/cancun9/eth_getBlockReceipts/get-block-receipts-latest.io", 9},
    };

    for (size_t i = 0; i < COUNT_OF(recorded); i++) {
        struct block *b = block_at(chain_file("cancun9", "chain.rlp"), recorded[i].number);
        struct bloom all = {{0}};
        struct arena_home home;
        struct json_writer w;
        struct json reply, got;
        struct fan_hash root;
        struct arena a, own;
        struct buf text;

        REQUIRE(t, b);
        own = arena_of(&b->memory);
        arena_home_init(&home, 0);
        buf_init(&text, 0);
        a = arena_of(&home);
        REQUIRE(t, !block_recover_senders(b, true, NULL));
        REQUIRE(t, !json_parse(rpc_recorded(recorded[i].path), JSON_DEPTH_MAX, &a, &reply, NULL));
        reply = json_get(reply, "result");
        REQUIRE(t, add_receipts(b, &own, reply));
        CHECK(t, !block_receipts_root(b->receipts, b->tx_count, &root));
        CHECK_HASH(t, root, b->header.receipts_root);
        for (size_t k = 0; k < b->tx_count; k++) bloom_merge(&all, &b->receipts[k].logs_bloom);
        CHECK_SLICE(t, slice_of(all.bytes, BLOOM_LEN), slice_of(b->header.logs_bloom.bytes, BLOOM_LEN));
        w = json_writer_of(&text);
        block_put_receipts_json(b, &w);
        REQUIRE(t, !json_parse(buf_peek(&text), JSON_DEPTH_MAX, &a, &got, NULL));
        rpc_check_holds(t, "receipts", got, reply, NULL);
        buf_fini(&text);
        arena_home_fini(&home);
        block_unref(b);
    }
}

TEST(transactions_read_as_recorded, t)
{
    static const char *const names[] = {"get-access-list",   "get-blob-tx",      "get-dynamic-fee",
                                        "get-legacy-create", "get-legacy-input", "get-legacy-tx"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct arena_home home;
        struct json reply, got;
        struct json_writer w;
        struct rpc_reader r;
        struct block *b;
        uint64_t number;
        struct arena a;
        struct buf text;
        char path[128];
        size_t index;

        (void)snprintf(path, sizeof path, "conformance/cancun9/eth_getTransactionByHash/%s.io", names[i]);
        arena_home_init(&home, 0);
        buf_init(&text, 0);
        a = arena_of(&home);
        r = (struct rpc_reader){.arena = &a};
        REQUIRE(t, !json_parse(rpc_recorded(path), JSON_DEPTH_MAX, &a, &reply, NULL));
        reply = json_get(reply, "result");
        number = rpc_u64(&r, reply, "blockNumber");
        index = rpc_u64(&r, reply, "transactionIndex");
        b = block_at(chain_file("cancun9", "chain.rlp"), number);
        REQUIRE(t, b && !r.failed && index < b->tx_count);
        REQUIRE(t, !block_recover_senders(b, true, NULL));
        w = json_writer_of(&text);
        tx_put_json(&b->txs[index],
                    &(struct tx_place){b->hash, number, b->header.timestamp, b->header.base_fee_wei, index}, &w);
        REQUIRE(t, !json_parse(buf_peek(&text), JSON_DEPTH_MAX, &a, &got, NULL));
        rpc_check_holds(t, names[i], got, reply, NULL);
        block_unref(b);
        buf_fini(&text);
        arena_home_fini(&home);
    }
}

/* What was sent as eth_sendRawTransaction decodes and has the hash that came back, the blob transaction with its
 * sidecar too. */
TEST(raw_transactions_hash_as_recorded, t)
{
    static const char *const names[] = {"send-access-list-transaction", "send-blob-tx",
                                        "send-dynamic-fee-access-list-transaction", "send-dynamic-fee-transaction",
                                        "send-legacy-transaction"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct slice file, question;
        struct fan_hash recorded;
        struct arena_home home;
        struct json sent, reply;
        struct arena a;
        struct tx tx;
        char path[128];

        (void)snprintf(path, sizeof path, "conformance/cancun9/eth_sendRawTransaction/%s.io", names[i]);
        arena_home_init(&home, 0);
        a = arena_of(&home);
        file = test_shared_file(path);
        for (question = file; question.len && memcmp(question.at, ">> ", 3) != 0;) question = slice_from(question, 1);
        REQUIRE(t, question.len > 3);
        question = slice_from(question, 3);
        for (size_t end = 0; end < question.len; end++)
            if (question.at[end] == '\n') question = slice_first(question, end);
        REQUIRE(t, !json_parse(question, JSON_DEPTH_MAX, &a, &sent, NULL));
        REQUIRE(t, !json_parse(rpc_recorded(path), JSON_DEPTH_MAX, &a, &reply, NULL));
        REQUIRE(t, !json_read_hash(json_get(reply, "result"), &recorded));
        REQUIRE(t, !json_read_data(json_at(json_get(sent, "params"), 0), 0, &a, &question));
        REQUIRE(t, !tx_decode(question, &a, &tx, NULL));
        CHECK_HASH(t, tx.hash, recorded);
        CHECK_EQ(t, tx.sidecar != NULL, tx.type == TX_BLOB);
        CHECK_EQ(t, tx_recover(&tx, true), FAN_OK);
        arena_home_fini(&home);
    }
}
