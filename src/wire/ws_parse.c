#include "codec/utf8.h"
#include "wire/deflate.h"
#include "wire/ws.h"

enum { FIN = 0x80, RSV = 0x70, MASKED = 0x80, MESSAGE_LEN_MAX = 5 << 20, KEPT_MAX = 4096 };

void ws_parser_init(struct ws_parser *p, struct ws_parser_options options)
{
    *p = (struct ws_parser){.options = options};
    if (!p->options.message_len_max) p->options.message_len_max = MESSAGE_LEN_MAX;
    buf_init(&p->message, 0);
}

void ws_parser_fini(struct ws_parser *p)
{
    buf_fini(&p->message);
    inflater_free(p->inflater);
    p->inflater = NULL;
}

size_t ws_parser_held(const struct ws_parser *p)
{
    return p->lent ? 0 : p->message.len;
}

/* The last message, lent from our memory, is done with. */
static void take_back(struct ws_parser *p, size_t kept_max)
{
    if (p->lent) p->message.len = 0;
    p->lent = false;
    if (p->message.len == 0 && p->message.cap > kept_max) buf_fini(&p->message);
}

void ws_parser_trim(struct ws_parser *p)
{
    take_back(p, 0);
    if (p->message_opcode) return; /* one is under way */
    inflater_free(p->inflater);
    p->inflater = NULL;
}

bool ws_close_code_is_valid(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static enum ws_event_kind refuse(struct ws_parser *p, struct ws_event *out, uint16_t code, const char *why)
{
    p->ended = true;
    *out = (struct ws_event){.kind = WS_REFUSES, .code = code, .why = why};
    return WS_REFUSES;
}

static bool is_control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

static size_t header_len_of(const struct ws_parser *p)
{
    size_t short_len = p->header[1] & 127;

    if (p->header_len < 2) return 2;
    return (size_t)(2 + (short_len == 127 ? 8 : short_len == 126 ? 2 : 0) + (p->header[1] & MASKED ? WS_MASK_LEN : 0));
}

/* What the first two bytes tell already, so that nonsense is refused before more of it is waited for. NULL: nothing
 * wrong. */
static const char *wrong_start(const struct ws_parser *p)
{
    uint8_t first = p->header[0], opcode = first & 15, len = p->header[1] & 127;
    bool masked = p->header[1] & MASKED, data_start = opcode == WS_TEXT || opcode == WS_BINARY;

    if (first & RSV & ~WS_RSV1) return "reserved bits are set";
    if (first & WS_RSV1 && !(p->options.deflate && data_start)) return "RSV1 was not agreed on here";
    if (masked == p->options.client) return masked ? "a server must not mask" : "a client must mask";
    if (is_control(opcode)) {
        if (opcode > WS_PONG) return "unknown opcode";
        if (!(first & FIN)) return "a control frame must not be fragmented";
        if (len > WS_CONTROL_LEN_MAX) return "a control frame is longer than 125 bytes";
    } else {
        if (opcode > WS_BINARY) return "unknown opcode";
        if (opcode == WS_CONTINUATION && !p->message_opcode) return "a continuation without a beginning";
        if (data_start && p->message_opcode) return "a new message inside another";
    }
    return NULL;
}

static bool inflate_begin(struct ws_parser *p)
{
    if (p->inflater)
        inflater_reset(p->inflater);
    else
        p->inflater = inflater_new();
    return p->inflater != NULL;
}

/* Has the message room for a frame of that length? What a compressed one becomes is seen as it comes; compressed bytes
 * cost no memory, but a message of empty blocks alone must end too. */
static bool fits(const struct ws_parser *p, uint64_t len, bool compressed)
{
    uint64_t most = p->options.message_len_max;

    if (!compressed) return len <= most - p->message.len;
    most += most / 8 + 64;
    return p->wire_len <= most && len <= most - p->wire_len;
}

/* The header is complete: its length, and what the frame means for the message. */
static enum ws_event_kind begin_payload(struct ws_parser *p, struct ws_event *out)
{
    uint64_t len = p->header[1] & 127;
    uint8_t opcode = p->header[0] & 15;

    if (len == 126) {
        len = (uint64_t)p->header[2] << 8 | p->header[3];
        if (len < 126) return refuse(p, out, WS_CLOSE_PROTOCOL_ERROR, "a length is not in its shortest form");
    } else if (len == 127) {
        len = get_be64(p->header + 2);
        if (len < 65536 || len > INT64_MAX)
            return refuse(p, out, WS_CLOSE_PROTOCOL_ERROR, "a length is not in its shortest form");
    }
    if (p->header[1] & MASKED) memcpy(p->mask, p->header + p->header_len - WS_MASK_LEN, WS_MASK_LEN);
    p->mask_at = 0;
    p->left = len;
    p->opcode = opcode;
    p->fin = p->header[0] & FIN;
    if (opcode == WS_TEXT || opcode == WS_BINARY) {
        p->message_opcode = opcode;
        p->compressed = p->header[0] & WS_RSV1;
        p->wire_len = 0;
        p->utf8 = UTF8_WHOLE;
        if (p->compressed && !inflate_begin(p)) return refuse(p, out, WS_CLOSE_INTERNAL, "out of memory");
    }
    if (!is_control(opcode)) {
        if (!fits(p, len, p->compressed)) return refuse(p, out, WS_CLOSE_TOO_BIG, "the message is too long");
        p->wire_len += len;
    }
    assert(p->message.len <= UINT32_MAX);
    p->control_at = (uint32_t)p->message.len;
    p->header_len = 0;
    p->in_payload = true;
    return WS_NEEDS_MORE;
}

static enum ws_event_kind end_message(struct ws_parser *p, struct slice bytes, struct ws_event *out)
{
    if (p->message_opcode == WS_TEXT && p->utf8 != UTF8_WHOLE)
        return refuse(p, out, WS_CLOSE_BAD_TEXT, "the text is not UTF-8");
    *out = (struct ws_event){
        .kind = WS_GOT_MESSAGE, .binary = p->message_opcode == WS_BINARY, .compressed = p->compressed, .bytes = bytes};
    p->message_opcode = 0;
    return WS_GOT_MESSAGE;
}

static enum ws_event_kind end_control(struct ws_parser *p, struct slice bytes, struct ws_event *out)
{
    *out = (struct ws_event){.kind = p->opcode == WS_PING ? WS_GOT_PING : WS_GOT_PONG, .bytes = bytes};
    if (p->opcode != WS_CLOSE) return out->kind;

    *out = (struct ws_event){.kind = WS_GOT_CLOSE, .code = WS_CLOSE_NO_CODE};
    if (bytes.len == 1) return refuse(p, out, WS_CLOSE_PROTOCOL_ERROR, "a close code is cut off");
    if (bytes.len) {
        out->code = (uint16_t)(bytes.at[0] << 8 | bytes.at[1]);
        out->bytes = slice_from(bytes, 2);
        if (!ws_close_code_is_valid(out->code)) return refuse(p, out, WS_CLOSE_PROTOCOL_ERROR, "no such close code");
        if (utf8_check(UTF8_WHOLE, out->bytes) != UTF8_WHOLE)
            return refuse(p, out, WS_CLOSE_BAD_TEXT, "the close reason is not UTF-8");
    }
    p->ended = true;
    return WS_GOT_CLOSE;
}

/* Takes what the message inflates to from these bytes, or from none more: then it must be whole. Faults are told in the
 * order in which they stand in the inflated bytes, so that cuts change nothing. */
static enum ws_event_kind inflate_payload(struct ws_parser *p, struct slice bytes, bool ends, struct ws_event *out)
{
    size_t before = p->message.len, max = p->options.message_len_max;
    enum inflate_result result = inflater_feed(p->inflater, bytes, max, &p->message);

    if (!result && ends) result = inflater_end(p->inflater, max, &p->message);
    if (p->message_opcode == WS_TEXT) {
        p->utf8 = utf8_check(p->utf8, slice_from(buf_peek(&p->message), before));
        if (p->utf8 == UTF8_BAD) return refuse(p, out, WS_CLOSE_BAD_TEXT, "the text is not UTF-8");
    }
    switch (result) {
    case INFLATE_OK:
        return WS_NEEDS_MORE;
    case INFLATE_TOO_LONG:
        return refuse(p, out, WS_CLOSE_TOO_BIG, "the message is too long");
    case INFLATE_BAD:
        return refuse(p, out, WS_CLOSE_BAD_TEXT, "the message is not deflate data");
    case INFLATE_NO_MEMORY:
        break;
    }
    return refuse(p, out, WS_CLOSE_INTERNAL, "out of memory");
}

/* Takes len bytes of a compressed frame's payload, already unmasked. */
static enum ws_event_kind add_compressed(struct ws_parser *p, struct slice bytes, struct ws_event *out)
{
    bool ends;
    enum ws_event_kind kind;

    p->left -= bytes.len;
    ends = p->left == 0 && p->fin;
    kind = inflate_payload(p, bytes, ends, out);
    if (kind != WS_NEEDS_MORE || p->left) return kind;
    p->in_payload = false;
    if (!ends) return WS_NEEDS_MORE;
    p->lent = true;
    return end_message(p, buf_peek(&p->message), out);
}

/* Takes len bytes of the frame's payload, which may be all of it. */
static enum ws_event_kind add_payload(struct ws_parser *p, uint8_t *in, size_t len, struct ws_event *out)
{
    bool control = is_control(p->opcode), ends;
    struct slice bytes = slice_of(in, len);

    if (!p->options.client) p->mask_at = ws_mask(in, len, p->mask, p->mask_at);
    if (!control && p->compressed) return add_compressed(p, bytes, out);
    if (!control && p->message_opcode == WS_TEXT) {
        p->utf8 = utf8_check(p->utf8, bytes);
        if (p->utf8 == UTF8_BAD) return refuse(p, out, WS_CLOSE_BAD_TEXT, "the text is not UTF-8");
    }
    p->left -= len;
    ends = p->left == 0 && (control || p->fin);
    /* What is whole in the caller's bytes is lent from there; the rest is gathered behind what is here already. */
    if (!ends || p->message.len > (control ? p->control_at : 0)) {
        buf_put(&p->message, bytes);
        if (p->message.failed) return refuse(p, out, WS_CLOSE_INTERNAL, "out of memory");
        bytes = control ? slice_from(buf_peek(&p->message), p->control_at) : buf_peek(&p->message);
    }
    if (p->left) return WS_NEEDS_MORE;
    p->in_payload = false;
    if (control) {
        p->message.len = p->control_at; /* the bytes stay where they are until the next feed */
        return end_control(p, bytes, out);
    }
    if (!p->fin) return WS_NEEDS_MORE;
    p->lent = true;
    return end_message(p, bytes, out);
}

enum ws_event_kind ws_parser_feed(struct ws_parser *p, uint8_t *in, size_t len, size_t *out_taken, struct ws_event *out)
{
    size_t at = 0;
    enum ws_event_kind kind = WS_NEEDS_MORE;

    take_back(p, KEPT_MAX);
    while (kind == WS_NEEDS_MORE && !p->ended && (at < len || (p->in_payload && !p->left))) {
        if (p->in_payload) {
            size_t part = (size_t)min_u64(p->left, len - at);

            kind = add_payload(p, in + at, part, out);
            at += part;
        } else {
            size_t part = (size_t)min_u64(header_len_of(p) - p->header_len, len - at);
            const char *wrong;

            memcpy(p->header + p->header_len, in + at, part);
            p->header_len = (uint8_t)(p->header_len + part);
            at += part;
            if (p->header_len < 2) continue;
            wrong = p->header_len == 2 ? wrong_start(p) : NULL;
            if (wrong)
                kind = refuse(p, out, WS_CLOSE_PROTOCOL_ERROR, wrong);
            else if (p->header_len == header_len_of(p))
                kind = begin_payload(p, out);
        }
    }
    if (p->ended) at = len; /* nobody will read on */
    if (kind == WS_NEEDS_MORE) *out = (struct ws_event){.kind = WS_NEEDS_MORE};
    *out_taken = at;
    return kind;
}
