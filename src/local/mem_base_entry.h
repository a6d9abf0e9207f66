/* mem_base_entry: what one account, slot, trie node or code was, version by version.
 *
 * An entry is a list of records, oldest first, each beginning with its version. The four kinds differ in what follows,
 * and in what they know about the table they hang in, so that a journal of entries is enough to take them out of it
 * again. An entry without records says nothing: it was made for a diff that did not fit into memory.
 * Thread: whoever holds the base's lock. */
#ifndef LOCAL_MEM_BASE_ENTRY_H
#define LOCAL_MEM_BASE_ENTRY_H

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
    uint64_t version;
    struct state_blob *blob; /* NULL: the node is gone */
};

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
    struct trie_node_key key;
};

struct mem_code_entry {
    struct mem_entry entry;
    struct fan_hash hash;
};

/* The record that holds at `version`: the last one not later. NULL: the key came later, or never (e NULL
 * included). */
const void *mem_entry_at(const struct mem_entry *e, uint64_t version);
uint64_t mem_entry_version(const struct mem_entry *e, size_t index);
/* Does that record say that there is nothing? */
bool mem_entry_is_absent(const struct mem_entry *e, size_t index);
/* Room for one more record; false when memory ran out. */
FAN_MUST_CHECK bool mem_entry_reserve(struct mem_entry *e);
/* The next record, to be filled; after mem_entry_reserve(). */
void *mem_entry_push(struct mem_entry *e);
/* Forgets `count` records from `index` on. */
void mem_entry_cut(struct mem_entry *e, size_t index, size_t count);
void mem_entry_free(struct mem_entry *e);

#endif
