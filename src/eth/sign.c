#include "eth/sign.h"

#include <pthread.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "codec/keccak.h"
#include "eth/sign_context.h"

static secp256k1_context *context;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_context(void)
{
    uint8_t seed[32];

    context = secp256k1_context_create(SECP256K1_CONTEXT_NONE); /* aborts by itself without memory */
    random_bytes(seed, sizeof seed);
    if (!secp256k1_context_randomize(context, seed)) abort();
}

const secp256k1_context *sign_context(void)
{
    (void)pthread_once(&once, make_context);
    return context;
}

static struct fan_address address_of(const secp256k1_pubkey *key)
{
    uint8_t point[65];
    size_t len = sizeof point;
    struct fan_address address;
    struct fan_hash hash;

    (void)secp256k1_ec_pubkey_serialize(sign_context(), point, &len, key, SECP256K1_EC_UNCOMPRESSED);
    hash = keccak256(slice_of(point + 1, 64));
    memcpy(address.bytes, hash.bytes + 12, sizeof address.bytes);
    return address;
}

enum fan_status sign_hash(const struct fan_hash *hash, const uint8_t secret[32], struct signature *out)
{
    secp256k1_ecdsa_recoverable_signature made;
    uint8_t both[64];
    int parity;

    if (!secp256k1_ecdsa_sign_recoverable(sign_context(), &made, hash->bytes, secret, NULL, NULL)) return FAN_EINVAL;
    (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(sign_context(), both, &parity, &made);
    memcpy(out->r, both, 32);
    memcpy(out->s, both + 32, 32);
    out->parity = (uint8_t)(parity & 1); /* r above the order happens once in 2^127 */
    return FAN_OK;
}

enum fan_status sign_recover(const struct fan_hash *hash, const struct signature *sig, struct fan_address *out)
{
    secp256k1_ecdsa_recoverable_signature given;
    secp256k1_pubkey key;
    uint8_t both[64];

    if (sig->parity > 1) return FAN_EINVAL;
    memcpy(both, sig->r, 32);
    memcpy(both + 32, sig->s, 32);
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(sign_context(), &given, both, sig->parity))
        return FAN_EINVAL;
    if (!secp256k1_ecdsa_recover(sign_context(), &key, &given, hash->bytes)) return FAN_EINVAL;
    *out = address_of(&key);
    return FAN_OK;
}

enum fan_status sign_address(const uint8_t secret[32], struct fan_address *out)
{
    secp256k1_pubkey key;

    if (!secp256k1_ec_pubkey_create(sign_context(), &key, secret)) return FAN_EINVAL;
    *out = address_of(&key);
    return FAN_OK;
}

struct fan_hash sign_message_hash(struct slice message)
{
    char head[64];
    int len = snprintf(head, sizeof head,
                       "\x19"
                       "Ethereum Signed Message:\n%zu",
                       message.len);
    struct fan_hash hash;
    struct keccak k;

    keccak_init(&k);
    keccak_add(&k, slice_of(head, (size_t)len));
    keccak_add(&k, message);
    keccak_end(&k, &hash);
    return hash;
}
