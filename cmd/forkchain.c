#include "forkchain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "codec/u256.h"
#include "upstream/forked.h"

enum fan_status forkchain_check(const struct options *o, struct fan_error *err)
{
    const char *alone = o->has_fork_block_number ? "fork-block-number"
                        : o->has_fork_header     ? "fork-header"
                        : o->has_fork_retries    ? "retries"
                        : o->has_fork_backoff_ms ? "fork-retry-backoff"
                        : o->has_fork_timeout_ms ? "fork-timeout"
                        : o->no_storage_caching  ? "no-storage-caching"
                        : o->has_cache_path      ? "cache-path"
                                                 : NULL;
    const char *decided = o->has_genesis ? "genesis" : o->has_import ? "import" : o->has_timestamp ? "timestamp" : NULL;

    if (!o->has_fork_url && alone)
        return fan_error_set(err, FAN_EINVAL, "--%s: has a meaning beside --fork-url only", alone);
    if (o->has_fork_url && decided)
        return fan_error_set(err, FAN_EINVAL, "--%s: the chain that --fork-url names decides it", decided);
    return FAN_OK;
}

enum fan_status forkchain_init(struct forkchain *f, const struct options *o, struct devchain *d, struct fan_error *err)
{
    *f = (struct forkchain){.options = o, .chain = d, .halt_fd = -1};
    if (!o->has_fork_url) return FAN_OK;
    f->halt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return f->halt_fd < 0 ? fan_error_set(err, FAN_ESYSTEM, "eventfd: %s", strerror(errno)) : FAN_OK;
}

void forkchain_fini(struct forkchain *f)
{
    if (f->options && f->halt_fd >= 0) (void)close(f->halt_fd);
    *f = (struct forkchain){0};
}

void forkchain_halt(struct forkchain *f)
{
    uint64_t one = 1;

    if (f->options && f->halt_fd >= 0 && write(f->halt_fd, &one, sizeof one) < 0) return; /* it is raised already */
}

/* The rules a header was made under, as far as it shows them. */
static enum fork fork_of(const struct header *h)
{
    switch (h->extent) {
    case HEADER_PRAGUE:
        return FORK_NEWEST;
    case HEADER_CANCUN:
        return FORK_CANCUN;
    case HEADER_SHANGHAI:
        return FORK_SHANGHAI;
    case HEADER_LONDON:
        return u256_is_zero(&h->difficulty) ? FORK_PARIS : FORK_LONDON;
    case HEADER_FRONTIER:
        break;
    }
    return FORK_BERLIN;
}

/* The folder of the cache, in the arena; NULL: none is wanted, or nobody knows where. */
static const char *cache_folder(const struct options *o, struct arena *a)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (o->no_storage_caching) return NULL;
    if (o->has_cache_path) return o->cache_path;
    if (base && base[0] == '/') return arena_printf(a, "%s/fanatico/fork", base); /* XDG: relative ones do not count */
    return home && home[0] == '/' ? arena_printf(a, "%s/.cache/fanatico/fork", home) : NULL;
}

static enum fan_status adopt(struct forkchain *f, const struct chain_remote *r, struct fan_error *err)
{
    const struct options *o = f->options;
    enum fork newest = fork_of(&r->block->header);

    if (o->has_hardfork && !fork_by_name(slice_str(o->hardfork), &newest))
        return fan_error_set(err, FAN_EINVAL, "--hardfork: \"%s\" is no fork known here", o->hardfork);
    return devchain_rules(f->chain, o, o->has_chain_id ? o->chain_id : r->chain_id, newest, err);
}

enum fan_status forkchain_open(struct forkchain *f, struct chain_remote **out, struct fan_error *err)
{
    const struct options *o = f->options;
    struct fan_error note = {""}, why = {""};
    struct chain_remote *r = NULL;
    struct arena_home home;
    struct arena a;
    enum fan_status s;

    *out = NULL;
    if (!o->has_fork_url) return FAN_OK;
    arena_home_init(&home, 0);
    a = arena_of(&home);
    struct forked_options options = {
        .client = {.url = o->fork_url,
                   .headers = &o->fork_header,
                   .header_count = o->has_fork_header,
                   .timeout_ms = o->fork_timeout_ms,
                   .backoff_ms = o->fork_backoff_ms,
                   .retries = (unsigned)min_u64(o->fork_retries, 1000),
                   .no_retries = o->fork_retries == 0,
                   .halt_fd = f->halt_fd},
        .has_number = o->has_fork_block_number,
        .number = o->fork_block_number,
        .folder = cache_folder(o, &a),
    };
    s = forked_open(&options, &r, &note, &why);
    arena_home_fini(&home);
    if (note.text[0]) (void)fprintf(stderr, "fanatico: --fork-url: %s\n", note.text);
    if (s) return fan_error_set(err, s, "--fork-url: %.480s", why.text);
    s = adopt(f, r, err);
    if (s)
        chain_remote_unref(r);
    else
        *out = r;
    return s;
}
