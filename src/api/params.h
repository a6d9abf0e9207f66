/* params: reading a method's parameters, with words for what does not fit.
 *
 * Like struct rlp, a struct params remembers its first failure and answers zeros from then on, so a method reads all it
 * wants in a straight line and asks once: params_refused() (api/method.h) then has answered -32602 with "invalid
 * argument 1 (block): hex string without 0x prefix". Where in the parameters a value stands is a chain of struct where
 * on the stack: "invalid argument 0 (transaction).accessList[2].address: …".
 *
 * A null counts as absent, as in geth. The words for hexadecimal values are geth's.
 *
 * Not here: call objects and overrides (api/message.h), what a block parameter resolves to (api/view.h). */
#ifndef API_PARAMS_H
#define API_PARAMS_H

#include "codec/json.h"

/* Design section 5. */
enum api_code {
    CODE_REVERTED = 3,
    CODE_REFUSED = -32000,
    CODE_TIMEOUT = -32002,
    CODE_TOO_MANY = -32005,
    CODE_NO_METHOD = -32601,
    CODE_INVALID_PARAMS = -32602,
    CODE_INTERNAL = -32603,
    CODE_CLIENT_LIMIT = -38026 /* geth's, of eth_getStorageValues */
};

struct params {
    struct json list; /* the params array; missing when none were given */
    struct arena *arena;
    int code; /* 0: all fits so far */
    struct fan_error error;
};

/* A value's place: outermost a positional parameter (index and key), then members (key) and items (index, key NULL). */
struct where {
    const struct where *outer;
    const char *key;
    size_t index;
};

/* list may be missing. More than `most` parameters are refused, and so is an object in their place. */
struct params params_of(struct json list, struct arena *a, size_t most);

/* Refuses the parameters: the first words stand. The second form names a place. */
void params_fail(struct params *p, int code, const char *format, ...) FAN_PRINTF(3, 4);
void params_fail_at(struct params *p, const struct where *at, const char *format, ...) FAN_PRINTF(3, 4);

/* Is there something, not null, at that position? */
bool params_has(const struct params *p, size_t index);
/* Is v there and not null? */
bool params_given(struct json v);
/* Refuses v unless it is of this kind; false after that, and after any earlier refusal. */
bool params_expect(struct params *p, const struct where *at, struct json v, enum json_kind kind);
/* Room in the arena for the items of a list, zeroed, and how many there are; NULL for none and after a failure. */
void *params_items(struct params *p, struct json list, size_t size, size_t *out_count);
struct where params_where(size_t index, const char *name);
/* The value at a position; refused when absent. */
struct json params_value(struct params *p, const struct where *at);

/* Required positional parameters. */
struct fan_address params_address(struct params *p, size_t index, const char *name);
struct fan_hash params_hash(struct params *p, size_t index, const char *name);
struct slice params_data(struct params *p, size_t index, const char *name); /* into the arena */
uint64_t params_u64(struct params *p, size_t index, const char *name);      /* QUANTITY */
struct fan_u256 params_u256(struct params *p, size_t index, const char *name);
struct slice params_text(struct params *p, size_t index, const char *name); /* a string, unescaped */
bool params_bool(struct params *p, size_t index, const char *name);
/* As development tools send numbers: 12, "0xc" or "12". */
uint64_t params_count(struct params *p, size_t index, const char *name);

/* The same for any value at any place. */
struct fan_address read_address(struct params *p, const struct where *at, struct json v);
struct fan_hash read_hash(struct params *p, const struct where *at, struct json v);
struct slice read_data(struct params *p, const struct where *at, struct json v);
uint64_t read_u64(struct params *p, const struct where *at, struct json v);
struct fan_u256 read_u256(struct params *p, const struct where *at, struct json v);
bool read_bool(struct params *p, const struct where *at, struct json v);
uint64_t read_count(struct params *p, const struct where *at, struct json v);
/* A storage slot as geth reads it: at most 64 digits, 0x optional, odd lengths fine. *out_len (may be NULL): the bytes
 * that were given. Returns NULL, or static words. */
const char *read_slot(struct slice text, struct fan_u256 *out, size_t *out_len);

/* ---- which block ---- */

enum block_kind { BLOCK_NUMBER, BLOCK_HASH, BLOCK_EARLIEST, BLOCK_SAFE, BLOCK_FINALIZED, BLOCK_LATEST, BLOCK_PENDING };

struct block_at {
    enum block_kind kind;
    bool canonical; /* EIP-1898 requireCanonical */
    uint64_t number;
    struct fan_hash hash;
    size_t index; /* of the parameter it was read from */
};

/* A tag or QUANTITY; with or_hash also a block hash or an EIP-1898 object. */
struct block_at read_block(struct params *p, const struct where *at, struct json v, bool or_hash);
/* Required: a tag or a number. */
struct block_at params_block_number(struct params *p, size_t index);
/* Number, tag, hash or EIP-1898 object; absent means latest. */
struct block_at params_block(struct params *p, size_t index);
/* The same, required. */
struct block_at params_block_given(struct params *p, size_t index);

#endif
