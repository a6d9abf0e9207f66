#include "local/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { ZLIB_BUFFER = 256 * 1024, GROW_STEP = 1024 * 1024 };

struct block_file {
    gzFile gz;
    struct buf item;
    uint64_t offset, next_offset;
};

/* zlib's words for what went wrong, or the system's. */
static const char *words(gzFile gz)
{
    int code;
    const char *text = gzerror(gz, &code);

    if (code == Z_ERRNO) return strerror(errno);
    if (code == Z_BUF_ERROR) return "the compressed file is cut short";
    return text && *text ? text : "the compressed file is damaged";
}

/* ---- reading ---- */

enum fan_status block_file_open(const char *path, struct block_file **out, struct fan_error *err)
{
    struct block_file *f = calloc(1, sizeof *f);
    struct stat about;
    int fd;

    if (!f) return FAN_ENOMEM;
    buf_init(&f->item, BLOCK_FILE_ITEM_MAX);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about)) {
        (void)fan_error_set(err, FAN_EIO, "%s", strerror(errno));
    } else if (S_ISDIR(about.st_mode)) {
        (void)fan_error_set(err, FAN_EIO, "%s", strerror(EISDIR));
    } else {
        f->gz = gzdopen(fd, "rb");
        if (!f->gz) (void)fan_error_set(err, FAN_ENOMEM, "out of memory");
    }
    if (!f->gz) {
        if (fd >= 0) (void)close(fd);
        block_file_close(f);
        return FAN_EIO;
    }
    (void)gzbuffer(f->gz, ZLIB_BUFFER); /* no memory for it: the default serves */
    *out = f;
    return FAN_OK;
}

void block_file_close(struct block_file *f)
{
    if (!f) return;
    if (f->gz) (void)gzclose(f->gz);
    buf_fini(&f->item);
    free(f);
}

uint64_t block_file_offset(const struct block_file *f)
{
    return f->offset;
}

/* Up to len bytes behind what the item has so far, memory growing only as they come. */
static enum fan_status take(struct block_file *f, size_t len, size_t *out_got, struct fan_error *err)
{
    size_t got = 0;

    while (got < len) {
        size_t want = (size_t)min_u64(len - got, GROW_STEP);
        int n;

        if (!buf_reserve(&f->item, want)) return fan_error_set(err, f->item.failed, "out of memory");
        n = gzread(f->gz, f->item.at + f->item.len, (unsigned)want);
        if (n < 0) return fan_error_set(err, FAN_EIO, "%s", words(f->gz));
        if (n == 0) break;
        f->item.len += (size_t)n;
        got += (size_t)n;
    }
    f->next_offset += got;
    *out_got = got;
    return FAN_OK;
}

static enum fan_status cut_short(struct block_file *f, struct fan_error *err)
{
    int code;

    (void)gzerror(f->gz, &code);
    if (code == Z_BUF_ERROR) return fan_error_set(err, FAN_EFORMAT, "the compressed file is cut short");
    return fan_error_set(err, FAN_EFORMAT, "the file ends within a block");
}

/* The length behind the header whose first byte is there; reads the rest of the header. */
static enum fan_status read_header(struct block_file *f, uint64_t *out_len, struct fan_error *err)
{
    uint8_t first = f->item.at[0];
    size_t bytes = first > 0xf7 ? first - 0xf7u : 0, got;
    enum fan_status s = take(f, bytes, &got, err);

    if (s) return s;
    if (got < bytes) return cut_short(f, err);
    *out_len = first <= 0xf7 ? first - 0xc0u : 0;
    for (size_t i = 0; i < bytes; i++) {
        if (*out_len >> 56) return fan_error_set(err, FAN_EFORMAT, "a length beyond all measure");
        *out_len = *out_len << 8 | f->item.at[1 + i];
    }
    return FAN_OK;
}

enum fan_status block_file_next(struct block_file *f, struct slice *out, struct fan_error *err)
{
    uint64_t len = 0;
    size_t got;
    enum fan_status s;

    buf_reset(&f->item);
    f->offset = f->next_offset;
    s = take(f, 1, &got, err);
    if (s) return s;
    if (!got) {
        int code;

        (void)gzerror(f->gz, &code); /* an end that gzip did not mean is told only now */
        return code == Z_BUF_ERROR ? cut_short(f, err) : FAN_ENOTFOUND;
    }
    if (f->item.at[0] < 0xc0) return fan_error_set(err, FAN_EFORMAT, "no RLP list begins there");
    s = read_header(f, &len, err);
    if (s) return s;
    if (len > BLOCK_FILE_ITEM_MAX - f->item.len)
        return fan_error_set(err, FAN_EFORMAT, "a block of %llu bytes: at most %d are read", (unsigned long long)len,
                             BLOCK_FILE_ITEM_MAX);
    s = take(f, (size_t)len, &got, err);
    if (s) return s;
    if (got < len) return cut_short(f, err);
    *out = buf_peek(&f->item);
    return FAN_OK;
}

uint64_t block_file_count(struct block_file *f)
{
    struct slice item;
    uint64_t n = 0;

    if (gzseek(f->gz, 0, SEEK_SET) < 0) return 0; /* a pipe */
    while (!block_file_next(f, &item, NULL)) n++;
    f->offset = f->next_offset = 0;
    return gzrewind(f->gz) ? 0 : n;
}

/* ---- writing ---- */

struct block_file_writer {
    gzFile gz;
    int fd; /* the same file once more, for fsync */
    char *path, *beside; /* beside NULL: written in place */
};

static bool ends_in_gz(const char *path)
{
    size_t len = strlen(path);

    return len > 3 && strcmp(path + len - 3, ".gz") == 0;
}

static bool name(struct block_file_writer *w, const char *path)
{
    struct stat about;

    w->path = strdup(path);
    if (!w->path) return false;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) return true;
    w->beside = malloc(strlen(path) + sizeof ".part");
    if (!w->beside) return false;
    (void)strcpy(stpcpy(w->beside, path), ".part");
    return true;
}

enum fan_status block_file_create(const char *path, struct block_file_writer **out, struct fan_error *err)
{
    struct block_file_writer *w = calloc(1, sizeof *w);
    int fd = -1;

    if (!w) return FAN_ENOMEM;
    w->fd = -1;
    if (!name(w, path)) {
        block_file_abort(w);
        return fan_error_set(err, FAN_ENOMEM, "out of memory");
    }
    w->fd = open(w->beside ? w->beside : path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (w->fd >= 0) fd = dup(w->fd);
    if (fd >= 0) w->gz = gzdopen(fd, ends_in_gz(path) ? "wb" : "wbT");
    if (!w->gz) {
        (void)fan_error_set(err, FAN_EIO, "%s", strerror(errno));
        if (fd >= 0) (void)close(fd);
        block_file_abort(w);
        return FAN_EIO;
    }
    (void)gzbuffer(w->gz, ZLIB_BUFFER);
    *out = w;
    return FAN_OK;
}

enum fan_status block_file_put(struct block_file_writer *w, struct slice item, struct fan_error *err)
{
    while (item.len) {
        int n = gzwrite(w->gz, item.at, (unsigned)min_u64(item.len, GROW_STEP));

        if (n <= 0) return fan_error_set(err, FAN_EIO, "%s", words(w->gz));
        item = slice_of(item.at + n, item.len - (size_t)n);
    }
    return FAN_OK;
}

enum fan_status block_file_finish(struct block_file_writer *w, struct fan_error *err)
{
    int code = gzclose(w->gz);
    enum fan_status s = FAN_OK;

    w->gz = NULL;
    if (code != Z_OK)
        s = fan_error_set(err, FAN_EIO, "%s", code == Z_ERRNO ? strerror(errno) : "it cannot be written");
    else if (w->beside && (fsync(w->fd) || rename(w->beside, w->path)))
        s = fan_error_set(err, FAN_EIO, "%s", strerror(errno));
    if (!s) {
        free(w->beside);
        w->beside = NULL;
    }
    block_file_abort(w);
    return s;
}

void block_file_abort(struct block_file_writer *w)
{
    if (!w) return;
    if (w->gz) (void)gzclose(w->gz);
    if (w->fd >= 0) (void)close(w->fd);
    if (w->beside) (void)unlink(w->beside);
    free(w->beside);
    free(w->path);
    free(w);
}
