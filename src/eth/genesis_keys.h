/* genesis_keys: geth's names for the forks, in the file's order, for the parser and the writer of genesis.json. */
#ifndef ETH_GENESIS_KEYS_H
#define ETH_GENESIS_KEYS_H

#include "eth/fork.h"

struct genesis_key {
    const char *name;
    enum fork fork;
};

enum { GENESIS_BLOCK_KEY_COUNT = FORK_PARIS - FORK_HOMESTEAD, GENESIS_TIME_KEY_COUNT = FORK_COUNT - FORK_SHANGHAI };
extern const struct genesis_key GENESIS_BLOCK_KEYS[GENESIS_BLOCK_KEY_COUNT];
extern const struct genesis_key GENESIS_TIME_KEYS[GENESIS_TIME_KEY_COUNT];

#endif
