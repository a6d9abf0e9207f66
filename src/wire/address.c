#include "wire/address.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { V4_AT = 12, V4_BITS = 96 };

static const uint8_t v4_prefix[V4_AT] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const uint8_t ip[16])
{
    return memcmp(ip, v4_prefix, sizeof v4_prefix) == 0;
}

struct address address_of_v4(const uint8_t ip[4], uint16_t port)
{
    struct address a = {.port = port, .kind = ADDRESS_IP};

    memcpy(a.ip, v4_prefix, sizeof v4_prefix);
    memcpy(a.ip + V4_AT, ip, 4);
    return a;
}

struct address address_of_v6(const uint8_t ip[16], uint16_t port)
{
    struct address a = {.port = port, .kind = ADDRESS_IP};

    memcpy(a.ip, ip, sizeof a.ip);
    return a;
}

void address_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "";
    bool v4 = is_v4(a->ip);

    if (a->kind != ADDRESS_IP) {
        (void)snprintf(out, ADDRESS_TEXT_MAX, "%s", a->kind == ADDRESS_LOCAL ? "local" : "unknown");
        return;
    }
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, a->ip + (v4 ? V4_AT : 0), ip, sizeof ip);
    if (!a->port)
        (void)snprintf(out, ADDRESS_TEXT_MAX, "%s", ip);
    else
        (void)snprintf(out, ADDRESS_TEXT_MAX, v4 ? "%.15s:%u" : "[%.39s]:%u", ip, a->port);
}

/* ---- reading ---- */

static bool ip_parse(struct slice text, struct address *out)
{
    char ip[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (text.len >= sizeof ip || memchr(text.at, 0, text.len)) return false;
    memcpy(ip, text.at, text.len);
    ip[text.len] = '\0';
    if (inet_pton(AF_INET, ip, bytes) == 1)
        *out = address_of_v4(bytes, 0);
    else if (inet_pton(AF_INET6, ip, bytes) == 1)
        *out = address_of_v6(bytes, 0);
    else
        return false;
    return true;
}

static bool number_parse(struct slice text, unsigned max, unsigned *out)
{
    unsigned v = 0;

    if (text.len == 0 || text.len > 5) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') return false;
        v = v * 10 + (unsigned)(text.at[i] - '0');
    }
    *out = v;
    return v <= max;
}

/* Where the port's colon is, and which part is the address. False: neither form. */
static bool split(struct slice text, struct slice *out_ip, struct slice *out_port)
{
    const uint8_t *colon, *end;

    *out_port = slice_of(NULL, 0);
    if (text.len && text.at[0] == '[') {
        end = memchr(text.at, ']', text.len);
        if (!end) return false;
        *out_ip = slice_of(text.at + 1, (size_t)(end - text.at) - 1);
        text = slice_from(text, (size_t)(end - text.at) + 1);
        if (text.len && text.at[0] != ':') return false;
        if (text.len) *out_port = slice_from(text, 1);
        return memchr(out_ip->at, ':', out_ip->len) && (text.len == 0 || out_port->len);
    }
    *out_ip = text;
    colon = text.len ? memchr(text.at, ':', text.len) : NULL;
    if (!colon || memchr(colon + 1, ':', text.len - (size_t)(colon - text.at) - 1)) return true; /* IPv6 has several */
    *out_ip = slice_first(text, (size_t)(colon - text.at));
    *out_port = slice_from(text, out_ip->len + 1);
    return out_port->len > 0;
}

bool address_parse(struct slice text, struct address *out)
{
    struct slice ip, port;
    struct address a;
    unsigned number = 0;

    if (!split(text, &ip, &port) || ip.len == 0 || !ip_parse(ip, &a)) return false;
    if (port.len && !number_parse(port, UINT16_MAX, &number)) return false;
    a.port = (uint16_t)number;
    *out = a;
    return true;
}

bool address_is_loopback(const struct address *a)
{
    static const uint8_t one[16] = {[15] = 1};

    if (a->kind != ADDRESS_IP) return a->kind == ADDRESS_LOCAL;
    return is_v4(a->ip) ? a->ip[V4_AT] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

/* ---- networks ---- */

bool network_parse(struct slice text, struct network *out)
{
    const uint8_t *slash = text.len ? memchr(text.at, '/', text.len) : NULL;
    struct slice ip = slash ? slice_first(text, (size_t)(slash - text.at)) : text;
    struct address a;
    unsigned bits, max;

    if (ip.len == 0 || !ip_parse(ip, &a)) return false;
    max = memchr(ip.at, ':', ip.len) ? 128 : 32;
    bits = max;
    if (slash && !number_parse(slice_from(text, ip.len + 1), max, &bits)) return false;
    memcpy(out->ip, a.ip, sizeof out->ip);
    out->bits = (uint8_t)(max == 32 ? bits + V4_BITS : bits);
    return true;
}

bool network_holds(const struct network *n, const struct address *a)
{
    size_t whole = n->bits / 8;
    unsigned rest = n->bits % 8;

    if (a->kind != ADDRESS_IP || memcmp(n->ip, a->ip, whole) != 0) return false;
    return rest == 0 || (n->ip[whole] ^ a->ip[whole]) >> (8 - rest) == 0;
}

bool networks_hold(const struct network *n, size_t count, const struct address *a)
{
    for (size_t i = 0; i < count; i++)
        if (network_holds(&n[i], a)) return true;
    return false;
}
