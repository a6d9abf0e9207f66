#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int level_max = LOG_INFO;

void log_set_level(enum log_level most)
{
    atomic_store_explicit(&level_max, (int)most, memory_order_relaxed);
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const name[] = {"error", "warn ", "info ", "debug"};
    char line[1024];
    struct timespec now;
    struct tm tm;
    size_t len;
    va_list args;

    if ((int)level > atomic_load_explicit(&level_max, memory_order_relaxed)) return;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    len = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
    len += (size_t)snprintf(line + len, sizeof line - len, ".%03ldZ %s ", now.tv_nsec / 1000000, name[level]);
    va_start(args, format);
    (void)vsnprintf(line + len, sizeof line - len - 1, format, args);
    va_end(args);
    len = strlen(line);
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0) return; /* nobody is left to tell */
}
