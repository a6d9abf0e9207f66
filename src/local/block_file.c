#include "local/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { IN_SIZE = 256 * 1024, GROW_STEP = 1024 * 1024 };

struct block_file {
    int fd;
    bool decided, gzip, within; /* within: a member of gzip's has begun and not ended */
    bool ended;                 /* the file has; what is in `in` may remain */
    z_stream z;                 /* next_in, avail_in: what was read and not used, also where nothing is gzip'd */
    struct buf item;
    uint64_t offset, next_offset;
    uint8_t in[IN_SIZE];
};

/* ---- reading ---- */

enum fan_status block_file_open(const char *path, struct block_file **out, struct fan_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* first: it may wait for ever, and be ended there (intake.c) */
    struct block_file *f;
    struct stat about;

    if (fd < 0) return fan_error_set(err, FAN_EIO, "%s", strerror(errno));
    if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode)) {
        (void)close(fd);
        return fan_error_set(err, FAN_EIO, "%s", strerror(EISDIR));
    }
    f = calloc(1, sizeof *f);
    if (!f) {
        (void)close(fd);
        return fan_error_set(err, FAN_ENOMEM, "out of memory");
    }
    f->fd = fd;
    buf_init(&f->item, BLOCK_FILE_ITEM_MAX);
    *out = f;
    return FAN_OK;
}

void block_file_close(struct block_file *f)
{
    if (!f) return;
    if (f->gzip) (void)inflateEnd(&f->z);
    (void)close(f->fd);
    buf_fini(&f->item);
    free(f);
}

bool block_file_rewind(struct block_file *f)
{
    if (lseek(f->fd, 0, SEEK_SET) < 0) return false;
    if (f->gzip) (void)inflateReset(&f->z);
    f->z.avail_in = 0;
    f->ended = f->within = false;
    f->offset = f->next_offset = 0;
    return true;
}

uint64_t block_file_offset(const struct block_file *f)
{
    return f->offset;
}

/* More of the file behind what is left of it; what a pipe has, and not what would fill the buffer. */
static enum fan_status refill(struct block_file *f, struct fan_error *err)
{
    ssize_t n;

    if (f->ended) return FAN_OK;
    if (f->z.avail_in) memmove(f->in, f->z.next_in, f->z.avail_in);
    f->z.next_in = f->in;
    do n = read(f->fd, f->in + f->z.avail_in, sizeof f->in - f->z.avail_in);
    while (n < 0 && errno == EINTR);
    if (n < 0) return fan_error_set(err, FAN_EIO, "%s", strerror(errno));
    f->ended = n == 0;
    f->z.avail_in += (unsigned)n;
    return FAN_OK;
}

static enum fan_status decide(struct block_file *f, struct fan_error *err)
{
    while (f->z.avail_in < 2 && !f->ended) {
        enum fan_status s = refill(f, err);

        if (s) return s;
    }
    f->gzip = f->z.avail_in >= 2 && f->z.next_in[0] == 0x1f && f->z.next_in[1] == 0x8b; /* RFC 1952, section 2.3.1 */
    if (f->gzip && inflateInit2(&f->z, 15 + 16) != Z_OK) {
        f->gzip = false;
        return fan_error_set(err, FAN_ENOMEM, "out of memory");
    }
    f->decided = true;
    return FAN_OK;
}

/* Up to len bytes, at least one before the end. */
static enum fan_status unpack(struct block_file *f, uint8_t *to, size_t len, size_t *out_got, struct fan_error *err)
{
    f->z.next_out = to;
    f->z.avail_out = (unsigned)len;
    while (f->z.avail_out == len) {
        enum fan_status s;
        int code;

        if (!f->z.avail_in) {
            s = refill(f, err);
            if (s) return s;
            if (f->ended && f->within) return fan_error_set(err, FAN_EFORMAT, "the compressed file is cut short");
            if (f->ended) break;
        }
        f->within = true;
        code = inflate(&f->z, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            f->within = false;
            (void)inflateReset(&f->z); /* another member may follow */
        } else if (code == Z_MEM_ERROR) {
            return fan_error_set(err, FAN_ENOMEM, "out of memory");
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return fan_error_set(err, FAN_EFORMAT, "the compressed file is damaged");
        }
    }
    *out_got = len - f->z.avail_out;
    return FAN_OK;
}

static enum fan_status copy(struct block_file *f, uint8_t *to, size_t len, size_t *out_got, struct fan_error *err)
{
    if (!f->z.avail_in) {
        enum fan_status s = refill(f, err);

        if (s) return s;
    }
    *out_got = (size_t)min_u64(len, f->z.avail_in);
    memcpy(to, f->z.next_in, *out_got);
    f->z.next_in += *out_got;
    f->z.avail_in -= (unsigned)*out_got;
    return FAN_OK;
}

/* Up to len bytes behind what the item has so far, fewer only at the end; memory grows only as they come. */
static enum fan_status take(struct block_file *f, size_t len, size_t *out_got, struct fan_error *err)
{
    size_t got = 0, n = 1;

    while (got < len && n) {
        size_t want = (size_t)min_u64(len - got, GROW_STEP);
        enum fan_status s;

        if (!buf_reserve(&f->item, want)) return fan_error_set(err, f->item.failed, "out of memory");
        s = f->gzip ? unpack(f, f->item.at + f->item.len, want, &n, err)
                    : copy(f, f->item.at + f->item.len, want, &n, err);
        if (s) return s;
        f->item.len += n;
        f->next_offset += n;
        got += n;
    }
    *out_got = got;
    return FAN_OK;
}

static enum fan_status cut_short(struct fan_error *err)
{
    return fan_error_set(err, FAN_EFORMAT, "the file ends within a block");
}

/* The length behind the header whose first byte is there; reads the rest of the header. */
static enum fan_status read_header(struct block_file *f, uint64_t *out_len, struct fan_error *err)
{
    uint8_t first = f->item.at[0];
    size_t bytes = first > 0xf7 ? first - 0xf7u : 0, got;
    enum fan_status s = take(f, bytes, &got, err);

    if (s) return s;
    if (got < bytes) return cut_short(err);
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
    enum fan_status s = f->decided ? FAN_OK : decide(f, err);

    if (s) return s;
    buf_reset(&f->item);
    f->offset = f->next_offset;
    s = take(f, 1, &got, err);
    if (s) return s;
    if (!got) return FAN_ENOTFOUND;
    if (f->item.at[0] < 0xc0) return fan_error_set(err, FAN_EFORMAT, "no RLP list begins there");
    s = read_header(f, &len, err);
    if (s) return s;
    if (len > BLOCK_FILE_ITEM_MAX - f->item.len)
        return fan_error_set(err, FAN_EFORMAT, "a block of %llu bytes: at most %d are read", (unsigned long long)len,
                             BLOCK_FILE_ITEM_MAX);
    s = take(f, (size_t)len, &got, err);
    if (s) return s;
    if (got < len) return cut_short(err);
    *out = buf_peek(&f->item);
    return FAN_OK;
}

/* ---- writing ---- */

/* zlib's words for what went wrong, or the system's. */
static const char *words(gzFile gz)
{
    int code;
    const char *text = gzerror(gz, &code);

    if (code == Z_ERRNO) return strerror(errno);
    return text && *text ? text : "it cannot be compressed";
}

struct block_file_writer {
    gzFile gz;
    int fd;              /* the same file once more, for fsync */
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
    (void)gzbuffer(w->gz, IN_SIZE);
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
