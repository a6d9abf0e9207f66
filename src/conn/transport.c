/* What leaves and comes through a socket: as it is, or through TLS.
 *
 * Sealed bytes cannot be taken back: a record that the socket took half of must leave whole. So what is sealed counts
 * as sent for the outbox, and what the socket refuses of it waits here, in front of the outbox: at most one send's
 * worth. It counts as output that waits in the process. Parts that leave in one send are gathered into records of 16
 * KB, as few as they need, since each record costs 22 bytes and each send 5 µs.
 *
 * Notifications that wait are shared, and what is sealed is this reader's alone. So a send has four records
 * where the socket is as good as empty, and one where it was full a moment ago, or still has what it could not let out:
 * with four for all a thousand readers that stalled kept 62 MB of sealed bytes, or next to none, as the events happened
 * to come one by one or in a burst that met the end of the room in a socket. */
#include <errno.h>
#include <stdlib.h>

#include "base/trace.h"
#include "conn/parts.h"
#include "net/os.h"

enum {
    SEAL_LEN_MAX = 4 * TLS_PLAIN_MAX, /* of one send */
    WAIT_LEN_MAX = 8 * TLS_PLAIN_MAX  /* then a client that makes us answer its handshake messages is not read on */
};

/* What a worker's sessions share. */
struct tls_room {
    struct buf sealed;                       /* by the call under way */
    uint8_t record[TLS_PLAIN_MAX];           /* small parts, gathered */
    uint8_t plain[READ_LEN + TLS_FEED_ROOM]; /* what a read said; lent to parsers */
};

enum fan_status conn_set_use_tls(struct conn_set *s, struct tls_identity *identity)
{
    if (identity && !s->tls_room) {
        s->tls_room = malloc(sizeof *s->tls_room);
        if (!s->tls_room) return FAN_ENOMEM;
        buf_init(&s->tls_room->sealed, 0);
    }
    identity = tls_identity_ref(identity);
    tls_identity_unref(s->tls);
    s->tls = identity;
    return FAN_OK;
}

void transport_set_fini(struct conn_set *s)
{
    tls_identity_unref(s->tls);
    if (s->tls_room) buf_fini(&s->tls_room->sealed);
    free(s->tls_room);
}

/* ---- life ---- */

bool transport_secure(struct conn *c)
{
    struct secure_side *side = calloc(1, sizeof *side);

    if (!side) return false;
    side->tls = tls_session_new(c->set->tls);
    if (!side->tls) {
        free(side);
        return false;
    }
    c->secure = side;
    return true;
}

void transport_drop_waiting(struct conn *c)
{
    struct secure_side *side = c->secure;

    if (!side) return;
    c->set->pool.waiting -= (int64_t)side->len;
    free(side->at);
    side->at = NULL;
    side->len = side->from = 0;
}

void transport_close(struct conn *c)
{
    if (!c->secure) return;
    transport_drop_waiting(c);
    tls_session_free(c->secure->tls);
    free(c->secure);
    c->secure = NULL;
}

/* ---- out ---- */

static ssize_t send_parts(struct conn *c, struct iovec *parts, size_t count)
{
    const struct os *os = c->set->os;
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent;

    do sent = os->sendmsg(os->ctx, c->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent > 0) {
        counter_add(&c->set->stats.sends, 1);
        counter_add(&c->set->stats.bytes_out[c->kind], (uint64_t)sent);
    }
    return sent;
}

static ssize_t send_bytes(struct conn *c, const uint8_t *at, size_t len)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)at, .iov_len = len}; /* sendmsg() reads only */

    return send_parts(c, &part, 1);
}

/* Puts aside what the socket did not take. */
static bool keep(struct conn *c, struct slice rest)
{
    struct secure_side *side = c->secure;
    size_t before = side->len - side->from;
    uint8_t *at = malloc(before + rest.len);

    assert(before + rest.len <= UINT32_MAX);
    if (!at) {
        errno = ENOMEM;
        return false;
    }
    if (before) memcpy(at, side->at + side->from, before);
    memcpy(at + before, rest.at, rest.len);
    transport_drop_waiting(c);
    side->at = at;
    side->len = (uint32_t)(before + rest.len);
    c->set->pool.waiting += (int64_t)side->len;
    return true;
}

/* Sends what waits. False: some still does (errno EAGAIN), or the socket failed. */
static bool send_waiting(struct conn *c)
{
    struct secure_side *side = c->secure;

    while (side->from < side->len) {
        ssize_t sent = send_bytes(c, side->at + side->from, side->len - side->from);

        if (sent < 0) return false;
        side->from += (uint32_t)sent;
    }
    transport_drop_waiting(c);
    return true;
}

/* Sends what has been sealed into the room, or lets it wait. False: the socket failed. */
static bool send_sealed(struct conn *c)
{
    struct slice bytes = buf_peek(&c->set->tls_room->sealed);
    ssize_t sent = 0;

    if (bytes.len && !transport_waits(c)) {
        sent = send_bytes(c, bytes.at, bytes.len);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent < 0) sent = 0;
    }
    return (size_t)sent == bytes.len || keep(c, slice_from(bytes, (size_t)sent));
}

size_t transport_send_max(const struct conn *c)
{
    if (!c->secure) return OUT_SEND_LEN_MAX;
    return c->blocked ? TLS_PLAIN_MAX : SEAL_LEN_MAX;
}

/* How many bytes of the parts to seal now. Who gets one record is not asked about, which most events are. */
static size_t seal_max(const struct conn *c, const struct iovec *parts, size_t count)
{
    const struct os *os = c->set->os;
    size_t len = 0;

    for (size_t i = 0; i < count && len <= TLS_PLAIN_MAX; i++) len += parts[i].iov_len;
    if (len > TLS_PLAIN_MAX && os->unsent && os->unsent(os->ctx, c->watch.fd)) return TLS_PLAIN_MAX;
    return transport_send_max(c);
}

/* Seals the parts, gathered into records. Returns how many of their bytes; less than all where seal_max() is reached,
 * -1 when memory ran out. */
static ssize_t seal_parts(struct conn *c, const struct iovec *parts, size_t count)
{
    struct tls_room *room = c->set->tls_room;
    struct tls_session *tls = c->secure->tls;
    size_t gathered = 0, total = 0, max = seal_max(c, parts, count);
    bool good = true;

    for (size_t i = 0; good && i < count && total < max; i++) {
        struct slice part = slice_of(parts[i].iov_base, parts[i].iov_len);

        while (good && part.len && total < max) {
            size_t len = min_u64(part.len, TLS_PLAIN_MAX - gathered);

            if (len == TLS_PLAIN_MAX) { /* a whole record lies there already */
                good = tls_seal(tls, slice_first(part, len), &room->sealed);
            } else {
                memcpy(room->record + gathered, part.at, len);
                gathered += len;
                if (gathered == TLS_PLAIN_MAX) {
                    good = tls_seal(tls, slice_of(room->record, gathered), &room->sealed);
                    gathered = 0;
                }
            }
            total += len;
            part = slice_from(part, len);
        }
    }
    if (good && gathered) good = tls_seal(tls, slice_of(room->record, gathered), &room->sealed);
    if (!good) errno = ENOMEM;
    return good ? (ssize_t)total : -1;
}

ssize_t transport_send(struct conn *c, struct iovec *parts, size_t count)
{
    ssize_t sealed;

    if (!c->secure) return send_parts(c, parts, count);
    if (!send_waiting(c)) return -1;
    if (count == 0) return 0;
    buf_reset(&c->set->tls_room->sealed);
    sealed = seal_parts(c, parts, count);
    return sealed < 0 || send_sealed(c) ? sealed : -1;
}

bool transport_reads_on(const struct conn *c)
{
    return !c->secure || c->secure->len - c->secure->from <= WAIT_LEN_MAX;
}

bool transport_say_goodbye(struct conn *c)
{
    if (!c->secure || c->secure->farewell) return true;
    c->secure->farewell = true;
    buf_reset(&c->set->tls_room->sealed);
    tls_goodbye(c->secure->tls, &c->set->tls_room->sealed);
    return send_sealed(c);
}

/* ---- in ---- */

static void count_handshake(struct conn *c)
{
    struct secure_side *side = c->secure;

    if (side->greeted || !tls_is_ready(side->tls)) return;
    side->greeted = true;
    counter_add(&c->set->stats.tls_handshakes, 1);
    if (tls_is_resumed(side->tls)) counter_add(&c->set->stats.tls_resumed, 1);
}

enum transport_outcome transport_open(struct conn *c, uint8_t *at, size_t len, uint8_t **out_at, size_t *out_len)
{
    struct tls_room *room = c->set->tls_room;
    struct secure_side *side = c->secure;
    enum tls_outcome outcome;

    if (!side->spoke && tls_is_plain_http(at[0])) {
        counter_add(&c->set->stats.tls_refused, 1);
        transport_close(c); /* so the answer leaves as it is, the only way it can be read */
        http_refuse(c, 400, "this port speaks TLS: the address begins with https:// or wss://");
        return TRANSPORT_REFUSED;
    }
    side->spoke = true;
    buf_reset(&room->sealed);
    outcome = tls_feed(side->tls, slice_of(at, len), room->plain, out_len, &room->sealed);
    *out_at = room->plain;
    count_handshake(c);
    if (room->sealed.failed || !send_sealed(c)) {
        conn_kill(c, false);
        return TRANSPORT_REFUSED;
    }
    if (transport_waits(c)) conn_mark_dirty(c); /* the next send finds the socket blocked, and watches it */
    if (outcome == TLS_REFUSED) {
        TRACE(conn, tls_refuse, c->slot, tls_is_ready(side->tls));
        counter_add(&c->set->stats.tls_refused, 1);
        conn_finish(c); /* behind the alert */
        return TRANSPORT_REFUSED;
    }
    return outcome == TLS_ENDED ? TRANSPORT_ENDED : TRANSPORT_GOES_ON;
}
