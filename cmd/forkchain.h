/* forkchain: what --fork-url and its kin ask for: another node's chain as the ground of a development chain. */
#ifndef CMD_FORKCHAIN_H
#define CMD_FORKCHAIN_H

#include <pthread.h>

#include "chain/remote.h"
#include "devchain.h"
#include "local/local.h"

/* Raised when the program is to end, so that nobody waits for another node any more. */
struct forkchain {
    const struct options *options;
    struct devchain *chain;
    int halt_fd;
    pthread_mutex_t lock; /* over: */
    char *url;            /* what was opened last, with all that is in it; NULL: nothing */
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
/* For struct local_ground: where a reset may put the chain. */
struct local_ground forkchain_ground(struct forkchain *f);
void forkchain_halt(struct forkchain *f);

#endif
