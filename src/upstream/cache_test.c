#include "upstream/cache.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

struct kept {
    size_t count;
    uint8_t kinds[16];
    char payloads[16][32];
};

static bool keep(void *ctx, uint8_t kind, struct slice payload)
{
    struct kept *k = ctx;

    if (kind == 0xff) return false;
    if (k->count < COUNT_OF(k->kinds) && payload.len < sizeof k->payloads[0]) {
        k->kinds[k->count] = kind;
        if (payload.len) memcpy(k->payloads[k->count], payload.at, payload.len);
    }
    k->count++;
    return true;
}

struct room {
    char folder[64];
    struct kept kept;
    struct fan_error note, err;
};

static void room_init(struct room *r)
{
    memset(r, 0, sizeof *r);
    memcpy(r->folder, "/tmp/fanatico-cache-XXXXXX", sizeof "/tmp/fanatico-cache-XXXXXX");
    if (!mkdtemp(r->folder)) abort();
}

static void room_fini(struct room *r)
{
    DIR *d = opendir(r->folder);
    struct dirent *entry;

    while (d && (entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.') (void)unlinkat(dirfd(d), entry->d_name, 0);
    if (d) (void)closedir(d);
    (void)rmdir(r->folder);
}

static const struct fan_hash HASH = {{1, 2, 3}};

static struct cache *open_room(struct room *r)
{
    struct cache *c = NULL;

    memset(&r->kept, 0, sizeof r->kept);
    r->note.text[0] = 0;
    if (cache_open(r->folder, 7, 42, &HASH, keep, &r->kept, &c, &r->note, &r->err)) return NULL;
    return c;
}

static void file_of(const struct room *r, char out[256])
{
    (void)snprintf(out, 256, "%s/7-42-0102030000000000000000000000000000000000000000000000000000000000.fork",
                   r->folder);
}

TEST(what_was_put_is_there_next_time, t)
{
    struct room r;
    struct cache *c;

    room_init(&r);
    c = open_room(&r);
    REQUIRE(t, c);
    CHECK_EQ(t, r.kept.count, 0);
    cache_put(c, 1, SLICE("one"));
    cache_put(c, 2, SLICE(""));
    cache_put(c, 3, SLICE("three"));
    cache_close(c);
    c = open_room(&r);
    REQUIRE(t, c);
    CHECK_EQ(t, r.kept.count, 3);
    CHECK_STR(t, slice_str(r.kept.payloads[0]), "one");
    CHECK_EQ(t, r.kept.kinds[1], 2);
    CHECK_STR(t, slice_str(r.kept.payloads[2]), "three");
    CHECK(t, !r.note.text[0]);
    cache_close(c);
    cache_put(NULL, 1, SLICE("nowhere"));
    room_fini(&r);
}

/* A crash tears the last record; a disk turns a bit. Property: every prefix and every flipped byte gives some of the
 * first records, a note, and a file that goes on from there. */
TEST(a_damaged_file_is_told_and_kept_up_to_the_damage, t)
{
    struct room r;
    struct cache *c;
    char path[256];
    struct stat about;

    room_init(&r);
    file_of(&r, path);
    c = open_room(&r);
    REQUIRE(t, c);
    cache_put(c, 1, SLICE("one"));
    cache_put(c, 2, SLICE("two"));
    cache_close(c);
    REQUIRE(t, stat(path, &about) == 0);
    for (off_t len = about.st_size - 1; len > 0; len--) {
        REQUIRE(t, truncate(path, len) == 0);
        c = open_room(&r);
        REQUIRE(t, c);
        CHECK(t, r.kept.count < 2);
        CHECK(t, r.note.text[0] || len == 48 + 12 || len == 48);
        cache_close(c);
        c = open_room(&r); /* and the damage is gone */
        REQUIRE(t, c);
        CHECK(t, !r.note.text[0]);
        cache_close(c);
        if (len > 48 + 12) continue;
        len = 0;
    }
    (void)unlink(path);
    for (off_t at = 0; at < about.st_size; at++) {
        FILE *f;
        int byte;

        c = open_room(&r);
        REQUIRE(t, c);
        cache_put(c, 1, SLICE("one"));
        cache_put(c, 2, SLICE("two"));
        cache_close(c);
        f = fopen(path, "r+");
        REQUIRE(t, f);
        (void)fseek(f, at, SEEK_SET);
        byte = fgetc(f);
        (void)fseek(f, at, SEEK_SET);
        (void)fputc(byte ^ 0x40, f);
        (void)fclose(f);
        c = open_room(&r);
        REQUIRE(t, c);
        if (!r.note.text[0] || r.kept.count > 1)
            test_fail(t, __FILE__, __LINE__, "a flipped byte %ld passed: %zu records, note \"%s\"", (long)at,
                      r.kept.count, r.note.text);
        cache_close(c);
        (void)unlink(path);
    }
    room_fini(&r);
}

TEST(a_record_the_reader_refuses_counts_as_damage, t)
{
    struct room r;
    struct cache *c;

    room_init(&r);
    c = open_room(&r);
    REQUIRE(t, c);
    cache_put(c, 1, SLICE("one"));
    cache_put(c, 0xff, SLICE("bad"));
    cache_put(c, 1, SLICE("lost"));
    cache_close(c);
    c = open_room(&r);
    REQUIRE(t, c);
    CHECK_EQ(t, r.kept.count, 1);
    CHECK(t, strstr(r.note.text, "is damaged"));
    cache_close(c);
    room_fini(&r);
}

TEST(a_folder_that_cannot_be_is_an_error_with_its_path, t)
{
    struct cache *c = NULL;
    struct fan_error note = {{0}}, err = {{0}};
    struct kept kept = {0};

    CHECK_EQ(t, cache_open("/dev/null/x", 7, 42, &HASH, keep, &kept, &c, &note, &err), FAN_EIO);
    CHECK(t, strstr(err.text, "/dev/null"));
}
