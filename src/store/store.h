/* store: the folder on disk that a chain survives in: sorted tables of bytes behind transactions (LMDB).
 *
 *   DIR/LOCK             locked by the process that has the store open, whose pid it holds
 *   DIR/chain/data.mdb   one LMDB environment with every table below
 *
 * A *read transaction* sees one moment of all tables, whatever is written meanwhile, and waits for nobody. It belongs
 * to the thread that began it, is not nested in another, and outlives no page of work: what it pins cannot be used
 * again. A *write transaction* becomes durable whole, or not at all, when store_write_commit() returns: after a kill, a
 * power cut or a full disk the tables are as the last commit left them. There is one at a time.
 *
 * Values are borrowed from the map: until the read transaction ends, or until the next change in a write transaction.
 * The file is written by pwrite and never through the map, so that a full disk is an error here and not SIGBUS.
 *
 * Tables and their keys are below; numbers in keys are big-endian, so that the order of bytes is the order of numbers.
 * What values look like is told where they are made: blocks in store/block_rows.h, state in local/db_record.h.
 *
 * Another table: a row in STORE_TABLES (at the end: the order is not stored, names are), and, where old files would be
 * read wrongly by the new program, a step of STORE_FORMAT. A missing table is made at opening.
 *
 * Not here: what a chain is (local/), messages to the user beyond err (cmd/).
 * Source: LMDB 0.9.24 (lmdb.h); design.md section 7. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/metric.h"
#include "base/slice.h"

/* The version of what the tables hold; a folder of another version is refused. */
enum { STORE_FORMAT = 1 };

/* name on disk, what a key is → what a value is */
#define STORE_TABLES(X)                                                                                                \
    X(STORE_META, "meta")         /* a word (below) → its value */                                                   \
    X(STORE_ACCOUNTS, "accounts") /* address → account, newest */                                                    \
    X(STORE_SLOTS, "slots")       /* address, slot (32) → value without leading zeros, newest */                     \
    X(STORE_NODES, "nodes")       /* trie node's place → its RLP, newest */                                          \
    X(STORE_CODES, "codes")       /* keccak256 → code */                                                             \
    X(STORE_OLD, "old")         /* kind, key, version (8) → what the value was before that version; empty: absent */ \
    X(STORE_JOURNAL, "journal") /* version (8), chunk (4) → the keys that version changed */                         \
    X(STORE_VERSIONS, "versions") /* version (8) → its id, block and root */                                         \
    X(STORE_POINTS, "points")     /* block number (8) → the last version with that number (8) */                     \
    X(STORE_HEADERS, "headers")   /* number (8), hash (32) → header's RLP; orphans too */                            \
    X(STORE_BODIES, "bodies")     /* number (8), hash (32) → RLP of what follows the header in a block */            \
    X(STORE_OUTCOMES, "outcomes") /* number (8), hash (32) → senders, receipts, total difficulty */                  \
    X(STORE_NUMBERS, "numbers")   /* number (8) → hash (32) of the canonical block */                                \
    X(STORE_HASHES, "hashes")     /* block hash → number (8); orphans too */                                         \
    X(STORE_TXS, "txs")           /* transaction hash → number (8), index (4); canonical blocks only */              \
    X(STORE_ORPHANS, "orphans")   /* count (8) → number (8), hash (32) of a block that left the chain */             \
    X(STORE_LOGS, "logs")         /* list of a value (8), log's number (8) → nothing: local/log_store.h */

/* clang-format off */
enum store_table {
#define X(name, text) name,
    STORE_TABLES(X)
#undef X
    STORE_TABLE_COUNT
};
/* clang-format on */

/* Words in STORE_META. */
#define STORE_META_FORMAT  "format"  /* 8: STORE_FORMAT */
#define STORE_META_GENESIS "genesis" /* genesis.json */
#define STORE_META_STATE   "state"   /* oldest version (8), newest version (8) */
#define STORE_META_IMPORT  "import"  /* 8: the number up to which blocks came from an import */
#define STORE_META_LOGS    "logs"    /* 8: the first block of which every log is in STORE_LOGS */

enum { STORE_KEY_MAX = 511 };

struct store;
struct store_txn;

struct store_options {
    size_t map_bytes;     /* the address space to begin with; 0: 1 TiB, or what the system grants of it; 64 MiB under
                             sanitizers. Grows by itself. */
    size_t map_bytes_max; /* growth ends here; 0: where the system ends it */
    bool existing;        /* make nothing: there must be a store */
    bool read_only;       /* nothing will be written; existing too; still locks */
    bool fast;            /* no fsync: a power cut may damage it. For tests and throw-away folders alone */
};

/* Opens the store in DIR, which exists; makes what is missing in an empty folder, unless `existing`. err names folder
 * and cure. FAN_ENOTFOUND: no such folder, or (existing) no store in it. FAN_EEXIST: another process has it open, whose
 * pid err tells. FAN_EUNSUPPORTED: another format. FAN_EFORMAT: not a store, or damaged. FAN_EIO: the system refused
 * (not a folder, no permission, disk full). */
FAN_MUST_CHECK enum fan_status store_open(const char *dir, const struct store_options *options, struct store **out,
                                          struct fan_error *err);
/* After all transactions have ended. NULL is fine. */
void store_close(struct store *s);
const char *store_dir(const struct store *s); /* as given; borrowed */

/* What is counted: under the store's lock; any thread may read. */
struct store_stats {
#include "base/metric_fields.def"

#include "store/metrics.def"
};
extern const struct metric_table store_metrics;
const struct store_stats *store_stats(const struct store *s);

/* ---- reading: any thread ---- */
/* FAN_ELIMIT: more readers at once than there are places (1,000). FAN_EIO. */
FAN_MUST_CHECK enum fan_status store_read_begin(struct store *s, struct store_txn **out);
void store_read_end(struct store_txn *t); /* NULL is fine */

/* ---- writing: one transaction at a time, by whichever thread began it ---- */
/* Waits for another writer. */
FAN_MUST_CHECK enum fan_status store_write_begin(struct store *s, struct store_txn **out);
/* Durable when it returns FAN_OK; otherwise nothing of it happened. The transaction is over either way. FAN_EIO, and
 * err says why (no space left, …): what was refused may be tried again. FAN_ECLOSED: the store takes no more writes,
 * and perhaps no readers, until it is opened again: a write failed where LMDB cannot say what reached the disk.
 * FAN_EAGAIN: the map was too small and is larger now: build the transaction again. */
FAN_MUST_CHECK enum fan_status store_write_commit(struct store_txn *t, struct fan_error *err);
/* Forgets it. NULL is fine. Tells in err why an operation of this transaction had failed, where one had, and makes room
 * where it was the map; the same statuses as store_write_commit(), FAN_OK where none had failed. */
enum fan_status store_write_abort(struct store_txn *t, struct fan_error *err);

/* The value of key. FAN_ENOTFOUND; FAN_EIO. */
FAN_MUST_CHECK enum fan_status store_get(struct store_txn *t, enum store_table table, struct slice key,
                                         struct slice *out);
/* Writers. key: 1 to STORE_KEY_MAX bytes. After a failure only abort may follow. */
FAN_MUST_CHECK enum fan_status store_put(struct store_txn *t, enum store_table table, struct slice key,
                                         struct slice value);
/* FAN_OK also when there was none. */
FAN_MUST_CHECK enum fan_status store_delete(struct store_txn *t, enum store_table table, struct slice key);
FAN_MUST_CHECK enum fan_status store_count(struct store_txn *t, enum store_table table, uint64_t *out);

/* ---- in order ----
 * A cursor belongs to its transaction and is closed before that ends. Each step gives key and value, borrowed as above,
 * or FAN_ENOTFOUND where there is none; out_value may be NULL. */
struct store_cursor;
FAN_MUST_CHECK enum fan_status store_cursor_open(struct store_txn *t, enum store_table table,
                                                 struct store_cursor **out);
void store_cursor_close(struct store_cursor *c); /* NULL is fine */
FAN_MUST_CHECK enum fan_status store_cursor_first(struct store_cursor *c, struct slice *out_key,
                                                  struct slice *out_value);
FAN_MUST_CHECK enum fan_status store_cursor_last(struct store_cursor *c, struct slice *out_key,
                                                 struct slice *out_value);
/* The first whose key is not less. */
FAN_MUST_CHECK enum fan_status store_cursor_seek(struct store_cursor *c, struct slice key, struct slice *out_key,
                                                 struct slice *out_value);
FAN_MUST_CHECK enum fan_status store_cursor_next(struct store_cursor *c, struct slice *out_key,
                                                 struct slice *out_value);
FAN_MUST_CHECK enum fan_status store_cursor_prev(struct store_cursor *c, struct slice *out_key,
                                                 struct slice *out_value);
/* Writers: takes out what the cursor stands on; next then gives the one behind it. */
FAN_MUST_CHECK enum fan_status store_cursor_delete(struct store_cursor *c);

/* ---- words of STORE_META ---- */
FAN_MUST_CHECK enum fan_status store_meta_u64(struct store_txn *t, const char *word, uint64_t *out);
FAN_MUST_CHECK enum fan_status store_meta_put_u64(struct store_txn *t, const char *word, uint64_t value);

#endif
