#include "app/feed.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/json.h"
#include "net/local_socket.h"

struct feeder {
    struct feed *feed;
    int fd; /* -1: the place is free */
    pthread_t thread;
    bool joinable;
};

struct feed {
    struct local_socket socket;
    feed_line *each;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock; /* over the feeders' descriptors and `closing` */
    bool closing;
    struct feeder feeders[FEEDERS_MAX];
};

/* ---- lines ---- */

static void answer(int fd, uint64_t line, const char *error)
{
    struct json_writer w;
    struct buf text;

    buf_init(&text, 0);
    w = json_writer_of(&text);
    json_begin_object(&w);
    json_put_key(&w, "line");
    json_put_number(&w, line);
    json_put_key(&w, "error");
    json_put_text(&w, error);
    json_end_object(&w);
    buf_put_byte(&text, '\n');
    for (size_t at = 0; !text.failed && at < text.len;) {
        ssize_t wrote = send(fd, text.at + at, text.len - at, MSG_NOSIGNAL); /* SIGPIPE would be the host's end */

        if (wrote < 0 && errno == ENOTSOCK) wrote = write(fd, text.at + at, text.len - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) break; /* a feeder that does not listen is not told */
        at += (size_t)wrote;
    }
    buf_fini(&text);
}

static void take_line(int answer_fd, uint64_t number, struct slice line, feed_line *each, void *ctx)
{
    struct fan_error err = {""};

    if (slice_ends(line, SLICE("\r"))) line.len--;
    if (line.len && each(ctx, (const char *)line.at, line.len, &err)) answer(answer_fd, number, err.text);
}

static void answer_long(int answer_fd, uint64_t number)
{
    struct fan_error err;

    (void)fan_error_set(&err, FAN_ELIMIT, "the line is too long: at most %d bytes", FEED_LINE_MAX);
    answer(answer_fd, number, err.text);
}

enum fan_status feed_read(int fd, int answer_fd, feed_line *each, void *ctx)
{
    enum { READ_BYTES = 65536 };
    uint64_t number = 1;
    enum fan_status s = FAN_OK;
    struct buf waiting;    /* the beginning of a line whose end has not come */
    bool skipping = false; /* of a line that is too long: it has been answered, the rest goes by */

    buf_init(&waiting, FEED_LINE_MAX + 1 + READ_BYTES);
    for (;;) {
        size_t from = waiting.len;
        const uint8_t *end;
        struct slice rest;
        ssize_t got;

        if (!buf_reserve(&waiting, READ_BYTES)) {
            s = FAN_ENOMEM;
            break;
        }
        got = read(fd, waiting.at + from, READ_BYTES);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) s = FAN_EIO;
        if (got <= 0) break;
        waiting.len += (size_t)got;
        rest = buf_peek(&waiting);
        for (size_t searched = from; (end = memchr(rest.at + searched, '\n', rest.len - searched)) != NULL;
             searched = 0) {
            struct slice line = slice_first(rest, (size_t)(end - rest.at));

            if (line.len > FEED_LINE_MAX && !skipping)
                answer_long(answer_fd, number);
            else if (!skipping)
                take_line(answer_fd, number, line, each, ctx);
            skipping = false;
            number++;
            rest = slice_from(rest, line.len + 1);
            if (!rest.len) break;
        }
        if (skipping) rest.len = 0;
        if (rest.len > FEED_LINE_MAX) {
            answer_long(answer_fd, number);
            skipping = true;
            rest.len = 0;
        }
        if (rest.len && rest.at != waiting.at) memmove(waiting.at, rest.at, rest.len);
        waiting.len = rest.len;
    }
    if (!s && !skipping) take_line(answer_fd, number, buf_peek(&waiting), each, ctx); /* a last line without its end */
    buf_fini(&waiting);
    return s;
}

/* ---- the socket ---- */

static void *feeder_run(void *arg)
{
    struct feeder *f = arg;

    enum fan_status s = feed_read(f->fd, f->fd, f->feed->each, f->feed->ctx);

    (void)s; /* the connection ends, whatever it was */
    (void)pthread_mutex_lock(&f->feed->lock);
    (void)close(f->fd);
    f->fd = -1; /* the place is free, its thread to be joined by whoever takes it */
    (void)pthread_mutex_unlock(&f->feed->lock);
    return NULL;
}

/* Starts a thread for the connection in a free place. False: there is none, or no thread. Under the lock. */
static bool feeder_start(struct feed *feed, int fd)
{
    for (size_t i = 0; i < FEEDERS_MAX; i++) {
        struct feeder *f = &feed->feeders[i];

        if (f->fd >= 0) continue;
        if (f->joinable)
            (void)pthread_join(f->thread, NULL); /* it has let go of the lock: this waits for its last steps */
        f->joinable = false;
        f->feed = feed;
        f->fd = fd;
        if (pthread_create(&f->thread, NULL, feeder_run, f)) {
            f->fd = -1;
            return false;
        }
        f->joinable = true;
        return true;
    }
    return false;
}

static void *accept_run(void *arg)
{
    struct feed *f = arg;

    for (;;) {
        int fd = accept4(f->socket.fd, NULL, NULL, SOCK_CLOEXEC);
        bool closing, taken = false;

        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        (void)pthread_mutex_lock(&f->lock);
        closing = f->closing;
        if (fd >= 0 && !closing) taken = feeder_start(f, fd);
        (void)pthread_mutex_unlock(&f->lock);
        if (fd >= 0 && !taken) {
            if (!closing) answer(fd, 0, "too many feeders");
            (void)close(fd);
        }
        if (closing) return NULL;
        if (fd < 0) (void)poll(NULL, 0, 50); /* out of descriptors: somebody will close one */
    }
}

enum fan_status feed_open(const char *path, bool takeover, feed_line *each, void *ctx, struct feed **out,
                          struct fan_error *err)
{
    /* Its owner and his group. */
    const struct local_socket_options where = {.path = path, .mode = 0660, .blocking = true, .takeover = takeover};
    struct feed *f = calloc(1, sizeof *f);
    enum fan_status s;

    if (!f) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    f->each = each;
    f->ctx = ctx;
    for (size_t i = 0; i < FEEDERS_MAX; i++) f->feeders[i].fd = -1;
    s = pthread_mutex_init(&f->lock, NULL) ? fan_error_set(err, FAN_ENOMEM, "out of memory")
                                           : local_socket_open(&where, &f->socket, err);
    if (!s && pthread_create(&f->thread, NULL, accept_run, f))
        s = fan_error_set(err, FAN_ESYSTEM, "%s: no thread", path);
    if (!s) {
        *out = f;
        return FAN_OK;
    }
    local_socket_close(&f->socket);
    free(f);
    return s;
}

void feed_close(struct feed *f)
{
    if (!f) return;
    (void)pthread_mutex_lock(&f->lock);
    f->closing = true;
    for (size_t i = 0; i < FEEDERS_MAX; i++)
        if (f->feeders[i].fd >= 0) (void)shutdown(f->feeders[i].fd, SHUT_RDWR); /* its read ends */
    (void)pthread_mutex_unlock(&f->lock);
    (void)shutdown(f->socket.fd, SHUT_RDWR); /* accept ends too */
    (void)pthread_join(f->thread, NULL);
    for (size_t i = 0; i < FEEDERS_MAX; i++)
        if (f->feeders[i].joinable) (void)pthread_join(f->feeders[i].thread, NULL);
    local_socket_close(&f->socket);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}
