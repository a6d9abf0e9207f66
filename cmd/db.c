/* fanatico db check: does what a chain's folder holds fit together? */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "datadir.h"
#include "local/check.h"
#include "options.h"

static void show_progress(void *ctx, uint64_t block, uint64_t head)
{
    (void)ctx;
    (void)fprintf(stderr, "\r\033[Kblock %" PRIu64 " of %" PRIu64, block, head);
    if (block > head) (void)fprintf(stderr, "\r\033[K");
}

static char outside[512];

/* Pages that lead nowhere are LMDB's to follow: it looks where they point. */
static void on_fault(int number)
{
    (void)number;
    if (write(STDERR_FILENO, outside, strlen(outside)) < 0) _exit(1);
    _exit(1);
}

static void catch_faults(const char *dir)
{
    (void)snprintf(outside, sizeof outside, "fanatico: %.300s: chain/data.mdb is damaged: a page of it leads outside of the file\n", dir);
    (void)signal(SIGBUS, on_fault);
    (void)signal(SIGSEGV, on_fault);
}

static int check(const struct options *o, struct store *store)
{
    struct check_count c;
    struct fan_error err = {""}, whole;
    enum fan_status s = check_store(store, isatty(STDERR_FILENO) ? show_progress : NULL, NULL, &c, &err);

    if (s == FAN_ENOTFOUND) return complain(2, err.text);
    if (s) {
        (void)fan_error_set(&whole, s, "%.200s: %.300s", o->datadir, err.text);
        return complain(1, whole.text);
    }
    (void)printf("%s: sound\n"
                 "  blocks      %" PRIu64 ", each with its parent, hash and roots; %" PRIu64 " transactions, %" PRIu64 " logs, %" PRIu64 " orphans\n"
                 "  state       %" PRIu64 " accounts, %" PRIu64 " slots, %" PRIu64 " codes; root and %" PRIu64 " trie nodes computed again\n"
                 "  history     %" PRIu64 " versions, %" PRIu64 " values from before them\n",
                 o->datadir, c.blocks, c.txs, c.logs, c.orphans, c.accounts, c.slots, c.codes, c.nodes, c.versions, c.old_values);
    return 0;
}

int command_db(int argc, char **argv)
{
    struct options o;
    struct fan_error err = {""};
    enum options_outcome outcome;
    struct store *store = NULL;
    int code;
    bool help = argc && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);

    if (!argc || (strcmp(argv[0], "check") != 0 && !help)) return complain(2, "fanatico db check --datadir DIR is what there is (see fanatico db --help)");
    if (options_read(&o, 'C', "Usage: fanatico db check --datadir DIR\n\nReads a chain's folder whole: every block with its parent, roots and indexes, the head's state\n"
                              "computed again from its accounts, the history with each root that was. Code 0: sound; 1: damaged, and where.\n",
                     help ? argc : argc - 1, help ? argv : argv + 1, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    if (!o.has_datadir) return complain(2, "--datadir: which folder? (see fanatico db --help)");
    catch_faults(o.datadir);
    if (datadir_open(o.datadir, false, true, &store, &err)) return complain(2, err.text);
    code = check(&o, store);
    store_close(store);
    return code;
}
