#include "chain/host_waiting.h"

#include <stdlib.h>

void waiting_init(struct waiting *w)
{
    *w = (struct waiting){0};
    w->end = &w->first;
}

void waiting_run_free(struct waiting_run *run)
{
    if (!run) return;
    block_unref(run->logs);
    free(run);
}

void waiting_fini(struct waiting *w)
{
    while (w->first) {
        struct waiting_run *run = w->first;

        w->first = run->next;
        waiting_run_free(run);
    }
    waiting_init(w);
}

struct waiting_run *waiting_run_new(const struct host_log_place *place, const struct log *logs, size_t count)
{
    const struct block nothing = {.header_json = SLICE("-")}; /* logs and nothing else */
    struct waiting_run *run = calloc(1, sizeof *run);
    struct arena a;

    if (!run) return NULL;
    run->place = *place;
    run->logs = host_copy_block(&nothing, count, &a);
    for (size_t i = 0; run->logs && i < count; i++) {
        if (!host_put_log(run->logs, &a, &logs[i])) continue;
        block_unref(run->logs);
        run->logs = NULL;
    }
    if (!run->logs) {
        free(run);
        return NULL;
    }
    run->bytes = sizeof *run + sizeof(struct block) + run->logs->memory.bytes;
    return run;
}

void waiting_add(struct waiting *w, struct waiting_run *run, uint64_t blocks)
{
    run->since = blocks;
    run->next = NULL;
    *w->end = run;
    w->end = &run->next;
    w->bytes += run->bytes;
    w->log_count += run->logs->log_count;
}

static bool is_for(const struct waiting_run *run, const struct block *b)
{
    return run->place.has_hash ? hash_eq(&run->place.hash, &b->hash) : run->place.number == b->header.number;
}

/* ---- each once, in order ---- */

struct log_key {
    uint64_t index;
    struct fan_hash tx_hash;
};

void log_set_init(struct map *set)
{
    map_init(set, sizeof(struct log_key), 0);
}

enum fan_status log_set_add(struct map *set, const struct log *l, bool *out_new)
{
    const struct log_key key = {l->index, l->tx_hash};

    *out_new = true;
    return l->index == HOST_NO_INDEX || map_put(set, &key, out_new) ? FAN_OK : FAN_ENOMEM;
}

/* Elements of one array by index, and those of the same index as they stand there: qsort() alone keeps no order. */
static int by_index(const void *a, const void *b)
{
    const struct log *const *x = a, *const *y = b;

    if ((*x)->index != (*y)->index) return (*x)->index < (*y)->index ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static enum fan_status sort_logs(struct block *b, struct arena *a)
{
    const struct log **order = malloc((b->log_count + 1) * sizeof *order);
    struct log *sorted = order ? ARENA_ARRAY(a, b->log_count, struct log) : NULL;

    if (sorted) {
        for (size_t i = 0; i < b->log_count; i++) order[i] = &b->logs[i];
        qsort(order, b->log_count, sizeof *order, by_index);
        for (size_t i = 0; i < b->log_count; i++) sorted[i] = *order[i];
        b->logs = sorted;
    }
    free(order);
    return sorted ? FAN_OK : FAN_ENOMEM;
}

static enum fan_status put_new(struct block *whole, struct arena *a, struct map *set, const struct block *logs)
{
    enum fan_status s = FAN_OK;

    for (size_t i = 0; !s && i < logs->log_count; i++) {
        bool is_new;

        s = log_set_add(set, &logs->logs[i], &is_new);
        if (!s && is_new) s = host_put_log(whole, a, &logs->logs[i]);
    }
    return s;
}

struct block *waiting_join(const struct waiting *w, struct block *b)
{
    enum fan_status s = FAN_OK;
    size_t count = 0;
    struct block *whole;
    struct map set;
    struct arena a;

    for (const struct waiting_run *run = w->first; run; run = run->next)
        if (is_for(run, b)) count += run->logs->log_count;
    if (!count) return block_ref(b);
    whole = host_copy_block(b, count, &a);
    if (!whole) return NULL;
    log_set_init(&set);
    for (size_t i = 0; !s && i < b->log_count; i++) s = log_set_add(&set, &b->logs[i], &(bool){false});
    for (const struct waiting_run *run = w->first; run && !s; run = run->next)
        if (is_for(run, b)) s = put_new(whole, &a, &set, run->logs);
    if (!s) s = sort_logs(whole, &a);
    map_fini(&set);
    if (!s) return whole;
    block_unref(whole);
    return NULL;
}

/* ---- met, or given up ---- */

static bool is_late(const struct waiting_run *run, uint64_t head, uint64_t blocks)
{
    if (run->place.has_number) return head > WAITING_BLOCKS && run->place.number < head - WAITING_BLOCKS;
    return blocks - run->since > WAITING_BLOCKS; /* a hash says not how far */
}

uint64_t waiting_after(struct waiting *w, const struct block *b, uint64_t head, uint64_t blocks)
{
    uint64_t abandoned = 0;

    for (struct waiting_run **at = &w->first; *at;) {
        struct waiting_run *run = *at;
        bool met = is_for(run, b);

        if (!met && !is_late(run, head, blocks)) {
            at = &run->next;
            continue;
        }
        if (!met) abandoned += run->logs->log_count;
        *at = run->next;
        if (!run->next) w->end = at;
        w->bytes -= run->bytes;
        w->log_count -= run->logs->log_count;
        waiting_run_free(run);
    }
    return abandoned;
}
