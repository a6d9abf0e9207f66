/* What is counted by a number of the protocol, and the table of all that is. */
#include "conn/parts.h"

static const struct metric_row rows[] = {
#define METRIC_STRUCT struct conn_stats
#include "base/metric_rows.def"

#include "conn/metrics.def"
};

const struct metric_table conn_metrics = {rows, COUNT_OF(rows), sizeof(struct conn_stats)};

static enum conn_end by_server(uint16_t code)
{
    switch (code) {
    case 0:
        return CONN_END_SERVER_CUT;
    case WS_CLOSE_GOING_AWAY:
        return CONN_END_SERVER_1001;
    case WS_CLOSE_PROTOCOL_ERROR:
        return CONN_END_SERVER_1002;
    case WS_CLOSE_BAD_TEXT:
        return CONN_END_SERVER_1007;
    case WS_CLOSE_TOO_BIG:
        return CONN_END_SERVER_1009;
    case WS_CLOSE_INTERNAL:
        return CONN_END_SERVER_1011;
    case WS_CLOSE_TRY_LATER:
        return CONN_END_SERVER_1013;
    default:
        return CONN_END_SERVER_OTHER;
    }
}

static enum conn_end by_its_peer(uint16_t code)
{
    switch (code) {
    case 0:
        return CONN_END_PEER_CUT;
    case WS_CLOSE_NORMAL:
        return CONN_END_PEER_1000;
    case WS_CLOSE_GOING_AWAY:
        return CONN_END_PEER_1001;
    case WS_CLOSE_NO_CODE:
        return CONN_END_PEER_1005;
    default:
        return CONN_END_PEER_OTHER;
    }
}

void conn_count_end(struct conn *c, bool by_peer, uint16_t code)
{
    if (c->kind != CONN_KIND_WEBSOCKET || c->state != CONN_OPEN) return;
    counter_add(&c->set->stats.ended[by_peer ? by_its_peer(code) : by_server(code)], 1);
}

void conn_count_slow(struct conn *c, enum conn_slow why, bool reset)
{
    struct conn_set *s = c->set;

    if (why < CONN_SLOW_COUNT) counter_add(&s->stats.slow_closed[why], 1);
    if (reset) counter_add(&s->stats.slow_reset, 1);
    if (s->handler.slow) s->handler.slow(s->handler.ctx, c, why, c->out.bytes, reset);
}

void conn_count_response(struct conn *c, unsigned status)
{
    static const unsigned own[CONN_STATUS_OTHER] = {101, 200, 400, 403, 404, 408, 413, 415, 429, 503};
    size_t i = 0;

    while (i < COUNT_OF(own) && own[i] != status) i++;
    counter_add(&c->set->stats.responses[i], 1);
}
