/* ws_client: the load generator's WebSockets, plain or through TLS, down to the text of each message.
 *
 * One epoll for all; what it reads of each is cut into frames and messages, pings are answered, compressed messages are
 * inflated. Clients check no certificate: they are here for the load. Thread: one. Whatever fails ends the program. */
#ifndef BENCH_WS_CLIENT_H
#define BENCH_WS_CLIENT_H

#include <openssl/types.h>

#include "base/buf.h"
#include "bench/track.h"

struct ws_client {
    int fd; /* -1: lost */
    SSL *tls;
    bool upgraded, stalled;
    size_t asked; /* subscriptions asked for */
    struct track_set subscriptions;
    uint8_t *part; /* bytes of a frame that is not here whole */
    size_t part_len;
    struct buf fragments; /* of a message that comes in several frames, as geth's do beyond its buffer of 1 KiB */
    size_t fragments_wire;
    bool fragments_compressed;
};

struct ws_client_options {
    uint16_t port;
    bool tls, deflate;
    void (*upgraded)(struct ws_client *c);
    /* wire_len: the message's bytes as they came, frame headers included */
    void (*text)(struct ws_client *c, const char *text, size_t len, size_t wire_len, uint64_t now_ns);
};

void ws_clients_init(struct ws_client_options options);
/* One turn; false: nothing came in that time. */
bool ws_clients_turn(int timeout_ms);

/* Connects (c is zeroed, but for `stalled`: a small receive buffer) and asks for the upgrade. */
void ws_client_open(struct ws_client *c);
void ws_client_send(struct ws_client *c, struct buf *b);
void ws_client_ignore(struct ws_client *c); /* from now on nobody reads it */
/* Appends a JSON-RPC call as a frame. */
void ws_client_put_call(struct buf *out, uint64_t id, const char *method, const char *params);

#endif
