/* sign: keys, signatures and recovery over secp256k1, and EIP-191 messages.
 *
 * One process-wide context, made on first use and randomised against side channels. Any thread. */
#ifndef ETH_SIGN_H
#define ETH_SIGN_H

#include "base/slice.h"

struct signature {
    uint8_t r[32], s[32];
    uint8_t parity; /* 0 or 1 */
};

/* FAN_EINVAL when secret is 0 or not below the curve's order. */
FAN_MUST_CHECK enum fan_status sign_hash(const struct fan_hash *hash, const uint8_t secret[32], struct signature *out);
FAN_MUST_CHECK enum fan_status sign_recover(const struct fan_hash *hash, const struct signature *sig,
                                            struct fan_address *out);
FAN_MUST_CHECK enum fan_status sign_address(const uint8_t secret[32], struct fan_address *out);
/* keccak("\x19Ethereum Signed Message:\n" ++ decimal length ++ message), EIP-191 version 0x45. */
struct fan_hash sign_message_hash(struct slice message);
/* BIP-32 derivation of m/44'/60'/0'/0/index from a BIP-39 mnemonic (no passphrase). The words are not checked against a
 * list: like every wallet's seed function, any sentence gives keys. HMAC-SHA512 and PBKDF2 are OpenSSL's. */
FAN_MUST_CHECK enum fan_status sign_mnemonic_key(struct slice mnemonic, uint32_t index, uint8_t out_secret[32]);

#endif
