#include "chain/chain.h"

#include <stdlib.h>

#include "base/test.h"
#include "codec/u256.h"
#include "eth/sign.h"

struct seen {
    struct chain_watcher watcher;
    uint64_t sequences[8];
    size_t count;
    struct chain_event *kept;
};

static void on_event(void *ctx, struct chain_event *e)
{
    struct seen *s = ctx;

    if (s->count < COUNT_OF(s->sequences)) s->sequences[s->count++] = e->sequence;
    if (!s->kept) s->kept = chain_event_ref(e);
}

TEST(events_reach_every_watcher_in_order_without_holes, t)
{
    struct chain c = {0};
    struct seen a = {.watcher = {.event = on_event}}, b = {.watcher = {.event = on_event}};
    struct chain_sync sync = {.syncing = true, .highest_block = 7};

    a.watcher.ctx = &a;
    b.watcher.ctx = &b;
    chain_watch(&c, &a.watcher);
    chain_watch(&c, &b.watcher);
    for (int i = 0; i < 3; i++) chain_publish(&c, chain_event_syncing_new(&sync));
    chain_publish(&c, NULL);
    CHECK_EQ(t, a.count, 3);
    CHECK_EQ(t, b.count, 3);
    for (size_t i = 0; i < 3; i++) CHECK(t, a.sequences[i] == i + 1 && b.sequences[i] == i + 1);
    CHECK(t, a.kept == b.kept && a.kept->sync.highest_block == 7);
    CHECK_EQ(t, atomic_load(&a.kept->ref.count), 2); /* the publisher's own went */
    chain_event_unref(a.kept);
    chain_event_unref(b.kept);
}

TEST(a_head_event_keeps_its_blocks, t)
{
    struct block *b[4];
    struct chain_event *e;

    for (size_t i = 0; i < COUNT_OF(b); i++) {
        b[i] = block_new();
        REQUIRE(t, b[i] != NULL);
        b[i]->header.number = i;
    }
    e = chain_event_head_new(b, 1, b + 1, 2, b[2]);
    REQUIRE(t, e != NULL);
    for (size_t i = 0; i < 3; i++) block_unref(b[i]);
    CHECK(t, e->removed_count == 1 && e->removed[0]->header.number == 0);
    CHECK(t, e->added_count == 2 && e->added[0]->header.number == 1 && e->added[1]->header.number == 2);
    CHECK_EQ(t, e->head->header.number, 2);
    CHECK_EQ(t, atomic_load(&b[2]->ref.count), 2);
    chain_event_unref(e);
    block_unref(b[3]);
    chain_event_unref(NULL);
}

/* Everything a transaction can point to, in one of each. */
TEST(a_pending_transaction_is_a_copy_to_the_last_byte, t)
{
    uint8_t secret[32] = {[31] = 1};
    struct arena_home home;
    struct arena a;
    struct fan_hash slots[2] = {{{1}}, {{2}}}, blob = {{1, 9}};
    struct tx_access access[2] = {{.address = {{3}}, .slots = slots, .slot_count = 2}, {.address = {{4}}}};
    uint8_t blobs[64] = {5}, commitment[48] = {6}, proof[48] = {7};
    struct tx_sidecar sidecar = {.blobs = slice_of(blobs, 64),
                                 .commitments = slice_of(commitment, 48),
                                 .proofs = slice_of(proof, 48),
                                 .blob_count = 1};
    struct tx tx = {.type = TX_BLOB,
                    .has_to = true,
                    .has_chain_id = true,
                    .chain_id = 5,
                    .nonce = 6,
                    .gas_limit = 7,
                    .data = SLICE("data"),
                    .access = access,
                    .access_count = 2,
                    .blob_hashes = &blob,
                    .blob_count = 1};
    struct pending_tx *p;
    uint8_t *encoded;
    size_t len;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    REQUIRE(t, tx_sign(&tx, secret, &a) == FAN_OK);
    tx.sidecar = &sidecar;
    p = pending_tx_new(&tx);
    REQUIRE(t, p != NULL);
    len = tx.encoded.len;
    encoded = malloc(len);
    REQUIRE(t, encoded != NULL);
    memcpy(encoded, tx.encoded.at, len);
    arena_home_fini(&home); /* the original's memory is gone; under ASan any pointer left into it fails below */
    memset(access, 0xee, sizeof access);
    memset(blobs, 0xee, sizeof blobs);
    blob.bytes[1] = 0;
    CHECK_SLICE(t, p->tx.encoded, slice_of(encoded, len));
    CHECK_STR(t, p->tx.data, "data");
    CHECK(t,
          p->tx.access_count == 2 && p->tx.access[0].address.bytes[0] == 3 && p->tx.access[0].slots[1].bytes[0] == 2);
    CHECK(t, p->tx.access[1].slot_count == 0 && p->tx.blob_hashes[0].bytes[1] == 9);
    CHECK(t, p->tx.sidecar != NULL && p->tx.sidecar->blobs.at[0] == 5 && p->tx.sidecar->proofs.at[0] == 7);
    CHECK(t, p->tx.has_sender);
    free(encoded);
    pending_tx_unref(pending_tx_ref(p));
    pending_tx_unref(p);
    pending_tx_unref(NULL);
}

static void run_letter(struct letter *l)
{
    l->next = NULL;
}

static void woken(void *ctx)
{
    ++*(int *)ctx;
}

TEST(a_letter_goes_to_the_writers_box, t)
{
    int wakes = 0;
    struct mailbox box;
    struct chain c = {.writer = &box};
    struct letter l = {.run = run_letter};

    mailbox_init(&box, woken, &wakes);
    chain_write(&c, &l);
    CHECK_EQ(t, wakes, 1);
    CHECK_EQ(t, mailbox_run(&box), 1);
}
