/* db_record: what the state's rows in the store look like.
 *
 *   account   flags (1: has code, 2: has storage, 4: own_storage) · nonce · balance (each a length byte, then
 * big-endian bytes without leading zeros) · code hash where there is code · storage root where there is storage. No
 * row: no account. slot      big-endian without leading zeros. No row: zero. node      its RLP, under db_node_key(). No
 * row: none is there. old       the value a key had before a version, empty where it had none, under db_old_key(): kind
 * · length of key · key · version. The length keeps keys that begin alike apart. journal   what a version changed, in
 * rows of at most DB_CHUNK_MAX bytes, so that they pack into LMDB's pages: kind · length of key · key, again and again.
 *   version   id · block number · root, 48 bytes.
 *
 * Reading is strict: what we could not have written is FAN_EFORMAT. */
#ifndef LOCAL_DB_RECORD_H
#define LOCAL_DB_RECORD_H

#include "local/state_diff.h"

enum db_kind { DB_ACCOUNT = 1, DB_SLOT = 2, DB_NODE = 3, DB_CODE = 4 };

enum {
    DB_ACCOUNT_MAX = 1 + 9 + 33 + 64,
    DB_NODE_KEY_MAX = 1 + 32 + 32 + 1,
    DB_KEY_MAX = DB_NODE_KEY_MAX,
    DB_OLD_KEY_MAX = 2 + DB_KEY_MAX + 8,
    DB_CHUNK_MAX = 1900,
    DB_VERSION_LEN = 48
};

/* Each writes into the caller's bytes and returns what it wrote. */
struct slice db_account_encode(const struct state_account *a, uint8_t out[DB_ACCOUNT_MAX]); /* empty: does not exist */
struct slice db_slot_encode(const struct fan_u256 *value, uint8_t out[32]);
struct slice db_version_encode(const struct state_point *p, uint8_t out[DB_VERSION_LEN]);
struct slice db_node_key(const struct trie_node_key *key, uint8_t out[DB_NODE_KEY_MAX]);
struct slice db_old_key(enum db_kind kind, struct slice key, uint64_t version, uint8_t out[DB_OLD_KEY_MAX]);

FAN_MUST_CHECK enum fan_status db_account_decode(struct slice s, struct state_account *out); /* empty: none */
FAN_MUST_CHECK enum fan_status db_slot_decode(struct slice s, struct fan_u256 *out);
FAN_MUST_CHECK enum fan_status db_version_decode(struct slice s, uint64_t version, struct state_point *out);
FAN_MUST_CHECK enum fan_status db_node_key_decode(struct slice s, struct trie_node_key *out);
/* Takes the next key off the front of a journal's row. */
FAN_MUST_CHECK enum fan_status db_journal_next(struct slice *row, enum db_kind *out_kind, struct slice *out_key);

#endif
