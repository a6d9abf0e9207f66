/* local: the chain we execute ourselves, behind the door of chain/chain.h.
 *
 *                 chain_write(letter)            ┌─ pool ────► builder ─┐
 *   any thread ───────────────────────► writer ──┤                     ├─► head, state, event
 *                                                └─ import ─► execute ─┘
 *   any thread ── blocks, receipts, logs, state of any kept height, calls (snapshots, one short lock)
 *
 * One thread, the writer, pools transactions, builds or imports blocks, moves the head and publishes. It sleeps until a
 * letter comes or the next block is due. Blocks are built at once when a transaction arrives, every block_time_ms, or
 * only when somebody asks (mine). Without a store everything lives in memory: each block is kept with its receipts, the
 * state as a base and one diff for each block (local/state.h). With one, both become durable with each block (keep.h),
 * and memory holds what is recent.
 *
 * Life: local_open() builds the genesis block; local_import() may follow, on the same thread; local_start() starts the
 * writer; local_stop() ends it once its letters have run; local_close() frees all. Watchers are added between open and
 * start.
 *
 * Not here: RPC (api/), subscriptions (hub/), what a terminal prints (cmd/: through struct local_sink), the store on
 * disk itself (store/).
 * Spec: Yellow Paper section 4.4 (block rules) and the EIPs of each fork; geth's txpool for who may wait; anvil for
 * development methods. */
#ifndef LOCAL_LOCAL_H
#define LOCAL_LOCAL_H

#include "chain/chain.h"
#include "chain/dev.h"
#include "chain/remote.h"
#include "eth/genesis.h"
#include "store/store.h"

struct local;

/* What cmd/ prints. Writer's thread, after the event was published; must not block for long. Any function may be
 * NULL. */
struct local_sink {
    void *ctx;
    /* A block was sealed here (not imported); it has receipts. The transactions it holds come first, one call each. */
    void (*transaction)(void *ctx, const struct block *b, size_t index);
    void (*sealed)(void *ctx, const struct block *b);
    /* A contract's console.log, a line (of several lines, perhaps), from a transaction that is being sealed, then from the
     * writer's thread; or from eth_call, from any. */
    void (*console)(void *ctx, struct slice text);
    /* The store cannot be written, and why; text NULL: it can again. over: it never will, nor perhaps be read, until it
     * is opened again. The writer's thread or the keeper's. */
    void (*trouble)(void *ctx, const char *text, bool over);
};

/* Who may wait in the pool. 0 takes the default in brackets, which is geth's. */
struct local_pool_limits {
    size_t executable_per_account; /* [16] guaranteed to each sender while the pool is full */
    size_t executable_max;         /* [5,120] in all */
    size_t queued_per_account;     /* [64] with a gap in their nonces */
    size_t queued_max;             /* [1,024] in all */
    size_t blobs_per_account;      /* [16] blob transactions of one sender */
    size_t bytes_max;              /* [131,072] of one transaction without its blobs */
    unsigned price_bump_percent;   /* [10] a replacement pays so much more; blob transactions 100 */
};

/* Where else a development chain may be put by a reset: who knows other nodes and what the options ask for. Either may
 * be NULL: then it stays where it is. */
struct local_ground {
    void *ctx;
    /* Opens another node's chain at a block (has_number false: its latest). url NULL: the one that was opened last. A
     * thread that may wait. */
    enum fan_status (*open)(void *ctx, const char *url, bool has_number, uint64_t number, struct chain_remote **out,
                            struct fan_error *err);
    /* The genesis there (NULL: on nobody's), in the arena. */
    enum fan_status (*genesis)(void *ctx, const struct chain_remote *remote, struct arena *a, struct genesis *out,
                               struct fan_error *err);
};

/* Zero is a sensible default everywhere; genesis is the one thing that must be there. */
struct local_options {
    const struct genesis *genesis; /* borrowed until local_open() returns */
    /* NULL, or where the chain begins instead of at a genesis block: on top of remote->block. Of `genesis` only the
     * rules count then, and the accounts: their balances are set, and code is laid where there is none. A reference of
     * its own is taken. */
    struct chain_remote *remote;
    struct local_ground ground; /* borrowed for as long as the chain lives */
    bool dev;                   /* answer chain->dev */
    bool no_automine;           /* do not seal when a transaction arrives: block_time_ms, or mine alone */
    uint64_t block_time_ms;     /* a block every so often, empty ones too; 0: none. Implies no_automine, but for
                                   mines_both_ways */
    struct fan_address coinbase;
    uint64_t gas_limit; /* of blocks sealed here; 0: the genesis block's. Outside dev the limit moves there by steps of
                           1/1024 */
    struct slice extra_data;            /* of blocks sealed here, at most 32 bytes; copied */
    const struct fan_address *accounts; /* unlocked, with their secrets; copied */
    const uint8_t (*secrets)[32];
    size_t account_count;
    struct local_pool_limits pool;
    uint64_t priority_fee_wei; /* suggested tip where recent blocks say nothing; 0: 1 gwei */
    struct local_sink sink;
    struct store *store; /* where the chain survives; borrowed, outlives l. NULL: in memory. A store that holds a chain
                            goes on with it: genesis must be its own then (local_stored_genesis()) */
    /* A development chain's: */
    bool clock_from_genesis; /* time goes on from the first block's timestamp, as with anvil's --timestamp */
    bool impersonate_all;    /* everybody may send, without a signature */
    bool mines_both_ways;    /* with block_time_ms, a block for each transaction too */
    bool block_per_transaction; /* at once, and never one for the transactions of several senders that wait together */
    bool has_next_base_fee;  /* of the first block sealed here */
    uint64_t next_base_fee_wei;
    uint64_t epoch_blocks;         /* safe is an epoch behind the head, finalized two; 0: 32 */
    bool behind;                   /* blocks become durable behind their notification (dev), not before it */
    uint64_t history_blocks;       /* how far below the head states stay readable; 0: all */
    bool by_arrival;               /* blocks take first what came first, not what pays most */
    uint64_t block_txs_max;        /* transactions of a block sealed here; 0: as many as fit */
    uint64_t (*wall_s)(void *ctx); /* the clock for timestamps; NULL: the system's */
    void *wall_ctx;
};

/* Builds the genesis block and its state. On FAN_OK the caller owns *out. FAN_EREJECTED: a genesis that cannot be; err
 * says why. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status local_open(const struct local_options *options, struct local **out,
                                          struct fan_error *err);
/* The genesis a store's chain began with, in the arena. FAN_ENOTFOUND: it holds no chain. FAN_EFORMAT, FAN_EIO: err. */
FAN_MUST_CHECK enum fan_status local_stored_genesis(struct store *store, struct arena *a, struct genesis *out,
                                                    struct fan_error *err);
/* The hash of the block 0 that a genesis makes, which is what tells one chain from another. */
FAN_MUST_CHECK enum fan_status local_genesis_hash(const struct genesis *g, struct fan_hash *out, struct fan_error *err);
/* After local_stop(), and after all who hold a chain_state have closed it. NULL is fine. Blocks that others keep stay
 * theirs. */
void local_close(struct local *l);
/* The door. Lives as long as l. */
struct chain *local_chain(struct local *l);

struct local_import_result {
    uint64_t blocks;      /* imported; those already there are not counted */
    uint64_t head_number; /* afterwards */
    uint64_t gas;         /* used by the blocks imported */
};

/* Reads a file of RLP blocks (gzip'd or not), one after the other, and validates each wholly before it becomes the
 * head: header rules, gas, bloom, and the roots of transactions, ommers, withdrawals, requests, receipts and state.
 * Stops at the first that fails: FAN_EREJECTED (FAN_EFORMAT where it is no block) and err names number and rule; what
 * came before it stays. FAN_EIO: the file cannot be read, err says why. *out_result is always written. Afterwards safe
 * = finalized = head. Before local_start(), or on the writer's thread. */
FAN_MUST_CHECK enum fan_status local_import(struct local *l, const char *path, struct local_import_result *out_result,
                                            struct fan_error *err);
/* How far an import is, after each block. */
struct local_import_progress {
    uint64_t blocks, passed; /* imported; passed by since they were there */
    uint64_t count;          /* in the file, where that can be known (not in a pipe): else 0 */
    uint64_t gas, head_number;
};
/* Who watches one, on the thread that imports. Either function may be NULL. */
struct local_import_watch {
    void *ctx;
    void (*progress)(void *ctx, const struct local_import_progress *p);
    bool (*stop)(void *ctx); /* asked after each block; true ends it with FAN_ECLOSED, what was imported stays */
};
FAN_MUST_CHECK enum fan_status local_import_watched(struct local *l, const char *path,
                                                    const struct local_import_watch *watch,
                                                    struct local_import_result *out_result, struct fan_error *err);
/* The same from memory. `bytes` is borrowed until it returns. */
FAN_MUST_CHECK enum fan_status local_import_bytes(struct local *l, struct slice bytes,
                                                  struct local_import_result *out_result, struct fan_error *err);

/* Writes canonical blocks first … last to a file as RLP, gzip'd when its name ends in .gz; the file appears once it is
 * whole. FAN_EINVAL: the chain has not all of them; FAN_EIO: err says why; FAN_ECLOSED: the watch stopped it. Where
 * local_import() may be called. */
FAN_MUST_CHECK enum fan_status local_export(struct local *l, const char *path, uint64_t first, uint64_t last,
                                            const struct local_import_watch *watch, struct fan_error *err);
/* With a store: all that was committed is durable when it returns FAN_OK; FAN_EIO: err says why it is not. The
 * writer's. */
FAN_MUST_CHECK enum fan_status local_sync(struct local *l, struct fan_error *err);

/* The last block that a power cut would leave; without a store the head. */
uint64_t local_kept_number(struct local *l);

/* Starts the writer. FAN_ESYSTEM: no thread. */
FAN_MUST_CHECK enum fan_status local_start(struct local *l);
/* Imports as above, on the writer while it serves others: some blocks, then whatever came, then some blocks. The chain
 * says meanwhile that it syncs, and seals nothing. `done` runs on the writer's thread at the end, also when
 * local_stop() cuts it off (FAN_ECLOSED). One at a time; after local_start(). FAN_ENOMEM, FAN_ESYSTEM: not begun. */
typedef void local_import_done(void *ctx, enum fan_status s, const struct local_import_result *result,
                               const struct fan_error *err);
FAN_MUST_CHECK enum fan_status local_import_start(struct local *l, const char *path,
                                                  const struct local_import_watch *watch, local_import_done *done);

/* Ends the writer after the letters that have come; nobody may post any more. Joins the thread. Idempotent. */
void local_stop(struct local *l);

#endif
