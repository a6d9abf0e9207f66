/* clients: how many connections each address has, and how much it asked lately; for all workers together.
 *
 * An account is found by address when a connection begins (or when a proxy says for whom it speaks): that is under one
 * of 64 locks, chosen by the address. What happens for each request then is one compare-and-swap on the account.
 *
 * Requests have a bucket of tokens, kept as the one moment at which it will be full again (GCRA): asking moves that
 * moment on by the price, and who has moved it further than the burst allows must wait. A batch asks as one and pays
 * for the rest of its items afterwards, so it may overdraw the bucket once and then waits longer.
 *
 * An account lasts while somebody has entered it, and then until its bucket is full: going away and coming back buys
 * nothing. Of those that only wait for that at most `idle_max` are kept, the oldest go first, so memory is bounded
 * however many addresses come by. An IPv6 address is counted with its /64, since that is what one customer has.
 *
 * Not here: who the client is (conn/set.c, conn/http.c), what he is told. Thread: any. */
#ifndef CONN_CLIENTS_H
#define CONN_CLIENTS_H

#include "wire/address.h"

/* Zero: no such limit. */
struct clients_options {
    uint64_t connections_max; /* of one address */
    uint64_t per_second;      /* requests of one address, over time; at most a million */
    uint64_t burst;           /* and how many at once [ten seconds' worth] */
    size_t idle_max;          /* accounts kept for their debts alone [65,536] */
};

struct clients;
struct client; /* an account */

FAN_MUST_CHECK enum fan_status clients_new(const struct clients_options *options, struct clients **out);
void clients_free(struct clients *c); /* every account must have been left; NULL is fine */

/* The address's account, entered once more. Addresses that are none (a Unix socket) have none: NULL, as also where
 * memory ran out, which *out_failed tells. */
struct client *clients_enter(struct clients *c, const struct address *who, uint64_t now_ms, bool *out_failed);
/* connected: client_connect() was called meanwhile. a NULL is fine. */
void clients_leave(struct clients *c, struct client *a, bool connected, uint64_t now_ms);
/* Is it the account of that address? */
bool client_is(const struct client *a, const struct address *who);

/* One connection more of its own, until it is left: what a proxy sends over a connection for many clients is none. */
void client_connect(struct client *a);
/* Has it more connections than it may? */
bool client_crowds(const struct clients *c, const struct client *a);
/* Twice as many, and more: those that are being refused. */
bool client_floods(const struct clients *c, const struct client *a);
/* May it ask now? Then that is one token. Else *out_wait_s: how long until it may, at least 1. */
bool client_ask(const struct clients *c, struct client *a, uint64_t now_ms, uint64_t *out_wait_s);
/* So many tokens more, whether there or not. */
void client_pay(const struct clients *c, struct client *a, uint64_t count, uint64_t now_ms);

size_t clients_count(struct clients *c); /* accounts in memory, for tests and metrics */

#endif
