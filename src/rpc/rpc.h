/* rpc: calls, batches and who answers them.
 *
 *   message ─► parse ─► for each item: method table ─► inline │ pool │ writer ─► call_finish ─► reply
 *
 * A message becomes one exchange with one or many calls, handled in order: an item of a batch begins when the one
 * before it has finished, so a batch behaves as if its items had been sent one by one. A call owns an arena lent from
 * the worker; it travels with the call, and one thread has it at a time. Whoever finishes a call may be on any thread:
 * the reply goes home through the worker's mailbox.
 *
 * Not here: what methods mean (api/), connections (conn/), JSON-RPC syntax (wire/jsonrpc.h).
 * Spec: JSON-RPC 2.0; design section 5 for codes. */
#ifndef RPC_RPC_H
#define RPC_RPC_H

#include "base/mailbox.h"
#include "codec/json.h"
#include "conn/conn.h"

struct call;
struct rpc;        /* one per process: table, pool, options */
struct rpc_worker; /* one per worker */

/* Where a method starts; it may move on with call_continue(). RPC_BRIEF: on the worker while the turn has time left for
 * such methods, else on the pool. Its method asks call_where(), which says RPC_INLINE or RPC_POOL, and goes on on the pool
 * with what turns out to be long (docs/design/012). */
enum rpc_start { RPC_INLINE, RPC_POOL, RPC_WRITER, RPC_BRIEF };
enum rpc_flags {
    RPC_DEVELOPMENT = 1, /* edits the chain or signs: answers by --dev-methods */
    RPC_NOTIFIES = 2,    /* over HTTP: -32601 "notifications not supported" */
    RPC_GATHERS = 4      /* may wait with others of its kind: call_gather() */
};

struct rpc_method {
    const char *name;
    enum rpc_start start;
    unsigned flags;
    void (*run)(struct call *call); /* must end in exactly one call_finish*() or call_fail*() */
};

/* A list of namespaces ("eth", "*" for all), borrowed for as long as the rpc lives. */
struct rpc_names {
    const char *const *names;
    size_t count;
};

enum rpc_dev_methods { RPC_DEV_LOOPBACK, RPC_DEV_ALL, RPC_DEV_NONE };

struct rpc_options {
    enum rpc_dev_methods dev_methods;
    struct rpc_names only[CONN_TRANSPORTS]; /* what answers on each transport; rpc_ always does [everything] */
    struct rpc_names guarded;               /* what wants a token (conn_peer.authorized) [nothing] */
    size_t batch_max;      /* [1000] */
    size_t reply_len_max;  /* [25,000,000] */
    size_t replies_bytes_max; /* of replies under way in the whole process; beyond it -32003 for what makes a long one
                                 longer [1 GiB] */
    size_t pool_threads;   /* [number of cores] */
    size_t pool_queue_max; /* calls waiting for the pool; beyond it -32000 "server is busy" [10,000] */
};

/* methods: sorted here into a table; names unique. fallback (may be NULL) runs inline for a name without a row. `app`
 * is what call_app() gives to methods. post_to_writer(ctx, letter) runs a letter on the chain's writer. */
FAN_MUST_CHECK enum fan_status rpc_new(const struct rpc_method *const *tables, const size_t *counts, size_t table_count,
                                       const struct rpc_method *fallback, const struct rpc_options *options,
                                       void (*post_to_writer)(void *ctx, struct letter *l), void *ctx, void *app,
                                       struct rpc **out);
/* Stops the pool after what runs; nothing new is begun and what comes home is dropped. When the writer has ended; any
 * thread. NULL is fine. */
void rpc_free(struct rpc *r);

/* Worker's thread. worker_app is what call_worker_app() gives to inline methods (the hub's shard). */
FAN_MUST_CHECK enum fan_status rpc_worker_new(struct rpc *r, struct conn_set *conns, struct mailbox *mailbox,
                                              void *worker_app, struct rpc_worker **out);
/* After rpc_free(), before the worker's mailbox (its loop) goes: runs the letters that still lie in it. What lies in the
 * writer's box then will not be there any more: let the writer run it empty first, or never again. NULL is fine. */
void rpc_worker_free(struct rpc_worker *w);
/* conn_handler.closed: what is still under way for it on the pool ends soon, and what waits there is not begun. */
void rpc_conn_closed(struct rpc_worker *w, struct conn *c);
/* Likewise for all that is under way: for a server that stops. When the worker's loop has ended. */
void rpc_worker_abandon(struct rpc_worker *w);
/* At the end of each of the loop's turns, before what is to be sent leaves: what gathered is done, and brief methods have
 * their time again. */
void rpc_worker_turn_end(struct rpc_worker *w);

/* ---- what is counted: the worker counts, any thread may read ---- */
struct rpc_stats {
#include "base/metric_fields.def"

#include "rpc/metrics.def"
};
extern const struct metric_table rpc_metrics;
const struct rpc_stats *rpc_worker_stats(const struct rpc_worker *w);

enum {
    RPC_CODE_COUNT = 1 /* the last: every other code */
#define RPC_CODE(code) +1
#include "rpc/errors.def"
};
extern const int rpc_codes[RPC_CODE_COUNT - 1];

/* Shown as rpc_requests_total{method}, rpc_request_seconds_total{method} and rpc_errors_total{method,code}. */
struct rpc_method_stats {
    struct counter requests, ns, errors[RPC_CODE_COUNT]; /* ns: from a request being read to its answer being complete */
};
/* Every method, by name; returns how many. */
size_t rpc_methods(const struct rpc *r, const struct rpc_method *const **out);
/* By the place in rpc_methods(); the last, behind them all, is of names that have no row. */
const struct rpc_method_stats *rpc_worker_method_stats(const struct rpc_worker *w);

struct call_pool_stats; /* rpc/pool.h */
const struct call_pool_stats *rpc_pool_stats(const struct rpc *r);

/* conn_handler.message: answers through conn_reply(). */
void rpc_message(struct rpc_worker *w, struct conn *c, struct slice body);

/* ---- inside a method ---- */

void *call_app(const struct call *c);
/* True once nobody waits for the answer: what takes long should look, or be given it (struct chain_call). It is there
 * until the call has finished. */
const atomic_bool *call_unwanted(const struct call *c);
/* Only while inline: the worker's own things and the connection (NULL when it has gone). */
void *call_worker_app(const struct call *c);
struct conn *call_conn(const struct call *c);
/* The connection's notifications wait until this message's reply has left (promise 1). Inline only; idempotent per
 * message. */
void call_hold(struct call *c);
const struct conn_peer *call_peer(const struct call *c);
struct slice call_method(const struct call *c);
/* The namespaces of which something answers this caller, in order of their names; the slices live as long as the rpc.
 */
void call_each_namespace(const struct call *c, void (*each)(void *ctx, struct slice name), void *ctx);
/* The params array or object; missing when absent. */
struct json call_params(const struct call *c);
/* Positional parameter; missing past the end or when params is no array. */
struct json call_param(const struct call *c, size_t index);
struct arena *call_arena(struct call *c); /* gone when the call has finished */
/* Carries something from one step of a method to the next; released with the arena only. */
void call_set_state(struct call *c, void *state);
void *call_state(const struct call *c);
/* For a state that holds more than the arena's memory: released once when the call ends, however it ends (a full pool, a server that stops),
 * on the thread that ends it. NULL: the state was taken back. */
void call_set_release(struct call *c, void (*release)(void *state));

/* Where the result's JSON goes: write exactly one value, then call_finish(). */
struct json_writer *call_result(struct call *c);
/* For results that grow long and say much the same again and again: what was written so far may be kept compressed until
 * it leaves (wire/spool.h). To be called between writes, as often as one likes: it does nothing before a quarter of a
 * megabyte waits. It costs some milliseconds a megabyte. Any thread that has the call. */
void call_spool(struct call *c);
/* Ends the call with what was written; more than reply_len_max becomes -32003. Any thread. */
void call_finish(struct call *c);
/* Ends it with an error instead; what was written is dropped. Any thread. For -32700 … -32603 the message is the code's
 * phrase, ": " and the words; for other codes the words alone. */
void call_fail(struct call *c, int code, const char *format, ...) FAN_PRINTF(3, 4);
/* The same with a data member: its JSON text. */
void call_fail_data(struct call *c, int code, struct slice data_json, const char *format, ...) FAN_PRINTF(4, 5);
/* An error that another server, or a host, has put into words: they leave as they are. data_json empty: none. Any thread. */
void call_fail_as_told(struct call *c, int code, struct slice message, struct slice data_json);
/* By rpc/errors.def: the one place where a status becomes a code. err may be NULL. */
void call_fail_status(struct call *c, enum fan_status s, const struct fan_error *err);
/* Where the call is running now. */
enum rpc_start call_where(const struct call *c);
/* Goes on elsewhere; the caller must not touch the call afterwards. */
void call_continue(struct call *c, enum rpc_start where, void (*step)(struct call *call));
/* Inline only, in a method that has RPC_GATHERS: instead of finishing, waits for those of its kind that the worker finds
 * beside it, and is given to `together` with them, in their order: at the end of the turn, or before a method that does
 * not gather begins. So whoever comes behind finds done what came before. There each may be finished, now or later, as by
 * any thread. `together` is the same function for all. */
void call_gather(struct call *c, void (*together)(struct call *const *calls, size_t count));
/* Goes on on the pool once the monotonic clock shows due_ms; no thread waits meanwhile. */
void call_continue_later(struct call *c, uint64_t due_ms, void (*step)(struct call *call));

#endif
