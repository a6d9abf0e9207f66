#include "local/mem_base_entry.h"

#include <stdlib.h>

static const size_t record_len[] = {
    [MEM_ACCOUNT] = sizeof(struct mem_account_record),
    [MEM_SLOT] = sizeof(struct mem_slot_record),
    [MEM_NODE] = sizeof(struct mem_blob_record),
    [MEM_CODE] = sizeof(struct mem_blob_record),
};

static uint8_t *record_at(const struct mem_entry *e, size_t index)
{
    return e->records + index * record_len[e->kind];
}

uint64_t mem_entry_version(const struct mem_entry *e, size_t index)
{
    uint64_t version;

    memcpy(&version, record_at(e, index), sizeof version);
    return version;
}

const void *mem_entry_at(const struct mem_entry *e, uint64_t version)
{
    size_t low = 0, high;

    if (!e || !e->count) return NULL;
    if (mem_entry_version(e, e->count - 1) <= version) return record_at(e, e->count - 1);
    for (high = e->count - 1; low < high;) { /* the first that is later */
        size_t middle = low + (high - low) / 2;

        if (mem_entry_version(e, middle) > version)
            high = middle;
        else
            low = middle + 1;
    }
    return low ? record_at(e, low - 1) : NULL;
}

bool mem_entry_reserve(struct mem_entry *e)
{
    uint32_t cap = e->cap ? 2 * e->cap : 1;
    uint8_t *wider;

    if (e->count < e->cap) return true;
    wider = realloc(e->records, cap * record_len[e->kind]);
    if (!wider) return false;
    e->records = wider;
    e->cap = cap;
    return true;
}

void *mem_entry_push(struct mem_entry *e)
{
    assert(e->count < e->cap);
    return record_at(e, e->count++);
}

void mem_entry_cut(struct mem_entry *e, size_t index, size_t count)
{
    for (size_t i = index; i < index + count && e->kind >= MEM_NODE; i++)
        state_blob_unref(((struct mem_blob_record *)(void *)record_at(e, i))->blob);
    if (index + count < e->count)
        memmove(record_at(e, index), record_at(e, index + count), (e->count - index - count) * record_len[e->kind]);
    e->count -= (uint32_t)count;
}

bool mem_entry_is_absent(const struct mem_entry *e, size_t index)
{
    const void *r = record_at(e, index);

    if (e->kind == MEM_ACCOUNT) return !((const struct mem_account_record *)r)->account.exists;
    if (e->kind == MEM_SLOT) return u256_is_zero(&((const struct mem_slot_record *)r)->value);
    return !((const struct mem_blob_record *)r)->blob;
}

void mem_entry_free(struct mem_entry *e)
{
    mem_entry_cut(e, 0, e->count);
    free(e->records);
    free(e);
}
