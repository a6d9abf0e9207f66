#include "app/notices.h"

#include "base/clock.h"
#include "base/log.h"

static const char *reason(enum conn_slow why)
{
    switch (why) {
    case CONN_SLOW_MEMORY:
        return "memory";
    case CONN_SLOW_AGE:
        return "age";
    case CONN_SLOW_STALLED:
        return "stalled";
    case CONN_SLOW_PROCESS:
        return "process";
    case CONN_SLOW_UNREAD:
        break;
    }
    return "close not read";
}

void notices_slow(struct notices *n, const struct conn *c, enum conn_slow why, size_t waiting, bool reset)
{
    uint64_t second = clock_monotonic_ms() / 1000;
    char who[ADDRESS_TEXT_MAX];

    if (second != n->second) *n = (struct notices){.second = second};
    if (++n->count > NOTICES_PER_SECOND) {
        if (n->count == NOTICES_PER_SECOND + 1)
            log_warn("conn", "more slow readers in this second are only counted", NULL);
        return;
    }
    address_text(&conn_peer_of(c)->client, who);
    log_warn("conn", reset ? "slow reader reset" : "slow reader closed",
             LOG_WITH(log_str("peer", who), log_str("reason", reason(why)), log_u64("waiting", waiting)));
}

/* What came since it was told. */
static uint64_t news(uint64_t *told, const struct counter *c)
{
    uint64_t now = counter_get(c), since = now - *told;

    *told = now;
    return since;
}

void notices_each_second(struct notices_told *told, const struct conn_stats *now)
{
    uint64_t limit = news(&told->limit, &now->refused_limit), host = news(&told->host, &now->refused_host),
             origin = news(&told->origin, &now->refused_origin), token = news(&told->token, &now->refused_token),
             address = news(&told->address, &now->refused_address), rate = news(&told->rate, &now->refused_rate),
             draining = news(&told->draining, &now->refused_draining),
             protocol = news(&told->protocol, &now->protocol_errors), pings = news(&told->pings, &now->ping_timeouts);

    if (limit || host || origin || token || address || rate || draining)
        log_warn("conn", "refused",
                 LOG_WITH(log_u64("limit", limit), log_u64("host", host), log_u64("origin", origin),
                          log_u64("token", token), log_u64("address", address), log_u64("rate", rate),
                          log_u64("draining", draining)));
    if (pings) log_info("conn", "pings not answered", LOG_WITH(log_u64("closed", pings)));
    if (protocol) log_debug("conn", "protocol errors", LOG_WITH(log_u64("count", protocol)));
}
