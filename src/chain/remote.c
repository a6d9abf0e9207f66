#include "chain/remote.h"

static _Thread_local struct fan_error noted;

struct chain_remote *chain_remote_ref(struct chain_remote *r)
{
    ref_get(&r->ref);
    return r;
}

void chain_remote_unref(struct chain_remote *r)
{
    if (r && ref_put(&r->ref)) r->ops->free(r);
}

enum fan_status chain_remote_note(const struct fan_error *why)
{
    noted = *why;
    return FAN_EREMOTE;
}

const struct fan_error *chain_remote_noted(void)
{
    return &noted;
}
