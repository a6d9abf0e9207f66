#include "rpc/access.h"

#include "base/test.h"

TEST(a_namespace_is_what_stands_before_the_first_underscore, t)
{
    CHECK_STR(t, rpc_namespace_of(SLICE("eth_getBalance")), "eth");
    CHECK_STR(t, rpc_namespace_of(SLICE("eth_get_balance")), "eth");
    CHECK_STR(t, rpc_namespace_of(SLICE("_x")), "");
    CHECK_STR(t, rpc_namespace_of(SLICE("status")), "status");
    CHECK_STR(t, rpc_namespace_of(SLICE("")), "");
}

TEST(what_is_on_where, t)
{
    static const char *const http[] = {"eth", "net"}, *const all[] = {"*"}, *const guarded[] = {"debug", "rpc"};
    static const struct {
        const char *method;
        bool http, ws, ipc, guarded;
    } row[] = {
        {"eth_call", true, true, true, false},   {"net_version", true, true, true, false},
        {"debug_x", false, true, true, true},    {"ethx_call", false, true, true, false},
        {"et_call", false, true, true, false},   {"eth", true, true, true, false},
        {"rpc_modules", true, true, true, true}, {"", false, true, true, false},
    };
    const struct rpc_options o = {.only = {[CONN_HTTP] = {http, 2}, [CONN_WEBSOCKET] = {all, 1}},
                                  .guarded = {guarded, 2}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct rpc_access a = rpc_access_of(&o, slice_str(row[i].method));

        CHECK_EQ(t, rpc_access_is_on(a, &(struct conn_peer){.transport = CONN_HTTP}), row[i].http);
        CHECK_EQ(t, rpc_access_is_on(a, &(struct conn_peer){.transport = CONN_WEBSOCKET}), row[i].ws);
        CHECK_EQ(t, rpc_access_is_on(a, &(struct conn_peer){.transport = CONN_IPC}), row[i].ipc);
        CHECK_EQ(t, a.guarded, row[i].guarded);
    }
    CHECK_EQ(t, rpc_access_of(&(struct rpc_options){0}, SLICE("anything_x")).off, 0);
}
