/* names: "a,b,c" as an array, for lists of host names and origins. */
#ifndef APP_NAMES_H
#define APP_NAMES_H

#include "base/base.h"

enum { NAMES_MAX = 64 };

struct names {
    char *text; /* ours, cut into pieces */
    const char *names[NAMES_MAX];
    size_t count;
};

/* Splits at commas and blanks; NULL and "" are no names. FAN_EINVAL: more than NAMES_MAX, err names the option;
 * FAN_ENOMEM. n is then empty. */
FAN_MUST_CHECK enum fan_status names_split(struct names *n, const char *option, const char *text,
                                           struct fan_error *err);
void names_fini(struct names *n); /* zeroed is fine */

struct rpc_method;
/* Is each of them * or a namespace of these tables' methods? FAN_EINVAL: err names the option, the name, and what there
 * is. */
FAN_MUST_CHECK enum fan_status names_check_namespaces(const struct names *n, const char *option,
                                                      const struct rpc_method *const *tables, const size_t *counts,
                                                      size_t table_count, struct fan_error *err);

#endif
