#include "rpc/table.h"

#include <stdlib.h>

/* Eight bytes at a time, the last eight overlapping those before: names are short, and this is on every call's way. */
static uint64_t name_hash(struct slice name)
{
    uint64_t h = name.len, word = 0;

    for (size_t at = 0; at + sizeof word < name.len; at += sizeof word) {
        memcpy(&word, name.at + at, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    word = 0;
    if (name.len >= sizeof word)
        memcpy(&word, name.at + name.len - sizeof word, sizeof word);
    else
        memcpy(&word, name.at, name.len);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
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
                                  size_t table_count, const struct rpc_options *options)
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
            *c = (struct method_cell){.method = m, .name_len = (uint32_t)strlen(m->name)};
            if (options) c->access = rpc_access_of(options, slice_str(m->name));
            t->sorted[t->count++] = m;
        }
    qsort(t->sorted, t->count, sizeof *t->sorted, by_name);
    for (size_t i = 0; i < t->count; i++) find(t, slice_str(t->sorted[i]->name))->rank = (uint32_t)i;
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

const struct method_cell *method_table_get(const struct method_table *t, struct slice name)
{
    const struct method_cell *c = name.len ? find(t, name) : NULL;

    return c && c->method ? c : NULL;
}
