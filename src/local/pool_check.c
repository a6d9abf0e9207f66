/* Who may wait in the pool: geth's rules in geth's order and words (core/txpool/validation.go states the facts).
 *
 * Where blocks come at once, a transaction that the next block could not take would wait for ever; so what only delays
 * it in geth (a fee below the base fee, a blob fee below the blob base fee) is refused here, with the words that block
 * building has for it, as anvil does. There is no least tip: a development chain takes transactions that pay nothing.
 * From Osaka on both forms of blob proofs are taken, since most client libraries still make the older one.
 *
 * Left out: geth lets an account with an EIP-7702 delegation have one transaction in flight at a time and keeps blob
 * and other transactions of one sender apart; both guard a public pool against cheap eviction, which nobody has a
 * reason to try on a chain of one's own. */
#include <inttypes.h>

#include "codec/hex.h"
#include "codec/u256.h"
#include "local/node.h"

enum { MAX_TX_GAS = 1 << 24, MAX_INITCODE = 49152, BLOBS_PER_TX_MAX = 6, CELLS_PER_BLOB = 128, BLOB_GAS = 131072 };

#define REFUSE(...) return fan_error_set(err, FAN_EREJECTED, __VA_ARGS__)

/* The rules of the block this transaction could enter first. */
struct next_block {
    enum fork fork;
    uint64_t timestamp, gas_limit, base_fee_wei, blob_fee_wei;
    struct blob_params blob;
};

static struct next_block next_block_of(struct local *l)
{
    const struct header *h = &head_peek(l)->header;
    struct next_block n = {.timestamp = builder_timestamp(l), .gas_limit = h->gas_limit};

    n.fork = fork_at(config_of(l), h->number + 1, n.timestamp);
    if (l->gas_limit && l->dev) n.gas_limit = l->gas_limit;
    if (n.fork >= FORK_LONDON)
        n.base_fee_wei =
            l->has_next_base_fee ? l->next_base_fee_wei : header_next_base_fee(h, h->extent >= HEADER_LONDON);
    if (n.fork >= FORK_CANCUN && blob_params_at(config_of(l), n.timestamp, &n.blob)) {
        bool had = h->extent >= HEADER_CANCUN;
        uint64_t excess = next_excess_blob_gas(n.fork, &n.blob, had ? h->excess_blob_gas : 0,
                                               had ? h->blob_gas_used : 0, h->base_fee_wei);

        n.blob_fee_wei = blob_base_fee(excess, n.blob.update_fraction);
    }
    return n;
}

static enum fan_status check_type(const struct next_block *n, const struct tx *tx, struct fan_error *err)
{
    static const struct {
        enum fork since;
        const char *name;
    } rule[] = {[TX_LEGACY] = {FORK_FRONTIER, ""},
                [TX_ACCESS_LIST] = {FORK_BERLIN, "Berlin"},
                [TX_DYNAMIC_FEE] = {FORK_LONDON, "London"},
                [TX_BLOB] = {FORK_CANCUN, "Cancun"},
                [TX_SET_CODE] = {FORK_PRAGUE, "Prague"}};

    if ((unsigned)tx->type >= COUNT_OF(rule))
        REFUSE("transaction type not supported: tx type %d not supported by this pool", (int)tx->type);
    if (n->fork < rule[tx->type].since)
        REFUSE("transaction type not supported: type %d rejected, pool not yet in %s", (int)tx->type,
               rule[tx->type].name);
    return FAN_OK;
}

static enum fan_status check_sizes(const struct local *l, const struct next_block *n, const struct tx *tx,
                                   struct fan_error *err)
{
    if (tx->encoded.len > l->pool.limits.bytes_max)
        REFUSE("oversized data: transaction size %zu, limit %zu", tx->encoded.len, l->pool.limits.bytes_max);
    if (!tx->has_to && n->fork >= FORK_SHANGHAI && tx->data.len > MAX_INITCODE)
        REFUSE("max initcode size exceeded: code size %zu limit %d", tx->data.len, MAX_INITCODE);
    if (n->fork >= FORK_OSAKA && tx->gas_limit > MAX_TX_GAS)
        REFUSE("transaction gas limit too high (cap: %d, tx: %" PRIu64 ")", MAX_TX_GAS, tx->gas_limit);
    if (tx->gas_limit > n->gas_limit) REFUSE("exceeds block gas limit");
    return FAN_OK;
}

static enum fan_status check_sender(const struct local *l, const struct next_block *n, const struct tx *tx,
                                    bool is_unsigned, struct fan_error *err)
{
    if (!tx->has_sender) REFUSE("invalid sender");
    if (tx->has_chain_id && tx->chain_id != config_of(l)->chain_id)
        REFUSE("invalid sender: invalid chain id for signer: have %" PRIu64 " want %" PRIu64, tx->chain_id,
               config_of(l)->chain_id);
    if (!is_unsigned && tx->type == TX_LEGACY && tx->has_chain_id && n->fork < FORK_SPURIOUS)
        REFUSE("invalid sender: invalid transaction v, r, s values"); /* EIP-155 is not yet in force */
    if (tx->nonce == UINT64_MAX) REFUSE("nonce has max value");
    return FAN_OK;
}

static enum fan_status check_gas(const struct next_block *n, const struct tx *tx, struct fan_error *err)
{
    uint64_t floor = 0, least = tx_intrinsic_gas(tx, n->fork, &floor);

    if (tx->gas_limit < least)
        REFUSE("intrinsic gas too low: gas %" PRIu64 ", minimum needed %" PRIu64, tx->gas_limit, least);
    if (tx->gas_limit < floor)
        REFUSE("insufficient gas for floor data gas cost: gas %" PRIu64 ", minimum needed %" PRIu64, tx->gas_limit,
               floor);
    return FAN_OK;
}

static enum fan_status check_blobs(const struct next_block *n, const struct tx *tx, struct fan_error *err)
{
    const struct tx_sidecar *s = tx->sidecar;
    uint64_t max = n->fork >= FORK_OSAKA ? min_u64(BLOBS_PER_TX_MAX, n->blob.max) : n->blob.max;
    size_t proofs;
    const char *text = "";

    if (!tx->blob_count) REFUSE("blob transaction missing blob hashes");
    if (!tx->has_to) REFUSE("blob transaction of type create");
    if (u256_is_zero(&tx->blob_fee_max_wei))
        REFUSE("transaction gas price below minimum: blob fee cap 0, minimum needed 1");
    if (!s) REFUSE("missing sidecar in blob transaction");
    if (s->blob_count != tx->blob_count)
        REFUSE("invalid number of %zu blob commitments compared to %zu blob hashes", s->blob_count, tx->blob_count);
    if (tx->blob_count > max)
        REFUSE("transaction blob limit exceeded: blob count %zu, limit %" PRIu64, tx->blob_count, max);
    if (s->version > 1 || (s->version == 1 && n->fork < FORK_OSAKA))
        REFUSE("Wrong sidecar format: unexpected sidecar version, want: 0, got: %u", s->version);
    proofs = s->version ? s->blob_count * CELLS_PER_BLOB : s->blob_count;
    if (s->proofs.len != proofs * 48)
        REFUSE("Wrong sidecar format: invalid number of %zu blob proofs expected %zu", s->proofs.len / 48, proofs);
    if (s->blobs.len != s->blob_count * 131072 || s->commitments.len != s->blob_count * 48)
        REFUSE("Wrong sidecar format: %zu bytes of blobs for %zu blobs", s->blobs.len, s->blob_count);
    if (evm_blob_verify(s->version, s->blobs.at, s->blob_count, s->commitments.at, s->proofs.at, proofs,
                        tx->blob_hashes, &text))
        REFUSE("KZG verification error: %s", text);
    return FAN_OK;
}

static enum fan_status check_fees(const struct local *l, const struct next_block *n, const struct tx *tx,
                                  struct fan_error *err)
{
    struct fan_u256 base = u256_of(n->base_fee_wei), blob = u256_of(n->blob_fee_wei);
    char fee[79], who[43];

    if (u256_cmp(&tx->priority_fee_wei, &tx->gas_price_wei) > 0)
        REFUSE("max priority fee per gas higher than max fee per gas");
    if (!l->automine) return FAN_OK;
    if (u256_cmp(&tx->gas_price_wei, &base) < 0) {
        hex_write_checksum(&tx->sender, who); /* a hash: not for those that are taken */
        (void)u256_to_decimal(&tx->gas_price_wei, fee);
        REFUSE("max fee per gas less than block base fee: address %s, maxFeePerGas: %s, baseFee: %" PRIu64, who, fee,
               n->base_fee_wei);
    }
    if (tx->type == TX_BLOB && u256_cmp(&tx->blob_fee_max_wei, &blob) < 0) {
        hex_write_checksum(&tx->sender, who);
        (void)u256_to_decimal(&tx->blob_fee_max_wei, fee);
        REFUSE("max fee per blob gas less than block blob gas fee: address %s blobGasFeeCap: %s, blobBaseFee: %" PRIu64,
               who, fee, n->blob_fee_wei);
    }
    return FAN_OK;
}

/* Gas at the highest price, blobs likewise, and the value. False when that does not fit 256 bits. */
static bool cost_of(const struct tx *tx, struct fan_u256 *out)
{
    struct fan_u256 blobs = u256_of(0);

    if (!u256_mul_u64(&tx->gas_price_wei, tx->gas_limit, out)) return false;
    if (tx->type == TX_BLOB && !u256_mul_u64(&tx->blob_fee_max_wei, tx->blob_count * BLOB_GAS, &blobs)) return false;
    return u256_add(out, &blobs, out) && u256_add(out, &tx->value_wei, out);
}

static enum fan_status refuse_funds(const struct fan_u256 *balance, const struct fan_u256 *queued,
                                    const struct fan_u256 *cost, const struct fan_u256 *need, struct fan_error *err)
{
    char have[79], price[79], over[79], before[79];
    struct fan_u256 overshot;

    (void)u256_sub(need, balance, &overshot);
    (void)u256_to_decimal(balance, have);
    (void)u256_to_decimal(cost, price);
    (void)u256_to_decimal(&overshot, over);
    if (!queued)
        REFUSE("insufficient funds for gas * price + value: balance %s, tx cost %s, overshot %s", have, price, over);
    (void)u256_to_decimal(queued, before);
    REFUSE("insufficient funds for gas * price + value: balance %s, queued cost %s, tx cost %s, overshot %s", have,
           before, price, over);
}

/* EIP-3607: an account with code signs nothing, unless the code is a delegation (EIP-7702: ef0100 and an address). */
static enum fan_status check_code(struct local *l, const struct tx *tx, struct fan_error *err)
{
    struct state_view *view;
    struct state_account account;
    struct arena_home home;
    struct arena a;
    struct slice code = {0};
    char who[43];
    enum fan_status s = state_db_head(l->state, &view);

    if (s) return s;
    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = state_view_account(view, &tx->sender, &account);
    if (!s) s = state_view_code(view, &account.code_hash, &a, &code);
    if (!s && code.len && !(code.len == 23 && slice_starts(code, SLICE("\xef\x01\x00")))) {
        hex_write_checksum(&tx->sender, who);
        s = fan_error_set(err, FAN_EREJECTED, "sender not an eoa: address %s, len(code): %zu", who, code.len);
    }
    arena_home_fini(&home);
    state_view_unref(view);
    return s;
}

/* Nonce, and whether the account can pay for this one beside all that already waits. */
static enum fan_status check_account(struct local *l, const struct tx *tx, struct fan_u256 *out_cost,
                                     uint64_t *out_nonce, struct fan_u256 *out_balance, struct fan_error *err)
{
    struct fan_u256 queued = u256_of(0), need;
    const struct pool_sender *s;
    size_t blobs = 0;

    if (!head_account(l, &tx->sender, out_nonce, out_balance))
        return fan_error_set(err, FAN_EINTERNAL, "the sender's account could not be read");
    if (tx->nonce < *out_nonce)
        REFUSE("nonce too low: next nonce %" PRIu64 ", tx nonce %" PRIu64, *out_nonce, tx->nonce);
    if (!cost_of(tx, out_cost)) REFUSE("insufficient funds for gas * price + value");
    if (u256_cmp(out_balance, out_cost) < 0) return refuse_funds(out_balance, NULL, out_cost, out_cost, err);
    s = pool_sender_of(&l->pool, &tx->sender);
    for (size_t i = 0; s && i < s->count; i++) {
        if (s->txs[i].pending->tx.nonce == tx->nonce) continue; /* to be replaced */
        blobs += s->txs[i].pending->tx.type == TX_BLOB;
        if (!u256_add(&queued, &s->txs[i].cost_wei, &queued)) REFUSE("insufficient funds for gas * price + value");
    }
    if (tx->type == TX_BLOB && blobs >= l->pool.limits.blobs_per_account)
        REFUSE("account limit exceeded: pooled %zu txs", s->count);
    if (!u256_add(&queued, out_cost, &need)) REFUSE("insufficient funds for gas * price + value");
    if (u256_cmp(out_balance, &need) < 0) return refuse_funds(out_balance, &queued, out_cost, &need, err);
    return FAN_OK;
}

enum fan_status pool_check(struct local *l, const struct tx *tx, bool unsigned_sender, struct fan_u256 *out_cost,
                           uint64_t *out_nonce, struct fan_u256 *out_balance, struct fan_error *err)
{
    struct next_block n = next_block_of(l);
    enum fan_status s;

    if (map_get(&l->pool.by_hash, &tx->hash)) REFUSE("already known");
    s = check_type(&n, tx, err);
    if (!s) s = check_sizes(l, &n, tx, err);
    if (!s) s = check_sender(l, &n, tx, unsigned_sender, err);
    if (!s) s = check_fees(l, &n, tx, err);
    if (!s) s = check_gas(&n, tx, err);
    if (!s && tx->type == TX_SET_CODE && !tx->authorization_count)
        REFUSE("set code tx must have at least one authorization tuple");
    if (!s && tx->type == TX_SET_CODE && !tx->has_to) REFUSE("EIP-7702 transaction cannot be used to create contract");
    if (!s && !unsigned_sender) s = check_code(l, tx, err);
    if (!s) s = check_account(l, tx, out_cost, out_nonce, out_balance, err);
    if (!s && tx->type == TX_BLOB) s = check_blobs(&n, tx, err); /* last, since it costs milliseconds */
    return s;
}
