/* conn: one client's connection, HTTP, WebSocket or Unix socket, and everything that belongs to it.
 *
 *            bytes                     message                        reply
 *   socket ────────► http/ws parser ───────────► handler (app → rpc) ───────► outbox ──► socket
 *                                                       hub ── conn_notify ──────┘
 *
 * A connection starts as HTTP. A GET with Upgrade: websocket on / or /ws turns it into a WebSocket; everything else is
 * JSON-RPC by POST, or a route. On a Unix socket (IPC) there is neither: JSON values come one after the other, answers
 * and notifications leave with a line feed behind each, and where a WebSocket would end with a code, it just ends.
 * Nobody is pinged there, since a process that is gone is seen at once. A connection belongs to one worker and never
 * moves. Others name it by conn_id: worker, slot and generation, never by pointer, since it may be gone by the time an
 * answer is ready.
 *
 * The outbox is the only way out. Replies and notifications leave in the order in which they were put there.
 * Notifications have a budget of bytes and of age; a reader that exceeds it is closed with 1013 "slow consumer" and
 * nobody else notices: the queue is cut after the frame in progress, the close frame follows, and the socket lingers a
 * bounded time. Replies are limited in size; while one waits, no further request is read from that connection. While a
 * hold is on (a subscription's reply has not left yet), notifications wait, counted.
 *
 * A WebSocket may agree on permessage-deflate. What is notified to it is then the compressed form of the shared frame,
 * made once for each window size; its budgets count those bytes. Replies are compressed for it where that pays.
 *
 * Not here: sockets and timers (net/), bytes to values (wire/), what a message means (rpc/), who is notified (hub/).
 * Spec: RFC 9112, RFC 6455, RFC 7692; Fetch standard (CORS). */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include "base/buf.h"
#include "base/metric.h"
#include "conn/clients.h"
#include "wire/frame.h"

/* Why a reader was closed as a slow one; UNREAD: it was, and did not even read the close. */
enum conn_slow {
    CONN_SLOW_MEMORY,
    CONN_SLOW_AGE,
    CONN_SLOW_STALLED,
    CONN_SLOW_PROCESS,
    CONN_SLOW_COUNT,
    CONN_SLOW_UNREAD = CONN_SLOW_COUNT
};

struct conn;
struct conn_set; /* all connections of one worker */
struct loop;
struct tls_identity;

struct conn_id {
    uint32_t worker, slot, generation; /* generation 0: nobody */
};

enum conn_transport { CONN_HTTP, CONN_WEBSOCKET, CONN_IPC };
enum { CONN_TRANSPORTS = 3 };

/* What a method may want to know of who asks. Constant for a WebSocket; for HTTP of the current request. */
struct conn_peer {
    struct address client; /* the socket's other end, or whom a trusted proxy speaks for. By this one limits count;
                              address_text() writes it for people */
    uint8_t transport;     /* enum conn_transport */
    bool authorized; /* it has shown a good token, or came through the Unix socket; also where none is asked for */
    bool loopback;   /* the client's address is loopback and nothing in the request says that it was forwarded */
    bool secure;     /* it speaks TLS with us, or with a trusted proxy that says so */
};

/* Calls against the layers; given once. All on the worker's thread. */
struct conn_handler {
    void *ctx;
    /* A whole JSON-RPC message (HTTP body or WebSocket message), borrowed until return. Exactly one conn_reply() must
     * follow for each, at once or later from any thread through the worker's mailbox (on this worker's thread). */
    void (*message)(void *ctx, struct conn *c, struct slice body);
    /* The connection ended, for whatever reason; forget its subscriptions. Its id is dead afterwards. Called from the
     * loop's own stack (or conn_set_free()), never from inside a function of this header; until then the connection is
     * there, and ignores what it is given. */
    void (*closed)(void *ctx, struct conn *c);
    /* A GET that is no upgrade, on a path other than the RPC ones, or on one of these, told as no path, by who asks for
     * a page (Accept names text/html): return true after conn_respond(), false for 404, or for what the RPC paths
     * answer to a GET. May be NULL. */
    bool (*route)(void *ctx, struct conn *c, struct slice path);
    /* conn_paced_room() said no, and now there is. From the end of a turn, like closed(). NULL where nothing is paced.
     */
    void (*room)(void *ctx, struct conn *c);
    /* A reader is closed for its slowness (waiting: the bytes it did not read), and reset when it was not, or could not
     * be, told so. For whoever keeps a log: it may not touch the connection. From anywhere in the worker's turn. NULL:
     * nobody does. */
    void (*slow)(void *ctx, const struct conn *c, enum conn_slow why, size_t waiting, bool reset);
};

/* Zero means the default of design.md section 5, given in brackets; what is larger than anybody can wait for or keep
 * (UINT64_MAX, say) means never, or no such limit. */
struct conn_options {
    size_t websockets_max;         /* in the whole process; as many again on the Unix socket [1000] */
    size_t http_max;               /* likewise [1000] */
    uint64_t ping_interval_ms;     /* [30,000] */
    uint64_t ping_timeout_ms;      /* [10,000] */
    size_t message_len_max;        /* [5 MiB] */
    uint64_t handshake_timeout_ms; /* headers must be complete by then [5,000] */
    uint64_t http_body_timeout_ms; /* a body may take that long, and a second more for each KiB of it [30,000] */
    uint64_t http_idle_timeout_ms; /* keep-alive without a request [120,000] */
    size_t notify_bytes_max;       /* waiting for one connection, behind the frame being written [16 MiB] */
    uint64_t notify_age_max_ms;    /* of the oldest waiting byte [10,000] */
    size_t reply_len_max;          /* [25,000,000] */
    uint64_t linger_ms;            /* after 1013 [30,000] */
    size_t in_flight_max;          /* requests of one WebSocket being answered before reading pauses [1000] */
    size_t input_bytes_max;        /* of messages under way in the whole process, in or waiting for their answer;
                                      beyond it who adds to a long one is refused: 1013, 503 [1 GiB] */
    size_t output_bytes_max;       /* waiting in the whole process; then the longest queue is closed first [1 GiB] */
    struct tls_identity *tls;      /* clients over TCP speak TLS; each set takes a reference [NULL: plain] */
    /* Proxies: whose word about the client is believed, in a request's headers, and with proxy_protocol in the PROXY
     * header with which each of their connections must then begin. The list must outlive the conn_set. */
    const struct network *trusted_proxies;
    size_t trusted_proxy_count;
    bool proxy_protocol;
    /* Where JSON-RPC is served over HTTP, and where the upgrade is: every path that begins so; NULL: / and /ws. They
     * must outlive the conn_set. */
    const char *http_rpcprefix, *ws_rpcprefix;
    bool no_deflate;          /* decline permessage-deflate [false] */
    size_t deflate_piece_len; /* longer replies are compressed in pieces of that, as they leave [65,535, the most] */
    struct clients_options by_ip; /* what one address may [no limits] */
    const uint8_t *jwt_secret;    /* JWT_SECRET_LEN bytes, borrowed; NULL: tokens are not looked at */
    bool echo_opcode; /* a reply takes the opcode of its message, also when it is empty: for echo servers. JSON-RPC
                         answers in text */
    /* Who may: lists of names, "*" for all. The lists must outlive the conn_set. */
    const char *const *vhosts; /* beside IP literals and localhost */
    size_t vhost_count;
    const char *const *cors_origins; /* HTTP, beside absent, loopback and browser extensions */
    size_t cors_origin_count;
    const char *const *ws_origins; /* WebSocket, likewise */
    size_t ws_origin_count;
};

/* Counted over all workers of a process: shared by all conn_sets, relaxed atomics. */
struct conn_totals;
/* The limits by address are the whole process's, so they are taken from the options here (NULL: none). */
struct conn_totals *conn_totals_new(const struct conn_options *options);
void conn_totals_free(struct conn_totals *t); /* NULL is fine */

/* One per worker, on the worker's loop. options and handler are copied; totals and loop must outlive it. */
FAN_MUST_CHECK enum fan_status conn_set_new(struct loop *loop, uint32_t worker, const struct conn_options *options,
                                            const struct conn_handler *handler, struct conn_totals *totals,
                                            struct conn_set **out);
/* Closes every connection at once. NULL is fine. */
void conn_set_free(struct conn_set *s);

/* New connections meet this one from now on (NULL: plain); those that are there keep theirs. Takes a reference of its
 * own. FAN_ENOMEM: all is as it was. Worker's thread. */
FAN_MUST_CHECK enum fan_status conn_set_use_tls(struct conn_set *s, struct tls_identity *identity);

enum conn_accepts { CONN_ACCEPTS_BOTH, CONN_ACCEPTS_HTTP, CONN_ACCEPTS_WEBSOCKET, CONN_ACCEPTS_IPC };
/* Takes over an accepted, non-blocking socket. Worker's thread. */
void conn_set_adopt(struct conn_set *s, int fd, enum conn_accepts accepts);
/* Says 1001 to every WebSocket, lets HTTP and IPC finish what they asked for; then they go by themselves. */
void conn_set_drain(struct conn_set *s);
/* Sockets that are still open, those that are closing included. Any thread. */
size_t conn_set_count(const struct conn_set *s, enum conn_transport transport);
/* Sends what the outboxes of connections touched since the last call hold: one send() for each. The set does so by
 * itself at the end of each of the loop's turns; the hub calls it after each event. */
void conn_set_flush(struct conn_set *s);
/* What the next flush sends was published then (monotonic), for the histogram of notifications; the oldest of several
 * counts. */
void conn_set_published(struct conn_set *s, uint64_t published_ns);

struct conn_id conn_id_of(const struct conn *c);
/* NULL when it is gone. Worker's thread. */
struct conn *conn_find(struct conn_set *s, struct conn_id id);
const struct conn_peer *conn_peer_of(const struct conn *c);

/* Answers the message in turn: HTTP 200 with the body, a text frame, or a line. The buf's bytes move to the outbox; it
 * is empty afterwards. An empty body answers a message that holds only notifications (HTTP: 200 without a body; else
 * nothing leaves). */
void conn_reply(struct conn *c, struct buf *body);
/* The same with a text that is kept compressed, and not empty; body holds its last bytes, or none. The spool is taken
 * over, and made text again piece by piece as the socket takes it: one body over HTTP, fragments over a WebSocket. */
struct spool;
void conn_reply_spool(struct conn *c, struct spool *text, struct buf *body);
/* A message whose answer comes later stays in the handler's memory: its bytes are input under way until conn_forgot()
 * has them back, whether the connection is still there or not. While those of one connection are more than the longest
 * message nothing more is read from it. Over the process's limit it may be refused, as in the middle of a message. */
void conn_keeps(struct conn *c, size_t bytes);
void conn_forgot(struct conn_set *s, struct conn_id id, size_t bytes);
/* For routes: any status and type. */
void conn_respond(struct conn *c, unsigned status, struct slice content_type, struct slice body);
/* The same with further headers, whole lines with their CRLF. */
void conn_respond_with(struct conn *c, unsigned status, struct slice content_type, struct slice headers,
                       struct slice body);

/* May the client ask so soon, by the limit for his address? That takes one token; else *out_wait_s says when he may.
 * Over HTTP this has been asked when the handler hears of a message. conn_pay() takes what a batch costs beyond. */
FAN_MUST_CHECK bool conn_may_ask(struct conn *c, uint64_t *out_wait_s);
void conn_pay(struct conn *c, uint64_t count);

/* Queues the frame with this id in its hole; it leaves with the next flush. Takes no reference on a shared frame beyond
 * what the worker's share counts: the frame must be held by the caller's frame_share. Ignored on a connection that is
 * closing. */
struct frame_share;
void conn_notify(struct conn *c, struct frame_share *f, const uint8_t id[FRAME_ID_LEN]);
/* The same for history, which is made as the socket takes it: it waits in the same queue, but neither its bytes nor its
 * age make a reader slow, and while nothing else waits no deadline runs. Only after conn_paced_room() said yes. */
void conn_notify_paced(struct conn *c, struct frame_share *f, const uint8_t id[FRAME_ID_LEN]);
/* May more history be queued? Not while a hold is on, nor behind CONN_PACED_BYTES of it. After a no, handler.room tells
 * once when half of that has left. */
enum { CONN_PACED_BYTES = 64 * 1024 };
bool conn_paced_room(struct conn *c);
/* Notifications wait until the last hold is released; nests. Their bytes count against the budget. */
void conn_hold(struct conn *c);
void conn_release(struct conn *c);
/* Drops held notifications for this id: its subscription ended before they could leave. */
void conn_forget_held(struct conn *c, const uint8_t id[FRAME_ID_LEN]);

/* What the hub attaches to a connection (its subscriptions); NULL at first. */
void *conn_attachment(const struct conn *c);
void conn_attach(struct conn *c, void *attachment);

/* Closes with a WebSocket code (others just close after what is queued). Reason at most 123 bytes. */
void conn_close(struct conn *c, uint16_t code, const char *reason);

/* ---- what is counted (metrics.def) ---- */

/* What a socket counts as. */
enum conn_kind { CONN_KIND_HTTP, CONN_KIND_WEBSOCKET, CONN_KIND_HANDSHAKE, CONN_KIND_IPC, CONN_KIND_COUNT };

/* Who ended a WebSocket, with which code; CUT: without a close. */
enum conn_end {
    CONN_END_SERVER_1001,
    CONN_END_SERVER_1002,
    CONN_END_SERVER_1007,
    CONN_END_SERVER_1009,
    CONN_END_SERVER_1011,
    CONN_END_SERVER_1013,
    CONN_END_SERVER_OTHER,
    CONN_END_SERVER_CUT,
    CONN_END_PEER_1000,
    CONN_END_PEER_1001,
    CONN_END_PEER_1005,
    CONN_END_PEER_OTHER,
    CONN_END_PEER_CUT,
    CONN_END_COUNT
};

/* Statuses of HTTP responses that are counted by themselves. */
enum conn_status {
    CONN_STATUS_101,
    CONN_STATUS_200,
    CONN_STATUS_400,
    CONN_STATUS_403,
    CONN_STATUS_404,
    CONN_STATUS_408,
    CONN_STATUS_413,
    CONN_STATUS_415,
    CONN_STATUS_429,
    CONN_STATUS_503,
    CONN_STATUS_OTHER,
    CONN_STATUS_COUNT
};

struct conn_stats {
#include "base/metric_fields.def"

#include "conn/metrics.def"
};
extern const struct metric_table conn_metrics;
/* Its options, with the defaults filled in. Any thread. */
const struct conn_options *conn_set_options(const struct conn_set *s);
/* The worker counts; any thread may read. */
const struct conn_stats *conn_set_stats(const struct conn_set *s);

#endif
