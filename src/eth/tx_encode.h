/* tx_encode: what tx_encode.c lends to tx_sign.c: the signing hash with its one way to fail. */
#ifndef ETH_TX_ENCODE_H
#define ETH_TX_ENCODE_H

#include "eth/tx.h"

/* FAN_ENOMEM: the encoding to be hashed found no memory; *out is then untouched. */
FAN_MUST_CHECK enum fan_status tx_signing_hash_try(const struct tx *tx, struct fan_hash *out);

#endif
