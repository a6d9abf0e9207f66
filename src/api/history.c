#include "api/history.h"

/* Does it hold after block n? FAN_ENOTFOUND: no such block, or its state is gone. */
static enum fan_status holds_at(struct chain *chain, uint64_t n, const struct fan_address *address,
                                bool (*is)(void *ctx, const struct chain_account *account), void *ctx, bool *out)
{
    struct chain_account account;
    struct chain_state *state = NULL;
    struct block *b;
    enum fan_status s = chain->ops->block_by_number(chain, n, &b);

    if (s) return s;
    s = chain->ops->state_open(chain, b, &state);
    block_unref(b);
    if (s) return s;
    s = chain->ops->account(state, address, &account);
    chain->ops->state_close(chain, state);
    if (!s) *out = is(ctx, &account);
    return s;
}

enum fan_status history_first(struct chain *chain, const struct fan_address *address,
                              bool (*is)(void *ctx, const struct chain_account *account), void *ctx, struct block **out)
{
    uint64_t not_yet = 0, since = atomic_load(&chain->head_number);
    bool holds = false, known = false; /* known: a state in which it does not hold was seen */
    enum fan_status s = holds_at(chain, since, address, is, ctx, &holds);

    if (s) return s;
    if (!holds) return FAN_ENOTFOUND;
    s = holds_at(chain, 0, address, is, ctx, &holds);
    if (s && s != FAN_ENOTFOUND) return s;
    if (!s && holds) return FAN_ENOTFOUND; /* there from the beginning */
    known = !s;
    while (since - not_yet > 1) {
        uint64_t middle = not_yet + (since - not_yet) / 2;

        s = holds_at(chain, middle, address, is, ctx, &holds);
        if (s && s != FAN_ENOTFOUND) return s;
        if (!s && holds) {
            since = middle;
        } else {
            not_yet = middle;
            known = !s;
        }
    }
    return known ? chain->ops->block_by_number(chain, since, out) : FAN_ENOTFOUND;
}

static bool used(void *ctx, const struct chain_account *account)
{
    return account->nonce > *(const uint64_t *)ctx;
}

enum fan_status history_tx_of(struct chain *chain, const struct fan_address *sender, uint64_t nonce, struct block **out,
                              size_t *out_index)
{
    struct block *b;
    enum fan_status s = history_first(chain, sender, used, &nonce, &b);

    if (s) return s;
    for (size_t i = 0; i < b->tx_count; i++) {
        if (b->txs[i].nonce != nonce || memcmp(&b->txs[i].sender, sender, sizeof *sender) != 0) continue;
        *out = b;
        *out_index = i;
        return FAN_OK;
    }
    block_unref(b);
    return FAN_ENOTFOUND;
}
