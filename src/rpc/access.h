/* access: which methods answer whom, by namespace, transport and token.
 *
 * A namespace is what stands before a name's first underscore. Each transport has all of them, or those the options
 * name for it; a method of another does not exist there. Some may be guarded: they want a token, which the connection
 * has checked. What a row says is worked out once, when the table is built; only names without a row are looked at
 * call by call. `rpc` itself is on everywhere, so that rpc_modules can tell what there is.
 *
 * Not here: development methods (exchange.c), what a token is (wire/jwt.h), who has shown one (conn/http.c).
 * Thread: any. */
#ifndef RPC_ACCESS_H
#define RPC_ACCESS_H

#include "rpc/rpc.h"

struct rpc_access {
    uint8_t off; /* bit n: not on enum conn_transport n */
    bool guarded;
};

struct slice rpc_namespace_of(struct slice method); /* all of it where there is no underscore */
struct rpc_access rpc_access_of(const struct rpc_options *o, struct slice method);

static inline bool rpc_access_is_on(struct rpc_access a, const struct conn_peer *p)
{
    return !(a.off >> p->transport & 1);
}

#endif
