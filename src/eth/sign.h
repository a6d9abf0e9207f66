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
/* ---- mnemonics (eth/mnemonic.c) ---- */

enum { SIGN_PATH_MAX = 16 };
/* Where keys are derived: the children that come before the account's own. Zeroed: m/44'/60'/0'/0/ (BIP-44). */
struct sign_path {
    uint32_t child[SIGN_PATH_MAX]; /* the highest bit: hardened */
    size_t len;
    bool given;
};
/* Reads "m/44'/60'/0'/0/", the last slash optional. FAN_EFORMAT: err says what is wrong. */
FAN_MUST_CHECK enum fan_status sign_path_read(struct slice text, struct sign_path *out, struct fan_error *err);
/* Is this a sentence of BIP-39's English list: 12, 15, 18, 21 or 24 of its words, the last fitting the others?
 * FAN_EFORMAT: err names the word. */
FAN_MUST_CHECK enum fan_status sign_mnemonic_check(struct slice mnemonic, struct fan_error *err);
/* A sentence of so many words from fresh randomness, NUL-terminated. FAN_EINVAL: not so many. */
enum { SIGN_MNEMONIC_MAX = 24 * 9 };
FAN_MUST_CHECK enum fan_status sign_mnemonic_random(size_t words, char out[SIGN_MNEMONIC_MAX]);
/* The twelve words that anvil makes of a number (--mnemonic-seed-unsafe): Rust's StdRng (ChaCha12) seeded by it, the
 * lowest byte of each of its first sixteen numbers. */
void sign_mnemonic_of_seed(uint64_t seed, char out[SIGN_MNEMONIC_MAX]);
/* BIP-32 derivation of path/index from a BIP-39 mnemonic (no passphrase; words between single spaces). Like every
 * wallet's seed function it takes any sentence. HMAC-SHA512 and PBKDF2 are OpenSSL's. FAN_EINVAL: an index that is
 * hardened. */
FAN_MUST_CHECK enum fan_status sign_mnemonic_key(struct slice mnemonic, const struct sign_path *path, uint32_t index,
                                                 uint8_t out_secret[32]);

#endif
