/* What a forked remote knows already. */
#include <stdlib.h>

#include "upstream/forked_parts.h"

/* Of answers and code held in memory; beyond it they are asked for again. */
#define MEMORY_MAX (256ull << 20)

struct blob {
    uint8_t *at;
    size_t len;
};

void known_init(struct known *k)
{
    *k = (struct known){0};
    (void)pthread_rwlock_init(&k->lock, NULL);
    map_init(&k->accounts, sizeof(struct fan_address), sizeof(struct account_record));
    map_init(&k->slots, sizeof(struct slot_key), 32);
    map_init(&k->codes, sizeof(struct fan_hash), sizeof(struct blob));
    map_init(&k->owners, sizeof(struct fan_hash), sizeof(struct fan_address));
    map_init(&k->hashes, 8, sizeof(struct fan_hash));
    map_init(&k->answers, sizeof(struct fan_hash), sizeof(struct blob));
}

static void free_blobs(struct map *m)
{
    void *value;

    for (size_t at = 0; map_next(m, &at, NULL, &value);) free(((struct blob *)value)->at);
    map_fini(m);
}

void known_fini(struct known *k)
{
    cache_close(k->disk);
    map_fini(&k->accounts);
    map_fini(&k->slots);
    free_blobs(&k->codes);
    map_fini(&k->owners);
    map_fini(&k->hashes);
    free_blobs(&k->answers);
    (void)pthread_rwlock_destroy(&k->lock);
}

static struct map *table_of(struct known *k, uint8_t kind)
{
    switch (kind) {
    case RECORD_ACCOUNT:
        return &k->accounts;
    case RECORD_SLOT:
        return &k->slots;
    case RECORD_CODE:
        return &k->codes;
    case RECORD_HASH:
        return &k->hashes;
    case RECORD_ANSWER:
        return &k->answers;
    default:
        return NULL;
    }
}

static bool is_blob(uint8_t kind)
{
    return kind == RECORD_CODE || kind == RECORD_ANSWER;
}

static void learn_owner(struct known *k, const struct fan_address *address, const struct account_record *account)
{
    struct fan_address *owner;

    if (memcmp(&account->code_hash, &KECCAK_EMPTY, sizeof KECCAK_EMPTY) == 0) return;
    owner = map_put(&k->owners, &account->code_hash, NULL);
    if (owner) *owner = *address;
}

/* Under the lock for writing. What finds no memory is asked for again. */
static void learn(struct known *k, uint8_t kind, const void *key, struct slice value)
{
    struct map *table = table_of(k, kind);
    struct blob blob = {0};
    bool fresh;
    void *there;

    if (is_blob(kind)) {
        if (k->bytes + value.len > MEMORY_MAX || map_get(table, key)) return;
        blob = (struct blob){malloc(value.len ? value.len : 1), value.len};
        if (!blob.at) return;
        if (value.len) memcpy(blob.at, value.at, value.len);
    }
    there = map_put(table, key, &fresh);
    if (!there) {
        free(blob.at);
        return;
    }
    if (is_blob(kind)) {
        memcpy(there, &blob, sizeof blob);
        k->bytes += value.len;
    } else {
        memcpy(there, value.at, value.len);
    }
    if (kind == RECORD_ACCOUNT) learn_owner(k, key, there);
}

bool known_recall(void *known, uint8_t kind, struct slice payload)
{
    struct known *k = known;
    struct map *table = table_of(k, kind);
    struct slice value;

    if (!table || payload.len < table->key_len) return false;
    value = slice_from(payload, table->key_len);
    if (!is_blob(kind) && value.len != table->value_len) return false;
    learn(k, kind, payload.at, value);
    return true;
}

void known_put(struct known *k, uint8_t kind, const void *key, struct slice value)
{
    struct buf record;

    (void)pthread_rwlock_wrlock(&k->lock);
    learn(k, kind, key, value);
    (void)pthread_rwlock_unlock(&k->lock);
    if (!k->disk) return;
    buf_init(&record, 0);
    buf_put(&record, slice_of(key, table_of(k, kind)->key_len));
    buf_put(&record, value);
    if (!record.failed) cache_put(k->disk, kind, buf_peek(&record));
    buf_fini(&record);
}

bool known_get(struct known *k, uint8_t kind, const void *key, void *out)
{
    struct map *table = table_of(k, kind);
    void *there;

    (void)pthread_rwlock_rdlock(&k->lock);
    there = map_get(table, key);
    if (there) memcpy(out, there, table->value_len);
    (void)pthread_rwlock_unlock(&k->lock);
    return there != NULL;
}

bool known_get_blob(struct known *k, uint8_t kind, const void *key, struct arena *a, struct slice *out)
{
    struct blob *there;

    (void)pthread_rwlock_rdlock(&k->lock);
    there = map_get(table_of(k, kind), key);
    if (there) *out = arena_dup(a, slice_of(there->at, there->len));
    (void)pthread_rwlock_unlock(&k->lock);
    return there != NULL;
}

bool known_owner(struct known *k, const struct fan_hash *code_hash, struct fan_address *out)
{
    const struct fan_address *there;

    (void)pthread_rwlock_rdlock(&k->lock);
    there = map_get(&k->owners, code_hash);
    if (there) *out = *there;
    (void)pthread_rwlock_unlock(&k->lock);
    return there != NULL;
}
