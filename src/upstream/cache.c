#include "upstream/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "codec/hex.h"
#include "codec/keccak.h"

enum { HEADER_LEN = 48, RECORD_HEADER_LEN = 9 };

struct cache {
    int fd;
    atomic_bool full;
};

static void header_of(uint64_t chain_id, const struct fan_hash *hash, uint8_t out[HEADER_LEN])
{
    memcpy(out, "FANFORK1", 8);
    put_be64(chain_id, out + 8);
    memcpy(out + 16, hash->bytes, 32);
}

static uint32_t get_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_be32(uint32_t v, uint8_t *at)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Over kind and payload: a record torn by a crash must not pass for a whole one. */
static uint32_t check_of(uint8_t kind, struct slice payload)
{
    struct fan_hash hash = keccak256(payload);

    return get_be32(hash.bytes) ^ kind * 0x01010101u;
}

size_t cache_read(struct slice bytes, uint64_t chain_id, const struct fan_hash *hash,
                  bool (*each)(void *ctx, uint8_t kind, struct slice payload), void *ctx)
{
    uint8_t header[HEADER_LEN];
    size_t at = HEADER_LEN;

    header_of(chain_id, hash, header);
    if (!slice_starts(bytes, slice_of(header, sizeof header))) return 0;
    while (bytes.len - at >= RECORD_HEADER_LEN) {
        const uint8_t *r = bytes.at + at;
        uint32_t len = get_be32(r);
        struct slice payload;

        if (len > CACHE_RECORD_MAX || len > bytes.len - at - RECORD_HEADER_LEN) break;
        payload = slice_of(r + RECORD_HEADER_LEN, len);
        if (get_be32(r + 5) != check_of(r[4], payload) || !each(ctx, r[4], payload)) break;
        at += RECORD_HEADER_LEN + len;
    }
    return at;
}

/* ---- the folder ---- */

static enum fan_status make_folders(const char *path, struct fan_error *err)
{
    char *copy = strdup(path);
    enum fan_status s = FAN_OK;

    if (!copy) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    for (char *at = copy + 1; !s; at++) {
        char was = *at;

        if (was != '/' && was) continue;
        *at = 0;
        if (mkdir(copy, 0700) && errno != EEXIST) s = fan_error_set(err, FAN_EIO, "%s: %s", copy, strerror(errno));
        *at = was;
        if (!was) break;
    }
    free(copy);
    return s;
}

/* The total of the folder's cache files but `keep`, and the one longest unused. */
static uint64_t weigh(DIR *d, const char *keep, char oldest[NAME_MAX + 1])
{
    struct timespec least = {0};
    struct dirent *entry;
    uint64_t total = 0;

    oldest[0] = 0;
    rewinddir(d);
    while ((entry = readdir(d)) != NULL) {
        struct stat about;
        size_t len = strlen(entry->d_name);

        if (len < 5 || strcmp(entry->d_name + len - 5, ".fork") != 0 || strcmp(entry->d_name, keep) == 0) continue;
        if (fstatat(dirfd(d), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) || !S_ISREG(about.st_mode)) continue;
        total += (uint64_t)about.st_size;
        if (oldest[0] && (about.st_mtim.tv_sec > least.tv_sec ||
                          (about.st_mtim.tv_sec == least.tv_sec && about.st_mtim.tv_nsec >= least.tv_nsec)))
            continue;
        least = about.st_mtim;
        memcpy(oldest, entry->d_name, len + 1);
    }
    return total;
}

static void make_room(const char *folder, const char *keep)
{
    DIR *d = opendir(folder);
    char oldest[NAME_MAX + 1];

    if (!d) return;
    while (weigh(d, keep, oldest) > CACHE_FOLDER_MAX - CACHE_FILE_MAX && oldest[0])
        if (unlinkat(dirfd(d), oldest, 0)) break;
    (void)closedir(d);
}

/* ---- the file ---- */

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = slice_from(bytes, (size_t)n);
    }
    return true;
}

/* Under the file's lock: reads what is there, cuts off what is damaged, begins where nothing is. */
static enum fan_status take_in(struct cache *c, const char *path, uint64_t chain_id, const struct fan_hash *hash,
                               bool (*each)(void *ctx, uint8_t kind, struct slice payload), void *ctx,
                               struct fan_error *note, struct fan_error *err)
{
    uint8_t header[HEADER_LEN];
    struct stat about;
    size_t len, sound = 0;

    if (fstat(c->fd, &about)) return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return fan_error_set(err, FAN_EIO, "%s: is no file", path);
    len = (size_t)about.st_size;
    if (len) {
        uint8_t *bytes = malloc(len);
        size_t got = 0;
        ssize_t n = 1;

        if (!bytes) return fan_error_set(err, FAN_ENOMEM, "out of memory");
        while (got < len && (n = pread(c->fd, bytes + got, len - got, (off_t)got)) > 0) got += (size_t)n;
        sound = cache_read(slice_of(bytes, got), chain_id, hash, each, ctx);
        free(bytes);
        if (sound < len)
            (void)fan_error_set(note, FAN_OK, "%s is damaged: %zu of its %zu bytes are ignored", path, len - sound,
                                len);
    }
    atomic_store(&c->full, sound >= CACHE_FILE_MAX);
    if (sound == len && len) {
        (void)futimens(c->fd, NULL); /* used now */
        return FAN_OK;
    }
    if (ftruncate(c->fd, (off_t)sound)) return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    header_of(chain_id, hash, header);
    if (!sound && !write_all(c->fd, slice_of(header, sizeof header)))
        return fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    return FAN_OK;
}

enum fan_status cache_open(const char *folder, uint64_t chain_id, uint64_t number, const struct fan_hash *hash,
                           bool (*each)(void *ctx, uint8_t kind, struct slice payload), void *ctx, struct cache **out,
                           struct fan_error *note, struct fan_error *err)
{
    char hex[65] = {0}, name[128], *path = NULL;
    struct cache *c = calloc(1, sizeof *c);
    enum fan_status s;

    if (!c) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    c->fd = -1;
    hex_encode(slice_of(hash->bytes, 32), hex);
    (void)snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64 "-%s.fork", chain_id, number, hex);
    s = make_folders(folder, err);
    if (!s && asprintf(&path, "%s/%s", folder, name) < 0) s = fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (!s) {
        make_room(folder, name);
        c->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (c->fd < 0) s = fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    }
    if (!s) {
        (void)flock(c->fd, LOCK_EX);
        s = take_in(c, path, chain_id, hash, each, ctx, note, err);
        (void)flock(c->fd, LOCK_UN);
    }
    free(path);
    if (s)
        cache_close(c);
    else
        *out = c;
    return s;
}

void cache_close(struct cache *c)
{
    if (!c) return;
    if (c->fd >= 0) (void)close(c->fd);
    free(c);
}

void cache_put(struct cache *c, uint8_t kind, struct slice payload)
{
    struct stat about;
    struct buf record;
    uint8_t header[RECORD_HEADER_LEN];

    if (!c || payload.len > CACHE_RECORD_MAX || atomic_load(&c->full)) return;
    put_be32((uint32_t)payload.len, header);
    header[4] = kind;
    put_be32(check_of(kind, payload), header + 5);
    buf_init(&record, 0);
    buf_put(&record, slice_of(header, sizeof header));
    buf_put(&record, payload);
    (void)flock(c->fd, LOCK_EX);
    if (record.failed || fstat(c->fd, &about) || (uint64_t)about.st_size + record.len > CACHE_FILE_MAX)
        atomic_store(&c->full, true);
    else if (!write_all(c->fd, buf_peek(&record))) {
        atomic_store(&c->full, true);
        if (ftruncate(c->fd, about.st_size)) { /* a torn record: the next opening cuts it off */
        }
    }
    (void)flock(c->fd, LOCK_UN);
    buf_fini(&record);
}
