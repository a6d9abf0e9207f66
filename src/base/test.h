/* test: the whole test framework.
 *
 *   TEST(name_says_the_fact, t) { CHECK(t, fact); CHECK_EQ(t, got, expected); }
 *
 * TEST registers itself; every test binary links base/test_main.c, runs all its tests (or those whose
 * names contain an argument) and ends with `N passed, N failed, N skipped`. A failed CHECK says where and
 * what, and the test goes on, so that one run shows all that is wrong; REQUIRE ends it there. */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <inttypes.h>

#include "base/slice.h"

struct test {
    const char *name, *file;
    void (*run)(struct test *t);
    size_t failed;
    const char *skipped; /* why */
    struct test *next;
};

void test_register(struct test *t);
void test_fail(struct test *t, const char *file, int line, const char *format, ...) FAN_PRINTF(4, 5);
/* Equality of bytes, shown as hex. */
void test_check_slice(struct test *t, const char *file, int line, const char *what, struct slice got,
                      struct slice expected);
/* The bytes of hex digits (spaces allowed), malloc'ed once and kept until the process ends. */
struct slice test_hex(const char *digits);
/* A file below the source tree (FANATICO_SOURCE) or below shared/ (FANATICO_SHARED), read whole; len 0
 * and at NULL when it is missing. Kept until the process ends. */
struct slice test_source_file(const char *path);
struct slice test_shared_file(const char *path);

#define TEST(id, t)                                                                                \
    static void test_run_##id(struct test *t);                                                     \
    static struct test test_##id = {.name = #id, .file = __FILE__, .run = test_run_##id};          \
    __attribute__((constructor)) static void test_register_##id(void)                              \
    {                                                                                              \
        test_register(&test_##id);                                                                 \
    }                                                                                              \
    static void test_run_##id(struct test *t)

#define CHECK(t, fact)                                                                             \
    do {                                                                                           \
        if (!(fact)) test_fail(t, __FILE__, __LINE__, "%s", #fact);                                \
    } while (0)
#define REQUIRE(t, fact)                                                                           \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            test_fail(t, __FILE__, __LINE__, "%s", #fact);                                         \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_EQ(t, got, expected)                                                                 \
    do {                                                                                           \
        uint64_t test_got = (uint64_t)(got), test_expected = (uint64_t)(expected);                 \
        if (test_got != test_expected)                                                             \
            test_fail(t, __FILE__, __LINE__, "%s is %" PRIu64 ", expected %" PRIu64, #got,         \
                      test_got, test_expected);                                                    \
    } while (0)
#define CHECK_SLICE(t, got, expected) test_check_slice(t, __FILE__, __LINE__, #got, got, expected)
#define CHECK_STR(t, got, expected)                                                                \
    do {                                                                                           \
        struct slice test_got = (got), test_expected = slice_str(expected);                        \
        if (!slice_eq(test_got, test_expected))                                                    \
            test_fail(t, __FILE__, __LINE__, "%s is \"%.*s\", expected \"%.*s\"", #got,            \
                      SLICE_ARGS(test_got), SLICE_ARGS(test_expected));                            \
    } while (0)
#define SKIP(t, why)                                                                               \
    do {                                                                                           \
        (t)->skipped = (why);                                                                      \
        return;                                                                                    \
    } while (0)

#endif
