/* fanatico blocktest: runs blockchain tests of ethereum/tests and execution-spec-tests. */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "commands.h"
#include "fixture/block_test.h"
#include "fixtures.h"

static const char HELP[] =
    "Usage: fanatico blocktest [OPTIONS] FILE…\n\n"
    "Runs blockchain tests in the format of ethereum/tests (BlockchainTests) and execution-spec-tests\n"
    "(blockchain_tests): each block through the import that the chain has, side chains included; which are\n"
    "taken and which refused, the head and its accounts are compared. The seal of proof of work is not\n"
    "checked. A FILE may be a folder, which stands for every .json below it, and - for the names that come\n"
    "on standard input, one a line. One line a test, then the count; tests of forks that are not known here\n"
    "are skipped and named.\n"
    "Exit code: 0 all passed, 1 a test failed, 2 wrong usage or a file that is no blockchain test.\n\n"
    "  --fork NAME    only this fork, as the file spells it (Cancun)\n"
    "  --run REGEX    only tests whose name matches (POSIX extended)\n"
    "  --json         a JSON object for each test, one a line; the count goes to standard error\n";

static void print_json(const struct fixtures *x, struct slice network, const struct block_test_result *r)
{
    struct buf b;
    struct json_writer w;

    buf_init(&b, 0);
    w = json_writer_of(&b);
    json_begin_object(&w);
    json_put_key(&w, "name");
    json_put_str(&w, x->name);
    json_put_key(&w, "file");
    json_put_text(&w, x->path);
    json_put_key(&w, "fork");
    json_put_str(&w, network);
    json_put_key(&w, "pass");
    json_put_bool(&w, r->verdict == STATE_PASSED);
    if (r->verdict == STATE_SKIPPED) {
        json_put_key(&w, "skipped");
        json_put_bool(&w, true);
    }
    json_put_key(&w, "taken");
    json_put_number(&w, r->taken);
    json_put_key(&w, "refused");
    json_put_number(&w, r->refused);
    if (r->has_head) {
        json_put_key(&w, "lastblockhash");
        json_put_hash(&w, &r->head);
    }
    if (r->words.text[0]) {
        json_put_key(&w, "error");
        json_put_text(&w, r->words.text);
    }
    json_end_object(&w);
    buf_put_byte(&b, '\n');
    if (!b.failed) (void)fwrite(b.at, 1, b.len, stdout);
    buf_fini(&b);
}

static void run_test(struct fixtures *x, struct json v, struct arena a)
{
    struct slice network = block_test_network(v);
    struct block_test_result r;
    struct fan_error err = {""};
    enum fan_status s;

    if (!fixtures_want(x, network)) return;
    s = block_test_run(v, &a, &r, &err);
    if (s) {
        fixtures_malformed(x, s, &err);
        return;
    }
    fixtures_count(x, r.verdict, network);
    if (x->json)
        print_json(x, network, &r);
    else
        (void)printf("%s %s %.*s %.*s: %" PRIu64 " blocks taken, %" PRIu64 " refused%s%s\n", fixtures_word(r.verdict),
                     x->path, SLICE_ARGS(x->name), SLICE_ARGS(network), r.taken, r.refused, r.words.text[0] ? ": " : "",
                     r.words.text);
}

int command_blocktest(int argc, char **argv)
{
    static const struct fixtures_kind kind = {
        .command = "blocktest", .what = "blockchain test", .help = HELP, .is = block_test_is, .run = run_test};

    return fixtures_command(&kind, argc, argv);
}
