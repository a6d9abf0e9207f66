/* hex: bytes and numbers as execution-apis writes them.
 *
 * DATA is 0x and two digits a byte; QUANTITY is 0x and the shortest number ("0x0" for zero).
 * Readers are strict and name what is wrong through the status: FAN_EFORMAT for what is no hex, FAN_ELIMIT for too
 * long. Spec: execution-apis, "Hex value encoding". */
#ifndef CODEC_HEX_H
#define CODEC_HEX_H

#include "base/arena.h"

/* Two lower-case digits a byte, no prefix, no NUL; `out` has room for 2 × s.len. */
void hex_encode(struct slice s, char *out);
/* Digits without prefix, an even number, either case; `out` has room for digits.len / 2. */
FAN_MUST_CHECK enum fan_status hex_decode(struct slice digits, uint8_t *out);

/* "0x…" of exactly len bytes into out. */
FAN_MUST_CHECK enum fan_status hex_read_fixed(struct slice text, uint8_t *out, size_t len);
/* "0x…" of any even length, at most len_max bytes (0: no limit), into the arena. */
FAN_MUST_CHECK enum fan_status hex_read_data(struct slice text, size_t len_max, struct arena *a, struct slice *out);
/* QUANTITY: "0x0" … 16 digits, no leading zeros, as geth's hexutil reads it. */
FAN_MUST_CHECK enum fan_status hex_read_u64(struct slice text, uint64_t *out);
/* QUANTITY of at most 256 bits; leading zeros refused. */
FAN_MUST_CHECK enum fan_status hex_read_u256(struct slice text, struct fan_u256 *out);

/* The shortest digits of v behind 0x; returns the length, at most 18 (66). Not NUL-terminated. */
size_t hex_write_u64(uint64_t v, char out[18]);
size_t hex_write_u256(const struct fan_u256 *v, char out[66]);

/* EIP-55 mixed-case form, "0x" and 40 digits, NUL-terminated. */
void hex_write_checksum(const struct fan_address *address, char out[43]);

#endif
