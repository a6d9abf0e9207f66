/* test_chain: blocks, events and a door for the hub's tests. The hub sees the real chain.h; what stands behind it here
 * is only the answer to sync(). */
#ifndef HUB_TEST_CHAIN_H
#define HUB_TEST_CHAIN_H

#include <stdlib.h>

#include "hub/hub.h"

struct test_chain {
    struct chain chain;
    struct chain_ops ops;
};

static inline void test_chain_sync(struct chain *c, struct chain_sync *out)
{
    (void)c;
    *out = (struct chain_sync){0};
}

static inline void test_chain_init(struct test_chain *t)
{
    *t = (struct test_chain){.ops = {.sync = test_chain_sync}};
    t->chain.ops = &t->ops;
}

/* The hash of block `number` on fork `fork`: both can be read off it. */
static inline struct fan_hash test_block_hash(uint64_t number, uint8_t fork)
{
    struct fan_hash h = {{0}};

    h.bytes[0] = 0xb1;
    h.bytes[1] = fork;
    put_be64(number, h.bytes + 24);
    return h;
}

/* What a reader of notifications tells blocks and logs apart by: the header's timestamp is the serial, log i's topic is
 * serial × 16 + i. */
static inline void test_block_number(struct block *b, uint64_t serial)
{
    struct fan_hash *topics =
        (struct fan_hash *)(uintptr_t)(b->log_count ? b->logs[0].topics : NULL); /* ours, see below */

    b->header.timestamp = serial;
    for (size_t i = 0; i < b->log_count; i++) put_be64(serial * 16 + i, topics[i].bytes + 24);
}

/* One transaction with log_count logs, if any; log i comes from address {i} with one topic. */
static inline struct block *test_block(uint64_t number, uint8_t fork, size_t log_count)
{
    struct block *b = block_new();
    struct arena a;
    struct fan_hash *topics;

    if (!b) abort();
    a = arena_of(&b->memory);
    b->header.number = number;
    b->hash = test_block_hash(number, fork);
    b->has_receipts = true;
    topics = ARENA_ARRAY(&a, log_count + 1, struct fan_hash);
    b->tx_count = log_count ? 1 : 0;
    b->txs = ARENA_ARRAY(&a, 1, struct tx);
    b->receipts = ARENA_ARRAY(&a, 1, struct receipt);
    b->logs = ARENA_ARRAY(&a, log_count + 1, struct log);
    if (!topics || !b->txs || !b->receipts || !b->logs) abort();
    b->txs[0].has_sender = true;
    b->txs[0].has_to = true;
    b->log_count = log_count;
    for (size_t i = 0; i < log_count; i++) {
        struct log *l = &b->logs[i];

        l->address.bytes[19] = (uint8_t)i;
        l->topics = &topics[i];
        l->topic_count = 1;
        l->block_hash = b->hash;
        l->block_number = number;
        l->index = i;
    }
    test_block_number(b, number);
    b->receipts[0].logs = b->logs;
    b->receipts[0].log_count = log_count;
    receipt_set_bloom(&b->receipts[0]);
    b->header.logs_bloom = b->receipts[0].logs_bloom;
    return b;
}

/* Publishes a change of head and gives the blocks back. */
static inline void test_publish(struct test_chain *t, struct block *const *removed, size_t removed_count,
                                struct block *const *added, size_t added_count)
{
    struct block *head = added_count ? added[added_count - 1] : removed[removed_count - 1];
    struct chain_event *e = chain_event_head_new(removed, removed_count, added, added_count, head);

    if (!e) abort();
    chain_publish(&t->chain, e);
    for (size_t i = 0; i < removed_count; i++) block_unref(removed[i]);
    for (size_t i = 0; i < added_count; i++) block_unref(added[i]);
}

static inline void test_publish_block(struct test_chain *t, uint64_t number, size_t log_count)
{
    struct block *b = test_block(number, 0, log_count);

    test_publish(t, NULL, 0, &b, 1);
}

#endif
