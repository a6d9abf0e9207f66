#include "upstream/forked.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "codec/hex.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "upstream/cache.h"

/* Of answers and code held in memory; beyond it they are asked for again. */
#define MEMORY_MAX (256ull << 20)
enum { ANSWER_LEN_MAX = 1 << 20, CODE_LEN_MAX = 1 << 20, URLS_MAX = 64 };

/* What is cached, and its key and payload on disk: the key's bytes, then the value's. */
enum record { RECORD_ACCOUNT = 1, RECORD_SLOT, RECORD_CODE, RECORD_HASH, RECORD_ANSWER };

struct slot_key {
    struct fan_address address;
    uint8_t slot[32];
};
static_assert(sizeof(struct slot_key) == 52, "hashed as bytes");

/* An account as it lies in memory and on disk. */
struct account_record {
    uint8_t exists, pad[7];
    uint8_t nonce[8], balance[32];
    struct fan_hash code_hash, storage_root;
};
static_assert(sizeof(struct account_record) == 112, "goes to disk");

struct blob {
    uint8_t *at;
    size_t len;
};

struct forked {
    struct chain_remote remote; /* first */
    struct arena_home memory;
    _Atomic(struct client *) client;
    struct client_options way; /* how to reach a node, but for its URL */
    pthread_mutex_t urls;      /* over those that were replaced, and which calls may still be at */
    struct client *replaced[URLS_MAX];
    size_t replaced_count;
    struct cache *disk; /* NULL: none */
    char at[24];        /* the block, as a QUANTITY in quotes */
    atomic_bool no_proofs;

    pthread_rwlock_t lock; /* over what follows */
    struct map accounts;   /* fan_address → account_record */
    struct map slots;      /* slot_key → fan_u256, big-endian */
    struct map codes;      /* fan_hash → blob */
    struct map owners;     /* code hash → fan_address: whose code it is */
    struct map hashes;     /* number, big-endian → fan_hash */
    struct map answers;    /* keccak of method and params → blob */
    uint64_t bytes;        /* in blobs */
};

static struct forked *forked_of(struct chain_remote *r)
{
    return (struct forked *)(void *)r;
}

/* ---- what is known ---- */

static struct map *table_of(struct forked *f, uint8_t kind)
{
    switch (kind) {
    case RECORD_ACCOUNT:
        return &f->accounts;
    case RECORD_SLOT:
        return &f->slots;
    case RECORD_CODE:
        return &f->codes;
    case RECORD_HASH:
        return &f->hashes;
    case RECORD_ANSWER:
        return &f->answers;
    default:
        return NULL;
    }
}

static bool is_blob(uint8_t kind)
{
    return kind == RECORD_CODE || kind == RECORD_ANSWER;
}

static void learn_owner(struct forked *f, const struct fan_address *address, const struct account_record *account)
{
    struct fan_address *owner;

    if (memcmp(&account->code_hash, &KECCAK_EMPTY, sizeof KECCAK_EMPTY) == 0) return;
    owner = map_put(&f->owners, &account->code_hash, NULL);
    if (owner) *owner = *address;
}

/* Under the lock for writing. What finds no memory is asked for again. */
static void learn(struct forked *f, uint8_t kind, const void *key, struct slice value)
{
    struct map *table = table_of(f, kind);
    struct blob blob = {0};
    bool fresh;
    void *there;

    if (is_blob(kind)) {
        if (f->bytes + value.len > MEMORY_MAX || map_get(table, key)) return;
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
        f->bytes += value.len;
    } else {
        memcpy(there, value.at, value.len);
    }
    if (kind == RECORD_ACCOUNT) learn_owner(f, key, there);
}

/* A record from disk. */
static bool recall(void *ctx, uint8_t kind, struct slice payload)
{
    struct forked *f = ctx;
    struct map *table = table_of(f, kind);
    struct slice value;

    if (!table || payload.len < table->key_len) return false;
    value = slice_from(payload, table->key_len);
    if (!is_blob(kind) && value.len != table->value_len) return false;
    learn(f, kind, payload.at, value);
    return true;
}

static void remember(struct forked *f, uint8_t kind, const void *key, struct slice value)
{
    struct buf record;

    (void)pthread_rwlock_wrlock(&f->lock);
    learn(f, kind, key, value);
    (void)pthread_rwlock_unlock(&f->lock);
    if (!f->disk) return;
    buf_init(&record, 0);
    buf_put(&record, slice_of(key, table_of(f, kind)->key_len));
    buf_put(&record, value);
    if (!record.failed) cache_put(f->disk, kind, buf_peek(&record));
    buf_fini(&record);
}

/* Copies what is known to out, of the table's value length. */
static bool known(struct forked *f, uint8_t kind, const void *key, void *out)
{
    struct map *table = table_of(f, kind);
    void *there;

    (void)pthread_rwlock_rdlock(&f->lock);
    there = map_get(table, key);
    if (there) memcpy(out, there, table->value_len);
    (void)pthread_rwlock_unlock(&f->lock);
    return there != NULL;
}

/* The same for blobs: a copy in the arena. at NULL with true: out of memory. */
static bool known_blob(struct forked *f, uint8_t kind, const void *key, struct arena *a, struct slice *out)
{
    struct blob *there;

    (void)pthread_rwlock_rdlock(&f->lock);
    there = map_get(table_of(f, kind), key);
    if (there) *out = arena_dup(a, slice_of(there->at, there->len));
    (void)pthread_rwlock_unlock(&f->lock);
    return there != NULL;
}

/* ---- asking ---- */

/* A call for state. An error object is a failure as well: the node cannot tell. */
static enum fan_status ask(struct forked *f, const char *method, struct buf *params, struct arena *a, struct json *out,
                           struct fan_error *err)
{
    struct client_reply reply;
    struct fan_error why = {{0}};
    enum fan_status s =
        params->failed ? FAN_ENOMEM : client_call(atomic_load(&f->client), method, buf_peek(params), a, &reply, &why);

    buf_reset(params);
    if (s == FAN_EREJECTED) {
        (void)fan_error_set(err, s, "%s: %s: %s", f->remote.url, method, why.text);
        return s;
    }
    if (s) return err ? (*err = why, s) : s;
    *out = reply.result;
    return FAN_OK;
}

static enum fan_status unsound(struct forked *f, const char *method, struct fan_error *err)
{
    return fan_error_set(err, FAN_EREMOTE, "%s: %s: its result is not what it should be", f->remote.url, method);
}

static void put_address(struct buf *b, const struct fan_address *address)
{
    char hex[40];

    hex_encode(slice_of(address, sizeof *address), hex);
    buf_printf(b, "\"0x%.40s\"", hex);
}

/* DATA of at most 32 bytes, or a QUANTITY: nodes differ. */
static bool read_word(struct json v, uint8_t out[32])
{
    struct slice text = json_str_raw(v);
    uint8_t digits[64];

    if (!slice_starts(text, SLICE("0x"))) return false;
    text = slice_from(text, 2);
    while (text.len > 64 && text.at[0] == '0') text = slice_from(text, 1);
    if (text.len > 64) return false;
    memset(digits, '0', sizeof digits);
    if (text.len) memcpy(digits + 64 - text.len, text.at, text.len);
    return !hex_decode(slice_of(digits, sizeof digits), out);
}

/* ---- accounts ---- */

static void make_record(const struct chain_account *from, struct account_record *out)
{
    *out = (struct account_record){
        .exists = from->exists, .code_hash = from->code_hash, .storage_root = from->storage_root};
    put_be64(from->nonce, out->nonce);
    u256_to_be(&from->balance_wei, out->balance);
}

static void read_record(const struct account_record *from, struct chain_account *out)
{
    *out = (struct chain_account){.exists = from->exists != 0,
                                  .nonce = get_be64(from->nonce),
                                  .balance_wei = u256_from_be(from->balance),
                                  .code_hash = from->code_hash,
                                  .storage_root = from->storage_root};
}

static bool hash_is(const struct fan_hash *a, const struct fan_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* What the fields mean together. Some nodes give an empty storage root to whatever they have no trie of: only an
 * account without code is believed to have no storage. */
static void settle(struct chain_account *account)
{
    static const struct fan_hash zero;
    bool no_code = hash_is(&account->code_hash, &KECCAK_EMPTY) || hash_is(&account->code_hash, &zero);

    if (no_code) {
        account->code_hash = KECCAK_EMPTY;
        account->storage_root = KECCAK_EMPTY_TRIE;
    } else if (hash_is(&account->storage_root, &KECCAK_EMPTY_TRIE)) {
        account->storage_root = zero;
    }
    account->exists = account->nonce || !u256_is_zero(&account->balance_wei) || !no_code;
}

/* FAN_EREJECTED: this node gives no proofs. */
static enum fan_status ask_proof(struct forked *f, const struct fan_address *address, struct buf *params,
                                 struct arena *a, struct chain_account *out, struct fan_error *err)
{
    struct json proof;
    enum fan_status s;

    buf_put_byte(params, '[');
    put_address(params, address);
    buf_printf(params, ",[],%s]", f->at);
    s = ask(f, "eth_getProof", params, a, &proof, err);
    if (s) return s;
    if (json_read_u64(json_get(proof, "nonce"), &out->nonce) ||
        json_read_u256(json_get(proof, "balance"), &out->balance_wei) ||
        json_read_hash(json_get(proof, "codeHash"), &out->code_hash) ||
        json_read_hash(json_get(proof, "storageHash"), &out->storage_root))
        return FAN_EREJECTED;
    return FAN_OK;
}

static enum fan_status ask_about(struct forked *f, const char *method, const struct fan_address *address,
                                 struct buf *params, struct arena *a, struct json *out, struct fan_error *err)
{
    buf_put_byte(params, '[');
    put_address(params, address);
    buf_printf(params, ",%s]", f->at);
    return ask(f, method, params, a, out, err);
}

static enum fan_status ask_code(struct forked *f, const struct fan_address *address, struct buf *params,
                                struct arena *a, struct slice *out, struct fan_error *err)
{
    struct json v;
    enum fan_status s = ask_about(f, "eth_getCode", address, params, a, &v, err);

    if (!s && json_read_data(v, CODE_LEN_MAX, a, out)) s = unsound(f, "eth_getCode", err);
    return s;
}

static enum fan_status ask_parts(struct forked *f, const struct fan_address *address, struct buf *params,
                                 struct arena *a, struct chain_account *out, struct fan_error *err)
{
    struct slice code = {0};
    struct json v;
    enum fan_status s = ask_about(f, "eth_getBalance", address, params, a, &v, err);

    if (!s && json_read_u256(v, &out->balance_wei)) s = unsound(f, "eth_getBalance", err);
    if (!s) s = ask_about(f, "eth_getTransactionCount", address, params, a, &v, err);
    if (!s && json_read_u64(v, &out->nonce)) s = unsound(f, "eth_getTransactionCount", err);
    if (!s) s = ask_code(f, address, params, a, &code, err);
    if (s) return s;
    out->code_hash = keccak256(code);
    out->storage_root = KECCAK_EMPTY_TRIE;
    if (code.len) remember(f, RECORD_CODE, &out->code_hash, code);
    return FAN_OK;
}

/* Ends a lookup: an error object too means that there is no answer. */
static enum fan_status end_lookup(enum fan_status s, const struct fan_error *why)
{
    return s == FAN_EREMOTE || s == FAN_EREJECTED ? chain_remote_note(why) : s;
}

static enum fan_status get_account(struct chain_remote *r, const struct fan_address *address, struct chain_account *out)
{
    struct forked *f = forked_of(r);
    struct account_record record;
    struct chain_account account = {0};
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    struct buf params;
    enum fan_status s = FAN_EREJECTED;

    if (known(f, RECORD_ACCOUNT, address, &record)) {
        read_record(&record, out);
        return FAN_OK;
    }
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&params, 0);
    if (!atomic_load(&f->no_proofs)) {
        s = ask_proof(f, address, &params, &a, &account, &why);
        if (s == FAN_EREJECTED) atomic_store(&f->no_proofs, true);
    }
    if (s == FAN_EREJECTED) s = ask_parts(f, address, &params, &a, &account, &why);
    if (!s) {
        settle(&account);
        make_record(&account, &record);
        remember(f, RECORD_ACCOUNT, address, slice_of(&record, sizeof record));
        *out = account;
    }
    buf_fini(&params);
    arena_home_fini(&home);
    return end_lookup(s, &why);
}

static enum fan_status get_slot(struct chain_remote *r, const struct fan_address *address, const struct fan_u256 *slot,
                                struct fan_u256 *out)
{
    struct forked *f = forked_of(r);
    struct slot_key key = {.address = *address};
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    struct buf params;
    struct json v;
    char hex[64];
    uint8_t word[32];
    enum fan_status s;

    u256_to_be(slot, key.slot);
    if (known(f, RECORD_SLOT, &key, word)) {
        *out = u256_from_be(word);
        return FAN_OK;
    }
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&params, 0);
    hex_encode(slice_of(key.slot, sizeof key.slot), hex);
    buf_put_byte(&params, '[');
    put_address(&params, address);
    buf_printf(&params, ",\"0x%.64s\",%s]", hex, f->at);
    s = ask(f, "eth_getStorageAt", &params, &a, &v, &why);
    if (!s && !read_word(v, word)) s = unsound(f, "eth_getStorageAt", &why);
    if (!s) {
        remember(f, RECORD_SLOT, &key, slice_of(word, sizeof word));
        *out = u256_from_be(word);
    }
    buf_fini(&params);
    arena_home_fini(&home);
    return end_lookup(s, &why);
}

static enum fan_status get_code(struct chain_remote *r, const struct fan_hash *code_hash, struct arena *a,
                                struct slice *out)
{
    struct forked *f = forked_of(r);
    struct fan_address owner, *there;
    struct fan_error why = {{0}};
    struct fan_hash hash;
    struct arena_home home;
    struct arena scratch;
    struct buf params;
    struct slice code;
    enum fan_status s;

    if (known_blob(f, RECORD_CODE, code_hash, a, out)) return out->at ? FAN_OK : FAN_ENOMEM;
    (void)pthread_rwlock_rdlock(&f->lock);
    there = map_get(&f->owners, code_hash);
    if (there) owner = *there;
    (void)pthread_rwlock_unlock(&f->lock);
    if (!there) return FAN_ENOTFOUND;
    arena_home_init(&home, 0);
    scratch = arena_of(&home);
    buf_init(&params, 0);
    s = ask_code(f, &owner, &params, &scratch, &code, &why);
    if (!s) {
        hash = keccak256(code);
        if (!hash_is(&hash, code_hash)) s = unsound(f, "eth_getCode", &why);
    }
    if (!s) {
        remember(f, RECORD_CODE, code_hash, code);
        *out = arena_dup(a, code);
        if (!out->at) s = FAN_ENOMEM;
    }
    buf_fini(&params);
    arena_home_fini(&home);
    return end_lookup(s, &why);
}

static enum fan_status get_block_hash(struct chain_remote *r, uint64_t number, struct fan_hash *out)
{
    struct forked *f = forked_of(r);
    const struct block *b = r->block;
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    struct buf params;
    struct json v;
    uint8_t key[8];
    enum fan_status s;

    if (number > b->header.number) return FAN_ENOTFOUND;
    if (number == b->header.number || number + 1 == b->header.number) {
        *out = number == b->header.number ? b->hash : b->header.parent_hash;
        return FAN_OK;
    }
    put_be64(number, key);
    if (known(f, RECORD_HASH, key, out)) return FAN_OK;
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&params, 0);
    buf_printf(&params, "[\"0x%" PRIx64 "\",false]", number);
    s = ask(f, "eth_getBlockByNumber", &params, &a, &v, &why);
    if (!s && json_read_hash(json_get(v, "hash"), out)) s = unsound(f, "eth_getBlockByNumber", &why);
    if (!s) remember(f, RECORD_HASH, key, slice_of(out, sizeof *out));
    buf_fini(&params);
    arena_home_fini(&home);
    return end_lookup(s, &why);
}

/* ---- any call ---- */

/* Is this block, transaction or receipt (or list of them) above the fork, or not yet in a block? */
static bool is_later(struct json v, uint64_t fork)
{
    struct json number;
    uint64_t n;

    if (json_is(v, JSON_ARRAY)) v = json_first(v);
    if (!json_is(v, JSON_OBJECT)) return false;
    number = json_get(v, "blockNumber");
    if (json_is(number, JSON_MISSING)) number = json_get(v, "number");
    if (json_is(number, JSON_MISSING)) return false;
    return json_read_u64(number, &n) || n > fork;
}

static enum fan_status request(struct chain_remote *r, const char *method, struct slice params, bool past,
                               struct arena *a, struct slice *out_result, int64_t *out_code, struct slice *out_data,
                               struct fan_error *err)
{
    struct forked *f = forked_of(r);
    struct client_reply reply;
    struct fan_hash key = {{0}};
    bool keep = past;
    enum fan_status s;

    if (keep) {
        struct buf text;

        buf_init(&text, 0);
        buf_put_str(&text, method);
        buf_put(&text, params);
        keep = !text.failed;
        key = keccak256(buf_peek(&text));
        buf_fini(&text);
    }
    if (keep && known_blob(f, RECORD_ANSWER, &key, a, out_result)) return out_result->at ? FAN_OK : FAN_ENOMEM;
    s = client_call(atomic_load(&f->client), method, params, a, &reply, err);
    *out_code = reply.code;
    *out_data = reply.data;
    if (s) return s;
    *out_result = json_raw(reply.result);
    if (past && is_later(reply.result, r->block->header.number)) {
        *out_result = SLICE("null");
        return FAN_OK;
    }
    if (keep && !json_is(reply.result, JSON_NULL) && out_result->len <= ANSWER_LEN_MAX)
        remember(f, RECORD_ANSWER, &key, *out_result);
    return FAN_OK;
}

/* ---- another URL ---- */

/* Is it a node of the same chain, with the very block? */
static enum fan_status check_node(struct forked *f, struct client *c, struct fan_error *err)
{
    const struct block *b = f->remote.block;
    struct client_reply reply;
    struct arena_home home;
    struct arena a;
    char params[40];
    struct fan_hash hash;
    enum fan_status s;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    (void)snprintf(params, sizeof params, "[%s,false]", f->at);
    s = client_call(c, "eth_getBlockByNumber", slice_str(params), &a, &reply, err);
    if (!s && (json_read_hash(json_get(reply.result, "hash"), &hash) || !hash_is(&hash, &b->hash)))
        s = fan_error_set(err, FAN_ENOTFOUND, "%s: its block %" PRIu64 " is not the fork's", client_url(c),
                          b->header.number);
    arena_home_fini(&home);
    return s == FAN_EREJECTED ? FAN_EREMOTE : s;
}

static enum fan_status set_url(struct chain_remote *r, const char *url, struct fan_error *err)
{
    struct forked *f = forked_of(r);
    struct client_options o = f->way;
    struct client *c = NULL;
    enum fan_status s;

    o.url = url;
    s = client_new(&o, &c, err);
    if (!s) s = check_node(f, c, err);
    if (!s) {
        (void)pthread_mutex_lock(&f->urls);
        if (f->replaced_count == URLS_MAX) {
            s = fan_error_set(err, FAN_ELIMIT, "the URL was changed %d times: that is enough", URLS_MAX);
        } else {
            f->replaced[f->replaced_count++] = atomic_exchange(&f->client, c); /* somebody may be calling it */
            f->remote.url = client_url(c);
        }
        (void)pthread_mutex_unlock(&f->urls);
    }
    if (s) client_free(c);
    return s;
}

/* ---- life ---- */

static void free_blobs(struct map *m)
{
    void *value;

    for (size_t at = 0; map_next(m, &at, NULL, &value);) free(((struct blob *)value)->at);
    map_fini(m);
}

static void forked_free(struct chain_remote *r)
{
    struct forked *f = forked_of(r);

    client_free(atomic_load(&f->client));
    while (f->replaced_count) client_free(f->replaced[--f->replaced_count]);
    (void)pthread_mutex_destroy(&f->urls);
    cache_close(f->disk);
    block_unref(r->block);
    map_fini(&f->accounts);
    map_fini(&f->slots);
    free_blobs(&f->codes);
    map_fini(&f->owners);
    map_fini(&f->hashes);
    free_blobs(&f->answers);
    arena_home_fini(&f->memory);
    (void)pthread_rwlock_destroy(&f->lock);
    free(f);
}

static const struct chain_remote_ops ops = {
    .account = get_account,
    .slot = get_slot,
    .code = get_code,
    .block_hash = get_block_hash,
    .request = request,
    .set_url = set_url,
    .free = forked_free,
};

static enum fan_status read_block(struct forked *f, struct json v, struct fan_error *err)
{
    struct block *b = block_new();
    struct fan_error why;
    struct arena a;
    enum fan_status s;

    if (!b) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    a = arena_of(&b->memory);
    s = forked_read_header(v, &a, &b->header, &b->hash, &why);
    if (s) {
        block_unref(b);
        return fan_error_set(err, FAN_EREMOTE, "%s: %s", f->remote.url, why.text);
    }
    b->has_receipts = true; /* its transactions are the node's to tell */
    f->remote.block = b;
    return FAN_OK;
}

/* Chain id and block. */
static enum fan_status get_ground(struct forked *f, const struct forked_options *o, struct arena *a,
                                  struct fan_error *err)
{
    struct buf params;
    struct json v;
    enum fan_status s;

    buf_init(&params, 0);
    buf_put_str(&params, "[]");
    s = ask(f, "eth_chainId", &params, a, &v, err);
    if (!s && json_read_u64(v, &f->remote.chain_id)) s = unsound(f, "eth_chainId", err);
    if (!s) {
        if (o->has_number)
            buf_printf(&params, "[\"0x%" PRIx64 "\",false]", o->number);
        else
            buf_put_str(&params, "[\"latest\",false]");
        s = ask(f, "eth_getBlockByNumber", &params, a, &v, err);
    }
    buf_fini(&params);
    if (s == FAN_EREJECTED) return FAN_EREMOTE;
    if (s) return s;
    if (json_is(v, JSON_NULL))
        return fan_error_set(err, FAN_ENOTFOUND, "%s: it has no block %" PRIu64, f->remote.url, o->number);
    return read_block(f, v, err);
}

enum fan_status forked_open(const struct forked_options *o, struct chain_remote **out, struct fan_error *note,
                            struct fan_error *err)
{
    struct forked *f = calloc(1, sizeof *f);
    struct client *first = NULL;
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    enum fan_status s;

    if (!f) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    f->remote.ops = &ops;
    ref_init(&f->remote.ref);
    (void)pthread_rwlock_init(&f->lock, NULL);
    arena_home_init(&f->memory, 0);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    map_init(&f->accounts, sizeof(struct fan_address), sizeof(struct account_record));
    map_init(&f->slots, sizeof(struct slot_key), 32);
    map_init(&f->codes, sizeof(struct fan_hash), sizeof(struct blob));
    map_init(&f->owners, sizeof(struct fan_hash), sizeof(struct fan_address));
    map_init(&f->hashes, 8, sizeof(struct fan_hash));
    map_init(&f->answers, sizeof(struct fan_hash), sizeof(struct blob));
    (void)pthread_mutex_init(&f->urls, NULL);
    f->way = o->client;
    f->way.url = NULL;
    f->way.headers = NULL; /* they were for the first one's ears */
    f->way.header_count = 0;
    s = client_new(&o->client, &first, err);
    if (!s) {
        atomic_store(&f->client, first);
        f->remote.url = client_url(first);
        f->remote.backoff_ms = o->client.backoff_ms ? o->client.backoff_ms : 1000;
        s = get_ground(f, o, &a, err);
    }
    if (!s) {
        const struct block *b = f->remote.block;

        (void)snprintf(f->at, sizeof f->at, "\"0x%" PRIx64 "\"", b->header.number);
        if (o->folder &&
            cache_open(o->folder, f->remote.chain_id, b->header.number, &b->hash, recall, f, &f->disk, note, &why))
            (void)fan_error_set(note, FAN_OK, "nothing is cached on disk: %s", why.text); /* slower, not wrong */
    }
    arena_home_fini(&home);
    if (s)
        forked_free(&f->remote);
    else
        *out = &f->remote;
    return s;
}

uint64_t forked_calls(const struct chain_remote *r)
{
    return client_calls(atomic_load(&((struct forked *)(uintptr_t)r)->client));
}
