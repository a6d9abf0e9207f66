/* Blocks, their transactions and receipts. */
#include "api/tables.h"
#include "api/view.h"

/* Writes the members of an object that was written to `text`, each as `rule` wants it: left out, or null. */
enum member_rule { MEMBER_AS_IS, MEMBER_NULL, MEMBER_OUT };

static enum fan_status copy_members(struct buf *text, enum member_rule (*rule)(struct slice key, struct json v),
                                    struct arena *a, struct json_writer *w)
{
    struct slice whole = text->failed ? (struct slice){0} : arena_dup(a, buf_peek(text));
    struct json doc;
    enum fan_status s;

    if (!whole.at) return FAN_ENOMEM;
    s = json_parse(whole, JSON_DEPTH_MAX, a, &doc, NULL);
    if (s) return s;
    for (struct json v = json_first(doc); !json_is(v, JSON_MISSING); v = json_next(v)) {
        enum member_rule r = rule(json_key(v), v);
        char *name = arena_cstr(a, json_key(v));

        if (!name) return FAN_ENOMEM;
        if (r == MEMBER_OUT) continue;
        json_put_key(w, name);
        json_put_raw(w, r == MEMBER_NULL ? SLICE("null") : json_raw(v));
    }
    return FAN_OK;
}

/* What nobody can know of a block that has not been sealed is null, as in geth. */
static enum member_rule pending_rule(struct slice key, struct json v)
{
    (void)v;
    return slice_eq_str(key, "hash") || slice_eq_str(key, "nonce") || slice_eq_str(key, "miner") ? MEMBER_NULL
                                                                                                 : MEMBER_AS_IS;
}

static enum fan_status put_pending_block(const struct block *b, bool full_txs, struct arena *a, struct json_writer *w)
{
    struct buf text;
    struct json_writer inner;
    enum fan_status s;

    buf_init(&text, 0);
    inner = json_writer_of(&text);
    block_put_json(b, full_txs, &inner);
    json_begin_object(w);
    s = copy_members(&text, pending_rule, a, w);
    json_end_object(w);
    buf_fini(&text);
    return s;
}

/* newHeads shows fields of later forks as null; a block's header leaves them out. */
static enum member_rule header_rule(struct slice key, struct json v)
{
    (void)key;
    return json_is(v, JSON_NULL) ? MEMBER_OUT : MEMBER_AS_IS;
}

static enum fan_status put_header_members(const struct header *h, const struct fan_hash *hash, struct arena *a,
                                          struct json_writer *w)
{
    struct buf text;
    struct json_writer inner;
    enum fan_status s;

    buf_init(&text, 0);
    inner = json_writer_of(&text);
    json_begin_object(&inner);
    header_put_json_members(h, hash, &inner);
    json_end_object(&inner);
    s = copy_members(&text, header_rule, a, w);
    buf_fini(&text);
    return s;
}

/* The block that parameter 0 names, by number or by hash. */
static bool block_param(struct call *call, size_t param_count, bool by_hash, void (*again)(struct call *call),
                        struct params *p, struct view *out)
{
    struct block_at at;

    *p = params_of_call(call, param_count);
    if (by_hash)
        at = (struct block_at){.kind = BLOCK_HASH, .hash = params_hash(p, 0, "block hash")};
    else
        at = params_block_number(p, 0);
    if (params_refused(p, call)) return false;
    return view_block(call, &at, RPC_WRITER, again, out);
}

static void get_block(struct call *call, bool by_hash, void (*again)(struct call *call))
{
    struct params p;
    struct view v;
    bool full_txs;
    enum fan_status s = FAN_OK;

    p = params_of_call(call, 2);
    (void)params_value(&p, &(struct where){.key = by_hash ? "block hash" : "block"});
    full_txs = params_bool(&p, 1, "full transactions");
    if (params_refused(&p, call)) return;
    if (!block_param(call, 2, by_hash, again, &p, &v)) return;
    if (!v.block)
        json_put_null(call_result(call));
    else if (v.pending)
        s = put_pending_block(v.block, full_txs, call_arena(call), call_result(call));
    else
        block_put_json(v.block, full_txs, call_result(call));
    view_close(&v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

static void get_block_by_number(struct call *call)
{
    get_block(call, false, get_block_by_number);
}

static void get_block_by_hash(struct call *call)
{
    get_block(call, true, get_block_by_hash);
}

/* ---- header alone ---- */

static void get_header(struct call *call, bool by_hash, void (*again)(struct call *call))
{
    struct params p;
    struct view v;
    struct json_writer *w;
    enum fan_status s = FAN_OK;

    if (!block_param(call, 1, by_hash, again, &p, &v)) return;
    w = call_result(call);
    if (!v.block || v.pending) {
        json_put_null(w);
    } else {
        json_begin_object(w);
        s = put_header_members(&v.block->header, &v.block->hash, call_arena(call), w);
        json_end_object(w);
    }
    view_close(&v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

static void get_header_by_number(struct call *call)
{
    get_header(call, false, get_header_by_number);
}

static void get_header_by_hash(struct call *call)
{
    get_header(call, true, get_header_by_hash);
}

/* ---- counts ---- */

static void get_count(struct call *call, bool by_hash, bool ommers, void (*again)(struct call *call))
{
    struct params p;
    struct view v;

    if (!block_param(call, 1, by_hash, again, &p, &v)) return;
    if (v.block)
        json_put_u64(call_result(call), ommers ? v.block->ommer_count : v.block->tx_count);
    else
        json_put_null(call_result(call));
    view_close(&v);
    call_finish(call);
}

static void get_tx_count_by_number(struct call *call)
{
    get_count(call, false, false, get_tx_count_by_number);
}

static void get_tx_count_by_hash(struct call *call)
{
    get_count(call, true, false, get_tx_count_by_hash);
}

static void get_uncle_count_by_number(struct call *call)
{
    get_count(call, false, true, get_uncle_count_by_number);
}

static void get_uncle_count_by_hash(struct call *call)
{
    get_count(call, true, true, get_uncle_count_by_hash);
}

/* ---- ommers ---- */

/* geth shows an ommer as a block without a body; its size is that of [header, [], []]. */
static enum fan_status put_uncle(const struct header *h, struct arena *a, struct json_writer *w)
{
    struct fan_hash hash = header_hash(h);
    struct buf rlp;
    enum fan_status s;
    size_t begin;

    buf_init(&rlp, 0);
    begin = rlp_list_begin(&rlp);
    header_put(h, &rlp);
    rlp_list_end(&rlp, rlp_list_begin(&rlp));
    rlp_list_end(&rlp, rlp_list_begin(&rlp));
    rlp_list_end(&rlp, begin);
    s = rlp.failed;
    json_begin_object(w);
    if (!s) s = put_header_members(h, &hash, a, w);
    json_put_key(w, "size");
    json_put_u64(w, rlp.len);
    json_put_key(w, "uncles");
    json_begin_array(w);
    json_end_array(w);
    json_end_object(w);
    buf_fini(&rlp);
    return s;
}

static void get_uncle(struct call *call, bool by_hash, void (*again)(struct call *call))
{
    struct params p = params_of_call(call, 2);
    struct view v;
    uint64_t index;
    enum fan_status s = FAN_OK;

    (void)params_value(&p, &(struct where){.key = by_hash ? "block hash" : "block"});
    index = params_u64(&p, 1, "index");
    if (params_refused(&p, call)) return;
    if (!block_param(call, 2, by_hash, again, &p, &v)) return;
    if (v.block && index < v.block->ommer_count)
        s = put_uncle(&v.block->ommers[index], call_arena(call), call_result(call));
    else
        json_put_null(call_result(call));
    view_close(&v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

static void get_uncle_by_number(struct call *call)
{
    get_uncle(call, false, get_uncle_by_number);
}

static void get_uncle_by_hash(struct call *call)
{
    get_uncle(call, true, get_uncle_by_hash);
}

/* ---- receipts of a block ---- */

static void get_block_receipts(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct block_at at;
    struct view v;

    (void)params_value(&p, &(struct where){.key = "block"});
    at = params_block(&p, 0);
    if (params_refused(&p, call)) return;
    if (!view_block(call, &at, RPC_WRITER, get_block_receipts, &v)) return;
    if (v.block && v.block->has_receipts)
        block_put_receipts_json(v.block, call_result(call));
    else
        json_put_null(call_result(call));
    view_close(&v);
    call_finish(call);
}

static void block_number(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_put_u64(call_result(call), atomic_load_explicit(&api_of(call)->chain->head_number, memory_order_acquire));
    call_finish(call);
}

const struct rpc_method api_eth_block_methods[] = {
    {"erigon_getHeaderByNumber", RPC_INLINE, 0, get_header_by_number},
    {"eth_blockNumber", RPC_INLINE, 0, block_number},
    {"eth_getBlockByHash", RPC_INLINE, 0, get_block_by_hash},
    {"eth_getBlockByNumber", RPC_INLINE, 0, get_block_by_number},
    {"eth_getBlockReceipts", RPC_INLINE, 0, get_block_receipts},
    {"eth_getBlockTransactionCountByHash", RPC_INLINE, 0, get_tx_count_by_hash},
    {"eth_getBlockTransactionCountByNumber", RPC_INLINE, 0, get_tx_count_by_number},
    {"eth_getHeaderByHash", RPC_INLINE, 0, get_header_by_hash},
    {"eth_getHeaderByNumber", RPC_INLINE, 0, get_header_by_number},
    {"eth_getUncleByBlockHashAndIndex", RPC_INLINE, 0, get_uncle_by_hash},
    {"eth_getUncleByBlockNumberAndIndex", RPC_INLINE, 0, get_uncle_by_number},
    {"eth_getUncleCountByBlockHash", RPC_INLINE, 0, get_uncle_count_by_hash},
    {"eth_getUncleCountByBlockNumber", RPC_INLINE, 0, get_uncle_count_by_number},
};
