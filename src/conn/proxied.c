/* Whom a proxy speaks for. Its word counts where its address is a trusted one: in the PROXY header in front of the
 * connection, and in the headers of a request. From anybody else such headers change nothing but that the request is
 * not loopback any more (http.c). */
#include "conn/parts.h"
#include "wire/forwarded.h"
#include "wire/proxy.h"

static bool is_trusted(const struct conn *c, const struct address *a)
{
    const struct conn_options *o = &c->set->options;

    return networks_hold(o->trusted_proxies, o->trusted_proxy_count, a);
}

void proxied_begin(struct conn *c)
{
    struct http_side *h = c->in.http;

    h->socket = c->peer.client;
    h->from_proxy = is_trusted(c, &h->socket);
    h->wants_proxy = h->from_proxy && c->set->options.proxy_protocol;
}

bool proxied_feed(struct conn *c, struct slice bytes, size_t *out_taken)
{
    struct http_side *h = c->in.http;
    struct proxy_header header;
    size_t before = h->proxy.len, len = 0;
    enum proxy_outcome outcome;

    /* Nearly always it comes whole, and is read where it lies. */
    if (before) buf_put(&h->proxy, slice_first(bytes, min_u64(bytes.len, PROXY_LEN_MAX)));
    outcome = proxy_read(before ? buf_peek(&h->proxy) : bytes, &header, &len);
    if (outcome == PROXY_NEEDS_MORE && !before) buf_put(&h->proxy, bytes);
    if (outcome == PROXY_REFUSES || h->proxy.failed) {
        counter_add(&c->set->stats.proxy_refused, 1);
        conn_kill(c, false); /* an answer would be read by whoever is behind the proxy */
        return false;
    }
    *out_taken = outcome == PROXY_GOT ? len - before : bytes.len;
    if (outcome == PROXY_NEEDS_MORE) return true;
    buf_fini(&h->proxy);
    h->wants_proxy = false;
    c->loopback = c->peer.loopback = false;
    if (!header.has_client) return true;
    c->peer.client = h->socket = header.client;
    h->from_proxy = is_trusted(c, &h->socket); /* there may be one more in front of it */
    return true;
}

void proxied_request(struct conn *c, const struct http_request *r)
{
    const struct conn_options *o = &c->set->options;
    const struct http_side *h = c->in.http;

    c->peer.client = h->socket;
    c->peer.secure = c->secure != NULL;
    c->peer.loopback = c->loopback && !r->forwarded;
    if (r->forwarded && h->from_proxy)
        forwarded_read(r, o->trusted_proxies, o->trusted_proxy_count, &c->peer.client, &c->peer.secure);
}
