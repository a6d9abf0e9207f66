#include "datadir.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "codec/hex.h"
#include "local/local.h"

enum { WAIT_MS = 60000, PAUSE_MS = 10 };

static enum fan_status no_chain(const char *dir, struct fan_error *err)
{
    return fan_error_set(err, FAN_ENOTFOUND, "%s holds no chain yet: fanatico init --datadir %s --genesis FILE makes one", dir,
                         dir);
}

enum fan_status datadir_open(const char *dir, bool make, bool read_only, struct store **out, struct fan_error *err)
{
    enum fan_status s;

    if (make && mkdir(dir, 0755) && errno != EEXIST) return fan_error_set(err, FAN_EIO, "%s: %s", dir, strerror(errno));
    s = store_open(dir, &(struct store_options){.existing = !make, .read_only = read_only}, out, err);
    return s == FAN_ENOTFOUND ? no_chain(dir, err) : s;
}

static bool asked_to_end(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

enum fan_status datadir_open_server(const char *dir, bool make, bool takeover, struct store **out, struct fan_error *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    enum fan_status s = datadir_open(dir, make, false, out, err);

    if (s != FAN_EEXIST || !takeover) return s;
    log_info("store", "waiting for the folder", LOG_WITH(log_str("because", err->text)));
    for (int waited_ms = 0; s == FAN_EEXIST && waited_ms < WAIT_MS && !asked_to_end(); waited_ms += PAUSE_MS) {
        (void)nanosleep(&pause, NULL);
        s = datadir_open(dir, make, false, out, err);
    }
    return s;
}

enum fan_status datadir_genesis(struct store *store, struct arena *a, struct genesis *out, struct fan_error *err)
{
    enum fan_status s = local_stored_genesis(store, a, out, err);

    return s == FAN_ENOTFOUND ? no_chain(store_dir(store), err) : s;
}

enum fan_status datadir_same_genesis(struct store *store, const struct genesis *kept, const struct genesis *given,
                                     const char *path, struct fan_error *err)
{
    struct fan_hash ours, theirs;
    char have[65] = {0}, want[65] = {0};
    enum fan_status s = local_genesis_hash(kept, &ours, err);

    if (!s) s = local_genesis_hash(given, &theirs, err);
    if (s) return s;
    if (memcmp(&ours, &theirs, sizeof ours) == 0) return FAN_OK;
    hex_encode(slice_of(ours.bytes, 32), have);
    hex_encode(slice_of(theirs.bytes, 32), want);
    return fan_error_set(err, FAN_EREJECTED, "%s holds another chain: its genesis block is 0x%s, that of %s 0x%s",
                         store_dir(store), have, path, want);
}

/* The chain's id and fork are the two that a user would notice only when it is too late. */
static enum fan_status contradictions(struct store *store, const struct options *o, const struct genesis *kept,
                                      struct fan_error *err)
{
    enum fork newest, have = fork_at(&kept->config, 0, kept->header.timestamp);

    if (o->has_chain_id && o->chain_id != kept->config.chain_id)
        return fan_error_set(err, FAN_EREJECTED, "--chain-id: the chain in %s has %" PRIu64, store_dir(store),
                             kept->config.chain_id);
    if (o->has_hardfork && fork_by_name(slice_str(o->hardfork), &newest) && newest != have)
        return fan_error_set(err, FAN_EREJECTED, "--hardfork: the chain in %s began with %s", store_dir(store),
                             fork_name(have));
    return FAN_OK;
}

enum fan_status datadir_dev_genesis(struct store *store, const struct options *o, struct devchain *d,
                                    struct fan_error *err)
{
    struct arena a = arena_of(&d->kept);
    struct genesis kept;
    enum fan_status s = local_stored_genesis(store, &a, &kept, err);

    if (s == FAN_ENOTFOUND) return FAN_OK; /* a new folder */
    if (!s) s = contradictions(store, o, &kept, err);
    if (!s && o->has_genesis) s = datadir_same_genesis(store, &kept, &d->genesis, o->genesis, err);
    if (!s) d->genesis = kept;
    return s;
}
