/* Transactions and receipts, by hash and by place. */
#include "api/past.h"
#include "api/tables.h"
#include "api/view.h"

/* A transaction that is sealed (block) or waits (pending); neither: nobody knows it. */
struct found_tx {
    struct block *block;
    size_t index;
    struct pending_tx *pending;
};

/* The pool is asked after the chain, and then the chain again: a transaction may move from one to the other in between.
 */
static enum fan_status find_tx(struct chain *chain, const struct fan_hash *hash, struct found_tx *out)
{
    enum fan_status s;

    *out = (struct found_tx){0};
    s = chain->ops->tx_by_hash(chain, hash, &out->block, &out->index);
    if (s != FAN_ENOTFOUND || !chain->ops->pending_by_hash) return s;
    s = chain->ops->pending_by_hash(chain, hash, &out->pending);
    if (s != FAN_ENOTFOUND) return s;
    return chain->ops->tx_by_hash(chain, hash, &out->block, &out->index);
}

static void found_tx_fini(struct found_tx *f)
{
    block_unref(f->block);
    pending_tx_unref(f->pending);
}

static const struct tx *found_tx_body(const struct found_tx *f)
{
    return f->block ? &f->block->txs[f->index] : &f->pending->tx;
}

/* An unknown transaction is null; its bytes are none. */
static void answer_nothing(struct call *call, bool raw)
{
    json_put_raw(call_result(call), raw ? SLICE("\"0x\"") : SLICE("null"));
    call_finish(call);
}

static void get_tx(struct call *call, bool raw)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    struct found_tx f;
    struct tx_place place;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = find_tx(api_of(call)->chain, &hash, &f);
    if (s == FAN_ENOTFOUND) {
        if (!past_ask(call)) answer_nothing(call, raw);
        return;
    }
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    if (raw) {
        json_put_data(call_result(call), found_tx_body(&f)->encoded);
    } else if (f.block) {
        place = block_tx_place(f.block, f.index);
        tx_put_json(found_tx_body(&f), &place, call_result(call));
    } else {
        tx_put_json(found_tx_body(&f), NULL, call_result(call));
    }
    found_tx_fini(&f);
    call_finish(call);
}

static void get_transaction_by_hash(struct call *call)
{
    get_tx(call, false);
}

static void get_raw_transaction_by_hash(struct call *call)
{
    get_tx(call, true);
}

/* ---- by place ---- */

static void get_tx_at(struct call *call, bool by_hash, bool raw, void (*again)(struct call *call))
{
    struct params p = params_of_call(call, 2);
    struct block_at at;
    struct tx_place place;
    struct view v;
    uint64_t index;

    if (by_hash)
        at = (struct block_at){.kind = BLOCK_HASH, .hash = params_hash(&p, 0, "block hash")};
    else
        at = params_block_number(&p, 0);
    index = params_u64(&p, 1, "index");
    if (params_refused(&p, call)) return;
    if (!view_block(call, &at, RPC_WRITER, again, &v)) return;
    if (!v.block || index >= v.block->tx_count) {
        view_close(&v);
        answer_nothing(call, raw);
        return;
    }
    if (raw) {
        json_put_data(call_result(call), v.block->txs[index].encoded);
    } else {
        place = block_tx_place(v.block, index);
        tx_put_json(&v.block->txs[index], &place, call_result(call));
    }
    view_close(&v);
    call_finish(call);
}

static void get_tx_by_number_and_index(struct call *call)
{
    get_tx_at(call, false, false, get_tx_by_number_and_index);
}

static void get_tx_by_hash_and_index(struct call *call)
{
    get_tx_at(call, true, false, get_tx_by_hash_and_index);
}

static void get_raw_tx_by_number_and_index(struct call *call)
{
    get_tx_at(call, false, true, get_raw_tx_by_number_and_index);
}

static void get_raw_tx_by_hash_and_index(struct call *call)
{
    get_tx_at(call, true, true, get_raw_tx_by_hash_and_index);
}

static void get_transaction_receipt(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_hash hash = params_hash(&p, 0, "transaction hash");
    struct chain *chain = api_of(call)->chain;
    struct block *block = NULL;
    struct tx_place place;
    enum fan_status s;
    size_t index = 0;

    if (params_refused(&p, call)) return;
    s = chain->ops->tx_by_hash(chain, &hash, &block, &index);
    if (s && s != FAN_ENOTFOUND) {
        answer_status(call, s, NULL);
        return;
    }
    if (s && past_ask(call)) return;
    if (s || !block->has_receipts) {
        json_put_null(call_result(call));
    } else {
        place = block_tx_place(block, index);
        receipt_put_json(&block->receipts[index], &block->txs[index], &place, call_result(call));
    }
    block_unref(block);
    call_finish(call);
}

const struct rpc_method api_eth_tx_methods[] = {
    {"debug_getRawTransaction", RPC_INLINE, 0, get_raw_transaction_by_hash},
    {"eth_getRawTransactionByBlockHashAndIndex", RPC_INLINE, 0, get_raw_tx_by_hash_and_index},
    {"eth_getRawTransactionByBlockNumberAndIndex", RPC_INLINE, 0, get_raw_tx_by_number_and_index},
    {"eth_getRawTransactionByHash", RPC_INLINE, 0, get_raw_transaction_by_hash},
    {"eth_getTransactionByBlockHashAndIndex", RPC_INLINE, 0, get_tx_by_hash_and_index},
    {"eth_getTransactionByBlockNumberAndIndex", RPC_INLINE, 0, get_tx_by_number_and_index},
    {"eth_getTransactionByHash", RPC_INLINE, 0, get_transaction_by_hash},
    {"eth_getTransactionReceipt", RPC_INLINE, 0, get_transaction_receipt},
};
