/* forked_parts: what the files of the forked remote share.
 *
 *   forked.c        opening, blocks, any call, another URL     forked_state.c   accounts, slots, code
 *   forked_known.c  what was answered once: in memory, and through cache.h on disk      forked_header.c   reading a
 * header
 *
 *   get_account ─► known? ─► asked ─► checked ─► remembered        (slots, code, hashes and answers likewise)
 *
 * Thread: any number at once; what is known lies behind a lock that nobody holds while the network is waited for. */
#ifndef UPSTREAM_FORKED_PARTS_H
#define UPSTREAM_FORKED_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "codec/keccak.h"
#include "upstream/cache.h"
#include "upstream/forked.h"

enum { FORKED_URLS_MAX = 64 };

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

/* The answers of the node, each once. */
struct known {
    pthread_rwlock_t lock; /* over what follows */
    struct map accounts;   /* fan_address → account_record */
    struct map slots;      /* slot_key → fan_u256, big-endian */
    struct map codes;      /* fan_hash → a blob */
    struct map owners;     /* code hash → fan_address: whose code it is */
    struct map hashes;     /* number, big-endian → fan_hash */
    struct map answers;    /* keccak of method and params → a blob */
    uint64_t bytes;        /* in blobs */
    struct cache *disk;    /* NULL: none */
};

struct forked {
    struct chain_remote remote; /* first */
    _Atomic(struct client *) client;
    struct client_options way; /* how to reach a node, but for its URL */
    pthread_mutex_t urls;      /* over those that were replaced, and which calls may still be at */
    struct client *replaced[FORKED_URLS_MAX];
    size_t replaced_count;
    char at[24]; /* the block, as a QUANTITY in quotes */
    atomic_bool no_proofs;
    struct known known;
};

static inline struct forked *forked_of(struct chain_remote *r)
{
    return (struct forked *)(void *)r;
}

static inline bool hash_is(const struct fan_hash *a, const struct fan_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ---- forked_known.c ---- */

void known_init(struct known *k);
void known_fini(struct known *k);
/* cache_open()'s reader: a record from disk. False: it is none of ours. */
bool known_recall(void *known, uint8_t kind, struct slice payload);
/* Keeps an answer, in memory as far as there is room, and on disk. Any thread, as all below. */
void known_put(struct known *k, uint8_t kind, const void *key, struct slice value);
/* Copies what is known to out, of the table's value length. False: it is not. */
bool known_get(struct known *k, uint8_t kind, const void *key, void *out);
/* The same for code and answers: a copy in the arena. out->at NULL with true: out of memory. */
bool known_get_blob(struct known *k, uint8_t kind, const void *key, struct arena *a, struct slice *out);
/* Whose code that is. */
bool known_owner(struct known *k, const struct fan_hash *code_hash, struct fan_address *out);

/* ---- forked.c ---- */

/* A call for state or a block; params is emptied. An error object is FAN_EREJECTED, a failure as well: the node cannot
 * tell. */
FAN_MUST_CHECK enum fan_status forked_ask(struct forked *f, const char *method, struct buf *params, struct arena *a,
                                          struct json *out, struct fan_error *err);
/* The node answered something that is not what it should be: FAN_EREMOTE. */
enum fan_status forked_unsound(struct forked *f, const char *method, struct fan_error *err);
/* Ends a lookup: an error object too means that there is no answer. */
enum fan_status forked_end_lookup(enum fan_status s, const struct fan_error *why);

/* ---- forked_state.c: chain_remote_ops ---- */

FAN_MUST_CHECK enum fan_status forked_account(struct chain_remote *r, const struct fan_address *address,
                                              struct chain_account *out);
FAN_MUST_CHECK enum fan_status forked_slot(struct chain_remote *r, const struct fan_address *address,
                                           const struct fan_u256 *slot, struct fan_u256 *out);
FAN_MUST_CHECK enum fan_status forked_code(struct chain_remote *r, const struct fan_hash *code_hash, struct arena *a,
                                           struct slice *out);

#endif
