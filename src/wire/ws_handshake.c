#include "wire/sha1.h"
#include "wire/ws.h"

enum { KEY_LEN = 24 }; /* 16 bytes in base64 */

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ws_accept_key(struct slice key, char out[WS_ACCEPT_LEN])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* section 1.3 */
    uint8_t text[KEY_LEN + sizeof guid - 1], digest[SHA1_LEN + 1];

    assert(key.len == KEY_LEN);
    memcpy(text, key.at, KEY_LEN);
    memcpy(text + KEY_LEN, guid, sizeof guid - 1);
    sha1(slice_of(text, sizeof text), digest);
    digest[SHA1_LEN] = 0; /* 20 bytes are one short of seven groups of three */
    for (size_t i = 0; i < WS_ACCEPT_LEN / 4; i++) {
        uint32_t group = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];

        for (size_t j = 0; j < 4; j++) out[4 * i + j] = ALPHABET[group >> (18 - 6 * j) & 63];
    }
    out[WS_ACCEPT_LEN - 1] = '=';
}

static bool key_is_valid(struct slice key)
{
    if (key.len != KEY_LEN || key.at[22] != '=' || key.at[23] != '=') return false;
    for (size_t i = 0; i < 22; i++)
        if (!key.at[i] || !strchr(ALPHABET, key.at[i])) return false;
    return true;
}

struct http_verdict ws_handshake_check(const struct http_request *r)
{
    if (!r->upgrade_websocket || !r->connection_upgrade)
        return (struct http_verdict){426,
                                     "this address speaks WebSocket: send Connection: Upgrade and Upgrade: websocket"};
    if (r->method != HTTP_METHOD_GET) return (struct http_verdict){405, "a WebSocket begins with GET"};
    if (r->minor < 1) return (struct http_verdict){400, "a WebSocket needs HTTP/1.1"};
    if (!slice_eq_str(r->ws_version, "13") || r->ws_key_repeated)
        return (struct http_verdict){r->ws_key_repeated ? 400 : 426, "Sec-WebSocket-Version must be 13, and said once"};
    if (!key_is_valid(r->ws_key)) return (struct http_verdict){400, "Sec-WebSocket-Key must be 16 bytes in base64"};
    if (r->body.len) return (struct http_verdict){400, "a WebSocket handshake has no body"};
    return (struct http_verdict){0};
}

void ws_handshake_put(struct buf *out, const struct http_request *r, struct slice protocol, struct slice extensions)
{
    char accept[WS_ACCEPT_LEN];

    ws_accept_key(r->ws_key, accept);
    buf_put(out, SLICE("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: "));
    buf_put(out, slice_of(accept, sizeof accept));
    if (protocol.len) {
        buf_put(out, SLICE("\r\nSec-WebSocket-Protocol: "));
        buf_put(out, protocol);
    }
    if (extensions.len) {
        buf_put(out, SLICE("\r\nSec-WebSocket-Extensions: "));
        buf_put(out, extensions);
    }
    buf_put(out, SLICE("\r\n\r\n"));
}
