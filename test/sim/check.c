/* What every byte that a client received is held against. */
#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "conn/parts.h"
#include "sim.h"

/* ---- notifications ---- */

static bool wants(const struct sim_sub *s, const struct sim_item *i)
{
    switch (s->stream) {
    case HUB_NEW_HEADS:
        return i->kind == ITEM_HEADER;
    case HUB_LOGS:
        return i->kind == ITEM_LOG && filter_wants(&s->filter, i);
    case HUB_PENDING_HASHES:
        return i->kind == ITEM_HASH;
    case HUB_PENDING_BODIES:
        return i->kind == ITEM_BODY;
    case HUB_RECEIPTS:
        return i->kind == ITEM_RECEIPTS;
    default:
        return false;
    }
}

/* The item it must hear next; item_count: it has heard all there is. */
static size_t next_item(const struct sim_model *m, const struct sim_sub *s)
{
    size_t at = s->next;

    while (at < m->item_count && !wants(s, &m->items[at])) at++;
    return at;
}

static bool is_text(const struct sim_item *i, struct slice text)
{
    return i->len == text.len && memcmp(i->text, text.at, text.len) == 0;
}

/* Says which promise the item breaks. */
static void accuse(struct sim_world *w, const struct sim_client *c, const struct sim_sub *s, size_t expected,
                   struct slice got)
{
    const struct sim_model *m = &w->model;
    const char *fault = "something that never was";

    for (size_t i = 0; i < m->item_count; i++) {
        if (!is_text(&m->items[i], got)) continue;
        if (!wants(s, &m->items[i]))
            fault = "what it did not ask for";
        else
            fault = i < s->next ? "a duplicate or a disorder" : "something too early: a hole";
        break;
    }
    sim_fail(w, "client %u, subscription %.10s: %s: got %.*s, expected %.*s", c->index, s->id, fault,
             got.len < 160 ? (int)got.len : 160, (const char *)got.at,
             expected < m->item_count && m->items[expected].len < 160 ? (int)m->items[expected].len : 160,
             expected < m->item_count ? m->items[expected].text : "nothing");
}

/* "false" comes again and again, so which state was told may be open until the next: all that are possible are kept. */
static void check_sync(struct sim_world *w, const struct sim_client *c, struct sim_sub *s, struct slice got)
{
    const struct sim_model *m = &w->model;
    uint64_t now = 0;

    for (size_t i = s->heard ? 1 : s->sync_lowest; i < m->sync_count; i++) {
        bool possible = !s->heard || s->syncs >> (i - 1) & 1;

        if (possible && slice_eq_str(got, m->syncs[i])) now |= 1ull << i;
    }
    if (!now)
        sim_fail(w, "client %u, subscription %.10s: syncing %.*s is not what follows", c->index, s->id,
                 SLICE_ARGS(got));
    s->syncs = now;
    s->heard = true;
}

static struct sim_sub *sub_find(struct sim_client *c, struct slice id)
{
    for (size_t i = 0; i < c->sub_count; i++)
        if (slice_eq(slice_of(c->subs[i].id, FRAME_ID_LEN), id)) return &c->subs[i];
    return NULL;
}

static void check_notification(struct sim_world *w, struct sim_client *c, struct json message)
{
    struct json params = json_get(message, "params");
    struct slice id = json_str_raw(json_get(params, "subscription")), got = json_raw(json_get(params, "result"));
    struct sim_sub *s = sub_find(c, id);
    size_t expected;

    w->notifications++;
    c->notifications++;
    if (json_count(message) != 3 || json_count(params) != 2) sim_fail(w, "client %u: keys nobody knows", c->index);
    if (!s) {
        sim_fail(w, "client %u: a notification comes before its id %.*s", c->index, SLICE_ARGS(id));
        return;
    }
    if (!s->live) {
        sim_fail(w, "client %u: a notification comes after unsubscribe answered true for %.*s", c->index,
                 SLICE_ARGS(id));
        return;
    }
    if (s->stream == HUB_SYNCING) {
        check_sync(w, c, s, got);
        return;
    }
    expected = next_item(&w->model, s);
    if (expected == w->model.item_count || !is_text(&w->model.items[expected], got)) {
        accuse(w, c, s, expected, got);
        return;
    }
    s->next = expected + 1;
    s->heard = true;
    if (s->next < c->told)
        sim_fail(w, "client %u, subscription %.10s: out of the order of one head change: %.*s", c->index, s->id,
                 got.len < 160 ? (int)got.len : 160, (const char *)got.at);
    c->told = s->next;
}

/* ---- replies ---- */

static size_t subscriptions_at_most(const struct sim_world *w, const struct sim_client *c)
{
    size_t count = 0;

    for (size_t i = 0; i < c->sub_count; i++) count += c->subs[i].live;
    for (size_t i = 0; i < w->request_count; i++) {
        const struct sim_request *r = &w->requests[i];

        if (r->socket != c->socket) continue;
        if (r->kind == REQUEST_SUBSCRIBE && !r->answered) count++;
        if (r->kind == REQUEST_UNSUBSCRIBE && r->sub >= 0) count++; /* it may have been there at the time */
    }
    return count;
}

static void check_error(struct sim_world *w, struct sim_client *c, const struct sim_request *r, struct json error)
{
    struct slice code = json_raw(json_get(error, "code"));

    if (memory_failures() > c->failures_before && slice_eq_str(code, "-32603")) return;
    if (r->kind == REQUEST_SUBSCRIBE && slice_eq_str(code, "-32000") &&
        subscriptions_at_most(w, c) >= SIM_SUBSCRIPTIONS_MAX)
        return;
    sim_fail(w, "client %u: request %zu is refused: %.*s", c->index, (size_t)(r - w->requests),
             SLICE_ARGS(json_raw(error)));
}

static void subscribed(struct sim_world *w, struct sim_client *c, const struct sim_request *r, struct json result)
{
    struct slice id = json_str_raw(result);
    struct sim_sub *s;

    if (id.len != FRAME_ID_LEN || memcmp(id.at, "0x", 2) != 0 || id.at[2] == '0') {
        sim_fail(w, "client %u: that is no id: %.*s", c->index, SLICE_ARGS(json_raw(result)));
        return;
    }
    if (sub_find(c, id)) sim_fail(w, "client %u: an id comes twice", c->index);
    if (c->sub_count == SIM_SUBS_MAX) abort(); /* more than a plan can ask for */
    s = &c->subs[c->sub_count++];
    *s = (struct sim_sub){.stream = r->stream, .filter = r->filter, .live = true, .sync_lowest = r->sync_lowest};
    memcpy(s->id, id.at, FRAME_ID_LEN);
    while (s->next < w->model.item_count && w->model.items[s->next].sequence <= r->since) s->next++;
}

/* Did another request end it? Answers to batches may overtake one another. */
static bool ended_by_another(const struct sim_world *w, const struct sim_request *r)
{
    for (size_t i = 0; i < w->request_count; i++) {
        const struct sim_request *o = &w->requests[i];

        if (o != r && o->kind == REQUEST_UNSUBSCRIBE && o->socket == r->socket && o->sub == r->sub && o->ran)
            return true;
    }
    return false;
}

static void unsubscribed(struct sim_world *w, struct sim_client *c, const struct sim_request *r, struct json result)
{
    struct sim_sub *s = r->sub >= 0 ? &c->subs[r->sub] : NULL;

    if (json_is(result, JSON_TRUE)) {
        if (!s || !s->live) sim_fail(w, "client %u: unsubscribed what was not there", c->index);
        if (s) s->live = false;
    } else if (!json_is(result, JSON_FALSE) || (s && s->live && !ended_by_another(w, r))) {
        sim_fail(w, "client %u: eth_unsubscribe answers %.*s", c->index, SLICE_ARGS(json_raw(result)));
    }
}

static void check_reply(struct sim_world *w, struct sim_client *c, struct json message)
{
    uint64_t id;
    struct sim_request *r;
    struct json result = json_get(message, "result");

    /* Where memory ran out before the id was read, nobody can say whose answer it is. */
    if (json_is(json_get(message, "id"), JSON_NULL) && memory_failures() > c->failures_before) {
        c->was_mute = true;
        return;
    }
    if (json_read_number_u64(json_get(message, "id"), &id) || id >= w->request_count ||
        w->requests[id].socket != c->socket) {
        sim_fail(w, "client %u: an answer to nobody: %.*s", c->index, SLICE_ARGS(json_raw(message)));
        return;
    }
    r = &w->requests[id];
    if (r->answered) sim_fail(w, "client %u: request %llu is answered twice", c->index, (unsigned long long)id);
    r->answered = true;
    if (!json_is(json_get(message, "error"), JSON_MISSING)) {
        check_error(w, c, r, json_get(message, "error"));
        return;
    }
    if (!r->ran) sim_fail(w, "client %u: request %llu is answered and never ran", c->index, (unsigned long long)id);
    switch (r->kind) {
    case REQUEST_SUBSCRIBE:
        subscribed(w, c, r, result);
        break;
    case REQUEST_UNSUBSCRIBE:
        unsubscribed(w, c, r, result);
        break;
    case REQUEST_ECHO:
    case REQUEST_LATER:
        if (json_str_raw(result).len != r->echo) sim_fail(w, "client %u: the answer is cut", c->index);
        break;
    }
}

/* ---- a message ---- */

static void check_message(struct sim_world *w, struct sim_client *c, struct slice text)
{
    struct arena_home home;
    struct arena a;
    struct json message;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    if (json_parse(text, JSON_DEPTH_MAX, &a, &message, NULL)) {
        sim_fail(w, "client %u: no JSON: %.*s", c->index, text.len < 200 ? (int)text.len : 200, (const char *)text.at);
    } else if (json_is(message, JSON_ARRAY)) {
        for (struct json i = json_first(message); !json_is(i, JSON_MISSING); i = json_next(i)) check_reply(w, c, i);
    } else if (json_str_is(json_get(message, "method"), "eth_subscription")) {
        check_notification(w, c, message);
    } else {
        check_reply(w, c, message);
    }
    arena_home_fini(&home);
}

/* ---- planted bugs ---- */

static const char HEAD[] = "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"";

static bool is_stream(struct sim_client *c, struct slice text)
{
    const struct sim_sub *s;

    if (text.len < sizeof HEAD + FRAME_ID_LEN || memcmp(text.at, HEAD, sizeof HEAD - 1) != 0) return false;
    s = sub_find(c, slice_of(text.at + sizeof HEAD - 1, FRAME_ID_LEN));
    return s && s->stream != HUB_SYNCING;
}

static bool same_stream(const struct sim_client *c, struct slice text)
{
    return text.len >= sizeof HEAD + FRAME_ID_LEN && memcmp(c->held, text.at, sizeof HEAD - 1 + FRAME_ID_LEN) == 0;
}

static void deliver_held(struct sim_world *w, struct sim_client *c)
{
    check_message(w, c, slice_of(c->held, c->held_len));
    free(c->held);
    c->held = NULL;
}

/* Between the wire and the checker. A notification is kept back until the next of its stream follows: only then is
 * dropping or swapping it a fault that must be seen. */
static bool plant(struct sim_world *w, struct sim_client *c, struct slice text)
{
    if (w->planted) return false;
    if (w->plant == PLANT_TWICE && is_stream(c, text)) {
        w->planted = true;
        check_message(w, c, text);
        return false;
    }
    if (w->plant == PLANT_TWICE) return false;
    if (c->held && same_stream(c, text)) {
        w->planted = true;
        check_message(w, c, text);
        if (w->plant == PLANT_SWAP && !w->failed) deliver_held(w, c);
        return true;
    }
    if (c->held) deliver_held(w, c);
    if (!is_stream(c, text)) return false;
    c->held = malloc(text.len);
    if (!c->held) abort();
    memcpy(c->held, text.at, text.len);
    c->held_len = text.len;
    return true;
}

void check_text(struct sim_world *w, struct sim_client *c, struct slice text)
{
    if (w->plant != PLANT_NONE && plant(w, c, text)) return;
    check_message(w, c, text);
}

/* ---- ends ---- */

void check_ended(struct sim_world *w, struct sim_client *c, bool reset)
{
    const struct sim_socket *s = &w->sockets[c->socket];
    bool memory = memory_failures() > c->failures_before;
    bool abrupt = c->own_end || s->hurt || memory;

    if (c->held) deliver_held(w, c);
    if (c->got_close && !c->own_end) {
        bool known = c->close_code == WS_CLOSE_TRY_LATER    ? c->was_slow || w->plan->tight
                     : c->close_code == WS_CLOSE_INTERNAL   ? c->was_slow || memory
                     : c->close_code == WS_CLOSE_GOING_AWAY ? w->draining
                                                            : false;

        if (c->close_code == WS_CLOSE_TRY_LATER) w->slow_ends++;
        if (!known) sim_fail(w, "client %u is closed with %u and no cause", c->index, c->close_code);
    }
    if (reset) {
        /* A slow one may be reset, and so may one that still talks when all has been said. */
        if (!abrupt && !c->was_slow && !c->got_close && !w->plan->tight)
            sim_fail(w, "client %u is reset without a cause", c->index);
        return;
    }
    if (abrupt) return;
    if (c->in.len) sim_fail(w, "client %u: the stream ends inside a frame", c->index);
    if (!c->got_close) sim_fail(w, "client %u: the stream ends without a close frame", c->index);
}

void check_all_told(struct sim_world *w)
{
    for (size_t i = 0; i < w->plan->clients && !w->failed; i++) {
        struct sim_client *c = &w->clients[i];

        if (c->held && c->state == CLIENT_OPEN) deliver_held(w, c);
        if (c->state != CLIENT_OPEN || c->said_end) continue;
        if (c->in.len) sim_fail(w, "client %zu: half a frame has come", i);
        for (size_t n = 0; n < c->sub_count; n++) {
            const struct sim_sub *s = &c->subs[n];
            size_t next = next_item(&w->model, s);

            if (!s->live) continue;
            if (s->stream == HUB_SYNCING && !(s->syncs >> (w->model.sync_count - 1) & 1))
                sim_fail(w, "client %zu, subscription %.10s: does not know the last state %s", i, s->id,
                         w->model.syncs[w->model.sync_count - 1]);
            if (next < w->model.item_count)
                sim_fail(w, "client %zu, subscription %.10s: never hears of %.160s", i, s->id,
                         w->model.items[next].text);
        }
        for (size_t n = 0; n < w->request_count; n++)
            if (w->requests[n].socket == c->socket && !w->requests[n].answered && !c->was_mute)
                sim_fail(w, "client %zu: request %zu is never answered", i, n);
    }
}

/* ---- limits ---- */

static void check_conn(struct sim_world *w, const struct conn *c)
{
    const struct conn_options *o = &w->plan->options;
    uint64_t age_ms;

    if (c->state != CONN_OPEN || c->kind != CONN_KIND_WEBSOCKET) return;
    if (outbox_behind(&c->out, &c->set->pool) > o->notify_bytes_max)
        sim_fail(w, "connection %d: %zu bytes of notifications wait", c->watch.fd,
                 outbox_behind(&c->out, &c->set->pool));
    if (c->blocked && outbox_oldest_ms(&c->out, &c->set->pool, conn_now_ms(c), &age_ms) &&
        age_ms > o->notify_age_max_ms + 1)
        sim_fail(w, "connection %d: a notification waits for %llu ms", c->watch.fd, (unsigned long long)age_ms);
}

static const struct conn *conn_at(const struct conn_set *s, size_t i)
{
    return &s->chunks[i / CONNS_PER_CHUNK][i % CONNS_PER_CHUNK];
}

void check_turn(struct sim_world *w, uint32_t worker)
{
    const struct conn_set *s = w->workers[worker].conns;

    for (size_t i = 0; i < s->chunk_count * CONNS_PER_CHUNK; i++) check_conn(w, conn_at(s, i));
}

/* The longest queue of the process may be another worker's than the one that noticed, so this is asked when all have
 * had their turn. Above the limit may wait what is being closed: one frame in progress, whole, and its goodbye. */
void check_rest(struct sim_world *w)
{
    int64_t waiting = 0, closing = 0;

    for (size_t n = 0; n < w->plan->workers; n++) {
        const struct conn_set *s = w->workers[n].conns;

        waiting += s->pool.waiting;
        for (size_t i = 0; i < s->chunk_count * CONNS_PER_CHUNK; i++) {
            const struct conn *c = conn_at(s, i);

            if (c->state != CONN_OPEN && c->state != CONN_FREE)
                closing += (c->out.first ? c->out.first->len : 0) + 4096;
        }
    }
    if (waiting < 0) sim_fail(w, "less than nothing waits: %lld bytes", (long long)waiting);
    if (waiting > (int64_t)w->plan->options.output_bytes_max + closing)
        sim_fail(w, "%lld bytes wait in the process, %zu may", (long long)waiting, w->plan->options.output_bytes_max);
}
