/* log: what a person running the server reads, on standard error or standard output.
 *
 * Below app/ code returns its errors and leaves logging to the caller; this is for app/, cmd/ and the
 * few places that have no caller. One line is one write(), so lines of threads never mix. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Process-wide; LOG_INFO at start. Any thread. */
void log_set_level(enum log_level most);
/* A line on standard error: time, level, text. Any thread. */
void log_line(enum log_level level, const char *format, ...) FAN_PRINTF(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
