/* jsonrpc: the syntax of JSON-RPC 2.0, both ways.
 *
 * A message is one request or a batch. What is wrong with the whole message (no JSON, an empty or too long batch,
 * nested too deep) is one error with id null; what is wrong with one item is that item's error, and the others stand.
 * Ids keep the bytes they came in: 1.10 goes back as 1.10.
 *
 * A request without `id` is a notification: it is carried out and never answered, as geth does. One with `"id":null` is
 * answered, with null: viem keeps its connections alive that way.
 *
 * Not here: which methods there are, calling them, statuses to codes (rpc/).
 * Spec: jsonrpc.org/specification. */
#ifndef WIRE_JSONRPC_H
#define WIRE_JSONRPC_H

#include "codec/json.h"

enum { JSONRPC_ID_LEN_MAX = 256, JSONRPC_BATCH_MAX = 1000 };

enum jsonrpc_code {
    JSONRPC_PARSE_ERROR = -32700,
    JSONRPC_INVALID_REQUEST = -32600,
    JSONRPC_METHOD_NOT_FOUND = -32601,
    JSONRPC_INVALID_PARAMS = -32602,
    JSONRPC_INTERNAL_ERROR = -32603,
};

/* Zero means the default in brackets. */
struct jsonrpc_limits {
    size_t batch_max;   /* items of one batch [1000] */
    size_t id_len_max;  /* bytes of an id, its quotes included [256] */
    unsigned depth_max; /* [64] */
};

struct jsonrpc_error {
    int code;             /* 0: none */
    struct slice message; /* the phrase, ": ", the detail; static or in the arena */
};

struct jsonrpc_request {
    struct slice id; /* raw JSON; empty for a notification; "null" where none could be read */
    struct slice method;
    struct json params;         /* an array, an object, or missing (also for null) */
    struct jsonrpc_error error; /* code 0: this is a good request; else answer this under id */
};

struct jsonrpc_message {
    struct jsonrpc_error error; /* of the whole message: answer it under id null, there are no items */
    bool batch;                 /* the answers go into an array */
    size_t count;               /* 1 where it is no batch */
    struct jsonrpc_request *items;
};

/* Reads a message; all of it lives in the arena or is borrowed from body. limits NULL: the defaults. FAN_OK, also for
 * what deserves an error reply, or FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status jsonrpc_parse(struct slice body, const struct jsonrpc_limits *limits, struct arena *a,
                                             struct jsonrpc_message *out);

/* True when the request must not be answered. */
static inline bool jsonrpc_is_notification(const struct jsonrpc_request *r)
{
    return r->id.len == 0;
}

extern const struct slice JSONRPC_NULL; /* "null", the id of nobody */

/* ---- writing ---- */

/* {"jsonrpc":"2.0","id":…,"result": — the result follows, then jsonrpc_put_result_end(). */
void jsonrpc_put_result_begin(struct buf *out, struct slice id);
void jsonrpc_put_result_end(struct buf *out);
/* Both, around a result that is JSON already. */
void jsonrpc_put_result(struct buf *out, struct slice id, struct slice result);
/* An error reply. The message is escaped; data is JSON already, or empty for none. */
void jsonrpc_put_error(struct buf *out, struct slice id, int code, struct slice message, struct slice data);

/* What stands before the id of an eth_subscription notification, its opening quote included; and behind it, around the
 * result. */
extern const struct slice JSONRPC_NOTIFICATION_HEAD;
void jsonrpc_put_notification_tail(struct buf *out, struct slice result);

#endif
