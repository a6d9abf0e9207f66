/* Files of blocks: whole, gzip'd, damaged, through a pipe. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/test.h"
#include "codec/rlp.h"
#include "local/block_file.h"

enum { ITEMS = 40 };

/* Item i: a list of one string of i × i × 100 bytes. */
static void put_item(struct buf *b, size_t i)
{
    size_t len = i * i * 100, list = rlp_list_begin(b);
    uint8_t *bytes = calloc(1, len + 1);

    memset(bytes, (int)i, len);
    rlp_put_bytes(b, slice_of(bytes, len));
    rlp_list_end(b, list);
    free(bytes);
}

static char dir[64];

/* A path in a folder of this test's own, until done(). */
static const char *temporary(const char *name)
{
    static char path[128];

    if (!dir[0]) {
        (void)strcpy(dir, "/tmp/block_file_test.XXXXXX");
        if (!mkdtemp(dir)) abort();
    }
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void done(void)
{
    if (rmdir(dir)) abort(); /* a test left something behind */
    dir[0] = 0;
}

static void write_file(const char *path, struct slice bytes)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(bytes.at, 1, bytes.len, f) != bytes.len || fclose(f)) abort();
}

static void check_items(struct test *t, struct block_file *f, size_t count)
{
    uint64_t offset = 0;
    struct slice got;

    for (size_t i = 0; i < count; i++) {
        struct buf expected;

        buf_init(&expected, 0);
        put_item(&expected, i);
        REQUIRE(t, block_file_next(f, &got, NULL) == FAN_OK);
        CHECK(t, slice_eq(got, buf_peek(&expected)));
        CHECK_EQ(t, block_file_offset(f), offset);
        offset += expected.len;
        buf_fini(&expected);
    }
}

TEST(what_is_written_is_read_again_plain_and_gzipped, t)
{
    static const char *const names[] = {"plain.rlp", "small.rlp.gz"};
    struct stat sizes[2];

    for (size_t n = 0; n < COUNT_OF(names); n++) {
        const char *path = temporary(names[n]);
        struct block_file_writer *w;
        struct block_file *f;
        struct slice got;
        char part[160];

        REQUIRE(t, block_file_create(path, &w, NULL) == FAN_OK);
        for (size_t i = 0; i < ITEMS; i++) {
            struct buf item;

            buf_init(&item, 0);
            put_item(&item, i);
            CHECK_EQ(t, block_file_put(w, buf_peek(&item), NULL), FAN_OK);
            buf_fini(&item);
        }
        CHECK(t, access(path, F_OK) != 0); /* not before it is whole */
        REQUIRE(t, block_file_finish(w, NULL) == FAN_OK);
        (void)snprintf(part, sizeof part, "%s.part", path);
        CHECK(t, access(part, F_OK) != 0);
        CHECK(t, stat(path, &sizes[n]) == 0);
        REQUIRE(t, block_file_open(path, &f, NULL) == FAN_OK);
        check_items(t, f, ITEMS);
        CHECK_EQ(t, block_file_next(f, &got, NULL), FAN_ENOTFOUND);
        CHECK_EQ(t, block_file_next(f, &got, NULL), FAN_ENOTFOUND);
        CHECK(t, block_file_rewind(f));
        check_items(t, f, 3);
        block_file_close(f);
        (void)unlink(path);
    }
    CHECK(t, sizes[1].st_size < sizes[0].st_size / 10);
    done();
}

TEST(an_export_that_is_given_up_leaves_nothing, t)
{
    const char *path = temporary("never.rlp");
    struct block_file_writer *w;
    char part[160];

    (void)snprintf(part, sizeof part, "%s.part", path);
    REQUIRE(t, block_file_create(path, &w, NULL) == FAN_OK);
    CHECK(t, access(part, F_OK) == 0);
    block_file_abort(w);
    CHECK(t, access(part, F_OK) != 0 && access(path, F_OK) != 0);
    done();
}

TEST(a_full_disk_and_a_folder_that_is_missing_are_told, t)
{
    struct block_file_writer *w;
    struct fan_error err = {{0}};
    struct buf item;
    enum fan_status s = FAN_OK;

    CHECK_EQ(t, block_file_create("/nonexistent/x.rlp", &w, &err), FAN_EIO);
    CHECK_STR(t, slice_str(err.text), "No such file or directory");
    if (access("/dev/full", W_OK)) return;
    REQUIRE(t, block_file_create("/dev/full", &w, &err) == FAN_OK);
    buf_init(&item, 0);
    put_item(&item, 30);
    for (size_t i = 0; i < 20 && !s; i++) s = block_file_put(w, buf_peek(&item), &err);
    CHECK_EQ(t, s, FAN_EIO);
    CHECK_STR(t, slice_str(err.text), "No space left on device");
    CHECK_EQ(t, block_file_finish(w, NULL), FAN_EIO);
    buf_fini(&item);
}

TEST(damage_is_told_where_it_is, t)
{
    static const uint8_t huge[] = {0xfb, 0xff, 0xff, 0xff, 0xff}, absurd[] = {0xff, 1, 2, 3, 4, 5, 6, 7, 8},
                         text[] = "hello", open_ended[] = {0xf9, 1};
    const struct {
        struct slice bytes;
        const char *words;
    } row[] = {
        {slice_of(huge, sizeof huge), "a block of 4294967295 bytes: at most 268435456 are read"},
        {slice_of(absurd, sizeof absurd), "a block of 72623859790382856 bytes: at most 268435456 are read"},
        {slice_of(text, 5), "no RLP list begins there"},
        {slice_of(open_ended, 2), "the file ends within a block"},
        {slice_of("\xc3\x01\x02", 3), "the file ends within a block"},
    };
    const char *path = temporary("bad.rlp");

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct block_file *f;
        struct slice got;
        struct fan_error err = {{0}};

        write_file(path, row[i].bytes);
        REQUIRE(t, block_file_open(path, &f, NULL) == FAN_OK);
        CHECK_EQ(t, block_file_next(f, &got, &err), FAN_EFORMAT);
        CHECK_STR(t, slice_str(err.text), row[i].words);
        block_file_close(f);
    }
    (void)unlink(path);
    done();
}

TEST(a_gzip_file_cut_anywhere_gives_what_was_whole_and_then_a_word, t)
{
    const char *path = temporary("cut.gz");
    struct buf bytes;
    uint8_t small[4096];
    uLongf len = sizeof small;
    gzFile gz = gzopen(path, "wb");
    FILE *f;
    size_t size;

    buf_init(&bytes, 0);
    for (size_t i = 0; i < 5; i++) put_item(&bytes, i);
    REQUIRE(t, gz && gzwrite(gz, bytes.at, (unsigned)bytes.len) == (int)bytes.len && gzclose(gz) == Z_OK);
    f = fopen(path, "rb");
    size = fread(small, 1, len, f);
    (void)fclose(f);
    for (size_t cut = 1; cut < size; cut++) {
        struct block_file *in;
        struct slice got;
        struct fan_error err = {{0}};
        enum fan_status s = FAN_OK;

        write_file(path, slice_of(small, cut));
        REQUIRE(t, block_file_open(path, &in, NULL) == FAN_OK);
        while (!s) s = block_file_next(in, &got, &err);
        if (s == FAN_ENOTFOUND || !err.text[0])
            test_fail(t, __FILE__, __LINE__, "cut at %zu of %zu: taken for whole", cut, size);
        block_file_close(in);
    }
    buf_fini(&bytes);
    (void)unlink(path);
    done();
}

/* gzip files may be laid one behind the other. */
TEST(members_of_gzip_follow_one_another, t)
{
    const char *path = temporary("two.gz");
    struct block_file *f;
    struct buf bytes;
    struct slice got;

    buf_init(&bytes, 0);
    for (size_t i = 0; i < 6; i++) {
        gzFile gz = gzopen(path, i ? "ab" : "wb");

        buf_reset(&bytes);
        put_item(&bytes, i);
        REQUIRE(t, gz && gzwrite(gz, bytes.at, (unsigned)bytes.len) == (int)bytes.len && gzclose(gz) == Z_OK);
    }
    REQUIRE(t, block_file_open(path, &f, NULL) == FAN_OK);
    check_items(t, f, 6);
    CHECK_EQ(t, block_file_next(f, &got, NULL), FAN_ENOTFOUND);
    CHECK(t, block_file_rewind(f));
    check_items(t, f, 6);
    block_file_close(f);
    buf_fini(&bytes);
    (void)unlink(path);
    done();
}

TEST(a_pipe_is_read_once_and_as_it_comes, t)
{
    int ends[2];
    char path[32];
    struct block_file *f;
    struct buf bytes;
    struct slice got;

    REQUIRE(t, pipe(ends) == 0);
    buf_init(&bytes, 0);
    for (size_t i = 0; i < 5; i++) put_item(&bytes, i);
    REQUIRE(t, write(ends[1], bytes.at, bytes.len) == (ssize_t)bytes.len);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    REQUIRE(t, block_file_open(path, &f, NULL) == FAN_OK);
    CHECK(t, !block_file_rewind(f));
    check_items(t, f, 5); /* though the other end is open still */
    (void)close(ends[1]);
    CHECK_EQ(t, block_file_next(f, &got, NULL), FAN_ENOTFOUND);
    block_file_close(f);
    (void)close(ends[0]);
    buf_fini(&bytes);
}
