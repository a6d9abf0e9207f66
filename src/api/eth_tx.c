/* Transactions and receipts, by hash and by place. */
#include "api/history.h"
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

/* ---- by sender and nonce ---- */

struct sought {
    struct fan_address sender;
    uint64_t nonce;
    struct pending_tx *found;
};

static void is_sought(void *ctx, const struct pending_tx *p, bool executable)
{
    struct sought *s = ctx;

    (void)executable;
    if (!s->found && p->tx.nonce == s->nonce && memcmp(&p->tx.sender, &s->sender, sizeof s->sender) == 0)
        s->found = pending_tx_ref((struct pending_tx *)(uintptr_t)p);
}

/* Writer's thread: does it wait? */
static void look_in_pool(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    struct sought *s = call_state(call);

    chain->ops->pool_walk(chain, is_sought, s);
    if (s->found)
        tx_put_json(&s->found->tx, NULL, call_result(call));
    else
        json_put_null(call_result(call));
    pending_tx_unref(s->found);
    call_finish(call);
}

static void get_tx_by_sender_and_nonce(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct sought *sought = ARENA_NEW(call_arena(call), struct sought);
    struct fan_address sender = params_address(&p, 0, "sender");
    uint64_t nonce = params_count(&p, 1, "nonce");
    struct chain *chain = api_of(call)->chain;
    struct tx_place place;
    struct block *b;
    size_t index;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    s = sought ? history_tx_of(chain, &sender, nonce, &b, &index) : FAN_ENOMEM;
    if (!s) {
        place = block_tx_place(b, index);
        tx_put_json(&b->txs[index], &place, call_result(call));
        block_unref(b);
        call_finish(call);
    } else if (s == FAN_ENOTFOUND && chain->ops->pool_walk) {
        *sought = (struct sought){.sender = sender, .nonce = nonce};
        call_set_state(call, sought);
        call_continue(call, RPC_WRITER, look_in_pool);
    } else if (s == FAN_ENOTFOUND) {
        answer_null(call);
    } else {
        answer_status(call, s, NULL);
    }
}

const struct rpc_method api_eth_tx_methods[] = {
    {"debug_getRawTransaction", RPC_INLINE, 0, get_raw_transaction_by_hash},
    {"eth_getRawTransactionByBlockHashAndIndex", RPC_INLINE, 0, get_raw_tx_by_hash_and_index},
    {"eth_getRawTransactionByBlockNumberAndIndex", RPC_INLINE, 0, get_raw_tx_by_number_and_index},
    {"eth_getRawTransactionByHash", RPC_INLINE, 0, get_raw_transaction_by_hash},
    {"eth_getTransactionByBlockHashAndIndex", RPC_INLINE, 0, get_tx_by_hash_and_index},
    {"eth_getTransactionByBlockNumberAndIndex", RPC_INLINE, 0, get_tx_by_number_and_index},
    {"eth_getTransactionByHash", RPC_INLINE, 0, get_transaction_by_hash},
    {"eth_getTransactionBySenderAndNonce", RPC_POOL, 0, get_tx_by_sender_and_nonce},
    {"eth_getTransactionReceipt", RPC_INLINE, 0, get_transaction_receipt},
};
