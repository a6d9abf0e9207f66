/* ots_*: Otterscan's pages: a block with its transactions, and the transactions that an address had a part in. */
#include "api/past.h"
#include "api/retrace.h"
#include "api/tables.h"
#include "base/clock.h"
#include "codec/hex.h"
#include "codec/u256.h"

enum { PAGE_MAX = 1000, ADDRESS_TEXT = 42 };

/* ---- blocks ---- */

/* The members of a block but its transactions; in their place those from first to end, when asked for, and their
 * number (of a page's, or of all). */
static enum fan_status put_block(struct json_writer *w, const struct block *b, bool with_txs, size_t first, size_t end,
                                 struct arena *a)
{
    struct buf text;
    struct json_writer inner;
    struct slice whole;
    struct json doc;
    enum fan_status s = FAN_ENOMEM;

    buf_init(&text, 0);
    inner = json_writer_of(&text);
    block_put_json(b, false, &inner);
    whole = text.failed ? (struct slice){0} : arena_dup(a, buf_peek(&text));
    buf_fini(&text);
    if (whole.at) s = json_parse(whole, JSON_DEPTH_MAX, a, &doc, NULL);
    if (s) return s;
    json_begin_object(w);
    for (struct json v = json_first(doc); !json_is(v, JSON_MISSING); v = json_next(v)) {
        char *name = arena_cstr(a, json_key(v));

        if (!name) return FAN_ENOMEM;
        if (!strcmp(name, "transactions")) continue;
        json_put_key(w, name);
        json_put_raw(w, json_raw(v));
    }
    if (with_txs) {
        json_put_key(w, "transactions");
        json_begin_array(w);
        for (size_t i = first; i < end; i++) {
            struct tx_place place = block_tx_place(b, i);
            struct tx tx = b->txs[i];

            if (tx.data.len > 4) tx.data.len = 4; /* the page shows which function was called */
            tx_put_json(&tx, &place, w);
        }
        json_end_array(w);
    }
    json_put_key(w, "transactionCount");
    json_put_number(w, with_txs ? end - first : b->tx_count);
    json_end_object(w);
    return FAN_OK;
}

static struct fan_u256 fees_of(const struct block *b)
{
    struct fan_u256 sum = {0}, fee;

    for (size_t i = 0; b->has_receipts && i < b->tx_count; i++) {
        (void)u256_mul_u64(&b->receipts[i].effective_gas_price_wei, b->receipts[i].gas_used, &fee);
        (void)u256_add(&sum, &fee, &sum);
    }
    return sum;
}

static void answer_no_block(struct call *call)
{
    if (!past_ask(call)) answer_null(call);
}

static void answer_details(struct call *call, struct view *v)
{
    static const char *const rewards[] = {"blockReward", "uncleReward", "issuance"};
    struct json_writer *w = call_result(call);
    struct fan_u256 fees;
    enum fan_status s;

    if (!v->block) {
        answer_no_block(call);
        return;
    }
    fees = fees_of(v->block);
    json_begin_object(w);
    json_put_key(w, "block");
    s = put_block(w, v->block, false, 0, 0, call_arena(call));
    json_put_key(w, "issuance");
    json_begin_object(w);
    for (size_t i = 0; i < COUNT_OF(rewards); i++) { /* nothing is issued since the Merge */
        json_put_key(w, rewards[i]);
        json_put_text(w, "0x0");
    }
    json_end_object(w);
    json_put_key(w, "totalFees");
    json_put_u256(w, &fees);
    json_end_object(w);
    view_close(v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

/* Otterscan sends numbers as numbers. */
static struct block_at read_number(struct params *p, size_t index)
{
    struct json v = json_at(p->list, index);
    struct where at = params_where(index, "block");

    if (json_is(v, JSON_NUMBER)) return (struct block_at){.kind = BLOCK_NUMBER, .number = read_count(p, &at, v)};
    return params_block_number(p, index);
}

static void block_details(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct block_at at = read_number(&p, 0);
    struct view v;

    if (params_refused(&p, call) || !view_block(call, &at, RPC_POOL, block_details, &v)) return;
    answer_details(call, &v);
}

static void block_details_by_hash(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct block_at at = {.kind = BLOCK_HASH, .hash = params_hash(&p, 0, "block hash")};
    struct view v;

    if (params_refused(&p, call) || !view_block(call, &at, RPC_POOL, block_details_by_hash, &v)) return;
    answer_details(call, &v);
}

static void put_receipt(struct json_writer *w, const struct block *b, size_t index)
{
    struct tx_place place = block_tx_place(b, index);

    receipt_put_json(&b->receipts[index], &b->txs[index], &place, w);
}

static size_t read_page_size(struct params *p, size_t index)
{
    struct where at = params_where(index, "page size");
    uint64_t size = params_count(p, index, "page size");

    if (size > PAGE_MAX) params_fail_at(p, &at, "at most %d", PAGE_MAX);
    return (size_t)size;
}

static void block_transactions(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct block_at at = read_number(&p, 0);
    uint64_t page = params_count(&p, 1, "page");
    size_t size = read_page_size(&p, 2), first, end;
    struct json_writer *w = call_result(call);
    struct view v;
    enum fan_status s;

    if (params_refused(&p, call) || !view_block(call, &at, RPC_POOL, block_transactions, &v)) return;
    if (!v.block) {
        answer_no_block(call);
        return;
    }
    first = size && page < v.block->tx_count / size + 1 ? (size_t)page * size : v.block->tx_count;
    if (first > v.block->tx_count) first = v.block->tx_count;
    end = v.block->tx_count - first > size ? first + size : v.block->tx_count;
    json_begin_object(w);
    json_put_key(w, "fullblock");
    s = put_block(w, v.block, true, first, end, call_arena(call));
    json_put_key(w, "receipts");
    json_begin_array(w);
    for (size_t i = first; v.block->has_receipts && i < end; i++) put_receipt(w, v.block, i);
    json_end_array(w);
    json_end_object(w);
    view_close(&v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

/* ---- transactions of an address ---- */

static bool mentions(struct json trace, struct slice address)
{
    static const char *const keys[] = {"from", "to", "address", "refundAddress"};
    struct json action = json_get(trace, "action");

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (slice_eq(json_str_raw(json_get(action, keys[i])), address)) return true;
    return slice_eq(json_str_raw(json_get(json_get(trace, "result"), "address")), address);
}

/* A page on its way: both lists are written as it grows, newest first when the walk goes down. */
struct page {
    char address[ADDRESS_TEXT + 1];
    struct arena *arena;   /* not the call's, which is gone when the call was answered: the references are not, then */
    struct block **blocks; /* references, one for each transaction */
    size_t *indices;
    size_t count, cap, size;
};

static enum fan_status page_add(struct page *g, struct block *b, size_t index)
{
    if (g->count == g->cap) {
        size_t cap = g->cap ? 2 * g->cap : 64;
        struct block **blocks = ARENA_ARRAY(g->arena, cap, struct block *);
        size_t *indices = ARENA_ARRAY(g->arena, cap, size_t);

        if (!blocks || !indices) return FAN_ENOMEM;
        if (g->count) memcpy(blocks, g->blocks, g->count * sizeof *blocks);
        if (g->count) memcpy(indices, g->indices, g->count * sizeof *indices);
        g->blocks = blocks;
        g->indices = indices;
        g->cap = cap;
    }
    g->blocks[g->count] = block_ref(b);
    g->indices[g->count++] = index;
    return FAN_OK;
}

/* Notes the block's transactions that the address had a part in. False: the call was answered. */
static bool look_at_block(struct call *call, struct block *b, bool down, struct page *g)
{
    struct arena_home home;
    struct arena a;
    struct json list;
    enum fan_status s = FAN_OK;
    bool done;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    done = retrace_txs(call, b, &RETRACE_CALLS, 0, b->tx_count, &a, &list);
    for (size_t k = 0; done && !s && k < b->tx_count && b->header.number; k++) {
        size_t i = down ? b->tx_count - 1 - k : k;

        for (struct json t = json_first(json_at(list, i)); !json_is(t, JSON_MISSING); t = json_next(t)) {
            if (!mentions(t, slice_of(g->address, ADDRESS_TEXT))) continue;
            s = page_add(g, b, i);
            break;
        }
    }
    arena_home_fini(&home);
    if (s) answer_status(call, s, NULL);
    return done && !s;
}

static void put_page(struct json_writer *w, const struct page *g, bool down, bool is_first, bool is_last)
{
    json_begin_object(w);
    json_put_key(w, "txs");
    json_begin_array(w);
    for (size_t k = 0; k < g->count; k++) {
        size_t i = down ? k : g->count - 1 - k;
        struct tx_place place = block_tx_place(g->blocks[i], g->indices[i]);

        tx_put_json(&g->blocks[i]->txs[g->indices[i]], &place, w);
    }
    json_end_array(w);
    json_put_key(w, "receipts");
    json_begin_array(w);
    for (size_t k = 0; k < g->count; k++) {
        size_t i = down ? k : g->count - 1 - k;

        put_receipt(w, g->blocks[i], g->indices[i]);
    }
    json_end_array(w);
    json_put_key(w, "firstPage");
    json_put_bool(w, is_first);
    json_put_key(w, "lastPage");
    json_put_bool(w, is_last);
    json_end_object(w);
}

/* Whole blocks until the page is full or the chain ends; the page of the newest transactions is the first. */
static void search(struct call *call, bool down)
{
    struct params p = params_of_call(call, 3);
    struct fan_address address = params_address(&p, 0, "address");
    uint64_t from = params_count(&p, 1, "block"), n;
    struct arena_home home;
    struct arena a;
    struct page g = {.arena = &a, .size = read_page_size(&p, 2), .address = "0x"};
    struct api *api = api_of(call);
    struct chain *chain = api->chain;
    uint64_t head = atomic_load(&chain->head_number), end_ms = clock_monotonic_ms() + api->options.call_timeout_ms;
    enum fan_status s = FAN_OK;
    bool fine = true, ended = false;

    if (params_refused(&p, call)) return;
    arena_home_init(&home, 0);
    a = arena_of(&home);
    hex_encode(slice_of(address.bytes, sizeof address.bytes), g.address + 2);
    n = down ? (from && from <= head ? from - 1 : head) : min_u64(from, head) + 1;
    while (fine && g.count < g.size) {
        struct block *b;

        ended = n > head; /* or, going down, was 0 */
        if (ended) break;
        s = chain->ops->block_by_number(chain, n, &b);
        ended = s == FAN_ENOTFOUND; /* above the head, or before a fork */
        if (s) break;
        fine = look_at_block(call, b, down, &g);
        block_unref(b);
        n = down ? n - 1 : n + 1; /* below 0 it is over: see `ended` */
        if (fine && (clock_monotonic_ms() > end_ms || atomic_load(call_unwanted(call))) && g.count < g.size) {
            call_fail(call, CODE_TIMEOUT, "execution timeout");
            fine = false;
        }
    }
    if (fine && !ended) ended = down ? n > head || n == 0 : n > head;
    if (fine && s && s != FAN_ENOTFOUND) {
        answer_status(call, s, NULL);
    } else if (fine) {
        put_page(call_result(call), &g, down, down ? !from : ended, down ? ended : !from);
        call_finish(call);
    }
    for (size_t i = 0; i < g.count; i++) block_unref(g.blocks[i]);
    arena_home_fini(&home);
}

static void search_before(struct call *call)
{
    search(call, true);
}

static void search_after(struct call *call)
{
    search(call, false);
}

const struct rpc_method api_otterscan_pages_methods[] = {
    {"ots_getBlockDetails", RPC_POOL, 0, block_details},
    {"ots_getBlockDetailsByHash", RPC_POOL, 0, block_details_by_hash},
    {"ots_getBlockTransactions", RPC_POOL, 0, block_transactions},
    {"ots_searchTransactionsAfter", RPC_POOL, 0, search_after},
    {"ots_searchTransactionsBefore", RPC_POOL, 0, search_before},
};
