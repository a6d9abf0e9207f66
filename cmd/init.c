/* fanatico init: the folder of a chain from a genesis.json. */
#include <stdio.h>

#include "codec/hex.h"
#include "commands.h"
#include "datadir.h"
#include "local/local.h"

static void tell(const char *dir, const struct fan_hash *hash, const char *words)
{
    char digits[65] = {0};

    hex_encode(slice_of(hash->bytes, 32), digits);
    (void)printf("%s: %s, genesis 0x%s\n", dir, words, digits);
}

/* A second init with the same genesis changes nothing and is no mistake. */
static int init(const struct options *o, struct store *store, struct arena *a)
{
    struct local_options options = {0};
    struct genesis given, kept;
    struct fan_error err = {""};
    struct fan_hash hash;
    struct local *local;
    bool there;
    enum fan_status s = read_genesis(o->genesis, a, &given, &err);

    if (s) return complain(2, err.text);
    s = local_stored_genesis(store, a, &kept, &err);
    there = !s;
    if (there) s = datadir_same_genesis(store, &kept, &given, o->genesis, &err);
    if (s == FAN_ENOTFOUND) s = FAN_OK;
    if (!s) s = local_genesis_hash(&given, &hash, &err);
    if (!s && !there) {
        options.genesis = &given;
        options.store = store;
        s = local_open(&options, &local, &err);
        if (!s) local_close(local);
    }
    if (s) return complain(2, err.text);
    tell(o->datadir, &hash, there ? "the chain is there already" : "a new chain");
    return 0;
}

int command_init(int argc, char **argv)
{
    struct options o;
    struct fan_error err = {""};
    enum options_outcome outcome;
    struct arena_home memory;
    struct arena a;
    struct store *store = NULL;
    int code;

    if (options_read(&o, 'I', "Usage: fanatico init --datadir DIR --genesis FILE\n\nMakes the folder of a chain that begins with geth's genesis.json; "
                              "fanatico node --datadir DIR then runs it.\n",
                     argc, argv, &outcome, &err))
        return complain(2, err.text);
    if (outcome == OPTIONS_DONE) return 0;
    if (!o.has_datadir) return complain(2, "--datadir: which folder? (see fanatico init --help)");
    if (!o.has_genesis) return complain(2, "--genesis: which genesis.json? (see fanatico init --help)");
    arena_home_init(&memory, 0);
    a = arena_of(&memory);
    if (datadir_open(o.datadir, true, false, &store, &err)) code = complain(2, err.text);
    else code = init(&o, store, &a);
    store_close(store);
    arena_home_fini(&memory);
    return code;
}
