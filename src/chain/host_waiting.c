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

static bool is_same_log(const struct log *a, const struct log *b)
{
    return a->index != HOST_NO_INDEX && a->index == b->index && hash_eq(&a->tx_hash, &b->tx_hash);
}

bool waiting_has_log(const struct block *b, const struct log *l)
{
    for (size_t i = 0; i < b->log_count; i++)
        if (is_same_log(&b->logs[i], l)) return true;
    return false;
}

static int by_index(const void *a, const void *b)
{
    const struct log *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

struct block *waiting_join(const struct waiting *w, struct block *b)
{
    size_t count = 0;
    struct block *whole;
    struct arena a;

    for (const struct waiting_run *run = w->first; run; run = run->next)
        if (is_for(run, b)) count += run->logs->log_count;
    if (!count) return block_ref(b);
    whole = host_copy_block(b, count, &a);
    if (!whole) return NULL;
    for (const struct waiting_run *run = w->first; run; run = run->next) {
        for (size_t i = 0; is_for(run, b) && i < run->logs->log_count; i++) {
            if (waiting_has_log(whole, &run->logs->logs[i])) continue;
            if (host_put_log(whole, &a, &run->logs->logs[i])) {
                block_unref(whole);
                return NULL;
            }
        }
    }
    qsort(whole->logs, whole->log_count, sizeof *whole->logs, by_index);
    return whole;
}

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
