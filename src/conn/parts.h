/* parts: what the files of conn/ share: the connection, the set, and who calls whom.
 *
 *   set.c        the worker's slots, adopting, flushing, the end of a turn
 *   outbox.c     what waits to leave                  pack.c      notifications that wait long
 *   pieces.c     long replies, made as they leave     gather.c    what leaves at once
 *   conn.c       states, sending, notifications, how a connection ends
 *   admission.c  Host and Origin
 *   input.c      reading, pausing, going on           keepalive.c the one timer of each connection
 *   http.c       requests and responses               websocket.c messages and control frames
 *   transport.c  the socket, as it is or through TLS  proxied.c   whom a proxy speaks for
 *   count.c      what is counted by code or status    clients.c   what one address has and asked
 *   ipc.c        the same on a Unix socket, without frames
 *
 *                    ┌───────── peer's close, refusal, HTTP's end ─────────┐
 *   adopt ─► OPEN ───┤                                                     ▼
 *              │     └─► CLOSING (our close frame waits for theirs) ─► FINISHING ─(all has left, FIN)─► DISCARDING ─►
 * DEAD └── an error, a reset, a deadline: from every state ────────────────────────────────────────────────► DEAD
 *
 * Any callback may end any connection, so nothing is freed on the spot: the socket closes at once, but the slot goes at
 * the end of the turn, and that is also where the handler hears of it. After whatever may call out, look at c->state
 * again. */
#ifndef CONN_PARTS_H
#define CONN_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "conn/conn.h"
#include "conn/outbox.h"
#include "net/loop.h"
#include "net/tls.h"
#include "wire/json_stream.h"
#include "wire/ws.h"

enum conn_state {
    CONN_FREE,
    CONN_OPEN,       /* messages come in, replies and notifications go out */
    CONN_CLOSING,    /* WebSocket: our close frame is on its way, theirs is awaited */
    CONN_FINISHING,  /* what is queued leaves, then FIN */
    CONN_DISCARDING, /* FIN has left; what still comes is thrown away until the peer's FIN, else it would be answered
                        with a reset */
    CONN_DEAD        /* the socket is closed; the slot goes at the end of the turn */
};

/* Only while it speaks HTTP. */
struct http_side {
    struct http_parser *parser;
    struct address socket; /* the other end, or whom its PROXY header named: what a request's headers start from */
    struct buf proxy;      /* what has come of a PROXY header that is not whole */
    bool wants_proxy;      /* it must come first */
    bool from_proxy;       /* socket is a trusted proxy: what its headers say of the client is believed */
    struct buf origin; /* of the request being answered, when it is welcome: for the CORS headers of a reply that comes
                          later */
    unsigned minor;
    bool keep_alive, head_only;
    bool private_network;   /* a preflight asks for Access-Control-Allow-Private-Network */
    bool serving;           /* the handler has the request and may be reading it */
    bool answered;          /* while serving: it has its reply */
    bool in_head;           /* bytes of a head have come, or none since the beginning: the handshake's time runs */
    bool in_body;           /* and now of a body: the time it may take runs */
    bool fresh;             /* no request yet */
    bool refuse_all;        /* accepted beyond the limit: gets a 503 and goes */
    uint64_t retry_after_s; /* of a 429 */
};

/* Only while it speaks TLS. */
struct secure_side {
    struct tls_session *tls;
    uint8_t *at; /* sealed, and refused by the socket: bytes from `from` on */
    uint32_t len, from;
    bool spoke, greeted; /* bytes have come; the handshake is through, and counted */
    bool farewell;       /* close_notify has been said */
};

struct conn {
    struct conn_set *set;
    struct loop_fd watch;
    struct loop_timer timer;
    struct conn *next_dirty, *next_later; /* in the set's lists; see the flags */
    void *attachment;
    struct client *account; /* of peer.client, where limits go by address */
    struct outbox out;
    struct secure_side *secure; /* NULL: plain */
    struct {
        uint8_t *at;
        uint32_t len, from;
    } input; /* read and not yet parsed: only while reading is paused */
    union {
        struct http_side *http;
        struct ws_parser ws;
        struct json_stream ipc;
    } in;
    uint64_t alive_ms;    /* bytes came, or output had been waiting until then */
    uint64_t since_ms;    /* HTTP: a head or body began; WebSocket: the ping was sent; when closing: the deadline */
    uint64_t progress_ms; /* the socket last took something, or refused for the first time */
    uint32_t slot, generation;
    uint32_t in_flight; /* messages being answered */
    uint32_t gathered;  /* bytes of a message under way, as they are counted in the totals */
    uint32_t kept;      /* bytes of those being answered; counted there too, but by whoever keeps them */
    uint32_t holds;
    uint8_t state, kind, accepts;
    uint8_t deflate_bits; /* of the window agreed on for what we send; 0: no permessage-deflate */
    bool blocked;         /* the socket refused; EPOLLOUT is on */
    bool pinged;          /* and nothing has come since */
    bool eof;             /* the peer's FIN has come */
    bool slow;            /* closed as a slow consumer: still counts as a WebSocket, since it holds memory */
    bool counted;         /* in conn_totals */
    bool greeted;         /* WebSocket: the answer to its handshake has left, in part at least */
    bool binary;          /* the last message's opcode */
    bool is_dirty, is_later, wants_resume, wants_room, told_closed;
    bool connected; /* it counts as one of its account's connections */
    bool crowded;   /* its address had as many connections as it may when this one began */
    bool loopback;  /* the address */
    struct conn_peer peer;
};

static_assert(sizeof(void *) != 8 || sizeof(struct conn) <= 392,
              "with what the hub keeps for its client and one subscription at most 512 bytes");

enum {
    CONNS_PER_CHUNK = 64,
    READ_LEN = 64 * 1024,
    CONN_DRAIN_IDLE_MS = 100 /* who asks one request after the other has asked the next by then, and learns from its
                                answer that the connection ends; a close would cross that request */
};

/* A worker's place in conn_totals: who may have the longest queue of the process (limit.c). Made with its set, freed
 * with the totals, since a letter may still lie in a mailbox when the set has gone. */
struct output_place {
    struct letter letter; /* to the worker: the process is over its limit, and you seem to have the longest queue */
    struct output_place *next;
    struct mailbox *box;
    struct conn_set *set;  /* NULL: gone. The worker's thread */
    atomic_size_t longest; /* at least the length of its longest queue */
    atomic_bool asked;
    bool gone; /* under the totals' lock: its mailbox may not be there any more */
};

struct conn_totals {
    atomic_size_t open[CONN_KIND_COUNT];
    _Atomic int64_t output_bytes, input_bytes;
    pthread_mutex_t lock; /* of places, for workers that come, go and ask: never on the way of a notification */
    struct output_place *places;
    struct clients *clients; /* NULL: no limit goes by address */
};

struct conn_set {
    struct loop *loop;
    const struct os *os;
    struct loop_hook turn_end;
    struct conn_options options;
    struct conn_handler handler;
    struct conn_totals *totals;
    struct conn_stats stats;
    struct out_pool pool;
    int64_t published; /* of pool.waiting, in totals */
    size_t longest;    /* at least the longest queue; exact after each look */
    struct output_place *place;
    struct conn **chunks; /* of CONNS_PER_CHUNK each; they never move */
    size_t chunk_count, chunk_cap;
    struct conn *free; /* by next_later */
    struct conn *dirty, *later;
    uint64_t published_ns; /* of the oldest notification that was queued since the last flush; 0: none */
    uint32_t worker;
    bool draining;
    struct tls_identity *tls;  /* of new connections; NULL: they are plain */
    struct tls_room *tls_room; /* since there was a tls */
    struct deflater *deflater; /* since somebody agreed on permessage-deflate */
    struct http_memo *memo;    /* of the heads that came; NULL: there was no memory for it */
    struct buf host;           /* the last that was welcome, at most 255 bytes and a port */
    struct buf scratch;        /* heads being written */
    uint64_t date_s;           /* of `date` */
    char date[HTTP_DATE_LEN];
    struct iovec parts[OUT_PARTS_MAX];
    uint8_t bytes[READ_LEN]; /* what recv() gave; lent to parsers */
};

/* ---- set.c ---- */
static inline uint64_t conn_now_ms(const struct conn *c)
{
    return loop_now_ms(c->set->loop);
}
/* There will be something to send at the end of this turn. */
void conn_mark_dirty(struct conn *c);
/* There is something to do for it at the end of this turn: its end, or input to go on with. */
void conn_mark_later(struct conn *c);
/* Counts the socket as this kind; false when the process has as many as it may. Uncounts it from what it was. */
bool conn_count_as(struct conn *c, enum conn_kind kind);
void conn_uncount(struct conn *c);

static inline struct conn *conn_at_slot(const struct conn_set *s, size_t slot)
{
    return &s->chunks[slot / CONNS_PER_CHUNK][slot % CONNS_PER_CHUNK];
}

/* Does it speak HTTP, so far at least? Else it may subscribe. */
static inline bool conn_is_http(const struct conn *c)
{
    return c->kind == CONN_KIND_HTTP || c->kind == CONN_KIND_HANDSHAKE;
}

/* Finds the account of peer.client, where limits go by address. connects: the connection counts there from now on; one
 * over which a proxy asks for many does not. False: it has as many as it may already, or there is no memory. */
FAN_MUST_CHECK bool conn_account(struct conn *c, bool connects);
void conn_account_leave(struct conn *c);

/* ---- conn.c ---- */
/* Sends as much as the socket takes. May kill it. */
void conn_send(struct conn *c);
/* No more messages; what is queued leaves, then FIN. */
void conn_finish(struct conn *c);
/* Closes the socket now; `reset`: so that the peer's kernel drops what it has not read. */
void conn_kill(struct conn *c, bool reset);
void conn_close_slow(struct conn *c, enum conn_slow why);
/* Queues a copy or a buf; kills the connection when memory ran out. False: it is not there any more. */
bool conn_put_copy(struct conn *c, struct slice head, struct slice body);
bool conn_put_buf(struct conn *c, struct slice head, struct buf *body);
/* Taken over in any case; NULL, for want of memory, kills it too. */
bool conn_put_pieces(struct conn *c, struct pieces *pieces);

/* Asked for room, and there is some again. */
bool conn_has_room(const struct conn *c);

/* ---- count.c ---- */
/* An open WebSocket ends: code is that of the close, 0 where there is none. */
void conn_count_end(struct conn *c, bool by_peer, uint16_t code);
/* A reader is closed as a slow one, or reset because it has not read that: counted, and told to who keeps a log. */
void conn_count_slow(struct conn *c, enum conn_slow why, bool reset);
void conn_count_response(struct conn *c, unsigned status);

/* ---- limit.c ---- */
FAN_MUST_CHECK bool output_place_open(struct conn_set *s);
void output_place_close(struct conn_set *s);
/* Something was queued. */
static inline void conn_output_grew(struct conn *c)
{
    if (c->out.bytes > c->set->longest) c->set->longest = c->out.bytes;
}
/* Tells the process what waits here; where that is too much, sees to it that the longest queue goes. */
void conn_output_publish(struct conn_set *s);

/* ---- input.c ---- */
void conn_ready(struct loop_fd *self, uint32_t events);
/* What the connection keeps of a message under way has changed, perhaps: counts it, and refuses it where the process
 * keeps too much. Not from inside a parser. */
void conn_input_count(struct conn *c);
/* May the next message be read? */
bool conn_wants_input(const struct conn *c);
/* Watches for what the state calls for. */
void conn_watch(struct conn *c);
/* Goes on reading at the end of the turn, where it was paused and need not be any more. */
void conn_resume_later(struct conn *c);
void conn_resume(struct conn *c);

/* ---- transport.c ---- */
FAN_MUST_CHECK bool transport_secure(struct conn *c); /* TLS from the first byte on; false: out of memory */
void transport_close(struct conn *c);
void transport_set_fini(struct conn_set *s);
/* Like sendmsg(): how many bytes of the parts left, or -1 and errno. Through TLS: how many were sealed, in front of
 * which nothing waits any more. No parts: sends what waits, and returns 0 when nothing does. */
ssize_t transport_send(struct conn *c, struct iovec *parts, size_t count);
size_t transport_send_max(const struct conn *c); /* so many bytes at a time */
/* Sealed bytes that the socket refused wait in front of the outbox. */
static inline bool transport_waits(const struct conn *c)
{
    return c->secure && c->secure->from < c->secure->len;
}
/* Nothing waits for the socket any more. */
static inline bool conn_all_left(const struct conn *c)
{
    return outbox_empty(&c->out) && !transport_waits(c);
}
bool transport_reads_on(const struct conn *c); /* they are not too many to make more of them */
void transport_drop_waiting(struct conn *c);
/* Says once that nothing more comes. False: the socket failed. */
bool transport_say_goodbye(struct conn *c);
enum transport_outcome { TRANSPORT_GOES_ON, TRANSPORT_ENDED, TRANSPORT_REFUSED };
/* What bytes of the socket say through TLS, lent until the next call. TRANSPORT_ENDED: and that was all that comes.
 * TRANSPORT_REFUSED: nothing; the connection is ending, or dead. */
enum transport_outcome transport_open(struct conn *c, uint8_t *at, size_t len, uint8_t **out_at, size_t *out_len);

/* ---- proxied.c ---- */
/* What the socket's other end is to us: a client, or a proxy that speaks for one. Called once http_side_open() was. */
void proxied_begin(struct conn *c);
/* Still waits for the PROXY header. */
static inline bool proxied_waits(const struct conn *c)
{
    return (c->kind == CONN_KIND_HTTP || c->kind == CONN_KIND_HANDSHAKE) && c->in.http->wants_proxy;
}
/* Takes bytes for it; *out_taken of them. False: it is none, and the connection is dead. */
bool proxied_feed(struct conn *c, struct slice bytes, size_t *out_taken);
/* Takes the client of this request from its headers, where they are to be believed. */
void proxied_request(struct conn *c, const struct http_request *r);

/* ---- http.c ---- */
FAN_MUST_CHECK bool http_side_open(struct conn *c);
void http_side_close(struct conn *c);
/* Parses until the bytes are used up, reading pauses, or the connection is no HTTP any more; returns how many it took.
 */
size_t http_input(struct conn *c, uint8_t *at, size_t len);
void http_reply(struct conn *c, struct buf *body);
/* The spool is not empty, and taken over. */
void http_reply_spool(struct conn *c, struct spool *text);
/* 408 and kin: answers, then ends. */
void http_refuse(struct conn *c, unsigned status, const char *why);

/* ---- websocket.c ---- */
/* deflate_bits: of the window agreed on, or 0. */
void ws_side_open(struct conn *c, unsigned deflate_bits);
void ws_side_close(struct conn *c);
size_t ws_input(struct conn *c, uint8_t *at, size_t len);
void ws_reply(struct conn *c, struct buf *body);
void ws_reply_spool(struct conn *c, struct spool *text);              /* not empty; taken over */
bool ws_put_close(struct conn *c, uint16_t code, const char *reason); /* WS_CLOSE_NO_CODE: an empty one */
bool ws_put_ping(struct conn *c);

/* ---- ipc.c ---- */
void ipc_side_open(struct conn *c);
void ipc_side_close(struct conn *c);
size_t ipc_input(struct conn *c, uint8_t *at, size_t len);
void ipc_reply(struct conn *c, struct buf *body);
void ipc_reply_spool(struct conn *c, struct spool *text); /* its end, a line feed behind it, is in the text */
void ipc_end_line(struct buf *body);
/* Nothing further is read; once all is answered it ends. */
void ipc_drain(struct conn *c);

/* ---- keepalive.c ---- */
void conn_timer_fired(struct loop_timer *t);
/* The deadline may have come nearer. */
void conn_timer_set(struct conn *c);

enum {
    CLOSE_WAIT_MS = 5000 /* for the peer's close frame, or its FIN */
};

#endif
