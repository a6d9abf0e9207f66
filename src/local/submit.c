#include "codec/u256.h"
#include "local/node.h"

enum { SHORT_GAS = 100000 };

enum fan_status submit(struct local *l, const struct tx *tx, bool unsigned_sender, struct fan_hash *out_hash,
                       struct fan_error *err)
{
    struct fan_error culprit = {{0}}, ignored;
    struct fan_hash hash = tx->hash;
    struct fan_u256 cost, balance;
    struct pending_tx *p;
    uint64_t nonce;
    enum fan_status s = pool_check(l, tx, unsigned_sender, &cost, &nonce, &balance, err);

    if (s) return s;
    p = pending_tx_new(tx);
    if (!p) return FAN_ENOMEM;
    s = pool_put(&l->pool, p, &cost, nonce, &balance, err);
    if (s) {
        pending_tx_unref(p);
        return s;
    }
    if (l->automine) {
        s = builder_automine(l, &hash, &culprit, err ? err : &ignored);
        if (s) { /* no block came of it: the sender must not find it waiting after an error */
            (void)pool_drop(&l->pool, &hash);
            return s;
        }
        if (culprit.text[0]) return fan_error_set(err, FAN_EREJECTED, "%s", culprit.text);
    }
    head_announce(l);
    *out_hash = hash;
    return FAN_OK;
}

/* What a block of this transaction may take: no disk, no terminal, no network, and little execution. */
static bool is_short(struct local *l, const struct tx *tx)
{
    return tx->gas_limit <= SHORT_GAS && !tx->sidecar && !l->keep && !l->sink.sealed && !atomic_load(&l->chain.forked);
}

/* With the place held: letters before this one have all been run, and a block will hold this transaction alone. */
static bool is_idle(struct local *l)
{
    return mailbox_empty(&l->box) && l->automine && !l->importing && !l->interval_ms && !l->pool.tx_count;
}

bool submit_here(struct local *l, const struct tx *tx, struct fan_hash *out_hash, enum fan_status *out_status,
                 struct fan_error *err)
{
    bool idle;

    if (!is_short(l, tx) || pthread_mutex_trylock(&l->place)) return false;
    idle = is_idle(l);
    if (idle) *out_status = submit(l, tx, false, out_hash, err);
    local_count_pool(l);
    (void)pthread_mutex_unlock(&l->place); /* letters that came meanwhile have woken the writer, which waits for it */
    return idle;
}
