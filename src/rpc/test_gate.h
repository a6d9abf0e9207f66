/* test_gate: a method whose calls wait until the test lets them pass, for what must be seen while calls are under way. */
#ifndef RPC_TEST_GATE_H
#define RPC_TEST_GATE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "rpc/rpc.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_size_t at_gate; /* calls that have come to it since it was closed last, those that have passed included */

/* The method; give it RPC_POOL. */
static inline void wait_at_gate(struct call *c)
{
    atomic_fetch_add(&at_gate, 1);
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    json_put_text(call_result(c), "passed");
    call_finish(c);
}

static inline void gate_close(void)
{
    atomic_store(&at_gate, 0);
    (void)pthread_mutex_lock(&gate);
}

static inline void gate_open(void)
{
    (void)pthread_mutex_unlock(&gate);
}

static inline void gate_await(size_t count)
{
    while (atomic_load(&at_gate) < count) (void)sched_yield();
}

#endif
