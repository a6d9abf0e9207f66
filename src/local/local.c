#include "local/local.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "local/node.h"

#define GWEI 1000000000u
/* As anvil counts, where no consensus engine decides what is final. */
enum { EPOCH_BLOCKS = 32 };

enum { WARM_NICE = 10 };

/* ---- the writer ---- */

void local_wake(struct local *l)
{
    uint64_t one = 1;

    while (write(l->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

/* Any thread: the first letter into an empty box. */
static void wake(void *ctx)
{
    local_wake(ctx);
}

/* The block that time calls for. Returns how long to sleep: -1 for ever. */
static int64_t tick(struct local *l)
{
    uint64_t now, interval = l->interval_ms * 1000000u;

    if (!interval || l->importing) return -1;
    now = clock_monotonic_ns();
    if (now >= l->due_ns) {
        struct seal_plan plan = builder_take_plan(l);

        if (builder_seal(l, &plan, NULL)) builder_count_failure(l); /* tried again when the next is due */
        l->due_ns += interval;
        now = clock_monotonic_ns();
        if (now > l->due_ns) l->due_ns = now; /* late: no burst of blocks to catch up */
    }
    return (int64_t)(l->due_ns - now);
}

void local_count_pool(struct local *l)
{
    counter_set(&l->stats.pool_executable, l->pool.executable_count);
    counter_set(&l->stats.pool_queued, l->pool.tx_count - l->pool.executable_count);
}

static void *writer(void *ctx)
{
    struct local *l = ctx;

    for (;;) {
        struct pollfd p = {.fd = l->wake_fd, .events = POLLIN};
        struct timespec t;
        int64_t sleep_ns;
        uint64_t count;
        bool worked;

        (void)pthread_mutex_lock(&l->place);
        sleep_ns = tick(l);
        worked = submit_run_letters(l);
        local_count_pool(l);
        (void)pthread_mutex_unlock(&l->place);
        /* Letters may have changed the interval; who found the place taken has woken nobody. */
        if (worked || !mailbox_empty(&l->box)) continue;
        t = (struct timespec){.tv_sec = sleep_ns / 1000000000, .tv_nsec = (long)(sleep_ns % 1000000000)};
        if (atomic_load(&l->stopping)) return NULL;
        if (ppoll(&p, 1, sleep_ns < 0 ? NULL : &t, NULL) > 0 && read(l->wake_fd, &count, sizeof count) < 0 &&
            errno != EINTR)
            return NULL;
    }
}

static void *warm(void *ctx)
{
    (void)ctx;
    (void)setpriority(PRIO_PROCESS, 0, WARM_NICE); /* of this thread alone, on Linux: whoever serves goes first */
    evm_blob_warm();
    return NULL;
}

/* Seconds of work that cannot be interrupted, on tables that belong to the process: nobody waits for its end, or a node
 * that is told to end while it is young would take as long. */
static void warm_start(void)
{
    pthread_t warmer;

    if (pthread_create(&warmer, NULL, warm, NULL) == 0) (void)pthread_detach(warmer);
}

enum fan_status local_start(struct local *l)
{
    assert(!l->started);
    if (config_of(l)->fork_time[FORK_CANCUN] != FORK_NEVER) warm_start();
    l->due_ns = clock_monotonic_ns() + l->interval_ms * 1000000u;
    chain_count_head(&l->chain, head_peek(l));
    l->started = true;
    if (pthread_create(&l->thread, NULL, writer, l)) {
        l->started = false;
        return FAN_ESYSTEM;
    }
    (void)pthread_setname_np(l->thread, "chain");
    return FAN_OK;
}

void local_stop(struct local *l)
{
    if (!l->started) return;
    atomic_store(&l->stopping, true);
    local_wake(l);
    (void)pthread_join(l->thread, NULL);
    (void)submit_run_letters(l); /* what came while it went */
    l->started = false;
    atomic_store(&l->stopping, false);
}

/* ---- life ---- */

static enum fan_status copy_accounts(struct local *l, const struct local_options *o)
{
    if (!o->account_count) return FAN_OK;
    l->accounts = malloc(o->account_count * sizeof *l->accounts);
    l->secrets = malloc(o->account_count * sizeof *l->secrets);
    if (!l->accounts || !l->secrets) return FAN_ENOMEM;
    memcpy(l->accounts, o->accounts, o->account_count * sizeof *l->accounts);
    memcpy(l->secrets, o->secrets, o->account_count * sizeof *l->secrets);
    l->account_count = o->account_count;
    return FAN_OK;
}

static void take_options(struct local *l, const struct local_options *o)
{
    l->ground = o->ground;
    l->sink = o->sink;
    l->wall_s = o->wall_s;
    l->wall_ctx = o->wall_ctx;
    l->priority_fee_wei = o->priority_fee_wei ? o->priority_fee_wei : GWEI;
    l->dev = o->dev;
    l->coinbase = l->coinbase_first = o->coinbase;
    l->gas_limit = l->gas_limit_first = o->gas_limit;
    l->block_per_transaction = o->block_per_transaction;
    l->automine = !o->no_automine && (!o->block_time_ms || o->mines_both_ways);
    l->clock_from_genesis = o->clock_from_genesis;
    l->impersonate_all = l->impersonate_all_first = o->impersonate_all;
    l->has_next_base_fee = o->has_next_base_fee;
    l->next_base_fee_wei = o->next_base_fee_wei;
    l->block_txs_max = o->block_txs_max;
    l->history_blocks = o->history_blocks;
    l->epoch_blocks = o->epoch_blocks ? o->epoch_blocks : EPOCH_BLOCKS;
    l->interval_ms = o->block_time_ms;
    l->extra_data_len = (size_t)min_u64(o->extra_data.len, sizeof l->extra_data);
    if (l->extra_data_len) memcpy(l->extra_data, o->extra_data.at, l->extra_data_len);
}

enum fan_status local_open(const struct local_options *o, struct local **out, struct fan_error *err)
{
    struct local *l = calloc(1, sizeof *l);
    enum fan_status s;

    assert(!evm_abi_difference()); /* C and the leaf were compiled from different versions of their border */
    if (!l) return FAN_ENOMEM;
    take_options(l, o);
    map_init(&l->impersonated, sizeof(struct fan_address), 0);
    (void)pthread_mutex_init(&l->sync_lock, NULL);
    (void)pthread_mutex_init(&l->place, NULL);
    mailbox_init(&l->box, wake, l);
    l->taken_end = &l->taken;
    l->chain.ops = &LOCAL_OPS;
    l->chain.dev = o->dev ? &LOCAL_DEV_OPS : NULL;
    l->chain.writer = &l->box;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s = l->wake_fd < 0 ? fan_error_set(err, FAN_ESYSTEM, "eventfd: %s", strerror(errno)) : copy_accounts(l, o);
    if (!s) s = blocks_init(&l->index);
    if (!s) s = pool_init(&l->pool, &o->pool);
    if (!s) l->pool.by_arrival = o->by_arrival;
    if (!s && o->store && o->remote) s = fan_error_set(err, FAN_EUNSUPPORTED, "a fork has no store of its own yet");
    if (!s) s = rules_replace(l, &o->genesis->config);
    if (!s && o->store) s = reopen(l, o, err);
    if (!s && !l->index.count) s = genesis_build(l, o->genesis, o->remote, err);
    if (s) {
        local_close(l);
        return s;
    }
    builder_set_clock(l);
    *out = l;
    return FAN_OK;
}

void local_close(struct local *l)
{
    if (!l) return;
    assert(!l->started);
    builder_forget_pending(l);
    sidecars_fini(&l->sidecars);
    pool_fini(&l->pool);
    keep_close(l->keep);
    blocks_fini(&l->index);
    state_db_unref(l->state);
    for (struct rules *r = atomic_load(&l->rules), *before; r; r = before) {
        before = r->before;
        free(r);
    }
    map_fini(&l->impersonated);
    if (l->secrets) explicit_bzero(l->secrets, l->account_count * sizeof *l->secrets);
    free(l->secrets);
    free(l->accounts);
    free(l->snapshots);
    if (l->wake_fd >= 0) (void)close(l->wake_fd);
    (void)pthread_mutex_destroy(&l->sync_lock);
    (void)pthread_mutex_destroy(&l->place);
    free(l);
}

enum fan_status local_sync(struct local *l, struct fan_error *err)
{
    return l->keep ? keep_sync(l->keep, err) : FAN_OK;
}

uint64_t local_kept_number(struct local *l)
{
    uint64_t head = head_peek(l)->header.number, durable = atomic_load(&l->index.durable);

    return l->keep && durable && durable - 1 < head ? durable - 1 : head;
}

struct chain *local_chain(struct local *l)
{
    return &l->chain;
}
