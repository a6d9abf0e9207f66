#include "wire/proxy.h"

enum {
    V1_LEN_MAX = 107, /* CRLF included */
    V2_HEADER_LEN = 16,
    V2_V4_LEN = 12,
    V2_V6_LEN = 36,
    V2_UNIX_LEN = 216
};

#define V1_BEGIN SLICE("PROXY ")
#define V2_BEGIN SLICE("\r\n\r\n\0\r\nQUIT\n")

/* Could these bytes still become that beginning? */
static bool may_begin(struct slice bytes, struct slice beginning)
{
    size_t len = bytes.len < beginning.len ? bytes.len : beginning.len;

    return len == 0 || memcmp(bytes.at, beginning.at, len) == 0;
}

/* ---- version 2 ---- */

static uint16_t be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static enum proxy_outcome read_v2(struct slice bytes, struct proxy_header *out, size_t *out_len)
{
    size_t len, need = 0;
    const uint8_t *body;

    if (bytes.len < V2_HEADER_LEN) return PROXY_NEEDS_MORE;
    len = be16(bytes.at + 14);
    if (bytes.at[12] >> 4 != 2 || (bytes.at[12] & 0xf) > 1 || len > PROXY_LEN_MAX - V2_HEADER_LEN) return PROXY_REFUSES;
    if (bytes.len < V2_HEADER_LEN + len) return PROXY_NEEDS_MORE;
    body = bytes.at + V2_HEADER_LEN;
    *out = (struct proxy_header){0};
    *out_len = V2_HEADER_LEN + len;
    if ((bytes.at[12] & 0xf) == 0) return PROXY_GOT; /* LOCAL: what follows is not to be read */
    switch (bytes.at[13]) {
    case 0x11: /* TCP over IPv4 */
        need = V2_V4_LEN;
        if (len >= need) out->client = address_of_v4(body, be16(body + 8));
        break;
    case 0x21: /* TCP over IPv6 */
        need = V2_V6_LEN;
        if (len >= need) out->client = address_of_v6(body, be16(body + 32));
        break;
    case 0x31: /* a Unix stream: somebody on the proxy's machine, who has no address */
        need = V2_UNIX_LEN;
        break;
    case 0x00:
        break;
    default:
        return PROXY_REFUSES; /* datagrams, and what nobody has defined */
    }
    if (len < need) return PROXY_REFUSES;
    out->has_client = out->client.kind == ADDRESS_IP;
    return PROXY_GOT;
}

/* ---- version 1 ---- */

/* Cuts the next word off, at exactly one blank. */
static struct slice next_word(struct slice *line)
{
    const uint8_t *blank = line->len ? memchr(line->at, ' ', line->len) : NULL;
    size_t len = blank ? (size_t)(blank - line->at) : line->len;
    struct slice word = slice_first(*line, len);

    *line = slice_from(*line, blank ? len + 1 : len);
    return word;
}

/* A port as the protocol wants it: decimal, no leading zero. */
static bool read_port(struct slice word, uint16_t *out)
{
    unsigned v = 0;

    if (word.len == 0 || word.len > 5 || (word.len > 1 && word.at[0] == '0')) return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] < '0' || word.at[i] > '9') return false;
        v = v * 10 + (unsigned)(word.at[i] - '0');
    }
    *out = (uint16_t)v;
    return v <= UINT16_MAX;
}

static bool read_line(struct slice line, struct proxy_header *out)
{
    struct slice family = next_word(&line), from, to, from_port, to_port;
    struct address client, server;
    uint16_t port, server_port;
    bool v6;

    *out = (struct proxy_header){0};
    if (slice_eq_str(family, "UNKNOWN")) return true; /* whatever follows */
    v6 = slice_eq_str(family, "TCP6");
    if (!v6 && !slice_eq_str(family, "TCP4")) return false;
    from = next_word(&line);
    to = next_word(&line);
    from_port = next_word(&line);
    to_port = line;
    if (!address_parse(from, &client) || !address_parse(to, &server) || client.port || server.port) return false;
    if ((memchr(from.at, ':', from.len) != NULL) != v6 || (memchr(to.at, ':', to.len) != NULL) != v6) return false;
    if (from.at[0] == '[' || to.at[0] == '[') return false;
    if (!read_port(from_port, &port) || !read_port(to_port, &server_port)) return false;
    client.port = port;
    out->client = client;
    out->has_client = true;
    return true;
}

static enum proxy_outcome read_v1(struct slice bytes, struct proxy_header *out, size_t *out_len)
{
    struct slice within = slice_first(bytes, bytes.len < V1_LEN_MAX ? bytes.len : V1_LEN_MAX);
    const uint8_t *end = memchr(within.at, '\n', within.len);
    size_t len;

    if (!end) return within.len == V1_LEN_MAX ? PROXY_REFUSES : PROXY_NEEDS_MORE;
    len = (size_t)(end - bytes.at) + 1;
    if (len < V1_BEGIN.len + 2 || end[-1] != '\r') return PROXY_REFUSES;
    if (!read_line(slice_of(bytes.at + V1_BEGIN.len, len - V1_BEGIN.len - 2), out)) return PROXY_REFUSES;
    *out_len = len;
    return PROXY_GOT;
}

enum proxy_outcome proxy_read(struct slice bytes, struct proxy_header *out, size_t *out_len)
{
    if (bytes.len == 0) return PROXY_NEEDS_MORE;
    if (may_begin(bytes, V2_BEGIN)) return bytes.len < V2_BEGIN.len ? PROXY_NEEDS_MORE : read_v2(bytes, out, out_len);
    if (may_begin(bytes, V1_BEGIN)) return bytes.len < V1_BEGIN.len ? PROXY_NEEDS_MORE : read_v1(bytes, out, out_len);
    return PROXY_REFUSES;
}
