#include "local/log_memory.h"

#include <stdlib.h>

struct log_list {
    uint32_t count, cap; /* cap 0: none on the heap, at most one number */
    union {
        uint64_t one;
        uint64_t *many;
    };
};

void log_memory_init(struct log_memory *m)
{
    *m = (struct log_memory){0};
    map_init(&m->lists, sizeof(uint64_t), sizeof(struct log_list));
}

static void forget(struct log_memory *m, uint64_t next)
{
    void *value;

    for (size_t at = 0; m->lists.key_len && map_next(&m->lists, &at, NULL, &value);) {
        struct log_list *list = value;

        if (list->cap) free(list->many);
    }
    map_fini(&m->lists);
    log_memory_init(m);
    m->first = next;
}

void log_memory_fini(struct log_memory *m)
{
    forget(m, 0);
    map_fini(&m->lists);
    *m = (struct log_memory){0};
}

static const uint64_t *numbers(const struct log_list *list)
{
    return list->cap ? list->many : &list->one;
}

static bool append(struct log_memory *m, struct log_list *list, uint64_t number)
{
    uint32_t cap = list->cap ? list->cap : 1;

    if (list->count == cap) {
        uint64_t *wide;

        if (cap > UINT32_MAX / 2) return false;
        cap = cap == 1 ? 4 : cap * 2;
        wide = realloc(list->cap ? list->many : NULL, cap * sizeof *wide);
        if (!wide) return false;
        if (!list->cap) wide[0] = list->one;
        m->bytes += (cap - list->cap) * sizeof *wide;
        list->many = wide;
        list->cap = cap;
    }
    if (list->cap)
        list->many[list->count++] = number;
    else {
        list->one = number;
        list->count++;
    }
    m->count++;
    return true;
}

void log_memory_add(struct log_memory *m, const struct log_postings_of_block *added, uint64_t next)
{
    bool failed = added->failed;

    for (size_t i = 0; i < added->count && !failed && added->at[i].number < log_number(next, 0); i++) {
        struct log_list *list = map_put(&m->lists, &added->at[i].key, NULL);

        failed = !list || !append(m, list, added->at[i].number);
    }
    if (failed) forget(m, next);
}

void log_memory_remove(struct log_memory *m, const struct log_postings_of_block *removed, uint64_t next)
{
    bool known = !removed->failed;

    for (size_t i = removed->count; i-- && known;) {
        const struct log_posting *p = &removed->at[i];
        struct log_list *list = map_get(&m->lists, &p->key);

        if (p->number < log_number(m->first, 0)) continue; /* never was here */
        known = list && list->count && numbers(list)[list->count - 1] == p->number;
        if (!known) break;
        m->count--;
        if (--list->count) continue;
        if (list->cap) {
            m->bytes -= list->cap * sizeof *list->many;
            free(list->many);
        }
        (void)map_delete(&m->lists, &p->key);
    }
    if (!known)
        forget(m, next);
    else if (m->first > next)
        m->first = next; /* nothing is left, and nothing is missing below the blocks that come */
}

static enum fan_status seek(void *ctx, uint64_t key, uint64_t from, uint64_t *out)
{
    const struct log_memory *m = ctx;
    const struct log_list *list = map_get(&m->lists, &key);
    size_t low = 0, high;

    if (!list || numbers(list)[list->count - 1] < from) return FAN_ENOTFOUND;
    high = list->count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (numbers(list)[middle] < from)
            low = middle + 1;
        else
            high = middle;
    }
    *out = numbers(list)[low];
    return FAN_OK;
}

struct log_lists log_memory_lists(struct log_memory *m)
{
    return (struct log_lists){.ctx = m, .seek = seek};
}

size_t log_memory_bytes(const struct log_memory *m)
{
    size_t cell = (1 + sizeof(uint64_t) + sizeof(struct log_list) + 7) & ~(size_t)7;

    return m->bytes + m->lists.cap * cell;
}
