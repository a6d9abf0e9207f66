#include "fixtures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "devchain.h"
#include "fixture/files.h"

static int wrong(const struct fixtures *x, const char *format, const char *what)
{
    char words[600], whole[700];

    (void)snprintf(words, sizeof words, format, what);
    (void)snprintf(whole, sizeof whole, "%s (see fanatico %s --help)", words, x->kind->command);
    return complain(2, whole);
}

static void note_unknown(struct fixtures *x, struct slice network)
{
    size_t i;

    for (i = 0; i < x->unknown_count; i++)
        if (slice_eq_str(network, x->unknown[i].name)) break;
    if (i == FIXTURES_UNKNOWN_MAX) return; /* counted, but no longer by name */
    if (i == x->unknown_count) {
        x->unknown_count++;
        (void)snprintf(x->unknown[i].name, sizeof x->unknown[i].name, "%.*s", network.len < 64 ? (int)network.len : 63,
                       network.at);
    }
    x->unknown[i].cases++;
}

void fixtures_count(struct fixtures *x, enum state_verdict v, struct slice network)
{
    x->passed += v == STATE_PASSED;
    x->failed += v == STATE_FAILED;
    x->skipped += v == STATE_SKIPPED;
    if (v == STATE_SKIPPED) note_unknown(x, network);
}

const char *fixtures_word(enum state_verdict v)
{
    return v == STATE_PASSED ? "pass" : v == STATE_FAILED ? "FAIL" : "skip";
}

static void malformed(struct fixtures *x, struct slice test, const char *words)
{
    x->malformed++;
    (void)fprintf(stderr, "fanatico: %s: %.*s%s%s\n", x->path, SLICE_ARGS(test), test.len ? ": " : "", words);
}

void fixtures_malformed(struct fixtures *x, enum fan_status s, struct fan_error *err)
{
    malformed(x, x->name, err->text[0] ? err->text : fan_status_text(s));
}

bool fixtures_want(const struct fixtures *x, struct slice network)
{
    return !x->fork.len || slice_eq(x->fork, network);
}

static bool name_matches(const struct fixtures *x, struct slice name, struct arena a)
{
    char *text;

    if (!x->has_filter) return true;
    text = arena_cstr(&a, name);
    return text && regexec(&x->filter, text, 0, NULL, 0) == 0;
}

/* Every test of a file. Below a folder other kinds of fixtures are passed over; a file that was named must be ours. */
static int run_file(void *ctx, const char *path, bool named)
{
    struct fixtures *x = ctx;
    struct arena_home home, scratch;
    struct arena a;
    struct fan_error why = {""};
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
        s = fan_error_set(&why, FAN_EFORMAT, "a file of %ss is an object, this is %s", x->kind->what,
                          json_kind_name(json_kind(file)));
    if (s) {
        malformed(x, SLICE(""), why.text[0] ? why.text : fan_status_text(s));
        goto out;
    }
    for (struct json v = json_first(file); !json_is(v, JSON_MISSING); v = json_next(v)) {
        x->name = json_key(v);
        if (!name_matches(x, x->name, a) || (!named && !x->kind->is(v))) continue;
        x->kind->run(x, v, arena_of(&scratch));
        arena_home_reset(&scratch);
    }
out:
    arena_home_fini(&scratch);
    arena_home_fini(&home);
    return 0;
}

static void walk(struct fixtures *x, const char *path)
{
    struct fan_error err = {""};
    int result;

    if (!files_walk(path, run_file, x, &result, &err)) return;
    x->malformed++;
    (void)complain(2, err.text);
}

/* File names on standard input, as `evm statetest` takes them: whoever feeds them reads the results as they come. */
static void walk_input(struct fixtures *x)
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

static int set_filter(struct fixtures *x, const char *pattern)
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
static int take_option(struct fixtures *x, int left, char **argv)
{
    static const char *const flags[] = {"--fork", "--run", "--index"};
    const char *arg = argv[0], *value;
    char *rest;
    size_t which;

    if (strcmp(arg, "--json") == 0 || (x->kind->has_cases && strcmp(arg, "--dump") == 0)) {
        x->json = true;
        x->dump |= arg[2] == 'd';
        return 1;
    }
    for (which = 0; which < COUNT_OF(flags); which++) {
        size_t len = strlen(flags[which]);

        if (strncmp(arg, flags[which], len) == 0 && (!arg[len] || arg[len] == '=')) break;
    }
    if (which == COUNT_OF(flags) || (which == 2 && !x->kind->has_cases))
        return wrong(x, "unknown option %.400s", arg), 0;
    value = strchr(arg, '=') ? strchr(arg, '=') + 1 : left > 1 ? argv[1] : NULL;
    if (!value || !*value) return wrong(x, "%s needs a value", flags[which]), 0;
    if (which == 0) x->fork = slice_str(value);
    if (which == 1 && set_filter(x, value)) return 0;
    if (which == 2) {
        x->index = strtoull(value, &rest, 10);
        if (*rest || value[0] == '-') return wrong(x, "--index: \"%.400s\" is not a whole number", value), 0;
        x->has_index = true;
    }
    return strchr(arg, '=') ? 1 : 2;
}

static int conclude(const struct fixtures *x)
{
    FILE *to = x->json ? stderr : stdout;

    for (size_t i = 0; i < x->unknown_count; i++)
        (void)fprintf(to, "skipped: %" PRIu64 " of unknown fork %s\n", x->unknown[i].cases, x->unknown[i].name);
    (void)fprintf(to, "%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", x->passed, x->failed,
                  x->skipped);
    if (fflush(stdout)) return complain(1, "the results could not be written");
    if (x->malformed) return 2;
    if (x->passed + x->failed + x->skipped == 0)
        return x->files ? wrong(x, "no %s in what was named", x->kind->what)
                        : wrong(x, "no %s file in what was named", ".json");
    return x->failed ? 1 : 0;
}

int fixtures_command(const struct fixtures_kind *kind, int argc, char **argv)
{
    struct fixtures x = {.kind = kind};
    int code = 2, named = 0;

    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return fputs(kind->help, stdout) < 0;
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
        (void)wrong(&x, "%s needs a file or a folder", kind->command);
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
