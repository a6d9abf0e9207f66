/* The tables as a whole: what rpc_new() will be given. */
#include "api/api.h"

#include <stdlib.h>

#include "base/test.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

TEST(every_row_is_filled_and_names_are_unique, t)
{
    const char *names[512];
    size_t count = 0;

    for (size_t i = 0; i < api_table_count; i++) {
        for (size_t k = 0; k < api_table_counts[i]; k++) {
            const struct rpc_method *m = &api_tables[i][k];

            REQUIRE(t, m->name != NULL && m->run != NULL);
            REQUIRE(t, count < COUNT_OF(names));
            names[count++] = m->name;
        }
    }
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 1; i < count; i++) CHECK(t, strcmp(names[i - 1], names[i]) != 0);
}

static bool starts(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* What edits the chain or signs must answer by --dev-methods, whoever adds a row. */
TEST(what_edits_or_signs_is_a_development_method, t)
{
    for (size_t i = 0; i < api_table_count; i++) {
        for (size_t k = 0; k < api_table_counts[i]; k++) {
            const struct rpc_method *m = &api_tables[i][k];
            bool dev = starts(m->name, "evm_") || starts(m->name, "anvil_") || starts(m->name, "hardhat_") ||
                       starts(m->name, "personal_") || starts(m->name, "eth_sign") || starts(m->name, "tenderly_") ||
                       starts(m->name, "eth_sendTransaction") || !strcmp(m->name, "eth_sendUnsignedTransaction");
            bool subscription = !strcmp(m->name, "eth_subscribe") || !strcmp(m->name, "eth_unsubscribe");

            CHECK_EQ(t, (m->flags & RPC_DEVELOPMENT) != 0, dev);
            CHECK_EQ(t, (m->flags & RPC_NOTIFIES) != 0, subscription);
            if (subscription) CHECK_EQ(t, m->start, RPC_INLINE);
        }
    }
}

TEST(options_have_the_designs_defaults, t)
{
    struct api_options none = {{0}, .call_timeout_ms = 7};
    struct api a, b;

    api_init(&a, NULL, NULL, &none);
    api_init(&b, NULL, NULL, &none);
    CHECK_EQ(t, a.options.call_gas_max, 50000000);
    CHECK_EQ(t, a.options.call_timeout_ms, 7);
    CHECK_EQ(t, a.options.logs_max, 100000);
    CHECK_EQ(t, a.options.filter.addresses_max, 1000);
    CHECK_EQ(t, a.options.filter.alternatives_max, 1000);
    CHECK(t, memcmp(&a.instance_id, &b.instance_id, sizeof a.instance_id) != 0);
}
