#include "forkchain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/u256.h"
#include "upstream/forked.h"

enum fan_status forkchain_check(const struct options *o, struct fan_error *err)
{
    /* The others hold for anvil_reset too, which may begin a fork later. */
    const char *alone = o->has_fork_block_number ? "fork-block-number" : o->has_fork_header ? "fork-header" : NULL;
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
    (void)pthread_mutex_init(&f->lock, NULL);
    f->halt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return f->halt_fd < 0 ? fan_error_set(err, FAN_ESYSTEM, "eventfd: %s", strerror(errno)) : FAN_OK;
}

void forkchain_fini(struct forkchain *f)
{
    if (!f->options) return;
    if (f->halt_fd >= 0) (void)close(f->halt_fd);
    (void)pthread_mutex_destroy(&f->lock);
    free(f->url);
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

/* The genesis above another node's block, or (NULL) on nobody's. */
static enum fan_status genesis_on(const struct forkchain *f, const struct chain_remote *r, struct arena *a,
                                  struct genesis *out, struct fan_error *err)
{
    const struct options *o = f->options;
    enum fork newest = FORK_NEWEST;

    if (r) newest = fork_of(&r->block->header);
    if ((o->has_hardfork || !r) && !fork_by_name(slice_str(o->hardfork), &newest))
        return fan_error_set(err, FAN_EINVAL, "--hardfork: \"%s\" is no fork known here", o->hardfork);
    return devchain_genesis(f->chain, o, o->has_chain_id || !r ? o->chain_id : r->chain_id, newest, a, out, err);
}

static void keep_url(struct forkchain *f, const char *url)
{
    char *copy = strdup(url), *old;

    (void)pthread_mutex_lock(&f->lock);
    old = copy ? f->url : NULL;
    if (copy) f->url = copy;
    (void)pthread_mutex_unlock(&f->lock);
    free(old);
}

/* The calls that need it wait or fail and say why; here it is said once. */
static void node_changed(void *ctx, const char *url, const char *why)
{
    (void)ctx;
    if (why)
        log_warn("fork", "the node below does not answer", LOG_WITH(log_str("url", url), log_str("why", why)));
    else
        log_warn("fork", "the node below answers again", LOG_WITH(log_str("url", url)));
}

static enum fan_status open_at(struct forkchain *f, const char *url, bool has_number, uint64_t number,
                               struct chain_remote **out, struct fan_error *err)
{
    const struct options *o = f->options;
    bool own = o->has_fork_url && strcmp(url, o->fork_url) == 0; /* the header is for its ears alone */
    struct fan_error note = {""};
    struct arena_home home;
    struct arena a;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    struct forked_options options = {
        .client = {.url = url,
                   .headers = &o->fork_header,
                   .header_count = own && o->has_fork_header,
                   .timeout_ms = o->has_fork_timeout_anvil ? o->fork_timeout_anvil : o->fork_timeout_ms,
                   .backoff_ms = o->fork_backoff_ms,
                   .retries = (unsigned)min_u64(o->fork_retries, 1000),
                   .no_retries = o->fork_retries == 0,
                   .halt_fd = f->halt_fd,
                   .changed = node_changed},
        .has_number = has_number,
        .number = number,
        .folder = cache_folder(o, &a),
    };
    s = forked_open(&options, out, &note, err);
    arena_home_fini(&home);
    if (note.text[0]) log_warn("fork", "--fork-url", LOG_WITH(log_str("note", note.text)));
    if (!s) keep_url(f, url);
    return s;
}

enum fan_status forkchain_open(struct forkchain *f, struct chain_remote **out, struct fan_error *err)
{
    const struct options *o = f->options;
    struct fan_error why = {""};
    struct arena a = (struct arena){.home = &f->chain->memory};
    enum fan_status s;

    *out = NULL;
    if (!o->has_fork_url) return FAN_OK;
    s = open_at(f, o->fork_url, o->has_fork_block_number, o->fork_block_number, out, &why);
    if (s) return fan_error_set(err, s, "--fork-url: %.480s", why.text);
    s = genesis_on(f, *out, &a, &f->chain->genesis, err);
    if (!s) return FAN_OK;
    chain_remote_unref(*out);
    *out = NULL;
    return s;
}

/* ---- resets ---- */

static enum fan_status ground_open(void *ctx, const char *url, bool has_number, uint64_t number,
                                   struct chain_remote **out, struct fan_error *err)
{
    struct forkchain *f = ctx;
    char *last = NULL;
    enum fan_status s;

    if (!url) {
        (void)pthread_mutex_lock(&f->lock);
        last = f->url ? strdup(f->url) : NULL;
        (void)pthread_mutex_unlock(&f->lock);
        if (!last) return fan_error_set(err, FAN_EINVAL, "no URL of another node was ever given");
    }
    s = open_at(f, url ? url : last, has_number, number, out, err);
    free(last);
    return s;
}

static enum fan_status ground_genesis(void *ctx, const struct chain_remote *remote, struct arena *a,
                                      struct genesis *out, struct fan_error *err)
{
    return genesis_on(ctx, remote, a, out, err);
}

struct local_ground forkchain_ground(struct forkchain *f)
{
    return (struct local_ground){.ctx = f, .open = ground_open, .genesis = ground_genesis};
}
