/* fanatico_status: what the server does right now, for the status page and whoever looks likewise. It is asked for, never
 * pushed, so it costs nobody anything who does not look. */
#include "api/method.h"
#include "api/tables.h"

static void status(struct call *call)
{
    const struct api_status *s = &api_of(call)->options.status;
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    if (!s->put) {
        call_fail(call, CODE_NO_METHOD, "fanatico_status: this server has none");
    } else if (!s->may_read(s->ctx, call_peer(call))) {
        call_fail(call, CODE_NO_METHOD, "fanatico_status: not from here (--metrics-access)");
    } else {
        s->put(s->ctx, call_result(call));
        call_finish(call);
    }
}

const struct rpc_method api_fanatico_methods[] = {
    {"fanatico_status", RPC_INLINE, 0, status},
};
