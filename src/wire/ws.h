/* ws: the WebSocket protocol, bytes in and values out.
 *
 * The parser is fed what the socket gave, cut anywhere, and returns one event at a time: a message, a ping, a pong, a
 * close, or a refusal with the close code to answer. A message that lies whole in the fed bytes is unmasked in place
 * and lent from there, without a copy; one that arrives in pieces or in fragments is gathered, and its memory grows
 * only as bytes arrive. Text is checked as UTF-8 while it comes, so a bad byte is refused before the rest has been paid
 * for.
 *
 * Either side: a server's parser wants masked frames, a client's unmasked ones (section 5.1).
 * Where permessage-deflate was agreed on (`deflate`), RSV1 passes on a message's first frame; the message is then
 * inflated as its bytes come, the limit of length and the check of text apply to what comes out, and the event has
 * that.
 *
 * Not here: sockets, keepalive, what a message means, offers and answers of extensions (wire/deflate_terms.h).
 * Spec: RFC 6455; RFC 7692 section 6. */
#ifndef WIRE_WS_H
#define WIRE_WS_H

#include "wire/http.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct inflater;

enum {
    WS_RSV1 = 0x40,     /* in a header's first byte: the message is compressed */
    WS_HEADER_MAX = 10, /* a server's; a client adds WS_MASK_LEN */
    WS_MASK_LEN = 4,
    WS_CONTROL_LEN_MAX = 125, /* payload of ping, pong and close */
    WS_REASON_LEN_MAX = 123,  /* a close's words behind its code */
    WS_CLOSE_FRAME_MAX = 2 + WS_CONTROL_LEN_MAX,
    WS_ACCEPT_LEN = 28, /* of Sec-WebSocket-Accept */
};

/* Close codes we send or meet (section 7.4.1 and the IANA registry). 1005 and 1006 never travel. */
enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
    WS_CLOSE_UNSUPPORTED_DATA = 1003,
    WS_CLOSE_NO_CODE = 1005,
    WS_CLOSE_BAD_TEXT = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_TRY_LATER = 1013,
};

/* ---- the handshake ---- */

/* Is this request a proper opening handshake (section 4.2.1)? Status 0 when it is; else 426 (no upgrade asked for, or
 * another version than 13), 405 (not GET) or 400. Host and Origin being welcome is the caller's. */
struct http_verdict ws_handshake_check(const struct http_request *r);
/* The 101 response to a checked request. protocol: one of those the client offered, or empty. extensions: what was
 * agreed, or empty. */
void ws_handshake_put(struct buf *out, const struct http_request *r, struct slice protocol, struct slice extensions);
/* Sec-WebSocket-Accept for a key; not NUL-terminated. */
void ws_accept_key(struct slice key, char out[WS_ACCEPT_LEN]);

/* ---- reading ---- */

enum ws_event_kind {
    WS_NEEDS_MORE, /* all bytes were taken */
    WS_GOT_MESSAGE,
    WS_GOT_PING, /* answer with a pong that carries the same bytes */
    WS_GOT_PONG,
    WS_GOT_CLOSE, /* answer with the same code, then end; nothing more is read */
    WS_REFUSES,   /* send a close with this code and reason, then end; nothing more is read */
};

struct ws_event {
    enum ws_event_kind kind;
    bool binary;        /* of a message */
    bool compressed;    /* of a message: it came compressed; `bytes` are not */
    struct slice bytes; /* message, ping or pong payload; a close's reason. Borrowed until the next feed or trim, or
                           until the input changes */
    uint16_t code;      /* of a close (WS_CLOSE_NO_CODE: none was given) or of a refusal */
    const char *why;    /* of a refusal: static words, at most WS_REASON_LEN_MAX */
};

struct ws_parser_options {
    size_t message_len_max; /* 0: 5 MiB, of what a message inflates to; beyond it 1009 */
    bool client;            /* we are the client: frames must come unmasked */
    bool deflate;           /* permessage-deflate was agreed on */
};

struct ws_parser {
    struct ws_parser_options options;
    struct buf message; /* gathered so far, inflated; a control frame's payload stands behind it while it comes */
    struct inflater *inflater; /* while compressed messages come; NULL until the first and after a trim */
    uint64_t wire_len;         /* of the message: payload bytes that its frames so far announced */
    uint64_t left;             /* payload bytes of the current frame still to come */
    uint32_t control_at;       /* where in `message` the control frame's payload begins */
    uint8_t header[WS_HEADER_MAX + WS_MASK_LEN];
    uint8_t header_len; /* bytes of it that are here */
    uint8_t mask[WS_MASK_LEN], mask_at;
    uint8_t opcode;         /* of the current frame */
    uint8_t message_opcode; /* of the message under way; 0: none */
    uint8_t utf8;           /* state of the text check */
    bool fin, in_payload, compressed, lent, ended;
};

/* In the caller's memory, without a block of its own until a message comes in pieces. */
void ws_parser_init(struct ws_parser *p, struct ws_parser_options options);
void ws_parser_fini(struct ws_parser *p);
/* Reads on: unmasks in place, so the bytes at `in` change. *out_taken is at most len, all of it for WS_NEEDS_MORE.
 * After a close or a refusal everything is taken and nothing said. Out of memory is a refusal with 1011. */
enum ws_event_kind ws_parser_feed(struct ws_parser *p, uint8_t *in, size_t len, size_t *out_taken,
                                  struct ws_event *out);
/* Gives memory of finished messages back; call it when the last event has been dealt with. */
void ws_parser_trim(struct ws_parser *p);
/* Payload bytes gathered and not yet delivered. */
size_t ws_parser_held(const struct ws_parser *p);

/* May a peer send this code in a close frame? */
bool ws_close_code_is_valid(uint16_t code);

/* ---- writing ---- */

/* The shortest header of a final, unmasked frame; returns its length: 2, 4 or 10. */
size_t ws_header_encode(enum ws_opcode opcode, uint64_t len, uint8_t out[WS_HEADER_MAX]);
/* A whole close frame; returns its length. The reason is cut at WS_REASON_LEN_MAX, between characters. */
size_t ws_close_encode(uint16_t code, const char *reason, uint8_t out[WS_CLOSE_FRAME_MAX]);
/* A whole final frame onto out; payload of a control frame at most WS_CONTROL_LEN_MAX. */
void ws_put_frame(struct buf *out, enum ws_opcode opcode, struct slice payload);
/* A client's: masked with `mask`, which should come from random_bytes() for each frame. */
void ws_put_masked_frame(struct buf *out, enum ws_opcode opcode, bool fin, struct slice payload,
                         const uint8_t mask[WS_MASK_LEN]);
/* XORs len bytes with the mask, whose byte `at` (0 to 3) falls on the first; returns the `at` for what follows. Its own
 * inverse. */
uint8_t ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[WS_MASK_LEN], uint8_t at);

#endif
