/* fixtures: what the commands that run published tests share: their options, the files behind a person's names, the
 * tests in a file, counting, and the end.
 *
 * A command says what kind of test it runs (struct fixtures_kind) and reports each case by fixtures_count(); a test
 * that cannot be understood by fixtures_malformed(). Exit codes: 0 all passed, 1 a case failed, 2 wrong usage or a file
 * that is none of that kind. */
#ifndef CMD_FIXTURES_H
#define CMD_FIXTURES_H

#include <regex.h>

#include "fixture/state_test.h"

enum { FIXTURES_UNKNOWN_MAX = 64 };

struct fixtures;

struct fixtures_kind {
    const char *command, *what; /* "statetest", "state test" */
    const char *help;
    bool has_cases; /* takes --index and --dump: several cases a fork, each ending in a state */
    bool (*is)(struct json v);
    void (*run)(struct fixtures *x, struct json v, struct arena a); /* one test; the arena is emptied afterwards */
};

struct fixtures {
    const struct fixtures_kind *kind;
    /* what was asked for */
    struct slice fork; /* len 0: all */
    bool json, dump, has_filter, has_index;
    regex_t filter;
    uint64_t index;
    /* what came of it */
    uint64_t passed, failed, skipped, malformed, files;
    struct {
        char name[64];
        uint64_t cases;
    } unknown[FIXTURES_UNKNOWN_MAX];
    size_t unknown_count;
    /* where we are */
    const char *path;
    struct slice name;
};

/* The whole command; returns its exit code. */
int fixtures_command(const struct fixtures_kind *kind, int argc, char **argv);
/* Whether a case of that fork is asked for. */
bool fixtures_want(const struct fixtures *x, struct slice network);
void fixtures_count(struct fixtures *x, enum state_verdict v, struct slice network);
/* The test under way cannot be understood, or could not be run: told on standard error, counted, and the next one
 * follows. */
void fixtures_malformed(struct fixtures *x, enum fan_status s, struct fan_error *err);
const char *fixtures_word(enum state_verdict v); /* "pass", "FAIL", "skip" */

#endif
