/* notices: what happens to connections, as lines of the log, few enough to be read.
 *
 * A slow reader is told by itself, at most NOTICES_PER_SECOND of a worker in a second. What strangers can cause as often
 * as they like (refusals, broken protocol, pings not answered) is told together, once a second, as how many there were.
 *
 * Not here: how a line is written (base/log.h), what is counted (conn/metrics.def). */
#ifndef APP_NOTICES_H
#define APP_NOTICES_H

#include "conn/conn.h"

enum { NOTICES_PER_SECOND = 20 };

/* One worker's; zeroed at first. */
struct notices {
    uint64_t second; /* monotonic */
    unsigned count;  /* lines in it */
};

/* For conn_handler.slow. The worker's thread. */
void notices_slow(struct notices *n, const struct conn *c, enum conn_slow why, size_t waiting, bool reset);

/* What was told of the connections so far; the first worker's thread, once a second. */
struct notices_told {
    uint64_t limit, host, origin, token, address, rate, draining, protocol, pings;
};
void notices_each_second(struct notices_told *told, const struct conn_stats *now);

#endif
