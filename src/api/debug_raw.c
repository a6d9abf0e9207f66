/* debug_getRaw*: blocks, headers and receipts as their RLP; and debug_getBadBlocks. */
#include "api/tables.h"
#include "api/view.h"

typedef void put_raw(const struct block *b, struct buf *scratch, struct json_writer *w);

/* nothing: geth's answer for a number nobody has. */
static void get_raw(struct call *call, put_raw *put, struct slice nothing, void (*again)(struct call *call))
{
    struct params p = params_of_call(call, 1);
    struct block_at at;
    struct view v;
    struct buf scratch;
    enum fan_status s;

    at = params_block_given(&p, 0);
    if (params_refused(&p, call)) return;
    if (!view_block(call, &at, RPC_POOL, again, &v)) return;
    if (!v.block && at.kind == BLOCK_HASH) {
        call_fail(call, CODE_REFUSED, "block not found");
        return;
    }
    if (!v.block) {
        json_put_raw(call_result(call), nothing);
        call_finish(call);
        return;
    }
    buf_init(&scratch, 0);
    put(v.block, &scratch, call_result(call));
    s = scratch.failed;
    buf_fini(&scratch);
    view_close(&v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

static void put_block(const struct block *b, struct buf *scratch, struct json_writer *w)
{
    block_put(b, scratch);
    json_put_data(w, buf_peek(scratch));
}

static void put_header(const struct block *b, struct buf *scratch, struct json_writer *w)
{
    header_put(&b->header, scratch);
    json_put_data(w, buf_peek(scratch));
}

static void put_receipts(const struct block *b, struct buf *scratch, struct json_writer *w)
{
    json_begin_array(w);
    for (size_t i = 0; b->has_receipts && i < b->tx_count; i++) {
        buf_reset(scratch);
        receipt_put(&b->receipts[i], scratch);
        if (scratch->failed) break;
        json_put_data(w, buf_peek(scratch));
    }
    json_end_array(w);
}

static void get_raw_block(struct call *call)
{
    get_raw(call, put_block, SLICE("\"0x\""), get_raw_block);
}

static void get_raw_header(struct call *call)
{
    get_raw(call, put_header, SLICE("\"0x\""), get_raw_header);
}

static void get_raw_receipts(struct call *call)
{
    get_raw(call, put_receipts, SLICE("null"), get_raw_receipts);
}

/* A bad block ends an import with its number and the rule it breaks; none is kept. */
static void get_bad_blocks(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (params_refused(&p, call)) return;
    json_begin_array(call_result(call));
    json_end_array(call_result(call));
    call_finish(call);
}

const struct rpc_method api_debug_raw_methods[] = {
    {"debug_getBadBlocks", RPC_INLINE, 0, get_bad_blocks},
    {"debug_getRawBlock", RPC_POOL, 0, get_raw_block},
    {"debug_getRawHeader", RPC_INLINE, 0, get_raw_header},
    {"debug_getRawReceipts", RPC_POOL, 0, get_raw_receipts},
};
