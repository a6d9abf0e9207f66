#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/trace.h"
#include "conn/parts.h"
#include "net/os.h"
#include "wire/deflate.h"

/* A send takes microseconds; asking for the time at each would be a hundredth of that. */
enum { SENDS_PER_LOOK = 8, YOUNG_MS = 1000 };

/* What waits in the process is counted with a sign, and compared with an eighth more than its limit. */
#define BYTES_MAX (INT64_MAX / 2)

/* ---- totals ---- */

struct conn_totals *conn_totals_new(const struct conn_options *options)
{
    struct conn_totals *t = calloc(1, sizeof *t);
    bool by_ip = options && (options->by_ip.connections_max || options->by_ip.per_second);

    if (!t) return NULL;
    if (by_ip && clients_new(&options->by_ip, &t->clients)) {
        free(t);
        return NULL;
    }
    if (pthread_mutex_init(&t->lock, NULL)) {
        clients_free(t->clients);
        free(t);
        return NULL;
    }
    return t;
}

void conn_totals_free(struct conn_totals *t)
{
    if (!t) return;
    while (t->places) {
        struct output_place *place = t->places;

        t->places = place->next;
        free(place);
    }
    (void)pthread_mutex_destroy(&t->lock);
    clients_free(t->clients);
    free(t);
}

static size_t limit_of(const struct conn_set *s, enum conn_kind kind)
{
    return kind == CONN_KIND_HTTP ? s->options.http_max : s->options.websockets_max;
}

void conn_uncount(struct conn *c)
{
    if (!c->counted) return;
    c->counted = false;
    atomic_fetch_sub_explicit(&c->set->totals->open[c->kind], 1, memory_order_relaxed);
}

bool conn_count_as(struct conn *c, enum conn_kind kind)
{
    atomic_size_t *open = &c->set->totals->open[kind];

    if (atomic_fetch_add_explicit(open, 1, memory_order_relaxed) >= limit_of(c->set, kind)) {
        atomic_fetch_sub_explicit(open, 1, memory_order_relaxed);
        return false;
    }
    conn_uncount(c);
    counter_sub(&c->set->stats.open[c->kind], 1);
    c->kind = (uint8_t)kind;
    counter_add(&c->set->stats.open[kind], 1);
    counter_add(&c->set->stats.opened[kind], 1);
    c->counted = true;
    return true;
}

/* ---- limits by address ---- */

bool conn_account(struct conn *c, bool connects)
{
    struct clients *clients = c->set->totals->clients;
    bool failed;

    if (!clients) return true;
    if (!client_is(c->account, &c->peer.client)) {
        conn_account_leave(c);
        c->account = clients_enter(clients, &c->peer.client, conn_now_ms(c), &failed);
        if (failed) return false;
    }
    if (!c->account || !connects) return true;
    if (!c->connected) {
        client_connect(c->account);
        c->connected = true;
        c->crowded = client_crowds(clients, c->account);
    } else if (c->crowded) { /* others may have gone meanwhile; who was let in once stays in */
        c->crowded = client_crowds(clients, c->account);
    }
    return !c->crowded;
}

void conn_account_leave(struct conn *c)
{
    if (c->account) clients_leave(c->set->totals->clients, c->account, c->connected, conn_now_ms(c));
    c->account = NULL;
    c->connected = c->crowded = false;
}

bool conn_may_ask(struct conn *c, uint64_t *out_wait_s)
{
    if (!c->account || client_ask(c->set->totals->clients, c->account, conn_now_ms(c), out_wait_s)) return true;
    counter_add(&c->set->stats.refused_rate, 1);
    return false;
}

void conn_pay(struct conn *c, uint64_t count)
{
    if (c->account && count) client_pay(c->set->totals->clients, c->account, count, conn_now_ms(c));
}

/* ---- slots ---- */

static bool add_chunk(struct conn_set *s)
{
    struct conn *chunk;

    if (s->chunk_count == s->chunk_cap) {
        size_t cap = s->chunk_cap ? 2 * s->chunk_cap : 16;
        struct conn **more = realloc(s->chunks, cap * sizeof(struct conn *));

        if (!more) return false;
        s->chunks = more;
        s->chunk_cap = cap;
    }
    chunk = calloc(CONNS_PER_CHUNK, sizeof *chunk);
    if (!chunk) return false;
    for (size_t i = CONNS_PER_CHUNK; i-- > 0;) {
        chunk[i].set = s;
        chunk[i].slot = (uint32_t)(s->chunk_count * CONNS_PER_CHUNK + i);
        chunk[i].generation = 1;
        chunk[i].next_later = s->free;
        s->free = &chunk[i];
    }
    s->chunks[s->chunk_count++] = chunk;
    return true;
}

static struct conn *slot_take(struct conn_set *s)
{
    struct conn *c;

    if (!s->free && !add_chunk(s)) return NULL;
    c = s->free;
    s->free = c->next_later;
    *c = (struct conn){.set = s, .slot = c->slot, .generation = c->generation, .state = CONN_OPEN, .watch = {.fd = -1}};
    return c;
}

/* The parsers go only now: whoever ended the connection may have been reading what they lent. */
static void slot_give_back(struct conn *c)
{
    if (c->kind == CONN_KIND_WEBSOCKET)
        ws_side_close(c);
    else if (c->kind == CONN_KIND_IPC)
        ipc_side_close(c);
    else
        http_side_close(c);
    transport_close(c);
    c->state = CONN_FREE;
    c->next_later = c->set->free;
    c->set->free = c;
}

struct conn_id conn_id_of(const struct conn *c)
{
    return (struct conn_id){c->set->worker, c->slot, c->generation};
}

struct conn *conn_find(struct conn_set *s, struct conn_id id)
{
    struct conn *c;

    if (id.worker != s->worker || id.generation == 0 || id.slot / CONNS_PER_CHUNK >= s->chunk_count) return NULL;
    c = &s->chunks[id.slot / CONNS_PER_CHUNK][id.slot % CONNS_PER_CHUNK];
    return c->generation == id.generation && c->state != CONN_FREE ? c : NULL;
}

/* ---- adopting ---- */

static struct address address_of(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;

        return address_of_v4((const uint8_t *)&in->sin_addr, ntohs(in->sin_port));
    }
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)from;

        return address_of_v6(in->sin6_addr.s6_addr, ntohs(in->sin6_port));
    }
    return (struct address){.kind = from->ss_family == AF_UNIX ? ADDRESS_LOCAL : ADDRESS_UNKNOWN};
}

static void peer_read(struct conn *c)
{
    const struct os *os = c->set->os;
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;

    if (os->getpeername(os->ctx, c->watch.fd, (struct sockaddr *)&from, &len)) from.ss_family = AF_UNSPEC;
    c->peer.client = address_of(&from);
    c->peer.loopback = c->loopback = address_is_loopback(&c->peer.client);
}

void conn_set_adopt(struct conn_set *s, int fd, enum conn_accepts accepts)
{
    enum conn_kind kind = accepts == CONN_ACCEPTS_IPC         ? CONN_KIND_IPC
                          : accepts == CONN_ACCEPTS_WEBSOCKET ? CONN_KIND_HANDSHAKE
                                                              : CONN_KIND_HTTP;
    struct conn *c = s->draining ? NULL : slot_take(s);
    const int on = 1;

    if (!c) {
        if (s->draining) counter_add(&s->stats.refused_draining, 1);
        s->os->close(s->os->ctx, fd);
        return;
    }
    c->watch = (struct loop_fd){.ready = conn_ready, .fd = fd};
    c->timer.fire = conn_timer_fired;
    c->kind = (uint8_t)kind;
    c->accepts = (uint8_t)accepts;
    c->alive_ms = c->since_ms = loop_now_ms(s->loop);
    counter_add(&s->stats.open[kind], 1);
    peer_read(c);
    (void)s->os->setsockopt(s->os->ctx, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* no TCP: no matter */
    if (kind == CONN_KIND_IPC) ipc_side_open(c);
    if ((kind != CONN_KIND_IPC && !http_side_open(c)) ||
        (s->tls && c->peer.client.kind == ADDRESS_IP && !transport_secure(c)) ||
        loop_fd_add(s->loop, &c->watch, EPOLLIN)) {
        conn_kill(c, false);
        return;
    }
    if (kind != CONN_KIND_IPC) proxied_begin(c);
    TRACE(conn, adopt, c->slot, fd);
    if (!conn_count_as(c, kind)) {
        counter_add(&s->stats.refused_limit, 1);
        /* A 503 is kinder than a reset, but only for as long as there are not many more of them. */
        if (kind == CONN_KIND_IPC || counter_get(&s->stats.open[kind]) > 2 * limit_of(s, kind) + 64)
            conn_kill(c, false);
        else
            c->in.http->refuse_all = true;
    }
    /* Who has as many as he may gets a 429 for what he asks; he who just goes on and on gets nothing. */
    if (c->state == CONN_OPEN && (kind == CONN_KIND_IPC || !c->in.http->from_proxy) && !conn_account(c, true) &&
        (!c->account || client_floods(s->totals->clients, c->account))) {
        counter_add(&s->stats.refused_address, 1);
        conn_kill(c, false);
    }
    if (c->state == CONN_OPEN) conn_timer_set(c);
}

/* ---- lists of a turn ---- */

void conn_mark_dirty(struct conn *c)
{
    if (c->is_dirty) return;
    c->is_dirty = true;
    c->next_dirty = c->set->dirty;
    c->set->dirty = c;
}

void conn_mark_later(struct conn *c)
{
    if (c->is_later) return;
    c->is_later = true;
    c->next_later = c->set->later;
    c->set->later = c;
}

void conn_set_published(struct conn_set *s, uint64_t published_ns)
{
    if (!s->published_ns) s->published_ns = published_ns;
}

/* So many sends are over since the clock was last read. */
static void observe(struct conn_set *s, uint64_t sends)
{
    if (s->published_ns && sends) histogram_add(&s->stats.notification, clock_monotonic_ns() - s->published_ns, sends);
}

void conn_set_flush(struct conn_set *s)
{
    uint64_t sends = 0;

    while (s->dirty) {
        struct conn *c = s->dirty;

        s->dirty = c->next_dirty;
        c->is_dirty = false;
        if (c->state != CONN_DEAD) conn_send(c);
        if (++sends == SENDS_PER_LOOK) {
            observe(s, sends);
            sends = 0;
        }
    }
    observe(s, sends);
    s->published_ns = 0;
    conn_output_publish(s);
}

/* The handler hears of it, and the id dies with that. */
static void tell_closed(struct conn *c)
{
    if (c->told_closed) return;
    c->told_closed = true;
    c->set->handler.closed(c->set->handler.ctx, c);
    c->attachment = NULL;
    if (++c->generation == 0) c->generation = 1;
}

static void do_later(struct conn_set *s)
{
    struct conn *c = s->later;

    s->later = NULL;
    while (c) {
        struct conn *next = c->next_later;

        c->is_later = false;
        if (c->wants_resume) {
            c->wants_resume = false;
            if (c->state != CONN_DEAD) conn_resume(c);
        }
        if (conn_has_room(c)) {
            c->wants_room = false;
            s->handler.room(s->handler.ctx, c);
        }
        if (c->state != CONN_OPEN) tell_closed(c);
        if (c->state == CONN_DEAD && !c->is_later) {
            if (c->is_dirty)
                conn_mark_later(c); /* after it has left that list */
            else
                slot_give_back(c);
        }
        c = next;
    }
}

static void turn_end(struct loop_hook *self)
{
    struct conn_set *s = CONTAINER_OF(self, struct conn_set, turn_end);

    conn_set_flush(s);
    while (s->later) {
        do_later(s);
        conn_set_flush(s);
    }
}

/* ---- life ---- */

/* Who says "never" by the largest number there is shall have that, and not a moment that has passed already. */
static void options_cut(struct conn_options *o)
{
    uint64_t *times[] = {&o->ping_interval_ms,
                         &o->ping_timeout_ms,
                         &o->handshake_timeout_ms,
                         &o->http_body_timeout_ms,
                         &o->http_idle_timeout_ms,
                         &o->notify_age_max_ms,
                         &o->linger_ms};

    for (size_t i = 0; i < COUNT_OF(times); i++) *times[i] = min_u64(*times[i], CLOCK_MS_MAX);
    o->output_bytes_max = (size_t)min_u64(o->output_bytes_max, BYTES_MAX);
    o->input_bytes_max = (size_t)min_u64(o->input_bytes_max, BYTES_MAX);
}

static void options_fill(struct conn_options *o)
{
    if (!o->websockets_max) o->websockets_max = 1000;
    if (!o->http_max) o->http_max = 1000;
    if (!o->ping_interval_ms) o->ping_interval_ms = 30000;
    if (!o->ping_timeout_ms) o->ping_timeout_ms = 10000;
    if (!o->message_len_max) o->message_len_max = (size_t)5 << 20;
    if (!o->handshake_timeout_ms) o->handshake_timeout_ms = 5000;
    if (!o->http_body_timeout_ms) o->http_body_timeout_ms = 30000;
    if (!o->http_idle_timeout_ms) o->http_idle_timeout_ms = 120000;
    if (!o->notify_bytes_max) o->notify_bytes_max = (size_t)16 << 20;
    if (!o->notify_age_max_ms) o->notify_age_max_ms = 10000;
    if (!o->reply_len_max) o->reply_len_max = 25000000;
    if (!o->linger_ms) o->linger_ms = 30000;
    if (!o->in_flight_max) o->in_flight_max = 1000;
    if (!o->deflate_piece_len || o->deflate_piece_len > PIECE_LEN_MAX) o->deflate_piece_len = PIECE_LEN_MAX;
    if (!o->output_bytes_max) o->output_bytes_max = (size_t)1 << 30;
    if (!o->input_bytes_max) o->input_bytes_max = (size_t)1 << 30;
    options_cut(o);
}

enum fan_status conn_set_new(struct loop *loop, uint32_t worker, const struct conn_options *options,
                             const struct conn_handler *handler, struct conn_totals *totals, struct conn_set **out)
{
    struct conn_set *s = calloc(1, sizeof *s);

    if (!s) return FAN_ENOMEM;
    s->loop = loop;
    s->os = loop_os(loop);
    s->worker = worker;
    if (options) s->options = *options;
    options_fill(&s->options);
    s->handler = *handler;
    s->totals = totals;
    if (conn_set_use_tls(s, s->options.tls) || !output_place_open(s)) {
        transport_set_fini(s);
        free(s);
        return FAN_ENOMEM;
    }
    out_pool_init(&s->pool);
    buf_init(&s->host, 0);
    buf_init(&s->scratch, 0);
    s->memo = http_memo_new(); /* without it each head is read */
    s->turn_end.run = turn_end;
    loop_hook_add(loop, &s->turn_end);
    *out = s;
    return FAN_OK;
}

void conn_set_free(struct conn_set *s)
{
    if (!s) return;
    loop_hook_remove(s->loop, &s->turn_end);
    output_place_close(s);
    s->draining = true;
    for (size_t i = 0; i < s->chunk_count * CONNS_PER_CHUNK; i++) {
        struct conn *c = conn_at_slot(s, i);

        if (c->state == CONN_FREE) continue;
        conn_kill(c, false);
        tell_closed(c);
        slot_give_back(c);
    }
    conn_output_publish(s);
    for (size_t i = 0; i < s->chunk_count; i++) free(s->chunks[i]);
    free(s->chunks);
    out_pool_fini(&s->pool);
    buf_fini(&s->host);
    buf_fini(&s->scratch);
    http_memo_free(s->memo);
    deflater_free(s->deflater);
    transport_set_fini(s);
    free(s);
}

/* It has just come, or has asked just now: a request may be on its way that we have not read yet. It gets its answer,
 * as who has asked already. */
static bool may_ask(const struct conn *c)
{
    return conn_now_ms(c) - c->alive_ms < (c->in.http->fresh ? YOUNG_MS : CONN_DRAIN_IDLE_MS);
}

void conn_set_drain(struct conn_set *s)
{
    s->draining = true;
    for (size_t i = 0; i < s->chunk_count * CONNS_PER_CHUNK; i++) {
        struct conn *c = conn_at_slot(s, i);

        if (c->state != CONN_OPEN) continue;
        if (c->kind == CONN_KIND_WEBSOCKET)
            conn_close(c, WS_CLOSE_GOING_AWAY, "server is shutting down");
        else if (c->kind == CONN_KIND_IPC)
            ipc_drain(c);
        else if (c->in_flight || http_parser_phase(c->in.http->parser) != HTTP_PHASE_IDLE)
            continue;
        else if (may_ask(c))
            conn_timer_set(c);
        else
            conn_finish(c);
    }
}

size_t conn_set_count(const struct conn_set *s, enum conn_transport transport)
{
    const struct counter *open = s->stats.open;

    switch (transport) {
    case CONN_HTTP:
        break;
    case CONN_WEBSOCKET:
        return counter_get(&open[CONN_KIND_WEBSOCKET]);
    case CONN_IPC:
        return counter_get(&open[CONN_KIND_IPC]);
    }
    return counter_get(&open[CONN_KIND_HTTP]) + counter_get(&open[CONN_KIND_HANDSHAKE]);
}

const struct conn_stats *conn_set_stats(const struct conn_set *s)
{
    return &s->stats;
}

const struct conn_options *conn_set_options(const struct conn_set *s)
{
    return &s->options;
}
