/* client: JSON-RPC calls to another node, for threads that may wait.
 *
 *   client_call ─► an idle connection, or a new one ─► request ─► response ─► the connection waits for the next call
 *                        ▲                                │
 *                        └── again, after a pause ◄───────┘ broken off, timed out, 429, 5xx
 *
 * Speaks HTTP and WebSocket, with TLS or without, by the URL. Each call has a connection to itself while it lasts, so
 * that as many run at once as there are threads that call; idle ones are kept (at most CLIENT_IDLE_MAX). A connection
 * that the node closed while it was idle is replaced without counting as a failure. What comes back is a stranger's:
 * sizes are limited, JSON is checked.
 *
 * Not here: what is asked, and remembering answers (forked.h).
 * Thread: any number at once. Spec: JSON-RPC 2.0; RFC 9112; RFC 6455. */
#ifndef UPSTREAM_CLIENT_H
#define UPSTREAM_CLIENT_H

#include "codec/json.h"

enum { CLIENT_IDLE_MAX = 32 };

/* Zero means the default in brackets. Texts are copied. */
struct client_options {
    const char *url;
    const char *const *headers; /* whole lines, "Name: value", sent with every request or handshake */
    size_t header_count;
    uint64_t timeout_ms; /* of one try [45,000] */
    uint64_t backoff_ms; /* the first pause; each further is longer by as much [1,000] */
    unsigned retries;    /* after the first try [5] */
    bool no_retries;
    bool once; /* what the node may have begun is not asked again: for methods that change something. Tries are repeated
                  only where nobody took the request (refused, 429, 503), or where a connection that was kept idle broke
                  off without a byte of an answer, once */
    size_t body_len_max; /* [64 MiB] */
    int halt_fd;         /* readable: every call ends; 0 or -1: none */
    /* A node that has answered before does not (why: its words), or does again (NULL): once for each change, on the
     * thread of the call that found it out. NULL: nobody wants to know. */
    void (*changed)(void *ctx, const char *url, const char *why);
    void *ctx;
};

struct client;

/* Nothing is connected yet. FAN_EINVAL: err says what is wrong with the URL or a header; FAN_ENOMEM, FAN_ESYSTEM. */
FAN_MUST_CHECK enum fan_status client_new(const struct client_options *options, struct client **out,
                                          struct fan_error *err);
void client_free(struct client *c);             /* no call may be under way; NULL is fine */
const char *client_url(const struct client *c); /* to be shown: without user and password */
uint64_t client_calls(const struct client *c);  /* requests sent so far, tries counted */

struct client_reply {
    struct json result; /* its document lies in the arena */
    /* Of an error object, after FAN_EREJECTED: */
    int64_t code;
    struct slice data; /* raw JSON; empty: none */
};

/* One call; params is a JSON array's text. FAN_OK: out->result is there. FAN_EREJECTED: the node answered with an error
 * object; err is its message. FAN_EREMOTE: no answer, err says which URL, what was asked and why not. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status client_call(struct client *c, const char *method, struct slice params, struct arena *a,
                                           struct client_reply *out, struct fan_error *err);

#endif
