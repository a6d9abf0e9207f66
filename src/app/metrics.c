#include "app/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/parts.h"
#include "app/status.h"
#include "base/log.h"
#include "rpc/pool.h"

#if defined(__clang__)
#define METRIC_COMPILER "clang " __clang_version__
#else
#define METRIC_COMPILER "gcc " __VERSION__
#endif

struct app_stats {
#include "base/metric_fields.def"

#include "app/metrics.def"
};

static const struct metric_row app_rows[] = {
#define METRIC_STRUCT struct app_stats
#include "base/metric_rows.def"

#include "app/metrics.def"
};
static const struct metric_table app_metrics = {app_rows, COUNT_OF(app_rows), sizeof(struct app_stats)};

typedef void take_table(void *ctx, const struct metric_table *t, const void *stats);

/* ---- what is known ---- */

static uint64_t open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!d) return 0;
    while (readdir(d)) count++;
    (void)closedir(d);
    return count > 3 ? count - 3 : 0; /* ".", "..", and the one we look with */
}

static uint64_t time_ns(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static void process_read(struct app_stats *out)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    unsigned long long size = 0, resident = 0;
    struct rusage usage;
    struct rlimit limit;
    FILE *f = fopen("/proc/self/statm", "re");
    char line[1024];
    unsigned long long threads;

    if (f) {
        if (fscanf(f, "%llu %llu", &size, &resident) != 2) size = resident = 0;
        (void)fclose(f);
    }
    f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Threads: %llu", &threads) == 1) counter_set(&out->threads, threads);
    if (f) (void)fclose(f);
    counter_set(&out->virtual, size * page);
    counter_set(&out->resident, resident * page);
    if (!getrusage(RUSAGE_SELF, &usage)) counter_set(&out->cpu, time_ns(usage.ru_utime) + time_ns(usage.ru_stime));
    if (!getrlimit(RLIMIT_NOFILE, &limit)) counter_set(&out->max_fds, (uint64_t)limit.rlim_cur);
    counter_set(&out->open_fds, open_descriptors());
}

static void app_read(const struct server *s, struct app_stats *out)
{
    const struct conn_options *limits = conn_set_options(s->workers[0].conns);

    counter_set(&out->build_info, 1);
    counter_set(&out->ready, status_unready(s) == NULL);
    counter_set(&out->draining, atomic_load(&((struct server *)(uintptr_t)s)->draining));
    counter_set(&out->log_errors, log_lines(LOG_ERROR));
    counter_set(&out->log_warnings, log_lines(LOG_WARN));
    counter_set(&out->log_infos, log_lines(LOG_INFO));
    counter_set(&out->log_debugs, log_lines(LOG_DEBUG));
    counter_set(&out->log_lost, log_lost());
    counter_set(&out->workers, s->worker_count);
    counter_set(&out->http_max, limits->http_max);
    counter_set(&out->websockets_max, limits->websockets_max);
    counter_set(&out->output_max, limits->output_bytes_max);
    counter_set(&out->start_time, s->made_s);
    process_read(out);
}

void metrics_sum(const struct server *s, struct metrics_sums *out)
{
    *out = (struct metrics_sums){0};
    for (size_t i = 0; i < s->worker_count; i++) {
        const struct worker *w = &s->workers[i];

        metric_sum(&conn_metrics, &out->conn, conn_set_stats(w->conns));
        metric_sum(&hub_metrics, &out->hub, hub_shard_stats(w->shard));
        metric_sum(&rpc_metrics, &out->rpc, rpc_worker_stats(w->rpc));
    }
}

/* Each table that this server has, with its numbers. */
static void each_table(const struct server *s, take_table *take, void *ctx)
{
    struct metrics_sums sums;
    struct app_stats app = {0};

    app_read(s, &app);
    metrics_sum(s, &sums);
    take(ctx, &app_metrics, &app);
    take(ctx, &conn_metrics, &sums.conn);
    take(ctx, &hub_metrics, &sums.hub);
    take(ctx, &rpc_metrics, &sums.rpc);
    take(ctx, &call_pool_metrics, rpc_pool_stats(s->rpc));
    take(ctx, &chain_metrics, &s->chain->stats);
    if (s->chain->ops->metrics) s->chain->ops->metrics(s->chain, take, ctx);
}

/* ---- the text ---- */

static void put_name(struct buf *out, const char *name)
{
    if (strncmp(name, "process_", 8) != 0) buf_put(out, SLICE("fanatico_"));
    buf_put_str(out, name);
}

static void put_family(struct buf *out, const struct metric_row *r)
{
    static const char *const type[] = {"counter", "gauge", "counter", "histogram"};

    buf_put(out, SLICE("# HELP "));
    put_name(out, r->name);
    buf_printf(out, " %s\n# TYPE ", r->help);
    put_name(out, r->name);
    buf_printf(out, " %s\n", type[r->kind]);
}

/* "name{labels,more} "; either of the two may be "". */
static void put_series(struct buf *out, const char *name, const char *suffix, const char *labels, const char *more)
{
    put_name(out, name);
    buf_put_str(out, suffix);
    if (*labels || *more) buf_printf(out, "{%s%s%s}", labels, *labels && *more ? "," : "", more);
    buf_put_byte(out, ' ');
}

static void put_seconds(struct buf *out, uint64_t ns)
{
    buf_printf(out, "%llu.%09llu\n", (unsigned long long)(ns / 1000000000u), (unsigned long long)(ns % 1000000000u));
}

static void put_histogram(struct buf *out, const char *name, const char *labels, const struct histogram *h)
{
    uint64_t below = 0;

    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        below += counter_get(&h->bucket[i]);
        put_name(out, name);
        buf_printf(out, "_bucket{%s%sle=\"", labels, *labels ? "," : "");
        buf_put_decimal(out, histogram_bound_ns[i], 9);
        buf_printf(out, "\"} %llu\n", (unsigned long long)below);
    }
    below += counter_get(&h->bucket[HISTOGRAM_BOUNDS]);
    put_series(out, name, "_bucket", labels, "le=\"+Inf\"");
    buf_printf(out, "%llu\n", (unsigned long long)below);
    put_series(out, name, "_sum", labels, "");
    put_seconds(out, counter_get(&h->sum_ns));
    put_series(out, name, "_count", labels, ""); /* of the same reading as the buckets, so that they agree */
    buf_printf(out, "%llu\n", (unsigned long long)below);
}

static void put_table(void *ctx, const struct metric_table *t, const void *stats)
{
    struct buf *out = ctx;
    const char *name = NULL;

    for (const struct metric_row *r = t->rows; r < t->rows + t->count; r++) {
        const void *at = (const char *)stats + r->at;

        if (r->name) {
            name = r->name;
            put_family(out, r);
        } else if (r->kind == METRIC_HISTOGRAM) {
            put_histogram(out, name, r->labels, at);
        } else {
            put_series(out, name, "", r->labels, "");
            if (r->kind == METRIC_SECONDS)
                put_seconds(out, counter_get(at));
            else
                buf_printf(out, "%llu\n", (unsigned long long)counter_get(at));
        }
    }
}

/* ---- by method ---- */

/* method="…"; a host's names may hold anything. */
static void method_label(const char *name, char out[160])
{
    size_t at = (size_t)snprintf(out, 160, "method=\"");

    for (; *name && at < 150; name++) {
        if (*name == '"' || *name == '\\') out[at++] = '\\';
        out[at++] = (char)((unsigned char)*name < ' ' ? ' ' : *name);
    }
    out[at++] = '"';
    out[at] = '\0';
}

static void sum_method(const struct server *s, size_t rank, struct rpc_method_stats *out)
{
    const struct metric_table whole = {.size = sizeof *out};

    *out = (struct rpc_method_stats){0};
    for (size_t i = 0; i < s->worker_count; i++)
        metric_sum(&whole, out, &rpc_worker_method_stats(s->workers[i].rpc)[rank]);
}

static void put_requests(struct buf *out, const char *label, const struct rpc_method_stats *m)
{
    put_series(out, "rpc_requests_total", "", label, "");
    buf_printf(out, "%llu\n", (unsigned long long)counter_get(&m->requests));
}

static void put_method_seconds(struct buf *out, const char *label, const struct rpc_method_stats *m)
{
    if (!counter_get(&m->requests)) return;
    put_series(out, "rpc_request_seconds_total", "", label, "");
    put_seconds(out, counter_get(&m->ns));
}

static void put_errors(struct buf *out, const char *label, const struct rpc_method_stats *m)
{
    char code[24];

    for (size_t i = 0; i < RPC_CODE_COUNT; i++) {
        uint64_t n = counter_get(&m->errors[i]);

        if (!n) continue;
        if (i < RPC_CODE_COUNT - 1)
            (void)snprintf(code, sizeof code, "code=\"%d\"", rpc_codes[i]);
        else
            (void)snprintf(code, sizeof code, "code=\"other\"");
        put_series(out, "rpc_errors_total", "", label, code);
        buf_printf(out, "%llu\n", (unsigned long long)n);
    }
}

static void put_methods(const struct server *s, struct buf *out)
{
    static const struct {
        struct metric_row family;
        void (*put)(struct buf *out, const char *label, const struct rpc_method_stats *m);
    } families[] = {
        {{.name = "rpc_requests_total", .help = "JSON-RPC requests by method; other: names that have no row"},
         put_requests},
        {{.name = "rpc_request_seconds_total",
          .help = "time from a request being read to its answer being complete, by method; methods that were called"},
         put_method_seconds},
        {{.name = "rpc_errors_total", .help = "errors answered, by method and code; those that occurred"}, put_errors},
    };
    const struct rpc_method *const *methods;
    size_t count = rpc_methods(s->rpc, &methods);

    for (size_t f = 0; f < COUNT_OF(families); f++) {
        put_family(out, &families[f].family);
        for (size_t i = 0; i <= count; i++) {
            struct rpc_method_stats sum;
            char label[160];

            method_label(i < count ? methods[i]->name : "other", label);
            sum_method(s, i, &sum);
            families[f].put(out, label, &sum);
        }
    }
}

void metrics_put(const struct server *s, struct buf *out)
{
    each_table(s, put_table, out);
    put_methods(s, out);
}

/* ---- one number ---- */

struct looking {
    const char *family, *labels;
    uint64_t *out;
    bool found;
};

static void look(void *ctx, const struct metric_table *t, const void *stats)
{
    struct looking *l = ctx;
    bool inside = false;

    for (const struct metric_row *r = t->rows; r < t->rows + t->count; r++) {
        if (r->name) {
            inside = strcmp(r->name, l->family) == 0;
        } else if (inside && r->kind != METRIC_HISTOGRAM && strcmp(r->labels, l->labels) == 0) {
            *l->out = counter_get((const void *)((const char *)stats + r->at));
            l->found = true;
        }
    }
}

bool metrics_find(const struct server *s, const char *family, const char *labels, uint64_t *out)
{
    struct looking l = {family, labels, out, false};

    each_table(s, look, &l);
    return l.found;
}
