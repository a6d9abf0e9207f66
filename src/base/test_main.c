#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

static struct test *first, **last = &first;

void test_register(struct test *t)
{
    *last = t;
    last = &t->next;
}

void test_fail(struct test *t, const char *file, int line, const char *format, ...)
{
    va_list args;

    t->failed++;
    (void)printf("%s:%d: %s: ", file, line, t->name);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
}

static void print_hex(struct slice s)
{
    for (size_t i = 0; i < s.len && i < 96; i++) (void)printf("%02x", s.at[i]);
    if (s.len > 96) (void)printf("… (%zu bytes)", s.len);
}

void test_check_slice(struct test *t, const char *file, int line, const char *what, struct slice got,
                      struct slice expected)
{
    if (slice_eq(got, expected)) return;
    test_fail(t, file, line, "%s differs:", what);
    (void)printf("  got      ");
    print_hex(got);
    (void)printf("\n  expected ");
    print_hex(expected);
    (void)printf("\n");
}

/* What tests ask to be kept hangs here, so that a leak checker sees it as reachable. */
static struct kept {
    struct kept *next;
    uint8_t bytes[];
} *kept;

static uint8_t *keep(size_t len)
{
    struct kept *k = malloc(sizeof *k + len + 1);

    if (!k) abort();
    k->next = kept;
    kept = k;
    return k->bytes;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

struct slice test_hex(const char *digits)
{
    uint8_t *bytes = keep(strlen(digits) / 2 + 1);
    size_t nibbles = 0;

    if (digits[0] == '0' && digits[1] == 'x') digits += 2;
    for (; *digits; digits++) {
        int d = digit(*digits);

        if (d < 0) continue;
        if (nibbles % 2 == 0) bytes[nibbles / 2] = 0;
        bytes[nibbles / 2] = (uint8_t)(bytes[nibbles / 2] << 4 | d);
        nibbles++;
    }
    assert(nibbles % 2 == 0);
    return slice_of(bytes, nibbles / 2);
}

static struct slice read_file(const char *folder, const char *path)
{
    char name[4096];
    FILE *f;
    long size;
    uint8_t *bytes;
    size_t got;

    if (!folder) return slice_of(NULL, 0);
    (void)snprintf(name, sizeof name, "%s/%s", folder, path);
    f = fopen(name, "rb");
    if (!f) return slice_of(NULL, 0);
    (void)fseek(f, 0, SEEK_END);
    size = ftell(f);
    (void)fseek(f, 0, SEEK_SET);
    bytes = keep((size_t)size + 1);
    got = fread(bytes, 1, (size_t)size, f);
    (void)fclose(f);
    return slice_of(bytes, got);
}

struct slice test_source_file(const char *path)
{
    return read_file(getenv("FANATICO_SOURCE"), path);
}

struct slice test_shared_file(const char *path)
{
    return read_file(getenv("FANATICO_SHARED"), path);
}

int main(int argc, char **argv)
{
    size_t passed = 0, failed = 0, skipped = 0;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct test *t = first; t; t = t->next) {
        if (argc > 1 && !strstr(t->name, argv[1])) continue;
        t->run(t);
        if (t->failed) failed++;
        else if (t->skipped) skipped++;
        else passed++;
        if (t->failed) (void)printf("FAIL %s\n", t->name);
        else if (t->skipped) (void)printf("SKIP %s: %s\n", t->name, t->skipped);
        else (void)printf("ok   %s\n", t->name);
    }
    (void)printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    while (kept) {
        struct kept *next = kept->next;

        free(kept);
        kept = next;
    }
    return failed ? 1 : 0;
}
