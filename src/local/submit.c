/* Transactions into the pool and, where blocks come at once, into one.
 *
 * Submissions are letters like any other, in one order with whatever else is asked of the writer. Those that follow one
 * another there without anything between them share a block, as long as each is of another sender: a group. Who awaits
 * each answer, or sends alone, has a block for each transaction, whatever others do. */
#include "base/clock.h"
#include "codec/u256.h"
#include "local/node.h"

enum {
    GROUP_MAX = 128,
    /* On a worker: of one transaction, of those of a block together, and of a turn. Beyond, the writer goes on. */
    SHORT_GAS = 100000,
    SHORT_GROUP_GAS = 400000,
    HERE_NS = 300000
};

/* Into the pool, or why not. */
static enum fan_status admit(struct local *l, const struct tx *tx, bool unsigned_sender, struct fan_error *err)
{
    struct fan_u256 cost, balance;
    struct pending_tx *p;
    uint64_t nonce;
    enum fan_status s = pool_check(l, tx, unsigned_sender, &cost, &nonce, &balance, err);

    if (s) return s;
    p = pending_tx_new(tx);
    if (!p) return FAN_ENOMEM;
    s = pool_put(&l->pool, p, &cost, nonce, &balance, err);
    if (s) pending_tx_unref(p);
    return s;
}

/* The block or blocks of what has been admitted; those who were not have a status. */
static void seal(struct local *l, struct chain_submission *const *come, size_t count)
{
    struct fan_error words = {{0}};
    enum fan_status s = l->automine ? builder_instant(l, come, count, &words) : FAN_OK;

    for (size_t i = 0; s && i < count; i++) {
        /* No block came of it: the sender must not find it waiting after an error. */
        if (come[i]->status || !pool_drop(&l->pool, &come[i]->hash)) continue;
        come[i]->status = s;
        come[i]->err = words;
    }
    head_announce(l);
}

enum fan_status submit(struct local *l, const struct tx *tx, bool unsigned_sender, struct fan_hash *out_hash,
                       struct fan_error *err)
{
    struct chain_submission one = {.tx = tx, .hash = tx->hash}, *come = &one;

    one.status = admit(l, tx, unsigned_sender, err);
    if (one.status) return one.status;
    seal(l, &come, 1);
    if (one.status && err) *err = one.err;
    if (!one.status) *out_hash = one.hash;
    return one.status;
}

/* ---- together ---- */

static struct chain_submission *submission_of(struct letter *l)
{
    return CONTAINER_OF(l, struct chain_submission, letter);
}

struct group {
    struct chain_submission *of[GROUP_MAX];
    size_t count, admitted;
    uint64_t gas, gas_max;
};

static bool has_sender(const struct group *g, const struct fan_address *a)
{
    for (size_t i = 0; i < g->count; i++)
        if (memcmp(&g->of[i]->tx->sender, a, sizeof *a) == 0) return true;
    return false;
}

/* False: it begins another group. What is refused while others wait is looked at again once their block is there, since
 * what it lacks may come with that. */
static bool join(struct local *l, struct group *g, struct chain_submission *s)
{
    if (g->count == (l->block_per_transaction ? 1 : GROUP_MAX) || has_sender(g, &s->tx->sender)) return false;
    if (g->count && s->tx->gas_limit > g->gas_max - g->gas) return false;
    s->hash = s->tx->hash;
    s->err.text[0] = '\0';
    s->status = admit(l, s->tx, false, &s->err);
    if (s->status && g->admitted) return false;
    g->of[g->count++] = s;
    g->gas += min_u64(s->tx->gas_limit, g->gas_max - g->gas);
    g->admitted += !s->status;
    return true;
}

static void run_one(struct letter *letter)
{
    struct chain_submission *s = submission_of(letter);

    s->status = submit(local_of(s->chain), s->tx, false, &s->hash, &s->err);
    s->done(s);
}

/* Runs the group that the first letter taken begins. */
static void run_group(struct local *l, uint64_t gas_max)
{
    struct group g;

    g.count = g.admitted = 0;
    g.gas = 0;
    g.gas_max = gas_max;
    while (l->taken && l->taken->run == run_one && join(l, &g, submission_of(l->taken))) l->taken = l->taken->next;
    if (!l->taken) l->taken_end = &l->taken;
    if (g.admitted) seal(l, g.of, g.count);
    for (size_t i = 0; i < g.count; i++) g.of[i]->done(g.of[i]);
}

static void take_letters(struct local *l)
{
    *l->taken_end = mailbox_take(&l->box);
    while (*l->taken_end) l->taken_end = &(*l->taken_end)->next;
}

bool submit_run_letters(struct local *l)
{
    bool any;

    take_letters(l);
    any = l->taken != NULL;
    while (l->taken) {
        struct letter *first = l->taken;

        if (first->run == run_one) {
            run_group(l, UINT64_MAX);
            continue;
        }
        l->taken = first->next;
        if (!l->taken) l->taken_end = &l->taken;
        first->run(first);
    }
    return any;
}

/* What a block of this transaction may take: no disk, no terminal, no network, and little execution. */
static bool is_short(struct local *l, const struct tx *tx)
{
    return tx->gas_limit <= SHORT_GAS && !tx->sidecar && !l->keep && !l->sink.sealed && !atomic_load(&l->chain.forked);
}

/* With the place held: is the next letter one that may be run here? Then a block will hold what has come alone. */
static bool goes_on_here(struct local *l, uint64_t until_ns)
{
    return l->taken->run == run_one && is_short(l, submission_of(l->taken)->tx) && l->automine && !l->importing &&
           !l->interval_ms && !l->pool.tx_count && clock_monotonic_ns() < until_ns;
}

/* Whoever finds the place taken leaves it at that: who holds it looks into the box once more when he has left it. */
static void run_here(struct local *l)
{
    uint64_t until_ns = clock_monotonic_ns() + HERE_NS;
    bool rest;

    do {
        if (pthread_mutex_trylock(&l->place)) return;
        take_letters(l);
        while (l->taken && goes_on_here(l, until_ns)) run_group(l, SHORT_GROUP_GAS);
        rest = l->taken != NULL;
        local_count_pool(l);
        (void)pthread_mutex_unlock(&l->place);
        if (rest) local_wake(l);
    } while (!rest && !mailbox_empty(&l->box));
}

void submit_all(struct local *l, struct chain_submission *const *s, size_t count)
{
    bool here = true, first = false;

    for (size_t i = 0; i < count; i++) here = here && is_short(l, s[i]->tx);
    for (size_t i = 0; i < count; i++) {
        s[i]->chain = &l->chain;
        s[i]->letter.run = run_one;
        if (mailbox_put(&l->box, &s[i]->letter)) first = true;
    }
    if (here)
        run_here(l);
    else if (first)
        local_wake(l);
}
