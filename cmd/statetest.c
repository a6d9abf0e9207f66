/* fanatico statetest: runs state tests of ethereum/tests and execution-spec-tests. */
#include "commands.h"
#include "fixtures.h"
#include "statetest_print.h"

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

static void run_test(struct fixtures *x, struct json v, struct arena a)
{
    struct state_test t;
    struct state_world *world = NULL;
    struct fan_error err = {""};
    enum fan_status s = state_test_read(v, &a, &t, &err);

    if (!s) s = state_world_new(&t, &world, &err);
    for (size_t i = 0; !s && i < t.case_count; i++) {
        const struct state_case *c = &t.cases[i];
        struct state_result r;

        if (!fixtures_want(x, c->network) || (x->has_index && x->index != c->index)) continue;
        s = state_test_run(&t, c, world, x->dump, a, &r, &err);
        if (s) break;
        fixtures_count(x, r.verdict, c->network);
        if (x->json)
            statetest_print_json(x->path, x->name, c, &r);
        else
            statetest_print_text(x->path, x->name, c, &r);
        state_view_unref(r.after);
    }
    if (s) fixtures_malformed(x, s, &err);
    state_world_free(world);
}

int command_statetest(int argc, char **argv)
{
    static const struct fixtures_kind kind = {.command = "statetest",
                                              .what = "state test",
                                              .help = HELP,
                                              .has_cases = true,
                                              .is = state_test_is,
                                              .run = run_test};

    return fixtures_command(&kind, argc, argv);
}
