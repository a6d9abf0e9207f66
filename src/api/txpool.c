/* txpool_* and eth_pendingTransactions: what waits, by sender and nonce. The pool is the writer's, so all of this runs
 * there. */
#include <inttypes.h>
#include <stdio.h>

#include "api/tables.h"
#include "api/view.h"
#include "codec/hex.h"
#include "codec/u256.h"

struct waiting {
    struct pending_tx *p;
    bool executable;
};

struct pool_copy {
    struct arena *arena;
    struct waiting *items;
    size_t count, cap, executable;
    bool failed;
    bool count_only;
};

static void copy_tx(void *ctx, const struct pending_tx *p, bool executable)
{
    struct pool_copy *c = ctx;
    struct waiting *more;

    if (executable) c->executable++;
    if (!c->count_only && c->count == c->cap && !c->failed) {
        more = ARENA_ARRAY(c->arena, c->cap ? 2 * c->cap : 64, struct waiting);
        if (!more) {
            c->failed = true;
            return;
        }
        if (c->count) memcpy(more, c->items, c->count * sizeof *more);
        c->items = more;
        c->cap = c->cap ? 2 * c->cap : 64;
    }
    /* The walk and the writing of the result are one piece of the writer's work, so the pool cannot change under the
     * pointers. */
    if (!c->count_only && !c->failed)
        c->items[c->count] = (struct waiting){.p = (struct pending_tx *)(uintptr_t)p, .executable = executable};
    c->count++;
}

static bool walk(struct call *call, struct pool_copy *c)
{
    struct chain *chain = api_of(call)->chain;

    if (!chain->ops->pool_walk) return true; /* an empty pool */
    chain->ops->pool_walk(chain, copy_tx, c);
    if (c->failed) answer_status(call, FAN_ENOMEM, NULL);
    return !c->failed;
}

static void status(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct pool_copy c = {.count_only = true};
    struct json_writer *w;

    if (params_refused(&p, call) || !walk(call, &c)) return;
    w = call_result(call);
    json_begin_object(w);
    json_put_key(w, "pending");
    json_put_u64(w, c.executable);
    json_put_key(w, "queued");
    json_put_u64(w, c.count - c.executable);
    json_end_object(w);
    call_finish(call);
}

typedef void put_waiting(const struct tx *tx, struct json_writer *w);

static void put_whole(const struct tx *tx, struct json_writer *w)
{
    tx_put_json(tx, NULL, w);
}

static void put_line(const struct tx *tx, struct json_writer *w)
{
    char to[43], value[79], price[79], line[300];

    hex_write_checksum(&tx->to, to);
    u256_to_decimal(&tx->value_wei, value);
    u256_to_decimal(&tx->gas_price_wei, price);
    (void)snprintf(line, sizeof line, "%s: %s wei + %" PRIu64 " gas \xc3\x97 %s wei",
                   tx->has_to ? to : "contract creation", value, tx->gas_limit, price);
    json_put_text(w, line);
}

/* Items come by sender and nonce, so a sender's object closes where the next sender begins. only: NULL for all senders,
 * and then the senders are a level of their own. */
static void put_group(const struct pool_copy *c, bool executable, const struct fan_address *only, put_waiting *put,
                      struct json_writer *w)
{
    const struct fan_address *open = NULL;
    char text[43];

    json_begin_object(w);
    for (size_t i = 0; i < c->count; i++) {
        const struct tx *tx = &c->items[i].p->tx;

        if (c->items[i].executable != executable) continue;
        if (only && memcmp(only, &tx->sender, sizeof *only) != 0) continue;
        if (!only && (!open || memcmp(open, &tx->sender, sizeof *open) != 0)) {
            if (open) json_end_object(w);
            open = &tx->sender;
            hex_write_checksum(open, text);
            json_put_key(w, text);
            json_begin_object(w);
        }
        (void)snprintf(text, sizeof text, "%" PRIu64, tx->nonce);
        json_put_key(w, text);
        put(tx, w);
    }
    if (open) json_end_object(w);
    json_end_object(w);
}

static void put_content(struct call *call, const struct fan_address *only, put_waiting *put)
{
    struct pool_copy c = {.arena = call_arena(call)};
    struct json_writer *w;

    if (!walk(call, &c)) return;
    w = call_result(call);
    json_begin_object(w);
    json_put_key(w, "pending");
    put_group(&c, true, only, put, w);
    json_put_key(w, "queued");
    put_group(&c, false, only, put, w);
    json_end_object(w);
    call_finish(call);
}

static void content(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (!params_refused(&p, call)) put_content(call, NULL, put_whole);
}

static void inspect(struct call *call)
{
    struct params p = params_of_call(call, 0);

    if (!params_refused(&p, call)) put_content(call, NULL, put_line);
}

static void content_from(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct fan_address address = params_address(&p, 0, "address");

    if (!params_refused(&p, call)) put_content(call, &address, put_whole);
}

/* Hardhat's: everything that waits, what can be executed first. (geth leaves out what other accounts sent.) */
static void pending_transactions(struct call *call)
{
    struct params p = params_of_call(call, 0);
    struct pool_copy c = {.arena = call_arena(call)};
    struct json_writer *w;

    if (params_refused(&p, call) || !walk(call, &c)) return;
    w = call_result(call);
    json_begin_array(w);
    for (int executable = 1; executable >= 0; executable--)
        for (size_t i = 0; i < c.count; i++)
            if (c.items[i].executable == (bool)executable) put_whole(&c.items[i].p->tx, w);
    json_end_array(w);
    call_finish(call);
}

const struct rpc_method api_txpool_methods[] = {
    {"eth_pendingTransactions", RPC_WRITER, 0, pending_transactions},
    {"txpool_content", RPC_WRITER, 0, content},
    {"txpool_contentFrom", RPC_WRITER, 0, content_from},
    {"txpool_inspect", RPC_WRITER, 0, inspect},
    {"txpool_status", RPC_WRITER, 0, status},
};
