/* test_calls: memory that runs out, and LMDB that refuses, at the Nth call.
 *
 * The linker puts these functions in front of the real ones (-Wl,--wrap, in cmake/tests.cmake), for what is compiled
 * into the test; LMDB's own memory is its own. Only a thread that has said calls_arm() is concerned, so that what
 * executes transactions, and may not run out of memory, is left in peace.
 *
 * Include it in one file of a test that cmake/tests.cmake names. Thread: any. */
#ifndef STORE_TEST_CALLS_H
#define STORE_TEST_CALLS_H

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>

#include "base/base.h"

/* Calls so far on armed threads, and which one fails; 0: none. */
struct test_calls {
    _Atomic long count, fails_at;
};

static struct test_calls memory_calls, lmdb_calls;
static _Atomic int lmdb_fails_with; /* what LMDB then returns */
static _Thread_local bool calls_armed;

static inline void calls_arm(bool on)
{
    calls_armed = on;
}

static inline bool call_fails(struct test_calls *c)
{
    return calls_armed && ++c->count == c->fails_at;
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return call_fails(&memory_calls) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return call_fails(&memory_calls) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    return call_fails(&memory_calls) ? NULL : __real_realloc(at, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return call_fails(&memory_calls) ? NULL : __real_aligned_alloc(alignment, size);
}

/* A function of LMDB's that gives a status. */
#define LMDB_STANDS_IN(name, parameters, arguments)                                                                    \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        return call_fails(&lmdb_calls) ? (int)lmdb_fails_with : __real_##name arguments;                               \
    }

LMDB_STANDS_IN(mdb_txn_begin, (MDB_env * e, MDB_txn *parent, unsigned flags, MDB_txn **out), (e, parent, flags, out))
LMDB_STANDS_IN(mdb_txn_renew, (MDB_txn * t), (t))
LMDB_STANDS_IN(mdb_get, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v), (t, d, k, v))
LMDB_STANDS_IN(mdb_put, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v, unsigned flags), (t, d, k, v, flags))
LMDB_STANDS_IN(mdb_del, (MDB_txn * t, MDB_dbi d, MDB_val *k, MDB_val *v), (t, d, k, v))
LMDB_STANDS_IN(mdb_cursor_open, (MDB_txn * t, MDB_dbi d, MDB_cursor **out), (t, d, out))
LMDB_STANDS_IN(mdb_cursor_get, (MDB_cursor * c, MDB_val *k, MDB_val *v, MDB_cursor_op op), (c, k, v, op))
LMDB_STANDS_IN(mdb_cursor_del, (MDB_cursor * c, unsigned flags), (c, flags))

int __real_mdb_txn_commit(MDB_txn *t);
int __wrap_mdb_txn_commit(MDB_txn *t);

/* As LMDB's: the transaction is gone, whatever comes of it. */
int __wrap_mdb_txn_commit(MDB_txn *t)
{
    if (!call_fails(&lmdb_calls)) return __real_mdb_txn_commit(t);
    mdb_txn_abort(t);
    return lmdb_fails_with;
}
/* NOLINTEND(bugprone-reserved-identifier) */

#endif
