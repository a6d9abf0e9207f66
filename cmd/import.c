/* fanatico import and export: blocks between files and the chain in a folder. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "datadir.h"
#include "print.h"
#include "progress.h"

enum { FILES_MAX = 4096, HISTORY_BLOCKS = 128 };

static volatile sig_atomic_t asked_to_stop;

/* The first signal ends it between two blocks; the second as signals do. */
static void on_signal(int number)
{
    asked_to_stop = number;
    (void)signal(number, SIG_DFL);
}

static bool stop_asked(void *ctx)
{
    (void)ctx;
    return asked_to_stop != 0;
}

/* An open chain in a folder, nothing running. */
struct opened {
    struct arena_home memory;
    struct store *store;
    struct genesis genesis;
    struct local *local;
};

static enum fan_status open_chain(struct opened *c, const struct options *o, struct fan_error *err)
{
    struct local_options options = {.genesis = &c->genesis, .no_automine = true, .behind = true, .sink = {.trouble = print_trouble}};
    struct arena a;
    enum fan_status s;

    *c = (struct opened){0};
    arena_home_init(&c->memory, 0);
    a = arena_of(&c->memory);
    s = datadir_open(o->datadir, false, false, &c->store, err);
    if (!s) s = datadir_genesis(c->store, &a, &c->genesis, err);
    options.store = c->store;
    options.history_blocks = o->archive ? 0 : HISTORY_BLOCKS;
    if (!s) s = local_open(&options, &c->local, err);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    return s;
}

static void close_chain(struct opened *c)
{
    local_close(c->local);
    store_close(c->store);
    arena_home_fini(&c->memory);
}

static int complain_of(const char *path, const char *words)
{
    struct fan_error whole;

    (void)fan_error_set(&whole, FAN_OK, "%.200s: %.300s", path, words);
    return complain(1, whole.text);
}

/* ---- import ---- */

static int import_file(struct local *local, const char *path, bool silent)
{
    struct progress progress;
    struct local_import_watch watch = {.ctx = &progress, .progress = progress_show, .stop = stop_asked};
    struct local_import_result result;
    struct fan_error err = {""}, why = {""};
    enum fan_status s, kept;

    progress_begin(&progress, "imported", silent);
    s = local_import_watched(local, path, &watch, &result, &err);
    kept = local_sync(local, &why); /* also what came before a bad block */
    progress_end(&progress);
    if (kept) { /* more was executed than is on the disk: what was not kept is not told as imported */
        (void)fan_error_set(&err, kept, "%s; blocks are kept up to %" PRIu64 ", and the same command goes on from there", why.text,
                            local_kept_number(local));
        return complain_of(path, err.text);
    }
    if (s == FAN_OK || result.blocks) progress_sum(&progress, result.blocks, result.gas, result.head_number);
    if (s == FAN_ECLOSED) {
        (void)fan_error_set(&why, s, "%s; the same command goes on from there", err.text);
        return complain_of(path, why.text);
    }
    return s ? complain_of(path, err.text) : 0;
}

int command_import(int argc, char **argv)
{
    static const char *files[FILES_MAX];
    size_t count = options_take_words(&argc, argv, files, FILES_MAX);
    struct options o;
    struct opened chain;
    struct fan_error err = {""};
    enum options_outcome outcome;
    int code = 0;

    if (options_read(&o, 'P', "Usage: fanatico import --datadir DIR FILE…\n\nImports blocks in RLP, one after the other, as geth export writes them (gzip'd or not), into the\n"
                              "folder of a chain that fanatico init made: each is executed, and every root, bloom, gas and hash verified;\n"
                              "the seal of a proof-of-work block is not. A bad block ends it, and what came before is kept. Blocks that are\n"
                              "there are passed by, so an import that was cut off goes on where it was.\n",
                     argc, argv, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    if (!o.has_datadir) return complain(2, "--datadir: which folder? (see fanatico import --help)");
    if (!count) return complain(2, "which file? (see fanatico import --help)");
    if (count > FILES_MAX) return complain(2, "too many files");
    if (open_chain(&chain, &o, &err)) code = complain(2, err.text);
    for (size_t i = 0; i < count && !code; i++) code = import_file(chain.local, files[i], o.silent);
    close_chain(&chain);
    return code;
}

/* ---- export ---- */

static enum fan_status read_number(const char *text, const char *what, uint64_t *out, struct fan_error *err)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    if (errno || *end || *text < '0' || *text > '9')
        return fan_error_set(err, FAN_EINVAL, "%s: \"%s\" is not a block number", what, text);
    return FAN_OK;
}

/* Beside the blocks, since they are nothing without it. */
static char *genesis_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    char *out = malloc(len + sizeof "genesis.json");

    if (!out) return NULL;
    memcpy(out, path, len);
    (void)strcpy(out + len, "genesis.json");
    return out;
}

/* Whoever wrote it may have laid it out otherwise: what counts is what it says. */
static bool says_the_same(struct slice there, struct slice ours, struct arena *a)
{
    struct genesis g;
    struct buf text;
    struct json_writer w;
    bool same;

    if (slice_eq(there, ours)) return true;
    if (genesis_parse(there, a, &g, NULL)) return false;
    buf_init(&text, 0);
    w = json_writer_of(&text);
    genesis_put_json(&g, &w);
    buf_put_byte(&text, '\n');
    same = !text.failed && slice_eq(buf_peek(&text), ours);
    buf_fini(&text);
    return same;
}

/* A file of that name is not written over, unless it says the same already. */
static enum fan_status write_genesis(const char *path, const struct genesis *g, struct fan_error *err)
{
    struct arena_home memory;
    struct arena a;
    struct slice there;
    struct buf text;
    struct json_writer w;
    FILE *f;
    enum fan_status s = FAN_OK;

    arena_home_init(&memory, 0);
    a = arena_of(&memory);
    buf_init(&text, 0);
    w = json_writer_of(&text);
    genesis_put_json(g, &w);
    buf_put_byte(&text, '\n');
    if (text.failed) {
        s = fan_error_set(err, FAN_ENOMEM, "out of memory");
    } else if (read_file(path, &a, &there, NULL) == FAN_OK) {
        if (!says_the_same(there, buf_peek(&text), &a))
            s = fan_error_set(err, FAN_EEXIST, "%s is there already and says something else: move it away, or export to another folder", path);
    } else {
        f = fopen(path, "wb");
        if (!f || fwrite(text.at, 1, text.len, f) != text.len) s = fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
        if (f && fclose(f) && !s) s = fan_error_set(err, FAN_EIO, "%s: %s", path, strerror(errno));
    }
    buf_fini(&text);
    arena_home_fini(&memory);
    return s;
}

static int export_blocks(struct opened *c, const char *path, uint64_t first, uint64_t last, bool silent)
{
    struct progress progress;
    struct local_import_watch watch = {.ctx = &progress, .progress = progress_show, .stop = stop_asked};
    struct fan_error err = {""};
    char *beside = genesis_path(path);
    int code = 0;

    if (!beside) return complain(1, "out of memory");
    progress_begin(&progress, "exported", silent);
    if (write_genesis(beside, &c->genesis, &err)) {
        code = complain(1, err.text);
    } else {
        enum fan_status s = local_export(c->local, path, first, last, &watch, &err);

        progress_end(&progress);
        if (s)
            code = complain_of(path, err.text);
        else if (!silent)
            (void)printf("exported blocks %" PRIu64 " to %" PRIu64 " to %s, their genesis to %s\n", first, last, path, beside);
    }
    free(beside);
    return code;
}

static enum fan_status head_number(struct opened *c, uint64_t *out)
{
    struct chain *chain = local_chain(c->local);
    struct block *head;
    enum fan_status s = chain->ops->head(chain, &head);

    if (s) return s;
    *out = head->header.number;
    block_unref(head);
    return FAN_OK;
}

int command_export(int argc, char **argv)
{
    const char *words[3] = {NULL};
    size_t count = options_take_words(&argc, argv, words, COUNT_OF(words));
    struct options o;
    struct opened chain;
    struct fan_error err = {""};
    enum options_outcome outcome;
    uint64_t first = 0, last = UINT64_MAX;
    int code;

    if (options_read(&o, 'E', "Usage: fanatico export --datadir DIR FILE [FIRST [LAST]]\n\nWrites blocks FIRST (0) to LAST (the head) to FILE as RLP, gzip'd when it ends in .gz, as geth import and\n"
                              "fanatico import read them, and the chain's genesis.json beside it. The file appears once it is whole.\n",
                     argc, argv, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    if (!o.has_datadir) return complain(2, "--datadir: which folder? (see fanatico export --help)");
    if (!count || count > COUNT_OF(words)) return complain(2, "FILE [FIRST [LAST]] is wanted (see fanatico export --help)");
    if ((count > 1 && read_number(words[1], "FIRST", &first, &err)) || (count > 2 && read_number(words[2], "LAST", &last, &err)))
        return complain(2, err.text);
    if (open_chain(&chain, &o, &err)) code = complain(2, err.text);
    else if (count < 3 && head_number(&chain, &last)) code = complain(1, "the head cannot be read");
    else code = export_blocks(&chain, words[0], first, last, o.silent);
    close_chain(&chain);
    return code;
}
