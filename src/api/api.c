#include "api/api.h"

#include "api/tables.h"
#include "base/random.h"

static void default_u64(uint64_t *value, uint64_t otherwise)
{
    if (!*value) *value = otherwise;
}

static void default_size(size_t *value, size_t otherwise)
{
    if (!*value) *value = otherwise;
}

void api_init(struct api *a, struct chain *chain, struct hub *hub, const struct api_options *options)
{
    struct api_options *o = &a->options;

    *a = (struct api){.chain = chain, .hub = hub, .options = *options};
    random_bytes(a->instance_id.bytes, sizeof a->instance_id.bytes);
    if (!o->client_version.len) o->client_version = SLICE("fanatico");
    default_u64(&o->call_gas_max, 50000000);
    default_u64(&o->call_timeout_ms, 5000);
    default_size(&o->logs_max, 100000);
    default_u64(&o->inline_blocks_max, 64);
    default_u64(&o->fee_history_blocks_max, 1024);
    default_size(&o->proof_slots_max, 1024);
    default_size(&o->filter.addresses_max, 1000);
    default_size(&o->filter.alternatives_max, 1000);
}

const struct rpc_method *const api_tables[] = {
#define X(name, count) api_##name##_methods,
    API_TABLES(X)
#undef X
};

const size_t api_table_counts[] = {
#define X(name, count) count,
    API_TABLES(X)
#undef X
};

const size_t api_table_count = COUNT_OF(api_tables);
