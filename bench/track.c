#include "bench/track.h"

#include <stdlib.h>
#include <string.h>

#include "bench/kit.h"

enum { PENDING_CAP = 1 << 20, ID_FROM_START_MAX = 256, BLOCKS_MAX = 1 << 20 };

/* The root over no transactions. */
#define NO_TRANSACTIONS "\"transactionsRoot\":\"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421\""

static struct track_options opt;
static struct track_faults faults;
static uint64_t first_place = UINT64_MAX; /* of the run, in anyone's stream */

/* Where a key stood in the last notification that had it: all of an event are alike, so it mostly stands there again.
 */
struct spot {
    const char *key;
    size_t key_len, at;
};
static struct spot spot_id = {"\"subscription\":\"", 16, 0}, spot_number = {"\"number\":\"0x", 12, 0},
                   spot_block = {"\"blockNumber\":\"0x", 17, 0}, spot_index = {"\"logIndex\":\"0x", 14, 0},
                   spot_result = {"\"result\":\"0x", 12, 0};

static struct {
    uint64_t hash[PENDING_CAP], place[PENDING_CAP], count;
} * pending;

/* With skip_empty: the event of each block, from the first of the run on, and how many blocks and events there were. */
static uint32_t *event_of;
static uint64_t block_count, event_count, last_asked; /* last_asked: blocks up to the last that was ordered */

void track_init(struct track_options options)
{
    opt = options;
    event_of = opt.skip_empty ? calloc(BLOCKS_MAX, sizeof *event_of) : NULL;
    if (opt.skip_empty && !event_of) die("out of memory");
    pending = calloc(1, sizeof *pending);
    if (!pending) die("out of memory");
}

const struct track_faults *track_peek_faults(void)
{
    return &faults;
}

struct track_faults *track_faults(void)
{
    return &faults;
}

/* What follows the key; NULL: it is not there. */
static const char *behind(struct spot *s, const char *text, size_t len)
{
    const char *found;

    if (s->at + s->key_len <= len && memcmp(text + s->at, s->key, s->key_len) == 0) return text + s->at + s->key_len;
    found = memmem(text, len, s->key, s->key_len);
    if (!found) return NULL;
    s->at = (size_t)(found - text);
    return found + s->key_len;
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    return 16;
}

/* A hexadecimal number up to its closing quote. */
static bool number_behind(struct spot *s, const char *text, size_t len, uint64_t *out)
{
    const char *at = behind(s, text, len), *end = text + len;
    uint64_t value = 0;

    if (!at) return false;
    for (; at < end && *at != '"'; at++) value = value << 4 | digit_of(*at);
    *out = value;
    return at < end;
}

static uint64_t hash_of(const char *at, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; len > 0; at++, len--) h = (h ^ (uint8_t)*at) * 0x100000001b3u;
    h ^= h >> 32;
    return h ? h : 1;
}

static struct track_id *find(struct track_set *s, uint64_t hash)
{
    size_t i = hash & (s->cap - 1);

    while (s->ids[i].hash && s->ids[i].hash != hash) i = (i + 1) & (s->cap - 1);
    return &s->ids[i];
}

void track_add(struct track_set *s, const char *id, size_t len)
{
    struct track_id *place;

    if (2 * (s->count + 1) > s->cap) {
        struct track_set wide = {.cap = s->cap ? 2 * s->cap : 2, .count = s->count};

        wide.ids = calloc(wide.cap, sizeof *wide.ids);
        if (!wide.ids) die("out of memory");
        for (size_t i = 0; i < s->cap; i++)
            if (s->ids[i].hash) *find(&wide, s->ids[i].hash) = s->ids[i];
        free(s->ids);
        *s = wide;
    }
    place = find(s, hash_of(id, len));
    if (place->hash) faults.strange++; /* two subscriptions of a connection with one id */
    place->hash = hash_of(id, len);
    place->next = first_place; /* one that comes later is held from there on all the same: phases subscribe first */
    s->count++;
}

/* A transaction's place: how many others came to anyone before it. */
static uint64_t pending_place(uint64_t hash)
{
    size_t i = hash & (PENDING_CAP - 1);

    while (pending->hash[i] && pending->hash[i] != hash) i = (i + 1) & (PENDING_CAP - 1);
    if (!pending->hash[i]) {
        if (pending->count > PENDING_CAP / 2) die("too many transactions");
        pending->hash[i] = hash;
        pending->place[i] = pending->count++;
    }
    return pending->place[i];
}

static bool place_of(const char *text, size_t len, uint64_t *out)
{
    uint64_t index;
    const char *at;

    switch (opt.kind) {
    case TRACK_HEADS:
        return number_behind(&spot_number, text, len, out);
    case TRACK_LOGS:
        if (!number_behind(&spot_block, text, len, out) || !number_behind(&spot_index, text, len, &index)) return false;
        *out = *out * opt.logs_per_event + index;
        return index < opt.logs_per_event;
    case TRACK_PENDING:
        at = behind(&spot_result, text, len);
        if (!at || at + 64 > text + len) return false;
        *out = pending_place(hash_of(at, 64));
        return true;
    }
    return false;
}

/* Streams are in order, so whoever is first to see a block has seen all before it. */
static uint64_t asked_event(uint64_t block, const char *text, size_t len)
{
    if (block >= BLOCKS_MAX) die("too many blocks");
    while (block_count <= block) {
        bool empty = memmem(text, len, NO_TRANSACTIONS, sizeof NO_TRANSACTIONS - 1);

        event_of[block_count++] = empty ? UINT32_MAX : (uint32_t)event_count++;
        if (!empty) last_asked = block_count;
    }
    return event_of[block] == UINT32_MAX ? UINT64_MAX : event_of[block];
}

uint64_t track_unasked(void)
{
    return block_count - event_count;
}

bool track_read(struct track_set *s, const char *text, size_t len, uint64_t *out_event)
{
    const char *id = behind(&spot_id, text, len), *end;
    struct track_id *place;
    uint64_t at;

    *out_event = UINT64_MAX;
    if (!id || id - text > ID_FROM_START_MAX) return false;
    end = memchr(id, '"', len - (size_t)(id - text));
    if (!end || !place_of(text, len, &at) || !s->cap) {
        faults.strange++;
        return true;
    }
    place = find(s, hash_of(id, (size_t)(end - id)));
    if (!place->hash) {
        faults.strange++;
        return true;
    }
    if (first_place == UINT64_MAX) first_place = at;
    if (place->next == UINT64_MAX) place->next = first_place;
    if (at + 1 == place->next) {
        faults.duplicates++;
        return true;
    }
    if (at < place->next) {
        faults.disorders++;
        return true;
    }
    faults.holes += at - place->next;
    place->next = at + 1;
    if (opt.skip_empty) {
        *out_event = asked_event(at - first_place, text, len);
        return true;
    }
    *out_event = (at - first_place) / (opt.kind == TRACK_LOGS ? opt.logs_per_event : 1);
    return true;
}

void track_end(const struct track_set *s, uint64_t events)
{
    uint64_t places = opt.skip_empty ? last_asked : events * (opt.kind == TRACK_LOGS ? opt.logs_per_event : 1);

    for (size_t i = 0; i < s->cap; i++) {
        if (!s->ids[i].hash) continue;
        if (s->ids[i].next == UINT64_MAX)
            faults.holes += places;
        else if (s->ids[i].next < first_place + places)
            faults.holes += first_place + places - s->ids[i].next;
    }
}
