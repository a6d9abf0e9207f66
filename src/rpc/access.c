#include "rpc/access.h"

struct slice rpc_namespace_of(struct slice method)
{
    const uint8_t *end = method.len ? memchr(method.at, '_', method.len) : NULL;

    return end ? slice_first(method, (size_t)(end - method.at)) : method;
}

static bool lists(const struct rpc_names *list, struct slice name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->names[i], "*") == 0 || slice_eq_str(name, list->names[i])) return true;
    return false;
}

struct rpc_access rpc_access_of(const struct rpc_options *o, struct slice method)
{
    struct slice name = rpc_namespace_of(method);
    struct rpc_access a = {.guarded = lists(&o->guarded, name)};

    if (slice_eq_str(name, "rpc")) return a;
    for (unsigned i = 0; i < CONN_TRANSPORTS; i++)
        if (o->only[i].count && !lists(&o->only[i], name)) a.off |= (uint8_t)(1u << i);
    return a;
}
