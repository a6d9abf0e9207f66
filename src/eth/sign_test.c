#include "eth/sign.h"

#include "base/test.h"
#include "codec/hex.h"
#include "codec/keccak.h"

static const char JUNK[] = "test test test test test test test test test test test junk";

/* The accounts that every development chain shows. */
TEST(the_well_known_mnemonic_gives_the_well_known_keys, t)
{
    static const struct {
        uint32_t index;
        const char *secret, *address;
    } row[] = {
        {0, "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
         "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"},
        {1, "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
         "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"},
        {9, "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
         "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fan_address address;
        uint8_t secret[32];
        char text[43];

        REQUIRE(t, !sign_mnemonic_key(slice_str(JUNK), NULL, row[i].index, secret));
        CHECK_SLICE(t, slice_of(secret, sizeof secret), test_hex(row[i].secret));
        REQUIRE(t, !sign_address(secret, &address));
        hex_write_checksum(&address, text);
        CHECK_STR(t, slice_str(text), row[i].address);
    }
}

/* BIP-39's own vectors (all bits alike), and what users get wrong. */
TEST(sentences_are_checked_word_by_word, t)
{
    static const struct {
        const char *words, *wrong; /* NULL: a good one */
    } row[] = {
        {"test test test test test test test test test test test junk", NULL},
        {"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about", NULL},
        {"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong", NULL},
        {"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon "
         "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
         NULL},
        {"test test test test test test test test test test test test", "checksum"},
        {"test test tset test test test test test test test test junk", "word 3, \"tset\""},
        {"test  test test test test test test test test test test junk", "word 2, \"\""},
        {"Test test test test test test test test test test test junk", "word 1, \"Test\""},
        {"test test test test test test test test test test test junk ", "word 13, \"\""},
        {"test test test", "not 3"},
        {"", "not 0"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fan_error err = {{0}};
        enum fan_status s = sign_mnemonic_check(slice_str(row[i].words), &err);

        CHECK_EQ(t, s, row[i].wrong ? FAN_EFORMAT : FAN_OK);
        if (row[i].wrong) CHECK(t, strstr(err.text, row[i].wrong) != NULL);
    }
}

TEST(a_random_sentence_is_a_good_one, t)
{
    char first[SIGN_MNEMONIC_MAX], words[SIGN_MNEMONIC_MAX];

    for (size_t count = 0; count < 30; count++) {
        bool fine = count >= 12 && count <= 24 && count % 3 == 0;

        CHECK_EQ(t, sign_mnemonic_random(count, words), fine ? FAN_OK : FAN_EINVAL);
        if (fine) CHECK_EQ(t, sign_mnemonic_check(slice_str(words), NULL), FAN_OK);
    }
    REQUIRE(t, !sign_mnemonic_random(12, first));
    REQUIRE(t, !sign_mnemonic_random(12, words));
    CHECK(t, strcmp(first, words) != 0);
}

/* As anvil 1.7.1 prints them. */
TEST(a_number_gives_anvils_words, t)
{
    static const struct {
        uint64_t seed;
        const char *words;
    } row[] = {{0, "leisure need topic clown code attend earn lounge baby omit vault crunch"},
               {1, "gesture car maximum regret pudding merry fatal electric sea grab crack social"},
               {42, "pen brief eager pepper brass detect problem vital physical tent assume damp"}};
    char words[SIGN_MNEMONIC_MAX];

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        sign_mnemonic_of_seed(row[i].seed, words);
        CHECK_SLICE(t, slice_str(words), slice_str(row[i].words));
    }
}

TEST(keys_lie_along_a_path, t)
{
    static const char *const wrong[] = {
        "", "44'/60'", "m44", "m/x", "m/2147483648", "m/44'/60'/0'/0//", "m/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"};
    uint8_t usual[32], same[32], other[32];
    struct sign_path path;

    REQUIRE(t, !sign_mnemonic_key(slice_str(JUNK), NULL, 3, usual));
    REQUIRE(t, !sign_path_read(SLICE("m/44'/60'/0'/0/"), &path, NULL));
    REQUIRE(t, !sign_mnemonic_key(slice_str(JUNK), &path, 3, same));
    CHECK_SLICE(t, slice_of(usual, 32), slice_of(same, 32));
    REQUIRE(t, !sign_path_read(SLICE("m/44h/60h/0h"), &path, NULL)); /* Ledger's older one */
    REQUIRE(t, !sign_mnemonic_key(slice_str(JUNK), &path, 0, other));
    CHECK(t, memcmp(usual, other, 32) != 0);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        CHECK_EQ(t, sign_path_read(slice_str(wrong[i]), &path, NULL), FAN_EFORMAT);
}

TEST(a_hardened_index_is_refused, t)
{
    uint8_t secret[32];

    CHECK_EQ(t, sign_mnemonic_key(slice_str(JUNK), NULL, 0x80000000u, secret), FAN_EINVAL);
}

TEST(what_is_signed_recovers_to_the_signer, t)
{
    uint8_t secret[32] = {0};

    for (unsigned i = 1; i < 64; i++) {
        struct fan_hash hash = keccak256(slice_of(secret, sizeof secret));
        struct fan_address signer, found;
        struct signature sig;

        secret[31] = (uint8_t)i;
        REQUIRE(t, !sign_address(secret, &signer));
        REQUIRE(t, !sign_hash(&hash, secret, &sig));
        REQUIRE(t, !sign_recover(&hash, &sig, &found));
        CHECK(t, memcmp(&signer, &found, sizeof found) == 0);
        sig.parity ^= 1; /* the other point with that x: another key, never ours */
        if (!sign_recover(&hash, &sig, &found)) CHECK(t, memcmp(&signer, &found, sizeof found) != 0);
    }
}

TEST(secrets_and_signatures_out_of_range_are_refused, t)
{
    static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    struct fan_hash hash = keccak256(SLICE("x"));
    uint8_t secret[32] = {0};
    struct fan_address address;
    struct signature sig;

    CHECK_EQ(t, sign_hash(&hash, secret, &sig), FAN_EINVAL);
    CHECK_EQ(t, sign_address(secret, &address), FAN_EINVAL);
    memcpy(secret, test_hex(order).at, 32);
    CHECK_EQ(t, sign_hash(&hash, secret, &sig), FAN_EINVAL);
    secret[31]--;
    CHECK_EQ(t, sign_hash(&hash, secret, &sig), FAN_OK);
    sig.parity = 2;
    CHECK_EQ(t, sign_recover(&hash, &sig, &address), FAN_EINVAL);
    sig.parity = 0;
    memcpy(sig.r, test_hex(order).at, 32);
    CHECK_EQ(t, sign_recover(&hash, &sig, &address), FAN_EINVAL);
    memset(sig.r, 0, 32);
    CHECK_EQ(t, sign_recover(&hash, &sig, &address), FAN_EINVAL);
}

/* The example of web3.eth.accounts.hashMessage. */
TEST(messages_are_hashed_as_eip_191_says, t)
{
    struct fan_hash hash = sign_message_hash(SLICE("Hello World"));

    CHECK_SLICE(t, slice_of(hash.bytes, 32),
                test_hex("a1de988600a42c4b4ab089b619297c17d53cffae5d5120d82d8a92d0bb3b78f2"));
}
