/* Eleven consecutive main-net blocks, with transactions of all five types: whatever a hash commits to must recompute.
 */
#include <stdio.h>

#include "base/test.h"
#include "eth/fork.h"
#include "eth/test_rpc.h"

enum { FIRST = 22431080, LAST = 22431090, PRAGUE_TIME = 1746612311 };

struct sample {
    struct arena_home home;
    struct arena arena;
    struct json json;
    struct block *block;
};

static bool load(unsigned number, struct sample *s)
{
    char path[64];
    struct slice text;

    *s = (struct sample){0};
    (void)snprintf(path, sizeof path, "mainnet/%u.json", number);
    text = test_shared_file(path);
    arena_home_init(&s->home, 0);
    s->arena = arena_of(&s->home);
    if (!text.len || json_parse(text, JSON_DEPTH_MAX, &s->arena, &s->json, NULL)) return false;
    s->block = rpc_block(s->json);
    return s->block != NULL;
}

static void unload(struct sample *s)
{
    block_unref(s->block);
    arena_home_fini(&s->home);
}

TEST(every_hash_root_and_sender_recomputes, t)
{
    size_t txs = 0;

    for (unsigned n = FIRST; n <= LAST; n++) {
        struct fan_hash root, recorded;
        struct sample s;
        struct json v;

        REQUIRE(t, load(n, &s));
        CHECK(t, !json_read_hash(json_get(s.json, "hash"), &recorded));
        CHECK_HASH(t, s.block->hash, recorded);
        CHECK(t, !block_transactions_root(s.block->txs, s.block->tx_count, &root));
        CHECK_HASH(t, root, s.block->header.transactions_root);
        CHECK(t, !block_withdrawals_root(s.block->withdrawals, s.block->withdrawal_count, &root));
        CHECK_HASH(t, root, s.block->header.withdrawals_root);
        CHECK(t, !block_ommers_hash(NULL, 0, &root));
        CHECK_HASH(t, root, s.block->header.ommers_hash);
        CHECK(t, !block_recover_senders(s.block, true, NULL));
        v = json_first(json_get(s.json, "transactions"));
        for (size_t i = 0; i < s.block->tx_count; i++, v = json_next(v), txs++) {
            struct fan_address from;

            CHECK(t, !json_read_hash(json_get(v, "hash"), &recorded));
            CHECK_HASH(t, s.block->txs[i].hash, recorded);
            CHECK(t, !json_read_address(json_get(v, "from"), &from));
            CHECK_HASH(t, s.block->txs[i].sender, from);
        }
        unload(&s);
    }
    CHECK_EQ(t, txs, 1479);
}

TEST(encoding_and_decoding_a_block_gives_the_same_bytes, t)
{
    for (unsigned n = FIRST; n <= LAST; n++) {
        struct block *again = NULL;
        struct buf once, twice;
        struct fan_error err;
        struct sample s;
        struct rlp r;

        REQUIRE(t, load(n, &s));
        buf_init(&once, 0);
        buf_init(&twice, 0);
        block_put(s.block, &once);
        CHECK_EQ(t, once.len, s.block->size);
        r = rlp_of(buf_peek(&once));
        REQUIRE(t, !block_decode(&r, &again, &err));
        CHECK(t, !rlp_end(&r));
        block_put(again, &twice);
        CHECK_SLICE(t, buf_peek(&twice), buf_peek(&once));
        CHECK_HASH(t, again->hash, s.block->hash);
        CHECK_EQ(t, again->size, s.block->size);
        for (size_t i = 0; i < again->tx_count; i++) { /* sealing what was decoded changes nothing */
            struct arena a = arena_of(&s.home);
            struct tx tx = again->txs[i];

            CHECK(t, !tx_seal(&tx, &a));
            CHECK_SLICE(t, tx.encoded, again->txs[i].encoded);
        }
        block_unref(again);
        buf_fini(&once);
        buf_fini(&twice);
        unload(&s);
    }
}

/* The record is older than three of geth's keys: blockTimestamp, chainId of legacy transactions, yParity of type 4. */
TEST(json_says_what_was_recorded, t)
{
    for (unsigned n = FIRST; n <= LAST; n++) {
        size_t extra = 0, expected_extra = 0;
        struct json_writer w;
        struct json got;
        struct buf text;
        struct sample s;

        REQUIRE(t, load(n, &s));
        REQUIRE(t, !block_recover_senders(s.block, true, NULL));
        buf_init(&text, 0);
        w = json_writer_of(&text);
        block_put_json(s.block, true, &w);
        REQUIRE(t, !json_parse(buf_peek(&text), JSON_DEPTH_MAX, &s.arena, &got, NULL));
        rpc_check_holds(t, "block", got, s.json, &extra);
        for (size_t i = 0; i < s.block->tx_count; i++) {
            const struct tx *tx = &s.block->txs[i];

            expected_extra += tx->type == TX_SET_CODE || (tx->type == TX_LEGACY && tx->has_chain_id) ? 2 : 1;
        }
        CHECK_EQ(t, extra, expected_extra);
        buf_fini(&text);
        unload(&s);
    }
}

static bool main_net(struct chain_config *c)
{
    chain_config_dev(1, FORK_PRAGUE, c);
    c->fork_time[FORK_PRAGUE] = PRAGUE_TIME; /* block 22431084 is the first of Prague */
    c->blob_count = 0;
    return chain_config_add_blobs(c, "cancun", 0, &(struct blob_params){3, 6, 3338477}) &&
           chain_config_add_blobs(c, "prague", PRAGUE_TIME, &(struct blob_params){6, 9, 5007716});
}

TEST(headers_obey_the_rules_across_the_prague_fork, t)
{
    struct chain_config c;
    struct sample before;
    struct fan_error err = {{0}};

    REQUIRE(t, main_net(&c));
    REQUIRE(t, load(FIRST, &before));
    for (unsigned n = FIRST + 1; n <= LAST; n++) {
        struct sample s;
        struct header bad;

        REQUIRE(t, load(n, &s));
        if (header_check(&c, &before.block->header, &s.block->header, &err))
            test_fail(t, __FILE__, __LINE__, "block %u: %s", n, err.text);
        bad = s.block->header;
        bad.excess_blob_gas++;
        CHECK_EQ(t, header_check(&c, &before.block->header, &bad, &err), FAN_EREJECTED);
        bad = s.block->header;
        bad.base_fee_wei++;
        CHECK_EQ(t, header_check(&c, &before.block->header, &bad, &err), FAN_EREJECTED);
        unload(&before);
        before = s;
    }
    unload(&before);
}
