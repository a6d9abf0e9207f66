#include "fanatico/types.h"

#include <stdarg.h>
#include <stdio.h>

const char *fan_status_text(enum fan_status s)
{
    static const char *const text[] = {
#define X(name, words) words,
        FAN_STATUS_TABLE(X)
#undef X
    };

    return (unsigned)s < FAN_STATUS_COUNT ? text[s] : "unknown status";
}

enum fan_status fan_error_set(struct fan_error *err, enum fan_status s, const char *format, ...)
{
    va_list args;

    if (!err) return s;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return s;
}
