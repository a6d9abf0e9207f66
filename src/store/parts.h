/* parts: the inside of a store, for the files of this folder, which alone see LMDB.
 *
 * LMDB's own reader table ties a place to a transaction (MDB_NOTLS), not to a thread. Transactions that ended are kept,
 * reset, in a stack and renewed: beginning to read costs a lock for a few instructions and no system call. The same
 * lock counts who reads, since the map can only grow while nobody does. */
#ifndef STORE_PARTS_H
#define STORE_PARTS_H

#include <lmdb.h>
#include <pthread.h>

#include "store/store.h"

enum { STORE_READERS_MAX = 1000 };

struct store_txn {
    struct store *store;
    MDB_txn *txn;
    bool writes;
    int failed; /* the first error of LMDB or the system in a write transaction */
    struct store_txn *next_idle;
};

struct store {
    char *dir;
    int lock_fd;
    MDB_env *env;
    MDB_dbi tables[STORE_TABLE_COUNT];
    struct store_options options;
    size_t map_bytes;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct store_txn *idle; /* read transactions, reset */
    size_t reading;
    bool growing;  /* nobody begins to read */
    bool poisoned; /* no more writes */
    struct store_stats stats;
};

/* A number of LMDB or errno as a status, with its words. */
enum fan_status store_status(const struct store *s, const char *what, int rc, struct fan_error *err);
/* Doubles the map. FAN_EAGAIN: done, the transaction may be built again. FAN_EIO: it cannot grow. Waits until nobody
 * reads. No write transaction is open. */
enum fan_status store_grow(struct store *s, struct fan_error *err);

/* Locked: reads the sizes anew. */
void store_count_sizes(struct store *s);

/* ---- lock.c ---- */
/* Takes DIR/LOCK for this process. FAN_EEXIST names who has it. */
FAN_MUST_CHECK enum fan_status store_lock(const char *dir, int *out_fd, struct fan_error *err);

#endif
