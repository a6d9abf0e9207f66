/* fanatico dev: a development chain in one command. */
#include <pthread.h>
#include <stdio.h>

#include "app/state_file.h"
#include "commands.h"
#include "config_out.h"
#include "datadir.h"
#include "devchain.h"
#include "forkchain.h"
#include "print.h"
#include "serve.h"

struct dev {
    struct devchain chain;
    struct forkchain fork;
    struct serve how;
};

static void banner(void *ctx, const struct options *o, const struct block *genesis, const struct chain_remote *remote, const char *http,
                   const char *ws)
{
    print_banner(&((struct dev *)ctx)->chain, o, genesis, remote, http, ws);
}

static void ending(void *ctx)
{
    forkchain_halt(&((struct dev *)ctx)->fork);
}

static int run(const struct options *o, struct dev *d, struct chain_remote *remote, struct store *store)
{
    struct local_options options = {
        .genesis = &d->chain.genesis,
        .remote = remote,
        .dev = true,
        .no_automine = o->no_mining || (o->block_time_ms && !o->mixed_mining),
        .block_time_ms = o->no_mining ? 0 : o->block_time_ms,
        .coinbase = o->coinbase,
        .clock_from_genesis = o->has_timestamp,
        .impersonate_all = o->auto_impersonate,
        .mines_both_ways = o->mixed_mining,
        .block_per_transaction = o->block_per_transaction,
        .has_next_base_fee = o->has_base_fee,
        .next_base_fee_wei = o->base_fee,
        .epoch_blocks = o->slots_in_an_epoch,
        .by_arrival = strcmp(o->order, "fifo") == 0,
        .block_txs_max = o->max_transactions,
        .history_blocks = o->has_prune_history ? o->prune_history : 0,
        .gas_limit = o->has_gas_limit ? o->gas_limit : 0,
        .accounts = d->chain.accounts,
        .secrets = (const uint8_t (*)[32])d->chain.secrets,
        .account_count = d->chain.account_count,
        .store = store,
        .behind = true,
    };
    const char *load = o->has_state ? o->state : o->load_state, *keep = o->has_state ? o->state : o->dump_state;
    struct fan_error err = {""};
    struct local *local;
    int code;

    if (!store && !d->chain.from_file) options.ground = forkchain_ground(&d->fork); /* a genesis of a file, or in a folder, is nobody's fork */
    if (!o->silent) options.sink = (struct local_sink){.transaction = print_transaction, .sealed = print_block};
    if (!o->silent && !o->no_console_log) options.sink.console = print_console;
    options.sink.trouble = print_trouble;
    if (local_open(&options, &local, &err)) return complain(2, err.text);
    if (o->has_config_out && config_out_write(o->config_out, &d->chain, o, local_chain(local), &err)) {
        local_close(local);
        return complain(2, err.text);
    }
    if (load && state_file_load(local_chain(local), load, o->has_state, &err)) {
        local_close(local);
        return complain(2, err.text);
    }
    code = serve(o, &d->how, local);
    if (code == 0 && keep && state_file_save(local_chain(local), keep, &err)) code = complain(1, err.text);
    local_close(local);
    return code;
}

/* With the other node's chain under it, where --fork-url names one. */
static int run_on_ground(const struct options *o, struct dev *d)
{
    struct chain_remote *remote = NULL;
    struct fan_error err = {""};
    enum fan_status s;
    int code;

    /* Another node may be slow: until it has answered, Ctrl-C ends us by the signal itself. */
    (void)pthread_sigmask(SIG_UNBLOCK, &d->how.ends, NULL);
    s = forkchain_init(&d->fork, o, &d->chain, &err);
    if (!s) s = forkchain_open(&d->fork, &remote, &err);
    (void)pthread_sigmask(SIG_BLOCK, &d->how.ends, NULL);
    code = s ? complain(2, err.text) : run(o, d, remote, NULL);
    chain_remote_unref(remote);
    forkchain_fini(&d->fork);
    return code;
}

/* In a folder, where --datadir names one. */
static int run_in_folder(const struct options *o, struct dev *d)
{
    struct fan_error err = {""};
    struct store *store = NULL;
    int code;

    d->fork.halt_fd = -1;
    if (datadir_open_server(o->datadir, true, o->takeover, &store, &err) || datadir_dev_genesis(store, o, &d->chain, &err)) code = complain(2, err.text);
    else code = run(o, d, NULL, store);
    store_close(store);
    return code;
}

int command_dev(int argc, char **argv)
{
    struct options o;
    struct fan_error err = {""};
    enum options_outcome outcome;
    struct dev d = {.how = {.dev = true, .banner = banner, .ending = ending, .ctx = &d}};
    int code;

    if (options_read(&o, 'D', "Usage: fanatico [dev] [OPTIONS]\n\nA development chain: HTTP on 8545, WebSocket on 8546, ten funded accounts, blocks "
                              "at once for what is sent.\n",
                     argc, argv, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    if (o.has_datadir && o.has_fork_url) return complain(2, "--datadir and --fork-url exclude each other: what a fork was told is kept under --cache-path");
    serve_prepare(&d.how, &o);
    if (forkchain_check(&o, &err) || devchain_init(&d.chain, &o, &err)) code = complain(2, err.text);
    else if (o.check_config) code = serve_check(&o, true);
    else code = o.has_datadir ? run_in_folder(&o, &d) : run_on_ground(&o, &d);
    devchain_fini(&d.chain);
    return code;
}
