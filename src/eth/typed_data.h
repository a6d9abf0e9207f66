/* typed_data: what a wallet signs when it signs structured data.
 *
 * The JSON form that eth_signTypedData_v4 takes ({types, primaryType, domain, message}) becomes the 32 bytes that are
 * signed: keccak(0x1901 ++ hashStruct(domain) ++ hashStruct(message)). Types are hashed once however many values they
 * have. Where types names no EIP712Domain, it is made of the domain's own fields in the order of the EIP, as ethers and
 * anvil do. A primaryType of EIP712Domain signs the domain alone, as wallets do.
 *
 * Values: numbers as JSON numbers or as strings in decimal or hexadecimal, within their type's range; bytesN of exactly
 * N bytes; arrays of any depth; structs, also of recursive types. A member without a value is refused, for what it
 * would mean differs between wallets. Members that no type names are passed over.
 *
 * Not here: the signature (eth/sign.h). Spec: EIP-712. */
#ifndef ETH_TYPED_DATA_H
#define ETH_TYPED_DATA_H

#include "codec/json.h"

/* What all types together may hold: names are looked up one by one, so the work is types × types × members. */
enum { TYPED_DATA_TYPES_MAX = 256, TYPED_DATA_MEMBERS_MAX = 2048 };

/* FAN_EFORMAT: err says what does not fit and where. FAN_ELIMIT: more types or members than the limits. FAN_ENOMEM. The
 * arena takes what is needed on the way. */
FAN_MUST_CHECK enum fan_status typed_data_hash(struct json typed_data, struct arena *a, struct fan_hash *out,
                                               struct fan_error *err);

#endif
