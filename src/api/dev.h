/* dev: what the development methods share.
 *
 * All of them run on the writer, and all their names for one thing (evm_, anvil_, hardhat_) share one function. What
 * they answer is what anvil answers, since the tools that call them were written against it. */
#ifndef API_DEV_H
#define API_DEV_H

#include "api/view.h"

/* The controls of the chain. NULL after answering: the parameters were refused, or there are no controls (-32601). */
const struct chain_dev_ops *dev_of(struct call *call, struct params *p);

#endif
