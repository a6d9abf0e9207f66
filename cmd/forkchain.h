/* forkchain: what --fork-url and its kin ask for: another node's chain as the ground of a development chain. */
#ifndef CMD_FORKCHAIN_H
#define CMD_FORKCHAIN_H

#include "chain/remote.h"
#include "devchain.h"

/* Raised when the program is to end, so that nobody waits for another node any more. */
struct forkchain {
    const struct options *options;
    struct devchain *chain;
    int halt_fd; /* -1: no fork was asked for */
};

/* Refuses options that make no sense together, on a fork or without one. FAN_EINVAL. */
FAN_MUST_CHECK enum fan_status forkchain_check(const struct options *o, struct fan_error *err);
FAN_MUST_CHECK enum fan_status forkchain_init(struct forkchain *f, const struct options *o, struct devchain *d,
                                              struct fan_error *err);
void forkchain_fini(struct forkchain *f); /* zeroed is fine, once nobody asks the other node any more */
/* Connects to --fork-url, and makes the rules of the devchain those of its chain: its chain id unless --chain-id is
 * given, and unless --hardfork is given the fork its block is of. The caller owns *out; NULL where no fork was asked
 * for. What does not hinder is said on standard error. */
FAN_MUST_CHECK enum fan_status forkchain_open(struct forkchain *f, struct chain_remote **out, struct fan_error *err);
void forkchain_halt(struct forkchain *f);

#endif
