#include "codec/u256.h"
#include "local/node.h"

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
