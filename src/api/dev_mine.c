/* When blocks are made, and unmade: evm_mine, snapshots, automine, reorgs; and what is thrown out of the pool. */
#include "api/dev.h"
#include "api/message.h"
#include "api/tables.h"
#include "codec/u256.h"

/* Each block costs memory for good; more than this in one call is a slip of the keyboard. */
enum { MINE_MAX = 1000000 };

static void check_block_count(struct params *p, uint64_t count, size_t index)
{
    struct where at = params_where(index, "blocks");

    if (count > MINE_MAX) params_fail_at(p, &at, "at most %d blocks at a time", MINE_MAX);
}

/* evm_mine's parameter: nothing, a timestamp, or {blocks, timestamp}. False: the call was answered. */
static bool mine_as_asked(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "options"), blocks_at = {.outer = &at, .key = "blocks"},
                 time_at = {.outer = &at, .key = "timestamp"};
    const struct chain_dev_ops *dev;
    struct chain *chain = api_of(call)->chain;
    struct json v = json_at(p.list, 0), blocks = json_get(v, "blocks"), time = json_get(v, "timestamp");
    uint64_t count = 1, timestamp = 0;
    struct fan_error err = {0};
    enum fan_status s = FAN_OK;

    if (json_is(v, JSON_OBJECT)) {
        if (json_kind(blocks) > JSON_NULL) count = read_count(&p, &blocks_at, blocks);
        if (json_kind(time) > JSON_NULL) timestamp = read_count(&p, &time_at, time);
    } else if (params_has(&p, 0)) {
        timestamp = read_count(&p, &at, v);
    }
    check_block_count(&p, count, 0);
    dev = dev_of(call, &p);
    if (!dev) return false;
    if (count) s = dev->mine_at(chain, timestamp, &err);
    if (!s && count > 1) s = dev->mine(chain, count - 1, 0, &err);
    if (s) answer_status(call, s, &err);
    return s == FAN_OK;
}

static void evm_mine(struct call *call)
{
    if (!mine_as_asked(call)) return;
    json_put_text(call_result(call), "0x0");
    call_finish(call);
}

/* The same, answered by the new blocks with their transactions. */
static void mine_detailed(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    uint64_t before = atomic_load(&chain->head_number), after;
    struct json_writer *w = call_result(call);
    enum fan_status s = FAN_OK;

    if (!mine_as_asked(call)) return;
    after = atomic_load(&chain->head_number);
    json_begin_array(w);
    for (uint64_t n = before + 1; n <= after && !w->out->failed; n++) {
        struct block *b;

        s = chain->ops->block_by_number(chain, n, &b);
        if (s) break;
        block_put_json(b, true, w);
        block_unref(b);
    }
    json_end_array(w);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

/* anvil_mine, hardhat_mine: how many, and how many seconds between them. */
static void mine(struct call *call)
{
    struct params p = params_of_call(call, 2);
    uint64_t count = params_has(&p, 0) ? params_count(&p, 0, "blocks") : 1;
    uint64_t interval_s = params_has(&p, 1) ? params_count(&p, 1, "interval") : 0;
    const struct chain_dev_ops *dev;
    struct fan_error err = {0};

    check_block_count(&p, count, 0);
    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->mine(api_of(call)->chain, count, interval_s, &err), &err);
}

static void snapshot(struct call *call)
{
    struct params p = params_of_call(call, 0);
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    json_put_u64(call_result(call), dev->snapshot(api_of(call)->chain));
    call_finish(call);
}

static void revert(struct call *call)
{
    struct params p = params_of_call(call, 1);
    uint64_t id = params_count(&p, 0, "snapshot id");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    json_put_bool(call_result(call), dev->revert(api_of(call)->chain, id));
    call_finish(call);
}

static void set_automine(struct call *call)
{
    struct params p = params_of_call(call, 1);
    bool on = params_bool(&p, 0, "on");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    dev->set_automine(api_of(call)->chain, on);
    answer_null(call);
}

static void get_automine(struct call *call)
{
    struct params p = params_of_call(call, 0);
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    json_put_bool(call_result(call), dev->automine(api_of(call)->chain));
    call_finish(call);
}

/* In seconds, as anvil counts; Hardhat's own network counts milliseconds. */
static void set_interval(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "seconds");
    uint64_t seconds = params_count(&p, 0, "seconds");
    const struct chain_dev_ops *dev;

    if (seconds > UINT64_MAX / 1000000000u) params_fail_at(&p, &at, "too long");
    dev = dev_of(call, &p);
    if (!dev) return;
    dev->set_interval(api_of(call)->chain, seconds * 1000);
    answer_null(call);
}

/* Seconds; null when blocks do not come by the clock. */
static void get_interval(struct call *call)
{
    struct params p = params_of_call(call, 0);
    const struct chain_dev_ops *dev = dev_of(call, &p);
    uint64_t ms;

    if (!dev) return;
    ms = dev->interval(api_of(call)->chain);
    if (ms)
        json_put_number(call_result(call), ms / 1000);
    else
        json_put_null(call_result(call));
    call_finish(call);
}

static void set_gas_limit(struct call *call)
{
    struct params p = params_of_call(call, 1);
    uint64_t gas = params_count(&p, 0, "gas limit");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    dev->set_gas_limit(api_of(call)->chain, gas);
    answer_true(call);
}

/* Fees and gas of what was given as a call object, so that it runs whatever the new block's base fee is. */
static void fill_for_reorg(const struct header *head, const struct message *m, struct tx *tx)
{
    uint64_t tip = 1000000000;

    tx->type = message_type(m, true);
    if (!m->has_gas) tx->gas_limit = min_u64(head->gas_limit, 1u << 24); /* EIP-7825 */
    tx->gas_price_wei = m->has_gas_price ? m->gas_price_wei
                        : m->has_fee_max ? m->fee_max_wei
                                         : u256_of(4 * head->base_fee_wei + tip);
    tx->priority_fee_wei = m->has_gas_price      ? m->gas_price_wei
                           : m->has_priority_fee ? m->priority_fee_wei
                           : m->has_fee_max      ? m->fee_max_wei
                                                 : u256_of(tip);
}

/* One [transaction, block]: the transaction as bytes or as a call object. */
static void read_reorg_tx(struct params *p, const struct where *at, struct json pair, const struct api *api,
                          const struct header *head, struct chain_reorg_tx *out)
{
    struct where tx_at = {.outer = at, .index = 0}, block_at = {.outer = at, .index = 1};
    uint64_t chain_id = api->chain->ops->config(api->chain)->chain_id;
    struct json v = json_at(pair, 0);
    struct fan_error err = {{0}};
    struct message m;

    if (!params_expect(p, at, pair, JSON_ARRAY)) return;
    if (json_count(pair) != 2) params_fail_at(p, at, "want [transaction, block]");
    out->block = read_count(p, &block_at, json_at(pair, 1));
    if (json_is(v, JSON_STRING)) {
        struct slice bytes = read_data(p, &tx_at, v);

        out->is_signed = out->has_nonce = true;
        if (p->code) return;
        if (tx_decode(bytes, p->arena, &out->tx, &err) || tx_recover(&out->tx, true))
            params_fail_at(p, &tx_at, "%s", err.text[0] ? err.text : "invalid sender");
        else if (out->tx.has_chain_id && out->tx.chain_id != chain_id)
            params_fail_at(p, &tx_at, "invalid chain id for signer");
        return;
    }
    message_read_at(p, &tx_at, v, &m);
    out->tx = m.tx;
    out->tx.has_sender = out->tx.has_chain_id = true;
    out->tx.chain_id = chain_id;
    out->has_nonce = m.has_nonce;
    fill_for_reorg(head, &m, &out->tx);
}

/* anvil_reorg: depth and transactions to put into the new blocks, as two parameters or as {depth, tx_block_pairs}. */
static void reorg(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct api *api = api_of(call);
    struct block *head = NULL;
    struct chain_reorg_tx *txs = NULL;
    size_t count = 0, i = 0;
    struct where at = params_where(0, "depth"), key = {.outer = &at, .key = "depth"},
                 pairs_at = params_where(1, "transactions");
    struct json v = params_value(&p, &at), pairs = json_at(p.list, 1);
    const struct chain_dev_ops *dev;
    struct fan_error err = {0};
    uint64_t depth;

    if (json_is(v, JSON_OBJECT)) {
        pairs = json_get(v, "tx_block_pairs");
        depth = read_count(&p, &key, json_get(v, "depth"));
    } else {
        depth = read_count(&p, &at, v);
    }
    if (params_given(pairs) && params_expect(&p, &pairs_at, pairs, JSON_ARRAY) && json_count(pairs)) {
        if (api->chain->ops->head(api->chain, &head)) params_fail(&p, CODE_INTERNAL, "no head");
        txs = params_items(&p, pairs, sizeof *txs, &count);
    }
    for (struct json pair = json_first(pairs); head && i < count; pair = json_next(pair), i++)
        read_reorg_tx(&p, &(struct where){.outer = &pairs_at, .index = i}, pair, api, &head->header, &txs[i]);
    block_unref(head);
    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->reorg(api->chain, depth, txs, count, &err), &err);
}

static void rollback(struct call *call)
{
    struct params p = params_of_call(call, 1);
    uint64_t depth = params_has(&p, 0) ? params_count(&p, 0, "depth") : 1;
    const struct chain_dev_ops *dev;
    struct fan_error err = {0};

    dev = dev_of(call, &p);
    if (dev) answer_done(call, dev->rollback(api_of(call)->chain, depth, &err), &err);
}

/* ---- the pool ---- */

static void drop_transaction(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    if (dev->drop_tx(api_of(call)->chain, &hash))
        json_put_hash(call_result(call), &hash);
    else
        json_put_null(call_result(call));
    call_finish(call);
}

static void drop_all(struct call *call)
{
    struct params p = params_of_call(call, 0);
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    dev->drop_all(api_of(call)->chain);
    answer_null(call);
}

struct senders_txs {
    const struct fan_address *sender;
    struct arena *arena;
    struct fan_hash *hashes;
    size_t count, cap;
    bool failed;
};

static void note_tx(void *ctx, const struct pending_tx *t, bool executable)
{
    struct senders_txs *n = ctx;
    struct fan_hash *more;

    (void)executable;
    if (n->failed || memcmp(&t->tx.sender, n->sender, sizeof *n->sender) != 0) return;
    if (n->count == n->cap) {
        more = ARENA_ARRAY(n->arena, n->cap ? 2 * n->cap : 16, struct fan_hash);
        if (!more) {
            n->failed = true;
            return;
        }
        if (n->count) memcpy(more, n->hashes, n->count * sizeof *more);
        n->hashes = more;
        n->cap = n->cap ? 2 * n->cap : 16;
    }
    n->hashes[n->count++] = t->tx.hash;
}

static void remove_pool_transactions(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_address sender = params_address(&p, 0, "address");
    struct senders_txs n = {.sender = &sender, .arena = call_arena(call)};
    struct chain *chain = api_of(call)->chain;
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    if (chain->ops->pool_walk) chain->ops->pool_walk(chain, note_tx, &n);
    for (size_t i = 0; !n.failed && i < n.count; i++) (void)dev->drop_tx(chain, &n.hashes[i]);
    answer_done(call, n.failed ? FAN_ENOMEM : FAN_OK, NULL);
}

#define ROW(name, run)                                                                                                 \
    {                                                                                                                  \
        name, RPC_WRITER, RPC_DEVELOPMENT, run                                                                         \
    }

const struct rpc_method api_dev_mine_methods[] = {
    ROW("anvil_dropAllTransactions", drop_all),
    ROW("anvil_dropTransaction", drop_transaction),
    ROW("anvil_getAutomine", get_automine),
    ROW("anvil_getIntervalMining", get_interval),
    ROW("anvil_mine", mine),
    ROW("anvil_mine_detailed", mine_detailed),
    ROW("anvil_removePoolTransactions", remove_pool_transactions),
    ROW("anvil_reorg", reorg),
    ROW("anvil_revert", revert),
    ROW("anvil_rollback", rollback),
    ROW("anvil_setAutomine", set_automine),
    ROW("anvil_setBlockGasLimit", set_gas_limit),
    ROW("anvil_setIntervalMining", set_interval),
    ROW("anvil_snapshot", snapshot),
    ROW("evm_mine", evm_mine),
    ROW("evm_mine_detailed", mine_detailed),
    ROW("evm_revert", revert),
    ROW("evm_setAutomine", set_automine),
    ROW("evm_setBlockGasLimit", set_gas_limit),
    ROW("evm_setIntervalMining", set_interval),
    ROW("evm_snapshot", snapshot),
    ROW("hardhat_dropAllTransactions", drop_all),
    ROW("hardhat_dropTransaction", drop_transaction),
    ROW("hardhat_getAutomine", get_automine),
    ROW("hardhat_getIntervalMining", get_interval),
    ROW("hardhat_mine", mine),
};
