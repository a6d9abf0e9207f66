/* sim: the server's real loops, connections, rpc and hub on a virtual clock and a network made of memory.
 *
 *   seed ─► plan: steps (what clients and the chain do, when) and faults (which call of the kernel or of malloc fails)
 *             │
 *             ▼
 *   run: clock ─► steps ─► worker turns (real code over net.c's struct os) ─► clients read ─► check ─► next moment
 *
 * All of it happens on one thread, so a seed gives the same run each time, byte for byte. Steps and faults are lists
 * that exist before the run and draw nothing during it: any of them can be left out and the others stay what they were,
 * which is what makes a failing run small (shrink.c).
 *
 * What is believed of the server is written down apart from it: model.c encodes each item when the chain publishes it,
 * client.c takes frames apart with a decoder of its own, check.c compares. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdlib.h>

#include "chain/chain.h"
#include "conn/conn.h"
#include "hub/hub.h"
#include "net/listen.h"
#include "net/os.h"
#include "rpc/rpc.h"

enum {
    SIM_WORKERS_MAX = 3,
    SIM_CLIENTS_MAX = 8,
    SIM_STEPS_MAX = 320,
    SIM_FAULTS_MAX = 40,
    SIM_SOCKETS_MAX = 256,
    SIM_REQUESTS_MAX = 2048,
    SIM_SUBS_MAX = 128, /* of one connection, ended ones included */
    SIM_SYNCS_MAX = 64,
    SIM_ADDRESSES = 5,
    SIM_TOPICS = 4,
    SIM_SUBSCRIPTIONS_MAX = 8
};

/* ---- the plan ---- */

enum sim_action {
    DO_CONNECT,
    DO_SUBSCRIBE,
    DO_UNSUBSCRIBE,
    DO_BATCH,
    DO_ECHO,
    DO_LATER, /* a call that the writer answers */
    DO_STALL,
    DO_SLOW,
    DO_READ, /* as fast as it comes */
    DO_CLOSE,
    DO_FIN,
    DO_RESET,
    DO_PING,
    DO_BLOCKS,
    DO_REORG,
    DO_REVERT,
    DO_PENDING,
    DO_SYNCING,
    DO_COUNT
};

struct sim_step {
    uint64_t at_ms;
    enum sim_action action;
    uint32_t client;
    uint32_t a, b, c; /* random numbers, for the action to make of what it likes */
    bool off;
};

enum sim_fault_kind {
    FAULT_SHORT_WRITE,
    FAULT_WRITE_AGAIN,
    FAULT_WRITE_INTERRUPTED,
    FAULT_WRITE_RESET,
    FAULT_SHORT_READ,
    FAULT_READ_AGAIN,
    FAULT_READ_RESET,
    FAULT_ALLOCATION,
    FAULT_WATCH, /* epoll_ctl: no memory */
    FAULT_ACCEPT,
    FAULT_PAUSE, /* a worker's thread sleeps while the clock goes on */
    FAULT_COUNT
};

struct sim_fault {
    enum sim_fault_kind kind;
    uint64_t nth;    /* of its kind of call, from 1 */
    uint32_t amount; /* bytes let through, or milliseconds slept */
    bool off;
};

struct sim_plan {
    uint64_t seed;
    size_t workers, clients;
    bool tight; /* budgets so small that reading at once is no protection */
    struct conn_options options;
    struct sim_step steps[SIM_STEPS_MAX];
    size_t step_count;
    struct sim_fault faults[SIM_FAULTS_MAX];
    size_t fault_count;
    uint64_t end_ms;
};

/* plan.c */
void plan_make(uint64_t seed, struct sim_plan *out);
uint64_t sim_mix(uint64_t x); /* splitmix64 */
const char *sim_action_name(enum sim_action a);
const char *sim_fault_name(enum sim_fault_kind k);

/* ---- the network (net.c) ---- */

struct sim_bytes {
    uint8_t *at;
    size_t from, len, cap;
};
void bytes_put(struct sim_bytes *b, const void *from, size_t len);
size_t bytes_take(struct sim_bytes *b, void *into, size_t len);
void bytes_fini(struct sim_bytes *b);

enum sim_socket_state { SOCKET_FREE, SOCKET_WAITS, SOCKET_TAKEN, SOCKET_CLOSED };

struct sim_socket {
    enum sim_socket_state state;
    uint32_t worker, client;
    struct sim_bytes to_server, to_client;
    size_t send_space;                /* of the server's send buffer and the peer's receive buffer together */
    bool client_fin, client_reset;    /* what the client did */
    bool server_fin, server_reset;    /* what the client will see when it has read the rest, or at once */
    bool linger_reset, watched, hurt; /* hurt: a fault reset it */
    struct epoll_event watch;
};

/* ---- the chain (model.c) ---- */

enum sim_item_kind { ITEM_HEADER, ITEM_LOG, ITEM_RECEIPTS, ITEM_HASH, ITEM_BODY };

/* One thing that subscribers may be told, in the order in which one connection must hear of them. */
struct sim_item {
    uint64_t sequence;
    enum sim_item_kind kind;
    uint8_t address, topic_count, topics[2]; /* of a log */
    char *text;                              /* the result's JSON */
    size_t len;
};

enum { SIM_DEPTH_MAX = 16 };

struct sim_model {
    struct chain chain;
    struct chain_ops ops;
    struct mailbox writer;
    uint64_t writer_due_ms; /* UINT64_MAX: nothing to do */
    uint64_t serial;
    struct block *branch[SIM_DEPTH_MAX]; /* the canonical chain's end, oldest first */
    size_t depth;
    uint64_t number;
    struct sim_item *items;
    size_t item_count, item_cap;
    char syncs[SIM_SYNCS_MAX][160]; /* every state there was, the first before the first event */
    uint64_t sync_sequences[SIM_SYNCS_MAX];
    struct chain_sync sync;
    size_t sync_count;
};

/* ---- clients (client.c) and what is believed of them (check.c) ---- */

struct sim_filter {
    uint8_t addresses, topics[2]; /* bits; 0: any */
    uint8_t positions;
};

enum sim_request_kind { REQUEST_SUBSCRIBE, REQUEST_UNSUBSCRIBE, REQUEST_ECHO, REQUEST_LATER };

struct sim_request {
    enum sim_request_kind kind;
    uint32_t socket; /* one connection each */
    enum hub_kind stream;
    struct sim_filter filter;
    int sub;            /* to unsubscribe: its slot; -1: an id nobody has */
    size_t echo;        /* bytes asked for */
    uint64_t since;     /* the chain's sequence when the server subscribed it */
    size_t sync_lowest; /* the oldest state that the worker may still have been at */
    bool ran, answered;
};

struct sim_sub {
    char id[FRAME_ID_LEN];
    enum hub_kind stream;
    struct sim_filter filter;
    bool live, heard;
    size_t next;    /* items before it are dealt with */
    uint64_t syncs; /* bit n: it may just have been told state n */
    size_t sync_lowest;
};

enum sim_client_state { CLIENT_OFF, CLIENT_UPGRADING, CLIENT_OPEN };

struct sim_client {
    uint32_t index, socket;
    enum sim_client_state state;
    uint32_t rate; /* bytes per SIM_SLOW_MS; UINT32_MAX: all at once; 0: stalled */
    uint64_t reads_ms;
    struct sim_bytes in;
    /* Since it connected: has read slowly; wanted the end; sends nothing more. */
    bool was_slow, own_end, said_end;
    bool was_mute; /* an answer came without an id, when memory had run out */
    bool got_close;
    uint16_t close_code;
    struct sim_bytes message; /* a long reply's fragments so far */
    bool in_message;
    uint8_t deflate_bits;     /* of the window it offered, then of the one agreed on; 0: none */
    uint64_t failures_before; /* allocations that had failed when it connected */
    struct sim_sub subs[SIM_SUBS_MAX];
    size_t sub_count;
    size_t told; /* index of the newest item heard on this connection, and one */
    uint64_t notifications;
    char *held; /* a planted bug keeps a notification back */
    size_t held_len;
};

enum { SIM_SLOW_MS = 20 };

/* Bugs between network and checker, to see the checker find them. */
enum sim_plant { PLANT_NONE, PLANT_DROP, PLANT_SWAP, PLANT_TWICE };

struct sim_worker {
    struct sim_world *world;
    uint32_t index;
    struct loop *loop;
    struct conn_set *conns;
    struct hub_shard *shard;
    struct rpc_worker *rpc;
    struct listener listener;
    struct letter drain;
    uint64_t wake_ms;     /* what its epoll_wait would sleep until */
    uint64_t event_count; /* of its eventfd */
    bool listening;
    struct epoll_event listen_watch, wake_watch;
    size_t sync_lowest; /* states before this one had been delivered when its last turn ended */
};

struct sim_world {
    const struct sim_plan *plan;
    bool verbose;
    enum sim_plant plant;
    bool planted; /* the bug has been made, in a way that must be seen */
    uint64_t now_ms;
    struct os os;
    struct sim_socket sockets[SIM_SOCKETS_MAX];
    size_t socket_count;
    uint64_t calls[FAULT_COUNT]; /* how many calls of each kind there were */
    bool in_server;
    const struct sim_step *inside; /* to be done in the middle of a worker's next call of the kernel */
    struct sim_model model;
    struct sim_worker workers[SIM_WORKERS_MAX];
    struct hub *hub;
    struct rpc *rpc;
    struct conn_totals *totals;
    bool draining;
    struct sim_client clients[SIM_CLIENTS_MAX];
    struct sim_request requests[SIM_REQUESTS_MAX];
    size_t request_count;
    uint64_t turns, notifications, slow_ends, ends;
    bool failed;
    char why[600];
};

/* run.c: a whole run. False: w->why says what was wrong. */
bool sim_run(const struct sim_plan *plan, bool verbose, enum sim_plant plant, struct sim_world *w);
/* Writes a line of the timeline, where it is wanted. */
void sim_say(const struct sim_world *w, const char *format, ...) FAN_PRINTF(2, 3);
/* The first thing that was wrong. */
void sim_fail(struct sim_world *w, const char *format, ...) FAN_PRINTF(2, 3);
/* Does a step now. */
void sim_do(struct sim_world *w, const struct sim_step *s);

/* net.c */
void net_init(struct sim_world *w);
void net_fini(struct sim_world *w);
bool net_ready(struct sim_world *w, uint32_t worker); /* would its epoll_wait return at once? */
/* A client's connect(): the socket's index; SIM_SOCKETS_MAX when there is none left. */
uint32_t net_connect(struct sim_world *w, uint32_t client, uint32_t worker, size_t send_space);
/* Is this call of its kind to fail? The fault, or NULL. */
const struct sim_fault *fault_due(struct sim_world *w, enum sim_fault_kind kind);

/* memory.c: malloc and kin of the whole program go through here. */
void memory_watch(struct sim_world *w); /* NULL: none fails */
bool memory_arm(bool armed);            /* may fail from now on? returns what it was */
uint64_t memory_failures(void);         /* since memory_watch() */
int64_t memory_blocks(void);            /* blocks that are out */
void memory_seed_random(uint64_t seed); /* what random_bytes() gives */

/* server.c */
bool server_open(struct sim_world *w);
void server_close(struct sim_world *w);
void server_turn(struct sim_world *w, uint32_t worker);
void server_drain(struct sim_world *w);

/* model.c */
void model_init(struct sim_world *w);
void model_fini(struct sim_world *w);
void model_do(struct sim_world *w, const struct sim_step *s);
bool filter_wants(const struct sim_filter *f, const struct sim_item *i);
void filter_put(const struct sim_filter *f, struct buf *out);

/* client.c */
void client_do(struct sim_world *w, struct sim_client *c, const struct sim_step *s);
bool client_read(struct sim_world *w, struct sim_client *c); /* true: something happened */
void client_forget(struct sim_client *c);

/* check.c */
void check_text(struct sim_world *w, struct sim_client *c, struct slice text);
void check_ended(struct sim_world *w, struct sim_client *c, bool reset);
void check_turn(struct sim_world *w, uint32_t worker); /* limits of a connection's memory and age */
void check_rest(struct sim_world *w);                  /* limits of the process, when nobody has anything to do */
void check_all_told(struct sim_world *w);              /* nothing waits any more, nothing is missing */

/* shrink.c: leaves out what the failure does not need. Each try is a process of its own. */
void sim_shrink(struct sim_plan *plan, enum sim_plant plant);
bool sim_fails_apart(const struct sim_plan *plan, enum sim_plant plant, bool verbose);

#endif
