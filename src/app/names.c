#include "app/names.h"

#include <stdlib.h>
#include <string.h>

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
