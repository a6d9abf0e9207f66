#include "app/status.h"

#include "app/metrics.h"
#include "app/parts.h"
#include "base/clock.h"
#include "eth/fork.h"
#include "net/loop.h"

enum { RATE_SAMPLES = 10, LATENCY_SAMPLES = 60 };

const char *status_unready(const struct server *s)
{
    struct server *unconst = (struct server *)(uintptr_t)s; /* clang loads no atomic that is const */

    if (atomic_load(&unconst->draining)) return "draining";
    if (!atomic_load(&unconst->open)) return "starting";
    if (counter_get(&s->chain->stats.syncing) && !atomic_load(&unconst->hold)) return "syncing";
    return atomic_load(&unconst->hold);
}

/* ---- samples ---- */

static uint64_t sum_of(const struct counter *counters, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) sum += counter_get(&counters[i]);
    return sum;
}

static void histogram_sum(struct histogram *sum, const struct histogram *h)
{
    const struct metric_table whole = {.size = sizeof *h};

    metric_sum(&whole, sum, h);
}

static void sample_of(const struct metrics_sums *sums, struct sample *out)
{
    *out = (struct sample){.at_ms = clock_monotonic_ns() / 1000000u};
    out->notifications = hub_stats_notifications(&sums->hub);
    out->sent_bytes = sum_of(sums->conn.bytes_out, CONN_KIND_COUNT);
    histogram_sum(&out->notification, &sums->conn.notification);
    histogram_sum(&out->request, &sums->rpc.duration_worker);
    histogram_sum(&out->request, &sums->rpc.duration_pool);
    histogram_sum(&out->request, &sums->rpc.duration_writer);
    out->requests = histogram_count(&out->request);
}

static void sample_take(struct loop_timer *t)
{
    struct server *s = CONTAINER_OF(t, struct server, sampler);
    struct metrics_sums sums;
    struct sample now;

    metrics_sum(s, &sums);
    sample_of(&sums, &now);
    notices_each_second(&s->told, &sums.conn);
    (void)pthread_mutex_lock(&s->samples_lock);
    s->samples[s->sample_count++ % SAMPLES] = now;
    (void)pthread_mutex_unlock(&s->samples_lock);
    loop_timer_arm(s->workers[0].loop, t, loop_now_ms(s->workers[0].loop) + SAMPLE_MS);
}

void status_start(struct server *s)
{
    s->sampler.fire = sample_take;
    loop_timer_arm(s->workers[0].loop, &s->sampler, loop_now_ms(s->workers[0].loop));
}

/* The sample so many seconds ago, or the oldest there is. False: there is none. */
static bool sample_ago(struct server *s, uint64_t samples, struct sample *out)
{
    bool any;

    (void)pthread_mutex_lock(&s->samples_lock);
    any = s->sample_count > 0;
    samples = min_u64(samples, min_u64(s->sample_count, SAMPLES));
    if (any) *out = s->samples[(s->sample_count - samples) % SAMPLES];
    (void)pthread_mutex_unlock(&s->samples_lock);
    return any;
}

static void histogram_since(const struct histogram *now, const struct histogram *before, struct histogram *out)
{
    *out = (struct histogram){0};
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        counter_set(&out->bucket[i], counter_get(&now->bucket[i]) - counter_get(&before->bucket[i]));
}

/* ---- the object ---- */

static void put_count(struct json_writer *w, const char *key, uint64_t n)
{
    json_put_key(w, key);
    json_put_number(w, n);
}

/* units / 10^places. */
static void put_decimal(struct json_writer *w, uint64_t units, unsigned places)
{
    struct buf text;

    buf_init(&text, 0);
    buf_put_decimal(&text, units, places);
    json_put_raw(w, text.failed ? SLICE("null") : buf_peek(&text));
    buf_fini(&text);
}

static void put_seconds(struct json_writer *w, const char *key, const struct histogram *h, double share)
{
    json_put_key(w, key);
    if (histogram_count(h))
        put_decimal(w, histogram_quantile_ns(h, share), 9);
    else
        json_put_null(w);
}

static void begin(struct json_writer *w, const char *key)
{
    json_put_key(w, key);
    json_begin_object(w);
}

static void put_forks(struct json_writer *w, const struct chain_config *c)
{
    json_put_key(w, "forks");
    json_begin_array(w);
    for (unsigned f = FORK_HOMESTEAD; f < FORK_COUNT; f++) {
        bool by_block = f < FORK_PARIS;
        uint64_t at = by_block ? c->fork_block[f] : f == FORK_PARIS ? c->merge_block : c->fork_time[f];

        if (at == FORK_NEVER) continue;
        json_begin_object(w);
        json_put_key(w, "name");
        json_put_text(w, fork_name((enum fork)f));
        put_count(w, by_block || f == FORK_PARIS ? "block" : "time", at);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_head(struct json_writer *w, const struct chain_config *config, const struct block *head)
{
    json_put_key(w, "fork");
    json_put_text(w, fork_name(fork_at(config, head->header.number, head->header.timestamp)));
    begin(w, "head");
    put_count(w, "number", head->header.number);
    json_put_key(w, "hash");
    json_put_hash(w, &head->hash);
    put_count(w, "timestamp", head->header.timestamp);
    put_count(w, "gasUsed", head->header.gas_used);
    put_count(w, "gasLimit", head->header.gas_limit);
    put_count(w, "transactions", head->tx_count);
    json_end_object(w);
}

static void put_pool(const struct server *s, struct json_writer *w)
{
    uint64_t executable, queued;

    json_put_key(w, "pool");
    if (!metrics_find(s, "pool_transactions", "state=\"executable\"", &executable) ||
        !metrics_find(s, "pool_transactions", "state=\"queued\"", &queued)) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    put_count(w, "executable", executable);
    put_count(w, "queued", queued);
    json_end_object(w);
}

static void put_chain(struct server *s, struct json_writer *w)
{
    const struct chain_ops *ops = s->chain->ops;
    const struct chain_config *config = ops->config(s->chain);
    const struct chain_stats *stats = &s->chain->stats;
    struct block *head;

    begin(w, "chain");
    put_count(w, "id", config->chain_id);
    put_forks(w, config);
    if (ops->head(s->chain, &head)) {
        json_put_key(w, "head");
        json_put_null(w);
    } else {
        put_head(w, config, head);
        block_unref(head);
    }
    json_put_key(w, "syncing");
    json_put_bool(w, counter_get(&stats->syncing) != 0);
    put_count(w, "blocks", counter_get(&stats->blocks));
    put_count(w, "transactions", counter_get(&stats->transactions));
    put_count(w, "reorgs", counter_get(&stats->reorgs));
    put_pool(s, w);
    json_end_object(w);
}

static void put_connections(const struct server *s, struct json_writer *w, const struct conn_stats *c)
{
    const struct conn_options *limits = conn_set_options(s->workers[0].conns);

    begin(w, "connections");
    put_count(w, "ws", counter_get(&c->open[CONN_KIND_WEBSOCKET]));
    put_count(w, "http", counter_get(&c->open[CONN_KIND_HTTP]) + counter_get(&c->open[CONN_KIND_HANDSHAKE]));
    put_count(w, "ipc", counter_get(&c->open[CONN_KIND_IPC]));
    put_count(w, "wsMax", limits->websockets_max);
    put_count(w, "httpMax", limits->http_max);
    begin(w, "opened");
    put_count(w, "ws", counter_get(&c->opened[CONN_KIND_WEBSOCKET]));
    put_count(w, "http", counter_get(&c->opened[CONN_KIND_HTTP]) + counter_get(&c->opened[CONN_KIND_HANDSHAKE]));
    json_end_object(w);
    put_count(w, "refused",
              counter_get(&c->refused_limit) + counter_get(&c->refused_host) + counter_get(&c->refused_origin) +
                  counter_get(&c->refused_token) + counter_get(&c->proxy_refused) + counter_get(&c->refused_address) +
                  counter_get(&c->refused_rate) + counter_get(&c->refused_draining));
    put_count(w, "slowReadersClosed", sum_of(c->slow_closed, CONN_SLOW_COUNT));
    json_end_object(w);
}

static void put_subscriptions(struct json_writer *w, const struct hub_stats *h)
{
    static const char *const kinds[HUB_KIND_COUNT] = {
        [HUB_NEW_HEADS] = "newHeads",
        [HUB_LOGS] = "logs",
        [HUB_PENDING_HASHES] = "newPendingTransactions",
        [HUB_PENDING_BODIES] = "newPendingTransactions_full",
        [HUB_SYNCING] = "syncing",
        [HUB_RECEIPTS] = "transactionReceipts",
    };

    begin(w, "subscriptions");
    for (size_t k = 0; k < HUB_KIND_COUNT; k++) put_count(w, kinds[k], counter_get(&h->subscriptions[k]));
    json_end_object(w);
}

/* Per second, in thousandths. */
static void put_rate(struct json_writer *w, const char *key, uint64_t count, uint64_t window_ms)
{
    json_put_key(w, key);
    put_decimal(w, window_ms ? count * 1000000 / window_ms : 0, 3);
}

static void put_rates(struct json_writer *w, const struct sample *now, const struct sample *before)
{
    uint64_t window_ms = now->at_ms - before->at_ms;

    begin(w, "rates");
    json_put_key(w, "windowSeconds");
    put_decimal(w, window_ms, 3);
    put_rate(w, "notifications", now->notifications - before->notifications, window_ms);
    put_rate(w, "requests", now->requests - before->requests, window_ms);
    put_rate(w, "sentBytes", now->sent_bytes - before->sent_bytes, window_ms);
    json_end_object(w);
}

static void put_latency(struct json_writer *w, const char *key, const struct histogram *now,
                        const struct histogram *before)
{
    struct histogram h;

    histogram_since(now, before, &h);
    begin(w, key);
    put_count(w, "count", histogram_count(&h));
    put_seconds(w, "p50", &h, 0.5);
    put_seconds(w, "p90", &h, 0.9);
    put_seconds(w, "p99", &h, 0.99);
    json_put_key(w, "buckets");
    json_begin_array(w);
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) json_put_number(w, counter_get(&h.bucket[i]));
    json_end_array(w);
    json_end_object(w);
}

static void put_latencies(struct json_writer *w, const struct sample *now, const struct sample *before)
{
    begin(w, "latency");
    json_put_key(w, "windowSeconds");
    put_decimal(w, now->at_ms - before->at_ms, 3);
    json_put_key(w, "bounds");
    json_begin_array(w);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) put_decimal(w, histogram_bound_ns[i], 9);
    json_end_array(w);
    put_latency(w, "notification", &now->notification, &before->notification);
    put_latency(w, "request", &now->request, &before->request);
    json_end_object(w);
}

static uint64_t found(const struct server *s, const char *family)
{
    uint64_t n = 0;

    return metrics_find(s, family, "", &n) ? n : 0;
}

static void put_process(const struct server *s, struct json_writer *w, const struct conn_stats *c)
{
    begin(w, "memory");
    put_count(w, "resident", found(s, "process_resident_memory_bytes"));
    put_count(w, "outputWaiting", counter_get(&c->output_waiting));
    put_count(w, "outputMax", conn_set_options(s->workers[0].conns)->output_bytes_max);
    json_end_object(w);
    json_put_key(w, "cpuSeconds");
    put_decimal(w, found(s, "process_cpu_seconds_total"), 9);
    put_count(w, "workers", s->worker_count);
    begin(w, "ports");
    if (s->http_port) put_count(w, "http", s->http_port);
    if (s->ws_port) put_count(w, "ws", s->ws_port);
    if (s->metrics_port) put_count(w, "metrics", s->metrics_port);
    json_end_object(w);
}

void status_put_json(struct server *s, struct json_writer *w)
{
    const char *reason = status_unready(s);
    struct metrics_sums sums;
    struct sample now, before;

    metrics_sum(s, &sums);
    sample_of(&sums, &now);
    json_begin_object(w);
    json_put_key(w, "version");
    json_put_text(w, FANATICO_VERSION);
    json_put_key(w, "ready");
    json_put_bool(w, !reason);
    json_put_key(w, "reason");
    if (reason)
        json_put_text(w, reason);
    else
        json_put_null(w);
    json_put_key(w, "uptimeSeconds");
    put_decimal(w, clock_monotonic_ms() - s->made_ms, 3);
    put_count(w, "startedAt", s->made_s);
    put_chain(s, w);
    put_connections(s, w, &sums.conn);
    put_subscriptions(w, &sums.hub);
    put_count(w, "notifications", now.notifications);
    put_count(w, "requests", now.requests);
    if (!sample_ago(s, RATE_SAMPLES, &before)) before = now;
    put_rates(w, &now, &before);
    if (!sample_ago(s, LATENCY_SAMPLES, &before)) before = now;
    put_latencies(w, &now, &before);
    put_process(s, w, &sums.conn);
    json_end_object(w);
}
