#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *const level_name[LOG_LEVEL_COUNT] = {"error", "warn", "info", "debug"};

static atomic_int level_max = LOG_INFO, format_now = LOG_TEXT;
static atomic_int out_fd = STDERR_FILENO;
static char *file_path; /* NULL: standard error */
static _Atomic uint64_t lines[LOG_LEVEL_COUNT], lost;

void log_set(enum log_level most, enum log_format format)
{
    atomic_store(&level_max, (int)most);
    atomic_store(&format_now, (int)format);
}

enum log_format log_format_now(void)
{
    return (enum log_format)atomic_load(&format_now);
}

bool log_wants(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_max, memory_order_relaxed);
}

uint64_t log_lines(enum log_level level)
{
    return atomic_load_explicit(&lines[level], memory_order_relaxed);
}

uint64_t log_lost(void)
{
    return atomic_load_explicit(&lost, memory_order_relaxed);
}

/* ---- the file ---- */

static enum fan_status open_file(const char *path, struct fan_error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640), now = atomic_load(&out_fd);

    if (fd < 0) return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    if (now == STDERR_FILENO) {
        atomic_store(&out_fd, fd);
        return FAN_OK;
    }
    /* The number stays, so that a thread about to write finds a file behind it whichever it is. */
    if (dup3(fd, now, O_CLOEXEC) < 0) {
        (void)close(fd);
        return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    }
    (void)close(fd);
    return FAN_OK;
}

enum fan_status log_to_file(const char *path, struct fan_error *err)
{
    char *copy = strdup(path);
    enum fan_status s = copy ? open_file(path, err) : fan_error_set(err, FAN_ENOMEM, "out of memory");

    if (s) {
        free(copy);
        return s;
    }
    free(file_path);
    file_path = copy;
    return FAN_OK;
}

bool log_has_file(void)
{
    return file_path != NULL;
}

enum fan_status log_reopen(struct fan_error *err)
{
    return file_path ? open_file(file_path, err) : FAN_OK;
}

/* ---- a line ---- */

/* Room for what must come behind every value: quotes, braces, the line feed. */
enum { TAIL_ROOM = 8 };

struct line {
    char *at;
    size_t len;
};

static void put(struct line *l, const char *text, size_t len)
{
    if (len > LOG_LINE_MAX - TAIL_ROOM - l->len) len = LOG_LINE_MAX - TAIL_ROOM - l->len;
    memcpy(l->at + l->len, text, len);
    l->len += len;
}

static void put_str(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* What closes a value always has room. */
static void put_end(struct line *l, const char *text)
{
    size_t len = strlen(text);

    memcpy(l->at + l->len, text, len);
    l->len += len;
}

/* How many bytes a well-formed UTF-8 character has here; 0: it is none (RFC 3629: no surrogates, shortest form). */
static size_t character(struct slice s)
{
    uint8_t a = s.at[0];
    size_t len = a < 0x80 ? 1 : a >= 0xc2 && a < 0xe0 ? 2 : a >= 0xe0 && a < 0xf0 ? 3 : a >= 0xf0 && a < 0xf5 ? 4 : 0;

    if (!len || len > s.len) return 0;
    for (size_t i = 1; i < len; i++)
        if ((s.at[i] & 0xc0) != 0x80) return 0;
    if (len == 3 && ((a == 0xe0 && s.at[1] < 0xa0) || (a == 0xed && s.at[1] >= 0xa0))) return 0;
    if (len == 4 && ((a == 0xf0 && s.at[1] < 0x90) || (a == 0xf4 && s.at[1] >= 0x90))) return 0;
    return len;
}

/* Moves a cursor, ends a line, or turns the reading round: no line of ours may do that. C0, DEL, C1 (U+0080 …), and the
 * characters that change direction or break lines (U+2028 … U+202E, U+2066 … U+2069). */
static bool is_unprintable(struct slice s, size_t len)
{
    if (len == 1) return s.at[0] < 0x20 || s.at[0] == 0x7f;
    if (len == 2) return s.at[0] == 0xc2 && s.at[1] < 0xa0;
    if (len != 3 || s.at[0] != 0xe2) return false;
    return (s.at[1] == 0x80 && s.at[2] >= 0xa8 && s.at[2] <= 0xae) ||
           (s.at[1] == 0x81 && s.at[2] >= 0xa6 && s.at[2] <= 0xa9);
}

static uint32_t code_of(struct slice s, size_t len)
{
    uint32_t code = len == 1 ? s.at[0] : s.at[0] & (0x7fu >> len);

    for (size_t i = 1; i < len; i++) code = code << 6 | (s.at[i] & 0x3f);
    return code;
}

/* Inside quotes: what is unprintable as \uXXXX, bytes that are no UTF-8 as U+FFFD. */
static void put_escaped(struct line *l, struct slice s)
{
    while (s.len) {
        size_t len = character(s);
        char text[8];

        if (l->len + sizeof text > LOG_LINE_MAX - TAIL_ROOM) return; /* cut between characters */
        if (!len) {
            put_str(l, "\xef\xbf\xbd");
            len = 1;
        } else if (is_unprintable(s, len)) {
            (void)snprintf(text, sizeof text, "\\u%04x", (unsigned)code_of(s, len));
            put_str(l, text);
        } else {
            if (s.at[0] == '"' || s.at[0] == '\\') put_str(l, "\\");
            put(l, (const char *)s.at, len);
        }
        s = slice_from(s, len);
    }
}

static void put_quoted(struct line *l, struct slice s)
{
    put_str(l, "\"");
    put_escaped(l, s);
    put_end(l, "\"");
}

/* Can it stand there as it is? */
static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t b = s.at[i];

        if (b <= ' ' || b >= 0x7f || b == '"' || b == '\\' || b == '=') return false;
    }
    return s.len > 0;
}

static void put_number(struct line *l, uint64_t n)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    put_str(l, text);
}

static void put_time(struct line *l, uint64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    char text[40];
    struct tm tm;
    size_t len;

    (void)gmtime_r(&seconds, &tm);
    len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text + len, sizeof text - len, ".%03uZ", (unsigned)(unix_ms % 1000));
    put_str(l, text);
}

static bool has_room(const struct line *l, const struct log_field *f)
{
    return l->len + strlen(f->key) + 40 < LOG_LINE_MAX - TAIL_ROOM;
}

static void put_text_line(struct line *l, uint64_t unix_ms, enum log_level level, const char *area, const char *words,
                          const struct log_field *fields)
{
    char head[64];

    put_time(l, unix_ms);
    (void)snprintf(head, sizeof head, " %-5s %-7s ", level_name[level], area);
    put_str(l, head);
    put_str(l, words);
    for (const struct log_field *f = fields; f && f->key && has_room(l, f); f++) {
        put_str(l, f == fields ? "  " : " ");
        put_str(l, f->key);
        put_str(l, "=");
        if (f->is_number)
            put_number(l, f->number);
        else if (is_plain(f->text))
            put(l, (const char *)f->text.at, f->text.len);
        else
            put_quoted(l, f->text);
    }
}

static void put_json_key(struct line *l, const char *key)
{
    put_str(l, ",\"");
    put_str(l, key);
    put_str(l, "\":");
}

static void put_json_line(struct line *l, uint64_t unix_ms, enum log_level level, const char *area, const char *words,
                          const struct log_field *fields)
{
    put_str(l, "{\"time\":\"");
    put_time(l, unix_ms);
    put_str(l, "\"");
    put_json_key(l, "level");
    put_quoted(l, slice_str(level_name[level]));
    put_json_key(l, "area");
    put_quoted(l, slice_str(area));
    put_json_key(l, "message");
    put_quoted(l, slice_str(words));
    for (const struct log_field *f = fields; f && f->key && has_room(l, f); f++) {
        put_json_key(l, f->key);
        if (f->is_number)
            put_number(l, f->number);
        else
            put_quoted(l, f->text);
    }
    put_end(l, "}");
}

size_t log_put(char out[LOG_LINE_MAX], enum log_format format, uint64_t unix_ms, enum log_level level, const char *area,
               const char *words, const struct log_field *fields)
{
    struct line l = {.at = out};

    if (format == LOG_JSON)
        put_json_line(&l, unix_ms, level, area, words, fields);
    else
        put_text_line(&l, unix_ms, level, area, words, fields);
    put_end(&l, "\n");
    return l.len;
}

void log_write(enum log_level level, const char *area, const char *words, const struct log_field *fields)
{
    char line[LOG_LINE_MAX];
    struct timespec now;
    size_t len;

    if (!log_wants(level)) return;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    len = log_put(line, log_format_now(), (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u, level, area,
                  words, fields);
    atomic_fetch_add_explicit(&lines[level], 1, memory_order_relaxed);
    if (write(atomic_load(&out_fd), line, len) != (ssize_t)len)
        atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
}
