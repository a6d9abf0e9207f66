#include "rpc/table.h"

#include <stdlib.h>

static uint64_t name_hash(struct slice name)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: names are short */

    for (size_t i = 0; i < name.len; i++) h = (h ^ name.at[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

/* The cell of that name, or the free one where it would go. */
static struct method_cell *find(const struct method_table *t, struct slice name)
{
    for (size_t i = name_hash(name);; i++) {
        struct method_cell *c = &t->cells[i & (t->cap - 1)];

        if (!c->method) return c;
        if (c->name_len == name.len && memcmp(c->method->name, name.at, name.len) == 0) return c;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct rpc_method *const *left = a, *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

enum fan_status method_table_init(struct method_table *t, const struct rpc_method *const *tables, const size_t *counts,
                                  size_t table_count)
{
    size_t total = 0;

    for (size_t i = 0; i < table_count; i++) total += counts[i];
    *t = (struct method_table){.cap = 16};
    while (t->cap < total * 4) t->cap *= 2;
    t->cells = calloc(t->cap, sizeof *t->cells);
    t->sorted = calloc(total + 1, sizeof *t->sorted);
    if (!t->cells || !t->sorted) goto fail;
    for (size_t i = 0; i < table_count; i++)
        for (size_t j = 0; j < counts[i]; j++) {
            const struct rpc_method *m = &tables[i][j];
            struct method_cell *c = find(t, slice_str(m->name));

            if (c->method) {
                method_table_fini(t);
                return FAN_EEXIST;
            }
            *c = (struct method_cell){m, (uint32_t)strlen(m->name)};
            t->sorted[t->count++] = m;
        }
    qsort(t->sorted, t->count, sizeof *t->sorted, by_name);
    return FAN_OK;
fail:
    method_table_fini(t);
    return FAN_ENOMEM;
}

void method_table_fini(struct method_table *t)
{
    free(t->cells);
    free(t->sorted);
    *t = (struct method_table){0};
}

const struct rpc_method *method_table_get(const struct method_table *t, struct slice name)
{
    return name.len ? find(t, name)->method : NULL;
}
