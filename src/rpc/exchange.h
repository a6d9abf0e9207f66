/* exchange: one message on its way to its answer.
 *
 * It owns a copy of the message, the arenas and the growing reply, and carries its items one after the other. The item
 * at work is its `call`, which is all that methods see. Only the call travels; the exchange is its worker's and is
 * touched by nobody else while the call is out, except for the reply, the arena and the state, which go with the call.
 *
 *                       ┌───────────── call_finish() by whoever ─────────────┐
 *   begin ─► ON_STACK ──┤ before the method has returned to the worker's loop ├─► the loop goes on with the next item
 *               │       └─────────────────────────────────────────────────────┘
 *               └─► PARKED (the method has returned, or started elsewhere) ── call_finish() ─► letter home ─► goes on
 *
 * The letter is one, since a call is in one place at a time: a queue of the pool, the writer's box, or the worker's.
 * Thread: see each function. */
#ifndef RPC_EXCHANGE_H
#define RPC_EXCHANGE_H

#include "base/ref.h"
#include "rpc/pool.h"
#include "rpc/table.h"
#include "wire/jsonrpc.h"
#include "wire/spool.h"

enum call_state { CALL_ON_STACK, CALL_PARKED, CALL_FINISHED };

struct call {
    struct letter letter;
    struct call_delay delay; /* while it waits for its time */
    atomic_int state;                /* enum call_state */
    void (*step)(struct call *call); /* what the letter will run */
    enum rpc_start where;            /* it runs there, or is on its way */
    enum rpc_start starts;           /* where it began */
    uint32_t rank;                   /* of its method in the table; the table's count: it has no row */
    int error;                       /* the code it was answered with; 0: none */
    uint64_t queued_ns, waited_ns;   /* for the pool */
    const struct jsonrpc_request *request;
    struct arena arena;
    struct json_writer result;
    size_t mark;        /* of the reply, with what is in the spool: where this item begins, behind its comma */
    size_t result_mark; /* where its result begins */
    void *app_state;
    void (*release)(void *app_state); /* NULL: nothing to release */
    bool gathered;                    /* its method has returned, but it counts as on the stack until all go on together */
};

struct exchange {
    struct call call;
    struct rpc_worker *home;
    struct conn_id conn;
    struct conn_peer peer;
    struct arena_home message_memory; /* the body, its tokens and items; of a single call also what the call carves */
    struct arena_home call_memory;    /* of a batch: emptied between items */
    struct jsonrpc_message message;
    size_t at;       /* the item at work */
    size_t kept;     /* bytes of memory of the reply, as they are counted in rpc.replies_bytes */
    size_t input;    /* bytes of the message, as conn counts them; 0: it was answered at once */
    uint64_t since_ns; /* when it was read, or the one before it was over */
    size_t answered; /* items that have put something into the reply */
    struct spool *spool; /* the reply's first bytes, once it was long; NULL before */
    struct buf reply;    /* the bytes behind them */
    atomic_bool unwanted;         /* nobody waits for the answer any more: its connection has ended, or the server ends */
    bool held;                    /* this exchange holds the connection's notifications */
    bool too_large;               /* the reply is full: what remains is refused */
    bool broken;                  /* not even an error found memory: the connection must end */
    struct exchange *next, *prev; /* of the worker's live ones, or free ones */
};

/* Lives until rpc_free() and the last rpc_worker_free(). */
struct rpc {
    struct ref ref;
    atomic_bool stopped; /* nothing new is begun; what comes home is dropped */
    struct method_table table;
    const struct rpc_method *fallback;
    struct rpc_options options;
    struct call_pool *pool;
    _Atomic int64_t replies_bytes; /* of replies under way that are not small */
    void (*post_to_writer)(void *ctx, struct letter *l);
    void *writer_ctx;
    void *app;
};

enum { GATHERED_MAX = 16 };

struct rpc_worker {
    struct rpc *rpc;
    struct conn_set *conns;
    struct mailbox *mailbox;
    void *app;
    struct exchange *live, *free;
    size_t free_count;
    uint64_t brief_ns; /* what brief methods took in this turn */
    struct call *gathered[GATHERED_MAX];
    size_t gathered_count;
    void (*together)(struct call *const *calls, size_t count);
    struct rpc_stats stats;
    struct rpc_method_stats *methods; /* by rank; one more than the table has rows */
};

static inline struct exchange *exchange_of(const struct call *c)
{
    return CONTAINER_OF(c, struct exchange, call);
}

/* Bytes of the reply so far. */
static inline size_t exchange_reply_len(const struct exchange *x)
{
    return (x->spool ? spool_len(x->spool) : 0) + x->reply.len;
}

/* call.c: starts the next item's output; any thread that has the call. */
void call_begin(struct exchange *x, const struct jsonrpc_request *request);
/* Puts this error in the place of whatever the item has written. message is what leaves, phrase included. */
void call_put_error(struct call *c, int code, struct slice message, struct slice data);

/* The item's output is complete: counts it in, or finds that it does not fit. */
void call_end_item(struct call *c);

/* exchange.c: worker's thread. False: an item is out, or waits for its turn, and x lives on; else it is over and gone. */
bool exchange_go_on(struct exchange *x);
/* What has gathered goes on; exchanges may be over then. */
void exchange_go_on_together(struct rpc_worker *w);
/* Any thread: the letter of a call that waited for a pool that has stopped. */
void exchange_abandoned(struct letter *l);

#endif
