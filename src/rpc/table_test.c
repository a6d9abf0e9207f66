#include "rpc/table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

static void nothing(struct call *c)
{
    (void)c;
}

TEST(every_name_is_found_and_no_other, t)
{
    enum { METHODS = 500 };
    static struct rpc_method rows[METHODS];
    static char names[METHODS][24];
    const struct rpc_method *tables[2] = {rows, rows + 200};
    const size_t counts[2] = {200, METHODS - 200};
    struct method_table table;

    for (size_t i = 0; i < METHODS; i++) {
        (void)snprintf(names[i], sizeof names[i], "eth_method%zu", i * 7919 % METHODS);
        rows[i] = (struct rpc_method){.name = names[i], .run = nothing};
    }
    REQUIRE(t, !method_table_init(&table, tables, counts, 2, NULL));
    CHECK_EQ(t, table.count, METHODS);
    for (size_t i = 0; i < METHODS; i++) {
        const struct method_cell *whole = method_table_get(&table, slice_str(names[i])),
                                 *cut = method_table_get(&table, slice_of(names[i], strlen(names[i]) - 1));

        CHECK(t, whole && whole->method == &rows[i]);
        CHECK(t, whole && table.sorted[whole->rank] == &rows[i]);
        CHECK(t, !cut || cut->method != &rows[i]);
        if (i) CHECK(t, strcmp(table.sorted[i - 1]->name, table.sorted[i]->name) < 0);
    }
    CHECK(t, !method_table_get(&table, SLICE("eth_method500")));
    CHECK(t, !method_table_get(&table, SLICE("eth_")));
    CHECK(t, !method_table_get(&table, SLICE("")));
    method_table_fini(&table);
}

TEST(two_rows_of_one_name_are_refused, t)
{
    const struct rpc_method rows[] = {
        {.name = "a", .run = nothing}, {.name = "b", .run = nothing}, {.name = "a", .run = nothing}};
    const struct rpc_method *tables[] = {rows};
    const size_t counts[] = {COUNT_OF(rows)};
    struct method_table table;

    CHECK_EQ(t, method_table_init(&table, tables, counts, 1, NULL), FAN_EEXIST);
    CHECK(t, !table.cells);
    REQUIRE(t, !method_table_init(&table, NULL, NULL, 0, NULL));
    CHECK(t, !method_table_get(&table, SLICE("a")));
    method_table_fini(&table);
}
