/* From a sentence to keys: BIP-39's words and seed, then BIP-32's children along a path (BIP-44). */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/random.h"
#include "eth/sign.h"
#include "eth/sign_context.h"
#include "mnemonic_words.h" /* BIP-39's English list, made at build time from Debian's python3-mnemonic */

enum { SEED_LEN = 64, SEED_ROUNDS = 2048, NODE_LEN = 64 };
#define HARDENED 0x80000000u

/* A private key and its chain code, which is all a child needs. */
struct node {
    uint8_t secret[32], chain[32];
};

static bool hmac(struct slice key, struct slice data, uint8_t out[NODE_LEN])
{
    unsigned len = NODE_LEN;

    return HMAC(EVP_sha512(), key.at, (int)key.len, data.at, data.len, out, &len) != NULL;
}

/* BIP-32, CKDpriv. A key out of range happens once in 2^127; the standard then takes the next index, we say so. */
static enum fan_status derive(struct node *n, uint32_t index)
{
    uint8_t data[37], made[NODE_LEN];
    enum fan_status s = FAN_OK;
    secp256k1_pubkey key;
    size_t len = 33;

    if (index & HARDENED) {
        data[0] = 0;
        memcpy(data + 1, n->secret, 32);
    } else if (secp256k1_ec_pubkey_create(sign_context(), &key, n->secret)) {
        (void)secp256k1_ec_pubkey_serialize(sign_context(), data, &len, &key, SECP256K1_EC_COMPRESSED);
    } else {
        return FAN_EINVAL;
    }
    for (unsigned i = 0; i < 4; i++) data[33 + i] = (uint8_t)(index >> (24 - 8 * i));
    if (!hmac(slice_of(n->chain, 32), slice_of(data, sizeof data), made)) s = FAN_ENOMEM;
    if (!s && !secp256k1_ec_seckey_tweak_add(sign_context(), n->secret, made)) s = FAN_EINVAL;
    memcpy(n->chain, made + 32, 32);
    OPENSSL_cleanse(data, sizeof data);
    OPENSSL_cleanse(made, sizeof made);
    return s;
}

/* ---- words ---- */

enum { WORD_COUNT = 2048, WORD_BITS = 11, WORDS_MAX = 24, ENTROPY_MAX = 32 };

static_assert(COUNT_OF(MNEMONIC_WORDS) == WORD_COUNT, "BIP-39 has 2048 words");

static int compare(struct slice word, const char *other)
{
    size_t len = strlen(other), both = word.len < len ? word.len : len;
    int order = both ? memcmp(word.at, other, both) : 0;

    return order ? order : word.len < len ? -1 : word.len > len;
}

/* The list is sorted. -1: not in it. */
static int word_index(struct slice word)
{
    int low = 0, high = WORD_COUNT - 1;

    while (low <= high) {
        int middle = (low + high) / 2, order = compare(word, MNEMONIC_WORDS[middle]);

        if (!order) return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return -1;
}

static bool is_count(size_t words)
{
    return words >= 12 && words <= WORDS_MAX && words % 3 == 0;
}

/* The first words × 11 ÷ 33 × 32 bits are random, the rest is the beginning of their SHA-256. */
static uint8_t checksum_of(const uint8_t *entropy, size_t len)
{
    uint8_t digest[32];
    unsigned size = sizeof digest;

    (void)EVP_Digest(entropy, len, digest, &size, EVP_sha256(), NULL);
    return digest[0];
}

enum fan_status sign_mnemonic_check(struct slice mnemonic, struct fan_error *err)
{
    uint8_t bits[WORDS_MAX * WORD_BITS / 8 + 1] = {0};
    size_t count = 0, at = 0, len;
    unsigned sum_bits;

    while (mnemonic.len && at <= mnemonic.len) { /* a space at the end has an empty word behind it: other keys */
        struct slice word = {mnemonic.at + at, 0};
        int index;

        while (at < mnemonic.len && mnemonic.at[at] != ' ') at++, word.len++;
        at++;
        if (count == WORDS_MAX) return fan_error_set(err, FAN_EFORMAT, "12, 15, 18, 21 or 24 words, not more than 24");
        index = word_index(word);
        if (index < 0)
            return fan_error_set(err, FAN_EFORMAT, "word %zu, \"%.*s\", is not in BIP-39's English list", count + 1,
                                 (int)(word.len < 40 ? word.len : 40), (const char *)word.at);
        for (unsigned b = 0; b < WORD_BITS; b++)
            if (index >> (WORD_BITS - 1 - b) & 1)
                bits[(count * WORD_BITS + b) / 8] |= (uint8_t)(0x80 >> (count * WORD_BITS + b) % 8);
        count++;
    }
    if (!is_count(count)) return fan_error_set(err, FAN_EFORMAT, "12, 15, 18, 21 or 24 words, not %zu", count);
    len = count / 3 * 4;
    sum_bits = (unsigned)(count / 3);
    if ((bits[len] ^ checksum_of(bits, len)) >> (8 - sum_bits))
        return fan_error_set(
            err, FAN_EFORMAT,
            "each word is in BIP-39's list, but the last does not fit the others (it holds a checksum)");
    return FAN_OK;
}

/* Of entropy with room for the checksum behind it. */
static void write_words(uint8_t *bits, size_t words, char out[SIGN_MNEMONIC_MAX])
{
    bits[words / 3 * 4] = checksum_of(bits, words / 3 * 4);
    out[0] = '\0';
    for (size_t i = 0; i < words; i++) {
        unsigned index = 0;

        for (size_t b = i * WORD_BITS; b < (i + 1) * WORD_BITS; b++)
            index = index << 1 | (bits[b / 8] >> (7 - b % 8) & 1);
        if (i) strcat(out, " ");
        strcat(out, MNEMONIC_WORDS[index]);
    }
}

enum fan_status sign_mnemonic_random(size_t words, char out[SIGN_MNEMONIC_MAX])
{
    uint8_t bits[ENTROPY_MAX + 1] = {0};

    if (!is_count(words)) return FAN_EINVAL;
    random_bytes(bits, words / 3 * 4);
    write_words(bits, words, out);
    OPENSSL_cleanse(bits, sizeof bits);
    return FAN_OK;
}

/* ---- anvil's words of a number ---- */

static uint32_t turned_left(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

/* One quarter round of ChaCha (RFC 8439, section 2.1). */
static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = turned_left(*d ^ *a, 16);
    *c += *d, *b = turned_left(*b ^ *c, 12);
    *a += *b, *d = turned_left(*d ^ *a, 8);
    *c += *d, *b = turned_left(*b ^ *c, 7);
}

/* rand_core's seed_from_u64(): PCG32 stretches the number to a key. */
static uint32_t next_key_word(uint64_t *state)
{
    uint32_t x, by;

    *state = *state * 6364136223846793005u + 11634580027462260723u;
    x = (uint32_t)(((*state >> 18) ^ *state) >> 27);
    by = (uint32_t)(*state >> 59);
    return by ? x >> by | x << (32 - by) : x;
}

void sign_mnemonic_of_seed(uint64_t seed, char out[SIGN_MNEMONIC_MAX])
{
    enum { ROUNDS = 12, SEED_WORDS = 12 };
    uint32_t first[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, w[16]; /* "expand 32-byte k" */
    uint8_t bits[ENTROPY_MAX + 1] = {0};

    for (size_t i = 4; i < 12; i++) first[i] = next_key_word(&seed);
    memcpy(w, first, sizeof w);
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < 4; i++) {
            size_t turn = round % 2; /* columns, then diagonals */

            quarter(&w[i], &w[4 + (i + turn) % 4], &w[8 + (i + 2 * turn) % 4], &w[12 + (i + 3 * turn) % 4]);
        }
    for (size_t i = 0; i < 16; i++) bits[i] = (uint8_t)(w[i] + first[i]);
    write_words(bits, SEED_WORDS, out);
}

/* ---- paths ---- */

enum fan_status sign_path_read(struct slice text, struct sign_path *out, struct fan_error *err)
{
    struct sign_path path = {.given = true};
    size_t at = 0;

    if (text.len < 1 || text.at[0] != 'm') return fan_error_set(err, FAN_EFORMAT, "a path begins with m/");
    at = 1;
    while (at < text.len) {
        uint64_t v = 0;
        size_t digits = 0;

        if (text.at[at++] != '/') return fan_error_set(err, FAN_EFORMAT, "\"/\" expected at character %zu", at);
        if (at == text.len) break; /* a slash at the end */
        while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9' && v < HARDENED)
            v = v * 10 + text.at[at++] - '0', digits++;
        if (!digits || v >= HARDENED)
            return fan_error_set(err, FAN_EFORMAT, "a number below 2147483648 expected at character %zu", at + 1);
        if (path.len == SIGN_PATH_MAX - 1)
            return fan_error_set(err, FAN_EFORMAT, "at most %d levels", SIGN_PATH_MAX - 1);
        if (at < text.len && (text.at[at] == '\'' || text.at[at] == 'h')) {
            v |= HARDENED;
            at++;
        }
        path.child[path.len++] = (uint32_t)v;
    }
    *out = path;
    return FAN_OK;
}

enum fan_status sign_mnemonic_key(struct slice mnemonic, const struct sign_path *path, uint32_t index,
                                  uint8_t out_secret[32])
{
    static const struct sign_path usual = {.child = {HARDENED | 44, HARDENED | 60, HARDENED | 0, 0}, .len = 4};
    const struct sign_path *along = path && path->given ? path : &usual;
    static const uint8_t salt[] = {'m', 'n', 'e', 'm', 'o', 'n', 'i', 'c'};
    uint8_t seed[SEED_LEN], made[NODE_LEN];
    enum fan_status s = FAN_OK;
    struct node n;

    if (index & HARDENED || mnemonic.len > INT32_MAX) return FAN_EINVAL;
    if (!PKCS5_PBKDF2_HMAC((const char *)mnemonic.at, (int)mnemonic.len, salt, sizeof salt, SEED_ROUNDS, EVP_sha512(),
                           SEED_LEN, seed) ||
        !hmac(SLICE("Bitcoin seed"), slice_of(seed, sizeof seed), made))
        return FAN_ENOMEM;
    memcpy(n.secret, made, 32);
    memcpy(n.chain, made + 32, 32);
    if (!secp256k1_ec_seckey_verify(sign_context(), n.secret)) s = FAN_EINVAL;
    for (size_t i = 0; !s && i < along->len; i++) s = derive(&n, along->child[i]);
    if (!s) s = derive(&n, index);
    if (!s) memcpy(out_secret, n.secret, 32);
    OPENSSL_cleanse(seed, sizeof seed);
    OPENSSL_cleanse(made, sizeof made);
    OPENSSL_cleanse(&n, sizeof n);
    return s;
}
