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

static const uint64_t IS_DELTA = 1ull << 63; /* in a blob record's version */

uint64_t mem_entry_version(const struct mem_entry *e, size_t index)
{
    uint64_t version;

    memcpy(&version, record_at(e, index), sizeof version);
    return version & ~IS_DELTA;
}

/* How many records are not later than `version`. */
static size_t count_until(const struct mem_entry *e, uint64_t version)
{
    size_t low = 0, high;

    if (!e || !e->count) return 0;
    if (mem_entry_version(e, e->count - 1) <= version) return e->count;
    for (high = e->count - 1; low < high;) { /* the first that is later */
        size_t middle = low + (high - low) / 2;

        if (mem_entry_version(e, middle) > version)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const void *mem_entry_at(const struct mem_entry *e, uint64_t version)
{
    size_t count = count_until(e, version);

    return count ? record_at(e, count - 1) : NULL;
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

/* ---- blobs and deltas ---- */

/* A delta's bytes: how much of the front and of the back of the record before stays, then what stands between. */
struct delta {
    uint16_t front, back;
};

static struct mem_blob_record *blob_record(const struct mem_entry *e, size_t index)
{
    return (struct mem_blob_record *)(void *)record_at(e, index);
}

static bool is_delta(const struct mem_entry *e, size_t index)
{
    return e->kind >= MEM_NODE && (blob_record(e, index)->version & IS_DELTA);
}

/* The whole record that this one is told from: itself, or one before it. */
static size_t whole_before(const struct mem_entry *e, size_t index)
{
    while (is_delta(e, index)) index--;
    return index;
}

static struct delta delta_read(const struct state_blob *b, struct slice *out_middle)
{
    struct delta d;

    memcpy(&d, b->bytes, sizeof d);
    *out_middle = slice_of(b->bytes + sizeof d, b->len - sizeof d);
    return d;
}

/* Room that telling a record takes: no step towards it is longer. */
static size_t room_for(const struct mem_entry *e, size_t index)
{
    size_t at = whole_before(e, index), most = blob_record(e, at)->blob ? blob_record(e, at)->blob->len : 0;

    while (++at <= index) {
        struct slice middle;
        struct delta d = delta_read(blob_record(e, at)->blob, &middle);

        most = (size_t)max_u64(most, d.front + middle.len + d.back);
    }
    return most;
}

/* Writes what a record says into room_for() bytes; returns how many it says. */
static size_t tell(const struct mem_entry *e, size_t index, uint8_t *out)
{
    size_t at = whole_before(e, index);
    struct slice whole = state_blob_peek(blob_record(e, at)->blob);
    size_t len = whole.len;

    if (len) memcpy(out, whole.at, len);
    while (++at <= index) {
        struct slice middle;
        struct delta d = delta_read(blob_record(e, at)->blob, &middle);

        memmove(out + d.front + middle.len, out + len - d.back, d.back);
        if (middle.len) memcpy(out + d.front, middle.at, middle.len);
        len = d.front + middle.len + d.back;
    }
    return len;
}

/* How many bytes at the front of both are the same. */
static size_t same_front(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t i = 0;

    for (uint64_t x, y; i + 8 <= most; i += 8) {
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y) break;
    }
    while (i < most && a[i] == b[i]) i++;
    return i;
}

/* And at the back; a and b are the ends. */
static size_t same_back(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t i = 0;

    for (uint64_t x, y; i + 8 <= most; i += 8) {
        memcpy(&x, a - i - 8, 8);
        memcpy(&y, b - i - 8, 8);
        if (x != y) break;
    }
    while (i < most && a[-(ptrdiff_t)i - 1] == b[-(ptrdiff_t)i - 1]) i++;
    return i;
}

/* b as a delta on `before`, or NULL where that saves less than half, or there is no memory for trying. */
static struct state_blob *delta_new(struct slice before, struct slice b)
{
    size_t most = (size_t)min_u64(before.len, b.len), front, back, middle;
    struct state_blob *made;
    struct delta d;

    if (before.len > UINT16_MAX || b.len > UINT16_MAX) return NULL;
    front = same_front(before.at, b.at, most);
    back = same_back(before.at + before.len, b.at + b.len, most - front);
    middle = b.len - front - back;
    d = (struct delta){(uint16_t)front, (uint16_t)back};
    if (2 * (sizeof d + middle) > b.len) return NULL;
    made = malloc(sizeof *made + sizeof d + middle);
    if (!made) return NULL;
    ref_init(&made->ref);
    made->len = sizeof d + middle;
    memcpy(made->bytes, &d, sizeof d);
    memcpy(made->bytes + sizeof d, b.at + front, middle);
    return made;
}

static struct state_blob **tip_of(struct mem_entry *e)
{
    return e->kind == MEM_NODE ? &((struct mem_node_entry *)(void *)e)->tip : NULL;
}

static struct state_blob *delta_on_last(const struct mem_entry *e, const struct state_blob *before,
                                        const struct state_blob *blob)
{
    size_t last = e->count - 1;

    if (!before || !blob || last - whole_before(e, last) == MEM_DELTAS_MAX) return NULL;
    return delta_new(state_blob_peek(before), state_blob_peek(blob));
}

void mem_entry_push_blob(struct mem_entry *e, uint64_t version, struct state_blob *blob)
{
    struct state_blob **tip = tip_of(e), *delta = tip ? delta_on_last(e, *tip, blob) : NULL;
    struct mem_blob_record *r = mem_entry_push(e);

    *r = delta ? (struct mem_blob_record){version | IS_DELTA, delta}
               : (struct mem_blob_record){version, state_blob_ref(blob)};
    if (!tip) return;
    state_blob_unref(*tip);
    *tip = state_blob_ref(blob);
}

enum fan_status mem_entry_blob_at(const struct mem_entry *e, uint64_t version, struct arena *a, struct slice *out)
{
    size_t count = count_until(e, version);
    const struct state_blob *tip =
        count && e->kind == MEM_NODE ? ((const struct mem_node_entry *)(const void *)e)->tip : NULL;
    uint8_t *copy;

    if (tip && count == e->count) {
        *out = arena_dup(a, state_blob_peek(tip));
        return out->at ? FAN_OK : FAN_ENOMEM;
    }
    if (!count || !blob_record(e, count - 1)->blob) {
        *out = slice_of(NULL, 0);
        return FAN_OK;
    }
    copy = arena_bytes(a, room_for(e, count - 1));
    if (!copy) return FAN_ENOMEM;
    *out = slice_of(copy, tell(e, count - 1, copy));
    return FAN_OK;
}

void mem_entry_cut(struct mem_entry *e, size_t index, size_t count)
{
    struct state_blob **tip = tip_of(e);

    if (tip && count && index + count == e->count) {
        state_blob_unref(*tip);
        *tip = NULL;
    }
    /* Who is cut at the front may be what the first to stay is told from. */
    if (index == 0 && count < e->count) count = whole_before(e, count);
    for (size_t i = index; i < index + count && e->kind >= MEM_NODE; i++) state_blob_unref(blob_record(e, i)->blob);
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
