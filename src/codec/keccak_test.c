#include "base/test.h"
#include "codec/bloom.h"
#include "codec/keccak.h"

static void check(struct test *t, struct slice in, const char *expected)
{
    struct fan_hash h = keccak256(in);

    CHECK_SLICE(t, slice_of(h.bytes, sizeof h.bytes), test_hex(expected));
}

/* Published: the Keccak team's KATs, Ethereum's well-known constants and selectors. */
TEST(published_digests, t)
{
    check(t, SLICE(""), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    check(t, SLICE("abc"), "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    check(t, SLICE("The quick brown fox jumps over the lazy dog"),
          "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15");
    check(t, SLICE("The quick brown fox jumps over the lazy dog."),
          "578951e24efd62a3d63a86f7cd19aaa53c898fe287d2552133220370240b572d");
    check(t, SLICE("Transfer(address,address,uint256)"),
          "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    check(t, SLICE("Approval(address,address,uint256)"),
          "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925");
    check(t, test_hex("cc"), "eead6dbfc7340a56caedc044696a168870549a6a7f6f56961e84a54bd9970b8a");
    CHECK(t, memcmp(KECCAK_EMPTY.bytes, keccak256(SLICE("")).bytes, 32) == 0);
    CHECK(t, memcmp(KECCAK_EMPTY_TRIE.bytes, keccak256(SLICE("\x80")).bytes, 32) == 0);
    CHECK(t, memcmp(KECCAK_EMPTY_LIST.bytes, keccak256(SLICE("\xc0")).bytes, 32) == 0);
}

/* Around the block of 136 bytes, in pieces of many sizes: the same as at once. The digest over the digests of all
 * lengths is pinned, so that an error at any length shows; a plain transcription of the reference into Python, itself
 * held against hashlib's SHA3-256, gave it. */
TEST(pieces_and_lengths_do_not_matter, t)
{
    uint8_t bytes[300];
    struct keccak chain;
    struct fan_hash last;

    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 31 + 7);
    keccak_init(&chain);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct fan_hash whole = keccak256(slice_of(bytes, len));

        keccak_add(&chain, slice_of(whole.bytes, sizeof whole.bytes));
        for (size_t piece = 1; piece <= 139; piece += 23) {
            struct keccak k;
            struct fan_hash h;

            keccak_init(&k);
            for (size_t at = 0; at < len; at += piece)
                keccak_add(&k, slice_of(bytes + at, len - at < piece ? len - at : piece));
            keccak_end(&k, &h);
            CHECK(t, memcmp(h.bytes, whole.bytes, sizeof h.bytes) == 0);
        }
    }
    keccak_end(&chain, &last);
    CHECK_SLICE(t, slice_of(last.bytes, sizeof last.bytes),
                test_hex("a46be4d54bea562ba925100bd767b533f1d2da20ce0029b99c44425cbb1c1d4a"));
}

/* The digest of this item begins ddf2 52ad 1be2, so its bits are 0x5f2, 0x2ad and 0x3e2. */
TEST(bloom_sets_three_bits_of_2048, t)
{
    static const unsigned bits[] = {0x5f2, 0x2ad, 0x3e2};
    struct bloom b = {{0}}, other = {{0}}, expected = {{0}};
    struct slice item = SLICE("Transfer(address,address,uint256)");

    CHECK(t, !bloom_may_have(&b, item));
    bloom_add(&b, item);
    CHECK(t, bloom_may_have(&b, item));
    for (size_t i = 0; i < COUNT_OF(bits); i++) expected.bytes[255 - bits[i] / 8] |= (uint8_t)(1u << (bits[i] % 8));
    CHECK(t, memcmp(b.bytes, expected.bytes, BLOOM_LEN) == 0);
    CHECK(t, !bloom_may_have(&b, SLICE("another")));
    bloom_add(&other, SLICE("another"));
    bloom_merge(&b, &other);
    CHECK(t, bloom_may_have(&b, item) && bloom_may_have(&b, SLICE("another")));
}

/* Any number side by side, of any lengths, give what each gives alone. */
TEST(many_at_once_are_each_as_alone, t)
{
    enum { MOST = 11 };
    uint8_t bytes[700];
    uint32_t dice = 1;

    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 131 + 5);
    for (size_t round = 0; round < 3000; round++) {
        struct slice in[MOST];
        struct fan_hash out[MOST];
        size_t count = round % (MOST + 1);

        for (size_t i = 0; i < count; i++) {
            dice = dice * 1664525 + 1013904223;
            in[i] = slice_of(bytes + (dice >> 8) % 100, round < 600 ? round : (dice >> 16) % 600);
        }
        keccak256_many(in, count, out);
        for (size_t i = 0; i < count; i++) {
            struct fan_hash alone = keccak256(in[i]);

            CHECK_SLICE(t, slice_of(out[i].bytes, 32), slice_of(alone.bytes, 32));
        }
    }
}
