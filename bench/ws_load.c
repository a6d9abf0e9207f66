/* ws_load: N WebSockets with S subscriptions each, and what becomes of the events they wait for.
 *
 * One thread, one epoll; it reads every notification and holds each subscription's stream against the others
 * (track.h). One more connection, which subscribes to nothing, orders the events. What to do is a script of phases:
 *
 *   connect:N      open connections until there are N
 *   subscribe:S    subscribe until each of them has S
 *   stall:K        so many of the next connections get a small receive buffer and, once subscribed, are read no more
 *   lockstep:E     E events, each ordered when every subscriber has the one before: nothing can be gathered
 *   flood:E        E events ordered at once
 *   paced:E@R      E events, R a second
 *   fill:E         flood, for filling the sockets of stalled readers: not a figure
 *   wait:MS        just listen
 *
 * Each phase prints a line of JSON. Times begin when the order leaves us: `first_ms` and `last_ms` are the times to
 * the first and to the last subscriber (medians over the events), p50, p99 and max are over all notifications. cpu_us
 * is the server's processor time (all its threads) for a notification, load_cpu_us ours; bytes is the length of a
 * notification's text, wire_bytes that of its frame. With --skip-empty a block without
 * transactions is no event: geth's development mode seals some that nobody ordered. With --deflate the clients agree on
 * permessage-deflate, with --tls they speak TLS and believe any certificate. Faults end the run with exit code 1. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/kit.h"
#include "bench/ws_client.h"

enum { LATENCIES_MAX = 8 << 20, EVENTS_MAX = 1 << 20, CONNECT_AT_ONCE = 100, PATIENCE_MS = 30000, PIDS_MAX = 4 };

static struct {
    uint16_t port;
    int pids[PIDS_MAX];
    size_t pid_count;
    const char *method, *params; /* of the order for one event */
    const char *burst;           /* a method that takes their count instead; NULL: none */
    enum track_kind kind;
    uint64_t matching, logs_per_event;
    const char *address;
    size_t max_subscriptions; /* of all clients, for spreading the matching filters */

    struct ws_client **clients, control;
    size_t count, stall_next, waiting; /* waiting: answers still to come */
    uint64_t order_id, subscription_count;

    uint64_t events;             /* ordered so far, in all phases */
    uint64_t per_event;          /* notifications each event causes */
    uint64_t *ordered_ns, *left; /* of each event */
    bool tls, deflate, skip_empty;
    uint64_t notifications, bytes, wire_bytes, outstanding, last_ns;
    uint32_t *latencies_us;
    size_t latency_count;
    double *first_ms, *last_ms; /* of each event: from its order to the first and the last receipt */
    uint64_t phase_first;
    bool keep_latencies;
} load;

/* ---- sending ---- */

static void put_subscribe(struct buf *out, uint64_t id)
{
    char params[512];

    switch (load.kind) {
    case TRACK_HEADS:
        ws_client_put_call(out, id, "eth_subscribe", "[\"newHeads\"]");
        return;
    case TRACK_PENDING:
        ws_client_put_call(out, id, "eth_subscribe", "[\"newPendingTransactions\"]");
        return;
    case TRACK_LOGS: {
        /* All filters differ: they ask for the contract's first topic, or (all but the matching ones, which are spread
         * evenly) for one that never comes; the second position's alternatives make the matching ones distinct too. */
        uint64_t n = load.subscription_count++;
        bool matches = n % (load.max_subscriptions / load.matching) == 0 &&
                       n / (load.max_subscriptions / load.matching) < load.matching;

        (void)snprintf(params, sizeof params,
                       "[\"logs\",{\"address\":\"%s\",\"topics\":[\"0x%064x\",[\"0x%064x\",\"0x%064" PRIx64 "\"]]}]",
                       load.address, 1, matches ? 2 : 3, n + 16);
        ws_client_put_call(out, id, "eth_subscribe", params);
        return;
    }
    }
}

/* ---- receiving ---- */

static void got_event(uint64_t event, uint64_t now_ns)
{
    uint64_t took_ns;

    if (event >= load.events) {
        track_faults()->strange++;
        return;
    }
    took_ns = now_ns - load.ordered_ns[event];
    if (load.keep_latencies && load.latency_count < LATENCIES_MAX)
        load.latencies_us[load.latency_count++] = (uint32_t)(took_ns / 1000);
    load.notifications++;
    load.outstanding--;
    load.last_ns = now_ns;
    if (load.left[event] == load.per_event) load.first_ms[event] = (double)took_ns / 1e6;
    if (--load.left[event] == 0) load.last_ms[event] = (double)took_ns / 1e6;
}

static void got_upgrade(struct ws_client *c)
{
    (void)c;
    load.waiting--;
}

static void got_text(struct ws_client *c, const char *text, size_t len, size_t wire_len, uint64_t now_ns)
{
    uint64_t event;
    const char *id, *end;

    if (track_read(&c->subscriptions, text, len, &event)) {
        load.bytes += len;
        load.wire_bytes += wire_len;
        if (event != UINT64_MAX) got_event(event, now_ns);
        return;
    }
    load.waiting--;
    if (memmem(text, len, "\"error\":", 8)) die("the server refuses: %.*s", (int)len, text);
    if (c == &load.control) return;
    id = memmem(text, len, "\"result\":\"", 10);
    end = id ? memchr(id + 10, '"', len - (size_t)(id + 10 - text)) : NULL;
    if (!end) die("no subscription: %.*s", (int)len, text);
    track_add(&c->subscriptions, id + 10, (size_t)(end - id - 10));
}

static void await_answers(size_t more_than)
{
    while (load.waiting > more_than)
        if (!ws_clients_turn(PATIENCE_MS)) die("%zu answers did not come", load.waiting);
}

/* ---- connecting ---- */

static void connect_until(size_t count)
{
    load.clients = realloc(load.clients, count * sizeof(struct ws_client *));
    if (!load.clients) die("out of memory");
    while (load.count < count) {
        struct ws_client *c = calloc(1, sizeof *c);

        if (!c) die("out of memory");
        if (load.stall_next) {
            load.stall_next--;
            c->stalled = true;
        }
        load.clients[load.count++] = c;
        ws_client_open(c);
        load.waiting++;
        await_answers(CONNECT_AT_ONCE);
    }
    await_answers(0);
}

static void subscribe_until(size_t count)
{
    struct buf out;

    buf_init(&out, 0);
    for (size_t i = 0; i < load.count; i++) {
        struct ws_client *c = load.clients[i];

        buf_reset(&out);
        while (c->asked < count) {
            put_subscribe(&out, ++c->asked);
            load.waiting++;
        }
        if (buf_peek(&out).len) ws_client_send(c, &out);
        await_answers(CONNECT_AT_ONCE * count);
    }
    await_answers(0);
    buf_fini(&out);
    load.per_event = 0;
    for (size_t i = 0; i < load.count; i++) {
        struct ws_client *c = load.clients[i];

        if (!c->stalled)
            load.per_event += c->subscriptions.count;
        else
            ws_client_ignore(c);
    }
    if (load.kind == TRACK_LOGS) load.per_event = load.matching * load.logs_per_event;
}

/* ---- events ---- */

static void order(uint64_t count, bool at_once)
{
    struct buf out;
    char params[64];
    uint64_t now_ns;

    if (load.events + count > EVENTS_MAX) die("more than %d events", EVENTS_MAX);
    buf_init(&out, 0);
    if (at_once && load.burst) {
        (void)snprintf(params, sizeof params, "[\"0x%" PRIx64 "\"]", count);
        ws_client_put_call(&out, ++load.order_id, load.burst, params);
        load.waiting++;
    } else {
        for (uint64_t i = 0; i < count; i++) ws_client_put_call(&out, ++load.order_id, load.method, load.params);
        load.waiting += count;
    }
    now_ns = clock_monotonic_ns();
    for (uint64_t i = 0; i < count; i++) {
        load.ordered_ns[load.events + i] = now_ns;
        load.left[load.events + i] = load.per_event;
    }
    load.events += count;
    load.outstanding += count * load.per_event;
    ws_client_send(&load.control, &out);
    buf_fini(&out);
}

/* Until all that was ordered is here. */
static bool await_events(void)
{
    uint64_t deadline_ns = clock_monotonic_ns() + (uint64_t)PATIENCE_MS * 1000000u, seen = load.notifications;

    while (load.outstanding && clock_monotonic_ns() < deadline_ns) {
        if (!ws_clients_turn(1000)) continue;
        if (load.notifications != seen) deadline_ns = clock_monotonic_ns() + (uint64_t)PATIENCE_MS * 1000000u;
        seen = load.notifications;
    }
    return load.outstanding == 0;
}

static void run_lockstep(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        order(1, false);
        if (!await_events()) return;
    }
}

static void run_paced(uint64_t count, uint64_t per_s)
{
    uint64_t begin_ns = clock_monotonic_ns();

    for (uint64_t i = 0; i < count; i++) {
        uint64_t due_ns = begin_ns + i * 1000000000u / per_s, now_ns;

        while ((now_ns = clock_monotonic_ns()) < due_ns) (void)ws_clients_turn((int)((due_ns - now_ns) / 1000000u));
        order(1, false);
    }
    (void)await_events();
}

static void run_wait(uint64_t ms)
{
    uint64_t end_ms = clock_monotonic_ms() + ms, now_ms;

    while ((now_ms = clock_monotonic_ms()) < end_ms) (void)ws_clients_turn((int)(end_ms - now_ms));
}

/* ---- reporting ---- */

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Of all processes that serve: a proxy is part of what a notification costs. */
static uint64_t server_sum(uint64_t (*of)(int pid))
{
    uint64_t sum = 0;

    for (size_t i = 0; i < load.pid_count; i++) sum += of(load.pids[i]);
    return sum;
}

static uint64_t fault_count(void)
{
    const struct track_faults *f = track_peek_faults();

    return f->holes + f->duplicates + f->disorders + f->lost + f->strange;
}

static void report(const char *phase, uint64_t begin_ns, uint64_t cpu_ns, uint64_t own_ns)
{
    uint64_t now_ns = clock_monotonic_ns(), n = load.notifications, events = load.events - load.phase_first;
    double s = (double)((n ? load.last_ns : now_ns) - begin_ns) / 1e9;
    const struct track_faults *f = track_peek_faults();

    (void)printf("{\"phase\":\"%s\",\"connections\":%zu,\"events\":%" PRIu64 ",\"notifications\":%" PRIu64
                 ",\"seconds\":%.6f",
                 phase, load.count, events, n, s);
    if (n) {
        (void)printf(",\"per_s\":%.0f,\"bytes\":%.1f,\"wire_bytes\":%.1f,\"cpu_us\":%.4f,\"load_cpu_us\":%.4f",
                     (double)n / s, (double)load.bytes / (double)n, (double)load.wire_bytes / (double)n,
                     (double)(server_sum(process_cpu_ns) - cpu_ns) / 1e3 / (double)n,
                     (double)(process_cpu_ns(getpid()) - own_ns) / 1e3 / (double)n);
    }
    if (load.latency_count) {
        size_t count = load.latency_count;

        qsort(load.latencies_us, count, sizeof *load.latencies_us, by_u32);
        qsort(load.first_ms + load.phase_first, events, sizeof *load.first_ms, by_double);
        qsort(load.last_ms + load.phase_first, events, sizeof *load.last_ms, by_double);
        (void)printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"first_ms\":%.3f,\"last_ms\":%.3f",
                     load.latencies_us[count / 2] / 1e3, load.latencies_us[count * 99 / 100] / 1e3,
                     load.latencies_us[count - 1] / 1e3, load.first_ms[load.phase_first + events / 2],
                     load.last_ms[load.phase_first + events / 2]);
    }
    (void)printf(",\"rss\":%" PRIu64 ",\"kernel_tcp\":%" PRIu64 ",\"faults\":%" PRIu64 ",\"holes\":%" PRIu64
                 ",\"duplicates\":%" PRIu64 ",\"disorders\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"strange\":%" PRIu64
                 "}\n",
                 server_sum(process_resident), kernel_tcp_bytes(), fault_count(), f->holes, f->duplicates, f->disorders,
                 f->lost, f->strange);
    (void)fflush(stdout);
}

static void run_phase(const char *phase)
{
    uint64_t begin_ns, cpu_ns = server_sum(process_cpu_ns), own_ns = process_cpu_ns(getpid()), count, rate = 20;
    const char *colon = strchr(phase, ':');
    char number[32] = "", *at;

    if (!colon || strlen(colon) >= sizeof number) die("%s: a phase is NAME:NUMBER", phase);
    memcpy(number, colon + 1, strlen(colon));
    at = strchr(number, '@');
    if (at) {
        *at = 0;
        rate = option_number(phase, at + 1, 1000000);
        if (!rate) die("%s: no events a second", phase);
    }
    count = option_number(phase, number, 100000000);
    load.notifications = load.bytes = load.wire_bytes = load.latency_count = 0;
    load.phase_first = load.events;
    load.keep_latencies = strncmp(phase, "fill:", 5) != 0;
    begin_ns = clock_monotonic_ns();
    if (strncmp(phase, "connect:", 8) == 0) {
        connect_until(count);
    } else if (strncmp(phase, "subscribe:", 10) == 0) {
        subscribe_until(count);
    } else if (strncmp(phase, "stall:", 6) == 0) {
        load.stall_next = count;
        return;
    } else if (strncmp(phase, "lockstep:", 9) == 0) {
        run_lockstep(count);
    } else if (strncmp(phase, "flood:", 6) == 0 || strncmp(phase, "fill:", 5) == 0) {
        order(count, true);
        (void)await_events();
    } else if (strncmp(phase, "paced:", 6) == 0) {
        run_paced(count, rate);
    } else if (strncmp(phase, "wait:", 5) == 0) {
        run_wait(count);
    } else {
        die("%s: no such phase", phase);
    }
    await_answers(0);
    report(phase, begin_ns, cpu_ns, own_ns);
}

static enum track_kind kind_of(const char *name)
{
    if (strcmp(name, "heads") == 0) return TRACK_HEADS;
    if (strcmp(name, "logs") == 0) return TRACK_LOGS;
    if (strcmp(name, "pending") == 0) return TRACK_PENDING;
    die("--kind: heads, logs or pending, not %s", name);
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"pid", required_argument, NULL, 'i'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {"method", required_argument, NULL, 'm'},
                                            {"params", required_argument, NULL, 'a'},
                                            {"burst", required_argument, NULL, 'b'},
                                            {"address", required_argument, NULL, 'd'},
                                            {"filters", required_argument, NULL, 'f'},
                                            {"matching", required_argument, NULL, 'M'},
                                            {"logs", required_argument, NULL, 'l'},
                                            {"tls", no_argument, NULL, 't'},
                                            {"deflate", no_argument, NULL, 'z'},
                                            {"skip-empty", no_argument, NULL, 'e'},
                                            {NULL, 0, NULL, 0}};

    load.method = "evm_mine";
    load.params = "[]";
    load.matching = load.logs_per_event = load.max_subscriptions = 1;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'p':
            load.port = (uint16_t)option_number("--port", optarg, UINT16_MAX);
            break;
        case 'i':
            if (load.pid_count == PIDS_MAX) die("--pid: at most %d", PIDS_MAX);
            load.pids[load.pid_count++] = (int)option_number("--pid", optarg, INT32_MAX);
            break;
        case 'k':
            load.kind = kind_of(optarg);
            break;
        case 'm':
            load.method = optarg;
            break;
        case 'a':
            load.params = optarg;
            break;
        case 'b':
            load.burst = optarg;
            break;
        case 'd':
            load.address = optarg;
            break;
        case 'f':
            load.max_subscriptions = option_number("--filters", optarg, 100000000);
            break;
        case 'M':
            load.matching = option_number("--matching", optarg, 100000000);
            break;
        case 'l':
            load.logs_per_event = option_number("--logs", optarg, 1000000);
            break;
        case 't':
            load.tls = true;
            break;
        case 'z':
            load.deflate = true;
            break;
        case 'e':
            load.skip_empty = true;
            break;
        default:
            die("usage: ws_load --port N [--pid N]… [--kind heads|logs|pending] [--method NAME --params JSON] "
                "[--burst NAME] [--address 0x… --filters N --matching N --logs N] [--tls] [--deflate] [--skip-empty] "
                "PHASE…");
        }
    }
    if (load.kind == TRACK_LOGS && (!load.address || !load.matching || load.matching > load.max_subscriptions))
        die("--kind logs needs --address, --filters and --matching");
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    raise_open_files();
    track_init((struct track_options){load.kind, load.logs_per_event, load.skip_empty});
    ws_clients_init((struct ws_client_options){
        .port = load.port, .tls = load.tls, .deflate = load.deflate, .upgraded = got_upgrade, .text = got_text});
    load.ordered_ns = calloc(EVENTS_MAX, sizeof *load.ordered_ns);
    load.left = calloc(EVENTS_MAX, sizeof *load.left);
    load.first_ms = calloc(EVENTS_MAX, sizeof *load.first_ms);
    load.last_ms = calloc(EVENTS_MAX, sizeof *load.last_ms);
    load.latencies_us = calloc(LATENCIES_MAX, sizeof *load.latencies_us);
    if (!load.ordered_ns || !load.left || !load.first_ms || !load.last_ms || !load.latencies_us) die("out of memory");
    ws_client_open(&load.control);
    load.waiting++;
    await_answers(0);
    for (int i = optind; i < argc; i++) run_phase(argv[i]);
    for (size_t i = 0; i < load.count; i++)
        if (!load.clients[i]->stalled && load.kind != TRACK_LOGS)
            track_end(&load.clients[i]->subscriptions, load.events);
    track_faults()->holes += load.kind == TRACK_LOGS ? load.outstanding : 0; /* who should match is the server's say */
    (void)printf("{\"phase\":\"end\",\"unasked\":%" PRIu64 ",\"faults\":%" PRIu64 "}\n", track_unasked(),
                 fault_count());
    return fault_count() ? 1 : 0;
}
