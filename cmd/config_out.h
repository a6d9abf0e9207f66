/* config_out: who may sign on a development chain, as JSON in a file, in anvil's form (--config-out). */
#ifndef CMD_CONFIG_OUT_H
#define CMD_CONFIG_OUT_H

#include "chain/chain.h"
#include "devchain.h"

/* The file appears once it is whole, for its owner alone to read: it holds keys. FAN_EIO: err says why not. Before the
 * writer starts. */
FAN_MUST_CHECK enum fan_status config_out_write(const char *path, const struct devchain *d, const struct options *o,
                                                struct chain *chain, struct fan_error *err);

#endif
