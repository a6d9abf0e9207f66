/* tables: one table of rows a file; api.c joins them. The number is how many rows: the compiler holds it against the
 * table. */
#ifndef API_TABLES_H
#define API_TABLES_H

#include "rpc/rpc.h"

#define API_TABLES(X)                                                                                                  \
    X(eth_block, 13)                                                                                                   \
    X(eth_tx, 9)                                                                                                       \
    X(eth_state, 8)                                                                                                    \
    X(eth_call, 2)                                                                                                     \
    X(eth_estimate, 1)                                                                                                 \
    X(eth_fee, 5)                                                                                                      \
    X(eth_send, 7)                                                                                                     \
    X(eth_account, 8)                                                                                                  \
    X(eth_simulate, 1)                                                                                                 \
    X(eth_config, 1)                                                                                                   \
    X(eth_capabilities, 1)                                                                                             \
    X(eth_logs, 1)                                                                                                     \
    X(eth_filter, 6)                                                                                                   \
    X(eth_subscribe, 2)                                                                                                \
    X(eth_chain, 9)                                                                                                    \
    X(web3, 3)                                                                                                         \
    X(fanatico, 1)                                                                                                     \
    X(txpool, 5)                                                                                                       \
    X(debug_raw, 4)                                                                                                    \
    X(debug_trace, 5)                                                                                                  \
    X(debug_state, 6)                                                                                                  \
    X(parity, 4)                                                                                                       \
    X(parity_replay, 5)                                                                                                \
    X(otterscan, 7)                                                                                                    \
    X(otterscan_pages, 5)                                                                                              \
    X(dev_mine, 26)                                                                                                    \
    X(dev_time, 10)                                                                                                    \
    X(dev_state, 28)                                                                                                   \
    X(dev_info, 14)                                                                                                    \
    X(dev_token, 5)                                                                                                    \
    X(dev_whole, 6)

#define X(name, count) extern const struct rpc_method api_##name##_methods[count];
API_TABLES(X)
#undef X

#endif
