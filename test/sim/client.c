/* Clients: what they send, how fast they read, and a decoder of their own for what comes back. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "sim.h"
#include "wire/deflate.h"
#include "wire/ws.h"

/* ---- sending ---- */

static void send_bytes(struct sim_world *w, struct sim_client *c, struct slice bytes)
{
    struct sim_socket *s = &w->sockets[c->socket];

    if (s->state == SOCKET_CLOSED || s->client_fin || s->client_reset) return;
    bytes_put(&s->to_server, bytes.at, bytes.len);
}

static void send_frame_as(struct sim_world *w, struct sim_client *c, enum ws_opcode opcode, struct slice payload,
                          bool compressed)
{
    static const uint8_t mask[WS_MASK_LEN] = {0x13, 0x57, 0x9b, 0xdf};
    struct buf frame = {0};

    ws_put_masked_frame(&frame, opcode, true, payload, mask);
    if (frame.failed) abort();
    if (compressed) frame.at[0] |= WS_RSV1;
    send_bytes(w, c, buf_peek(&frame));
    buf_fini(&frame);
}

static void send_frame(struct sim_world *w, struct sim_client *c, enum ws_opcode opcode, struct slice payload)
{
    send_frame_as(w, c, opcode, payload, false);
}

/* A message as one that compresses would send it, if its text did not shrink: in a stored block, and an empty one. */
static void send_deflated(struct sim_world *w, struct sim_client *c, enum ws_opcode opcode, struct slice text)
{
    uint8_t header[DEFLATE_STORED_HEADER_LEN];
    struct buf payload = {0};

    deflate_stored_header(text.len, header);
    buf_put(&payload, slice_of(header, sizeof header));
    buf_put(&payload, text);
    buf_put_byte(&payload, 0);
    if (payload.failed) abort();
    send_frame_as(w, c, opcode, buf_peek(&payload), true);
    buf_fini(&payload);
}

static void connect_now(struct sim_world *w, struct sim_client *c, const struct sim_step *s)
{
    size_t space = s->b % 3 ? 1024 + s->c % 8192 : 65536;
    char offer[100] = "";

    if (c->state != CLIENT_OFF) return;
    client_forget(c);
    c->socket = net_connect(w, c->index, s->a % (uint32_t)w->plan->workers, space);
    if (c->socket == SIM_SOCKETS_MAX) return;
    c->state = CLIENT_UPGRADING;
    c->rate = UINT32_MAX;
    c->failures_before = memory_failures();
    sim_say(w, "client %u connects to worker %u as connection %u, %zu bytes of buffer", c->index,
            s->a % (uint32_t)w->plan->workers, c->socket, space);
    c->deflate_bits = s->c & 1 << 20 ? (uint8_t)(DEFLATE_BITS_MIN + (s->c >> 21) % DEFLATE_BITS_COUNT) : 0;
    send_bytes(w, c,
               SLICE("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"));
    if (c->deflate_bits)
        (void)snprintf(offer, sizeof offer,
                       "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=%u\r\n", c->deflate_bits);
    send_bytes(w, c, slice_str(offer));
    send_bytes(w, c, SLICE("\r\n"));
}

/* ---- requests ---- */

static struct sim_request *request_new(struct sim_world *w, const struct sim_client *c, enum sim_request_kind kind)
{
    struct sim_request *r;

    if (w->request_count == SIM_REQUESTS_MAX) return NULL;
    r = &w->requests[w->request_count++];
    *r = (struct sim_request){.kind = kind, .socket = c->socket, .sub = -1};
    return r;
}

static void put_subscribe(struct buf *out, struct sim_request *r, const struct sim_step *s)
{
    static const char *const name[HUB_KIND_COUNT] = {
        [HUB_NEW_HEADS] = "\"newHeads\"",
        [HUB_LOGS] = "\"logs\",",
        [HUB_PENDING_HASHES] = "\"newPendingTransactions\"",
        [HUB_PENDING_BODIES] = "\"newPendingTransactions\",true",
        [HUB_SYNCING] = "\"syncing\"",
        [HUB_RECEIPTS] = "\"transactionReceipts\"",
    };

    r->stream = s->a % 2 ? HUB_LOGS : (enum hub_kind)(s->b % HUB_KIND_COUNT);
    buf_put_str(out, "\"eth_subscribe\",\"params\":[");
    buf_put_str(out, name[r->stream]);
    if (r->stream == HUB_LOGS) {
        uint64_t chance = sim_mix(s->c);

        r->filter.addresses = chance & 1 ? 0 : (uint8_t)((chance >> 8) % (1u << SIM_ADDRESSES));
        r->filter.positions = (uint8_t)((chance >> 16) % 3);
        for (size_t n = 0; n < r->filter.positions; n++)
            r->filter.topics[n] = chance >> (20 + n) & 1 ? 0 : (uint8_t)((chance >> (24 + 8 * n)) % (1u << SIM_TOPICS));
        filter_put(&r->filter, out);
    }
    buf_put_byte(out, ']');
}

static void put_unsubscribe(struct sim_client *c, struct buf *out, struct sim_request *r, uint32_t chance)
{
    for (size_t n = 0; n < c->sub_count; n++) {
        size_t at = (chance + n) % c->sub_count;

        if (!c->subs[at].live) continue;
        r->sub = (int)at;
        break;
    }
    buf_put_str(out, "\"eth_unsubscribe\",\"params\":[\"");
    if (r->sub >= 0)
        buf_put(out, slice_of(c->subs[r->sub].id, FRAME_ID_LEN));
    else
        buf_put_str(out, "0x1badcafe1badcafe1badcafe1badcafe");
    buf_put_str(out, "\"]");
}

static void put_request(struct sim_world *w, struct sim_client *c, struct buf *out, enum sim_action action,
                        const struct sim_step *s)
{
    struct sim_request *r = request_new(w, c, REQUEST_ECHO);

    if (!r) return;
    buf_printf(out, "%s{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":", out->len > 1 ? "," : "",
               (size_t)(r - w->requests));
    switch (action) {
    case DO_SUBSCRIBE:
        r->kind = REQUEST_SUBSCRIBE;
        put_subscribe(out, r, s);
        break;
    case DO_UNSUBSCRIBE:
        r->kind = REQUEST_UNSUBSCRIBE;
        put_unsubscribe(c, out, r, s->c);
        break;
    default:
        r->kind = action == DO_LATER ? REQUEST_LATER : REQUEST_ECHO;
        r->echo = s->b % 5 ? s->c % 300 : s->c % 40000;
        buf_put_str(out, r->kind == REQUEST_LATER ? "\"sim_later\"" : "\"sim_echo\"");
        break;
    }
    buf_put_byte(out, '}');
}

static void send_request(struct sim_world *w, struct sim_client *c, const struct sim_step *s)
{
    struct buf text = {0};

    if (s->action == DO_BATCH) {
        static const enum sim_action choice[] = {DO_SUBSCRIBE, DO_LATER, DO_SUBSCRIBE, DO_UNSUBSCRIBE, DO_ECHO};

        buf_put_byte(&text, '[');
        for (uint32_t i = 0; i < 2 + s->a % 5; i++) {
            uint64_t chance = sim_mix(((uint64_t)s->b << 32 | s->c) + i);
            const struct sim_step item = {
                .a = (uint32_t)chance, .b = (uint32_t)(chance >> 20), .c = (uint32_t)(chance >> 32)};

            put_request(w, c, &text, choice[(chance >> 7) % COUNT_OF(choice)], &item);
        }
        buf_put_byte(&text, ']');
        if (text.len == 2) text.len = 0;
    } else {
        put_request(w, c, &text, s->action, s);
    }
    if (text.failed) abort();
    sim_say(w, "client %u asks: %.*s", c->index, (int)text.len, text.at ? (const char *)text.at : "");
    if (text.len && c->deflate_bits && s->b & 128)
        send_deflated(w, c, s->b & 64 ? WS_BINARY : WS_TEXT, buf_peek(&text));
    else if (text.len)
        send_frame(w, c, s->b & 64 ? WS_BINARY : WS_TEXT, buf_peek(&text));
    buf_fini(&text);
}

/* ---- steps ---- */

static void set_rate(struct sim_world *w, struct sim_client *c, uint32_t rate)
{
    sim_say(w,
            rate == UINT32_MAX ? "client %u reads on"
            : rate             ? "client %u reads slowly"
                               : "client %u stalls",
            c->index);
    c->rate = rate;
    c->reads_ms = w->now_ms;
    if (rate != UINT32_MAX) c->was_slow = true;
}

void client_do(struct sim_world *w, struct sim_client *c, const struct sim_step *s)
{
    struct sim_socket *socket = c->state == CLIENT_OFF ? NULL : &w->sockets[c->socket];

    if (s->action == DO_CONNECT) {
        connect_now(w, c, s);
        return;
    }
    if (!socket) return;
    switch (s->action) {
    case DO_STALL:
        set_rate(w, c, 0);
        return;
    case DO_SLOW:
        set_rate(w, c, 1 + s->a % 400);
        return;
    case DO_READ:
        set_rate(w, c, UINT32_MAX);
        return;
    case DO_RESET:
        sim_say(w, "client %u resets", c->index);
        c->own_end = c->said_end = socket->client_reset = true;
        return;
    case DO_FIN:
        sim_say(w, "client %u says FIN", c->index);
        c->own_end = c->said_end = socket->client_fin = true;
        return;
    default:
        break;
    }
    if (c->state != CLIENT_OPEN || c->said_end) return;
    if (s->action == DO_CLOSE) {
        sim_say(w, "client %u closes", c->index);
        send_frame(w, c, WS_CLOSE, SLICE("\x03\xe8"));
        c->own_end = c->said_end = true;
    } else if (s->action == DO_PING) {
        send_frame(w, c, WS_PING, SLICE("are you there"));
    } else {
        send_request(w, c, s);
    }
}

/* ---- receiving ---- */

static void ended(struct sim_world *w, struct sim_client *c, bool reset)
{
    sim_say(w, "client %u: connection %u ends, %s, code %u", c->index, c->socket, reset ? "reset" : "FIN",
            c->close_code);
    check_ended(w, c, reset);
    w->sockets[c->socket].client_fin = true;
    if (reset) w->sockets[c->socket].client_reset = true;
    w->ends++;
    c->state = CLIENT_OFF;
}

/* The head of the answer to the handshake, once it is whole. */
static bool take_head(struct sim_world *w, struct sim_client *c)
{
    const char *at = (const char *)c->in.at + c->in.from, *end = memmem(at, c->in.len, "\r\n\r\n", 4);

    if (!end) return false;
    if (c->in.len > 12 && memcmp(at, "HTTP/1.1 101", 12) == 0) {
        bool agreed = memmem(at, (size_t)(end - at), "permessage-deflate", 18) != NULL;

        if (agreed && !c->deflate_bits) sim_fail(w, "client %u gets an extension it did not offer", c->index);
        if (!agreed && c->deflate_bits && memory_failures() == c->failures_before)
            sim_fail(w, "client %u is declined its extension", c->index);
        if (!agreed) c->deflate_bits = 0;
        c->state = CLIENT_OPEN;
        (void)bytes_take(&c->in, NULL, (size_t)(end - at) + 4);
        return true;
    }
    if (memory_failures() == c->failures_before) sim_fail(w, "client %u is refused: %.40s", c->index, at);
    c->said_end = true;
    (void)bytes_take(&c->in, NULL, c->in.len);
    return false;
}

static void take_close(struct sim_world *w, struct sim_client *c, const uint8_t *payload, size_t len)
{
    if (len == 1) sim_fail(w, "client %u gets a close frame of one byte", c->index);
    if (c->in_message && (len < 2 || (payload[0] << 8 | payload[1]) != WS_CLOSE_TRY_LATER))
        sim_fail(w, "client %u gets a close inside a message", c->index);
    c->got_close = true;
    c->close_code = (uint16_t)(len >= 2 ? payload[0] << 8 | payload[1] : WS_CLOSE_NO_CODE);
    sim_say(w, "client %u gets close %u \"%.*s\"", c->index, c->close_code, len > 2 ? (int)len - 2 : 0,
            (const char *)payload + 2);
    if (!c->said_end) send_frame(w, c, WS_CLOSE, slice_of(payload, len >= 2 ? 2 : 0));
    c->said_end = true;
}

/* A compressed text, by zlib with the window that was agreed on and not a byte more: it inflates into pieces so short
 * that references must be served from the window. */
static void take_deflated(struct sim_world *w, struct sim_client *c, struct slice payload)
{
    static const uint8_t trailer[] = {0x00, 0x00, 0xff, 0xff};
    z_stream z = {0};
    struct buf text = {0};
    bool bad = inflateInit2(&z, -(int)c->deflate_bits) != Z_OK;

    for (int round = 0; round < 2 && !bad; round++) {
        z.next_in = (uint8_t *)(uintptr_t)(round ? trailer : payload.at);
        z.avail_in = (uInt)(round ? sizeof trailer : payload.len);
        do {
            uint8_t piece[64];
            int status;

            z.next_out = piece;
            z.avail_out = sizeof piece;
            status = inflate(&z, Z_SYNC_FLUSH);
            bad = status != Z_OK && status != Z_BUF_ERROR;
            buf_put(&text, slice_of(piece, sizeof piece - z.avail_out));
        } while (!bad && z.avail_out == 0);
    }
    (void)inflateEnd(&z);
    if (text.failed) abort();
    if (bad)
        sim_fail(w, "client %u gets what does not inflate", c->index);
    else
        check_text(w, c, buf_peek(&text));
    buf_fini(&text);
}

/* A text, or a part of one: only long replies that leave compressed come in fragments. */
static void take_data(struct sim_world *w, struct sim_client *c, uint8_t first, struct slice payload)
{
    bool starts = (first & 15) == WS_TEXT, compressed = first & WS_RSV1, final = first & 0x80;

    if (starts == c->in_message || (compressed && (!c->deflate_bits || !starts)) || (!final && starts && !compressed)) {
        sim_fail(w, "client %u gets a frame out of place: %02x", c->index, first);
    } else if (starts && final && !compressed) {
        check_text(w, c, payload);
    } else if (starts && final) {
        take_deflated(w, c, payload);
    } else {
        bytes_put(&c->message, payload.at, payload.len);
        c->in_message = !final;
        if (final) {
            take_deflated(w, c, slice_of(c->message.at + c->message.from, c->message.len));
            (void)bytes_take(&c->message, NULL, c->message.len);
        }
    }
}

/* One whole frame off the front; false: it is not all here. A server's frame is unmasked (RFC 6455, 5.1), and a length
 * is written in the shortest way. */
static bool take_frame(struct sim_world *w, struct sim_client *c)
{
    const uint8_t *at = c->in.at + c->in.from;
    size_t head = 2;
    uint64_t len;

    if (c->in.len < 2) return false;
    if (c->got_close) {
        sim_fail(w, "client %u gets more after the close frame", c->index);
        return false;
    }
    len = at[1];
    if (len == 126 || len == 127) {
        head = len == 126 ? 4 : 10;
        if (c->in.len < head) return false;
        len = 0;
        for (size_t i = 2; i < head; i++) len = len << 8 | at[i];
        if (len < (head == 4 ? 126u : 65536u)) sim_fail(w, "client %u gets a length that is too long", c->index);
    }
    if ((!(at[0] & 0x80) && at[0] & 8) || at[0] & 0x30 || (at[0] & 0x48) == 0x48 || at[1] & 0x80 || len > 50000000) {
        sim_fail(w, "client %u gets a bad frame header %02x %02x", c->index, at[0], at[1]);
        return false;
    }
    if (c->in.len < head + len) return false;
    switch (at[0] & 15) {
    case WS_TEXT:
    case WS_CONTINUATION:
        take_data(w, c, at[0], slice_of(at + head, (size_t)len));
        break;
    case WS_CLOSE:
        take_close(w, c, at + head, (size_t)len);
        break;
    case WS_PING:
        if (!c->said_end) send_frame(w, c, WS_PONG, slice_of(at + head, (size_t)len));
        break;
    case WS_PONG:
        break;
    default:
        sim_fail(w, "client %u gets a frame of type %u", c->index, at[0] & 15);
        break;
    }
    (void)bytes_take(&c->in, NULL, head + (size_t)len);
    return true;
}

bool client_read(struct sim_world *w, struct sim_client *c)
{
    struct sim_socket *s;
    uint8_t piece[4096];
    size_t most, got;

    if (c->state == CLIENT_OFF) return false;
    s = &w->sockets[c->socket];
    if (s->server_reset || s->client_reset) {
        ended(w, c, true);
        return true;
    }
    if (c->rate == 0 || (c->rate != UINT32_MAX && w->now_ms < c->reads_ms)) return false;
    most = c->rate < sizeof piece ? c->rate : sizeof piece;
    c->reads_ms = w->now_ms + SIM_SLOW_MS;
    got = bytes_take(&s->to_client, piece, most);
    if (got == 0 && s->server_fin) {
        ended(w, c, false);
        return true;
    }
    bytes_put(&c->in, piece, got);
    if (c->state == CLIENT_UPGRADING && got) (void)take_head(w, c);
    while (c->state == CLIENT_OPEN && !w->failed && take_frame(w, c)) {
    }
    return got > 0;
}

void client_forget(struct sim_client *c)
{
    const uint32_t index = c->index;

    bytes_fini(&c->in);
    bytes_fini(&c->message);
    free(c->held);
    *c = (struct sim_client){.index = index};
}
