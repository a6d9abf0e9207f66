/* Signing a transaction, and finding out who did. */
#include "codec/u256.h"
#include "eth/sign.h"
#include "eth/tx_encode.h"

/* Half the curve's order: an s above it is the twin of a valid one (EIP-2). */
static const struct fan_u256 half_order = {
    {0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff}};

/* What v counts from: 0 in typed ones, 27 in old ones, 35 + 2 × chain id in those of EIP-155. */
static struct fan_u256 v_base(const struct tx *tx)
{
    struct fan_u256 base = u256_of(tx->type == TX_LEGACY ? 27 : 0), offset = u256_of(35);

    if (tx->type != TX_LEGACY || !tx->has_chain_id) return base;
    base = u256_of(tx->chain_id);
    (void)u256_mul_u64(&base, 2, &base); /* 66 bits at most */
    (void)u256_add(&base, &offset, &base);
    return base;
}

/* The parity of the key's y that v stands for. */
static bool parity_of(const struct tx *tx, uint8_t *out)
{
    struct fan_u256 base = v_base(tx);
    uint64_t parity;

    if (!u256_sub(&tx->v, &base, &base) || !u256_fits_u64(&base, &parity) || parity > 1) return false;
    *out = (uint8_t)parity;
    return true;
}

enum fan_status tx_recover(struct tx *tx, bool low_s)
{
    struct signature sig;
    struct fan_hash hash;
    struct fan_address sender;
    enum fan_status s;

    /* What came after EIP-2 obeys it whatever the block: chain ids and types. */
    low_s = low_s || tx->has_chain_id || tx->type != TX_LEGACY;
    if (!parity_of(tx, &sig.parity)) return FAN_EFORMAT;
    if (low_s && u256_cmp(&tx->s, &half_order) > 0) return FAN_EFORMAT;
    u256_to_be(&tx->r, sig.r);
    u256_to_be(&tx->s, sig.s);
    s = tx_signing_hash_try(tx, &hash);
    if (s) return s;
    if (sign_recover(&hash, &sig, &sender)) return FAN_EFORMAT;
    tx->sender = sender;
    tx->has_sender = true;
    return FAN_OK;
}

enum fan_status tx_sign(struct tx *tx, const uint8_t secret[32], struct arena *a)
{
    struct signature sig;
    struct fan_hash hash;
    struct fan_address sender;
    struct fan_u256 base;
    enum fan_status s = sign_address(secret, &sender);

    if (!s) s = tx_signing_hash_try(tx, &hash);
    if (!s) s = sign_hash(&hash, secret, &sig);
    if (s) return s;
    tx->r = u256_from_be(sig.r);
    tx->s = u256_from_be(sig.s);
    base = v_base(tx);
    tx->v = u256_of(sig.parity);
    (void)u256_add(&tx->v, &base, &tx->v);
    tx->sender = sender;
    tx->has_sender = true;
    return tx_seal(tx, a);
}
