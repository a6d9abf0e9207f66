#include "conn/pack.h"

#include <stdlib.h>

/* ---- journal ---- */

void journal_init(struct journal *j)
{
    *j = (struct journal){.first = 1, .next = 1};
}

void journal_fini(struct journal *j)
{
    assert(j->first == j->next);
    free(j->places);
    *j = (struct journal){.first = 1, .next = 1};
}

static bool grow(struct journal *j)
{
    size_t cap = j->cap ? 2 * j->cap : 1024;
    struct journal_place *places = calloc(cap, sizeof *places);

    if (!places) return false;
    for (uint64_t n = j->first; n < j->next; n++) places[n & (cap - 1)] = j->places[n & (j->cap - 1)];
    free(j->places);
    j->places = places;
    j->cap = cap;
    return true;
}

bool journal_add(struct journal *j, struct frame_share *f, uint64_t now_ms)
{
    if (f->number) return true;
    if (j->next - j->first == j->cap && !grow(j)) return false;
    f->number = j->next++;
    j->places[f->number & (j->cap - 1)] = (struct journal_place){.share = f, .queued_ms = (uint32_t)now_ms};
    return true;
}

void journal_drop(struct journal *j, struct frame_share *f)
{
    if (!f->number) return;
    j->places[f->number & (j->cap - 1)].share = NULL;
    f->number = 0;
    while (j->first < j->next && !j->places[j->first & (j->cap - 1)].share) j->first++;
}

/* ---- pack ---- */

enum { NO_ID = 0xff, VARINT_MAX = 10 };

void pack_init(struct pack *p, size_t len, uint64_t number)
{
    assert(len > sizeof *p && len - sizeof *p <= UINT16_MAX);
    *p = (struct pack){.front = {.number = number}, .back = {.number = number}, .room = (uint16_t)(len - sizeof *p)};
}

static uint8_t *id_at(const struct pack *p, size_t index)
{
    return (uint8_t *)(uintptr_t)p->bytes + p->room - (index + 1) * FRAME_ID_LEN;
}

/* Clients get their streams in turn, so the one that follows the last is tried first. NO_ID: it is not there. */
static uint8_t find_id(const struct pack *p, const uint8_t id[FRAME_ID_LEN])
{
    for (unsigned i = 1; i <= p->id_count; i++) {
        unsigned index = (p->last_id + i) % p->id_count;

        if (memcmp(id_at(p, index), id, FRAME_ID_LEN) == 0) return (uint8_t)index;
    }
    return NO_ID;
}

bool pack_put(struct pack *p, uint64_t number, const uint8_t *id)
{
    uint8_t index = id ? find_id(p, id) : NO_ID, item[1 + VARINT_MAX];
    bool fresh = id && index == NO_ID;
    size_t len = 1;
    uint64_t distance;

    if (number < p->back.number || (fresh && p->id_count == NO_ID)) return false;
    distance = number - p->back.number;
    for (; distance >= 0x80; distance >>= 7) item[len++] = (uint8_t)(distance | 0x80);
    item[len++] = (uint8_t)distance;
    if (p->back.at + len + (p->id_count + (size_t)fresh) * FRAME_ID_LEN > p->room) return false;
    if (fresh) {
        index = (uint8_t)p->id_count++;
        memcpy(id_at(p, index), id, FRAME_ID_LEN);
    }
    if (id) p->last_id = index;
    item[0] = index;
    memcpy(p->bytes + p->back.at, item, len);
    p->back = (struct pack_cursor){.number = number, .at = (uint16_t)(p->back.at + len)};
    return true;
}

bool pack_next(const struct pack *p, struct pack_cursor *cursor, struct pack_item *out)
{
    uint64_t distance = 0;
    unsigned shift = 0;
    uint8_t index, byte;

    if (cursor->at == p->back.at) return false;
    index = p->bytes[cursor->at++];
    do {
        byte = p->bytes[cursor->at++];
        distance |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    cursor->number += distance;
    *out = (struct pack_item){.number = cursor->number, .id = index == NO_ID ? NULL : id_at(p, index)};
    return true;
}
