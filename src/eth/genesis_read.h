/* genesis_read: reading the numbers of a genesis.json, which come as JSON numbers, decimal strings or hex strings,
 * leading zeros and all: the file is older than the rules of RPC. What its two parsers, for the chain configuration and
 * for the rest, share; fixtures of the Ethereum tests write their numbers as loosely. */
#ifndef ETH_GENESIS_READ_H
#define ETH_GENESIS_READ_H

#include "codec/json.h"
#include "eth/fork.h"

/* Wherever we are in the file, for messages: "alloc.0x12…: balance". */
struct genesis_where {
    const char *outer; /* "config", "alloc.0x…", or "" */
    struct fan_error *err;
};

static inline bool genesis_given(struct json v)
{
    return !json_is(v, JSON_MISSING) && !json_is(v, JSON_NULL);
}

/* Each leaves *out as it was where the key is absent or null. FAN_EFORMAT says where and what. */
FAN_MUST_CHECK enum fan_status genesis_read_u256(struct json object, const char *key, const struct genesis_where *where,
                                                 struct fan_u256 *out);
FAN_MUST_CHECK enum fan_status genesis_read_u64(struct json object, const char *key, const struct genesis_where *where,
                                                uint64_t *out);
FAN_MUST_CHECK enum fan_status genesis_fail(const struct genesis_where *where, const char *key, const char *what);
/* A whole number, decimal or 0x and any digits up to 256 bits; no text at all is 0. */
bool genesis_read_number(struct slice text, struct fan_u256 *out);
/* At most 64 hex digits, an even number, with or without 0x, as storage keys and values are written. */
bool genesis_read_word(struct slice text, struct fan_u256 *out);
/* 40 hex digits with or without 0x. */
bool genesis_read_address(struct slice text, struct fan_address *out);

/* The "config" object. */
FAN_MUST_CHECK enum fan_status genesis_parse_config(struct json config, struct chain_config *out,
                                                    struct fan_error *err);

#endif
