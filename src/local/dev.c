/* The development controls of chain/dev.h, all on the writer. What turns the chain back is in dev_turn.c. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/u256.h"
#include "local/node.h"

static uint64_t wall_s(const struct local *l)
{
    return l->wall_s ? l->wall_s(l->wall_ctx) : clock_wall_s();
}

/* ---- sealing ---- */

static enum fan_status dev_mine(struct chain *c, uint64_t count, uint64_t interval_s, struct fan_error *err)
{
    struct local *l = local_of(c);
    enum fan_status s = FAN_OK;

    for (uint64_t i = 0; i < count && !s; i++) {
        struct seal_plan plan;

        if (atomic_load(&l->stopping))
            return fan_error_set(err, FAN_ECLOSED, "the node is stopping"); /* a count may be a million */
        if (i && interval_s) l->next_timestamp = head_peek(l)->header.timestamp + interval_s;
        plan = builder_take_plan(l);
        s = builder_seal(l, &plan, err);
    }
    return s;
}

static enum fan_status check_timestamp(struct local *l, uint64_t timestamp, struct fan_error *err)
{
    uint64_t head = head_peek(l)->header.timestamp;

    if (timestamp > head) return FAN_OK;
    return fan_error_set(err, FAN_EINVAL,
                         "Timestamp %" PRIu64 " is lower than or equal to previous block's timestamp %" PRIu64,
                         timestamp, head);
}

static enum fan_status dev_mine_at(struct chain *c, uint64_t timestamp, struct fan_error *err)
{
    struct local *l = local_of(c);
    struct seal_plan plan;
    enum fan_status s = timestamp ? check_timestamp(l, timestamp, err) : FAN_OK;

    if (s) return s;
    if (timestamp) l->next_timestamp = timestamp;
    plan = builder_take_plan(l);
    return builder_seal(l, &plan, err);
}

static void dev_set_automine(struct chain *c, bool on)
{
    struct local *l = local_of(c);

    l->automine = on;
    if (!on) return;
    l->interval_ms = 0; /* as in anvil: one way of sealing at a time */
    if (builder_automine(l, NULL))
        builder_count_failure(l); /* what waited comes now; what fails stays and is tried with the next */
}

static bool dev_automine(struct chain *c)
{
    return local_of(c)->automine;
}

static void dev_set_interval(struct chain *c, uint64_t milliseconds)
{
    struct local *l = local_of(c);

    l->interval_ms = milliseconds;
    l->due_ns = clock_monotonic_ns() + milliseconds * 1000000u;
    if (milliseconds) l->automine = false;
}

static uint64_t dev_interval(struct chain *c)
{
    return local_of(c)->interval_ms;
}

/* ---- time ---- */

static int64_t dev_increase_time(struct chain *c, int64_t seconds)
{
    struct local *l = local_of(c);
    int64_t ahead = (int64_t)head_peek(l)->header.timestamp - ((int64_t)wall_s(l) + l->time_offset_s);

    /* Blocks made faster than one a second run ahead of the clock. Who goes forward an hour means an hour after the
     * last of them. */
    if (seconds > 0 && ahead > 0) l->time_offset_s += ahead;
    l->time_offset_s += seconds;
    builder_forget_pending(l);
    return l->time_offset_s;
}

static enum fan_status dev_set_next_timestamp(struct chain *c, uint64_t timestamp, struct fan_error *err)
{
    struct local *l = local_of(c);
    enum fan_status s = check_timestamp(l, timestamp, err);

    if (s) return s;
    l->next_timestamp = timestamp;
    builder_forget_pending(l);
    return FAN_OK;
}

static bool dev_set_timestamp_interval(struct chain *c, const uint64_t *seconds)
{
    struct local *l = local_of(c);
    bool had = l->has_timestamp_interval;

    l->has_timestamp_interval = seconds != NULL;
    l->timestamp_interval_s = seconds ? *seconds : 0;
    builder_forget_pending(l);
    return had;
}

static void dev_set_time(struct chain *c, uint64_t timestamp)
{
    struct local *l = local_of(c);

    l->time_offset_s = (int64_t)timestamp - (int64_t)wall_s(l);
    l->next_timestamp = 0;
    builder_forget_pending(l);
}

/* ---- edits of the state ---- */

struct edit {
    const struct fan_address *address;
    const struct fan_u256 *slot, *value;
    uint64_t nonce;
    struct slice code;
};

static enum fan_status edit_balance(void *ctx, struct state_builder *b)
{
    const struct edit *e = ctx;

    return state_builder_set_balance(b, e->address, e->value);
}

static enum fan_status edit_nonce(void *ctx, struct state_builder *b)
{
    const struct edit *e = ctx;

    return state_builder_set_nonce(b, e->address, e->nonce);
}

static enum fan_status edit_code(void *ctx, struct state_builder *b)
{
    const struct edit *e = ctx;

    return state_builder_set_code(b, e->address, e->code);
}

static enum fan_status edit_slot(void *ctx, struct state_builder *b)
{
    const struct edit *e = ctx;

    return state_builder_set_slot(b, e->address, e->slot, e->value);
}

static enum fan_status dev_set_balance(struct chain *c, const struct fan_address *a, const struct fan_u256 *wei)
{
    return head_edit(local_of(c), edit_balance, &(struct edit){.address = a, .value = wei});
}

static enum fan_status dev_set_nonce(struct chain *c, const struct fan_address *a, uint64_t nonce,
                                     struct fan_error *err)
{
    enum fan_status s = head_edit(local_of(c), edit_nonce, &(struct edit){.address = a, .nonce = nonce});

    return s ? fan_error_set(err, s, "%s", fan_status_text(s)) : FAN_OK;
}

static enum fan_status dev_set_code(struct chain *c, const struct fan_address *a, struct slice code)
{
    return head_edit(local_of(c), edit_code, &(struct edit){.address = a, .code = code});
}

static enum fan_status dev_set_slot(struct chain *c, const struct fan_address *a, const struct fan_u256 *slot,
                                    const struct fan_u256 *value)
{
    return head_edit(local_of(c), edit_slot, &(struct edit){.address = a, .slot = slot, .value = value});
}

/* ---- impersonation ---- */

static enum fan_status dev_impersonate(struct chain *c, const struct fan_address *a, bool on)
{
    struct local *l = local_of(c);

    if (on) return map_put(&l->impersonated, a, NULL) ? FAN_OK : FAN_ENOMEM;
    (void)map_delete(&l->impersonated, a); /* one who never was may stop being impersonated */
    return FAN_OK;
}

static void dev_auto_impersonate(struct chain *c, bool on)
{
    local_of(c)->impersonate_all = on;
}

static bool dev_may_impersonate(struct chain *c, const struct fan_address *a)
{
    struct local *l = local_of(c);

    return l->impersonate_all || map_get(&l->impersonated, a) != NULL;
}

/* A signature that no key ever made, but which encodes and differs by sender: r is the sender's address, s is 1. The
 * hash is then that of the encoding, as for any transaction, so that the block's transactions root follows from what it
 * holds. */
static void sign_as(struct tx *tx)
{
    uint8_t r[32] = {0};

    memcpy(r + 12, tx->sender.bytes, sizeof tx->sender.bytes);
    tx->r = u256_from_be(r);
    tx->s = u256_of(1);
    if (tx->type != TX_LEGACY)
        tx->v = u256_of(0);
    else
        tx->v = u256_of(tx->has_chain_id ? 35 + 2 * tx->chain_id : 27);
}

enum fan_status dev_sign_as_sender(struct tx *tx, struct arena *a)
{
    sign_as(tx);
    return tx_seal(tx, a);
}

static enum fan_status dev_submit_unsigned(struct chain *c, struct tx *tx, struct fan_hash *out_hash,
                                           struct fan_error *err)
{
    struct local *l = local_of(c);
    struct arena_home home;
    struct arena a;
    struct tx sealed = *tx;
    enum fan_status s;

    if (!tx->has_sender || !dev_may_impersonate(c, &tx->sender))
        return fan_error_set(err, FAN_EREJECTED, "No Signer available");
    arena_home_init(&home, 0);
    a = arena_of(&home);
    s = dev_sign_as_sender(&sealed, &a);
    if (!s) s = submit(l, &sealed, true, out_hash, err);
    if (!s) tx->hash = sealed.hash;
    arena_home_fini(&home);
    return s;
}

/* ---- the ground ---- */

static enum fan_status dev_ground_open(struct chain *c, const char *url, bool has_number, uint64_t number,
                                       struct chain_remote **out, struct fan_error *err)
{
    struct local *l = local_of(c);

    if (!l->ground.open) return fan_error_set(err, FAN_EUNSUPPORTED, "this chain stays where it is");
    return l->ground.open(l->ground.ctx, url, has_number, number, out, err);
}

static enum fan_status dev_set_chain_id(struct chain *c, uint64_t chain_id)
{
    struct local *l = local_of(c);
    struct chain_config config = *config_of(l);

    config.chain_id = chain_id;
    builder_forget_pending(l);
    return rules_replace(l, &config);
}

/* ---- the next blocks ---- */

static void dev_set_coinbase(struct chain *c, const struct fan_address *a)
{
    local_of(c)->coinbase = *a;
    builder_forget_pending(local_of(c));
}

static enum fan_status dev_set_next_base_fee(struct chain *c, uint64_t wei)
{
    struct local *l = local_of(c);

    l->has_next_base_fee = true;
    l->next_base_fee_wei = wei;
    builder_forget_pending(l);
    return FAN_OK;
}

static void dev_set_prev_randao(struct chain *c, const struct fan_hash *value)
{
    struct local *l = local_of(c);

    l->has_next_prev_randao = true;
    l->next_prev_randao = *value;
    builder_forget_pending(l);
}

static void dev_set_gas_limit(struct chain *c, uint64_t gas)
{
    local_of(c)->gas_limit = gas;
    builder_forget_pending(local_of(c));
}

static bool dev_drop_tx(struct chain *c, const struct fan_hash *hash)
{
    return pool_drop(&local_of(c)->pool, hash);
}

static void dev_drop_all(struct chain *c)
{
    pool_drop_all(&local_of(c)->pool);
}

static const struct tx *dev_blobs(struct chain *c, const struct fan_hash *tx, const struct fan_hash *blob,
                                  size_t *out_index)
{
    struct local *l = local_of(c);
    struct pending_tx *p;
    size_t at = 0, index;

    while ((p = sidecars_find(&l->sidecars, tx, blob, &at, out_index)) != NULL) {
        struct block *b;

        if (blocks_by_tx(&l->index, &p->tx.hash, &b, &index)) continue; /* a reorg took it away */
        block_unref(b);
        return &p->tx;
    }
    return NULL;
}

/* ---- accounts ---- */

static size_t dev_accounts(struct chain *c, const struct fan_address **out)
{
    *out = local_of(c)->accounts;
    return local_of(c)->account_count;
}

static const uint8_t *dev_secret_of(struct chain *c, const struct fan_address *a)
{
    struct local *l = local_of(c);

    for (size_t i = 0; i < l->account_count; i++)
        if (memcmp(&l->accounts[i], a, sizeof *a) == 0) return l->secrets[i];
    return NULL;
}

const struct chain_dev_ops LOCAL_DEV_OPS = {
    .mine = dev_mine,
    .mine_at = dev_mine_at,
    .snapshot = turn_snapshot,
    .revert = turn_revert,
    .reorg = turn_reorg,
    .rollback = turn_rollback,
    .reset = turn_reset,
    .increase_time = dev_increase_time,
    .set_next_timestamp = dev_set_next_timestamp,
    .set_time = dev_set_time,
    .set_timestamp_interval = dev_set_timestamp_interval,
    .set_automine = dev_set_automine,
    .automine = dev_automine,
    .set_interval = dev_set_interval,
    .interval = dev_interval,
    .set_balance = dev_set_balance,
    .set_nonce = dev_set_nonce,
    .set_code = dev_set_code,
    .set_slot = dev_set_slot,
    .walk_state = dump_walk,
    .load_state = dump_load,
    .impersonate = dev_impersonate,
    .auto_impersonate = dev_auto_impersonate,
    .may_impersonate = dev_may_impersonate,
    .set_coinbase = dev_set_coinbase,
    .set_next_base_fee = dev_set_next_base_fee,
    .set_prev_randao = dev_set_prev_randao,
    .set_gas_limit = dev_set_gas_limit,
    .drop_tx = dev_drop_tx,
    .drop_all = dev_drop_all,
    .blobs = dev_blobs,
    .accounts = dev_accounts,
    .secret_of = dev_secret_of,
    .submit_unsigned = dev_submit_unsigned,
    .reset_onto = turn_reset_onto,
    .ground_open = dev_ground_open,
    .set_chain_id = dev_set_chain_id,
};
