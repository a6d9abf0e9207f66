/* mem_base_entry: what one account, slot, trie node or code was, version by version.
 *
 * An entry is a list of records, oldest first, each beginning with its version. The four kinds differ in what follows,
 * and in what they know about the table they hang in, so that a journal of entries is enough to take them out of it
 * again. An entry without records says nothing: it was made for a diff that did not fit into memory.
 *
 * Trie nodes are most of what a chain's history weighs: each block writes a dozen of some 300 bytes, of which one
 * child's hash is new. So a node's record may be a delta, which keeps the front and the back of the record before it
 * and says only what stands between; every MEM_DELTAS_MAX records one is whole, so that reading stays short. The newest
 * node, which the next block reads and the next record is told from, is kept whole besides.
 * Thread: whoever holds the base's lock. */
#ifndef LOCAL_MEM_BASE_ENTRY_H
#define LOCAL_MEM_BASE_ENTRY_H

#include "base/arena.h"
#include "local/state_diff.h"

enum mem_kind { MEM_ACCOUNT, MEM_SLOT, MEM_NODE, MEM_CODE };

struct mem_entry {
    enum mem_kind kind;
    uint32_t count, cap;
    uint8_t *records; /* each begins with its version */
};

struct mem_account_record {
    uint64_t version;
    struct state_account account;
};

struct mem_slot_record {
    uint64_t version;
    struct fan_u256 value;
};

struct mem_blob_record {
    uint64_t version;        /* the top bit: blob is a delta on the record before */
    struct state_blob *blob; /* NULL: the node is gone */
};

enum { MEM_DELTAS_MAX = 15 }; /* between two whole records */

struct mem_account_entry {
    struct mem_entry entry;
    struct fan_address address;
    struct map slots; /* 32 bytes → struct mem_slot_entry * */
};

struct mem_slot_entry {
    struct mem_entry entry;
    struct mem_account_entry *account;
    uint8_t slot[32];
};

struct mem_node_entry {
    struct mem_entry entry;
    struct state_blob *tip; /* the newest record's node, whole, whatever the record keeps of it; NULL: not at hand */
    struct trie_node_key key;
};

struct mem_code_entry {
    struct mem_entry entry;
    struct fan_hash hash;
};

/* The record that holds at `version`: the last one not later. NULL: the key came later, or never (e NULL
 * included). Not of nodes. */
const void *mem_entry_at(const struct mem_entry *e, uint64_t version);
uint64_t mem_entry_version(const struct mem_entry *e, size_t index);
/* Does that record say that there is nothing? */
bool mem_entry_is_absent(const struct mem_entry *e, size_t index);
/* Room for one more record; false when memory ran out. */
FAN_MUST_CHECK bool mem_entry_reserve(struct mem_entry *e);
/* The next record, to be filled; after mem_entry_reserve(). Accounts and slots. */
void *mem_entry_push(struct mem_entry *e);
/* The same for nodes and code: takes its own reference, or keeps a delta instead. */
void mem_entry_push_blob(struct mem_entry *e, uint64_t version, struct state_blob *blob);
/* What a node or code was at `version`, copied into the arena; nothing where there was none (at NULL, len 0). */
FAN_MUST_CHECK enum fan_status mem_entry_blob_at(const struct mem_entry *e, uint64_t version, struct arena *a,
                                                 struct slice *out);
/* Forgets `count` records from `index` on: the first ones, the last, or all. Of the first, those that deltas behind
 * them are told from stay. */
void mem_entry_cut(struct mem_entry *e, size_t index, size_t count);
void mem_entry_free(struct mem_entry *e);

#endif
