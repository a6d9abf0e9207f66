/* From a sentence to keys: BIP-39's seed, then BIP-32's children along m/44'/60'/0'/0/index (BIP-44). */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "eth/sign.h"
#include "eth/sign_context.h"

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

enum fan_status sign_mnemonic_key(struct slice mnemonic, uint32_t index, uint8_t out_secret[32])
{
    const uint32_t path[] = {HARDENED | 44, HARDENED | 60, HARDENED | 0, 0, index};
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
    for (size_t i = 0; !s && i < COUNT_OF(path); i++) s = derive(&n, path[i]);
    if (!s) memcpy(out_secret, n.secret, 32);
    OPENSSL_cleanse(seed, sizeof seed);
    OPENSSL_cleanse(made, sizeof made);
    OPENSSL_cleanse(&n, sizeof n);
    return s;
}
