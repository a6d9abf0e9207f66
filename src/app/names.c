#include "app/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/access.h"

enum fan_status names_split(struct names *n, const char *option, const char *text, struct fan_error *err)
{
    char *save = NULL;

    *n = (struct names){0};
    if (!text || !*text) return FAN_OK;
    n->text = strdup(text);
    if (!n->text) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    for (char *name = strtok_r(n->text, ", ", &save); name; name = strtok_r(NULL, ", ", &save)) {
        if (n->count == NAMES_MAX) {
            names_fini(n);
            return fan_error_set(err, FAN_EINVAL, "%s: at most %d names", option, NAMES_MAX);
        }
        n->names[n->count++] = name;
    }
    return FAN_OK;
}

void names_fini(struct names *n)
{
    free(n->text);
    *n = (struct names){0};
}

/* Lists them once each, in the order in which they come, each with a blank before and a comma behind. */
static void list_namespaces(const struct rpc_method *const *tables, const size_t *counts, size_t table_count, char *out,
                            size_t out_len)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t t = 0; t < table_count; t++)
        for (size_t i = 0; i < counts[t]; i++) {
            struct slice name = rpc_namespace_of(slice_str(tables[t][i].name));
            char text[40];

            (void)snprintf(text, sizeof text, " %.*s,", SLICE_ARGS(name));
            if (strstr(out, text) || at + strlen(text) >= out_len) continue;
            (void)memcpy(out + at, text, strlen(text) + 1);
            at += strlen(text);
        }
}

enum fan_status names_check_namespaces(const struct names *n, const char *option,
                                       const struct rpc_method *const *tables, const size_t *counts, size_t table_count,
                                       struct fan_error *err)
{
    char all[300], name[80];

    list_namespaces(tables, counts, table_count, all, sizeof all);
    for (size_t i = 0; i < n->count; i++) {
        (void)snprintf(name, sizeof name, " %.60s,", n->names[i]);
        if (strcmp(n->names[i], "*") == 0 || strstr(all, name)) continue;
        return fan_error_set(err, FAN_EINVAL, "%s: \"%.60s\" is no namespace; there are%.*s", option, n->names[i],
                             (int)strlen(all) - 1, all);
    }
    return FAN_OK;
}
