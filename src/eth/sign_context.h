/* sign_context: libsecp256k1's context, shared by the files of eth/ that call it. Made on first use; any thread. */
#ifndef ETH_SIGN_CONTEXT_H
#define ETH_SIGN_CONTEXT_H

#include <secp256k1.h>

const secp256k1_context *sign_context(void);

#endif
