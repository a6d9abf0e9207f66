/* log: what a person running the server reads, or what their collector does: one line for each thing that happened.
 *
 *   2026-11-26T01:02:03.456Z warn  conn    slow reader closed  peer=192.0.2.7:51234 reason=memory waiting=16777216
 *   {"time":"2026-11-26T01:02:03.456Z","level":"warn","area":"conn","message":"slow reader
 * closed","peer":"192.0.2.7:51234",…}
 *
 * Time, level, area, words, then fields. The words are ours and constant; whatever comes from outside is a field's
 * value and is escaped, so that nobody can forge a line, end a string or move a cursor. Keys are constant too: scripts
 * may rely on them (docs/OPERATING.md lists them).
 *
 * A line is one write(), so lines of threads never mix; what does not fit into LOG_LINE_MAX is cut, within its value.
 * A line that cannot be written is counted and forgotten: a full disk stops no server.
 *
 * Below app/ code returns its errors and leaves logging to the caller; this is for app/ and cmd/. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_LEVEL_COUNT };
enum log_format { LOG_TEXT, LOG_JSON };
enum { LOG_LINE_MAX = 4096 };

struct log_field {
    const char *key; /* NULL: the end */
    struct slice text;
    uint64_t number;
    bool is_number;
};

static inline struct log_field log_str(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = slice_str(text)};
}

static inline struct log_field log_slice(const char *key, struct slice text)
{
    return (struct log_field){.key = key, .text = text};
}

static inline struct log_field log_u64(const char *key, uint64_t number)
{
    return (struct log_field){.key = key, .number = number, .is_number = true};
}

/* Before threads start; LOG_INFO and LOG_TEXT otherwise. */
void log_set(enum log_level most, enum log_format format);
enum log_format log_format_now(void);
/* Lines go to the end of that file instead of standard error. FAN_EIO with "PATH: why", and all is as it was. */
FAN_MUST_CHECK enum fan_status log_to_file(const char *path, struct fan_error *err);
bool log_has_file(void);
/* Opens the file anew, for whoever moves it away. Any one thread. Nothing happens where there is none. */
FAN_MUST_CHECK enum fan_status log_reopen(struct fan_error *err);
/* False where no such line would be written, for whoever would have to work for its fields. */
bool log_wants(enum log_level level);
/* Any thread. */
void log_write(enum log_level level, const char *area, const char *words, const struct log_field *fields);
/* Lines of that level so far, and lines lost because they could not be written. Any thread. */
uint64_t log_lines(enum log_level level);
uint64_t log_lost(void);

/* A line's bytes, with its line feed, into out; returns how many. For log_write() and tests. */
size_t log_put(char out[LOG_LINE_MAX], enum log_format format, uint64_t unix_ms, enum log_level level, const char *area,
               const char *words, const struct log_field *fields);

/* log_info("server", "ready", NULL);
 * log_warn("conn", "slow reader closed", LOG_WITH(log_str("peer", address), log_u64("waiting", bytes))); */
#define LOG_WITH(...)                  ((const struct log_field[]){__VA_ARGS__, {.key = NULL}})
#define log_error(area, words, fields) log_write(LOG_ERROR, area, words, fields)
#define log_warn(area, words, fields)  log_write(LOG_WARN, area, words, fields)
#define log_info(area, words, fields)  log_write(LOG_INFO, area, words, fields)
#define log_debug(area, words, fields) log_write(LOG_DEBUG, area, words, fields)

#endif
