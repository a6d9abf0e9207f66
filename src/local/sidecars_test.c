#include "base/test.h"
#include "local/sidecars.h"

/* A waiting transaction of so many (empty) blobs, whose hashes say whose they are. */
static struct pending_tx *with_blobs(uint8_t name, size_t count)
{
    static struct tx_sidecar sidecar;
    struct fan_hash hashes[SIDECAR_BLOBS_MAX + 1] = {0};
    struct tx tx = {
        .type = TX_BLOB, .has_sender = true, .sidecar = &sidecar, .blob_hashes = hashes, .blob_count = count};
    struct pending_tx *p;

    for (size_t i = 0; i < count; i++) hashes[i] = (struct fan_hash){{1, name, (uint8_t)i}};
    tx.hash.bytes[0] = name;
    tx.encoded = SLICE("bytes");
    p = pending_tx_new(&tx);
    assert(p);
    return p;
}

static bool is_kept(const struct sidecars *s, uint8_t name)
{
    struct fan_hash tx = {{name}}, blob = {{1, name, 2}};
    size_t at = 0, index = 0, by_blob_at = 0;
    struct pending_tx *by_tx = sidecars_find(s, &tx, NULL, &at, &index),
                      *by_blob = sidecars_find(s, NULL, &blob, &by_blob_at, &index);

    return by_tx && by_tx == by_blob && index == 2 && at == by_blob_at;
}

TEST(the_newest_blobs_are_kept_and_no_more, t)
{
    struct sidecars s = {0};

    for (uint8_t name = 1; name <= 22; name++) {
        struct pending_tx *p = with_blobs(name, 6);

        sidecars_add(&s, p);
        pending_tx_unref(p);
        CHECK(t, is_kept(&s, name));
        CHECK(t, s.blobs <= SIDECAR_BLOBS_MAX);
    }
    CHECK(t, !is_kept(&s, 1) && is_kept(&s, 2)); /* 22 times 6 is more than 128 */
    for (uint8_t name = 30; name < 32; name++) { /* one that takes all the room; one that would take more */
        struct pending_tx *p = with_blobs(name, name == 30 ? SIDECAR_BLOBS_MAX : SIDECAR_BLOBS_MAX + 1);

        sidecars_add(&s, p);
        pending_tx_unref(p);
        CHECK(t, is_kept(&s, 30) && !is_kept(&s, 31) && !is_kept(&s, 22));
    }
    sidecars_fini(&s);
    CHECK_EQ(t, s.count + s.blobs, (size_t)0);
}
