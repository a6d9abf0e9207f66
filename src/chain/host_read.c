#include "chain/host_read.h"

#include <stdio.h>

#include "codec/hex.h"
#include "codec/u256.h"

enum value_kind { VALUE_QUANTITY, VALUE_DATA, VALUE_FIXED, VALUE_HASHES };

struct key {
    const char *name;
    enum value_kind kind;
    size_t len; /* VALUE_FIXED: bytes */
};

/* geth's header, in its order. */
static const struct key header_keys[] = {
    {"parentHash", VALUE_FIXED, 32},
    {"sha3Uncles", VALUE_FIXED, 32},
    {"miner", VALUE_FIXED, 20},
    {"stateRoot", VALUE_FIXED, 32},
    {"transactionsRoot", VALUE_FIXED, 32},
    {"receiptsRoot", VALUE_FIXED, 32},
    {"logsBloom", VALUE_FIXED, BLOOM_LEN},
    {"difficulty", VALUE_QUANTITY, 0},
    {"number", VALUE_QUANTITY, 0},
    {"gasLimit", VALUE_QUANTITY, 0},
    {"gasUsed", VALUE_QUANTITY, 0},
    {"timestamp", VALUE_QUANTITY, 0},
    {"extraData", VALUE_DATA, 0},
    {"mixHash", VALUE_FIXED, 32},
    {"nonce", VALUE_FIXED, 8},
    {"baseFeePerGas", VALUE_QUANTITY, 0},
    {"withdrawalsRoot", VALUE_FIXED, 32},
    {"blobGasUsed", VALUE_QUANTITY, 0},
    {"excessBlobGas", VALUE_QUANTITY, 0},
    {"parentBeaconBlockRoot", VALUE_FIXED, 32},
    {"requestsHash", VALUE_FIXED, 32},
    {"hash", VALUE_FIXED, 32},
};

static const struct key log_keys[] = {
    {"address", VALUE_FIXED, 20},       {"topics", VALUE_HASHES, 32},          {"data", VALUE_DATA, 0},
    {"blockNumber", VALUE_QUANTITY, 0}, {"transactionHash", VALUE_FIXED, 32},  {"transactionIndex", VALUE_QUANTITY, 0},
    {"blockHash", VALUE_FIXED, 32},     {"blockTimestamp", VALUE_QUANTITY, 0}, {"logIndex", VALUE_QUANTITY, 0},
};

/* What is being read: the object, where its parts go, and what errors call it. */
struct reading {
    char what[40]; /* "block", "logs[3]" */
    struct json object;
    struct arena scratch;
    struct fan_error *err;
};

static enum fan_status wrong(const struct reading *r, const char *key, const char *why)
{
    return fan_error_set(r->err, FAN_EFORMAT, "%s: %s: %s", r->what, key, why);
}

/* ---- values ---- */

/* A hexadecimal string without its prefix, also where the host left that out; false when v is no string. */
static bool hex_digits(struct json v, struct slice *out)
{
    struct slice text = json_str_raw(v);

    if (!json_is(v, JSON_STRING)) return false;
    if (slice_starts(text, SLICE("0x")) || slice_starts(text, SLICE("0X"))) text = slice_from(text, 2);
    *out = text;
    return true;
}

static enum fan_status read_fixed(const struct reading *r, const char *key, struct json v, size_t len, uint8_t *out)
{
    struct slice digits;
    char why[60];

    if (!hex_digits(v, &digits) || digits.len != 2 * len || hex_decode(digits, out)) {
        (void)snprintf(why, sizeof why, "%zu bytes in hexadecimal were expected", len);
        return wrong(r, key, why);
    }
    return FAN_OK;
}

/* "0x…", leading zeros allowed, or a JSON number without fraction. */
static enum fan_status read_quantity(const struct reading *r, const char *key, struct json v, struct fan_u256 *out)
{
    static const char why[] = "a whole number, or one in hexadecimal with 0x, of at most 256 bits was expected";
    struct slice text = json_str_raw(v);
    char padded[64];

    if (json_is(v, JSON_NUMBER)) return u256_from_decimal(json_raw(v), out) ? wrong(r, key, why) : FAN_OK;
    if (!json_is(v, JSON_STRING) || !slice_starts(text, SLICE("0x")) || text.len == 2) return wrong(r, key, why);
    text = slice_from(text, 2);
    while (text.len > 64 && text.at[0] == '0') text = slice_from(text, 1);
    if (text.len > 64) return wrong(r, key, why);
    memset(padded, '0', sizeof padded);
    memcpy(padded + sizeof padded - text.len, text.at, text.len);
    uint8_t bytes[32];

    if (hex_decode(slice_of(padded, sizeof padded), bytes)) return wrong(r, key, why);
    return u256_from_be_slice(slice_of(bytes, sizeof bytes), out) ? FAN_OK : wrong(r, key, why);
}

static enum fan_status read_u64(const struct reading *r, const char *key, uint64_t *out)
{
    struct fan_u256 v;
    enum fan_status s = read_quantity(r, key, json_get(r->object, key), &v);

    if (s) return s;
    if (v.limb[1] | v.limb[2] | v.limb[3]) return wrong(r, key, "a number of at most 64 bits was expected");
    *out = v.limb[0];
    return FAN_OK;
}

static bool has(const struct reading *r, const char *key)
{
    enum json_kind kind = json_kind(json_get(r->object, key));

    return kind != JSON_MISSING && kind != JSON_NULL;
}

static enum fan_status require(const struct reading *r, const char *key)
{
    return has(r, key) ? FAN_OK : wrong(r, key, "is missing");
}

/* ---- members, as subscribers get them ---- */

static enum fan_status put_fixed(const struct reading *r, const struct key *k, struct json v, struct json_writer *w)
{
    uint8_t bytes[BLOOM_LEN];
    enum fan_status s = read_fixed(r, k->name, v, k->len, bytes);

    if (!s) json_put_data(w, slice_of(bytes, k->len));
    return s;
}

static enum fan_status put_data(const struct reading *r, const struct key *k, struct json v, struct json_writer *w)
{
    struct arena scratch = r->scratch;
    struct slice digits;
    uint8_t *bytes;

    if (!hex_digits(v, &digits)) return wrong(r, k->name, "bytes in hexadecimal were expected");
    bytes = arena_bytes(&scratch, digits.len / 2 + 1);
    if (!bytes) return fan_error_set(r->err, FAN_ENOMEM, "out of memory");
    if (hex_decode(digits, bytes)) return wrong(r, k->name, "bytes in hexadecimal were expected");
    json_put_data(w, slice_of(bytes, digits.len / 2));
    return FAN_OK;
}

static enum fan_status put_value(const struct reading *r, const struct key *k, struct json v, struct json_writer *w)
{
    struct fan_u256 number;
    enum fan_status s = FAN_OK;

    if (json_is(v, JSON_NULL)) {
        json_put_null(w);
        return FAN_OK;
    }
    switch (k->kind) {
    case VALUE_QUANTITY:
        s = read_quantity(r, k->name, v, &number);
        if (!s) json_put_u256(w, &number);
        return s;
    case VALUE_DATA:
        return put_data(r, k, v, w);
    case VALUE_FIXED:
        return put_fixed(r, k, v, w);
    case VALUE_HASHES:
        if (!json_is(v, JSON_ARRAY) || json_count(v) > 4)
            return wrong(r, k->name, "an array of at most four was expected");
        json_begin_array(w);
        for (struct json i = json_first(v); !s && !json_is(i, JSON_MISSING); i = json_next(i))
            s = put_fixed(r, k, i, w);
        json_end_array(w);
        return s;
    }
    return FAN_EINTERNAL;
}

/* The members of those keys that are there, in the table's order, as one text in the arena. */
static enum fan_status read_members(const struct reading *r, const struct key *keys, size_t count, struct arena *a,
                                    struct slice *out)
{
    struct buf text;
    struct json_writer w;
    enum fan_status s = FAN_OK;

    buf_init(&text, 0);
    w = json_writer_of(&text);
    json_begin_object(&w);
    for (size_t i = 0; !s && i < count; i++) {
        struct json v = json_get(r->object, keys[i].name);

        if (json_is(v, JSON_MISSING)) continue;
        json_put_key(&w, keys[i].name);
        s = put_value(r, &keys[i], v, &w);
    }
    if (!s && text.failed) s = fan_error_set(r->err, FAN_ENOMEM, "out of memory");
    if (!s) {
        *out = arena_dup(a, slice_from(buf_peek(&text), 1)); /* without the brace */
        if (!out->at) s = fan_error_set(r->err, FAN_ENOMEM, "out of memory");
    }
    buf_fini(&text);
    return s;
}

/* ---- blocks ---- */

static enum fan_status fill_block(struct reading *r, struct block *b)
{
    struct arena a = arena_of(&b->memory);
    enum fan_status s = require(r, "hash");

    if (!s) s = require(r, "parentHash");
    if (!s) s = require(r, "number");
    if (!s) s = read_members(r, header_keys, COUNT_OF(header_keys), &a, &b->header_json);
    if (!s) s = read_fixed(r, "hash", json_get(r->object, "hash"), 32, b->hash.bytes);
    if (!s) s = read_fixed(r, "parentHash", json_get(r->object, "parentHash"), 32, b->header.parent_hash.bytes);
    if (!s) s = read_u64(r, "number", &b->header.number);
    if (!s && has(r, "timestamp")) s = read_u64(r, "timestamp", &b->header.timestamp);
    memset(b->header.logs_bloom.bytes, 0xff, sizeof b->header.logs_bloom.bytes);
    b->has_receipts = true;
    return s;
}

enum fan_status host_read_block(struct slice json, struct block **out, struct fan_error *err)
{
    struct reading r = {.what = "block", .err = err};
    struct arena_home home;
    struct fan_error why = {""};
    struct block *b;
    enum fan_status s;

    arena_home_init(&home, 0);
    r.scratch = arena_of(&home);
    s = json_parse(json, JSON_DEPTH_MAX, &r.scratch, &r.object, &why);
    if (s) {
        s = fan_error_set(err, s == FAN_ENOMEM ? s : FAN_EFORMAT, "block: %s", why.text);
    } else if (!json_is(r.object, JSON_OBJECT)) {
        s = fan_error_set(err, FAN_EFORMAT, "block: an object was expected, not %s",
                          json_kind_name(json_kind(r.object)));
    } else if (!(b = block_new())) {
        s = fan_error_set(err, FAN_ENOMEM, "out of memory");
    } else {
        s = fill_block(&r, b);
        if (s)
            block_unref(b);
        else
            *out = b;
    }
    arena_home_fini(&home);
    return s;
}

/* ---- logs ---- */

static enum fan_status read_topics(const struct reading *r, struct arena *a, struct log *l)
{
    struct json topics = json_get(r->object, "topics"), item;
    struct fan_hash *to;
    enum fan_status s = FAN_OK;

    if (!has(r, "topics")) return FAN_OK;
    l->topic_count = json_count(topics); /* at most four: read_members() has looked */
    to = ARENA_ARRAY(a, l->topic_count + 1, struct fan_hash);
    if (!to) return fan_error_set(r->err, FAN_ENOMEM, "out of memory");
    item = json_first(topics);
    for (size_t i = 0; !s && i < l->topic_count; i++, item = json_next(item))
        s = read_fixed(r, "topics", item, 32, to[i].bytes);
    l->topics = to;
    return s;
}

static enum fan_status fill_log(struct reading *r, struct arena *a, struct log *l, struct host_log_place *place)
{
    enum fan_status s;

    if (!json_is(r->object, JSON_OBJECT))
        return fan_error_set(r->err, FAN_EFORMAT, "%s: an object was expected, not %s", r->what,
                             json_kind_name(json_kind(r->object)));
    if (json_is(json_get(r->object, "removed"), JSON_TRUE))
        return wrong(r, "removed", "what is removed is told by the block that takes its place, or by moving the head");
    place->has_hash = has(r, "blockHash");
    place->has_number = has(r, "blockNumber");
    if (!place->has_hash && !place->has_number) return wrong(r, "blockNumber", "is missing, and so is blockHash");
    s = require(r, "address");
    if (!s) s = read_members(r, log_keys, COUNT_OF(log_keys), a, &l->json);
    if (!s) s = read_fixed(r, "address", json_get(r->object, "address"), 20, l->address.bytes);
    if (!s) s = read_topics(r, a, l);
    if (!s && place->has_hash) s = read_fixed(r, "blockHash", json_get(r->object, "blockHash"), 32, place->hash.bytes);
    if (!s && place->has_number) s = read_u64(r, "blockNumber", &place->number);
    if (!s && has(r, "transactionHash"))
        s = read_fixed(r, "transactionHash", json_get(r->object, "transactionHash"), 32, l->tx_hash.bytes);
    l->index = HOST_NO_INDEX;
    if (!s && has(r, "logIndex")) s = read_u64(r, "logIndex", &l->index);
    return s;
}

static enum fan_status fill_logs(struct reading *r, struct json list, struct block *b, struct host_log_place **out)
{
    struct arena a = arena_of(&b->memory);
    bool many = json_is(list, JSON_ARRAY);
    size_t count = many ? json_count(list) : 1;
    struct host_log_place *places = ARENA_ARRAY(&a, count + 1, struct host_log_place);
    struct json item = many ? json_first(list) : list;

    b->logs = ARENA_ARRAY(&a, count + 1, struct log);
    if (!places || !b->logs) return fan_error_set(r->err, FAN_ENOMEM, "out of memory");
    (void)snprintf(r->what, sizeof r->what, "log");
    for (; b->log_count < count; b->log_count++, item = many ? json_next(item) : item) {
        enum fan_status s;

        if (many) (void)snprintf(r->what, sizeof r->what, "logs[%zu]", b->log_count);
        r->object = item;
        s = fill_log(r, &a, &b->logs[b->log_count], &places[b->log_count]);
        if (s) return s;
    }
    *out = places;
    return FAN_OK;
}

enum fan_status host_read_logs(struct slice json, struct block **out, const struct host_log_place **out_places,
                               struct fan_error *err)
{
    struct reading r = {.what = "logs", .err = err};
    struct arena_home home;
    struct fan_error why = {""};
    struct host_log_place *places = NULL;
    struct json list;
    struct block *b;
    enum fan_status s;

    arena_home_init(&home, 0);
    r.scratch = arena_of(&home);
    s = json_parse(json, JSON_DEPTH_MAX, &r.scratch, &list, &why);
    if (s) {
        s = fan_error_set(err, s == FAN_ENOMEM ? s : FAN_EFORMAT, "logs: %s", why.text);
    } else if (!json_is(list, JSON_ARRAY) && !json_is(list, JSON_OBJECT)) {
        s = fan_error_set(err, FAN_EFORMAT, "logs: an array was expected, not %s", json_kind_name(json_kind(list)));
    } else if (!(b = block_new())) {
        s = fan_error_set(err, FAN_ENOMEM, "out of memory");
    } else {
        s = fill_logs(&r, list, b, &places);
        if (s) {
            block_unref(b);
        } else {
            *out = b;
            *out_places = places;
        }
    }
    arena_home_fini(&home);
    return s;
}

struct block *host_copy_block(const struct block *b, size_t more, struct arena *a)
{
    struct block *copy = block_new();
    size_t count = b->log_count;

    if (!copy) return NULL;
    *a = arena_of(&copy->memory);
    copy->header = b->header;
    copy->hash = b->hash;
    copy->has_receipts = b->has_receipts;
    copy->header_json = arena_dup(a, b->header_json);
    copy->logs = ARENA_ARRAY(a, count + more + 1, struct log);
    if (!copy->header_json.at || !copy->logs) goto fail;
    for (size_t i = 0; i < count; i++)
        if (host_put_log(copy, a, &b->logs[i])) goto fail;
    return copy;
fail:
    block_unref(copy);
    return NULL;
}

enum fan_status host_put_log(struct block *b, struct arena *a, const struct log *l)
{
    struct log *to = &b->logs[b->log_count];
    struct slice topics = arena_dup(a, slice_of(l->topics, l->topic_count * sizeof *l->topics));

    *to = *l;
    to->json = arena_dup(a, l->json);
    if (!topics.at || !to->json.at) return FAN_ENOMEM;
    to->topics = (const struct fan_hash *)(const void *)topics.at;
    b->log_count++;
    return FAN_OK;
}

/* ---- pending transactions, syncing ---- */

/* A transaction's object is passed on as it is, but for its hash: its keys differ from kind to kind, and the host knows
 * them. */
static enum fan_status pending_object(const struct reading *r, const struct fan_hash *hash, struct pending_tx **out)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 0);
    w = json_writer_of(&text);
    json_begin_object(&w);
    json_put_key(&w, "hash");
    json_put_hash(&w, hash);
    if (json_is(r->object, JSON_OBJECT)) {
        for (struct json i = json_first(r->object); !json_is(i, JSON_MISSING); i = json_next(i)) {
            if (json_key_is(i, SLICE("hash"))) continue;
            buf_put_str(&text, ",\"");
            buf_put(&text, json_key(i));
            buf_put_str(&text, "\":");
            buf_put(&text, json_raw(i));
        }
    }
    *out = text.failed ? NULL : pending_tx_of_host(hash, slice_from(buf_peek(&text), 1));
    buf_fini(&text);
    return *out ? FAN_OK : fan_error_set(r->err, FAN_ENOMEM, "out of memory");
}

enum fan_status host_read_pending(struct slice json, struct pending_tx **out, struct fan_error *err)
{
    struct reading r = {.what = "pending transaction", .err = err};
    struct arena_home home;
    struct fan_error why = {""};
    struct fan_hash hash;
    enum fan_status s;

    arena_home_init(&home, 0);
    r.scratch = arena_of(&home);
    s = json_parse(json, JSON_DEPTH_MAX, &r.scratch, &r.object, &why);
    if (s)
        s = fan_error_set(err, s == FAN_ENOMEM ? s : FAN_EFORMAT, "pending transaction: %s", why.text);
    else if (json_is(r.object, JSON_STRING))
        s = read_fixed(&r, "hash", r.object, 32, hash.bytes);
    else if (json_is(r.object, JSON_OBJECT)) {
        s = require(&r, "hash");
        if (!s) s = read_fixed(&r, "hash", json_get(r.object, "hash"), 32, hash.bytes);
    } else
        s = fan_error_set(err, FAN_EFORMAT, "pending transaction: its hash or its object was expected, not %s",
                          json_kind_name(json_kind(r.object)));
    if (!s) s = pending_object(&r, &hash, out);
    arena_home_fini(&home);
    return s;
}

enum fan_status host_read_syncing(struct slice json, struct chain_sync *out, struct fan_error *err)
{
    struct reading r = {.what = "syncing", .err = err};
    struct arena_home home;
    struct fan_error why = {""};
    struct chain_sync sync = {0};
    struct json status;
    enum fan_status s;

    arena_home_init(&home, 0);
    r.scratch = arena_of(&home);
    s = json_parse(json, JSON_DEPTH_MAX, &r.scratch, &r.object, &why);
    if (s)
        s = fan_error_set(err, s == FAN_ENOMEM ? s : FAN_EFORMAT, "syncing: %s", why.text);
    else if (json_is(r.object, JSON_OBJECT)) {
        sync.syncing = !json_is(json_get(r.object, "syncing"), JSON_FALSE);
        status = json_get(r.object, "status"); /* as a subscription says it; eth_syncing has it without the wrapping */
        if (json_is(status, JSON_OBJECT)) r.object = status;
        if (sync.syncing) s = require(&r, "currentBlock");
        if (!s && has(&r, "startingBlock")) s = read_u64(&r, "startingBlock", &sync.starting_block);
        if (!s && has(&r, "currentBlock")) s = read_u64(&r, "currentBlock", &sync.current_block);
        if (!s && has(&r, "highestBlock")) s = read_u64(&r, "highestBlock", &sync.highest_block);
    } else if (!json_is(r.object, JSON_FALSE))
        s = fan_error_set(err, FAN_EFORMAT, "syncing: false or an object was expected, not %s",
                          json_kind_name(json_kind(r.object)));
    if (!s) *out = sync;
    arena_home_fini(&home);
    return s;
}
