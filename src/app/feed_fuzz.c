/* A feeder's bytes. Properties: each line arrives once, in order, without its end, and no empty one; each that was
 * refused is answered with its number, and nothing else is. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/feed.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct expected {
    struct slice rest;
    uint64_t number;
    struct buf answers; /* the numbers that are to be answered, as text */
};

/* The next line that is not empty, cut as feed.h says. */
static struct slice next_line(struct expected *e)
{
    struct slice line = {0};

    while (!line.len && e->rest.len) {
        const uint8_t *end = memchr(e->rest.at, '\n', e->rest.len);

        line = slice_first(e->rest, end ? (size_t)(end - e->rest.at) : e->rest.len);
        e->rest = slice_from(e->rest, line.len + (end != NULL));
        e->number++;
        if (line.len && line.at[line.len - 1] == '\r') line.len--;
    }
    return line;
}

static enum fan_status each(void *ctx, const char *line, size_t len, struct fan_error *err)
{
    struct expected *e = ctx;

    assert(len && slice_eq(slice_of(line, len), next_line(e)));
    if (line[0] != 'x') return FAN_OK;
    buf_printf(&e->answers, "%llu\n", (unsigned long long)e->number);
    return fan_error_set(err, FAN_EFORMAT, "%.*s", (int)(len < 100 ? len : 100), line);
}

static void check_answers(struct slice text, struct buf *numbers)
{
    struct buf seen;

    buf_init(&seen, 0);
    while (text.len) {
        const uint8_t *end = memchr(text.at, '\n', text.len);
        struct slice line = slice_first(text, end ? (size_t)(end - text.at) : text.len);
        struct arena_home home;
        struct arena a;
        struct json v;

        assert(end);
        text = slice_from(text, line.len + 1);
        arena_home_init(&home, 0);
        a = arena_of(&home);
        if (json_parse(line, 2, &a, &v, NULL)) abort();
        buf_put(&seen, json_raw(json_get(v, "line")));
        buf_put_byte(&seen, '\n');
        arena_home_fini(&home);
    }
    assert(slice_eq(buf_peek(&seen), buf_peek(numbers)));
    buf_fini(&seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int in = -1, out = -1;
    struct expected e = {.rest = slice_of(data, size)};
    off_t len;
    uint8_t *answers;

    if (in < 0) in = memfd_create("in", 0), out = memfd_create("out", 0);
    if (ftruncate(in, 0) || ftruncate(out, 0) || pwrite(in, data, size, 0) != (ssize_t)size) abort();
    if (lseek(in, 0, SEEK_SET) || lseek(out, 0, SEEK_SET)) abort();
    buf_init(&e.answers, 0);
    if (feed_read(in, out, each, &e)) abort();
    assert(!next_line(&e).len);
    len = lseek(out, 0, SEEK_END);
    answers = malloc((size_t)len + 1);
    if (!answers || pread(out, answers, (size_t)len, 0) != len) abort();
    check_answers(slice_of(answers, (size_t)len), &e.answers);
    free(answers);
    buf_fini(&e.answers);
    return 0;
}
