/* devchain: a development chain's accounts and genesis from its options.
 *
 * Shared by `fanatico dev`, which runs on them, and `fanatico genesis`, which prints them. */
#ifndef CMD_DEVCHAIN_H
#define CMD_DEVCHAIN_H

#include "eth/genesis.h"
#include "options.h"

struct devchain {
    const char *mnemonic; /* its words between single spaces; in memory */
    struct arena_home memory;
    struct fan_address *accounts;
    uint8_t (*secrets)[32];
    size_t account_count;
    struct genesis genesis;
    struct arena_home kept; /* of a genesis that came from a store */
    bool from_file; /* --genesis: the accounts below hold what the file gives them */
};

/* Zeroed or initialised is fine for the last. FAN_EINVAL and FAN_EIO with words for the user. */
FAN_MUST_CHECK enum fan_status devchain_init(struct devchain *d, const struct options *o, struct fan_error *err);
void devchain_fini(struct devchain *d);
/* A genesis of other rules for the accounts it has, in the arena: on a fork they follow from the other chain. */
FAN_MUST_CHECK enum fan_status devchain_genesis(const struct devchain *d, const struct options *o, uint64_t chain_id,
                                                enum fork newest, struct arena *a, struct genesis *out,
                                                struct fan_error *err);

/* A file whole, into the arena. FAN_EIO with "PATH: why". */
FAN_MUST_CHECK enum fan_status read_file(const char *path, struct arena *a, struct slice *out, struct fan_error *err);
/* A genesis.json, likewise. FAN_EIO, FAN_EFORMAT with "PATH: why". */
FAN_MUST_CHECK enum fan_status read_genesis(const char *path, struct arena *a, struct genesis *out, struct fan_error *err);

#endif
