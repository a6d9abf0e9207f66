/* What is served beside JSON-RPC: whether we live, whether we are ready, what we count. */
#include "app/metrics.h"
#include "app/page.h"
#include "app/parts.h"
#include "app/status.h"

#define TEXT_PLAIN SLICE("text/plain; charset=utf-8")

static void live(struct server *s, struct conn *c)
{
    (void)s;
    conn_respond(c, 200, TEXT_PLAIN, SLICE("ok\n"));
}

static void ready(struct server *s, struct conn *c)
{
    const char *reason = status_unready(s);
    struct buf text;

    if (!reason) {
        conn_respond(c, 200, TEXT_PLAIN, SLICE("ready\n"));
        return;
    }
    buf_init(&text, 0);
    buf_printf(&text, "%s\n", reason);
    conn_respond(c, 503, TEXT_PLAIN, buf_peek(&text));
    buf_fini(&text);
}

static void respond(struct conn *c, struct slice content_type, struct buf *body)
{
    if (body->failed)
        conn_respond(c, 503, TEXT_PLAIN, SLICE("out of memory\n"));
    else
        conn_respond(c, 200, content_type, buf_peek(body));
    buf_fini(body);
}

static void metrics(struct server *s, struct conn *c)
{
    struct buf text;

    buf_init(&text, 0);
    metrics_put(s, &text);
    respond(c, SLICE(METRICS_CONTENT_TYPE), &text);
}

static void status(struct server *s, struct conn *c)
{
    struct json_writer w;
    struct buf text;

    buf_init(&text, 0);
    w = json_writer_of(&text);
    status_put_json(s, &w);
    buf_put_byte(&text, '\n');
    respond(c, SLICE("application/json"), &text);
}

static const struct route {
    const char *path;
    void (*serve)(struct server *s, struct conn *c);
    bool guarded; /* by --metrics-access */
} routes[] = {
    {"/livez", live, false},
    {"/readyz", ready, false},
    {"/metrics", metrics, true},
    {"/status", status, true},
};

bool metrics_access_of(const char *text, enum metrics_access *out)
{
    static const char *const words[] = {
        [METRICS_LOOPBACK] = "loopback", [METRICS_ALL] = "all", [METRICS_NONE] = "none"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(text, words[i]) != 0) continue;
        *out = (enum metrics_access)i;
        return true;
    }
    return false;
}

bool routes_may_read(const struct server *s, const struct conn_peer *peer)
{
    switch (s->options.metrics_access) {
    case METRICS_ALL:
        return true;
    case METRICS_LOOPBACK:
        return peer->loopback;
    case METRICS_NONE:
        break;
    }
    return false;
}

/* What a browser gets where JSON-RPC is posted to. Who may not see it is told so with the status that a health check
 * wants: it may have asked as browsers do. */
static bool page(const struct server *s, struct conn *c)
{
    if (s->options.no_status_page) return false;
    if (routes_may_read(s, conn_peer_of(c)))
        conn_respond_with(c, 200, SLICE("text/html; charset=utf-8"), page_headers, page_html);
    else
        conn_respond_with(c, 200, TEXT_PLAIN, SLICE("Vary: Accept\r\n"),
                          SLICE("JSON-RPC is posted here; the status page is not for you (--metrics-access)\n"));
    return true;
}

bool routes_serve(struct server *s, struct conn *c, struct slice path, bool open)
{
    if (!path.len) return !open && page(s, c);
    for (const struct route *r = routes; r < routes + COUNT_OF(routes); r++) {
        if (!slice_eq_str(path, r->path)) continue;
        if (open || !r->guarded || routes_may_read(s, conn_peer_of(c)))
            r->serve(s, c);
        else
            conn_respond(c, 403, TEXT_PLAIN, SLICE("not from here (--metrics-access, --metrics-port)\n"));
        return true;
    }
    return false;
}
