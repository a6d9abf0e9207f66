/* types: the plain data every room of Fanatico, and every host, agrees on.
 *
 * A status, an error with words for a person, and the three fixed-size values of
 * Ethereum. Nothing here owns memory, so everything may be copied by assignment.
 *
 * Not here: 256-bit arithmetic (src/codec/u256.h), blocks and logs as a host
 * announces them (hooks.h). */
#ifndef FANATICO_TYPES_H
#define FANATICO_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FAN_API __attribute__((visibility("default")))
#define FAN_MUST_CHECK __attribute__((warn_unused_result))
#define FAN_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define FAN_API
#define FAN_MUST_CHECK
#define FAN_PRINTF(format_index, first_index)
#endif

/* Every status with the text a person reads. 0 is success; the order is part of the ABI. */
#define FAN_STATUS_TABLE(X)                                                                        \
    X(FAN_OK, "success")                                                                           \
    X(FAN_ENOMEM, "out of memory")                                                                 \
    X(FAN_EINVAL, "invalid argument")                                                              \
    X(FAN_EFORMAT, "malformed data")                                                               \
    X(FAN_ELIMIT, "a limit was reached")                                                           \
    X(FAN_ENOTFOUND, "not found")                                                                  \
    X(FAN_EEXIST, "already there")                                                                 \
    X(FAN_EIO, "input or output failed")                                                           \
    X(FAN_ESYSTEM, "a system call failed")                                                         \
    X(FAN_EAGAIN, "not now")                                                                       \
    X(FAN_ECLOSED, "closed")                                                                       \
    X(FAN_ETIMEOUT, "timed out")                                                                   \
    X(FAN_EREJECTED, "refused by a rule")                                                          \
    X(FAN_EUNSUPPORTED, "not supported")                                                           \
    X(FAN_ESTALE, "overtaken by a change of the chain")                                            \
    X(FAN_EINTERNAL, "internal error")                                                             \
    X(FAN_EREMOTE, "another node did not answer")

enum fan_status {
#define X(name, text) name,
    FAN_STATUS_TABLE(X)
#undef X
    FAN_STATUS_COUNT
};

/* The text of s, static and NUL-terminated; "unknown status" for a number out of the table. */
FAN_API const char *fan_status_text(enum fan_status s);

/* What a person is told beside a status: what, where and why, NUL-terminated.
 * The caller owns it and may pass NULL wherever one is taken. */
struct fan_error {
    char text[512];
};

/* Writes a message into err, cut at its size; NULL is fine. Returns s, so that a failing
 * function can end in `return fan_error_set(err, FAN_EFORMAT, "byte %zu: …", at)`. */
FAN_API enum fan_status fan_error_set(struct fan_error *err, enum fan_status s, const char *format, ...)
    FAN_PRINTF(3, 4);

/* 32 bytes as Keccak-256 gives them, most significant first. */
struct fan_hash {
    uint8_t bytes[32];
};

/* The last 20 bytes of a public key's hash (Yellow Paper, section 4.1). */
struct fan_address {
    uint8_t bytes[20];
};

/* A 256-bit unsigned number, four limbs of 64 bits, least significant first. */
struct fan_u256 {
    uint64_t limb[4];
};

#endif
