#include "api/method.h"

#include "chain/remote.h"

struct api *api_of(const struct call *call)
{
    return call_app(call);
}

struct params params_of_call(struct call *call, size_t most)
{
    return params_of(call_params(call), call_arena(call), most);
}

bool params_refused(const struct params *p, struct call *call)
{
    if (!p->code) return false;
    call_fail(call, p->code, "%s", p->error.text);
    return true;
}

void answer_null(struct call *call)
{
    json_put_null(call_result(call));
    call_finish(call);
}

void answer_true(struct call *call)
{
    json_put_bool(call_result(call), true);
    call_finish(call);
}

void answer_status(struct call *call, enum fan_status s, const struct fan_error *err)
{
    if (s == FAN_EREMOTE && chain_remote_noted()->text[0] && (!err || !err->text[0]))
        call_fail_status(call, s, chain_remote_noted()); /* it failed on this very thread */
    else if ((s == FAN_EREJECTED || s == FAN_EUNSUPPORTED) && err && err->text[0])
        call_fail(call, CODE_REFUSED, "%s", err->text);
    else
        call_fail_status(call, s, err && err->text[0] ? err : NULL);
}

void answer_done(struct call *call, enum fan_status s, const struct fan_error *err)
{
    if (s)
        answer_status(call, s, err);
    else
        answer_null(call);
}
