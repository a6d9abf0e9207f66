/* fanatico node: a chain that survives. It seals alone, by the clock; it holds no keys and answers no development method;
 * whoever hears of a block hears of one that is durable. */
#include <inttypes.h>
#include <stdio.h>

#include "commands.h"
#include "datadir.h"
#include "print.h"
#include "serve.h"

enum { BLOCK_TIME_MS = 1000, HISTORY_BLOCKS = 128 };

struct node {
    const char *dir;
    struct local *local;
};

static void banner(void *ctx, const struct options *o, const struct block *genesis, const struct chain_remote *remote, const char *http,
                   const char *ws)
{
    const struct node *n = ctx;
    struct chain *chain = local_chain(n->local);
    struct block *head;

    (void)genesis;
    (void)remote;
    if (chain->ops->head(chain, &head)) return;
    (void)printf("Fanatico %s, node\n  Chain id   %" PRIu64 "\n  Folder     %s\n  History    %s\n  Head       %" PRIu64
                 "\n  HTTP       %s\n  WebSocket  %s\n",
                 FANATICO_VERSION, chain->ops->config(chain)->chain_id, n->dir,
                 o->archive ? "all" : "the last 128 blocks", head->header.number, http, ws);
    if (o->has_ipc_path) (void)printf("  IPC        %s\n", serve_ipc_path(o));
    (void)fflush(stdout);
    block_unref(head);
}

static int run(const struct options *o, struct serve *how, struct store *store, struct arena *a)
{
    struct node node = {.dir = o->datadir};
    struct genesis genesis;
    struct local_options options = {
        .genesis = &genesis,
        .no_automine = true,
        .block_time_ms = o->has_block_time_ms ? o->block_time_ms : BLOCK_TIME_MS,
        .coinbase = o->coinbase,
        .gas_limit = o->has_gas_limit ? o->gas_limit : 0,
        .store = store,
        .history_blocks = o->archive ? 0 : HISTORY_BLOCKS,
        .sink = {.trouble = print_trouble},
    };
    struct fan_error err = {""};
    int code;

    if (!o->silent) options.sink.sealed = print_block;
    if (datadir_genesis(store, a, &genesis, &err) || local_open(&options, &node.local, &err))
        return complain(2, err.text);
    how->banner = banner;
    how->ctx = &node;
    code = serve(o, how, node.local);
    local_close(node.local);
    return code;
}

int command_node(int argc, char **argv)
{
    struct options o;
    struct fan_error err = {""};
    enum options_outcome outcome;
    struct serve how = {0};
    struct arena_home memory;
    struct arena a;
    struct store *store = NULL;
    int code;

    if (options_read(&o, 'N', "Usage: fanatico node --datadir DIR [OPTIONS]\n\nA chain that survives, from a folder that fanatico init made: seals a block "
                              "each second,\nholds no keys, and tells of a block once it is durable.\n",
                     argc, argv, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    if (o.check_config) return serve_check(&o, false);
    if (!o.has_datadir) return complain(2, "--datadir: which folder? (see fanatico node --help)");
    if (o.has_block_time_ms && !o.block_time_ms) return complain(2, "--block-time: a node seals by the clock, so more than 0");
    serve_prepare(&how, &o);
    arena_home_init(&memory, 0);
    a = arena_of(&memory);
    if (serve_log(&o, false, &err) || datadir_open_server(o.datadir, false, o.takeover, &store, &err)) code = complain(2, err.text);
    else code = run(&o, &how, store, &a);
    store_close(store);
    arena_home_fini(&memory);
    return code;
}
