#include <stdlib.h>

#include "evm/world.h"

/* Sidecars that need no computing: the constant polynomial 1 has the generator as its commitment and infinity as every
 * proof, and the zero polynomial has infinity as both. leaf/src/blob.rs tests polynomials that are not constant. */
#define BLOB_LEN 131072
#define ONE      "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
#define INFINITY_POINT                                                                                                 \
    "c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
#define ONE_HASH  "01cf478a431837728dcec3461f4f53b8749cdc4e03496dcaed459dea82b82eb8"
#define ZERO_HASH "010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014"

struct sidecar {
    uint8_t *blobs;
    uint8_t commitments[2 * 48], proofs[2 * 128 * 48];
    size_t proof_count;
    struct fan_hash hashes[2];
};

/* Two blobs: constant 1, constant 0. */
static void sidecar_init(struct sidecar *s, uint8_t version)
{
    s->blobs = calloc(2, BLOB_LEN);
    assert(s->blobs);
    for (size_t i = 31; i < BLOB_LEN; i += 32) s->blobs[i] = 1;
    memcpy(s->commitments, test_hex(ONE).at, 48);
    memcpy(s->commitments + 48, test_hex(INFINITY_POINT).at, 48);
    s->proof_count = version ? 256 : 2;
    for (size_t i = 0; i < s->proof_count; i++) memcpy(s->proofs + i * 48, test_hex(INFINITY_POINT).at, 48);
    memcpy(s->hashes[0].bytes, test_hex(ONE_HASH).at, 32);
    memcpy(s->hashes[1].bytes, test_hex(ZERO_HASH).at, 32);
}

static int verify(const struct sidecar *s, uint8_t version, size_t count, const char **text)
{
    *text = "";
    return evm_blob_verify(version, s->blobs, count, s->commitments, s->proofs, s->proof_count, s->hashes, text);
}

TEST(good_sidecars_of_both_versions_pass, t)
{
    evm_blob_warm();
    evm_blob_warm(); /* again is fine */
    for (uint8_t version = 0; version <= 1; version++) {
        struct sidecar s;
        const char *text;

        sidecar_init(&s, version);
        CHECK_EQ(t, verify(&s, version, 2, &text), 0);
        CHECK_STR(t, slice_str(text), "");
        s.proof_count = version ? 128 : 1;
        CHECK_EQ(t, verify(&s, version, 1, &text), 0);
        free(s.blobs);
    }
}

TEST(a_bad_sidecar_is_refused_with_the_reason, t)
{
    for (uint8_t version = 0; version <= 1; version++) {
        struct sidecar s;
        const char *text;

        sidecar_init(&s, version);
        s.blobs[31] = 2;
        CHECK_EQ(t, verify(&s, version, 2, &text), 1);
        CHECK_STR(t, slice_str(text), "a proof does not fit its blob");
        s.blobs[31] = 1;

        memset(s.blobs, 0xff, 32); /* no element of the field */
        CHECK_EQ(t, verify(&s, version, 2, &text), 1);
        CHECK_STR(t, slice_str(text), "a blob, a commitment or a proof is malformed");
        memset(s.blobs, 0, 31);
        s.blobs[31] = 1;

        s.hashes[1].bytes[31] ^= 1;
        CHECK_EQ(t, verify(&s, version, 2, &text), 1);
        CHECK_STR(t, slice_str(text), "a blob hash does not match its commitment");
        s.hashes[1].bytes[31] ^= 1;

        s.proofs[1] = 1; /* no point */
        CHECK_EQ(t, verify(&s, version, 2, &text), 1);
        CHECK_STR(t, slice_str(text), "a blob, a commitment or a proof is malformed");
        s.proofs[1] = 0;

        memcpy(s.proofs + 48, test_hex(ONE).at, 48); /* a point, but the wrong one */
        CHECK_EQ(t, verify(&s, version, 2, &text), 1);
        CHECK_STR(t, slice_str(text), "a proof does not fit its blob");
        memcpy(s.proofs + 48, test_hex(INFINITY_POINT).at, 48);

        s.proof_count--;
        CHECK_EQ(t, verify(&s, version, 2, &text), 1);
        CHECK_STR(t, slice_str(text), "the number of proofs does not fit the number of blobs");
        s.proof_count++;

        CHECK_EQ(t, verify(&s, !version, 2, &text), 1); /* the other version wants other proofs */
        CHECK_EQ(t, verify(&s, 2, 2, &text), 1);
        CHECK_STR(t, slice_str(text), "unknown sidecar version");
        CHECK_EQ(t, verify(&s, version, 2, &text), 0); /* all spoils were undone */
        free(s.blobs);
    }
}
