#include "upstream/client.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "upstream/link.h"

enum {
    TIMEOUT_MS = 45000,
    BACKOFF_MS = 1000,
    RETRIES = 5,
    PAUSE_MS_MAX = 30000,
    BODY_LEN_MAX = 64 << 20,
    DEPTH_MAX = 2048
};

struct client {
    struct client_options options;
    struct arena_home memory;
    struct url url;
    struct slice extra; /* header lines */
    struct stream_tls *tls;
    pthread_mutex_t lock; /* over the idle ones */
    struct link *idle[CLIENT_IDLE_MAX];
    size_t idle_count;
    atomic_uint_fast64_t ids, calls;
    atomic_bool answered; /* ever */
    atomic_bool lost;     /* and has not since the last try */
};

/* ---- life ---- */

/* A header line that would not smuggle another. */
static enum fan_status check_header(const char *line, struct fan_error *err)
{
    const char *colon = strchr(line, ':');

    if (!colon || colon == line)
        return fan_error_set(err, FAN_EINVAL, "the header \"%s\" is not \"Name: value\"", line);
    for (const char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f || (at < colon && *at == ' '))
            return fan_error_set(err, FAN_EINVAL, "the header \"%.*s\" has a control character or a space in its name",
                                 (int)(colon - line), line);
    return FAN_OK;
}

static enum fan_status make_extra(struct client *c, const struct client_options *o, struct arena *a,
                                  struct fan_error *err)
{
    struct buf lines;
    enum fan_status s = FAN_OK;

    buf_init(&lines, 0);
    if (c->url.basic.len) {
        buf_put_str(&lines, "Authorization: Basic ");
        buf_put(&lines, c->url.basic);
        buf_put_str(&lines, "\r\n");
    }
    for (size_t i = 0; i < o->header_count && !s; i++) {
        s = check_header(o->headers[i], err);
        buf_printf(&lines, "%s\r\n", o->headers[i]);
    }
    c->extra = arena_dup(a, buf_peek(&lines));
    if (!s && (lines.failed || !c->extra.at)) s = fan_error_set(err, FAN_ENOMEM, "out of memory");
    buf_fini(&lines);
    return s;
}

enum fan_status client_new(const struct client_options *o, struct client **out, struct fan_error *err)
{
    struct client *c = calloc(1, sizeof *c);
    struct arena a;
    enum fan_status s;

    if (!c) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    c->options = *o;
    if (!c->options.timeout_ms) c->options.timeout_ms = TIMEOUT_MS;
    c->options.timeout_ms = min_u64(c->options.timeout_ms, CLOCK_MS_MAX);
    if (!c->options.backoff_ms) c->options.backoff_ms = BACKOFF_MS;
    if (!c->options.retries) c->options.retries = RETRIES;
    if (c->options.no_retries) c->options.retries = 0;
    if (!c->options.body_len_max) c->options.body_len_max = BODY_LEN_MAX;
    if (!c->options.halt_fd) c->options.halt_fd = -1;
    c->options.url = NULL; /* the caller's */
    c->options.headers = NULL;
    (void)pthread_mutex_init(&c->lock, NULL);
    arena_home_init(&c->memory, 0);
    a = arena_of(&c->memory);
    s = url_parse(o->url, &a, &c->url, err);
    if (!s) s = make_extra(c, o, &a, err);
    if (!s && c->url.tls) s = stream_tls_new(&c->tls, err);
    if (s)
        client_free(c);
    else
        *out = c;
    return s;
}

void client_free(struct client *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->idle_count; i++) link_close(c->idle[i]);
    stream_tls_free(c->tls);
    arena_home_fini(&c->memory);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

const char *client_url(const struct client *c)
{
    return c->url.shown;
}

uint64_t client_calls(const struct client *c)
{
    return atomic_load(&c->calls);
}

/* ---- connections ---- */

static struct link *take_idle(struct client *c)
{
    struct link *l = NULL;

    (void)pthread_mutex_lock(&c->lock);
    while (!l && c->idle_count) {
        l = c->idle[--c->idle_count];
        if (!link_is_stale(l)) break;
        link_close(l);
        l = NULL;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return l;
}

static void put_idle(struct client *c, struct link *l)
{
    (void)pthread_mutex_lock(&c->lock);
    if (c->idle_count < CLIENT_IDLE_MAX) {
        c->idle[c->idle_count++] = l;
        l = NULL;
    }
    (void)pthread_mutex_unlock(&c->lock);
    link_close(l);
}

/* ---- one try ---- */

struct attempt {
    bool refused;            /* nobody is there */
    bool hopeless;           /* another try would end alike */
    bool lost;               /* no answer, or one of a server that has none to give */
    bool free;               /* broke off on a connection that had been idle: not the node's failure */
    uint64_t pause_ms_least; /* the node asks for it */
};

/* What a response without a usable body means. */
static enum fan_status judge_status(const struct link_reply *r, bool once, struct attempt *t, struct fan_error *err)
{
    size_t len = r->body.len < 200 ? r->body.len : 200;

    t->hopeless = r->status != 429 && (once ? r->status != 503 : r->status != 408 && r->status < 500);
    t->lost = r->status >= 500;
    if (r->has_retry_after) t->pause_ms_least = r->retry_after_s * 1000;
    for (size_t i = 0; i < len; i++) /* a page of HTML tells a person little */
        if (r->body.at[i] == '<' || r->body.at[i] < ' ') len = i;
    return fan_error_set(err, FAN_EREMOTE, "HTTP status %u%s%.*s", r->status, len ? ": " : "", (int)len,
                         (const char *)r->body.at);
}

static enum fan_status one_try(struct client *c, struct slice body, uint64_t id, struct arena *a, struct json *out,
                               struct attempt *t, struct fan_error *err)
{
    struct link *l = take_idle(c);
    bool was_idle = l != NULL;
    uint64_t deadline_ms = clock_monotonic_ms() + c->options.timeout_ms;
    struct link_reply reply = {0};
    enum fan_status s = FAN_OK;

    atomic_fetch_add(&c->calls, 1);
    if (!l) {
        struct link_options o = {&c->url, c->extra, c->tls, c->options.body_len_max, c->options.halt_fd};

        s = link_open(&o, deadline_ms, &l, &t->refused, err);
        t->hopeless = s == FAN_EREJECTED || s == FAN_ECLOSED;
        t->lost = s != FAN_ECLOSED;
        if (s) return s == FAN_ENOMEM ? s : FAN_EREMOTE;
    }
    s = link_call(l, body, id, deadline_ms, &reply, err);
    if (s) {
        t->free = was_idle && s != FAN_ETIMEOUT && s != FAN_ECLOSED && !(c->options.once && link_heard(l));
        link_close(l);
        t->hopeless = s == FAN_ECLOSED || s == FAN_EFORMAT || c->options.once;
        t->lost = s != FAN_ECLOSED && !t->free;
        return s == FAN_ENOMEM ? s : FAN_EREMOTE;
    }
    /* Servers answer errors of JSON-RPC under other statuses too: what has a body of JSON is read first. */
    {
        struct slice copy = arena_dup(a, reply.body);
        struct fan_error why = {{0}};

        s = copy.at ? json_parse(copy, DEPTH_MAX, a, out, &why) : FAN_ENOMEM;
        if (s == FAN_EFORMAT || s == FAN_ELIMIT ||
            (!s && reply.status != 200 && json_is(json_get(*out, "error"), JSON_MISSING)) ||
            (!s && (reply.status == 429 || (reply.status >= 500 && !c->options.once)))) {
            s = reply.status == 200 ? fan_error_set(err, FAN_EREMOTE, "its answer is no JSON: %s", why.text)
                                    : judge_status(&reply, c->options.once, t, err);
            if (reply.status == 200) t->hopeless = true;
        }
    }
    if (reply.keep)
        put_idle(c, l);
    else
        link_close(l);
    return s;
}

/* Waits before the next try; false: everything is to end. */
static bool pause_ms(struct client *c, uint64_t ms)
{
    struct pollfd p = {.fd = c->options.halt_fd, .events = POLLIN};

    return poll(&p, 1, (int)ms) <= 0;
}

/* ---- a call ---- */

/* Services say "too many" inside JSON too. */
static bool is_rate_limit(int64_t code, struct slice message)
{
    static const char *const words[] = {"rate limit", "Too Many Requests", "too many requests", "compute units"};

    if (code == 429) return true;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (message.len && memmem(message.at, message.len, words[i], strlen(words[i]))) return true;
    return false;
}

static enum fan_status judge_reply(struct json reply, struct arena *a, struct client_reply *out, struct attempt *t,
                                   struct fan_error *err)
{
    struct json error = json_get(reply, "error"), result = json_get(reply, "result");
    struct slice message;
    struct fan_error shown;

    if (json_kind(error) <= JSON_NULL) {
        if (json_is(result, JSON_MISSING)) {
            t->hopeless = true;
            return fan_error_set(err, FAN_EREMOTE, "its answer has neither result nor error");
        }
        out->result = result;
        return FAN_OK;
    }
    /* Some put their words in the place of the object. */
    message = json_str(json_is(error, JSON_STRING) ? error : json_get(error, "message"), a);
    out->code = -32000;
    if (json_is(json_get(error, "code"), JSON_NUMBER)) {
        char *text = arena_cstr(a, json_raw(json_get(error, "code")));

        out->code = text ? strtoll(text, NULL, 10) : -32000;
    }
    out->data = json_raw(json_get(error, "data"));
    (void)fan_error_set(&shown, FAN_OK, "%.*s", SLICE_ARGS(message));
    if (is_rate_limit(out->code, message)) return fan_error_set(err, FAN_EREMOTE, "%s", shown.text);
    if (err) *err = shown;
    return FAN_EREJECTED;
}

static void put_request(struct buf *b, const char *method, struct slice params, uint64_t id)
{
    struct json_writer w;

    buf_printf(b, "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":", id);
    w = json_writer_of(b);
    json_put_text(&w, method); /* a stranger's, maybe: what is in it must stay in it */
    buf_put_str(b, ",\"params\":");
    buf_put(b, params);
    buf_put_byte(b, '}');
}

static void tell_change(struct client *c, bool lost, const char *why)
{
    if (atomic_load(&c->lost) == lost || atomic_exchange(&c->lost, lost) == lost) return;
    if (c->options.changed) c->options.changed(c->options.ctx, c->url.shown, why);
}

enum fan_status client_call(struct client *c, const char *method, struct slice params, struct arena *a,
                            struct client_reply *out, struct fan_error *err)
{
    uint64_t id = atomic_fetch_add(&c->ids, 1) + 1;
    struct fan_error why = {{0}};
    struct buf body;
    unsigned tries = 0, free_tries = 0;
    enum fan_status s;

    buf_init(&body, 0);
    put_request(&body, method, params, id);
    for (;;) {
        struct attempt t = {0};
        struct json reply = {0};

        *out = (struct client_reply){0};
        s = body.failed ? body.failed : one_try(c, buf_peek(&body), id, a, &reply, &t, &why);
        if (!s) s = judge_reply(reply, a, out, &t, &why);
        if (s != FAN_EREMOTE) break;
        if (t.lost && atomic_load(&c->answered)) tell_change(c, true, why.text);
        if (t.free && free_tries++ < (c->options.once ? 1 : CLIENT_IDLE_MAX + 1)) continue;
        if (t.refused && !atomic_load(&c->answered)) t.hopeless = true; /* it was never there: a wrong URL */
        if (t.hopeless || tries == c->options.retries) break;
        tries++;
        if (!pause_ms(c, min_u64(max_u64(c->options.backoff_ms * tries, t.pause_ms_least), PAUSE_MS_MAX))) break;
    }
    buf_fini(&body);
    if (s != FAN_EREMOTE && s != FAN_ENOMEM) {
        atomic_store(&c->answered, true);
        tell_change(c, false, NULL);
    }
    if (s == FAN_EREMOTE) return fan_error_set(err, s, "%s: %s: %s", c->url.shown, method, why.text);
    if (s && err) *err = why;
    return s;
}
