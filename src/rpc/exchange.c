/* From a message to its reply. */
#include "rpc/exchange.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/ws.h"

enum {
    BATCH_MAX = 1000,
    REPLY_LEN_MAX = 25000000,
    POOL_QUEUE_MAX = 10000,
    /* After so many items that were answered at once, a batch lets others have the loop. */
    ITEMS_PER_TURN = 64,
    EXCHANGES_KEPT = 64, /* of a worker; each keeps at most 64 KiB an arena */
    METHOD_SHOWN_MAX = 128,
    INPUT_SMALL = 64 * 1024,
    /* Of a turn of the loop, for brief methods together: what a notification may wait for them. */
    BRIEF_TURN_NS = 500000,
    LIMIT_EXCEEDED = -32005
};

/* ---- what is counted ---- */

const int rpc_codes[RPC_CODE_COUNT - 1] = {
#define RPC_CODE(code) code,
#include "rpc/errors.def"
};

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct rpc_stats
#include "base/metric_rows.def"

#include "rpc/metrics.def"
};

const struct metric_table rpc_metrics = {rows, COUNT_OF(rows), sizeof(struct rpc_stats)};

static void count_error(struct rpc_method_stats *m, int code)
{
    size_t i = 0;

    while (i < COUNT_OF(rpc_codes) && rpc_codes[i] != code) i++;
    counter_add(&m->errors[i], 1);
}

static struct histogram *duration_of(struct rpc_stats *s, enum rpc_start starts)
{
    switch (starts) {
    case RPC_POOL:
        return &s->duration_pool;
    case RPC_WRITER:
        return &s->duration_writer;
    case RPC_INLINE:
    case RPC_BRIEF:
        break;
    }
    return &s->duration_worker;
}

/* On the worker: the item has its answer, and the next one is at work. */
static void item_is_over(struct exchange *x)
{
    struct rpc_worker *w = x->home;
    struct call *c = &x->call;
    struct rpc_method_stats *m = &w->methods[c->rank];
    uint64_t now_ns = clock_monotonic_ns(), took_ns = now_ns - x->since_ns;

    counter_add(&m->requests, 1);
    counter_add(&m->ns, took_ns);
    if (c->error) count_error(m, c->error);
    histogram_add(duration_of(&w->stats, c->starts), took_ns, 1);
    if (c->waited_ns) histogram_add(&w->stats.pool_wait, c->waited_ns, 1);
    x->since_ns = now_ns;
    x->at++;
}

/* ---- exchanges, pooled ---- */

static struct exchange *exchange_new(struct rpc_worker *w)
{
    struct exchange *x = w->free;

    if (x) {
        w->free = x->next;
        w->free_count--;
    } else {
        x = calloc(1, sizeof *x);
        if (!x) return NULL;
        x->home = w;
        arena_home_init(&x->message_memory, 0);
        arena_home_init(&x->call_memory, 0);
    }
    buf_init(&x->reply, w->rpc->options.reply_len_max);
    x->at = x->answered = x->input = 0;
    x->since_ns = clock_monotonic_ns();
    counter_add(&w->stats.in_flight, 1);
    x->held = x->too_large = x->broken = false;
    atomic_store_explicit(&x->unwanted, false, memory_order_relaxed);
    x->prev = NULL;
    x->next = w->live;
    if (x->next) x->next->prev = x;
    w->live = x;
    return x;
}

static void exchange_free(struct exchange *x)
{
    arena_home_fini(&x->message_memory);
    arena_home_fini(&x->call_memory);
    buf_fini(&x->reply);
    spool_free(x->spool);
    free(x);
}

static void exchange_recycle(struct exchange *x)
{
    struct rpc_worker *w = x->home;

    if (x->kept) atomic_fetch_sub_explicit(&w->rpc->replies_bytes, (int64_t)x->kept, memory_order_relaxed);
    x->kept = 0;
    counter_sub(&w->stats.in_flight, 1);
    if (x->next) x->next->prev = x->prev;
    if (x->prev)
        x->prev->next = x->next;
    else
        w->live = x->next;
    if (w->free_count == EXCHANGES_KEPT) {
        exchange_free(x);
        return;
    }
    arena_home_reset(&x->message_memory);
    arena_home_reset(&x->call_memory);
    buf_fini(&x->reply); /* its bytes have moved to the connection, or nobody wants them */
    spool_free(x->spool);
    x->spool = NULL;
    x->next = w->free;
    w->free = x;
    w->free_count++;
}

/* ---- the end ---- */

static void exchange_end(struct exchange *x)
{
    struct rpc_worker *w = x->home;
    struct conn *c = conn_find(w->conns, x->conn);

    if (x->message.batch && x->answered) {
        x->reply.len_max = 0;
        buf_put_byte(&x->reply, ']');
    }
    if (c && (x->broken || x->reply.failed))
        conn_close(c, WS_CLOSE_INTERNAL, "out of memory");
    else if (c && x->spool && spool_len(x->spool)) {
        conn_reply_spool(c, x->spool, &x->reply);
        x->spool = NULL;
    } else if (c)
        conn_reply(c, &x->reply);
    if (x->input) conn_forgot(w->conns, x->conn, x->input);
    /* Taking the reply may have ended the connection: ask again. */
    c = x->held ? conn_find(w->conns, x->conn) : NULL;
    if (c) conn_release(c);
    exchange_recycle(x);
}

/* ---- where a call runs ---- */

/* Whenever a method runs, the letter is ready to bring the call home; who sends it elsewhere first changes that. */
static void come_home(struct letter *l)
{
    struct exchange *x = exchange_of(CONTAINER_OF(l, struct call, letter));

    item_is_over(x);
    (void)exchange_go_on(x);
}

/* On a pool thread or the writer. */
static void run_there(struct letter *l)
{
    struct call *c = CONTAINER_OF(l, struct call, letter);

    if (c->where == RPC_POOL) c->waited_ns += clock_monotonic_ns() - c->queued_ns;
    c->letter.run = come_home;
    /* A writer that has ended may run what is left in its box; by then methods find nothing to stand on. */
    if (atomic_load(&exchange_of(c)->home->rpc->stopped))
        call_fail(c, -32000, "server is shutting down");
    else if (c->where == RPC_POOL && atomic_load_explicit(&exchange_of(c)->unwanted, memory_order_relaxed))
        call_fail(c, -32000, "nobody waits for the answer");
    else
        c->step(c); /* may finish and be gone */
}

/* The method has returned. True when the call is finished; else it is out, and must not be touched. */
static bool is_finished(struct call *c)
{
    int before = CALL_ON_STACK;

    return !atomic_compare_exchange_strong(&c->state, &before, CALL_PARKED);
}

/* On the worker. As is_finished(). */
static bool run_here(struct call *c)
{
    atomic_store(&c->state, CALL_ON_STACK);
    c->letter.run = come_home;
    c->where = RPC_INLINE;
    c->gathered = false;
    c->step(c);
    return !c->gathered && is_finished(c);
}

void call_gather(struct call *c, void (*together)(struct call *const *calls, size_t count))
{
    struct rpc_worker *w = exchange_of(c)->home;

    assert(c->where == RPC_INLINE && w->gathered_count < GATHERED_MAX);
    c->gathered = true;
    w->together = together;
    w->gathered[w->gathered_count++] = c;
}

void exchange_go_on_together(struct rpc_worker *w)
{
    struct call *calls[GATHERED_MAX];
    size_t count = w->gathered_count;
    uint64_t begin_ns = clock_monotonic_ns();

    memcpy(calls, w->gathered, count * sizeof(struct call *));
    w->gathered_count = 0; /* the next item of a batch may begin another */
    w->together(calls, count);
    w->brief_ns += clock_monotonic_ns() - begin_ns;
    for (size_t i = 0; i < count; i++)
        if (is_finished(calls[i])) come_home(&calls[i]->letter);
}

static void run_back_here(struct letter *l)
{
    struct call *c = CONTAINER_OF(l, struct call, letter);

    if (run_here(c)) come_home(&c->letter);
}

/* Sends the call on its way. False: the pool is full and the call is still the caller's. */
static bool send_to(struct call *c, enum rpc_start where)
{
    struct rpc_worker *home = exchange_of(c)->home;

    c->where = where;
    c->letter.run = where == RPC_INLINE ? run_back_here : run_there;
    switch (where) {
    case RPC_INLINE:
        mailbox_post(home->mailbox, &c->letter);
        return true;
    case RPC_WRITER:
        home->rpc->post_to_writer(home->rpc->writer_ctx, &c->letter);
        return true;
    case RPC_POOL:
    case RPC_BRIEF: /* never: start() has decided */
        break;
    }
    c->queued_ns = clock_monotonic_ns();
    if (call_pool_submit(home->rpc->pool, &c->letter)) return true;
    c->letter.run = come_home;
    return false;
}

void call_continue(struct call *c, enum rpc_start where, void (*step)(struct call *call))
{
    c->step = step;
    if (!send_to(c, where)) call_fail(c, -32000, "server is busy");
}

void call_continue_later(struct call *c, uint64_t due_ms, void (*step)(struct call *call))
{
    c->step = step;
    c->where = RPC_POOL;
    c->letter.run = run_there;
    c->queued_ns = due_ms * 1000000u; /* what it waits for its time is no waiting for a thread */
    if (call_pool_submit_later(exchange_of(c)->home->rpc->pool, &c->delay, &c->letter, due_ms)) return;
    c->letter.run = come_home;
    call_fail(c, -32000, "server is busy");
}

void exchange_abandoned(struct letter *l)
{
    struct call *c = CONTAINER_OF(l, struct call, letter);

    c->letter.run = come_home;
    call_fail(c, -32000, "server is shutting down");
}

/* ---- items ---- */

static bool may_develop(const struct exchange *x)
{
    switch (x->home->rpc->options.dev_methods) {
    case RPC_DEV_ALL:
        return true;
    case RPC_DEV_LOOPBACK:
        return x->peer.loopback;
    case RPC_DEV_NONE:
        break;
    }
    return false;
}

/* Starts the method in c->step where its row says. True when it is finished already. */
static bool start(struct call *c, enum rpc_start where)
{
    struct rpc_worker *w = exchange_of(c)->home;

    if (where == RPC_INLINE) return run_here(c);
    if (where == RPC_BRIEF && w->brief_ns < BRIEF_TURN_NS) {
        uint64_t begin_ns = clock_monotonic_ns();
        bool finished = run_here(c);

        w->brief_ns += clock_monotonic_ns() - begin_ns;
        return finished;
    }
    if (where == RPC_BRIEF) where = RPC_POOL;
    c->starts = where;
    atomic_store(&c->state, CALL_PARKED);
    if (send_to(c, where)) return false;
    atomic_store(&c->state, CALL_ON_STACK);
    call_fail(c, -32000, "server is busy");
    return true;
}

static bool refuse(struct call *c, const char *why)
{
    atomic_store(&c->state, CALL_ON_STACK);
    call_fail(c, JSONRPC_METHOD_NOT_FOUND, "%s", why);
    return true;
}

/* True when the item is finished. */
static bool start_item(struct exchange *x)
{
    const struct rpc *r = x->home->rpc;
    const struct jsonrpc_request *request = &x->message.items[x->at];
    const struct rpc_method *method;
    const struct method_cell *cell;
    struct rpc_access access;
    struct call *c = &x->call;

    call_begin(x, request);
    c->rank = (uint32_t)r->table.count;
    c->starts = RPC_INLINE;
    atomic_store(&c->state, CALL_ON_STACK);
    if (x->too_large) {
        call_put_error(c, -32003, SLICE("response too large"), slice_of(NULL, 0));
        call_end_item(c);
        return true;
    }
    if (request->error.code) {
        call_put_error(c, request->error.code, request->error.message, slice_of(NULL, 0));
        call_end_item(c);
        return true;
    }
    cell = method_table_get(&r->table, request->method);
    if (cell) c->rank = cell->rank;
    method = cell ? cell->method : r->fallback;
    access = cell ? cell->access : rpc_access_of(&r->options, request->method);
    if (!method || !rpc_access_is_on(access, &x->peer)) {
        size_t shown = request->method.len < METHOD_SHOWN_MAX ? request->method.len : METHOD_SHOWN_MAX;

        call_fail(c, JSONRPC_METHOD_NOT_FOUND, "the method %.*s does not exist/is not available",
                  SLICE_ARGS(slice_first(request->method, shown)));
        return true;
    }
    if (access.guarded && !x->peer.authorized) return refuse(c, "this method wants a token (Authorization: Bearer)");
    if (method->flags & RPC_DEVELOPMENT && !may_develop(x))
        return refuse(c, r->options.dev_methods == RPC_DEV_NONE
                             ? "development and signing methods are switched off (--dev-methods none)"
                             : "development and signing methods answer local clients only (--dev-methods loopback)");
    if (method->flags & RPC_NOTIFIES && x->peer.transport == CONN_HTTP) return refuse(c, "notifications not supported");
    if (x->message.batch) {
        arena_home_reset(&x->call_memory);
        c->arena = arena_of(&x->call_memory);
    }
    if (method->flags & RPC_GATHERS ? x->home->gathered_count == GATHERED_MAX : x->home->gathered_count > 0)
        exchange_go_on_together(x->home); /* before x has a part in it: it lives on */
    c->step = method->run;
    return start(c, method->start);
}

void call_each_namespace(const struct call *c, void (*each)(void *ctx, struct slice name), void *ctx)
{
    const struct exchange *x = exchange_of(c);
    const struct method_table *table = &x->home->rpc->table;
    struct slice last = {0};

    for (size_t i = 0; i < table->count; i++) {
        const struct rpc_method *m = table->sorted[i];
        struct slice name = rpc_namespace_of(slice_str(m->name));
        struct rpc_access access = method_table_get(table, slice_str(m->name))->access;

        if (slice_eq(name, last) || !rpc_access_is_on(access, &x->peer)) continue;
        if ((access.guarded && !x->peer.authorized) || (m->flags & RPC_DEVELOPMENT && !may_develop(x))) continue;
        each(ctx, name);
        last = name;
    }
}

static void go_on_later(struct letter *l)
{
    (void)exchange_go_on(exchange_of(CONTAINER_OF(l, struct call, letter)));
}

bool exchange_go_on(struct exchange *x)
{
    if (atomic_load_explicit(&x->home->rpc->stopped, memory_order_relaxed)) {
        exchange_recycle(x);
        return true;
    }
    for (size_t turn = 0; x->at < x->message.count; turn++) {
        if (turn == ITEMS_PER_TURN) {
            x->call.letter.run = go_on_later;
            mailbox_post(x->home->mailbox, &x->call.letter);
            return false;
        }
        if (!start_item(x)) return false;
        item_is_over(x);
    }
    exchange_end(x);
    return true;
}

/* ---- messages ---- */

static const struct jsonrpc_request NOBODY = {.id = {(const uint8_t *)"null", 4}};

/* The body is borrowed and the exchange may outlive it, so it is copied first: what was parsed points into our copy. */
static enum fan_status read_message(struct exchange *x, struct slice body)
{
    const struct jsonrpc_limits limits = {.batch_max = x->home->rpc->options.batch_max};
    struct arena a = arena_of(&x->message_memory);
    struct slice copy = arena_dup(&a, body);
    enum fan_status s;

    if (!copy.at) return FAN_ENOMEM;
    s = jsonrpc_parse(copy, &limits, &a, &x->message);
    x->call.arena = a; /* of a single call: it carves on where the parser stopped */
    return s;
}

/* What a message takes while it is answered: of a small one its length, since the block it lies in is kept anyway. */
static size_t input_of(const struct exchange *x, struct slice body)
{
    return x->message_memory.bytes > INPUT_SMALL ? x->message_memory.bytes : body.len;
}

/* Each item is a request of its client's address. A batch is let in when one may, and pays for the others then; beyond
 * the limit every item is told so, under its id, and the connection stays. (Over HTTP conn has said 429 by now.) */
static void charge(struct exchange *x, struct conn *c)
{
    uint64_t wait_s;

    if (x->peer.transport == CONN_HTTP || conn_may_ask(c, &wait_s)) {
        if (x->message.count > 1) conn_pay(c, x->message.count - 1);
        return;
    }
    for (size_t i = 0; i < x->message.count; i++)
        x->message.items[i].error =
            (struct jsonrpc_error){LIMIT_EXCEEDED, SLICE("limit exceeded: too many requests of one address")};
}

void rpc_message(struct rpc_worker *w, struct conn *c, struct slice body)
{
    struct exchange *x;
    size_t input;

    if (atomic_load_explicit(&w->rpc->stopped, memory_order_relaxed)) {
        conn_close(c, WS_CLOSE_GOING_AWAY, "server is shutting down");
        return;
    }
    x = exchange_new(w);
    if (!x) {
        conn_close(c, WS_CLOSE_INTERNAL, "out of memory");
        return;
    }
    x->conn = conn_id_of(c);
    x->peer = *conn_peer_of(c);
    if (read_message(x, body)) {
        x->message =
            (struct jsonrpc_message){.error = {JSONRPC_INTERNAL_ERROR, SLICE("Internal error: out of memory")}};
    }
    charge(x, c);
    if (x->message.error.code) {
        counter_add(&w->stats.unreadable, 1);
        count_error(&w->methods[w->rpc->table.count], x->message.error.code);
        x->message.batch = false; /* one object, not an array */
        x->message.count = 0;
        call_begin(x, &NOBODY);
        call_put_error(&x->call, x->message.error.code, x->message.error.message, slice_of(NULL, 0));
    } else {
        counter_add(x->message.batch ? &w->stats.batches : &w->stats.singles, 1);
    }
    input = input_of(x, body); /* now: afterwards the call's thread may be at that memory */
    if (exchange_go_on(x)) return;
    x->input = input;
    c = conn_find(w->conns, x->conn);
    if (c)
        conn_keeps(c, input);
    else
        x->input = 0;
}

/* ---- nobody waits ---- */

const atomic_bool *call_unwanted(const struct call *c)
{
    return &exchange_of(c)->unwanted;
}

void rpc_conn_closed(struct rpc_worker *w, struct conn *c)
{
    struct conn_id id = conn_id_of(c); /* of this worker, like all its exchanges */

    for (struct exchange *x = w->live; x; x = x->next)
        if (x->conn.slot == id.slot && x->conn.generation == id.generation)
            atomic_store_explicit(&x->unwanted, true, memory_order_relaxed);
}

void rpc_worker_abandon(struct rpc_worker *w)
{
    for (struct exchange *x = w->live; x; x = x->next) atomic_store_explicit(&x->unwanted, true, memory_order_relaxed);
}

/* ---- lifecycle ---- */

static void options_fill(struct rpc_options *o)
{
    if (!o->batch_max) o->batch_max = BATCH_MAX;
    if (!o->reply_len_max) o->reply_len_max = REPLY_LEN_MAX;
    if (!o->replies_bytes_max) o->replies_bytes_max = (size_t)1 << 30;
    if (!o->pool_queue_max) o->pool_queue_max = POOL_QUEUE_MAX;
    if (!o->pool_threads) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);

        o->pool_threads = cores > 0 ? (size_t)cores : 1;
    }
}

enum fan_status rpc_new(const struct rpc_method *const *tables, const size_t *counts, size_t table_count,
                        const struct rpc_method *fallback, const struct rpc_options *options,
                        void (*post_to_writer)(void *ctx, struct letter *l), void *ctx, void *app, struct rpc **out)
{
    struct rpc *r = calloc(1, sizeof *r);
    enum fan_status s;

    if (!r) return FAN_ENOMEM;
    ref_init(&r->ref);
    if (options) r->options = *options;
    options_fill(&r->options);
    r->fallback = fallback;
    r->post_to_writer = post_to_writer;
    r->writer_ctx = ctx;
    r->app = app;
    s = method_table_init(&r->table, tables, counts, table_count, &r->options);
    if (!s) s = call_pool_new(r->options.pool_threads, r->options.pool_queue_max, &r->pool);
    if (s) {
        rpc_free(r);
        return s;
    }
    *out = r;
    return FAN_OK;
}

static void rpc_unref(struct rpc *r)
{
    if (!ref_put(&r->ref)) return;
    call_pool_free(r->pool);
    method_table_fini(&r->table);
    free(r);
}

void rpc_free(struct rpc *r)
{
    if (!r) return;
    atomic_store(&r->stopped, true);
    if (r->pool) call_pool_stop(r->pool, exchange_abandoned);
    rpc_unref(r);
}

enum fan_status rpc_worker_new(struct rpc *r, struct conn_set *conns, struct mailbox *mailbox, void *worker_app,
                               struct rpc_worker **out)
{
    struct rpc_worker *w = calloc(1, sizeof *w);

    if (!w) return FAN_ENOMEM;
    w->methods = calloc(r->table.count + 1, sizeof *w->methods);
    if (!w->methods) {
        free(w);
        return FAN_ENOMEM;
    }
    ref_get(&r->ref);
    w->rpc = r;
    w->conns = conns;
    w->mailbox = mailbox;
    w->app = worker_app;
    *out = w;
    return FAN_OK;
}

void rpc_worker_turn_end(struct rpc_worker *w)
{
    while (w->gathered_count) exchange_go_on_together(w); /* of a batch, again and again while there is time for it */
    w->brief_ns = 0;
}

const struct rpc_stats *rpc_worker_stats(const struct rpc_worker *w)
{
    return &w->stats;
}

const struct rpc_method_stats *rpc_worker_method_stats(const struct rpc_worker *w)
{
    return w->methods;
}

size_t rpc_methods(const struct rpc *r, const struct rpc_method *const **out)
{
    *out = r->table.sorted;
    return r->table.count;
}

const struct call_pool_stats *rpc_pool_stats(const struct rpc *r)
{
    return call_pool_stats(r->pool);
}

static void free_list(struct exchange *x)
{
    while (x) {
        struct exchange *next = x->next;

        exchange_free(x);
        x = next;
    }
}

void rpc_worker_free(struct rpc_worker *w)
{
    if (!w) return;
    /* Calls that have come home lie in the mailbox; run, they go to the free ones. What then still lives waits for a
     * writer that runs no more. */
    (void)mailbox_run(w->mailbox);
    free_list(w->live);
    free_list(w->free);
    rpc_unref(w->rpc);
    free(w->methods);
    free(w);
}
