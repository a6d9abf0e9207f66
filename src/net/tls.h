/* tls: TLS for those who connect to us, as a transformer: bytes of the socket in, plaintext out, and back.
 *
 *   socket ──ciphertext──► tls_feed() ──plaintext──► parsers         outbox ──plaintext──► tls_seal() ──records──►
 * socket └──────── handshake, alerts ────────────────────────────────────▲
 *
 * A session holds no socket and waits for nothing: it takes all it is fed, and what has to leave is appended to a
 * buffer of the caller, who sends it when and as far as the socket lets him. So there is no "want read" and no "want
 * write", a test is just another caller, and a worker's sessions share the worker's buffers: between two records an
 * idle session keeps none of its own (SSL_MODE_RELEASE_BUFFERS).
 *
 * Certificate and key are a struct tls_identity, loaded and checked as a whole, counted, and never changed: whoever
 * reloads makes a new one, and sessions keep the one they began with. TLS 1.2 and 1.3; forward secrecy and AEAD only;
 * ALPN knows http/1.1; resumption by tickets, whose keys live as long as the identity; neither renegotiation nor early
 * data.
 *
 * Not here: connections we open ourselves (stream.h), when to send and how much may wait (conn/transport.c).
 * Spec: RFC 8446 (1.3), RFC 5246 (1.2), RFC 7301 (ALPN), RFC 9325 (what is sane). */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/buf.h"

struct tls_identity;
struct tls_session;

/* The names by which err calls the two files: "--tls-cert" and "--tls-key", or as a library's options are called. */
struct tls_files {
    const char *cert_option, *cert_path; /* PEM: the server's certificate, then those that lead to its authority */
    const char *key_option, *key_path;   /* PEM, without a passphrase; may be the same file */
};

/* Loads and checks. FAN_EINVAL: a file cannot be read, holds no certificate or key, the key belongs to another
 * certificate, or one of the chain has expired or is not valid yet; err says which file and why. FAN_ENOMEM,
 * FAN_ESYSTEM. Any thread. */
FAN_MUST_CHECK enum fan_status tls_identity_load(const struct tls_files *files, struct tls_identity **out,
                                                 struct fan_error *err);
struct tls_identity *tls_identity_ref(struct tls_identity *i); /* any thread; NULL is fine; returns i */
void tls_identity_unref(struct tls_identity *i);               /* any thread; NULL is fine */
/* When the first certificate of the chain ends to be valid, in Unix seconds. */
int64_t tls_identity_expires_s(const struct tls_identity *i);

enum {
    TLS_PLAIN_MAX = 16384, /* of one record */
    TLS_FEED_ROOM = 18432  /* plaintext may come out beyond what was fed: a record that had been waiting for its end */
};

/* A client's. NULL: out of memory. It and its identity's reference go with tls_session_free(). A session's functions
 * are for one thread at a time. */
struct tls_session *tls_session_new(struct tls_identity *i);
void tls_session_free(struct tls_session *s); /* NULL is fine */

enum tls_outcome {
    TLS_GOES_ON,
    TLS_ENDED,  /* the client has said goodbye (close_notify): nothing more comes */
    TLS_REFUSED /* this is no TLS, or none that we speak; `reply` may hold the alert. The session is of no more use */
};

/* Takes bytes from the socket, all of them. What they say goes to `into`, which has room for their length and
 * TLS_FEED_ROOM; *out_len says how much. What has to leave is appended to `reply`. */
enum tls_outcome tls_feed(struct tls_session *s, struct slice bytes, uint8_t *into, size_t *out_len, struct buf *reply);
/* Appends one record with at most TLS_PLAIN_MAX bytes. Only once tls_is_ready(). False: out of memory, the session is
 * of no more use. */
FAN_MUST_CHECK bool tls_seal(struct tls_session *s, struct slice plain, struct buf *records);
/* Appends close_notify. Nothing is sealed afterwards. A session that is not ready, or was refused, says nothing. */
void tls_goodbye(struct tls_session *s, struct buf *records);

bool tls_is_ready(const struct tls_session *s);   /* the handshake is through */
bool tls_is_resumed(const struct tls_session *s); /* it was a short one */
/* Why a session was refused, for people: OpenSSL's words, static. */
const char *tls_reason(const struct tls_session *s);
/* Does a connection whose first byte is this one begin in plain HTTP? Every record of TLS begins below 0x20, every
 * request with a letter. */
static inline bool tls_is_plain_http(uint8_t first)
{
    return first >= 'A' && first <= 'Z';
}

#endif
