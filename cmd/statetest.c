/* fanatico statetest: runs state tests of ethereum/tests and execution-spec-tests. */
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "devchain.h"
#include "fixture/files.h"
#include "statetest_print.h"

enum { UNKNOWN_FORKS_MAX = 64 };

struct session {
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
    } unknown[UNKNOWN_FORKS_MAX];
    size_t unknown_count;
    /* where we are */
    const char *path;
    struct slice name;
};

static const char HELP[] =
    "Usage: fanatico statetest [OPTIONS] FILE…\n\n"
    "Runs state tests in the format of ethereum/tests (GeneralStateTests) and execution-spec-tests\n"
    "(state_tests), in the same EVM and on the same state and trie as the chain. A FILE may be a folder,\n"
    "which stands for every .json below it, and - for the names that come on standard input, one a line.\n"
    "One line a case, then the count; cases of forks that are not known here are skipped and named.\n"
    "Exit code: 0 all passed, 1 a case failed, 2 wrong usage or a file that is no state test.\n\n"
    "  --fork NAME    only this fork, as the file spells it (Cancun)\n"
    "  --run REGEX    only tests whose name matches (POSIX extended)\n"
    "  --index N      only this case of each fork\n"
    "  --json         a JSON object for each case, one a line; the count goes to standard error\n"
    "  --dump         the same, with the accounts in the end under \"state\"\n";

static int wrong(const char *format, const char *what)
{
    char words[600];

    (void)snprintf(words, sizeof words, format, what);
    return complain(2, words);
}

static void note_unknown(struct session *x, struct slice network)
{
    size_t i;

    for (i = 0; i < x->unknown_count; i++)
        if (slice_eq_str(network, x->unknown[i].name)) break;
    if (i == UNKNOWN_FORKS_MAX) return; /* counted, but no longer by name */
    if (i == x->unknown_count) {
        x->unknown_count++;
        (void)snprintf(x->unknown[i].name, sizeof x->unknown[i].name, "%.*s", network.len < 64 ? (int)network.len : 63,
                       network.at);
    }
    x->unknown[i].cases++;
}

static void count(struct session *x, const struct state_case *c, const struct state_result *r)
{
    x->passed += r->verdict == STATE_PASSED;
    x->failed += r->verdict == STATE_FAILED;
    x->skipped += r->verdict == STATE_SKIPPED;
    if (r->verdict == STATE_SKIPPED) note_unknown(x, c->network);
    if (x->json)
        statetest_print_json(x->path, x->name, c, r);
    else
        statetest_print_text(x->path, x->name, c, r);
}

/* A file, or one test of it, that cannot be understood: told, counted, and the next one follows. */
static void malformed(struct session *x, struct slice test, const struct fan_error *err)
{
    x->malformed++;
    (void)fprintf(stderr, "fanatico: %s: %.*s%s%s\n", x->path, SLICE_ARGS(test), test.len ? ": " : "", err->text);
}

static bool wanted(const struct session *x, const struct state_case *c)
{
    return (!x->fork.len || slice_eq(x->fork, c->network)) && (!x->has_index || x->index == c->index);
}

static void run_test(struct session *x, struct json v, struct arena a)
{
    struct state_test t;
    struct state_world *world = NULL;
    struct fan_error err = {""};
    enum fan_status s = state_test_read(v, &a, &t, &err);

    if (!s) s = state_world_new(&t, &world, &err);
    for (size_t i = 0; !s && i < t.case_count; i++) {
        struct state_result r;

        if (!wanted(x, &t.cases[i])) continue;
        s = state_test_run(&t, &t.cases[i], world, x->dump, a, &r, &err);
        if (s) break;
        count(x, &t.cases[i], &r);
        state_view_unref(r.after);
    }
    if (s && !err.text[0]) (void)fan_error_set(&err, s, "%s", fan_status_text(s));
    if (s) malformed(x, x->name, &err);
    state_world_free(world);
}

static bool name_matches(const struct session *x, struct slice name, struct arena a)
{
    char *text;

    if (!x->has_filter) return true;
    text = arena_cstr(&a, name);
    return text && regexec(&x->filter, text, 0, NULL, 0) == 0;
}

/* Every test of a file. Below a folder other kinds of fixtures are passed over; a file that was named must be ours. */
static int run_file(void *ctx, const char *path, bool named)
{
    struct session *x = ctx;
    struct arena_home home, scratch;
    struct arena a;
    struct fan_error err = {""}, why = {""};
    struct slice text;
    struct json file;
    enum fan_status s;

    x->path = path;
    x->files++;
    arena_home_init(&home, 0);
    arena_home_init(&scratch, 0);
    a = arena_of(&home);
    s = read_file(path, &a, &text, &why);
    if (s) {
        x->malformed++;
        (void)complain(2, why.text);
        goto out;
    }
    s = json_parse(text, JSON_DEPTH_MAX, &a, &file, &why);
    if (!s && !json_is(file, JSON_OBJECT))
        s = fan_error_set(&why, FAN_EFORMAT, "a file of state tests is an object, this is %s",
                          json_kind_name(json_kind(file)));
    if (s) {
        (void)fan_error_set(&err, s, "%s", why.text[0] ? why.text : fan_status_text(s));
        malformed(x, SLICE(""), &err);
        goto out;
    }
    for (struct json v = json_first(file); !json_is(v, JSON_MISSING); v = json_next(v)) {
        x->name = json_key(v);
        if (!name_matches(x, x->name, a) || (!named && !state_test_is(v))) continue;
        run_test(x, v, arena_of(&scratch));
        arena_home_reset(&scratch);
    }
out:
    arena_home_fini(&scratch);
    arena_home_fini(&home);
    return 0;
}

static void walk(struct session *x, const char *path)
{
    struct fan_error err = {""};
    int result;

    if (!files_walk(path, run_file, x, &result, &err)) return;
    x->malformed++;
    (void)complain(2, err.text);
}

/* File names on standard input, as `evm statetest` takes them: whoever feeds them reads the results as they come. */
static void walk_input(struct session *x)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, stdin)) > 0) {
        if (line[len - 1] == '\n') line[--len] = 0;
        if (len) walk(x, line);
        (void)fflush(stdout);
    }
    free(line);
}

static int set_filter(struct session *x, const char *pattern)
{
    char why[200];
    int code = regcomp(&x->filter, pattern, REG_EXTENDED | REG_NOSUB);

    if (code) {
        char words[500];

        (void)regerror(code, &x->filter, why, sizeof why);
        (void)snprintf(words, sizeof words, "--run: \"%.200s\" is no regular expression: %s", pattern, why);
        return complain(2, words);
    }
    x->has_filter = true;
    return 0;
}

/* Takes one option and its value. Returns how many words it was, or 0 after complaining. */
static int take_option(struct session *x, int left, char **argv)
{
    static const char *const flags[] = {"--fork", "--run", "--index"};
    const char *arg = argv[0], *value;
    char *rest;
    size_t which;

    if (strcmp(arg, "--json") == 0 || strcmp(arg, "--dump") == 0) {
        x->json = true;
        x->dump |= arg[2] == 'd';
        return 1;
    }
    for (which = 0; which < COUNT_OF(flags); which++) {
        size_t len = strlen(flags[which]);

        if (strncmp(arg, flags[which], len) == 0 && (!arg[len] || arg[len] == '=')) break;
    }
    if (which == COUNT_OF(flags)) return wrong("unknown option %.400s (see fanatico statetest --help)", arg), 0;
    value = strchr(arg, '=') ? strchr(arg, '=') + 1 : left > 1 ? argv[1] : NULL;
    if (!value || !*value) return wrong("%s needs a value (see fanatico statetest --help)", flags[which]), 0;
    if (which == 0) x->fork = slice_str(value);
    if (which == 1 && set_filter(x, value)) return 0;
    if (which == 2) {
        x->index = strtoull(value, &rest, 10);
        if (*rest || value[0] == '-') return wrong("--index: \"%.400s\" is not a whole number", value), 0;
        x->has_index = true;
    }
    return strchr(arg, '=') ? 1 : 2;
}

static int conclude(const struct session *x)
{
    FILE *to = x->json ? stderr : stdout;

    for (size_t i = 0; i < x->unknown_count; i++)
        (void)fprintf(to, "skipped: %" PRIu64 " of unknown fork %s\n", x->unknown[i].cases, x->unknown[i].name);
    (void)fprintf(to, "%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", x->passed, x->failed,
                  x->skipped);
    if (fflush(stdout)) return complain(1, "the results could not be written");
    if (x->malformed) return 2;
    if (x->passed + x->failed + x->skipped == 0)
        return complain(2, x->files ? "no state test in what was named" : "no .json file in what was named");
    return x->failed ? 1 : 0;
}

int command_statetest(int argc, char **argv)
{
    struct session x = {0};
    int code = 2, named = 0;

    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return fputs(HELP, stdout) < 0;
    for (int i = 0, words; i < argc; i += words) { /* options first, wherever they stand */
        words = 1;
        if (argv[i][0] != '-' || !argv[i][1]) {
            argv[named++] = argv[i];
            continue;
        }
        words = take_option(&x, argc - i, argv + i);
        if (!words) goto out;
    }
    if (!named) {
        (void)complain(2, "statetest needs a file or a folder (see fanatico statetest --help)");
        goto out;
    }
    for (int i = 0; i < named; i++) {
        if (strcmp(argv[i], "-") == 0)
            walk_input(&x);
        else
            walk(&x, argv[i]);
    }
    code = conclude(&x);
out:
    if (x.has_filter) regfree(&x.filter);
    return code;
}
