#include "upstream/url.h"

static const struct {
    const char *prefix;
    bool tls, websocket;
    uint16_t port;
} schemes[] = {
    {"http://", false, false, 80},
    {"https://", true, false, 443},
    {"ws://", false, true, 80},
    {"wss://", true, true, 443},
};

struct slice base64(struct slice in, struct arena *a)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = (in.len + 2) / 3 * 4;
    uint8_t *out = arena_bytes(a, len ? len : 1);

    if (!out) return slice_of(NULL, 0);
    for (size_t i = 0, at = 0; i < in.len; i += 3, at += 4) {
        uint32_t bits = (uint32_t)in.at[i] << 16;

        if (i + 1 < in.len) bits |= (uint32_t)in.at[i + 1] << 8;
        if (i + 2 < in.len) bits |= in.at[i + 2];
        out[at] = (uint8_t)digits[bits >> 18];
        out[at + 1] = (uint8_t)digits[bits >> 12 & 63];
        out[at + 2] = i + 1 < in.len ? (uint8_t)digits[bits >> 6 & 63] : '=';
        out[at + 3] = i + 2 < in.len ? (uint8_t)digits[bits & 63] : '=';
    }
    return slice_of(out, len);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* "%41" is A; a % that begins no such thing stays. */
static struct slice percent_decode(struct slice in, struct arena *a)
{
    uint8_t *out = arena_bytes(a, in.len + 1);
    size_t len = 0;

    if (!out) return slice_of(NULL, 0);
    for (size_t i = 0; i < in.len; i++) {
        if (in.at[i] == '%' && i + 2 < in.len && hex_digit(in.at[i + 1]) >= 0 && hex_digit(in.at[i + 2]) >= 0) {
            out[len++] = (uint8_t)(hex_digit(in.at[i + 1]) << 4 | hex_digit(in.at[i + 2]));
            i += 2;
        } else {
            out[len++] = in.at[i];
        }
    }
    return slice_of(out, len);
}

static bool find(struct slice in, uint8_t byte, size_t *out)
{
    const uint8_t *at = in.len ? memchr(in.at, byte, in.len) : NULL;

    if (!at) return false;
    *out = (size_t)(at - in.at);
    return true;
}

static enum fan_status read_port(struct slice text, uint16_t *out, struct fan_error *err)
{
    unsigned port = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || port > 65535)
            return fan_error_set(err, FAN_EINVAL, "the port \"%.*s\" is no number from 1 to 65535", SLICE_ARGS(text));
        port = port * 10 + (unsigned)(text.at[i] - '0');
    }
    if (!port || port > 65535)
        return fan_error_set(err, FAN_EINVAL, "the port \"%.*s\" is no number from 1 to 65535", SLICE_ARGS(text));
    *out = (uint16_t)port;
    return FAN_OK;
}

/* host, host:port or [v6]:port. */
static enum fan_status read_authority(struct slice text, struct arena *a, struct url *out, struct fan_error *err)
{
    struct slice host = text, port = {0};
    size_t at;

    if (text.len && text.at[0] == '[') {
        if (!find(text, ']', &at)) return fan_error_set(err, FAN_EINVAL, "\"[\" without \"]\" in its host");
        host = slice_of(text.at + 1, at - 1);
        text = slice_from(text, at + 1);
        if (text.len && text.at[0] != ':')
            return fan_error_set(err, FAN_EINVAL, "what is \"%.*s\" behind its host?", SLICE_ARGS(text));
        if (text.len) port = slice_from(text, 1);
        if (text.len && !port.len) return fan_error_set(err, FAN_EINVAL, "\":\" without a port");
    } else if (find(text, ':', &at)) {
        host = slice_first(text, at);
        port = slice_from(text, at + 1);
        if (!port.len) return fan_error_set(err, FAN_EINVAL, "\":\" without a port");
    }
    if (!host.len) return fan_error_set(err, FAN_EINVAL, "it names no host");
    if (port.len) {
        enum fan_status s = read_port(port, &out->port, err);

        if (s) return s;
    }
    out->host = arena_cstr(a, host);
    return out->host ? FAN_OK : fan_error_set(err, FAN_ENOMEM, "out of memory");
}

enum fan_status url_parse(const char *text, struct arena *a, struct url *out, struct fan_error *err)
{
    struct slice rest = slice_str(text), authority, user = {0};
    struct url url = {0};
    const char *prefix = NULL, *target;
    size_t at = 0;
    enum fan_status s;

    for (size_t i = 0; i < rest.len; i++)
        if (rest.at[i] <= ' ' || rest.at[i] == 0x7f)
            return fan_error_set(err, FAN_EINVAL, "it has a space or a control character in it");
    for (size_t i = 0; i < COUNT_OF(schemes) && !prefix; i++) {
        if (!slice_starts(rest, slice_str(schemes[i].prefix))) continue;
        prefix = schemes[i].prefix;
        url.tls = schemes[i].tls;
        url.websocket = schemes[i].websocket;
        url.port = schemes[i].port;
    }
    if (!prefix) return fan_error_set(err, FAN_EINVAL, "it begins with none of http://, https://, ws://, wss://");
    rest = slice_from(rest, strlen(prefix));
    while (at < rest.len && rest.at[at] != '/' && rest.at[at] != '?' && rest.at[at] != '#') at++;
    authority = slice_first(rest, at);
    rest = slice_from(rest, at);
    if (find(rest, '#', &at)) rest = slice_first(rest, at); /* a fragment never travels */
    for (size_t i = 0; i < authority.len; i++)              /* the last @ ends the user: a password may hold one */
        if (authority.at[i] == '@') user = slice_first(authority, i);
    if (user.at) authority = slice_from(authority, user.len + 1);
    s = read_authority(authority, a, &url, err);
    if (s) return s;
    url.authority = arena_dup(a, authority);
    if (user.len) url.basic = base64(percent_decode(user, a), a);
    target = arena_printf(a, "%s%.*s", rest.len && rest.at[0] == '/' ? "" : "/", SLICE_ARGS(rest));
    url.shown = arena_printf(a, "%s%.*s%.*s", prefix, SLICE_ARGS(authority), SLICE_ARGS(rest));
    if (!url.authority.at || !target || !url.shown || (user.len && !url.basic.at))
        return fan_error_set(err, FAN_ENOMEM, "out of memory");
    url.target = slice_str(target);
    *out = url;
    return FAN_OK;
}
